/* Statistics and sums, most in terms of other ops: pairs of moments and extremes, sums without NaN,
   differences, slopes and integrals along a dimension, distances. */
#include <math.h>

#include "../../calc.h"
#include "../../loop/iter.h"
#include "reduce.h"

/* The op of another name on x, with this call's first n attributes. */
static Tensor *with_attrs(const Call *c, const char *name, Tensor *x, int n) {
  Call f;
  call_begin(&f, op_need(name));
  f.x[0] = x;
  for (int i = 0; i < n; i++) f.attr[i] = c->attr[i];
  op_apply(&f);
  return f.y[0];
}

/* ---- pairs --------------------------------------------------------------------------------------- */

/* Attributes: dim, unbiased, keepdim, correction. */
static void moments(Call *c, const char *name) {
  c->y[0] = with_attrs(c, name, c->x[0], 4);
  c->attr[1] = c->attr[2]; /* of mean: dim, keepdim */
  c->y[1] = with_attrs(c, "mean", c->x[0], 2);
}
static void var_mean_compose(Call *c) { moments(c, "var"); }
static void std_mean_compose(Call *c) { moments(c, "std"); }

/* Attributes: dim, keepdim. */
static void aminmax_compose(Call *c) {
  if (attr_given(c, 0)) c->attr[0] = attr_of_ints(1, (int64_t[]){c->attr[0].i});
  c->y[0] = with_attrs(c, "amin", c->x[0], 2);
  c->y[1] = with_attrs(c, "amax", c->x[0], 2);
}

/* ---- without NaN: attributes dim, keepdim, dtype --------------------------------------------------- */

/* nan has to go before integers are made of floats. */
static void nansum_infer(Call *c) {
  Tensor *x = t_alias(c->x[0]);
  bool to_whole = attr_given(c, 2) && !dtype_is_float((DType)c->attr[2].i);
  if (to_whole) c->x[0] = t_where(t_op1("isnan", x), t_num(0), x);
  reduce_sum_infer(c);
}

static const char *nansum_run(Call *c) {
  return reduce_fold(c, FOLD_NUMBERS, fold_dims(c, 0), 0, false);
}

static void nanmean_compose(Call *c) {
  Tensor *x = c->x[0];
  if (!dtype_is_float((DType)x->dtype)) {
    t_fail("nanmean: x is %s, which has no nan; mean serves", dtype_name((DType)x->dtype));
  }
  Tensor *count = with_attrs(c, "sum", t_eq(x, x), 2); /* nan is not itself */
  c->y[0] = t_div(with_attrs(c, "nansum", x, 3), count);
}

/* ---- along a dimension ------------------------------------------------------------------------------- */

/* x without its first position along dim, less x without its last. */
static Tensor *steps(Tensor *x, int dim) {
  int64_t n = x->shape[dim] > 0 ? x->shape[dim] - 1 : 0;
  Tensor *after = t_narrow(x, dim, x->shape[dim] - n, n), *before = t_narrow(x, dim, 0, n);
  return x->dtype == T_BOOL ? t_op2("logical_xor", after, before) : t_sub(after, before);
}

/* Inputs: x, prepend, append; attributes n, dim. */
static void diff_compose(Call *c) {
  int64_t n = c->attr[0].i;
  int dim = (int)c->attr[1].i, parts = 0;
  Tensor *x = c->x[0], *part[3];
  if (x->ndim == 0) t_fail("diff: a single value has no differences");
  if (n < 0) t_fail("diff: n is %lld; it is 0 or more", (long long)n);
  if (c->x[1] && n > 0) part[parts++] = c->x[1];
  part[parts++] = x;
  if (c->x[2] && n > 0) part[parts++] = c->x[2];
  for (int i = 0; i < parts; i++) { /* a single value serves for all */
    if (part[i]->ndim > 0 || part[i] == x) continue;
    int64_t shape[T_MAXDIM];
    for (int d = 0; d < x->ndim; d++) shape[d] = d == dim ? 1 : x->shape[d];
    part[i] = t_expand(part[i], x->ndim, shape);
  }
  if (parts > 1) x = t_cat(parts, part, dim);
  for (; n > 0 && x->shape[dim] > 0; n--) x = steps(x, dim);
  c->y[0] = x;
}

