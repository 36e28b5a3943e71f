/* Fused optimizer steps; optim.h states the formulas. */
#include "optim.h"

#include <math.h>

/* Loops over arrays that do not overlap; the options are constants of the loop. */
#define ADAM(name, T, root)                                                                        \
  static void name(const AdamStep *s, int64_t n, T *restrict p, const T *restrict g,               \
                   T *restrict m, T *restrict v, T *restrict vmax) {                               \
    const T b1 = (T)s->beta1, c1 = (T)(1 - s->beta1), b2 = (T)s->beta2, c2 = (T)(1 - s->beta2);    \
    const T eps = (T)s->eps, size = (T)(s->lr / s->correction1);                                   \
    const T scale = (T)(1 / sqrt(s->correction2));                                                 \
    const T decay = s->decoupled ? 0 : (T)s->weight_decay;                                         \
    const T keep = s->decoupled ? (T)(1 - s->lr * s->weight_decay) : 1;                            \
    if (vmax) {                                                                                    \
      for (int64_t i = 0; i < n; i++) {                                                            \
        T w = p[i] * keep, d = g[i] + decay * w;                                                   \
        m[i] = m[i] * b1 + d * c1;                                                                 \
        v[i] = v[i] * b2 + d * d * c2;                                                             \
        vmax[i] = vmax[i] > v[i] ? vmax[i] : v[i];                                                 \
        p[i] = w - size * (m[i] / (root(vmax[i]) * scale + eps));                                  \
      }                                                                                            \
      return;                                                                                      \
    }                                                                                              \
    for (int64_t i = 0; i < n; i++) {                                                              \
      T w = p[i] * keep, d = g[i] + decay * w;                                                     \
      T m1 = m[i] * b1 + d * c1, v1 = v[i] * b2 + d * d * c2;                                      \
      m[i] = m1;                                                                                   \
      v[i] = v1;                                                                                   \
      p[i] = w - size * (m1 / (root(v1) * scale + eps));                                           \
    }                                                                                              \
  }
ADAM(adam_f32, float, sqrtf)
ADAM(adam_f64, double, sqrt)

#define SGD(name, T)                                                                               \
  static void name(const SgdStep *s, int64_t n, T *restrict p, const T *restrict g,                \
                   T *restrict buf) {                                                              \
    const T lr = (T)s->lr, decay = (T)s->weight_decay;                                             \
    const T old = s->first ? 0 : (T)s->momentum, fresh = s->first ? 1 : (T)(1 - s->dampening);     \
    const T ahead = (T)s->momentum;                                                                \
    if (!buf) {                                                                                    \
      for (int64_t i = 0; i < n; i++) p[i] -= lr * (g[i] + decay * p[i]);                          \
      return;                                                                                      \
    }                                                                                              \
    for (int64_t i = 0; i < n; i++) {                                                              \
      T d = g[i] + decay * p[i];                                                                   \
      T b = s->first ? d : buf[i] * old + d * fresh;                                               \
      buf[i] = b;                                                                                  \
      p[i] -= lr * (s->nesterov ? d + ahead * b : b);                                              \
    }                                                                                              \
  }
SGD(sgd_f32, float)
SGD(sgd_f64, double)

const OptimKernels AT_LEVEL(optim_kernels) = {adam_f32, adam_f64, sgd_f32, sgd_f64};
