/* Single elements moved by positions: gather, scatter. Values go in the order of the positions. */
#include "lines.h"

#define GATHER(T)                                                                                  \
  static bool gather_##T(int64_t n, void *t, int64_t step, const Reach *reach, const int64_t *at,  \
                         void *v, int64_t vstep) {                                                 \
    const Reach r = *reach;                                                                        \
    const T *x = t;                                                                                \
    T *y = v;                                                                                      \
    (void)vstep;                                                                                   \
    for (int64_t i = 0; i < n; i++, x += step) {                                                   \
      uint64_t k = (uint64_t)at[i] - (uint64_t)r.base;                                             \
      if (k >= r.size) return false;                                                               \
      y[i] = x[(int64_t)k * r.stride];                                                             \
    }                                                                                              \
    return true;                                                                                   \
  }
GATHER(uint8_t)
GATHER(uint16_t)
GATHER(uint32_t)
GATHER(uint64_t)

/* o: what is there, e: what comes. */
#define MOVE(name, T, RESULT)                                                                      \
  static bool name(int64_t n, void *t, int64_t step, const Reach *reach, const int64_t *at,        \
                   void *v, int64_t vstep) {                                                       \
    const Reach r = *reach;                                                                        \
    const T *x = v;                                                                                \
    T *y = t;                                                                                      \
    for (int64_t i = 0; i < n; i++, x += vstep, y += step) {                                       \
      uint64_t k = (uint64_t)at[i] - (uint64_t)r.base;                                             \
      if (k >= r.size) return false;                                                               \
      T *p = y + (int64_t)k * r.stride, o = *p, e = *x;                                            \
      (void)o;                                                                                     \
      *p = (T)(RESULT);                                                                            \
    }                                                                                              \
    return true;                                                                                   \
  }
MOVE(set_1, uint8_t, e)
MOVE(set_2, uint16_t, e)
MOVE(set_4, uint32_t, e)
MOVE(set_8, uint64_t, e)

MOVE(add_f32, float, o + e)
MOVE(add_f64, double, o + e)
MOVE(add_i64, uint64_t, o + e)
MOVE(add_i32, uint32_t, o + e)
MOVE(add_u8, uint8_t, o + e)
MOVE(add_b, uint8_t, o | e)
MOVE(mul_f32, float, o *e)
MOVE(mul_f64, double, o *e)
MOVE(mul_i64, uint64_t, o *e)
MOVE(mul_i32, uint32_t, o *e)
MOVE(mul_u8, uint8_t, o *e)
MOVE(mul_b, uint8_t, o &e)
/* Without jumps, which nothing could foretell: bits are chosen by masks. */
#define PICKED(T, U, name, OP)                                                                     \
  static inline T name(T o, T e) {                                                                 \
    U a, b, mask = (U)0 - (U)((e OP o) | (e != e));                                                \
    __builtin_memcpy(&a, &o, sizeof a);                                                            \
    __builtin_memcpy(&b, &e, sizeof b);                                                            \
    a = (b & mask) | (a & ~mask);                                                                  \
    __builtin_memcpy(&o, &a, sizeof o);                                                            \
    return o;                                                                                      \
  }
PICKED(float, uint32_t, more_f32, >)
PICKED(float, uint32_t, less_f32, <)
PICKED(double, uint64_t, more_f64, >)
PICKED(double, uint64_t, less_f64, <)
MOVE(max_f32, float, more_f32(o, e))
MOVE(max_f64, double, more_f64(o, e))
MOVE(max_i64, int64_t, e > o ? e : o)
MOVE(max_i32, int32_t, e > o ? e : o)
MOVE(max_u8, uint8_t, e > o ? e : o)
MOVE(min_f32, float, less_f32(o, e))
MOVE(min_f64, double, less_f64(o, e))
MOVE(min_i64, int64_t, e < o ? e : o)
MOVE(min_i32, int32_t, e < o ? e : o)
MOVE(min_u8, uint8_t, e < o ? e : o)

const LineLoops AT_LEVEL(line_loops) = {
    .gather = {gather_uint8_t, gather_uint16_t, gather_uint32_t, gather_uint64_t},
    .set = {set_1, set_2, set_4, set_8},
    .combine =
        {
            [LINES_SUM] = {add_f32, add_f64, add_i64, add_i32, add_u8, add_b},
            [LINES_MEAN] = {add_f32, add_f64, add_i64, add_i32, add_u8, add_b},
            [LINES_PROD] = {mul_f32, mul_f64, mul_i64, mul_i32, mul_u8, mul_b},
            [LINES_AMAX] = {max_f32, max_f64, max_i64, max_i32, max_u8, max_u8},
            [LINES_AMIN] = {min_f32, min_f64, min_i64, min_i32, min_u8, min_u8},
        },
};
