/* Views with other strides: reordered, expanded and cut dimensions. */
#include <string.h>

#include "../../calc.h"
#include "shape.h"
#include "window.h"

/* ---- reordering: every op is a permutation ----------------------------------------------------- */

typedef void (*Order)(const Call *c, int ndim, int64_t *order);

static void reorder(Call *c, Order order) {
  const Tensor *x = c->x[0];
  int64_t from[T_MAXDIM];
  Window w = window_of(x);
  order(c, x->ndim, from);
  for (int d = 0; d < w.ndim; d++) {
    w.shape[d] = x->shape[from[d]];
    w.stride[d] = x->stride[from[d]];
  }
  call_view(c, w.ndim, w.shape, w.stride, w.offset);
}

static void reorder_grad(Call *c, Tensor *const *gy, Tensor **gx, Order order) {
  int64_t from[T_MAXDIM], back[T_MAXDIM];
  int ndim = c->x[0]->ndim;
  order(c, ndim, from);
  for (int d = 0; d < ndim; d++) back[from[d]] = d;
  gx[0] = t_permute(gy[0], back);
}

#define REORDER(name)                                                                              \
  static void name##_infer(Call *c) { reorder(c, name##_order); }                                  \
  static void name##_grad(Call *c, Tensor *const *gy, Tensor **gx) {                               \
    reorder_grad(c, gy, gx, name##_order);                                                         \
  }

static void permute_order(const Call *c, int ndim, int64_t *order) {
  const Attr *dims = &c->attr[0];
  bool seen[T_MAXDIM] = {false};
  if (dims->n != ndim) {
    t_fail("permute: the order has %d of the %d dimensions; name each once", dims->n, ndim);
  }
  for (int d = 0; d < ndim; d++) {
    int64_t from = order[d] = dims->v[d];
    if (seen[from]) {
      t_fail("permute: dimension %lld is named twice; name each once", (long long)from + 1);
    }
    seen[from] = true;
  }
}
REORDER(permute)

static void swap(int ndim, int64_t a, int64_t b, int64_t *order) {
  for (int d = 0; d < ndim; d++) order[d] = d == a ? b : d == b ? a : d;
}

static void transpose_order(const Call *c, int ndim, int64_t *order) {
  swap(ndim, c->attr[0].i, c->attr[1].i, order);
}
REORDER(transpose)

static void t_order(const Call *c, int ndim, int64_t *order) {
  if (ndim > 2) {
    t_fail("t: the tensor is %s; t turns matrices, transpose(-2, -1) the last two dimensions",
           t_shape_str(c->x[0]));
  }
  swap(ndim, 0, ndim - 1, order);
}
REORDER(t)

static void movedim_order(const Call *c, int ndim, int64_t *order) {
  const Attr *from = &c->attr[0], *to = &c->attr[1];
  bool moved[T_MAXDIM] = {false};
  if (from->n != to->n) {
    t_fail("movedim: %d dimensions to move but %d places for them", from->n, to->n);
  }
  for (int d = 0; d < ndim; d++) order[d] = -1;
  for (int i = 0; i < from->n; i++) {
    if (moved[from->v[i]] || order[to->v[i]] >= 0) {
      t_fail("movedim: a dimension is named twice; name each once");
    }
    moved[from->v[i]] = true;
    order[to->v[i]] = from->v[i];
  }
  int next = 0;
  for (int d = 0; d < ndim; d++) {
    if (order[d] >= 0) continue;
    while (moved[next]) next++;
    order[d] = next++;
  }
}
REORDER(movedim)

/* ---- expanding -------------------------------------------------------------------------------- */

static void expand_infer(Call *c) {
  const Tensor *x = c->x[0];
  const Attr *sizes = &c->attr[0];
  Window w = {.ndim = sizes->n, .offset = x->offset};
  int lead = w.ndim - x->ndim;
  int64_t n = 1;
  if (lead < 0) {
    t_fail("expand: %s wants a size for each of the tensor's %d dimensions %s",
           t_dims_str(sizes->n, sizes->v), x->ndim, t_shape_str(x));
  }
  for (int d = 0; d < w.ndim; d++) {
    int64_t size = sizes->v[d], own = d < lead ? 1 : x->shape[d - lead];
    bool keep = size == own || (size == -1 && d >= lead);
    if (size < -1 || (size == -1 && d < lead)) {
      t_fail("expand: size %lld in %s; -1 keeps a size that the tensor has", (long long)size,
             t_dims_str(sizes->n, sizes->v));
    }
    if (!keep && own != 1) {
      t_fail("expand: %s cannot become %s: size %lld in dimension %d; only sizes of 1 grow",
             t_shape_str(x), t_dims_str(sizes->n, sizes->v), (long long)own, d - lead + 1);
    }
    w.shape[d] = keep ? own : size;
    if (w.shape[d] > 0 && __builtin_mul_overflow(n, w.shape[d], &n)) {
      t_fail("expand: shape %s has more elements than can be counted; check the sizes",
             t_dims_str(sizes->n, sizes->v));
    }
    w.stride[d] = keep && d >= lead ? x->stride[d - lead] : 0;
  }
  call_view(c, w.ndim, w.shape, w.stride, w.offset);
}

