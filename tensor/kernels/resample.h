/* Linear maps along one dimension given by a sparse table: what changes of size are made of. */
#ifndef LUNETTE_RESAMPLE_H
#define LUNETTE_RESAMPLE_H

#include "../machine/simd.h"

#include <stdbool.h>
#include <stdint.h>

/* y[i] = sum of weight[t] x[index[t]] over t in first[i]..first[i+1]-1, for every one of `inner`
   neighbours: x [outer, in, inner], y [outer, out, inner]. */
typedef struct Taps {
  int64_t in, out, inner;
  int64_t *first, *index;
  double *weight; /* NULL: all are 1 */
  bool nearest;   /* one tap of weight 1 each */
} Taps;

typedef struct ResampleKernels {
  void (*apply_f32)(const Taps *t, int64_t outer, const float *x, float *y);
  void (*apply_f64)(const Taps *t, int64_t outer, const double *x, double *y);
} ResampleKernels;

SIMD_FAMILY(ResampleKernels, resample_kernels);

#endif
