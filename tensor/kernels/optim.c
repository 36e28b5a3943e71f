/* Fused steps of SGD, Adam and AdamW; see optim.h. */
#include "optim.h"

#include <math.h>

/* ---- SGD -------------------------------------------------------------------------------------- */

static void sgd_f32(int64_t n, const SgdStep *s, void *params, const void *grads, void *buffer) {
  float *restrict p = params, *restrict b = buffer;
  const float *restrict g = grads;
  float sign = s->maximize ? -1 : 1, decay = (float)s->weight_decay, lr = (float)s->lr;
  float momentum = (float)s->momentum, fresh = (float)(1 - s->dampening);
  for (int64_t i = 0; !b && i < n; i++) p[i] = FMAF(-lr, FMAF(decay, p[i], sign * g[i]), p[i]);
  for (int64_t i = 0; b && s->first && i < n; i++) {
    float d = FMAF(decay, p[i], sign * g[i]);
    b[i] = d;
    p[i] = FMAF(-lr, s->nesterov ? FMAF(momentum, d, d) : d, p[i]);
  }
  for (int64_t i = 0; b && !s->first && i < n; i++) {
    float d = FMAF(decay, p[i], sign * g[i]);
    b[i] = FMAF(fresh, d, momentum * b[i]);
    p[i] = FMAF(-lr, s->nesterov ? FMAF(momentum, b[i], d) : b[i], p[i]);
  }
}

static void sgd_f64(int64_t n, const SgdStep *s, void *params, const void *grads, void *buffer) {
  double *restrict p = params, *restrict b = buffer;
  const double *restrict g = grads;
  double sign = s->maximize ? -1 : 1, fresh = 1 - s->dampening;
  for (int64_t i = 0; i < n; i++) {
    double d = FMA(s->weight_decay, p[i], sign * g[i]), step = d;
    if (b) {
      b[i] = s->first ? d : FMA(fresh, d, s->momentum * b[i]);
      step = s->nesterov ? FMA(s->momentum, b[i], d) : b[i];
    }
    p[i] = FMA(-s->lr, step, p[i]);
  }
}

/* ---- Adam ------------------------------------------------------------------------------------- */

/* What a step's numbers come to. */
typedef struct Factors {
  double step; /* lr over the first bias correction */
  double root; /* root of the second bias correction */
  double keep; /* what AdamW leaves of p */
  double decay, sign;
} Factors;

static Factors factors(const AdamStep *s) {
  Factors f;
  f.step = s->lr / (1 - pow(s->beta1, (double)s->step));
  f.root = sqrt(1 - pow(s->beta2, (double)s->step));
  f.keep = s->decoupled ? 1 - s->lr * s->weight_decay : 1;
  f.decay = s->decoupled ? 0 : s->weight_decay;
  f.sign = s->maximize ? -1 : 1;
  return f;
}

static void adam_f32(int64_t n, const AdamStep *s, void *params, const void *grads, void *m1,
                     void *m2, void *largest) {
  float *restrict p = params, *restrict m = m1, *restrict v = m2, *restrict top = largest;
  const float *restrict g = grads;
  Factors f = factors(s);
  float step = (float)-f.step, root = (float)f.root, keep = (float)f.keep, eps = (float)s->eps;
  float decay = (float)f.decay, sign = (float)f.sign;
  float b1 = (float)s->beta1, b2 = (float)s->beta2;
  float a1 = (float)(1 - s->beta1), a2 = (float)(1 - s->beta2);
  for (int64_t i = 0; !top && i < n; i++) {
    float d = FMAF(decay, p[i], sign * g[i]);
    m[i] = FMAF(a1, d, b1 * m[i]);
    v[i] = FMAF(a2 * d, d, b2 * v[i]);
    p[i] = keep * p[i] + step * m[i] / (sqrtf(v[i]) / root + eps);
  }
  for (int64_t i = 0; top && i < n; i++) {
    float d = FMAF(decay, p[i], sign * g[i]);
    m[i] = FMAF(a1, d, b1 * m[i]);
    v[i] = FMAF(a2 * d, d, b2 * v[i]);
    top[i] = v[i] > top[i] ? v[i] : top[i];
    p[i] = keep * p[i] + step * m[i] / (sqrtf(top[i]) / root + eps);
  }
}

static void adam_f64(int64_t n, const AdamStep *s, void *params, const void *grads, void *m1,
                     void *m2, void *largest) {
  double *restrict p = params, *restrict m = m1, *restrict v = m2, *restrict top = largest;
  const double *restrict g = grads;
  Factors f = factors(s);
  for (int64_t i = 0; i < n; i++) {
    double d = FMA(f.decay, p[i], f.sign * g[i]);
    m[i] = FMA(1 - s->beta1, d, s->beta1 * m[i]);
    v[i] = FMA((1 - s->beta2) * d, d, s->beta2 * v[i]);
    double second = v[i];
    if (top) second = top[i] = v[i] > top[i] ? v[i] : top[i];
    p[i] = f.keep * p[i] - f.step * m[i] / (sqrt(second) / f.root + s->eps);
  }
}

const OptimKernels AT_LEVEL(optim_kernels) = {{{sgd_f32, adam_f32}, {sgd_f64, adam_f64}}};
