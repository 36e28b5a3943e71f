/* Layer and batch normalisation of float64, written plainly: what norm.c does fast for float32. */
#include "norm.h"

#include <math.h>

static double at_or(const void *x, int64_t i, double otherwise) {
  return x ? ((const double *)x)[i] : otherwise;
}

static void layer(const LayerNorm *s, void *y) {
  const double *x = s->x;
  double *o = y;
  for (int64_t r = 0; r < s->rows; r++, x += s->n, o += s->n) {
    double mean = 0, var = 0;
    for (int64_t i = 0; !s->raw && i < s->n; i++) mean += x[i] / (double)s->n;
    for (int64_t i = 0; i < s->n; i++) var += (x[i] - mean) * (x[i] - mean) / (double)s->n;
    double rstd = 1 / sqrt(var + s->eps);
    ((double *)s->mean)[r] = mean;
    ((double *)s->rstd)[r] = rstd;
    for (int64_t i = 0; i < s->n; i++) {
      o[i] = (x[i] - mean) * rstd * at_or(s->gamma, i, 1) + at_or(s->beta, i, 0);
    }
  }
}

static void layer_back(const LayerNorm *s, const void *gy, void *gx, void *dgamma, void *dbeta) {
  double *dg = dgamma, *db = dbeta;
  for (int64_t i = 0; dg && i < s->n; i++) dg[i] = 0;
  for (int64_t i = 0; db && i < s->n; i++) db[i] = 0;
  for (int64_t r = 0; r < s->rows; r++) {
    const double *x = (const double *)s->x + r * s->n, *g = (const double *)gy + r * s->n;
    double *o = gx ? (double *)gx + r * s->n : NULL;
    double mean = at_or(s->mean, r, 0), rstd = at_or(s->rstd, r, 1), a = 0, b = 0;
    for (int64_t i = 0; i < s->n; i++) {
      double h = (x[i] - mean) * rstd;
      if (dg) dg[i] += g[i] * h;
      if (db) db[i] += g[i];
      a += s->raw ? 0 : g[i] * at_or(s->gamma, i, 1) / (double)s->n;
      b += g[i] * at_or(s->gamma, i, 1) * h / (double)s->n;
    }
    for (int64_t i = 0; o && i < s->n; i++) {
      o[i] = rstd * (g[i] * at_or(s->gamma, i, 1) - a - (x[i] - mean) * rstd * b);
    }
  }
}

static void layer_sums(const LayerNorm *s, const void *gy, int64_t from, int64_t to, void *dgamma,
                       void *dbeta) {
  double *dg = dgamma, *db = dbeta;
  for (int64_t i = from; i < to; i++) dg[i] = db[i] = 0;
  for (int64_t r = 0; r < s->rows; r++) {
    const double *x = (const double *)s->x + r * s->n, *g = (const double *)gy + r * s->n;
    double mean = at_or(s->mean, r, 0), rstd = at_or(s->rstd, r, 1);
    for (int64_t i = from; i < to; i++) {
      dg[i] += g[i] * (x[i] - mean) * rstd;
      db[i] += g[i];
    }
  }
}

static void layer_join(int64_t pieces, int64_t stride, const void *sums, int64_t from, int64_t to,
                       void *y) {
  for (int64_t i = from; i < to; i++) {
    double sum = 0;
    for (int64_t p = 0; p < pieces; p++) sum += ((const double *)sums)[p * stride + i];
    ((double *)y)[i] = sum;
  }
}

/* Place of value i of channel c among n l values, which run along l first. */
static int64_t place(const BatchNorm *s, int64_t c, int64_t i) {
  return (i / s->l * s->c + c) * s->l + i % s->l;
}

static void apply(const BatchNorm *s, int64_t c, double mean, double rstd, double *y) {
  for (int64_t i = 0; i < s->n * s->l; i++) {
    double h = (((const double *)s->x)[place(s, c, i)] - mean) * rstd;
    y[place(s, c, i)] = h * at_or(s->gamma, c, 1) + at_or(s->beta, c, 0);
  }
}

static void batch_train(const BatchNorm *s, void *y) {
  const double *x = s->x;
  double *rm = s->running_mean, *rv = s->running_var, count = (double)(s->n * s->l);
  for (int64_t c = s->from; c < s->to; c++) {
    double mean = 0, var = 0;
    for (int64_t i = 0; i < s->n * s->l; i++) mean += x[place(s, c, i)] / count;
    for (int64_t i = 0; i < s->n * s->l; i++) {
      double d = x[place(s, c, i)] - mean;
      var += d * d / count;
    }
    double rstd = 1 / sqrt(var + s->eps);
    ((double *)s->mean)[c] = mean;
    ((double *)s->rstd)[c] = rstd;
    if (rm) rm[c] = s->momentum * mean + (1 - s->momentum) * rm[c];
    if (rv) rv[c] = s->momentum * var * count / (count - 1) + (1 - s->momentum) * rv[c];
    apply(s, c, mean, rstd, y);
  }
}

static void batch_eval(const BatchNorm *s, void *y) {
  for (int64_t c = s->from; c < s->to; c++) {
    double mean = at_or(s->running_mean, c, 0);
    double rstd = 1 / sqrt(at_or(s->running_var, c, 1) + s->eps);
    if (s->mean) ((double *)s->mean)[c] = mean;
    if (s->rstd) ((double *)s->rstd)[c] = rstd;
    apply(s, c, mean, rstd, y);
  }
}

static void batch_back(const BatchNorm *s, bool trained, const void *gy, void *gx, void *dgamma,
                       void *dbeta) {
  const double *x = s->x, *g = gy;
  double *o = gx, count = (double)(s->n * s->l);
  for (int64_t c = s->from; c < s->to; c++) {
    double mean = at_or(s->mean, c, 0), rstd = at_or(s->rstd, c, 1), sum = 0, lean = 0;
    for (int64_t i = 0; i < s->n * s->l; i++) {
      int64_t k = place(s, c, i);
      sum += g[k];
      lean += g[k] * (x[k] - mean) * rstd;
    }
    if (dgamma) ((double *)dgamma)[c] = lean;
    if (dbeta) ((double *)dbeta)[c] = sum;
    double a = trained ? sum / count : 0, b = trained ? lean / count : 0;
    for (int64_t i = 0; o && i < s->n * s->l; i++) {
      int64_t k = place(s, c, i);
      o[k] = rstd * at_or(s->gamma, c, 1) * (g[k] - a - (x[k] - mean) * rstd * b);
    }
  }
}

extern const NormOps AT_LEVEL(norm_f64);

const NormOps AT_LEVEL(norm_f64) = {layer,       layer_back, layer_sums, layer_join,
                                    batch_train, batch_eval, batch_back};
