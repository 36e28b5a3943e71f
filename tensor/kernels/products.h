/* Products of small matrices, for which a call of BLAS costs more than the work. */
#ifndef LUNETTE_KERNELS_PRODUCTS_H
#define LUNETTE_KERNELS_PRODUCTS_H

#include <stdint.h>

#include "../machine/simd.h"

enum { PRODUCT_WIDTH = 16, PRODUCT_DEPTH = 32 }; /* most columns of b at any level, most rows */

/* c [m,n] = a [m,k] b [k,n], n <= most_f32 or most_f64, k <= PRODUCT_DEPTH. Element (i,l) of a is at
   a[i * ra + l * ca], (l,j) of b at b[l * rb + j * cb]; rows of c are rc apart. */
typedef struct ProductLoops {
  void (*f32)(int64_t m, int64_t n, int64_t k, const float *a, int64_t ra, int64_t ca,
              const float *b, int64_t rb, int64_t cb, float *c, int64_t rc);
  void (*f64)(int64_t m, int64_t n, int64_t k, const double *a, int64_t ra, int64_t ca,
              const double *b, int64_t rb, int64_t cb, double *c, int64_t rc);
  int most_f32, most_f64; /* columns that fit a vector of this level */
} ProductLoops;
SIMD_FAMILY(ProductLoops, product_loops);

#endif
