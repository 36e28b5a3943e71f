/* Whole orders along a dimension: sort, argsort, topk. NaN is above every number; equal values keep
   the order they came in, in falling order too. */
#include "../../calc.h"
#include "../../loop/copy.h"
#include "../../machine/team.h"
#include "order.h"
#include "rows.h"

enum { LONG = 1 << 16, PIECE = 1 << 15 };

/* ---- sort: attributes dim, descending, stable ---------------------------------------------------- */

/* A long row is sorted by the whole team, short ones each by one thread. */
typedef struct Sort {
  Rows *rows;
  void *counts; /* long rows only */
} Sort;

static void prepare(Call *c, unsigned results) {
  int dim = (int)c->attr[0].i;
  Rows *r = rows_infer(c, dim, rows_length(c->x[0], dim), results, c->attr[1].i != 0);
  call_scratch(c, sizeof(Sort));
  Sort *s = c->scratch;
  *s = (Sort){.rows = r};
  if (r->n < LONG) return;
  int64_t bytes = (int64_t)entries_counts(r->n);
  s->counts = t_data(t_new(T_U8, 1, &bytes));
}

static void sort_infer(Call *c) { prepare(c, ROWS_VALUES | ROWS_INDICES); }
static void argsort_infer(Call *c) { prepare(c, ROWS_INDICES); }

/* The results of entries from..from+n-1 of a sorted row. */
static void give(const Rows *r, int64_t row, int64_t from, int64_t n, const void *e, bool told) {
  size_t size = dtype_size(r->k.dtype);
  if (team_was_cut()) return; /* there are no entries */
  if (r->values) {
    char *y = (char *)t_data(r->values) + (size_t)(row * r->m) * size;
    entries_values(&r->k, from, n, e, told, rows_at(r, row), y);
  }
  if (r->indices) entries_places(&r->k, from, n, e, t_i64(r->indices) + row * r->m);
}

static void sort_row(const Rows *r, int64_t row, void *space, const void *arg) {
  (void)arg;
  char *other = (char *)space + r->each / 2;
  bool told = entries_make(&r->k, r->n, rows_at(r, row), 0, space);
  entries_sort(&r->k, r->n, space, other);
  give(r, row, 0, r->n, space, told);
}

typedef struct Piece {
  const Rows *r;
  int64_t row;
  bool told, *plain; /* plain: of each piece */
} Piece;

static int64_t piece_length(const Rows *r, int64_t i) {
  return (i + 1) * PIECE < r->n ? PIECE : r->n - i * PIECE;
}

static void make_piece(void *job, int64_t i) {
  const Piece *p = job;
  const Rows *r = p->r;
  int64_t at = i * PIECE;
  p->plain[i] = entries_make(&r->k, piece_length(r, i),
                             rows_at(r, p->row) + (size_t)at * dtype_size(r->k.dtype), at,
                             r->space + entries_bytes(&r->k, at));
}

static void give_piece(void *job, int64_t i) {
  const Piece *p = job;
  give(p->r, p->row, i * PIECE, piece_length(p->r, i), p->r->space, p->told);
}

static void sort_long_row(const Sort *s, int64_t row) {
  const Rows *r = s->rows;
  int64_t pieces = (r->n + PIECE - 1) / PIECE;
  Piece p = {.r = r, .row = row, .told = true, .plain = s->counts};
  team_run(pieces, make_piece, &p);
  copy_claim(r->space + r->each / 2, r->each / 2);
  for (int64_t i = 0; i < pieces; i++) p.told = p.told && p.plain[i];
  entries_sort_long(&r->k, r->n, r->space, r->space + r->each / 2, s->counts);
  team_run(pieces, give_piece, &p);
}

static const char *sort_run(Call *c) {
  const Sort *s = c->scratch;
  if (!s->counts) rows_run(s->rows, sort_row, NULL);
  for (int64_t row = 0; s->counts && row < s->rows->rows; row++) sort_long_row(s, row);
  rows_end(s->rows);
  return NULL;
}

