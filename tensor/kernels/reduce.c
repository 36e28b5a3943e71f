/* Folds of rows and columns; see reduce.h. */
#include "reduce.h"

#include "lanes.h"
#include "math/vmath.h"

/* ---- sums and their like ---------------------------------------------------------------------- */

/* The two shapes of a fold of lanes.h. */
#define SUMS(name, T, M, A, start, join_M, join_A, term)                                           \
  LANE_FOLD(name, T, M, A, start, join_M, join_A, term)                                            \
  static void name##_rows(int64_t rows, int64_t n, int64_t at, const void *x, void *acc) {         \
    (void)at;                                                                                      \
    for (int64_t k = 0; k < rows; k++) ((A *)acc)[k] = name(n, (const T *)x + k * n, NULL, 0);     \
  }                                                                                                \
  static void name##_cols(int64_t width, int64_t n, int64_t stride, int64_t at, const void *x,     \
                          void *acc) {                                                             \
    (void)at;                                                                                      \
    const T *p = x;                                                                                \
    A *restrict a = acc;                                                                           \
    int64_t r = 0;                                                                                 \
    for (int64_t i = 0; i < width; i++) a[i] = start;                                              \
    for (; r + 8 <= n; r += 8, p += 8 * stride) {                                                  \
      for (int64_t i = 0; i < width; i++) a[i] = join_A(a[i], (A)name##_8(p, NULL, 0, i, stride)); \
    }                                                                                              \
    for (; r < n; r++, p += stride) {                                                              \
      for (int64_t i = 0; i < width; i++) a[i] = join_A(a[i], (A)name##_at(p, NULL, 0, i));        \
    }                                                                                              \
  }
#define WHOLE_SUMS(name, T, M, term) SUMS(name, T, M, uint64_t, 0, add_##M, add_uint64_t, term)

#define add_uint64_t add_u64
#define add_uint16_t add_u16

SUMS(sum_f32, float, float, double, 0, add_f32, add_f64, x[i])
SUMS(sum_f64, double, double, double, 0, add_f64, add_f64, x[i])
WHOLE_SUMS(sum_i64, int64_t, uint64_t, (uint64_t)x[i])
WHOLE_SUMS(sum_i32, int32_t, uint64_t, (uint64_t)x[i])
WHOLE_SUMS(sum_u8, uint8_t, uint16_t, x[i])

/* Of what is not NaN. */
SUMS(numbers_f32, float, float, double, 0, add_f32, add_f64, x[i] == x[i] ? x[i] : 0)
SUMS(numbers_f64, double, double, double, 0, add_f64, add_f64, x[i] == x[i] ? x[i] : 0)

SUMS(prod_f32, float, double, double, 1, mul_f64, mul_f64, (double)x[i])
SUMS(prod_f64, double, double, double, 1, mul_f64, mul_f64, x[i])
SUMS(prod_i64, int64_t, uint64_t, uint64_t, 1, mul_u64, mul_u64, (uint64_t)x[i])
SUMS(prod_i32, int32_t, uint64_t, uint64_t, 1, mul_u64, mul_u64, (uint64_t)x[i])
SUMS(prod_u8, uint8_t, uint64_t, uint64_t, 1, mul_u64, mul_u64, x[i])

SUMS(abs_f32, float, float, double, 0, add_f32, add_f64, fabsf(x[i]))
SUMS(abs_f64, double, double, double, 0, add_f64, add_f64, fabs(x[i]))
SUMS(squares_f32, float, double, double, 0, add_f64, add_f64, (double)x[i] * (double)x[i])
SUMS(squares_f64, double, double, double, 0, add_f64, add_f64, x[i] * x[i])

WHOLE_SUMS(nonzero_f32, float, uint16_t, x[i] != 0)
WHOLE_SUMS(nonzero_f64, double, uint16_t, x[i] != 0)
WHOLE_SUMS(nonzero_i64, int64_t, uint16_t, x[i] != 0)
WHOLE_SUMS(nonzero_i32, int32_t, uint16_t, x[i] != 0)
WHOLE_SUMS(nonzero_u8, uint8_t, uint16_t, x[i] != 0)

/* ---- extremes --------------------------------------------------------------------------------- */

enum { BEST_SHORT = 32, BEST_CHUNK = 512, BEST_TILE = 256, END_BLOCK = 2048 };

/* The bits of |x| as an integer keep the order of |x|, with NaN on top. */
LANE_FN int32_t magnitude_f32(float x) { return (int32_t)(f32_bits(x) & 0x7fffffffu); }
LANE_FN int64_t magnitude_f64(double x) {
  int64_t u;
  memcpy(&u, &x, sizeof u);
  return u & INT64_MAX;
}
LANE_FN double join_maxabs(double a, double b) {
  return magnitude_f64(b) > magnitude_f64(a) ? b : a;
}
LANE_FN float join_maxabs_f32(float a, float b) {
  return magnitude_f32(b) > magnitude_f32(a) ? b : a;
}
/* The larger, the smaller, and a NaN before both; a choice of bits, because a choice of floats by two
   comparisons becomes a branch. */
LANE_FN float chosen_f32(uint32_t first, float a, float b) {
  return f32_of((f32_bits(a) & -first) | (f32_bits(b) & ~-first));
}
LANE_FN double chosen_f64(uint64_t first, double a, double b) {
  uint64_t u, v;
  memcpy(&u, &a, sizeof u);
  memcpy(&v, &b, sizeof v);
  u = (u & -first) | (v & ~-first);
  memcpy(&a, &u, sizeof a);
  return a;
}
LANE_FN float larger_f32(float a, float b) { return chosen_f32((b <= a) | (a != a), a, b); }
LANE_FN float smaller_f32(float a, float b) { return chosen_f32((b >= a) | (a != a), a, b); }
LANE_FN double larger_f64(double a, double b) { return chosen_f64((b <= a) | (a != a), a, b); }
LANE_FN double smaller_f64(double a, double b) { return chosen_f64((b >= a) | (a != a), a, b); }
SUMS(maxabs_f32, float, float, double, 0, join_maxabs_f32, join_maxabs, fabsf(x[i]))
SUMS(maxabs_f64, double, double, double, 0, join_maxabs, join_maxabs, fabs(x[i]))

LANE_FOLD(plain_f32, float, float, float, 0, add_f32, add_f32, x[i])
LANE_FOLD(plain_f64, double, double, double, 0, add_f64, add_f64, x[i])

/* Defines the search for the first x[i] of which `test` (of x[i] and c) holds; -1 for none. */
#define FIND(name, T, test)                                                                        \
  static int64_t name(int64_t n, const T *x, T c) {                                                \
    (void)c;                                                                                       \
    for (int64_t k = 0; k < n; k += 64) {                                                          \
      int64_t end = k + 64 < n ? k + 64 : n;                                                       \
      unsigned found = 0;                                                                          \
      for (int64_t i = k; i < end; i++) found |= test;                                             \
      for (int64_t i = k; found && i < end; i++) {                                                 \
        if (test) return i;                                                                        \
      }                                                                                            \
    }                                                                                              \
    return -1;                                                                                     \
  }

FIND(find_f32, float, x[i] == c)
FIND(find_f64, double, x[i] == c)
FIND(find_i64, int64_t, x[i] == c)
FIND(find_i32, int32_t, x[i] == c)
FIND(find_u8, uint8_t, x[i] == c)
FIND(nan_f32, float, x[i] != x[i])
FIND(nan_f64, double, x[i] != x[i])

/* Where the first NaN of x is, or -1. A sum without NaN has no NaN among its terms. */
static int64_t first_nan_f32(int64_t n, const float *x) {
  float s = plain_f32(n, x, NULL, 0);
  return s != s ? nan_f32(n, x, 0) : -1;
}
static int64_t first_nan_f64(int64_t n, const double *x) {
  double s = plain_f64(n, x, NULL, 0);
  return s != s ? nan_f64(n, x, 0) : -1;
}
#define NO_NAN(n, x) (-1)

/* A: the accumulator's type; the fold itself stays in T. join passes over a NaN, which a row is
   searched for block by block; keep holds it. */
#define ENDS(name, T, A, start, join, keep, first_nan)                                             \
  LANE_FOLD(name, T, T, T, start, join, join, x[i])                                                \
  static T name##_row(int64_t n, const T *x) {                                                     \
    T end = start;                                                                                 \
    for (int64_t k = 0; k < n; k += END_BLOCK) {                                                   \
      int64_t m = n - k < END_BLOCK ? n - k : END_BLOCK, nan = first_nan(m, x + k);                \
      if (nan >= 0) return x[k + nan];                                                             \
      end = join(end, name(m, x + k, NULL, 0));                                                    \
    }                                                                                              \
    return end;                                                                                    \
  }                                                                                                \
  static void name##_rows(int64_t rows, int64_t n, int64_t at, const void *x, void *acc) {         \
    (void)at;                                                                                      \
    const T *p = x;                                                                                \
    for (int64_t k = 0; n > 0 && n <= LANES && k < rows; k += BEST_SHORT, p += BEST_SHORT * n) {   \
      int64_t m = rows - k < BEST_SHORT ? rows - k : BEST_SHORT; /* side by side */                \
      T end[BEST_SHORT];                                                                           \
      for (int64_t r = 0; r < m; r++) end[r] = p[r * n];                                           \
      for (int64_t i = 1; i < n; i++) {                                                            \
        for (int64_t r = 0; r < m; r++) end[r] = keep(end[r], p[r * n + i]);                       \
      }                                                                                            \
      for (int64_t r = 0; r < m; r++) ((A *)acc)[k + r] = end[r];                                  \
    }                                                                                              \
    if (n > 0 && n <= LANES) return;                                                               \
    for (int64_t k = 0; k < rows; k++, p += n) ((A *)acc)[k] = name##_row(n, p);                   \
  }                                                                                                \
  static void name##_cols(int64_t width, int64_t n, int64_t stride, int64_t at, const void *x,     \
                          void *acc) {                                                             \
    T end[BEST_TILE];                                                                              \
    (void)at;                                                                                      \
    for (int64_t k = 0; k < width; k += BEST_TILE) {                                               \
      int64_t w = width - k < BEST_TILE ? width - k : BEST_TILE, r = 0;                            \
      const T *p = (const T *)x + k;                                                               \
      for (int64_t i = 0; i < w; i++) end[i] = start;                                              \
      for (; r + 4 <= n; r += 4, p += 4 * stride) {                                                \
        for (int64_t i = 0; i < w; i++) {                                                          \
          T u = keep(keep(p[i], p[i + stride]), keep(p[i + 2 * stride], p[i + 3 * stride]));       \
          end[i] = keep(end[i], u);                                                                \
        }                                                                                          \
      }                                                                                            \
      for (; r < n; r++, p += stride) {                                                            \
        for (int64_t i = 0; i < w; i++) end[i] = keep(end[i], p[i]);                               \
      }                                                                                            \
      for (int64_t i = 0; i < w; i++) ((A *)acc)[k + i] = end[i];                                  \
    }                                                                                              \
  }
