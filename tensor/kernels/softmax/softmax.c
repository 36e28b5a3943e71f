/* Softmax and its kin over rows of float32; see softmax.h. The passes over a row are loops that
   vectorise; what a row sums, it sums in double over lanes. Of short rows, which leave vectors idle, a
   lane takes each. */
#include "softmax.h"

#include "../lanes.h"
#include "../math/vmath.h"
#include "../vec.h"

LANE_FOLD(top_of, float, float, float, -INFINITY, max_f32, max_f32, x[i])
LANE_FOLD(sum_of, float, float, double, 0, add_f32, add_f64, x[i])
LANE_FOLD(dot_of, float, float, double, 0, add_f32, add_f64, x[i] * y[i])
LANE_FOLD(gaps_of, float, float, double, 0, add_f32, add_f64, c - x[i])
LANE_FOLD(weighted_gaps_of, float, float, double, 0, add_f32, add_f64, y[i] * (c - x[i]))

enum { RUN = 256 };

/* The sum of exp(x - shift). */
static double exps_of(int64_t n, const float *x, float shift) {
  float e[RUN];
  double sum = 0;
  for (int64_t k = 0; k < n; k += RUN) {
    int64_t m = n - k < RUN ? n - k : RUN;
    for (int64_t i = 0; i < m; i++) e[i] = exp_f32(x[k + i] - shift);
    sum += sum_of(m, e, NULL, 0);
  }
  return sum;
}

/* ---- short rows: LANES of them side by side, a row a lane ---- */

enum { SHORT = 64 };

/* The values of so many rows, those of a row in one lane. */
typedef struct {
  float x[SHORT][LANES];
} Side;

/* p: [rows, n], rows <= LANES; the other lanes are 0. */
static void put_aside(int64_t rows, int64_t n, const float *p, Side *side) {
  for (int64_t l = 0; l < LANES; l += VL)
    for (int64_t i = 0; i < n; i += VL) {
      vf v[VL];
      for (int r = 0; r < VL; r++) {
        bool is_row = l + r < rows;
        v[r] = is_row ? vf_load_part(p + (l + r) * n + i, n - i < VL ? n - i : VL) : (vf){0};
      }
      vf_transpose(v);
      for (int k = 0; k < VL; k++) vf_store(&side->x[i + k][l], v[k]);
    }
}

static void take_back(int64_t rows, int64_t n, const Side *side, float *q) {
  for (int64_t l = 0; l < rows; l += VL)
    for (int64_t i = 0; i < n; i += VL) {
      vf v[VL];
      for (int k = 0; k < VL; k++) v[k] = vf_load(&side->x[i + k][l]);
      vf_transpose(v);
      for (int r = 0; r < VL && l + r < rows; r++)
        vf_store_part(q + (l + r) * n + i, v[r], n - i < VL ? n - i : VL);
    }
}

static void tops_aside(int64_t n, const Side *side, float top[LANES]) {
  for (int l = 0; l < LANES; l++) top[l] = -INFINITY;
  for (int64_t i = 0; i < n; i++)
    for (int l = 0; l < LANES; l++) top[l] = max_f32(top[l], side->x[i][l]);
}

/* e = exp(side - shift), which may be side itself, and the sums of that. */
static void exps_aside(int64_t n, const Side *side, const float shift[LANES], Side *e,
                       double sum[LANES]) {
  for (int l = 0; l < LANES; l++) sum[l] = 0;
  for (int64_t i = 0; i < n; i++) {
    float here[LANES];
    for (int l = 0; l < LANES; l++) here[l] = exp_f32(side->x[i][l] - shift[l]);
    for (int l = 0; l < LANES; l++) sum[l] += (double)here[l];
    for (int l = 0; l < LANES; l++) e->x[i][l] = here[l];
  }
}

