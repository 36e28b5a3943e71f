/* Unrecorded copies of whole tensors, converted or not. */
#include "cast.h"

#include <string.h>

#include "copy.h"
#include "iter.h"
#include "../kernels/convert.h"

void cast_run(int64_t n, const void *src, DType from, int64_t ss, void *dst, DType to, int64_t ds) {
  SIMD_PICK(convert_kernels)->run(n, src, from, ss, dst, to, ds);
}

static void copy_loop(int64_t n, void *y, const void *const *x, const void *arg) {
  memcpy(y, x[0], (size_t)n * *(const size_t *)arg);
}

/* One value, which is converted once. */
static void cast_one(Tensor *y, const Tensor *x) {
  int64_t value;
  Storage st = {.data = (char *)&value};
  Tensor one = {.st = &st, .numel = 1, .dtype = y->dtype};
  cast_run(1, t_data(x), (DType)x->dtype, 1, &value, (DType)y->dtype, 1);
  copy_into(y, &one);
}

void cast_into(Tensor *y, const Tensor *x) {
  if (x->dtype == y->dtype) {
    copy_into(y, x);
    return;
  }
  if (x->numel == 1) {
    cast_one(y, x);
    return;
  }
  size_t size = dtype_size((DType)y->dtype);
  Tensor *in = (Tensor *)x;
  iter_map(copy_loop, &size, y, (DType)y->dtype, 1, &in, (DType)y->dtype);
}

Tensor *cast_copy(const Tensor *x, DType dtype) {
  Tensor *y = t_new(dtype, x->ndim, x->shape);
  cast_into(y, x);
  return y;
}
