/* Picking blocks: offsets, checked positions, and the three ways of moving. */
#include "pick.h"

#include <stdio.h>
#include <string.h>

#include "../../calc.h"
#include "../../loop/cast.h"
#include "../../kernels/index.h"
#include "../../machine/team.h"

enum {
  GRAIN = 1 << 15, /* elements of a part */
  STRIP = 64,      /* a part writes at least so many elements of a block */
  PIECE = 1 << 18  /* elements that it writes between two looks at Ctrl-C's flag */
};

static int64_t *int_array(int64_t n) { return t_i64(t_new(T_I64, 1, &n)); }

const int64_t *pick_offsets(const Tensor *x, int from, int to, int64_t *count, bool may_be_null) {
  int64_t n = 1;
  bool dense = true;
  for (int d = to - 1; d >= from; d--) {
    if (x->shape[d] != 1 && x->stride[d] != n) dense = false;
    n *= x->shape[d];
  }
  *count = n;
  if (dense && may_be_null) return NULL;
  int64_t *out = int_array(n), at[T_MAXDIM] = {0}, place = 0;
  for (int64_t i = 0, end; (end = team_piece(i, n)) > i;) {
    for (; i < end; i++) {
      out[i] = place;
      for (int d = to - 1; d >= from; d--) {
        place += x->stride[d];
        if (++at[d] < x->shape[d]) break;
        place -= x->stride[d] * x->shape[d];
        at[d] = 0;
      }
    }
  }
  return out;
}

Pick pick_along(const Tensor *x, int dim, const Positions *at) {
  Pick p = {.nat = at->at->numel, .at = t_i64(at->at)};
  p.reach = (Reach){at->base, x->stride[dim], at->size};
  p.pre = pick_offsets(x, 0, dim, &p.npre, false);
  p.post = pick_offsets(x, dim + 1, x->ndim, &p.npost, true);
  return p;
}

Tensor pick_row(const Tensor *x) {
  Tensor row = *x;
  if (x->ndim == 0) {
    row.ndim = 1;
    row.shape[0] = row.stride[0] = 1;
  }
  return row;
}

Tensor *pick_computed(Tensor *g) { return g->dtype >= T_F16 ? t_cast(g, T_F32) : g; }

Tensor *pick_values(Tensor *src, const Tensor *y) {
  bool fine = src->dtype == y->dtype && src->st != y->st && t_is_contiguous(src);
  return fine ? src : cast_copy(src, (DType)y->dtype);
}

/* ---- positions -------------------------------------------------------------------------------- */

void pick_check_integers(const Call *c, const Tensor *index) {
  if (dtype_is_int((DType)index->dtype)) return;
  t_fail("%s: the index is %s; positions are integers (x:long() converts)", call_name(c),
         dtype_name((DType)index->dtype));
}

/* The op's name before a message; brackets need none. */
static const char *named(const Call *c) {
  static char text[48];
  bool brackets = strncmp(call_name(c), "index", 5) == 0 && (c->op->flags & OP_HIDDEN);
  snprintf(text, sizeof text, brackets ? "" : "%s: ", call_name(c));
  return text;
}

/* What is wrong with a position. */
static const char *outside(int64_t given, const Tensor *of, int dim, bool from_end) {
  static char text[256];
  char wanted[80];
  long long size = of->shape[dim];
  if (given == 0)
    snprintf(wanted, sizeof wanted, "positions count from 1%s; x is ",
             from_end ? " (the last is -1)" : "");
  else
    snprintf(wanted, sizeof wanted, "x is ");
  int n = snprintf(text, sizeof text, "index %lld in dimension %d: %s%s", (long long)given, dim + 1,
                   wanted, t_shape_str(of));
  char *rest = text + n;
  size_t room = sizeof text - (size_t)n;
  if (given == 0) return text;
  if (size == 0)
    snprintf(rest, room, " and has no position there");
  else if (from_end)
    snprintf(rest, room, ", so 1..%lld or -%lld..-1", size, size);
  else
    snprintf(rest, room, ", so 1..%lld", size);
  return text;
}

