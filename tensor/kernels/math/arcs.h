/* Inverse trigonometric functions and what goes with them, in the manner of vmath.h: float without
   branches, double by libm. Largest errors in units in the last place:
     asin 2.3  acos 1.6  atan 1.5  atan2 2.2  hypot 1.1 */
#ifndef LUNETTE_ARCS_H
#define LUNETTE_ARCS_H

#include "vmath.h"

#define PI_F      0x1.921fb6p+1f
#define HALF_PI_F 0x1.921fb6p+0f
#define PI_REST   0x1.777a5cp-25f /* what HALF_PI_F has too much */

/* asin(sqrt(z)) / sqrt(z) - 1 for 0 <= z <= 1/4 */
VMATH float asin_tail(float z) {
  float p = 0x1.34805cp-5f;
  p = FMAF(p, z, 0x1.d5c552p-7f);
  p = FMAF(p, z, 0x1.04cab4p-5f);
  p = FMAF(p, z, 0x1.6ca7fap-5f);
  p = FMAF(p, z, 0x1.3338aap-4f);
  p = FMAF(p, z, 0x1.55554cp-3f);
  return p * z;
}

/* Above 1/2 by asin(a) = pi/2 - 2 asin(sqrt((1 - a) / 2)). */
VMATH float asin_f32(float x) {
  float a = fabsf(x);
  bool large = a > 0.5f;
  float z = large ? 0.5f * (1.0f - a) : a * a, s = large ? sqrtf(z) : a;
  float r = FMAF(s, asin_tail(z), s);
  float y = large ? HALF_PI_F - FMAF(2.0f, r, PI_REST) : r;
  return copysignf(y, x);
}

VMATH float acos_f32(float x) {
  float a = fabsf(x);
  bool large = a > 0.5f;
  float z = large ? 0.5f * (1.0f - a) : a * a, s = large ? sqrtf(z) : x;
  float tail = asin_tail(z), r = FMAF(s, tail, s);
  float near = HALF_PI_F - (FMAF(s, tail, PI_REST) + s);
  float far = x < 0.0f ? PI_F - (r + r) : r + r;
  return large ? far : near;
}

/* atan(t) for 0 <= t <= 1 */
VMATH float atan_poly(float t) {
  float z = t * t;
  float p = 0x1.29687ep-10f;
  p = FMAF(p, z, -0x1.e6a0ecp-8f);
  p = FMAF(p, z, 0x1.753040p-6f);
  p = FMAF(p, z, -0x1.7080bap-5f);
  p = FMAF(p, z, 0x1.150a00p-4f);
  p = FMAF(p, z, -0x1.6953bcp-4f);
  p = FMAF(p, z, 0x1.c51170p-4f);
  p = FMAF(p, z, -0x1.247620p-3f);
  p = FMAF(p, z, 0x1.99981cp-3f);
  p = FMAF(p, z, -0x1.555552p-2f);
  return FMAF(p * z, t, t);
}

VMATH float atan_f32(float x) {
  float a = fabsf(x), t = a > 1.0f ? 1.0f / a : a, r = atan_poly(t);
  return copysignf(a > 1.0f ? HALF_PI_F - r : r, x);
}

VMATH float atan2_f32(float y, float x) {
  float a = fabsf(y), b = fabsf(x), high = a > b ? a : b, low = a > b ? b : a;
  float t = low / high;
  t = high == 0.0f ? 0.0f : low == INFINITY ? 1.0f : t;
  float r = atan_poly(t);
  r = a > b ? HALF_PI_F - r : r;
  r = f32_bits(x) >> 31 ? PI_F - r : r;
  r = copysignf(r, y);
  return x != x || y != y ? NAN : r;
}

/* In double, where squares of floats neither overflow nor lose much. */
VMATH float hypot_f32(float x, float y) {
  double p = x, q = y;
  float r = (float)sqrt(p * p + q * q);
  return fabsf(x) == INFINITY || fabsf(y) == INFINITY ? INFINITY : r;
}

/* By the bits, which are in the order of the numbers. */
VMATH float nextafter_f32(float x, float y) {
  uint32_t u = f32_bits(x), away = (x < y ? 0 : 0x80000000u) ^ (u & 0x80000000u);
  float r = f32_of(away ? u - 1 : u + 1);
  r = x == 0.0f ? f32_of(1 | (f32_bits(y) & 0x80000000u)) : r;
  r = x == y ? y : r;
  r = x != x ? x : r;
  return y != y ? y : r;
}

#define m_asin(x)         VMATH_PICK(asin_f32, asin, x)
#define m_acos(x)         VMATH_PICK(acos_f32, acos, x)
#define m_atan(x)         VMATH_PICK(atan_f32, atan, x)
#define m_atan2(x, y)     VMATH_PAIR(atan2_f32, atan2, x, y)
#define m_hypot(x, y)     VMATH_PAIR(hypot_f32, hypot, x, y)
#define m_copysign(x, y)  VMATH_PAIR(copysignf, copysign, x, y)
#define m_nextafter(x, y) VMATH_PAIR(nextafter_f32, nextafter, x, y)

#endif
