/* Distances of vectors: LANES of b are turned round at a time, so that a lane of a vector is a pair. */
#include "distance.h"

#include "math/vmath.h"

#include <math.h>
#include <string.h>

enum { LANES = 16, DEPTH = 128 }; /* vectors of b side by side; their places at a time */

/* p as it is computed. */
typedef enum Norm { COUNT, ONE, TWO, MOST, POWER } Norm;

static Norm norm_of(double p) {
  return p == 0 ? COUNT : p == 1 ? ONE : p == 2 ? TWO : isinf(p) ? MOST : POWER;
}

#define INLINE static inline __attribute__((always_inline))

/* x^p for x from 0, p not 0; at 0 it is 0. */
INLINE float raised_float(float x, float p) {
  double w = (double)p * log2_wide((double)x);
  w = w > 200.0 ? 200.0 : w;
  w = w < -200.0 ? -200.0 : w;
  float r = (float)exp2_wide(w), far = p > 0 ? INFINITY : 0;
  r = x == INFINITY ? far : r;
  r = x == 0 ? 0 : r;
  return x != x ? x : r;
}

INLINE double raised_double(double x, double p) { return x == 0 ? 0 : pow(x, p); }

typedef float lanes_float __attribute__((vector_size(LANES * 4)));
typedef double lanes_double __attribute__((vector_size(LANES * 8)));
typedef int32_t bits_float __attribute__((vector_size(LANES * 4)));
typedef int64_t bits_double __attribute__((vector_size(LANES * 8)));

enum { FOUR = 4 }; /* vectors of a at a time */

/* Adds the places of FOUR of a, `step` apart, to the sums of LANES pairs; b: [m, LANES]. powers_
   does one of a for any p, with room for [m, LANES] sizes. */
#define PAIRS(T, sign)                                                                             \
  INLINE void pairs_##T(Norm norm, int64_t m, const T *a, int64_t step, const T *b,                \
                        lanes_##T sum[FOUR]) {                                                     \
    for (int64_t k = 0; k < m; k++) {                                                              \
      lanes_##T other;                                                                             \
      memcpy(&other, b + k * LANES, sizeof other);                                                 \
      _Pragma("GCC unroll 4") for (int i = 0; i < FOUR; i++) {                                     \
        lanes_##T d = a[i * step + k] - other, size = (lanes_##T)((bits_##T)d & ~(sign));          \
        if (norm == COUNT) sum[i] += (lanes_##T)((d != 0) & (bits_##T)(d * 0 + 1));                \
        if (norm == ONE) sum[i] += size;                                                           \
        if (norm == TWO) sum[i] += d * d;                                                          \
        if (norm == MOST) {                                                                        \
          bits_##T more = (size > sum[i]) | (size != size);                                        \
          sum[i] = (lanes_##T)((more & (bits_##T)size) | (~more & (bits_##T)sum[i]));              \
        }                                                                                          \
      }                                                                                            \
    }                                                                                              \
  }                                                                                                \
  static void powers_##T(T p, int64_t m, const T *restrict a, const T *restrict b,                 \
                         T *restrict size, T *restrict y) {                                        \
    for (int64_t k = 0; k < m; k++)                                                                \
      for (int l = 0; l < LANES; l++) {                                                            \
        T d = a[k] - b[k * LANES + l];                                                             \
        size[k * LANES + l] = d < 0 ? -d : d;                                                      \
      }                                                                                            \
    for (int64_t x = 0; x < m * LANES; x++) size[x] = raised_##T(size[x], p);                      \
    for (int64_t k = 0; k < m; k++)                                                                \
      for (int l = 0; l < LANES; l++) y[l] += size[k * LANES + l];                                 \
  }