ENDS(tops_f32, float, double, -INFINITY, max_f32, larger_f32, first_nan_f32)
ENDS(tops_f64, double, double, -INFINITY, max_f64, larger_f64, first_nan_f64)
ENDS(tops_i64, int64_t, int64_t, INT64_MIN, max_i64, max_i64, NO_NAN)
ENDS(tops_i32, int32_t, int64_t, INT32_MIN, max_i32, max_i32, NO_NAN)
ENDS(tops_u8, uint8_t, int64_t, 0, max_u8, max_u8, NO_NAN)
ENDS(bottoms_f32, float, double, INFINITY, min_f32, smaller_f32, first_nan_f32)
ENDS(bottoms_f64, double, double, INFINITY, min_f64, smaller_f64, first_nan_f64)
ENDS(bottoms_i64, int64_t, int64_t, INT64_MAX, min_i64, min_i64, NO_NAN)
ENDS(bottoms_i32, int32_t, int64_t, INT32_MAX, min_i32, min_i32, NO_NAN)
ENDS(bottoms_u8, uint8_t, int64_t, 255, min_u8, min_u8, NO_NAN)

/* Rows: the chunk with the best value first, then the place in it. Columns: a tile of bests and
   places. beats: > or <; type: suffix of T's functions; P: integer as wide as T, for places. */
