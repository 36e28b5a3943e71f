/* Reductions, running values and softmax of those elements alone where a mask holds. The others are
   replaced by what changes nothing: 0 in a sum, 1 in a product, the lowest value in a maximum. */
#include <math.h>
#include <stdio.h>

#include "../../calc.h"
#include "reduce.h"

typedef enum Neutral { ZERO, ONE, LOWEST, HIGHEST, NOTHING } Neutral;

/* A single element of type d; of a type that is only stored, where the op refuses, of float32. */
static Tensor *neutral(DType d, Neutral what) {
  bool is_float = dtype_is_float(d);
  if (is_float && d != T_F64) d = T_F32;
  Tensor *v = t_new(d, 0, NULL);
  switch (what) {
  case ZERO: return t_fill(v, 0);
  case ONE: return t_fill(v, 1);
  case NOTHING: return t_fill(v, NAN);
  default: break;
  }
  bool low = what == LOWEST;
  if (is_float) return t_fill(v, low ? -INFINITY : INFINITY);
  if (d == T_I64) {
    *t_i64(v) = low ? INT64_MIN : INT64_MAX;
    return v;
  }
  if (d == T_I32) return t_fill(v, low ? INT32_MIN : INT32_MAX);
  return t_fill(v, low ? 0 : d == T_BOOL ? 1 : UINT8_MAX);
}

/* Input i, a mask, in x's shape; NULL where none is given. */
static Tensor *mask_for(Call *c, const Tensor *x, int i) {
  Tensor *mask = c->x[i];
  if (!mask) return NULL;
  bool fits = mask->ndim <= x->ndim;
  for (int d = 1; fits && d <= mask->ndim; d++) {
    int64_t size = mask->shape[mask->ndim - d];
    fits = size == 1 || size == x->shape[x->ndim - d];
  }
  if (!fits) {
    char shape[128];
    snprintf(shape, sizeof shape, "%s", t_shape_str(mask));
    t_fail("%s: the mask is %s and the input %s; a mask of that shape is wanted, or one that "
           "broadcasts to it",
           call_name(c), shape, t_shape_str(x));
  }
  return t_expand(mask, x->ndim, x->shape);
}

/* x where the mask, input i, holds, and what is neutral elsewhere. */
static Tensor *kept(Call *c, Tensor *x, int i, Neutral n) {
  Tensor *mask = mask_for(c, x, i);
  return mask ? t_where(mask, x, neutral((DType)x->dtype, n)) : x;
}

static Tensor *floats(Tensor *x) { return dtype_is_float((DType)x->dtype) ? x : t_cast(x, T_F32); }

/* x in the type that attribute i asks for. */
static Tensor *typed(Call *c, Tensor *x, int i) {
  return attr_given(c, i) ? t_cast(x, reduce_type(c, i, T_F32)) : x;
}

/* The sum over the dimensions that an attribute names. */
static Tensor *total(Tensor *x, const Attr *dim, bool keepdim) {
  return t_call("sum", "xab", x, dim, keepdim);
}

/* ---- reductions: attributes dim, keepdim, and mostly dtype --------------------------------------- */

static void sum_compose(Call *c) {
  Tensor *x = kept(c, c->x[0], 1, ZERO);
  c->y[0] = t_call("sum", "xaaa", x, &c->attr[0], &c->attr[1], &c->attr[2]);
}

static void prod_compose(Call *c) {
  Tensor *x = kept(c, typed(c, c->x[0], 2), 1, ONE);
  const Attr *dim = &c->attr[0];
  bool chosen[T_MAXDIM] = {false}, all = !attr_given(c, 0) || dim->n == 0;
  for (int i = 0; !all && i < dim->n; i++) chosen[dim->v[i]] = true;
  if (x->ndim == 0) x = t_op1("prod", x);
  for (int d = x->ndim - 1; d >= 0; d--) {
    if (all || chosen[d]) x = t_call("prod", "xia", x, (int64_t)d, &c->attr[1]);
  }
  c->y[0] = typed(c, x, 2);
}

static Tensor *reduced(Call *c, const char *name, Neutral n) {
  return t_call(name, "xaa", kept(c, c->x[0], 1, n), &c->attr[0], &c->attr[1]);
}

