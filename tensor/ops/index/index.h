/* What the files of the index family share. Positions count from T_BASE. */
#ifndef LUNETTE_INDEX_OPS_H
#define LUNETTE_INDEX_OPS_H

#include "../../op.h"

/* x[...] with an index per dimension, as a recorded op. */
Tensor *index_get(Tensor *x, int n, Tensor *const *indices);
/* The positions, from 0, where mask holds: [n, ndim] int64. */
Tensor *mask_positions(const Tensor *mask);

#endif
