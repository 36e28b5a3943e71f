/* Grids and combinations of vectors, and classes as vectors of 0 and 1. */
#include "../../calc.h"
#include "../../loop/cast.h"
#include "../../store.h"
#include "../../machine/team.h"

/* ---- meshgrid and what is made of it ---------------------------------------------------------------- */

/* Vector k (of n) along dimension at, expanded to the shape of the grid. */
static Tensor *spread(Tensor *x, int n, int at, const int64_t *shape) {
  int64_t own[T_MAXDIM];
  for (int d = 0; d < n; d++) own[d] = d == at ? x->numel : 1;
  return t_expand(t_reshape(x, n, own), n, shape);
}

static void meshgrid_compose(Call *c) {
  int n = c->nx;
  bool crossed = attr_int(c, 0, 0) == 1; /* "xy": the first two dimensions change places */
  int64_t shape[T_MAXDIM];
  if (n > T_MAXDIM) t_fail("meshgrid: %d vectors; at most %d", n, T_MAXDIM);
  for (int i = 0; i < n; i++) {
    if (c->x[i]->ndim > 1) {
      t_fail("%s: element %d of the list is %s; vectors are wanted", call_name(c), i + 1,
             t_shape_str(c->x[i]));
    }
  }
  for (int i = 0; i < n; i++) {
    int at = crossed && n > 1 && i < 2 ? 1 - i : i;
    shape[at] = c->x[i]->numel;
  }
  call_results(c, n);
  for (int i = 0; i < n; i++) {
    int at = crossed && n > 1 && i < 2 ? 1 - i : i;
    c->y[i] = spread(c->x[i], n, at, shape);
  }
}

static void cartesian_prod_compose(Call *c) {
  int n = c->nx;
  int64_t shape[T_MAXDIM], all = 1;
  if (n < 1 || n > T_MAXDIM) t_fail("cartesian_prod: 1 to %d vectors are wanted", T_MAXDIM);
  for (int i = 0; i < n; i++) {
    if (c->x[i]->ndim != 1) {
      t_fail("cartesian_prod: element %d of the list is %s; vectors are wanted", i + 1,
             t_shape_str(c->x[i]));
    }
    shape[i] = c->x[i]->numel;
    if (__builtin_mul_overflow(all, shape[i], &all)) t_fail("cartesian_prod: too many rows");
  }
  if (n == 1) {
    c->y[0] = t_op1("clone", c->x[0]);
    return;
  }
  Tensor *column[T_MAXDIM];
  int64_t tall[2] = {all, 1};
  for (int i = 0; i < n; i++) column[i] = t_reshape(spread(c->x[i], n, i, shape), 2, tall);
  c->y[0] = t_cat(n, column, 1);
}

/* ---- combinations: attributes r, with_replacement --------------------------------------------------- */

/* The next choice of r positions below n in lexical order; false after the last. */
static bool next_choice(int64_t *at, int64_t r, int64_t n, bool again) {
  int64_t k = r - 1;
  while (k >= 0 && at[k] == (again ? n - 1 : n - r + k)) k--;
  if (k < 0) return false;
  at[k]++;
  for (int64_t j = k + 1; j < r; j++) at[j] = again ? at[k] : at[j - 1] + 1;
  return true;
}

/* How many there are, at most 2^40: n+r-1 or n over r. */
static int64_t choices(int64_t n, int64_t r, bool again) {
  int64_t from = again ? n + r - 1 : n;
  double count = 1;
  if (r > from) return 0;
  for (int64_t k = 1; k <= r; k++) count *= (double)(from - r + k) / (double)k;
  if (count > 0x1p40) t_fail("combinations: %g rows are too many", count);
  return (int64_t)(count + 0.5);
}

static void combinations_compose(Call *c) {
  Tensor *x = c->x[0];
  int64_t r = attr_int(c, 0, 2), n = x->numel, at[64] = {0};
  bool again = attr_int(c, 1, false);
  if (x->ndim != 1) t_fail("combinations: x is %s; a vector is wanted", t_shape_str(x));
  if (r < 0 || r > 64) t_fail("combinations: r is %lld; from 0 to 64 is wanted", (long long)r);
  int64_t count = r == 0 ? 0 : choices(n, r, again), total = count * r, shape[2] = {count, r};
  Tensor *index = t_new(T_I64, 1, &total);
  for (int64_t k = 0; k < r; k++) at[k] = again ? 0 : k;
  for (int64_t i = 0; i < count; i++) {
    for (int64_t k = 0; k < r; k++) t_i64(index)[i * r + k] = at[k] + T_BASE;
    next_choice(at, r, n, again);
  }
  Call d;
  call_begin(&d, op_need("index_select"));
  d.x[0] = x;
  d.attr[0] = attr_of_int(0);
  d.x[1] = index;
  op_apply(&d);
  c->y[0] = r == 0 ? d.y[0] : t_reshape(d.y[0], 2, shape);
}

