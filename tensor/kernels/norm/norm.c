/* Layer and batch normalisation of float32; see norm.h. Means and variances in two passes, what they
   sum in double over lanes. */
#include "norm.h"

#include "../lanes.h"
#include "../vec.h"
#include "../math/vmath.h"

LANE_FOLD(sum_of, float, float, double, 0, add_f32, add_f64, x[i])
LANE_FOLD(spread_of, float, float, double, 0, add_f32, add_f64, (x[i] - c) * (x[i] - c))
LANE_FOLD(dot_of, float, float, double, 0, add_f32, add_f64, x[i] * y[i])

/* y = (x - mean) scale + shift */
static __attribute__((noinline)) void standardize(int64_t n, const float *x, float mean,
                                                  float scale, float shift, float *y) {
#pragma GCC ivdep
  for (int64_t i = 0; i < n; i++) y[i] = FMAF(x[i] - mean, scale, shift);
}

typedef double vd __attribute__((vector_size(8 * VL)));

/* ---- layers ----------------------------------------------------------------------------------- */

enum { RUN = 8 * VL }; /* terms of a row that are added in float, VL side by side */

VEC double sum_lanes(vd v) {
  typedef double half __attribute__((vector_size(4 * VL)));
  half h[2];
  memcpy(h, &v, sizeof h);
  h[0] += h[1];
#if defined(__AVX512F__)
  return _mm512_reduce_add_pd((__m512d)h[0]);
#else
  double sum = 0;
  for (int l = 0; l < VL / 2; l++) sum += h[0][l];
  return sum;
#endif
}

/* The sum of a row less c, or of the squares of that. */
VEC double row_sum(bool squares, int64_t n, const float *x, float c) {
  vd sum = {0};
  for (int64_t from = 0; from < n; from += RUN) {
    int64_t to = n - from < RUN ? n : from + RUN, i = from;
    vf a = {0};
    for (; i + VL <= to; i += VL) {
      vf d = vf_load(x + i) - vf_all(c);
      a = squares ? vf_fma(d, d, a) : a + d;
    }
    if (i < to) {
      vf d = vf_load_part(x + i, to - i) - vf_first(to - i, vf_all(c));
      a = squares ? vf_fma(d, d, a) : a + d;
    }
    sum += __builtin_convertvector(a, vd);
  }
  return sum_lanes(sum);
}

static void layer(const LayerNorm *s, void *out) {
  int64_t n = s->n;
  const float *gamma = s->gamma, *beta = s->beta;
  for (int64_t r = 0; r < s->rows; r++) {
    const float *x = (const float *)s->x + r * n;
    float *y = (float *)out + r * n;
    float mean = s->raw ? 0 : (float)(row_sum(false, n, x, 0) / (double)n);
    float rstd = (float)(1 / sqrt(row_sum(true, n, x, mean) / (double)n + s->eps));
    ((float *)s->mean)[r] = mean;
    ((float *)s->rstd)[r] = rstd;
    if (gamma && beta) {
#pragma GCC ivdep
      for (int64_t i = 0; i < n; i++) y[i] = FMAF((x[i] - mean) * rstd, gamma[i], beta[i]);
    } else {
      standardize(n, x, mean, rstd, 0, y);
      for (int64_t i = 0; gamma && i < n; i++) y[i] *= gamma[i];
      for (int64_t i = 0; beta && i < n; i++) y[i] += beta[i];
    }
  }
}

/* The sums over a row of g = gy gamma and of g (x - mean). */
typedef struct Sums {
  double g, lean;
} Sums;

/* A row's sums; what it adds to dg and db, where wanted, in the same pass. */
VEC Sums back_sums(int64_t n, const float *x, const float *gy, const float *gamma, float mean,
                   float rstd, float *dg, float *db) {
  vd sum = {0}, lean = {0};
  for (int64_t from = 0; from < n; from += RUN) {
    int64_t to = n - from < RUN ? n : from + RUN;
    vf a = {0}, b = {0};
    for (int64_t i = from; i < to; i += VL) {
      int64_t m = n - i < VL ? n - i : VL;
      vf d = vf_load_part(x + i, m) - vf_all(mean), g = vf_load_part(gy + i, m);
      if (dg) vf_store_part(dg + i, vf_fma(d * vf_all(rstd), g, vf_load_part(dg + i, m)), m);
      if (db) vf_store_part(db + i, vf_load_part(db + i, m) + g, m);
      if (gamma) g *= vf_load_part(gamma + i, m);
      a += g;
      b = vf_fma(g, d, b);
    }
    sum += __builtin_convertvector(a, vd);
    lean += __builtin_convertvector(b, vd);
  }
  return (Sums){sum_lanes(sum), sum_lanes(lean)};
}

