/* The loops of ramp.h. */
#include "ramp.h"

#define RAMP(name, T)                                                                              \
  static void name(int n, double from, double by, double first, T *y) {                            \
    for (int i = 0; i < n; i++) y[i] = (T)(from + by * (first + i));                               \
  }
RAMP(ramp_f32, float)
RAMP(ramp_f64, double)

const RampLoops AT_LEVEL(ramp_loops) = {ramp_f32, ramp_f64};