/* ---- cutting: see Carve ------------------------------------------------------------------------ */

#define CARVED(name)                                                                               \
  static void name##_infer(Call *c) { carve_infer(c, name##_carve); }                              \
  static void name##_grad(Call *c, Tensor *const *gy, Tensor **gx) {                               \
    carve_grad(c, gy, gx, name##_carve);                                                           \
  }

static int dim_of(const Call *c, const Window *w) {
  if (w->ndim == 0) t_fail("%s: the tensor has no dimensions", call_name(c));
  return (int)c->attr[0].i;
}

/* Attributes: dim, start (from 0 or from the end), length. */
static void narrow_carve(const Call *c, Window *w) {
  int dim = dim_of(c, w);
  int64_t size = w->shape[dim], start = c->attr[1].i, length = c->attr[2].i;
  if (start < 0) start += size;
  if (length < 0) t_fail("narrow: length %lld; it is 0 or more", (long long)length);
  if (start < 0 || start > size || length > size - start) {
    t_fail("narrow: %lld from position %lld on reach beyond dimension %d of %s", (long long)length,
           (long long)(c->attr[1].i + (c->attr[1].i >= 0)), dim + 1, t_shape_str(c->x[0]));
  }
  window_cut(w, dim, start, length, 1);
}
CARVED(narrow)

/* Attributes: dim, index (from 0 or from the end). */
static void select_carve(const Call *c, Window *w) {
  int dim = dim_of(c, w);
  int64_t size = w->shape[dim], at = c->attr[1].i;
  if (at < 0) at += size;
  if (at < 0 || at >= size) {
    t_fail("select: index %lld in dimension %d: x is %s, so 1..%lld or -%lld..-1",
           (long long)(c->attr[1].i + (c->attr[1].i >= 0)), dim + 1, t_shape_str(c->x[0]),
           (long long)size, (long long)size);
  }
  window_cut(w, dim, at, 1, 1);
  window_drop_dim(w, dim);
}
CARVED(select)

/* Attributes: dim, start and stop (from 0 or from the end, both included), step. */
static void slice_carve(const Call *c, Window *w) {
  int dim = dim_of(c, w);
  int64_t size = w->shape[dim], step = attr_int(c, 3, 1);
  int64_t start = attr_int(c, 1, 0), stop = attr_int(c, 2, -1);
  if (step < 1) t_fail("slice: step %lld; it is 1 or more, flip reverses", (long long)step);
  if (start < 0) start = start + size > 0 ? start + size : 0;
  if (stop < 0) stop += size;
  if (stop > size - 1) stop = size - 1;
  window_cut(w, dim, start, start > stop ? 0 : (stop - start) / step + 1, step);
}
CARVED(slice)

/* Attributes: offset, dim1, dim2. */
static void diagonal_carve(const Call *c, Window *w) {
  int64_t offset = attr_int(c, 0, 0);
  int a = (int)c->attr[1].i, b = (int)c->attr[2].i;
  if (a == b || w->ndim < 2) {
    t_fail("diagonal: it runs along two different dimensions; x is %s", t_shape_str(c->x[0]));
  }
  if (offset > w->shape[b]) offset = w->shape[b];
  if (offset < -w->shape[a]) offset = -w->shape[a];
  int64_t down = offset < 0 ? -offset : 0, right = offset > 0 ? offset : 0;
  int64_t rows = w->shape[a] - down, columns = w->shape[b] - right;
  int64_t n = rows < columns ? rows : columns, stride = w->stride[a] + w->stride[b];
  if (n > 0)
    w->offset += down * w->stride[a] + right * w->stride[b];
  else
    n = 0;
  window_drop_dim(w, a > b ? a : b);
  window_drop_dim(w, a > b ? b : a);
  window_insert_dim(w, w->ndim, n, stride);
}
CARVED(diagonal)

