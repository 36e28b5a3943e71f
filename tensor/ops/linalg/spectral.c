/* Eigenvalues of symmetric matrices and singular values. */
#include <string.h>

#include "../../blas/lapack.h"
#include "linalg.h"

#define NOT_FINITE "the matrix has values that are not finite"
#define STUCK      "the algorithm did not converge (LAPACK's info is %d)"

/* x with v on the diagonals of its matrices. */
static Tensor *with_diagonal(Tensor *x, double v) {
  Tensor *eye = t_gt(la_eye((DType)x->dtype, la_rows(x)), t_num(0));
  return t_where(eye, t_num(v), x);
}

/* diag(v) in place of the diagonal of x */
static Tensor *on_diagonal(Tensor *v) {
  return t_mul(la_column(v), la_eye((DType)v->dtype, v->shape[v->ndim - 1]));
}

/* ---- eigh ----------------------------------------------------------------------------------------- */

typedef struct EighRoom {
  char *a, *work;
  int *iwork, lwork;
  size_t bytes;
} EighRoom;

static char eigh_job(const Call *c) { return op_sig(c->op)->nresults == 2 ? 'V' : 'N'; }

static EighRoom eigh_room(DType d, int n, int lwork, char *base) {
  EighRoom r = {.lwork = lwork};
  char *at = base;
  r.a = la_take(&at, (size_t)n * (size_t)n * dtype_size(d));
  r.work = la_take(&at, (size_t)r.lwork * dtype_size(d));
  r.iwork = la_take(&at, (3 + 5 * (size_t)n) * sizeof(int));
  r.bytes = (size_t)(at - base);
  return r;
}

static void eigh_infer(Call *c) {
  la_square(c, 0);
  DType d = la_float(c, 0, 1);
  const Tensor *a = c->x[0];
  call_out(c, 0, d, a->ndim - 1, a->shape);
  if (eigh_job(c) == 'V') call_out(c, 1, d, a->ndim, a->shape);
  int n = (int)la_rows(a), lwork = lapack_work(LAPACK_SYEVD, d, n, 0, eigh_job(c));
  la_scratch(c, la_count(a), eigh_room(d, n, lwork, NULL).bytes, lwork);
}

/* Eigenvectors come column by column. */
static int eigh_one(const Call *c, int64_t i, char *base) {
  const Tensor *a = c->x[0];
  DType d = (DType)a->dtype;
  int n = (int)la_rows(a);
  char job = eigh_job(c);
  EighRoom w = eigh_room(d, n, la_lwork(c), base);
  la_transpose(d, n, n, la_at(a, i), w.a);
  char *values = (char *)t_data(c->y[0]) + (size_t)i * (size_t)n * dtype_size(d);
  int info = lapack_syevd(d, job, c->attr[0].i == 1, n, w.a, values, w.work, w.lwork, w.iwork);
  if (job == 'V') la_transpose(d, n, n, w.a, la_at(c->y[1], i));
  return info;
}

static const char *eigh_run(Call *c) {
  const Tensor *a = c->x[0];
  double n = (double)la_rows(a);
  if (!la_finite(a)) return NOT_FINITE;
  const char *bad = la_each(c, 4 * n * n * n, eigh_one);
  return bad ? bad : la_complain(c, STUCK);
}

/* Giles 2008, 3.1: V (diag(gw) + X / E) V', E_ij = w_j - w_i off the diagonal; of X = V'gV the skew
   part counts, because V stays orthogonal. */
static void eigh_grad(Call *c, Tensor *const *gy, Tensor **gx) {
  Tensor *w = c->y[0], *v = c->y[1], *inner = NULL;
  if (gy[1]) {
    Tensor *e = with_diagonal(t_sub(la_row(w), la_column(w)), 1);
    Tensor *x = t_matmul(la_flip(v), gy[1]);
    inner = t_muln(t_div(t_sub(x, la_flip(x)), e), 0.5);
  }
  if (gy[0]) inner = inner ? t_add(inner, on_diagonal(gy[0])) : on_diagonal(gy[0]);
  if (inner) gx[0] = t_matmul(t_matmul(v, inner), la_flip(v));
}

