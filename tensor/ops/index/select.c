/* Whole positions of one dimension: index_select, index_add. Positions count from 1. */
#include "../../calc.h"
#include "../../cast.h"
#include "../../store.h"
#include "index.h"
#include "pick.h"

static int dim_of(const Call *c, int ndim) {
  if (ndim == 0) t_fail("%s: the tensor has no dimensions", call_name(c));
  return (int)c->attr[0].i;
}

static void check_list(const Call *c, const Tensor *index) {
  if (index->ndim <= 1) return;
  t_fail("%s: the index is %s; a list of positions is wanted", call_name(c), t_shape_str(index));
}

static Pick *new_pick(Call *c) {
  call_scratch(c, sizeof(Pick));
  return c->scratch;
}

/* ---- index_select: inputs x, index; attribute dim ---------------------------------------------- */

static void index_select_infer(Call *c) {
  const Tensor *x = c->x[0];
  int dim = dim_of(c, x->ndim);
  int64_t shape[T_MAXDIM];
  check_list(c, c->x[1]);
  Tensor *at = pick_positions(c, c->x[1], x, dim, false);
  for (int d = 0; d < x->ndim; d++) shape[d] = d == dim ? at->numel : x->shape[d];
  *new_pick(c) = pick_dim(x, dim, at);
  call_out(c, 0, (DType)x->dtype, x->ndim, shape);
}

static const char *index_select_run(Call *c) {
  pick_read(c->scratch, c->x[0], c->y[0]);
  return NULL;
}

static Tensor *select_rows(Tensor *x, int dim, Tensor *index) {
  Call f;
  call_begin(&f, op_find("index_select"));
  f.x[0] = x;
  f.x[1] = index;
  f.attr[0] = attr_of_int(dim);
  op_apply(&f);
  return f.y[0];
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

/* ---- index_add: inputs x, index, src; attributes dim, alpha ------------------------------------ */

typedef struct Add {
  Pick pick;
  Tensor *src; /* contiguous, in y's type */
} Add;

static void index_add_infer(Call *c) {
  const Tensor *x = c->x[0], *src = c->x[2];
  int dim = dim_of(c, x->ndim);
  check_list(c, c->x[1]);
  Tensor *at = pick_positions(c, c->x[1], x, dim, false);
  int64_t shape[T_MAXDIM];
  bool fits = src->ndim == x->ndim;
  for (int d = 0; d < x->ndim; d++) {
    shape[d] = d == dim ? at->numel : x->shape[d];
    fits = fits && src->shape[d] == shape[d];
  }
  if (!fits) {
    t_fail("index_add: src is %s; for x %s and an index of length %lld it must be %s",
           t_shape_str(src), t_shape_str(x), (long long)at->numel, t_dims_str(x->ndim, shape));
  }
  call_promote(c, 0, 1); /* computes */
  store_check("index_add", (DType)x->dtype, src);
  store_check_number("index_add", (DType)x->dtype, &c->attr[1], false);
  Tensor *y = call_out(c, 0, (DType)x->dtype, x->ndim, x->shape);
  call_scratch(c, sizeof(Add));
  Add *a = c->scratch;
  a->pick = pick_dim(y, dim, at);
  a->src = pick_values(c->x[2], y);
}

static const char *index_add_run(Call *c) {
  const Add *a = c->scratch;
  if (c->y[0] != c->x[0]) cast_into(c->y[0], c->x[0]);
  pick_add(&a->pick, c->y[0], a->src, attr_float(c, 1, 1));
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
     .test = "{{randn(3,2), 1, tensor{3,1,3}, randn(3,2)}, {randn(2,3), 2, tensor{2}, randn(2,1), "
             "{alpha = 0.5}}}",
     .ref = "reference.index_add",
     .flags = OP_INPLACE,
     .save = SAVE_X(1),
     .infer = index_add_infer,
     .run = index_add_run,
     .grad = index_add_grad},
};

FAMILY_PART(index, select, rows);
