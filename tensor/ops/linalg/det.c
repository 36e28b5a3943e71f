/* Determinants. */
#include <float.h>
#include <math.h>
#include <string.h>

#include "../../blas/lapack.h"
#include "linalg.h"

static size_t lu_room(DType d, int64_t n) {
  return la_pad((size_t)(n * n) * dtype_size(d)) + la_pad((size_t)n * sizeof(int));
}

/* Factors matrix a (of n) in a room of lu_room bytes; the sign of the exchanges. */
static double factor(DType d, int n, const void *a, char *room, void **lu, int **pivots) {
  *lu = la_take(&room, (size_t)n * (size_t)n * dtype_size(d));
  *pivots = la_take(&room, (size_t)n * sizeof(int));
  memcpy(*lu, a, (size_t)n * (size_t)n * dtype_size(d));
  lapack_getrf(d, n, n, *lu, *pivots);
  double sign = 1;
  for (int i = 0; i < n; i++) {
    if ((*pivots)[i] != i + 1) sign = -sign;
  }
  return sign;
}

/* ---- det and slogdet ------------------------------------------------------------------------------ */

static void det_infer(Call *c) {
  la_square(c, 0);
  DType d = la_float(c, 0, 1);
  const Tensor *a = c->x[0];
  for (int i = 0; i < op_sig(c->op)->nresults; i++) call_out(c, i, d, a->ndim - 2, a->shape);
  la_scratch(c, la_count(a), lu_room(d, la_rows(a)), 0);
}

static int det_one(const Call *c, int64_t i, char *room) {
  const Tensor *a = c->x[0];
  DType d = (DType)a->dtype;
  int n = (int)la_rows(a), *pivots;
  void *lu;
  double det = factor(d, n, la_at(a, i), room, &lu, &pivots);
  for (int64_t k = 0; k < n; k++) det *= la_get(d, lu, k * n + k);
  la_put(d, t_data(c->y[0]), i, det);
  return 0;
}

static int slogdet_one(const Call *c, int64_t i, char *room) {
  const Tensor *a = c->x[0];
  DType d = (DType)a->dtype;
  int n = (int)la_rows(a), *pivots;
  void *lu;
  double sign = factor(d, n, la_at(a, i), room, &lu, &pivots), sum = 0;
  for (int64_t k = 0; k < n; k++) {
    double v = la_get(d, lu, k * n + k);
    sign = v > 0 ? sign : v < 0 ? -sign : v == 0 ? 0 : v;
    sum += log(fabs(v));
  }
  la_put(d, t_data(c->y[0]), i, sign);
  la_put(d, t_data(c->y[1]), i, sum);
  return 0;
}

static const char *each(Call *c, LaFn one) {
  double n = (double)la_rows(c->x[0]);
  return la_each(c, n * n * n / 3, one);
}

static const char *det_run(Call *c) { return each(c, det_one); }
static const char *slogdet_run(Call *c) { return each(c, slogdet_one); }

/* By Jacobi's formula; the cofactors exist for singular matrices too. */
static void det_grad(Call *c, Tensor *const *gy, Tensor **gx) {
  gx[0] = t_mul(la_column(la_column(gy[0])), t_op1("cofactors", c->x[0]));
}

/* Giles 2008, 2.2.4 */
static void slogdet_grad(Call *c, Tensor *const *gy, Tensor **gx) {
  if (!gy[1]) return;
  gx[0] = t_mul(la_column(la_column(gy[1])), la_flip(t_op1("inverse", c->x[0])));
}

static void logdet_compose(Call *c) {
  Call f;
  la_begin(&f, "slogdet", c->x[0], NULL);
  Tensor *sign = la_apply(&f);
  c->y[0] = t_where(t_eq(sign, t_num(-1)), t_num(NAN), f.y[1]);
}

/* ---- cofactors: det(A) A^-T, for every matrix ----------------------------------------------------- */

typedef struct CofactorRoom {
  char *lu, *a, *s, *u, *vt, *work;
  int *iwork, lwork;
  size_t bytes;
} CofactorRoom;

