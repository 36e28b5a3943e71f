/* Searching sorted values: searchsorted, bucketize. */
#include "../../loop/cast.h"
#include "../../machine/team.h"
#include "../../op.h"

enum { GRAIN = 1 << 12 };

/* ---- searching --------------------------------------------------------------------------------------- */

typedef struct Search {
  const Tensor *row, *x; /* sorted values and what is looked for: float64 or int64 */
  const int64_t *sorter; /* positions from T_BASE, or NULL */
  int64_t n, each;       /* values of a row; how many are looked for in it, or all in one */
  bool right;
} Search;

/* The first place whose value is not below v, or, to the right, is above v. */
#define SEARCH(name, T)                                                                            \
  static int64_t search_##name(const Search *s, int64_t row, T v) {                                \
    const T *r = (const T *)t_data(s->row) + row * s->n;                                           \
    const int64_t *at = s->sorter ? s->sorter + row * s->n : NULL;                                 \
    int64_t lo = 0, hi = s->n;                                                                     \
    while (lo < hi) {                                                                              \
      int64_t mid = lo + (hi - lo) / 2;                                                            \
      T m = r[at ? at[mid] - T_BASE : mid];                                                        \
      if (s->right ? !(m > v) : !(m >= v))                                                         \
        lo = mid + 1;                                                                              \
      else                                                                                         \
        hi = mid;                                                                                  \
    }                                                                                              \
    return lo;                                                                                     \
  }
SEARCH(f64, double)
SEARCH(i64, int64_t)

/* The same for several values at once, which all take the same number of steps; no sorter. */
enum { ABREAST = 8 };
#define SEARCH_ABREAST(name, T)                                                                    \
  static void abreast_##name(const Search *s, int64_t row, const T *v, int64_t *at) {              \
    const T *r = (const T *)t_data(s->row) + row * s->n;                                           \
    int64_t left = s->n;                                                                           \
    for (int k = 0; k < ABREAST; k++) at[k] = 0;                                                   \
    while (left > 0) {                                                                             \
      int64_t half = (left + 1) / 2;                                                               \
      for (int k = 0; k < ABREAST; k++) {                                                          \
        T m = r[at[k] + half - 1];                                                                 \
        bool over = s->right ? m > v[k] : m >= v[k];                                               \
        at[k] += over ? 0 : half;                                                                  \
      }                                                                                            \
      left -= half;                                                                                \
    }                                                                                              \
  }
SEARCH_ABREAST(f64, double)
SEARCH_ABREAST(i64, int64_t)

static void check_sorter(const Call *c, const Tensor *sorter, const Tensor *row, int64_t n) {
  if (sorter->dtype != T_I64 || !t_same_shape(sorter, row)) {
    t_fail("%s: the sorter is %s of %s; int64 positions in the shape of the sorted values, %s, are "
           "wanted",
           call_name(c), dtype_name((DType)sorter->dtype), t_shape_str(sorter), t_shape_str(row));
  }
  for (int64_t i = 0; i < sorter->numel; i++) {
    int64_t at = t_i64(sorter)[i];
    if (at < T_BASE || at >= n + T_BASE) {
      t_fail("%s: the sorter has position %lld; they are 1..%lld", call_name(c), (long long)at,
             (long long)n);
    }
  }
}

/* row: position of the sorted values among the inputs; x: of what is looked for. */
static void search_infer(Call *c, int row, int x, Tensor *sorter, bool right, bool int32) {
  bool floats = dtype_is_float((DType)c->x[row]->dtype) || dtype_is_float((DType)c->x[x]->dtype);
  call_promote(c, 0, 2);
  const Tensor *r = c->x[row], *v = c->x[x];
  if (r->ndim == 0) t_fail("%s: the sorted values have no dimension", call_name(c));
  bool fits = r->ndim == 1 || r->ndim == v->ndim;
  for (int d = 0; r->ndim > 1 && fits && d < r->ndim - 1; d++) fits = r->shape[d] == v->shape[d];
  if (!fits) {
    t_fail("%s: sorted values %s and values %s; the first have one dimension, or both are equal "
           "in all but the last",
           call_name(c), t_shape_str(r), t_shape_str(v));
  }
  int64_t n = r->shape[r->ndim - 1];
  call_scratch(c, sizeof(Search));
  Search *s = c->scratch;
  *s = (Search){.n = n, .right = right, .each = v->numel};
  if (r->ndim > 1) s->each = v->shape[v->ndim - 1];
  if (sorter) {
    const Tensor *in_order = t_is_contiguous(sorter) ? sorter : cast_copy(sorter, sorter->dtype);
    check_sorter(c, in_order, r, n);
    s->sorter = t_i64(in_order);
  }
  call_out(c, 0, int32 ? T_I32 : T_I64, v->ndim, v->shape);
  call_want(c, row, floats ? T_F64 : T_I64);
  call_want(c, x, floats ? T_F64 : T_I64);
  s->row = c->x[row];
  s->x = c->x[x];
}

