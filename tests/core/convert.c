/* Conversions between every two types against definitions spelled out here, over values at every
   border, and strided copies against single ones, at every level. */
#include "check.h"

#include "../../tensor/dtype.h"
#include "../../tensor/kernels/convert.h"

static const char *const names[T_DTYPES] = {"f32", "f64",  "i64", "i32",
                                            "u8",  "bool", "f16", "bf16"};

/* The value of a half type's bits: sign, exponent, fraction. */
static long double half_value(uint16_t h, int fraction_bits) {
  int exponent_bits = 15 - fraction_bits, top = (1 << exponent_bits) - 1, bias = top / 2;
  int e = h >> fraction_bits & top, f = h & ((1 << fraction_bits) - 1);
  long double v = ldexpl(e ? f + (1 << fraction_bits) : f, (e ? e : 1) - bias - fraction_bits);
  if (e == top) v = f ? NAN : INFINITY;
  return h & 0x8000 ? -v : v;
}

/* The bits of the nearest half: v in steps of the last place, rounded to even by rintl. */
static uint16_t half_bits(long double v, int fraction_bits) {
  int exponent_bits = 15 - fraction_bits, top = (1 << exponent_bits) - 1, bias = top / 2;
  uint16_t sign = signbit(v) ? 0x8000 : 0, infinity = (uint16_t)(top << fraction_bits);
  if (isnan(v)) return infinity | (uint16_t)(1 << (fraction_bits - 1));
  if (isinf(v)) return sign | infinity;
  int e = v == 0 ? 1 - bias : ilogbl(v);
  if (e < 1 - bias) e = 1 - bias;
  long steps = lrintl(ldexpl(fabsl(v), fraction_bits - e)); /* of 2^(e - fraction_bits) */
  long bits = ((long)(e + bias - 1) << fraction_bits) + steps;
  return sign | (uint16_t)(bits >= infinity ? infinity : bits);
}

static long double load(const void *x, DType d, int64_t i) {
  switch (d) {
  case T_F32: return ((const float *)x)[i];
  case T_F64: return ((const double *)x)[i];
  case T_I64: return ((const int64_t *)x)[i];
  case T_I32: return ((const int32_t *)x)[i];
  case T_F16: return half_value(((const uint16_t *)x)[i], 10);
  case T_BF16: return half_value(((const uint16_t *)x)[i], 7);
  default: return ((const uint8_t *)x)[i];
  }
}

static bool real(DType d) { return d == T_F32 || d == T_F64 || d >= T_F16; }

static int64_t whole(long double v) {
  return v >= -0x1p63L && v < 0x1p63L ? (int64_t)v : INT64_MIN; /* NaN fails both */
}

/* Puts v, which came from type `from`, as C and the header of the kernels say. */
static void store(void *y, DType d, DType from, long double v) {
  if ((d >= T_F16 && from != T_F32) || (from >= T_F16 && d != T_F32)) v = (float)v;
  if (d == T_F32) *(float *)y = (float)v;
  if (d == T_F64) *(double *)y = (double)v;
  if (d == T_I64) *(int64_t *)y = whole(v);
  if (d == T_I32 && !real(from)) *(int32_t *)y = (int32_t)(uint32_t)(uint64_t)whole(v);
  if (d == T_I32 && real(from))
    *(int32_t *)y = v > -2147483649.0L && v < 0x1p31L ? (int32_t)v : INT32_MIN;
  if (d == T_U8) *(uint8_t *)y = (uint8_t)(uint64_t)whole(v);
  if (d == T_BOOL) *(uint8_t *)y = v != 0;
  if (d == T_F16) *(uint16_t *)y = half_bits(v, 10);
  if (d == T_BF16) *(uint16_t *)y = half_bits(v, 7);
}

enum { N = 3000 };

/* Where conversions change their ways. */
static const double borders[] = {
    // clang-format off
    0.0, -0.0, 0.5, -0.5, 0.999, -0.999, 1, -1, 1.5, -1.5, 300, -300,
    254.9, 255, 256,                                                   // uint8
    65504, 65519.99, 65520, -65520, 6e-8, 2.98e-8, 2.9e-8, 6.1e-5, 6.103e-5, 1e-40, // float16
    2147483647, 2147483648.0, -2147483648.0, -2147483649.0, 2147483520.0, 4294967296.0, 1e10,
    9223372036854774784.0, 9223372036854775808.0, -9223372036854775808.0,
    1e30, -1e30, 3.4e38, 1e300, INFINITY, -INFINITY, NAN,
    1.00048828125, 1.00146484375, 1.001953125, 1.00390625, 1.01171875, // ties of short mantissas
    // clang-format on
};

enum { BORDERS = sizeof borders / sizeof *borders };

/* Every border, then values of every size. */
static void fill(void *x, DType d) {
  for (int i = 0; i < N; i++) {
    uint64_t bits = noise_bits() >> (noise_bits() & 63);
    double v = i < BORDERS ? borders[i] : noise() * exp(noise() * 30);
    switch (d) {
    case T_F32: ((float *)x)[i] = (float)v; break;
    case T_F64: ((double *)x)[i] = v; break;
    case T_I64: ((int64_t *)x)[i] = i & 1 ? (int64_t)bits : -(int64_t)(bits >> 1); break;
    case T_I32: ((int32_t *)x)[i] = (int32_t)(uint32_t)bits; break;
    case T_U8: ((uint8_t *)x)[i] = (uint8_t)bits; break;
    case T_BOOL: ((uint8_t *)x)[i] = bits & 1; break;
    default: ((uint16_t *)x)[i] = (uint16_t)noise_bits(); break;
    }
  }
}

