/* Least squares for matrices of any shape and rank. */
#include <float.h>
#include <math.h>
#include <string.h>

#include "../../blas/lapack.h"
#include "linalg.h"

#define NOT_FINITE "the matrix has values that are not finite"
#define STUCK      "the algorithm did not converge (LAPACK's info is %d)"

static double epsilon(DType d) { return d == T_F64 ? DBL_EPSILON : (double)FLT_EPSILON; }

static double largest_size(const Tensor *a) {
  return (double)(la_rows(a) > la_cols(a) ? la_rows(a) : la_cols(a));
}

static Tensor *pinv_of(Tensor *a, double rtol) {
  return t_call("linalg.pinv", "x-x", a, t_num(rtol));
}

/* ---- lstsq ---------------------------------------------------------------------------------------- */

enum { GELS, GELSY, GELSS, GELSD };

typedef struct LstsqRoom {
  char *a, *b, *s, *work;
  int *jpvt, *iwork, lwork;
  size_t bytes;
} LstsqRoom;

static LstsqRoom lstsq_room(DType d, int m, int n, int k, int lwork, char *base) {
  size_t size = dtype_size(d), most = (size_t)(m > n ? m : n), least = (size_t)(m < n ? m : n);
  LstsqRoom r = {.lwork = lwork};
  char *at = base;
  r.a = la_take(&at, (size_t)m * (size_t)n * size);
  r.b = la_take(&at, most * (size_t)k * size);
  r.s = la_take(&at, least * size);
  r.work = la_take(&at, (size_t)r.lwork * size);
  r.jpvt = la_take(&at, (size_t)n * sizeof(int));
  r.iwork = la_take(&at, (size_t)lapack_gelsd_iwork(m, n) * sizeof(int));
  r.bytes = (size_t)(at - base);
  return r;
}

/* a: [...,m,n]  b: [...,m,k]  ->  X [...,n,k], rank [...], singular values [...,min(m,n)] */
static void lstsq_infer(Call *c) {
  la_matrix(c, 0);
  la_matrix(c, 1);
  la_same_batch(c, 0, 1);
  DType d = la_float(c, 0, 2);
  const Tensor *a = c->x[0], *b = c->x[1];
  int64_t shape[T_MAXDIM], m = la_rows(a), n = la_cols(a);
  if (la_rows(b) != m || !lapack_fits(n, la_cols(b))) {
    t_fail("linalg.lstsq: A is %s and B %s; they need equally many rows", t_shape_str(a),
           t_shape_str(b));
  }
  call_out(c, 0, d, la_shape(a, shape, 2, n, la_cols(b)), shape);
  call_out(c, 1, T_I64, a->ndim - 2, a->shape);
  call_out(c, 2, d, la_shape(a, shape, 1, m < n ? m : n, 0), shape);
  int k = (int)la_cols(b),
      lwork = lapack_work((LapackRoutine)(LAPACK_GELS + c->attr[1].i), d, (int)m, (int)n, k);
  la_scratch(c, la_count(a), lstsq_room(d, (int)m, (int)n, k, lwork, NULL).bytes, lwork);
}

static int lstsq_one(const Call *c, int64_t i, char *base) {
  const Tensor *a = c->x[0], *b = c->x[1];
  DType d = (DType)a->dtype;
  int m = (int)la_rows(a), n = (int)la_cols(a), k = (int)la_cols(b), least = m < n ? m : n;
  int most = m > n ? m : n, rank = least, info = 0, driver = (int)c->attr[1].i;
  LstsqRoom w = lstsq_room(d, m, n, k, la_lwork(c), base);
  double rcond = attr_float(c, 0, epsilon(d) * most);
  size_t size = dtype_size(d);
  memset(w.b, 0, (size_t)most * (size_t)k * size);
  memset(w.s, 0, (size_t)least * size);
  memset(w.jpvt, 0, (size_t)n * sizeof(int));
  la_transpose(d, m, n, la_at(a, i), w.a);
  /* column by column, each with room for max(m,n) rows */
  for (int64_t r = 0; r < m; r++) {
    for (int64_t j = 0; j < k; j++) la_put(d, w.b, j * most + r, la_get(d, la_at(b, i), r * k + j));
  }
  if (least > 0 && driver == GELS) info = lapack_gels(d, m, n, k, w.a, w.b, w.work, w.lwork);
  if (least > 0 && driver == GELSY) {
    info = lapack_gelsy(d, m, n, k, w.a, w.b, w.jpvt, rcond, &rank, w.work, w.lwork);
  }
  if (least > 0 && driver == GELSS) {
    info = lapack_gelss(d, m, n, k, w.a, w.b, w.s, rcond, &rank, w.work, w.lwork);
  }
  if (least > 0 && driver == GELSD) {
    info = lapack_gelsd(d, m, n, k, w.a, w.b, w.s, rcond, &rank, w.work, w.lwork, w.iwork);
  }
  void *x = la_at(c->y[0], i);
  for (int64_t r = 0; r < n; r++) {
    for (int64_t j = 0; j < k; j++) {
      la_put(d, x, r * k + j, m == 0 ? 0 : la_get(d, w.b, j * most + r));
    }
  }
  t_i64(c->y[1])[i] = rank;
  memcpy((char *)t_data(c->y[2]) + (size_t)i * (size_t)least * size, w.s, (size_t)least * size);
  return info;
}

