/* Random numbers: the published known answers of Philox4x32-10, every fill against its definition
   element by element, any cut of a run, and the moments of what comes out, at every level. */
#include "check.h"

#include "../../tensor/kernels/random.h"

enum { N = 1 << 20 };

static void *room(void) { return malloc((size_t)N * 8); }

/* Philox4x32-10 from the Random123 distribution, kat_vectors. */
static void test_known_answers(void) {
  static const struct {
    uint32_t counter[4], key[2], want[4];
  } known[] = {
      {{0, 0, 0, 0}, {0, 0}, {0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8}},
      {{0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff},
       {0xffffffff, 0xffffffff},
       {0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd}},
      {{0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344},
       {0xa4093822, 0x299f31d0},
       {0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1}},
  };
  for (int i = 0; i < 3; i++) {
    const uint32_t *c = known[i].counter;
    RandomKey k = {{known[i].key[0], known[i].key[1]}, (uint64_t)c[3] << 32 | c[2]};
    uint32_t word[4];
    random_block(&k, (uint64_t)c[1] << 32 | c[0], word);
    check(memcmp(word, known[i].want, sizeof word) == 0, "known answer %d: %08x %08x %08x %08x", i,
          word[0], word[1], word[2], word[3]);
  }
}

static uint32_t word_at(const RandomKey *k, int64_t i) {
  uint32_t word[4];
  random_block(k, (uint64_t)(i / 4), word);
  return word[i % 4];
}

/* What an element should be, by the definitions and libm. */
static double uniform_at(const RandomKey *k, int64_t i) { return (word_at(k, i) >> 8) * 0x1p-24; }
static uint64_t wide_at(const RandomKey *k, int64_t i) {
  return (uint64_t)word_at(k, 2 * i + 1) << 32 | word_at(k, 2 * i);
}
static double normal_at(const RandomKey *k, int64_t i) {
  float whole = (float)(int32_t)(word_at(k, i & ~(int64_t)1) >> 1);
  double u = (double)(whole * 0x1p-31f + 0x1p-32f), pi = acos(-1);
  double turn = word_at(k, i | 1) * 0x1p-32 * 2 * pi, r = sqrt(-2 * log(u));
  return r * (i & 1 ? cos(turn) : sin(turn));
}
static double normal_wide_at(const RandomKey *k, int64_t i) {
  uint64_t u = wide_at(k, i & ~(int64_t)1), w = wide_at(k, i | 1);
  double r = sqrt(-2 * log(((double)(u >> 11) + 0.5) * 0x1p-53)), pi = acos(-1);
  double turn = ldexp((double)w, -64) * 2 * pi;
  return r * (i & 1 ? cos(turn) : sin(turn));
}

static void test_elements(int level) {
  const RandomKernels *r = TABLE_AT(random_kernels, level);
  const char *at = simd_name(level);
  RandomKey k = random_key(0x123456789abcdef0u, 3, 77);
  int64_t first = ((int64_t)1 << 34) - 901;
  enum { M = 2000 };
  static uint32_t bits[M];
  static float f[M];
  static double d[M];
  static uint8_t b[M];
  static int64_t w[M];
  int wrong[6] = {0};
  double far = 0, farther = 0;
  r->bits(&k, first, M, bits);
  for (int i = 0; i < M; i++) wrong[0] += bits[i] != word_at(&k, first + i);
  r->uniform_f32(&k, first, M, 0, 1, f);
  for (int i = 0; i < M; i++) wrong[1] += (double)f[i] != uniform_at(&k, first + i);
  r->uniform_f64(&k, first, M, 0, 1, d);
  for (int i = 0; i < M; i++) wrong[2] += d[i] != (double)(wide_at(&k, first + i) >> 11) * 0x1p-53;
  r->bernoulli(&k, first, M, 0.25, b);
  for (int i = 0; i < M; i++) wrong[3] += b[i] != (word_at(&k, first + i) < 0x40000000u);
  r->integers(&k, first, M, -5, 1000003, w);
  for (int i = 0; i < M; i++) {
    unsigned __int128 product = (unsigned __int128)wide_at(&k, first + i) * 1000003u;
    wrong[4] += w[i] != (int64_t)(product >> 64) - 5;
  }
  r->integers(&k, first, M, 0, 0, w);
  for (int i = 0; i < M; i++) wrong[5] += (uint64_t)w[i] != wide_at(&k, first + i);
  r->normal_f32(&k, first, M, 0, 1, f);
  for (int i = 0; i < M; i++) far = fmax(far, fabs((double)f[i] - normal_at(&k, first + i)));
  r->normal_f64(&k, first, M, 0, 1, d);
  for (int i = 0; i < M; i++) farther = fmax(farther, fabs(d[i] - normal_wide_at(&k, first + i)));
  static const char *const names[] = {"bits",      "uniform",  "wide uniform",
                                      "bernoulli", "integers", "wide words"};
  for (int i = 0; i < 6; i++) check(wrong[i] == 0, "%s at %s: %d wrong", names[i], at, wrong[i]);
  check(far < 3e-6, "normal at %s is off by %g", at, far);
  check(farther < 1e-14, "wide normal at %s is off by %g", at, farther);
}

