/* Elementary functions of one double, written like those of vmath.h for float: no branches, calls or
   tables, so that a plain loop over them vectorises at every SIMD level. Special values as C has them.

   Largest error seen, in units in the last place: exp 1.1  exp2 1.1  expm1 2.3  log 0.9  log2 1.7
   log10 1.7  log1p 1.2  tanh 2.3  sigmoid 1.9  logsigmoid 1.6  sin, cos 2.3  tan 3.8
   tests/core/math64.c measures these bounds. The polynomials are Chebyshev fits in 200 bits. */
#ifndef LUNETTE_VMATH64_H
#define LUNETTE_VMATH64_H

#include "../../machine/simd.h"

#include <math.h>
#include <stdint.h>
#include <string.h>

#define VMATH static inline __attribute__((always_inline, unused))

VMATH uint64_t f64_bits(double x) {
  uint64_t u;
  memcpy(&u, &x, sizeof u);
  return u;
}

VMATH double f64_of(uint64_t u) {
  double x;
  memcpy(&x, &u, sizeof x);
  return x;
}

#define LN2_HI_64 0x1.62e42fefp-1 /* 33 bits: products with exponents are exact */
#define LN2_LO_64 0x1.473de6af278edp-34
#define LOG2_E_64 0x1.71547652b82fep+0

/* ---- exponentials ------------------------------------------------------------------------------ */

/* exp(r) - 1 for |r| <= ln(2)/2. */
VMATH double expm1_rest(double r) {
  double p = 0x1.af390ba7e6f47p-26;
  p = FMA(p, r, 0x1.2891d4ffbb0f9p-22);
  p = FMA(p, r, 0x1.71de0d85293b8p-19);
  p = FMA(p, r, 0x1.a019b8ca26fcfp-16);
  p = FMA(p, r, 0x1.a01a01a7cebcdp-13);
  p = FMA(p, r, 0x1.6c16c1789d1d7p-10);
  p = FMA(p, r, 0x1.11111111109a6p-7);
  p = FMA(p, r, 0x1.5555555553d37p-5);
  p = FMA(p, r, 0x1.5555555555556p-3);
  p = FMA(p, r, 0x1.0000000000001p-1);
  return FMA(p * r, r, r);
}

/* x = n ln 2 + r. The low bits of the result are n + bias, so that shifted left by 52 they are the
   double 2^(n + bias - 1023). */
VMATH uint64_t exp_split64(double x, double bias, double *r) {
  const double magic = 0x1.8p52 + bias; /* the sum's last bit is worth 1 */
  double t = FMA(x, LOG2_E_64, magic), n = t - magic;
  *r = FMA(n, -LN2_LO_64, FMA(n, -LN2_HI_64, x));
  return f64_bits(t);
}

/* y 2^n, k = n + 2046, in two factors, so that denormals are rounded once and nothing overflows early. */
VMATH double scale_64(double y, uint64_t k) {
  uint64_t half = k >> 1 << 52, rest = (k << 52) - half;
  return y * f64_of(half) * f64_of(rest);
}

VMATH double exp_f64(double x) {
  double r;
  uint64_t k = exp_split64(x, 2046.0, &r);
  double y = scale_64(1.0 + expm1_rest(r), k);
  y = x < -745.2 ? 0.0 : y;
  return x > 0x1.62e42fefa39efp+9 ? INFINITY : y;
}

VMATH double exp2_f64(double x) {
  const double magic = 0x1.8p52 + 2046.0;
  double t = x + magic, r = (x - (t - magic)) * 0x1.62e42fefa39efp-1;
  double y = scale_64(1.0 + expm1_rest(r), f64_bits(t));
  y = x < -1075.0 ? 0.0 : y;
  return x >= 1024.0 ? INFINITY : y;
}

