/* Quantiles, in plain ops on sorted values: the two values around a rank, and what lies between.
   Hyndman & Fan 1996, Sample quantiles in statistical packages, definition 7, and its variants. */
#include "../../calc.h"
#include "../../op.h"
#include "rows.h"

enum { LINEAR, LOWER, HIGHER, NEAREST, MIDPOINT }; /* as in the signature */

static Tensor *sorted(Tensor *x) { return t_call("sort", "xi", x, (int64_t)x->ndim - 1); }

/* values of x along its last dimension at positions from 0 */
static Tensor *gathered(Tensor *x, Tensor *at) {
  return t_call("gather", "xxi", x, t_cast(t_addn(at, T_BASE), T_I64), (int64_t)x->ndim - 1);
}

/* The quantiles q [m] of x [..., n], sorted with NaN at the end: [..., m]. */
static Tensor *along_rows(Tensor *x, Tensor *q, bool ignore_nan, int64_t how) {
  int64_t n = x->shape[x->ndim - 1], shape[T_MAXDIM];
  DType d = (DType)x->dtype;
  for (int i = 0; i < x->ndim; i++) shape[i] = x->shape[i];
  shape[x->ndim - 1] = q->numel;
  Tensor *nan = t_cast(t_op1("isnan", x), d), *count = t_sum1(nan, x->ndim - 1, true), *rank;
  if (ignore_nan) {
    rank = t_mul(q, t_op2("maximum", t_rsubn((double)n - 1, count), t_num(0)));
  } else { /* a row with NaN: its last value */
    Tensor *has_nan = t_gt(count, t_num(0));
    rank = t_where(has_nan, t_num((double)n - 1), t_muln(q, (double)n - 1));
  }
  rank = t_expand(rank, x->ndim, shape);
  if (how == LOWER) rank = t_op1("floor", rank);
  if (how == HIGHER) rank = t_op1("ceil", rank);
  if (how == NEAREST) rank = t_op1("round", rank);
  Tensor *below = t_op1("floor", rank), *low = gathered(x, below);
  if (how != LINEAR && how != MIDPOINT) return low;
  Tensor *high = gathered(x, t_op1("ceil", rank));
  Tensor *part = how == MIDPOINT ? t_num(0.5) : t_sub(rank, below);
  return t_add(low, t_mul(part, t_sub(high, low)));
}

/* Inputs: x, q; attributes dim (absent: all), keepdim, interpolation. */
static void quantiles(Call *c, bool ignore_nan) {
  Tensor *x = c->x[0], *q = c->x[1];
  bool all = !attr_given(c, 0), keepdim = c->attr[1].i != 0;
  int ndim = x->ndim, dim = all ? ndim - 1 : (int)c->attr[0].i;
  if (!dtype_is_float((DType)x->dtype)) {
    t_fail("%s: x is %s; x:float() first", call_name(c), dtype_name((DType)x->dtype));
  }
  if (q->ndim > 1)
    t_fail("%s: q is %s; a number or a list is wanted", call_name(c), t_shape_str(q));
  if (x->numel == 0) t_fail("%s: there are no values, x is %s", call_name(c), t_shape_str(x));
  for (int64_t i = 0; i < q->numel; i++) {
    double v = t_get(q, i * (q->ndim ? q->stride[0] : 0));
    if (!(v >= 0 && v <= 1)) t_fail("%s: q is %g; it is from 0 to 1", call_name(c), v);
  }
  int64_t m = q->numel, kept[T_MAXDIM], shape[T_MAXDIM];
  bool list = q->ndim == 1;
  for (int i = 0; i < ndim; i++) kept[i] = all || i == dim ? 1 : x->shape[i];
  q = t_reshape(t_cast(q, (DType)x->dtype), 1, &m);
  if (all || ndim == 0)
    x = t_reshape(x, 1, &c->x[0]->numel);
  else
    x = t_transpose(x, dim, ndim - 1);
  Tensor *y = along_rows(sorted(x), q, ignore_nan, c->attr[2].i);
  /* the quantiles come first, then x's dimensions */
  if (!all && ndim > 0) y = t_transpose(t_unsqueeze(y, 0), dim + 1, ndim);
  y = all || ndim == 0 ? y : t_transpose(y, 0, dim + 1);
  int at = 0;
  if (list) shape[at++] = m;
  for (int i = 0; i < ndim; i++) {
    if (keepdim || !(all || i == dim)) shape[at++] = kept[i];
  }
  c->y[0] = t_reshape(y, at, shape);
}

static void quantile_compose(Call *c) { quantiles(c, false); }
static void nanquantile_compose(Call *c) { quantiles(c, true); }

/* ---- the rows --------------------------------------------------------------------------------------- */

static Op rows[] = {
    {.sig = "quantile(x: tensor, q: list, dim: dim?, keepdim: bool=false, interpolation: "
            "string{linear|lower|higher|nearest|midpoint}=linear) -> y: tensor",
     .doc = "Quantiles of a dimension, or of all values: q is a number from 0 to 1, or a list of "
            "them, which becomes the first dimension. Between two values by interpolation; nan "
            "where there is a nan. Hyndman & Fan 1996, definition 7.",
     .example = "tensor{1.0, 2.0, 4.0, 8.0}:quantile(0.5) --> 3.0",
     .test =
         "{{randn(5), 0.3}, {randn(2,4), {0.25, 0.6}, 2}, {randn(4,3), 0.5, 1, {keepdim = "
         "true}}, {randn(2,4), {0.2, 0.7, 1}, -1, {interpolation = 'midpoint'}}, {randn(6), 0.3, "
         "{interpolation = 'lower'}}, {randn(6), 0.3, {interpolation = 'higher'}}, {randn(6), "
         "0.35, {interpolation = 'nearest'}}, {randn(2,2,3), 0.4, 2, true}}",
     .ref = "reference.quantile",
     .compose = quantile_compose},
    {.sig = "nanquantile(x: tensor, q: list, dim: dim?, keepdim: bool=false, interpolation: "
            "string{linear|lower|higher|nearest|midpoint}=linear) -> y: tensor",
     .doc = "Quantiles of what is not nan; nan where nothing is left. See quantile.",
     .example = "tensor{1, 0/0, 3}:nanquantile(0.5) --> 2.0",
     .test = "{{randn(5), 0.3}, {tensor{{0/0, 2, 1}, {0/0, 4, 7}}:double(), {0.2, 0.5}, 2}}",
     .ref = "reference.nanquantile",
     .compose = nanquantile_compose},
};

FAMILY_PART(order, quantile, rows);
