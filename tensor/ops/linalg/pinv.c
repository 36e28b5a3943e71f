/* The pseudo-inverse and the rank, of matrices of any shape. */
#include <float.h>
#include <math.h>
#include <string.h>

#include "../../loop/cast.h"
#include "../../blas/lapack.h"
#include "../../tape/tape.h"
#include "linalg.h"

#define NOT_FINITE "the matrix has values that are not finite"
#define STUCK      "the algorithm did not converge (LAPACK's info is %d)"

/* ---- tolerances: inputs 1 and 2 are atol and rtol, numbers or one for each matrix ------------------- */

/* rtol where none is given: max(m,n) times the type's epsilon. */
static double usual_rtol(DType d, const Tensor *a) {
  double most = (double)(la_rows(a) > la_cols(a) ? la_rows(a) : la_cols(a));
  return most * (d == T_F64 ? DBL_EPSILON : (double)FLT_EPSILON);
}

/* Brings them to the shape of the batch. */
static void tolerances_infer(Call *c) {
  const Tensor *a = c->x[0];
  for (int i = 1; i <= 2; i++) {
    Tensor *t = c->x[i];
    if (!t) continue;
    bool fits = t->ndim <= a->ndim - 2;
    for (int d = 1; fits && d <= t->ndim; d++) {
      fits = t->shape[t->ndim - d] == 1 || t->shape[t->ndim - d] == a->shape[a->ndim - 2 - d];
    }
    if (!fits) {
      t_fail("%s: %s is %s and A %s; a number is wanted, or one for each matrix", call_name(c),
             i == 1 ? "atol" : "rtol", t_shape_str(t), t_shape_str(a));
    }
    bool was = tape_on;
    tape_on = false;
    c->x[i] = cast_copy(t_expand(t, a->ndim - 2, a->shape), T_F64);
    tape_on = was;
  }
}

/* Of matrix i: the bound up to which singular values count as 0. */
static double bound_of(const Call *c, int64_t i, double largest) {
  const Tensor *a = c->x[0];
  double atol = c->x[1] ? t_f64(c->x[1])[i] : 0;
  double rtol = c->x[2] ? t_f64(c->x[2])[i] : atol > 0 ? 0 : usual_rtol((DType)a->dtype, a);
  return fmax(atol, rtol * largest);
}

/* ---- pinv ----------------------------------------------------------------------------------------- */

typedef struct PinvRoom {
  char *a, *s, *u, *vt, *work;
  int *iwork, lwork;
  size_t bytes;
} PinvRoom;

/* Attribute 0: hermitian. */
static PinvRoom pinv_room(DType d, int m, int n, int lwork, char *base) {
  size_t k = (size_t)(m < n ? m : n), size = dtype_size(d);
  PinvRoom r = {.lwork = lwork};
  char *at = base;
  r.a = la_take(&at, (size_t)m * (size_t)n * size);
  r.s = la_take(&at, k * size);
  r.u = la_take(&at, (size_t)m * k * size);
  r.vt = la_take(&at, (size_t)n * k * size);
  r.work = la_take(&at, (size_t)r.lwork * size);
  r.iwork = la_take(&at, (3 + 8 * k) * sizeof(int));
  r.bytes = (size_t)(at - base);
  return r;
}

static void pinv_infer(Call *c) {
  la_matrix(c, 0);
  bool hermitian = attr_int(c, 0, 0);
  if (hermitian) la_square(c, 0);
  DType d = la_float(c, 0, 1);
  tolerances_infer(c);
  const Tensor *a = c->x[0];
  int64_t shape[T_MAXDIM];
  call_out(c, 0, d, la_shape(a, shape, 2, la_cols(a), la_rows(a)), shape);
  int m = (int)la_rows(a), n = (int)la_cols(a);
  int lwork =
      hermitian ? lapack_work(LAPACK_SYEVD, d, n, 0, 'V') : lapack_work(LAPACK_GESDD, d, n, m, 'S');
  la_scratch(c, la_count(a), pinv_room(d, m, n, lwork, NULL).bytes, lwork);
}

