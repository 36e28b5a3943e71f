/* Rows of a table by ids, from 1: embedding and its gradient. */
#include <math.h>

#include "../../calc.h"
#include "../../loop/cast.h"
#include "../../store.h"
#include "../../loop/taps.h"
#include "embedding.h"
#include "pick.h"

/* What run reads: the places, and the ids from 0. */
typedef struct Rows {
  Pick pick;
  const Tensor *ids;
} Rows;

static void keep_rows(Call *c, const Tensor *table, const Tensor *ids) {
  call_scratch(c, sizeof(Rows));
  *(Rows *)c->scratch = (Rows){pick_along(table, 0, &(Positions){ids, 0, UINT64_MAX}), ids};
}

/* The ids, from 0; a wrong one is named with its place. */
Tensor *embedding_ids(const Call *c, const Tensor *indices, int64_t rows) {
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
int64_t embedding_padding(const Call *c, int attr, int64_t rows) {
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
  embedding_padding(c, PADDING, weight->shape[0]);
  Tensor *ids = embedding_ids(c, indices, weight->shape[0]);
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

/* The map from g's rows to those of the table, each the sum of its ids' rows in their order; but the
   padding's is zero. By frequency: divided by how often the id occurs. */
static void embedding_dw_infer(Call *c) {
  Tensor *g = c->x[0];
  int64_t rows = c->attr[0].i, shape[2] = {rows, g->shape[g->ndim - 1]};
  call_want(c, 0, call_promote(c, 0, 1) == T_F64 ? T_F64 : T_F32);
  embedding_padding(c, 1, rows);
  call_out(c, 0, (DType)c->x[0]->dtype, 2, shape);
  Tensor *ids = embedding_ids(c, c->x[1], rows);
  const int64_t n = ids->numel;
  call_scratch(c, sizeof(Taps) + taps_bytes(rows, n) + taps_bytes(n, 0));
  Taps *sums = c->scratch;
  int64_t *each = (int64_t *)((char *)(sums + 1) + taps_bytes(rows, n));
  for (int64_t i = 0; i <= n; i++) each[i] = i;
  Taps read = {.in = rows, .out = n, .inner = shape[1], .first = each, .index = t_i64(ids)};
  *sums = taps_turned(&read, sums + 1);
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
Tensor *embedding_counts(Tensor *ids, int64_t rows) {
  Tensor *n = t_zeros(T_I64, 1, &rows), *own = cast_copy(ids, T_I64);
  for (int64_t i = 0; i < own->numel; i++) t_i64(n)[t_i64(own)[i] - T_BASE]++;
  return n;
}

void embedding_by_counts(Tensor *y, Tensor *ids) {
  Tensor *n = embedding_counts(ids, y->shape[0]);
  for (int64_t r = 0; r < y->shape[0]; r++) {
    if (t_i64(n)[r] < 2) continue;
    double share = 1 / (double)t_i64(n)[r];
    for (int64_t k = r * y->shape[1]; k < (r + 1) * y->shape[1]; k++)
      t_set(y, k, t_get(y, k) * share);
  }
}

static const char *embedding_dw_run(Call *c) {
  Tensor *y = c->y[0];
  int64_t row = embedding_padding(c, 1, c->attr[0].i);
  Attr zero = attr_of_int(0);
  taps_run(c->scratch, c->x[0], y);
  if (c->attr[2].i) embedding_by_counts(y, c->x[1]);
  if (row < 0) return NULL;
  Tensor padding = row_of(y, row);
  store_number(&padding, &zero);
  return NULL;
}

static void embedding_dw_grad(Call *c, Tensor *const *gy, Tensor **gx) {
  Tensor *ids = c->x[1];
  Tensor *g = t_call("embedding", "xx", ids, gy[0]);
  if (c->attr[2].i) {
    Tensor *n = t_cast(embedding_counts(ids, c->attr[0].i), (DType)g->dtype);
    Tensor *own = t_call("embedding", "xx", ids, t_unsqueeze(n, 1));
    g = t_div(g, own);
  }
  int64_t row = embedding_padding(c, 1, c->attr[0].i);
  if (row >= 0) {
    Tensor *is_padding = t_eq(ids, t_scalar_int(row + T_BASE, T_I64));
    g = t_where(t_unsqueeze(is_padding, ids->ndim), t_num(0), g);
  }
  gx[0] = g;
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
     .flags = OP_HIDDEN,
     .save = SAVE_X(1),
     .infer = embedding_dw_infer,
     .run = embedding_dw_run,
     .grad = embedding_dw_grad},
};

FAMILY_PART(index, embedding, rows);
