/* Copies between strided tensors of one type: what cast_into does when nothing is converted. */
#ifndef LUNETTE_COPY_H
#define LUNETTE_COPY_H

#include "../tensor.h"

/* y's elements become x's, of y's type, broadcast to y's shape; any strides; no overlap. */
void copy_into(Tensor *y, const Tensor *x);

/* Zeros, a large block by the team. */
void copy_zeros(void *to, size_t bytes);

/* Has the system lay out memory whose contents do not count, part by part: for who then writes here
   and there, and would wait for all of it in one part. */
void copy_claim(void *to, size_t bytes);

#endif
