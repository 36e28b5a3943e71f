/* Distinct values, or distinct slices along a dimension: in sorted order, or as runs of equal
   neighbours. NaN equals nothing. */
#include <string.h>

#include "../../calc.h"
#include "../../loop/cast.h"
#include "../../loop/copy.h"
#include "../../machine/team.h"
#include "../shape/window.h"
#include "entries.h"
#include "../../op.h"

typedef struct Groups {
  const Tensor *x; /* [n, m], contiguous: n values (m is 1) or slices */
  int64_t n, m, groups;
  int64_t *order; /* places in x in sorted order, equal ones by place; NULL: as they stand */
  int64_t *first; /* where in order each group begins; [groups + 1] */
  int dim;        /* -1: values */
} Groups;

static int64_t *places(int64_t n) { return t_i64(t_new(T_I64, 1, &n)); }

/* ---- comparing slices ------------------------------------------------------------------------------ */

#define COMPARE(name, T)                                                                           \
  static int compare_##name(int64_t m, const void *ap, const void *bp) {                           \
    const T *a = ap, *b = bp;                                                                      \
    for (int64_t i = 0; i < m; i++) {                                                              \
      if (a[i] == b[i]) continue;                                                                  \
      if (a[i] != a[i] || b[i] != b[i]) return a[i] != a[i] ? 1 : -1;                              \
      return a[i] < b[i] ? -1 : 1;                                                                 \
    }                                                                                              \
    return 0;                                                                                      \
  }
COMPARE(f32, float)
COMPARE(f64, double)
COMPARE(i64, int64_t)
COMPARE(i32, int32_t)
COMPARE(u8, uint8_t)

typedef int (*Compare)(int64_t m, const void *a, const void *b);
static const Compare compares[T_F16] = {compare_f32, compare_f64, compare_i64,
                                        compare_i32, compare_u8,  compare_u8};

/* Below, at or above 0: slice i before, equal to or after slice j. */
static int compare(const Groups *g, int64_t i, int64_t j) {
  DType d = (DType)g->x->dtype;
  const char *x = t_data(g->x);
  size_t bytes = (size_t)g->m * dtype_size(d);
  return compares[d](g->m, x + (size_t)i * bytes, x + (size_t)j * bytes);
}

/* ---- orders ---------------------------------------------------------------------------------------- */

enum { FEW = 1 << 16 };

/* Whole numbers in a narrow range: by how often each occurs. Says whether that was done, with the
   groups found. */
static bool count_values(Groups *g) {
  const Tensor *x = g->x->dtype == T_I64 ? g->x : cast_copy(g->x, T_I64);
  const int64_t *v = t_i64(x);
  int64_t low = v[0], high = v[0], most = g->n > FEW ? g->n : FEW, range, n = g->n;
  for (int64_t i = 1, end; (end = team_piece(i, n)) > i;) {
    for (; i < end; i++) {
      low = v[i] < low ? v[i] : low;
      high = v[i] > high ? v[i] : high;
    }
  }
  if (team_was_cut() || __builtin_sub_overflow(high, low, &range) || range >= most) return false;
  range++;
  int64_t *next = t_i64(t_zeros(T_I64, 1, &range)), at = 0;
  for (int64_t i = 0, end; (end = team_piece(i, n)) > i;)
    for (; i < end; i++) next[v[i] - low]++;
  if (team_was_cut()) return true;
  for (int64_t k = 0; k < range; k++) {
    int64_t count = next[k];
    next[k] = at;
    if (count > 0) g->first[g->groups++] = at;
    at += count;
  }
  g->first[g->groups] = n;
  for (int64_t i = 0, end; (end = team_piece(i, n)) > i;)
    for (; i < end; i++) g->order[next[v[i] - low]++] = i;
  return true;
}

static void order_values(Groups *g) {
  Entries k = entries_of((DType)g->x->dtype, g->n, false);
  int64_t bytes = (int64_t)entries_bytes(&k, g->n), counts = (int64_t)entries_counts(g->n);
  char *e = t_data(t_new(T_U8, 1, &bytes)), *other = t_data(t_new(T_U8, 1, &bytes));
  entries_make(&k, g->n, t_data(g->x), 0, e);
  copy_claim(other, (size_t)bytes);
  entries_sort_long(&k, g->n, e, other, t_data(t_new(T_U8, 1, &counts)));
  for (int64_t i = 0, end; (end = team_piece(i, g->n)) > i;)
    for (; i < end; i++) g->order[i] = entries_at(&k, e, i);
}

/* Merging, from runs of one slice on. */
static void order_slices(Groups *g) {
  int64_t *from = g->order, *to = places(g->n), n = g->n;
  for (int64_t run = 1; run < n; run *= 2) {
    for (int64_t lo = 0; lo < n; lo += 2 * run) {
      int64_t mid = lo + run < n ? lo + run : n, hi = lo + 2 * run < n ? lo + 2 * run : n;
      int64_t a = lo, b = mid, o = lo;
      while (a < mid || b < hi) {
        if (o % 1024 == 0 && team_cut()) return;
        bool second = a == mid || (b < hi && compare(g, from[b], from[a]) < 0);
        to[o++] = second ? from[b++] : from[a++];
      }
    }
    int64_t *swap = from;
    from = to;
    to = swap;
  }
  g->order = from;
}

