/* One value of a row by its rank or its frequency: kthvalue, median, mode. */
#include "../../calc.h"
#include "../../machine/team.h"
#include "order.h"
#include "rows.h"

static void need_values(const Call *c, int dim) {
  if (rows_length(c->x[0], dim) > 0) return;
  t_fail("%s: there is nothing to choose from, the tensor has shape %s; check that it is not empty",
         call_name(c), t_shape_str(c->x[0]));
}

static unsigned dropped(const Call *c, int keepdim) { return c->attr[keepdim].i ? 0 : ROWS_DROP; }

/* The chosen value of a row: the one that stood at place `at` of it, from 0. */
static void give(const Rows *r, int64_t row, int64_t at) {
  size_t size = dtype_size(r->k.dtype);
  const char *x = rows_at(r, row) + (size_t)at * size;
  char *y = (char *)t_data(r->values) + (size_t)row * size;
  for (size_t i = 0; i < size; i++) y[i] = x[i];
  if (r->indices) t_i64(r->indices)[row] = at + T_BASE;
}

static void give_rank(const Rows *r, int64_t row, void *space, int64_t rank) {
  WideEntry found;
  if (team_was_cut()) return;
  entries_make(&r->k, r->n, rows_at(r, row), 0, space);
  entries_select(&r->k, r->n, space, rank, (char *)space + r->each / 2, &found);
  if (!team_was_cut()) give(r, row, entries_at(&r->k, &found, 0));
}

/* ---- kthvalue: attributes k, dim, keepdim ---------------------------------------------------------- */

static void kthvalue_infer(Call *c) {
  int dim = (int)c->attr[1].i;
  int64_t k = c->attr[0].i, n = rows_length(c->x[0], dim);
  if (k < 1 || k > n) {
    t_fail("kthvalue: k is %lld; dimension %d of %s has %lld values, so 1..%lld", (long long)k,
           dim + 1, t_shape_str(c->x[0]), (long long)n, (long long)n);
  }
  rows_infer(c, dim, 1, ROWS_VALUES | ROWS_INDICES | dropped(c, 2), false);
}

static void kth_row(const Rows *r, int64_t row, void *space, const void *arg) {
  give_rank(r, row, space, *(const int64_t *)arg - 1);
}

static const char *kthvalue_run(Call *c) {
  rows_run(c->scratch, kth_row, &c->attr[0].i);
  return NULL;
}

static void kthvalue_grad(Call *c, Tensor *const *gy, Tensor **gx) {
  if (gy[0]) gx[0] = order_sent_back(c, gy[0], c->y[1], c->attr[1].i, !c->attr[2].i);
}

/* ---- median, nanmedian: attributes dim (absent: of all, values only), keepdim ----------------------- */

static void medians(Call *c) {
  bool all = !attr_given(c, 0);
  int dim = all ? -1 : (int)c->attr[0].i;
  if (!all) need_values(c, dim);
  rows_infer(c, dim, 1, ROWS_VALUES | (all ? 0 : ROWS_INDICES) | dropped(c, 1), false);
}
static void median_infer(Call *c) { medians(c); }
static void nanmedian_infer(Call *c) { medians(c); }

#define COUNT_NAN(name, T)                                                                         \
  static int64_t name(int64_t n, const void *xp, int64_t *first) {                                 \
    const T *x = xp;                                                                               \
    int64_t count = 0;                                                                             \
    for (int64_t i = 0, end; (end = team_piece(i, n)) > i;) {                                      \
      for (; i < end; i++) {                                                                       \
        if (x[i] != x[i] && count++ == 0) *first = i;                                              \
      }                                                                                            \
    }                                                                                              \
    return count;                                                                                  \
  }
COUNT_NAN(nans_f32, float)
COUNT_NAN(nans_f64, double)

/* How many NaN a row has; where the first is. */
static int64_t nans(const Rows *r, int64_t row, int64_t *first) {
  if (r->k.dtype == T_F32) return nans_f32(r->n, rows_at(r, row), first);
  return r->k.dtype == T_F64 ? nans_f64(r->n, rows_at(r, row), first) : 0;
}

static void median_row(const Rows *r, int64_t row, void *space, const void *arg) {
  (void)arg;
  int64_t first = 0;
  if (nans(r, row, &first) > 0)
    give(r, row, first);
  else
    give_rank(r, row, space, (r->n - 1) / 2);
}

static void nanmedian_row(const Rows *r, int64_t row, void *space, const void *arg) {
  (void)arg;
  int64_t first = 0, numbers = r->n - nans(r, row, &first);
  if (numbers == 0)
    give(r, row, 0);
  else
    give_rank(r, row, space, (numbers - 1) / 2);
}

static const char *run_medians(Call *c, RowFn fn) {
  const Rows *r = c->scratch;
  if (r->n == 0 && !attr_given(c, 0)) { /* of nothing */
    if (!dtype_is_float(r->k.dtype)) return "of no values there is none among integers";
    t_set(c->y[0], 0, __builtin_nan(""));
  }
  rows_run(r, fn, NULL);
  return NULL;
}
static const char *median_run(Call *c) { return run_medians(c, median_row); }
static const char *nanmedian_run(Call *c) { return run_medians(c, nanmedian_row); }

