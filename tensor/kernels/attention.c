/* Blocks of attention's scores; see attention.h. */
#include "attention.h"

#include "lanes.h"
#include "math/vmath.h"

static int64_t seen(const Scores *b, int64_t r) {
  if (!b->causal) return b->n;
  int64_t n = b->visible + r;
  return n < 0 ? 0 : n < b->n ? n : b->n;
}

#define KERNELS(T, SUF)                                                                            \
  LANE_FOLD(top_##SUF, T, T, T, -INFINITY, max_##SUF, max_##SUF, x[i])                             \
  LANE_FOLD(sum_##SUF, T, T, double, 0, add_##SUF, add_f64, x[i])                                  \
                                                                                                   \
  /* x = scale x + mask */                                                                         \
  static void scaled_##SUF(const Scores *b, int64_t r, int64_t n, T *restrict x) {                 \
    T scale = (T)b->scale;                                                                         \
    if (b->mask) {                                                                                 \
      const T *restrict m = (const T *)b->mask + r * b->ld_mask;                                   \
      for (int64_t i = 0; i < n; i++) x[i] = x[i] * scale + m[i];                                  \
    } else {                                                                                       \
      for (int64_t i = 0; i < n; i++) x[i] *= scale;                                               \
    }                                                                                              \
  }                                                                                                \
                                                                                                   \
  static void kept_##SUF(const Scores *b, int64_t r, int64_t n, T *restrict x) {                   \
    const uint8_t *restrict k = b->keep + r * b->ld_keep;                                          \
    T share = (T)b->share;                                                                         \
    for (int64_t i = 0; i < n; i++) x[i] = k[i] ? x[i] * share : 0;                                \
  }                                                                                                \
                                                                                                   \
  static void forward_##SUF(const Scores *b, T *s, T *top, T *sum, T *old) {                       \
    for (int64_t r = 0; r < b->rows; r++) {                                                        \
      T *restrict x = s + r * b->ld;                                                               \
      int64_t n = seen(b, r);                                                                      \
      for (int64_t i = n; i < b->n; i++) x[i] = 0;                                                 \
      scaled_##SUF(b, r, n, x);                                                                    \
      T most = top_##SUF(n, x, NULL, 0), now = most > top[r] ? most : top[r];                      \
      T shift = now > -INFINITY ? now : 0;                                                         \
      old[r] = m_exp(top[r] - shift);                                                              \
      for (int64_t i = 0; i < n; i++) x[i] = m_exp(x[i] - shift);                                  \
      sum[r] = sum[r] * old[r] + (T)sum_##SUF(n, x, NULL, 0);                                      \
      top[r] = now;                                                                                \
      if (b->keep) kept_##SUF(b, r, n, x);                                                         \
    }                                                                                              \
  }                                                                                                \
                                                                                                   \
  static void backward_##SUF(const Scores *b, T *s, T *dp, const T *lse, const T *delta) {         \
    for (int64_t r = 0; r < b->rows; r++) {                                                        \
      T *restrict x = s + r * b->ld, *restrict g = dp + r * b->ld;                                 \
      int64_t n = seen(b, r);                                                                      \
      for (int64_t i = n; i < b->n; i++) x[i] = g[i] = 0;                                          \
      scaled_##SUF(b, r, n, x);                                                                    \
      if (b->keep) kept_##SUF(b, r, n, g);                                                         \
      T shift = lse[r], d = delta[r], scale = (T)b->scale;                                         \
      for (int64_t i = 0; i < n; i++) x[i] = m_exp(x[i] - shift);                                  \
      for (int64_t i = 0; i < n; i++) g[i] = scale * x[i] * (g[i] - d);                            \
      if (b->keep) kept_##SUF(b, r, n, x);                                                         \
    }                                                                                              \
  }

KERNELS(float, f32)
KERNELS(double, f64)

const AttentionKernels AT_LEVEL(attention_kernels) = {forward_f32, forward_f64, backward_f32,
                                                      backward_f64};
