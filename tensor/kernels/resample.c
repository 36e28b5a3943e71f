/* Sparse linear maps along one dimension; see resample.h. */
#include "resample.h"

#include "vec.h"

/* Where the neighbours are one, each output is a sum of its own. */
#define APPLY(name, T)                                                                             \
  static void name##_single(const Taps *t, const T *x, T *y) {                                     \
    for (int64_t i = 0; i < t->out && t->nearest; i++) y[i] = x[t->index[i]];                      \
    for (int64_t i = 0; i < t->out && !t->nearest; i++) {                                          \
      T sum = 0;                                                                                   \
      for (int64_t k = t->first[i]; k < t->first[i + 1]; k++)                                      \
        sum += (T)t->weight[k] * x[t->index[k]];                                                   \
      y[i] = sum;                                                                                  \
    }                                                                                              \
  }                                                                                                \
  static void name(const Taps *t, const T *x, T *y) {                                              \
    int64_t n = t->inner;                                                                          \
    for (int64_t i = 0; n > 1 && i < t->out; i++) {                                                \
      T *restrict o = y + i * n;                                                                   \
      int64_t from = t->first[i], to = t->first[i + 1];                                            \
      if (t->nearest) memcpy(o, x + t->index[i] * n, (size_t)n * sizeof *o);                       \
      for (int64_t k = from; k < to && !t->nearest; k++) {                                         \
        const T *restrict v = x + t->index[k] * n;                                                 \
        T w = (T)t->weight[k];                                                                     \
        if (k == from) {                                                                           \
          for (int64_t j = 0; j < n; j++) o[j] = w * v[j];                                         \
        } else {                                                                                   \
          for (int64_t j = 0; j < n; j++) o[j] += w * v[j];                                        \
        }                                                                                          \
      }                                                                                            \
    }                                                                                              \
    if (n == 1) name##_single(t, x, y);                                                            \
  }
APPLY(apply_f64, double)
APPLY(apply_plain, float)

enum { WIDE = 8 }; /* vectors of neighbours that stay in registers */

/* Output i of `vectors` vectors of neighbours, the last of them of `n` lanes. */
VEC void apply_block(int vectors, const Taps *t, int64_t i, int64_t n, const float *x, float *y) {
  vf sum[WIDE];
  for (int j = 0; j < vectors; j++) sum[j] = (vf){0};
  for (int64_t k = t->first[i]; k < t->first[i + 1]; k++) {
    const float *v = x + t->index[k] * t->inner;
    vf w = vf_all((float)t->weight[k]);
    for (int j = 0; j < vectors - 1; j++) sum[j] = vf_fma(w, vf_load(v + j * VL), sum[j]);
    sum[vectors - 1] = vf_fma(w, vf_load_part(v + (vectors - 1) * VL, n), sum[vectors - 1]);
  }
  for (int j = 0; j < vectors - 1; j++) vf_store(y + j * VL, sum[j]);
  vf_store_part(y + (vectors - 1) * VL, sum[vectors - 1], n);
}

static void apply_f32(const Taps *t, const float *x, float *y) {
  int64_t n = t->inner;
  if (n < VL || t->nearest) {
    apply_plain(t, x, y);
    return;
  }
  for (int64_t i = 0; i < t->out; i++) {
    int64_t j = 0;
    for (; j + WIDE * VL <= n; j += WIDE * VL) apply_block(WIDE, t, i, VL, x + j, y + i * n + j);
    for (; j < n; j += VL) { apply_block(1, t, i, n - j < VL ? n - j : VL, x + j, y + i * n + j); }
  }
}

#define SPREAD(name, T)                                                                            \
  static void name(const Taps *t, const T *y, T *x) {                                              \
    int64_t n = t->inner;                                                                          \
    memset(x, 0, (size_t)(t->in * n) * sizeof(T));                                                 \
    for (int64_t i = 0; n == 1 && t->nearest && i < t->out; i++) x[t->index[i]] += y[i];           \
    if (n == 1 && t->nearest) return;                                                              \
    for (int64_t i = 0; i < t->out; i++) {                                                         \
      const T *restrict g = y + i * n;                                                             \
      for (int64_t k = t->first[i]; k < t->first[i + 1]; k++) {                                    \
        T *restrict o = x + t->index[k] * n;                                                       \
        T w = (T)t->weight[k];                                                                     \
        for (int64_t j = 0; j < n; j++) o[j] += w * g[j];                                          \
      }                                                                                            \
    }                                                                                              \
  }
SPREAD(spread_f32, float)
SPREAD(spread_f64, double)

const ResampleKernels AT_LEVEL(resample_kernels) = {apply_f32, apply_f64, spread_f32, spread_f64};
