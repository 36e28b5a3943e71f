/* Systems of equations: by LU, by triangles; the inverse. */
#include <string.h>

#include "../../blas/lapack.h"
#include "linalg.h"

#define SINGULAR                                                                                   \
  "the matrix is singular: pivot %d is zero; linalg.lstsq and linalg.pinv take any matrix"

/* ---- AX = B by LU --------------------------------------------------------------------------------- */

/* a: [...,n,n]  b: [...,n,k]  ->  [...,n,k] */
static void solve_infer(Call *c) {
  la_square(c, 0);
  la_matrix(c, 1);
  const Tensor *a = c->x[0], *b = c->x[1];
  if (la_rows(b) != la_rows(a)) {
    t_fail("%s: A is %s and B %s; they need equally many rows", call_name(c), t_shape_str(a),
           t_shape_str(b));
  }
  la_same_batch(c, 0, 1);
  DType d = la_float(c, 0, 2);
  int64_t n = la_rows(c->x[0]);
  call_out(c, 0, d, c->x[1]->ndim, c->x[1]->shape);
  la_scratch(c, la_count(c->x[0]),
             la_pad((size_t)(n * n) * dtype_size(d)) + (size_t)n * sizeof(int), 0);
}

static void swap_rows(char *x, size_t bytes, int64_t i, int64_t j) {
  char *a = x + (size_t)i * bytes, *b = x + (size_t)j * bytes, keep[256];
  for (size_t at = 0; i != j && at < bytes; at += sizeof keep) {
    size_t n = bytes - at < sizeof keep ? bytes - at : sizeof keep;
    memcpy(keep, a + at, n);
    memcpy(a + at, b + at, n);
    memcpy(b + at, keep, n);
  }
}

/* In column-major view the matrix is A' = P L U, so A = U' L' P'. */
int la_solve(DType d, int n, int k, void *a, int *pivots, void *x) {
  int info = lapack_getrf(d, n, n, a, pivots);
  if (info) return info;
  lapack_trsm(d, false, false, false, n, k, a, x, k);
  lapack_trsm(d, true, false, true, n, k, a, x, k);
  for (int r = n; r-- > 0;) swap_rows(x, (size_t)k * dtype_size(d), r, pivots[r] - 1);
  return 0;
}

static int solve_one(const Call *c, int64_t i, char *room) {
  const Tensor *a = c->x[0];
  Tensor *y = c->y[0];
  DType d = (DType)y->dtype;
  int n = (int)la_rows(a), k = (int)la_cols(y);
  size_t size = dtype_size(d);
  void *lu = la_take(&room, (size_t)n * (size_t)n * size), *x = la_at(y, i);
  int *pivots = la_take(&room, (size_t)n * sizeof(int));
  memcpy(lu, la_at(a, i), (size_t)n * (size_t)n * size);
  memcpy(x, la_at(c->x[1], i), (size_t)n * (size_t)k * size);
  return la_solve(d, n, k, lu, pivots, x);
}

static const char *solve_run(Call *c) {
  double n = (double)la_rows(c->x[0]), k = (double)la_cols(c->y[0]);
  const char *bad = la_each(c, n * n * (n / 3 + k), solve_one);
  return bad ? bad : la_complain(c, SINGULAR);
}

/* Giles 2008, "Collected matrix derivative results", 2.3.1: gB = A^-T g, gA = -gB X^T. */
static void solve_grad(Call *c, Tensor *const *gy, Tensor **gx) {
  Tensor *gb = t_op2("solve", la_flip(c->x[0]), gy[0]);
  if (c->want[0]) gx[0] = t_neg(t_matmul(gb, la_flip(c->y[0])));
  if (c->want[1]) gx[1] = gb;
}

bool la_is_vectors(const Tensor *a, const Tensor *b) {
  if (b->ndim == 1) return true;
  if (b->ndim != a->ndim - 1) return false;
  for (int d = 0; d < b->ndim; d++) {
    if (b->shape[d] != a->shape[d]) return false;
  }
  return true;
}

