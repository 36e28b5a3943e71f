/* Bags of embeddings: the sum, mean or maximum of the rows of each bag of ids. Sums are a sparse map
   of the table, in one pass without the rows in between, and so is their gradient. */
#include <math.h>
#include <string.h>

#include "../../calc.h"
#include "../../loop/cast.h"
#include "../../tape/tape.h"
#include "../../loop/taps.h"
#include "embedding.h"
#include "pick.h"

/* ---- bag_sum: weight [V,D], ids [n], first [bags + 1] from 0, share [n] float64 -> [bags,D] ----------- */

static Taps taps_of(const Tensor *ids, const Tensor *first, const Tensor *share, int64_t rows,
                    int64_t width) {
  return (Taps){rows, first->numel - 1, width, t_i64(first), t_i64(ids), t_f64(share), false};
}

static void bag_sum_infer(Call *c) {
  const int64_t shape[2] = {c->x[2]->numel - 1, c->x[0]->shape[1]};
  DType d = call_promote(c, 0, 1);
  if (!dtype_is_float(d)) d = T_F32;
  call_want(c, 0, d);
  call_want(c, 2, T_I64);
  call_want(c, 3, T_F64);
  call_out(c, 0, d, 2, shape);
  Tensor *ids = embedding_ids(c, c->x[1], c->x[0]->shape[0]);
  call_scratch(c, sizeof(Taps));
  *(Taps *)c->scratch = taps_of(ids, c->x[2], c->x[3], c->x[0]->shape[0], shape[1]);
}

static const char *bag_sum_run(Call *c) {
  taps_run(c->scratch, c->x[0], c->y[0]);
  return NULL;
}

static void bag_sum_grad(Call *c, Tensor *const *gy, Tensor **gx) {
  gx[0] = t_call("bag_sum_dw", "xxxxib", gy[0], c->x[1], c->x[2], c->x[3], c->x[0]->shape[0],
                 (int)c->attr[0].i);
}

/* ---- its gradient for the weight: g [bags,D] -> [rows,D] ----------------------------------------------- */

static void bag_sum_dw_infer(Call *c) {
  int64_t rows = c->attr[0].i, shape[2] = {rows, c->x[0]->shape[1]};
  call_contiguous(c, 0);
  call_want(c, 2, T_I64);
  call_want(c, 3, T_F64);
  call_out(c, 0, (DType)c->x[0]->dtype, 2, shape);
  Tensor *ids = embedding_ids(c, c->x[1], rows);
  Taps t = taps_of(ids, c->x[2], c->x[3], rows, shape[1]);
  call_scratch(c, sizeof(Taps) + taps_bytes(rows, ids->numel));
  Taps *turned = c->scratch;
  *turned = taps_turned(&t, turned + 1);
}

static const char *bag_sum_dw_run(Call *c) {
  Tensor *y = c->y[0];
  taps_run(c->scratch, c->x[0], y);
  if (c->attr[1].i) embedding_by_counts(y, c->x[1]);
  return NULL;
}

static void bag_sum_dw_grad(Call *c, Tensor *const *gy, Tensor **gx) {
  Tensor *g = gy[0];
  if (c->attr[1].i) {
    Tensor *n = t_cast(embedding_counts(c->x[1], c->attr[0].i), (DType)g->dtype);
    g = t_div(g, t_unsqueeze(t_op2("maximum", n, t_num(1)), 1));
  }
  gx[0] = t_call("bag_sum", "xxxx", g, c->x[1], c->x[2], c->x[3]);
}

/* ---- embedding_bag ---------------------------------------------------------------------------------- */

enum { BAG_MAX_NORM, BAG_NORM_TYPE, BAG_BY_FREQ, MODE, LAST_OFFSET, BAG_PADDING };
enum { MEAN, SUM, MAX };

/* Which ids belong to which bag: bag b has the ids first[b]..first[b + 1] - 1, in a row. */
typedef struct Bags {
  int64_t bags, ids;
  const int64_t *first;
  uint8_t *kept; /* [ids]: not the padding */
} Bags;

static const int64_t *read_offsets(Call *c, int64_t n, int64_t *bags) {
  Tensor *offsets = c->x[2];
  if (!offsets || offsets->ndim != 1) {
    t_fail("embedding_bag: a row of ids needs offsets, where each bag begins; they are %s",
           offsets ? t_shape_str(offsets) : "missing");
  }
  pick_check_integers(c, offsets);
  *bags = offsets->numel - (c->attr[LAST_OFFSET].i != 0);
  if (*bags < 0) t_fail("embedding_bag: include_last_offset needs at least one offset");
  int64_t size = *bags + 1, last = 0;
  Tensor *own = cast_copy(offsets, T_I64), *first = t_new(T_I64, 1, &size);
  t_i64(first)[*bags] = n;
  for (int64_t b = 0; b < offsets->numel; b++) {
    int64_t at = t_i64(own)[b];
    if (at < last + T_BASE || at > n + T_BASE || (b == 0 && at != T_BASE)) {
      t_fail("embedding_bag: offset %lld at %lld; offsets begin at 1, do not fall, and end at most "
             "one after the %lld ids",
             (long long)at, (long long)b + 1, (long long)n);
    }
    t_i64(first)[b] = last = at - T_BASE;
  }
  return t_i64(first);
}