static void eigvalsh_grad(Call *c, Tensor *const *gy, Tensor **gx) {
  Call f;
  la_begin(&f, "linalg.eigh", c->x[0], NULL);
  f.attr[0] = c->attr[0];
  la_apply(&f);
  gx[0] = t_matmul(t_mul(f.y[1], la_row(gy[0])), la_flip(f.y[1]));
}

/* ---- svd ------------------------------------------------------------------------------------------ */

typedef struct SvdRoom {
  char *a, *u, *vt, *work;
  int *iwork, lwork;
  size_t bytes;
} SvdRoom;

static char svd_job(const Call *c) {
  return op_sig(c->op)->nresults == 1 ? 'N' : attr_int(c, 0, 1) ? 'A' : 'S';
}

static SvdRoom svd_room(DType d, char job, int m, int n, int lwork, char *base) {
  int k = m < n ? m : n;
  size_t vectors = job == 'N' ? 0 : dtype_size(d);
  SvdRoom r = {.lwork = lwork};
  char *at = base;
  r.a = la_take(&at, (size_t)m * (size_t)n * dtype_size(d));
  r.u = la_take(&at, (size_t)m * (size_t)(job == 'A' ? m : k) * vectors);
  r.vt = la_take(&at, (size_t)n * (size_t)(job == 'A' ? n : k) * vectors);
  r.work = la_take(&at, (size_t)r.lwork * dtype_size(d));
  r.iwork = la_take(&at, 8 * (size_t)k * sizeof(int));
  r.bytes = (size_t)(at - base);
  return r;
}

/* a: [...,m,n]  ->  U [...,m,k or m], S [...,k], Vh [...,k or n,n] */
static void svd_infer(Call *c) {
  la_matrix(c, 0);
  DType d = la_float(c, 0, 1);
  const Tensor *a = c->x[0];
  int64_t shape[T_MAXDIM], m = la_rows(a), n = la_cols(a), k = m < n ? m : n;
  char job = svd_job(c);
  if (job == 'A' && !(lapack_fits(m, m) && lapack_fits(n, n))) {
    t_fail("%s: full matrices for %s are too large; full_matrices = false", call_name(c),
           t_shape_str(a));
  }
  int s = job == 'N' ? 0 : 1;
  if (s) call_out(c, 0, d, la_shape(a, shape, 2, m, job == 'A' ? m : k), shape);
  call_out(c, s, d, la_shape(a, shape, 1, k, 0), shape);
  if (s) call_out(c, 2, d, la_shape(a, shape, 2, job == 'A' ? n : k, n), shape);
  int lwork = lapack_work(LAPACK_GESDD, d, (int)m, (int)n, job);
  la_scratch(c, la_count(a), svd_room(d, job, (int)m, (int)n, lwork, NULL).bytes, lwork);
}

static void identity(const Tensor *y, int64_t i) {
  int64_t n = la_rows(y);
  memset(la_at(y, i), 0, (size_t)(n * n) * dtype_size((DType)y->dtype));
  for (int64_t k = 0; k < n; k++) la_put((DType)y->dtype, la_at(y, i), k * n + k, 1);
}

/* U and Vh come column by column. */
static int svd_one(const Call *c, int64_t i, char *base) {
  const Tensor *a = c->x[0];
  DType d = (DType)a->dtype;
  int m = (int)la_rows(a), n = (int)la_cols(a), k = m < n ? m : n;
  char job = svd_job(c);
  if (k == 0) {
    if (job == 'A') identity(c->y[0], i), identity(c->y[2], i);
    return 0;
  }
  SvdRoom w = svd_room(d, job, m, n, la_lwork(c), base);
  la_transpose(d, m, n, la_at(a, i), w.a);
  const Tensor *s = c->y[job == 'N' ? 0 : 1];
  char *values = (char *)t_data(s) + (size_t)i * (size_t)k * dtype_size(d);
  int info = lapack_gesdd(d, job, m, n, w.a, values, w.u, w.vt, w.work, w.lwork, w.iwork);
  if (job == 'N') return info;
  la_transpose(d, job == 'A' ? m : k, m, w.u, la_at(c->y[0], i));
  la_transpose(d, n, job == 'A' ? n : k, w.vt, la_at(c->y[2], i));
  return info;
}

