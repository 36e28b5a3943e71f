/* Functions of square matrices: the exponential and whole powers. */
#include <math.h>
#include <string.h>

#include "../../blas/lapack.h"
#include "linalg.h"

/* ---- matrix_exp ----------------------------------------------------------------------------------- */

/* Higham 2005, "The scaling and squaring method for the matrix exponential revisited", table 2.3:
   up to these 1-norms the Pade approximants are exact to rounding. */
typedef struct Pade {
  int degree;
  double most64, most32, b[14];
} Pade;

static const Pade pade[] = {
    {3, 1.495585217958292e-2, 4.258730016922831e-1, {120, 60, 12, 1}},
    {5, 2.539398330063230e-1, 1.880152677804762e0, {30240, 15120, 3360, 420, 30, 1}},
    {7,
     9.504178996162932e-1,
     3.925724783138660e0,
     {17297280, 8648640, 1995840, 277200, 25200, 1512, 56, 1}},
    {13,
     5.371920351148152e0,
     INFINITY,
     {64764752532480000, 32382376266240000, 7771770303897600, 1187353796428800, 129060195264000,
      10559470521600, 670442572800, 33522128640, 1323241920, 40840800, 960960, 16380, 182, 1}},
};

enum { BUFFERS = 7 };

static size_t exp_room(DType d, int64_t n) {
  return BUFFERS * la_pad((size_t)(n * n) * dtype_size(d)) + la_pad((size_t)n * sizeof(int));
}

static void exp_infer(Call *c) {
  la_square(c, 0);
  DType d = la_float(c, 0, 1);
  const Tensor *a = c->x[0];
  call_out(c, 0, d, a->ndim, a->shape);
  la_scratch(c, la_count(a), exp_room(d, la_rows(a)), 0);
}

/* The largest sum of absolute values in a column. */
static double norm_of(DType d, int64_t n, const void *a) {
  double most = 0;
  for (int64_t j = 0; j < n; j++) {
    double sum = 0;
    for (int64_t i = 0; i < n; i++) sum += fabs(la_get(d, a, i * n + j));
    if (!(sum <= most)) most = sum;
  }
  return most;
}

/* y = b0 I + b2 A^2 + b4 A^4 + b6 A^6, the coefficients being every second of b */
static void series(DType d, int64_t n, const double *b, void *const *power, void *y) {
  memset(y, 0, (size_t)(n * n) * dtype_size(d));
  for (int64_t i = 0; i < n; i++) la_put(d, y, i * (n + 1), b[0]);
  for (int k = 1; k <= 3; k++) {
    if (power[k] && b[2 * k] != 0) la_axpy(d, n * n, b[2 * k], power[k], y);
  }
}

/* y = the odd (from 1) or even (from 0) terms, the odd ones without one factor A */
static void terms(DType d, int64_t n, const Pade *p, int from, void *const *power, void *spare,
                  void *y) {
  double low[8] = {0}, high[8] = {0};
  for (int k = from; k <= p->degree; k += 2) {
    if (k < from + 8)
      low[k - from] = p->b[k];
    else
      high[k - from - 6] = p->b[k];
  }
  series(d, n, low, power, y);
  if (p->degree < 13) return;
  series(d, n, high, power, spare);
  la_gemm(d, false, false, n, n, n, power[3], spare, 1, y);
}

static int exp_one(const Call *c, int64_t i, char *room) {
  const Tensor *a = c->x[0];
  DType d = (DType)a->dtype;
  int64_t n = la_rows(a), nn = n * n;
  size_t bytes = (size_t)nn * dtype_size(d);
  void *buffer[BUFFERS], *y = la_at(c->y[0], i);
  for (int k = 0; k < BUFFERS; k++) buffer[k] = la_take(&room, bytes);
  int *pivots = la_take(&room, (size_t)n * sizeof(int)), halved = 0, which = 0;
  void *x = buffer[0], *u = buffer[4], *v = buffer[5], *spare = buffer[6];
  double norm = norm_of(d, n, la_at(a, i));
  if (!isfinite(norm)) {
    for (int64_t k = 0; k < nn; k++) la_put(d, y, k, NAN);
    return 0;
  }
  int last = d == T_F64 ? 3 : 2;
  while (which < last && norm > (d == T_F64 ? pade[which].most64 : pade[which].most32)) which++;
  const Pade *p = &pade[which];
  double most = d == T_F64 ? p->most64 : p->most32;
  if (norm > most) halved = (int)ceil(log2(norm / most));
  memcpy(x, la_at(a, i), bytes);
  if (halved) la_scale(d, nn, ldexp(1, -halved), x);
  void *power[4] = {NULL, buffer[1], p->degree > 3 ? buffer[2] : NULL,
                    p->degree > 5 ? buffer[3] : NULL};
  la_gemm(d, false, false, n, n, n, x, x, 0, power[1]);
  if (power[2]) la_gemm(d, false, false, n, n, n, power[1], power[1], 0, power[2]);
  if (power[3]) la_gemm(d, false, false, n, n, n, power[2], power[1], 0, power[3]);
  terms(d, n, p, 1, power, spare, v);
  la_gemm(d, false, false, n, n, n, x, v, 0, u);
  terms(d, n, p, 0, power, spare, v);
  memcpy(x, v, bytes);
  memcpy(y, v, bytes);
  la_axpy(d, nn, -1, u, x);
  la_axpy(d, nn, 1, u, y);
  int info = la_solve(d, (int)n, (int)n, x, pivots, y);
  for (; halved > 0; halved--) {
    la_gemm(d, false, false, n, n, n, y, y, 0, x);
    memcpy(y, x, bytes);
  }
  return info;
}

