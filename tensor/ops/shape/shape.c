/* The rows of ops that move elements without changing them: views, joining, copying. */
#include <string.h>

#include "../../calc.h"
#include "../../cast.h"
#include "shape.h"
#include "../../store.h"
#include "window.h"

/* ---- in other ops' terms ----------------------------------------------------------------------- */

static void expand_as(Call *c) { c->y[0] = t_expand(c->x[0], c->x[1]->ndim, c->x[1]->shape); }

static void reshape_as(Call *c) { c->y[0] = t_reshape(c->x[0], c->x[1]->ndim, c->x[1]->shape); }

/* Attributes: repeats, dim (absent: of all elements as one row). */
static void repeat_interleave(Call *c) {
  Tensor *x = c->x[0];
  int64_t n = c->attr[0].i, shape[T_MAXDIM], wide[T_MAXDIM];
  if (n < 0) t_fail("repeat_interleave: %lld times; it is 0 or more", (long long)n);
  if (c->attr[1].tag == A_NONE || x->ndim == 0) x = t_reshape(x, 1, &x->numel);
  int dim = c->attr[1].tag == A_NONE ? 0 : (int)c->attr[1].i;
  memcpy(shape, x->shape, sizeof shape);
  if (__builtin_mul_overflow(shape[dim], n, &shape[dim])) {
    t_fail("repeat_interleave: %lld times is more than can be counted", (long long)n);
  }
  x = t_unsqueeze(x, dim + 1);
  memcpy(wide, x->shape, sizeof wide);
  wide[dim + 1] = n;
  c->y[0] = t_reshape(t_expand(x, x->ndim, wide), x->ndim - 1, shape);
}

/* ---- writing in place -------------------------------------------------------------------------- */

/* x[1], of a shape that broadcasts to x[0]'s, is written over it. */
static void copy_infer(Call *c) {
  const Tensor *x = c->x[0], *src = c->x[1];
  int lead = x->ndim - src->ndim;
  bool fits = lead >= 0;
  for (int d = 0; fits && d < src->ndim; d++) {
    fits = src->shape[d] == x->shape[d + lead] || src->shape[d] == 1;
  }
  if (!fits) {
    t_fail("%s: %s does not fit into %s", call_name(c), t_shape_str(src), t_shape_str(x));
  }
  store_check(call_name(c), (DType)x->dtype, src);
}

static const char *copy_run(Call *c) {
  cast_into(c->y[0], c->x[1]);
  return NULL;
}

static void copy_grad(Call *c, Tensor *const *gy, Tensor **gx) {
  if (c->want[0]) gx[0] = t_zeros_like(gy[0]);
  if (c->want[1]) gx[1] = gy[0];
}

static void fill_infer(Call *c) {
  if (c->x[1]->ndim > 0) {
    t_fail("fill_: the value is %s; a single one is wanted (copy_ takes tensors)",
           t_shape_str(c->x[1]));
  }
  copy_infer(c);
}

static void zero_infer(Call *c) { (void)c; }

static const char *zero_run(Call *c) {
  Attr zero = attr_of_int(0);
  store_number(c->y[0], &zero);
  return NULL;
}

static void zero_grad(Call *c, Tensor *const *gy, Tensor **gx) {
  (void)c;
  gx[0] = t_zeros_like(gy[0]);
}

/* ---- the rows ---------------------------------------------------------------------------------- */

