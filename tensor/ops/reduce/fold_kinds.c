/* The ways of folding: how accumulators join and become results. Values go into them by the kernels
   of kernels/reduce.h, but for two kinds of norm. */
#include "fold_kinds.h"

#include <math.h>

#include "../../loop/cast.h"

#define WIDER(a, v)    ((v) > (a) || (v) != (v) ? (v) : (a))
#define NARROWER(a, v) ((v) < (a) || (v) != (v) ? (v) : (a))

/* ---- joining: a after b, the accumulator of later values ---------------------------------------- */

#define JOIN(name, A, join)                                                                        \
  static void name(int64_t width, void *acc, const void *more) {                                   \
    for (int64_t i = 0; i < width; i++) {                                                          \
      A a = ((A *)acc)[i], b = ((const A *)more)[i];                                               \
      ((A *)acc)[i] = (join);                                                                      \
    }                                                                                              \
  }
JOIN(join_sum, double, a + b)
JOIN(join_prod, double, a *b)
JOIN(join_wider, double, WIDER(a, b))
JOIN(join_narrower, double, NARROWER(a, b))
JOIN(join_whole_sum, uint64_t, a + b)
JOIN(join_whole_prod, uint64_t, a *b)
JOIN(join_whole_top, int64_t, b > a ? b : a)
JOIN(join_whole_bottom, int64_t, b < a ? b : a)
JOIN(join_max, ReduceBest, b.v > a.v || (b.v != b.v && a.v == a.v) ? b : a)
JOIN(join_min, ReduceBest, b.v < a.v || (b.v != b.v && a.v == a.v) ? b : a)
JOIN(join_whole_max, ReduceBestWhole, b.v > a.v ? b : a)
JOIN(join_whole_min, ReduceBestWhole, b.v < a.v ? b : a)

/* Chan, Golub & LeVeque 1979, Updating formulae and a pairwise algorithm. */
static void join_moments(int64_t width, void *acc, const void *more) {
  for (int64_t i = 0; i < width; i++) {
    ReduceMoments *a = (ReduceMoments *)acc + i;
    const ReduceMoments *b = (const ReduceMoments *)more + i;
    double n = a->n + b->n, d = b->mean - a->mean;
    a->m2 += b->m2 + d * d * a->n * b->n / n;
    a->mean += d * b->n / n;
    a->n = n;
  }
}

static double shift_of(double max) { return isinf(max) ? 0 : max; }

/* The sum as it is under a larger maximum. */
static double rescaled(ReduceLogSum a, double max) {
  return a.max == -INFINITY ? 0 : a.sum * exp(a.max - shift_of(max));
}

static void join_logsum(int64_t width, void *acc, const void *more) {
  for (int64_t i = 0; i < width; i++) {
    ReduceLogSum *a = (ReduceLogSum *)acc + i, b = ((const ReduceLogSum *)more)[i];
    double max = WIDER(a->max, b.max);
    double sum = max == INFINITY ? INFINITY : rescaled(*a, max) + rescaled(b, max);
    if (isnan(a->sum) || isnan(b.sum)) sum = NAN;
    *a = (ReduceLogSum){max, sum};
  }
}

/* ---- results ------------------------------------------------------------------------------------ */

/* end: a result, as a double, from accumulator a. */
#define FINISH(name, A, end)                                                                       \
  static void name(int64_t width, void *acc, void *y, int64_t *indices, const FoldArg *arg) {      \
    (void)indices;                                                                                 \
    for (int64_t i = 0; i < width; i++) {                                                          \
      A a = ((A *)acc)[i];                                                                         \
      ((double *)acc)[i] = (end); /* at or before where it was read */                             \
    }                                                                                              \
    cast_run(width, acc, T_F64, 1, y, arg->out, 1);                                                \
  }
