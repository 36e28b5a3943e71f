/* New shapes over the same elements in the same order: views where the strides allow it, else
   copies. */
#include <stdio.h>

#include "../../calc.h"
#include "../../loop/cast.h"
#include "shape.h"
#include "window.h"

/* ---- sizes ------------------------------------------------------------------------------------ */

static const char *elements(int64_t n) {
  static char text[40];
  snprintf(text, sizeof text, n == 1 ? "%lld element" : "%lld elements", (long long)n);
  return text;
}

/* Checks the sizes asked for; returns their product without the -1, whose place goes to *free_dim. */
static int64_t product(const Call *c, const Attr *sizes, int *free_dim) {
  int64_t n = 1;
  *free_dim = -1;
  for (int d = 0; d < sizes->n; d++) {
    int64_t size = sizes->v[d];
    if (size < -1) {
      t_fail("%s: size %lld in %s; sizes are 0 or more, or -1 for what is left", call_name(c),
             (long long)size, t_dims_str(sizes->n, sizes->v));
    }
    if (size == -1 && *free_dim >= 0) {
      t_fail("%s: %s has more than one -1; only one size can be left open", call_name(c),
             t_dims_str(sizes->n, sizes->v));
    }
    if (size == -1)
      *free_dim = d;
    else if (__builtin_mul_overflow(n, size, &n))
      n = INT64_MAX;
  }
  return n;
}

/* The sizes asked for with the -1 filled in, for as many elements as there are; of: what they are
   counted in, for the message ("[2,3]"). */
static void fill_sizes(const Call *c, const Attr *sizes, int64_t numel, const char *of,
                       int64_t *shape) {
  int free_dim;
  int64_t n = product(c, sizes, &free_dim);
  const char *asked = t_dims_str(sizes->n, sizes->v);
  if (free_dim >= 0 && n == 0) {
    t_fail("%s: the -1 in %s could be any size, since another size is 0; give it", call_name(c),
           asked);
  }
  if (free_dim < 0 && numel != n) {
    t_fail("%s: %s has %s, but %s holds %lld", call_name(c), of, elements(numel), asked,
           (long long)n);
  }
  if (free_dim >= 0 && numel % n != 0) {
    t_fail("%s: %s has %s, which cannot fill %s: the other sizes make %lld", call_name(c), of,
           elements(numel), asked, (long long)n);
  }
  for (int d = 0; d < sizes->n; d++) shape[d] = d == free_dim ? numel / n : sizes->v[d];
}

/* Strides that show x's elements in that shape without moving them; false when there are none. */
static bool strides_for(const Tensor *x, int ndim, const int64_t *shape, int64_t *stride) {
  if (t_is_contiguous(x)) {
    t_strides(ndim, shape, stride);
    return true;
  }
  /* From the end: each run of x's dimensions that steps evenly is cut into new ones. */
  int to = ndim - 1;
  for (int from = x->ndim - 1; from >= 0;) {
    int64_t step = x->stride[from], run = x->shape[from], made = 1;
    for (from--; from >= 0; from--) {
      if (x->shape[from] != 1 && x->stride[from] != run * step) break;
      run *= x->shape[from];
    }
    for (; to >= 0 && (made < run || shape[to] == 1); to--) {
      stride[to] = made * step;
      made *= shape[to];
    }
    if (made != run) return false;
  }
  return true;
}

static bool try_view(Call *c, int ndim, const int64_t *shape) {
  int64_t stride[T_MAXDIM];
  if (!strides_for(c->x[0], ndim, shape, stride)) return false;
  call_view(c, ndim, shape, stride, c->x[0]->offset);
  return true;
}

static void set_shape(Call *c, int ndim, const int64_t *shape) {
  if (!try_view(c, ndim, shape)) call_out(c, 0, (DType)c->x[0]->dtype, ndim, shape);
}