/* Attributes: starts, counts, steps, drop; a number for each dimension, from 0 and checked. */
static void index_basic_expects(const Call *c) {
  const Tensor *x = c->x[0];
  for (int i = 0; i < 4; i++) {
    if (c->attr[i].n != x->ndim) t_fail("index_basic: lists of %d are wanted", x->ndim);
  }
  for (int d = 0; d < x->ndim; d++) {
    int64_t start = c->attr[0].v[d], count = c->attr[1].v[d], step = c->attr[2].v[d];
    bool inside =
        start >= 0 && start <= x->shape[d] && count >= 0 && step >= 1 &&
        (count == 0 || (start < x->shape[d] && count - 1 <= (x->shape[d] - start - 1) / step));
    if (!inside || (c->attr[3].v[d] && count != 1)) {
      t_fail("index_basic: beyond dimension %d of %s", d + 1, t_shape_str(x));
    }
  }
}

static void index_basic_carve(const Call *c, Window *w) {
  for (int d = w->ndim - 1; d >= 0; d--) {
    window_cut(w, d, c->attr[0].v[d], c->attr[1].v[d], c->attr[2].v[d]);
    if (c->attr[3].v[d]) window_drop_dim(w, d);
  }
}
CARVED(index_basic)

static void expand_as(Call *c) { c->y[0] = t_expand(c->x[0], c->x[1]->ndim, c->x[1]->shape); }

static void adjoint(Call *c) {
  Tensor *x = c->x[0];
  if (x->ndim < 2) t_fail("adjoint: x is %s; two dimensions or more are wanted", t_shape_str(x));
  c->y[0] = t_transpose(x, x->ndim - 2, x->ndim - 1);
}

static void narrow_copy(Call *c) {
  c->y[0] =
      t_op1("clone", t_call("narrow", "xiii", c->x[0], c->attr[0].i, c->attr[1].i, c->attr[2].i));
}

/* ---- the rows ---------------------------------------------------------------------------------- */

