/* Copies that are not recorded: what kernels are fed with. The recorded forms are rows. */
#ifndef LUNETTE_CAST_H
#define LUNETTE_CAST_H

#include "../tensor.h"

/* A contiguous copy of x in that type. */
Tensor *cast_copy(const Tensor *x, DType dtype);
/* y's elements become x's, converted and broadcast to y's shape, any strides; no overlap. */
void cast_into(Tensor *y, const Tensor *x);
/* n elements from src (every sstride-th, 0: one for all) to dst (every dstride-th), converted as
   kernels/convert.h says. */
void cast_run(int64_t n, const void *src, DType from, int64_t sstride, void *dst, DType to,
              int64_t dstride);

#endif
