/* Whole positions of one dimension: index_select, index_add, index_copy, index_reduce,
   index_fill. Positions count from 1. */
#include "../../calc.h"
#include "../../loop/cast.h"
#include "../../store.h"
#include "index.h"
#include "pick.h"

static void check_list(const Call *c, const Tensor *index) {
  if (index->ndim <= 1) return;
  t_fail("%s: the index is %s; a list of positions is wanted", call_name(c), t_shape_str(index));
}

/* ---- index_select: inputs x, index; attribute dim ---------------------------------------------- */

/* The positions that x[1] names along attribute dim of x[0]; the shape of what stands there. */
static Positions read_list(const Call *c, int64_t *shape, PickCheck when) {
  const Tensor *x = c->x[0];
  int dim = (int)c->attr[0].i;
  Tensor row = pick_row(x);
  check_list(c, c->x[1]);
  Positions at = pick_checked(c, c->x[1], &row, dim, when);
  for (int d = 0; d < x->ndim; d++) shape[d] = d == dim ? at.at->numel : x->shape[d];
  if (x->ndim == 0 && at.at->numel != 1) {
    t_fail("%s: x is a single value, so the index names one position, not %lld", call_name(c),
           (long long)at.at->numel);
  }
  return at;
}

typedef struct Selection {
  Positions at;
  Pick pick;
} Selection;

static void index_select_infer(Call *c) {
  const Tensor *x = c->x[0];
  int64_t shape[T_MAXDIM];
  call_scratch(c, sizeof(Selection));
  Selection *s = c->scratch;
  s->at = read_list(c, shape, PICK_LATER);
  s->pick = pick_along(x, (int)c->attr[0].i, &s->at);
  call_out(c, 0, (DType)x->dtype, x->ndim, shape);
}

static const char *index_select_run(Call *c) {
  const Selection *s = c->scratch;
  bool fits = pick_read(&s->pick, c->x[0], c->y[0]);
  return fits ? NULL : pick_outside(&s->at, c->x[0], (int)c->attr[0].i);
}

static Tensor *select_rows(Tensor *x, int dim, Tensor *index) {
  return t_call("index_select", "xxi", x, index, (int64_t)dim);
}

static void index_select_grad(Call *c, Tensor *const *gy, Tensor **gx) {
  Call f;
  call_begin(&f, op_find("index_add"));
  f.x[2] = pick_computed(gy[0]);
  f.x[0] = t_zeros((DType)f.x[2]->dtype, c->x[0]->ndim, c->x[0]->shape);
  f.x[1] = c->x[1];
  f.attr[0] = c->attr[0];
  f.attr[1] = attr_of_int(1);
  f.inplace = true;
  op_apply(&f);
  gx[0] = f.y[0];
}

/* ---- index_add, index_copy: inputs x, index, src; attributes dim, alpha --------------------------- */

typedef struct Place {
  Pick pick;
  Tensor *src; /* contiguous, in y's type */
} Place;

/* src has the shape of the places, or, for a single value, one element. */
static void place_infer(Call *c) {
  const Tensor *x = c->x[0], *src = c->x[2];
  int64_t shape[T_MAXDIM];
  const Positions at = read_list(c, shape, PICK_HERE);
  bool fits = src->ndim == x->ndim || (x->ndim == 0 && src->numel == 1);
  for (int d = 0; d < x->ndim && fits; d++) fits = src->shape[d] == shape[d];
  if (!fits) {
    t_fail("%s: src is %s; for x %s and an index of length %lld it must be %s", call_name(c),
           t_shape_str(src), t_shape_str(x), (long long)at.at->numel, t_dims_str(x->ndim, shape));
  }
  store_check(call_name(c), (DType)x->dtype, src);
  Tensor *y = call_out(c, 0, (DType)x->dtype, x->ndim, x->shape);
  call_scratch(c, sizeof(Place));
  Place *p = c->scratch;
  p->pick = pick_along(y, (int)c->attr[0].i, &at);
  p->src = pick_values(c->x[2], y);
}

static void index_add_infer(Call *c) {
  call_promote(c, 0, 1); /* computes */
  store_check_number("index_add", (DType)c->x[0]->dtype, &c->attr[1], false);
  place_infer(c);
}

static const char *index_add_run(Call *c) {
  const Place *p = c->scratch;
  if (c->y[0] != c->x[0]) cast_into(c->y[0], c->x[0]);
  pick_add(&p->pick, c->y[0], p->src, attr_float(c, 1, 1));
  return NULL;
}

static const char *place_run(Call *c) {
  const Place *p = c->scratch;
  if (c->y[0] != c->x[0]) cast_into(c->y[0], c->x[0]);
  pick_write(&p->pick, c->y[0], p->src);
  return NULL;
}

static void index_add_grad(Call *c, Tensor *const *gy, Tensor **gx) {
  double alpha = attr_float(c, 1, 1);
  if (c->want[0]) gx[0] = gy[0];
  if (c->want[2]) {
    Tensor *g = select_rows(gy[0], (int)c->attr[0].i, c->x[1]);
    gx[2] = alpha == 1 ? g : t_muln(g, alpha);
  }
}

static void index_copy_grad(Call *c, Tensor *const *gy, Tensor **gx) {
  if (c->want[0]) gx[0] = t_call("index_fill", "xixx", gy[0], c->attr[0].i, c->x[1], t_num(0));
  if (c->want[2]) gx[2] = select_rows(gy[0], (int)c->attr[0].i, c->x[1]);
}

