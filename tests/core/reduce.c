/* The folds of rows and columns against naive loops in long double, for every operation, type and
   level, over lengths around every border of the loops. */
#include "check.h"

#include "../../tensor/kernels/reduce.h"

enum { MOST = 3000 };

static const char *const kinds[REDUCE_KINDS] = {"sum",     "numbers", "prod",  "abs", "squares",
                                                "nonzero", "max",     "min",   "top", "bottom",
                                                "maxabs",  "moments", "logsum"};
static const char *const types[T_F16] = {"f32", "f64", "i64", "i32", "u8", "bool"};
static const size_t sizes[T_F16] = {4, 8, 8, 4, 1, 1};

/* One value as a long double; an integer exactly. */
static long double value(const void *x, DType d, int64_t i) {
  switch (d) {
  case T_F32: return ((const float *)x)[i];
  case T_F64: return ((const double *)x)[i];
  case T_I64: return ((const int64_t *)x)[i];
  case T_I32: return ((const int32_t *)x)[i];
  default: return ((const uint8_t *)x)[i];
  }
}

static void put(void *x, DType d, int64_t i, double v) {
  switch (d) {
  case T_F32: ((float *)x)[i] = (float)v; break;
  case T_F64: ((double *)x)[i] = v; break;
  case T_I64: ((int64_t *)x)[i] = (int64_t)v; break;
  case T_I32: ((int32_t *)x)[i] = (int32_t)v; break;
  case T_U8: ((uint8_t *)x)[i] = (uint8_t)(int)v; break;
  default: ((uint8_t *)x)[i] = v > 0; break;
  }
}

/* What a fold of n values, `stride` apart, is: a value, and for some a second. */
typedef struct {
  long double v, w, mass; /* mass: sum of magnitudes, against which sums err */
} Want;

static Want naive(ReduceKind kind, DType d, const void *x, int64_t n, int64_t stride) {
  Want r = {0, 0, 0};
  long double s = kind == REDUCE_PROD, mean = 0;
  bool largest = kind == REDUCE_MAX || kind == REDUCE_TOP;
  bool smallest = kind == REDUCE_MIN || kind == REDUCE_BOTTOM;
  int64_t best = 0;
  for (int64_t i = 0; i < n; i++) mean += value(x, d, i * stride) / n;
  for (int64_t i = 0; i < n; i++) {
    long double v = value(x, d, i * stride), b = value(x, d, best * stride);
    if (v == v) r.mass += fabsl(v);
    if (kind == REDUCE_SUM || (kind == REDUCE_NUMBERS && v == v)) s += v;
    if (kind == REDUCE_PROD) s *= v;
    if (kind == REDUCE_ABS) s += fabsl(v);
    if (kind == REDUCE_SQUARES) s += v * v;
    if (kind == REDUCE_NONZERO) s += v != 0;
    if (kind == REDUCE_MAXABS && (fabsl(v) > s || v != v)) s = fabsl(v);
    if (kind == REDUCE_MOMENTS) s += (v - mean) * (v - mean);
    if (largest && (v > b || (v != v && b == b))) best = i;
    if (smallest && (v < b || (v != v && b == b))) best = i;
    if (kind == REDUCE_LOGSUM) s += expl(v);
  }
  r.v = largest || smallest ? value(x, d, best * stride) : s;
  r.w = kind == REDUCE_MOMENTS ? mean : (long double)best;
  return r;
}

static bool near(long double got, long double want, long double tolerance) {
  return (got != got && want != want) || got == want || fabsl(got - want) <= tolerance;
}

/* Does accumulator k agree? at is added to positions. */
static bool agrees(ReduceKind kind, DType d, const void *acc, int64_t k, Want w, int64_t n,
                   int64_t at) {
  bool real = d <= T_F64;
  long double u = d == T_F32 ? 0x1p-24L : 0x1p-52L;
  if (kind == REDUCE_MAX || kind == REDUCE_MIN) {
    ReduceBest b = ((const ReduceBest *)acc)[k];
    ReduceBestWhole m = ((const ReduceBestWhole *)acc)[k];
    return real ? near(b.v, w.v, 0) && b.at == at + (int64_t)w.w
                : m.v == (int64_t)w.v && m.at == at + (int64_t)w.w;
  }
  if (kind == REDUCE_MOMENTS) {
    ReduceMoments m = ((const ReduceMoments *)acc)[k];
    return m.n == (double)n && near(m.mean, w.w, 4 * u * w.mass / n) &&
           near(m.m2, w.v, 1e-11L * w.v + 16 * u * u * w.mass * w.mass);
  }
  if (kind == REDUCE_LOGSUM) {
    ReduceLogSum s = ((const ReduceLogSum *)acc)[k];
    return near(s.max + logl(s.sum), logl(w.v), 8 * u * (1 + fabsl(logl(w.v))));
  }
  if (!real || kind == REDUCE_NONZERO) return ((const uint64_t *)acc)[k] == (uint64_t)(int64_t)w.v;
  long double got = ((const double *)acc)[k], room = 4.01L * u * w.mass;
  if (d == T_F64) room *= 16;
  if (kind == REDUCE_TOP || kind == REDUCE_BOTTOM) room = 0;
  if (kind == REDUCE_PROD || kind == REDUCE_SQUARES) room = 1e-12L * fabsl(w.v);
  return near(got, w.v, room);
}

static void fill(void *x, DType d, ReduceKind kind) {
  for (int64_t i = 0; i < MOST; i++) {
    double v = noise() * (d <= T_F64 ? 4 : 300);
    if (kind == REDUCE_PROD)
      v = d <= T_F64 ? exp(noise() / 8) : d >= T_U8 || (noise_bits() & 3) ? 1 + !(i % 600) : -1;
    if (kind == REDUCE_MAX || kind == REDUCE_MIN) v = floor(v); /* with ties */
    if (kind == REDUCE_NUMBERS && i % 7 == 3) v = NAN;
    put(x, d, i, (d == T_U8 && kind != REDUCE_PROD) || d == T_BOOL ? fabs(v) : v);
  }
}

