/* Running results along a dimension: sums, products, extremes, sums of exponentials, and the linear
   recurrence that their gradients are made of. */
#include <math.h>

#include "../../calc.h"
#include "../../expect.h"
#include "../../team.h"
#include "reduce.h"

enum {
  TILE = 256,  /* columns of a part */
  LANES = 8,   /* pieces of a row that are summed side by side, */
  PIECE = 512, /* each so long */
  GRAIN = 1 << 14
};

/* x as [outer, n, inner], taken in tiles of inner. */
typedef struct Scan {
  const char *x, *a; /* a: the recurrence's factors */
  char *y;
  int64_t *indices;
  bool back, least; /* from the end; the smallest instead of the largest */
  int64_t outer, n, inner, tiles, group;
  /* one tile: its first column stands at `at`, the following rows inner further on */
  void (*tile)(const struct Scan *s, int64_t at, int64_t width);
  /* one row, where inner is 1 (NULL: as a tile) */
  void (*row)(const struct Scan *s, int64_t at);
} Scan;

/* Where row r of a tile begins. */
static int64_t row_at(const Scan *s, int64_t at, int64_t r) {
  return at + (s->back ? s->n - 1 - r : r) * s->inner;
}

/* acc: the running value, of type A, after the value v. */
#define RUNNING(name, T, A, start, step)                                                           \
  static void name(const Scan *s, int64_t at, int64_t width) {                                     \
    A acc[TILE];                                                                                   \
    for (int64_t i = 0; i < width; i++) acc[i] = start;                                            \
    for (int64_t r = 0; r < s->n; r++) {                                                           \
      const T *x = (const T *)s->x + row_at(s, at, r);                                             \
      T *y = (T *)s->y + row_at(s, at, r);                                                         \
      for (int64_t i = 0; i < width; i++) {                                                        \
        A v = (A)x[i], a = acc[i];                                                                 \
        acc[i] = (step);                                                                           \
        y[i] = (T)acc[i];                                                                          \
      }                                                                                            \
    }                                                                                              \
  }
RUNNING(sum_f32, float, double, 0, a + v)
RUNNING(sum_f64, double, double, 0, a + v)
RUNNING(sum_i64, int64_t, uint64_t, 0, a + v)
RUNNING(prod_f32, float, double, 1, a *v)
RUNNING(prod_f64, double, double, 1, a *v)
RUNNING(prod_i64, int64_t, uint64_t, 1, a *v)

/* log(exp(a) + exp(v)) */
static double log_add(double a, double v) {
  double low = a < v ? a : v, high = a < v ? v : a;
  if (a != a || v != v) return a + v;
  return isinf(high) || low == -INFINITY ? high : high + log1p(exp(low - high));
}
RUNNING(logsum_f32, float, double, -INFINITY, log_add(a, v))
RUNNING(logsum_f64, double, double, -INFINITY, log_add(a, v))

/* Sums of one row: pieces of it are summed first, so that several can run side by side. */
#define SUM_ROW(name, T, A)                                                                        \
  static void name(const Scan *s, int64_t at) {                                                    \
    const T *x = (const T *)s->x + at;                                                             \
    T *y = (T *)s->y + at;                                                                         \
    A all = 0;                                                                                     \
    int64_t k = 0;                                                                                 \
    for (; k + LANES * PIECE <= s->n; k += LANES * PIECE) {                                        \
      A acc[LANES] = {0};                                                                          \
      for (int64_t i = 0; i < PIECE; i++) {                                                        \
        for (int l = 0; l < LANES; l++) acc[l] += (A)x[k + l * PIECE + i];                         \
      }                                                                                            \
      for (int l = 0; l < LANES; l++) {                                                            \
        A piece = acc[l];                                                                          \
        acc[l] = all;                                                                              \
        all += piece;                                                                              \
      }                                                                                            \
      for (int64_t i = 0; i < PIECE; i++) {                                                        \
        for (int l = 0; l < LANES; l++) {                                                          \
          acc[l] += (A)x[k + l * PIECE + i];                                                       \
          y[k + l * PIECE + i] = (T)acc[l];                                                        \
        }                                                                                          \
      }                                                                                            \
    }                                                                                              \
    for (; k < s->n; k++) {                                                                        \
      all += (A)x[k];                                                                              \
      y[k] = (T)all;                                                                               \
    }                                                                                              \
  }
