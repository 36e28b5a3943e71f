/* Folding a contiguous run into one value, in an order that depends on its length alone and that
   vectorises at every level: 16 lanes, each adding 16 terms as a tree in the terms' own type before
   the wider accumulator takes them; then four each, then one; then the lanes as a tree, and last
   what fills no lane, one after the other. The rounding error of a float32 sum stays below that of a pairwise sum. */
#ifndef LUNETTE_LANES_H
#define LUNETTE_LANES_H

#include "../machine/simd.h"

#include <stdint.h>

enum { LANES = 16, LANE_BLOCK = 16 * LANES };

#define LANE_FN static inline __attribute__((always_inline, unused))

/* Defines A name(int64_t n, const T *x, const T *y, M c): the fold of the n values of `term`, an
   expression of x[i], y[i] and c with a value of type M. join_M and join_A are functions of two
   values; start is join_A's neutral element. y may be NULL where the term does not read it.
   name_16(x, y, c, stride) is the tree over term at i = 0, stride, ... 15 stride. */
#define LANE_FOLD(name, T, M, A, start, join_M, join_A, term)                                      \
  LANE_FN M name##_at(const T *x, const T *y, M c, int64_t i) {                                    \
    (void)x, (void)y, (void)c, (void)i;                                                            \
    return term;                                                                                   \
  }                                                                                                \
  LANE_FN M name##_4(const T *x, const T *y, M c, int64_t i, int64_t stride) {                     \
    M a = join_M(name##_at(x, y, c, i), name##_at(x, y, c, i + stride));                           \
    M b = join_M(name##_at(x, y, c, i + 2 * stride), name##_at(x, y, c, i + 3 * stride));          \
    return join_M(a, b);                                                                           \
  }                                                                                                \
  LANE_FN M name##_8(const T *x, const T *y, M c, int64_t i, int64_t stride) {                     \
    return join_M(name##_4(x, y, c, i, stride), name##_4(x, y, c, i + 4 * stride, stride));        \
  }                                                                                                \
  static __attribute__((noinline, unused)) A name(int64_t n, const T *x, const T *y, M c) {        \
    A lane[LANES], rest = start;                                                                   \
    int64_t k = 0, whole = n - n % LANES;                                                          \
    for (int64_t i = whole; i < n; i++) rest = join_A(rest, (A)name##_at(x, y, c, i));             \
    if (whole == 0) return rest;                                                                   \
    for (int l = 0; l < LANES; l++) lane[l] = start;                                               \
    for (; k + LANE_BLOCK <= n; k += LANE_BLOCK) {                                                 \
      for (int l = 0; l < LANES; l++) {                                                            \
        M a = name##_8(x, y, c, k + l, LANES), b = name##_8(x, y, c, k + l + 8 * LANES, LANES);    \
        lane[l] = join_A(lane[l], (A)join_M(a, b));                                                \
      }                                                                                            \
    }                                                                                              \
    for (; k + LANE_BLOCK / 4 <= n; k += LANE_BLOCK / 4) {                                         \
      for (int l = 0; l < LANES; l++) {                                                            \
        lane[l] = join_A(lane[l], (A)name##_4(x, y, c, k + l, LANES));                             \
      }                                                                                            \
    }                                                                                              \
    for (; k < whole; k += LANES) {                                                                \
      for (int l = 0; l < LANES; l++) lane[l] = join_A(lane[l], (A)name##_at(x, y, c, k + l));     \
    }                                                                                              \
    for (int m = LANES / 2; m > 0; m /= 2) {                                                       \
      for (int l = 0; l < m; l++) lane[l] = join_A(lane[l], lane[l + m]);                          \
    }                                                                                              \
    return join_A(lane[0], rest);                                                                  \
  }

LANE_FN float add_f32(float a, float b) { return a + b; }
LANE_FN double add_f64(double a, double b) { return a + b; }
LANE_FN uint64_t add_u64(uint64_t a, uint64_t b) { return a + b; }
LANE_FN uint16_t add_u16(uint16_t a, uint16_t b) { return (uint16_t)(a + b); }
LANE_FN double mul_f64(double a, double b) { return a * b; }
LANE_FN uint64_t mul_u64(uint64_t a, uint64_t b) { return a * b; }

/* The larger, the smaller; a NaN in b is passed over. */
LANE_FN float max_f32(float a, float b) { return b > a ? b : a; }
LANE_FN float min_f32(float a, float b) { return b < a ? b : a; }
LANE_FN double max_f64(double a, double b) { return b > a ? b : a; }
LANE_FN double min_f64(double a, double b) { return b < a ? b : a; }
LANE_FN int64_t max_i64(int64_t a, int64_t b) { return b > a ? b : a; }
LANE_FN int64_t min_i64(int64_t a, int64_t b) { return b < a ? b : a; }
LANE_FN int32_t max_i32(int32_t a, int32_t b) { return b > a ? b : a; }
LANE_FN int32_t min_i32(int32_t a, int32_t b) { return b < a ? b : a; }
LANE_FN uint8_t max_u8(uint8_t a, uint8_t b) { return b > a ? b : a; }
LANE_FN uint8_t min_u8(uint8_t a, uint8_t b) { return b < a ? b : a; }

#endif