/* Any run of a fill is a piece of the whole. */
static void test_cuts(int level) {
  const RandomKernels *r = TABLE_AT(random_kernels, level);
  RandomKey k = random_key(7, 1, 0);
  float *all = room(), *part = room();
  double *wide = room(), *piece = room();
  r->normal_f32(&k, 0, 4000, 1, 2, all);
  r->normal_f64(&k, 0, 4000, 1, 2, wide);
  int wrong = 0;
  for (int i = 0; i < 400; i++) {
    int64_t from = (int64_t)(noise_bits() % 2500), n = 1 + (int64_t)(noise_bits() % 1500);
    r->normal_f32(&k, from, n, 1, 2, part);
    r->normal_f64(&k, from, n, 1, 2, piece);
    wrong += memcmp(part, all + from, (size_t)n * sizeof *part) != 0;
    wrong += memcmp(piece, wide + from, (size_t)n * sizeof *piece) != 0;
  }
  check(wrong == 0, "%d cuts differ at %s", wrong, simd_name(level));
  free(all), free(part), free(wide), free(piece);
}

/* The first four moments, about 0, against those of the distribution, within five standard errors. */
static void moments(const char *what, const char *at, int n, const double *x,
                    const double want[5]) {
  for (int p = 1; p <= 4; p++) {
    double sum = 0, square = 0;
    for (int i = 0; i < n; i++) {
      double v = pow(x[i], p);
      sum += v;
      square += v * v;
    }
    double mean = sum / n, error = sqrt((square / n - mean * mean) / n);
    check(fabs(mean - want[p]) < 5 * error, "%s at %s: moment %d is %g, not %g", what, at, p, mean,
          want[p]);
  }
}

static void test_moments(int level) {
  enum { M = 1 << 17 };
  const RandomKernels *r = TABLE_AT(random_kernels, level);
  const char *at = simd_name(level);
  RandomKey k = random_key(1, 0, 5);
  float *f = room();
  double *d = room(), lag = 0;
  uint8_t *b = room();
  int64_t *w = room(), ones = 0, count[7] = {0};
  r->normal_f32(&k, 0, M, 0, 1, f);
  for (int i = 0; i < M; i++) d[i] = (double)f[i];
  moments("normal", at, M, d, (const double[]){1, 0, 1, 0, 3});
  for (int i = 1; i < M; i++) lag += d[i] * d[i - 1] / M;
  check(fabs(lag) < 5 / sqrt(M), "neighbours at %s correlate by %g", at, lag);
  r->normal_f64(&k, 0, M, 0, 1, d);
  moments("wide normal", at, M, d, (const double[]){1, 0, 1, 0, 3});
  r->uniform_f32(&k, 0, M, 0, 1, f);
  for (int i = 0; i < M; i++) d[i] = (double)f[i];
  moments("uniform", at, M, d, (const double[]){1, 1. / 2, 1. / 3, 1. / 4, 1. / 5});
  r->uniform_f64(&k, 0, M, 0, 1, d);
  moments("wide uniform", at, M, d, (const double[]){1, 1. / 2, 1. / 3, 1. / 4, 1. / 5});
  r->bernoulli(&k, 0, M, 0.3, b);
  for (int i = 0; i < M; i++) ones += b[i];
  check(fabs((double)ones - 0.3 * M) < 5 * sqrt(0.21 * M), "bernoulli at %s: %d", at, (int)ones);
  r->integers(&k, 0, M, 10, 7, w);
  for (int i = 0; i < M; i++) count[w[i] >= 10 && w[i] < 17 ? w[i] - 10 : 0]++;
  for (int i = 0; i < 7; i++) {
    check(fabs((double)count[i] - M / 7.0) < 5 * sqrt(M / 7.0), "%d of %d at %s", (int)count[i], i,
          at);
  }
  free(f), free(d), free(b), free(w);
}

static void test_borders(int level) {
  const RandomKernels *r = TABLE_AT(random_kernels, level);
  const char *at = simd_name(level);
  RandomKey k = random_key(9, 2, 1), other = random_key(9, 3, 1), next = random_key(9, 2, 2);
  uint8_t *b = room();
  float *f = room();
  uint32_t u[8], v[8], w[8];
  int bad = 0;
  r->bernoulli(&k, 0, 1000, 1, b);
  for (int i = 0; i < 1000; i++) bad += b[i] != 1;
  r->bernoulli(&k, 0, 1000, 0, b);
  for (int i = 0; i < 1000; i++) bad += b[i] != 0;
  check(bad == 0, "bernoulli of 0 and 1 at %s", at);
  r->uniform_f32(&k, 0, N, 1000, 1000.001,
                 f); /* steps of 2^-14 here: rounding wants to reach high */
  for (int i = 0; i < N; i++) bad += !(f[i] >= 1000.0f && f[i] < 1000.001f);
  check(bad == 0, "uniform at %s leaves its range %d times", at, bad);
  r->bits(&k, 0, 8, u);
  r->bits(&other, 0, 8, v);
  r->bits(&next, 0, 8, w);
  check(memcmp(u, v, sizeof u) && memcmp(u, w, sizeof u), "streams and calls differ");
  float x[5] = {1, 2, NAN, 4, INFINITY}, y[5];
  double xd[2] = {1, 2}, yd[2];
  uint8_t mask[5] = {1, 0, 0, 1, 0};
  r->keep_f32(5, mask, x, y, 2);
  r->keep_f64(2, mask, xd, yd, 2);
  check(y[0] == 2 && y[1] == 0 && y[2] == 0 && y[3] == 8 && y[4] == 0 && yd[0] == 2 && yd[1] == 0,
        "keep at %s", at);
  free(b), free(f);
}

int main(void) {
  test_known_answers();
  for (int level = 0; level <= simd_level(); level++) {
    test_elements(level);
    test_cuts(level);
    test_moments(level);
    test_borders(level);
  }
  return checks_report("core/random");
}
