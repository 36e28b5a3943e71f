/* Reductions over runs of neighbours of given lengths. */
#include "../../calc.h"
#include "../../loop/cast.h"

#include <math.h>

enum { MAX, MEAN, MIN, SUM, PROD };

/* lengths [..., S] of the segments along `axis` of data [..., n, ...], as int64, from lengths or from
   offsets [..., S + 1], the positions where segments begin and the one after the last. */
static Tensor *lengths_of(const Call *c, int axis) {
  Tensor *lengths = c->x[1], *offsets = c->x[2];
  if (!lengths == !offsets) {
    t_fail("segment_reduce: %s; one of them is wanted",
           lengths ? "lengths and offsets are both given" : "lengths and offsets are both missing");
  }
  const Tensor *given = lengths ? lengths : offsets;
  const char *name = lengths ? "lengths" : "offsets";
  bool fits = given->ndim == axis + 1 && (lengths || given->shape[axis] > 0);
  for (int d = 0; fits && d < axis; d++) fits = given->shape[d] == c->x[0]->shape[d];
  if (!fits || dtype_is_float((DType)given->dtype) || given->dtype == T_BOOL) {
    t_fail(
        "segment_reduce: %s is %s %s and data %s; it holds integers, for every place in front of "
        "axis %d a row",
        name, dtype_name((DType)given->dtype), t_shape_str(given), t_shape_str(c->x[0]), axis + 1);
  }
  if (lengths) return cast_copy(lengths, T_I64);
  const Tensor *at = cast_copy(offsets, T_I64);
  int64_t shape[T_MAXDIM], n = at->shape[axis] - 1, rows = at->numel / (n + 1);
  for (int d = 0; d <= axis; d++) shape[d] = at->shape[d] - (d == axis);
  Tensor *y = t_new(T_I64, axis + 1, shape);
  for (int64_t r = 0; r < rows; r++) {
    const int64_t *from = t_i64(at) + r * (n + 1);
    if (from[0] != T_BASE) {
      t_fail("segment_reduce: offsets begin with %lld; they begin with 1", (long long)from[0]);
    }
    for (int64_t i = 0; i < n; i++) {
      int64_t length;
      bool over = __builtin_sub_overflow(from[i + 1], from[i], &length);
      t_i64(y)[r * n + i] = over ? -1 : length;
    }
  }
  return y;
}

/* For every place along axis the number of its segment, of shape [..., n, 1, ...]; those after the
   last, if they may be left over, have one more. */
static Tensor *numbers_of(const Tensor *data, int axis, const Tensor *lengths, bool rest) {
  int64_t shape[T_MAXDIM], n = data->shape[axis], count = lengths->shape[axis], rows = 1;
  for (int d = 0; d < data->ndim; d++) shape[d] = d <= axis ? data->shape[d] : 1;
  for (int d = 0; d < axis; d++) rows *= shape[d];
  Tensor *y = t_new(T_I64, data->ndim, shape);
  for (int64_t r = 0; r < rows; r++) {
    int64_t at = 0, *row = t_i64(y) + r * n;
    for (int64_t s = 0; s < count; s++) {
      int64_t length = t_i64(lengths)[r * count + s];
      if (length < 0 || length > n - at) {
        t_fail("segment_reduce: segment %lld is %lld long and %lld places are left of %lld",
               (long long)s + 1, (long long)length, (long long)(n - at), (long long)n);
      }
      for (int64_t i = 0; i < length; i++) row[at++] = s + T_BASE;
    }
    if (at < n && !rest) {
      t_fail("segment_reduce: the segments are %lld long together and data has %lld places along "
             "axis %d; {unsafe = true} leaves the rest out",
             (long long)at, (long long)n, axis + 1);
    }
    while (at < n) row[at++] = count + T_BASE;
  }
  return y;
}

/* What a reduction begins with. */
static double beginning(int how, const Attr *initial) {
  if (initial->tag != A_NONE) return initial->tag == A_FLOAT ? initial->f : (double)initial->i;
  return how == MAX ? -INFINITY : how == MIN ? INFINITY : how == PROD;
}

/* Attributes: reduce, axis, unsafe, initial. */
static void segment_reduce_compose(Call *c) {
  static const int of_scatter[] = {[MAX] = 3, [MEAN] = 0, [MIN] = 4, [SUM] = 0, [PROD] = 1};
  Tensor *data = c->x[0];
  int how = (int)c->attr[0].i, axis = (int)c->attr[1].i;
  bool rest = attr_int(c, 2, 0);
  if (data->ndim == 0) t_fail("segment_reduce: data is a single value; a list is wanted");
  if (!dtype_is_float((DType)data->dtype)) data = t_cast(data, T_F32);
  Tensor *lengths = lengths_of(c, axis), *numbers = numbers_of(data, axis, lengths, rest);
  int64_t shape[T_MAXDIM], count = lengths->shape[axis];
  for (int d = 0; d < data->ndim; d++) shape[d] = d == axis ? count + rest : data->shape[d];
  Tensor *y = t_fill(t_new((DType)data->dtype, data->ndim, shape), beginning(how, &c->attr[3]));
  y = t_call("scatter_reduce", "xixxc", y, (int64_t)axis,
             t_expand(numbers, data->ndim, data->shape), data, of_scatter[how]);
  if (rest) y = t_narrow(y, axis, 0, count);
  if (how != MEAN) {
    c->y[0] = y;
    return;
  }
  for (int d = axis; d < data->ndim; d++) shape[d] = d == axis ? count : 1;
  lengths = t_cast(t_reshape(lengths, data->ndim, shape), (DType)data->dtype);
  /* the mean of nothing is what it begins with, or NaN */
  if (attr_given(c, 3)) lengths = t_op2("clamp_min", lengths, t_num(1));
  c->y[0] = t_div(y, lengths);
}

static Op rows[] = {
    {.sig = "segment_reduce(data: tensor, reduce: string{max|mean|min|sum|prod}, lengths: tensor?, "
            "offsets: index?, axis: dim=1, unsafe: bool=false, initial: scalar?) -> y: tensor",
     .doc = "Runs of neighbours along axis, each reduced to one value: data [..., n, ...] becomes "
            "[..., S, ...]. lengths [..., S] tells how long the S runs are, or offsets [..., S + "
            "1] where each begins, from 1, and ends; together they are n long, or, with unsafe, "
            "less. initial is what each begins with: without it empty runs give -inf, nan, inf, 0 "
            "and 1. The gradient of an extreme is shared out evenly among equal values.",
     .example = "tensor{1.0, 5.0, 2.0, 4.0}:segment_reduce(\"max\", {lengths = tensor{1, 3}}) --> "
                "float32 [2]  1.0  5.0",
     .test = "{{randn(5), 'sum', {lengths = tensor{2,0,3}}}, {randn(5,2), 'max', {lengths = "
             "tensor{2,3}}}, {randn(5,2), 'mean', {offsets = tensor{1,3,6}, initial = 0.5}}, "
             "{randn(2,3,2), 'prod', {lengths = tensor{{1,2},{2,1}}, axis = 2, initial = 2}}, "
             "{randn(4), 'min', {lengths = tensor{0,3}, initial = 7, unsafe = true}}}",
     .ref = "reference.segment_reduce",
     .compose = segment_reduce_compose},
};

FAMILY_PART(index, segments, rows);
