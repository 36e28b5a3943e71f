/* Counting: bincount, histc, histogram. */
#include <math.h>
#include <string.h>

#include "../../loop/cast.h"
#include "../../store.h"
#include "../../op.h"

static Tensor *cleared(Tensor *y) {
  Attr zero = attr_of_int(0);
  store_number(y, &zero);
  return y;
}

/* ---- bincount: inputs x, weights; attribute minlength -------------------------------------------------- */

static void bincount_infer(Call *c) {
  Tensor *x = c->x[0], *w = c->x[1];
  int64_t n = c->attr[0].i;
  if (x->ndim != 1 || !dtype_is_int((DType)x->dtype)) {
    t_fail("bincount: x is %s of %s; a list of whole numbers is wanted",
           dtype_name((DType)x->dtype), t_shape_str(x));
  }
  if (n < 0) t_fail("bincount: minlength is %lld; it is 0 or more", (long long)n);
  if (w && !t_same_shape(w, x)) {
    t_fail("bincount: weights are %s and x %s; each number has one weight", t_shape_str(w),
           t_shape_str(x));
  }
  call_want(c, 0, T_I64);
  const int64_t *p = t_i64(c->x[0]);
  int64_t low = T_BASE, high = n - 1 + T_BASE;
  for (int64_t i = 0; i < x->numel; i++) {
    low = p[i] < low ? p[i] : low;
    high = p[i] > high ? p[i] : high;
  }
  for (int64_t i = 0; low < T_BASE && i < x->numel; i++) {
    if (p[i] >= T_BASE) continue;
    t_fail("bincount: the number at position %lld is %lld; they count from 1", (long long)i + 1,
           (long long)p[i]);
  }
  n = high - T_BASE + 1;
  if (w) call_promote(c, 1, 2);
  DType d = !w ? T_I64 : w->dtype == T_F32 ? T_F32 : T_F64;
  if (w) call_want(c, 1, d);
  call_out(c, 0, d, 1, &n);
}

/* y[p[i]] += what w[i], of type W, amounts to */
#define TALLY(name, T, W, ONE)                                                                     \
  static void name(int64_t n, const int64_t *p, const void *weights, void *yp) {                   \
    const W *w = weights;                                                                          \
    T *y = yp;                                                                                     \
    (void)w;                                                                                       \
    for (int64_t i = 0; i < n; i++) y[p[i] - T_BASE] += ONE;                                       \
  }
TALLY(tally, int64_t, int64_t, 1)
TALLY(tally_f32, float, float, w[i])
TALLY(tally_f64, double, double, w[i])

static const char *bincount_run(Call *c) {
  const void *w = c->x[1] ? t_data(c->x[1]) : NULL;
  Tensor *y = cleared(c->y[0]);
  (y->dtype == T_I64   ? tally
   : y->dtype == T_F32 ? tally_f32
                       : tally_f64)(c->x[0]->numel, t_i64(c->x[0]), w, t_data(y));
  return NULL;
}

/* ---- histograms ------------------------------------------------------------------------------------------ */

typedef struct Bins {
  int64_t n;
  double low, high;
  const double *edges; /* [n + 1], or NULL: even ones, without a second look */
  bool even;           /* edges lie where they would evenly, but for roundings */
  double *sums;        /* [n] */
} Bins;

/* A run of x's values in double; x: contiguous floats. */
enum { RUN = 256 };
static int64_t values_at(const Tensor *x, int64_t at, double run[RUN]) {
  int64_t n = x->numel - at < RUN ? x->numel - at : RUN;
  const char *from = (const char *)t_data(x) + (size_t)at * dtype_size((DType)x->dtype);
  cast_run(n, from, (DType)x->dtype, 1, run, T_F64, 1);
  return n;
}

static int64_t bin_of(const Bins *b, double v, bool single) {
  if (!(v >= b->low && v <= b->high)) return -1;
  double part = (v - b->low) * (double)b->n / (b->high - b->low);
  if (single)
    part =
        (float)((float)((float)v - (float)b->low) * (float)b->n) / ((float)b->high - (float)b->low);
  int64_t at = (int64_t)part;
  if (at > b->n - 1) at = b->n - 1;
  if (!b->edges) return at;
  if (b->even) { /* one step is all that a rounding amounts to */
    while (at > 0 && b->edges[at] > v) at--;
    while (at + 1 < b->n && b->edges[at + 1] <= v) at++;
    return at;
  }
  int64_t lo = 0, hi = b->n; /* the last edge that is not above v; the last bin has both ends */
  while (hi - lo > 1) {
    int64_t mid = lo + (hi - lo) / 2;
    if (b->edges[mid] <= v)
      lo = mid;
    else
      hi = mid;
  }
  return lo;
}

