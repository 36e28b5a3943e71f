/* Single elements along one dimension: gather, scatter, scatter_add. The index has the shape of the
   values; element [i,j,k] of the values belongs to the tensor's element whose coordinate in that
   dimension is index[i,j,k], the others being i, j, k. Positions count from 1. */
#include "../../calc.h"
#include "../../cast.h"
#include "../../store.h"
#include "../../team.h"
#include "../shape/window.h"
#include "index.h"
#include "pick.h"

enum { GRAIN = 1 << 15 };

/* Positions along dim, checked: a contiguous int64 tensor of the values' shape. */
typedef struct Positions {
  const Tensor *at;
  int64_t base; /* what they count from */
} Positions;

/* Moves n elements along the last dimension: values v[0..n-1]; the tensor's elements are
   t + i*step + (at[i]-base)*stride. vstep is 0 when one value serves all. */
typedef void (*Move)(int64_t n, void *t, int64_t step, int64_t stride, const int64_t *at,
                     int64_t base, void *v, int64_t vstep);

typedef struct Lines {
  Move move;
  const Tensor *at;
  int64_t base;
  char *tensor, *values;
  int64_t size, vstep; /* bytes of an element */
  int64_t stride;      /* along dim */
  Window place;        /* at's shape, with the tensor's strides in the other dimensions */
  int cut;             /* parts are ranges of this dimension, never dim: they cannot meet */
  int64_t chunk;
} Lines;

#define MOVES(T)                                                                                   \
  static void gather_##T(int64_t n, void *t, int64_t step, int64_t stride, const int64_t *at,      \
                         int64_t base, void *v, int64_t vstep) {                                   \
    const T *x = t;                                                                                \
    T *y = v;                                                                                      \
    (void)vstep;                                                                                   \
    for (int64_t i = 0; i < n; i++) y[i] = x[i * step + (at[i] - base) * stride];                  \
  }                                                                                                \
  static void scatter_##T(int64_t n, void *t, int64_t step, int64_t stride, const int64_t *at,     \
                          int64_t base, void *v, int64_t vstep) {                                  \
    const T *x = v;                                                                                \
    T *y = t;                                                                                      \
    for (int64_t i = 0; i < n; i++) y[i * step + (at[i] - base) * stride] = x[i * vstep];          \
  }
MOVES(uint8_t)
MOVES(uint16_t)
MOVES(uint32_t)
MOVES(uint64_t)

#define ADD(name, T, SUM)                                                                          \
  static void add_##name(int64_t n, void *t, int64_t step, int64_t stride, const int64_t *at,      \
                         int64_t base, void *v, int64_t vstep) {                                   \
    const T *x = v;                                                                                \
    T *y = t;                                                                                      \
    for (int64_t i = 0; i < n; i++) {                                                              \
      T *o = &y[i * step + (at[i] - base) * stride], e = x[i * vstep];                             \
      *o = (T)(SUM);                                                                               \
    }                                                                                              \
  }
ADD(f32, float, *o + e)
ADD(f64, double, *o + e)
ADD(i64, uint64_t, *o + e)
ADD(i32, uint32_t, *o + e)
ADD(u8, uint8_t, *o + e)
ADD(b, uint8_t, *o | e)

static const Move gathers[] = {gather_uint8_t, gather_uint16_t, gather_uint32_t, gather_uint64_t};
static const Move scatters[] = {scatter_uint8_t, scatter_uint16_t, scatter_uint32_t,
                                scatter_uint64_t};
static const Move adds[T_F16] = {add_f32, add_f64, add_i64, add_i32, add_u8, add_b};

static Move by_size(const Move *moves, DType d) { return moves[__builtin_ctzl(dtype_size(d))]; }

/* ---- the loop nest ----------------------------------------------------------------------------- */

static void lines_part(void *job, int64_t part) {
  const Lines *l = job;
  int last = l->at->ndim - 1;
  int64_t lo[T_MAXDIM] = {0}, hi[T_MAXDIM], i[T_MAXDIM];
  for (int d = 0; d <= last; d++) hi[d] = l->at->shape[d];
  if (l->cut >= 0) {
    lo[l->cut] = part * l->chunk;
    if (lo[l->cut] + l->chunk < hi[l->cut]) hi[l->cut] = lo[l->cut] + l->chunk;
  }
  for (int d = 0; d <= last; d++) i[d] = lo[d];
  int64_t place = 0, at = 0;
  for (int d = 0; d <= last; d++) {
    place += lo[d] * l->place.stride[d];
    at += lo[d] * l->at->stride[d];
  }
  for (int d = last; d >= 0;) {
    l->move(hi[last] - lo[last], l->tensor + place * l->size, l->place.stride[last], l->stride,
            t_i64(l->at) + at, l->base, l->values + at * l->vstep * l->size, l->vstep);
    for (d = last - 1; d >= 0; d--) {
      place += l->place.stride[d];
      at += l->at->stride[d];
      if (++i[d] < hi[d]) break;
      place -= (hi[d] - lo[d]) * l->place.stride[d];
      at -= (hi[d] - lo[d]) * l->at->stride[d];
      i[d] = lo[d];
    }
  }
}

