/* Rows of a table by ids, from 1: embedding, its gradient, and embedding_bag, which joins the rows of
   each bag. */
#include <math.h>

#include "../../calc.h"
#include "../../cast.h"
#include "../../store.h"
#include "pick.h"

/* What run reads: the places, and the ids from 0. */
typedef struct Rows {
  Pick pick;
  const Tensor *ids;
} Rows;

static void keep_rows(Call *c, const Tensor *table, const Tensor *ids) {
  call_scratch(c, sizeof(Rows));
  *(Rows *)c->scratch = (Rows){pick_dim(table, 0, ids), ids};
}

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

/* ---- embedding: inputs ids, weight [V,D] ---------------------------------------------------------- */

enum { PADDING, MAX_NORM, NORM_TYPE, BY_FREQ };

static void embedding_infer(Call *c) {
  const Tensor *indices = c->x[0], *weight = c->x[1];
  int64_t shape[T_MAXDIM];
  if (weight->ndim != 2) {
    t_fail("embedding: the weight is %s; [ids, features] is wanted", t_shape_str(weight));
  }
  if (indices->ndim == T_MAXDIM) t_fail("embedding: the indices have too many dimensions");
  if (attr_given(c, MAX_NORM) && weight->dtype != T_F32 && weight->dtype != T_F64) {
    t_fail("embedding: max_norm changes the weight, which is %s; floats are wanted",
           dtype_name((DType)weight->dtype));
  }
  padding_row(c, PADDING, weight->shape[0]);
  Tensor *ids = read_ids(c, indices, weight->shape[0]);
  keep_rows(c, weight, ids);
  for (int d = 0; d < indices->ndim; d++) shape[d] = indices->shape[d];
  shape[indices->ndim] = weight->shape[1];
  call_out(c, 0, (DType)weight->dtype, indices->ndim + 1, shape);
}

/* Rows that are picked and longer than max_norm are shortened to it, in place. ids: from 0 */
static void shorten(Call *c, const Tensor *ids) {
  Tensor *w = c->x[1];
  double most = c->attr[MAX_NORM].f, p = c->attr[NORM_TYPE].f;
  for (int64_t i = 0; i < ids->numel; i++) {
    int64_t row = t_i64(ids)[i] * w->stride[0], step = w->stride[1];
    double sum = 0;
    for (int64_t k = 0; k < w->shape[1]; k++) sum += pow(fabs(t_get(w, row + k * step)), p);
    double norm = pow(sum, 1 / p);
    if (norm <= most) continue;
    double scale = most / (norm + 1e-7);
    for (int64_t k = 0; k < w->shape[1]; k++) {
      t_set(w, row + k * step, t_get(w, row + k * step) * scale);
    }
  }
  w->st->version++;
  w->st->writer = "embedding";
}

static const char *embedding_run(Call *c) {
  const Rows *r = c->scratch;
  if (attr_given(c, MAX_NORM)) shorten(c, r->ids);
  pick_read(&r->pick, c->x[1], c->y[0]);
  return NULL;
}

static void embedding_grad(Call *c, Tensor *const *gy, Tensor **gx) {
  Call f;
  call_begin(&f, op_find("embedding_dw"));
  f.x[0] = pick_computed(gy[0]);
  f.x[1] = c->x[0];
  f.attr[0] = attr_of_int(c->x[1]->shape[0]);
  f.attr[1] = c->attr[PADDING];
  f.attr[2] = c->attr[BY_FREQ];
  op_apply(&f);
  gx[1] = f.y[0];
}

/* ---- embedding_dw: inputs g [..., D], indices; attributes rows, padding_idx, by_freq ---------------- */

/* Rows of zeros [rows, D], with g's rows added in the order of the ids; but not the padding's. By
   frequency: divided by how often the id occurs. */
static void embedding_dw_infer(Call *c) {
  Tensor *g = c->x[0];
  int64_t rows = c->attr[0].i, shape[2] = {rows, g->shape[g->ndim - 1]};
  call_promote(c, 0, 1);
  call_contiguous(c, 0);
  padding_row(c, 1, rows);
  Tensor *y = call_out(c, 0, (DType)g->dtype, 2, shape);
  keep_rows(c, y, read_ids(c, c->x[1], rows));
}

/* One row of y. */
static Tensor row_of(const Tensor *y, int64_t row) {
  Tensor one = *y;
  one.ndim = 1;
  one.numel = one.shape[0] = y->shape[1];
  one.stride[0] = 1;
  one.offset += row * y->shape[1];
  return one;
}