/* The ends of x's values where low and high are equal; x: contiguous floats. A single value has
   `margin` on both sides. */
static void find_range(const Call *c, const Tensor *x, Bins *b, double margin) {
  if (b->low == b->high && x->numel > 0) {
    b->low = INFINITY, b->high = -INFINITY;
    double run[RUN];
    for (int64_t at = 0, n; at < x->numel; at += n) {
      n = values_at(x, at, run);
      for (int64_t i = 0; i < n; i++) {
        b->low = run[i] < b->low || run[i] != run[i] ? run[i] : b->low;
        b->high = run[i] > b->high || run[i] != run[i] ? run[i] : b->high;
      }
    }
  }
  if (b->low == b->high) b->low -= margin, b->high += margin;
  if (!isfinite(b->low) || !isfinite(b->high) || b->low > b->high) {
    t_fail("%s: from %g to %g; finite, rising ends are wanted (min and max, or range)",
           call_name(c), b->low, b->high);
  }
}

static void check_bins(const Call *c, int64_t n) {
  if (n < 1 || n > (int64_t)1 << 40) {
    t_fail("%s: bins is %lld; 1 or more are wanted", call_name(c), (long long)n);
  }
}

static DType want_floats(Call *c) {
  DType d = call_promote(c, 0, 1);
  if (!dtype_is_float(d)) d = T_F32;
  call_want(c, 0, d);
  return d;
}

/* Input: x; attributes bins, min, max. */
static void histc_infer(Call *c) {
  DType d = want_floats(c);
  call_scratch(c, sizeof(Bins));
  Bins *b = c->scratch;
  *b = (Bins){.n = c->attr[0].i, .low = attr_float(c, 1, 0), .high = attr_float(c, 2, 0)};
  check_bins(c, b->n);
  find_range(c, c->x[0], b, 1);
  b->sums = t_f64(t_new(T_F64, 1, &b->n));
  call_out(c, 0, d, 1, &b->n);
}

static void count_into(Tensor *y, const Tensor *x, const double *weight, const Bins *b) {
  double run[RUN];
  memset(b->sums, 0, (size_t)b->n * sizeof *b->sums);
  for (int64_t from = 0, n; from < x->numel; from += n) {
    n = values_at(x, from, run);
    for (int64_t i = 0; i < n; i++) {
      int64_t at = bin_of(b, run[i], x->dtype == T_F32);
      if (at >= 0) b->sums[at] += weight ? weight[from + i] : 1;
    }
  }
  cast_run(b->n, b->sums, T_F64, 1, t_data(y), (DType)y->dtype, 1);
}

static const char *histc_run(Call *c) {
  count_into(c->y[0], c->x[0], NULL, c->scratch);
  return NULL;
}

/* Edges as given (rising), or evenly from the range. */
static void find_edges(Call *c, Bins *b, const Tensor *bins, const Tensor *range) {
  if (bins->ndim > 1 || (range && range->numel != 2)) {
    t_fail("histogram: bins is a number or a list of edges, range a list of two numbers");
  }
  if (bins->ndim == 0) {
    b->n = (int64_t)t_get(bins, 0);
    check_bins(c, b->n);
    if (range)
      b->low = t_get(range, 0), b->high = t_get(range, range->stride[0]);
    else if (c->x[0]->numel == 0)
      b->high = 1;
    find_range(c, c->x[0], b, 0.5);
  } else {
    b->n = bins->numel - 1;
    check_bins(c, b->n);
  }
  int64_t n = b->n + 1;
  double *edges = t_f64(t_new(T_F64, 1, &n));
  for (int64_t i = 0; i < n; i++) {
    edges[i] = bins->ndim ? t_get(bins, i * bins->stride[0])
                          : b->low + (b->high - b->low) * (double)i / (double)b->n;
    if (c->x[0]->dtype == T_F32) edges[i] = (double)(float)edges[i];
    if (i > 0 && !(edges[i] >= edges[i - 1])) {
      t_fail("histogram: edge %lld is below the one before it; edges rise", (long long)i + 1);
    }
  }
  if (bins->ndim == 0) edges[b->n] = b->high;
  b->edges = edges;
  b->even = bins->ndim == 0;
  b->low = edges[0];
  b->high = edges[b->n];
}

