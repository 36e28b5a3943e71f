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
/* y in the leading shape of `like` and these last sizes. */
Tensor *pool_shaped(Tensor *y, const Tensor *like, int nd, const int64_t *sizes);
/* Adaptive windows: sizes from an attribute, -1 keeps the input's; the stride is 0. */
Pool pool_adaptive(Call *c, int nd, int attr);

/* The mean in windows, or sums over a divisor that is not 0. */
Tensor *pool_average(Tensor *x, const Pool *p, bool padded, int64_t divisor);

#endif