/* Equal bytes, or both not-a-number. */
static bool same(const void *a, const void *b, DType d) {
  if (memcmp(a, b, dtype_size(d)) == 0) return true;
  return real(d) && isnan(load(a, d, 0)) && isnan(load(b, d, 0));
}

static void test_pair(int level, DType from, DType to) {
  static _Alignas(64) char x[N * 8], y[N * 8];
  const ConvertKernels *k = TABLE_AT(convert_kernels, level);
  static const int64_t steps[][2] = {{1, 1}, {2, 1}, {1, 3}, {3, 2}, {0, 1}, {-1, 1}};
  int64_t p = (int64_t)dtype_size(from), q = (int64_t)dtype_size(to);
  int wrong = 0;
  fill(x, from);
  for (size_t s = 0; s < sizeof steps / sizeof *steps; s++) {
    int64_t xs = steps[s][0], ys = steps[s][1], n = xs == 1 && ys == 1 ? N : 901;
    const char *base = xs < 0 ? x + (n - 1) * p : x;
    memset(y, 0x5a, sizeof y);
    k->run(n, base, from, xs, y, to, ys);
    for (int64_t i = 0; i < n; i++) {
      char want[8];
      long double v = load(base + i * xs * p, from, 0);
      store(want, to, from, v);
      if (from == to) memcpy(want, base + i * xs * p, (size_t)p);
      wrong += !same(y + i * ys * q, want, to);
      for (int64_t j = q; j < ys * q; j++) wrong += y[i * ys * q + j] != 0x5a; /* between them */
    }
  }
  check(wrong == 0, "%s to %s at %s: %d wrong", names[from], names[to], simd_name(level), wrong);
}

/* Every half, both ways. */
static void test_halves(int level, DType half, int fraction_bits) {
  const ConvertKernels *k = TABLE_AT(convert_kernels, level);
  static uint16_t x[65536], back[65536];
  static float y[65536];
  int wrong = 0;
  for (int i = 0; i < 65536; i++) x[i] = (uint16_t)i;
  k->run(65536, x, half, 1, y, T_F32, 1);
  k->run(65536, y, T_F32, 1, back, half, 1);
  for (int i = 0; i < 65536; i++) {
    long double v = half_value(x[i], fraction_bits);
    wrong += isnan(v) ? !isnan(y[i]) : (long double)y[i] != v || !same_sign(y[i], (double)v);
    wrong += !isnan(v) && back[i] != x[i];
  }
  check(wrong == 0, "%d of all %s wrong at %s", wrong, names[half], simd_name(level));
}

static void test_blocks(int level) {
  enum { SIDE = 70 };
  static _Alignas(64) char x[SIDE * SIDE * 8], y[SIDE * SIDE * 8];
  const ConvertKernels *k = TABLE_AT(convert_kernels, level);
  for (size_t i = 0; i < sizeof x; i++) x[i] = (char)noise_bits();
  for (int kind = 0; kind < 4; kind++) {
    int64_t size = 1 << kind, wrong = 0;
    static const int64_t sides[] = {1, 2, 3, 4, 7, 8, 15, 16, 17, 31, 32, 33, 64, 65};
    enum { SIDES = sizeof sides / sizeof *sides };
    for (int t = 0; t < SIDES * SIDES * 3; t++) {
      int64_t rows = sides[t % SIDES], columns = sides[t / SIDES % SIDES];
      int way = t / (SIDES * SIDES); /* straight, crossed, the same value along columns */
      int64_t xr = way == 1 ? 1 : SIDE, xc = way == 0 ? 1 : way == 1 ? SIDE : 0;
      memset(y, 0x5a, sizeof y);
      k->block[kind](rows, columns, y, SIDE, 1, x, xr, xc);
      for (int64_t r = 0; r < SIDE; r++) {
        for (int64_t c = 0; c < SIDE; c++) {
          char blank[8] = {0x5a, 0x5a, 0x5a, 0x5a, 0x5a, 0x5a, 0x5a, 0x5a};
          const char *want = r < rows && c < columns ? x + (r * xr + c * xc) * size : blank;
          wrong += memcmp(y + (r * SIDE + c) * size, want, (size_t)size) != 0;
        }
      }
    }
    check(wrong == 0, "blocks of %d bytes at %s: %d wrong", (int)size, simd_name(level),
          (int)wrong);
  }
}

int main(void) {
  for (int level = 0; level <= simd_level(); level++) {
    for (int from = 0; from < T_DTYPES; from++) {
      for (int to = 0; to < T_DTYPES; to++) test_pair(level, (DType)from, (DType)to);
    }
    test_halves(level, T_F16, 10);
    test_halves(level, T_BF16, 7);
    test_blocks(level);
  }
  return checks_report("core/convert");
}
