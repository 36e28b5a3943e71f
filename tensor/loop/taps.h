/* Sparse linear maps of lines of numbers (kernels/resample.h), turned about and shared out to the
   team: changes of size, sums of rows of a table, and the gradients of both. */
#ifndef LUNETTE_TAPS_H
#define LUNETTE_TAPS_H

#include "../kernels/resample.h"
#include "../tensor.h"

/* Bytes of the lists of a map with that many outputs and taps. */
static inline size_t taps_bytes(int64_t out, int64_t taps) {
  return (size_t)(out + 1 + 2 * taps) * 8;
}

/* A map whose lists, yet to be written, lie in room: taps_bytes(out, taps) of it. */
Taps taps_in(void *room, int64_t in, int64_t out, int64_t inner, int64_t taps);
/* The transposed map, its lists in room: taps_bytes(t->in, of all taps). The taps of an output are in
   the order of t's outputs. */
Taps taps_turned(const Taps *t, void *room);
/* y [outer, out, inner] = the map of x [outer, in, inner], contiguous, both float32 or float64. */
void taps_run(const Taps *t, const Tensor *x, Tensor *y);

#endif