static const char *exp_run(Call *c) {
  const Tensor *a = c->x[0];
  double n = (double)la_rows(a);
  const char *bad = la_each(c, 10 * n * n * n, exp_one);
  return bad ? bad : la_complain(c, "the approximation is singular (pivot %d)");
}

/* Najfeld & Havel 1995, "Derivatives of the matrix exponential and their computation": the upper
   right block of exp [[A', G], [0, A']]. */
static void exp_grad(Call *c, Tensor *const *gy, Tensor **gx) {
  Tensor *t = la_flip(c->x[0]), *g = gy[0], *zero = t_zeros_like(g);
  int64_t n = la_rows(t);
  Tensor *above = t_cat(2, (Tensor *[]){t, g}, t->ndim - 1);
  Tensor *below = t_cat(2, (Tensor *[]){zero, t}, t->ndim - 1);
  Tensor *e = t_op1("matrix_exp", t_cat(2, (Tensor *[]){above, below}, t->ndim - 2));
  gx[0] = la_cut(la_cut(e, -2, 0, n), -1, n, 2 * n);
}

/* ---- matrix_power --------------------------------------------------------------------------------- */

static void matrix_power_compose(Call *c) {
  la_square(c, 0);
  Tensor *x = c->x[0], *y = NULL;
  int64_t n = c->attr[0].i;
  if (n == 0) {
    Tensor *eye = la_eye((DType)x->dtype, la_rows(x));
    c->y[0] = t_where(t_ge(eye, t_num(0)), eye, x); /* everywhere: x counts by its shape */
    return;
  }
  if (n < 0) x = t_op1("inverse", x);
  for (uint64_t rest = n < 0 ? -(uint64_t)n : (uint64_t)n; rest; rest >>= 1) {
    if (rest & 1) y = y ? t_matmul(y, x) : x;
    if (rest > 1) x = t_matmul(x, x);
  }
  c->y[0] = y == c->x[0] ? t_op1("clone", y) : y;
}

static Op rows[] = {
    {.sig = "matrix_exp(A: tensor) -> y: tensor",
     .aliases = "linalg.matrix_exp",
     .doc = "The exponential of square matrices [...,n,n], the sum of A^k / k!, by scaling, a Pade "
            "approximant and squaring (Higham 2005). Gradient by Najfeld & Havel 1995.",
     .example = "tensor{{0.0, 1.0}, {0.0, 0.0}}:matrix_exp() --> float32 [2,2]\n"
                "  1.0  1.0\n"
                "  0.0  1.0",
     .test = "{{randn(3,3)}, {randn(2,2,2)}, {randn(2,2) * 6}, {randn(3,3) * 0.01}}",
     .ref = "reference.matrix_exp",
     .save = SAVE_X(0),
     .infer = exp_infer,
     .run = exp_run,
     .grad = exp_grad},
    {.sig = "matrix_power(A: tensor, n: int) -> y: tensor",
     .aliases = "linalg.matrix_power",
     .doc = "Square matrices [...,n,n] to a whole power: 0 gives the identity, a negative one the "
            "power of the inverse.",
     .example = "tensor{{1, 1}, {0, 1}}:matrix_power(5) --> int64 [2,2]\n"
                "  1  5\n"
                "  0  1",
     .test = "{{well(3), 3}, {well(2,2), 0}, {well(2), 1}, {well(3), -2}}",
     .ref = "reference.matrix_power",
     .compose = matrix_power_compose},
};

FAMILY_PART(linalg, exponential, rows);
