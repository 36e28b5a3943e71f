/* Softmax over columns; see softmax_cols.h. */
#include "softmax_cols.h"

#include "../math/vmath.h"

/* ---- passes over a tile --------------------------------------------------------------------------- */

/* a[i] = the fold of column i: step is the value after x and g, the values of p and q there, given a
   and the column's shift s. */
#define FOLD(name, T, A, start, step)                                                              \
  static void name(int64_t width, int64_t n, int64_t stride, const T *p, const T *q,               \
                   const T *shift, A *restrict fold) {                                             \
    for (int64_t i = 0; i < width; i++) fold[i] = start;                                           \
    for (int64_t r = 0; r < n; r++) {                                                              \
      for (int64_t i = 0; i < width; i++) {                                                        \
        T x = p[r * stride + i], g = q[r * stride + i], s = shift[i];                              \
        A a = fold[i];                                                                             \
        (void)x, (void)g, (void)s;                                                                 \
        fold[i] = (step);                                                                          \
      }                                                                                            \
    }                                                                                              \
  }
/* out = f of x and g, the values of p and q, and of the column's a and b. */
#define MAP(name, T, f)                                                                            \
  static void name(int64_t width, int64_t n, int64_t stride, const T *p, const T *q, const T *a_,  \
                   const T *b_, T *restrict out) {                                                 \
    for (int64_t r = 0; r < n; r++) {                                                              \
      for (int64_t i = 0; i < width; i++) {                                                        \
        T x = p[r * stride + i], g = q[r * stride + i], a = a_[i], b = b_[i];                      \
        (void)g, (void)b;                                                                          \
        out[r * stride + i] = (f);                                                                 \
      }                                                                                            \
    }                                                                                              \
  }
#define PASSES(type, T)                                                                            \
  FOLD(top_##type, T, T, -INFINITY, x > a || x != x ? x : a)                                       \
  FOLD(exps_##type, T, double, 0, a + (double)m_exp(x - s))                                        \
  FOLD(sum_##type, T, double, 0, a + (double)g)                                                    \
  FOLD(dot_##type, T, double, 0, a + (double)x * (double)g)                                        \
  MAP(scaled_exps_##type, T, m_exp(x - a) * b)                                                     \
  MAP(differences_##type, T, (x - a) - b)                                                          \
  MAP(centred_##type, T, x *(g - a))                                                               \
  MAP(less_share_##type, T, g - m_exp(x) * a)
PASSES(f32, float)
PASSES(f64, double)

/* ---- the five, per type --------------------------------------------------------------------------- */

#define W SOFTMAX_WIDTH
#define CONVERT(out, f)                                                                            \
  for (int64_t i = 0; i < width; i++) (out)[i] = (f)

#define FORWARD(name, type, T, of_sum, pass)                                                       \
  static void name##_##type(int64_t width, int64_t n, int64_t stride, const void *x, void *y) {    \
    T top[W] = {0}, rest[W];                                                                       \
    double sum[W];                                                                                 \
    top_##type(width, n, stride, x, x, x, top);                                                    \
    exps_##type(width, n, stride, x, x, top, sum);                                                 \
    CONVERT(rest, (T)(of_sum));                                                                    \
    pass##_##type(width, n, stride, x, x, top, rest, y);                                           \
  }
#define BACK(name, type, T, fold, pass)                                                            \
  static void name##_back_##type(int64_t width, int64_t n, int64_t stride, const void *y,          \
                                 const void *gy, void *gx) {                                       \
    T single[W];                                                                                   \
    double whole[W];                                                                               \
    fold##_##type(width, n, stride, y, gy, y, whole);                                              \
    CONVERT(single, (T)whole[i]);                                                                  \
    pass##_##type(width, n, stride, y, gy, single, single, gx);                                    \
  }
/* An infinite top is the answer itself. */
#define LOGSUMEXP(type, T)                                                                         \
  static void logsumexp_##type(int64_t width, int64_t n, int64_t stride, const void *x,            \
                               double *lse) {                                                      \
    T top[W] = {0};                                                                                \
    double sum[W];                                                                                 \
    top_##type(width, n, stride, x, x, x, top);                                                    \
    CONVERT(top, isinf(top[i]) ? 0 : top[i]);                                                      \
    exps_##type(width, n, stride, x, x, top, sum);                                                 \
    CONVERT(lse, (double)top[i] + m_log(sum[i]));                                                  \
  }
#define FIVE(type, T)                                                                              \
  FORWARD(softmax, type, T, 1 / sum[i], scaled_exps)                                               \
  FORWARD(log_softmax, type, T, m_log(sum[i]), differences)                                        \
  BACK(softmax, type, T, dot, centred)                                                             \
  BACK(log_softmax, type, T, sum, less_share)                                                      \
  LOGSUMEXP(type, T)
FIVE(f32, float)
FIVE(f64, double)

#define ENTRY(type)                                                                                \
  {                                                                                                \
    softmax_##type, softmax_back_##type, log_softmax_##type, log_softmax_back_##type,              \
        logsumexp_##type                                                                           \
  }
const SoftmaxColsKernels AT_LEVEL(softmax_cols_kernels) = {{ENTRY(f32), ENTRY(f64)}};