FINISH(finish_mean, double, a / arg->count)
FINISH(finish_root, double, sqrt(a))
FINISH(finish_power, double, pow(a, 1 / arg->p))
FINISH(finish_whole_mean, int64_t, (double)a / arg->count)
FINISH(finish_var, ReduceMoments, a.m2 / fmax(arg->count - arg->p, 0))
FINISH(finish_std, ReduceMoments, sqrt(a.m2 / fmax(arg->count - arg->p, 0)))
FINISH(finish_logsum, ReduceLogSum, shift_of(a.max) + log(a.sum))

static void finish_sum(int64_t width, void *acc, void *y, int64_t *indices, const FoldArg *arg) {
  if (arg->flag)
    finish_mean(width, acc, y, indices, arg);
  else
    cast_run(width, acc, T_F64, 1, y, arg->out, 1);
}

static void finish_whole(int64_t width, void *acc, void *y, int64_t *indices, const FoldArg *arg) {
  if (arg->flag)
    finish_whole_mean(width, acc, y, indices, arg);
  else
    cast_run(width, acc, T_I64, 1, y, arg->out, 1);
}

static void finish_moments(int64_t width, void *acc, void *y, int64_t *indices,
                           const FoldArg *arg) {
  (arg->flag ? finish_std : finish_var)(width, acc, y, indices, arg);
}

static void finish_any(int64_t width, void *acc, void *y, int64_t *indices, const FoldArg *arg) {
  (void)indices, (void)arg;
  for (int64_t i = 0; i < width; i++) ((uint8_t *)y)[i] = ((int64_t *)acc)[i] > 0;
}

static void finish_all(int64_t width, void *acc, void *y, int64_t *indices, const FoldArg *arg) {
  (void)indices;
  int64_t count = (int64_t)arg->count;
  for (int64_t i = 0; i < width; i++) ((uint8_t *)y)[i] = ((int64_t *)acc)[i] == count;
}

static void finish_best(int64_t width, void *acc, void *y, int64_t *indices, const FoldArg *arg) {
  const ReduceBest *b = acc;
  if (y) cast_run(width, &b->v, T_F64, 2, y, arg->out, 1);
  for (int64_t i = 0; indices && i < width; i++) indices[i] = b[i].at + T_BASE;
}

static void finish_whole_best(int64_t width, void *acc, void *y, int64_t *indices,
                              const FoldArg *arg) {
  const ReduceBestWhole *b = acc;
  if (y) cast_run(width, &b->v, T_I64, 2, y, arg->out, 1);
  for (int64_t i = 0; indices && i < width; i++) indices[i] = b[i].at + T_BASE;
}

/* ---- two norms that have no kernel -------------------------------------------------------------- */

/* step: accumulator a after value v. */
#define LOOPS(name, type, T, start, step)                                                          \
  static void name##_rows_##type(int64_t rows, int64_t n, const void *x, void *acc,                \
                                 const FoldArg *arg) {                                             \
    (void)arg;                                                                                     \
    const T *p = x;                                                                                \
    for (int64_t k = 0; k < rows; k++, p += n) {                                                   \
      double a = start;                                                                            \
      for (int64_t i = 0; i < n; i++) {                                                            \
        double v = (double)p[i];                                                                   \
        a = (step);                                                                                \
      }                                                                                            \
      ((double *)acc)[k] = a;                                                                      \
    }                                                                                              \
  }                                                                                                \
  static void name##_cols_##type(int64_t width, int64_t n, int64_t stride, const void *x,          \
                                 void *acc, const FoldArg *arg) {                                  \
    (void)arg;                                                                                     \
    double *o = acc;                                                                               \
    for (int64_t i = 0; i < width; i++) o[i] = start;                                              \
    for (int64_t r = 0; r < n; r++) {                                                              \
      const T *p = (const T *)x + r * stride;                                                      \
      for (int64_t i = 0; i < width; i++) {                                                        \
        double a = o[i], v = (double)p[i];                                                         \
        o[i] = (step);                                                                             \
      }                                                                                            \
    }                                                                                              \
  }
