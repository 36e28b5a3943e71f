/* safetensors: eight bytes of length, a JSON header, the tensors' bytes. The format of checkpoints;
   loading one runs no code. Format: the README of huggingface/safetensors. */
#include "safetensors.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { HEADER_MOST = 100 * 1000 * 1000 };

_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "elements are stored as in memory");

/* ---- reading ------------------------------------------------------------------------------------ */

static void read_archive(FileIn *in, void *arg) {
  Archive *a = arg;
  uint64_t length;
  if (in->size < 10) {
    file_fail(in, "not a safetensors file: it has only %lld bytes", (long long)in->size);
  }
  file_get(in, &length, 8, 0);
  if (length > (uint64_t)in->size - 8) {
    file_fail(in, "not a safetensors file, or truncated: its header should have %" PRIu64 " bytes",
              length);
  }
  if (length > HEADER_MOST) {
    file_fail(in, "its header has %" PRIu64 " bytes; at most %d are read", length, HEADER_MOST);
  }
  char *text = scratch_array((int64_t)length + 1, 1);
  file_get(in, text, (int64_t)length, 8);
  HeaderTable t;
  int64_t start = 8 + (int64_t)length;
  safetensors_header(in, text, (int64_t)length, in->size - start, &t);
  *a = (Archive){.count = t.count, .nnotes = t.nnotes, .note = t.note};
  a->entry = scratch_array(t.count, sizeof *a->entry);
  for (int64_t i = 0; i < t.count; i++) {
    const Entry *e = &t.entry[i];
    Tensor *x = t_new(e->dtype, e->ndim, e->shape);
    file_get(in, t_data(x), e->end - e->start, start + e->start);
    if (e->dtype == T_BOOL) file_check_bools(in, x, e->name);
    a->entry[i] = (NamedTensor){e->name, x};
  }
}

void archive_room(Archive *a) {
  a->entry = scratch_array(a->count, sizeof *a->entry);
  a->note = scratch_array(a->nnotes, sizeof *a->note);
}

const char *archive_text(const char *s) {
  size_t n = strlen(s) + 1;
  return memcpy(scratch_array((int64_t)n, 1), s, n);
}

void safetensors_read(const char *path, Archive *out) {
  file_read("load", path, read_archive, out);
}

/* ---- writing ------------------------------------------------------------------------------------ */

/* Text that is measured first (to NULL) and then written. */
typedef struct Text {
  char *to;
  int64_t n;
} Text;

static void add(Text *t, const char *s, size_t n) {
  if (t->to) memcpy(t->to + t->n, s, n);
  t->n += (int64_t)n;
}

static void add_string(Text *t, const char *s) {
  char escape[8];
  add(t, "\"", 1);
  for (; *s; s++) {
    if (*s == '"' || *s == '\\') {
      add(t, "\\", 1);
      add(t, s, 1);
    } else if ((uint8_t)*s < 0x20) {
      add(t, escape, (size_t)snprintf(escape, sizeof escape, "\\u%04x", (uint8_t)*s));
    } else {
      add(t, s, 1);
    }
  }
  add(t, "\"", 1);
}

static void add_number(Text *t, const char *before, int64_t v) {
  char digits[32];
  add(t, digits, (size_t)snprintf(digits, sizeof digits, "%s%" PRId64, before, v));
}

static int64_t bytes_of(const Tensor *x) { return x->numel * (int64_t)dtype_size((DType)x->dtype); }

static void add_entry(Text *t, const NamedTensor *e, int64_t start) {
  add_string(t, e->name);
  add(t, ":{\"dtype\":", 10);
  add_string(t, safetensors_dtype_name((DType)e->t->dtype));
  add(t, ",\"shape\":[", 10);
  for (int d = 0; d < e->t->ndim; d++) add_number(t, d ? "," : "", e->t->shape[d]);
  add_number(t, "],\"data_offsets\":[", start);
  add_number(t, ",", start + bytes_of(e->t));
  add(t, "]}", 2);
}

static void add_header(Text *t, const Archive *a, const int64_t *start) {
  add(t, "{", 1);
  if (a->nnotes > 0) {
    add(t, "\"__metadata__\":{", 16);
    for (int64_t i = 0; i < a->nnotes; i++) {
      if (i) add(t, ",", 1);
      add_string(t, a->note[i].key);
      add(t, ":", 1);
      add_string(t, a->note[i].value);
    }
    add(t, "}", 1);
  }
  for (int64_t i = 0; i < a->count; i++) {
    if (i || a->nnotes) add(t, ",", 1);
    add_entry(t, &a->entry[i], start[i]);
  }
  add(t, "}", 1);
  while (t->n % 8) add(t, " ", 1);
}

typedef struct Plan {
  const Archive *a;
  int64_t *order, *start; /* positions in the order of the data; first byte of each tensor */
} Plan;

/* Wide elements first, so that every tensor is aligned to its element. */
static void make_plan(Plan *p) {
  const Archive *a = p->a;
  p->order = scratch_array(a->count, sizeof *p->order);
  p->start = scratch_array(a->count, sizeof *p->start);
  int64_t n = 0, at = 0;
  for (size_t size = 8; size > 0; size /= 2) {
    for (int64_t i = 0; i < a->count; i++) {
      if (dtype_size((DType)a->entry[i].t->dtype) == size) p->order[n++] = i;
    }
  }
  for (int64_t k = 0; k < a->count; k++) {
    p->start[p->order[k]] = at;
    at += bytes_of(a->entry[p->order[k]].t);
  }
}

static void write_archive(FileOut *out, void *arg) {
  const Plan *p = arg;
  Text text = {0};
  add_header(&text, p->a, p->start);
  if (text.n > HEADER_MOST) {
    t_fail("save: the names and metadata take %lld bytes; the format allows %d", (long long)text.n,
           HEADER_MOST);
  }
  uint64_t length = (uint64_t)text.n;
  text = (Text){.to = scratch_array(text.n, 1)};
  add_header(&text, p->a, p->start);
  file_put(out, &length, 8);
  file_put(out, text.to, text.n);
  for (int64_t k = 0; k < p->a->count; k++) file_put_tensor(out, p->a->entry[p->order[k]].t);
}

static int by_text(const void *a, const void *b) {
  return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static void check_text(const char *s, const char *what) {
  for (const char *p = s; *p;) {
    int n = safetensors_utf8((const uint8_t *)p);
    if (!n) t_fail("save: %s \"%.100s\" is not UTF-8, as the format demands", what, s);
    p += n;
  }
}

/* No name twice, none that the format keeps for itself, all of them text. */
static void check_names(const Archive *a) {
  for (int64_t i = 0; i < a->count; i++) check_text(a->entry[i].name, "the name");
  for (int64_t i = 0; i < a->nnotes; i++) {
    check_text(a->note[i].key, "the metadata");
    check_text(a->note[i].value, "the metadata");
  }
  const char **name = scratch_array(a->count, sizeof *name);
  for (int64_t i = 0; i < a->count; i++) name[i] = a->entry[i].name;
  qsort(name, (size_t)a->count, sizeof *name, by_text);
  for (int64_t i = 0; i < a->count; i++) {
    if (i && strcmp(name[i - 1], name[i]) == 0) {
      t_fail("save: the name \"%.100s\" comes twice", name[i]);
    }
    if (strcmp(name[i], "__metadata__") == 0) {
      t_fail("save: the name __metadata__ is taken by the format; use the option metadata");
    }
  }
}

void safetensors_write(const char *path, const Archive *in) {
  Plan p = {.a = in};
  check_names(in);
  make_plan(&p);
  file_replace("save", path, write_archive, &p);
}
