/* The one loop nest of pointwise ops: broadcasting, strides, type conversion, the team.

   A loop sees contiguous runs in the types it was written for; operands that are broadcast,
   strided or of another type are gathered into small buffers first, crossed ones in tiles. Outputs may be strided (in
   place on a view) or of another type. */
#ifndef LUNETTE_ITER_H
#define LUNETTE_ITER_H

#include "../op.h"

enum { ITER_IN = 4 };

/* y[0..n-1] from x[k][0..n-1]; any x[k] may be y itself. arg: attributes, the same for all runs. */
typedef void (*IterLoop)(int64_t n, void *y, const void *const *x, const void *arg);

/* y (already of the broadcast shape) = loop(x...), inputs converted to `in`, the loop's output
   being of type `out`. */
void iter_map(IterLoop loop, const void *arg, Tensor *y, DType out, int nx, Tensor *const *x,
              DType in);

/* Broadcast shape of the inputs from..to-1 of a call (absent ones aside); fails by name. */
int iter_broadcast(Call *c, int from, int to, int64_t *shape);

#endif