const char *pick_outside(const Positions *p, const Tensor *of, int dim) {
  const int64_t *at = t_i64(p->at);
  int64_t i = 0;
  while (i < p->at->numel - 1 && (uint64_t)at[i] - (uint64_t)p->base < p->size) i++;
  Tensor row = pick_row(of);
  return outside(at[i], &row, dim, false);
}

Tensor *pick_positions(const Call *c, const Tensor *index, const Tensor *of, int dim,
                       bool from_end) {
  pick_check_integers(c, index);
  Tensor *out = cast_copy(index, T_I64);
  int64_t *p = t_i64(out), size = of->shape[dim];
  for (int64_t i = 0, end; (end = team_piece(i, out->numel)) > i;) {
    for (; i < end; i++) {
      int64_t given = p[i];
      p[i] = given > 0 ? given - T_BASE : given + size;
      bool fits = p[i] >= 0 && p[i] < size && given != 0 && (given > 0 || from_end);
      if (!fits) t_fail("%s%s", named(c), outside(given, of, dim, from_end));
    }
  }
  return out;
}

typedef struct Within {
  const Tensor *index;
  int64_t size;
  bool outside;
} Within;

static void within_part(void *job, int64_t part) {
  Within *w = job;
  int64_t at = part * GRAIN, left = w->index->numel - at;
  bool within =
      SIMD_PICK(index_loops)->within(left < GRAIN ? left : GRAIN, t_i64(w->index) + at, w->size);
  if (!within) __atomic_store_n(&w->outside, true, __ATOMIC_RELAXED);
}

static bool all_within(const Tensor *index, int64_t size) {
  Within w = {index, size, false};
  team_run((index->numel + GRAIN - 1) / GRAIN, within_part, &w);
  return !w.outside;
}

Positions pick_checked(const Call *c, const Tensor *index, const Tensor *of, int dim,
                       PickCheck when) {
  bool direct = index->dtype == T_I64 && index->st != of->st && t_is_contiguous(index);
  /* what has no elements is not moved, so nobody would look */
  if (direct && when == PICK_LATER && of->numel > 0)
    return (Positions){index, T_BASE, (uint64_t)of->shape[dim]};
  if (direct && all_within(index, of->shape[dim])) return (Positions){index, T_BASE, UINT64_MAX};
  return (Positions){pick_positions(c, index, of, dim, when == PICK_FROM_END), 0, UINT64_MAX};
}

/* ---- moving ----------------------------------------------------------------------------------- */

typedef struct Job {
  const Pick *p;
  char *tensor, *values;
  size_t size;
  DType dtype;
  double alpha;
  int64_t rows;                 /* read: rows of a part */
  bool outside;                 /* read: whether a position lies outside */
  int64_t group, strip, strips; /* write: pres of a part, elements of a strip, strips of a block */
} Job;

static int64_t place_of(const Pick *p, int64_t a) {
  return (p->at[a] - p->reach.base) * p->reach.stride;
}

