/* Evenly spaced numbers: y[i] = from + by (first + i), computed in double. first is a whole
   number below 2^52. */
#ifndef LUNETTE_RAMP_H
#define LUNETTE_RAMP_H

#include "../machine/simd.h"

#include <stdint.h>

typedef struct RampLoops {
  void (*f32)(int n, double from, double by, double first, float *y);
  void (*f64)(int n, double from, double by, double first, double *y);
} RampLoops;

SIMD_FAMILY(RampLoops, ramp_loops);

#endif