static void amax_compose(Call *c) { c->y[0] = typed(c, reduced(c, "amax", LOWEST), 2); }
static void amin_compose(Call *c) { c->y[0] = typed(c, reduced(c, "amin", HIGHEST), 2); }
static void argmax_compose(Call *c) { c->y[0] = reduced(c, "argmax", LOWEST); }
static void argmin_compose(Call *c) { c->y[0] = reduced(c, "argmin", HIGHEST); }

static void mean_compose(Call *c) {
  Tensor *x = typed(c, c->x[0], 2), *mask = mask_for(c, x, 1);
  const Attr *dim = &c->attr[0];
  bool keepdim = c->attr[1].i;
  c->y[0] = mask ? t_div(total(kept(c, x, 1, ZERO), dim, keepdim), total(mask, dim, keepdim))
                 : t_call("mean", "xab", x, dim, keepdim);
}

/* The median of integers is one of them: there has to be one. */
static void median_compose(Call *c) {
  DType d = (DType)c->x[0]->dtype;
  Tensor *x = dtype_is_float(d) ? c->x[0] : t_cast(c->x[0], T_F64);
  Tensor *y = t_call("nanmedian", "xaa", kept(c, x, 1, NOTHING), &c->attr[0], &c->attr[1]);
  if (!dtype_is_float(d)) {
    if (*(const uint8_t *)t_data(t_op1("any", t_op1("isnan", y)))) {
      t_fail("masked.median: the mask leaves nothing of a row, and the median of nothing, nan, is "
             "not %s; x = x:float() first",
             dtype_name(d));
    }
    y = t_cast(y, d);
  }
  c->y[0] = y;
}

static void logsumexp_compose(Call *c) {
  Tensor *x = kept(c, floats(typed(c, c->x[0], 2)), 1, LOWEST);
  int64_t every[T_MAXDIM];
  for (int d = 0; d < x->ndim; d++) every[d] = d;
  Attr dim = attr_given(c, 0) ? c->attr[0] : attr_of_ints(x->ndim, every);
  c->y[0] = t_call("logsumexp", "xaa", x, &dim, &c->attr[1]);
}

/* Attributes dim, unbiased, keepdim, correction, dtype. */
static void var_compose(Call *c) {
  Tensor *x = floats(typed(c, c->x[0], 4)), *mask = mask_for(c, x, 1);
  const Attr *dim = &c->attr[0];
  bool keepdim = c->attr[2].i;
  double correction = reduce_correction(c);
  if (!mask) {
    c->y[0] = t_call("var", "xa-bf", x, dim, keepdim, correction);
    return;
  }
  Tensor *mean = t_div(total(kept(c, x, 1, ZERO), dim, true), total(mask, dim, true));
  Tensor *squares = kept(c, t_square(t_sub(x, mean)), 1, ZERO);
  Tensor *left = t_addn(t_cast(total(mask, dim, keepdim), (DType)x->dtype), -correction);
  c->y[0] = t_div(total(squares, dim, keepdim), t_call("clamp", "xx-", left, t_num(0)));
}

static void std_compose(Call *c) {
  var_compose(c);
  c->y[0] = t_sqrt(c->y[0]);
}

/* Attribute 0 is ord. */
static Tensor *norm_of(Call *c, Tensor *x, const Attr *dim, bool keepdim) {
  double ord = attr_float(c, 0, 2);
  x = kept(c, x, 1, ord == -INFINITY ? HIGHEST : ZERO);
  return t_call("linalg.vector_norm", "xfab", x, ord, dim, keepdim);
}

/* Attributes ord, dim, keepdim, dtype. */
static void norm_compose(Call *c) {
  c->y[0] = norm_of(c, floats(typed(c, c->x[0], 3)), &c->attr[1], c->attr[2].i);
}

/* Attributes ord, dim, eps, dtype. */
static void normalize_compose(Call *c) {
  Tensor *x = floats(typed(c, c->x[0], 3));
  Attr dim = attr_of_ints(1, &c->attr[1].i);
  Tensor *length = norm_of(c, x, &dim, true);
  c->y[0] = t_div(kept(c, x, 1, ZERO), t_call("clamp", "xx-", length, t_num(c->attr[2].f)));
}

/* ---- along a dimension: attributes dim, dtype ---------------------------------------------------- */

static Tensor *along(Call *c, const char *name, Tensor *x, Neutral n) {
  return t_call(name, "xaa", kept(c, x, 1, n), &c->attr[0], &c->attr[1]);
}