/* vstep: 0 when values is a single one. */
static void lines_run(Move move, const Positions *p, int dim, const Tensor *t, const Tensor *values,
                      int64_t vstep) {
  const Tensor *at = p->at;
  if (at->numel == 0) return;
  Lines l = {
      .move = move, .at = at, .base = p->base, .tensor = t_data(t), .values = t_data(values)};
  l.size = (int64_t)dtype_size((DType)t->dtype);
  l.vstep = vstep;
  if (at->ndim == 0) { /* of a tensor without dimensions: its one element */
    int64_t zero = 0;
    move(1, l.tensor, 0, 0, &zero, 0, l.values, 0);
    return;
  }
  l.stride = t->stride[dim];
  l.place = window_of(at);
  l.cut = -1;
  for (int d = 0; d < at->ndim; d++) {
    l.place.stride[d] = d == dim ? 0 : t->stride[d];
    if (d != dim && (l.cut < 0 || at->shape[d] > at->shape[l.cut])) l.cut = d;
  }
  int64_t parts = 1;
  if (l.cut >= 0) {
    int64_t size = at->shape[l.cut];
    l.chunk = GRAIN / (at->numel / size) + 1;
    parts = (size + l.chunk - 1) / l.chunk;
  }
  team_run(parts, lines_part, &l);
}

/* ---- checks ------------------------------------------------------------------------------------- */

/* The index must not be larger than x but along dim, nor than src. */
static Positions check_index(const Call *c, const Tensor *x, const Tensor *index, int dim,
                             const Tensor *src) {
  bool fits = index->ndim == x->ndim;
  for (int d = 0; fits && d < x->ndim; d++) fits = d == dim || index->shape[d] <= x->shape[d];
  if (!fits) {
    t_fail("%s: the index is %s and x %s; it has as many dimensions and, but for dimension %d, no "
           "larger sizes",
           call_name(c), t_shape_str(index), t_shape_str(x), dim + 1);
  }
  fits = !src || src->ndim == 0 || src->ndim == x->ndim;
  for (int d = 0; fits && src && d < src->ndim; d++) fits = index->shape[d] <= src->shape[d];
  if (!fits) {
    t_fail("%s: the index is %s and src only %s", call_name(c), t_shape_str(index),
           t_shape_str(src));
  }
  Tensor row = *x;
  if (x->ndim == 0) { /* its one element is a row of one */
    row.ndim = 1;
    row.shape[0] = 1;
  }
  Positions p;
  p.at = pick_checked(c, index, &row, dim, &p.base);
  return p;
}

/* ---- gather: inputs x, index; attribute dim ------------------------------------------------------ */

static void gather_infer(Call *c) {
  const Tensor *x = c->x[0];
  call_scratch(c, sizeof(Positions));
  *(Positions *)c->scratch = check_index(c, x, c->x[1], (int)c->attr[0].i, NULL);
  call_out(c, 0, (DType)x->dtype, c->x[1]->ndim, c->x[1]->shape);
}

static const char *gather_run(Call *c) {
  const Tensor *x = c->x[0];
  lines_run(by_size(gathers, (DType)x->dtype), c->scratch, (int)c->attr[0].i, x, c->y[0], 1);
  return NULL;
}

static Tensor *scattered(const Call *c, const char *name, Tensor *x, Tensor *src, bool inplace) {
  Call f;
  call_begin(&f, op_find(name));
  f.x[0] = x;
  f.x[1] = c->x[1];
  f.x[2] = src;
  f.attr[0] = c->attr[0];
  f.inplace = inplace;
  op_apply(&f);
  return f.y[0];
}

static void gather_grad(Call *c, Tensor *const *gy, Tensor **gx) {
  Tensor *g = pick_computed(gy[0]);
  Tensor *zeros = t_zeros((DType)g->dtype, c->x[0]->ndim, c->x[0]->shape);
  gx[0] = scattered(c, "scatter_add", zeros, g, true);
}

/* ---- scatter and scatter_add: inputs x, index, src; attribute dim -------------------------------- */

typedef struct Scatter {
  Positions p;
  Tensor *values;
} Scatter;

