/* The logarithm of the gamma function and its derivatives, in double (float by way of it), to 1e-14
   or so of the larger of the value and 1. */
#ifndef LUNETTE_GAMMA_H
#define LUNETTE_GAMMA_H

#include "errors.h"

static inline double lgamma_f64(double x) {
  int sign;
  return lgamma_r(x, &sign);
}
WIDE(lgamma)

/* log(x) - 1/(2x) - sum of B_2k / (2k x^2k) for x >= 10 (Abramowitz & Stegun 6.3.18); smaller x are
   raised by psi(x) = psi(x+1) - 1/x, negative ones turned by psi(1-x) - psi(x) = pi cot(pi x). */
static inline __attribute__((unused)) double digamma_f64(double x) {
  if (x == 0) return copysign(INFINITY, -x);
  double turned = 0;
  if (x < 0) {
    double whole = floor(x), r = x - whole;
    if (r == 0) return NAN;
    turned = -M_PI / tan(M_PI * r);
    x = 1 - x;
  }
  double below = 0;
  for (; x < 10; x += 1) below += 1 / x;
  double z = 1 / (x * x);
  double p = 1.0 / 12;
  p = p * z - 691.0 / 32760;
  p = p * z + 1.0 / 132;
  p = p * z - 1.0 / 240;
  p = p * z + 1.0 / 252;
  p = p * z - 1.0 / 120;
  p = p * z + 1.0 / 12;
  double y = x < (double)INFINITY ? log(x) - 0.5 / x - p * z : x;
  return turned + (y - below);
}
WIDE(digamma)

/* Hurwitz's zeta function, sum of (x + k)^-s over k >= 0 for s > 1: terms until x + k is 10, the rest
   by Euler & Maclaurin's formula (Olver, Asymptotics and Special Functions, 1974, chapter 8). */
static inline __attribute__((unused)) double hurwitz_zeta(double s, double x) {
  static const double b[] = {/* (2j)! / B_2j */
                             12,          -720,
                             30240,       -1209600,
                             47900160,    -1892437580.3183791606,
                             74724249600, -2950130727918.1642245};
  if (x <= 0 && x == floor(x)) return INFINITY;
  if (x < -1e6) return NAN; /* too many terms */
  double sum = 0;
  for (; x < 10; x += 1) sum += pow(x, -s);
  if (x == (double)INFINITY) return 0;
  double top = pow(x, -s), term = s * top / x;
  sum += top * x / (s - 1) + 0.5 * top;
  for (int j = 0; j < 8; j++) {
    sum += term / b[j];
    term *= (s + 2 * j + 1) * (s + 2 * j + 2) / (x * x);
  }
  return sum;
}

/* The n-th derivative of digamma, (-1)^(n+1) n! zeta(n+1, x); the first of small x is turned. */
static inline __attribute__((unused)) double polygamma_of(double n, double x) {
  if (n == 0) return digamma_f64(x);
  if (n == 1 && x < 0) {
    double s = sin(M_PI * (x - floor(x)));
    return M_PI * M_PI / (s * s) - hurwitz_zeta(2, 1 - x);
  }
  double y = tgamma(n + 1) * hurwitz_zeta(n + 1, x);
  return fmod(n, 2) == 0 ? -y : y;
}

#define m_lgamma(x)  VMATH_PICK(lgamma_f32, lgamma_f64, x)
#define m_digamma(x) VMATH_PICK(digamma_f32, digamma_f64, x)

#endif
