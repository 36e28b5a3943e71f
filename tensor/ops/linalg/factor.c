/* Cholesky and QR factors. */
#include <string.h>

#include "../../blas/lapack.h"
#include "linalg.h"

#define NOT_POSITIVE                                                                               \
  "the matrix is not positive definite: its leading minor of order %d is not positive; adding a "  \
  "little to the diagonal repairs what only rounding broke"

/* ---- Cholesky ------------------------------------------------------------------------------------- */

static void cholesky_infer(Call *c) {
  la_square(c, 0);
  DType d = la_float(c, 0, 1);
  const Tensor *a = c->x[0];
  call_out(c, 0, d, a->ndim, a->shape);
  if (op_sig(c->op)->nresults == 2) call_out(c, 1, T_I32, a->ndim - 2, a->shape);
  la_scratch(c, la_count(a), 0, 0);
}

/* LAPACK sees the transpose, so the other triangle. */
static int cholesky_one(const Call *c, int64_t i, char *room) {
  (void)room;
  const Tensor *a = c->x[0];
  DType d = (DType)a->dtype;
  size_t size = dtype_size(d), n = (size_t)la_rows(a);
  bool upper = attr_int(c, 0, 0);
  const char *from = la_at(a, i);
  char *to = la_at(c->y[0], i);
  memset(to, 0, n * n * size);
  for (size_t r = 0; r < n; r++) {
    size_t first = upper ? r : 0, count = upper ? n - r : r + 1;
    memcpy(to + (r * n + first) * size, from + (r * n + first) * size, count * size);
  }
  return lapack_potrf(d, !upper, (int)n, to);
}

static const char *cholesky(Call *c) {
  double n = (double)la_rows(c->x[0]);
  return la_each(c, n * n * n / 6, cholesky_one);
}

static const char *cholesky_run(Call *c) {
  const char *bad = cholesky(c);
  return bad ? bad : la_complain(c, NOT_POSITIVE);
}

static const char *cholesky_ex_run(Call *c) {
  const char *bad = cholesky(c);
  if (bad) return bad;
  la_store_info(c, c->y[1]);
  return attr_int(c, 1, 0) ? la_complain(c, NOT_POSITIVE) : NULL;
}

/* Murray 2016, "Differentiation of the Cholesky decomposition", eq. 10, made symmetric. */
static void cholesky_grad(Call *c, Tensor *const *gy, Tensor **gx) {
  if (!gy[0]) return;
  bool upper = attr_int(c, 0, 0);
  Tensor *l = upper ? la_flip(c->y[0]) : c->y[0], *g = upper ? la_flip(gy[0]) : gy[0];
  Tensor *t = la_flip(l), *p = t_matmul(t, g);
  Tensor *phi = t_muln(t_add(la_lower(p, 0), la_lower(p, -1)), 0.5);
  Tensor *s = la_solve_triangular(t, phi, true, true, false);
  s = la_solve_triangular(l, s, false, false, false);
  gx[0] = t_muln(t_add(s, la_flip(s)), 0.5);
}

/* ---- QR ------------------------------------------------------------------------------------------- */

enum { REDUCED, COMPLETE, ONLY_R };

typedef struct QrRoom {
  char *a, *rows, *tau,
      *work; /* a: A's columns, then Q's; rows: those of R and of what lies below */
  size_t bytes;
} QrRoom;

static QrRoom qr_room(DType d, size_t m, size_t n, size_t q, int lwork, char *base) {
  size_t size = dtype_size(d);
  QrRoom r;
  char *at = base;
  r.a = la_take(&at, m * (n > q ? n : q) * size);
  r.rows = la_take(&at, m * n * size);
  r.tau = la_take(&at, (m < n ? m : n) * size);
  r.work = la_take(&at, (size_t)lwork * size);
  r.bytes = (size_t)(at - base);
  return r;
}

/* Columns of Q that are made. */
static int qr_columns(const Call *c) { return c->attr[0].i == ONLY_R ? 0 : (int)la_cols(c->y[0]); }

