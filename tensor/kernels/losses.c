/* Loops of losses; see losses.h. */
#include "losses.h"

#include "vmath.h"

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

#define ENTRY(name)                                                                                \
  { name##_f32, name##_f64 }
const LossKernels AT_LEVEL(loss_kernels) = {{
    [LOSS_MSE] = ENTRY(mse),
    [LOSS_L1] = ENTRY(l1),
    [LOSS_SMOOTH] = ENTRY(smooth),
    [LOSS_HUBER] = ENTRY(huber),
    [LOSS_LOGITS] = ENTRY(logits),
    [LOSS_BCE] = ENTRY(bce),
}};