/* With h = (x - mean) rstd and g = gy gamma: gx = rstd (g - mean(g) - h mean(g h)); if raw, mean(g) is
   left out. */
static void layer_back_row(const LayerNorm *s, int64_t r, Sums sums, const float *restrict gy,
                           float *restrict gx) {
  int64_t n = s->n;
  const float *restrict x = (const float *)s->x + r * n, *restrict gamma = s->gamma;
  float mean = ((const float *)s->mean)[r], rstd = ((const float *)s->rstd)[r];
  float a = s->raw ? 0 : (float)(sums.g / (double)n);
  float b = (float)(sums.lean / (double)n) * rstd * rstd;
  if (gamma)
    for (int64_t i = 0; i < n; i++) gx[i] = FMAF(mean - x[i], b, gy[i] * gamma[i] - a) * rstd;
  else
    for (int64_t i = 0; i < n; i++) gx[i] = FMAF(mean - x[i], b, gy[i] - a) * rstd;
}

static void layer_back(const LayerNorm *s, const void *gy, void *gx, void *dgamma, void *dbeta) {
  int64_t n = s->n;
  float *dg = dgamma, *db = dbeta;
  if (dg) memset(dg, 0, (size_t)n * sizeof *dg);
  if (db) memset(db, 0, (size_t)n * sizeof *db);
  for (int64_t r = 0; r < s->rows; r++) {
    const float *x = (const float *)s->x + r * n, *g = (const float *)gy + r * n;
    float mean = ((const float *)s->mean)[r], rstd = ((const float *)s->rstd)[r];
    Sums sums = dg && db ? back_sums(n, x, g, s->gamma, mean, rstd, dg, db)
                         : back_sums(n, x, g, s->gamma, mean, rstd, dg, NULL);
    if (db && !dg)
      for (int64_t i = 0; i < n; i++) db[i] += g[i];
    if (gx) layer_back_row(s, r, sums, g, (float *)gx + r * n);
  }
}

static void layer_sums(const LayerNorm *s, const void *gy, int64_t from, int64_t to, void *dgamma,
                       void *dbeta) {
  float *restrict dg = (float *)dgamma, *restrict db = (float *)dbeta;
  for (int64_t i = from; i < to; i++) dg[i] = db[i] = 0;
  for (int64_t r = 0; r < s->rows; r++) {
    const float *restrict x = (const float *)s->x + r * s->n;
    const float *restrict g = (const float *)gy + r * s->n;
    float mean = ((const float *)s->mean)[r], rstd = ((const float *)s->rstd)[r];
    for (int64_t i = from; i < to; i++) {
      dg[i] = FMAF((x[i] - mean) * rstd, g[i], dg[i]);
      db[i] += g[i];
    }
  }
}

static void layer_join(int64_t pieces, int64_t stride, const void *sums, int64_t from, int64_t to,
                       void *y) {
  const float *x = sums;
  float *o = y;
  for (; from < to; from += VL) {
    int64_t m = to - from < VL ? to - from : VL;
    vd sum = {0};
    for (int64_t p = 0; p < pieces; p++) {
      sum += __builtin_convertvector(vf_load_part(x + p * stride + from, m), vd);
    }
    vf_store_part(o + from, __builtin_convertvector(sum, vf), m);
  }
}

/* ---- batches: channels as rows of l ----------------------------------------------------------- */

static float at_or(const void *x, int64_t i, float otherwise) {
  return x ? ((const float *)x)[i] : otherwise;
}

/* Writes a channel's statistics, and moves the running ones. */
static void settle(const BatchNorm *s, int64_t c, double mean, double spread) {
  double count = (double)(s->n * s->l), var = spread / count;
  ((float *)s->mean)[c] = (float)mean;
  ((float *)s->rstd)[c] = (float)(1 / sqrt(var + s->eps));
  float m = (float)s->momentum, *rm = s->running_mean, *rv = s->running_var;
  if (rm) rm[c] = m * (float)mean + (1 - m) * rm[c];
  if (rv) rv[c] = m * (float)(spread / (count - 1)) + (1 - m) * rv[c];
}

static void train_channel(const BatchNorm *s, int64_t c, float *y) {
  int64_t step = s->c * s->l;
  const float *x = (const float *)s->x + c * s->l;
  double sum = 0, spread = 0;
  for (int64_t k = 0; k < s->n; k++) sum += sum_of(s->l, x + k * step, NULL, 0);
  double mean = sum / (double)(s->n * s->l);
  for (int64_t k = 0; k < s->n; k++) spread += spread_of(s->l, x + k * step, NULL, (float)mean);
  settle(s, c, mean, spread);
  float scale = at_or(s->rstd, c, 1) * at_or(s->gamma, c, 1), shift = at_or(s->beta, c, 0);
  for (int64_t k = 0; k < s->n; k++) {
    standardize(s->l, x + k * step, (float)mean, scale, shift, y + c * s->l + k * step);
  }
}

