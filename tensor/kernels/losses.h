/* Losses element by element: loss[i] from input x[i] and target t[i], of float32 or float64; p is the
   loss's own parameter. */
#ifndef LUNETTE_LOSSES_H
#define LUNETTE_LOSSES_H

#include "../dtype.h"
#include "../machine/simd.h"

typedef enum LossKind {
  LOSS_MSE,    /* (x - t)^2 */
  LOSS_L1,     /* |x - t| */
  LOSS_SMOOTH, /* (x - t)^2 / (2 p) where |x - t| < p, else |x - t| - p/2 */
  LOSS_HUBER,  /* (x - t)^2 / 2 where |x - t| <= p, else p (|x - t| - p/2) */
  LOSS_DISTANCES,
  LOSS_LOGITS = LOSS_DISTANCES, /* (1 - t) x + log(1 + exp(-x)) */
  LOSS_BCE,                     /* -(t log(x) + (1 - t) log(1 - x)), logarithms at least -100 */
  LOSS_KINDS
} LossKind;

typedef void (*LossLoop)(int64_t n, const void *x, const void *t, void *loss, double p);

/* dx[i] = g[i] scale, or *g scale where step is 0, times the loss's derivative for x. */
typedef void (*SlopeLoop)(int64_t n, const void *x, const void *t, const void *g, int64_t step,
                          double scale, void *dx, double p);

typedef struct LossKernels {
  LossLoop of[LOSS_KINDS][2]; /* T_F32, T_F64 */
  SlopeLoop slope[LOSS_DISTANCES][2];
} LossKernels;

SIMD_FAMILY(LossKernels, loss_kernels);

#endif