VMATH double expm1_f64(double x) {
  double r;
  uint64_t k = exp_split64(x, 1022.0, &r);
  double half = f64_of(k << 52); /* 2^(n-1) */
  double y = FMA(half, expm1_rest(r), half - 0.5);
  y = fabs(x) < 0x1p-54 ? x : y + y;
  y = x < -40.0 ? -1.0 : y;
  return x > 0x1.62e42fefa39efp+9 ? INFINITY : y;
}

/* ---- logarithms --------------------------------------------------------------------------------- */

/* Splits a normal x > 0 into 2^e m with m in [sqrt(1/2), sqrt(2)); the result is e in place, shifted
   by 52. */
VMATH uint64_t log_split64(double x) {
  return (f64_bits(x) - 0x3fe6a09e667f3bcdu) & 0xfff0000000000000u;
}

VMATH double log_exponent64(uint64_t k) {
  return f64_of(((k ^ 0x8000000000000000u) >> 52) | 0x4330000000000000u) - (0x1p52 + 2048.0);
}

/* f - log(1+f) for f in [sqrt(1/2)-1, sqrt(2)-1]: by s = f/(2+f), log(1+f) = 2s + s^3 R(s^2). */
VMATH double log_lack(double f) {
  double s = f / (2.0 + f), z = s * s;
  double p = 0x1.2b58f4c8d5f63p-3;
  p = FMA(p, z, 0x1.39fe52a20dc69p-3);
  p = FMA(p, z, 0x1.7462b5152e8a6p-3);
  p = FMA(p, z, 0x1.c71c62e40b94ep-3);
  p = FMA(p, z, 0x1.2492492df26cep-2);
  p = FMA(p, z, 0x1.99999999952d8p-2);
  p = FMA(p, z, 0x1.5555555555558p-1);
  return s * (f - p * z);
}

/* log(1+f) + e ln 2, and the same to the bases 2 and 10. */
VMATH double log_sum64(double f, double e) {
  return FMA(e, LN2_HI_64, f - FMA(e, -LN2_LO_64, log_lack(f)));
}
VMATH double log2_sum64(double f, double e) { return FMA(f - log_lack(f), LOG2_E_64, e); }
VMATH double log10_sum64(double f, double e) {
  double own = FMA(f - log_lack(f), 0x1.bcb7b1526e50ep-2, e * 0x1.ef3fde623e256p-35);
  return FMA(e, 0x1.34413509p-2, own);
}

/* Defines a logarithm by what takes f and e to it. */
#define LOGARITHM64(name, sum)                                                                     \
  VMATH double name(double x) {                                                                    \
    double lift = x < 0x1p-1022 ? 0x1p+54 : 1.0, z = x * lift; /* denormals into the normals */    \
    uint64_t k = log_split64(z);                                                                   \
    double e = log_exponent64(k) - (x < 0x1p-1022 ? 54.0 : 0.0);                                   \
    double y = sum(f64_of(f64_bits(z) - k) - 1.0, e);                                              \
    y = x > 0.0 ? y : x == 0.0 ? -INFINITY : NAN;                                                  \
    return x == INFINITY ? x : y;                                                                  \
  }
LOGARITHM64(log_f64, log_sum64)
LOGARITHM64(log2_f64, log2_sum64)
LOGARITHM64(log10_f64, log10_sum64)

/* 1 + x = 2^e (1+f) with f = 2^-e x + (2^-e - 1), so that a small x loses nothing. */
VMATH double log1p_f64(double x) {
  double u = 1.0 + x;
  uint64_t k = log_split64(u);
  double s = f64_of(0x3ff0000000000000u - k);
  double f = FMA(s, x, s - 1.0);
  f = x < 0x1p+60 ? f : f64_of(f64_bits(u) - k) - 1.0; /* where 2^-e may leave the doubles */
  double y = log_sum64(f, log_exponent64(k));
  y = x == 0.0 ? x : y;
  y = x > -1.0 ? y : x == -1.0 ? -INFINITY : NAN;
  return x == INFINITY ? x : y;
}