#define EXTREMES(name, type, T, P, B, beats, start, join, first_nan)                               \
  LANE_FOLD(name##_value, T, T, T, start, join, join, x[i])                                        \
  static B name##_row(int64_t n, int64_t at, const T *x) {                                         \
    int64_t place = 0;                                                                             \
    T best = x[0];                                                                                 \
    for (int64_t i = 1; n <= BEST_SHORT && i < n; i++) {                                           \
      int take = ((x[i] beats best) | (x[i] != x[i])) & (best == best);                            \
      best = take ? x[i] : best;                                                                   \
      place = take ? i : place;                                                                    \
    }                                                                                              \
    if (n <= BEST_SHORT) return (B){best, at + place};                                             \
    for (int64_t k = 0; k < n; k += BEST_CHUNK) {                                                  \
      int64_t m = n - k < BEST_CHUNK ? n - k : BEST_CHUNK, bad = first_nan(m, x + k);              \
      if (bad >= 0) return (B){x[k + bad], at + k + bad};                                          \
      T v = name##_value(m, x + k, NULL, 0);                                                       \
      if (v beats best) best = v, place = k;                                                       \
    }                                                                                              \
    int64_t m = n - place < BEST_CHUNK ? n - place : BEST_CHUNK;                                   \
    place += find_##type(m, x + place, best);                                                      \
    return (B){x[place], at + place};                                                              \
  }                                                                                                \
  static void name##_rows(int64_t rows, int64_t n, int64_t at, const void *x, void *acc) {         \
    for (int64_t k = 0; k < rows; k++) ((B *)acc)[k] = name##_row(n, at, (const T *)x + k * n);    \
  }                                                                                                \
  static void name##_tile(int64_t width, int64_t n, int64_t stride, int64_t at, const T *x,        \
                          B *acc) {                                                                \
    T best[BEST_TILE];                                                                             \
    P place[BEST_TILE];                                                                            \
    for (int64_t i = 0; i < width; i++) best[i] = x[i], place[i] = 0;                              \
    for (int64_t r = 1; r < n; r++) {                                                              \
      for (int64_t i = 0; i < width; i++) {                                                        \
        T v = x[r * stride + i], b = best[i];                                                      \
        int take = ((v beats b) | (v != v)) & (b == b);                                            \
        best[i] = take ? v : b;                                                                    \
        place[i] = take ? (P)r : place[i];                                                         \
      }                                                                                            \
    }                                                                                              \
    for (int64_t i = 0; i < width; i++) acc[i] = (B){best[i], at + (int64_t)place[i]};             \
  }                                                                                                \
  static void name##_cols(int64_t width, int64_t n, int64_t stride, int64_t at, const void *x,     \
                          void *acc) {                                                             \
    for (int64_t i = 0; i < width; i += BEST_TILE) {                                               \
      int64_t w = width - i < BEST_TILE ? width - i : BEST_TILE;                                   \
      name##_tile(w, n, stride, at, (const T *)x + i, (B *)acc + i);                               \
    }                                                                                              \
  }