static void cumsum_compose(Call *c) { c->y[0] = along(c, "cumsum", c->x[0], ZERO); }
static void cumprod_compose(Call *c) { c->y[0] = along(c, "cumprod", c->x[0], ONE); }
static void softmax_compose(Call *c) { c->y[0] = along(c, "softmax", floats(c->x[0]), LOWEST); }
static void log_softmax_compose(Call *c) {
  c->y[0] = along(c, "log_softmax", floats(c->x[0]), LOWEST);
}
static void softmin_compose(Call *c) { c->y[0] = along(c, "softmin", floats(c->x[0]), HIGHEST); }

/* Inputs x, other, and a mask for each; attribute dtype. */
static void logaddexp_compose(Call *c) {
  Tensor *x = floats(typed(c, c->x[0], 0)), *other = floats(typed(c, c->x[1], 0));
  c->y[0] = t_op2("logaddexp", kept(c, x, 2, LOWEST), kept(c, other, 3, LOWEST));
}

/* ---- the rows ------------------------------------------------------------------------------------ */

#define OVER   " of the elements where mask holds, over the dimensions in dim, or over all"
#define MASKED "x = tensor{{1.0, 2.0}, {3.0, 5.0}}\nmask = x:lt(4)\n"
#define TESTS                                                                                      \
  "{{randn(2,3), {mask = tensor{{true, false, true}, {false, true, true}}}}, {randn(3,2), 1, "     \
  "{mask = tensor{{true}, {true}, {false}}, keepdim = true}}, {randn(2,3,2), {1, -1}, {dtype = "   \
  "\"float64\"}}}"
#define PLACES                                                                                     \
  "{{randn(2,3), 2, {mask = tensor{{true, false, true}, {false, true, true}}}}, {randn(3,2), 1, "  \
  "{mask = tensor{{true}, {true}, {false}}, keepdim = true}}, {randn(2,3), -1}}"
#define LINES                                                                                      \
  "{{randn(2,3), 2, {mask = tensor{{true, false, true}, {false, true, true}}}}, {randn(3,2), 1, "  \
  "{mask = tensor{{true}, {true}, {false}}}}, {randn(2,3), -1, {dtype = \"float64\"}}}"
#define MOMENTS                                                                                    \
  "{{randn(2,3), {mask = tensor{{true, false, true}, {false, true, true}}}}, {randn(3,2), 1, "     \
  "{mask = tensor{{true}, {true}, {false}}, unbiased = true, keepdim = true}}, {randn(2,3,2), "    \
  "{1, -1}, {correction = 2, dtype = \"float64\"}}}"
#define OPTIONS "keepdim: bool=false, dtype: dtype?, mask: tensor?) -> "