SUM_ROW(sum_row_f32, float, double)
SUM_ROW(sum_row_f64, double, double)
SUM_ROW(sum_row_i64, int64_t, uint64_t)

/* The best value so far and the last place it stood at; NaN beats all. */
#define BEST(name, T)                                                                              \
  static void name(const Scan *s, int64_t at, int64_t width) {                                     \
    T best[TILE];                                                                                  \
    int64_t place[TILE];                                                                           \
    for (int64_t r = 0; r < s->n; r++) {                                                           \
      int64_t row = row_at(s, at, r);                                                              \
      for (int64_t i = 0; i < width; i++) {                                                        \
        T v = ((const T *)s->x)[row + i], b = r ? best[i] : v;                                     \
        bool better = s->least ? v <= b : v >= b;                                                  \
        if (r == 0 || v != v || (b == b && better)) best[i] = v, place[i] = r;                     \
        ((T *)s->y)[row + i] = best[i];                                                            \
        s->indices[row + i] = place[i] + T_BASE;                                                   \
      }                                                                                            \
    }                                                                                              \
  }
BEST(best_f32, float)
BEST(best_f64, double)
BEST(best_i64, int64_t)
BEST(best_i32, int32_t)
BEST(best_u8, uint8_t)

#define RECUR(name, T)                                                                             \
  static void name(const Scan *s, int64_t at, int64_t width) {                                     \
    double acc[TILE];                                                                              \
    for (int64_t i = 0; i < width; i++) acc[i] = 0;                                                \
    for (int64_t r = 0; r < s->n; r++) {                                                           \
      int64_t row = row_at(s, at, r);                                                              \
      for (int64_t i = 0; i < width; i++) {                                                        \
        double before = r ? (double)((const T *)s->a)[row + i] * acc[i] : 0;                       \
        acc[i] = (double)((const T *)s->x)[row + i] + before;                                      \
        ((T *)s->y)[row + i] = (T)acc[i];                                                          \
      }                                                                                            \
    }                                                                                              \
  }
RECUR(recur_f32, float)
RECUR(recur_f64, double)

/* ---- the loop nest ------------------------------------------------------------------------------ */

static void scan_part(void *job, int64_t k) {
  const Scan *s = job;
  int64_t tile = k % s->tiles * TILE, from = k / s->tiles * s->group;
  int64_t width = s->inner - tile < TILE ? s->inner - tile : TILE;
  int64_t end = from + s->group < s->outer ? from + s->group : s->outer;
  for (int64_t o = from; o < end; o++) {
    int64_t at = o * s->n * s->inner + tile;
    if (s->row && s->inner == 1 && !s->back)
      s->row(s, at);
    else
      s->tile(s, at, width);
  }
}

static const char *scan(Call *c, Scan s, int dim) {
  Tensor *x = c->x[0];
  if (x->numel == 0) return NULL;
  s.x = t_data(x);
  s.y = t_data(c->y[0]);
  s.n = x->ndim ? x->shape[dim] : 1;
  s.inner = 1;
  for (int d = dim + 1; d < x->ndim; d++) s.inner *= x->shape[d];
  s.outer = x->numel / (s.n * s.inner);
  s.tiles = (s.inner + TILE - 1) / TILE;
  s.group = s.tiles > 1 ? 1 : GRAIN / (s.n * s.inner) + 1;
  team_run((s.outer + s.group - 1) / s.group * s.tiles, scan_part, &s);
  return NULL;
}