EXTREMES(max_f32, f32, float, int32_t, ReduceBest, >, -INFINITY, max_f32, first_nan_f32)
EXTREMES(min_f32, f32, float, int32_t, ReduceBest, <, INFINITY, min_f32, first_nan_f32)
EXTREMES(max_f64, f64, double, int64_t, ReduceBest, >, -INFINITY, max_f64, first_nan_f64)
EXTREMES(min_f64, f64, double, int64_t, ReduceBest, <, INFINITY, min_f64, first_nan_f64)
EXTREMES(max_i64, i64, int64_t, int64_t, ReduceBestWhole, >, INT64_MIN, max_i64, NO_NAN)
EXTREMES(min_i64, i64, int64_t, int64_t, ReduceBestWhole, <, INT64_MAX, min_i64, NO_NAN)
EXTREMES(max_i32, i32, int32_t, int32_t, ReduceBestWhole, >, INT32_MIN, max_i32, NO_NAN)
EXTREMES(min_i32, i32, int32_t, int32_t, ReduceBestWhole, <, INT32_MAX, min_i32, NO_NAN)
EXTREMES(max_u8, u8, uint8_t, int32_t, ReduceBestWhole, >, 0, max_u8, NO_NAN)
EXTREMES(min_u8, u8, uint8_t, int32_t, ReduceBestWhole, <, 255, min_u8, NO_NAN)