/* a: [...,m,n]  ->  Q [...,m,q], R [...,q,n] */
static void qr_infer(Call *c) {
  la_matrix(c, 0);
  DType d = la_float(c, 0, 1);
  const Tensor *a = c->x[0];
  int64_t shape[T_MAXDIM], m = la_rows(a), n = la_cols(a), k = m < n ? m : n, none = 0;
  int64_t q = c->attr[0].i == COMPLETE ? m : k;
  if (!lapack_fits(m, q)) t_fail("linalg.qr: %s is too large", t_shape_str(a));
  if (c->attr[0].i == ONLY_R)
    call_out(c, 0, d, 1, &none);
  else
    call_out(c, 0, d, la_shape(a, shape, 2, m, q), shape);
  call_out(c, 1, d, la_shape(a, shape, 2, q, n), shape);
  int make = qr_columns(c), lwork = lapack_work(LAPACK_GEQRF, d, (int)m, (int)n, 0);
  int other = make ? lapack_work(LAPACK_ORGQR, d, (int)m, make, (int)k) : 1;
  if (lwork < other) lwork = other;
  const size_t bytes = qr_room(d, (size_t)m, (size_t)n, (size_t)make, lwork, NULL).bytes;
  la_scratch(c, la_count(a), bytes, lwork);
}

static int qr_one(const Call *c, int64_t i, char *base) {
  const Tensor *a = c->x[0];
  DType d = (DType)a->dtype;
  size_t size = dtype_size(d);
  int m = (int)la_rows(a), n = (int)la_cols(a), k = m < n ? m : n;
  int q = qr_columns(c), lwork = la_lwork(c);
  QrRoom w = qr_room(d, (size_t)m, (size_t)n, (size_t)q, lwork, base);
  la_transpose(d, m, n, la_at(a, i), w.a);
  if (k > 0) lapack_geqrf(d, m, n, w.a, w.tau, w.work, lwork);
  la_transpose(d, n, m, w.a, w.rows);
  char *r = la_at(c->y[1], i);
  memset(r, 0, (size_t)la_rows(c->y[1]) * (size_t)n * size);
  for (size_t row = 0; row < (size_t)k; row++) {
    size_t at = (row * (size_t)n + row) * size;
    memcpy(r + at, w.rows + at, ((size_t)n - row) * size);
  }
  if (q == 0) return 0;
  int info = lapack_orgqr(d, m, q, k, w.a, w.tau, w.work, lwork);
  la_transpose(d, q, m, w.a, la_at(c->y[0], i));
  return info;
}

static const char *qr_run(Call *c) {
  double m = (double)la_rows(c->x[0]), n = (double)la_cols(c->x[0]);
  return la_each(c, 2 * m * n * (m < n ? m : n), qr_one);
}

/* Walter & Lehmann 2010, "Algorithmic differentiation of linear algebra functions", for m >= n; the
   columns of a wide matrix beyond the square are Q times R's. */
static void qr_grad(Call *c, Tensor *const *gy, Tensor **gx) {
  Tensor *Q = c->y[0], *R = c->y[1], *gq = gy[0], *gr = gy[1], *wide = NULL;
  int64_t m = la_rows(c->x[0]), n = la_cols(c->x[0]), k = m < n ? m : n;
  if (c->attr[0].i == ONLY_R) {
    t_fail("linalg.qr: mode \"r\" has no gradient, it makes no Q; use \"reduced\"");
  }
  if (c->attr[0].i == COMPLETE && m > n) {
    t_fail("linalg.qr: mode \"complete\" has no gradient for more rows than columns (%s): the "
           "columns of Q beyond the reduced ones are not unique; use \"reduced\"",
           t_shape_str(c->x[0]));
  }
  if (n > k && gr) {
    wide = t_matmul(Q, la_cut(gr, -1, k, n));
    Tensor *more = t_matmul(Q, t_matmul(la_cut(R, -1, k, n), la_flip(la_cut(gr, -1, k, n))));
    gq = gq ? t_add(gq, more) : more;
    gr = la_cut(gr, -1, 0, k);
  }
  R = la_cut(R, -1, 0, k);
  Tensor *inner = gr ? t_matmul(gr, la_flip(R)) : NULL;
  if (gq) {
    Tensor *t = t_matmul(la_flip(Q), gq);
    inner = inner ? t_sub(inner, t) : t_neg(t);
  }
  if (!inner) return;
  Tensor *g = t_matmul(Q, t_add(la_upper(inner, 0), la_flip(la_upper(inner, 1))));
  if (gq) g = t_add(g, gq);
  g = la_solve_triangular(la_flip(R), g, false, false, false);
  if (n > k) {
    int64_t shape[T_MAXDIM];
    int nd = la_shape(g, shape, 2, m, n - k);
    if (!wide) wide = t_zeros((DType)g->dtype, nd, shape);
    g = t_cat(2, (Tensor *[]){g, wide}, nd - 1);
  }
  gx[0] = g;
}