/* ---- index_reduce: inputs x, index, src; attributes dim, reduce, include_self ------------------------ */

static void index_reduce_compose(Call *c) {
  Tensor *x = c->x[0], *at = c->x[1], *src = c->x[2];
  int64_t shape[T_MAXDIM], dim = c->attr[0].i;
  bool single = x->ndim == 0;
  if (single) x = t_unsqueeze(x, 0), src = src->ndim == 0 ? t_unsqueeze(src, 0) : src;
  bool fits = at->ndim <= 1 && src->ndim == x->ndim;
  for (int d = 0; d < x->ndim && fits; d++) {
    fits = src->shape[d] == (d == dim ? at->numel : x->shape[d]);
    shape[d] = d == dim ? at->numel : 1;
  }
  if (!fits) {
    t_fail("index_reduce: x is %s, index %s and src %s; index is a list, and src has its length in "
           "dimension %lld and x's sizes elsewhere",
           t_shape_str(c->x[0]), t_shape_str(at), t_shape_str(c->x[2]), (long long)dim + 1);
  }
  at = t_expand(t_reshape(at, x->ndim, shape), src->ndim, src->shape);
  Tensor *y = t_call("scatter_reduce", "xixxaa", x, dim, at, src, &c->attr[1], &c->attr[2]);
  c->y[0] = single ? t_squeeze(y, 0) : y;
}

/* ---- index_fill: inputs x, index, value; attribute dim ---------------------------------------------- */

static void index_fill_infer(Call *c) {
  const Tensor *x = c->x[0], *value = c->x[2];
  int64_t shape[T_MAXDIM];
  if (value->ndim > 0) {
    t_fail("index_fill: the value is %s; a single one is wanted (index_copy takes tensors)",
           t_shape_str(value));
  }
  const Positions at = read_list(c, shape, PICK_HERE);
  store_check("index_fill", (DType)x->dtype, value);
  Tensor *y = call_out(c, 0, (DType)x->dtype, x->ndim, x->shape);
  call_scratch(c, sizeof(Place));
  Place *p = c->scratch;
  p->pick = pick_along(y, (int)c->attr[0].i, &at);
  p->src = t_new((DType)y->dtype, x->ndim, shape);
  cast_into(p->src, value);
}

/* ---- the rows ---------------------------------------------------------------------------------- */

static Op rows[] = {
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
     .example = "tensor{10, 20, 30}:index_add(1, tensor{1, 3, 1}, tensor{1, 2, 3}) --> int64 [3]  "
                "14  20  32",
     .test = "{{randn(3,2), 1, tensor{3,1,3}, randn(3,2)}, {randn(2,3), 2, tensor{2}, randn(2,1), "
             "{alpha = 0.5}}}",
     .ref = "reference.index_add",
     .flags = OP_INPLACE,
     .save = SAVE_X(1),
     .infer = index_add_infer,
     .run = index_add_run,
     .grad = index_add_grad},
    {.sig = "index_copy(x: tensor, dim: dim, index: index, src: tensor) -> y: tensor",
     .doc = "A copy of x with the positions of a dimension that a list names replaced by those of "
            "src, which has x's shape but for that dimension.",
     .example =
         "tensor{10, 20, 30}:index_copy(1, tensor{3, 1}, tensor{7, 8}) --> int64 [3]  8  20  7",
     .test = "{{randn(3,2), 1, tensor{3,1}, randn(2,2)}, {randn(2,3), -1, tensor{2}, randn(2,1)}}",
     .ref = "reference.index_copy",
     .flags = OP_INPLACE,
     .save = SAVE_X(1),
     .infer = place_infer,
     .run = place_run,
     .grad = index_copy_grad},
    {.sig = "index_fill(x: tensor, dim: dim, index: index, value: tensor) -> y: tensor",
     .doc = "A copy of x with a single value at the positions of a dimension that a list names.",
     .example = "tensor{1, 2, 3}:index_fill(1, tensor{1, 3}, 0) --> int64 [3]  0  2  0",
     .test = "{{randn(3,2), 1, tensor{3,1}, 1.5}, {randn(2,3), -1, tensor{2}, tensor(0.5)}}",
     .ref = "reference.index_fill",
     .flags = OP_INPLACE,
     .save = SAVE_X(1),
     .infer = index_fill_infer,
     .run = place_run,
     .grad = index_copy_grad},
    {.sig = "index_reduce(x: tensor, dim: dim, index: index, src: tensor, reduce: "
            "string{sum|prod|mean|amax|amin}, include_self: bool=true) -> y: tensor",
     .doc =
         "A copy of x in which positions of src that a list sends to one position of a dimension "
         "are combined, with x's own values there or (include_self = false) in their place; src "
         "has x's shape but for that dimension. See scatter_reduce.",
     .example =
         "tensor{0, 0}:index_reduce(1, tensor{1, 1, 2}, tensor{3, 5, 4}, \"amax\") --> int64 "
         "[2]  5  4",
     .test = "{{randn(3,2), 1, tensor{3,1,3}, randn(3,2), 'prod'}, {randn(2,3), 2, tensor{2,2}, "
             "randn(2,2), 'mean', false}, {randn(3), 1, tensor{2,2}, randn(2), 'amin'}}",
     .ref = "reference.index_reduce",
     .flags = OP_INPLACE,
     .compose = index_reduce_compose},
};

FAMILY_PART(index, select, rows);
