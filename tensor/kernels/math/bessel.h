/* Modified Bessel functions of the first kind, orders 0 and 1, in double (float by way of it), to
   1e-15 or so of the value. Scaled by exp(-|x|): below 25 by the power series, whose terms are all
   positive, above by the asymptotic one (Abramowitz & Stegun 9.6.10, 9.7.1). */
#ifndef LUNETTE_BESSEL_H
#define LUNETTE_BESSEL_H

#include "errors.h"

/* sum of z^k / (k! (k + order)!), z = x^2 / 4 */
static inline double bessel_series(double z, int order) {
  double sum = 1, term = 1;
  for (int k = 1; k < 200 && term > sum * 1e-18; k++) sum += term *= z / ((double)k * (k + order));
  return sum;
}

/* 1 - (m-1)/(8x) + (m-1)(m-9)/(2! (8x)^2) - ..., m = 4 order^2 */
static inline double bessel_asymptotic(double a, int order) {
  double sum = 1, term = 1, m = 4.0 * order;
  for (int k = 1; k < 30; k++) {
    double odd = 2 * k - 1;
    term *= -(m - odd * odd) / (8 * k * a);
    sum += term;
    if (fabs(term) < 1e-17) break;
  }
  return sum / sqrt(2 * M_PI * a);
}

static inline __attribute__((unused)) double i0e_f64(double x) {
  double a = fabs(x);
  if (a < 25) return exp(-a) * bessel_series(a * a / 4, 0);
  return a < (double)INFINITY ? bessel_asymptotic(a, 0) : x != x ? x : 0;
}
static inline __attribute__((unused)) double i1e_f64(double x) {
  double a = fabs(x), y = a < 25                 ? exp(-a) * bessel_series(a * a / 4, 1) * a / 2
                          : a < (double)INFINITY ? bessel_asymptotic(a, 1)
                          : x != x               ? x
                                                 : 0;
  return copysign(y, x);
}
static inline double bessel_unscaled(double scaled, double x) {
  double half = exp(fabs(x) / 2); /* the product may be finite where exp(|x|) is not */
  return scaled * half * half;
}
static inline __attribute__((unused)) double i0_f64(double x) {
  double a = fabs(x);
  return a < 25    ? bessel_series(a * a / 4, 0)
         : a < 1e4 ? bessel_unscaled(i0e_f64(x), x)
                   : a * INFINITY;
}
static inline __attribute__((unused)) double i1_f64(double x) {
  double a = fabs(x);
  if (a < 25) return bessel_series(a * a / 4, 1) * x / 2;
  return a < 1e4 ? bessel_unscaled(i1e_f64(x), x) : copysign(a * INFINITY, x);
}
WIDE(i0)
WIDE(i1)
WIDE(i0e)
WIDE(i1e)

#define m_i0(x)  VMATH_PICK(i0_f32, i0_f64, x)
#define m_i1(x)  VMATH_PICK(i1_f32, i1_f64, x)
#define m_i0e(x) VMATH_PICK(i0e_f32, i0e_f64, x)
#define m_i1e(x) VMATH_PICK(i1e_f32, i1e_f64, x)

#endif
