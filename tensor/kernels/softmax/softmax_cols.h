/* Softmax and its kin over columns, on one thread: value r of column i stands at r stride + i, r < n,
   i < width <= SOFTMAX_WIDTH, in x, y, gy, gx alike. Of float32 or float64; a column's bits depend on
   that column alone. */
#ifndef LUNETTE_SOFTMAX_COLS_H
#define LUNETTE_SOFTMAX_COLS_H

#include "../../dtype.h"
#include "../../machine/simd.h"

enum { SOFTMAX_WIDTH = 128 };

typedef struct SoftmaxCols {
  void (*softmax)(int64_t width, int64_t n, int64_t stride, const void *x, void *y);
  void (*softmax_back)(int64_t width, int64_t n, int64_t stride, const void *y, const void *gy,
                       void *gx);
  void (*log_softmax)(int64_t width, int64_t n, int64_t stride, const void *x, void *y);
  void (*log_softmax_back)(int64_t width, int64_t n, int64_t stride, const void *y, const void *gy,
                           void *gx);
  /* lse[i] = log(sum(exp(column i))), in double whatever the type */
  void (*logsumexp)(int64_t width, int64_t n, int64_t stride, const void *x, double *lse);
} SoftmaxCols;

typedef struct SoftmaxColsKernels {
  SoftmaxCols of[2]; /* T_F32, T_F64 */
} SoftmaxColsKernels;

SIMD_FAMILY(SoftmaxColsKernels, softmax_cols_kernels);

#endif
