/* Running results; see scan.h. */
#include "scan.h"

#include <math.h>

#include "../tensor.h"

#define INLINE static inline __attribute__((always_inline))

/* LANES pieces of a long row are summed side by side; no power of two apart, or they would meet in one set
   of the cache. */
enum { LANES = SCAN_ROWS, PIECE = 544 };

/* Where row r of a tile begins. */
static int64_t row_at(const Scan *s, int64_t at, int64_t r) {
  return at + (s->back ? s->n - 1 - r : r) * s->inner;
}

/* acc: the running value, of type A, after the value v. Rows: eight at a time, so that they run side
   by side, or one alone. */
#define RUNNING(name, T, A, start, step)                                                           \
  static void name(const Scan *s, int64_t at, int64_t width) {                                     \
    A acc[SCAN_TILE];                                                                              \
    for (int64_t i = 0; i < width; i++) acc[i] = start;                                            \
    for (int64_t r = 0; r < s->n; r++) {                                                           \
      const T *x = (const T *)s->x + row_at(s, at, r);                                             \
      T *y = (T *)s->y + row_at(s, at, r);                                                         \
      for (int64_t i = 0; i < width; i++) {                                                        \
        A v = (A)x[i], a = acc[i];                                                                 \
        acc[i] = (step);                                                                           \
        y[i] = (T)acc[i];                                                                          \
      }                                                                                            \
    }                                                                                              \
  }                                                                                                \
  static void name##_rows(const Scan *s, int64_t at, int64_t rows) {                               \
    const T *x = (const T *)s->x + at;                                                             \
    T *y = (T *)s->y + at;                                                                         \
    int64_t n = s->n, k = s->back ? n - 1 : 0, next = s->back ? -1 : 1;                            \
    if (rows < LANES) {                                                                            \
      for (int64_t l = 0; l < rows; l++, x += n, y += n) {                                         \
        A a = start;                                                                               \
        for (int64_t r = 0, i = k; r < n; r++, i += next) {                                        \
          A v = (A)x[i];                                                                           \
          a = (step);                                                                              \
          y[i] = (T)a;                                                                             \
        }                                                                                          \
      }                                                                                            \
      return;                                                                                      \
    }                                                                                              \
    A acc[LANES];                                                                                  \
    for (int l = 0; l < LANES; l++) acc[l] = start;                                                \
    for (int64_t r = 0; r < n; r++, k += next) {                                                   \
      _Pragma("GCC unroll 8") for (int l = 0; l < LANES; l++) {                                    \
        A v = (A)x[l * n + k], a = acc[l];                                                         \
        acc[l] = (step);                                                                           \
        y[l * n + k] = (T)acc[l];                                                                  \
      }                                                                                            \
    }                                                                                              \
  }
RUNNING(sum_f32, float, double, 0, a + v)
RUNNING(sum_f64, double, double, 0, a + v)
RUNNING(sum_i64, int64_t, uint64_t, 0, a + v)
RUNNING(prod_f32, float, double, 1, a *v)
RUNNING(prod_f64, double, double, 1, a *v)
RUNNING(prod_i64, int64_t, uint64_t, 1, a *v)

/* log(exp(a) + exp(v)) */
static double log_add(double a, double v) {
  double low = a < v ? a : v, high = a < v ? v : a;
  if (a != a || v != v) return a + v;
  return isinf(high) || low == -INFINITY ? high : high + log1p(exp(low - high));
}
RUNNING(logsum_f32, float, double, -INFINITY, log_add(a, v))
RUNNING(logsum_f64, double, double, -INFINITY, log_add(a, v))

/* Sums of one long row: pieces of it are summed first, so that several can run side by side. i counts
   from the end that comes first. */
#define SUM_ROW(name, T, A)                                                                        \
  INLINE void name##_by(const Scan *s, int64_t at, int64_t next) {                                 \
    int64_t k = 0;                                                                                 \
    const T *x = (const T *)s->x + row_at(s, at, 0);                                               \
    T *y = (T *)s->y + row_at(s, at, 0);                                                           \
    A all = 0;                                                                                     \
    for (; k + LANES * PIECE <= s->n; k += LANES * PIECE) {                                        \
      A acc[LANES] = {0};                                                                          \
      for (int64_t i = k; i < k + PIECE; i++) {                                                    \
        for (int l = 0; l < LANES; l++) acc[l] += (A)x[next * (i + l * PIECE)];                    \
      }                                                                                            \
      for (int l = 0; l < LANES; l++) {                                                            \
        A piece = acc[l];                                                                          \
        acc[l] = all;                                                                              \
        all += piece;                                                                              \
      }                                                                                            \
      for (int64_t i = k; i < k + PIECE; i++) {                                                    \
        for (int l = 0; l < LANES; l++) {                                                          \
          acc[l] += (A)x[next * (i + l * PIECE)];                                                  \
          y[next * (i + l * PIECE)] = (T)acc[l];                                                   \
        }                                                                                          \
      }                                                                                            \
    }                                                                                              \
    for (; k < s->n; k++) {                                                                        \
      all += (A)x[next * k];                                                                       \
      y[next * k] = (T)all;                                                                        \
    }                                                                                              \
  }                                                                                                \
  static void name(const Scan *s, int64_t at, int64_t rows) {                                      \
    for (int64_t r = 0; r < rows; r++, at += s->n) {                                               \
      if (s->back)                                                                                 \
        name##_by(s, at, -1);                                                                      \
      else                                                                                         \
        name##_by(s, at, 1);                                                                       \
    }                                                                                              \
  }