static Op rows[] = {
    {.sig = "masked.sum(x: tensor, dim: dims?, " OPTIONS "y: tensor",
     .doc = "Sum" OVER "; 0 where there are none. mask broadcasts to x.",
     .example = MASKED "tensor.masked.sum(x, 2, {mask = mask}) --> float32 [2]  3.0  3.0",
     .test = TESTS,
     .ref = "reference.masked_sum",
     .compose = sum_compose},
    {.sig = "masked.prod(x: tensor, dim: dims?, " OPTIONS "y: tensor",
     .doc = "Product" OVER "; 1 where there are none.",
     .example = MASKED "tensor.masked.prod(x, {mask = mask}) --> 6.0",
     .test = TESTS,
     .ref = "reference.masked_prod",
     .compose = prod_compose},
    {.sig = "masked.mean(x: tensor, dim: dims?, " OPTIONS "y: tensor",
     .doc = "Mean" OVER "; nan where there are none. For sequences of several lengths: the mask "
            "says which steps are there.",
     .example = MASKED "tensor.masked.mean(x, 2, {mask = mask}) --> float32 [2]  1.5  3.0",
     .test = TESTS,
     .ref = "reference.masked_mean",
     .compose = mean_compose},
    {.sig = "masked.amax(x: tensor, dim: dims?, " OPTIONS "y: tensor",
     .doc = "Largest" OVER "; the lowest value of the type where there are none.",
     .example = MASKED "tensor.masked.amax(x, 2, {mask = mask}) --> float32 [2]  2.0  3.0",
     .test = TESTS,
     .ref = "reference.masked_amax",
     .compose = amax_compose},
    {.sig = "masked.amin(x: tensor, dim: dims?, " OPTIONS "y: tensor",
     .doc = "Smallest" OVER "; the highest value of the type where there are none.",
     .example = MASKED "tensor.masked.amin(x, 1, {mask = mask:logical_not()}) --> float32 [2]  "
                       "inf  5.0",
     .test = TESTS,
     .ref = "reference.masked_amin",
     .compose = amin_compose},
    {.sig = "masked.argmax(x: tensor, dim: dim?, keepdim: bool=false, mask: tensor?) -> indices: "
            "index",
     .doc = "Position of the largest of the elements where mask holds, along a dimension, or in "
            "the flattened tensor; of equal ones the first.",
     .example = MASKED "tensor.masked.argmax(x, 2, {mask = mask}) --> int64 [2]  2  1",
     .test = PLACES,
     .ref = "reference.masked_argmax",
     .flags = OP_CONST,
     .compose = argmax_compose},
    {.sig = "masked.argmin(x: tensor, dim: dim?, keepdim: bool=false, mask: tensor?) -> indices: "
            "index",
     .doc = "Position of the smallest of the elements where mask holds, as masked.argmax.",
     .example = MASKED "tensor.masked.argmin(x, 2, {mask = x:gt(1)}) --> int64 [2]  2  1",
     .test = PLACES,
     .ref = "reference.masked_argmin",
     .flags = OP_CONST,
     .compose = argmin_compose},
    {.sig = "masked.median(x: tensor, dim: dim=-1, keepdim: bool=false, mask: tensor?) -> y: "
            "tensor",
     .doc = "The lower median of the elements along a dimension where mask holds and which are not "
            "nan; nan where there are none, which is an error of integers.",
     .example = MASKED "tensor.masked.median(x, 1, {mask = mask}) --> float32 [2]  1.0  2.0",
     .test = PLACES,
     .ref = "reference.masked_median",
     .compose = median_compose},
    {.sig = "masked.logsumexp(x: tensor, dim: dims?, " OPTIONS "y: tensor",
     .doc = "Logarithm of the sum of exponentials" OVER "; -inf where there are none.",
     .example = "tensor.masked.logsumexp(tensor{0.0, 0.0, 9.0}, 1, {mask = tensor{true, true, "
                "false}}) --> 0.6931",
     .test = TESTS,
     .ref = "reference.masked_logsumexp",
     .compose = logsumexp_compose},
    {.sig = "masked.var(x: tensor, dim: dims?, unbiased: bool=false, keepdim: bool=false, "
            "correction: int?, dtype: dtype?, mask: tensor?) -> y: tensor",
     .doc = "Variance" OVER ", see var; here unbiased is false unless told otherwise. nan where "
            "nothing is left to divide by.",
     .example = MASKED "tensor.masked.var(x, {mask = mask, unbiased = true}) --> 1.0",
     .test = MOMENTS,
     .ref = "reference.masked_var",
     .compose = var_compose},
    {.sig = "masked.std(x: tensor, dim: dims?, unbiased: bool=false, keepdim: bool=false, "
            "correction: int?, dtype: dtype?, mask: tensor?) -> y: tensor",
     .doc = "Standard deviation: the square root of masked.var.",
     .example = MASKED "tensor.masked.std(x, {mask = mask, unbiased = true}) --> 1.0",
     .test = MOMENTS,
     .ref = "reference.masked_std",
     .compose = std_compose},
    {.sig = "masked.norm(x: tensor, ord: float=2, dim: dims?, " OPTIONS "y: tensor",
     .doc = "The norm, see linalg.vector_norm," OVER ".",
     .example = "tensor.masked.norm(tensor{3.0, 9.0, 4.0}, {mask = tensor{true, false, true}}) "
                "--> 5.0",
     .test = "{{randn(2,3), {mask = tensor{{true, false, true}, {false, true, true}}}}, "
             "{randn(2,3), -math.huge, 2, {mask = tensor{true, false, true}}}, {randn(2,3), 3, 1, "
             "{keepdim = true, dtype = \"float64\"}}}",
     .ref = "reference.masked_norm",
     .compose = norm_compose},
    {.sig = "masked.normalize(x: tensor, ord: float, dim: dim, eps: float=1e-12, dtype: dtype?, "
            "mask: tensor?) -> y: tensor",
     .doc = "x over its norm along a dimension, at least eps, with 0 where mask does not hold.",
     .example = "tensor.masked.normalize(tensor{3.0, 9.0, 4.0}, 2, 1, {mask = tensor{true, false, "
                "true}}) --> float32 [3]  0.6  0.0  0.8",
     .test = "{{randn(2,3), 2, 2, {mask = tensor{{true, false, true}, {false, true, true}}}}, "
             "{randn(3,2), 3, 1, {eps = 3, dtype = \"float64\"}}}",
     .ref = "reference.masked_normalize",
     .compose = normalize_compose},
    {.sig = "masked.cumsum(x: tensor, dim: dim, dtype: dtype?, mask: tensor?) -> y: tensor",
     .doc = "Running sum along a dimension of the elements where mask holds.",
     .example = MASKED "tensor.masked.cumsum(x, 2, {mask = mask}) --> float32 [2,2]\n"
                       "  1.0  3.0\n"
                       "  3.0  3.0",
     .test = LINES,
     .ref = "reference.masked_cumsum",
     .compose = cumsum_compose},
    {.sig = "masked.cumprod(x: tensor, dim: dim, dtype: dtype?, mask: tensor?) -> y: tensor",
     .doc = "Running product along a dimension of the elements where mask holds.",
     .example = MASKED "tensor.masked.cumprod(x, 1, {mask = mask}) --> float32 [2,2]\n"
                       "  1.0  2.0\n"
                       "  3.0  2.0",
     .test = LINES,
     .ref = "reference.masked_cumprod",
     .compose = cumprod_compose},
    {.sig = "masked.softmax(x: tensor, dim: dim, dtype: dtype?, mask: tensor?) -> y: tensor",
     .doc = "softmax along a dimension among the elements where mask holds, 0 elsewhere; nan where "
            "there are none.",
     .example = "tensor.masked.softmax(tensor{0.0, 7.0, 0.0}, 1, {mask = tensor{true, false, "
                "true}}) --> float32 [3]  0.5  0.0  0.5",
     .test = LINES,
     .ref = "reference.masked_softmax",
     .compose = softmax_compose},
    {.sig = "masked.log_softmax(x: tensor, dim: dim, dtype: dtype?, mask: tensor?) -> y: tensor",
     .doc = "Logarithm of masked.softmax: -inf where mask does not hold.",
     .example = "tensor.masked.log_softmax(tensor{0.0, 7.0, 0.0}, 1, {mask = tensor{true, false, "
                "true}}) --> float32 [3]  -0.6931     -inf  -0.6931",
     .test = "{{randn(2,3), 2}, {randn(3,2), 1, {mask = tensor{{true}, {true}, {true}}, dtype = "
             "\"float64\"}}}",
     .ref = "reference.masked_log_softmax",
     .compose = log_softmax_compose},
    {.sig = "masked.softmin(x: tensor, dim: dim, dtype: dtype?, mask: tensor?) -> y: tensor",
     .doc = "masked.softmax of -x.",
     .example = "tensor.masked.softmin(tensor{0.0, -7.0, 0.0}, 1, {mask = tensor{true, false, "
                "true}}) --> float32 [3]  0.5  0.0  0.5",
     .test = LINES,
     .ref = "reference.masked_softmin",
     .compose = softmin_compose},
    {.sig = "masked.logaddexp(x: tensor, other: tensor, dtype: dtype?, input_mask: tensor?, "
            "other_mask: tensor?) -> y: tensor",
     .doc = "log(exp(x) + exp(other)) of those elements where their masks hold; -inf where neither "
            "does.",
     .example = "tensor.masked.logaddexp(tensor{0.0, 0.0}, tensor{0.0, 0.0}, {other_mask = "
                "tensor{true, false}}) --> float32 [2]  0.6931  0.0000",
     .test = "{{randn(2,3), randn(2,3), {input_mask = tensor{{true, false, true}, {false, true, "
             "true}}}}, {randn(2,3), randn(2,3), {other_mask = tensor{true, false, true}, dtype = "
             "\"float64\"}}}",
     .ref = "reference.masked_logaddexp",
     .compose = logaddexp_compose},
};

FAMILY(masked, rows);