typedef void (*TileFn)(const Scan *s, int64_t at, int64_t width);
typedef void (*RowFn)(const Scan *s, int64_t at);

/* ---- sums and products: attributes dim, dtype ---------------------------------------------------- */

static void sum_infer(Call *c) {
  DType d = reduce_type(c, 1, call_promote(c, 0, 1));
  if (!dtype_is_float(d)) d = T_I64;
  call_want(c, 0, d);
  call_out(c, 0, d, c->x[0]->ndim, c->x[0]->shape);
}

static const char *sum(Call *c, bool back) {
  static const TileFn tiles[T_F16] = {sum_f32, sum_f64, sum_i64};
  static const RowFn rows[T_F16] = {sum_row_f32, sum_row_f64, sum_row_i64};
  DType d = (DType)c->x[0]->dtype;
  return scan(c, (Scan){.tile = tiles[d], .row = rows[d], .back = back}, (int)c->attr[0].i);
}
static const char *cumsum_run(Call *c) { return sum(c, false); }
static const char *cumsum_back_run(Call *c) { return sum(c, true); }

static void cumsum_grad(Call *c, Tensor *const *gy, Tensor **gx) {
  gx[0] = t_call("cumsum_back", "xi", gy[0], c->attr[0].i);
}
static void cumsum_back_grad(Call *c, Tensor *const *gy, Tensor **gx) {
  gx[0] = t_call("cumsum", "xi", gy[0], c->attr[0].i);
}

static const char *cumprod_run(Call *c) {
  static const TileFn tiles[T_F16] = {prod_f32, prod_f64, prod_i64};
  return scan(c, (Scan){.tile = tiles[c->x[0]->dtype]}, (int)c->attr[0].i);
}

/* x along dim moved by one place towards the beginning (or the end), with v where nothing comes. */
static Tensor *moved(Tensor *x, int dim, bool to_end, double v) {
  int64_t n = x->shape[dim], shape[T_MAXDIM];
  for (int d = 0; d < x->ndim; d++) shape[d] = d == dim ? 1 : x->shape[d];
  Tensor *edge = t_fill(t_new((DType)x->dtype, x->ndim, shape), v);
  Tensor *rest = t_narrow(x, dim, to_end ? 0 : 1, n - 1);
  return t_cat(2, (Tensor *[]){to_end ? edge : rest, to_end ? rest : edge}, dim);
}

static Tensor *recurrence(Tensor *x, Tensor *a, int64_t dim, bool back) {
  return t_call("recur", "xxib", x, a, dim, back);
}

/* Without a division, so exact at 0: what comes before x[i], as a product, times the sum over j >= i
   of g[j] and the factors between, which is a recurrence from the end. */
static void cumprod_grad(Call *c, Tensor *const *gy, Tensor **gx) {
  Tensor *x = c->x[0];
  int dim = (int)c->attr[0].i;
  if (x->ndim == 0 || x->numel == 0) {
    gx[0] = gy[0];
    return;
  }
  Tensor *before = moved(c->y[0], dim, true, 1);
  gx[0] = t_mul(before, recurrence(gy[0], moved(x, dim, false, 0), dim, true));
}

/* ---- extremes: attribute dim ---------------------------------------------------------------------- */

static void best_infer(Call *c) {
  DType d = call_promote(c, 0, 1);
  call_want(c, 0, d);
  call_out(c, 0, d, c->x[0]->ndim, c->x[0]->shape);
  call_out(c, 1, T_I64, c->x[0]->ndim, c->x[0]->shape);
}

static const char *best(Call *c, bool least) {
  static const TileFn tiles[T_F16] = {best_f32, best_f64, best_i64, best_i32, best_u8, best_u8};
  Scan s = {.tile = tiles[c->x[0]->dtype], .indices = t_i64(c->y[1]), .least = least};
  return scan(c, s, (int)c->attr[0].i);
}
static const char *cummax_run(Call *c) { return best(c, false); }
static const char *cummin_run(Call *c) { return best(c, true); }