LOOPS(minabs, f32, float, INFINITY, NARROWER(a, fabs(v)))
LOOPS(minabs, f64, double, INFINITY, NARROWER(a, fabs(v)))
LOOPS(powers, f32, float, 0, a + pow(fabs(v), arg->p))
LOOPS(powers, f64, double, 0, a + pow(fabs(v), arg->p))

/* ---- the tables --------------------------------------------------------------------------------- */

static const Fold floats[FOLD_KINDS] = {
    [FOLD_SUM] = {REDUCE_SUM, 8, join_sum, finish_sum},
    [FOLD_NUMBERS] = {REDUCE_NUMBERS, 8, join_sum, finish_sum},
    [FOLD_PROD] = {REDUCE_PROD, 8, join_prod, finish_sum},
    [FOLD_COUNT] = {REDUCE_NONZERO, 8, join_whole_sum, finish_whole},
    [FOLD_ANY] = {REDUCE_NONZERO, 8, join_whole_sum, finish_any},
    [FOLD_ALL] = {REDUCE_NONZERO, 8, join_whole_sum, finish_all},
    [FOLD_MAX] = {REDUCE_MAX, sizeof(ReduceBest), join_max, finish_best},
    [FOLD_MIN] = {REDUCE_MIN, sizeof(ReduceBest), join_min, finish_best},
    [FOLD_TOP] = {REDUCE_TOP, 8, join_wider, finish_sum},
    [FOLD_BOTTOM] = {REDUCE_BOTTOM, 8, join_narrower, finish_sum},
    [FOLD_MOMENTS] = {REDUCE_MOMENTS, sizeof(ReduceMoments), join_moments, finish_moments},
    [FOLD_LOGSUM] = {REDUCE_LOGSUM, sizeof(ReduceLogSum), join_logsum, finish_logsum},
    [FOLD_SQUARES] = {REDUCE_SQUARES, 8, join_sum, finish_root},
    [FOLD_ABS] = {REDUCE_ABS, 8, join_sum, finish_sum},
    [FOLD_MAXABS] = {REDUCE_MAXABS, 8, join_wider, finish_sum},
    [FOLD_MINABS] = {0, 8, join_narrower, finish_sum, minabs_rows_f32, minabs_cols_f32},
    [FOLD_POWERS] = {0, 8, join_sum, finish_power, powers_rows_f32, powers_cols_f32},
};

static const Fold wholes[FOLD_KINDS] = {
    [FOLD_SUM] = {REDUCE_SUM, 8, join_whole_sum, finish_whole},
    [FOLD_NUMBERS] = {REDUCE_SUM, 8, join_whole_sum, finish_whole},
    [FOLD_PROD] = {REDUCE_PROD, 8, join_whole_prod, finish_whole},
    [FOLD_COUNT] = {REDUCE_NONZERO, 8, join_whole_sum, finish_whole},
    [FOLD_ANY] = {REDUCE_NONZERO, 8, join_whole_sum, finish_any},
    [FOLD_ALL] = {REDUCE_NONZERO, 8, join_whole_sum, finish_all},
    [FOLD_MAX] = {REDUCE_MAX, sizeof(ReduceBestWhole), join_whole_max, finish_whole_best},
    [FOLD_MIN] = {REDUCE_MIN, sizeof(ReduceBestWhole), join_whole_min, finish_whole_best},
    [FOLD_TOP] = {REDUCE_TOP, 8, join_whole_top, finish_whole},
    [FOLD_BOTTOM] = {REDUCE_BOTTOM, 8, join_whole_bottom, finish_whole},
};

static const Fold minabs_f64 = {0, 8, join_narrower, finish_sum, minabs_rows_f64, minabs_cols_f64};
static const Fold powers_f64 = {0, 8, join_sum, finish_power, powers_rows_f64, powers_cols_f64};

const Fold *fold_of(FoldKind kind, DType in) {
  if (!dtype_is_float(in)) return &wholes[kind];
  if (in == T_F64 && kind == FOLD_MINABS) return &minabs_f64;
  if (in == T_F64 && kind == FOLD_POWERS) return &powers_f64;
  return &floats[kind];
}