#define PICK_ONE(T)                                                                                \
  static bool read_##T(const Job *j, int64_t row, int64_t n) {                                     \
    const Pick *p = j->p;                                                                          \
    const Reach r = p->reach;                                                                      \
    const int64_t npost = p->npost, *post = p->post;                                               \
    const Move gather = SIMD_PICK(line_loops)->gather[__builtin_ctzl(sizeof(T))];                  \
    T *v = (T *)j->values + row * npost;                                                           \
    for (int64_t run; n > 0; n -= run, row += run) {                                               \
      T *x = (T *)j->tensor + p->pre[row / p->nat];                                                \
      const int64_t *at = p->at + row % p->nat, left = p->nat - row % p->nat;                      \
      run = n < left ? n : left;                                                                   \
      if (npost == 1 && !post) {                                                                   \
        if (!gather(run, x, 0, &r, at, v, 1)) return false;                                        \
        v += run;                                                                                  \
        continue;                                                                                  \
      }                                                                                            \
      for (int64_t a = 0; a < run; a++, v += npost) {                                              \
        uint64_t k = (uint64_t)at[a] - (uint64_t)r.base;                                           \
        if (k >= r.size) return false;                                                             \
        const T *from = x + (int64_t)k * r.stride;                                                 \
        if (post) {                                                                                \
          for (int64_t i = 0; i < npost; i++) v[i] = from[post[i]];                                \
        } else {                                                                                   \
          memcpy(v, from, (size_t)npost * sizeof(T));                                              \
        }                                                                                          \
      }                                                                                            \
    }                                                                                              \
    return true;                                                                                   \
  }                                                                                                \
  static void write_##T(const Job *j, int64_t i, int64_t from, int64_t n) {                        \
    const Pick *p = j->p;                                                                          \
    T *y = (T *)j->tensor + p->pre[i];                                                             \
    const T *v = (const T *)j->values + i * p->nat * p->npost + from;                              \
    for (int64_t a = 0; a < p->nat; a++, v += p->npost) {                                          \
      T *to = y + place_of(p, a);                                                                  \
      if (p->post) {                                                                               \
        for (int64_t k = 0; k < n; k++) to[p->post[from + k]] = v[k];                              \
      } else if (n == 1) {                                                                         \
        to[from] = v[0];                                                                           \
      } else {                                                                                     \
        memcpy(to + from, v, (size_t)n * sizeof(T));                                               \
      }                                                                                            \
    }                                                                                              \
  }
PICK_ONE(uint8_t)
PICK_ONE(uint16_t)
PICK_ONE(uint32_t)
PICK_ONE(uint64_t)

/* ADD: what stands at o after e was added, alpha being of type A. */
#define ADD_ONE(name, T, A, ADD)                                                                   \
  static void add_##name(const Job *j, int64_t i, int64_t from, int64_t n) {                       \
    const Pick *p = j->p;                                                                          \
    T *y = (T *)j->tensor + p->pre[i];                                                             \
    const T *v = (const T *)j->values + i * p->nat * p->npost + from;                              \
    A alpha = (A)j->alpha;                                                                         \
    const int64_t single = n == 1 && !p->post;                                                     \
    for (int64_t a = 0; single && a < p->nat; a++, v += p->npost) {                                \
      T *o = y + place_of(p, a) + from, e = *v;                                                    \
      *o = (T)(ADD);                                                                               \
    }                                                                                              \
    if (single) return;                                                                            \
    for (int64_t a = 0; a < p->nat; a++, v += p->npost) {                                          \
      T *to = y + place_of(p, a);                                                                  \
      for (int64_t k = 0; k < n; k++) {                                                            \
        T *o = &to[p->post ? p->post[from + k] : from + k], e = v[k];                              \
        *o = (T)(ADD);                                                                             \
      }                                                                                            \
    }                                                                                              \
  }
ADD_ONE(f32, float, float, *o + alpha * e)
ADD_ONE(f64, double, double, *o + alpha * e)
ADD_ONE(i64, uint64_t, int64_t, *o + (uint64_t)alpha * e)
ADD_ONE(i32, uint32_t, int64_t, *o + (uint32_t)alpha * e)
ADD_ONE(u8, uint8_t, int64_t, *o + (uint8_t)alpha * e)
ADD_ONE(b, uint8_t, int64_t, *o | (alpha != 0 && e))

static void add_dense(const Job *j, int64_t i, int64_t from, int64_t n) {
  const IndexLoops *loops = SIMD_PICK(index_loops);
  const Pick *p = j->p;
  int64_t y = p->pre[i] + from, v = i * p->nat * p->npost + from;
  for (int64_t a = 0; a < p->nat; a++, v += p->npost) {
    int64_t to = y + place_of(p, a);
    if (j->dtype == T_F32)
      loops->add_f32(n, (float *)j->tensor + to, (float *)j->values + v, (float)j->alpha);
    else
      loops->add_f64(n, (double *)j->tensor + to, (double *)j->values + v, j->alpha);
  }
}

