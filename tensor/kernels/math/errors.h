/* The error function's relatives, in the manner of vmath.h (which has erf). float: erfc 2, erfinv 4
   units in the last place, without branches; the others are computed in double, to 1e-14 or so. */
#ifndef LUNETTE_ERRORS_H
#define LUNETTE_ERRORS_H

#include "vmath.h"

#define WIDE(name)                                                                                 \
  VMATH float name##_f32(float x) { return (float)name##_f64((double)x); }

#define SQRT_PI 1.7724538509055160273

/* erfc(a) exp(a^2) for 0 <= a <= 10.2, as t P(t), t = 1/(1+0.35a): in double, since it is steep. */
VMATH double erfc_ratio(double a) {
  double t = 1.0 / FMA(a, 0.35, 1.0);
  double p = -0x1.4f16c91fddd0ap-6;
  p = FMA(p, t, 0x1.4a475eeef8cd0p-3);
  p = FMA(p, t, -0x1.ef076b34dcb9ap-2);
  p = FMA(p, t, 0x1.5a8a8b1692695p-1);
  p = FMA(p, t, -0x1.05a637269d9fcp-1);
  p = FMA(p, t, 0x1.9b17e5190e0ffp-2);
  p = FMA(p, t, 0x1.098a272ad270cp-7);
  p = FMA(p, t, 0x1.88094d37aa7b1p-3);
  p = FMA(p, t, 0x1.718ab3635b07ap-3);
  p = FMA(p, t, 0x1.955d7c663d2f2p-3);
  p = FMA(p, t, 0x1.945f1765dbea6p-3);
  return p * t;
}

VMATH float erfc_f32(float x) {
  float a = fabsf(x), b = a > 10.2f ? 10.2f : a, r;
#ifdef __FMA__
  float s = -b * b, low = FMAF(-b, b, -s);
#else
  float h = f32_of(f32_bits(b) & 0xfffff000u), l = b - h; /* h has 12 bits, h h is exact */
  float s = -h * h, low = -l * (b + h);
#endif
  uint32_t k = exp_split(s, 254.0f, &r);
  uint32_t half = k >> 1 << 23, rest = (k << 23) - half;
  float y = (float)erfc_ratio((double)b) * exp_poly(r + low) * f32_of(half) * f32_of(rest);
  y = a > 10.2f ? 0.0f : y;
  return x < 0.0f ? 2.0f - y : x != x ? x : y;
}

/* By w = -log(1 - x^2), after Giles, Approximating the erfinv function (2011): x P(w) where w is
   below 5, x Q(sqrt(w)) above. */
VMATH float erfinv_f32(float x) {
  float w = -log_f32((1.0f - x) * (1.0f + x)), u = w - 2.5f, v = sqrtf(w) - 3.0f;
  w = fabsf(x) < 0.0625f ? x * x : w;
  u = fabsf(x) < 0.0625f ? FMAF(x * x, FMAF(x * x, 0.5f, 1.0f), -2.5f) : u;
  float p = -0x1.01b1f8p-29f;
  p = FMAF(p, u, -0x1.17a69cp-27f);
  p = FMAF(p, u, 0x1.d63e58p-25f);
  p = FMAF(p, u, 0x1.ed045cp-22f);
  p = FMAF(p, u, -0x1.e9b8e6p-19f);
  p = FMAF(p, u, -0x1.4baa98p-18f);
  p = FMAF(p, u, 0x1.cad82cp-13f);
  p = FMAF(p, u, -0x1.4866f8p-10f);
  p = FMAF(p, u, -0x1.11cb52p-8f);
  p = FMAF(p, u, 0x1.f91e8ap-3f);
  p = FMAF(p, u, 0x1.805c5ep+0f);
  float q = -0x1.492352p-13f;
  q = FMAF(q, v, 0x1.367518p-14f);
  q = FMAF(q, v, 0x1.52f08ep-10f);
  q = FMAF(q, v, -0x1.ddc920p-9f);
  q = FMAF(q, v, 0x1.79adcep-8f);
  q = FMAF(q, v, -0x1.f42152p-8f);
  q = FMAF(q, v, 0x1.352fe0p-7f);
  q = FMAF(q, v, 0x1.006dc6p+0f);
  q = FMAF(q, v, 0x1.6a9efep+1f);
  float y = x * (w < 5.0f ? p : q);
  return fabsf(x) == 1.0f ? x * INFINITY : y;
}