static int64_t place_of(const Groups *g, int64_t i) { return g->order ? g->order[i] : i; }

/* Groups of single values: one begins where a value differs from the one before. */
#define VALUE_GROUPS(name, T)                                                                      \
  static void groups_##name(Groups *g) {                                                           \
    const T *x = t_data(g->x);                                                                     \
    const int64_t *order = g->order;                                                               \
    int64_t *first = g->first, n = 0;                                                              \
    for (int64_t i = 0, end; (end = team_piece(i, g->n)) > i;) {                                   \
      if (i == 0) first[n++] = i++;                                                                \
      for (; order && i < end; i++) {                                                              \
        first[n] = i;                                                                              \
        n += x[order[i - 1]] != x[order[i]];                                                       \
      }                                                                                            \
      for (; i < end; i++) {                                                                       \
        first[n] = i;                                                                              \
        n += x[i - 1] != x[i];                                                                     \
      }                                                                                            \
    }                                                                                              \
    g->groups = n;                                                                                 \
  }
VALUE_GROUPS(f32, float)
VALUE_GROUPS(f64, double)
VALUE_GROUPS(i64, int64_t)
VALUE_GROUPS(i32, int32_t)
VALUE_GROUPS(u8, uint8_t)

static void find_groups(Groups *g) {
  static void (*const of_values[T_F16])(Groups *) = {groups_f32, groups_f64, groups_i64,
                                                     groups_i32, groups_u8,  groups_u8};
  g->groups = 0;
  if (g->m == 1) {
    of_values[g->x->dtype](g);
  } else {
    for (int64_t i = 0; i < g->n; i++) {
      if (i == 0 || compare(g, place_of(g, i - 1), place_of(g, i)) != 0) g->first[g->groups++] = i;
    }
  }
  g->first[g->groups] = g->n;
}

/* ---- the ops: attributes of unique sorted, return_inverse, return_counts, dim ----------------------- */

/* x's geometry with dim in front. */
static Window dim_first(const Tensor *x, int dim) {
  Window w = window_of(x);
  int64_t size = w.shape[dim], stride = w.stride[dim];
  window_drop_dim(&w, dim);
  window_insert_dim(&w, 0, size, stride);
  return w;
}

static void infer(Call *c, int attr, bool consecutive) {
  Tensor *x = c->x[0];
  DType d = call_promote(c, 0, 1);
  bool by_dim = attr_given(c, attr + 2) && x->ndim > 0;
  call_scratch(c, sizeof(Groups));
  Groups *g = c->scratch;
  *g = (Groups){.dim = by_dim ? (int)c->attr[attr + 2].i : -1, .n = x->numel, .m = 1, .x = x};
  int64_t shape[T_MAXDIM];
  if (by_dim) {
    Window w = dim_first(x, g->dim);
    Tensor turned = window_tensor(x, &w);
    g->x = cast_copy(&turned, d);
    g->n = x->shape[g->dim];
    g->m = g->n ? x->numel / g->n : 0;
  } else if (!t_is_contiguous(x)) {
    g->x = cast_copy(x, d);
  }
  if (!consecutive) g->order = places(g->n);
  g->first = places(g->n + 1);
  for (int64_t i = 0, end; g->order && by_dim && (end = team_piece(i, g->n)) > i;)
    for (; i < end; i++) g->order[i] = i; /* merging begins with it */
  bool counted = !consecutive && !by_dim && g->n > 0 && !dtype_is_float(d) && count_values(g);
  if (!counted) {
    if (!consecutive && g->n > 0) (by_dim ? order_slices : order_values)(g);
    if (team_was_cut()) g->n = 0; /* there is no order */
    find_groups(g);
  }
  for (int i = 0; i < x->ndim; i++) shape[i] = i == g->dim ? g->groups : x->shape[i];
  call_out(c, 0, d, by_dim ? x->ndim : 1, by_dim ? shape : &g->groups);
  bool inverse = c->attr[attr].i, counts = c->attr[attr + 1].i;
  if (inverse) call_out(c, 1, T_I64, by_dim ? 1 : x->ndim, by_dim ? &g->n : x->shape);
  if (counts) call_out(c, 2, T_I64, 1, &g->groups);
}

static void unique_infer(Call *c) { infer(c, 1, false); }
static void unique_consecutive_infer(Call *c) { infer(c, 0, true); }