static void linalg_solve_compose(Call *c) {
  Tensor *a = c->x[0], *b = c->x[1];
  bool left = attr_int(c, 0, 1);
  la_square(c, 0);
  bool vectors = la_is_vectors(a, b);
  if (!vectors) la_matrix(c, 1);
  if (vectors) b = left ? la_column(b) : la_row(b);
  la_broadcast(c, &a, &b);
  Tensor *x;
  if (left) {
    x = t_op2("solve", a, b);
  } else {
    x = la_flip(t_op2("solve", la_flip(a), la_flip(b)));
  }
  c->y[0] = vectors ? t_squeeze(x, left ? x->ndim - 1 : x->ndim - 2) : x;
}

/* ---- the inverse ---------------------------------------------------------------------------------- */

static void inverse_infer(Call *c) {
  la_square(c, 0);
  DType d = la_float(c, 0, 1);
  const Tensor *a = c->x[0];
  call_out(c, 0, d, a->ndim, a->shape);
  if (op_sig(c->op)->nresults == 2) call_out(c, 1, T_I32, a->ndim - 2, a->shape);
  int64_t n = la_rows(a);
  int lwork = lapack_work(LAPACK_GETRI, d, (int)n, 0, 0);
  la_scratch(c, la_count(a), la_pad((size_t)n * sizeof(int)) + (size_t)lwork * dtype_size(d),
             lwork);
}

static int inverse_one(const Call *c, int64_t i, char *room) {
  Tensor *y = c->y[0];
  DType d = (DType)y->dtype;
  int n = (int)la_rows(y);
  int *pivots = la_take(&room, (size_t)n * sizeof(int));
  void *a = la_at(y, i);
  memcpy(a, la_at(c->x[0], i), (size_t)n * (size_t)n * dtype_size(d));
  int info = lapack_getrf(d, n, n, a, pivots);
  if (info || n == 0) return info;
  return lapack_getri(d, n, a, pivots, room, la_lwork(c));
}

static const char *invert(Call *c) {
  double n = (double)la_rows(c->x[0]);
  return la_each(c, n * n * n, inverse_one);
}

static const char *inverse_run(Call *c) {
  const char *bad = invert(c);
  return bad ? bad : la_complain(c, SINGULAR);
}

static const char *inv_ex_run(Call *c) {
  const char *bad = invert(c);
  if (bad) return bad;
  la_store_info(c, c->y[1]);
  return attr_int(c, 0, 0) ? la_complain(c, SINGULAR) : NULL;
}

/* Giles 2008, 2.2.3 */
static void inverse_grad(Call *c, Tensor *const *gy, Tensor **gx) {
  Tensor *t = la_flip(c->y[0]);
  if (gy[0]) gx[0] = t_neg(t_matmul(t, t_matmul(gy[0], t)));
}

/* ---- triangles ------------------------------------------------------------------------------------ */

/* a: [...,n,n]  b: [...,n,k]  attributes: upper, unit */
static void triangle_infer(Call *c) {
  la_square(c, 0);
  la_matrix(c, 1);
  if (la_rows(c->x[1]) != la_rows(c->x[0])) {
    t_fail("linalg.solve_triangular: A is %s and B %s; the sizes that meet must be equal",
           t_shape_str(c->x[0]), t_shape_str(c->x[1]));
  }
  la_same_batch(c, 0, 1);
  DType d = la_float(c, 0, 2);
  call_out(c, 0, d, c->x[1]->ndim, c->x[1]->shape);
  la_scratch(c, la_count(c->x[0]), 0, 0);
}

static int triangle_one(const Call *c, int64_t i, char *room) {
  (void)room;
  Tensor *y = c->y[0];
  DType d = (DType)y->dtype;
  int n = (int)la_rows(y), k = (int)la_cols(y);
  void *x = la_at(y, i);
  memcpy(x, la_at(c->x[1], i), (size_t)n * (size_t)k * dtype_size(d));
  lapack_trsm(d, c->attr[0].i, false, c->attr[1].i, n, k, la_at(c->x[0], i), x, k);
  return 0;
}

static const char *triangle_run(Call *c) {
  double n = (double)la_rows(c->y[0]), k = (double)la_cols(c->y[0]);
  return la_each(c, n * n * k / 2, triangle_one);
}

