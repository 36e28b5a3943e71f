/* Softmax and its kin over rows of float64, written plainly: what softmax.c does fast for float32. */
#include "softmax.h"

#include <math.h>

static double top_of(int64_t n, const double *x) {
  double top = -INFINITY;
  for (int64_t i = 0; i < n; i++) top = x[i] > top ? x[i] : top;
  return top;
}

/* log(sum(exp(x))) */
static double log_of_sum(int64_t n, const double *x) {
  double top = top_of(n, x), shift = isinf(top) ? 0 : top, sum = 0;
  for (int64_t i = 0; i < n; i++) sum += exp(x[i] - shift);
  return shift + log(sum);
}

static void softmax(int64_t rows, int64_t n, const void *x, void *y) {
  const double *p = x;
  double *q = y;
  for (int64_t r = 0; r < rows; r++, p += n, q += n) {
    double top = top_of(n, p), sum = 0;
    for (int64_t i = 0; i < n; i++) sum += q[i] = exp(p[i] - top);
    for (int64_t i = 0; i < n; i++) q[i] /= sum;
  }
}

static void softmax_back(int64_t rows, int64_t n, const void *y, const void *gy, void *gx) {
  const double *p = y, *g = gy;
  double *q = gx;
  for (int64_t r = 0; r < rows; r++, p += n, g += n, q += n) {
    double dot = 0;
    for (int64_t i = 0; i < n; i++) dot += p[i] * g[i];
    for (int64_t i = 0; i < n; i++) q[i] = p[i] * (g[i] - dot);
  }
}

static void log_softmax(int64_t rows, int64_t n, const void *x, void *y) {
  const double *p = x;
  double *q = y;
  for (int64_t r = 0; r < rows; r++, p += n, q += n) {
    double top = top_of(n, p), sum = 0;
    for (int64_t i = 0; i < n; i++) sum += exp(p[i] - top);
    double rest = log(sum);
    for (int64_t i = 0; i < n; i++) q[i] = p[i] - top - rest;
  }
}

static void log_softmax_back(int64_t rows, int64_t n, const void *y, const void *gy, void *gx) {
  const double *p = y, *g = gy;
  double *q = gx;
  for (int64_t r = 0; r < rows; r++, p += n, g += n, q += n) {
    double sum = 0;
    for (int64_t i = 0; i < n; i++) sum += g[i];
    for (int64_t i = 0; i < n; i++) q[i] = g[i] - exp(p[i]) * sum;
  }
}

static void logsumexp(int64_t rows, int64_t n, const void *x, double *lse) {
  for (int64_t r = 0; r < rows; r++) lse[r] = log_of_sum(n, (const double *)x + r * n);
}

static void logsumexp_back(int64_t rows, int64_t n, const void *x, const double *lse, const void *g,
                           void *gx) {
  const double *p = x;
  double *q = gx;
  for (int64_t r = 0; r < rows; r++, p += n, q += n) {
    for (int64_t i = 0; i < n; i++) q[i] = exp(p[i] - lse[r]) * ((const double *)g)[r];
  }
}

static double weight_of(const CrossEntropy *c, int64_t i) {
  return c->weight ? ((const double *)c->weight)[i] : 1;
}

static void cross_entropy(const CrossEntropy *c, void *loss, double *lse) {
  const double *p = c->x;
  for (int64_t r = 0; r < c->rows; r++, p += c->n) {
    int64_t t = c->ids[r];
    lse[r] = log_of_sum(c->n, p);
    double own = 0, all = 0;
    if (t >= 0) own = weight_of(c, t) * (lse[r] - p[t]);
    for (int64_t i = 0; t >= 0 && c->smoothing > 0 && i < c->n; i++) {
      all += weight_of(c, i) * (lse[r] - p[i]);
    }
    ((double *)loss)[r] = (1 - c->smoothing) * own + c->smoothing / (double)c->n * all;
  }
}

static void cross_entropy_back(const CrossEntropy *c, const double *lse, const void *g, void *gx) {
  const double *p = c->x;
  double *q = gx, spread = c->smoothing / (double)c->n, weights = 0;
  for (int64_t i = 0; i < c->n; i++) weights += weight_of(c, i);
  for (int64_t r = 0; r < c->rows; r++, p += c->n, q += c->n) {
    int64_t t = c->ids[r];
    double up = t < 0 ? 0 : ((const double *)g)[r];
    double own = t < 0 ? 0 : (1 - c->smoothing) * weight_of(c, t);
    for (int64_t i = 0; i < c->n; i++) {
      double p_i = exp(p[i] - lse[r]) * (own + spread * weights) - spread * weight_of(c, i);
      q[i] = t < 0 ? 0 : up * (i == t ? p_i - own : p_i);
    }
  }
}

extern const SoftmaxOps AT_LEVEL(softmax_f64);

const SoftmaxOps AT_LEVEL(softmax_f64) = {softmax,          softmax_back,      log_softmax,
                                          log_softmax_back, logsumexp,         logsumexp_back,
                                          cross_entropy,    cross_entropy_back};
