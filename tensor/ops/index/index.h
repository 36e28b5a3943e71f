/* What the rows of index.c are made of: advanced.c for x[...] with tensors, select.c for whole
   positions of one dimension, gather.c for single elements along one dimension, masks.c. */
#ifndef LUNETTE_INDEX_OPS_H
#define LUNETTE_INDEX_OPS_H

#include "../../op.h"

#define INFER(name) void name##_infer(Call *c)
#define RUN(name)   const char *name##_run(Call *c)
#define GRAD(name)  void name##_grad(Call *c, Tensor *const *gy, Tensor **gx)

/* advanced.c */
INFER(index);
INFER(index_put);
RUN(index);
RUN(index_put);
GRAD(index);
GRAD(index_put);

/* select.c */
INFER(index_select);
INFER(index_add);
INFER(embedding);
INFER(embedding_dw);
RUN(index_select);
RUN(index_add);
RUN(embedding);
RUN(embedding_dw);
GRAD(index_select);
GRAD(index_add);
GRAD(embedding);
GRAD(embedding_dw);

/* gather.c */
INFER(gather);
INFER(scatter);
INFER(scatter_add);
RUN(gather);
RUN(scatter);
RUN(scatter_add);
GRAD(gather);
GRAD(scatter);
GRAD(scatter_add);

/* masks.c */
INFER(where);
INFER(masked_fill);
INFER(nonzero);
RUN(where);
RUN(masked_fill);
RUN(nonzero);
GRAD(where);
GRAD(masked_fill);

/* x[...] with an index per dimension, as a recorded op. */
Tensor *index_get(Tensor *x, int n, Tensor *const *indices);
/* The positions, from 0, where mask holds: [n, ndim] int64. */
Tensor *mask_positions(const Tensor *mask);

#undef INFER
#undef RUN
#undef GRAD

#endif