/* In column-major view a is A' = V S U': `u` gets V' [k,n] and `vt` U [m,k], row-major. */
static int pinv_one(const Call *c, int64_t i, char *base) {
  const Tensor *a = c->x[0];
  DType d = (DType)a->dtype;
  int m = (int)la_rows(a), n = (int)la_cols(a), k = m < n ? m : n;
  if (k == 0) return 0;
  PinvRoom w = pinv_room(d, m, n, la_lwork(c), base);
  memcpy(w.a, la_at(a, i), (size_t)m * (size_t)n * dtype_size(d));
  int info = lapack_gesdd(d, 'S', n, m, w.a, w.s, w.vt, w.u, w.work, w.lwork, w.iwork);
  if (info) return info;
  double bound = bound_of(c, i, la_get(d, w.s, 0));
  for (int64_t r = 0; r < k; r++) {
    double s = la_get(d, w.s, r), over = s > bound ? 1 / s : 0;
    la_scale(d, n, over, w.vt + (size_t)(r * n) * dtype_size(d));
  }
  la_gemm(d, true, true, n, m, k, w.vt, w.u, 0, la_at(c->y[0], i));
  return 0;
}

/* V diag(1/w) V' from the lower triangle. */
static int pinv_hermitian(const Call *c, int64_t i, char *base) {
  const Tensor *a = c->x[0];
  DType d = (DType)a->dtype;
  int n = (int)la_rows(a);
  if (n == 0) return 0;
  PinvRoom w = pinv_room(d, n, n, la_lwork(c), base);
  la_transpose(d, n, n, la_at(a, i), w.a);
  int info = lapack_syevd(d, 'V', false, n, w.a, w.s, w.work, w.lwork, w.iwork);
  if (info) return info;
  /* the eigenvectors are the rows of w.a; the values rise */
  size_t row = (size_t)n * dtype_size(d);
  memcpy(w.u, w.a, (size_t)n * row);
  double bound = bound_of(c, i, fmax(fabs(la_get(d, w.s, 0)), fabs(la_get(d, w.s, n - 1))));
  for (int64_t r = 0; r < n; r++) {
    double s = la_get(d, w.s, r);
    la_scale(d, n, fabs(s) > bound ? 1 / s : 0, w.a + (size_t)r * row);
  }
  la_gemm(d, true, false, n, n, n, w.a, w.u, 0, la_at(c->y[0], i));
  return 0;
}

static const char *pinv_run(Call *c) {
  const Tensor *a = c->x[0];
  double m = (double)la_rows(a), n = (double)la_cols(a);
  if (!la_finite(a)) return NOT_FINITE;
  LaFn one = attr_int(c, 0, 0) ? pinv_hermitian : pinv_one;
  const char *bad = la_each(c, 6 * m * n * (m < n ? m : n), one);
  return bad ? bad : la_complain(c, STUCK);
}

/* Golub & Pereyra 1973, "The differentiation of pseudo-inverses and nonlinear least squares problems
   whose variables separate", eq. 4.12, in the order that keeps the products small. */
Tensor *la_pinv_grad(Tensor *g, Tensor *p, Tensor *a) {
  Tensor *gt = la_flip(g), *pt = la_flip(p);
  if (la_rows(a) <= la_cols(a)) {
    Tensor *k = t_matmul(gt, p), *kp = t_matmul(k, pt);
    Tensor *first = t_sub(kp, la_flip(t_matmul(p, k)));
    Tensor *second = t_matmul(t_matmul(a, p), kp);
    return t_add(t_sub(first, second), t_matmul(t_matmul(pt, p), t_sub(gt, t_matmul(k, a))));
  }
  Tensor *k = t_matmul(p, gt), *pk = t_matmul(pt, k);
  Tensor *first = t_sub(pk, la_flip(t_matmul(k, p)));
  Tensor *second = t_matmul(t_matmul(t_sub(gt, t_matmul(a, k)), p), pt);
  return t_sub(t_add(first, second), t_matmul(t_matmul(pk, p), a));
}

static void pinv_grad(Call *c, Tensor *const *gy, Tensor **gx) {
  for (int i = 1; i <= 2; i++) {
    if (c->x[i] && c->want[i]) t_fail("linalg.pinv: tolerances have no gradient; detach them");
  }
  if (c->want[0]) gx[0] = la_pinv_grad(gy[0], c->y[0], c->x[0]);
}

