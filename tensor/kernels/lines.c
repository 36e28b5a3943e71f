/* Single elements moved by positions: gather, scatter. Values go in the order of the positions. */
#include "lines.h"

/* How far position i stands from the base. */
#define PLACE(i) ((uint64_t)at[i] - base)

/* ONE(d, k) moves the element of position number d from here on, which is place k. Four positions are
   looked at before they are used. */
#define EACH(ONE)                                                                                  \
  const uint64_t base = (uint64_t)reach->base, size = reach->size;                                 \
  const int64_t stride = reach->stride;                                                            \
  for (; n >= 4; n -= 4, at += 4, x += 4 * x_step, y += 4 * y_step) {                              \
    const uint64_t k0 = PLACE(0), k1 = PLACE(1), k2 = PLACE(2), k3 = PLACE(3);                     \
    if ((k0 >= size) | (k1 >= size) | (k2 >= size) | (k3 >= size)) return false;                   \
    ONE(0, (int64_t)k0 *stride);                                                                   \
    ONE(1, (int64_t)k1 *stride);                                                                   \
    ONE(2, (int64_t)k2 *stride);                                                                   \
    ONE(3, (int64_t)k3 *stride);                                                                   \
  }                                                                                                \
  for (; n > 0; n--, at++, x += x_step, y += y_step) {                                             \
    const uint64_t k0 = PLACE(0);                                                                  \
    if (k0 >= size) return false;                                                                  \
    ONE(0, (int64_t)k0 *stride);                                                                   \
  }                                                                                                \
  return true

#define GATHER(T)                                                                                  \
  static bool gather_##T(int64_t n, void *t, int64_t step, const Reach *reach, const int64_t *at,  \
                         void *v, int64_t vstep) {                                                 \
    const int64_t x_step = step, y_step = 1;                                                       \
    const T *x = t;                                                                                \
    T *y = v;                                                                                      \
    (void)vstep;                                                                                   \
    EACH(GATHER_ONE);                                                                              \
  }
#define GATHER_ONE(d, k) y[d] = x[k + d * x_step]
GATHER(uint8_t)
GATHER(uint16_t)
GATHER(uint32_t)
GATHER(uint64_t)

/* o: what is there, e: what comes. */
#define MOVE(name, T, RESULT)                                                                      \
  static inline T name##_of(T o, T e) {                                                            \
    (void)o;                                                                                       \
    return (T)(RESULT);                                                                            \
  }                                                                                                \
  static bool name(int64_t n, void *t, int64_t step, const Reach *reach, const int64_t *at,        \
                   void *v, int64_t vstep) {                                                       \
    const int64_t x_step = vstep, y_step = step;                                                   \
    T (*const of)(T, T) = name##_of;                                                               \
    const T *x = v;                                                                                \
    T *y = t;                                                                                      \
    EACH(MOVE_ONE);                                                                                \
  }
#define MOVE_ONE(d, k)                                                                             \
  do {                                                                                             \
    const int64_t to = k + d * y_step;                                                             \
    y[to] = of(y[to], x[d * x_step]);                                                              \
  } while (0)
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
/* Which of two is more, nothing could foretell: no jump may be made of it. Those on NaN are never taken. */
#if SIMD_X86
#define KEEP(v) __asm__("" : "+x"(v))
#else
#define KEEP(v) (void)0
#endif
#define CHOSEN(name, T, OP)                                                                        \
  static inline T name(T o, T e) {                                                                 \
    T v = e OP o ? e : o;                                                                          \
    KEEP(v);                                                                                       \
    return e != e ? e : v;                                                                         \
  }
CHOSEN(more_f32, float, >)
CHOSEN(less_f32, float, <)
CHOSEN(more_f64, double, >)
CHOSEN(less_f64, double, <)
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
