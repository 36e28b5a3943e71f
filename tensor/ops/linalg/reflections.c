/* Orthogonal matrices as products of reflections I - tau_i v_i v_i^T, where v_i is column i of a
   matrix below its diagonal, with a 1 there: as LAPACK keeps the Q of A = Q R. */
#include <stdio.h>
#include <string.h>

#include "../../blas/lapack.h"
#include "linalg.h"

/* Bytes of a matrix, column by column. */
static size_t columns_room(DType d, int64_t m, int64_t n) {
  return la_pad((size_t)(m * n) * dtype_size(d));
}

/* a: [...,m,n]  ->  QR [...,m,n], tau [...,min(m,n)] */
static void geqrf_infer(Call *c) {
  la_matrix(c, 0);
  DType d = la_float(c, 0, 1);
  const Tensor *a = c->x[0];
  int64_t shape[T_MAXDIM], m = la_rows(a), n = la_cols(a);
  call_out(c, 0, d, a->ndim, a->shape);
  call_out(c, 1, d, la_shape(a, shape, 1, m < n ? m : n, 0), shape);
  int lwork = lapack_work(LAPACK_GEQRF, d, (int)m, (int)n, 0);
  la_scratch(c, la_count(a), columns_room(d, m, n) + (size_t)lwork * dtype_size(d), lwork);
}

static int geqrf_one(const Call *c, int64_t i, char *room) {
  const Tensor *a = c->x[0];
  DType d = (DType)a->dtype;
  int m = (int)la_rows(a), n = (int)la_cols(a), k = m < n ? m : n;
  char *to = la_at(c->y[0], i), *tau = (char *)t_data(c->y[1]) + i * k * (int64_t)dtype_size(d);
  if (k == 0) return 0;
  la_transpose(d, m, n, la_at(a, i), room);
  int info = lapack_geqrf(d, m, n, room, tau, room + columns_room(d, m, n), la_lwork(c));
  la_transpose(d, n, m, room, to);
  return info;
}

static const char *geqrf_run(Call *c) {
  double m = (double)la_rows(c->x[0]), n = (double)la_cols(c->x[0]);
  return la_each(c, m * n * (m < n ? m : n), geqrf_one);
}

/* The first k columns v_i. */
static Tensor *columns_of(Tensor *v, int64_t k) {
  Tensor *ones = la_cut(la_eye((DType)v->dtype, la_rows(v)), -1, 0, k);
  return t_add(la_lower(la_cut(v, -1, 0, k), -1), ones);
}

/* x less what reflection i takes of it. */
static Tensor *reflect(Tensor *v, Tensor *tau, int64_t i, Tensor *x) {
  Tensor *column = la_cut(v, -1, i, i + 1);
  Tensor *scale = la_column(t_narrow(tau, tau->ndim - 1, i, 1));
  return t_sub(x, t_matmul(t_mul(column, scale), t_matmul(la_flip(column), x)));
}

/* v: [...,m,n]  tau: [...,k]  ->  the first n columns of the product */
static void householder_compose(Call *c) {
  la_matrix(c, 0);
  Tensor *v = c->x[0], *tau = c->x[1];
  int64_t m = la_rows(v), n = la_cols(v), k = tau->ndim ? tau->shape[tau->ndim - 1] : n + 1;
  if (m < n || k > n || tau->ndim != v->ndim - 1) {
    t_fail("linalg.householder_product: input is %s and tau %s; [...,m,n] with m >= n and [...,k] "
           "with k <= n are wanted",
           t_shape_str(v), t_shape_str(tau));
  }
  int64_t shape[T_MAXDIM];
  int nd = la_shape(v, shape, 2, m, n);
  Tensor *q = t_expand(la_cut(la_eye((DType)v->dtype, m), -1, 0, n), nd, shape);
  v = columns_of(v, n);
  for (int64_t i = k; i-- > 0;) q = reflect(v, tau, i, q);
  c->y[0] = k ? q : t_op1("clone", q);
}

/* input: [...,m,n]  tau: [...,k]  other: [...,m,p], or [...,p,m] where Q stands to its right.
   Attributes: left, transpose. */
