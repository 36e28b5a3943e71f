/* The ways of folding: sums, products, extremes, moments, norms. Floats gather in double, integers in
   int64. */
#include "folds.h"

#include <math.h>

#include "../cast.h"
#include "../kernels/vmath.h"

/* ---- one value per accumulator ----------------------------------------------------------------- */

/* rows and cols of a fold with an accumulator A that starts at `start`; step: the accumulator after
   value v, given a and arg. */
#define VALUES(name, type, T, A, start, step)                                                      \
  static void name##_rows_##type(int64_t rows, int64_t n, int64_t at, const void *x, void *acc,    \
                                 const FoldArg *arg) {                                             \
    (void)at, (void)arg;                                                                           \
    const T *p = x;                                                                                \
    for (int64_t k = 0; k < rows; k++, p += n) {                                                   \
      A a = start;                                                                                 \
      for (int64_t i = 0; i < n; i++) {                                                            \
        A v = (A)p[i];                                                                             \
        a = (step);                                                                                \
      }                                                                                            \
      ((A *)acc)[k] = a;                                                                           \
    }                                                                                              \
  }                                                                                                \
  static void name##_cols_##type(int64_t width, int64_t n, int64_t stride, int64_t at,             \
                                 const void *x, void *acc, const FoldArg *arg) {                   \
    (void)at, (void)arg;                                                                           \
    A *restrict o = acc;                                                                           \
    for (int64_t i = 0; i < width; i++) o[i] = start;                                              \
    for (int64_t r = 0; r < n; r++) {                                                              \
      const T *restrict p = (const T *)x + r * stride;                                             \
      for (int64_t i = 0; i < width; i++) {                                                        \
        A a = o[i], v = (A)p[i];                                                                   \
        o[i] = (step);                                                                             \
      }                                                                                            \
    }                                                                                              \
  }
/* join: a after b, the accumulator of later values. */
#define JOIN(name, suffix, A, join)                                                                \
  static void name##_join##suffix(int64_t width, void *acc, const void *more,                      \
                                  const FoldArg *arg) {                                            \
    (void)arg;                                                                                     \
    for (int64_t i = 0; i < width; i++) {                                                          \
      A a = ((A *)acc)[i], b = ((const A *)more)[i];                                               \
      ((A *)acc)[i] = (join);                                                                      \
    }                                                                                              \
  }
/* end: a result, as a double, from accumulator a. */
#define FINISH(name, end)                                                                          \
  static void name##_finish(int64_t width, void *acc, void *y, int64_t *indices,                   \
                            const FoldArg *arg) {                                                  \
    (void)indices, (void)arg;                                                                      \
    for (int64_t i = 0; i < width; i++) {                                                          \
      double a = ((double *)acc)[i];                                                               \
      ((double *)acc)[i] = (end);                                                                  \
    }                                                                                              \
    cast_run(width, acc, T_F64, 1, y, arg->out, 1);                                                \
  }

#define FLOATS(name, start, step, join)                                                            \
  VALUES(name, f32, float, double, start, step)                                                    \
  VALUES(name, f64, double, double, start, step)                                                   \
  JOIN(name, , double, join)
#define WIDER(a, v)    (v > a || v != v ? v : a)
#define NARROWER(a, v) (v < a || v != v ? v : a)

FLOATS(sum, 0, a + v, a + b)
FLOATS(prod, 1, a *v, a *b)
FLOATS(squares, 0, a + v * v, a + b)
FLOATS(abs, 0, a + fabs(v), a + b)
FLOATS(powers, 0, a + pow(fabs(v), arg->p), a + b)
FLOATS(maxabs, 0, WIDER(a, fabs(v)), WIDER(a, b))
FLOATS(minabs, INFINITY, NARROWER(a, fabs(v)), NARROWER(a, b))
FINISH(sum, arg->flag ? a / arg->count : a)
FINISH(prod, a)
FINISH(squares, sqrt(a))
FINISH(abs, a)
FINISH(powers, pow(a, 1 / arg->p))
FINISH(maxabs, a)
FINISH(minabs, a)

/* Sums and products of integers wrap around. */
VALUES(sum, i64, int64_t, uint64_t, 0, a + v)
VALUES(sum, i32, int32_t, uint64_t, 0, a + v)
VALUES(sum, u8, uint8_t, uint64_t, 0, a + v)
VALUES(prod, i64, int64_t, uint64_t, 1, a *v)
JOIN(sum, _whole, uint64_t, a + b)
JOIN(prod, _whole, uint64_t, a *b)