/* The areas under the pieces between samples y, at places x or dx apart. Inputs: y, x; attributes
   dx, dim. */
static Tensor *areas(Call *c, int *dim) {
  Tensor *y = c->x[0], *x = c->x[1];
  *dim = (int)c->attr[1].i;
  if (y->ndim == 0) t_fail("%s: y is a single value; samples are wanted", call_name(c));
  if (x && attr_given(c, 0))
    t_fail("%s: x and dx are two ways of saying it; give one", call_name(c));
  int64_t n = y->shape[*dim] > 0 ? y->shape[*dim] - 1 : 0;
  Tensor *pairs = t_add(t_narrow(y, *dim, y->shape[*dim] - n, n), t_narrow(y, *dim, 0, n));
  if (!x) return t_muln(pairs, attr_float(c, 0, 1) / 2);
  if (x->ndim == 1 && x->shape[0] == y->shape[*dim]) {
    int64_t shape[T_MAXDIM];
    for (int d = 0; d < y->ndim; d++) shape[d] = d == *dim ? x->shape[0] : 1;
    x = t_reshape(x, y->ndim, shape);
  }
  int lead = x->ndim - y->ndim;
  if (lead + *dim < 0 || x->shape[lead + *dim] != y->shape[*dim]) {
    t_fail("%s: y is %s and x %s; there is a place for each sample of dimension %d", call_name(c),
           t_shape_str(y), t_shape_str(x), *dim + 1);
  }
  *dim += lead > 0 ? lead : 0;
  return t_muln(t_mul(pairs, steps(x, (int)c->attr[1].i + lead)), 0.5);
}

static void trapezoid_compose(Call *c) {
  int dim;
  Tensor *a = areas(c, &dim);
  c->y[0] = t_sum1(a, dim, false);
}

static void cumulative_trapezoid_compose(Call *c) {
  int dim;
  Tensor *a = areas(c, &dim);
  c->y[0] = t_call("cumsum", "xi", a, (int64_t)dim);
}

/* ---- gradient: inputs x and the list of spacing; attributes dim, edge_order ------------------------ */

/* What three neighbours count in the slope at one of them; NULL: nothing. */
typedef struct Stencil {
  Tensor *by[3];
} Stencil;

/* The first n slopes from position `from` on, by the neighbours that begin there. */
static Tensor *slopes_at(Tensor *x, int dim, int64_t from, int64_t n, Stencil s) {
  Tensor *sum = NULL;
  for (int i = 0; i < 3; i++) {
    if (!s.by[i]) continue;
    Tensor *term = t_mul(t_narrow(x, dim, from + i, n), s.by[i]);
    sum = sum ? t_add(sum, term) : term;
  }
  return sum;
}

/* For points all h apart: v[i] / h. */
static Stencil even(const double *v, Tensor *h) {
  Stencil s = {{NULL}};
  for (int i = 0; i < 3; i++) {
    if (v[i] != 0) s.by[i] = h->weak ? t_num(v[i] / t_get(h, 0)) : t_div(t_num(v[i]), h);
  }
  return s;
}

/* For points h and k apart: the slope of the parabola through the three at the first of them, and at
   the middle one; at the last it is that of the first, seen from the other side. */
static Stencil at_first(Tensor *h, Tensor *k) {
  Tensor *sum = t_add(h, k);
  return (Stencil){{t_neg(t_div(t_add(h, sum), t_mul(h, sum))), t_div(sum, t_mul(h, k)),
                    t_neg(t_div(h, t_mul(k, sum)))}};
}
static Stencil at_middle(Tensor *h, Tensor *k) {
  Tensor *sum = t_add(h, k);
  return (Stencil){
      {t_neg(t_div(k, t_mul(h, sum))), t_div(t_sub(k, h), t_mul(h, k)), t_div(h, t_mul(k, sum))}};
}
static Stencil mirrored(Stencil s) {
  return (Stencil){{t_neg(s.by[2]), t_neg(s.by[1]), t_neg(s.by[0])}};
}