static Bags read_bags(Call *c) {
  Tensor *ids = c->x[0];
  Bags b = {.ids = ids->numel};
  pick_check_integers(c, ids);
  if (ids->ndim == 1) {
    b.first = read_offsets(c, ids->numel, &b.bags);
  } else if (ids->ndim == 2 && !c->x[2]) {
    b.bags = ids->shape[0];
    int64_t size = b.bags + 1;
    Tensor *first = t_new(T_I64, 1, &size);
    for (int64_t i = 0; i < size; i++) t_i64(first)[i] = i * ids->shape[1];
    b.first = t_i64(first);
  } else {
    t_fail("embedding_bag: ids %s%s; [bags, ids] alone, or a row of ids with offsets, are wanted",
           t_shape_str(ids), c->x[2] ? " with offsets" : "");
  }
  b.kept = t_data(t_new(T_U8, 1, &b.ids));
  memset(b.kept, 1, (size_t)b.ids);
  int64_t row = embedding_padding(c, BAG_PADDING, c->x[1]->shape[0]);
  if (row < 0) return b;
  const int64_t *own = t_i64(cast_copy(ids, T_I64));
  for (int64_t i = 0; i < b.ids; i++) b.kept[i] = own[i] != row + T_BASE;
  return b;
}

/* The factor of every id: 1, or 1 over how many its bag counts; 0 for padding. [ids], float64 */
static Tensor *shares(const Bags *b, bool mean) {
  Tensor *share = t_new(T_F64, 1, &b->ids);
  double *to = t_f64(share);
  for (int64_t k = 0; k < b->bags; k++) {
    int64_t n = 0;
    for (int64_t i = b->first[k]; i < b->first[k + 1]; i++) n += b->kept[i];
    double part = mean && n > 0 ? 1 / (double)n : 1;
    for (int64_t i = b->first[k]; i < b->first[k + 1]; i++) to[i] = b->kept[i] ? part : 0;
  }
  return share;
}

/* The sum of each bag's rows times their shares, where these have a gradient: rows [ids, D] */
static Tensor *added(const Bags *b, Tensor *rows, Tensor *share) {
  const int64_t shape[2] = {b->bags, rows->shape[1]};
  Tensor *bag = t_new(T_I64, 1, &b->ids);
  for (int64_t k = 0; k < b->bags; k++) {
    for (int64_t i = b->first[k]; i < b->first[k + 1]; i++) t_i64(bag)[i] = k + T_BASE;
  }
  Tensor *scaled = t_mul(rows, t_unsqueeze(t_cast(share, (DType)rows->dtype), 1));
  return t_call("index_add", "xxxi", t_nothing((DType)rows->dtype, 2, shape), bag, scaled,
                (int64_t)0);
}

/* The largest of each bag's rows, feature by feature; 0 in a bag without any. */
static Tensor *largest(const Bags *b, Tensor *rows) {
  int64_t most = 1, total;
  for (int64_t k = 0; k < b->bags; k++) {
    if (b->first[k + 1] - b->first[k] > most) most = b->first[k + 1] - b->first[k];
  }
  if (__builtin_mul_overflow(b->bags, most, &total)) t_fail("embedding_bag: too many ids");
  const int64_t shape[3] = {b->bags, most, rows->shape[1]}, flags[3] = {b->bags, most, 1};
  Tensor *at = t_fill(t_new(T_I64, 1, &total), T_BASE), *in = t_zeros(T_BOOL, 3, flags);
  Tensor *any = t_zeros(T_BOOL, 2, (const int64_t[]){b->bags, 1});
  for (int64_t k = 0; k < b->bags; k++) {
    for (int64_t i = b->first[k]; i < b->first[k + 1]; i++) {
      int64_t place = k * most + i - b->first[k];
      t_i64(at)[place] = i + T_BASE;
      t_set_int(in, place, b->kept[i]);
      if (b->kept[i]) t_set_int(any, k, 1);
    }
  }
  if (b->ids == 0) return t_zeros((DType)rows->dtype, 2, (const int64_t[]){b->bags, shape[2]});
  Tensor *all = t_reshape(t_call("index_select", "xxi", rows, at, (int64_t)0), 3, shape);
  Tensor *top = t_call("max", "xi", t_where(in, all, t_num(-INFINITY)), (int64_t)1);
  return t_where(any, top, t_num(0));
}

