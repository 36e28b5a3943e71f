/* The engine of reductions: shapes into groups, groups into parts. */
#include "fold.h"

#include <string.h>

#include "../../loop/plan.h"
#include "../../machine/team.h"

enum {
  GRAIN = 1 << 15, /* values of a part */
  TILE = 1024,     /* columns, or rows, whose accumulators a part holds at a time */
  ACC_MAX = 24     /* bytes of the largest accumulator */
};

/* ---- the first pass: values into accumulators -------------------------------------------------- */

/* x as [outer, n, inner], n being the last reduced group, cut into chunks of n and tiles of inner;
   a part takes `group` outers of one chunk and tile. */
typedef struct Pass {
  const Fold *fold;
  const FoldArg *arg;
  const FoldShape *shape; /* of x */
  const char *x;
  const Plan *reader; /* of x where it is scattered */
  char *acc;          /* [outer, chunks, inner], or NULL: straight into y */
  char *y;
  int64_t *indices;
  Reduce kernel;
  size_t xsize, ysize;
  int at; /* the group that n is, or -1 */
  int64_t outer, n, inner;
  int64_t chunk, chunks, tile, tiles, group;
} Pass;

static int64_t over(int64_t a, int64_t b) { return (a + b - 1) / b; }

static void plan(Pass *p, const FoldShape *s) {
  int at = s->n - 1;
  while (at >= 0 && !s->reduced[at]) at--;
  p->at = at;
  p->shape = s;
  p->outer = p->inner = 1;
  p->n = at < 0 ? 1 : s->size[at];
  for (int i = 0; i < s->n; i++) {
    if (i < at || at < 0) p->outer *= s->size[i];
    if (i > at && at >= 0) p->inner *= s->size[i];
  }
  p->tile = p->inner < TILE ? p->inner : TILE;
  p->tiles = over(p->inner, p->tile);
  p->chunk = GRAIN / p->tile;
  if (p->n <= 2 * p->chunk) p->chunk = p->n;
  p->chunks = over(p->n, p->chunk);
  p->group = GRAIN / (p->chunk * p->tile);
  if (p->group < 1 || p->tiles * p->chunks > 1) p->group = 1;
}

static void fold_rows(const Pass *p, int64_t rows, int64_t n, int64_t at, const void *x,
                      void *acc) {
  if (p->fold->rows)
    p->fold->rows(rows, n, x, acc, p->arg);
  else
    p->kernel.rows(rows, n, at, x, acc);
}

/* Where outer o begins in runs. */
static int64_t start_of(const Pass *p, int64_t o) {
  const FoldShape *s = p->shape;
  int64_t offset = 0;
  for (int i = p->at - 1; i >= 0; i--) {
    offset += o % s->size[i] * s->stride[i];
    o /= s->size[i];
  }
  return offset;
}

/* The values of rows x n from outer o on, each row from position `at`. */
static void fold_values(const Pass *p, int64_t o, int64_t rows, int64_t n, int64_t at, char *read,
                        char *acc) {
  int64_t first = o * p->n + at, size = (int64_t)p->xsize;
  if (p->shape->lie == FOLD_RUNS) {
    for (int64_t r = 0; r < rows; r++, acc += p->fold->size) {
      fold_rows(p, 1, n, at, p->x + (start_of(p, o + r) + at) * size, acc);
    }
    return;
  }
  if (p->reader) plan_read(p->reader, first, rows * n, read);
  fold_rows(p, rows, n, at, p->reader ? read : p->x + first * size, acc);
}

static void *at_y(const Pass *p, int64_t i) { return p->y ? p->y + i * (int64_t)p->ysize : NULL; }

/* Several whole rows (inner is 1): accumulators go through a buffer where they have no place. */
static void rows_part(const Pass *p, int64_t from, int64_t rows, int64_t chunk, char *read) {
  _Alignas(64) char buffer[TILE * ACC_MAX];
  int64_t at = chunk * p->chunk, n = p->n - at < p->chunk ? p->n - at : p->chunk;
  for (int64_t k = from; k < from + rows; k += TILE) {
    int64_t m = from + rows - k < TILE ? from + rows - k : TILE;
    char *acc = p->acc ? p->acc + (k * p->chunks + chunk) * (int64_t)p->fold->size : buffer;
    fold_values(p, k, m, n, at, read, acc);
    if (p->acc) continue;
    int64_t *indices = p->indices ? p->indices + k : NULL;
    p->fold->finish(m, acc, at_y(p, k), indices, p->arg);
  }
}

/* Columns i..i+width-1 of n rows of outer o, from row `at` on: where they are, *stride apart. */
static const void *block(const Pass *p, int64_t o, int64_t at, int64_t n, int64_t i, int64_t width,
                         char *read, int64_t *stride) {
  int64_t first = (o * p->n + at) * p->inner + i, size = (int64_t)p->xsize;
  *stride = p->shape->lie == FOLD_RUNS ? p->shape->stride[p->at] : p->inner;
  if (p->shape->lie == FOLD_RUNS) return p->x + (start_of(p, o) + at * *stride + i) * size;
  if (!p->reader) return p->x + first * size;
  bool whole = width == p->inner;
  for (int64_t r = 0; r < (whole ? 1 : n); r++) {
    plan_read(p->reader, first + r * p->inner, whole ? n * width : width, read + r * width * size);
  }
  *stride = width;
  return read;
}