/* Along a dimension to the place found; of all, evenly among equal values. */
static void median_grad(Call *c, Tensor *const *gy, Tensor **gx) {
  if (!gy[0]) return;
  if (attr_given(c, 0)) {
    gx[0] = order_sent_back(c, gy[0], c->y[1], c->attr[0].i, !c->attr[1].i);
    return;
  }
  Tensor *x = c->x[0], *y = c->y[0];
  bool nan = t_get(y, 0) != t_get(y, 0);
  Tensor *mask = t_cast(nan ? t_op1("isnan", x) : t_eq(x, y), (DType)gy[0]->dtype);
  gx[0] = t_mul(mask, t_div(gy[0], t_sum_all(mask)));
}

/* ---- mode: attributes dim, keepdim ------------------------------------------------------------------ */

static void mode_infer(Call *c) {
  int dim = (int)c->attr[0].i;
  need_values(c, dim);
  rows_infer(c, dim, 1, ROWS_VALUES | ROWS_INDICES | dropped(c, 1), false);
}

static void mode_row(const Rows *r, int64_t row, void *space, const void *arg) {
  (void)arg;
  int64_t most = 0, last = 0;
  entries_make(&r->k, r->n, rows_at(r, row), 0, space);
  entries_sort(&r->k, r->n, space, (char *)space + r->each / 2);
  for (int64_t from = 0, to; from < r->n && !team_cut(); from = to) {
    for (to = from + 1; to < r->n && entries_tie(&r->k, space, from, to);) to++;
    if (to - from > most) most = to - from, last = to - 1;
  }
  if (team_was_cut()) return;
  give(r, row, entries_at(&r->k, space, last));
}

static const char *mode_run(Call *c) {
  rows_run(c->scratch, mode_row, NULL);
  return NULL;
}

static void mode_grad(Call *c, Tensor *const *gy, Tensor **gx) {
  if (gy[0]) gx[0] = order_sent_back(c, gy[0], c->y[1], c->attr[0].i, !c->attr[1].i);
}

/* ---- the rows --------------------------------------------------------------------------------------- */

static Op rows[] = {
    {.sig = "kthvalue(x: tensor, k: int, dim: dim=-1, keepdim: bool=false) -> values: tensor, "
            "indices: index",
     .doc = "The k-th smallest value of a dimension, counted from 1, and where it stands.",
     .example = "tensor{7, 5, 9}:kthvalue(2) --> 7  1",
     .test = "{{randn(2,5), 2}, {randn(4,3), 4, 1, {keepdim = true}}, {randn(7), 7}}",
     .ref = "reference.kthvalue",
     .save = SAVE_Y(1),
     .infer = kthvalue_infer,
     .run = kthvalue_run,
     .grad = kthvalue_grad},
    {.sig = "median(x: tensor, dim: dim?, keepdim: bool=false) -> values: tensor, indices: index",
     .doc = "The value in the middle of a dimension and where it stands; without a dimension the "
            "middle of all values alone. Of an even number the lower of the two middle ones "
            "(quantile(0.5) gives their mean); nan if there is one. The gradient goes to the place "
            "found; without a dimension it is shared out evenly among equal values.",
     .example = "tensor{5, 1, 3}:median() --> 3",
     .test = "{{randn(2,3)}, {randn(2,5), 2}, {randn(4,3), 1, {keepdim = true}}, {perm(6)}}",
     .ref = "reference.median",
     .save = SAVE_X(0) | SAVE_Y(0) | SAVE_Y(1),
     .infer = median_infer,
     .run = median_run,
     .grad = median_grad},
    {.sig =
         "nanmedian(x: tensor, dim: dim?, keepdim: bool=false) -> values: tensor, indices: index",
     .doc = "The median of what is not nan; nan where nothing is left.",
     .example = "tensor{1, 0/0, 3, 5}:nanmedian() --> 3.0",
     .test = "{{randn(2,3)}, {randn(2,5), 2}, {tensor{{0/0, 2, 1}, {0/0, 0/0, 7}}:double(), 2}}",
     .ref = "reference.nanmedian",
     .save = SAVE_X(0) | SAVE_Y(0) | SAVE_Y(1),
     .infer = nanmedian_infer,
     .run = nanmedian_run,
     .grad = median_grad},
    {.sig = "mode(x: tensor, dim: dim=-1, keepdim: bool=false) -> values: tensor, indices: index",
     .doc = "The most frequent value of a dimension and where it stands last; of equally frequent "
            "ones the smallest.",
     .example = "tensor{2, 7, 7, 1}:mode() --> 7 3",
     .test = "{{randn(2,3)}, {ints(3,7)}, {ints(6,2), 1, true}}",
     .ref = "reference.mode",
     .save = SAVE_Y(1),
     .infer = mode_infer,
     .run = mode_run,
     .grad = mode_grad},
};

FAMILY_PART(order, ranks, rows);
