/* Optimizer steps: one fused pass over a run of parameters, PyTorch's formulas in PyTorch's order of
   operations. Every array holds n elements of the table's type; an element's result depends on that
   element alone. For clipping by norm, the sum of squares of the gradients is REDUCE_SQUARES. */
#ifndef LUNETTE_OPTIM_H
#define LUNETTE_OPTIM_H

#include "../dtype.h"
#include "../simd.h"

typedef struct SgdStep {
  double lr, momentum, dampening, weight_decay;
  bool nesterov, maximize;
  bool first; /* the momentum buffer holds nothing yet */
} SgdStep;

typedef struct AdamStep {
  double lr, beta1, beta2, eps, weight_decay;
  int64_t step;   /* from 1 */
  bool decoupled; /* AdamW: the decay shrinks p instead of adding to the gradient */
  bool maximize;
} AdamStep;

typedef struct OptimOps {
  /* p: parameters, g: gradients, buf: momentum buffer, NULL when momentum is 0 */
  void (*sgd)(int64_t n, const SgdStep *s, void *p, const void *g, void *buf);
  /* m, v: moments; vmax: largest v so far (amsgrad), or NULL */
  void (*adam)(int64_t n, const AdamStep *s, void *p, const void *g, void *m, void *v, void *vmax);
} OptimOps;

typedef struct OptimKernels {
  OptimOps of[2]; /* T_F32, T_F64 */
} OptimKernels;

SIMD_FAMILY(OptimKernels, optim_kernels);

#endif
