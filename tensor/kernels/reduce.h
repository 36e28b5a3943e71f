/* Folding many values into one accumulator per result, on one thread. A caller that cuts the values
   of a result into chunks joins the accumulators in order; cuts must depend on shapes alone. What a
   call folds, it folds in an order that depends on n alone.

   Accumulators, by operation and type of value:
     SUM, PROD, ABS (sum of |x|), SQUARES   floats double, integers uint64_t (they wrap around)
     NUMBERS (the sum of what is not NaN)   double; floats only
     NONZERO (how many are not 0)           uint64_t
     MAX, MIN                               floats ReduceBest, integers ReduceBestWhole
     TOP, BOTTOM (the same without places)  floats double, integers int64_t
     MAXABS (largest |x|, NaN wins)         double; floats only, as ABS and SQUARES are
     MOMENTS                                ReduceMoments; floats only
     LOGSUM                                 ReduceLogSum; floats only
   float32 is summed as 16 terms at a time in float32, those sums in double; its squares and products
   are formed in double. bool is read as uint8. */
#ifndef LUNETTE_REDUCE_H
#define LUNETTE_REDUCE_H

#include "../dtype.h"
#include "../machine/simd.h"

typedef enum ReduceKind {
  REDUCE_SUM,
  REDUCE_NUMBERS,
  REDUCE_PROD,
  REDUCE_ABS,
  REDUCE_SQUARES,
  REDUCE_NONZERO,
  REDUCE_MAX,
  REDUCE_MIN,
  REDUCE_TOP,
  REDUCE_BOTTOM,
  REDUCE_MAXABS,
  REDUCE_MOMENTS,
  REDUCE_LOGSUM,
  REDUCE_KINDS
} ReduceKind;

/* The first of the largest (smallest) values and its position; the first NaN wins over all. */
typedef struct ReduceBest {
  double v;
  int64_t at;
} ReduceBest;

typedef struct ReduceBestWhole {
  int64_t v, at;
} ReduceBestWhole;

typedef struct ReduceMoments {
  double n, mean, m2; /* how many; sum of squared distances from their mean */
} ReduceMoments;

typedef struct ReduceLogSum {
  double max, sum; /* sum of exp(x - max), or of exp(x) where max is infinite */
} ReduceLogSum;

typedef struct Reduce {
  /* acc[k] = the fold of x[k n .. k n + n - 1], k < rows. at: the position of x[k n] along the
     reduced dimension, where later positions count on. n = 0 gives the fold of nothing; MAX and MIN
     want n >= 1. */
  void (*rows)(int64_t rows, int64_t n, int64_t at, const void *x, void *acc);
  /* acc[i] = the fold of x[r stride + i] over r < n, i < width; 1 <= n < 2^31. */
  void (*cols)(int64_t width, int64_t n, int64_t stride, int64_t at, const void *x, void *acc);
} Reduce;

typedef struct ReduceKernels {
  Reduce of[REDUCE_KINDS][T_F16]; /* NULL where an operation has no such type */
} ReduceKernels;

SIMD_FAMILY(ReduceKernels, reduce_kernels);

#endif