static Op rows[] = {
    {.sig = "permute(x: tensor, dims: dims) -> y: tensor",
     .doc = "A view with the dimensions in another order.",
     .example = "tensor.arange(6):view(1, 2, 3):permute(3, 2, 1).shape --> {3, 2, 1}",
     .test = "{{randn(2,3,4), {3,1,2}}, {randn(2,3), {2,1}}, {randn(2,1,3), {-1,1,2}}}",
     .ref = "reference.permute",
     .flags = OP_VIEW,
     .infer = permute_infer,
     .grad = permute_grad},
    {.sig = "transpose(x: tensor, dim0: dim, dim1: dim) -> y: tensor",
     .aliases = "swapaxes swapdims",
     .doc = "A view with two dimensions exchanged.",
     .example = "tensor{{1, 2, 3}, {4, 5, 6}}:transpose(1, 2) --> int64 [3,2]\n"
                "  1  4\n"
                "  2  5\n"
                "  3  6",
     .test = "{{randn(2,3), 1, 2}, {randn(2,3,4), -1, 1}, {randn(2,3), 1, 1}}",
     .ref = "reference.transpose",
     .flags = OP_VIEW,
     .infer = transpose_infer,
     .grad = transpose_grad},
    {.sig = "t(x: tensor) -> y: tensor",
     .doc = "A view of a matrix with rows and columns exchanged; vectors and single values stay.",
     .example = "tensor{{1, 2}, {3, 4}}:t() --> int64 [2,2]\n"
                "  1  3\n"
                "  2  4",
     .test = "{{randn(2,3)}, {randn(3)}}",
     .ref = "reference.t",
     .flags = OP_VIEW,
     .infer = t_infer,
     .grad = t_grad},
    {.sig = "adjoint(x: tensor) -> y: tensor",
     .doc =
         "A view with the last two dimensions exchanged: matrices turned around. The field mT is "
         "the same.",
     .example = "tensor{{{1, 2}, {3, 4}}}:adjoint() --> int64 [1,2,2]\n"
                "  1  3\n"
                "  2  4",
     .test = "{{randn(2,3)}, {randn(2,3,4)}}",
     .ref = "reference.adjoint",
     .compose = adjoint},
    {.sig = "movedim(x: tensor, source: dims, destination: dims) -> y: tensor",
     .aliases = "moveaxis",
     .doc = "A view with some dimensions moved to other places; the rest keep their order.",
     .example = "tensor.zeros(2, 3, 4):movedim(3, 1).shape --> {4, 2, 3}",
     .test = "{{randn(2,3,4), 1, 3}, {randn(2,3,4), {1,2}, {-1,1}}}",
     .ref = "reference.movedim",
     .flags = OP_VIEW,
     .infer = movedim_infer,
     .grad = movedim_grad},
    {.sig = "expand(x: tensor, size: sizes) -> y: tensor",
     .aliases = "broadcast_to",
     .doc = "A view in a larger shape: dimensions of size 1 are repeated without copying, new ones "
            "come first, -1 keeps a size. Several elements share one place in memory.",
     .example = "tensor{{1}, {2}}:expand(2, 3) --> int64 [2,3]\n"
                "  1  1  1\n"
                "  2  2  2",
     .test = "{{randn(2,1), {2,3}}, {randn(3), {2,-1}}, {tensor(1.5), {2,2}}}",
     .ref = "reference.expand",
     .flags = OP_VIEW,
     .infer = expand_infer,
     .grad = shape_pass_grad},
    {.sig = "expand_as(x: tensor, other: tensor) -> y: tensor",
     .doc = "x expanded to the shape of other: a view.",
     .example = "tensor{1, 2}:expand_as(tensor.zeros(2, 2)) --> int64 [2,2]\n"
                "  1  2\n"
                "  1  2",
     .test = "{{randn(2,1), randn(2,3)}}",
     .ref = "reference.expand_as",
     .compose = expand_as},
    {.sig = "narrow(x: tensor, dim: dim, start: pos, length: int) -> y: tensor",
     .doc = "A view of length positions of a dimension, from start on.",
     .example = "tensor{10, 20, 30, 40}:narrow(1, 2, 2) --> int64 [2]  20  30",
     .test = "{{randn(4,2), 1, 2, 2}, {randn(2,3), -1, 1, 2}, {randn(2,3), 2, -2, 1}}",
     .ref = "reference.narrow",
     .flags = OP_VIEW,
     .infer = narrow_infer,
     .grad = narrow_grad},
    {.sig = "narrow_copy(x: tensor, dim: dim, start: pos, length: int) -> y: tensor",
     .doc = "A copy of length positions of a dimension, see narrow.",
     .example = "tensor{10, 20, 30, 40}:narrow_copy(1, 2, 2) --> int64 [2]  20  30",
     .test = "{{randn(4,2), 1, 2, 2}, {randn(2,3), -1, 1, 2}}",
     .ref = "reference.narrow",
     .compose = narrow_copy},
    {.sig = "select(x: tensor, dim: dim, index: pos) -> y: tensor",
     .doc = "A view of one position of a dimension, which is dropped; a tensor even when none is "
            "left.",
     .example = "tensor{{1, 2}, {3, 4}}:select(2, 1) --> int64 [2]  1  3",
     .test = "{{randn(4,2), 1, 3}, {randn(2,3), -1, -1}, {randn(3), 1, 2}}",
     .ref = "reference.select",
     .flags = OP_VIEW | OP_TENSOR,
     .infer = select_infer,
     .grad = select_grad},
    {.sig = "slice(x: tensor, dim: dim, start: pos=1, stop: pos=-1, step: int=1) -> y: tensor",
     .doc = "A view of the positions start to stop of a dimension, both included, every step-th. "
            "What lies beyond the ends is left out, as in string.sub.",
     .example = "tensor.arange(6):slice(1, 2, 6, 2) --> int64 [3]  2  4  6",
     .test = "{{randn(5,2), 1, 2, 4}, {randn(2,5), 2, 1, -1, 2}, {randn(4), 1, -2, 9}}",
     .ref = "reference.slice",
     .flags = OP_VIEW,
     .infer = slice_infer,
     .grad = slice_grad},
    {.sig = "diagonal(x: tensor, offset: int=0, dim1: dim=1, dim2: dim=2) -> y: tensor",
     .doc = "A view of the diagonal of two dimensions, which becomes the last dimension. offset "
            "counts to the right, a negative one downwards.",
     .example = "tensor{{1, 2}, {3, 4}}:diagonal() --> int64 [2]  1  4",
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
     .expects = index_basic_expects,
     .infer = index_basic_infer,
     .grad = index_basic_grad},
};

FAMILY_PART(shape, views, rows);
