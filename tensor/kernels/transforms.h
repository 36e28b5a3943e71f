/* Distributions that are a function of one uniform or normal number: y[i] = f(y[i], a, b) in place. */
#ifndef LUNETTE_TRANSFORMS_H
#define LUNETTE_TRANSFORMS_H

#include "../machine/simd.h"

#include <stdint.h>

enum {
  TRANSFORM_EXPONENTIAL, /* u in [0, 1); a: minus one over the rate */
  TRANSFORM_CAUCHY,      /* u in [0, 1); a: median, b: sigma */
  TRANSFORM_GEOMETRIC,   /* u in [0, 1); a: log(1 - p) */
  TRANSFORM_LOG_NORMAL,  /* a normal number */
  TRANSFORMS
};

typedef struct TransformLoops {
  void (*f32[TRANSFORMS])(int64_t n, float *y, double a, double b);
  void (*f64[TRANSFORMS])(int64_t n, double *y, double a, double b);
} TransformLoops;

SIMD_FAMILY(TransformLoops, transform_loops);

#endif
