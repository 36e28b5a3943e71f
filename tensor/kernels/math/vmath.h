/* Elementary functions of one float, without branches, calls or tables, so that a plain loop over
   them vectorises at every SIMD level. m_exp(x), m_log(x), ... pick by the argument's type: float
   takes the functions below, double those of vmath64.h or libm.

   Each treats NaN, infinities, signed zero and denormals as C's does (no errno, no flags). Largest
   error over all floats, at any level, in units in the last place of the exact value:
     exp 1.2  exp2 1.2  expm1 1.5  log 1.0  log2 1.5  log10 1.6  log1p 1.6  tanh 1.4  sigmoid 2.4  erf 1.4  softplus 1.9
     sin 1.6  cos 1.6  pow 0.6  sqrt 0.5  rsqrt 1.5  gelu 7; slope of gelu: 4 x 2^-24 of 1
   tests/core/math.c measures these bounds.
   The polynomials are weighted minimax fits with coefficients rounded to float one after another;
   reductions follow Cody & Waite, Software Manual for the Elementary Functions (1980). */
#ifndef LUNETTE_VMATH_H
#define LUNETTE_VMATH_H

#include "vmath64.h"

#include <math.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

VMATH uint32_t f32_bits(float x) {
  uint32_t u;
  memcpy(&u, &x, sizeof u);
  return u;
}

VMATH float f32_of(uint32_t u) {
  float x;
  memcpy(&x, &u, sizeof x);
  return x;
}

#define LN2_HI 0x1.62e400p-1f /* 15 bits: products with exponents are exact */
#define LN2_LO 0x1.7f7d1cp-20f
#define LOG2_E 0x1.715476p+0f

/* exp(r) for |r| <= ln(2)/2. */
VMATH float exp_poly(float r) {
  float p = 0x1.6a495cp-10f;
  p = FMAF(p, r, 0x1.1239a0p-7f);
  p = FMAF(p, r, 0x1.5558b4p-5f);
  p = FMAF(p, r, 0x1.555492p-3f);
  p = FMAF(p, r, 0x1.fffffcp-2f);
  p = FMAF(p, r, 1.0f);
  return FMAF(p, r, 1.0f);
}

/* x = n ln 2 + r, |x| < 2^15. The low bits of the result are n + bias, so that shifted left by 23
   they are the float 2^(n + bias - 127). */
VMATH uint32_t exp_split(float x, float bias, float *r) {
  const float magic = 12582912.0f + bias; /* 1.5 2^23: the sum's last bit is worth 1 */
  float t = FMAF(x, LOG2_E, magic);
  float n = t - magic;
  *r = FMAF(n, -LN2_LO, FMAF(n, -LN2_HI, x));
  return f32_bits(t);
}

/* exp(x) for -86 <= x <= 88, or NaN. */
VMATH float exp_mid(float x) {
  float r;
  uint32_t k = exp_split(x, 127.0f, &r);
  return exp_poly(r) * f32_of(k << 23);
}

/* 2^n in two factors, so that denormals are rounded once and nothing overflows early. */
VMATH float exp_f32(float x) {
  float r;
  uint32_t k = exp_split(x, 254.0f, &r);
  uint32_t half = k >> 1 << 23, rest = (k << 23) - half;
  float y = exp_poly(r) * f32_of(half) * f32_of(rest);
  y = x < -104.0f ? 0.0f : y;
  return x > 88.72284f ? INFINITY : y;
}

/* x = n + r with |r| <= 1/2, and 2^r by a polynomial of its own. */
VMATH float exp2_f32(float x) {
  const float magic = 12582912.0f + 254.0f;
  float t = x + magic, r = x - (t - magic);
  float p = 0x1.417872p-13f;
  p = FMAF(p, r, 0x1.5f0952p-10f);
  p = FMAF(p, r, 0x1.3b2dd4p-7f);
  p = FMAF(p, r, 0x1.c6af7ap-5f);
  p = FMAF(p, r, 0x1.ebfbdcp-3f);
  p = FMAF(p, r, 0x1.62e430p-1f);
  p = FMAF(p, r, 1.0f);
  uint32_t k = f32_bits(t), half = k >> 1 << 23, rest = (k << 23) - half;
  float y = p * f32_of(half) * f32_of(rest);
  y = x < -151.0f ? 0.0f : y;
  return x >= 128.0f ? INFINITY : y;
}

