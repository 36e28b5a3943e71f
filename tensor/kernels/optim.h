/* Optimizer steps over contiguous runs of one parameter: one pass that reads and writes everything
   once. Order of operations as PyTorch 1.13 has it, so that float32 agrees to rounding. */
#ifndef LUNETTE_OPTIM_H
#define LUNETTE_OPTIM_H

#include "../simd.h"

#include <stdbool.h>
#include <stdint.h>

/* Adam (Kingma & Ba 2015, arXiv:1412.6980) and AdamW (Loshchilov & Hutter 2019, arXiv:1711.05101).
   correction1 = 1 - beta1^step, correction2 = 1 - beta2^step. */
typedef struct AdamStep {
  double lr, beta1, beta2, eps, weight_decay, correction1, correction2;
  bool decoupled; /* AdamW: weights decay by themselves, not through the gradient */
} AdamStep;

/* SGD with momentum: buf = momentum buf + (1 - dampening) g, or g at the first step. */
typedef struct SgdStep {
  double lr, momentum, dampening, weight_decay;
  bool nesterov, first;
} SgdStep;

/* vmax NULL: no amsgrad. buf NULL: no momentum. */
typedef struct OptimKernels {
  void (*adam_f32)(const AdamStep *s, int64_t n, float *p, const float *g, float *m, float *v,
                   float *vmax);
  void (*adam_f64)(const AdamStep *s, int64_t n, double *p, const double *g, double *m, double *v,
                   double *vmax);
  void (*sgd_f32)(const SgdStep *s, int64_t n, float *p, const float *g, float *buf);
  void (*sgd_f64)(const SgdStep *s, int64_t n, double *p, const double *g, double *buf);
} OptimKernels;

SIMD_FAMILY(OptimKernels, optim_kernels);

#endif