static Tensor *triangle(Tensor *a, Tensor *b, bool upper, bool unit) {
  Call c;
  call_begin(&c, op_need("solve_triangular"));
  la_broadcast(&c, &a, &b);
  la_begin(&c, "solve_triangular", a, b);
  c.attr[0] = attr_of_bool(upper);
  c.attr[1] = attr_of_bool(unit);
  return la_apply(&c);
}

static void triangle_grad(Call *c, Tensor *const *gy, Tensor **gx) {
  bool upper = c->attr[0].i, unit = c->attr[1].i;
  Tensor *gb = triangle(la_flip(c->x[0]), gy[0], !upper, unit);
  if (c->want[1]) gx[1] = gb;
  if (!c->want[0]) return;
  Tensor *ga = t_neg(t_matmul(gb, la_flip(c->y[0])));
  gx[0] = upper ? la_upper(ga, unit) : la_lower(ga, unit ? -1 : 0);
}

static void solve_triangular_compose(Call *c) {
  Tensor *a = c->x[0], *b = c->x[1];
  bool upper = c->attr[0].i, left = attr_int(c, 1, 1), unit = attr_int(c, 2, 0);
  la_matrix(c, 0);
  la_matrix(c, 1);
  c->y[0] =
      left ? triangle(a, b, upper, unit) : la_flip(triangle(la_flip(a), la_flip(b), !upper, unit));
}

static void triangular_solve_compose(Call *c) {
  Tensor *b = c->x[0], *a = c->x[1];
  bool upper = attr_int(c, 0, 1), transposed = attr_int(c, 1, 0), unit = attr_int(c, 2, 0);
  la_matrix(c, 0);
  la_square(c, 1);
  c->y[0] = triangle(transposed ? la_flip(a) : a, b, transposed ? !upper : upper, unit);
  c->y[1] = t_op1("clone", a);
}

/* ---- from factors --------------------------------------------------------------------------------- */

static Tensor *from_cholesky(Tensor *b, Tensor *l, bool upper) {
  Tensor *t = la_flip(l);
  return upper ? triangle(l, triangle(t, b, false, false), true, false)
               : triangle(t, triangle(l, b, false, false), true, false);
}

static void cholesky_solve_compose(Call *c) {
  la_matrix(c, 0);
  la_square(c, 1);
  c->y[0] = from_cholesky(c->x[0], c->x[1], attr_int(c, 0, 0));
}

static void cholesky_inverse_compose(Call *c) {
  la_square(c, 0);
  Tensor *l = c->x[0];
  DType d = dtype_is_float((DType)l->dtype) ? (DType)l->dtype : T_F32;
  c->y[0] = from_cholesky(la_eye(d, la_rows(l)), l, attr_int(c, 0, 0));
}

/* X of A X = B for A = P L U; adjoint: of A' X = B. */
static Tensor *from_lu(Tensor *lu, Tensor *pivots, Tensor *b, bool adjoint) {
  Call c;
  la_begin(&c, "lu_permutation", pivots, NULL);
  c.attr[0] = attr_of_int(la_rows(lu));
  c.attr[1] = (Attr){.tag = A_DTYPE, .i = b->dtype};
  Tensor *p = la_apply(&c);
  if (adjoint) {
    Tensor *t = la_flip(lu);
    return t_matmul(p, triangle(t, triangle(t, b, false, false), true, true));
  }
  return triangle(lu, triangle(lu, t_matmul(la_flip(p), b), false, true), true, false);
}

static void linalg_lu_solve_compose(Call *c) {
  Tensor *lu = c->x[0], *pivots = c->x[1], *b = c->x[2];
  bool left = attr_int(c, 0, 1), adjoint = attr_int(c, 1, 0);
  la_square(c, 0);
  la_matrix(c, 2);
  c->y[0] =
      left ? from_lu(lu, pivots, b, adjoint) : la_flip(from_lu(lu, pivots, la_flip(b), !adjoint));
}

static void lu_solve_compose(Call *c) {
  la_matrix(c, 0);
  la_square(c, 1);
  c->y[0] = from_lu(c->x[1], c->x[2], c->x[0], false);
}

