/* Softmax and its kin over rows of float64: what softmax.c does for float32. */
#include "softmax.h"

#include <math.h>
#include <stdbool.h>

#include "../lanes.h"
#include "../math/vmath.h"

LANE_FOLD(top_of, double, double, double, -INFINITY, max_f64, max_f64, x[i])
LANE_FOLD(sum_of, double, double, double, 0, add_f64, add_f64, x[i])
LANE_FOLD(dot_of, double, double, double, 0, add_f64, add_f64, x[i] * y[i])

enum { RUN = 256 };

/* e[i] = exp(x[i] - shift), a run at a time into e itself where keep is set; the sum of them. */
static double exps_of(int64_t n, const double *x, double shift, double *e, bool keep) {
  double sum = 0;
  for (int64_t k = 0; k < n; k += RUN) {
    int64_t m = n - k < RUN ? n - k : RUN;
    double *to = keep ? e + k : e;
    for (int64_t i = 0; i < m; i++) to[i] = exp_f64(x[k + i] - shift);
    sum += sum_of(m, to, NULL, 0);
  }
  return sum;
}

/* log(sum(exp(x))) */
static double log_of_sum(int64_t n, const double *x) {
  double e[RUN], top = top_of(n, x, NULL, 0), shift = isinf(top) ? 0 : top;
  return shift + log(exps_of(n, x, shift, e, false));
}

static void softmax(int64_t rows, int64_t n, const void *x, void *y) {
  const double *p = x;
  double *q = y;
  for (int64_t r = 0; r < rows; r++, p += n, q += n) {
    double sum = exps_of(n, p, top_of(n, p, NULL, 0), q, true);
    for (int64_t i = 0; i < n; i++) q[i] /= sum;
  }
}

static void softmax_back(int64_t rows, int64_t n, const void *y, const void *gy, void *gx) {
  const double *p = y, *g = gy;
  double *q = gx;
  for (int64_t r = 0; r < rows; r++, p += n, g += n, q += n) {
    double dot = dot_of(n, p, g, 0);
    for (int64_t i = 0; i < n; i++) q[i] = p[i] * (g[i] - dot);
  }
}

static void log_softmax(int64_t rows, int64_t n, const void *x, void *y) {
  const double *p = x;
  double *q = y;
  for (int64_t r = 0; r < rows; r++, p += n, q += n) {
    double e[RUN], top = top_of(n, p, NULL, 0), rest = log(exps_of(n, p, top, e, false));
    for (int64_t i = 0; i < n; i++) q[i] = p[i] - top - rest;
  }
}

static void log_softmax_back(int64_t rows, int64_t n, const void *y, const void *gy, void *gx) {
  const double *p = y, *g = gy;
  double *q = gx;
  for (int64_t r = 0; r < rows; r++, p += n, g += n, q += n) {
    double sum = sum_of(n, g, NULL, 0);
    for (int64_t i = 0; i < n; i++) q[i] = g[i] - exp_f64(p[i]) * sum;
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
    for (int64_t i = 0; i < n; i++) q[i] = exp_f64(p[i] - lse[r]) * ((const double *)g)[r];
  }
}

static double weight_of(const CrossEntropy *c, int64_t i) {
  return c->weight ? ((const double *)c->weight)[i] : 1;
}

static void cross_entropy(const CrossEntropy *c, const double *lse, void *loss) {
  const double *p = c->x;
  for (int64_t r = 0; r < c->rows; r++, p += c->n) {
    int64_t t = c->ids[r];
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
      double p_i = exp_f64(p[i] - lse[r]) * (own + spread * weights) - spread * weight_of(c, i);
      q[i] = t < 0 ? 0 : up * (i == t ? p_i - own : p_i);
    }
  }
}

extern const SoftmaxOps AT_LEVEL(softmax_f64);

const SoftmaxOps AT_LEVEL(softmax_f64) = {softmax,          softmax_back,      log_softmax,
                                          log_softmax_back, logsumexp,         logsumexp_back,
                                          cross_entropy,    cross_entropy_back};