/* FOUR of a with LANES turned vectors of b: sums of the places of each pair. */
#define TILE(T)                                                                                    \
  static void four_##T(double p, int64_t m, const T *a, int64_t step, const T *b, T *sums) {       \
                                                                                                   \
    lanes_##T sum[FOUR];                                                                           \
    _Alignas(64) T size[DEPTH * LANES];                                                            \
    const Norm norm = norm_of(p);                                                                  \
    if (norm == POWER) {                                                                           \
      for (int64_t i = 0; i < FOUR; i++) {                                                         \
        powers_##T((T)p, m, a + i * step, b, size, sums + i * LANES);                              \
      }                                                                                            \
      return;                                                                                      \
    }                                                                                              \
    memcpy(sum, sums, sizeof sum);                                                                 \
    switch (norm) {                                                                                \
    case COUNT: pairs_##T(COUNT, m, a, step, b, sum); break;                                       \
    case ONE: pairs_##T(ONE, m, a, step, b, sum); break;                                           \
    case TWO: pairs_##T(TWO, m, a, step, b, sum); break;                                           \
    case MOST: pairs_##T(MOST, m, a, step, b, sum); break;                                         \
    case POWER: break;                                                                             \
    }                                                                                              \
    memcpy(sums, sum, sizeof sum);                                                                 \
  }                                                                                                \
                                                                                                   \
  /* Rows of a with LANES of b, of which n count. */                                               \
  static void tile_##T(double p, int64_t m, int64_t rows, const T *a, int64_t n, const T *b, T *y, \
                       int64_t stride) {                                                           \
    _Alignas(64) T turned[DEPTH * LANES], sums[FOUR * LANES], few[FOUR * DEPTH];                   \
    for (int64_t from = 0; from < m || from == 0; from += DEPTH) {                                 \
      int64_t depth = m - from < DEPTH ? m - from : DEPTH;                                         \
      for (int l = 0; l < LANES; l++)                                                              \
        for (int64_t k = 0; k < depth; k++) {                                                      \
          turned[k * LANES + l] = b[(l < n ? l : 0) * m + from + k];                               \
        }                                                                                          \
      for (int64_t i = 0; i < rows; i += FOUR) {                                                   \
        int64_t have = rows - i < FOUR ? rows - i : FOUR, step = m;                                \
        const T *x = a + i * m + from;                                                             \
        if (have < FOUR) { /* rows that are not there are the first */                             \
          for (int64_t r = 0; r < FOUR; r++)                                                       \
            for (int64_t k = 0; k < depth; k++)                                                    \
              few[r * DEPTH + k] = x[(r < have ? r : 0) * m + k];                                  \
          x = few, step = DEPTH;                                                                   \
        }                                                                                          \
        for (int64_t r = 0; r < FOUR; r++)                                                         \
          for (int l = 0; l < LANES; l++) {                                                        \
            sums[r * LANES + l] = from > 0 && r < have && l < n ? y[(i + r) * stride + l] : 0;     \
          }                                                                                        \
        four_##T(p, depth, x, step, turned, sums);                                                 \
        for (int64_t r = 0; r < have; r++) {                                                       \
          memcpy(y + (i + r) * stride, sums + r * LANES, (size_t)n * sizeof(T));                   \
        }                                                                                          \
      }                                                                                            \
    }                                                                                              \
  }

#define FORWARD(T)                                                                                 \
  static void forward_##T(double p, int64_t m, int64_t rows, const void *a, int64_t n,             \
                          const void *b, void *y, int64_t stride) {                                \
    const T power = (T)(1 / p);                                                                    \
    for (int64_t j = 0; j < n; j += LANES) {                                                       \
      int64_t count = n - j < LANES ? n - j : LANES;                                               \
      tile_##T(p, m, rows, a, count, (const T *)b + j * m, (T *)y + j, stride);                    \
    }                                                                                              \
    for (int64_t i = 0; i < rows; i++) {                                                           \
      T *out = (T *)y + i * stride;                                                                \
      if (norm_of(p) == TWO)                                                                       \
        for (int64_t j = 0; j < n; j++) out[j] = m_sqrt(out[j]);                                   \
      if (norm_of(p) == POWER)                                                                     \
        for (int64_t j = 0; j < n; j++) out[j] = raised_##T(out[j], power);                        \
    }                                                                                              \
  }

#define WEIGHTS(T)                                                                                 \
  static void weights_##T(double p, int64_t n, const void *g, const void *y, void *w) {            \
    const T *restrict gs = g, *restrict ys = y, power = (T)(p - 1);                                \
    T *restrict out = w;                                                                           \
    for (int64_t j = 0; j < n; j++) {                                                              \
      const T d = ys[j];                                                                           \
      const T by = p == 1 || isinf(p) ? 1 : p == 2 ? d : raised_##T(d, power);                     \
      out[j] = d == 0 || p == 0 ? 0 : gs[j] / by;                                                  \
    }                                                                                              \
  }