static void whole_finish(int64_t width, void *acc, void *y, int64_t *indices, const FoldArg *arg) {
  (void)indices;
  if (arg->flag) {
    for (int64_t i = 0; i < width; i++) {
      ((double *)acc)[i] = (double)((int64_t *)acc)[i] / arg->count;
    }
  }
  cast_run(width, acc, arg->flag ? T_F64 : T_I64, 1, y, arg->out, 1);
}

static void any_finish(int64_t width, void *acc, void *y, int64_t *indices, const FoldArg *arg) {
  (void)indices, (void)arg;
  for (int64_t i = 0; i < width; i++) ((uint8_t *)y)[i] = ((int64_t *)acc)[i] > 0;
}

static void all_finish(int64_t width, void *acc, void *y, int64_t *indices, const FoldArg *arg) {
  (void)indices;
  int64_t count = (int64_t)arg->count;
  for (int64_t i = 0; i < width; i++) ((uint8_t *)y)[i] = ((int64_t *)acc)[i] == count;
}

/* ---- extremes --------------------------------------------------------------------------------- */

typedef struct Best {
  double v;
  int64_t at; /* from 0 along the dimension */
} Best;
typedef struct BestWhole {
  int64_t v, at;
} BestWhole;

/* beats: does v win over the earlier a? */
#define EXTREME(name, type, T, B, beats)                                                           \
  static void name##_rows_##type(int64_t rows, int64_t n, int64_t at, const void *x, void *acc,    \
                                 const FoldArg *arg) {                                             \
    (void)arg;                                                                                     \
    const T *p = x;                                                                                \
    for (int64_t k = 0; k < rows; k++, p += n) {                                                   \
      T a = p[0];                                                                                  \
      int64_t best = 0;                                                                            \
      for (int64_t i = 1; i < n; i++) {                                                            \
        T v = p[i];                                                                                \
        if (beats) a = v, best = i;                                                                \
      }                                                                                            \
      ((B *)acc)[k] = (B){a, at + best};                                                           \
    }                                                                                              \
  }                                                                                                \
  static void name##_cols_##type(int64_t width, int64_t n, int64_t stride, int64_t at,             \
                                 const void *x, void *acc, const FoldArg *arg) {                   \
    (void)arg;                                                                                     \
    B *o = acc;                                                                                    \
    for (int64_t i = 0; i < width; i++) o[i] = (B){((const T *)x)[i], at};                         \
    for (int64_t r = 1; r < n; r++) {                                                              \
      const T *p = (const T *)x + r * stride;                                                      \
      for (int64_t i = 0; i < width; i++) {                                                        \
        T a = (T)o[i].v, v = p[i];                                                                 \
        if (beats) o[i] = (B){v, at + r};                                                          \
      }                                                                                            \
    }                                                                                              \
  }
#define BEST_JOIN(name, suffix, B, beats)                                                          \
  static void name##_join##suffix(int64_t width, void *acc, const void *more,                      \
                                  const FoldArg *arg) {                                            \
    (void)arg;                                                                                     \
    for (int64_t i = 0; i < width; i++) {                                                          \
      B *o = (B *)acc + i;                                                                         \
      const B *m = (const B *)more + i;                                                            \
      __typeof__(o->v) a = o->v, v = m->v;                                                         \
      if (beats) *o = *m;                                                                          \
    }                                                                                              \
  }
#define EXTREMES(name, beats, beats_float)                                                         \
  EXTREME(name, f32, float, Best, beats_float)                                                     \
  EXTREME(name, f64, double, Best, beats_float)                                                    \
  EXTREME(name, i64, int64_t, BestWhole, beats)                                                    \
  EXTREME(name, i32, int32_t, BestWhole, beats)                                                    \
  EXTREME(name, u8, uint8_t, BestWhole, beats)                                                     \
  BEST_JOIN(name, , Best, beats_float)                                                             \
  BEST_JOIN(name, _whole, BestWhole, beats)

EXTREMES(max, v > a, v > a || (v != v && a == a))
EXTREMES(min, v < a, v < a || (v != v && a == a))

static void best_finish(int64_t width, void *acc, void *y, int64_t *indices, const FoldArg *arg) {
  const Best *b = acc;
  if (y) cast_run(width, &b->v, T_F64, 2, y, arg->out, 1);
  for (int64_t i = 0; indices && i < width; i++) indices[i] = b[i].at + T_BASE;
}

static void best_whole_finish(int64_t width, void *acc, void *y, int64_t *indices,
                              const FoldArg *arg) {
  const BestWhole *b = acc;
  if (y) cast_run(width, &b->v, T_I64, 2, y, arg->out, 1);
  for (int64_t i = 0; indices && i < width; i++) indices[i] = b[i].at + T_BASE;
}

