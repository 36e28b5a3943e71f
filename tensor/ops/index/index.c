/* The rows of ops that choose elements by position or by mask. Positions count from 1. */
#include "../../calc.h"
#include "../../iter.h"
#include "index.h"
#include "pick.h"

/* What gradients read: the indices, not the values. */
#define INDICES(first) (SAVE_XS & ~((1u << (first)) - 1))

/* ---- in other ops' terms ------------------------------------------------------------------------ */

static void masked_select(Call *c) {
  int64_t shape[T_MAXDIM];
  int ndim = iter_broadcast(c, 0, 2, shape);
  Tensor *mask = c->x[1];
  if (mask->dtype != T_BOOL) {
    t_fail("masked_select: the mask is %s; x:gt(0) and its like make masks",
           dtype_name((DType)mask->dtype));
  }
  int64_t one = 1;
  if (ndim == 0) shape[ndim++] = one;
  Tensor *x = t_expand(c->x[0], ndim, shape);
  mask = t_expand(mask, ndim, shape);
  c->y[0] = index_get(x, 1, &mask);
}

/* Inputs: x, index: positions in all of x's elements as one row. */
static void take(Call *c) {
  Tensor *row = t_reshape(c->x[0], 1, &c->x[0]->numel);
  c->y[0] = index_get(row, 1, &c->x[1]);
}

/* ---- the rows ------------------------------------------------------------------------------------ */

