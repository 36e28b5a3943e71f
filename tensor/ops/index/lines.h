/* Single elements along one dimension: what gather and scatter share. The index has the shape of the
   values; element [i,j,k] of the values belongs to the tensor's element whose coordinate in that
   dimension is index[i,j,k], the others being i, j, k. A tensor without dimensions is a row of one. */
#ifndef LUNETTE_LINES_H
#define LUNETTE_LINES_H

#include "../../kernels/lines.h"
#include "../../op.h"
#include "pick.h"

/* Checks the shape of an index, which must not be larger than x but along dim, nor than src (if there
   is one). The positions have its shape; where the call is not in place, they may be left to
   lines_run to check. */
Positions lines_check(const Call *c, const Tensor *x, const Tensor *index, int dim,
                      const Tensor *src);
/* vstep: 0 when values is a single one. writes: to t, else from it. NULL, or what is wrong with a
   position. */
const char *lines_run(Move move, const Positions *p, int dim, const Tensor *t, const Tensor *values,
                      int64_t vstep, bool writes);
/* One of four moves, for elements of 1, 2, 4, 8 bytes. */
static inline Move lines_by_size(const Move *moves, DType d) {
  return moves[__builtin_ctzl(dtype_size(d))];
}

#endif
