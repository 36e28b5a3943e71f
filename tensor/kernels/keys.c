/* Entries of values and values of entries; see keys.h. */
#include "keys.h"

#include <string.h>

#define KEY_FN static inline __attribute__((always_inline))

/* Floats: the bits of negative numbers complemented, the sign bit set on others. */
#define FLOAT_KEYS(name, T, U, S, BITS)                                                            \
  KEY_FN U bits_##name(T v) {                                                                      \
    U u;                                                                                           \
    memcpy(&u, &v, sizeof u);                                                                      \
    return u;                                                                                      \
  }                                                                                                \
  KEY_FN U key_##name(T v) {                                                                       \
    U u = bits_##name(v + 0), top = (U)1 << (BITS - 1);                                            \
    U key = u ^ ((U)((S)u >> (BITS - 1)) | top);                                                   \
    return v != v ? (U)-1 : key;                                                                   \
  }                                                                                                \
  KEY_FN T value_##name(U key) {                                                                   \
    U top = (U)1 << (BITS - 1), u = key & top ? key ^ top : ~key;                                  \
    T v;                                                                                           \
    memcpy(&v, &u, sizeof v);                                                                      \
    return v;                                                                                      \
  }                                                                                                \
  KEY_FN int odd_##name(T v) { return (v != v) | (bits_##name(v) == (U)1 << (BITS - 1)); }
FLOAT_KEYS(f32, float, uint32_t, int32_t, 32)
FLOAT_KEYS(f64, double, uint64_t, int64_t, 64)

/* Integers: the sign bit turned around. */
#define WHOLE_KEYS(name, T, U, TOP)                                                                \
  KEY_FN U key_##name(T v) { return (U)v ^ TOP; }                                                  \
  KEY_FN T value_##name(U key) { return (T)(key ^ TOP); }                                          \
  KEY_FN int odd_##name(T v) { return (void)v, 0; }
WHOLE_KEYS(i64, int64_t, uint64_t, (uint64_t)1 << 63)
WHOLE_KEYS(i32, int32_t, uint32_t, (uint32_t)1 << 31)
WHOLE_KEYS(u8, uint8_t, uint32_t, 0u)

#define NARROW(name, T)                                                                            \
  static bool narrow_##name(int64_t n, const void *xp, uint64_t at, uint64_t flip, uint64_t *e) {  \
    const T *x = xp;                                                                               \
    int odd = 0;                                                                                   \
    for (int64_t i = 0; i < n; i++) {                                                              \
      odd |= odd_##name(x[i]);                                                                     \
      e[i] = (uint64_t)(key_##name(x[i]) ^ (uint32_t)flip) << 32 | (uint32_t)(at + (uint64_t)i);   \
    }                                                                                              \
    return !odd;                                                                                   \
  }                                                                                                \
  static void narrow_back_##name(int64_t n, const uint64_t *e, uint64_t flip, void *yp) {          \
    T *y = yp;                                                                                     \
    for (int64_t i = 0; i < n; i++) y[i] = value_##name((uint32_t)(e[i] >> 32) ^ (uint32_t)flip);  \
  }
NARROW(f32, float)
NARROW(i32, int32_t)
NARROW(u8, uint8_t)

#define WIDE(name, T, U)                                                                           \
  static bool wide_##name(int64_t n, const void *xp, uint64_t at, uint64_t flip, WideEntry *e) {   \
    const T *x = xp;                                                                               \
    int odd = 0;                                                                                   \
    for (int64_t i = 0; i < n; i++) {                                                              \
      odd |= odd_##name(x[i]);                                                                     \
      e[i] = (WideEntry){key_##name(x[i]) ^ (U)flip, at + (uint64_t)i};                            \
    }                                                                                              \
    return !odd;                                                                                   \
  }                                                                                                \
  static void wide_back_##name(int64_t n, const WideEntry *e, uint64_t flip, void *yp) {           \
    T *y = yp;                                                                                     \
    for (int64_t i = 0; i < n; i++) y[i] = value_##name((U)e[i].key ^ (U)flip);                    \
  }
WIDE(f32, float, uint32_t)
WIDE(f64, double, uint64_t)
WIDE(i64, int64_t, uint64_t)
WIDE(i32, int32_t, uint32_t)
WIDE(u8, uint8_t, uint32_t)

static int64_t narrow_below(int64_t from, int64_t n, const uint64_t *e, uint64_t limit) {
  enum { STRIDE = 32 };
  int64_t i = from;
  for (int found = 0; i + STRIDE <= n; i += STRIDE) {
    for (int64_t j = i; j < i + STRIDE; j++) found |= e[j] < limit;
    if (found) break;
  }
  while (i < n && e[i] >= limit) i++;
  return i;
}

const KeyLoops AT_LEVEL(key_loops) = {
    .narrow =
        {[T_F32] = narrow_f32, [T_I32] = narrow_i32, [T_U8] = narrow_u8, [T_BOOL] = narrow_u8},
    .narrow_back = {[T_F32] = narrow_back_f32,
                    [T_I32] = narrow_back_i32,
                    [T_U8] = narrow_back_u8,
                    [T_BOOL] = narrow_back_u8},
    .wide = {wide_f32, wide_f64, wide_i64, wide_i32, wide_u8, wide_u8},
    .wide_back = {wide_back_f32, wide_back_f64, wide_back_i64, wide_back_i32, wide_back_u8,
                  wide_back_u8},
    .narrow_below = narrow_below,
};