/* The groups' first values. */
#define VALUES(T)                                                                                  \
  static void values_##T(const Groups *g, Tensor *to) {                                            \
    const T *x = t_data(g->x);                                                                     \
    T *y = t_data(to);                                                                             \
    const int64_t *order = g->order, *first = g->first;                                            \
    for (int64_t k = 0, end; (end = team_piece(k, g->groups)) > k;)                                \
      for (; k < end; k++) y[k] = x[order ? order[first[k]] : first[k]];                           \
  }
VALUES(uint8_t)
VALUES(uint32_t)
VALUES(uint64_t)

/* The slices that begin groups, laid along dim of y; x: the op's input. */
static void slices(const Groups *g, const Tensor *x, Tensor *y) {
  for (int64_t k = 0; k < g->groups; k++) {
    if (k % FEW == 0 && team_cut()) break;
    Window to = window_of(y), whole = dim_first(x, g->dim);
    window_cut(&to, g->dim, k, 1, 1);
    window_drop_dim(&to, g->dim);
    window_drop_dim(&whole, 0);
    Window slice = window_whole(whole.ndim, whole.shape);
    slice.offset = g->x->offset + place_of(g, g->first[k]) * g->m;
    Tensor a = window_tensor(y, &to), b = window_tensor(g->x, &slice);
    cast_into(&a, &b);
  }
}

static const char *unique_run(Call *c) {
  const Groups *g = c->scratch;
  const size_t bytes = dtype_size((DType)g->x->dtype);
  if (g->dim >= 0)
    slices(g, c->x[0], c->y[0]);
  else
    (bytes == 1 ? values_uint8_t : bytes == 4 ? values_uint32_t : values_uint64_t)(g, c->y[0]);
  for (int64_t k = 0; k < g->groups && (c->y[1] || c->y[2]); k++) {
    if (k % FEW == 0 && team_cut()) break;
    for (int64_t i = g->first[k]; c->y[1] && i < g->first[k + 1]; i++) {
      t_i64(c->y[1])[place_of(g, i)] = k + T_BASE;
    }
    if (c->y[2]) t_i64(c->y[2])[k] = g->first[k + 1] - g->first[k];
  }
  return NULL;
}

/* ---- isin: inputs elements, test_elements; attributes assume_unique, invert -------------------------- */

static void isin_compose(Call *c) {
  Tensor *x = c->x[0], *row = t_reshape(c->x[1], 1, &c->x[1]->numel), *found;
  if (row->numel == 0) {
    found = t_cast(t_zeros(T_U8, x->ndim, x->shape), T_BOOL);
  } else {
    row = t_call("sort", "xi", row, (int64_t)0);
    Tensor *at = t_op2("searchsorted", row, x);
    at = t_op2("minimum", at, t_scalar_int(row->numel, T_I64)); /* the place behind the end */
    found = t_eq(t_op2("take", row, at), x);
  }
  c->y[0] = c->attr[1].i ? t_op1("logical_not", found) : found;
}

/* ---- the rows --------------------------------------------------------------------------------------- */

static Op rows[] = {
    {.sig = "unique(x: tensor, sorted: bool=true, return_inverse: bool=false, return_counts: "
            "bool=false, dim: dim?) -> values: tensor, inverse: index, counts: tensor",
     .doc = "The distinct values in rising order, as one row, or with dim the distinct slices of "
            "that dimension. On request also for every value its position among them, in x's "
            "shape, and how often each occurs. nan equals nothing.",
     .example = "tensor{3, 1, 3}:unique() --> int64 [2]  1  3",
     .test = "{{ints(3,4)}, {ints(9), {return_inverse = true, return_counts = true}}, {ints(5,1), "
             "{dim = 1, return_inverse = true, return_counts = true}}, {mask(2,6), {dim = 2}}}",
     .ref = "reference.unique",
     .flags = OP_CONST,
     .infer = unique_infer,
     .run = unique_run},
    {.sig = "unique_consecutive(x: tensor, return_inverse: bool=false, return_counts: bool=false, "
            "dim: dim?) -> values: tensor, inverse: index, counts: tensor",
     .doc = "One of each run of equal neighbours; further results as in unique.",
     .example = "tensor{1, 1, 2, 1}:unique_consecutive() --> int64 [3]  1  2  1",
     .test = "{{ints(3,4)}, {mask(9), true, true}, {mask(7,1), true, true, 1}}",
     .ref = "reference.unique_consecutive",
     .flags = OP_CONST,
     .infer = unique_consecutive_infer,
     .run = unique_run},
    {.sig = "isin(elements: tensor, test_elements: list, assume_unique: bool=false, invert: "
            "bool=false) -> mask: tensor",
     .doc = "Which elements are among the test elements; with invert, which are not.",
     .example = "tensor{1, 2, 3}:isin{3, 1} --> bool [3]  true  false  true",
     .test = "{{ints(2,3), {1, 3}}, {randn(2,2), tensor{}}, {ints(5), tensor{{4},{2}}, {invert = "
             "true}}}",
     .ref = "reference.isin",
     .flags = OP_CONST,
     .compose = isin_compose},
};

FAMILY_PART(order, unique, rows);
