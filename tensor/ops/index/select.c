/* Whole positions of one dimension: index_select, index_add, index_copy, index_fill, embedding. Positions count from 1. */
#include "../../calc.h"
#include "../../cast.h"
#include "../../store.h"
#include "index.h"
#include "pick.h"

static void check_list(const Call *c, const Tensor *index) {
  if (index->ndim <= 1) return;
  t_fail("%s: the index is %s; a list of positions is wanted", call_name(c), t_shape_str(index));
}

static Pick *new_pick(Call *c) {
  call_scratch(c, sizeof(Pick));
  return c->scratch;
}

/* ---- index_select: inputs x, index; attribute dim ---------------------------------------------- */

/* The positions, from 0, that x[1] names along attribute dim of x[0]; the shape of what stands there.
 */
static Tensor *read_list(const Call *c, int64_t *shape) {
  const Tensor *x = c->x[0];
  int dim = (int)c->attr[0].i;
  Tensor row = pick_row(x);
  check_list(c, c->x[1]);
  Tensor *at = pick_positions(c, c->x[1], &row, dim, false);
  for (int d = 0; d < x->ndim; d++) shape[d] = d == dim ? at->numel : x->shape[d];
  if (x->ndim == 0 && at->numel != 1) {
    t_fail("%s: x is a single value, so the index names one position, not %lld", call_name(c),
           (long long)at->numel);
  }
  return at;
}

static void index_select_infer(Call *c) {
  const Tensor *x = c->x[0];
  int64_t shape[T_MAXDIM];
  Tensor *at = read_list(c, shape);
  *new_pick(c) = pick_dim(x, (int)c->attr[0].i, at);
  call_out(c, 0, (DType)x->dtype, x->ndim, shape);
}

