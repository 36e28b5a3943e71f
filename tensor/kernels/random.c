/* Random words and numbers; see random.h. */
#include "random.h"

#include <math.h>
#include <string.h>

#if SIMD_X86
#include <immintrin.h>
#endif

#include "trig.h"
#include "vmath.h"

/* ---- Philox4x32-10 ---------------------------------------------------------------------------- */

/* The constants of Salmon et al. 2011, table 2 and section 3.3. */
#define MUL_0  0xD2511F53u
#define MUL_1  0xCD9E8D57u
#define BUMP_0 0x9E3779B9u
#define BUMP_1 0xBB67AE85u

#if defined(__AVX512F__)
enum { LANES = 8, GROUPS = 4 };
#elif defined(__AVX2__)
enum { LANES = 4, GROUPS = 2 };
#else
enum { LANES = 2, GROUPS = 2 };
#endif
enum { BLOCKS = GROUPS * LANES }; /* several vectors hide each other's latency */

/* Words in the low halves of lanes; what the high halves hold does not matter. */
typedef uint64_t Words __attribute__((vector_size(8 * LANES)));

/* The products of the low halves. */
VMATH Words multiply(Words a, uint32_t b) {
#if defined(__AVX512F__)
  return (Words)_mm512_mul_epu32((__m512i)a, _mm512_set1_epi64(b));
#elif defined(__AVX2__)
  return (Words)_mm256_mul_epu32((__m256i)a, _mm256_set1_epi64x(b));
#elif SIMD_X86
  return (Words)_mm_mul_epu32((__m128i)a, _mm_set1_epi64x(b));
#else
  return (a & UINT32_MAX) * b;
#endif
}

/* Blocks first..first+BLOCKS-1: the first two words of each, then the last two. */
VMATH void philox(const RngDraw *d, uint64_t first, uint64_t *front, uint64_t *back) {
  Words c0[GROUPS], c1[GROUPS], c2[GROUPS], c3[GROUPS];
  Words place = {0};
  for (int i = 0; i < LANES; i++) place[i] = (uint64_t)i;
  uint32_t k0 = d->key[0], k1 = d->key[1];
  for (int g = 0; g < GROUPS; g++) {
    c0[g] = place + (first + (uint64_t)(g * LANES));
    c1[g] = c0[g] >> 32;
    c2[g] = (Words){0} + d->draw[0];
    c3[g] = (Words){0} + d->draw[1];
  }
  for (int round = 0; round < 10; round++) {
    for (int g = 0; g < GROUPS; g++) {
      Words a = multiply(c0[g], MUL_0), b = multiply(c2[g], MUL_1);
      c0[g] = (b >> 32) ^ c1[g] ^ k0;
      c2[g] = (a >> 32) ^ c3[g] ^ k1;
      c1[g] = b;
      c3[g] = a;
    }
    k0 += BUMP_0;
    k1 += BUMP_1;
  }
  for (int g = 0; g < GROUPS; g++) {
    Words f = (c0[g] & UINT32_MAX) | c1[g] << 32, b = (c2[g] & UINT32_MAX) | c3[g] << 32;
    memcpy(front + g * LANES, &f, sizeof f);
    memcpy(back + g * LANES, &b, sizeof b);
  }
}

/* Two words of a 64-bit number, the low one first. */
VMATH void split(uint64_t v, uint32_t *out) {
  out[0] = (uint32_t)v;
  out[1] = (uint32_t)(v >> 32);
}

static void words(const RngDraw *draw, uint64_t first, int64_t blocks, uint32_t *out) {
  uint64_t front[BLOCKS], back[BLOCKS];
  for (int64_t at = 0; at < blocks; at += BLOCKS, out += 4 * BLOCKS) {
    philox(draw, first + (uint64_t)at, front, back);
    int64_t n = blocks - at < BLOCKS ? blocks - at : BLOCKS;
    for (int64_t i = 0; i < n; i++) {
      split(front[i], out + 4 * i);
      split(back[i], out + 4 * i + 2);
    }
  }
}

/* ---- numbers ---------------------------------------------------------------------------------- */

static void uniform_f32(int64_t n, const uint32_t *w, float *y, double lo, double width) {
  const float from = (float)lo, by = (float)width, to = (float)(lo + width);
  for (int64_t i = 0; i < n; i++) {
    float v = (float)(int32_t)(w[i] >> 8) * 0x1p-24f * by + from;
    y[i] = v < to ? v : from; /* rounding may reach the end */
  }
}

static double unit(const uint32_t *w) {
  uint64_t bits = (uint64_t)w[1] << 32 | w[0];
  return (double)(int64_t)(bits >> 11) * 0x1p-53;
}

static void uniform_f64(int64_t n, const uint32_t *w, double *y, double lo, double width) {
  for (int64_t i = 0; i < n; i++) {
    double v = unit(w + 2 * i) * width + lo;
    y[i] = v < lo + width ? v : lo;
  }
}

/* A word as an angle: quarters of a circle, and the rest r in [-pi/4, pi/4). */
VMATH float angle(uint32_t w, uint32_t *quarters) {
  *quarters = (w + 0x20000000u) >> 30;
  return (float)(int32_t)(w - (*quarters << 30)) * 0x1.921fb6p-30f;
}

static void normal_f32(int64_t n, const uint32_t *w, float *y, double mean, double std) {
  const float m = (float)mean, s = (float)std;
  for (int64_t i = 0; i < n / 2; i++) {
    uint32_t q;
    float u = (float)(int32_t)(w[2 * i] >> 1) * 0x1p-31f + 0x1p-32f; /* in (0, 1] */
    float radius = sqrtf(-2.0f * log_f32(u)) * s, r = angle(w[2 * i + 1], &q);
    y[2 * i] = radius * trig_turn(r, q + 1, 0.0f) + m;
    y[2 * i + 1] = radius * trig_turn(r, q, 0.0f) + m;
  }
}

static void normal_f64(int64_t n, const uint32_t *w, double *y, double mean, double std) {
  for (int64_t i = 0; i < n / 2; i++) {
    double u = 1 - unit(w + 4 * i), turn = unit(w + 4 * i + 2) * 6.283185307179586;
    double radius = sqrt(-2 * log(u)) * std;
    y[2 * i] = radius * cos(turn) + mean;
    y[2 * i + 1] = radius * sin(turn) + mean;
  }
}

static void below(int64_t n, const uint32_t *w, uint8_t *y, uint64_t limit) {
  if (limit > UINT32_MAX) {
    memset(y, 1, (size_t)n);
    return;
  }
  const uint32_t end = (uint32_t)limit;
  for (int64_t i = 0; i < n; i++) y[i] = w[i] < end;
}

const RandomKernels AT_LEVEL(random_kernels) = {
    words, uniform_f32, uniform_f64, normal_f32, normal_f64, below,
};
