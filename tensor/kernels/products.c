/* Products of small matrices: b is packed into rows of 4, 8 or 16 columns, a row of the result is
   one vector. */
#include "products.h"

#include <stdbool.h>
#include <string.h>

#define INLINE static inline __attribute__((always_inline))

typedef float f32x4 __attribute__((vector_size(16)));
typedef float f32x8 __attribute__((vector_size(32)));
typedef float f32x16 __attribute__((vector_size(64)));
typedef double f64x4 __attribute__((vector_size(32)));
typedef double f64x8 __attribute__((vector_size(64)));
typedef double f64x16 __attribute__((vector_size(128)));

/* One row of c, of n columns, for rows of b that are whole vectors. */
#define ROW(name, T, V)                                                                            \
  INLINE void name(int64_t n, int64_t k, const T *a, int64_t ca, const T *b, T *c) {               \
    V sum = {0}, row;                                                                              \
    for (int64_t l = 0; l < k; l++) {                                                              \
      memcpy(&row, b + l * (int64_t)(sizeof row / sizeof *b), sizeof row);                         \
      sum += a[l * ca] * row;                                                                      \
    }                                                                                              \
    memcpy(c, &sum, (size_t)n * sizeof *c);                                                        \
  }
ROW(row4_f32, float, f32x4)
ROW(row8_f32, float, f32x8)
ROW(row16_f32, float, f32x16)
ROW(row4_f64, double, f64x4)
ROW(row8_f64, double, f64x8)
ROW(row16_f64, double, f64x16)

#define PACK(name, T)                                                                              \
  INLINE void name(int width, int64_t n, int64_t k, const T *b, int64_t rb, int64_t cb, T *to) {   \
    for (int64_t l = 0; l < k; l++) {                                                              \
      for (int64_t j = 0; j < n; j++) to[l * width + j] = b[l * rb + j * cb];                      \
      for (int64_t j = n; j < width; j++) to[l * width + j] = 0;                                   \
    }                                                                                              \
  }
PACK(pack_f32, float)
PACK(pack_f64, double)

/* Packing and the last loop over rows with n as a constant, so that rows are moved at once. */
#define EACH(row, pack, width, n)                                                                  \
  do {                                                                                             \
    const bool direct = n == width && cb == 1 && rb == width;                                      \
    if (!direct) pack(width, n, k, b, rb, cb, packed);                                             \
    for (int64_t i = 0; i < m; i++) row(n, k, a + i * ra, ca, direct ? b : packed, c + i * rc);    \
  } while (0)
#define PRODUCT(name, T, row4, row8, row16, pack)                                                  \
  static void name(int64_t m, int64_t n, int64_t k, const T *a, int64_t ra, int64_t ca,            \
                   const T *b, int64_t rb, int64_t cb, T *c, int64_t rc) {                         \
    T packed[PRODUCT_WIDTH * PRODUCT_DEPTH];                                                       \
    switch (n) {                                                                                   \
    case 1: EACH(row4, pack, 4, 1); break;                                                         \
    case 2: EACH(row4, pack, 4, 2); break;                                                         \
    case 3: EACH(row4, pack, 4, 3); break;                                                         \
    case 4: EACH(row4, pack, 4, 4); break;                                                         \
    case 8: EACH(row8, pack, 8, 8); break;                                                         \
    case 16: EACH(row16, pack, 16, 16); break;                                                     \
    default:                                                                                       \
      if (n < 8)                                                                                   \
        EACH(row8, pack, 8, n);                                                                    \
      else                                                                                         \
        EACH(row16, pack, 16, n);                                                                  \
    }                                                                                              \
  }
PRODUCT(product_f32, float, row4_f32, row8_f32, row16_f32, pack_f32)
PRODUCT(product_f64, double, row4_f64, row8_f64, row16_f64, pack_f64)

#if defined(__AVX512F__)
enum { MOST_F32 = 16, MOST_F64 = 8 };
#elif defined(__AVX__)
enum { MOST_F32 = 8, MOST_F64 = 4 };
#else
enum { MOST_F32 = 4, MOST_F64 = 0 };
#endif

const ProductLoops AT_LEVEL(product_loops) = {product_f32, product_f64, MOST_F32, MOST_F64};
