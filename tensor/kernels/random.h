/* Random words (Philox4x32-10, see ../random.h) and the numbers made of them. Every number follows
   from its own words alone, so runs may be cut anywhere between blocks. */
#ifndef LUNETTE_KERNELS_RANDOM_H
#define LUNETTE_KERNELS_RANDOM_H

#include "../random.h"
#include "../simd.h"

typedef struct RandomKernels {
  /* Blocks first, first+1, ...: four words each, to out. */
  void (*words)(const RngDraw *draw, uint64_t first, int64_t blocks, uint32_t *out);
  /* Uniform in [lo, lo + width): one word each (24 bits of it), two for float64 (53 bits). */
  void (*uniform_f32)(int64_t n, const uint32_t *w, float *y, double lo, double width);
  void (*uniform_f64)(int64_t n, const uint32_t *w, double *y, double lo, double width);
  /* Normal, by pairs (Box & Muller 1958): n is even; one word each, two for float64. */
  void (*normal_f32)(int64_t n, const uint32_t *w, float *y, double mean, double std);
  void (*normal_f64)(int64_t n, const uint32_t *w, double *y, double mean, double std);
  /* y = 1 where the word is less than limit, which may be 2^32. */
  void (*below)(int64_t n, const uint32_t *w, uint8_t *y, uint64_t limit);
} RandomKernels;
SIMD_FAMILY(RandomKernels, random_kernels);

#endif