/* gx = ((mean - x) b + (g - a)) scale */
typedef struct Slope {
  float mean, scale, a, b;
} Slope;

/* A channel's slope and the gradients of its gamma and beta: sum is that of g, lean that of
   g (x - mean). */
static __attribute__((noinline)) Slope slope(const BatchNorm *s, bool trained, int64_t c,
                                             double sum, double lean, float *dgamma, float *dbeta) {
  double count = (double)(s->n * s->l);
  float rstd = at_or(s->rstd, c, 1);
  if (dgamma) dgamma[c] = (float)(lean * (double)rstd);
  if (dbeta) dbeta[c] = (float)sum;
  return (Slope){.mean = at_or(s->mean, c, 0),
                 .scale = rstd * at_or(s->gamma, c, 1),
                 .a = trained ? (float)(sum / count) : 0,
                 .b = trained ? (float)(lean / count) * rstd * rstd : 0};
}

/* The sums of g and of g (x - mean) over n rows of l, `step` apart. */
static void lean_sums(int64_t n, int64_t l, int64_t step, const float *x, const float *g,
                      float mean, double *sum, double *lean) {
  vd sums = {0}, leans = {0};
  for (int64_t k = 0; k < n; k++, x += step, g += step)
    for (int64_t from = 0; from < l; from += RUN) {
      int64_t to = l - from < RUN ? l : from + RUN, i = from;
      vf a = {0}, b = {0};
      for (; i + VL <= to; i += VL) {
        vf v = vf_load(g + i);
        a += v;
        b = vf_fma(v, vf_load(x + i) - vf_all(mean), b);
      }
      if (i < to) {
        vf v = vf_load_part(g + i, to - i);
        a += v;
        b = vf_fma(v, vf_load_part(x + i, to - i) - vf_first(to - i, vf_all(mean)), b);
      }
      sums += __builtin_convertvector(a, vd);
      leans += __builtin_convertvector(b, vd);
    }
  *sum = sum_lanes(sums);
  *lean = sum_lanes(leans);
}

/* g: the gradient of a channel, at its first element; gx likewise, or NULL. */
static void back_channel(const BatchNorm *s, bool trained, int64_t c, const float *g, float *gx,
                         float *dgamma, float *dbeta) {
  int64_t step = s->c * s->l;
  const float *x = (const float *)s->x + c * s->l;
  float mean = at_or(s->mean, c, 0);
  double sum, lean;
  lean_sums(s->n, s->l, step, x, g, mean, &sum, &lean);
  Slope f = slope(s, trained, c, sum, lean, dgamma, dbeta);
  for (int64_t k = 0; gx && k < s->n; k++) {
    const float *p = x + k * step, *q = g + k * step;
    float *o = gx + k * step;
#pragma GCC ivdep
    for (int64_t i = 0; i < s->l; i++) o[i] = FMAF(f.mean - p[i], f.b, q[i] - f.a) * f.scale;
  }
}

/* ---- batches: l = 1, channels side by side ---------------------------------------------------- */

enum { TILE = 128 };

static void apply_tile(const BatchNorm *s, int64_t from, int64_t w, const float *means,
                       const float *rstds, float *y) {
  const float *x = (const float *)s->x + from;
  float mean[TILE], scale[TILE], shift[TILE];
  for (int64_t i = 0; i < w; i++) {
    mean[i] = means[from + i];
    scale[i] = rstds[from + i] * at_or(s->gamma, from + i, 1);
    shift[i] = at_or(s->beta, from + i, 0);
  }
  for (int64_t k = 0; k < s->n; k++) {
    float *o = y + from + k * s->c;
#pragma GCC ivdep
    for (int64_t i = 0; i < w; i++) o[i] = FMAF(x[k * s->c + i] - mean[i], scale[i], shift[i]);
  }
}

static void train_tile(const BatchNorm *s, int64_t from, int64_t w, float *y) {
  const float *x = (const float *)s->x + from;
  double sum[TILE] = {0}, spread[TILE] = {0};
  float mean[TILE];
  for (int64_t k = 0; k < s->n; k++) {
    for (int64_t i = 0; i < w; i++) sum[i] += (double)x[k * s->c + i];
  }
  for (int64_t i = 0; i < w; i++) mean[i] = (float)(sum[i] / (double)s->n);
  for (int64_t k = 0; k < s->n; k++) {
    for (int64_t i = 0; i < w; i++) {
      double d = (double)(x[k * s->c + i] - mean[i]);
      spread[i] += d * d;
    }
  }
  for (int64_t i = 0; i < w; i++) settle(s, from + i, sum[i] / (double)s->n, spread[i]);
  apply_tile(s, from, w, s->mean, s->rstd, y);
}