VMATH float expm1_f32(float x) {
  float r;
  uint32_t k = exp_split(x, 126.0f, &r);
  float p = 0x1.a242e8p-13f;
  p = FMAF(p, r, 0x1.6d3cacp-10f);
  p = FMAF(p, r, 0x1.111004p-7f);
  p = FMAF(p, r, 0x1.5554f6p-5f);
  p = FMAF(p, r, 0x1.555556p-3f);
  p = FMAF(p, r, 0.5f);
  p = FMAF(p * r, r, r);
  float half = f32_of(k << 23); /* 2^(n-1) */
  float y = FMAF(half, p, half - 0.5f);
  y = fabsf(x) < 0x1p-25f ? x : y + y;
  y = x < -18.0f ? -1.0f : y;
  return x > 88.72284f ? INFINITY : y;
}

/* (log(1+f) - f) / f^2 for f in [sqrt(1/2)-1, sqrt(2)-1]. */
VMATH float log_tail(float f) {
  float p = -0x1.38c974p-4f;
  p = FMAF(p, f, 0x1.055eaep-3f);
  p = FMAF(p, f, -0x1.0d8246p-3f);
  p = FMAF(p, f, 0x1.22d930p-3f);
  p = FMAF(p, f, -0x1.54728ap-3f);
  p = FMAF(p, f, 0x1.99a01cp-3f);
  p = FMAF(p, f, -0x1.000226p-2f);
  p = FMAF(p, f, 0x1.555554p-2f);
  return FMAF(p, f, -0.5f);
}

/* log(1+f) + e ln 2 for such f. */
VMATH float log_poly(float f, float e) {
  return FMAF(e, LN2_HI, FMAF(log_tail(f), f * f, FMAF(e, LN2_LO, f)));
}

/* log2(1+f) + e, and log10: the logarithm's factor in two parts, so that f itself loses nothing. */
VMATH float log2_poly(float f, float e) {
  float tail = log_tail(f) * f * f;
  return FMAF(f, 0x1.715000p+0f, FMAF(tail, 0x1.715476p+0f, f * 0x1.1d94aep-14f)) + e;
}
VMATH float log10_poly(float f, float e) {
  float tail = log_tail(f) * f * f;
  float low = FMAF(tail, 0x1.bcb7b2p-2f, FMAF(f, 0x1.3d8a94p-13f, e * 0x1.3509f8p-18f));
  return FMAF(e, 0x1.344000p-2f, FMAF(f, 0x1.bc9000p-2f, low));
}

/* Splits a normal x > 0 into 2^e (1+f); the result is e in place, shifted by 23. */
VMATH uint32_t log_split(float x) { return (f32_bits(x) - 0x3f3504f3u) & 0xff800000u; }

/* Defines a logarithm by what takes f and e to it. */
#define LOGARITHM(name, poly)                                                                      \
  VMATH float name(float x) {                                                                      \
    float lift = x < 0x1p-126f ? 0x1p+23f : 1.0f, z = x * lift; /* denormals into the normals */   \
    uint32_t k = log_split(z);                                                                     \
    float e = (float)((int32_t)k >> 23) - (x < 0x1p-126f ? 23.0f : 0.0f);                          \
    float y = poly(f32_of(f32_bits(z) - k) - 1.0f, e);                                             \
    y = x > 0.0f ? y : x == 0.0f ? -INFINITY : NAN;                                                \
    return x == INFINITY ? x : y;                                                                  \
  }
LOGARITHM(log_f32, log_poly)
LOGARITHM(log2_f32, log2_poly)
LOGARITHM(log10_f32, log10_poly)

