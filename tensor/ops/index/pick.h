/* Picking blocks of a tensor by positions: what indexing, index_select, index_add and embedding
   share. A pick is npre x nat x npost elements; element (i, j, k) of the values, which lie in
   order, belongs to the tensor's element at pre[i] + the place of at[j] + post[k]. */
#ifndef LUNETTE_PICK_H
#define LUNETTE_PICK_H

#include "../../kernels/lines.h"
#include "../../op.h"

typedef struct Pick {
  int64_t npre, nat, npost;
  const int64_t *pre, *at;
  Reach reach;         /* of the positions at */
  const int64_t *post; /* NULL: 0, 1, 2, ... */
} Pick;

/* Offsets of the dimensions from..to-1 of x, in row-major order; NULL for 0, 1, 2, ... when that
   is allowed. Lives as long as the open birth scope. */
const int64_t *pick_offsets(const Tensor *x, int from, int to, int64_t *count, bool may_be_null);
/* Positions along a dimension. */
typedef struct Positions {
  const Tensor *at; /* int64, contiguous */
  int64_t base;     /* what they count from */
  uint64_t size;    /* UINT64_MAX, or how many there are, of which those who move make sure */
} Positions;

/* The pick of positions along one dimension of x. */
Pick pick_along(const Tensor *x, int dim, const Positions *p);
/* Index tensors as users write them (any integers, from T_BASE), checked against a size and
   converted: int64 from 0, contiguous, same shape. Negative ones count from the end where allowed.
   of: whose size it is, for the message. */
Tensor *pick_positions(const Call *c, const Tensor *index, const Tensor *of, int dim,
                       bool from_end);
/* x, or as a row of one what has no dimensions. */
Tensor pick_row(const Tensor *x);
/* g, or g in float32 when its type is only stored: for gradients that add up. Recorded. */
Tensor *pick_computed(Tensor *g);
/* src in y's type, contiguous, and out of y's reach: src itself where it is all that. */
Tensor *pick_values(Tensor *src, const Tensor *y);
/* Fails unless index holds integers. */
void pick_check_integers(const Call *c, const Tensor *index);

/* When positions are checked: here, and those from the end allowed or not; or as they are used. */
typedef enum { PICK_HERE, PICK_FROM_END, PICK_LATER } PickCheck;
/* The same without a copy where index is int64, in order and not of `of`'s storage. */
Positions pick_checked(const Call *c, const Tensor *index, const Tensor *of, int dim,
                       PickCheck when);
/* What is wrong with the first of the positions that lies outside of dimension dim of `of`. */
const char *pick_outside(const Positions *p, const Tensor *of, int dim);

/* values = x's picked elements; false when a position lies outside */
bool pick_read(const Pick *p, const Tensor *x, Tensor *values);
/* y's picked elements = values; of places picked twice the later value stays */
void pick_write(const Pick *p, Tensor *y, const Tensor *values);
/* y's picked elements += alpha values, in the order of the values */
void pick_add(const Pick *p, Tensor *y, const Tensor *values, double alpha);

#endif
