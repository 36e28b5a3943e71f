/* What the files of pooling share: windows in up to three dimensions, and their checks. */
#ifndef LUNETTE_OPS_POOL_H
#define LUNETTE_OPS_POOL_H

#include "../../op.h"

/* Windows over the last nd dimensions. */
typedef struct Pool {
  int nd;
  int64_t kernel[3], stride[3], padding[3], dilation[3];
  bool ceil;
  int64_t out[3]; /* how many windows */
} Pool;

/* From the attributes kernel_size, stride and padding, the first at `from`, and dilation at
   `dilation`; POOL_DENSE there: there is no dilation; POOL_BARE: nor padding. A missing stride is
   the kernel's. Checks the input's rank and that the windows fit. */
enum { POOL_DENSE = -1, POOL_BARE = -2 };
Pool pool_windows(Call *c, int nd, int from, int dilation, bool ceil);
/* Fails unless x has nd dimensions, with channels before and perhaps a batch before those. */
void pool_check_rank(Call *c, const Tensor *x, int nd);
/* x in floats. */
Tensor *pool_floats(Tensor *x);
/* x: [..., sizes of nd dimensions] as [P, those], and back: the leading sizes of `like`. */
Tensor *pool_planes(Tensor *x, int nd);
Tensor *pool_shaped(Tensor *y, const Tensor *like, int nd, const int64_t *sizes);
/* Adaptive sizes from an attribute: -1 keeps the input's. */
void pool_adaptive_sizes(Call *c, int nd, int attr, int64_t *size);

/* The mean of windows over the last dimension or last two; avg.c */
Tensor *pool_average(Tensor *x, const Pool *p, bool padded);

#endif
