/* Normalisation of groups of channels; see group.h. Means and variances in two passes. */
#include "group.h"

#include "../lanes.h"

#include <math.h>
#include <stddef.h>

#define KERNELS(T, SUF, FMA_)                                                                      \
  LANE_FOLD(sum_##SUF, T, T, double, 0, add_##SUF, add_f64, x[i])                                  \
  LANE_FOLD(spread_##SUF, T, T, double, 0, add_##SUF, add_f64, (x[i] - c) * (x[i] - c))            \
  LANE_FOLD(lean_##SUF, T, T, double, 0, add_##SUF, add_f64, y[i] * (x[i] - c))                    \
                                                                                                   \
  static void forward_##SUF(const GroupNorm *s, T *out) {                                          \
    int64_t n = s->k * s->l;                                                                       \
    for (int64_t r = s->from; r < s->to; r++) {                                                    \
      const T *x = (const T *)s->x + r * n;                                                        \
      int64_t first = r % s->groups * s->k;                                                        \
      T mean = (T)(sum_##SUF(n, x, NULL, 0) / (double)n);                                          \
      T rstd = (T)(1 / sqrt(spread_##SUF(n, x, NULL, mean) / (double)n + s->eps));                 \
      ((T *)s->mean)[r] = mean;                                                                    \
      ((T *)s->rstd)[r] = rstd;                                                                    \
      for (int64_t k = 0; k < s->k; k++) {                                                         \
        T scale = s->gamma ? rstd * ((const T *)s->gamma)[first + k] : rstd;                       \
        T shift = s->beta ? ((const T *)s->beta)[first + k] : 0;                                   \
        const T *restrict v = x + k * s->l;                                                        \
        T *restrict o = out + r * n + k * s->l;                                                    \
        for (int64_t i = 0; i < s->l; i++) o[i] = FMA_(v[i] - mean, scale, shift);                 \
      }                                                                                            \
    }                                                                                              \
  }                                                                                                \
                                                                                                   \
  /* With h = (x - mean) rstd and g = gy gamma: gx = rstd (g - mean(g) - h mean(g h)). */          \
  static void backward_##SUF(const GroupNorm *s, const T *gy, T *gx, double *sums) {               \
    int64_t n = s->k * s->l;                                                                       \
    for (int64_t r = s->from; r < s->to; r++) {                                                    \
      const T *x = (const T *)s->x + r * n, *g = gy + r * n;                                       \
      const T *gamma = s->gamma ? (const T *)s->gamma + r % s->groups * s->k : NULL;               \
      T mean = ((const T *)s->mean)[r], rstd = ((const T *)s->rstd)[r];                            \
      double a = 0, b = 0, *row = sums + r * s->k * 2;                                             \
      for (int64_t k = 0; k < s->k; k++) {                                                         \
        double w = gamma ? (double)gamma[k] : 1;                                                   \
        row[2 * k] = sum_##SUF(s->l, g + k * s->l, NULL, 0);                                       \
        row[2 * k + 1] = lean_##SUF(s->l, x + k * s->l, g + k * s->l, mean) * (double)rstd;        \
        a += w * row[2 * k];                                                                       \
        b += w * row[2 * k + 1];                                                                   \
      }                                                                                            \
      T all = (T)(a / (double)n) * rstd, lean = (T)(b / (double)n) * rstd * rstd;                  \
      for (int64_t k = 0; k < s->k; k++) {                                                         \
        T scale = gamma ? rstd * gamma[k] : rstd;                                                  \
        const T *restrict v = x + k * s->l, *restrict q = g + k * s->l;                            \
        T *restrict o = gx + r * n + k * s->l;                                                     \
        for (int64_t i = 0; i < s->l; i++) {                                                       \
          o[i] = FMA_(mean - v[i], lean, FMA_(q[i], scale, -all));                                 \
        }                                                                                          \
      }                                                                                            \
    }                                                                                              \
  }

KERNELS(float, f32, FMAF)
KERNELS(double, f64, FMA)

const GroupKernels AT_LEVEL(group_kernels) = {forward_f32, forward_f64, backward_f32, backward_f64};
