/* The catalogue: the families of ops, and the way from a name to its row. */
#include "op.h"

#include <stdlib.h>
#include <string.h>

#include "sig.h"

/* The files of rows, a family a line, in the order of help and of doc/ops.md. */
/* clang-format off */
#define FILES(X) \
  X(create) X(diagonals) X(grids) \
  X(random) X(distributions) X(multinomial) X(dropout) X(features) \
  X(unary) X(trigonometry) X(special) X(bessel) X(special_pairs) X(activation) X(binary) X(slope_pairs) X(compare) X(ternary) \
  X(arithmetic) \
  X(reduce) X(scan) X(statistics) X(masked) \
  X(reshape) X(views) X(join) X(stacks) X(split) X(blocks) X(pad) X(patches) X(triangles) X(write) X(window) \
  X(gather) X(scatter) X(select) X(segments) X(replace) X(masks) X(advanced) X(embedding) X(bags) \
  X(sort) X(ranks) X(quantile) X(unique) X(search) X(counts) \
  X(cast) \
  X(matmul) \
  X(products) X(cross) X(tensors) X(norms) X(solve) X(determinant) X(factor) X(reflections) X(lu) X(spectral) X(pinv) X(least) X(exponential) \
  X(conv) X(convolve) \
  X(max_pool) X(avg_pool) X(planes) X(fractional) \
  X(interpolate) X(grid) X(resample) \
  X(batch_norm) X(layer_norm) X(group_norm) \
  X(softmax) X(gates) \
  X(classes) X(pairs) X(slopes) X(scores) X(likelihood) X(margins) X(ctc) \
  X(distance) X(sets) \
  X(recurrent) \
  X(attention) \
  X(optim)
/* clang-format on */

#define DECLARE(file) extern const Family file##_family;
#define ADDRESS(file) &file##_family,
FILES(DECLARE)
static const Family *const families[] = {FILES(ADDRESS)};
enum { FAMILIES = sizeof families / sizeof *families };

/* Names and aliases, open addressing. */
typedef struct Slot {
  const char *name;
  size_t n;
  const Op *op;
} Slot;

static Slot *slots;
static unsigned nslots;
static int count;

static unsigned hash(const char *s, size_t n) {
  unsigned h = 2166136261u;
  for (size_t i = 0; i < n; i++) h = (h ^ (unsigned char)s[i]) * 16777619u;
  return h;
}

static Slot *slot_of(const char *name, size_t n) {
  unsigned i = hash(name, n) & (nslots - 1);
  while (slots[i].op && (slots[i].n != n || memcmp(slots[i].name, name, n) != 0)) {
    i = (i + 1) & (nslots - 1);
  }
  return &slots[i];
}

static void enter(const char *name, size_t n, const Op *op) {
  *slot_of(name, n) = (Slot){name, n, op};
}

/* Out of memory here, before anything runs, ends the process: there is no one to tell. */
static void *must(void *p) {
  if (!p) abort();
  return p;
}

static void load(void) {
  for (int f = 0; f < FAMILIES; f++) count += families[f]->count;
  for (nslots = 64; nslots < 4u * (unsigned)count; nslots *= 2) {}
  slots = must(calloc(nslots, sizeof *slots));
  Sig *sigs = must(calloc((size_t)count, sizeof *sigs));
  for (int f = 0; f < FAMILIES; f++) {
    for (int i = 0; i < families[f]->count; i++) {
      Op *op = &families[f]->rows[i];
      sig_parse(op->sig, sigs);
      op->parsed = sigs++;
      enter(op->parsed->name, strlen(op->parsed->name), op);
      for (const char *a = op->aliases; a && *a;) {
        size_t n = strcspn(a, " ");
        enter(a, n, op);
        a += n + (a[n] == ' ');
      }
    }
  }
}

int op_count(void) {
  if (!slots) load();
  return count;
}

const Op *op_at(int i) {
  if (!slots) load();
  int f = 0;
  while (i >= families[f]->count) i -= families[f++]->count;
  return &families[f]->rows[i];
}

const char *op_family(const Op *op) {
  for (int f = 0; f < FAMILIES; f++) {
    if (op >= families[f]->rows && op < families[f]->rows + families[f]->count) {
      return families[f]->name;
    }
  }
  return "";
}

const Op *op_find(const char *name) {
  if (!slots) load();
  return slot_of(name, strlen(name))->op;
}

const Op *op_need(const char *name) {
  const Op *op = op_find(name);
  if (!op) t_fail("there is no op named %s", name);
  return op;
}