static const char *copy_when_new_run(Call *c) {
  const Tensor *x = c->x[0], *y = c->y[0];
  if (y->st == x->st) return NULL;
  Window w = window_whole(x->ndim, x->shape);
  Tensor in_order = window_tensor(y, &w);
  cast_into(&in_order, x);
  return NULL;
}

static void reshape_grad(Call *c, Tensor *const *gy, Tensor **gx) {
  gx[0] = t_reshape(gy[0], c->x[0]->ndim, c->x[0]->shape);
}

/* ---- the ops ---------------------------------------------------------------------------------- */

static void reshape_infer(Call *c) {
  int64_t shape[T_MAXDIM];
  fill_sizes(c, &c->attr[0], c->x[0]->numel, t_shape_str(c->x[0]), shape);
  set_shape(c, c->attr[0].n, shape);
}

static void view_infer(Call *c) {
  int64_t shape[T_MAXDIM];
  fill_sizes(c, &c->attr[0], c->x[0]->numel, t_shape_str(c->x[0]), shape);
  if (!try_view(c, c->attr[0].n, shape)) {
    t_fail("view: this %s tensor is not laid out in order, so %s would need a copy; use reshape",
           t_shape_str(c->x[0]), t_dims_str(c->attr[0].n, shape));
  }
}

/* Attributes: start_dim, end_dim. */
static void flatten_infer(Call *c) {
  Tensor *x = c->x[0];
  int64_t start = attr_int(c, 0, 0), end = attr_int(c, 1, x->ndim - 1), shape[T_MAXDIM], n = 1;
  if (x->ndim == 0) {
    set_shape(c, 1, &n);
    return;
  }
  if (start > end) {
    t_fail("flatten: start_dim %lld comes after end_dim %lld", (long long)start + 1,
           (long long)end + 1);
  }
  int ndim = 0;
  for (int d = 0; d < start; d++) shape[ndim++] = x->shape[d];
  for (int64_t d = start; d <= end; d++) n *= x->shape[d];
  shape[ndim++] = n;
  for (int64_t d = end + 1; d < x->ndim; d++) shape[ndim++] = x->shape[d];
  set_shape(c, ndim, shape);
}

/* Attributes: dim, sizes. */
static void unflatten_infer(Call *c) {
  Tensor *x = c->x[0];
  int64_t dim = c->attr[0].i, shape[T_MAXDIM];
  const Attr *sizes = &c->attr[1];
  if (x->ndim == 0) t_fail("unflatten: the tensor has no dimension to unflatten");
  if (x->ndim - 1 + sizes->n > T_MAXDIM) {
    t_fail("unflatten: the result has more than %d dimensions", T_MAXDIM);
  }
  char of[60];
  snprintf(of, sizeof of, "dimension %lld", (long long)dim + 1);
  int ndim = 0;
  for (int d = 0; d < dim; d++) shape[ndim++] = x->shape[d];
  fill_sizes(c, sizes, x->shape[dim], of, shape + ndim);
  ndim += sizes->n;
  for (int64_t d = dim + 1; d < x->ndim; d++) shape[ndim++] = x->shape[d];
  set_shape(c, ndim, shape);
}

static void squeeze_infer(Call *c) {
  Window w = window_of(c->x[0]);
  const Attr *dims = &c->attr[0];
  bool drop[T_MAXDIM] = {false};
  for (int d = 0; d < w.ndim; d++) drop[d] = dims->tag == A_NONE && w.shape[d] == 1;
  for (int i = 0; i < dims->n; i++) {
    int64_t d = dims->v[i];
    if (d < w.ndim && w.shape[d] == 1) drop[d] = true;
  }
  for (int d = w.ndim - 1; d >= 0; d--) {
    if (drop[d]) window_drop_dim(&w, d);
  }
  call_view(c, w.ndim, w.shape, w.stride, w.offset);
}

static void unsqueeze_infer(Call *c) {
  Window w = window_of(c->x[0]);
  int dim = (int)c->attr[0].i;
  int64_t stride = dim < w.ndim ? w.shape[dim] * w.stride[dim] : 1;
  window_insert_dim(&w, dim, 1, stride);
  call_view(c, w.ndim, w.shape, w.stride, w.offset);
}

