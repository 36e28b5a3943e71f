/* Softmax and its kin over contiguous rows, on one thread; a row's bits depend on that row alone.
   x, y, gy, gx: [rows, n] of float32 or float64. Outputs may be their inputs. As in PyTorch, a row
   with a NaN, with +inf, or of nothing but -inf gives NaN. */
#ifndef LUNETTE_SOFTMAX_H
#define LUNETTE_SOFTMAX_H

#include "../../dtype.h"
#include "../../machine/simd.h"

/* Of the loss of row r with class t = ids[r], p = softmax(x):
     (1 - smoothing) weight[t] (-log p[t]) + smoothing / n * sum over c of weight[c] (-log p[c]).
   weight: [n] of the rows' type, or NULL for ones. ids count from 0 and lie in 0..n-1, checked by
   the caller; a row with a negative id has loss 0 and gradient 0. */
typedef struct CrossEntropy {
  int64_t rows, n;
  const void *x;
  const int64_t *ids;
  const void *weight;
  double smoothing;
} CrossEntropy;

typedef struct SoftmaxOps {
  void (*softmax)(int64_t rows, int64_t n, const void *x, void *y);
  void (*softmax_back)(int64_t rows, int64_t n, const void *y, const void *gy, void *gx);
  void (*log_softmax)(int64_t rows, int64_t n, const void *x, void *y);
  void (*log_softmax_back)(int64_t rows, int64_t n, const void *y, const void *gy, void *gx);
  /* lse[r] = log(sum(exp(x[r]))), in double whatever the rows' type */
  void (*logsumexp)(int64_t rows, int64_t n, const void *x, double *lse);
  /* gx = g[r] softmax(x); g: [rows] */
  void (*logsumexp_back)(int64_t rows, int64_t n, const void *x, const double *lse, const void *g,
                         void *gx);
  /* lse: what logsumexp gives for the rows; loss: [rows] */
  void (*cross_entropy)(const CrossEntropy *c, const double *lse, void *loss);
  /* g: [rows] */
  void (*cross_entropy_back)(const CrossEntropy *c, const double *lse, const void *g, void *gx);
} SoftmaxOps;

typedef struct SoftmaxKernels {
  const SoftmaxOps *of[2]; /* T_F32, T_F64 */
} SoftmaxKernels;

SIMD_FAMILY(SoftmaxKernels, softmax_kernels);

#endif
