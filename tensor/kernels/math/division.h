/* Division of two numbers with rounding, remainders, whole powers, divisors. Floats follow C's fmod
   and what Python makes of it; integers wrap around, and are not divided by 0: the rows look. */
#ifndef LUNETTE_DIVISION_H
#define LUNETTE_DIVISION_H

#include "vmath.h"

VMATH float left_f32(float a, float b) { return fmodf(a, b); }
VMATH double left_f64(double a, double b) { return fmod(a, b); }
VMATH int64_t left_i(int64_t a, int64_t b) { return b == -1 ? 0 : a % b; }

VMATH float truncated_f32(float a, float b) { return truncf(a / b); }
VMATH double truncated_f64(double a, double b) { return trunc(a / b); }
VMATH int64_t truncated_i(int64_t a, int64_t b) { return b == -1 ? -a : a / b; }

VMATH float rest_f32(float a, float b) {
  float r = fmodf(a, b);
  return (r != 0) & ((r < 0) != (b < 0)) ? r + b : r;
}
VMATH double rest_f64(double a, double b) {
  double r = fmod(a, b);
  return (r != 0) & ((r < 0) != (b < 0)) ? r + b : r;
}
VMATH int64_t rest_i(int64_t a, int64_t b) {
  int64_t r = left_i(a, b);
  return (r != 0) & ((r < 0) != (b < 0)) ? r + b : r;
}

/* The same of floats by division in double, exact where near_quotient holds: |a / b| is at most 2^27
   and b finite. Without branches. */
VMATH uint32_t far_quotient(float a, float b) {
  uint32_t large = fabsf(a) <= fabsf(b) * 0x1p+27f ? 0 : 1;
  return fabsf(b) < INFINITY ? large : 1;
}
VMATH float left_near(float a, float b) {
  double q = trunc((double)a / (double)b);
  return copysignf((float)((double)a - q * (double)b), a);
}
VMATH float rest_near(float a, float b) {
  float r = left_near(a, b);
  uint32_t apart = r != 0.0f ? f32_bits(r) ^ f32_bits(b) : 0;
  return apart >> 31 ? r + b : r;
}
VMATH float floored_near(float a, float b) { return (float)floor((double)a / (double)b); }

/* (a - remainder) / b, which is whole but for rounding; by 0 as division does. */
VMATH double floored_f64(double a, double b) {
  double r = fmod(a, b), q = (a - r) / b;
  q -= (r != 0) & ((r < 0) != (b < 0));
  double whole = floor(q);
  whole += q - whole > 0.5;
  whole = q == 0 ? copysign(0.0, a / b) : whole;
  return b == 0 ? a / b : whole;
}
VMATH float floored_f32(float a, float b) {
  float r = fmodf(a, b), q = (a - r) / b;
  q -= (r != 0) & ((r < 0) != (b < 0));
  float whole = floorf(q);
  whole += q - whole > 0.5f;
  whole = q == 0 ? copysignf(0.0f, a / b) : whole;
  return b == 0 ? a / b : whole;
}
VMATH int64_t floored_i(int64_t a, int64_t b) {
  if (b == -1) return -a;
  return a / b - ((a % b != 0) & ((a < 0) != (b < 0)));
}

/* a^b by squaring; with b below 0 the whole part, which only 1 and -1 have. */
static inline __attribute__((unused)) int64_t power(int64_t a, int64_t b) {
  if (b < 0) return a == 1 ? 1 : a == -1 ? (b & 1 ? -1 : 1) : 0;
  uint64_t y = 1, square = (uint64_t)a;
  for (uint64_t e = (uint64_t)b; e; e >>= 1, square *= square) y *= e & 1 ? square : 1;
  return (int64_t)y;
}

/* Euclid's algorithm on absolute values. */
static inline __attribute__((unused)) int64_t divisor(int64_t a, int64_t b) {
  uint64_t p = a < 0 ? -(uint64_t)a : (uint64_t)a, q = b < 0 ? -(uint64_t)b : (uint64_t)b;
  while (q) {
    uint64_t r = p % q;
    p = q;
    q = r;
  }
  return (int64_t)p;
}
static inline __attribute__((unused)) int64_t multiple(int64_t a, int64_t b) {
  int64_t d = divisor(a, b), m = d ? a / d * b : 0;
  return m < 0 ? -m : m;
}

#endif
