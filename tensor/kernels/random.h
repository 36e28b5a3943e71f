/* Random numbers that are a function of their place: element i of the stream (key, call) is the same
   whoever draws it, alone or in a run, so that any cut over threads gives the same bits.

   The generator is Philox4x32-10 (Salmon, Moraes, Dror & Shaw, Parallel random numbers: as easy as
   1, 2, 3, SC 2011). A block of four 32-bit words comes from the counter (block, call), 64 bits each,
   and the key. Elements that take one word are four to a block, those that take two, two. */
#ifndef LUNETTE_RANDOM_H
#define LUNETTE_RANDOM_H

#include "../machine/simd.h"

#include <stdint.h>

typedef struct RandomKey {
  uint32_t key[2];
  uint64_t call; /* which call of the stream */
} RandomKey;

/* Streams of one seed never meet. */
static inline RandomKey random_key(uint64_t seed, uint32_t stream, uint64_t call) {
  return (RandomKey){{(uint32_t)seed, (uint32_t)(seed >> 32) ^ stream}, call};
}

enum { PHILOX_ROUNDS = 10 };
#define PHILOX_M0 0xd2511f53u
#define PHILOX_M1 0xcd9e8d57u
#define PHILOX_W0 0x9e3779b9u
#define PHILOX_W1 0xbb67ae85u

/* One block. */
static inline void random_block(const RandomKey *k, uint64_t block, uint32_t word[4]) {
  uint32_t c0 = (uint32_t)block, c1 = (uint32_t)(block >> 32), a = k->key[0];
  uint32_t c2 = (uint32_t)k->call, c3 = (uint32_t)(k->call >> 32), b = k->key[1];
  for (int r = 0; r < PHILOX_ROUNDS; r++, a += PHILOX_W0, b += PHILOX_W1) {
    uint64_t p = (uint64_t)PHILOX_M0 * c0, q = (uint64_t)PHILOX_M1 * c2;
    c0 = (uint32_t)(q >> 32) ^ c1 ^ a;
    c1 = (uint32_t)q;
    c2 = (uint32_t)(p >> 32) ^ c3 ^ b;
    c3 = (uint32_t)p;
  }
  word[0] = c0, word[1] = c1, word[2] = c2, word[3] = c3;
}

/* Each fills y[0..n-1] with elements first..first+n-1. */
typedef struct RandomKernels {
  void (*bits)(const RandomKey *k, int64_t first, int64_t n, uint32_t *y);
  /* in [low, high), in steps of 2^-24 (2^-53) of the width */
  void (*uniform_f32)(const RandomKey *k, int64_t first, int64_t n, double low, double high,
                      float *y);
  void (*uniform_f64)(const RandomKey *k, int64_t first, int64_t n, double low, double high,
                      double *y);
  /* mean + sd z, by Box & Muller (1958) on pairs; |z| < 6.7 in float, 8.6 in double */
  void (*normal_f32)(const RandomKey *k, int64_t first, int64_t n, double mean, double sd,
                     float *y);
  void (*normal_f64)(const RandomKey *k, int64_t first, int64_t n, double mean, double sd,
                     double *y);
  /* 1 with probability p, to 2^-32, else 0 */
  void (*bernoulli)(const RandomKey *k, int64_t first, int64_t n, double p, uint8_t *y);
  /* low + 0..range-1, from 64 bits: the bias is below range / 2^64; range 0 means all of 2^64 */
  void (*integers)(const RandomKey *k, int64_t first, int64_t n, int64_t low, uint64_t range,
                   int64_t *y);
  /* y = mask ? scale x : 0; y may be x */
  void (*keep_f32)(int64_t n, const uint8_t *mask, const float *x, float *y, double scale);
  void (*keep_f64)(int64_t n, const uint8_t *mask, const double *x, double *y, double scale);
} RandomKernels;

SIMD_FAMILY(RandomKernels, random_kernels);

#endif
