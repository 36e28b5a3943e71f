/* Copies of a tensor with some of its elements replaced: those of a view, those where a mask holds,
   those at positions in all elements as one row. */
#include "../../calc.h"
#include "../../loop/cast.h"
#include "../../loop/iter.h"
#include "../../store.h"
#include "../shape/window.h"
#include "index.h"
#include "pick.h"

/* ---- a view's elements: inputs x, src; the view's attributes ------------------------------------------ */

/* x with what its view (of the op `name`, with this call's attributes) shows replaced by src. */
static void replace_view(Call *c, const char *name) {
  Tensor *x = c->x[0], *src = c->x[1];
  if (x->offset != 0 || !t_is_contiguous(x)) x = t_op1("clone", x);
  Call f;
  call_begin(&f, op_need(name));
  f.x[0] = t_alias(x);
  for (int i = 0; i < op_sig(c->op)->nattr; i++) f.attr[i] = c->attr[i];
  op_apply(&f);
  if (!t_same_shape(f.y[0], src)) {
    t_fail("%s: src is %s; the part of x that it replaces is %s", call_name(c), t_shape_str(src),
           t_shape_str(f.y[0]));
  }
  Window w = window_of(f.y[0]);
  c->y[0] = window_put(x, src, &w);
}

static void select_scatter(Call *c) { replace_view(c, "select"); }
static void slice_scatter(Call *c) { replace_view(c, "slice"); }
static void diagonal_scatter(Call *c) { replace_view(c, "diagonal"); }

/* ---- places in all elements as one row ------------------------------------------------------------------ */

typedef struct Place {
  Pick pick;
  Tensor *values;
} Place;

/* Offsets of y's elements number at[0..n-1], counted from 0 in row-major order. */
static Pick places(const Tensor *y, int64_t n, int64_t *at) {
  bool dense = t_is_contiguous(y);
  for (int64_t i = 0; i < n && !dense; i++) {
    int64_t rest = at[i];
    at[i] = 0;
    for (int d = y->ndim - 1; d >= 0; d--) {
      at[i] += rest % y->shape[d] * y->stride[d];
      rest /= y->shape[d];
    }
  }
  int64_t one = 1, *zero = t_i64(t_zeros(T_I64, 1, &one));
  const Reach all = {0, 1, UINT64_MAX};
  return (Pick){.npre = 1, .nat = n, .npost = 1, .pre = zero, .at = at, .reach = all};
}

/* Values are src's first n elements. */
static void place_infer(Call *c, int64_t n, int64_t *at, Tensor *src) {
  Tensor *y = c->y[0];
  store_check(call_name(c), (DType)y->dtype, src);
  call_scratch(c, sizeof(Place));
  Place *p = c->scratch;
  p->pick = places(y, n, at);
  p->values = pick_values(src, y);
}

/* put: inputs x, index, source; attribute accumulate. */
static void put_infer(Call *c) {
  Tensor *x = c->x[0], *index = c->x[1], *source = c->x[2];
  if (source->numel != index->numel) {
    t_fail("put: %lld values for %lld positions; there is one for each", (long long)source->numel,
           (long long)index->numel);
  }
  if (c->attr[0].i) call_promote(c, 0, 1); /* computes */
  Tensor row = pick_row(x);
  row.ndim = 1;
  row.shape[0] = x->numel;
  Tensor *at = pick_positions(c, index, &row, 0, true);
  call_out(c, 0, (DType)x->dtype, x->ndim, x->shape);
  place_infer(c, at->numel, t_i64(at), source);
}

static const char *put_run(Call *c) {
  const Place *p = c->scratch;
  if (c->y[0] != c->x[0]) cast_into(c->y[0], c->x[0]);
  if (c->attr[0].i)
    pick_add(&p->pick, c->y[0], p->values, 1);
  else
    pick_write(&p->pick, c->y[0], p->values);
  return NULL;
}

static void put_grad(Call *c, Tensor *const *gy, Tensor **gx) {
  Tensor *g = gy[0];
  if (c->want[0]) {
    Tensor *zeros = t_nothing((DType)g->dtype, c->x[1]->ndim, c->x[1]->shape);
    gx[0] = c->attr[0].i ? g : t_op3("put", g, c->x[1], zeros);
  }
  if (c->want[2]) gx[2] = t_reshape(t_op2("take", g, c->x[1]), c->x[2]->ndim, c->x[2]->shape);
}

/* ---- masked_scatter: inputs x, mask, source ---------------------------------------------------------------- */

static Tensor *spread_mask(const Call *c, int ndim, const int64_t *shape) {
  Tensor *wide = t_new(T_BOOL, ndim, shape);
  cast_into(wide, c->x[1]);
  return wide;
}