/* How often each id occurs, at the first element of each row of a table of zeros: [rows]. */
static Tensor *counts_of(Tensor *ids, int64_t rows) {
  Tensor *n = t_zeros(T_I64, 1, &rows), *own = cast_copy(ids, T_I64);
  for (int64_t i = 0; i < own->numel; i++) t_i64(n)[t_i64(own)[i] - T_BASE]++;
  return n;
}

static void divide_by_counts(Tensor *y, Tensor *ids) {
  Tensor *n = counts_of(ids, y->shape[0]);
  for (int64_t r = 0; r < y->shape[0]; r++) {
    if (t_i64(n)[r] < 2) continue;
    double share = 1 / (double)t_i64(n)[r];
    for (int64_t k = r * y->shape[1]; k < (r + 1) * y->shape[1]; k++)
      t_set(y, k, t_get(y, k) * share);
  }
}

static const char *embedding_dw_run(Call *c) {
  Tensor *y = c->y[0];
  int64_t row = padding_row(c, 1, c->attr[0].i);
  Attr zero = attr_of_int(0);
  store_number(y, &zero);
  pick_add(&((const Rows *)c->scratch)->pick, y, c->x[0], 1);
  if (c->attr[2].i) divide_by_counts(y, c->x[1]);
  if (row < 0) return NULL;
  Tensor padding = row_of(y, row);
  store_number(&padding, &zero);
  return NULL;
}

static void embedding_dw_grad(Call *c, Tensor *const *gy, Tensor **gx) {
  Tensor *ids = c->x[1];
  Tensor *g = t_call("embedding", "xx", ids, gy[0]);
  if (c->attr[2].i) {
    Tensor *n = t_cast(counts_of(ids, c->attr[0].i), (DType)g->dtype);
    Tensor *own = t_call("embedding", "xx", ids, t_unsqueeze(n, 1));
    g = t_div(g, own);
  }
  int64_t row = padding_row(c, 1, c->attr[0].i);
  if (row >= 0) {
    Tensor *is_padding = t_eq(ids, t_scalar_int(row + T_BASE, T_I64));
    g = t_where(t_unsqueeze(is_padding, ids->ndim), t_num(0), g);
  }
  gx[0] = g;
}

/* ---- embedding_bag ---------------------------------------------------------------------------------- */

enum { BAG_MAX_NORM, BAG_NORM_TYPE, BAG_BY_FREQ, MODE, LAST_OFFSET, BAG_PADDING };
enum { MEAN, SUM, MAX };

/* Which ids belong to which bag: bag b has the ids first[b]..first[b + 1] - 1, in a row. */
typedef struct Bags {
  int64_t bags, ids;
  const int64_t *first;
  Tensor *kept; /* [ids] bytes: not the padding */
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
    int64_t at = t_i64(own)[b] - T_BASE;
    if (at < last || at > n || (b == 0 && at != 0)) {
      t_fail("embedding_bag: offset %lld at %lld; offsets begin at 1, do not fall, and end at most "
             "one after the %lld ids",
             (long long)(at + T_BASE), (long long)b + 1, (long long)n);
    }
    t_i64(first)[b] = last = at;
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
  b.kept = t_fill(t_new(T_U8, 1, &b.ids), 1);
  int64_t row = padding_row(c, BAG_PADDING, c->x[1]->shape[0]);
  Tensor *own = cast_copy(ids, T_I64);
  for (int64_t i = 0; i < b.ids; i++) {
    if (t_i64(own)[i] == row + T_BASE && row >= 0) t_set(b.kept, i, 0);
  }
  return b;
}

/* The sum of each bag's rows, or their mean: rows [ids, D] -> [bags, D] */
static Tensor *added(const Bags *b, Tensor *rows, bool mean) {
  DType d = (DType)rows->dtype;
  const int64_t shape[2] = {b->bags, rows->shape[1]};
  Tensor *bag = t_new(T_I64, 1, &b->ids), *share = t_new(d, 1, &b->ids);
  for (int64_t k = 0; k < b->bags; k++) {
    int64_t n = 0;
    for (int64_t i = b->first[k]; i < b->first[k + 1]; i++) n += t_get_int(b->kept, i);
    for (int64_t i = b->first[k]; i < b->first[k + 1]; i++) {
      t_i64(bag)[i] = k + T_BASE;
      t_set(share, i, (double)t_get_int(b->kept, i) / (mean && n > 0 ? (double)n : 1));
    }
  }
  return t_call("index_add", "xxxi", t_zeros(d, 2, shape), bag, t_mul(rows, t_unsqueeze(share, 1)),
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
      t_set_int(in, place, t_get_int(b->kept, i));
      if (t_get_int(b->kept, i)) t_set_int(any, k, 1);
    }
  }
  if (b->ids == 0) return t_zeros((DType)rows->dtype, 2, (const int64_t[]){b->bags, shape[2]});
  Tensor *all = t_reshape(t_call("index_select", "xxi", rows, at, (int64_t)0), 3, shape);
  Tensor *top = t_call("max", "xi", t_where(in, all, t_num(-INFINITY)), (int64_t)1);
  return t_where(any, top, t_num(0));
}