static void cols_part(const Pass *p, int64_t o, int64_t i, int64_t chunk, char *read) {
  _Alignas(64) char buffer[TILE * ACC_MAX];
  int64_t at = chunk * p->chunk, n = p->n - at < p->chunk ? p->n - at : p->chunk;
  int64_t width = p->inner - i < p->tile ? p->inner - i : p->tile;
  int64_t place = (o * p->chunks + chunk) * p->inner + i;
  void *acc = p->acc ? p->acc + place * (int64_t)p->fold->size : buffer;
  int64_t stride;
  const void *x = block(p, o, at, n, i, width, read, &stride);
  if (p->fold->cols)
    p->fold->cols(width, n, stride, x, acc, p->arg);
  else
    p->kernel.cols(width, n, stride, at, x, acc);
  if (p->acc) return;
  int64_t *indices = p->indices ? p->indices + place : NULL;
  p->fold->finish(width, acc, at_y(p, place), indices, p->arg);
}

static void one_part(const Pass *p, int64_t i, char *read) {
  int64_t chunk = i % p->chunks, tile = i / p->chunks % p->tiles;
  int64_t o = i / (p->chunks * p->tiles) * p->group;
  int64_t end = o + p->group < p->outer ? o + p->group : p->outer;
  if (p->inner == 1) {
    rows_part(p, o, end - o, chunk, read);
  } else {
    for (; o < end; o++) cols_part(p, o, tile * p->tile, chunk, read);
  }
}

static void part(void *job, int64_t i) { one_part(job, i, NULL); }

static void reading_part(void *job, int64_t i) {
  _Alignas(64) char read[2 * GRAIN * PLAN_WIDE]; /* plan() makes no larger parts */
  one_part(job, i, read);
}

/* ---- further passes: accumulators into fewer --------------------------------------------------- */

/* from: [outer, n, inner], to: [outer, inner]; a part is one outer and tile. */
typedef struct Join {
  const Fold *fold;
  const char *from;
  char *to;
  int64_t outer, n, inner, tiles;
} Join;

static void join_part(void *job, int64_t k) {
  const Join *j = job;
  int64_t size = (int64_t)j->fold->size, o = k / j->tiles, i = k % j->tiles * TILE;
  int64_t width = j->inner - i < TILE ? j->inner - i : TILE;
  const char *from = j->from + (o * j->n * j->inner + i) * size;
  char *to = j->to + (o * j->inner + i) * size;
  memcpy(to, from, (size_t)(width * size));
  for (int64_t r = 1; r < j->n; r++) j->fold->join(width, to, from + r * j->inner * size);
}

/* Joins the last reduced group of s away; returns where the accumulators are now. */
static char *join(const Fold *f, FoldShape *s, int at, char *acc) {
  Join j = {.fold = f, .from = acc, .outer = 1, .n = s->size[at], .inner = 1};
  for (int i = 0; i < at; i++) j.outer *= s->size[i];
  for (int i = at + 1; i < s->n; i++) j.inner *= s->size[i];
  j.to = acc + j.outer * j.n * j.inner * (int64_t)f->size;
  j.tiles = over(j.inner, TILE);
  team_run(j.outer * j.tiles, join_part, &j);
  s->size[at] = 1;
  s->reduced[at] = false;
  return j.to;
}

/* ---- the whole -------------------------------------------------------------------------------- */

static bool joins_follow(const Pass *p, const FoldShape *s) {
  bool more = p->chunks > 1;
  for (int i = 0; i < p->at; i++) more = more || s->reduced[i];
  return more;
}

size_t fold_scratch(const FoldShape *s, size_t acc) {
  for (int i = 0; i < s->n; i++) {
    if (s->size[i] == 0) return 0;
  }
  Pass p;
  plan(&p, s);
  if (!joins_follow(&p, s)) return 0;
  return 2 * (size_t)(p.outer * p.chunks * p.inner) * acc;
}

/* Folds that need a value are never asked for the fold of none. */
static void of_nothing(const Pass *p, int64_t results) {
  _Alignas(64) char acc[ACC_MAX];
  for (int64_t i = 0; i < results; i++) {
    fold_rows(p, 1, 0, 0, NULL, acc);
    p->fold->finish(1, acc, at_y(p, i), NULL, p->arg);
  }
}

void fold_run(const Fold *f, const FoldShape *shape, const Tensor *x, Tensor *y, Tensor *indices,
              const FoldArg *arg, void *scratch) {
  FoldShape s = *shape;
  Pass p = {.fold = f, .arg = arg, .x = t_data(x), .acc = scratch};
  p.y = y ? t_data(y) : NULL;
  p.indices = indices ? t_i64(indices) : NULL;
  p.xsize = dtype_size(s.in);
  p.ysize = y ? dtype_size((DType)y->dtype) : 0;
  p.kernel = SIMD_PICK(reduce_kernels)->of[f->kernel][s.in];
  if (x->numel == 0) {
    if (y) of_nothing(&p, y->numel);
    return;
  }
  plan(&p, shape);
  Plan reader;
  if (s.lie == FOLD_SCATTERED) {
    plan_reader(&reader, x, s.in);
    p.reader = &reader;
  }
  team_run(over(p.outer, p.group) * p.tiles * p.chunks, p.reader ? reading_part : part, &p);
  if (!scratch) return;
  char *acc = scratch;
  int at = p.at;
  s.size[at] = p.chunks;
  s.reduced[at] = p.chunks > 1;
  for (; at >= 0; at--) {
    if (s.reduced[at]) acc = join(f, &s, at, acc);
  }
  f->finish((y ? y : indices)->numel, acc, p.y, p.indices, arg);
}