/* x itself when it is contiguous already. */
static void contiguous_infer(Call *c) {
  Tensor *x = c->x[0];
  if (t_is_contiguous(x) && !x->weak)
    c->y[0] = x;
  else
    call_out(c, 0, (DType)x->dtype, x->ndim, x->shape);
}

static void clone_infer(Call *c) {
  Tensor *x = c->x[0];
  call_out(c, 0, (DType)x->dtype, x->ndim, x->shape);
}

static void reshape_as(Call *c) { c->y[0] = t_reshape(c->x[0], c->x[1]->ndim, c->x[1]->shape); }

static void ravel(Call *c) {
  c->y[0] = t_reshape(t_op1("contiguous", c->x[0]), 1, &c->x[0]->numel);
}

/* x must be what expands to x's shape from that size. */
static void sum_to_size(Call *c) {
  const Tensor *x = c->x[0];
  const Attr *size = &c->attr[0];
  int lead = x->ndim - size->n;
  bool fits = lead >= 0;
  for (int d = 0; d < size->n && fits; d++) {
    fits = size->v[d] == 1 || size->v[d] == x->shape[d + lead];
  }
  if (!fits) {
    t_fail("sum_to_size: %s does not expand to %s, the shape of x", t_dims_str(size->n, size->v),
           t_shape_str(x));
  }
  Tensor *y = size->n ? t_sum_to(c->x[0], size->n, size->v) : t_sum_all(c->x[0]);
  c->y[0] = y == x ? t_op1("clone", y) : y;
}

/* ---- the rows ---------------------------------------------------------------------------------- */