/* The slopes of x along dim. gaps: of one value, or between neighbours: one less than x has. */
static Tensor *slopes(Tensor *x, int dim, Tensor *gaps, bool second_order) {
  int64_t n = x->shape[dim], last = n - 2;
  bool is_even = gaps->ndim == 0;
#define GAP(from, count) t_narrow(gaps, dim, from, count)
  Tensor *parts[3];
  if (!second_order) {
    Tensor *rise = t_div(steps(x, dim), gaps);
    parts[0] = t_narrow(rise, dim, 0, 1), parts[2] = t_narrow(rise, dim, last, 1);
  } else {
    static const double edge[] = {-1.5, 2, -0.5};
    Stencil first = is_even ? even(edge, gaps) : at_first(GAP(0, 1), GAP(1, 1));
    Stencil end = is_even ? first : at_first(GAP(last, 1), GAP(last - 1, 1));
    parts[0] = slopes_at(x, dim, 0, 1, first);
    parts[2] = slopes_at(x, dim, n - 3, 1, mirrored(end));
  }
  if (n == 2) return t_cat(2, (Tensor *[]){parts[0], parts[2]}, dim);
  static const double centre[] = {-0.5, 0, 0.5};
  Stencil middle = is_even ? even(centre, gaps) : at_middle(GAP(0, last), GAP(1, last));
  parts[1] = slopes_at(x, dim, 0, last, middle);
#undef GAP
  return t_cat(3, parts, dim);
}

/* The gaps that spacing i tells of: a distance, or places along dim. */
static Tensor *gaps_of(const Call *c, int i, int dim) {
  Tensor *x = c->x[0], *s = c->x[1] ? c->x[c->nx == 2 ? 1 : 1 + i] : t_num(1);
  if (s->ndim == 0) return s;
  if (s->ndim != 1 || s->shape[0] != x->shape[dim]) {
    t_fail("gradient: spacing %d is %s; a number is wanted, or the places of the %lld elements of "
           "dimension %d",
           i + 1, t_shape_str(s), (long long)x->shape[dim], dim + 1);
  }
  int64_t shape[T_MAXDIM];
  for (int d = 0; d < x->ndim; d++) shape[d] = d == dim ? s->shape[0] : 1;
  return steps(t_reshape(s, x->ndim, shape), dim);
}

static void gradient_compose(Call *c) {
  Tensor *x = c->x[0];
  int64_t order = attr_int(c, 1, 1);
  int given = c->x[1] ? c->nx - 1 : 0, n = attr_given(c, 0) ? c->attr[0].n : x->ndim;
  bool one_for_all = given == 1 && (c->lone || !attr_given(c, 0));
  if (order != 1 && order != 2)
    t_fail("gradient: edge_order is %lld, not 1 or 2", (long long)order);
  if (given > 0 && given != n && !one_for_all) {
    t_fail("gradient: %d spacings for %d dimensions; one number, or one for each is wanted", given,
           n);
  }
  if (!dtype_is_float((DType)x->dtype)) x = c->x[0] = t_cast(x, T_I64);
  call_results(c, n);
  for (int i = 0; i < n; i++) {
    int dim = attr_given(c, 0) ? (int)c->attr[0].v[i] : i;
    for (int j = 0; j < i && attr_given(c, 0); j++) {
      if (c->attr[0].v[j] == dim) t_fail("gradient: dimension %d is named twice", dim + 1);
    }
    if (x->shape[dim] <= order) {
      t_fail("gradient: dimension %d of %s has %lld elements; with edge_order %lld it needs %lld",
             dim + 1, t_shape_str(x), (long long)x->shape[dim], (long long)order,
             (long long)order + 1);
    }
    c->y[i] = slopes(x, dim, gaps_of(c, i, dim), order == 2);
  }
}

/* ---- distances ----------------------------------------------------------------------------------------- */

