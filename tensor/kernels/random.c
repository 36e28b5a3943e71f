/* Philox blocks by the vector, and the fills made of them; see random.h. */
#include "random.h"

#include "math/trig.h"
#include "math/vmath.h"

#if SIMD_X86
#include <immintrin.h>
#endif

/* ---- blocks ----------------------------------------------------------------------------------- */

enum { BATCH = 64 }; /* blocks made at a time */

/* Counters in the low halves of 64-bit lanes: wide_mul multiplies those halves. */
#if defined(__AVX512F__)
typedef uint64_t Wide __attribute__((vector_size(64)));
#define wide_mul(a, b) ((Wide)_mm512_mul_epu32((__m512i)(a), (__m512i)(b)))
#elif defined(__AVX2__)
typedef uint64_t Wide __attribute__((vector_size(32)));
#define wide_mul(a, b) ((Wide)_mm256_mul_epu32((__m256i)(a), (__m256i)(b)))
#elif defined(__SSE2__)
typedef uint64_t Wide __attribute__((vector_size(16)));
#define wide_mul(a, b) ((Wide)_mm_mul_epu32((__m128i)(a), (__m128i)(b)))
#else
typedef uint64_t Wide __attribute__((vector_size(16)));
#define wide_mul(a, b) (((a)&0xffffffffu) * ((b)&0xffffffffu))
#endif

enum { WIDE = sizeof(Wide) / sizeof(uint64_t) };
typedef uint32_t Narrow __attribute__((vector_size(sizeof(Wide) / 2)));

typedef uint32_t Words[4][BATCH]; /* word w of block l at [w][l] */

static void blocks(const RandomKey *k, uint64_t first, Words word) {
  const Wide zero = {0}, m0 = zero + PHILOX_M0, m1 = zero + PHILOX_M1;
  Wide count = zero;
  for (int i = 0; i < WIDE; i++) count[i] = first + (uint64_t)i;
  for (int l = 0; l < BATCH; l += WIDE, count += WIDE) {
    Wide c0 = count, c1 = count >> 32, c2 = zero + (uint32_t)k->call, c3 = zero + (k->call >> 32);
    uint32_t a = k->key[0], b = k->key[1];
#pragma GCC unroll 10
    for (int r = 0; r < PHILOX_ROUNDS; r++, a += PHILOX_W0, b += PHILOX_W1) {
      Wide p = wide_mul(c0, m0), q = wide_mul(c2, m1);
      c0 = (q >> 32) ^ c1 ^ a;
      c1 = q; /* upper halves hold what no one reads */
      c2 = (p >> 32) ^ c3 ^ b;
      c3 = p;
    }
    Narrow n[4] = {__builtin_convertvector(c0, Narrow), __builtin_convertvector(c1, Narrow),
                   __builtin_convertvector(c2, Narrow), __builtin_convertvector(c3, Narrow)};
    for (int j = 0; j < 4; j++) memcpy(&word[j][l], &n[j], sizeof n[j]);
  }
}

/* ---- fills ------------------------------------------------------------------------------------ */

/* What an element is made of besides its words. */
typedef struct Recipe {
  double a, b;
  int64_t low;
  uint64_t range;
} Recipe;

/* Turns a batch of blocks into BATCH times 4 (or 2) elements. */
typedef void (*Make)(Words word, const Recipe *r, void *y);

/* Elements come `per` to a block, `size` bytes each; runs may begin and end inside a batch. */
static void fill(const RandomKey *k, int64_t first, int64_t n, int per, size_t size, Make make,
                 const Recipe *r, void *out) {
  _Alignas(64) char spare[BATCH * 4 * 8];
  _Alignas(64) Words word;
  char *y = out;
  int64_t skip = first % per;
  for (uint64_t block = (uint64_t)(first / per); n > 0; block += BATCH) {
    int64_t m = BATCH * per - skip < n ? BATCH * per - skip : n;
    bool whole = m == BATCH * per;
    blocks(k, block, word);
    make(word, r, whole ? y : spare);
    if (!whole) memcpy(y, spare + skip * (int64_t)size, (size_t)m * size);
    y += m * (int64_t)size;
    n -= m;
    skip = 0;
  }
}