static CofactorRoom cofactor_room(DType d, int n, int lwork, char *base) {
  size_t size = dtype_size(d), nn = (size_t)n * (size_t)n * size;
  CofactorRoom r = {.lwork = lwork};
  char *at = base;
  r.lu = la_take(&at, lu_room(d, n));
  r.a = la_take(&at, nn);
  r.s = la_take(&at, (size_t)n * size);
  r.u = la_take(&at, nn);
  r.vt = la_take(&at, nn);
  r.work = la_take(&at, (size_t)r.lwork * size);
  r.iwork = la_take(&at, 8 * (size_t)n * sizeof(int));
  r.bytes = (size_t)(at - base);
  return r;
}

static void cofactors_infer(Call *c) {
  la_square(c, 0);
  DType d = la_float(c, 0, 1);
  const Tensor *a = c->x[0];
  call_out(c, 0, d, a->ndim, a->shape);
  int n = (int)la_rows(a), lwork = lapack_work(LAPACK_GESDD, d, n, n, 'A');
  int other = lapack_work(LAPACK_GETRI, d, n, 0, 0);
  if (lwork < other) lwork = other;
  if (lwork < 4 * n) lwork = 4 * n;
  la_scratch(c, la_count(a), cofactor_room(d, n, lwork, NULL).bytes, lwork);
}

/* Of well conditioned matrices from the inverse; says whether it was one. */
static bool by_inverse(DType d, int n, const void *a, void *y, const CofactorRoom *w) {
  void *lu;
  int *pivots;
  double norm = 0;
  for (int64_t r = 0; r < n; r++) { /* the 1-norm of the transpose, which LAPACK sees */
    double sum = 0;
    for (int64_t k = 0; k < n; k++) sum += fabs(la_get(d, a, r * n + k));
    norm = sum > norm ? sum : norm;
  }
  double det = factor(d, n, a, w->lu, &lu, &pivots);
  for (int64_t k = 0; k < n; k++) det *= la_get(d, lu, k * n + k);
  double least = d == T_F64 ? sqrt(DBL_EPSILON) : sqrt((double)FLT_EPSILON);
  if (det == 0 || !isfinite(det) || !isfinite(norm)) return false;
  if (lapack_gecon(d, n, lu, norm, w->work, w->iwork) < least) return false;
  lapack_getri(d, n, lu, pivots, w->work, w->lwork);
  la_transpose(d, n, n, lu, y);
  la_scale(d, (int64_t)n * n, det, y);
  return true;
}

static double rotation_sign(DType d, int n, const void *q, char *room) {
  void *lu;
  int *pivots;
  double det = factor(d, n, q, room, &lu, &pivots);
  for (int64_t k = 0; k < n; k++) det *= la_get(d, lu, k * n + k);
  return det < 0 ? -1 : 1;
}

/* A = U S V': cofactors det(U) det(V) U diag(products of all other s) V'. In column-major view the
   factors of A' are vt = U' and u = V. */
static int cofactors_one(const Call *c, int64_t i, char *base) {
  const Tensor *a = c->x[0];
  DType d = (DType)a->dtype;
  int n = (int)la_rows(a);
  CofactorRoom w = cofactor_room(d, n, la_lwork(c), base);
  void *y = la_at(c->y[0], i);
  if (n == 0 || by_inverse(d, n, la_at(a, i), y, &w)) return 0;
  memcpy(w.a, la_at(a, i), (size_t)n * (size_t)n * dtype_size(d));
  int info = lapack_gesdd(d, 'A', n, n, w.a, w.s, w.u, w.vt, w.work, w.lwork, w.iwork);
  if (info) return info;
  double sign = rotation_sign(d, n, w.u, w.lu) * rotation_sign(d, n, w.vt, w.lu);
  for (int64_t r = 0; r < n; r++) {
    double others = sign;
    for (int64_t k = 0; k < n; k++) others *= k == r ? 1 : la_get(d, w.s, k);
    la_scale(d, n, others, (char *)w.u + (size_t)(r * n) * dtype_size(d));
  }
  la_gemm(d, false, false, n, n, n, w.vt, w.u, 0, y);
  return 0;
}

static const char *cofactors_run(Call *c) {
  const Tensor *a = c->x[0];
  int n = (int)la_rows(a);
  if (!la_finite(a)) return "the gradient of det needs finite numbers";
  const char *bad = la_each(c, 4.0 * n * n * n, cofactors_one);
  return bad ? bad : la_complain(c, "no convergence (%d)");
}