Tensor *order_sent_back(Call *c, Tensor *g, Tensor *indices, int64_t dim, bool dropped) {
  Tensor *x = c->x[0];
  if (dropped && x->ndim > 0) {
    g = t_unsqueeze(g, (int)dim);
    indices = t_unsqueeze(indices, (int)dim);
  }
  Tensor *zeros = t_nothing((DType)g->dtype, x->ndim, x->shape);
  return t_call("scatter_add", "xxxi", zeros, indices, g, dim);
}

static void sort_grad(Call *c, Tensor *const *gy, Tensor **gx) {
  if (gy[0]) gx[0] = order_sent_back(c, gy[0], c->y[1], c->attr[0].i, false);
}

static void msort_compose(Call *c) { c->y[0] = t_call("sort", "xi", c->x[0], (int64_t)0); }

/* ---- topk: attributes k, dim, largest, sorted ------------------------------------------------------ */

static void topk_infer(Call *c) {
  const Tensor *x = c->x[0];
  int dim = (int)c->attr[1].i;
  int64_t k = c->attr[0].i, n = rows_length(x, dim);
  if (k < (x->ndim == 0) || k > n) {
    t_fail("topk: k is %lld; dimension %d of %s has %lld values to choose from", (long long)k,
           dim + 1, t_shape_str(x), (long long)n);
  }
  rows_infer(c, dim, k, ROWS_VALUES | ROWS_INDICES, c->attr[2].i != 0);
}

/* Keeps the best m entries of those found so far, count of them in e; last becomes the worst kept. */
static int64_t keep_best(const Rows *r, int64_t count, char *e, char *other, WideEntry *last) {
  entries_select(&r->k, count, e, r->m - 1, other, last);
  return entries_take(&r->k, count, e, last, e);
}

/* Block after block of the row, of which only what is better than the worst kept is looked at. */
static void topk_row(const Rows *r, int64_t row, void *space, const void *arg) {
  enum { BLOCK = 2048 };
  char *e = space, *other = e + r->each / 2;
  size_t size = dtype_size(r->k.dtype);
  bool sorted = *(const bool *)arg, told = true, full = false;
  int64_t count = 0, most = 4 * r->m > 8192 ? 4 * r->m : 8192;
  WideEntry last;
  if (r->m == 0) return;
  for (int64_t at = 0; at < r->n; at += BLOCK) {
    int64_t n = r->n - at < BLOCK ? r->n - at : BLOCK;
    char *end = e + entries_bytes(&r->k, count);
    told = entries_make(&r->k, n, rows_at(r, row) + (size_t)at * size, at, end) && told;
    count += full ? entries_take(&r->k, n, end, &last, end) : n;
    if (count < most) continue;
    count = keep_best(r, count, e, other, &last);
    full = true;
  }
  if (count > r->m) keep_best(r, count, e, other, &last);
  if (sorted) entries_sort(&r->k, r->m, e, other);
  give(r, row, 0, r->m, e, told);
}

enum { FEW = 64 };

/* best[0..m-1] rises; e comes before the last of them, whose place it takes. */
static void put_in(uint64_t *best, int64_t m, uint64_t e) {
  int64_t at = m - 1;
  for (; at > 0 && best[at - 1] > e; at--) best[at] = best[at - 1];
  best[at] = e;
}

static void by_place(uint64_t *e, int64_t m) {
  for (int64_t i = 1; i < m; i++) {
    uint64_t v = e[i];
    int64_t at = i;
    for (; at > 0 && (uint32_t)e[at - 1] > (uint32_t)v; at--) e[at] = e[at - 1];
    e[at] = v;
  }
}