static const char *svd_run(Call *c) {
  const Tensor *a = c->x[0];
  double m = (double)la_rows(a), n = (double)la_cols(a);
  if (!la_finite(a)) return NOT_FINITE;
  const char *bad = la_each(c, 6 * m * n * (m < n ? m : n), svd_one);
  return bad ? bad : la_complain(c, STUCK);
}

/* X - X' over E_ij = s_j^2 - s_i^2 */
static Tensor *skew(Tensor *x, Tensor *e) { return t_div(t_sub(x, la_flip(x)), e); }

/* What of x is outside the space of q's columns. */
static Tensor *outside(Tensor *q, Tensor *x) {
  return t_sub(x, t_matmul(q, t_matmul(la_flip(q), x)));
}

/* Ionescu, Vantzos & Sminchisescu 2015, "Training deep networks with structured layers by matrix
   backpropagation", for the k leading columns. */
static void svd_grad(Call *c, Tensor *const *gy, Tensor **gx) {
  int64_t m = la_rows(c->x[0]), n = la_cols(c->x[0]), k = m < n ? m : n;
  Tensor *u = la_cut(c->y[0], -1, 0, k), *s = c->y[1], *v = la_flip(la_cut(c->y[2], -2, 0, k));
  Tensor *gu = gy[0] ? la_cut(gy[0], -1, 0, k) : NULL;
  Tensor *gv = gy[2] ? la_flip(la_cut(gy[2], -2, 0, k)) : NULL;
  Tensor *inner = gy[1] ? on_diagonal(gy[1]) : NULL, *row = la_row(s), *column = la_column(s);
  if (gu || gv) {
    Tensor *square = t_square(s);
    Tensor *e = with_diagonal(t_sub(la_row(square), la_column(square)), 1);
    if (gu) {
      Tensor *t = t_mul(skew(t_matmul(la_flip(u), gu), e), row);
      inner = inner ? t_add(inner, t) : t;
    }
    if (gv) {
      Tensor *t = t_mul(column, skew(t_matmul(la_flip(v), gv), e));
      inner = inner ? t_add(inner, t) : t;
    }
  }
  if (!inner) return;
  Tensor *left = t_matmul(u, inner);
  if (gu && m > k) left = t_add(left, t_div(outside(u, gu), row));
  Tensor *g = t_matmul(left, la_flip(v));
  if (gv && n > k) g = t_add(g, t_matmul(u, t_div(la_flip(outside(v, gv)), column)));
  gx[0] = g;
}

Tensor *la_svdvals_grad(Tensor *g, Tensor *a) {
  Call f;
  la_begin(&f, "linalg.svd", a, NULL);
  f.attr[0] = attr_of_bool(false);
  Tensor *u = la_apply(&f);
  return t_matmul(t_mul(u, la_row(g)), f.y[2]);
}

static void svdvals_grad(Call *c, Tensor *const *gy, Tensor **gx) {
  gx[0] = la_svdvals_grad(gy[0], c->x[0]);
}

static void old_svd_compose(Call *c) {
  la_matrix(c, 0);
  bool some = attr_int(c, 0, 1), vectors = attr_int(c, 1, 1);
  Tensor *a = c->x[0];
  Call f;
  if (vectors) {
    la_begin(&f, "linalg.svd", a, NULL);
    f.attr[0] = attr_of_bool(!some);
    c->y[0] = la_apply(&f);
    c->y[1] = f.y[1];
    c->y[2] = la_flip(f.y[2]);
    return;
  }
  int64_t shape[T_MAXDIM], m = la_rows(a), n = la_cols(a);
  c->y[1] = t_op1("linalg.svdvals", a);
  DType d = (DType)c->y[1]->dtype;
  c->y[0] = t_zeros(d, la_shape(a, shape, 2, m, m), shape);
  c->y[2] = t_zeros(d, la_shape(a, shape, 2, n, n), shape);
}

