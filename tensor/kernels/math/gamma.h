/* The logarithm of the gamma function and its derivatives, in double (float by way of it), to 1e-14
   or so of the larger of the value and 1.

   Above 0 each is a formula without branches, name_above, so that loops over it vectorise: x below 10 is
   raised by 10, and asymptotic series do the rest (Abramowitz & Stegun 6.1.41, 6.3.18, 6.4.12). */
#ifndef LUNETTE_GAMMA_H
#define LUNETTE_GAMMA_H

#include "errors.h"

enum { GAMMA_RAISED = 10 };

/* z = x, or raised; *product and *below: x (x+1) ... and 1/x + 1/(x+1) + ... of what was passed over. */
VMATH double gamma_raised(double x, double *product, double *below) {
  double over = 0, under = 1;
  for (int k = 0; k < GAMMA_RAISED; k++) {
    over = over * (x + k) + under;
    under *= x + k;
  }
  bool low = x < GAMMA_RAISED;
  *product = low ? under : 1;
  *below = low ? over / under : 0;
  return low ? x + GAMMA_RAISED : x;
}

VMATH double lgamma_above(double x) {
  double product, below, z = gamma_raised(x, &product, &below), r = 1 / z, s = r * r;
  double p = 1.0 / 156;
  p = p * s - 691.0 / 360360;
  p = p * s + 1.0 / 1188;
  p = p * s - 1.0 / 1680;
  p = p * s + 1.0 / 1260;
  p = p * s - 1.0 / 360;
  p = p * s + 1.0 / 12;
  double y = (z - 0.5) * log_f64(z) - z + (0.91893853320467274178 + p * r);
  y = x == 1 || x == 2 ? 0 : y - log_f64(product);
  return x < (double)INFINITY ? y : x;
}

VMATH float lgamma_above_f32(float x) { return (float)lgamma_above((double)x); }

static inline double lgamma_f64(double x) {
  int sign;
  return lgamma_r(x, &sign);
}
static inline __attribute__((unused)) float lgamma_f32(float x) {
  return x > 0 ? lgamma_above_f32(x) : (float)lgamma_f64((double)x);
}
VMATH double lgamma_above_f64(double x) { return lgamma_f64(x); }

VMATH double digamma_above_f64(double x) {
  double product, below, x10 = gamma_raised(x, &product, &below), r = 1 / x10, z = r * r;
  double p = 1.0 / 12;
  p = p * z - 691.0 / 32760;
  p = p * z + 1.0 / 132;
  p = p * z - 1.0 / 240;
  p = p * z + 1.0 / 252;
  p = p * z - 1.0 / 120;
  p = p * z + 1.0 / 12;
  double y = log_f64(x10) - 0.5 * r - p * z;
  return (x < (double)INFINITY ? y : x) - below;
}
VMATH float digamma_above_f32(float x) { return (float)digamma_above_f64((double)x); }

/* Below 0 by psi(1-x) - psi(x) = pi cot(pi x). */
static inline __attribute__((unused)) double digamma_f64(double x) {
  if (x > 0) return digamma_above_f64(x);
  if (x == 0) return copysign(INFINITY, -x);
  double rest = x - floor(x);
  return rest == 0 || x != x ? (double)NAN : digamma_above_f64(1 - x) - M_PI / tan(M_PI * rest);
}
WIDE(digamma)

/* The slope of digamma. */
VMATH double trigamma_above_f64(double x) {
  double below = 0;
  for (int k = 0; k < GAMMA_RAISED; k++) below += 1 / ((x + k) * (x + k));
  bool low = x < GAMMA_RAISED;
  double r = 1 / (low ? x + GAMMA_RAISED : x), z = r * r;
  double p = 7.0 / 6;
  p = p * z - 691.0 / 2730;
  p = p * z + 5.0 / 66;
  p = p * z - 1.0 / 30;
  p = p * z + 1.0 / 42;
  p = p * z - 1.0 / 30;
  p = p * z + 1.0 / 6;
  return (low ? below : 0) + (r + 0.5 * z + p * z * r);
}
VMATH float trigamma_above_f32(float x) { return (float)trigamma_above_f64((double)x); }

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
  if (n == 1 && x > 0) return trigamma_above_f64(x);
  if (n == 1 && x < 0) {
    double s = sin(M_PI * (x - floor(x)));
    return M_PI * M_PI / (s * s) - trigamma_above_f64(1 - x);
  }
  double y = tgamma(n + 1) * hurwitz_zeta(n + 1, x);
  return fmod(n, 2) == 0 ? -y : y;
}

#define m_lgamma(x)  VMATH_PICK(lgamma_f32, lgamma_f64, x)
#define m_digamma(x) VMATH_PICK(digamma_f32, digamma_f64, x)

#endif