static void dist_compose(Call *c) {
  c->y[0] = t_call("p_norm", "xf", t_sub(c->x[0], c->x[1]), attr_float(c, 0, 2));
}

/* Attributes: p, dim, maxnorm. */
static void renorm_compose(Call *c) {
  Tensor *x = c->x[0];
  int64_t dims[T_MAXDIM];
  int n = 0;
  double p = attr_float(c, 0, 2), most = attr_float(c, 2, 0);
  if (x->ndim < 2) t_fail("renorm: x is %s; two dimensions or more are wanted", t_shape_str(x));
  if (!(p > 0) || !(most >= 0)) {
    t_fail("renorm: p is %g and maxnorm %g; p is above 0, maxnorm 0 or more", p, most);
  }
  for (int d = 0; d < x->ndim; d++) {
    if (d != c->attr[1].i) dims[n++] = d;
  }
  Tensor *size = t_call("p_norm", "xflb", x, p, n, dims, true);
  Tensor *scale = t_div(t_num(most), t_addn(size, 1e-7));
  c->y[0] = t_mul(x, t_where(t_gt(size, t_num(most)), scale, t_num(1)));
}

/* ---- the rows ---------------------------------------------------------------------------------- */

static Op rows[] = {
    {.sig = "var_mean(x: tensor, dim: dims?, unbiased: bool=true, keepdim: bool=false, correction: "
            "int?) -> variance: tensor, mean: tensor",
     .doc = "The variance over the dimensions in dim, or over all, and the mean; see var.",
     .example = "tensor{1.0, 2.0, 3.0}:var_mean() --> 1.0  2.0",
     .test =
         "{{randn(2,3)}, {randn(3,2), 1, {correction = 0}}, {randn(2,3,2), {1, -1}, false, true}}",
     .ref = "reference.var_mean",
     .compose = var_mean_compose},
    {.sig = "std_mean(x: tensor, dim: dims?, unbiased: bool=true, keepdim: bool=false, correction: "
            "int?) -> deviation: tensor, mean: tensor",
     .doc =
         "The standard deviation over the dimensions in dim, or over all, and the mean; see var.",
     .example = "tensor{1.0, 3.0, 5.0}:std_mean() --> 2.0  3.0",
     .test =
         "{{randn(2,3)}, {randn(3,2), 1, {correction = 0}}, {randn(2,3,2), {1, -1}, false, true}}",
     .ref = "reference.std_mean",
     .compose = std_mean_compose},
    {.sig = "aminmax(x: tensor, dim: dim?, keepdim: bool=false) -> least: tensor, largest: tensor",
     .doc = "The smallest and the largest value of a dimension, or of all.",
     .example = "tensor{3, 9, 4}:aminmax() --> 3 9",
     .test = "{{randn(2,3)}, {randn(2,3), 1}, {randn(2,3), -1, {keepdim = true}}}",
     .ref = "reference.aminmax",
     .compose = aminmax_compose},
    {.sig = "nansum(x: tensor, dim: dims?, keepdim: bool=false, dtype: dtype?) -> y: tensor",
     .doc = "The sum of what is not nan.",
     .example = "tensor{1, 0/0, 3}:nansum() --> 4.0",
     .test =
         "{{randn(2,3)}, {tensor{{0/0, 2, 1}, {0/0, 0/0, 7}}:double(), 2}, {ints(2,3), 1, true}}",
     .ref = "reference.nansum",
     .save = SAVE_X(0),
     .infer = nansum_infer,
     .run = nansum_run,
     .grad = nansum_grad},
    {.sig = "nanmean(x: tensor, dim: dims?, keepdim: bool=false, dtype: dtype?) -> y: tensor",
     .doc = "The mean of what is not nan.",
     .example = "tensor{1, 0/0, 3}:nanmean() --> 2.0",
     .test =
         "{{randn(2,3)}, {tensor{{0/0, 2, 1}, {0/0, 0/0, 7}}:double(), 2}, {randn(2,3), 1, true}}",
     .ref = "reference.nanmean",
     .compose = nanmean_compose},
    {.sig =
         "diff(x: tensor, n: int=1, dim: dim=-1, prepend: tensor?, append: tensor?) -> y: tensor",
     .doc =
         "The differences of neighbours along a dimension, taken n times; prepend and append are "
         "joined to x before.",
     .example = "tensor{1, 4, 9}:diff() --> int64 [2]  3  5",
     .test = "{{randn(2,4)}, {randn(4,2), 2, 1}, {randn(2,3), 1, -1, randn(2,1), randn(2,2)}}",
     .ref = "reference.diff",
     .compose = diff_compose},
    {.sig = "trapezoid(y: tensor, x: tensor?, dx: float?, dim: dim=-1) -> z: tensor",
     .aliases = "trapz",
     .doc = "The integral of samples y along a dimension by the trapezoid rule, at places x or dx "
            "(1) apart.",
     .example = "tensor{1.0, 2.0, 3.0}:trapezoid() --> 4.0",
     .test = "{{randn(2,4)}, {randn(5), {dx = 0.5}}, {randn(2,3), randn(2,3)}, {randn(2,3), "
             "randn(3)}, {randn(3,2), {dim = 1}}}",
     .ref = "reference.trapezoid",
     .compose = trapezoid_compose},
    {.sig = "cumulative_trapezoid(y: tensor, x: tensor?, dx: float?, dim: dim=-1) -> z: tensor",
     .doc = "The running integral of samples y along a dimension, see trapezoid.",
     .example = "tensor{1.0, 2.0, 3.0}:cumulative_trapezoid() --> float32 [2]  1.5  4.0",
     .test = "{{randn(2,4)}, {randn(5), {dx = 0.5}}, {randn(2,3), randn(2,3)}, {randn(2,3), "
             "randn(3)}}",
     .ref = "reference.cumulative_trapezoid",
     .compose = cumulative_trapezoid_compose},
    {.sig =
         "gradient(x: tensor, spacing: tensors?, dim: dims?, edge_order: int=1) -> slopes: tensors",
     .doc =
         "The slopes of samples x along each dimension in dim, or along all: a list of tensors of "
         "x's shape. Between neighbours by central differences, at the edges by a difference, or "
         "with edge_order 2 by a parabola. spacing: the distance of neighbours, or a list with a "
         "distance or a tensor of places for each dimension.",
     .example = "tensor{1, 4, 9, 16}:gradient()[1] --> float32 [4]  3.0  4.0  6.0  7.0",
     .test =
         "{{randn(5)}, {randn(4,3), 0.5}, {randn(4,3), {2, 0.5}, {2, 1}, 2}, {randn(3,4), "
         "{tensor({0, 1, 3, 3.5}, {dtype = \"float64\"})}, 2, 2}, {randn(3,2), {tensor({1, 2.5, "
         "3}, {dtype = \"float64\"}), tensor({1, 4}, {dtype = \"float64\"})}}}",
     .ref = "reference.gradient",
     .compose = gradient_compose},
    {.sig = "dist(x: tensor, other: tensor, p: float=2) -> y: tensor",
     .doc = "The p-norm of x - other, which broadcast.",
     .example = "tensor{0.0, 0.0}:dist(tensor{3.0, 4.0}) --> 5.0",
     .test = "{{randn(2,3), randn(2,3)}, {randn(2,3), randn(3), 3}}",
     .ref = "reference.dist",
     .compose = dist_compose},
    {.sig = "renorm(x: tensor, p: float, dim: dim, maxnorm: float) -> y: tensor",
     .doc = "x with those slices along dim whose p-norm is above maxnorm scaled down to it.",
     .example = "tensor{{3.0, 4.0}, {0.0, 1.0}}:renorm(2, 1, 2) --> float32 [2,2]\n"
                "  1.2  1.6\n"
                "  0.0  1.0",
     .test = "{{randn(2,3), 2, 1, 0.5}, {randn(3,2,2), 1, 2, 2}}",
     .ref = "reference.renorm",
     .flags = OP_INPLACE,
     .compose = renorm_compose},
};

FAMILY_PART(reduce, statistics, rows);