static void ormqr_compose(Call *c) {
  la_matrix(c, 0);
  la_matrix(c, 2);
  Tensor *v = c->x[0], *tau = c->x[1], *x = c->x[2];
  bool left = c->attr[0].i, transpose = c->attr[1].i;
  int64_t m = la_rows(v), k = tau->ndim ? tau->shape[tau->ndim - 1] : m + 1;
  if (k > m || k > la_cols(v) || tau->ndim != v->ndim - 1 ||
      m != (left ? la_rows(x) : la_cols(x))) {
    char first[128], second[128];
    snprintf(first, sizeof first, "%s", t_shape_str(v));
    snprintf(second, sizeof second, "%s", t_shape_str(tau));
    t_fail("ormqr: input is %s, tau %s and other %s; [...,m,n], [...,k] with k <= m and n, and "
           "%s are wanted",
           first, second, t_shape_str(x), left ? "[...,m,p]" : "[...,p,m]");
  }
  v = columns_of(v, k);
  if (!left) x = la_flip(x); /* X Q is the transpose of Q' X' */
  bool forwards = left == transpose;
  for (int64_t i = 0; i < k; i++) x = reflect(v, tau, forwards ? i : k - 1 - i, x);
  if (!left) x = la_flip(x);
  c->y[0] = t_op1(k && left ? "contiguous" : "clone", x);
}

static Op rows[] = {
    {.sig = "geqrf(A: tensor) -> QR: tensor, tau: tensor",
     .doc = "A [...,m,n] = Q R as LAPACK keeps it: R in the upper triangle, below it the vectors "
            "of the reflections whose product is Q, and their factors tau [...,min(m,n)]. For "
            "linalg.householder_product and ormqr. It has no gradient; linalg.qr has one.",
     .example = "QR, tau = tensor{{3.0}, {4.0}}:geqrf()\n"
                "tau --> float32 [1]  1.6\n"
                "QR --> float32 [2,1]\n"
                "  -5.0\n"
                "   0.5",
     .test = "{{randn(4,3)}, {randn(2,2,3)}, {well(3)}}",
     .ref = "reference.geqrf",
     .flags = OP_CONST,
     .infer = geqrf_infer,
     .run = geqrf_run},
    {.sig = "linalg.householder_product(input: tensor, tau: tensor) -> Q: tensor",
     .aliases = "orgqr",
     .doc = "The first columns of the product of reflections I - tau_i v_i v_i^T, where v_i is "
            "column i of the input [...,m,n] below its diagonal, with a 1 there.",
     .example =
         "tensor.linalg.householder_product(tensor{{1.0}, {1.0}}, tensor{1.0}) --> float32 [2,1]\n"
         "   0.0\n"
         "  -1.0",
     .test = "{{randn(4,3), randn(3)}, {randn(2,3,3), randn(2,2)}}",
     .ref = "reference.householder_product",
     .compose = householder_compose},
    {.sig = "ormqr(input: tensor, tau: tensor, other: tensor, left: bool=true, transpose: "
            "bool=false) -> y: tensor",
     .doc = "Q other, with the Q [m,m] of which geqrf gives input [...,m,n] and tau [...,k]: the "
            "product of k reflections. other is [...,m,p]; with left = false it is [...,p,m] and "
            "the result other Q. transpose takes Q^T.",
     .example = "QR, tau = tensor{{3.0}, {4.0}}:geqrf()\n"
                "tensor.ormqr(QR, tau, tensor{{3.0}, {4.0}}, true, true) --> float32 [2,1]\n"
                "  -5.0\n"
                "   0.0",
     .test =
         "{{randn(4,3), randn(3), randn(4,2)}, {randn(2,3,3), randn(2,2), randn(2,2,3), false}, "
         "{randn(3,2), randn(2), randn(3,3), {transpose = true}}, {randn(3,2), randn(2), "
         "randn(2,3), false, true}}",
     .ref = "reference.ormqr",
     .compose = ormqr_compose},
};

FAMILY_PART(linalg, reflections, rows);
