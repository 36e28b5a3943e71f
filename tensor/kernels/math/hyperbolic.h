/* Hyperbolic functions and their inverses, in the manner of vmath.h (which has tanh): float without
   branches, double by libm. Largest errors in units in the last place:
     sinh 2.0  cosh 1.8  asinh 0.6  acosh 0.6  atanh 0.6 */
#ifndef LUNETTE_HYPERBOLIC_H
#define LUNETTE_HYPERBOLIC_H

#include "vmath.h"

/* exp(x) / 2 for x >= 0, where exp(x) alone may overflow. */
VMATH float exp_halved(float x) {
  float r;
  uint32_t k = exp_split(x > 90.0f ? 90.0f : x, 253.0f, &r);
  uint32_t half = k >> 1 << 23, rest = (k << 23) - half;
  float y = exp_poly(r) * f32_of(half) * f32_of(rest);
  return x > 89.415986f ? INFINITY : y;
}

/* Below 1 an odd polynomial. */
VMATH float sinh_f32(float x) {
  float a = fabsf(x), b = a > 1.0f ? 1.0f : a, z = b * b, h = exp_halved(a);
  float large = h - 0.25f / h;
  float p = 0x1.756c1ep-19f;
  p = FMAF(p, z, 0x1.a022bcp-13f);
  p = FMAF(p, z, 0x1.1110e0p-7f);
  p = FMAF(p, z, 0x1.555556p-3f);
  float small = FMAF(p * z, b, b);
  return copysignf(a < 1.0f ? small : large, x);
}

VMATH float cosh_f32(float x) {
  float h = exp_halved(fabsf(x));
  return x != x ? x : h + 0.25f / h;
}

/* The inverses by log2 in double, which is good to 2^-50; near 0 by the first terms of their series.
   LN2 turns the base. */
#define LN2_WIDE 0x1.62e42fefa39efp-1

VMATH float asinh_f32(float x) {
  double a = fabs((double)x), z = a * a;
  double large = log2_wide(a + sqrt(z + 1.0)) * LN2_WIDE;
  double small = a * (1.0 - z * (1.0 / 6) + z * z * (3.0 / 40));
  float y = (float)(a < 0x1p-6 ? small : large);
  return copysignf(a < (double)INFINITY ? y : fabsf(x), x);
}

VMATH float acosh_f32(float x) {
  double a = x > 1.0f ? (double)x : 1.0;
  float y = (float)(log2_wide(a + sqrt((a - 1.0) * (a + 1.0))) * LN2_WIDE);
  y = x >= 1.0f ? y : NAN;
  return x == INFINITY ? x : y;
}

VMATH float atanh_f32(float x) {
  double a = fabs((double)x), b = a < 1.0 ? a : 0.5, z = b * b;
  double large = log2_wide((1.0 + b) / (1.0 - b)) * (0.5 * LN2_WIDE);
  double small = b * (1.0 + z * (1.0 / 3) + z * z * (1.0 / 5));
  float y = (float)(a < 0x1p-6 ? small : large);
  y = a < 1.0 ? y : a == 1.0 ? INFINITY : NAN;
  return copysignf(y, x);
}

#define m_sinh(x)  VMATH_PICK(sinh_f32, sinh, x)
#define m_cosh(x)  VMATH_PICK(cosh_f32, cosh, x)
#define m_asinh(x) VMATH_PICK(asinh_f32, asinh, x)
#define m_acosh(x) VMATH_PICK(acosh_f32, acosh, x)
#define m_atanh(x) VMATH_PICK(atanh_f32, atanh, x)

#endif