static void embedding_bag(Call *c) {
  Tensor *ids = c->x[0], *weight = c->x[1], *own = c->x[3];
  if (weight->ndim != 2) {
    t_fail("embedding_bag: the weight is %s; [ids, features] is wanted", t_shape_str(weight));
  }
  if (own && (c->attr[MODE].i != SUM || !t_same_shape(own, ids))) {
    t_fail("embedding_bag: per_sample_weights, %s, go with mode sum and have the ids' shape %s",
           t_shape_str(own), t_shape_str(ids));
  }
  Bags b = read_bags(c);
  Call r;
  call_begin(&r, op_need("embedding"));
  r.x[0] = t_reshape(ids, 1, &b.ids);
  r.x[1] = weight;
  r.attr[PADDING] = c->attr[BAG_PADDING];
  for (int i = 0; i < 3; i++) r.attr[MAX_NORM + i] = c->attr[BAG_MAX_NORM + i];
  op_apply(&r);
  Tensor *rows = own ? t_mul(r.y[0], t_reshape(own, 2, (int64_t[]){b.ids, 1})) : r.y[0];
  c->y[0] = c->attr[MODE].i == MAX ? largest(&b, rows) : added(&b, rows, c->attr[MODE].i == MEAN);
}

static Op rows[] = {
    {.sig = "embedding(input: index, weight: tensor, padding_idx: pos?, max_norm: float?, "
            "norm_type: float=2, scale_grad_by_freq: bool=false) -> y: tensor",
     .doc = "A row of a table for every id: input holds ids 1..V of any shape, weight is [V,D] -> "
            "[..., D]. The row padding_idx gets no gradient. Rows longer than max_norm, by the "
            "norm of norm_type, are shortened to it in place. scale_grad_by_freq divides a row's "
            "gradient by how often its id occurs.",
     .example = "tensor.embedding(tensor{2, 1}, tensor{{1, 2}, {3, 4}}) --> int64 [2,2]\n"
                "  3  4\n  1  2",
     .test = "{{tensor{{1,3},{2,3}}, randn(4,3)}, {tensor{1,2,2}, randn(3,2)}}",
     .ref = "reference.embedding",
     .save = SAVE_X(0),
     .infer = embedding_infer,
     .run = embedding_run,
     .grad = embedding_grad},
    {.sig = "embedding_dw(g: tensor, indices: index, rows: int, padding_idx: pos?, "
            "scale_grad_by_freq: bool=false) -> y: tensor",
     .doc = "The gradient of embedding for its weight [rows, features].",
     .test = "{{randn(2,2,3), tensor{{1,3},{2,3}}, 4}, {randn(3,2), tensor{1,2,1}, 3, 1}, "
             "{randn(3,2), tensor{1,2,1}, 3, nil, true}}",
     .ref = "reference.embedding_dw",
     .flags = OP_HIDDEN | OP_TRUSTS,
     .save = SAVE_X(1),
     .infer = embedding_dw_infer,
     .run = embedding_dw_run,
     .grad = embedding_dw_grad},
    {.sig = "embedding_bag(input: index, weight: tensor, offsets: index?, max_norm: float?, "
            "norm_type: float=2, scale_grad_by_freq: bool=false, mode: string{mean|sum|max}=mean, "
            "per_sample_weights: tensor?, include_last_offset: bool=false, padding_idx: pos?) -> "
            "y: tensor",
     .doc = "The mean, sum or maximum of the rows of each bag of ids: input [bags, ids], or all "
            "ids in a row with the offsets where bags begin, from 1; include_last_offset: the end "
            "of the last bag is there too. Rows padding_idx do not count; an empty bag gives 0. "
            "per_sample_weights, for sums: a factor for every id.",
     .test = "{{tensor{{1,3},{2,3}}, randn(4,3)}, {tensor{1,3,2,3,4}, randn(4,2), tensor{1,3,3}, "
             "{mode = 'sum', per_sample_weights = rand(5)}}, {tensor{1,3,2,3}, randn(4,2), "
             "tensor{1,4}, {mode = 'max', padding_idx = 3}}, {tensor{1,2}, randn(2,2), "
             "tensor{1,2,3}, {include_last_offset = true}}}",
     .ref = "reference.embedding_bag",
     .compose = embedding_bag},
};

FAMILY_PART(index, embedding, rows);
