/* Loops of losses; see losses.h. */
#include "losses.h"

#include "math/vmath.h"

/* f: the loss in terms of x, t, their difference d, its size a, and p. */
#define LOOP(name, type, T, f)                                                                     \
  static void name##_##type(int64_t n, const void *inputs, const void *targets, void *losses,      \
                            double parameter) {                                                    \
    const T *xs = inputs, *ts = targets, p = (T)parameter;                                         \
    T *restrict out = losses;                                                                      \
    (void)p;                                                                                       \
    for (int64_t i = 0; i < n; i++) {                                                              \
      const T x = xs[i], t = ts[i], d = x - t, a = d < 0 ? -d : d;                                 \
      (void)d, (void)a;                                                                            \
      out[i] = (f);                                                                                \
    }                                                                                              \
  }
#define LOOPS(name, f)                                                                             \
  LOOP(name, f32, float, f)                                                                        \
  LOOP(name, f64, double, f)

#define AT_LEAST(least, v) ((v) < (least) ? (least) : (v))

LOOPS(mse, d *d)
LOOPS(l1, a)
LOOPS(smooth, a < p ? d * d / (2 * p) : a - p / 2)
LOOPS(huber, a <= p ? d * d / 2 : p * (a - p / 2))
LOOPS(logits, (1 - t) * x + m_softplus(-x))
LOOPS(bce, -(t *AT_LEAST(-100, m_log(x)) + (1 - t) * AT_LEAST(-100, m_log1p(-x))))

/* f: the derivative in terms of x, t, d and p. */
#define SLOPE_LOOP(name, type, T, f)                                                               \
  static void name##_slope_##type(int64_t n, const void *inputs, const void *targets,              \
                                  const void *gradients, int64_t step, double scale, void *slopes, \
                                  double parameter) {                                              \
    const T *xs = inputs, *ts = targets, *gs = gradients, p = (T)parameter, by = (T)scale;         \
    T *restrict out = slopes;                                                                      \
    (void)p;                                                                                       \
    if (step == 0) {                                                                               \
      const T g = *gs * by;                                                                        \
      for (int64_t i = 0; i < n; i++) {                                                            \
        const T d = xs[i] - ts[i];                                                                 \
        out[i] = (f)*g;                                                                            \
      }                                                                                            \
      return;                                                                                      \
    }                                                                                              \
    for (int64_t i = 0; i < n; i++) {                                                              \
      const T d = xs[i] - ts[i];                                                                   \
      out[i] = (f) * (gs[i] * by);                                                                 \
    }                                                                                              \
  }
#define SLOPE_LOOPS(name, f)                                                                       \
  SLOPE_LOOP(name, f32, float, f)                                                                  \
  SLOPE_LOOP(name, f64, double, f)

/* d, at most p away from 0. */
#define NEAR(d, p) ((d) < -(p) ? -(p) : (d) > (p) ? (p) : (d))

SLOPE_LOOPS(mse, 2 * d)
SLOPE_LOOPS(l1, d > 0 ? 1 : d < 0 ? -1 : d)
SLOPE_LOOPS(smooth, NEAR(d, p) / p)
SLOPE_LOOPS(huber, NEAR(d, p))

#define ENTRY(name)                                                                                \
  { name##_f32, name##_f64 }
#define SLOPE_ENTRY(name)                                                                          \
  { name##_slope_f32, name##_slope_f64 }
const LossKernels AT_LEVEL(loss_kernels) = {.of = {[LOSS_MSE] = ENTRY(mse),
                                                   [LOSS_L1] = ENTRY(l1),
                                                   [LOSS_SMOOTH] = ENTRY(smooth),
                                                   [LOSS_HUBER] = ENTRY(huber),
                                                   [LOSS_LOGITS] = ENTRY(logits),
                                                   [LOSS_BCE] = ENTRY(bce)},
                                            .slope = {[LOSS_MSE] = SLOPE_ENTRY(mse),
                                                      [LOSS_L1] = SLOPE_ENTRY(l1),
                                                      [LOSS_SMOOTH] = SLOPE_ENTRY(smooth),
                                                      [LOSS_HUBER] = SLOPE_ENTRY(huber)}};