static void scatter_infer(Call *c) {
  const Tensor *x = c->x[0], *src = c->x[2];
  call_scratch(c, sizeof(Scatter));
  Scatter *s = c->scratch;
  s->p = check_index(c, x, c->x[1], (int)c->attr[0].i, src);
  store_check(call_name(c), (DType)x->dtype, src);
  Tensor *y = call_out(c, 0, (DType)x->dtype, x->ndim, x->shape);
  if (src->ndim == 0 || t_same_shape(src, s->p.at)) {
    s->values = pick_values(c->x[2], y);
    return;
  }
  Window w = window_of(src);
  for (int d = 0; d < src->ndim; d++) w.shape[d] = s->p.at->shape[d];
  Tensor used = window_tensor(src, &w);
  s->values = cast_copy(&used, (DType)x->dtype);
}

static void scatter_add_infer(Call *c) {
  call_promote(c, 0, 1);
  scatter_infer(c);
}

static const char *scatter(Call *c, Move move) {
  const Scatter *s = c->scratch;
  Tensor *y = c->y[0];
  if (y != c->x[0]) cast_into(y, c->x[0]);
  lines_run(move, &s->p, (int)c->attr[0].i, y, s->values, s->values->ndim > 0);
  return NULL;
}

static const char *scatter_run(Call *c) {
  return scatter(c, by_size(scatters, (DType)c->y[0]->dtype));
}

static const char *scatter_add_run(Call *c) { return scatter(c, adds[c->y[0]->dtype]); }

/* What src gets: g at the index; zeros where src is larger. A single value gets the sum. */
static Tensor *src_grad(Call *c, Tensor *g) {
  const Tensor *src = c->x[2];
  Tensor *got = t_call("gather", "xxa", g, c->x[1], &c->attr[0]);
  if (src->ndim == 0 || t_same_shape(src, got)) return got;
  Window w = window_whole(src->ndim, src->shape);
  for (int d = 0; d < w.ndim; d++) w.shape[d] = got->shape[d];
  return window_add(got, src->ndim, src->shape, &w);
}

static void scatter_grad(Call *c, Tensor *const *gy, Tensor **gx) {
  if (c->want[0]) gx[0] = scattered(c, "scatter", gy[0], t_num(0), false);
  if (c->want[2]) gx[2] = src_grad(c, gy[0]);
}

static void scatter_add_grad(Call *c, Tensor *const *gy, Tensor **gx) {
  if (c->want[0]) gx[0] = gy[0];
  if (c->want[2]) gx[2] = src_grad(c, gy[0]);
}

/* ---- the rows ---------------------------------------------------------------------------------- */

static Op rows[] = {
    {.sig = "gather(x: tensor, dim: dim, index: index) -> y: tensor",
     .doc = "Elements of x picked along dim: y[i][j] = x[index[i][j]][j] for dim 1. y has the "
            "shape of index, which has as many dimensions as x.",
     .test = "{{randn(3,2), 1, tensor{{1,3},{2,2},{3,1},{1,1}}}, {randn(2,3), -1, tensor{{3,1}}}}",
     .ref = "reference.gather",
     .save = SAVE_X(1),
     .infer = gather_infer,
     .run = gather_run,
     .grad = gather_grad},
    {.sig = "scatter(x: tensor, dim: dim, index: index, src: tensor) -> y: tensor",
     .doc = "A copy of x with elements along dim replaced: y[index[i][j]][j] = src[i][j] for dim "
            "1. src is a tensor at least as large as index, or one number. Of places named twice "
            "the later value stays.",
     .test = "{{randn(3,2), 1, tensor{{1,3},{2,1}}, randn(2,2)}, {randn(2,3), 2, tensor{{3},{1}}, "
             "1.5}, {randn(3), 1, tensor{2,3}, randn(3)}}",
     .ref = "reference.scatter",
     .flags = OP_INPLACE,
     .save = SAVE_X(1),
     .infer = scatter_infer,
     .run = scatter_run,
     .grad = scatter_grad},
    {.sig = "scatter_add(x: tensor, dim: dim, index: index, src: tensor) -> y: tensor",
     .doc = "A copy of x with src added along dim: y[index[i][j]][j] += src[i][j] for dim 1, in "
            "that order.",
     .test = "{{randn(3,2), 1, tensor{{1,3},{1,1}}, randn(2,2)}, {randn(2,3), 2, "
             "tensor{{3,3},{1,3}}, randn(2,2)}}",
     .ref = "reference.scatter_add",
     .flags = OP_INPLACE,
     .save = SAVE_X(1),
     .infer = scatter_add_infer,
     .run = scatter_add_run,
     .grad = scatter_add_grad},
};

FAMILY_PART(index, gather, rows);