static void old_qr_compose(Call *c) {
  Call f;
  la_begin(&f, "linalg.qr", c->x[0], NULL);
  f.attr[0] = (Attr){.tag = A_CHOICE, .i = attr_int(c, 0, 1) ? REDUCED : COMPLETE};
  c->y[0] = la_apply(&f);
  c->y[1] = f.y[1];
}

static Op rows[] = {
    {.sig = "cholesky(A: tensor, upper: bool=false) -> L: tensor",
     .aliases = "linalg.cholesky",
     .doc = "The lower triangle L with A = L L^T of symmetric positive definite matrices "
            "[...,n,n], of which only the lower triangle is read; with upper the upper triangle "
            "and A = L^T L. A matrix that is not positive definite is an error that names its "
            "minor. The gradient (Murray 2016) is that of a symmetric A.",
     .example = "tensor{{4.0, 2.0}, {2.0, 5.0}}:cholesky() --> float32 [2,2]\n"
                "  2.0  0.0\n"
                "  1.0  2.0",
     .test = "{{spd(3)}, {spd(2,2)}, {spd(3), {upper = true}}, via = symmetric}",
     .ref = "reference.cholesky",
     .save = SAVE_Y(0),
     .infer = cholesky_infer,
     .run = cholesky_run,
     .grad = cholesky_grad},
    {.sig = "linalg.cholesky_ex(A: tensor, upper: bool=false, check_errors: bool=false) -> L: "
            "tensor, info: tensor",
     .doc = "The Cholesky factor, and for each matrix 0 or the order of the leading minor that is "
            "not positive: then its factor is undefined. check_errors makes that an error.",
     .example = "L, info = tensor.linalg.cholesky_ex(tensor{{1.0, 2.0}, {2.0, 1.0}})\n"
                "info --> 2",
     .test = "{{spd(3)}, {spd(2,2)}, {spd(3), true}, via = symmetric}",
     .ref = "reference.cholesky_ex",
     .flags = OP_FUNCTION,
     .save = SAVE_Y(0),
     .infer = cholesky_infer,
     .run = cholesky_ex_run,
     .grad = cholesky_grad},
    {.sig = "linalg.qr(A: tensor, mode: string{reduced|complete|r}=reduced) -> Q: tensor, R: "
            "tensor",
     .doc = "A [...,m,n] = Q R, Q with orthonormal columns, R an upper triangle. reduced: Q is "
            "[m,k], R [k,n] with k = min(m,n); complete: Q [m,m], R [m,n]; r: an empty Q. The "
            "signs of R's diagonal are LAPACK's. Gradient by Walter & Lehmann 2010.",
     .example = "A = tensor{{3.0, 1.0}, {4.0, 2.0}}\n"
                "Q, R = tensor.linalg.qr(A)\n"
                "Q:matmul(R):allclose(A) --> true\n"
                "R:abs() --> float32 [2,2]\n"
                "  5.0  2.2\n"
                "  0.0  0.4",
     .test = "{{randn(4,3)}, {well(2,3)}, {well(3), \"complete\"}, {randn(2,4)}}",
     .ref = "reference.qr",
     .flags = OP_FUNCTION,
     .save = SAVE_Y(0) | SAVE_Y(1),
     .infer = qr_infer,
     .run = qr_run,
     .grad = qr_grad},
    {.sig = "qr(A: tensor, some: bool=true) -> Q: tensor, R: tensor",
     .doc = "linalg.qr in its older form: some = false makes the complete Q.",
     .example = "A = tensor{{3.0, 1.0}, {4.0, 2.0}}\n"
                "Q, R = A:qr()\n"
                "Q:matmul(R):allclose(A), Q:t():matmul(Q):allclose(tensor.eye(2), {atol = 1e-6}) "
                "--> true  true",
     .test = "{{randn(4,3)}, {well(3), false}}",
     .ref = "reference.qr",
     .compose = old_qr_compose},
};

FAMILY_PART(linalg, factor, rows);