static Op rows[] = {
    {.sig = "linalg.solve(A: tensor, B: tensor, left: bool=true) -> X: tensor",
     .doc = "The X of A X = B, or, with left = false, of X A = B. A: [...,n,n]. B: [...,n,k], or "
            "[n] or [...,n] for one vector per matrix; batches broadcast. A singular matrix is an "
            "error. Gradients as in Giles 2008, Collected matrix derivative results.",
     .example = "tensor.linalg.solve(tensor{{2.0, 0.0}, {0.0, 4.0}}, tensor{6.0, 8.0}) --> float32 "
                "[2]  3.0  2.0",
     .test = "{{well(3), randn(3,2)}, {well(2,3), randn(3)}, {well(2,1,3), randn(4,3,2)}, "
             "{well(3), randn(2,3), {left = false}}, {well(2,3), randn(2,3), false}}",
     .ref = "reference.solve",
     .flags = OP_FUNCTION,
     .compose = linalg_solve_compose},
    {.sig = "solve(A: tensor, B: tensor) -> X: tensor",
     .doc = "The X of A X = B. A: [...,n,n], B: [...,n,k].",
     .test = "{{well(3), randn(3,2)}, {well(2,3), randn(2,3,1)}}",
     .ref = "reference.solve",
     .flags = OP_HIDDEN,
     .save = SAVE_X(0) | SAVE_Y(0),
     .infer = solve_infer,
     .run = solve_run,
     .grad = solve_grad},
    {.sig = "inverse(A: tensor) -> inverse: tensor",
     .aliases = "linalg.inv",
     .doc = "The inverse of square matrices [...,n,n]. A singular matrix is an error. "
            "linalg.solve(A, B) is faster and more exact than inverse(A) times B.",
     .example = "tensor{{2.0, 1.0}, {1.0, 1.0}}:inverse() --> float32 [2,2]\n"
                "   1.0  -1.0\n"
                "  -1.0   2.0",
     .test = "{{well(3)}, {well(2,2)}, {well(2,1,1)}}",
     .ref = "reference.inverse",
     .save = SAVE_Y(0),
     .infer = inverse_infer,
     .run = inverse_run,
     .grad = inverse_grad},
    {.sig = "linalg.inv_ex(A: tensor, check_errors: bool=false) -> inverse: tensor, info: tensor",
     .doc = "The inverse, and for each matrix 0 or the number of the pivot that is zero: then its "
            "inverse is undefined. check_errors makes that an error.",
     .example = "inverse, info = tensor.linalg.inv_ex(tensor{{1.0, 1.0}, {1.0, 1.0}})\n"
                "info --> 2",
     .test = "{{well(3)}, {well(2,2)}}",
     .ref = "reference.inv_ex",
     .flags = OP_FUNCTION,
     .save = SAVE_Y(0),
     .infer = inverse_infer,
     .run = inv_ex_run,
     .grad = inverse_grad},
    {.sig = "linalg.solve_triangular(A: tensor, B: tensor, upper: bool, left: bool=true, "
            "unitriangular: bool=false) -> X: tensor",
     .doc = "The X of A X = B, or, with left = false, of X A = B, for a triangular A [...,n,n] of "
            "which only the triangle that upper names is read; with unitriangular its diagonal "
            "counts as ones. A zero on the diagonal gives inf or nan. Batches broadcast.",
     .example = "L = tensor{{2.0, 0.0}, {1.0, 1.0}}\n"
                "tensor.linalg.solve_triangular(L, tensor{{4.0}, {5.0}}, false) --> float32 [2,1]\n"
                "  2.0\n"
                "  3.0",
     .test = "{{well(3), randn(3,2), {upper = true}}, {well(2,3), randn(3,2), false}, "
             "{well(3), randn(2,3), true, false}, {well(3), randn(2,3,2), false, true, true}}",
     .ref = "reference.solve_triangular",
     .flags = OP_FUNCTION,
     .compose = solve_triangular_compose},
    {.sig = "solve_triangular(A: tensor, B: tensor, upper: bool, unit: bool) -> X: tensor",
     .doc = "The X of A X = B for triangular A.",
     .test = "{{well(3), randn(3,2), true, false}, {well(2,3), randn(2,3,1), false, true}}",
     .ref = "reference.solve_triangle",
     .flags = OP_HIDDEN,
     .save = SAVE_X(0) | SAVE_Y(0),
     .infer = triangle_infer,
     .run = triangle_run,
     .grad = triangle_grad},
    {.sig = "triangular_solve(b: tensor, A: tensor, upper: bool=true, transpose: bool=false, "
            "unitriangular: bool=false) -> solution: tensor, cloned_coefficient: tensor",
     .doc = "The X of A X = b for triangular A, and a copy of A. linalg.solve_triangular is the "
            "newer form.",
     .example = "x = tensor{{4.0}, {5.0}}:triangular_solve(tensor{{2.0, 0.0}, {1.0, 1.0}}, false)\n"
                "x --> float32 [2,1]\n"
                "  2.0\n"
                "  3.0",
     .test = "{{randn(3,2), well(3)}, {randn(3,2), well(2,3), false, true}, "
             "{randn(3,1), well(3), {unitriangular = true}}}",
     .ref = "reference.triangular_solve",
     .compose = triangular_solve_compose},
    {.sig = "cholesky_solve(B: tensor, L: tensor, upper: bool=false) -> X: tensor",
     .doc = "The X of A X = B, where L is the Cholesky factor of A: A = L L^T, or, with upper, "
            "A = L^T L. B: [...,n,k].",
     .example = "L = tensor{{2.0, 0.0}, {1.0, 2.0}}\n"
                "tensor{{6.0}, {7.0}}:cholesky_solve(L) --> float32 [2,1]\n"
                "  1.0\n"
                "  1.0",
     .test = "{{randn(3,2), well(3)}, {randn(3,2), well(2,3), true}}",
     .ref = "reference.cholesky_solve",
     .compose = cholesky_solve_compose},
    {.sig = "cholesky_inverse(L: tensor, upper: bool=false) -> inverse: tensor",
     .doc = "The inverse of A, where L is the Cholesky factor of A.",
     .example = "L = tensor{{1.0, 0.0}, {1.0, 1.0}}\n"
                "L:cholesky_inverse() --> float32 [2,2]\n"
                "   2.0  -1.0\n"
                "  -1.0   1.0",
     .test = "{{well(3)}, {well(2,2), true}}",
     .ref = "reference.cholesky_inverse",
     .compose = cholesky_inverse_compose},
    {.sig = "linalg.lu_solve(LU: tensor, pivots: tensor, B: tensor, left: bool=true, adjoint: "
            "bool=false) -> X: tensor",
     .doc = "The X of A X = B from LU, pivots = linalg.lu_factor(A). left = false solves X A = B, "
            "adjoint uses A^T in place of A.",
     .example = "LU, pivots = tensor.linalg.lu_factor(tensor{{0.0, 2.0}, {4.0, 0.0}})\n"
                "tensor.linalg.lu_solve(LU, pivots, tensor{{6.0}, {8.0}}) --> float32 [2,1]\n"
                "  2.0\n"
                "  3.0",
     .test = "{{well(3), tensor{2,3,3}, randn(3,2)}, {well(3), tensor{3,2,3}, randn(2,3), false}, "
             "{well(2,2), tensor{{1,2},{2,2}}, randn(2,2,1), {adjoint = true}}}",
     .ref = "reference.linalg_lu_solve",
     .flags = OP_FUNCTION,
     .compose = linalg_lu_solve_compose},
    {.sig = "lu_solve(b: tensor, LU_data: tensor, LU_pivots: tensor) -> X: tensor",
     .doc = "The X of A X = b from LU_data, LU_pivots = linalg.lu_factor(A).",
     .example = "LU, pivots = tensor.linalg.lu_factor(tensor{{0.0, 2.0}, {4.0, 0.0}})\n"
                "tensor{{6.0}, {8.0}}:lu_solve(LU, pivots) --> float32 [2,1]\n"
                "  2.0\n"
                "  3.0",
     .test = "{{randn(3,2), well(3), tensor{2,3,3}}}",
     .ref = "reference.lu_solve",
     .compose = lu_solve_compose},
};

FAMILY_PART(linalg, solve, rows);
