/* Single elements along one dimension: what gather and scatter share. The index has the shape of the
   values; element [i,j,k] of the values belongs to the tensor's element whose coordinate in that
   dimension is index[i,j,k], the others being i, j, k. A tensor without dimensions is a row of one. */
#ifndef LUNETTE_LINES_H
#define LUNETTE_LINES_H

#include "../../op.h"

/* Positions along dim, checked: a contiguous int64 tensor of the values' shape. */
typedef struct Positions {
  const Tensor *at;
  int64_t base; /* what they count from */
} Positions;

/* Moves n elements along the last dimension: values v[0..n-1]; the tensor's elements are
   t + i*step + (at[i]-base)*stride. vstep is 0 when one value serves all. */
typedef void (*Move)(int64_t n, void *t, int64_t step, int64_t stride, const int64_t *at,
                     int64_t base, void *v, int64_t vstep);

/* Checks an index, which must not be larger than x but along dim, nor than src (if there is one). */
Positions lines_check(const Call *c, const Tensor *x, const Tensor *index, int dim,
                      const Tensor *src);
/* vstep: 0 when values is a single one. writes: to t, else from it. */
void lines_run(Move move, const Positions *p, int dim, const Tensor *t, const Tensor *values,
               int64_t vstep, bool writes);
/* One of four moves, for elements of 1, 2, 4, 8 bytes. */
static inline Move lines_by_size(const Move *moves, DType d) {
  return moves[__builtin_ctzl(dtype_size(d))];
}

#endif