/* Inputs: sorted_sequence, values, sorter; attributes out_int32, right, side. */
static void searchsorted_infer(Call *c) {
  bool right = c->attr[1].i, side = attr_given(c, 2) && c->attr[2].i;
  if (right && attr_given(c, 2) && !side) {
    t_fail("searchsorted: right = true and side = \"left\" contradict each other; give one");
  }
  search_infer(c, 0, 1, c->x[2], right || side, c->attr[0].i);
}

/* Inputs: x, boundaries; attributes out_int32, right. */
static void bucketize_infer(Call *c) {
  if (c->x[1]->ndim != 1) {
    t_fail("bucketize: the boundaries are %s; a list is wanted", t_shape_str(c->x[1]));
  }
  search_infer(c, 1, 0, NULL, c->attr[1].i, c->attr[0].i);
}

typedef struct SearchJob {
  const Search *s;
  Tensor *y;
} SearchJob;

/* The places of values i, i + 1, ...: ABREAST of them where they belong to one row before `end`, or
   one. How many there were. */
static int64_t search_some(const Search *s, int64_t i, int64_t end, int64_t at[ABREAST]) {
  int64_t row = i / s->each, last = (row + 1) * s->each < end ? (row + 1) * s->each : end;
  bool floats = s->x->dtype == T_F64;
  if (s->sorter || i + ABREAST > last) {
    *at = floats ? search_f64(s, row, t_f64(s->x)[i]) : search_i64(s, row, t_i64(s->x)[i]);
    return 1;
  }
  if (floats)
    abreast_f64(s, row, t_f64(s->x) + i, at);
  else
    abreast_i64(s, row, t_i64(s->x) + i, at);
  return ABREAST;
}

static void search_part(void *job, int64_t part) {
  const SearchJob *j = job;
  int64_t numel = j->s->x->numel, at[ABREAST], *y64 = t_data(j->y);
  int32_t *y32 = t_data(j->y);
  bool narrow = j->y->dtype == T_I32;
  int64_t end = (part + 1) * GRAIN < numel ? (part + 1) * GRAIN : numel;
  for (int64_t i = part * GRAIN, n; i < end; i += n) {
    n = search_some(j->s, i, end, at);
    for (int64_t k = 0; k < n; k++) {
      if (narrow)
        y32[i + k] = (int32_t)(at[k] + T_BASE);
      else
        y64[i + k] = at[k] + T_BASE;
    }
  }
}

static const char *searchsorted_run(Call *c) {
  SearchJob j = {c->scratch, c->y[0]};
  team_run((c->y[0]->numel + GRAIN - 1) / GRAIN, search_part, &j);
  return NULL;
}

/* ---- the rows --------------------------------------------------------------------------------------- */

static Op rows[] = {
    {.sig = "searchsorted(sorted_sequence: tensor, values: tensor, out_int32: bool=false, right: "
            "bool=false, side: string{left|right}?, sorter: index?) -> positions: index",
     .doc = "Where values would go into sorted values, counted from 1: the first place whose value "
            "is not below, or with right = true (or side) is above. One sorted row serves all "
            "values, or rows belong together one by one. sorter: the argsort of values that are "
            "not in order.",
     .example = "tensor{1, 3, 5}:searchsorted(tensor{3, 9}) --> int64 [2]  2  4",
     .test =
         "{{tensor{1,3,3,5}, tensor{{0,3},{4,6}}}, {tensor{1,3,3,5}, tensor{3,5}, {right = "
         "true}}, {tensor{{1,2},{3,4}}, tensor{{2},{9}}}, {tensor{5,1,3}, tensor{2,3}, {sorter = "
         "tensor{2,3,1}}}}",
     .ref = "reference.searchsorted",
     .flags = OP_CONST,
     .infer = searchsorted_infer,
     .run = searchsorted_run},
    {.sig = "bucketize(x: tensor, boundaries: list, out_int32: bool=false, right: bool=false) -> "
            "positions: index",
     .doc = "Which of the intervals between rising boundaries each value falls into, counted from "
            "1; with right = true a value on a boundary goes to the interval above.",
     .example = "tensor{0.5, 2.0, 7.0}:bucketize{1, 5} --> int64 [3]  1  2  3",
     .test = "{{randn(2,3), {-0.5, 0.5}}, {ints(6), tensor{2,3}, {right = true}}}",
     .ref = "reference.bucketize",
     .flags = OP_CONST,
     .infer = bucketize_infer,
     .run = searchsorted_run},
};

FAMILY_PART(order, search, rows);
