/* Orthogonal polynomials of degree n at x, in double (float by way of it), by their recurrences
   (Abramowitz & Stegun 22.7). Degrees lose their fraction first; negative ones give 0. */
#ifndef LUNETTE_POLYNOMIALS_H
#define LUNETTE_POLYNOMIALS_H

#include "errors.h"

enum { DEGREES = 1000000 }; /* of more NaN: too many steps */

/* The degree, or -1 where the value is not a number, and *y then says which. */
static inline int degree_of(double n, double *y) {
  *y = n <= -1 ? 0 : NAN;
  return n > -1 && n <= DEGREES ? (int)n : -1;
}

/* Chebyshev's four kinds: p_(k+1) = 2 x p_k - p_(k-1), from 1 and `first`. */
static inline double chebyshev(double x, double n, double first) {
  double last = 1, y;
  int degree = degree_of(n, &y);
  if (degree < 0) return y;
  if (degree == 0) return 1;
  y = first;
  for (int k = 1; k < degree; k++) {
    double next = 2 * x * y - last;
    last = y;
    y = next;
  }
  return y;
}

#define KIND(name, first, at)                                                                      \
  static inline __attribute__((unused)) double name##_f64(double x, double n) {                    \
    return chebyshev(at, n, first);                                                                \
  }                                                                                                \
  static inline __attribute__((unused)) float name##_f32(float x, float n) {                       \
    return (float)name##_f64((double)x, (double)n);                                                \
  }
KIND(chebyshev_t, x, x)
KIND(chebyshev_u, 2 * x, x)
KIND(chebyshev_v, 2 * x - 1, x)
KIND(chebyshev_w, 2 * x + 1, x)
KIND(shifted_t, 2 * x - 1, 2 * x - 1)
KIND(shifted_u, 4 * x - 2, 2 * x - 1)
KIND(shifted_v, 4 * x - 3, 2 * x - 1)
KIND(shifted_w, 4 * x - 1, 2 * x - 1)
#undef KIND

/* p_(k+1) = (A_k p_k - B_k p_(k-1)), from 1 and `first`; k is a double. */
#define RECURRENCE(name, first, A, B)                                                              \
  static inline __attribute__((unused)) double name##_f64(double x, double n) {                    \
    double last = 1, y;                                                                            \
    int degree = degree_of(n, &y);                                                                 \
    if (degree < 0) return y;                                                                      \
    if (degree == 0) return 1;                                                                     \
    y = first;                                                                                     \
    for (double k = 1; k < degree; k++) {                                                          \
      double next = (A)*y - (B)*last;                                                              \
      last = y;                                                                                    \
      y = next;                                                                                    \
    }                                                                                              \
    return y;                                                                                      \
  }                                                                                                \
  static inline __attribute__((unused)) float name##_f32(float x, float n) {                       \
    return (float)name##_f64((double)x, (double)n);                                                \
  }
RECURRENCE(hermite_h, 2 * x, 2 * x, 2 * k)
RECURRENCE(hermite_he, x, x, k)
RECURRENCE(laguerre_l, 1 - x, (2 * k + 1 - x) / (k + 1), k / (k + 1))
RECURRENCE(legendre_p, x, (2 * k + 1) / (k + 1) * x, k / (k + 1))
#undef RECURRENCE

#endif
