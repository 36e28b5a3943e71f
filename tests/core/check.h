/* What the C tests of the kernels share: counting checks, levels, a small random stream, ulps. */
#ifndef LUNETTE_CORE_CHECK_H
#define LUNETTE_CORE_CHECK_H

#include "../../tensor/machine/simd.h"

#include <math.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int checks_passed, checks_failed;

/* Counts one check; a failed one is printed. */
__attribute__((format(printf, 2, 3), unused)) static bool check(bool ok, const char *what, ...) {
  if (ok) {
    checks_passed++;
    return true;
  }
  checks_failed++;
  va_list args;
  va_start(args, what);
  printf("FAILED ");
  vprintf(what, args);
  printf("\n");
  va_end(args);
  return false;
}

__attribute__((unused)) static int checks_report(const char *name) {
  printf("%s: %d passed, %d failed\n", name, checks_passed, checks_failed);
  return checks_failed ? 1 : 0;
}

/* Table of a family at a level the machine has. */
#if SIMD_X86 && !defined(SIMD_ONE)
#define TABLE_AT(family, level)                                                                    \
  ((level) == SIMD_V4   ? &family##_v4                                                             \
   : (level) == SIMD_V3 ? &family##_v3                                                             \
   : (level) == SIMD_V2 ? &family##_v2                                                             \
                        : &family##_base)
#else
#define TABLE_AT(family, level) ((void)(level), &family##_base)
#endif

/* An independent random stream (xorshift64*). */
__attribute__((unused)) static uint64_t noise_bits(void) {
  static uint64_t s = 0x9e3779b97f4a7c15u;
  s ^= s >> 12;
  s ^= s << 25;
  s ^= s >> 27;
  return s * 0x2545f4914f6cdd1du;
}

__attribute__((unused)) static double noise(void) { /* in (-1, 1), bell shaped */
  double a = 0;
  for (int i = 0; i < 4; i++) a += (double)(noise_bits() >> 11) * 0x1p-53;
  return (a - 2) / 2;
}

__attribute__((unused)) static bool same_sign(double a, double b) {
  return !signbit(a) == !signbit(b);
}

/* |y - want| in units of the last place that want has as a float; same NaN, same infinity is 0. */
__attribute__((unused)) static double ulps_f32(float y, double want) {
  if (isnan(want)) return isnan(y) ? 0 : INFINITY;
  if (isnan(y)) return INFINITY;
  double a = fabs(want), limit = 0x1.ffffffp+127; /* from here on infinity is right */
  if (a >= limit)
    return isinf(y) && same_sign(y, want) ? 0 : a < 0x1p128 && !isinf(y) ? 1 : INFINITY;
  if (isinf(y)) return a > 0x1.fffffcp+127 ? 1 : INFINITY;
  int e = a < 0x1p-126 ? -126 : ilogb(a);
  return fabs((double)y - want) / ldexp(1.0, e - 23);
}

#endif
