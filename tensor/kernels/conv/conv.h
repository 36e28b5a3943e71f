/* Convolution in two dimensions: forward and both gradients. Tensors are contiguous.
     x, gx: [n, c, h, w]   weight, gw: [o, c/groups, kh, kw]   y, gy: [n, o, oh, ow]
   y[n,o,i,j] = bias[o] + sum over c, a, b of x[n, c, i sh - ph + a dh, j sw - pw + b dw] weight[o,c,a,b]
   where positions outside x count as 0. dx is the forward pass of a transposed convolution too.
   Parts are cut by shape alone and sums have one order: the bits do not depend on threads. */
#ifndef LUNETTE_CONV_H
#define LUNETTE_CONV_H

#include "../../machine/simd.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct {
  int64_t n, c, h, w;
  int64_t o, kh, kw;
  int64_t oh, ow;
  int64_t sh, sw, ph, pw, dh, dw; /* stride, padding, dilation */
  int64_t groups;                 /* divides c and o */
} ConvShape;

enum ConvPass { CONV_FORWARD, CONV_DX, CONV_DW };

/* Every size is at least 1. The caller provides `scratch`, of scratch(...) bytes for the pass and
   the item size (4 or 8), aligned to 64; part of it is per thread of the team, so team_threads() must
   not change in between. The results are written, not added to.
   forward: bias [o] or NULL; relu clamps y at 0. dx: bias [c] or NULL, added to gx (for transposed
   convolution). dw: gbias [o] or NULL, the sum of gy over images and positions. */
typedef struct {
  size_t (*scratch)(const ConvShape *s, enum ConvPass pass, size_t itemsize);
  void (*forward_f32)(const ConvShape *s, const float *x, const float *weight, const float *bias,
                      bool relu, float *y, void *scratch);
  void (*dx_f32)(const ConvShape *s, const float *gy, const float *weight, const float *bias,
                 float *gx, void *scratch);
  void (*dw_f32)(const ConvShape *s, const float *x, const float *gy, float *gw, float *gbias,
                 void *scratch);
  void (*forward_f64)(const ConvShape *s, const double *x, const double *weight, const double *bias,
                      bool relu, double *y, void *scratch);
  void (*dx_f64)(const ConvShape *s, const double *gy, const double *weight, const double *bias,
                 double *gx, void *scratch);
  void (*dw_f64)(const ConvShape *s, const double *x, const double *gy, double *gw, double *gbias,
                 void *scratch);
} ConvKernels;

SIMD_FAMILY(ConvKernels, conv_kernels);

#endif