/* exp(x^2) erfc(x): from 10 on by its asymptotic series (Abramowitz & Stegun 7.1.23). */
static inline __attribute__((unused)) double erfcx_f64(double x) {
  if (!(x < 10)) {
    double t = -0.5 / (x * x), sum = 1, term = 1;
    for (int k = 1; k < 20; k += 2) sum += term *= k * t;
    return x < (double)INFINITY ? sum / (x * SQRT_PI) : x != x ? x : 0;
  }
  if (x < -27) return INFINITY;
  double s = x * x, low = __builtin_fma(x, x, -s);
  return exp(s) * (1 + low) * erfc(x);
}
WIDE(erfcx)

static inline double ndtr_f64(double x) { return 0.5 * erfc(-0.70710678118654752440 * x); }
WIDE(ndtr)

/* In the lower tail erfc(-x/sqrt(2)) by the scaled one. */
static inline double log_ndtr_f64(double x) {
  double t = -0.70710678118654752440 * x;
  return x < -1 ? log(0.5 * erfcx_f64(t)) - t * t : log1p(-0.5 * erfc(-t));
}
WIDE(log_ndtr)

/* y with erfc(y) = t for 0 < t <= 1: Winitzki's estimate (2008), good to 1/500, then Newton's steps
   on the logarithm, which is nearly a parabola. */
static inline __attribute__((unused)) double erfc_inverse(double t) {
  if (t == 0) return INFINITY;
  double w = log(t * (2 - t)), u = 2 / (M_PI * 0.147) + 0.5 * w;
  double y = sqrt(fmax(sqrt(u * u - w / 0.147) - u, 0)), want = log(t);
  for (int i = 0; i < 3; i++) {
    double e = erfcx_f64(y);
    y += (log(e) - y * y - want) * e * (0.5 * SQRT_PI);
  }
  return y;
}

/* Below 1/2 Halley's steps on erf itself. */
static inline __attribute__((unused)) double erfinv_f64(double x) {
  double a = fabs(x);
  if (!(a < 1)) return a == 1 ? x * INFINITY : NAN;
  if (a > 0.5) return copysign(erfc_inverse(1 - a), x);
  double w = log1p(-x * x), u = 2 / (M_PI * 0.147) + 0.5 * w;
  double y = copysign(sqrt(fmax(sqrt(u * u - w / 0.147) - u, 0)), x);
  if (a < 1e-8) return x * (0.5 * SQRT_PI);
  for (int i = 0; i < 2; i++) {
    double d = (erf(y) - x) * exp(y * y) * (0.5 * SQRT_PI);
    y -= d / (1 + y * d);
  }
  return y;
}

static inline __attribute__((unused)) double ndtri_f64(double p) {
  if (!(p >= 0 && p <= 1)) return NAN;
  if (p > 0.25 && p < 0.75) return M_SQRT2 * erfinv_f64(2 * p - 1);
  return M_SQRT2 * (p < 0.5 ? -erfc_inverse(2 * p) : erfc_inverse(2 * (1 - p)));
}
WIDE(ndtri)

/* -x log(x) */
VMATH float entr_f32(float x) {
  float y = -x * log_f32(x);
  return x > 0.0f || x != x ? y : x == 0.0f ? 0.0f : -INFINITY;
}
VMATH double entr_f64(double x) {
  return x > 0 || x != x ? -x * log(x) : x == 0 ? 0 : -(double)INFINITY;
}

#define m_erfc(x)     VMATH_PICK(erfc_f32, erfc, x)
#define m_erfinv(x)   VMATH_PICK(erfinv_f32, erfinv_f64, x)
#define m_erfcx(x)    VMATH_PICK(erfcx_f32, erfcx_f64, x)
#define m_ndtr(x)     VMATH_PICK(ndtr_f32, ndtr_f64, x)
#define m_ndtri(x)    VMATH_PICK(ndtri_f32, ndtri_f64, x)
#define m_log_ndtr(x) VMATH_PICK(log_ndtr_f32, log_ndtr_f64, x)
#define m_entr(x)     VMATH_PICK(entr_f32, entr_f64, x)

#endif