static const char *lstsq_run(Call *c) {
  const Tensor *a = c->x[0];
  double m = (double)la_rows(a), n = (double)la_cols(a);
  if (!la_finite(a) || !la_finite(c->x[1])) return NOT_FINITE;
  const char *bad = la_each(c, 2 * m * n * ((m < n ? m : n) + (double)la_cols(c->x[1])), lstsq_one);
  if (bad) return bad;
  return la_complain(c, c->attr[1].i == GELS
                            ? "column %d depends on others: driver \"gels\" wants full "
                              "rank, the others do not"
                            : STUCK);
}

/* As the gradient of pinv(A) B, and that of the singular values. */
static void lstsq_grad(Call *c, Tensor *const *gy, Tensor **gx) {
  Tensor *a = c->x[0];
  if (gy[2] && c->want[0] && c->attr[1].i >= GELSS) gx[0] = la_svdvals_grad(gy[2], a);
  if (!gy[0]) return;
  Tensor *p = pinv_of(a, attr_float(c, 0, epsilon((DType)a->dtype) * largest_size(a)));
  if (c->want[1]) gx[1] = t_matmul(la_flip(p), gy[0]);
  if (!c->want[0]) return;
  Tensor *g = la_pinv_grad(t_matmul(gy[0], la_flip(c->x[1])), p, a);
  gx[0] = gx[0] ? t_add(gx[0], g) : g;
}

static bool full_rank(const Tensor *rank, int64_t n) {
  for (int64_t i = 0; i < rank->numel; i++) {
    if (t_get_int(rank, i) < n) return false;
  }
  return true;
}

static void linalg_lstsq_compose(Call *c) {
  la_matrix(c, 0);
  Tensor *a = c->x[0], *b = c->x[1];
  int driver = (int)c->attr[1].i;
  int64_t none = 0;
  bool vectors = b->ndim == a->ndim - 1;
  if (vectors) b = la_column(b);
  if (b->ndim < 2) t_fail("linalg.lstsq: B is %s; [m,k] or [m] is wanted", t_shape_str(b));
  la_broadcast(c, &a, &b);
  Call f;
  la_begin(&f, "lstsq", a, b);
  f.attr[0] = c->attr[0];
  f.attr[1] = c->attr[1];
  Tensor *x = la_apply(&f);
  DType d = (DType)x->dtype;
  c->y[1] = c->y[3] = t_zeros(d, 1, &none);
  c->y[2] = driver == GELS ? t_zeros(T_I64, 1, &none) : f.y[1];
  if (driver >= GELSS) c->y[3] = f.y[2];
  if (driver != GELSY && la_rows(a) > la_cols(a) && full_rank(f.y[1], la_cols(a))) {
    Tensor *rest = t_sub(t_matmul(a, x), b);
    c->y[1] = t_sum1(t_square(rest), rest->ndim - 2, false);
  }
  c->y[0] = vectors ? t_squeeze(x, x->ndim - 1) : x;
}

static Op rows[] = {
    {.sig = "linalg.lstsq(A: tensor, B: tensor, rcond: float?, driver: "
            "string{gels|gelsy|gelss|gelsd}=gelsy) -> solution: tensor, residuals: tensor, rank: "
            "tensor, singular_values: tensor",
     .doc = "The X that makes the norm of A X - B least, of all such X the smallest. A: [...,m,n], "
            "B: [...,m,k] or [...,m]. residuals: the squared norms by column, where m > n, the "
            "rank is full and the driver is not gelsy, else empty. Singular values below rcond "
            "(max(m,n) epsilon) times the "
            "largest count as 0. Drivers: gelsy by QR with pivots, gelsd and gelss by singular "
            "values, which they return, gels by QR for full rank.",
     .example = "x = tensor.linalg.lstsq(tensor{{1.0, 1.0}, {1.0, 2.0}, {1.0, 3.0}}, tensor{{3.0}, "
                "{5.0}, {7.0}})\n"
                "x:round{decimals = 3} --> float32 [2,1]\n"
                "  1.0\n"
                "  2.0",
     .test = "{{randn(4,3), randn(4,2)}, {randn(2,4,3), randn(2,4), {driver = \"gelsd\"}}, "
             "{randn(3,3), randn(3,1), {driver = \"gels\"}}, {randn(5,3), randn(5,1), 1e-12, "
             "\"gelss\"}}",
     .ref = "reference.lstsq",
     .flags = OP_FUNCTION,
     .compose = linalg_lstsq_compose},
    {.sig = "lstsq(A: tensor, B: tensor, rcond: float?, driver: "
            "string{gels|gelsy|gelss|gelsd}) -> X: tensor, rank: tensor, singular_values: tensor",
     .doc = "The solution of linalg.lstsq, and what the driver finds besides.",
     .test = "{{randn(4,3), randn(4,2), nil, \"gelsy\"}, {randn(2,3), randn(2,1), nil, \"gelsy\"}}",
     .ref = "reference.lstsq_solve",
     .flags = OP_HIDDEN,
     .save = SAVE_X(0) | SAVE_X(1),
     .infer = lstsq_infer,
     .run = lstsq_run,
     .grad = lstsq_grad},
};

FAMILY_PART(linalg, least, rows);