static void read_part(void *job, int64_t part) {
  Job *j = job;
  int64_t row = part * j->rows, all = j->p->npre * j->p->nat;
  int64_t n = all - row < j->rows ? all - row : j->rows;
  bool fits = j->size == 1   ? read_uint8_t(j, row, n)
              : j->size == 2 ? read_uint16_t(j, row, n)
              : j->size == 4 ? read_uint32_t(j, row, n)
                             : read_uint64_t(j, row, n);
  if (!fits) __atomic_store_n(&j->outside, true, __ATOMIC_RELAXED);
}

bool pick_read(const Pick *p, const Tensor *x, Tensor *values) {
  if (values->numel == 0) return true;
  Job j = {.p = p, .tensor = t_data(x), .values = t_data(values)};
  j.size = dtype_size((DType)x->dtype);
  j.rows = GRAIN / p->npost + 1;
  team_run((p->npre * p->nat + j.rows - 1) / j.rows, read_part, &j);
  return !j.outside;
}

typedef void (*Write)(const Job *j, int64_t i, int64_t from, int64_t n);

static Write writer(const Job *j, bool add) {
  if (!add) {
    return j->size == 1   ? write_uint8_t
           : j->size == 2 ? write_uint16_t
           : j->size == 4 ? write_uint32_t
                          : write_uint64_t;
  }
  bool dense = !j->p->post && j->p->npost >= 8;
  switch (j->dtype) {
  case T_F32: return dense ? add_dense : add_f32;
  case T_F64: return dense ? add_dense : add_f64;
  case T_I64: return add_i64;
  case T_I32: return add_i32;
  case T_U8: return add_u8;
  default: return add_b;
  }
}

typedef struct WriteJob {
  Job j;
  Write write;
} WriteJob;

/* Block i, in pieces of its positions. */
static void write_block(const WriteJob *w, int64_t i, int64_t from, int64_t n) {
  const Pick *p = w->j.p;
  Pick q = *p;
  Job j = w->j;
  j.p = &q;
  q.pre = p->pre + i;
  int64_t most = PIECE / n + 1;
  for (int64_t at = 0; at < p->nat && !team_cut(); at += most) {
    q.at = p->at + at;
    q.nat = p->nat - at < most ? p->nat - at : most;
    j.values = w->j.values + (size_t)((i * p->nat + at) * p->npost) * j.size;
    w->write(&j, 0, from, n);
  }
}

/* Parts differ in pre or post, never in at: two of them cannot meet in one place. */
static void write_part(void *job, int64_t part) {
  const WriteJob *w = job;
  const Job *j = &w->j;
  int64_t i = part / j->strips * j->group, from = part % j->strips * j->strip;
  int64_t end = i + j->group < j->p->npre ? i + j->group : j->p->npre;
  int64_t n = j->p->npost - from < j->strip ? j->p->npost - from : j->strip;
  for (; i < end; i++) write_block(w, i, from, n);
}

static void write_all(const Pick *p, Tensor *y, const Tensor *values, bool add, double alpha) {
  if (values->numel == 0 || p->nat == 0) return;
  WriteJob w = {.j = {.p = p, .tensor = t_data(y), .values = t_data(values), .alpha = alpha}};
  Job *j = &w.j;
  j->dtype = (DType)y->dtype;
  j->size = dtype_size(j->dtype);
  w.write = writer(j, add);
  j->strip = (p->npost / 8 + STRIP) / STRIP * STRIP;
  j->strips = (p->npost + j->strip - 1) / j->strip;
  j->group = GRAIN / (p->nat * j->strip) + 1;
  team_run((p->npre + j->group - 1) / j->group * j->strips, write_part, &w);
}

void pick_write(const Pick *p, Tensor *y, const Tensor *values) {
  write_all(p, y, values, false, 1);
}

void pick_add(const Pick *p, Tensor *y, const Tensor *values, double alpha) {
  write_all(p, y, values, true, alpha);
}
