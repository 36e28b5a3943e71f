/* Conversions and strided copies; see convert.h. */
#include "convert.h"

#include "vec.h"
#include "math/vmath.h"

/* ---- contiguous runs -------------------------------------------------------------------------- */

/* The conversions that C leaves open for values out of range. */
VMATH int64_t i64_of_f32(float v) { return v >= -0x1p63f && v < 0x1p63f ? (int64_t)v : INT64_MIN; }
VMATH int64_t i64_of_f64(double v) { return v >= -0x1p63 && v < 0x1p63 ? (int64_t)v : INT64_MIN; }
VMATH int32_t i32_of_f32(float v) { return v >= -0x1p31f && v < 0x1p31f ? (int32_t)v : INT32_MIN; }
VMATH int32_t i32_of_f64(double v) {
  return v > -2147483649.0 && v < 0x1p31 ? (int32_t)v : INT32_MIN;
}
/* From 2^31 on floats are multiples of 256: their low byte is 0, as INT32_MIN's is. */
VMATH uint8_t u8_of_f32(float v) { return (uint8_t)i32_of_f32(v); }
VMATH uint8_t u8_of_f64(double v) { return (uint8_t)i64_of_f64(v); }

VMATH float f32_of_f16(uint16_t h) {
  uint32_t w = (uint32_t)(h & 0x7fff) << 13;
  float f = f32_of(w) * 0x1p112f; /* exact, denormals too */
  w = w >= 0x0f800000u ? w | 0x7f800000u : f32_bits(f);
  return f32_of(w | (uint32_t)(h & 0x8000) << 16);
}

VMATH uint16_t f16_of_f32(float v) {
  uint32_t u = f32_bits(v), a = u & 0x7fffffffu;
  uint32_t normal = (a - 0x38000000u + 0xfffu + (a >> 13 & 1)) >> 13;
  uint32_t tiny = f32_bits(f32_of(a) + 0.5f) - 0x3f000000u; /* the sum's last bit is 2^-24 */
  uint32_t h = a < 0x38800000u ? tiny : normal;
  h = a >= 0x477ff000u ? 0x7c00 : h;
  h = a > 0x7f800000u ? 0x7e00 : h;
  return (uint16_t)(h | (u >> 16 & 0x8000));
}

VMATH float f32_of_bf16(uint16_t h) { return f32_of((uint32_t)h << 16); }

VMATH uint16_t bf16_of_f32(float v) {
  uint32_t u = f32_bits(v), near = (u + 0x7fff + (u >> 16 & 1)) >> 16;
  return (uint16_t)((u & 0x7fffffffu) > 0x7f800000u ? (u >> 16 & 0x8000) | 0x7fc0 : near);
}

#define CAST(from, F, to, T, expr)                                                                 \
  static void from##_##to(int64_t n, const void *xs, void *ys) {                                   \
    const F *x = xs;                                                                               \
    T *y = ys;                                                                                     \
    _Pragma("GCC ivdep") for (int64_t i = 0; i < n; i++) {                                         \
      F v = x[i];                                                                                  \
      y[i] = (T)(expr);                                                                            \
    }                                                                                              \
  }