/* ---- made of these ------------------------------------------------------------------------------ */

/* By t = exp(2|x|) - 1: t / (t + 2). */
VMATH double tanh_f64(double x) {
  double a = fabs(x), t = expm1_f64(2.0 * (a > 22.0 ? 22.0 : a));
  return copysign(t / (t + 2.0), x);
}

VMATH double sigmoid_f64(double x) {
  double e = exp_f64(-fabs(x));
  return (x < 0 ? e : 1.0) / (1.0 + e);
}
VMATH double softplus_f64(double x) { return (x > 0 ? x : 0.0) + log1p_f64(exp_f64(-fabs(x))); }

VMATH double logaddexp_f64(double x, double y) {
  double high = x > y || x != x ? x : y, gap = x == y ? 0.0 : -fabs(x - y);
  return high + log1p_f64(exp_f64(gap));
}
VMATH double logaddexp2_f64(double x, double y) {
  double high = x > y || x != x ? x : y, gap = x == y ? 0.0 : -fabs(x - y);
  return high + log1p_f64(exp2_f64(gap)) * LOG2_E_64;
}

/* ---- sine, cosine, tangent ----------------------------------------------------------------------- */

#define TRIG_NEAR_64 0x1p20 /* where |x| is below, three parts of pi/2 are enough; libm beyond */

/* x = n pi/2 + r with |r| <= pi/4 or so (Cody & Waite); n mod 4 in the low bits of the result. */
VMATH uint64_t trig_split64(double x, double *r) {
  const double magic = 0x1.8p52;
  double t = FMA(x, 0x1.45f306dc9c883p-1, magic), n = t - magic;
  double a = FMA(n, -0x1.0b4611a6p-34, FMA(n, -0x1.921fb544p+0, x));
  *r = FMA(n, -0x1.3198a2e037073p-69, a);
  return f64_bits(t);
}

/* sin(t), cos(t) for |t| <= pi/4; z = t t */
VMATH double sin_rest64(double t, double z) {
  double p = 0x1.5e09858a97437p-33;
  p = FMA(p, z, -0x1.ae60069ee3ecfp-26);
  p = FMA(p, z, 0x1.71de3792528abp-19);
  p = FMA(p, z, -0x1.a01a019e8069ap-13);
  p = FMA(p, z, 0x1.1111111110ba5p-7);
  p = FMA(p, z, -0x1.5555555555555p-3);
  return FMA(p * z, t, t);
}
VMATH double cos_rest64(double z) {
  double p = -0x1.907c0e977e8bdp-37;
  p = FMA(p, z, 0x1.1eeb66b6cb12cp-29);
  p = FMA(p, z, -0x1.27e4fa15bdc69p-22);
  p = FMA(p, z, 0x1.a01a019f4d0f0p-16);
  p = FMA(p, z, -0x1.6c16c16c16960p-10);
  p = FMA(p, z, 0x1.5555555555555p-5);
  return FMA(p, z * z, FMA(z, -0.5, 1.0));
}

/* The sine of r + n quarters of a circle. */
VMATH double trig_turn64(double r, uint64_t n) {
  double z = r * r, y = n & 1 ? cos_rest64(z) : sin_rest64(r, z);
  return f64_of(f64_bits(y) ^ (n << 62 & 0x8000000000000000u));
}

VMATH double sin_near64(double x) {
  double r;
  uint64_t n = trig_split64(x, &r);
  return x == 0.0 ? x : trig_turn64(r, n);
}
VMATH double cos_near64(double x) {
  double r;
  uint64_t n = trig_split64(x, &r);
  return trig_turn64(r, n + 1);
}
VMATH double tan_near64(double x) {
  double r;
  uint64_t n = trig_split64(x, &r);
  double s = sin_rest64(r, r * r), c = cos_rest64(r * r);
  double y = n & 1 ? -c / s : s / c;
  return x == 0.0 ? x : y;
}

#endif
