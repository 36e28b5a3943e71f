/* Reductions: sums, extremes, moments and norms over dimensions. */
#include "fold_kinds.h"
#include "reduce.h"

#include <math.h>

#include "../../calc.h"
#include "../../expect.h"

/* ---- shared steps ------------------------------------------------------------------------------- */

static DType float_type(DType d) { return dtype_is_float(d) ? d : T_F32; }
static DType sum_type(DType d) { return dtype_is_float(d) ? d : T_I64; }

DType reduce_type(Call *c, int attr, DType otherwise) {
  if (!attr_given(c, attr)) return otherwise;
  DType d = (DType)c->attr[attr].i;
  if (d >= T_F16) {
    t_fail("%s: %s is stored, not computed with; ask for float32 and convert the result",
           call_name(c), dtype_name(d));
  }
  return d;
}

double reduce_correction(const Call *c) { return attr_float(c, 3, c->attr[1].i ? 1 : 0); }

void reduce_prepare(Call *c, FoldKind kind, DType in, DType out, unsigned dims, bool keepdim) {
  int64_t shape[T_MAXDIM];
  int n = fold_result(c->x[0], dims, keepdim, shape);
  c->dtype = in;
  call_out(c, 0, out, n, shape);
  FoldShape s;
  fold_shape(&s, c->x[0], dims, in);
  size_t scratch = fold_scratch(&s, fold_of(kind, in)->size);
  if (scratch) call_scratch(c, scratch);
}

const char *reduce_fold(Call *c, FoldKind kind, unsigned dims, double p, bool flag) {
  Tensor *x = c->x[0];
  FoldArg arg = {.out = (DType)c->y[0]->dtype, .p = p, .flag = flag};
  arg.count = (double)fold_count(x, dims);
  FoldShape s;
  fold_shape(&s, x, dims, c->dtype);
  fold_run(fold_of(kind, c->dtype), &s, x, c->y[0], NULL, &arg, c->scratch);
  return NULL;
}

static bool keepdim(Call *c, int attr) { return c->attr[attr].i != 0; }

/* ---- sums and products -------------------------------------------------------------------------- */

void reduce_sum_infer(Call *c) {
  DType d = reduce_type(c, 2, call_promote(c, 0, 1));
  DType out = attr_given(c, 2) ? d : sum_type(d);
  reduce_prepare(c, FOLD_SUM, d, out, fold_dims(c, 0), keepdim(c, 1));
}
static const char *sum_run(Call *c) { return reduce_fold(c, FOLD_SUM, fold_dims(c, 0), 0, false); }

static void mean_infer(Call *c) {
  DType d = reduce_type(c, 2, call_promote(c, 0, 1));
  if (attr_given(c, 2) && !dtype_is_float(d)) {
    t_fail("mean: dtype is %s; a mean has a float type", dtype_name(d));
  }
  reduce_prepare(c, FOLD_SUM, d, float_type(d), fold_dims(c, 0), keepdim(c, 1));
}
static const char *mean_run(Call *c) { return reduce_fold(c, FOLD_SUM, fold_dims(c, 0), 0, true); }

static void prod_infer(Call *c) {
  DType d = reduce_type(c, 2, call_promote(c, 0, 1)), out = attr_given(c, 2) ? d : sum_type(d);
  reduce_prepare(c, FOLD_PROD, d, out, fold_dim(c, 0), keepdim(c, 1));
}
static const char *prod_run(Call *c) { return reduce_fold(c, FOLD_PROD, fold_dim(c, 0), 0, false); }

static void count_infer(Call *c) {
  reduce_prepare(c, FOLD_COUNT, call_promote(c, 0, 1), T_I64, fold_dims(c, 0), false);
}
static const char *count_run(Call *c) {
  return reduce_fold(c, FOLD_COUNT, fold_dims(c, 0), 0, false);
}

static void test_infer(Call *c) {
  reduce_prepare(c, FOLD_ANY, call_promote(c, 0, 1), T_BOOL, fold_dim(c, 0), keepdim(c, 1));
}
static const char *any_run(Call *c) { return reduce_fold(c, FOLD_ANY, fold_dim(c, 0), 0, false); }
static const char *all_run(Call *c) { return reduce_fold(c, FOLD_ALL, fold_dim(c, 0), 0, false); }

/* ---- extremes ----------------------------------------------------------------------------------- */

