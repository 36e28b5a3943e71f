/* Distances of vectors by the p-norm, and their gradients, on one thread. */
#ifndef LUNETTE_KERNELS_DISTANCE_H
#define LUNETTE_KERNELS_DISTANCE_H

#include "../dtype.h"
#include "../machine/simd.h"

#include <stdint.h>

typedef struct DistanceOps {
  /* y[i stride + j] = |a_i - b_j|; a: [rows, m], b: [n, m]. p: from 0, which counts the places that
     differ, to infinity. */
  void (*forward)(double p, int64_t m, int64_t rows, const void *a, int64_t n, const void *b,
                  void *y, int64_t stride);
  /* w = g / y^(p - 1), 0 where y is; for p of infinity g. n of each. */
  void (*weights)(double p, int64_t n, const void *g, const void *y, void *w);
  /* ga [m] = the sum over j < n of w[j] times the slope of |a - b_j|^p / p; for p of infinity the sign
     at the places whose distance is y[j]. */
  void (*back)(double p, int64_t m, const void *a, int64_t n, const void *b, const void *w,
               const void *y, void *ga);
} DistanceOps;

typedef struct DistanceKernels {
  const DistanceOps *of[2]; /* T_F32, T_F64 */
} DistanceKernels;

SIMD_FAMILY(DistanceKernels, distance_kernels);

#endif
