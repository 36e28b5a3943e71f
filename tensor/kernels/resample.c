/* Sparse linear maps along one dimension; see resample.h. */
#include "resample.h"

#include <string.h>

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
APPLY(apply_f32, float)
APPLY(apply_f64, double)

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
