/* Writing single elements along one dimension: scatter, which replaces or combines. Values go in the
   order of the index. */
#include <math.h>

#include "../../calc.h"
#include "../../loop/cast.h"
#include "../../loop/iter.h"
#include "../../store.h"
#include "../shape/window.h"
#include "lines.h"
#include "pick.h"

/* As LINES_SUM and the like, and one more. */
enum { SUM, PROD, MEAN, AMAX, AMIN, REPLACE };

/* ---- shape and checks: inputs x, index, src; attribute dim ----------------------------------------- */

typedef struct Scatter {
  Positions p;
  Tensor *values;
  int kind;
  Tensor *start; /* what places named by the index begin with, when it is not x's value */
  Tensor *count; /* MEAN: how many values meet at each place */
  Tensor *one;
} Scatter;

static Scatter *prepare(Call *c, int kind) {
  const Tensor *x = c->x[0], *src = c->x[2];
  if (kind != REPLACE) call_promote(c, 0, 1); /* computes */
  call_scratch(c, sizeof(Scatter));
  Scatter *s = c->scratch;
  *s = (Scatter){.kind = kind};
  s->p = lines_check(c, x, c->x[1], (int)c->attr[0].i, src);
  store_check(call_name(c), (DType)x->dtype, src);
  Tensor *y = call_out(c, 0, (DType)x->dtype, x->ndim, x->shape);
  if (src->ndim == 0 || t_same_shape(src, s->p.at)) {
    s->values = pick_values(c->x[2], y);
    return s;
  }
  Window w = window_of(src);
  for (int d = 0; d < src->ndim; d++) w.shape[d] = s->p.at->ndim ? s->p.at->shape[d] : 1;
  Tensor used = window_tensor(src, &w);
  s->values = cast_copy(&used, (DType)x->dtype);
  return s;
}

/* What does not change a result of that kind. */
static Tensor *neutral(int kind, DType d) {
  if (kind == PROD) return t_scalar_int(1, d);
  if (kind == SUM || kind == MEAN) return t_scalar_int(0, d);
  if (dtype_is_float(d)) return t_scalar(kind == AMAX ? -INFINITY : INFINITY, d);
  bool least = kind == AMAX;
  switch (d) {
  case T_I64: return t_scalar_int(least ? INT64_MIN : INT64_MAX, d);
  case T_I32: return t_scalar_int(least ? INT32_MIN : INT32_MAX, d);
  case T_U8: return t_scalar_int(least ? 0 : UINT8_MAX, d);
  default: return t_scalar_int(!least, d);
  }
}

/* Attribute reduce of scatter: absent, add or multiply. */
static void scatter_infer(Call *c) {
  prepare(c, !attr_given(c, 1) ? REPLACE : c->attr[1].i ? PROD : SUM);
}
static void scatter_add_infer(Call *c) { prepare(c, SUM); }

/* Attributes: dim, reduce, include_self. */
static void scatter_reduce_infer(Call *c) {
  int kind = (int)c->attr[1].i;
  Scatter *s = prepare(c, kind);
  Tensor *y = c->y[0];
  if (!c->attr[2].i) s->start = neutral(kind, (DType)y->dtype);
  if (kind != MEAN) return;
  s->count = t_new((DType)y->dtype, y->ndim, y->shape);
  s->one = t_scalar_int(1, (DType)y->dtype);
}

/* ---- computing ------------------------------------------------------------------------------------- */

#define OVER(name, T, RESULT)                                                                      \
  static void name(int64_t n, void *yp, const void *const *x, const void *arg) {                   \
    const T *a = x[0], *b = x[1];                                                                  \
    T *y = yp;                                                                                     \
    (void)arg;                                                                                     \
    for (int64_t i = 0; i < n; i++) y[i] = b[i] > 1 ? (T)(RESULT) : a[i];                          \
  }
OVER(over_f32, float, a[i] / b[i])
OVER(over_f64, double, a[i] / b[i])
OVER(over_i64, int64_t, a[i] / b[i] - (a[i] % b[i] < 0))
OVER(over_i32, int32_t, a[i] / b[i] - (a[i] % b[i] < 0))
OVER(over_u8, uint8_t, a[i] / b[i])
static const IterLoop overs[T_F16] = {over_f32, over_f64, over_i64, over_i32, over_u8, over_u8};

static const char *divide_by_counts(const Scatter *s, int dim, Tensor *y, bool self) {
  DType d = (DType)y->dtype;
  Attr start = attr_of_int(self);
  store_number(s->count, &start);
  const Move add = SIMD_PICK(line_loops)->combine[LINES_SUM][d];
  const char *wrong = lines_run(add, &s->p, dim, s->count, s->one, 0, true);
  Tensor *in[2] = {y, s->count};
  if (!wrong) iter_map(overs[d], NULL, y, d, 2, in, d);
  return wrong;
}