static Op rows[] = {
    {.sig = "gather(x: tensor, dim: dim, index: index) -> y: tensor",
     .doc = "Elements of x picked along dim: y[i][j] = x[index[i][j]][j] for dim 1. y has the "
            "shape of index, which has as many dimensions as x.",
     .test = "{{randn(3,2), 1, tensor{{1,3},{2,2},{3,1},{1,1}}}, {randn(2,3), -1, tensor{{3,1}}}}",
     .ref = "reference.gather",
     .save = INDICES(1),
     .infer = gather_infer,
     .run = gather_run,
     .grad = gather_grad},
    {.sig = "scatter(x: tensor, dim: dim, index: index, src: tensor) -> y: tensor",
     .doc = "A copy of x with elements along dim replaced: y[index[i][j]][j] = src[i][j] for dim "
            "1. src is a tensor at least as large as index, or one number. Of places named twice "
            "the later value stays.",
     .test = "{{randn(3,2), 1, tensor{{1,3},{2,1}}, randn(2,2)}, {randn(2,3), 2, tensor{{3},{1}}, "
             "1.5}, {randn(3), 1, tensor{2,3}, randn(3)}}",
     .ref = "reference.scatter",
     .flags = OP_INPLACE,
     .save = SAVE_X(1),
     .infer = scatter_infer,
     .run = scatter_run,
     .grad = scatter_grad},
    {.sig = "scatter_add(x: tensor, dim: dim, index: index, src: tensor) -> y: tensor",
     .doc = "A copy of x with src added along dim: y[index[i][j]][j] += src[i][j] for dim 1, in "
            "that order.",
     .test = "{{randn(3,2), 1, tensor{{1,3},{1,1}}, randn(2,2)}, {randn(2,3), 2, "
             "tensor{{3,3},{1,3}}, randn(2,2)}}",
     .ref = "reference.scatter_add",
     .flags = OP_INPLACE,
     .save = SAVE_X(1),
     .infer = scatter_add_infer,
     .run = scatter_add_run,
     .grad = scatter_add_grad},
    {.sig = "index_select(x: tensor, dim: dim, index: index) -> y: tensor",
     .doc = "The positions of a dimension that a list names, in its order.",
     .example = "tensor{10, 20, 30}:index_select(1, tensor{3, 1}) --> int64 [2]  30  10",
     .test = "{{randn(3,2), 1, tensor{3,1,3}}, {randn(2,3), -1, tensor{2}}}",
     .ref = "reference.index_select",
     .save = SAVE_X(1),
     .infer = index_select_infer,
     .run = index_select_run,
     .grad = index_select_grad},
    {.sig = "index_add(x: tensor, dim: dim, index: index, src: tensor, alpha: scalar=1) -> y: "
            "tensor",
     .doc = "A copy of x with alpha src added at the positions of a dimension that a list names, "
            "in its order; src has x's shape but for that dimension.",
     .test = "{{randn(3,2), 1, tensor{3,1,3}, randn(3,2)}, {randn(2,3), 2, tensor{2}, randn(2,1), "
             "{alpha = 0.5}}}",
     .ref = "reference.index_add",
     .flags = OP_INPLACE,
     .save = SAVE_X(1),
     .infer = index_add_infer,
     .run = index_add_run,
     .grad = index_add_grad},
    {.sig = "take(x: tensor, index: index) -> y: tensor",
     .doc = "Elements of x as one row of all of them, picked by position; negative positions count "
            "from the end. y has the shape of index.",
     .test = "{{randn(2,3), tensor{1,6,-2}}, {randn(3), tensor{{2,2}}}}",
     .ref = "reference.take",
     .compose = take},
    {.sig = "index(tensors: tensors) -> y: tensor",
     .doc =
         "x[...] with tensors: x and an index per dimension, positions or a mask, absent for all "
         "positions. Negative positions count from the end. Indices broadcast; their shape takes "
         "the place of the dimensions they index if these are neighbours, else it comes first.",
     .test = "{{{randn(3,4), tensor{3,1,-1}}}, {{randn(3,4), tensor{1,2}, tensor{{2},{4}}}}}",
     .ref = "reference.index",
     .flags = OP_HIDDEN,
     .save = INDICES(1),
     .infer = index_infer,
     .run = index_run,
     .grad = index_grad},
    {.sig = "index_put(tensors: tensors, accumulate: bool=false) -> y: tensor",
     .doc =
         "x[...] = values: x, values that broadcast to the places, then indices as for index. Of "
         "places named twice the later value stays; with accumulate values are added instead, in "
         "their order.",
     .test = "{{{randn(3,4), randn(2,4), tensor{3,1}}}, {{randn(3,4), randn(3), tensor{3,1,3}, "
             "tensor{1,2,1}}, true}}",
     .ref = "reference.index_put",
     .flags = OP_HIDDEN | OP_INPLACE,
     .save = INDICES(2),
     .infer = index_put_infer,
     .run = index_put_run,
     .grad = index_put_grad},
    {.sig = "masked_select(x: tensor, mask: tensor) -> y: tensor",
     .doc = "The elements of x where the mask holds, as one row; x and mask broadcast.",
     .example = "tensor{1, 5, 2}:masked_select(tensor{1, 5, 2}:gt(1)) --> int64 [2]  5  2",
     .test = "{{randn(2,3), mask(2,3)}, {randn(2,3), mask(3)}}",
     .ref = "reference.masked_select",
     .compose = masked_select},
    {.sig = "masked_fill(x: tensor, mask: tensor, value: tensor) -> y: tensor",
     .doc = "x with a single value where the mask holds; x and mask broadcast.",
     .test = "{{randn(2,3), mask(2,3), 1.5}, {randn(2,3), mask(3), tensor(2.5)}}",
     .ref = "each: y and z or x",
     .flags = OP_INPLACE,
     .save = SAVE_X(1),
     .infer = masked_fill_infer,
     .run = masked_fill_run,
     .grad = masked_fill_grad},
    {.sig = "where(condition: tensor, x: tensor, y: tensor) -> z: tensor",
     .doc = "x where the condition holds (is not 0), y elsewhere; all broadcast, x and y may be "
            "numbers.",
     .test = "{{mask(2,3), randn(2,3), randn(2,3)}, {mask(3), randn(2,3), 1.5}, {mask(2,1), "
             "randn(3), randn(2,3)}}",
     .ref = "each: x and y or z",
     .save = SAVE_X(0),
     .infer = where_infer,
     .run = where_run,
     .grad = where_grad},
    {.sig = "nonzero(x: tensor) -> positions: index",
     .aliases = "argwhere",
     .doc = "The positions of elements that are not 0: int64 [n, dimensions], in row-major order.",
     .example = "tensor{0, 3, 4}:nonzero() --> int64 [2,1]\n  2\n  3",
     .test = "{{mask(2,3)}, {mask(5)}}",
     .ref = "reference.nonzero",
     .flags = OP_CONST,
     .infer = nonzero_infer,
     .run = nonzero_run},
    {.sig = "embedding(weight: tensor, indices: index, padding_idx: pos?) -> y: tensor",
     .doc = "Rows of weight [ids, features] by id: y has the shape of indices with features after "
            "it. The row padding_idx gets no gradient.",
     .test = "{{randn(4,3), tensor{1,4,1}}, {randn(4,3), tensor{{2,1},{3,3}}, 4}}",
     .ref = "reference.embedding",
     .save = SAVE_X(1),
     .infer = embedding_infer,
     .run = embedding_run,
     .grad = embedding_grad},
    {.sig = "embedding_dw(g: tensor, indices: index, rows: int, padding_idx: pos?) -> y: tensor",
     .doc = "The gradient of embedding for its weight [rows, features].",
     .test = "{{randn(3,2), tensor{1,4,1}, 4}, {randn(2,2,3), tensor{{2,1},{3,3}}, 4, 1}}",
     .ref = "reference.embedding_dw",
     .flags = OP_HIDDEN,
     .save = SAVE_X(1),
     .infer = embedding_dw_infer,
     .run = embedding_dw_run,
     .grad = embedding_dw_grad},
};

FAMILY(index, rows);