SUM_ROW(sum_row_f32, float, double)
SUM_ROW(sum_row_f64, double, double)

/* The best value so far and the last place it stood at; NaN beats all. */
#define BEST(name, T)                                                                              \
  static void name(const Scan *s, int64_t at, int64_t width) {                                     \
    T best[SCAN_TILE];                                                                             \
    int64_t place[SCAN_TILE];                                                                      \
    for (int64_t r = 0; r < s->n; r++) {                                                           \
      int64_t row = row_at(s, at, r);                                                              \
      for (int64_t i = 0; i < width; i++) {                                                        \
        T v = ((const T *)s->x)[row + i], b = r ? best[i] : v;                                     \
        bool better = s->least ? v <= b : v >= b;                                                  \
        if (r == 0 || v != v || (b == b && better)) best[i] = v, place[i] = r;                     \
        ((T *)s->y)[row + i] = best[i];                                                            \
        s->indices[row + i] = place[i] + T_BASE;                                                   \
      }                                                                                            \
    }                                                                                              \
  }                                                                                                \
  static void name##_rows(const Scan *s, int64_t at, int64_t rows) {                               \
    for (int64_t l = 0; l < rows; l++, at += s->n) {                                               \
      const T *x = (const T *)s->x + at;                                                           \
      T best = x[0];                                                                               \
      int64_t place = 0;                                                                           \
      for (int64_t r = 0; r < s->n; r++) {                                                         \
        T v = x[r];                                                                                \
        bool better = (s->least ? v <= best : v >= best) & (best == best);                         \
        if (better || v != v) best = v, place = r;                                                 \
        ((T *)s->y)[at + r] = best;                                                                \
        s->indices[at + r] = place + T_BASE;                                                       \
      }                                                                                            \
    }                                                                                              \
  }
BEST(best_f32, float)
BEST(best_f64, double)
BEST(best_i64, int64_t)
BEST(best_i32, int32_t)
BEST(best_u8, uint8_t)

#define RECUR(name, T)                                                                             \
  static void name(const Scan *s, int64_t at, int64_t width) {                                     \
    double acc[SCAN_TILE];                                                                         \
    for (int64_t i = 0; i < width; i++) acc[i] = 0;                                                \
    for (int64_t r = 0; r < s->n; r++) {                                                           \
      int64_t row = row_at(s, at, r);                                                              \
      for (int64_t i = 0; i < width; i++) {                                                        \
        double before = r ? (double)((const T *)s->a)[row + i] * acc[i] : 0;                       \
        acc[i] = (double)((const T *)s->x)[row + i] + before;                                      \
        ((T *)s->y)[row + i] = (T)acc[i];                                                          \
      }                                                                                            \
    }                                                                                              \
  }                                                                                                \
  static void name##_rows(const Scan *s, int64_t at, int64_t rows) {                               \
    for (int64_t l = 0; l < rows; l++, at += s->n) {                                               \
      double acc = 0;                                                                              \
      for (int64_t r = 0; r < s->n; r++) {                                                         \
        int64_t i = row_at(s, at, r);                                                              \
        acc = (double)((const T *)s->x)[i] + (r ? (double)((const T *)s->a)[i] * acc : 0);         \
        ((T *)s->y)[i] = (T)acc;                                                                   \
      }                                                                                            \
    }                                                                                              \
  }
RECUR(recur_f32, float)
RECUR(recur_f64, double)

/* ---- the table ---------------------------------------------------------------------------------- */

#define LOOPS(name)                                                                                \
  { name, name##_rows, NULL }

const ScanKernels AT_LEVEL(scan_kernels) = {{
    [SCAN_SUM] = {{sum_f32, sum_f32_rows, sum_row_f32},
                  {sum_f64, sum_f64_rows, sum_row_f64},
                  LOOPS(sum_i64)},
    [SCAN_PROD] = {LOOPS(prod_f32), LOOPS(prod_f64), LOOPS(prod_i64)},
    [SCAN_LOGSUM] = {LOOPS(logsum_f32), LOOPS(logsum_f64)},
    [SCAN_BEST] = {LOOPS(best_f32), LOOPS(best_f64), LOOPS(best_i64), LOOPS(best_i32),
                   LOOPS(best_u8), LOOPS(best_u8)},
    [SCAN_RECUR] = {LOOPS(recur_f32), LOOPS(recur_f64)},
}};
