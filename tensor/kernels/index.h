/* Loops of the index family that are worth vector instructions. */
#ifndef LUNETTE_KERNELS_INDEX_H
#define LUNETTE_KERNELS_INDEX_H

#include "../loop/iter.h"
#include "../machine/simd.h"

typedef struct IndexLoops {
  /* y[i] += alpha v[i] */
  void (*add_f32)(int64_t n, float *y, const float *v, float alpha);
  void (*add_f64)(int64_t n, double *y, const double *v, double alpha);
  /* Are all of p[0..n-1] in 1..size? */
  bool (*within)(int64_t n, const int64_t *p, int64_t size);
  /* y = x[0] has a bit set ? x[1] : x[2], for elements of 1, 2, 4 and 8 bytes: at log2(bytes) */
  IterLoop where[4];
  /* The same with a mask of bytes; a and b step by 0 or 1. */
  void (*choose[4])(int64_t n, void *y, const uint8_t *mask, const void *a, int64_t a_step,
                    const void *b, int64_t b_step);
} IndexLoops;
SIMD_FAMILY(IndexLoops, index_loops);

#endif