/* 1 + x = 2^e (1+f) with f = 2^-e x + (2^-e - 1), so that a small x loses nothing. */
VMATH float log1p_f32(float x) {
  float u = 1.0f + x;
  uint32_t k = log_split(u);
  float s = f32_of(0x3f800000u - k);
  float f = FMAF(s, x, s - 1.0f);
  f = x < 0x1p+25f ? f : f32_of(f32_bits(u) - k) - 1.0f; /* where 2^-e may leave the floats */
  float y = log_poly(f, (float)((int32_t)k >> 23));
  y = x == 0.0f ? x : y;
  y = x > -1.0f ? y : x == -1.0f ? -INFINITY : NAN;
  return x == INFINITY ? x : y;
}

/* exp(-a^2/2) for 0 <= a <= 13, from the exact square. */
VMATH float exp_half_square(float a) {
#ifdef __FMA__
  float b = -0.5f * a, s = a * b, low = FMAF(a, b, -s), r;
#else
  float h = f32_of(f32_bits(a) & 0xfffff000u), l = a - h, r; /* h has 12 bits, h h is exact */
  float s = -0.5f * h * h, low = -0.5f * l * (a + h);
#endif
  uint32_t k = exp_split(s, 127.0f, &r);
  return exp_poly(r + low) * f32_of(k << 23);
}

/* Below 0.625 an odd polynomial, above 1 - 2/(exp(2a)+1). */
VMATH float tanh_f32(float x) {
  float a = fabsf(x), b = a > 10.0f ? 10.0f : a, z = b * b;
  float large = 1.0f - 2.0f / (exp_mid(b + b) + 1.0f);
  float p = -0x1.76922ap-8f;
  p = FMAF(p, z, 0x1.52509ep-6f);
  p = FMAF(p, z, -0x1.b84344p-5f);
  p = FMAF(p, z, 0x1.110760p-3f);
  p = FMAF(p, z, -0x1.555534p-2f);
  float small = FMAF(p * z, b, b);
  return copysignf(a < 0.625f ? small : large, x);
}

/* 1/(1+exp(-x)), by e = exp(-|x|): exact to the last denormal on both sides. */
VMATH float sigmoid_f32(float x) {
  float e = exp_f32(-fabsf(x));
  return (x < 0.0f ? e : 1.0f) / (1.0f + e);
}

/* Below 0.92 an odd polynomial, above 1 - exp(-p(a)) with p fitted to -log(erfc(a)). */
VMATH float erf_f32(float x) {
  float a = fabsf(x), b = a > 3.95f ? 3.95f : a, z = b * b;
  float q = 0x1.98d194p-13f;
  q = FMAF(q, b, -0x1.8da03cp-9f);
  q = FMAF(q, b, 0x1.6b8e22p-6f);
  q = FMAF(q, b, -0x1.a96520p-4f);
  q = FMAF(q, b, -0x1.4647b6p-1f);
  q = FMAF(q, b, -0x1.20ac30p+0f);
  float large = 1.0f - exp_mid(FMAF(q, b, -0x1.b220fep-13f));
  float p = -0x1.3ac594p-11f;
  p = FMAF(p, z, 0x1.476882p-8f);
  p = FMAF(p, z, -0x1.b69390p-6f);
  p = FMAF(p, z, 0x1.ce1b0ep-4f);
  p = FMAF(p, z, -0x1.8126eap-2f);
  p = FMAF(p, z, 0x1.06eba6p-3f);
  float small = FMAF(p, b, b);
  return copysignf(a < 0.92f ? small : large, x);
}

/* log(1 + exp(x)); log(sigmoid(x)) is -softplus(-x). */
VMATH float softplus_f32(float x) {
  float e = exp_f32(-fabsf(x)), u = 1.0f + e; /* 1 < u <= 2 */
  uint32_t k = log_split(u);
  float s = f32_of(0x3f800000u - k);
  float y = log_poly(FMAF(s, e, s - 1.0f), (float)((int32_t)k >> 23));
  return (x > 0.0f ? x : 0.0f) + y;
}