static Op rows[] = {
    {.sig = "reshape(x: tensor, shape: sizes) -> y: tensor",
     .doc = "The same elements in the same order in another shape. One size may be -1 and is "
            "computed. A view of x where its strides allow that, else a copy.",
     .example = "tensor.arange(6):reshape(2, -1) --> int64 [2,3]\n"
                "  1  2  3\n"
                "  4  5  6",
     .test = "{{randn(2,3), {3,2}}, {randn(2,3), {-1}}, {randn(2,3):t(), {2,3}}, "
             "{randn(2,3,2):transpose(1,2), {2,-1}}}",
     .ref = "reference.reshape",
     .infer = reshape_infer,
     .run = copy_when_new_run,
     .grad = reshape_grad},
    {.sig = "view(x: tensor, shape: sizes) -> y: tensor",
     .doc = "A view of x in another shape; an error where that would need a copy (reshape makes "
            "one). One size may be -1 and is computed.",
     .example = "tensor.arange(6):view(2, -1) --> int64 [2,3]\n"
                "  1  2  3\n"
                "  4  5  6",
     .test = "{{randn(2,3), {3,2}}, {randn(2,3), {1,-1}}, {randn(2,6):narrow(1,2,1), {3,2}}}",
     .ref = "reference.reshape",
     .flags = OP_VIEW,
     .infer = view_infer,
     .grad = reshape_grad},
    {.sig = "flatten(x: tensor, start_dim: dim=1, end_dim: dim=-1) -> y: tensor",
     .doc = "The dimensions from start_dim to end_dim, both included, as one. A single value "
            "becomes [1].",
     .example = "tensor{{{1, 2}, {3, 4}}}:flatten(2) --> int64 [1,4]  1  2  3  4",
     .test = "{{randn(2,3)}, {randn(2,3,2), 2}, {randn(2,3,2), 1, 2}, {randn(2,3):t()}}",
     .ref = "reference.flatten",
     .infer = flatten_infer,
     .run = copy_when_new_run,
     .grad = reshape_grad},
    {.sig = "unflatten(x: tensor, dim: dim, sizes: sizes) -> y: tensor",
     .doc = "One dimension cut into several, whose sizes multiply to its own; one may be -1.",
     .example = "tensor.arange(6):unflatten(1, {2, -1}) --> int64 [2,3]\n"
                "  1  2  3\n"
                "  4  5  6",
     .test = "{{randn(6,2), 1, {2,3}}, {randn(2,6), -1, {3,-1}}}",
     .ref = "reference.unflatten",
     .infer = unflatten_infer,
     .run = copy_when_new_run,
     .grad = reshape_grad},
    {.sig = "ravel(x: tensor) -> y: tensor",
     .doc = "All elements as one row: a view of x where it lies in order, else a copy.",
     .example = "tensor{{1, 2}, {3, 4}}:ravel() --> int64 [4]  1  2  3  4",
     .test = "{{randn(2,3)}, {randn(2,3):t()}, {tensor(1.5)}}",
     .ref = "reference.ravel",
     .compose = ravel},
    {.sig = "sum_to_size(x: tensor, size: sizes) -> y: tensor",
     .doc = "The sums of what expanding a tensor of that size to x's shape would repeat.",
     .example = "tensor{{1, 2}, {3, 4}}:sum_to_size(1, 2) --> int64 [1,2]  4  6",
     .test = "{{randn(2,3), {1,3}}, {randn(2,3), {3}}, {randn(2,3), {2,3}}}",
     .ref = "reference.sum_to_size",
     .compose = sum_to_size},
    {.sig = "reshape_as(x: tensor, other: tensor) -> y: tensor",
     .aliases = "view_as",
     .doc = "x in the shape of other, see reshape.",
     .example = "tensor.arange(4):reshape_as(tensor.zeros(2, 2)) --> int64 [2,2]\n"
                "  1  2\n"
                "  3  4",
     .test = "{{randn(2,3), randn(6)}, {randn(2,3), randn(3,2)}}",
     .ref = "reference.reshape_as",
     .compose = reshape_as},
    {.sig = "squeeze(x: tensor, dim: dims?) -> y: tensor",
     .doc = "A view without the dimensions of size 1: all of them, or those given that are.",
     .example = "tensor.zeros(1, 3, 1):squeeze().shape --> {3}",
     .test = "{{randn(2,1,3)}, {randn(1,2,1), 1}, {randn(1,2,1), {1,-1}}, {randn(2,3), 1}}",
     .ref = "reference.squeeze",
     .flags = OP_VIEW,
     .infer = squeeze_infer,
     .grad = reshape_grad},
    {.sig = "unsqueeze(x: tensor, dim: newdim) -> y: tensor",
     .doc = "A view with a new dimension of size 1 at that place.",
     .example = "tensor{1, 2}:unsqueeze(2) --> int64 [2,1]\n"
                "  1\n"
                "  2",
     .test = "{{randn(2,3), 1}, {randn(2,3), 2}, {randn(2,3), -1}, {tensor(1.5), 1}}",
     .ref = "reference.unsqueeze",
     .flags = OP_VIEW,
     .infer = unsqueeze_infer,
     .grad = reshape_grad},
    {.sig = "contiguous(x: tensor) -> y: tensor",
     .doc = "x itself when its elements lie in order, else a copy in which they do.",
     .example = "x = tensor{{1, 2}, {3, 4}}:t()\n"
                "x:is_contiguous(), x:contiguous():is_contiguous() --> false  true",
     .test = "{{randn(2,3)}, {randn(2,3):t()}}",
     .ref = "each: x",
     .flags = OP_TENSOR,
     .infer = contiguous_infer,
     .run = copy_when_new_run,
     .grad = shape_pass_grad},
    {.sig = "clone(x: tensor) -> y: tensor",
     .doc = "A copy.",
     .example = "x = tensor{1, 2}\n"
                "y = x:clone()\n"
                "y[1] = 9\n"
                "x --> int64 [2]  1  2",
     .test = "{{randn(2,3)}, {randn(2,3):t()}}",
     .ref = "each: x",
     .flags = OP_TENSOR,
     .infer = clone_infer,
     .run = copy_when_new_run,
     .grad = shape_pass_grad},
};

FAMILY_PART(shape, reshape, rows);