/* ---- one_hot: attribute num_classes ------------------------------------------------------------------ */

static void one_hot_infer(Call *c) {
  call_want(c, 0, T_I64);
  const Tensor *x = c->x[0];
  int64_t classes = attr_int(c, 0, -1), top = 0, shape[T_MAXDIM];
  if (x->ndim == T_MAXDIM) t_fail("one_hot: x has %d dimensions, the most there are", T_MAXDIM);
  if (x->numel == 0 && classes <= 0) {
    t_fail("one_hot: x has no elements to tell the number of classes; give num_classes");
  }
  if (classes == 0 || classes < -1) {
    t_fail("one_hot: num_classes is %lld; it is 1 or more, or -1 for the largest class there is",
           (long long)classes);
  }
  for (int64_t i = 0; i < x->numel; i++) {
    int64_t k = t_i64(x)[i];
    if (k < T_BASE || (classes > 0 && k - T_BASE >= classes)) {
      t_fail("one_hot: %lld at element %lld is not a class 1..%lld; classes count from 1 (labels "
             "from a file that counts from 0: add 1)",
             (long long)k, (long long)i + 1, (long long)(classes > 0 ? classes : top));
    }
    top = k - T_BASE >= top ? k - T_BASE + 1 : top;
  }
  for (int d = 0; d < x->ndim; d++) shape[d] = x->shape[d];
  shape[x->ndim] = classes > 0 ? classes : top;
  call_out(c, 0, T_I64, x->ndim + 1, shape);
}

static const char *one_hot_run(Call *c) {
  Tensor *y = c->y[0];
  int64_t classes = y->shape[y->ndim - 1];
  Attr zero = attr_of_int(0);
  store_number(y, &zero);
  for (int64_t i = 0, end; (end = team_piece(i, c->x[0]->numel)) > i;)
    for (; i < end; i++) t_i64(y)[i * classes + t_i64(c->x[0])[i] - T_BASE] = 1;
  return NULL;
}

/* ---- the rows --------------------------------------------------------------------------------------- */

static Op rows[] = {
    {.sig = "meshgrid(tensors: tensors, indexing: string{ij|xy}=ij) -> grids: tensors",
     .doc = "Of n vectors n tensors of n dimensions: grid k repeats vector k along all but "
            "dimension k. indexing = \"xy\" exchanges the first two dimensions.",
     .example = "rows, columns = table.unpack(tensor.meshgrid{tensor{1, 2}, tensor{3, 4, 5}})\n"
                "rows --> int64 [2,3]  1  1  1  2  2  2\n"
                "columns --> int64 [2,3]\n"
                "  3  4  5\n"
                "  3  4  5",
     .test = "{{{randn(2), randn(3)}}, {{randn(2), randn(3), randn(1)}, \"xy\"}}",
     .ref = "reference.meshgrid",
     .compose = meshgrid_compose},
    {.sig = "cartesian_prod(tensors: tensors) -> y: tensor",
     .doc = "All ways to take one element of each vector, a row each: the last changes fastest.",
     .example = "tensor.cartesian_prod({tensor{1, 2}, tensor{3, 4}}) --> int64 [4,2]\n  1  3\n  1  "
                "4\n  2  3\n  2  4",
     .test = "{{{randn(2), randn(3)}}, {{randn(3)}}}",
     .ref = "reference.cartesian_prod",
     .compose = cartesian_prod_compose},
    {.sig = "combinations(x: tensor, r: int=2, with_replacement: bool=false) -> y: tensor",
     .doc = "All ways to take r elements of a vector in their order, a row each.",
     .example = "tensor{1, 2, 3}:combinations() --> int64 [3,2]\n  1  2\n  1  3\n  2  3",
     .test = "{{randn(4)}, {randn(3), 2, true}, {randn(4), 3}, {randn(2), 3}}",
     .ref = "reference.combinations",
     .compose = combinations_compose},
    {.sig = "one_hot(x: class, num_classes: int=-1) -> y: tensor",
     .doc = "Classes as vectors: int64, 1 at the place of the class and 0 elsewhere, in a new last "
            "dimension of size num_classes, or of the largest class there is.",
     .example = "tensor{1, 3}:one_hot() --> int64 [2,3]\n  1  0  0\n  0  0  1",
     .test = "{{ints(4)}, {ints(2,3), 5}}",
     .ref = "reference.one_hot",
     .flags = OP_CONST | OP_TENSOR,
     .infer = one_hot_infer,
     .run = one_hot_run},
};

FAMILY_PART(create, grids, rows);