/* log(exp(x) + exp(y)): the larger and what the smaller adds; infinities of one sign stay. */
VMATH float logaddexp_f32(float x, float y) {
  float high = x > y || x != x ? x : y, gap = x == y ? 0.0f : -fabsf(x - y);
  return high + log1p_f32(exp_f32(gap));
}
VMATH float logaddexp2_f32(float x, float y) {
  float high = x > y || x != x ? x : y, gap = x == y ? 0.0f : -fabsf(x - y);
  return high + log1p_f32(exp2_f32(gap)) * LOG2_E;
}

/* Phi(-a) / exp(-a^2/2) of the normal distribution for 0 <= a <= 13, as t P(t), t = 1/(1+0.35a). */
VMATH float phi_ratio(float a) {
  float t = 1.0f / FMAF(a, 0.35f, 1.0f);
  float p = -0x1.ddbc32p-6f;
  p = FMAF(p, t, 0x1.26fba4p-3f);
  p = FMAF(p, t, -0x1.05fcb0p-2f);
  p = FMAF(p, t, 0x1.464e00p-3f);
  p = FMAF(p, t, -0x1.7c68a0p-6f);
  p = FMAF(p, t, 0x1.b05a66p-4f);
  p = FMAF(p, t, 0x1.eac918p-4f);
  p = FMAF(p, t, 0x1.1e70cep-3f);
  p = FMAF(p, t, 0x1.1df1c6p-3f);
  return p * t;
}

/* x Phi(x); relative accuracy in the whole tail, which ends at -13. */
VMATH float gelu_f32(float x) {
  float a = fabsf(x), top = x < 0.0f ? 0.0f : x;
  float y = FMAF(-a * phi_ratio(a), exp_half_square(a), top);
  return a > 13.0f ? top : y;
}

/* Phi(x) + x phi(x) */
VMATH float gelu_grad_f32(float x) {
  float a = fabsf(x);
  float q = FMAF(-0.39894228f, a, phi_ratio(a)) * exp_half_square(a);
  q = a > 13.0f ? 0.0f : q;
  return x < 0.0f ? q : 1.0f - q;
}

/* log2 of a positive normal double, to 2^-50 or so. */
VMATH double log2_wide(double x) {
  uint64_t k = log_split64(x);
  double e = log_exponent64(k), m = f64_of(f64_bits(x) - k);
  double s = (m - 1.0) / (m + 1.0), z = s * s;
  double p = 0x1.b5c9f6fe228d1p-3;
  p = FMA(p, z, 0x1.c46963bdf0a96p-3);
  p = FMA(p, z, 0x1.0ca171b28fc01p-2);
  p = FMA(p, z, 0x1.484afb54fc532p-2);
  p = FMA(p, z, 0x1.a61762d622b11p-2);
  p = FMA(p, z, 0x1.2776c50ee4cffp-1);
  p = FMA(p, z, 0x1.ec709dc3a0464p-1);
  return e + s * FMA(p, z, 0x1.71547652b82fep+1);
}

/* 2^w for |w| < 1000 */
VMATH double exp2_wide(double w) {
  const double magic = 0x1.8p52 + 1023.0;
  double t = w + magic, r = w - (t - magic);
  uint64_t u;
  memcpy(&u, &t, sizeof u);
  u <<= 52;
  double scale;
  memcpy(&scale, &u, sizeof scale);
  double p = 0x1.41fbc08758704p-13;
  p = FMA(p, r, 0x1.5f3e53c532d28p-10);
  p = FMA(p, r, 0x1.3b2d4cea7b4aap-7);
  p = FMA(p, r, 0x1.c6aee88c6c39fp-5);
  p = FMA(p, r, 0x1.ebfbdc3c3849fp-3);
  p = FMA(p, r, 0x1.62e430af29195p-1);
  return FMA(p, r, 1.0) * scale;
}

