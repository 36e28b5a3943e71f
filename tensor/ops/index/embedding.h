/* What embeddings and their bags share. */
#ifndef LUNETTE_OPS_EMBEDDING_H
#define LUNETTE_OPS_EMBEDDING_H

#include "../../op.h"

/* The ids, from 0, int64; a wrong one is named with its place. */
Tensor *embedding_ids(const Call *c, const Tensor *indices, int64_t rows);
/* The row, from 0, that an attribute names as padding; -1: none. */
int64_t embedding_padding(const Call *c, int attr, int64_t rows);
/* y's rows over how often their ids occur. ids: from T_BASE */
void embedding_by_counts(Tensor *y, Tensor *ids);
/* [rows] int64: how often each id occurs. */
Tensor *embedding_counts(Tensor *ids, int64_t rows);

#endif
