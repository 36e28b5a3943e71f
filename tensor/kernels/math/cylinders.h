/* Bessel functions but the first modified ones (bessel.h), and Airy's, in double (float by way of it),
   to 1e-14 or so of the larger of the value and the size of the oscillation. */
#ifndef LUNETTE_CYLINDERS_H
#define LUNETTE_CYLINDERS_H

#include "bessel.h"

#define UNUSED __attribute__((unused))

/* ---- oscillating: the C library's ------------------------------------------------------------- */

static inline UNUSED double bessel_j0_f64(double x) { return j0(x); }
static inline UNUSED double bessel_j1_f64(double x) { return j1(x); }
static inline UNUSED double bessel_y0_f64(double x) {
  return x > 0 ? y0(x) : x == 0 ? (double)-INFINITY : (double)NAN;
}
static inline UNUSED double bessel_y1_f64(double x) {
  return x > 0 ? y1(x) : x == 0 ? (double)-INFINITY : (double)NAN;
}
WIDE(bessel_j0)
WIDE(bessel_j1)
WIDE(bessel_y0)
WIDE(bessel_y1)

/* sin(x) / x; with the first terms of its series where x is small. */
static inline UNUSED double spherical_j0_f64(double x) {
  if (fabs(x) < 1e-3) return 1 - x * x / 6;
  return fabs(x) < (double)INFINITY ? sin(x) / x : x != x ? x : 0;
}
WIDE(spherical_j0)

/* ---- modified, of the second kind -------------------------------------------------------------- */

/* exp(x) K_order(x) for x >= 1: the integral of exp(-x (cosh t - 1)) cosh(order t) over t > 0
   (Abramowitz & Stegun 9.6.24), by the trapezoidal rule, whose error falls exponentially (Trefethen
   & Weideman 2014, section 5). */
static inline double bessel_integral(double order, double x) {
  double h = fmin(0.2, 0.6 / sqrt(x)), sum = 0.5;
  for (int k = 1; k < 200; k++) {
    double t = k * h, s = sinh(t / 2), fall = 2 * x * s * s;
    if (fall > 45) break;
    sum += exp(-fall) * cosh(order * t);
  }
  return h * sum;
}

/* K_0 and K_1 for 0 < x < 1 (Abramowitz & Stegun 9.6.13 and 9.6.11); psi(k+1) = H_k - gamma. */
static inline double bessel_k_series(int order, double x) {
  const double euler = 0.57721566490153286061;
  double z = x * x / 4, sum = 0, term = 1, harmonic = 0;
  for (int k = 0; k < 20; k++) {
    if (k) harmonic += 1.0 / k, term *= z / ((double)k * (k + order));
    double psi = order ? 2 * (harmonic - euler) + 1.0 / (k + 1) : harmonic - euler;
    sum += psi * term;
  }
  double half = log(x / 2);
  if (order == 0) return sum - half * bessel_series(z, 0);
  return 1 / x + half * bessel_series(z, 1) * x / 2 - x / 4 * sum;
}

static inline double bessel_k(int order, double x, bool scaled) {
  if (!(x > 0)) return x == 0 ? (double)INFINITY : (double)NAN;
  if (x < 1) return bessel_k_series(order, x) * (scaled ? exp(x) : 1);
  if (x == (double)INFINITY) return 0;
  return bessel_integral(order, x) * (scaled ? 1 : exp(-x));
}

static inline UNUSED double bessel_k0_f64(double x) { return bessel_k(0, x, false); }
static inline UNUSED double bessel_k1_f64(double x) { return bessel_k(1, x, false); }
static inline UNUSED double bessel_k0e_f64(double x) { return bessel_k(0, x, true); }
static inline UNUSED double bessel_k1e_f64(double x) { return bessel_k(1, x, true); }
WIDE(bessel_k0)
WIDE(bessel_k1)
WIDE(bessel_k0e)
WIDE(bessel_k1e)

/* ---- Airy's Ai ----------------------------------------------------------------------------------- */

/* c1 f(x) - c2 g(x) (Abramowitz & Stegun 10.4.2), in long double: terms of both cancel. */
static inline double airy_series(double x) {
  long double z = (long double)x * x * x, f = 1, g = x, a = f, b = g;
  for (int k = 3; k < 300; k += 3) {
    f += a *= z / ((long double)(k - 1) * k);
    g += b *= z / ((long double)k * (k + 1));
  }
  return (double)(0.355028053887817239260063186004183L * f -
                  0.258819403792806798405183560189204L * g);
}

/* Far below 0, by 10.4.60: u_k = u_(k-1) (6k-5)(6k-3)(6k-1) / (216 k (2k-1)). */
static inline double airy_wave(double x) {
  double a = -x, zeta = 2.0 / 3 * a * sqrt(a), u = 1, even = 1, odd = 0;
  for (int k = 1; k < 24; k++) {
    double m = 6.0 * k;
    u *= (m - 5) * (m - 3) * (m - 1) / (216.0 * k * (2 * k - 1)) / zeta;
    if (k & 1)
      odd += k & 2 ? -u : u;
    else
      even += k & 2 ? -u : u;
    if (u < 1e-17) break;
  }
  return (sin(zeta + M_PI_4) * even - cos(zeta + M_PI_4) * odd) / (sqrt(M_PI) * sqrt(sqrt(a)));
}

/* Above 0 by K_(1/3) (10.4.14). */
static inline UNUSED double airy_ai_f64(double x) {
  if (x != x) return x;
  if (x < -9) return x > (double)-INFINITY ? airy_wave(x) : 0;
  if (x < 1.5) return airy_series(x);
  double zeta = 2.0 / 3 * x * sqrt(x);
  if (zeta > 750) return 0;
  return sqrt(x / 3) / M_PI * exp(-zeta) * bessel_integral(1.0 / 3, zeta);
}
WIDE(airy_ai)

#endif