/* The rows of all ids; with max_norm this shortens them in the table. */
static Tensor *rows_of(Call *c, Tensor *ids) {
  Call r;
  call_begin(&r, op_need("embedding"));
  r.x[0] = ids;
  r.x[1] = c->x[1];
  r.attr[0] = c->attr[BAG_PADDING];
  for (int i = 0; i < 3; i++) r.attr[1 + i] = c->attr[BAG_MAX_NORM + i];
  op_apply(&r);
  return r.y[0];
}

static void embedding_bag(Call *c) {
  Tensor *ids = c->x[0], *weight = c->x[1], *own = c->x[3];
  int64_t mode = c->attr[MODE].i;
  if (weight->ndim != 2) {
    t_fail("embedding_bag: the weight is %s; [ids, features] is wanted", t_shape_str(weight));
  }
  if (own && (mode != SUM || !t_same_shape(own, ids))) {
    t_fail("embedding_bag: per_sample_weights, %s, go with mode sum and have the ids' shape %s",
           t_shape_str(own), t_shape_str(ids));
  }
  Bags b = read_bags(c);
  Tensor *flat = t_reshape(ids, 1, &b.ids);
  if (mode == MAX) {
    c->y[0] = largest(&b, rows_of(c, flat));
    return;
  }
  Tensor *share = shares(&b, mode == MEAN);
  if (own) share = t_mul(share, t_cast(t_reshape(own, 1, &b.ids), T_F64));
  if (own && tape_on && tape_tracks(own)) {
    c->y[0] = added(&b, rows_of(c, flat), share);
    return;
  }
  if (attr_given(c, BAG_MAX_NORM)) rows_of(c, flat);
  int64_t size = b.bags + 1;
  Tensor *first = t_new(T_I64, 1, &size);
  for (int64_t k = 0; k < size; k++) t_i64(first)[k] = b.first[k];
  c->y[0] = t_call("bag_sum", "xxxxb", weight, flat, first, share, (int)c->attr[BAG_BY_FREQ].i);
}

static Op rows[] = {
    {.sig = "embedding_bag(input: index, weight: tensor, offsets: index?, max_norm: float?, "
            "norm_type: float=2, scale_grad_by_freq: bool=false, mode: string{mean|sum|max}=mean, "
            "per_sample_weights: tensor?, include_last_offset: bool=false, padding_idx: pos?) -> "
            "y: tensor",
     .doc = "The mean, sum or maximum of the rows of each bag of ids: input [bags, ids], or all "
            "ids in a row with the offsets where bags begin, from 1; include_last_offset: the end "
            "of the last bag is there too. Rows padding_idx do not count; an empty bag gives 0. "
            "per_sample_weights, for sums: a factor for every id.",
     .example = "tensor.embedding_bag(tensor{{1, 2}}, tensor{{1.0, 2.0}, {3.0, 4.0}}) --> float32 "
                "[1,2]  2.0  3.0",
     .test = "{{tensor{{1,3},{2,3}}, randn(4,3)}, {tensor{1,3,2,3,4}, randn(4,2), tensor{1,3,3}, "
             "{mode = 'sum', per_sample_weights = rand(5)}}, {tensor{1,3,2,3}, randn(4,2), "
             "tensor{1,4}, {mode = 'max', padding_idx = 3}}, {tensor{1,2}, randn(2,2), "
             "tensor{1,2,3}, {include_last_offset = true}}}",
     .ref = "reference.embedding_bag",
     .compose = embedding_bag},
    {.sig =
         "bag_sum(weight: tensor, ids: index, first: tensor, share: tensor, by_freq: bool=false) "
         "-> y: tensor",
     .doc = "The sums of rows of a table, times their shares: bag b has the ids first[b] to before "
            "first[b+1], from 0.",
     .test = "{{randn(4,3), tensor{1,3,2,3}, tensor{0,1,4}, rand(4):float()}}",
     .ref = "reference.bag_sum",
     .flags = OP_HIDDEN | OP_CROSS,
     .save = SAVE_X(1) | SAVE_X(2) | SAVE_X(3),
     .infer = bag_sum_infer,
     .run = bag_sum_run,
     .grad = bag_sum_grad},
    {.sig = "bag_sum_dw(g: tensor, ids: index, first: tensor, share: tensor, rows: int, by_freq: "
            "bool=false) -> y: tensor",
     .doc = "Gradient of bag_sum for its weight.",
     .test = "{{randn(2,3), tensor{1,3,2,3}, tensor{0,1,4}, rand(4):float(), 4}, {randn(2,3), "
             "tensor{1,3,2,3}, tensor{0,1,4}, rand(4):float(), 4, true}}",
     .flags = OP_HIDDEN | OP_CROSS,
     .save = SAVE_X(1) | SAVE_X(2) | SAVE_X(3),
     .infer = bag_sum_dw_infer,
     .run = bag_sum_dw_run,
     .grad = bag_sum_dw_grad},
};

FAMILY_PART(index, bags, rows);