/* What one of b adds to the gradient at FOUR LANES places, or, by plain_, at m places. */
#define SLOPE(T, sign)                                                                             \
  INLINE void wide_##T(Norm norm, const T *a, const T *b, T w, T y, lanes_##T sum[FOUR]) {         \
    _Pragma("GCC unroll 4") for (int i = 0; i < FOUR; i++) {                                       \
      lanes_##T x, other;                                                                          \
      memcpy(&x, a + i * LANES, sizeof x);                                                         \
      memcpy(&other, b + i * LANES, sizeof other);                                                 \
      lanes_##T d = x - other, share = d * 0 + w;                                                  \
      bits_##T signed_share = (bits_##T)share ^ ((bits_##T)d & (sign));                            \
      lanes_##T size = (lanes_##T)((bits_##T)d & ~(sign));                                         \
      if (norm == ONE) sum[i] += (lanes_##T)(signed_share & (d != 0));                             \
      if (norm == TWO) sum[i] += d * w;                                                            \
      if (norm == MOST) sum[i] += (lanes_##T)(signed_share & (d != 0) & (size == y));              \
    }                                                                                              \
  }                                                                                                \
  static void plain_##T(double p, int64_t m, const T *restrict a, const T *restrict b, T w, T y,   \
                        T *restrict ga) {                                                          \
    const Norm norm = norm_of(p);                                                                  \
    const T power = (T)(p - 1);                                                                    \
    for (int64_t k = 0; k < m && norm == POWER; k++) {                                             \
      T d = a[k] - b[k], size = d < 0 ? -d : d, side = (T)((d > 0) - (d < 0));                     \
      ga[k] += w * side * raised_##T(size, power);                                                 \
    }                                                                                              \
    for (int64_t k = 0; k < m && norm != POWER && norm != COUNT; k++) {                            \
      T d = a[k] - b[k], size = d < 0 ? -d : d, side = (T)((d > 0) - (d < 0));                     \
      ga[k] += norm == MOST && size != y ? 0 : w * side * (norm == TWO ? size : 1);                \
    }                                                                                              \
  }                                                                                                \
  INLINE void sum_##T(Norm norm, int64_t m, const T *a, int64_t n, const T *b, const T *w,         \
                      const T *y, T *ga) {                                                         \
    lanes_##T sum[FOUR] = {{0}};                                                                   \
    for (int64_t j = 0; j < n; j++) wide_##T(norm, a, b + j * m, w[j], y[j], sum);                 \
    memcpy(ga, sum, sizeof sum);                                                                   \
  }                                                                                                \
  static void back_##T(double p, int64_t m, const void *a, int64_t n, const void *b,               \
                       const void *w, const void *y, void *ga) {                                   \
    const T *x = a, *other = b;                                                                    \
    T *out = ga;                                                                                   \
    int64_t k = 0;                                                                                 \
    for (; norm_of(p) != POWER && k + FOUR * LANES <= m; k += FOUR * LANES) {                      \
      switch (norm_of(p)) {                                                                        \
      case ONE: sum_##T(ONE, m, x + k, n, other + k, w, y, out + k); break;                        \
      case TWO: sum_##T(TWO, m, x + k, n, other + k, w, y, out + k); break;                        \
      case MOST: sum_##T(MOST, m, x + k, n, other + k, w, y, out + k); break;                      \
      default: sum_##T(COUNT, m, x + k, n, other + k, w, y, out + k); break;                       \
      }                                                                                            \
    }                                                                                              \
    for (int64_t i = k; i < m; i++) out[i] = 0;                                                    \
    for (int64_t j = 0; j < n && k < m; j++) {                                                     \
      plain_##T(p, m - k, x + k, other + j * m + k, ((const T *)w)[j], ((const T *)y)[j],          \
                out + k);                                                                          \
    }                                                                                              \
  }

#define KERNELS(T, sign)                                                                           \
  PAIRS(T, sign)                                                                                   \
  TILE(T)                                                                                          \
  FORWARD(T)                                                                                       \
  WEIGHTS(T)                                                                                       \
  SLOPE(T, sign)                                                                                   \
  static const DistanceOps ops_##T = {forward_##T, weights_##T, back_##T};
KERNELS(float, INT32_MIN)
KERNELS(double, INT64_MIN)

const DistanceKernels AT_LEVEL(distance_kernels) = {{&ops_float, &ops_double}};
