/* Pooling in two dimensions. Tensors are contiguous planes: x, gx: [planes, h, w]; y, gy and index:
   [planes, oh, ow]. Window (i, j) covers rows i sh - ph + a dh, a < kh, and columns likewise; places
   outside x are left out. Windows may run over the end (a ceiling in the output size).
   Parts are cut by shape alone: the bits do not depend on threads. */
#ifndef LUNETTE_POOL_H
#define LUNETTE_POOL_H

#include "../simd.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct {
  int64_t planes, h, w, oh, ow;
  int64_t kh, kw, sh, sw, ph, pw;
  int64_t dh, dw; /* dilation; 1 for averages */
} PoolShape;

/* Every size is at least 1, a plane has fewer than 2^31 places, and each window has at least one
   place inside x for the maximum.
   max_forward: index is the place of the maximum in its plane: the first of equal ones; NaN counts
   as greatest. max_backward adds gy up at those places. max_gather: y takes x from them, the
   gradient of max_backward for gy.
   avg_*: a window's sum is divided by the places it has, padding included if `padded`. */
typedef struct {
  void (*max_forward_f32)(const PoolShape *s, const float *x, float *y, int32_t *index);
  void (*max_forward_f64)(const PoolShape *s, const double *x, double *y, int32_t *index);
  void (*max_backward_f32)(const PoolShape *s, const float *gy, const int32_t *index, float *gx);
  void (*max_backward_f64)(const PoolShape *s, const double *gy, const int32_t *index, double *gx);
  void (*max_gather_f32)(const PoolShape *s, const float *x, const int32_t *index, float *y);
  void (*max_gather_f64)(const PoolShape *s, const double *x, const int32_t *index, double *y);
  void (*avg_forward_f32)(const PoolShape *s, bool padded, const float *x, float *y);
  void (*avg_forward_f64)(const PoolShape *s, bool padded, const double *x, double *y);
  void (*avg_backward_f32)(const PoolShape *s, bool padded, const float *gy, float *gx);
  void (*avg_backward_f64)(const PoolShape *s, bool padded, const double *gy, double *gx);
} PoolKernels;

SIMD_FAMILY(PoolKernels, pool_kernels);

#endif