static const char *scatter_run(Call *c) {
  const Scatter *s = c->scratch;
  Tensor *y = c->y[0];
  int dim = (int)c->attr[0].i;
  DType d = (DType)y->dtype;
  const LineLoops *loops = SIMD_PICK(line_loops);
  Move set = lines_by_size(loops->set, d),
       move = s->kind == REPLACE ? set : loops->combine[s->kind][d];
  const char *wrong = NULL;
  if (y != c->x[0]) cast_into(y, c->x[0]);
  if (s->start) wrong = lines_run(set, &s->p, dim, y, s->start, 0, true);
  if (!wrong) wrong = lines_run(move, &s->p, dim, y, s->values, s->values->ndim > 0, true);
  if (!wrong && s->kind == MEAN) wrong = divide_by_counts(s, dim, y, !s->start);
  return wrong;
}

/* ---- gradients ------------------------------------------------------------------------------------- */

static Tensor *scattered(const Call *c, const char *name, Tensor *x, Tensor *src) {
  return t_call(name, "xixx", x, c->attr[0].i, c->x[1], src);
}

static Tensor *gathered(const Call *c, Tensor *x) {
  return t_call("gather", "xix", x, c->attr[0].i, c->x[1]);
}

/* src as far as the index reaches. */
static Tensor *used(const Call *c) {
  Tensor *src = c->x[2], *at = c->x[1];
  for (int d = 0; d < src->ndim && at->ndim == src->ndim; d++) {
    if (src->shape[d] != at->shape[d]) src = t_narrow(src, d, 0, at->shape[d]);
  }
  return src;
}

/* What src gets of the gradient g of its used part: zeros where src is larger. A single value gets
   the sum. */
static Tensor *for_src(const Call *c, Tensor *g) {
  const Tensor *src = c->x[2];
  if (src->ndim == 0 || t_same_shape(src, g)) return g;
  Window w = window_whole(src->ndim, src->shape);
  for (int d = 0; d < w.ndim; d++) w.shape[d] = g->ndim ? g->shape[d] : 1;
  return window_add(g, src->ndim, src->shape, &w);
}

static void scatter_add_grad(Call *c, Tensor *const *gy, Tensor **gx) {
  if (c->want[0]) gx[0] = gy[0];
  if (c->want[2]) gx[2] = for_src(c, gathered(c, gy[0]));
}

static void scatter_grad(Call *c, Tensor *const *gy, Tensor **gx) {
  if (attr_given(c, 1) && c->attr[1].i) {
    t_fail("scatter: with reduce = \"multiply\" it has no gradient; scatter_reduce with \"prod\" "
           "has");
  }
  scatter_add_grad(c, gy, gx);
  if (c->want[0] && !attr_given(c, 1)) gx[0] = scattered(c, "scatter", gy[0], t_num(0));
}

static Tensor *zeros_like(Tensor *g, const Tensor *x) {
  return t_zeros((DType)g->dtype, x->ndim, x->shape);
}

static Tensor *filled(Tensor *x, Tensor *mask, double v) { return t_where(mask, t_num(v), x); }

/* This call once more, on other values. */
static Tensor *again(const Call *c, Tensor *x, Tensor *src) {
  Call f;
  call_begin(&f, c->op);
  f.x[0] = x;
  f.x[1] = c->x[1];
  f.x[2] = src;
  for (int i = 0; i < 3; i++) f.attr[i] = c->attr[i];
  op_apply(&f);
  return f.y[0];
}

/* Each factor gets the product of the others: by division where it is not 0, and by leaving it out
   where it is the only 0 of its place. */
static void prod_grad(Call *c, Tensor *g, Tensor **gx) {
  Tensor *x = c->x[0], *src = used(c), *zero = t_num(0), *none = t_eq(x, zero);
  if (c->want[0]) {
    Tensor *safe = filled(x, none, 1);
    gx[0] = t_div(t_mul(g, again(c, safe, c->x[2])), safe);
  }
  if (!c->want[2]) return;
  Tensor *is_zero = t_eq(src, zero), *zeros = zeros_like(g, x);
  zeros = gathered(c, scattered(c, "scatter_add", zeros, t_cast(is_zero, (DType)g->dtype)));
  Tensor *single = t_op2("logical_and", is_zero, t_eq(zeros, t_num(1)));
  Tensor *without = again(c, x, filled(src, single, 1));
  Tensor *divided = t_div(gathered(c, t_mul(g, c->y[0])), filled(src, is_zero, 1));
  gx[2] = for_src(c, t_where(single, gathered(c, t_mul(g, without)), divided));
}

/* Shared out evenly among the values that are equal to the extreme. */
static void extreme_grad(Call *c, Tensor *g, Tensor **gx) {
  DType d = (DType)g->dtype;
  Tensor *x = c->x[0], *src = used(c), *y = c->y[0];
  Tensor *best = t_cast(t_eq(src, gathered(c, y)), d), *self = t_cast(t_eq(x, y), d);
  if (!c->attr[2].i)
    self = t_op2("mul", self, scattered(c, "scatter", t_addn(zeros_like(g, x), 1), t_num(0)));
  Tensor *count = scattered(c, "scatter_add", self, best);
  Tensor *share = t_div(g, filled(count, t_eq(count, t_num(0)), 1));
  if (c->want[0]) gx[0] = t_mul(self, share);
  if (c->want[2]) gx[2] = for_src(c, t_mul(best, gathered(c, share)));
}

