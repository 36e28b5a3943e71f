/* Linear maps along one dimension given by a sparse table: what changes of size are made of. */
#ifndef LUNETTE_RESAMPLE_H
#define LUNETTE_RESAMPLE_H

#include "../simd.h"

#include <stdbool.h>
#include <stdint.h>

/* y[i] = sum of weight[t] x[index[t]] over t in first[i]..first[i+1]-1, for every one of `inner`
   neighbours: x [in, inner], y [out, inner]. The transposed map adds weight[t] y[i] to x[index[t]],
   in that order. */
typedef struct Taps {
  int64_t in, out, inner;
  const int64_t *first, *index;
  const double *weight;
  bool nearest; /* one tap of weight 1 each */
} Taps;

typedef struct ResampleKernels {
  void (*apply_f32)(const Taps *t, const float *x, float *y);
  void (*apply_f64)(const Taps *t, const double *x, double *y);
  /* x is written whole */
  void (*spread_f32)(const Taps *t, const float *y, float *x);
  void (*spread_f64)(const Taps *t, const double *y, double *x);
} ResampleKernels;

SIMD_FAMILY(ResampleKernels, resample_kernels);

#endif