/* ---- moments ---------------------------------------------------------------------------------- */

enum { MOMENT_TILE = 128 };

/* In two passes: the mean, then the squared distances from it, in double. */
#define MOMENTS(type, T)                                                                           \
  LANE_FOLD(spread_##type, T, double, double, 0, add_f64, add_f64,                                 \
            ((double)x[i] - c) * ((double)x[i] - c))                                               \
  static void moments_##type##_rows(int64_t rows, int64_t n, int64_t at, const void *x,            \
                                    void *acc) {                                                   \
    (void)at;                                                                                      \
    const T *p = x;                                                                                \
    for (int64_t k = 0; k < rows; k++, p += n) {                                                   \
      double mean = n ? sum_##type(n, p, NULL, 0) / (double)n : 0;                                 \
      ((ReduceMoments *)acc)[k] =                                                                  \
          (ReduceMoments){(double)n, mean, spread_##type(n, p, NULL, mean)};                       \
    }                                                                                              \
  }                                                                                                \
  static void moments_##type##_cols(int64_t width, int64_t n, int64_t stride, int64_t at,          \
                                    const void *x, void *acc) {                                    \
    double mean[MOMENT_TILE], m2[MOMENT_TILE];                                                     \
    for (int64_t t = 0; t < width; t += MOMENT_TILE) {                                             \
      const T *p = (const T *)x + t;                                                               \
      int64_t w = width - t < MOMENT_TILE ? width - t : MOMENT_TILE;                               \
      sum_##type##_cols(w, n, stride, at, p, mean);                                                \
      for (int64_t i = 0; i < w; i++) mean[i] /= (double)n, m2[i] = 0;                             \
      for (int64_t r = 0; r < n; r++, p += stride) {                                               \
        for (int64_t i = 0; i < w; i++) {                                                          \
          double d = (double)p[i] - mean[i];                                                       \
          m2[i] += d * d;                                                                          \
        }                                                                                          \
      }                                                                                            \
      ReduceMoments *a = (ReduceMoments *)acc + t;                                                 \
      for (int64_t i = 0; i < w; i++) a[i] = (ReduceMoments){(double)n, mean[i], m2[i]};           \
    }                                                                                              \
  }

MOMENTS(f32, float)
MOMENTS(f64, double)

/* ---- logs of sums of exponentials ------------------------------------------------------------- */

enum { EXP_RUN = 256 };

