/* Pooling over windows in up to three dimensions. Tensors are contiguous volumes, one for each
   channel of each sample: x, gx: [planes, in of the three axes]; y, gy and index: [planes, out of
   the three]; a dimension that is not there has sizes of 1.
   Parts are cut by shape alone: the bits do not depend on threads. */
#ifndef LUNETTE_POOL_H
#define LUNETTE_POOL_H

#include "../../machine/simd.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Windows along one dimension. Window i covers i stride - pad + a dilation, a < kernel; places
   outside 0..in-1 are left out. Windows may run over the end (a ceiling in the output size).
   A stride of 0: adaptive windows, from floor(i in / out) to ceil((i + 1) in / out). */
typedef struct {
  int64_t in, out, kernel, stride, pad;
  int64_t dilation; /* 1 for averages */
} PoolAxis;

typedef struct {
  int64_t planes;
  PoolAxis axis[3]; /* depth, height, width */
  bool padded;      /* averages: what a window counts is its places, padding included */
  int64_t divisor;  /* averages: what sums are divided by instead, unless 0 */
} PoolShape;

/* Every size is at least 1 and a plane has fewer than 2^31 places.
   max_forward: index is the place of the maximum in its plane: the first of equal ones; NaN counts
   as greatest; NULL: nobody asks. max_backward adds gy up at those places. max_gather: y takes x
   from them, the gradient of max_backward for gy. */
typedef struct {
  void (*max_forward_f32)(const PoolShape *s, const float *x, float *y, int32_t *index);
  void (*max_forward_f64)(const PoolShape *s, const double *x, double *y, int32_t *index);
  void (*max_backward_f32)(const PoolShape *s, const float *gy, const int32_t *index, float *gx);
  void (*max_backward_f64)(const PoolShape *s, const double *gy, const int32_t *index, double *gx);
  void (*max_gather_f32)(const PoolShape *s, const float *x, const int32_t *index, float *y);
  void (*max_gather_f64)(const PoolShape *s, const double *x, const int32_t *index, double *y);
  void (*avg_forward_f32)(const PoolShape *s, const float *x, float *y);
  void (*avg_forward_f64)(const PoolShape *s, const double *x, double *y);
  void (*avg_backward_f32)(const PoolShape *s, const float *gy, float *gx);
  void (*avg_backward_f64)(const PoolShape *s, const double *gy, double *gx);
} PoolKernels;

SIMD_FAMILY(PoolKernels, pool_kernels);

#endif
