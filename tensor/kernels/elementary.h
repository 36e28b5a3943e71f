/* Elementary functions over contiguous float32 runs: y[i] = f(x[i]), y may be x. The functions, with
   their bounds, are those of vmath.h and trig.h: the same value for an element wherever it stands. */
#ifndef LUNETTE_ELEMENTARY_H
#define LUNETTE_ELEMENTARY_H

#include "../simd.h"

#include <stdint.h>

typedef void (*ElementaryFn)(int64_t n, const float *x, float *y);

typedef struct ElementaryKernels {
  ElementaryFn exp, expm1, log, log1p, sqrt, rsqrt, sin, cos, tanh, sigmoid, erf, softplus;
  ElementaryFn gelu, gelu_grad;
  void (*pow)(int64_t n, const float *x, const float *y, float *z); /* z = x^y */
} ElementaryKernels;

SIMD_FAMILY(ElementaryKernels, elementary_kernels);

#endif