static const char *index_select_run(Call *c) {
  pick_read(c->scratch, c->x[0], c->y[0]);
  return NULL;
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
  Tensor *at = read_list(c, shape);
  bool fits = src->ndim == x->ndim || (x->ndim == 0 && src->numel == 1);
  for (int d = 0; d < x->ndim && fits; d++) fits = src->shape[d] == shape[d];
  if (!fits) {
    t_fail("%s: src is %s; for x %s and an index of length %lld it must be %s", call_name(c),
           t_shape_str(src), t_shape_str(x), (long long)at->numel, t_dims_str(x->ndim, shape));
  }
  store_check(call_name(c), (DType)x->dtype, src);
  Tensor *y = call_out(c, 0, (DType)x->dtype, x->ndim, x->shape);
  call_scratch(c, sizeof(Place));
  Place *p = c->scratch;
  p->pick = pick_dim(y, (int)c->attr[0].i, at);
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

/* ---- index_fill: inputs x, index, value; attribute dim ---------------------------------------------- */

static void index_fill_infer(Call *c) {
  const Tensor *x = c->x[0], *value = c->x[2];
  int64_t shape[T_MAXDIM];
  if (value->ndim > 0) {
    t_fail("index_fill: the value is %s; a single one is wanted (index_copy takes tensors)",
           t_shape_str(value));
  }
  Tensor *at = read_list(c, shape);
  store_check("index_fill", (DType)x->dtype, value);
  Tensor *y = call_out(c, 0, (DType)x->dtype, x->ndim, x->shape);
  call_scratch(c, sizeof(Place));
  Place *p = c->scratch;
  p->pick = pick_dim(y, (int)c->attr[0].i, at);
  p->src = t_new((DType)y->dtype, x->ndim, shape);
  cast_into(p->src, value);
}

/* ---- embedding: inputs weight [V,D], indices; attribute padding_idx ------------------------------ */

/* The ids, from 0; a wrong one is named with its place. */
static Tensor *read_ids(const Call *c, const Tensor *indices, int64_t rows) {
  pick_check_integers(c, indices);
  Tensor *ids = cast_copy(indices, T_I64);
  int64_t *p = t_i64(ids);
  for (int64_t i = 0; i < ids->numel; i++) {
    if (p[i] < T_BASE || p[i] >= rows + T_BASE) {
      t_fail("embedding: id %lld at position %lld is not 1..%lld%s", (long long)p[i],
             (long long)i + 1, (long long)rows,
             p[i] == 0 ? "; ids count from 1 (ids that count from 0: add 1)" : "");
    }
    p[i] -= T_BASE;
  }
  return ids;
}

/* The row, from 0, that gets no gradient; -1: every row does. */
static int64_t padding_row(const Call *c, int attr, int64_t rows) {
  if (!attr_given(c, attr)) return -1;
  int64_t row = c->attr[attr].i < 0 ? c->attr[attr].i + rows : c->attr[attr].i;
  if (row < 0 || row >= rows) {
    t_fail("embedding: padding_idx %lld is not 1..%lld",
           (long long)(c->attr[attr].i + (c->attr[attr].i >= 0)), (long long)rows);
  }
  return row;
}

static void embedding_infer(Call *c) {
  const Tensor *weight = c->x[0], *indices = c->x[1];
  int64_t shape[T_MAXDIM];
  if (weight->ndim != 2) {
    t_fail("embedding: the weight is %s; [ids, features] is wanted", t_shape_str(weight));
  }
  if (indices->ndim == T_MAXDIM) t_fail("embedding: the indices have too many dimensions");
  padding_row(c, 0, weight->shape[0]);
  *new_pick(c) = pick_dim(weight, 0, read_ids(c, indices, weight->shape[0]));
  for (int d = 0; d < indices->ndim; d++) shape[d] = indices->shape[d];
  shape[indices->ndim] = weight->shape[1];
  call_out(c, 0, (DType)weight->dtype, indices->ndim + 1, shape);
}

static const char *embedding_run(Call *c) {
  pick_read(c->scratch, c->x[0], c->y[0]);
  return NULL;
}

static void embedding_grad(Call *c, Tensor *const *gy, Tensor **gx) {
  gx[0] =
      t_call("embedding_dw", "xxia", pick_computed(gy[0]), c->x[1], c->x[0]->shape[0], &c->attr[0]);
}

/* ---- embedding_dw: inputs g [..., D], indices; attributes rows, padding_idx ---------------------- */

/* Rows of zeros [rows, D], with g's rows added in the order of the ids; but not the padding's. */
static void embedding_dw_infer(Call *c) {
  Tensor *g = c->x[0];
  int64_t rows = c->attr[0].i, shape[2] = {rows, g->shape[g->ndim - 1]};
  call_promote(c, 0, 1);
  call_contiguous(c, 0);
  padding_row(c, 1, rows);
  Tensor *y = call_out(c, 0, (DType)g->dtype, 2, shape);
  *new_pick(c) = pick_dim(y, 0, read_ids(c, c->x[1], rows));
}

static const char *embedding_dw_run(Call *c) {
  Tensor *y = c->y[0];
  int64_t row = padding_row(c, 1, c->attr[0].i), width = y->shape[1];
  Attr zero = attr_of_int(0);
  store_number(y, &zero);
  pick_add(c->scratch, y, c->x[0], 1);
  if (row < 0) return NULL;
  Tensor padding = *y;
  padding.ndim = 1;
  padding.numel = padding.shape[0] = width;
  padding.stride[0] = 1;
  padding.offset += row * width;
  store_number(&padding, &zero);
  return NULL;
}

static void embedding_dw_grad(Call *c, Tensor *const *gy, Tensor **gx) {
  gx[0] = t_call("embedding", "xxa", gy[0], c->x[1], &c->attr[1]);
  int64_t row = padding_row(c, 1, c->attr[0].i);
  if (row < 0) return;
  Tensor *is_padding = t_eq(c->x[1], t_scalar_int(row + T_BASE, T_I64));
  gx[0] = t_where(t_unsqueeze(is_padding, c->x[1]->ndim), t_num(0), gx[0]);
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
    {.sig = "index_copy(x: tensor, dim: dim, index: index, src: tensor) -> y: tensor",
     .doc = "A copy of x with the positions of a dimension that a list names replaced by those of "
            "src, which has x's shape but for that dimension.",
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

FAMILY_PART(index, select, rows);