#define FROM_FLOAT(f, F)                                                                           \
  CAST(f, F, f32, float, v)                                                                        \
  CAST(f, F, f64, double, v)                                                                       \
  CAST(f, F, i64, int64_t, i64_of_##f(v))                                                          \
  CAST(f, F, i32, int32_t, i32_of_##f(v))                                                          \
  CAST(f, F, u8, uint8_t, u8_of_##f(v))                                                            \
  CAST(f, F, bool, uint8_t, v != 0)
#define FROM_INT(f, F)                                                                             \
  CAST(f, F, f32, float, v)                                                                        \
  CAST(f, F, f64, double, v)                                                                       \
  CAST(f, F, i64, int64_t, v)                                                                      \
  CAST(f, F, i32, int32_t, (uint32_t)v)                                                            \
  CAST(f, F, u8, uint8_t, v)                                                                       \
  CAST(f, F, bool, uint8_t, v != 0)

FROM_FLOAT(f32, float)
FROM_FLOAT(f64, double)
FROM_INT(i64, int64_t)
FROM_INT(i32, int32_t)
FROM_INT(u8, uint8_t)
CAST(f16, uint16_t, f32, float, f32_of_f16(v))
CAST(bf16, uint16_t, f32, float, f32_of_bf16(v))
CAST(f32, float, f16, uint16_t, f16_of_f32(v))
CAST(f32, float, bf16, uint16_t, bf16_of_f32(v))

typedef void (*Cast)(int64_t n, const void *x, void *y);
#define ROW(f)                                                                                     \
  { f##_f32, f##_f64, f##_i64, f##_i32, f##_u8, f##_bool }

/* The direct ones; a bool is read as uint8. Pairs that are NULL go by way of float32. */
static const Cast casts[T_DTYPES][T_DTYPES] = {
    [T_F32] = {f32_f32, f32_f64, f32_i64, f32_i32, f32_u8, f32_bool, f32_f16, f32_bf16},
    [T_F64] = ROW(f64),
    [T_I64] = ROW(i64),
    [T_I32] = ROW(i32),
    [T_U8] = ROW(u8),
    [T_BOOL] = ROW(u8),
    [T_F16] = {f16_f32},
    [T_BF16] = {bf16_f32},
};

/* ---- strided blocks --------------------------------------------------------------------------- */

/* Rows of n bytes, W <= n <= 2 W: the first W and the last. */
#define ENDS(W)                                                                                    \
  for (int64_t r = 0; r < rows; r++, y += y_row, x += x_row) {                                     \
    char first[W], last[W];                                                                        \
    memcpy(first, x, W);                                                                           \
    memcpy(last, x + n - W, W);                                                                    \
    memcpy(y, first, W);                                                                           \
    memcpy(y + n - W, last, W);                                                                    \
  }

enum { SHORT = 128 };

/* Rows of n bytes, 1 <= n <= SHORT, for which a call of memcpy costs more than the copy. Steps are in
   bytes. */
static void short_rows(int64_t rows, size_t n, char *restrict y, int64_t y_row,
                       const char *restrict x, int64_t x_row) {
  if (n >= 64)
    ENDS(64)
  else if (n >= 32)
    ENDS(32)
  else if (n >= 16)
    ENDS(16)
  else if (n >= 8)
    ENDS(8)
  else if (n >= 4)
    ENDS(4)
  else if (n >= 2)
    ENDS(2)
  else
    ENDS(1)
}

#define BLOCK(T)                                                                                   \
  static void block_##T(int64_t rows, int64_t columns, void *yp, int64_t y_row, int64_t y_column,  \
                        const void *xp, int64_t x_row, int64_t x_column) {                         \
    T *restrict y = yp;                                                                            \
    const T *restrict x = xp;                                                                      \
    bool dense = y_column == 1, run = x_column == 1, one = x_column == 0;                          \
    const int64_t size = sizeof(T);                                                                \
    if (dense && run && columns > 0 && columns * size <= SHORT) {                                  \
      short_rows(rows, (size_t)(columns * size), yp, y_row *size, xp, x_row *size);                \
      return;                                                                                      \
    }                                                                                              \
    for (int64_t r = 0; r < rows; r++, y += y_row, x += x_row) {                                   \
      if (dense && run) {                                                                          \
        memcpy(y, x, (size_t)columns * sizeof(T));                                                 \
      } else if (dense && one) {                                                                   \
        for (int64_t c = 0; c < columns; c++) y[c] = *x;                                           \
      } else if (dense && x_column == 2) { /* vectors can be made of that */                       \
        for (int64_t c = 0; c < columns; c++) y[c] = x[2 * c];                                     \
      } else if (dense) {                                                                          \
        for (int64_t c = 0; c < columns; c++) y[c] = x[c * x_column];                              \
      } else {                                                                                     \
        for (int64_t c = 0; c < columns; c++) y[c * y_column] = x[c * x_column];                   \
      }                                                                                            \
    }                                                                                              \
  }
BLOCK(uint8_t)
BLOCK(uint16_t)
BLOCK(uint32_t)
BLOCK(uint64_t)

/* r[i][j] and r[j][i] change places, j counting pairs of lanes. */
#define PAIR_STEP(r, bit)                                                                          \
  _Pragma("GCC unroll 8") for (int i = 0; i < VL / 2; i++) if (!(i & (bit))) {                     \
    vf low = __builtin_shuffle(r[i], r[i + (bit)], (vi){LANES_(LOW_, 2 * (bit))});                 \
    vf high = __builtin_shuffle(r[i], r[i + (bit)], (vi){LANES_(HIGH_, 2 * (bit))});               \
    r[i] = low;                                                                                    \
    r[i + (bit)] = high;                                                                           \
  }

VEC void transpose_pairs(vf r[VL / 2]) {
  PAIR_STEP(r, 1)
#if VL >= 8
  PAIR_STEP(r, 2)
#endif
#if VL >= 16
  PAIR_STEP(r, 4)
#endif
}

/* y: squares of full vectors, rows y_row apart, from as many runs of x, x_column apart. */
#define TILE(name, T, side, transpose)                                                             \
  static void name(T *y, int64_t y_row, const T *x, int64_t x_column) {                            \
    vf r[side];                                                                                    \
    _Pragma("GCC unroll 16") for (int i = 0; i < (side); i++) {                                    \
      memcpy(&r[i], x + i * x_column, sizeof r[i]);                                                \
    }                                                                                              \
    transpose(r);                                                                                  \
    _Pragma("GCC unroll 16") for (int i = 0; i < (side); i++) {                                    \
      memcpy(y + i * y_row, &r[i], sizeof r[i]);                                                   \
    }                                                                                              \
  }
TILE(tile_4, uint32_t, VL, vf_transpose)
TILE(tile_8, uint64_t, VL / 2, transpose_pairs)

/* Where y runs along columns and x along rows: squares, and the rest plainly. */
#define TILED(name, T, side, tile)                                                                 \
  static void name(int64_t rows, int64_t columns, void *yp, int64_t y_row, int64_t y_column,       \
                   const void *xp, int64_t x_row, int64_t x_column) {                              \
    T *y = yp;                                                                                     \
    const T *x = xp;                                                                               \
    bool crossed = y_column == 1 && x_row == 1 && x_column != 1;                                   \
    int64_t r = 0, whole = columns - columns % (side);                                             \
    for (; crossed && r + (side) <= rows; r += (side), y += (side)*y_row, x += (side)) {           \
      for (int64_t c = 0; c < whole; c += (side)) tile(y + c, y_row, x + c * x_column, x_column);  \
      block_##T(side, columns - whole, y + whole, y_row, 1, x + whole * x_column, 1, x_column);    \
    }                                                                                              \
    block_##T(rows - r, columns, y, y_row, y_column, x, x_row, x_column);                          \
  }
TILED(block_4, uint32_t, VL, tile_4)
TILED(block_8, uint64_t, VL / 2, tile_8)

/* ---- runs ------------------------------------------------------------------------------------- */

enum { PIECE = 512 };

/* Two steps where there is no direct one. */
static void cast_run(int64_t n, const void *x, DType from, void *y, DType to) {
  if (casts[from][to]) {
    casts[from][to](n, x, y);
    return;
  }
  float middle[PIECE];
  const char *p = x;
  char *q = y;
  int64_t ps = (int64_t)dtype_size(from), qs = (int64_t)dtype_size(to);
  for (int64_t i = 0; i < n; i += PIECE) {
    int64_t m = n - i < PIECE ? n - i : PIECE;
    casts[from][T_F32](m, p + i * ps, middle);
    casts[T_F32][to](m, middle, q + i * qs);
  }
}

static void copy_run(int64_t n, size_t size, const void *x, int64_t xs, void *y, int64_t ys) {
  int kind = size == 1 ? 0 : size == 2 ? 1 : size == 4 ? 2 : 3;
  AT_LEVEL(convert_kernels).block[kind](1, n, y, 0, ys, x, 0, xs);
}

static void run(int64_t n, const void *x, DType from, int64_t xs, void *y, DType to, int64_t ys) {
  _Alignas(64) char in[PIECE * 8], out[PIECE * 8];
  size_t p = dtype_size(from), q = dtype_size(to);
  if (from == to) {
    if (x != y) copy_run(n, p, x, xs, y, ys);
    return;
  }
  if (n == 1 || (xs == 1 && ys == 1)) {
    cast_run(n, x, from, y, to);
    return;
  }
  for (int64_t i = 0; i < n; i += PIECE) {
    int64_t m = n - i < PIECE ? n - i : PIECE;
    const char *there = (const char *)x + i * xs * (int64_t)p;
    char *here = (char *)y + i * ys * (int64_t)q;
    if (xs != 1) copy_run(m, p, there, xs, in, 1);
    cast_run(m, xs == 1 ? there : in, from, ys == 1 ? here : out, to);
    if (ys != 1) copy_run(m, q, out, 1, here, ys);
  }
}

const ConvertKernels AT_LEVEL(convert_kernels) = {
    run, {block_uint8_t, block_uint16_t, block_4, block_8}};
