/* Running results along a dimension: sums, products, extremes, sums of exponentials, and the linear
   recurrence that their gradients are made of. */
#include <math.h>

#include "../../calc.h"
#include "../../expect.h"
#include "../../kernels/scan.h"
#include "../../machine/team.h"
#include "reduce.h"

enum { GRAIN = 1 << 14 };

/* One call: x as [outer, n, inner], taken in tiles of inner, or in groups of outer. */
typedef struct Scans {
  Scan s;
  ScanLoops loops;
  int64_t outer, tiles, group;
} Scans;

/* ---- the loop nest ------------------------------------------------------------------------------ */

static void scan_part(void *job, int64_t k) {
  const Scans *j = job;
  const Scan *s = &j->s;
  int64_t tile = k % j->tiles * SCAN_TILE, from = k / j->tiles * j->group;
  int64_t width = s->inner - tile < SCAN_TILE ? s->inner - tile : SCAN_TILE;
  int64_t end = from + j->group < j->outer ? from + j->group : j->outer;
  ScanFn rows = j->loops.row && j->outer < SCAN_ROWS ? j->loops.row : j->loops.rows;
  int64_t each = s->inner == 1 ? SCAN_ROWS : 1;
  for (int64_t o = from; o < end; o += each) {
    int64_t at = o * s->n * s->inner + tile;
    if (s->inner > 1)
      j->loops.tile(s, at, width);
    else
      rows(s, at, end - o < each ? end - o : each);
  }
}

static const char *scan(Call *c, ScanKind kind, Scan s) {
  Tensor *x = c->x[0];
  int dim = (int)c->attr[0].i;
  if (x->numel == 0) return NULL;
  s.x = t_data(x);
  s.y = t_data(c->y[0]);
  s.n = x->ndim ? x->shape[dim] : 1;
  s.inner = 1;
  for (int d = dim + 1; d < x->ndim; d++) s.inner *= x->shape[d];
  Scans j = {.s = s, .loops = SIMD_PICK(scan_kernels)->of[kind][x->dtype]};
  j.outer = x->numel / (s.n * s.inner);
  j.tiles = (s.inner + SCAN_TILE - 1) / SCAN_TILE;
  j.group = j.tiles > 1 ? 1 : GRAIN / (s.n * s.inner) + 1;
  if (s.inner == 1 && j.outer >= SCAN_ROWS)
    j.group = (j.group + SCAN_ROWS - 1) / SCAN_ROWS * SCAN_ROWS;
  team_run((j.outer + j.group - 1) / j.group * j.tiles, scan_part, &j);
  return NULL;
}

/* ---- sums and products: attributes dim, dtype ---------------------------------------------------- */

static void sum_infer(Call *c) {
  DType d = reduce_type(c, 1, call_promote(c, 0, 1));
  if (!dtype_is_float(d)) d = T_I64;
  call_want(c, 0, d);
  call_out(c, 0, d, c->x[0]->ndim, c->x[0]->shape);
}

static const char *cumsum_run(Call *c) { return scan(c, SCAN_SUM, (Scan){0}); }
static const char *cumsum_back_run(Call *c) { return scan(c, SCAN_SUM, (Scan){.back = true}); }

static void cumsum_grad(Call *c, Tensor *const *gy, Tensor **gx) {
  gx[0] = t_call("cumsum_back", "xi", gy[0], c->attr[0].i);
}
static void cumsum_back_grad(Call *c, Tensor *const *gy, Tensor **gx) {
  gx[0] = t_call("cumsum", "xi", gy[0], c->attr[0].i);
}

static const char *cumprod_run(Call *c) { return scan(c, SCAN_PROD, (Scan){0}); }

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
  return scan(c, SCAN_BEST, (Scan){.indices = t_i64(c->y[1]), .least = least});
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

static const char *logcumsumexp_run(Call *c) { return scan(c, SCAN_LOGSUM, (Scan){0}); }

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
  return scan(c, SCAN_RECUR, (Scan){.a = t_data(c->x[1]), .back = c->attr[1].i});
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
     .expects = expect_no_more,
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