/* |x|^y in double precision, then C's rules for signs, zeros and infinities. */
VMATH float pow_f32(float x, float y) {
  float a = fabsf(x), b = fabsf(y), lifted = b + 0x1p+23f;
  float whole = b < 0x1p+23f ? lifted - 0x1p+23f : b; /* |y| to the nearest integer */
  uint32_t last = b < 0x1p+23f ? f32_bits(lifted) : b < 0x1p+24f ? f32_bits(b) : 0;
  uint32_t flip = whole == b ? last << 31 & f32_bits(x) : 0; /* odd powers keep x's sign */
  double w = (double)y * log2_wide((double)a);
  w = w > 200.0 ? 200.0 : w;
  w = w < -200.0 ? -200.0 : w;
  float r = (float)exp2_wide(w);
  float up = y > 0.0f ? INFINITY : 0.0f, down = y > 0.0f ? 0.0f : INFINITY;
  float limit = a > 1.0f ? up : down; /* where x is 0 or infinite, or y infinite */
  limit = a == 1.0f ? 1.0f : limit;
  r = a == 0.0f ? limit : r;
  r = a == INFINITY ? limit : r;
  r = b == INFINITY ? limit : r;
  float bad = a < INFINITY ? NAN : r; /* of a negative x by a fraction */
  bad = x < 0.0f ? bad : r;
  r = whole == b ? r : bad;
  r = f32_of(f32_bits(r) ^ flip);
  r = x != x ? x : r;
  r = y != y ? y : r;
  r = y == 0.0f ? 1.0f : r;
  return x == 1.0f ? 1.0f : r;
}

VMATH float rsqrt_f32(float x) { return 1.0f / sqrtf(x); }

VMATH double rsqrt_f64(double x) { return 1.0 / sqrt(x); }
VMATH double gelu_f64(double x) { return x * (0.5 * erfc(-0.70710678118654752440 * x)); }
VMATH double gelu_grad_f64(double x) {
  double phi = exp(-0.5 * x * x) * 0.39894228040143267794;
  return 0.5 * erfc(-0.70710678118654752440 * x) + x * phi;
}

#define VMATH_PICK(f32, f64, x) _Generic((x), float : f32, default : f64)(x)
#define m_exp(x)                VMATH_PICK(exp_f32, exp_f64, x)
#define m_exp2(x)               VMATH_PICK(exp2_f32, exp2_f64, x)
#define m_expm1(x)              VMATH_PICK(expm1_f32, expm1_f64, x)
#define m_log(x)                VMATH_PICK(log_f32, log_f64, x)
#define m_log2(x)               VMATH_PICK(log2_f32, log2_f64, x)
#define m_log10(x)              VMATH_PICK(log10_f32, log10_f64, x)
#define m_log1p(x)              VMATH_PICK(log1p_f32, log1p_f64, x)
#define m_tanh(x)               VMATH_PICK(tanh_f32, tanh_f64, x)
#define m_sigmoid(x)            VMATH_PICK(sigmoid_f32, sigmoid_f64, x)
#define m_erf(x)                VMATH_PICK(erf_f32, erf, x)
#define m_softplus(x)           VMATH_PICK(softplus_f32, softplus_f64, x)
#define m_sqrt(x)               VMATH_PICK(sqrtf, sqrt, x)
#define m_rsqrt(x)              VMATH_PICK(rsqrt_f32, rsqrt_f64, x)
#define m_gelu(x)               VMATH_PICK(gelu_f32, gelu_f64, x)
#define m_gelu_grad(x)          VMATH_PICK(gelu_grad_f32, gelu_grad_f64, x)
/* float when both are */
#define VMATH_PAIR(f32, f64, x, y) _Generic((x) + (y), float : f32, default : f64)(x, y)
#define m_pow(x, y)                VMATH_PAIR(pow_f32, pow, x, y)
#define m_logaddexp(x, y)          VMATH_PAIR(logaddexp_f32, logaddexp_f64, x, y)
#define m_logaddexp2(x, y)         VMATH_PAIR(logaddexp2_f32, logaddexp2_f64, x, y)

#endif