static void back_tile(const BatchNorm *s, bool trained, int64_t from, int64_t w, const float *g,
                      float *gx, float *dgamma, float *dbeta) {
  const float *x = (const float *)s->x + from;
  double sum[TILE] = {0}, lean[TILE] = {0};
  float mean[TILE], scale[TILE], a[TILE], b[TILE];
  for (int64_t i = 0; i < w; i++) mean[i] = at_or(s->mean, from + i, 0);
  for (int64_t k = 0; k < s->n; k++) {
    for (int64_t i = 0; i < w; i++) {
      sum[i] += (double)g[k * s->c + i];
      lean[i] += (double)(x[k * s->c + i] - mean[i]) * (double)g[k * s->c + i];
    }
  }
  for (int64_t i = 0; i < w; i++) {
    Slope f = slope(s, trained, from + i, sum[i], lean[i], dgamma, dbeta);
    scale[i] = f.scale, a[i] = f.a, b[i] = f.b;
  }
  for (int64_t k = 0; gx && k < s->n; k++) {
    const float *p = x + k * s->c, *q = g + k * s->c;
    float *o = gx + k * s->c;
#pragma GCC ivdep
    for (int64_t i = 0; i < w; i++) o[i] = FMAF(mean[i] - p[i], b[i], q[i] - a[i]) * scale[i];
  }
}

/* ---- batches ---------------------------------------------------------------------------------- */

static void batch_train(const BatchNorm *s, void *y) {
  if (s->l == 1) {
    for (int64_t c = s->from; c < s->to; c += TILE) {
      train_tile(s, c, s->to - c < TILE ? s->to - c : TILE, y);
    }
  } else {
    for (int64_t c = s->from; c < s->to; c++) train_channel(s, c, y);
  }
}

static void eval_tile(const BatchNorm *s, int64_t from, int64_t w, const float *rstd, float *y) {
  BatchNorm part = *s;
  part.gamma = s->gamma ? (const float *)s->gamma + from : NULL;
  part.beta = s->beta ? (const float *)s->beta + from : NULL;
  part.x = (const float *)s->x + from;
  apply_tile(&part, 0, w, (const float *)s->running_mean + from, rstd, y + from);
}

static void batch_eval(const BatchNorm *s, void *y) {
  const float *rm = s->running_mean, *rv = s->running_var;
  float *sm = s->mean, *sr = s->rstd, rstd[TILE], scale[TILE];
  for (int64_t t = s->from; t < s->to; t += TILE) {
    int64_t w = s->to - t < TILE ? s->to - t : TILE;
    for (int64_t i = 0; i < w; i++) {
      rstd[i] = (float)(1 / sqrt((double)rv[t + i] + s->eps));
      if (sm) sm[t + i] = rm[t + i];
      if (sr) sr[t + i] = rstd[i];
    }
    if (s->l == 1) {
      eval_tile(s, t, w, rstd, y);
      continue;
    }
    for (int64_t i = 0; i < w; i++) scale[i] = rstd[i] * at_or(s->gamma, t + i, 1);
    for (int64_t k = 0; k < s->n; k++)
      for (int64_t i = 0; i < w; i++) {
        int64_t place = (k * s->c + t + i) * s->l;
        standardize(s->l, (const float *)s->x + place, rm[t + i], scale[i],
                    at_or(s->beta, t + i, 0), (float *)y + place);
      }
  }
}

static void batch_back(const BatchNorm *s, bool trained, const void *gy, void *gx, void *dgamma,
                       void *dbeta) {
  const float *g = gy;
  float *o = gx;
  if (s->l == 1) {
    for (int64_t c = s->from; c < s->to; c += TILE) {
      int64_t w = s->to - c < TILE ? s->to - c : TILE;
      back_tile(s, trained, c, w, g + c, o ? o + c : NULL, dgamma, dbeta);
    }
  } else {
    for (int64_t c = s->from; c < s->to; c++) {
      int64_t place = c * s->l;
      back_channel(s, trained, c, g + place, o ? o + place : NULL, dgamma, dbeta);
    }
  }
}

static const NormOps ops = {layer,       layer_back, layer_sums, layer_join,
                            batch_train, batch_eval, batch_back};

extern const NormOps AT_LEVEL(norm_f64);

const NormKernels AT_LEVEL(norm_kernels) = {{&ops, &AT_LEVEL(norm_f64)}};