/* low + (high - low) u for u in [0, 1); where rounding reaches high, low. */
VMATH float uniform_of(float u, const Recipe *r) {
  float low = (float)r->a, high = (float)r->b, v = FMAF(high - low, u, low);
  return v < high ? v : low;
}

VMATH double uniform_wide_of(double u, const Recipe *r) {
  double v = FMA(r->b - r->a, u, r->a);
  return v < r->b ? v : r->a;
}

/* Defines a Make whose element is an expression of its word w and recipe r. */
#define PER_WORD(name, T, expr)                                                                    \
  static void name(Words word, const Recipe *r, void *out) {                                       \
    (void)r;                                                                                       \
    T *restrict y = out;                                                                           \
    for (int l = 0; l < BATCH; l++) {                                                              \
      for (int j = 0; j < 4; j++) {                                                                \
        uint32_t w = word[j][l];                                                                   \
        y[4 * l + j] = expr;                                                                       \
      }                                                                                            \
    }                                                                                              \
  }

PER_WORD(make_bits, uint32_t, w)
PER_WORD(make_uniform_f32, float, uniform_of((float)(int32_t)(w >> 8) * 0x1p-24f, r))
PER_WORD(make_bernoulli, uint8_t, w < r->range)

/* Of its words as one number of 64 bits, u. */
#define PER_PAIR(name, T, expr)                                                                    \
  static void name(Words word, const Recipe *r, void *out) {                                       \
    T *restrict y = out;                                                                           \
    for (int l = 0; l < BATCH; l++) {                                                              \
      for (int j = 0; j < 2; j++) {                                                                \
        uint64_t u = (uint64_t)word[2 * j + 1][l] << 32 | word[2 * j][l];                          \
        y[2 * l + j] = expr;                                                                       \
      }                                                                                            \
    }                                                                                              \
  }

/* The upper 64 bits of u range. */
static inline uint64_t scaled(uint64_t u, uint64_t range) {
  uint64_t high = u >> 32, low = u & 0xffffffffu, b = range >> 32, a = range & 0xffffffffu;
  uint64_t mid = high * a + (low * a >> 32), cross = low * b + (mid & 0xffffffffu);
  return high * b + (mid >> 32) + (cross >> 32);
}

PER_PAIR(make_uniform_f64, double, uniform_wide_of((double)(int64_t)(u >> 11) * 0x1p-53, r))
PER_PAIR(make_integers, int64_t, (int64_t)((uint64_t)r->low + scaled(u, r->range)))
PER_PAIR(make_words, int64_t, (int64_t)((uint64_t)r->low + u))

/* ---- normals ---------------------------------------------------------------------------------- */

/* From two words the two normals of a point in the plane: its squared radius is exponential, its
   angle w1 / 2^32 of a turn, by the quarter plus a rest of at most an eighth. */
static inline __attribute__((always_inline)) void plane_f32(uint32_t w0, uint32_t w1, float *s,
                                                            float *c) {
  float u = FMAF((float)(int32_t)(w0 >> 1), 0x1p-31f, 0x1p-32f); /* in (0, 1] */
  uint32_t k = log_split(u), n = (w1 + 0x20000000u) >> 30;
  float e = (float)((int32_t)k >> 23), f = f32_of(f32_bits(u) - k) - 1.0f;
  float radius = sqrtf(-2.0f * log_poly(f, e));
  float t = (float)(int32_t)(w1 - (n << 30)) * 0x1.921fb6p-30f, z = t * t;
  float si = sin_poly(t, z), co = cos_poly(z);
  float a = n & 1 ? co : si, b = n & 1 ? si : co;
  *s = radius * f32_of(f32_bits(a) ^ (n & 2) << 30);
  *c = radius * f32_of(f32_bits(b) ^ ((n + 1) & 2) << 30);
}

static void make_normal_f32(Words word, const Recipe *r, void *out) {
  _Alignas(64) float z[4][BATCH];
  float *restrict y = out;
  for (int l = 0; l < BATCH; l++) plane_f32(word[0][l], word[1][l], &z[0][l], &z[1][l]);
  for (int l = 0; l < BATCH; l++) plane_f32(word[2][l], word[3][l], &z[2][l], &z[3][l]);
  float mean = (float)r->a, sd = (float)r->b;
  for (int l = 0; l < BATCH; l++) {
    for (int j = 0; j < 4; j++) y[4 * l + j] = FMAF(sd, z[j][l], mean);
  }
}