/* With A = U S V' and M = U'GV the gradient of <G, cofactors(A)> is U W V' det(U) det(V), where p_ij
   is the product of all s but the i-th and j-th, W_ij = -p_ij M_ji and W_ii = sum_j p_ij M_jj. */
static void cofactors_grad(Call *c, Tensor *const *gy, Tensor **gx) {
  Call f;
  la_begin(&f, "linalg.svd", c->x[0], NULL);
  Tensor *u = la_apply(&f), *s = f.y[1], *vh = f.y[2];
  int64_t n = la_rows(u);
  Tensor *eye = la_eye((DType)u->dtype, n), *is_eye = t_gt(eye, t_num(0));
  Tensor *sign = t_mul(t_op1("det", u), t_op1("det", vh));
  /* [...,n,n,n]: s_k, or 1 where k is i or j */
  Tensor *skip = t_op2("logical_or", t_unsqueeze(is_eye, 0), t_unsqueeze(is_eye, 1));
  Tensor *factors = t_where(skip, t_num(1), la_row(la_row(s)));
  la_begin(&f, "prod", factors, NULL);
  f.attr[0] = attr_of_int(factors->ndim - 1);
  Tensor *p = t_where(is_eye, t_num(0), la_apply(&f));
  Tensor *m = t_matmul(t_matmul(la_flip(u), gy[0]), la_flip(vh));
  Tensor *diagonal = t_matmul(p, la_column(la_diagonal(m)));
  Tensor *w = t_sub(t_mul(diagonal, eye), t_mul(p, la_flip(m)));
  gx[0] = t_mul(la_column(la_column(sign)), t_matmul(t_matmul(u, w), vh));
}

static Op rows[] = {
    {.sig = "det(A: tensor) -> det: tensor",
     .aliases = "linalg.det",
     .doc = "Determinants of square matrices [...,n,n]. The gradient (Jacobi's formula) is right "
            "for singular matrices too. Of large matrices det over- or underflows; slogdet does "
            "not.",
     .example = "tensor{{1.0, 2.0}, {3.0, 4.0}}:det() --> -2.0",
     .test = "{{well(3)}, {well(2,2)}, {tensor{{1, 2, 3}, {2, 4, 6}, {1, 0, 1}}:double()}, "
             "{well(1,1)}}",
     .ref = "reference.det",
     .save = SAVE_X(0),
     .infer = det_infer,
     .run = det_run,
     .grad = det_grad},
    {.sig = "slogdet(A: tensor) -> sign: tensor, logabsdet: tensor",
     .aliases = "linalg.slogdet",
     .doc = "Sign of the determinant and logarithm of its absolute value; 0 and -inf of a "
            "singular matrix.",
     .example = "tensor{{0.0, 10.0}, {10.0, 0.0}}:slogdet() --> -1.0  4.6052",
     .test = "{{well(3)}, {well(2,2)}}",
     .ref = "reference.slogdet",
     .save = SAVE_X(0),
     .infer = det_infer,
     .run = slogdet_run,
     .grad = slogdet_grad},
    {.sig = "logdet(A: tensor) -> y: tensor",
     .doc = "Logarithm of the determinant; nan where that is negative, -inf where it is 0.",
     .example = "(10 * tensor.eye(3)):logdet() --> 6.9078",
     .test = "{{spd(3)}, {spd(2,2)}}",
     .ref = "reference.logdet",
     .compose = logdet_compose},
    {.sig = "cofactors(A: tensor) -> C: tensor",
     .doc = "The matrix of cofactors, det(A) A^-T, the gradient of det: by the inverse, or by "
            "singular values where the matrix is close to singular.",
     .test = "{{well(3)}, {well(2,2)}, {tensor{{1, 2, 3}, {2, 4, 7}, {1, 2, 1}}:double()}}",
     .ref = "reference.cofactors",
     .flags = OP_HIDDEN,
     .save = SAVE_X(0),
     .infer = cofactors_infer,
     .run = cofactors_run,
     .grad = cofactors_grad},
};

FAMILY_PART(linalg, determinant, rows);