/* Inputs: x, bins, range, weight; attribute density. */
static void histogram_infer(Call *c) {
  DType d = want_floats(c);
  const Tensor *w = c->x[3];
  if (w && !t_same_shape(w, c->x[0])) {
    t_fail("histogram: weight is %s and x %s; each value has one weight", t_shape_str(w),
           t_shape_str(c->x[0]));
  }
  call_scratch(c, sizeof(Bins));
  Bins *b = c->scratch;
  *b = (Bins){0};
  find_edges(c, b, c->x[1], c->x[2]);
  b->sums = t_f64(t_new(T_F64, 1, &b->n));
  if (w) call_want(c, 3, T_F64);
  int64_t n = b->n + 1;
  call_out(c, 0, d, 1, &b->n);
  call_out(c, 1, d, 1, &n);
}

static const char *histogram_run(Call *c) {
  const Bins *b = c->scratch;
  Tensor *y = c->y[0];
  count_into(y, c->x[0], c->x[3] ? t_f64(c->x[3]) : NULL, b);
  for (int64_t i = 0; i <= b->n; i++) t_set(c->y[1], i, b->edges[i]);
  if (!c->attr[0].i) return NULL;
  double sum = 0;
  for (int64_t i = 0; i < b->n; i++) sum += t_get(y, i);
  for (int64_t i = 0; i < b->n; i++) {
    t_set(y, i, t_get(y, i) / sum / (b->edges[i + 1] - b->edges[i]));
  }
  return NULL;
}

/* ---- the rows --------------------------------------------------------------------------------------- */

static Op rows[] = {
    {.sig = "bincount(x: class, weights: tensor?, minlength: int=0) -> y: tensor",
     .doc = "How often each of the numbers 1, 2, ... occurs in a list, or the sum of the weights "
            "that go with them.",
     .example = "tensor{1, 3, 3}:bincount() --> int64 [3]  1  0  2",
     .test = "{{ints(9)}, {ints(5), {minlength = 7}}, {perm(4), tensor{1, 2, 3, 4.5}}}",
     .ref = "reference.bincount",
     .flags = OP_CONST,
     .infer = bincount_infer,
     .run = bincount_run},
    {.sig = "histc(x: tensor, bins: int=100, min: float=0, max: float=0) -> hist: tensor",
     .doc = "How many values fall into each of equal bins between min and max (of the values, if "
            "both are equal); the last bin has both its ends, what lies outside is left out.",
     .example = "tensor{1.0, 2.0, 2.5}:histc(2, 1, 3) --> float32 [2]  1.0  2.0",
     .test = "{{randn(20), 5, -1, 1}, {rand(9), 4}, {tensor{0, 1, 2, 2}:double(), 2, 0, 2}}",
     .ref = "reference.histc",
     .flags = OP_CONST,
     .infer = histc_infer,
     .run = histc_run},
    {.sig = "histogram(x: tensor, bins: list, range: list?, weight: tensor?, density: bool=false) "
            "-> hist: tensor, bin_edges: tensor",
     .doc =
         "How many values fall into bins and the edges of those. bins is their number, evenly "
         "over range or from the smallest value to the largest, or the list of edges, which rise. "
         "With density the histogram's area is 1.",
     .example = "counts, edges = tensor{1.0, 2.0, 2.5}:histogram({1, 2, 3})\n"
                "counts --> float32 [2]  1.0  2.0",
     .test =
         "{{randn(20), {-1, 0, 0.5}}, {rand(9), 4, {range = {0, 1}, density = true}}, {rand(4), "
         "2, {range = {0, 1}, weight = tensor{1, 2, 3, 4}}}}",
     .ref = "reference.histogram",
     .flags = OP_CONST,
     .infer = histogram_infer,
     .run = histogram_run},
};

FAMILY_PART(order, counts, rows);