static Op rows[] = {
    {.sig = "reshape(x: tensor, shape: sizes) -> y: tensor",
     .doc = "The same elements in the same order in another shape. One size may be -1 and is "
            "computed. A view of x where its strides allow that, else a copy.",
     .example = "tensor.arange(6):reshape(2, -1).shape --> {2, 3}",
     .test = "{{randn(2,3), {3,2}}, {randn(2,3), {-1}}, {randn(2,3):t(), {2,3}}, "
             "{randn(2,3,2):transpose(1,2), {2,-1}}}",
     .ref = "reference.reshape",
     .infer = reshape_infer,
     .run = copy_when_new_run,
     .grad = reshape_grad},
    {.sig = "view(x: tensor, shape: sizes) -> y: tensor",
     .doc = "A view of x in another shape; an error where that would need a copy (reshape makes "
            "one). One size may be -1 and is computed.",
     .test = "{{randn(2,3), {3,2}}, {randn(2,3), {1,-1}}, {randn(2,6):narrow(1,2,1), {3,2}}}",
     .ref = "reference.reshape",
     .flags = OP_VIEW,
     .infer = view_infer,
     .grad = reshape_grad},
    {.sig = "flatten(x: tensor, start_dim: dim=1, end_dim: dim=-1) -> y: tensor",
     .doc = "The dimensions from start_dim to end_dim, both included, as one. A single value "
            "becomes [1].",
     .example = "tensor.zeros(8, 3, 5, 5):flatten(2).shape --> {8, 75}",
     .test = "{{randn(2,3)}, {randn(2,3,2), 2}, {randn(2,3,2), 1, 2}, {randn(2,3):t()}}",
     .ref = "reference.flatten",
     .infer = flatten_infer,
     .run = copy_when_new_run,
     .grad = reshape_grad},
    {.sig = "unflatten(x: tensor, dim: dim, sizes: sizes) -> y: tensor",
     .doc = "One dimension cut into several, whose sizes multiply to its own; one may be -1.",
     .test = "{{randn(6,2), 1, {2,3}}, {randn(2,6), -1, {3,-1}}}",
     .ref = "reference.unflatten",
     .infer = unflatten_infer,
     .run = copy_when_new_run,
     .grad = reshape_grad},
    {.sig = "squeeze(x: tensor, dim: dims?) -> y: tensor",
     .doc = "A view without the dimensions of size 1: all of them, or those given that are.",
     .test = "{{randn(2,1,3)}, {randn(1,2,1), 1}, {randn(1,2,1), {1,-1}}, {randn(2,3), 1}}",
     .ref = "reference.squeeze",
     .flags = OP_VIEW,
     .infer = squeeze_infer,
     .grad = reshape_grad},
    {.sig = "unsqueeze(x: tensor, dim: newdim) -> y: tensor",
     .doc = "A view with a new dimension of size 1 at that place.",
     .test = "{{randn(2,3), 1}, {randn(2,3), 2}, {randn(2,3), -1}, {tensor(1.5), 1}}",
     .ref = "reference.unsqueeze",
     .flags = OP_VIEW,
     .infer = unsqueeze_infer,
     .grad = reshape_grad},
    {.sig = "permute(x: tensor, dims: dims) -> y: tensor",
     .doc = "A view with the dimensions in another order.",
     .example = "tensor.zeros(2, 3, 4):permute(3, 1, 2).shape --> {4, 2, 3}",
     .test = "{{randn(2,3,4), {3,1,2}}, {randn(2,3), {2,1}}, {randn(2,1,3), {-1,1,2}}}",
     .ref = "reference.permute",
     .flags = OP_VIEW,
     .infer = permute_infer,
     .grad = permute_grad},
    {.sig = "transpose(x: tensor, dim0: dim, dim1: dim) -> y: tensor",
     .aliases = "swapaxes swapdims",
     .doc = "A view with two dimensions exchanged.",
     .test = "{{randn(2,3), 1, 2}, {randn(2,3,4), -1, 1}, {randn(2,3), 1, 1}}",
     .ref = "reference.transpose",
     .flags = OP_VIEW,
     .infer = transpose_infer,
     .grad = transpose_grad},
    {.sig = "t(x: tensor) -> y: tensor",
     .doc = "A view of a matrix with rows and columns exchanged; vectors and single values stay.",
     .test = "{{randn(2,3)}, {randn(3)}}",
     .ref = "reference.t",
     .flags = OP_VIEW,
     .infer = t_infer,
     .grad = t_grad},
    {.sig = "movedim(x: tensor, source: dims, destination: dims) -> y: tensor",
     .aliases = "moveaxis",
     .doc = "A view with some dimensions moved to other places; the rest keep their order.",
     .test = "{{randn(2,3,4), 1, 3}, {randn(2,3,4), {1,2}, {-1,1}}}",
     .ref = "reference.movedim",
     .flags = OP_VIEW,
     .infer = movedim_infer,
     .grad = movedim_grad},
    {.sig = "expand(x: tensor, size: sizes) -> y: tensor",
     .aliases = "broadcast_to",
     .doc = "A view in a larger shape: dimensions of size 1 are repeated without copying, new ones "
            "come first, -1 keeps a size. Several elements share one place in memory.",
     .test = "{{randn(2,1), {2,3}}, {randn(3), {2,-1}}, {tensor(1.5), {2,2}}}",
     .ref = "reference.expand",
     .flags = OP_VIEW,
     .infer = expand_infer,
     .grad = pass_grad},
    {.sig = "expand_as(x: tensor, other: tensor) -> y: tensor",
     .doc = "x expanded to the shape of other: a view.",
     .test = "{{randn(2,1), randn(2,3)}}",
     .ref = "reference.expand_as",
     .compose = expand_as},
    {.sig = "reshape_as(x: tensor, other: tensor) -> y: tensor",
     .aliases = "view_as",
     .doc = "x in the shape of other, see reshape.",
     .test = "{{randn(2,3), randn(6)}, {randn(2,3), randn(3,2)}}",
     .ref = "reference.reshape_as",
     .compose = reshape_as},
    {.sig = "narrow(x: tensor, dim: dim, start: pos, length: int) -> y: tensor",
     .doc = "A view of length positions of a dimension, from start on.",
     .test = "{{randn(4,2), 1, 2, 2}, {randn(2,3), -1, 1, 2}, {randn(2,3), 2, -2, 1}}",
     .ref = "reference.narrow",
     .flags = OP_VIEW,
     .infer = narrow_infer,
     .grad = narrow_grad},
    {.sig = "select(x: tensor, dim: dim, index: pos) -> y: tensor",
     .doc = "A view of one position of a dimension, which is dropped; a tensor even when none is "
            "left.",
     .test = "{{randn(4,2), 1, 3}, {randn(2,3), -1, -1}, {randn(3), 1, 2}}",
     .ref = "reference.select",
     .flags = OP_VIEW | OP_TENSOR,
     .infer = select_infer,
     .grad = select_grad},
    {.sig = "slice(x: tensor, dim: dim, start: pos=1, stop: pos=-1, step: int=1) -> y: tensor",
     .doc = "A view of the positions start to stop of a dimension, both included, every step-th. "
            "What lies beyond the ends is left out, as in string.sub.",
     .test = "{{randn(5,2), 1, 2, 4}, {randn(2,5), 2, 1, -1, 2}, {randn(4), 1, -2, 9}}",
     .ref = "reference.slice",
     .flags = OP_VIEW,
     .infer = slice_infer,
     .grad = slice_grad},
    {.sig = "diagonal(x: tensor, offset: int=0, dim1: dim=1, dim2: dim=2) -> y: tensor",
     .doc = "A view of the diagonal of two dimensions, which becomes the last dimension. offset "
            "counts to the right, a negative one downwards.",
     .test = "{{randn(3,3)}, {randn(3,4), 1}, {randn(3,3,2), -1, 1, 2}, {randn(2,3,3), 0, -2, -1}}",
     .ref = "reference.diagonal",
     .flags = OP_VIEW,
     .infer = diagonal_infer,
     .grad = diagonal_grad},
    {.sig = "index_basic(x: tensor, starts: ints, counts: ints, steps: ints, drop: ints) -> y: "
            "tensor",
     .doc = "The view behind x[...]: for every dimension the first position (from 0), how many, "
            "every which, and 1 where the dimension is dropped. All are checked before.",
     .test = "{{randn(3,4), {1,0}, {1,2}, {1,2}, {1,0}}, {randn(3,4), {0,1}, {3,1}, {1,1}, {0,1}}}",
     .ref = "reference.index_basic",
     .flags = OP_VIEW | OP_HIDDEN | OP_TENSOR,
     .infer = index_basic_infer,
     .grad = index_basic_grad},
    {.sig = "as_strided(x: tensor, size: ints, stride: ints, offset: int) -> y: tensor",
     .doc = "The window of a contiguous tensor that these strides show, from an offset in elements "
            "from 0: how the gradient of a view that was written to is found.",
     .test = "{{randn(3,4), {2,3}, {4,1}, 1}, {randn(6), {3,2}, {1,2}, 0}, {randn(4), {2,4}, "
             "{0,1}, 0}}",
     .ref = "reference.as_strided",
     .flags = OP_VIEW | OP_HIDDEN,
     .infer = as_strided_infer,
     .grad = as_strided_grad},
    {.sig = "as_strided_scatter(x: tensor, values: tensor, size: ints, stride: ints, offset: int) "
            "-> y: tensor",
     .doc = "A copy of a contiguous tensor with a window of it replaced, see as_strided.",
     .test = "{{randn(3,4), randn(2,3), {2,3}, {4,1}, 1}, {randn(6), randn(3,2), {3,2}, {1,3}, 0}}",
     .ref = "reference.as_strided_scatter",
     .flags = OP_HIDDEN,
     .infer = as_strided_scatter_infer,
     .run = as_strided_scatter_run,
     .grad = as_strided_scatter_grad},
    {.sig = "window_add(x: tensor, shape: ints, size: ints, stride: ints, offset: int) -> y: "
            "tensor",
     .doc = "Zeros of a shape with x added at a window of it, see as_strided.",
     .test = "{{randn(2,3), {3,4}, {2,3}, {4,1}, 1}, {randn(2,4), {4}, {2,4}, {0,1}, 0}}",
     .ref = "reference.window_add",
     .flags = OP_HIDDEN,
     .infer = window_add_infer,
     .run = window_add_run,
     .grad = window_add_grad},
    {.sig = "contiguous(x: tensor) -> y: tensor",
     .doc = "x itself when its elements lie in order, else a copy in which they do.",
     .test = "{{randn(2,3)}, {randn(2,3):t()}}",
     .ref = "each: x",
     .flags = OP_TENSOR,
     .infer = contiguous_infer,
     .run = copy_when_new_run,
     .grad = pass_grad},
    {.sig = "clone(x: tensor) -> y: tensor",
     .doc = "A copy.",
     .test = "{{randn(2,3)}, {randn(2,3):t()}}",
     .ref = "each: x",
     .flags = OP_TENSOR,
     .infer = clone_infer,
     .run = copy_when_new_run,
     .grad = pass_grad},
    {.sig = "copy_(x: tensor, src: tensor) -> y: tensor",
     .doc = "Writes src over x, converted to x's type and expanded to its shape; a fraction does "
            "not go into integers.",
     .test = "{{randn(2,3), randn(2,3)}, {randn(2,3), randn(3)}, {randn(2,3), 1.5}}",
     .ref = "reference.copy_",
     .flags = OP_ONLY_INPLACE,
     .infer = copy_infer,
     .run = copy_run,
     .grad = copy_grad},
    {.sig = "fill_(x: tensor, value: tensor) -> y: tensor",
     .doc = "Writes a single value over every element of x.",
     .test = "{{randn(2,3), 1.5}, {randn(2,3), tensor(2.5)}}",
     .ref = "reference.copy_",
     .flags = OP_ONLY_INPLACE,
     .infer = fill_infer,
     .run = copy_run,
     .grad = copy_grad},
    {.sig = "zero_(x: tensor) -> y: tensor",
     .doc = "Writes 0 over every element of x.",
     .test = "{{randn(2,3)}}",
     .ref = "each: 0",
     .flags = OP_ONLY_INPLACE,
     .infer = zero_infer,
     .run = zero_run,
     .grad = zero_grad},
    {.sig = "cat(tensors: tensors, dim: dim=1) -> y: tensor",
     .aliases = "concat concatenate",
     .doc = "Tensors one after another along a dimension they have; all other sizes must be equal. "
            "tensor.zeros(0) joins with anything.",
     .example = "tensor.cat({tensor{1, 2}, tensor{3}}) --> int64 [3]  1  2  3",
     .test = "{{{randn(2,3), randn(1,3)}}, {{randn(2,3), randn(2,1), randn(2,2)}, -1}}",
     .ref = "reference.cat",
     .infer = cat_infer,
     .run = cat_run,
     .grad = cat_grad},
    {.sig = "stack(tensors: tensors, dim: newdim=1) -> y: tensor",
     .doc = "Tensors of one shape side by side along a new dimension.",
     .example = "tensor.stack({tensor{1, 2}, tensor{3, 4}}).shape --> {2, 2}",
     .test = "{{{randn(2,3), randn(2,3)}}, {{randn(2,3), randn(2,3), randn(2,3)}, -1}, "
             "{{randn(3), randn(3)}, 2}}",
     .ref = "reference.stack",
     .infer = stack_infer,
     .run = stack_run,
     .grad = stack_grad},
    {.sig = "flip(x: tensor, dims: dims) -> y: tensor",
     .doc = "A copy with the order of positions in these dimensions reversed.",
     .test = "{{randn(2,3), 1}, {randn(2,3), {1,2}}, {randn(2,3,2), -1}}",
     .ref = "reference.flip",
     .infer = flip_infer,
     .run = flip_run,
     .grad = flip_grad},
    {.sig = "roll(x: tensor, shifts: ints, dims: dims?) -> y: tensor",
     .doc = "A copy with positions moved on by shifts; what leaves at the end comes in at the "
            "start. Without dims all elements are one row.",
     .test = "{{randn(2,3), 2}, {randn(2,3), -1, 2}, {randn(3,3), {1,2}, {1,-1}}}",
     .ref = "reference.roll",
     .infer = roll_infer,
     .run = roll_run,
     .grad = roll_grad},
    {.sig = "rep(x: tensor, sizes: sizes) -> y: tensor",
     .aliases = "tile",
     .doc = "x laid out several times along each dimension; more numbers than dimensions add "
            "dimensions in front.",
     .example = "tensor{1, 2}:rep(2, 2) --> int64 [2,4]\n  1  2  1  2\n  1  2  1  2",
     .test = "{{randn(2,3), {2,1}}, {randn(3), {2,2}}, {randn(2,1), {1,3}}}",
     .ref = "reference.rep",
     .infer = rep_infer,
     .run = rep_run,
     .grad = rep_grad},
    {.sig = "repeat_interleave(x: tensor, repeats: int, dim: dim?) -> y: tensor",
     .doc = "Every position of a dimension several times in a row. Without dim all elements are "
            "one row.",
     .test = "{{randn(2,3), 2}, {randn(2,3), 2, 1}, {randn(2,3), 3, -1}}",
     .ref = "reference.repeat_interleave",
     .compose = repeat_interleave},
    {.sig = "pad(x: tensor, pad: ints, mode: string{constant}=constant, value: scalar=0) -> y: "
            "tensor",
     .doc = "A copy with value around it: pad lists how much before and after the last dimension, "
            "then the one before it, and so on; negative amounts crop.",
     .test = "{{randn(2,3), {1,2}}, {randn(2,3), {1,0,0,2}, {value = 1.5}}, {randn(2,4), {-1,1}}}",
     .ref = "reference.pad",
     .infer = pad_infer,
     .run = pad_run,
     .grad = pad_grad},
    {.sig = "tril(x: tensor, diagonal: int=0) -> y: tensor",
     .doc = "The lower triangle of the last two dimensions, 0 elsewhere; diagonal moves its edge "
            "to the right.",
     .test = "{{randn(3,3)}, {randn(3,4), 1}, {randn(2,3,3), -1}}",
     .ref = "reference.tril",
     .infer = tril_infer,
     .run = tril_run,
     .grad = tril_grad},
    {.sig = "triu(x: tensor, diagonal: int=0) -> y: tensor",
     .doc = "The upper triangle of the last two dimensions, 0 elsewhere; diagonal moves its edge "
            "to the right.",
     .test = "{{randn(3,3)}, {randn(3,4), 1}, {randn(2,3,3), -1}}",
     .ref = "reference.triu",
     .infer = tril_infer,
     .run = triu_run,
     .grad = tril_grad},
};

FAMILY(shape, rows);