static void short_softmax(int64_t rows, int64_t n, const float *p, float *q) {
  Side side;
  float top[LANES], scale[LANES];
  double sum[LANES];
  put_aside(rows, n, p, &side);
  tops_aside(n, &side, top);
  exps_aside(n, &side, top, &side, sum);
  for (int l = 0; l < LANES; l++) scale[l] = (float)(1 / sum[l]);
  for (int64_t i = 0; i < n; i++)
    for (int l = 0; l < LANES; l++) side.x[i][l] *= scale[l];
  take_back(rows, n, &side, q);
}

static void short_log_softmax(int64_t rows, int64_t n, const float *p, float *q) {
  Side side, e;
  float top[LANES], rest[LANES];
  double sum[LANES];
  put_aside(rows, n, p, &side);
  tops_aside(n, &side, top);
  exps_aside(n, &side, top, &e, sum);
  for (int l = 0; l < LANES; l++) rest[l] = (float)log_f64(sum[l]);
  for (int64_t i = 0; i < n; i++)
    for (int l = 0; l < LANES; l++) side.x[i][l] = side.x[i][l] - top[l] - rest[l];
  take_back(rows, n, &side, q);
}

static void short_logsumexp(int64_t rows, int64_t n, const float *p, double *lse) {
  Side side;
  float top[LANES], shift[LANES];
  double sum[LANES];
  put_aside(rows, n, p, &side);
  tops_aside(n, &side, top);
  for (int l = 0; l < LANES; l++) shift[l] = isinf(top[l]) ? 0 : top[l];
  exps_aside(n, &side, shift, &side, sum);
  for (int l = 0; l < LANES; l++) sum[l] = (double)shift[l] + log_f64(sum[l]);
  for (int l = 0; l < LANES && l < rows; l++) lse[l] = sum[l];
}

#define EACH_BLOCK(r, count)                                                                       \
  for (int64_t r = 0, count; count = rows - r < LANES ? rows - r : LANES, r < rows; r += LANES)

/* ---- rows ---- */

static void softmax(int64_t rows, int64_t n, const void *x, void *y) {
  const float *from = x;
  float *to = y;
  if (n <= SHORT) {
    EACH_BLOCK(r, count) short_softmax(count, n, from + r * n, to + r * n);
    return;
  }
  for (int64_t r = 0; r < rows; r++) {
    const float *p = from + r * n;
    float *q = to + r * n, top = top_of(n, p, NULL, 0);
#pragma GCC ivdep
    for (int64_t i = 0; i < n; i++) q[i] = exp_f32(p[i] - top);
    float scale = (float)(1 / sum_of(n, q, NULL, 0));
    for (int64_t i = 0; i < n; i++) q[i] *= scale;
  }
}

static void softmax_back(int64_t rows, int64_t n, const void *y, const void *gy, void *gx) {
  for (int64_t r = 0; r < rows; r++) {
    const float *p = (const float *)y + r * n, *g = (const float *)gy + r * n;
    float *q = (float *)gx + r * n, dot = (float)dot_of(n, p, g, 0);
#pragma GCC ivdep
    for (int64_t i = 0; i < n; i++) q[i] = p[i] * (g[i] - dot);
  }
}

static void log_softmax(int64_t rows, int64_t n, const void *x, void *y) {
  const float *from = x;
  float *to = y;
  if (n <= SHORT) {
    EACH_BLOCK(r, count) short_log_softmax(count, n, from + r * n, to + r * n);
    return;
  }
  for (int64_t r = 0; r < rows; r++) {
    const float *p = from + r * n;
    float *q = to + r * n, top = top_of(n, p, NULL, 0), rest = (float)log(exps_of(n, p, top));
#pragma GCC ivdep
    for (int64_t i = 0; i < n; i++) q[i] = p[i] - top - rest;
  }
}

static void log_softmax_back(int64_t rows, int64_t n, const void *y, const void *gy, void *gx) {
  for (int64_t r = 0; r < rows; r++) {
    const float *p = (const float *)y + r * n, *g = (const float *)gy + r * n;
    float *q = (float *)gx + r * n, sum = (float)sum_of(n, g, NULL, 0);
#pragma GCC ivdep
    for (int64_t i = 0; i < n; i++) q[i] = g[i] - exp_f32(p[i]) * sum;
  }
}

