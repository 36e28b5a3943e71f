/* Layer normalisation over rows and batch normalisation over channels, on one thread, of float32 or
   float64. Sums are formed in an order that depends on shapes alone. */
#ifndef LUNETTE_NORM_H
#define LUNETTE_NORM_H

#include "../../dtype.h"
#include "../../machine/simd.h"

#include <stdbool.h>

/* y[r] = (x[r] - mean[r]) rstd[r] gamma + beta over rows of n, mean and biased variance being the
   row's own, rstd = 1 / sqrt(variance + eps). With raw, mean stands for 0, and so the variance for the
   mean square. */
typedef struct LayerNorm {
  int64_t rows, n;
  const void *x;            /* [rows, n] */
  const void *gamma, *beta; /* [n], or NULL for ones and zeros */
  double eps;
  void *mean, *rstd; /* [rows]: written forward, read backward */
  bool raw;
} LayerNorm;

/* y = (x - mean) rstd gamma + beta for every channel, mean and variance taken over n and l. A call
   does channels from..to-1; calls of other channels are independent of it. */
typedef struct BatchNorm {
  int64_t n, c, l; /* x: [n, c, l] */
  int64_t from, to;
  const void *x;
  const void *gamma, *beta; /* [c], or NULL */
  double eps;
  void *mean, *rstd; /* [c]: written by train, read backward */
  /* [c] or NULL; train moves them by `momentum` towards the mean and the unbiased variance. */
  void *running_mean, *running_var;
  double momentum;
} BatchNorm;

typedef struct NormOps {
  void (*layer)(const LayerNorm *s, void *y);
  /* gx: [rows, n]; dgamma, dbeta: [n], the sums over these rows. Each may be NULL. Callers that cut
     the rows give every piece its own dgamma and dbeta and add those in order. */
  void (*layer_back)(const LayerNorm *s, const void *gy, void *gx, void *dgamma, void *dbeta);
  /* The columns from..to-1 of dgamma and dbeta alone, over all rows. */
  void (*layer_sums)(const LayerNorm *s, const void *gy, int64_t from, int64_t to, void *dgamma,
                     void *dbeta);
  /* y[i] = the sum over pieces p of sums[p stride + i], for i from..to-1. */
  void (*layer_join)(int64_t pieces, int64_t stride, const void *sums, int64_t from, int64_t to,
                     void *y);
  void (*batch_train)(const BatchNorm *s, void *y);
  /* By the running statistics; mean and rstd are written, for batch_back, where not NULL. */
  void (*batch_eval)(const BatchNorm *s, void *y);
  /* gx: [n, c, l]; dgamma, dbeta: [c]. Each may be NULL. trained: did the statistics come from x? */
  void (*batch_back)(const BatchNorm *s, bool trained, const void *gy, void *gx, void *dgamma,
                     void *dbeta);
} NormOps;

typedef struct NormKernels {
  const NormOps *of[2]; /* T_F32, T_F64 */
} NormKernels;

SIMD_FAMILY(NormKernels, norm_kernels);

#endif