static void check_any_values(Call *c, unsigned dims) {
  if (fold_count(c->x[0], dims) > 0) return;
  t_fail("%s: there is nothing to choose from, the tensor has shape %s; check that it is not empty",
         call_name(c), t_shape_str(c->x[0]));
}

static void extreme_infer(Call *c, unsigned dims) {
  DType d = call_promote(c, 0, 1);
  check_any_values(c, dims);
  reduce_prepare(c, FOLD_MAX, d, d, dims, keepdim(c, 1));
}

static void amax_infer(Call *c) { extreme_infer(c, fold_dims(c, 0)); }
static const char *amax_run(Call *c) { return reduce_fold(c, FOLD_TOP, fold_dims(c, 0), 0, false); }
static const char *amin_run(Call *c) {
  return reduce_fold(c, FOLD_BOTTOM, fold_dims(c, 0), 0, false);
}

static void max_infer(Call *c) {
  extreme_infer(c, fold_dim(c, 0));
  if (attr_given(c, 0)) call_out(c, 1, T_I64, c->y[0]->ndim, c->y[0]->shape);
}

/* Values into y, positions into indices; either may be NULL. */
static const char *pick(Call *c, FoldKind kind, Tensor *y, Tensor *indices) {
  Tensor *x = c->x[0];
  FoldArg arg = {.out = c->dtype};
  FoldShape s;
  fold_shape(&s, x, fold_dim(c, 0), c->dtype);
  fold_run(fold_of(kind, c->dtype), &s, x, y, indices, &arg, c->scratch);
  return NULL;
}

static const char *max_run(Call *c) { return pick(c, FOLD_MAX, c->y[0], c->y[1]); }
static const char *min_run(Call *c) { return pick(c, FOLD_MIN, c->y[0], c->y[1]); }

static void argmax_infer(Call *c) {
  DType d = call_promote(c, 0, 1);
  check_any_values(c, fold_dim(c, 0));
  if (!attr_given(c, 0)) call_contiguous(c, 0); /* positions count in its own order */
  reduce_prepare(c, FOLD_MAX, d, T_I64, fold_dim(c, 0), keepdim(c, 1));
}
static const char *argmax_run(Call *c) { return pick(c, FOLD_MAX, NULL, c->y[0]); }
static const char *argmin_run(Call *c) { return pick(c, FOLD_MIN, NULL, c->y[0]); }

/* ---- moments and norms -------------------------------------------------------------------------- */

static void var_infer(Call *c) {
  DType d = float_type(call_promote(c, 0, 1));
  reduce_prepare(c, FOLD_MOMENTS, d, d, fold_dims(c, 0), keepdim(c, 2));
}
static const char *var_run(Call *c) {
  return reduce_fold(c, FOLD_MOMENTS, fold_dims(c, 0), reduce_correction(c), false);
}
static const char *std_run(Call *c) {
  return reduce_fold(c, FOLD_MOMENTS, fold_dims(c, 0), reduce_correction(c), true);
}

static FoldKind norm_kind(double p) {
  if (p == 0) return FOLD_COUNT;
  if (p == 1) return FOLD_ABS;
  if (p == 2) return FOLD_SQUARES;
  if (isinf(p)) return p > 0 ? FOLD_MAXABS : FOLD_MINABS;
  return FOLD_POWERS;
}

static void norm_infer(Call *c) {
  DType d = float_type(call_promote(c, 0, 1));
  double p = attr_float(c, 0, 2);
  if (isnan(p)) t_fail("norm: p is nan; it is 1, 2, another number, math.huge or -math.huge");
  if (isinf(p)) check_any_values(c, fold_dims(c, 1));
  reduce_prepare(c, norm_kind(p), d, d, fold_dims(c, 1), keepdim(c, 2));
}
static const char *norm_run(Call *c) {
  double p = attr_float(c, 0, 2);
  return reduce_fold(c, norm_kind(p), fold_dims(c, 1), p, false);
}

/* Attributes: p, dim, keepdim, dtype. */
static void norm_compose(Call *c) {
  Tensor *x = c->x[0];
  bool named = c->attr[0].tag == A_CHOICE;
  if (attr_given(c, 3)) x = t_cast(x, (DType)c->attr[3].i);
  Call f;
  call_begin(&f, op_need(named && c->attr[0].i == 1 ? "linalg.matrix_norm" : "p_norm"));
  f.x[0] = x;
  f.attr[0] = named && c->attr[0].i == 0 ? attr_of_float(2) : c->attr[0];
  if (attr_given(c, 1)) f.attr[1] = c->attr[1];
  f.attr[2] = c->attr[2];
  if (named && !attr_given(c, 1) && x->ndim == 2) f.attr[1] = attr_of_ints(2, (int64_t[]){0, 1});
  op_apply(&f);
  c->y[0] = f.y[0];
}