static void test_pair(int level, ReduceKind kind, DType d, Reduce fold) {
  static _Alignas(64) char x[MOST * 8], acc[MOST * 24];
  static const int64_t lengths[] = {1,  2,  3,   7,   8,   9,   15,  16,  17,  31,  33,  63,
                                    64, 65, 100, 255, 256, 257, 272, 511, 513, 600, 1000};
  int wrong = 0;
  for (size_t l = 0; l < sizeof lengths / sizeof *lengths; l++) {
    int64_t n = lengths[l], rows = MOST / n < 5 ? MOST / n : 5;
    fill(x, d, kind);
    fold.rows(rows, n, 40, x, acc);
    for (int64_t k = 0; k < rows; k++) {
      Want w = naive(kind, d, x + k * n * (int64_t)sizes[d], n, 1);
      wrong += !agrees(kind, d, acc, k, w, n, 40);
    }
    for (int64_t width = 1; width <= 300 && width * n + 3 <= MOST; width = width * 3 + 1) {
      int64_t stride = width + (width * n + n <= MOST ? 1 : 0);
      fold.cols(width, n, stride, 7, x, acc);
      for (int64_t i = 0; i < width; i++) {
        Want w = naive(kind, d, x + i * (int64_t)sizes[d], n, stride);
        wrong += !agrees(kind, d, acc, i, w, n, 7);
      }
    }
  }
  check(wrong == 0, "%s of %s at %s: %d wrong", kinds[kind], types[d], simd_name(level), wrong);
}

/* Not-a-number, infinities and zeros of both signs. */
static void test_special(int level, const ReduceKernels *k) {
  static float x[700];
  for (int place = 0; place < 700; place += 37) {
    for (int i = 0; i < 700; i++) x[i] = (float)noise();
    x[place] = NAN;
    x[699] = INFINITY;
    ReduceBest b, c;
    ReduceLogSum l;
    double m;
    k->of[REDUCE_MAX][T_F32].rows(1, 700, 0, x, &b);
    k->of[REDUCE_MIN][T_F32].cols(1, 700, 1, 0, x, &c);
    check(isnan(b.v) && b.at == place && isnan(c.v) && c.at == place,
          "NaN at %d: found %d, %d at %s", place, (int)b.at, (int)c.at, simd_name(level));
    k->of[REDUCE_LOGSUM][T_F32].rows(1, 600, 0, x, &l);
    for (int kind = REDUCE_TOP; kind <= REDUCE_BOTTOM; kind++) {
      k->of[kind][T_F32].rows(1, 700, 0, x, &m);
      check(isnan(m), "%s loses a NaN at %d", kinds[kind], place);
      k->of[kind][T_F32].cols(1, 700, 1, 0, x, &m);
      check(isnan(m), "%s of columns loses a NaN at %d", kinds[kind], place);
    }
    k->of[REDUCE_MAXABS][T_F32].rows(1, 700, 0, x, &m);
    check(isnan(m) && (place >= 600 || isnan(l.max + log(l.sum))), "NaN at %d is lost", place);
  }
  float low[3] = {-INFINITY, -INFINITY, -INFINITY}, high[3] = {-1, INFINITY, INFINITY};
  ReduceBest b;
  ReduceLogSum l;
  k->of[REDUCE_MAX][T_F32].rows(1, 3, 0, low, &b);
  check(b.v == -INFINITY && b.at == 0, "max of -inf at %s", simd_name(level));
  k->of[REDUCE_MAX][T_F32].rows(1, 3, 0, high, &b);
  check(b.v == INFINITY && b.at == 1, "max of inf at %s", simd_name(level));
  k->of[REDUCE_LOGSUM][T_F32].rows(1, 3, 0, low, &l);
  check(l.max == -INFINITY && l.sum == 0, "logsum of -inf at %s", simd_name(level));
  double s = 1;
  k->of[REDUCE_SUM][T_F32].rows(1, 0, 0, x, &s);
  check(s == 0, "the sum of nothing");
  k->of[REDUCE_PROD][T_F64].rows(1, 0, 0, x, &s);
  check(s == 1, "the product of nothing");
}

/* A long sum of equal terms, where sequential float32 sums lose half the digits. */
static void test_accuracy(int level, const ReduceKernels *k) {
  enum { N = 1 << 20 };
  float *x = malloc(N * sizeof *x);
  for (int i = 0; i < N; i++) x[i] = 0.1f;
  double s, want = (double)0.1f * N, cols[4];
  k->of[REDUCE_SUM][T_F32].rows(1, N, 0, x, &s);
  k->of[REDUCE_SUM][T_F32].cols(4, N / 4, 4, 0, x, cols);
  check(fabs(s - want) < 1e-7 * want, "sum of 2^20 tenths at %s: %.9g", simd_name(level), s);
  check(fabs(cols[3] - want / 4) < 1e-7 * want, "column of tenths at %s", simd_name(level));
  free(x);
}

int main(void) {
  for (int level = 0; level <= simd_level(); level++) {
    const ReduceKernels *k = TABLE_AT(reduce_kernels, level);
    for (int kind = 0; kind < REDUCE_KINDS; kind++)
      for (int d = 0; d < T_F16; d++)
        if (k->of[kind][d].rows) test_pair(level, (ReduceKind)kind, (DType)d, k->of[kind][d]);
    test_special(level, k);
    test_accuracy(level, k);
  }
  return checks_report("core/reduce");
}