static void cummax_grad(Call *c, Tensor *const *gy, Tensor **gx) {
  if (!gy[0]) return;
  Tensor *zeros = t_nothing((DType)gy[0]->dtype, c->x[0]->ndim, c->x[0]->shape);
  gx[0] = t_call("scatter_add", "xixx", zeros, c->attr[0].i, c->y[1], gy[0]);
}

/* ---- logs of running sums of exponentials: attribute dim ------------------------------------------- */

static void floats_infer(Call *c) {
  DType d = call_promote(c, 0, c->nx);
  if (!dtype_is_float(d)) d = T_F32;
  for (int i = 0; i < c->nx; i++) call_want(c, i, d);
  call_out(c, 0, d, c->x[0]->ndim, c->x[0]->shape);
}

static const char *logcumsumexp_run(Call *c) {
  static const TileFn tiles[T_F16] = {logsum_f32, logsum_f64};
  return scan(c, (Scan){.tile = tiles[c->x[0]->dtype]}, (int)c->attr[0].i);
}

/* exp(x[i] - y[i]) times the sum over j >= i of g[j] exp(y[i] - y[j]): a recurrence from the end whose
   factors are at most 1. */
static void logcumsumexp_grad(Call *c, Tensor *const *gy, Tensor **gx) {
  Tensor *x = c->x[0], *y = c->y[0];
  int dim = (int)c->attr[0].i;
  if (x->ndim == 0 || x->numel == 0) {
    gx[0] = gy[0];
    return;
  }
  Tensor *none = t_eq(y, t_num(-INFINITY)); /* so far */
  y = t_where(none, t_num(0), y);
  Tensor *fall = t_exp(t_where(none, t_num(0), t_sub(y, moved(y, dim, false, INFINITY))));
  gx[0] = t_mul(t_exp(t_sub(x, y)), recurrence(gy[0], fall, dim, true));
}

/* ---- y[i] = x[i] + a[i] y[i-1], or back: from y[i+1]; attributes dim, back -------------------------- */

static void recur_expects(const Call *c) { expect_like(c, 1, 0); }

static const char *recur_run(Call *c) {
  static const TileFn tiles[T_F16] = {recur_f32, recur_f64};
  Scan s = {.tile = tiles[c->x[0]->dtype], .a = t_data(c->x[1]), .back = c->attr[1].i};
  return scan(c, s, (int)c->attr[0].i);
}

/* The gradient of x runs the other way round, with factors that belong to the step after. */
static void recur_grad(Call *c, Tensor *const *gy, Tensor **gx) {
  int dim = (int)c->attr[0].i;
  bool back = c->attr[1].i;
  Tensor *g = recurrence(gy[0], moved(c->x[1], dim, back, 0), dim, !back);
  if (c->want[0]) gx[0] = g;
  if (c->want[1]) gx[1] = t_mul(g, moved(c->y[0], dim, !back, 0));
}

/* ---- the rows ---------------------------------------------------------------------------------- */