/* An infinite top is the answer itself. */
static void logsumexp(int64_t rows, int64_t n, const void *x, double *lse) {
  const float *from = x;
  if (n <= SHORT) {
    EACH_BLOCK(r, count) short_logsumexp(count, n, from + r * n, lse + r);
    return;
  }
  for (int64_t r = 0; r < rows; r++) {
    const float *p = from + r * n;
    float top = top_of(n, p, NULL, 0), shift = isinf(top) ? 0 : top;
    lse[r] = (double)shift + log(exps_of(n, p, shift));
  }
}

/* q = a exp(p - lse), the double lse taken off in two steps. */
static void scaled_softmax(int64_t n, const float *p, double lse, float a, float *q) {
  float high = (float)lse, low = (float)(lse - (double)high);
#pragma GCC ivdep
  for (int64_t i = 0; i < n; i++) q[i] = exp_f32(p[i] - high - low) * a;
}

static void logsumexp_back(int64_t rows, int64_t n, const void *x, const double *lse, const void *g,
                           void *gx) {
  for (int64_t r = 0; r < rows; r++) {
    float a = ((const float *)g)[r];
    scaled_softmax(n, (const float *)x + r * n, lse[r], a, (float *)gx + r * n);
  }
}

/* Sum of the weights: 1 each without. */
static double weight_sum(const CrossEntropy *c) {
  return c->weight ? sum_of(c->n, c->weight, NULL, 0) : (double)c->n;
}

static void cross_entropy(const CrossEntropy *c, const double *lse, void *loss) {
  int64_t n = c->n;
  const float *w = c->weight;
  double spread = c->smoothing / (double)n, weights = spread > 0 ? weight_sum(c) : 0;
  logsumexp(c->rows, n, c->x, lse);
  for (int64_t r = 0; r < c->rows; r++) {
    const float *p = (const float *)c->x + r * n;
    int64_t t = c->ids[r];
    double l = 0, top = (double)(float)lse[r], rest = lse[r] - top;
    if (t >= 0) l = (1 - c->smoothing) * (w ? (double)w[t] : 1) * (lse[r] - (double)p[t]);
    if (t >= 0 && spread > 0) {
      double gaps = w ? weighted_gaps_of(n, p, w, (float)top) : gaps_of(n, p, NULL, (float)top);
      l += spread * (gaps + rest * weights);
    }
    ((float *)loss)[r] = (float)l;
  }
}

static void cross_entropy_back(const CrossEntropy *c, const double *lse, const void *g, void *gx) {
  int64_t n = c->n;
  const float *w = c->weight;
  double spread = c->smoothing / (double)n, weights = spread > 0 ? weight_sum(c) : 0;
  for (int64_t r = 0; r < c->rows; r++) {
    float *q = (float *)gx + r * n;
    int64_t t = c->ids[r];
    if (t < 0) {
      for (int64_t i = 0; i < n; i++) q[i] = 0;
      continue;
    }
    double up = (double)((const float *)g)[r];
    double own = up * (1 - c->smoothing) * (w ? (double)w[t] : 1);
    float all = (float)(up * spread);
    scaled_softmax(n, (const float *)c->x + r * n, lse[r], (float)(own + up * spread * weights), q);
    for (int64_t i = 0; spread > 0 && w && i < n; i++) q[i] -= all * w[i];
    for (int64_t i = 0; spread > 0 && !w && i < n; i++) q[i] -= all;
    q[t] -= (float)own;
  }
}

static const SoftmaxOps ops = {softmax,   softmax_back,   log_softmax,   log_softmax_back,
                               logsumexp, logsumexp_back, cross_entropy, cross_entropy_back};

extern const SoftmaxOps AT_LEVEL(softmax_f64);

const SoftmaxKernels AT_LEVEL(softmax_kernels) = {{&ops, &AT_LEVEL(softmax_f64)}};