static void pinverse_compose(Call *c) {
  c->y[0] = t_call("linalg.pinv", "x-x", c->x[0], t_num(attr_float(c, 0, 1e-15)));
}

/* ---- rank ------------------------------------------------------------------------------------------ */

static void matrix_rank_compose(Call *c) {
  la_matrix(c, 0);
  bool hermitian = attr_int(c, 0, 0);
  Tensor *a = t_alias(c->x[0]), *atol = c->x[1], *rtol = c->x[2];
  Tensor *s = hermitian ? t_abs(t_op1("linalg.eigvalsh", a)) : t_op1("linalg.svdvals", a);
  tolerances_infer(c);
  if (s->shape[s->ndim - 1] == 0) {
    c->y[0] = t_zeros(T_I64, s->ndim - 1, s->shape);
    return;
  }
  Tensor *usual = t_num(usual_rtol((DType)s->dtype, a)), *none = t_num(0);
  if (!rtol) rtol = atol ? t_where(t_gt(atol, none), none, usual) : usual;
  Call f;
  la_begin(&f, "amax", s, NULL);
  f.attr[0] = attr_of_ints(1, (int64_t[]){s->ndim - 1});
  Tensor *bound = t_mul(la_apply(&f), rtol);
  if (atol) bound = t_op2("maximum", bound, atol);
  c->y[0] = t_sum1(t_gt(s, t_unsqueeze(bound, bound->ndim)), s->ndim - 1, false);
}

static Op rows[] = {
    {.sig = "linalg.pinv(A: tensor, atol: tensor?, rtol: tensor?, hermitian: bool=false) -> P: "
            "tensor",
     .doc = "The Moore-Penrose inverse [...,n,m] of matrices [...,m,n], by singular values; those "
            "not above max(atol, rtol times the largest) count as 0. rtol is max(m,n) times the "
            "type's epsilon when neither is given; both may be tensors, one for each matrix. "
            "hermitian says that A is its own transpose: its lower triangle is read. Gradient by "
            "Golub & Pereyra 1973, for constant rank.",
     .example = "tensor.linalg.pinv(tensor{{2.0, 0.0}, {0.0, 0.0}}) --> float32 [2,2]\n"
                "  0.5  0.0\n"
                "  0.0  0.0",
     .test = "{{randn(4,3)}, {randn(2,3,4)}, {well(3), {rtol = 1e-12}}, {spd(2,3), {rtol = "
             "tensor{1e-12, 1e-9}, hermitian = true}}, via = function(x) return x:size(-1) == "
             "x:size(-2) and symmetric(x) or x "
             "end}",
     .ref = "reference.pinv",
     .flags = OP_FUNCTION,
     .save = SAVE_X(0) | SAVE_Y(0),
     .infer = pinv_infer,
     .run = pinv_run,
     .grad = pinv_grad},
    {.sig = "pinverse(x: tensor, rcond: float=1e-15) -> P: tensor",
     .doc = "linalg.pinv in its older form; rcond is its rtol.",
     .example = "tensor{{2.0}, {0.0}}:pinverse() --> float32 [1,2]  0.5  0.0",
     .test = "{{randn(4,3)}, {well(3), 1e-10}}",
     .ref = "reference.pinv",
     .compose = pinverse_compose},
    {.sig = "linalg.matrix_rank(A: tensor, atol: tensor?, rtol: tensor?, hermitian: bool=false) -> "
            "rank: tensor",
     .doc = "How many singular values are above max(atol, rtol times the largest); rtol is "
            "max(m,n) times the type's epsilon when neither is given; both may be tensors, one for "
            "each matrix. hermitian reads the lower "
            "triangle only and takes eigenvalues.",
     .example = "tensor.linalg.matrix_rank(tensor{{1.0, 2.0}, {2.0, 4.0}}) --> 1",
     .test = "{{randn(2,4,3)}, {tensor{{1,2},{2,4}}:double()}, {well(3), {atol = 1e-3}}, "
             "{spd(3), {hermitian = true}}, {well(2,3), {atol = tensor{0.001, 0.01}}}}",
     .ref = "reference.matrix_rank",
     .flags = OP_FUNCTION | OP_CONST,
     .compose = matrix_rank_compose},
};

FAMILY_PART(linalg, pinv, rows);