static Op rows[] = {
    {.sig = "cumsum(x: tensor, dim: dim, dtype: dtype?) -> y: tensor",
     .doc = "Running sum along a dimension. Integers and masks are summed in int64.",
     .example = "tensor{1, 2, 3}:cumsum(1) --> int64 [3]  1  3  6",
     .test = "{{randn(2,3), 2}, {randn(2,3,2), 1}, {randn(4), -1}, {ints(3,2), 1}}",
     .ref = "reference.cumsum",
     .flags = OP_INPLACE | OP_APART,
     .infer = sum_infer,
     .run = cumsum_run,
     .grad = cumsum_grad},
    {.sig = "cumsum_back(x: tensor, dim: dim, dtype: dtype?) -> y: tensor",
     .doc = "Running sum along a dimension, from its end.",
     .test = "{{randn(2,3), 2}, {randn(2,3,2), 1}}",
     .ref = "reference.cumsum_back",
     .flags = OP_HIDDEN,
     .infer = sum_infer,
     .run = cumsum_back_run,
     .grad = cumsum_back_grad},
    {.sig = "cumprod(x: tensor, dim: dim, dtype: dtype?) -> y: tensor",
     .doc = "Running product along a dimension. Integers and masks are multiplied in int64. The "
            "gradient is exact where factors are 0.",
     .example = "tensor{1, 2, 3}:cumprod(1) --> int64 [3]  1  2  6",
     .test = "{{randn(2,3), 2}, {randn(4,2), 1}, {ints(3,2), 1}, {tensor{{2, 0, 3, 1}, {0, 0, 1, "
             "2}}:double(), 2}, {tensor{1.5}:double():reshape{}, 1}}",
     .ref = "reference.cumprod",
     .save = SAVE_X(0) | SAVE_Y(0),
     .flags = OP_INPLACE | OP_APART,
     .infer = sum_infer,
     .run = cumprod_run,
     .grad = cumprod_grad},
    {.sig = "cummax(x: tensor, dim: dim) -> values: tensor, indices: index",
     .doc = "The largest value so far along a dimension and where it stands, of equal ones the "
            "last; nan stays.",
     .example = "values, places = tensor{1, 3, 2}:cummax(1)\n"
                "values --> int64 [3]  1  3  3\n"
                "places --> int64 [3]  1  2  2",
     .test = "{{randn(2,5), 2}, {randn(3,2,2), 1}, {ints(7), -1}}",
     .ref = "reference.cummax",
     .save = SAVE_Y(1),
     .infer = best_infer,
     .run = cummax_run,
     .grad = cummax_grad},
    {.sig = "cummin(x: tensor, dim: dim) -> values: tensor, indices: index",
     .doc = "The smallest value so far along a dimension and where it stands, of equal ones the "
            "last; nan stays.",
     .example = "values, places = tensor{3, 1, 2}:cummin(1)\n"
                "values --> int64 [3]  3  1  1\n"
                "places --> int64 [3]  1  2  2",
     .test = "{{randn(2,5), 2}, {randn(3,2,2), 1}, {ints(7), -1}}",
     .ref = "reference.cummin",
     .save = SAVE_Y(1),
     .infer = best_infer,
     .run = cummin_run,
     .grad = cummax_grad},
    {.sig = "logcumsumexp(x: tensor, dim: dim) -> y: tensor",
     .doc = "Logarithm of the running sum of exponentials along a dimension, without overflow.",
     .example = "tensor{0, 0, 0}:logcumsumexp(1) --> float32 [3]  0.0000  0.6931  1.0986",
     .test = "{{randn(2,4), 2}, {randn(3,2,2), 1}, {tensor{-900, 2, 700, 0.5}:double(), 1}}",
     .ref = "reference.logcumsumexp",
     .save = SAVE_X(0) | SAVE_Y(0),
     .infer = floats_infer,
     .run = logcumsumexp_run,
     .grad = logcumsumexp_grad},
    {.sig = "recur(x: tensor, a: tensor, dim: dim, back: bool=false) -> y: tensor",
     .doc = "The linear recurrence y[i] = x[i] + a[i] y[i-1] along a dimension, or from its end "
            "y[i] = x[i] + a[i] y[i+1]; x and a have one shape.",
     .test = "{{randn(2,4), randn(2,4), 2}, {randn(3,2), randn(3,2), 1, true}}",
     .ref = "reference.recur",
     .flags = OP_HIDDEN,
     .save = SAVE_X(1) | SAVE_Y(0),
     .expects = recur_expects,
     .infer = floats_infer,
     .run = recur_run,
     .grad = recur_grad},
};

FAMILY_PART(reduce, scan, rows);