/* As topk_row, for few results of narrow entries: the best so far stay in order. */
static void few_row(const Rows *r, int64_t row, void *space, const void *arg) {
  enum { BLOCK = 512 };
  const KeyLoops *loops = SIMD_PICK(key_loops);
  uint64_t best[FEW], *e = space;
  size_t size = dtype_size(r->k.dtype);
  bool sorted = *(const bool *)arg, told = true;
  for (int64_t i = 0; i < r->m; i++) best[i] = UINT64_MAX;
  for (int64_t at = 0; at < r->n; at += BLOCK) {
    int64_t n = r->n - at < BLOCK ? r->n - at : BLOCK, i = -1;
    told = entries_make(&r->k, n, rows_at(r, row) + (size_t)at * size, at, e) && told;
    while ((i = loops->narrow_below(i + 1, n, e, best[r->m - 1])) < n) put_in(best, r->m, e[i]);
  }
  if (!sorted) by_place(best, r->m);
  give(r, row, 0, r->m, (const char *)best, told);
}

static const char *topk_run(Call *c) {
  const Rows *r = c->scratch;
  bool sorted = c->attr[3].i != 0, few = r->m > 0 && r->m <= FEW && !r->k.wide;
  if (few) {
    rows_run(r, few_row, &sorted);
    rows_end(r);
    return NULL;
  }
  rows_run(c->scratch, topk_row, &sorted);
  rows_end(c->scratch);
  return NULL;
}

static void topk_grad(Call *c, Tensor *const *gy, Tensor **gx) {
  if (gy[0]) gx[0] = order_sent_back(c, gy[0], c->y[1], c->attr[1].i, false);
}

/* ---- the rows --------------------------------------------------------------------------------------- */

static Op rows[] = {
    {.sig = "sort(x: tensor, dim: dim=-1, descending: bool=false, stable: bool=false) -> values: "
            "tensor, indices: index",
     .doc = "The values of a dimension in rising order, or falling, and where each stood. Equal "
            "values keep their order (so stable is always met); nan counts as the largest. By "
            "radix sort.",
     .example = "values, places = tensor{30, 10, 20}:sort()\n"
                "values --> int64 [3]  10  20  30\n"
                "places --> int64 [3]  2  3  1",
     .test =
         "{{randn(2,5)}, {randn(3,2,2), 1, true}, {randn(4,3), -2, {stable = true}}, {perm(5)}, "
         "{mask(6)}, {ints(2,9), 2, true}}",
     .ref = "reference.sort",
     .save = SAVE_Y(1),
     .infer = sort_infer,
     .run = sort_run,
     .grad = sort_grad},
    {.sig = "argsort(x: tensor, dim: dim=-1, descending: bool=false, stable: bool=false) -> "
            "indices: index",
     .doc = "The positions that put a dimension in order: the second result of sort.",
     .example = "tensor{30, 10, 20}:argsort() --> int64 [3]  2  3  1",
     .test = "{{randn(2,5)}, {randn(3,2,2), 1, true}, {ints(8)}}",
     .ref = "reference.argsort",
     .flags = OP_CONST,
     .infer = argsort_infer,
     .run = sort_run},
    {.sig = "msort(x: tensor) -> values: tensor",
     .doc = "The values in rising order along the first dimension.",
     .example = "tensor{{3, 1}, {2, 5}}:msort() --> int64 [2,2]\n"
                "  2  1\n"
                "  3  5",
     .test = "{{randn(4,2)}, {randn(5)}}",
     .ref = "reference.msort",
     .compose = msort_compose},
    {.sig = "topk(x: tensor, k: int, dim: dim=-1, largest: bool=true, sorted: bool=true) -> "
            "values: tensor, indices: index",
     .doc = "The k largest values of a dimension, or the smallest, and where they stood; the best "
            "first, or with sorted = false in the order they came in. Of equal values the first "
            "count.",
     .example = "values, places = tensor{4, 9, 7}:topk(2)\n"
                "values --> int64 [2]  9  7\n"
                "places --> int64 [2]  2  3",
     .test = "{{randn(2,5), 2}, {randn(4,3), 2, 1, false}, {randn(2,6), 3, {sorted = false}}, "
             "{randn(3), 0}}",
     .ref = "reference.topk",
     .save = SAVE_Y(1),
     .infer = topk_infer,
     .run = topk_run,
     .grad = topk_grad},
};

FAMILY_PART(order, sort, rows);