static Op rows[] = {
    {.sig = "linalg.eigh(A: tensor, UPLO: string{L|U}=L) -> eigenvalues: tensor, eigenvectors: "
            "tensor",
     .doc =
         "Eigenvalues, rising, and eigenvectors, as columns, of symmetric matrices [...,n,n], of "
         "which only the triangle UPLO is read: A = V diag(w) V^T. The signs of eigenvectors "
         "are LAPACK's. The gradient (Giles 2008) is that of a symmetric A; through "
         "eigenvectors it needs distinct eigenvalues.",
     .example = "values, vectors = tensor.linalg.eigh(tensor{{2.0, 0.0}, {0.0, 1.0}})\n"
                "values --> float32 [2]  1.0  2.0\n"
                "vectors:abs() --> float32 [2,2]\n"
                "  0.0  1.0\n"
                "  1.0  0.0",
     .test = "{{distinct(3)}, {distinct(2,2)}, {distinct(3), \"U\"}, via = symmetric}",
     .ref = "reference.eigh",
     .flags = OP_FUNCTION,
     .save = SAVE_Y(0) | SAVE_Y(1),
     .infer = eigh_infer,
     .run = eigh_run,
     .grad = eigh_grad},
    {.sig = "linalg.eigvalsh(A: tensor, UPLO: string{L|U}=L) -> eigenvalues: tensor",
     .doc = "Eigenvalues, rising, of symmetric matrices [...,n,n].",
     .example = "tensor.linalg.eigvalsh(tensor{{2.0, 0.0}, {0.0, 1.0}}) --> float32 [2]  1.0  2.0",
     .test = "{{distinct(3)}, {distinct(2,2), \"U\"}, via = symmetric}",
     .ref = "reference.eigvalsh",
     .flags = OP_FUNCTION,
     .save = SAVE_X(0),
     .infer = eigh_infer,
     .run = eigh_run,
     .grad = eigvalsh_grad},
    {.sig = "linalg.svd(A: tensor, full_matrices: bool=true) -> U: tensor, S: tensor, Vh: tensor",
     .doc = "Singular values S, falling, of A [...,m,n] = U diag(S) Vh, and the vectors: U [m,m] "
            "and Vh [n,n], or, with full_matrices = false, [m,k] and [k,n] with k = min(m,n). "
            "Signs are LAPACK's. The gradient (Ionescu et al. 2015) reads the k leading vectors "
            "and, through vectors, needs distinct singular values.",
     .example = "U, S, Vh = tensor.linalg.svd(tensor{{0.0, 3.0}, {2.0, 0.0}})\n"
                "S --> float32 [2]  3.0  2.0",
     .test = "{{distinct(3)}, {randn(2,4,3), {full_matrices = false}}, {randn(3,4), false}}",
     .flags = OP_FUNCTION,
     .save = SAVE_Y(0) | SAVE_Y(1) | SAVE_Y(2),
     .infer = svd_infer,
     .run = svd_run,
     .grad = svd_grad},
    {.sig = "linalg.svdvals(A: tensor) -> S: tensor",
     .doc = "Singular values, falling, of matrices [...,m,n].",
     .example = "tensor.linalg.svdvals(tensor{{0.0, 3.0}, {2.0, 0.0}}) --> float32 [2]  3.0  2.0",
     .test = "{{randn(3,3)}, {randn(2,4,3)}, {randn(2,3)}}",
     .ref = "reference.svdvals",
     .flags = OP_FUNCTION,
     .save = SAVE_X(0),
     .infer = svd_infer,
     .run = svd_run,
     .grad = svdvals_grad},
    {.sig = "svd(A: tensor, some: bool=true, compute_uv: bool=true) -> U: tensor, S: tensor, V: "
            "tensor",
     .doc = "linalg.svd in its older form: A = U diag(S) V^T; some = false makes the full "
            "matrices; without compute_uv U and V are zeros.",
     .example = "A = tensor{{1.0, 2.0}, {3.0, 4.0}}\n"
                "U, S, V = A:svd()\n"
                "U:matmul(S:diag()):matmul(V:t()):allclose(A, {atol = 1e-5}) --> true",
     .test = "{{distinct(3)}, {randn(4,3)}, {randn(2,3,4)}, {randn(2,3), {compute_uv = false}}}",
     .compose = old_svd_compose},
};

FAMILY_PART(linalg, spectral, rows);
