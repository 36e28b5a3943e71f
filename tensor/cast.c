/* Unrecorded copies: conversion, strided copies, and the rows that convert. */
#include "cast.h"

#include <math.h>
#include <string.h>

#include "copy.h"
#include "iter.h"

#define PAIR(from, F, to, T, expr)                                                                 \
  static void from##_##to(int64_t n, const void *src, int64_t ss, void *dst, int64_t ds) {         \
    const F *s = src;                                                                              \
    T *d = dst;                                                                                    \
    if (ss == 1 && ds == 1) {                                                                      \
      for (int64_t i = 0; i < n; i++) {                                                            \
        F v = s[i];                                                                                \
        d[i] = (expr);                                                                             \
      }                                                                                            \
    } else {                                                                                       \
      for (int64_t i = 0; i < n; i++) {                                                            \
        F v = s[i * ss];                                                                           \
        d[i * ds] = (expr);                                                                        \
      }                                                                                            \
    }                                                                                              \
  }

/* Conversions that C leaves open: values out of range. */
static inline int64_t to_i64(double v) {
  return v >= -9223372036854775808.0 && v < 9223372036854775808.0 ? (int64_t)v : INT64_MIN;
}
static inline int32_t to_i32(double v) {
  return v > -2147483649.0 && v < 2147483648.0 ? (int32_t)v : INT32_MIN;
}
static inline uint8_t to_u8(double v) { return (uint8_t)to_i64(v); }

#define FROM_FLOAT(f, F)                                                                           \
  PAIR(f, F, f32, float, (float)v)                                                                 \
  PAIR(f, F, f64, double, (double)v)                                                               \
  PAIR(f, F, i64, int64_t, to_i64((double)v))                                                      \
  PAIR(f, F, i32, int32_t, to_i32((double)v))                                                      \
  PAIR(f, F, u8, uint8_t, to_u8((double)v))                                                        \
  PAIR(f, F, b, uint8_t, v != 0)
#define FROM_INT(f, F)                                                                             \
  PAIR(f, F, f32, float, (float)v)                                                                 \
  PAIR(f, F, f64, double, (double)v)                                                               \
  PAIR(f, F, i64, int64_t, (int64_t)v)                                                             \
  PAIR(f, F, i32, int32_t, (int32_t)(uint32_t)v)                                                   \
  PAIR(f, F, u8, uint8_t, (uint8_t)v)                                                              \
  PAIR(f, F, b, uint8_t, v != 0)

FROM_FLOAT(f32, float)
FROM_FLOAT(f64, double)
FROM_INT(i64, int64_t)
FROM_INT(i32, int32_t)
FROM_INT(u8, uint8_t)

typedef void (*Pair)(int64_t n, const void *src, int64_t ss, void *dst, int64_t ds);
#define ROW(f)                                                                                     \
  { f##_f32, f##_f64, f##_i64, f##_i32, f##_u8, f##_b }
static const Pair pairs[T_F16][T_F16] = {ROW(f32), ROW(f64), ROW(i64), ROW(i32), ROW(u8), ROW(u8)};

/* ---- half types, through float ----------------------------------------------------------------- */

static uint16_t half_bits(float f, DType to) {
  uint32_t u;
  memcpy(&u, &f, sizeof u);
  if (to == T_BF16) {
    if ((u & 0x7fffffff) > 0x7f800000) return 0x7fc0;
    return (uint16_t)((u + 0x7fff + ((u >> 16) & 1)) >> 16);
  }
  uint16_t sign = (uint16_t)((u >> 16) & 0x8000);
  float a = fabsf(f);
  if (a != a) return sign | 0x7e00;
  if (a >= 65520.0f) return sign | 0x7c00;
  if (a < 6.103515625e-05f) return sign | (uint16_t)lrintf(a * 16777216.0f);
  int e;
  float m = frexpf(a, &e); /* a = m 2^e, m in [0.5, 1) */
  long frac = lrintf(m * 2048.0f) - 1024;
  return (uint16_t)(sign | (((e + 14) << 10) + frac));
}

static void half_run(int64_t n, const char *src, DType from, int64_t ss, char *dst, DType to,
                     int64_t ds) {
  Storage st = {.data = (char *)src};
  Tensor t = {.st = &st, .dtype = (uint8_t)from};
  for (int64_t i = 0; i < n; i++) {
    float f = (float)t_get(&t, i * ss);
    if (to >= T_F16)
      ((uint16_t *)dst)[i * ds] = half_bits(f, to);
    else
      pairs[T_F32][to](1, &f, 1, dst + i * ds * (int64_t)dtype_size(to), 1);
  }
}

void cast_run(int64_t n, const void *src, DType from, int64_t ss, void *dst, DType to, int64_t ds) {
  if (from == to && ss == 1 && ds == 1)
    memcpy(dst, src, (size_t)n * dtype_size(from));
  else if (from < T_F16 && to < T_F16)
    pairs[from][to](n, src, ss, dst, ds);
  else
    half_run(n, src, from, ss, dst, to, ds);
}

/* ---- whole tensors ----------------------------------------------------------------------------- */

static void copy_loop(int64_t n, void *y, const void *const *x, const void *arg) {
  memcpy(y, x[0], (size_t)n * *(const size_t *)arg);
}

void cast_into(Tensor *y, const Tensor *x) {
  if (x->dtype == y->dtype) {
    copy_into(y, x);
    return;
  }
  size_t size = dtype_size((DType)y->dtype);
  Tensor *in = (Tensor *)x;
  iter_map(copy_loop, &size, y, (DType)y->dtype, 1, &in, (DType)y->dtype);
}

Tensor *cast_copy(const Tensor *x, DType dtype) {
  Tensor *y = t_new(dtype, x->ndim, x->shape);
  cast_into(y, x);
  return y;
}
