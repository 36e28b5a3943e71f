/* Normalisation of groups of channels, on one thread: rows of k channels of l values, each row by its
   own mean and variance, each channel with its own gamma and beta. */
#ifndef LUNETTE_GROUP_NORM_H
#define LUNETTE_GROUP_NORM_H

#include "../../machine/simd.h"

#include <stdint.h>

/* Rows from..to-1 of [rows, k, l]; row r is group r % groups, whose gamma and beta begin at
   (r % groups) k. Sums are formed in double, in an order that depends on shapes alone. */
typedef struct GroupNorm {
  int64_t from, to, groups, k, l;
  const void *x;
  const void *gamma, *beta; /* [groups k], or NULL for ones and zeros */
  double eps;
  void *mean, *rstd; /* [rows]: written forward, read backward */
} GroupNorm;

typedef struct GroupKernels {
  void (*forward_f32)(const GroupNorm *s, float *y);
  void (*forward_f64)(const GroupNorm *s, double *y);
  /* sums: [rows k, 2], of gy and of gy (x - mean) rstd for every channel of every row */
  void (*backward_f32)(const GroupNorm *s, const float *gy, float *gx, double *sums);
  void (*backward_f64)(const GroupNorm *s, const double *gy, double *gx, double *sums);
} GroupKernels;

SIMD_FAMILY(GroupKernels, group_kernels);

#endif
