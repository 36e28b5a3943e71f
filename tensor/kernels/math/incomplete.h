/* The regularised incomplete gamma functions P(a, x) and Q(a, x) = 1 - P, and Hurwitz's zeta function
   with all its arguments, in double (float by way of it). */
#ifndef LUNETTE_INCOMPLETE_H
#define LUNETTE_INCOMPLETE_H

#include "gamma.h"

/* log of x^a exp(-x) / gamma(a + 1), without cancellation where a is large: Stirling's series and
   a (log(x/a) - (x-a)/a). */
static inline double gamma_density(double a, double x) {
  if (a < 20) return a * log(x) - x - lgamma_f64(a + 1);
  double mu = (x - a) / a, z = 1 / (a * a);
  double rest = (1.0 / 12 - z * (1.0 / 360 - z * (1.0 / 1260 - z / 1680))) / a;
  return a * (log1p(mu) - mu) - 0.5 * log(2 * M_PI * a) - rest;
}

/* P by its series for x < a + 1 (Abramowitz & Stegun 6.5.29). */
static inline double gamma_below(double a, double x) {
  double sum = 1, term = 1;
  for (int k = 1; k < 200000 && term > sum * 1e-17; k++) sum += term *= x / (a + k);
  return sum * exp(gamma_density(a, x));
}

/* Q by its continued fraction for x >= a + 1 (6.5.31), in the manner of Lentz. */
static inline double gamma_above(double a, double x) {
  double b = x + 1 - a, c = 1e300, d = 1 / b, h = d;
  for (int k = 1; k < 200000; k++) {
    double top = -k * (k - a);
    b += 2;
    d = top * d + b;
    c = b + top / c;
    d = 1 / (fabs(d) < 1e-300 ? 1e-300 : d);
    c = fabs(c) < 1e-300 ? 1e-300 : c;
    double by = d * c;
    h *= by;
    if (fabs(by - 1) < 1e-16) break;
  }
  return h * a * exp(gamma_density(a, x));
}

/* Q for large a, by Temme's expansion with its first term (DLMF 8.12.3 to 8.12.11). */
static inline double gamma_uniform(double a, double x, bool above) {
  double mu = (x - a) / a, eta = copysign(sqrt(2 * fmax(mu - log1p(mu), 0)), mu);
  double c0 = fabs(eta) < 1e-3 ? -1.0 / 3 + eta / 12 - 2 * eta * eta / 135 : 1 / mu - 1 / eta;
  double s = exp(-0.5 * a * eta * eta) / sqrt(2 * M_PI * a) * c0, root = eta * sqrt(a / 2);
  return above ? 0.5 * erfc(root) + s : 0.5 * erfc(-root) - s;
}

static inline double gamma_part(double a, double x, bool above) {
  const double end = INFINITY;
  if (!(a >= 0) || !(x >= 0) || (a == 0 && x == 0) || (a == end && x == end)) return NAN;
  if (a == 0 || x == end) return above ? 0 : 1;
  if (x == 0 || a == end) return above ? 1 : 0;
  if (a > 1e8) return gamma_uniform(a, x, above);
  bool low = x < a + 1;
  double y = low ? gamma_below(a, x) : gamma_above(a, x);
  return low == above ? 1 - y : y;
}

static inline __attribute__((unused)) double igamma_f64(double a, double x) {
  return gamma_part(a, x, false);
}
static inline __attribute__((unused)) double igammac_f64(double a, double x) {
  return gamma_part(a, x, true);
}
/* Infinite at its poles: s = 1, and whole numbers q up to 0. */
static inline __attribute__((unused)) double zeta_f64(double s, double q) {
  if (s == 1) return INFINITY;
  if (!(s > 1) || q != q) return NAN;
  if (q <= 0 && q != floor(q) && s != floor(s)) return NAN;
  return hurwitz_zeta(s, q);
}

#define OF_PAIR(name)                                                                              \
  static inline __attribute__((unused)) float name##_f32(float a, float b) {                       \
    return (float)name##_f64((double)a, (double)b);                                                \
  }
OF_PAIR(igamma)
OF_PAIR(igammac)
OF_PAIR(zeta)
#undef OF_PAIR

#endif