/* A NaN among the values makes both NaN. */
#define LOGSUM(type, T)                                                                            \
  LANE_FOLD(top_##type, T, T, T, -INFINITY, max_##type, max_##type, x[i])                          \
  static double exps_##type(int64_t n, const T *x, T c) {                                          \
    T e[EXP_RUN];                                                                                  \
    double sum = 0;                                                                                \
    for (int64_t k = 0; k < n; k += EXP_RUN) {                                                     \
      int64_t m = n - k < EXP_RUN ? n - k : EXP_RUN;                                               \
      for (int64_t i = 0; i < m; i++) e[i] = m_exp(x[k + i] - c);                                  \
      sum += sum_##type(m, e, NULL, 0);                                                            \
    }                                                                                              \
    return sum;                                                                                    \
  }                                                                                                \
  static void logsum_##type##_rows(int64_t rows, int64_t n, int64_t at, const void *x,             \
                                   void *acc) {                                                    \
    (void)at;                                                                                      \
    const T *p = x;                                                                                \
    for (int64_t k = 0; k < rows; k++, p += n) {                                                   \
      T max = top_##type(n, p, NULL, 0), shift = isinf(max) ? 0 : max;                             \
      double sum = exps_##type(n, p, shift);                                                       \
      ((ReduceLogSum *)acc)[k] = (ReduceLogSum){sum != sum ? sum : max, sum};                      \
    }                                                                                              \
  }                                                                                                \
  static void logsum_##type##_cols(int64_t width, int64_t n, int64_t stride, int64_t at,           \
                                   const void *x, void *acc) {                                     \
    (void)at;                                                                                      \
    T max[MOMENT_TILE];                                                                            \
    double sum[MOMENT_TILE];                                                                       \
    for (int64_t t = 0; t < width; t += MOMENT_TILE) {                                             \
      const T *p = (const T *)x + t;                                                               \
      int64_t w = width - t < MOMENT_TILE ? width - t : MOMENT_TILE;                               \
      for (int64_t i = 0; i < w; i++) max[i] = -INFINITY, sum[i] = 0;                              \
      for (int64_t r = 0; r < n; r++) {                                                            \
        for (int64_t i = 0; i < w; i++) max[i] = max_##type(max[i], p[r * stride + i]);            \
      }                                                                                            \
      for (int64_t r = 0; r < n; r++) {                                                            \
        for (int64_t i = 0; i < w; i++) {                                                          \
          T shift = fabs((double)max[i]) < INFINITY ? max[i] : 0;                                  \
          sum[i] += (double)m_exp(p[r * stride + i] - shift);                                      \
        }                                                                                          \
      }                                                                                            \
      ReduceLogSum *a = (ReduceLogSum *)acc + t;                                                   \
      for (int64_t i = 0; i < w; i++)                                                              \
        a[i] = (ReduceLogSum){sum[i] != sum[i] ? sum[i] : max[i], sum[i]};                         \
    }                                                                                              \
  }

LOGSUM(f32, float)
LOGSUM(f64, double)

/* ---- the table -------------------------------------------------------------------------------- */

#define PAIR(name, type)                                                                           \
  { name##_##type##_rows, name##_##type##_cols }
#define FLOATS(name) [T_F32] = PAIR(name, f32), [T_F64] = PAIR(name, f64)
#define ALL(name)                                                                                  \
  FLOATS(name), [T_I64] = PAIR(name, i64), [T_I32] = PAIR(name, i32), [T_U8] = PAIR(name, u8),     \
                [T_BOOL] = PAIR(name, u8)

const ReduceKernels AT_LEVEL(reduce_kernels) = {{
    [REDUCE_SUM] = {ALL(sum)},
    [REDUCE_NUMBERS] = {FLOATS(numbers)},
    [REDUCE_PROD] = {ALL(prod)},
    [REDUCE_ABS] = {FLOATS(abs)},
    [REDUCE_SQUARES] = {FLOATS(squares)},
    [REDUCE_NONZERO] = {ALL(nonzero)},
    [REDUCE_MAX] = {ALL(max)},
    [REDUCE_MIN] = {ALL(min)},
    [REDUCE_TOP] = {ALL(tops)},
    [REDUCE_BOTTOM] = {ALL(bottoms)},
    [REDUCE_MAXABS] = {FLOATS(maxabs)},
    [REDUCE_MOMENTS] = {FLOATS(moments)},
    [REDUCE_LOGSUM] = {FLOATS(logsum)},
}};