/* ---- moments ---------------------------------------------------------------------------------- */

typedef struct Moments {
  double n, mean, m2; /* m2: sum of squared distances from the mean */
} Moments;

#define MOMENTS(type, T)                                                                           \
  static void moments_rows_##type(int64_t rows, int64_t n, int64_t at, const void *x, void *acc,   \
                                  const FoldArg *arg) {                                            \
    for (int64_t k = 0; k < rows; k++) {                                                           \
      const T *p = (const T *)x + k * n;                                                           \
      double mean, m2 = 0;                                                                         \
      sum_rows_##type(1, n, at, p, &mean, arg);                                                    \
      mean /= (double)n;                                                                           \
      for (int64_t i = 0; i < n; i++) m2 += ((double)p[i] - mean) * ((double)p[i] - mean);         \
      ((Moments *)acc)[k] = (Moments){(double)n, mean, m2};                                        \
    }                                                                                              \
  }                                                                                                \
  static void moments_cols_##type(int64_t width, int64_t n, int64_t stride, int64_t at,            \
                                  const void *x, void *acc, const FoldArg *arg) {                  \
    (void)at, (void)arg;                                                                           \
    Moments *o = acc;                                                                              \
    const T *p = x;                                                                                \
    for (int64_t i = 0; i < width; i++) o[i] = (Moments){(double)n, 0, 0};                         \
    for (int64_t r = 0; r < n; r++) {                                                              \
      for (int64_t i = 0; i < width; i++) o[i].mean += (double)p[r * stride + i];                  \
    }                                                                                              \
    for (int64_t i = 0; i < width; i++) o[i].mean /= (double)n;                                    \
    for (int64_t r = 0; r < n; r++) {                                                              \
      for (int64_t i = 0; i < width; i++) {                                                        \
        double d = (double)p[r * stride + i] - o[i].mean;                                          \
        o[i].m2 += d * d;                                                                          \
      }                                                                                            \
    }                                                                                              \
  }
MOMENTS(f32, float)
MOMENTS(f64, double)

/* Chan, Golub & LeVeque 1979, Updating formulae and a pairwise algorithm. */
static void moments_join(int64_t width, void *acc, const void *more, const FoldArg *arg) {
  (void)arg;
  for (int64_t i = 0; i < width; i++) {
    Moments *a = (Moments *)acc + i;
    const Moments *b = (const Moments *)more + i;
    double n = a->n + b->n, d = b->mean - a->mean;
    a->m2 += b->m2 + d * d * a->n * b->n / n;
    a->mean += d * b->n / n;
    a->n = n;
  }
}

static void moments_finish(int64_t width, void *acc, void *y, int64_t *indices,
                           const FoldArg *arg) {
  (void)indices;
  double free = arg->count - arg->p;
  for (int64_t i = 0; i < width; i++) {
    double var = ((Moments *)acc)[i].m2 / (free > 0 ? free : 0);
    ((double *)acc)[i] = arg->flag ? sqrt(var) : var; /* at or before where it was read */
  }
  cast_run(width, acc, T_F64, 1, y, arg->out, 1);
}

/* ---- logs of sums of exponentials ---------------------------------------------------------------- */

typedef struct LogSum {
  double max, sum; /* sum of exp(x - max), or of exp(x) where max is infinite */
} LogSum;

static double shift_of(double max) { return isinf(max) ? 0 : max; }

#define LOGSUM(type, T)                                                                            \
  static void logsum_rows_##type(int64_t rows, int64_t n, int64_t at, const void *x, void *acc,    \
                                 const FoldArg *arg) {                                             \
    (void)at, (void)arg;                                                                           \
    for (int64_t k = 0; k < rows; k++) {                                                           \
      const T *p = (const T *)x + k * n;                                                           \
      T max = -INFINITY;                                                                           \
      for (int64_t i = 0; i < n; i++) max = WIDER(max, p[i]);                                      \
      T shift = (T)shift_of(max);                                                                  \
      double sum = 0;                                                                              \
      for (int64_t i = 0; i < n; i++) sum += (double)m_exp(p[i] - shift);                          \
      ((LogSum *)acc)[k] = (LogSum){max, sum};                                                     \
    }                                                                                              \
  }                                                                                                \
  static void logsum_cols_##type(int64_t width, int64_t n, int64_t stride, int64_t at,             \
                                 const void *x, void *acc, const FoldArg *arg) {                   \
    (void)at, (void)arg;                                                                           \
    LogSum *o = acc;                                                                               \
    const T *p = x;                                                                                \
    for (int64_t i = 0; i < width; i++) o[i] = (LogSum){-INFINITY, 0};                             \
    for (int64_t r = 0; r < n; r++) {                                                              \
      for (int64_t i = 0; i < width; i++) o[i].max = WIDER(o[i].max, p[r * stride + i]);           \
    }                                                                                              \
    for (int64_t r = 0; r < n; r++) {                                                              \
      for (int64_t i = 0; i < width; i++) {                                                        \
        o[i].sum += (double)m_exp((T)(p[r * stride + i] - shift_of(o[i].max)));                    \
      }                                                                                            \
    }                                                                                              \
  }