static void logsumexp_infer(Call *c) {
  DType d = float_type(call_promote(c, 0, 1));
  reduce_prepare(c, FOLD_LOGSUM, d, d, fold_dims(c, 0), keepdim(c, 1));
}
static const char *logsumexp_run(Call *c) {
  return reduce_fold(c, FOLD_LOGSUM, fold_dims(c, 0), 0, false);
}

/* ---- rows ---------------------------------------------------------------------------------------- */

static Op rows[] = {
    {.sig = "sum(x: tensor, dim: dims?, keepdim: bool=false, dtype: dtype?) -> y: tensor",
     .doc = "Sum over the dimensions in dim, or over all. Integers and masks are summed in int64, "
            "unless dtype names another type. keepdim leaves the summed dimensions in place with "
            "size 1. Floats are gathered in float64, in an order that depends on the shape only.",
     .example = "x = tensor{{1, 2}, {3, 4}}\n"
                "x:sum() --> 10\n"
                "x:sum(1) --> int64 [2]  4  6\n"
                "x:sum{dim = 2, keepdim = true} --> int64 [2,1]\n"
                "  3\n"
                "  7",
     .test = "{{randn(2,3)}, {randn(2,3), 2, {keepdim = true}}, {randn(2,3,2), {1, -1}}, "
             "{ints(3,2), 1}, {mask(2,3)}}",
     .ref = "reference.sum",
     .infer = reduce_sum_infer,
     .run = sum_run,
     .grad = sum_grad},
    {.sig = "mean(x: tensor, dim: dims?, keepdim: bool=false, dtype: dtype?) -> y: tensor",
     .doc = "Mean over the dimensions in dim, or over all. The mean of integers and masks is "
            "float32; of no values it is nan.",
     .example = "tensor{{1, 2}, {3, 4}}:mean(2) --> float32 [2]  1.5  3.5",
     .test = "{{randn(2,3)}, {randn(2,3), 2, {keepdim = true}}, {randn(2,3,2), {1, -1}}, "
             "{ints(3,2), 1}, {mask(2,3)}}",
     .ref = "reference.mean",
     .infer = mean_infer,
     .run = mean_run,
     .grad = mean_grad},
    {.sig = "prod(x: tensor, dim: dim?, keepdim: bool=false, dtype: dtype?) -> y: tensor",
     .doc = "Product over one dimension, or over all. Integers and masks are multiplied in int64. "
            "The gradient is exact where factors are 0.",
     .example = "tensor{2, 3, 4}:prod() --> 24",
     .test = "{{randn(2,3)}, {randn(5,2), 1, {keepdim = true}}, {randn(2,3), -1}, "
             "{tensor{{2, 0, 3}, {0, 0, 1}}:double(), 2}, {ints(3,2), 1}}",
     .ref = "reference.prod",
     .save = SAVE_X(0),
     .infer = prod_infer,
     .run = prod_run,
     .grad = prod_grad},
    {.sig = "max(x: tensor, dim: dim?, keepdim: bool=false) -> values: tensor, indices: index",
     .doc = "Largest values along a dimension and their positions; without a dimension the largest "
            "value alone. Of equal values the first counts; nan wins over every number. The "
            "gradient goes to the position found; without a dimension it is shared out evenly "
            "among equal values. maximum(x, y) compares two tensors.",
     .example = "values, places = tensor{{3, 9, 4}, {7, 1, 2}}:max(2)\n"
                "values --> int64 [2]  9  7\n"
                "places --> int64 [2]  2  1",
     .test = "{{randn(2,3)}, {randn(2,3), 1}, {randn(2,3,2), -2, {keepdim = true}}, {perm(4)}}",
     .ref = "reference.max",
     .save = SAVE_X(0) | SAVE_Y(0) | SAVE_Y(1),
     .infer = max_infer,
     .run = max_run,
     .grad = max_grad},
    {.sig = "min(x: tensor, dim: dim?, keepdim: bool=false) -> values: tensor, indices: index",
     .doc = "Smallest values along a dimension and their positions; without a dimension the "
            "smallest value alone. Ties, nan and gradients as in max. minimum(x, y) compares two "
            "tensors.",
     .example = "values, places = tensor{{3, 9, 4}, {7, 1, 2}}:min(2)\n"
                "values --> int64 [2]  3  1\n"
                "places --> int64 [2]  1  2",
     .test = "{{randn(2,3)}, {randn(2,3), 1}, {randn(2,3,2), -2, {keepdim = true}}, {perm(4)}}",
     .ref = "reference.min",
     .save = SAVE_X(0) | SAVE_Y(0) | SAVE_Y(1),
     .infer = max_infer,
     .run = min_run,
     .grad = max_grad},
    {.sig = "argmax(x: tensor, dim: dim?, keepdim: bool=false) -> indices: index",
     .doc = "Position of the largest value along a dimension, counted from 1; without a dimension "
            "the position in the flattened tensor. Of equal values the first counts; nan wins.",
     .example = "tensor{{3, 9, 4}, {7, 1, 2}}:argmax(2) --> int64 [2]  2  1",
     .test = "{{randn(2,3)}, {randn(2,3), 1}, {randn(2,3,2), -2, {keepdim = true}}}",
     .ref = "reference.argmax",
     .flags = OP_CONST,
     .infer = argmax_infer,
     .run = argmax_run},
    {.sig = "argmin(x: tensor, dim: dim?, keepdim: bool=false) -> indices: index",
     .doc = "Position of the smallest value along a dimension, counted from 1; without a dimension "
            "the position in the flattened tensor. Of equal values the first counts; nan wins.",
     .example = "tensor{{3, 9, 4}, {7, 1, 2}}:argmin(2) --> int64 [2]  1  2",
     .test = "{{randn(2,3)}, {randn(2,3), 1}, {randn(2,3,2), -2, {keepdim = true}}}",
     .ref = "reference.argmin",
     .flags = OP_CONST,
     .infer = argmax_infer,
     .run = argmin_run},
    {.sig = "amax(x: tensor, dim: dims?, keepdim: bool=false) -> y: tensor",
     .doc = "Largest value over the dimensions in dim, or over all. The gradient is shared out "
            "evenly among equal values.",
     .example = "tensor{{3, 9}, {7, 1}}:amax(1) --> int64 [2]  7  9",
     .test = "{{randn(2,3)}, {randn(2,3), 1}, {randn(2,3,2), {1, -1}, {keepdim = true}}}",
     .ref = "reference.amax",
     .save = SAVE_X(0) | SAVE_Y(0),
     .infer = amax_infer,
     .run = amax_run,
     .grad = amax_grad},
    {.sig = "amin(x: tensor, dim: dims?, keepdim: bool=false) -> y: tensor",
     .doc = "Smallest value over the dimensions in dim, or over all. The gradient is shared out "
            "evenly among equal values.",
     .example = "tensor{{3, 9}, {7, 1}}:amin(1) --> int64 [2]  3  1",
     .test = "{{randn(2,3)}, {randn(2,3), 1}, {randn(2,3,2), {1, -1}, {keepdim = true}}}",
     .ref = "reference.amin",
     .save = SAVE_X(0) | SAVE_Y(0),
     .infer = amax_infer,
     .run = amin_run,
     .grad = amax_grad},
    {.sig =
         "var(x: tensor, dim: dims?, unbiased: bool=true, keepdim: bool=false, correction: int?) "
         "-> y: tensor",
     .doc = "Variance over the dimensions in dim, or over all: the sum of squared distances from "
            "the mean, divided by the count less correction. correction 1, which unbiased = true "
            "stands for, estimates the variance of what the values were drawn from; 0, unbiased = "
            "false, is theirs. nan where nothing is left to divide by.",
     .example = "tensor{1.0, 2.0, 3.0}:var() --> 1.0",
     .test = "{{randn(2,3)}, {randn(3,2), 1, {correction = 0}}, "
             "{randn(2,3,2), {1, -1}, {keepdim = true}}, {randn(4), false}}",
     .ref = "reference.var",
     .save = SAVE_X(0),
     .infer = var_infer,
     .run = var_run,
     .grad = var_grad},
    {.sig =
         "std(x: tensor, dim: dims?, unbiased: bool=true, keepdim: bool=false, correction: int?) "
         "-> y: tensor",
     .doc = "Standard deviation: the square root of var. Its gradient at 0 is 0.",
     .example = "tensor{1.0, 3.0, 5.0}:std() --> 2.0",
     .test = "{{randn(2,3)}, {randn(3,2), 1, {correction = 0}}, "
             "{randn(2,3,2), {1, -1}, {keepdim = true}}}",
     .ref = "reference.std",
     .save = SAVE_X(0) | SAVE_Y(0),
     .infer = var_infer,
     .run = std_run,
     .grad = std_grad},
    {.sig = "any(x: tensor, dim: dim?, keepdim: bool=false) -> mask: tensor",
     .doc = "Whether any value along a dimension, or any at all, is not zero.",
     .example = "tensor{{0, 2}, {0, 0}}:any(2) --> bool [2]  true  false",
     .test = "{{mask(2,3)}, {mask(2,3), 1}, {ints(2,3), -1, {keepdim = true}}}",
     .ref = "reference.any",
     .flags = OP_CONST,
     .infer = test_infer,
     .run = any_run},
    {.sig = "all(x: tensor, dim: dim?, keepdim: bool=false) -> mask: tensor",
     .doc = "Whether all values along a dimension, or all there are, are not zero.",
     .example = "tensor{{1, 2}, {0, 3}}:all(2) --> bool [2]  true  false",
     .test = "{{mask(2,3)}, {mask(2,3), 1}, {ints(2,3), -1, {keepdim = true}}}",
     .ref = "reference.all",
     .flags = OP_CONST,
     .infer = test_infer,
     .run = all_run},
    {.sig = "count_nonzero(x: tensor, dim: dims?) -> y: tensor",
     .doc = "How many values are not zero.",
     .example = "tensor{0, 2, 3}:count_nonzero() --> 2",
     .test = "{{mask(2,3)}, {mask(2,3), 1}, {ints(2,3,2), {1, -1}}}",
     .ref = "reference.count_nonzero",
     .flags = OP_CONST,
     .infer = count_infer,
     .run = count_run},
    {.sig = "p_norm(x: tensor, p: float=2, dim: dims?, keepdim: bool=false) -> y: tensor",
     .doc = "The p-norm: the p-th root of the sum of |x|^p, see norm.",
     .test = "{{randn(2,3)}, {randn(2,3), 1, 2}, {randn(2,3,2), 3, {1, -1}, {keepdim = true}}, "
             "{randn(2,3), math.huge, 1}, {randn(2,3), -math.huge}, {randn(2,3), 0}, "
             "{randn(2,3), 1.5, 1}}",
     .ref = "reference.norm",
     .flags = OP_HIDDEN,
     .expects = expect_no_more,
     .save = SAVE_X(0) | SAVE_Y(0),
     .infer = norm_infer,
     .run = norm_run,
     .grad = norm_grad},
    {.sig = "norm(x: tensor, p: float{fro|nuc}=2, dim: dims?, keepdim: bool=false, dtype: dtype?) "
            "-> y: tensor",
     .doc = "The p-norm: the p-th root of the sum of |x|^p. p = 1 sums absolute values, math.huge "
            "takes the largest, -math.huge the smallest, 0 counts what is not zero; 'fro' is 2, "
            "'nuc' the sum of a matrix's singular values. The gradient at 0 is 0.",
     .example = "tensor{3.0, -4.0}:norm() --> 5.0",
     .test = "{{randn(2,3)}, {randn(2,3), 1, 2}, {randn(2,3), 'fro', {1, 2}, true}, {ints(2,3), 2, "
             "{dtype = 'float64'}}}",
     .ref = "reference.norm",
     .compose = norm_compose},
    {.sig = "logsumexp(x: tensor, dim: dims, keepdim: bool=false) -> y: tensor",
     .aliases = "special.logsumexp",
     .doc = "Logarithm of the sum of exponentials over the dimensions in dim, without overflow.",
     .example = "tensor{0, 0}:logsumexp(1) --> 0.6931",
     .test = "{{randn(2,3), 2}, {randn(2,3,2), {1, -1}, {keepdim = true}}}",
     .ref = "reference.logsumexp",
     .save = SAVE_X(0) | SAVE_Y(0),
     .infer = logsumexp_infer,
     .run = logsumexp_run,
     .grad = logsumexp_grad},
};

FAMILY(reduce, rows);