static void make_normal_f64(Words word, const Recipe *r, void *out) {
  double *restrict y = out;
  for (int l = 0; l < BATCH; l++) {
    uint64_t u = (uint64_t)word[1][l] << 32 | word[0][l], n = (word[3][l] + 0x20000000u) >> 30;
    double v = ((double)(int64_t)(u >> 11) + 0.5) * 0x1p-53;
    double radius = sqrt(log2_wide(v) * -0x1.62e42fefa39efp+0); /* -2 ln 2 */
    double turn = (double)(int32_t)(word[3][l] - ((uint32_t)n << 30)) + word[2][l] * 0x1p-32;
    double t = turn * 0x1.921fb54442d18p-30, z = t * t, s = sin_rest64(t, z), c = cos_rest64(z);
    double a = n & 1 ? c : s, b = n & 1 ? s : c;
    y[2 * l] = FMA(r->b, radius * (n & 2 ? -a : a), r->a);
    y[2 * l + 1] = FMA(r->b, radius * ((n + 1) & 2 ? -b : b), r->a);
  }
}

/* ---- the table -------------------------------------------------------------------------------- */

static void random_bits(const RandomKey *k, int64_t first, int64_t n, uint32_t *y) {
  fill(k, first, n, 4, sizeof *y, make_bits, &(Recipe){0}, y);
}

static void uniform_f32(const RandomKey *k, int64_t first, int64_t n, double low, double high,
                        float *y) {
  fill(k, first, n, 4, sizeof *y, make_uniform_f32, &(Recipe){.a = low, .b = high}, y);
}

static void uniform_f64(const RandomKey *k, int64_t first, int64_t n, double low, double high,
                        double *y) {
  fill(k, first, n, 2, sizeof *y, make_uniform_f64, &(Recipe){.a = low, .b = high}, y);
}

static void normal_f32(const RandomKey *k, int64_t first, int64_t n, double mean, double sd,
                       float *y) {
  fill(k, first, n, 4, sizeof *y, make_normal_f32, &(Recipe){.a = mean, .b = sd}, y);
}

static void normal_f64(const RandomKey *k, int64_t first, int64_t n, double mean, double sd,
                       double *y) {
  fill(k, first, n, 2, sizeof *y, make_normal_f64, &(Recipe){.a = mean, .b = sd}, y);
}

/* p as how many of 2^32 words; p outside 0..1 counts as its nearer end. */
static uint64_t words_of(double p) { return p > 0 ? (uint64_t)((p < 1 ? p : 1) * 0x1p32) : 0; }

static void bernoulli(const RandomKey *k, int64_t first, int64_t n, double p, uint8_t *y) {
  fill(k, first, n, 4, sizeof *y, make_bernoulli, &(Recipe){.range = words_of(p)}, y);
}

static void integers(const RandomKey *k, int64_t first, int64_t n, int64_t low, uint64_t range,
                     int64_t *y) {
  Make make = range ? make_integers : make_words;
  fill(k, first, n, 2, sizeof *y, make, &(Recipe){.low = low, .range = range}, y);
}

static void keep_f32(int64_t n, const uint8_t *mask, const float *x, float *y, double scale) {
  const float by = (float)scale;
#pragma GCC ivdep
  for (int64_t i = 0; i < n; i++) {
    float v = x[i] * by;
    y[i] = mask[i] ? v : 0;
  }
}

static void keep_f64(int64_t n, const uint8_t *mask, const double *x, double *y, double scale) {
#pragma GCC ivdep
  for (int64_t i = 0; i < n; i++) {
    double v = x[i] * scale;
    y[i] = mask[i] ? v : 0;
  }
}

const RandomKernels AT_LEVEL(random_kernels) = {
    random_bits, uniform_f32, uniform_f64, normal_f32, normal_f64,
    bernoulli,   integers,    keep_f32,    keep_f64,
};