LOGSUM(f32, float)
LOGSUM(f64, double)

/* The sum as it is under a larger maximum. */
static double rescaled(LogSum a, double max) {
  return a.max == -INFINITY ? 0 : a.max == INFINITY ? a.sum : a.sum * exp(a.max - shift_of(max));
}

static void logsum_join(int64_t width, void *acc, const void *more, const FoldArg *arg) {
  (void)arg;
  for (int64_t i = 0; i < width; i++) {
    LogSum *a = (LogSum *)acc + i, b = ((const LogSum *)more)[i];
    double max = WIDER(a->max, b.max);
    *a = (LogSum){max, max == INFINITY ? INFINITY : rescaled(*a, max) + rescaled(b, max)};
  }
}

static void logsum_finish(int64_t width, void *acc, void *y, int64_t *indices, const FoldArg *arg) {
  (void)indices;
  for (int64_t i = 0; i < width; i++) {
    LogSum a = ((LogSum *)acc)[i];
    ((double *)acc)[i] = shift_of(a.max) + log(a.sum);
  }
  cast_run(width, acc, T_F64, 1, y, arg->out, 1);
}

/* ---- the table -------------------------------------------------------------------------------- */

#define ROW(name, type, size, join, finish)                                                        \
  { size, name##_rows_##type, name##_cols_##type, join, finish }
#define FLOAT_ROWS(name, size)                                                                     \
  [T_F32] = ROW(name, f32, size, name##_join, name##_finish), [T_F64] =                            \
                                                                  ROW(name, f64, size,             \
                                                                      name##_join, name##_finish)
#define WHOLE_SUMS(finish)                                                                         \
  [T_I64] = ROW(sum, i64, 8, sum_join_whole, finish),                                              \
  [T_I32] = ROW(sum, i32, 8, sum_join_whole, finish),                                              \
  [T_U8] = ROW(sum, u8, 8, sum_join_whole, finish)
#define BESTS(name)                                                                                \
  [T_F32] = ROW(name, f32, sizeof(Best), name##_join, best_finish),                                \
  [T_F64] = ROW(name, f64, sizeof(Best), name##_join, best_finish),                                \
  [T_I64] = ROW(name, i64, sizeof(BestWhole), name##_join_whole, best_whole_finish),               \
  [T_I32] = ROW(name, i32, sizeof(BestWhole), name##_join_whole, best_whole_finish),               \
  [T_U8] = ROW(name, u8, sizeof(BestWhole), name##_join_whole, best_whole_finish)

static const Fold folds[FOLD_KINDS][T_BOOL] = {
    [FOLD_SUM] = {FLOAT_ROWS(sum, 8), WHOLE_SUMS(whole_finish)},
    [FOLD_PROD] = {FLOAT_ROWS(prod, 8), [T_I64] = ROW(prod, i64, 8, prod_join_whole, whole_finish)},
    [FOLD_MAX] = {BESTS(max)},
    [FOLD_MIN] = {BESTS(min)},
    [FOLD_MOMENTS] = {FLOAT_ROWS(moments, sizeof(Moments))},
    [FOLD_LOGSUM] = {FLOAT_ROWS(logsum, sizeof(LogSum))},
    [FOLD_SQUARES] = {FLOAT_ROWS(squares, 8)},
    [FOLD_ABS] = {FLOAT_ROWS(abs, 8)},
    [FOLD_POWERS] = {FLOAT_ROWS(powers, 8)},
    [FOLD_MAXABS] = {FLOAT_ROWS(maxabs, 8)},
    [FOLD_MINABS] = {FLOAT_ROWS(minabs, 8)},
    [FOLD_ANY] = {WHOLE_SUMS(any_finish)},
    [FOLD_ALL] = {WHOLE_SUMS(all_finish)},
};

const Fold *fold_of(FoldKind kind, DType in) { return &folds[kind][in == T_BOOL ? T_U8 : in]; }