static void mean_grad(Call *c, Tensor *g, Tensor **gx) {
  Tensor *count = zeros_like(g, c->x[0]);
  if (c->attr[2].i) count = t_addn(count, 1);
  Tensor *one = t_fill(t_new((DType)g->dtype, c->x[1]->ndim, c->x[1]->shape), 1);
  count = scattered(c, "scatter_add", count, one);
  Tensor *share = t_div(g, filled(count, t_eq(count, t_num(0)), 1));
  if (c->want[0]) gx[0] = share;
  if (c->want[2]) gx[2] = for_src(c, gathered(c, share));
}

static void scatter_reduce_grad(Call *c, Tensor *const *gy, Tensor **gx) {
  switch (c->attr[1].i) {
  case SUM: scatter_add_grad(c, gy, gx); break;
  case PROD: prod_grad(c, gy[0], gx); break;
  case MEAN: mean_grad(c, gy[0], gx); break;
  default: extreme_grad(c, gy[0], gx); break;
  }
  if (c->want[0] && !c->attr[2].i) gx[0] = scattered(c, "scatter", gx[0], t_num(0));
}

/* ---- the rows ---------------------------------------------------------------------------------- */

static Op rows[] = {
    {.sig =
         "scatter(x: tensor, dim: dim, index: index, src: tensor, reduce: string{add|multiply}?) "
         "-> y: tensor",
     .doc = "A copy of x with elements along dim replaced: y[index[i][j]][j] = src[i][j] for dim "
            "1. src is a tensor at least as large as index, or one number. Of places named twice "
            "the later value stays; with reduce values are added to what is there, or multiply it.",
     .example = "tensor{0, 0, 0}:scatter(1, tensor{3, 1}, tensor{7, 8}) --> int64 [3]  8  0  7",
     .test = "{{randn(3,2), 1, tensor{{1,3},{2,1}}, randn(2,2)}, {randn(2,3), 2, tensor{{3},{1}}, "
             "1.5}, {randn(3), 1, tensor{2,3}, randn(3)}, {randn(3), 1, tensor{2,2}, randn(2), "
             "'add'}, {ints(3), 1, tensor{2,2}, ints(2), {reduce = 'multiply'}}}",
     .ref = "reference.scatter",
     .flags = OP_INPLACE,
     .save = SAVE_X(1),
     .infer = scatter_infer,
     .run = scatter_run,
     .grad = scatter_grad},
    {.sig = "scatter_add(x: tensor, dim: dim, index: index, src: tensor) -> y: tensor",
     .doc = "A copy of x with src added along dim: y[index[i][j]][j] += src[i][j] for dim 1, in "
            "that order.",
     .example =
         "tensor{0, 0, 0}:scatter_add(1, tensor{1, 3, 1}, tensor{5, 6, 7}) --> int64 [3]  12  0  6",
     .test = "{{randn(3,2), 1, tensor{{1,3},{1,1}}, randn(2,2)}, {randn(2,3), 2, "
             "tensor{{3,3},{1,3}}, randn(2,2)}}",
     .ref = "reference.scatter_add",
     .flags = OP_INPLACE,
     .save = SAVE_X(1),
     .infer = scatter_add_infer,
     .run = scatter_run,
     .grad = scatter_add_grad},
    {.sig = "scatter_reduce(x: tensor, dim: dim, index: index, src: tensor, reduce: "
            "string{sum|prod|mean|amax|amin}, include_self: bool=true) -> y: tensor",
     .doc =
         "A copy of x in which values of src that go to one place along dim are combined, with "
         "x's own value there or (include_self = false) in its place. The gradient of an extreme "
         "is shared out evenly among equal values.",
     .example = "tensor{0, 0}:scatter_reduce(1, tensor{1, 1, 2}, tensor{3, 5, 4}, \"amax\") --> "
                "int64 [2]  5  4",
     .test =
         "{{randn(3,2), 1, tensor{{1,3},{1,1}}, randn(2,2), 'sum'}, {randn(3,2), 1, "
         "tensor{{1,3},{1,1}}, randn(2,2), 'sum', false}, {randn(2,3), 2, tensor{{3,3},{1,3}}, "
         "randn(2,2), 'prod'}, {randn(3), 1, tensor{2,2}, tensor{0, 3}:double(), 'prod', false}, "
         "{randn(3), 1, tensor{2,2}, randn(3), 'mean'}, {randn(3), 1, tensor{2,2}, randn(2), "
         "'mean', false}, {randn(4), 1, tensor{2,2,1}, randn(3), 'amax'}, {randn(4), 1, "
         "tensor{2,2,1}, randn(3), 'amin', false}, {ints(3), 1, tensor{1,1}, ints(2), 'mean'}}",
     .ref = "reference.scatter_reduce",
     .flags = OP_INPLACE,
     .save = SAVE_X(0) | SAVE_X(1) | SAVE_X(2) | SAVE_Y(0),
     .infer = scatter_reduce_infer,
     .run = scatter_run,
     .grad = scatter_reduce_grad},
};

FAMILY_PART(index, scatter, rows);
