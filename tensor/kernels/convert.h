/* Copies of runs and blocks: from one type to another, and by strides. */
#ifndef LUNETTE_CONVERT_H
#define LUNETTE_CONVERT_H

#include "../dtype.h"
#include "../machine/simd.h"

/* y[r y_row + c y_column] = x[r x_row + c x_column] for r < rows, c < columns; strides count
   elements. x and y do not overlap. Fast where one side runs along rows and the other along columns
   (a transposition), best in blocks of 16 to 64 rows and columns. */
typedef void (*CopyBlock)(int64_t rows, int64_t columns, void *y, int64_t y_row, int64_t y_column,
                          const void *x, int64_t x_row, int64_t x_column);

typedef struct ConvertKernels {
  /* y[i ys] = x[i xs] for i < n, of any two types; y may be x where sizes and strides are equal.
     Floats to integers drop the fraction; what does not fit (NaN too) gives the smallest value of
     int64 or int32. What goes to a narrower integer keeps its low bits, floats to uint8 by way of
     int64. To bool: is it not 0? To the half types: the nearest, even where two are. */
  void (*run)(int64_t n, const void *x, DType from, int64_t xs, void *y, DType to, int64_t ys);
  CopyBlock block[4]; /* elements of 1, 2, 4, 8 bytes */
} ConvertKernels;

SIMD_FAMILY(ConvertKernels, convert_kernels);

#endif