static void masked_scatter_infer(Call *c) {
  Tensor *x = c->x[0], *source = c->x[2];
  int64_t shape[T_MAXDIM], n = 0;
  if (c->x[1]->dtype != T_BOOL) {
    t_fail("masked_scatter: the mask is %s; x:gt(0) and its like make masks",
           dtype_name((DType)c->x[1]->dtype));
  }
  int ndim = iter_broadcast(c, 0, 2, shape);
  const uint8_t *mask = t_data(spread_mask(c, ndim, shape));
  Tensor *y = call_out(c, 0, (DType)x->dtype, ndim, shape);
  int64_t *at = t_i64(t_new(T_I64, 1, &y->numel));
  for (int64_t i = 0; i < y->numel; i++) {
    if (mask[i]) at[n++] = i;
  }
  if (n > source->numel) {
    t_fail("masked_scatter: the mask holds at %lld places, but source has %lld values",
           (long long)n, (long long)source->numel);
  }
  place_infer(c, n, at, source);
}

static const char *masked_scatter_run(Call *c) {
  const Place *p = c->scratch;
  if (c->y[0] != c->x[0]) cast_into(c->y[0], c->x[0]);
  pick_write(&p->pick, c->y[0], p->values);
  return NULL;
}

static void masked_scatter_grad(Call *c, Tensor *const *gy, Tensor **gx) {
  Tensor *g = gy[0], *source = c->x[2];
  if (c->want[0]) gx[0] = t_op3("masked_fill", g, c->x[1], t_num(0));
  if (!c->want[2]) return;
  Tensor *taken = t_op2("masked_select", g, spread_mask(c, g->ndim, g->shape));
  int64_t rest = source->numel - taken->numel;
  Tensor *all = t_cat(2, (Tensor *[]){taken, t_zeros((DType)g->dtype, 1, &rest)}, 0);
  gx[2] = t_reshape(all, source->ndim, source->shape);
}

/* ---- the rows ---------------------------------------------------------------------------------- */

static Op rows[] = {
    {.sig = "put(x: tensor, index: index, source: tensor, accumulate: bool=false) -> y: tensor",
     .doc = "A copy of x with elements replaced by position in all of them as one row; negative "
            "positions count from the end. With accumulate values are added instead.",
     .example = "tensor{{1, 2}, {3, 4}}:put(tensor{1, 4}, tensor{7, 8}) --> int64 [2,2]\n"
                "  7  2\n  3  8",
     .test = "{{randn(2,3), tensor{1,-1}, randn(2)}, {randn(2,3), tensor{{2,2}}, randn(2), true}}",
     .ref = "reference.put",
     .flags = OP_INPLACE,
     .save = SAVE_X(1),
     .infer = put_infer,
     .run = put_run,
     .grad = put_grad},
    {.sig = "masked_scatter(x: tensor, mask: tensor, source: tensor) -> y: tensor",
     .doc = "x with the values of source, in their order, where the mask holds; x and mask "
            "broadcast. source may have more values than are needed.",
     .example = "tensor{1, 2, 3}:masked_scatter(tensor{true, false, true}, tensor{7, 8}) --> int64 "
                "[3]  7  2  8",
     .test = "{{randn(2,3), mask(2,3), randn(2,3)}, {randn(2,3), mask(3), randn(7)}}",
     .ref = "reference.masked_scatter",
     .flags = OP_INPLACE,
     .save = SAVE_X(1),
     .infer = masked_scatter_infer,
     .run = masked_scatter_run,
     .grad = masked_scatter_grad},
    {.sig = "select_scatter(x: tensor, src: tensor, dim: dim, index: pos) -> y: tensor",
     .doc = "A copy of x with one position of a dimension replaced, see select.",
     .example = "tensor{{1, 2}, {3, 4}}:select_scatter(tensor{8, 9}, 1, 2) --> int64 [2,2]\n"
                "  1  2\n"
                "  8  9",
     .test = "{{randn(3,2), randn(2), 1, 3}, {randn(2,3), randn(2), -1, -2}}",
     .ref = "reference.select_scatter",
     .compose = select_scatter},
    {.sig = "slice_scatter(x: tensor, src: tensor, dim: dim=1, start: pos=1, stop: pos=-1, step: "
            "int=1) -> y: tensor",
     .doc = "A copy of x with the positions start to stop of a dimension replaced, see slice.",
     .example = "tensor{1, 2, 3, 4}:slice_scatter(tensor{8, 9}, 1, 2, 3) --> int64 [4]  1  8  9  4",
     .test =
         "{{randn(4,2), randn(2,2), 1, 2, 3}, {randn(2,5), randn(2,3), 2, 1, -1, 2}, {randn(3,2), "
         "randn(3,2)}}",
     .ref = "reference.slice_scatter",
     .compose = slice_scatter},
    {.sig =
         "diagonal_scatter(x: tensor, src: tensor, offset: int=0, dim1: dim=1, dim2: dim=2) -> y: "
         "tensor",
     .doc = "A copy of x with a diagonal replaced, see diagonal.",
     .example = "tensor{{1, 2}, {3, 4}}:diagonal_scatter(tensor{8, 9}) --> int64 [2,2]\n"
                "  8  2\n"
                "  3  9",
     .test =
         "{{randn(3,3), randn(3)}, {randn(3,4), randn(2), 2}, {randn(2,3,3), randn(2,2), -1, 2, "
         "3}}",
     .ref = "reference.diagonal_scatter",
     .compose = diagonal_scatter},
};

FAMILY_PART(index, replace, rows);
