/* Copies between strided tensors of one type: what cast_into does when nothing is converted. */
#ifndef LUNETTE_COPY_H
#define LUNETTE_COPY_H

#include "tensor.h"

/* y's elements become x's, of y's type, broadcast to y's shape; any strides; no overlap. */
void copy_into(Tensor *y, const Tensor *x);

#endif
