/* Softmax and its kin over rows of float32; see softmax.h. The passes over a row are loops that
   vectorise; what a row sums, it sums in double over lanes. */
#include "softmax.h"

#include "../lanes.h"
#include "../math/vmath.h"

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

enum { SHORT = 64 };

/* A short row is lengthened to whole vectors with values whose exponential is 0. Returns the row to
   read, *n its length now. */
static const float *lengthened(int64_t *n, const float *p, float buffer[SHORT]) {
  if (*n >= SHORT) return p;
  int64_t whole = (*n + LANES - 1) / LANES * LANES;
  for (int64_t i = 0; i < whole; i++) buffer[i] = -INFINITY;
  for (int64_t i = 0; i < *n; i++) buffer[i] = p[i];
  *n = whole;
  return buffer;
}

static void short_softmax(int64_t n, const float *p, float *q) {
  float b[SHORT] = {0};
  int64_t whole = n;
  const float *c = lengthened(&whole, p, b);
  float top = top_of(whole, c, NULL, 0);
  for (int64_t i = 0; i < whole; i++) b[i] = exp_f32(c[i] - top);
  float scale = (float)(1 / sum_of(whole, b, NULL, 0));
  for (int64_t i = 0; i < n; i++) q[i] = b[i] * scale;
}

static void softmax(int64_t rows, int64_t n, const void *x, void *y) {
  for (int64_t r = 0; r < rows; r++) {
    const float *p = (const float *)x + r * n;
    float *q = (float *)y + r * n;
    if (n < SHORT) {
      short_softmax(n, p, q);
      continue;
    }
    float top = top_of(n, p, NULL, 0);
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
  for (int64_t r = 0; r < rows; r++) {
    const float *p = (const float *)x + r * n;
    float *q = (float *)y + r * n;
    float buffer[SHORT];
    int64_t whole = n;
    const float *b = lengthened(&whole, p, buffer);
    float top = top_of(whole, b, NULL, 0), rest = (float)log(exps_of(whole, b, top));
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

/* log(sum(exp(p))): an infinite top is the answer itself. */
static double log_of_sum(int64_t n, const float *p) {
  float buffer[SHORT];
  p = lengthened(&n, p, buffer);
  float top = top_of(n, p, NULL, 0), shift = isinf(top) ? 0 : top;
  return (double)shift + log(exps_of(n, p, shift));
}

static void logsumexp(int64_t rows, int64_t n, const void *x, double *lse) {
  for (int64_t r = 0; r < rows; r++) lse[r] = log_of_sum(n, (const float *)x + r * n);
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
