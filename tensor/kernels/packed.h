/* Products with a matrix that is packed once and used many times: the weights of a recurrent layer
   at each step. BLAS would pack them at every call, which for few rows is most of the work. */
#ifndef LUNETTE_KERNELS_PACKED_H
#define LUNETTE_KERNELS_PACKED_H

#include <stdbool.h>
#include <stdint.h>

#include "../machine/simd.h"

typedef struct PackedProduct {
  int width; /* of a panel: b [k,n] is kept as panels [k,width], the last one filled with zeros */
  /* Panels from..to-1 of b, whose element (l,j) is at b[l * rb + j * cb]. */
  void (*pack)(int64_t from, int64_t to, int64_t n, int64_t k, const float *b, int64_t rb,
               int64_t cb, float *packed);
  /* c [m,n] = a [m,k] b, or c + a b; rows are lda and ldc apart. */
  void (*product)(int64_t m, int64_t n, int64_t k, const float *a, int64_t lda, const float *packed,
                  bool add, float *c, int64_t ldc);
} PackedProduct;
SIMD_FAMILY(PackedProduct, packed_product);

#endif
