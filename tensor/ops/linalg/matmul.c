/* Matrix products: mm and bmm, mv and dot, matmul in all rank combinations, linear with its bias. */
#include "../../calc.h"
#include "../../loop/cast.h"
#include "../../blas/gemm.h"

/* ---- operands as they lie ----------------------------------------------------------------------- */

/* How BLAS reads the last two dimensions of x: by rows, or transposed, with a leading dimension. */
typedef struct Layout {
  bool transposed;
  int64_t ld;
} Layout;

static bool layout_of(const Tensor *x, Layout *out) {
  int64_t rows = x->shape[x->ndim - 2], cols = x->shape[x->ndim - 1];
  int64_t r = x->stride[x->ndim - 2], c = x->stride[x->ndim - 1];
  int64_t least_r = cols > 1 ? cols : 1, least_c = rows > 1 ? rows : 1;
  if (x->numel == 0) {
    *out = (Layout){false, least_r};
    return true;
  }
  if ((c == 1 || cols == 1) && (r >= least_r || rows == 1)) {
    *out = (Layout){false, rows == 1 ? least_r : r};
    return true;
  }
  if ((r == 1 || rows == 1) && (c >= least_c || cols == 1)) {
    *out = (Layout){true, cols == 1 ? least_c : c};
    return true;
  }
  return false;
}

/* Both inputs in a float type and readable by BLAS; integers are multiplied as float64 and given
   back, exact below 2^53. */
static DType prepare(Call *c) {
  DType d = call_promote(c, 0, 2);
  DType in = d == T_F32 || d == T_F64 ? d : T_F64;
  for (int i = 0; i < 2; i++) {
    Layout layout;
    if (c->x[i]->dtype != in || !layout_of(c->x[i], &layout)) call_want(c, i, in);
  }
  return d;
}

static void check_inner(Call *c, int64_t k, int64_t k2) {
  if (k == k2) return;
  t_fail("%s: %s times %s: the first has %lld columns and the second %lld rows; they must be equal",
         call_name(c), t_shape_str(c->x[0]), t_shape_str(c->x[1]), (long long)k, (long long)k2);
}

/* ---- bmm and mm ----------------------------------------------------------------------------------- */

/* Attribute-free rows of [m,k] x [k,n] or [b,m,k] x [b,k,n]. */
static void bmm_infer(Call *c) {
  int want = call_name(c)[0] == 'b' ? 3 : 2;
  for (int i = 0; i < 2; i++) {
    if (c->x[i]->ndim == want) continue;
    t_fail("%s: argument %d is %s; %d dimensions are wanted (matmul takes any)", call_name(c),
           i + 1, t_shape_str(c->x[i]), want);
  }
  const Tensor *a = c->x[0], *b = c->x[1];
  check_inner(c, a->shape[want - 1], b->shape[want - 2]);
  if (want == 3 && a->shape[0] != b->shape[0]) {
    t_fail("bmm: %s and %s: the numbers of matrices differ", t_shape_str(a), t_shape_str(b));
  }
  DType d = prepare(c);
  int64_t shape[3] = {a->shape[0], a->shape[want - 2], b->shape[want - 1]};
  int64_t m = a->shape[want - 2], n = b->shape[want - 1], k = a->shape[want - 1];
  Tensor *y = call_out(c, 0, d, want, want == 3 ? shape : shape + 1);
  DType in = (DType)c->x[0]->dtype;
  call_scratch(c, gemm_scratch(m, n, k, dtype_size(in)));
  if (in != d) c->y[CALL_Y - 1] = t_new(in, y->ndim, y->shape);
}

/* y = a b for matrices, or for as many as their first dimension counts. */
static void multiply(const Tensor *a, const Tensor *b, Tensor *y, void *scratch) {
  Layout la, lb;
  layout_of(a, &la);
  layout_of(b, &lb);
  bool ta = la.transposed, tb = lb.transposed;
  int64_t m = y->shape[y->ndim - 2], n = y->shape[y->ndim - 1], k = a->shape[a->ndim - 1];
  if (y->ndim == 2 || y->shape[0] == 1) {
    if (y->dtype == T_F32)
      gemm_team_f32(ta, tb, m, n, k, t_f32(a), la.ld, t_f32(b), lb.ld, NULL, t_f32(y), n, scratch);
    else
      gemm_team_f64(ta, tb, m, n, k, t_f64(a), la.ld, t_f64(b), lb.ld, NULL, t_f64(y), n, scratch);
    return;
  }
  GemmBatch batch = {1, {y->shape[0]}, {a->stride[0]}, {b->stride[0]}, {m * n}};
  if (y->dtype == T_F32)
    gemm_batch_f32(&batch, ta, tb, m, n, k, t_f32(a), la.ld, t_f32(b), lb.ld, t_f32(y), n);
  else
    gemm_batch_f64(&batch, ta, tb, m, n, k, t_f64(a), la.ld, t_f64(b), lb.ld, t_f64(y), n);
}

static const char *bmm_run(Call *c) {
  Tensor *y = c->x[0]->dtype == c->y[0]->dtype ? c->y[0] : c->y[CALL_Y - 1];
  if (y->numel > 0) multiply(c->x[0], c->x[1], y, c->scratch);
  if (y != c->y[0]) cast_into(c->y[0], y);
  c->y[CALL_Y - 1] = NULL;
  return NULL;
}

static Tensor *flip(Tensor *x) { return t_transpose(x, x->ndim - 2, x->ndim - 1); }

static Tensor *times(Tensor *a, Tensor *b) { return t_op2(a->ndim == 3 ? "bmm" : "mm", a, b); }

static void bmm_grad(Call *c, Tensor *const *gy, Tensor **gx) {
  if (c->want[0]) gx[0] = times(gy[0], flip(c->x[1]));
  if (c->want[1]) gx[1] = times(flip(c->x[0]), gy[0]);
}

/* ---- mv and dot ----------------------------------------------------------------------------------- */

/* [m,k] times [k], or, of a dot product, [k] times [k]: a matrix of one row. */
static void mv_infer(Call *c) {
  bool dot = c->x[0]->ndim == 1;
  int rank = call_name(c)[0] == 'd' ? 1 : 2;
  if (c->x[0]->ndim != rank || c->x[1]->ndim != 1) {
    t_fail("%s: %s times %s; %s and a vector are wanted (matmul takes any)", call_name(c),
           t_shape_str(c->x[0]), t_shape_str(c->x[1]), rank == 1 ? "a vector" : "a matrix");
  }
  int64_t m = dot ? 1 : c->x[0]->shape[0], k = c->x[0]->shape[dot ? 0 : 1];
  check_inner(c, k, c->x[1]->shape[0]);
  DType d = call_promote(c, 0, 2), in = d == T_F32 || d == T_F64 ? d : T_F64;
  Layout layout;
  if (dot || c->x[0]->dtype != in || !layout_of(c->x[0], &layout)) call_want(c, 0, in);
  call_want(c, 1, in);
  Tensor *y = call_out(c, 0, d, dot ? 0 : 1, &m);
  call_scratch(c, gemm_scratch(m, 1, k, dtype_size(in)));
  if (in != d) c->y[CALL_Y - 1] = t_new(in, y->ndim, y->shape);
}

/* A contiguous vector, or single value, as a matrix. */
static Tensor as_matrix(const Tensor *x, int64_t rows, int64_t cols) {
  Tensor y = *x;
  y.ndim = 2;
  y.shape[0] = rows;
  y.shape[1] = cols;
  y.stride[0] = cols;
  y.stride[1] = 1;
  return y;
}

static const char *mv_run(Call *c) {
  const Tensor *x = c->x[0];
  Tensor *y = x->dtype == c->y[0]->dtype ? c->y[0] : c->y[CALL_Y - 1];
  int64_t k = c->x[1]->numel;
  Tensor a = x->ndim == 2 ? *x : as_matrix(x, 1, k), b = as_matrix(c->x[1], k, 1);
  Tensor z = as_matrix(y, y->numel, 1);
  if (y->numel > 0) multiply(&a, &b, &z, c->scratch);
  if (y != c->y[0]) cast_into(c->y[0], y);
  c->y[CALL_Y - 1] = NULL;
  return NULL;
}

static void mv_grad(Call *c, Tensor *const *gy, Tensor **gx) {
  if (c->want[0]) gx[0] = t_op2("mm", t_unsqueeze(gy[0], 1), t_unsqueeze(c->x[1], 0));
  if (c->want[1]) gx[1] = t_op2("mv", t_transpose(c->x[0], 0, 1), gy[0]);
}

static void dot_grad(Call *c, Tensor *const *gy, Tensor **gx) {
  if (c->want[0]) gx[0] = t_mul(gy[0], c->x[1]);
  if (c->want[1]) gx[1] = t_mul(gy[0], c->x[0]);
}

/* ---- matmul ----------------------------------------------------------------------------------------- */

static Tensor *as_batch(Tensor *x, int nbatch, const int64_t *batch, int64_t count) {
  int64_t shape[T_MAXDIM];
  for (int d = 0; d < nbatch; d++) shape[d] = batch[d];
  shape[nbatch] = x->shape[x->ndim - 2];
  shape[nbatch + 1] = x->shape[x->ndim - 1];
  Tensor *y = t_expand(x, nbatch + 2, shape);
  int64_t flat[3] = {count, shape[nbatch], shape[nbatch + 1]};
  return t_reshape(y, 3, flat);
}

/* Batches broadcast; a first operand with batches times one matrix is a single product. */
static Tensor *batched(Call *c, Tensor *a, Tensor *b) {
  if (a->ndim == 2 && b->ndim == 2) return t_op2("mm", a, b);
  check_inner(c, a->shape[a->ndim - 1], b->shape[b->ndim - 2]);
  int64_t shape[T_MAXDIM], count = 1;
  if (b->ndim == 2) {
    int64_t flat[2] = {-1, a->shape[a->ndim - 1]};
    if (flat[1] == 0 || a->numel == 0) {
      flat[0] = 1;
      for (int d = 0; d < a->ndim - 1; d++) flat[0] *= a->shape[d];
    }
    Tensor *y = t_op2("mm", t_reshape(a, 2, flat), b);
    for (int d = 0; d < a->ndim - 1; d++) shape[d] = a->shape[d];
    shape[a->ndim - 1] = b->shape[1];
    return t_reshape(y, a->ndim, shape);
  }
  int nbatch = (a->ndim > b->ndim ? a->ndim : b->ndim) - 2;
  for (int d = 0; d < nbatch; d++) {
    int da = d - (nbatch - (a->ndim - 2)), db = d - (nbatch - (b->ndim - 2));
    int64_t sa = da >= 0 ? a->shape[da] : 1, sb = db >= 0 ? b->shape[db] : 1;
    if (sa != sb && sa != 1 && sb != 1) {
      t_fail("matmul: %s times %s: batch sizes %lld and %lld do not go together", t_shape_str(a),
             t_shape_str(b), (long long)sa, (long long)sb);
    }
    shape[d] = sa == 1 ? sb : sa;
    count *= shape[d];
  }
  Tensor *y = t_op2("bmm", as_batch(a, nbatch, shape, count), as_batch(b, nbatch, shape, count));
  shape[nbatch] = y->shape[1];
  shape[nbatch + 1] = y->shape[2];
  return t_reshape(y, nbatch + 2, shape);
}

static void matmul_compose(Call *c) {
  Tensor *a = c->x[0], *b = c->x[1];
  if (a->ndim == 0 || b->ndim == 0) {
    t_fail("matmul: %s times %s: both need at least one dimension; * multiplies by a number",
           t_shape_str(a), t_shape_str(b));
  }
  bool row = a->ndim == 1, column = b->ndim == 1;
  check_inner(c, a->shape[a->ndim - 1], b->shape[column ? 0 : b->ndim - 2]);
  if (row + column == 2 || (a->ndim == 2 && column) || (row && b->ndim == 2)) {
    if (row && !column)
      c->y[0] = t_op2("mv", flip(b), a);
    else
      c->y[0] = t_op2(row ? "dot" : "mv", a, b);
    return;
  }
  if (row) a = t_unsqueeze(a, 0);
  if (column) b = t_unsqueeze(b, 1);
  Tensor *y = batched(c, a, b);
  if (column) y = t_squeeze(y, y->ndim - 1);
  if (row) y = t_squeeze(y, y->ndim - (column ? 1 : 2));
  c->y[0] = y;
}

/* ---- linear ------------------------------------------------------------------------------------------- */

/* x: [..., in]  w: [out, in]  b: [out]  ->  [..., out] */
static void linear_infer(Call *c) {
  const Tensor *x = c->x[0], *w = c->x[1], *b = c->x[2];
  if (w->ndim != 2) t_fail("linear: weight is %s; [out, in] is wanted", t_shape_str(w));
  if (x->ndim < 1 || x->shape[x->ndim - 1] != w->shape[1]) {
    t_fail("linear: input %s wants %lld in its last dimension (weight is %s)", t_shape_str(x),
           (long long)w->shape[1], t_shape_str(w));
  }
  if (b && (b->ndim != 1 || b->shape[0] != w->shape[0])) {
    t_fail("linear: bias is %s; [%lld] is wanted", t_shape_str(b), (long long)w->shape[0]);
  }
  DType d = call_promote(c, 0, 3), in = dtype_is_float(d) ? d : T_F64;
  for (int i = 0; i < 3; i++) {
    if (c->x[i]) call_want(c, i, in);
  }
  int64_t shape[T_MAXDIM];
  for (int i = 0; i < x->ndim - 1; i++) shape[i] = x->shape[i];
  shape[x->ndim - 1] = w->shape[0];
  Tensor *y = call_out(c, 0, d, x->ndim, shape);
  int64_t n = w->shape[0];
  call_scratch(c, gemm_scratch(n ? y->numel / n : 0, n, w->shape[1], dtype_size(in)));
  if (in != d) c->y[CALL_Y - 1] = t_new(in, y->ndim, y->shape);
}

static const char *linear_run(Call *c) {
  const Tensor *x = c->x[0], *w = c->x[1], *b = c->x[2];
  Tensor *y = x->dtype == c->y[0]->dtype ? c->y[0] : c->y[CALL_Y - 1];
  int64_t n = w->shape[0], k = w->shape[1], m = n ? y->numel / n : 0;
  if (m > 0 && y->dtype == T_F32)
    gemm_team_f32(false, true, m, n, k, t_f32(x), k, t_f32(w), k, b ? t_f32(b) : NULL, t_f32(y), n,
                  c->scratch);
  else if (m > 0)
    gemm_team_f64(false, true, m, n, k, t_f64(x), k, t_f64(w), k, b ? t_f64(b) : NULL, t_f64(y), n,
                  c->scratch);
  if (y != c->y[0]) cast_into(c->y[0], y);
  c->y[CALL_Y - 1] = NULL;
  return NULL;
}

static Tensor *as_rows(Tensor *x) {
  int64_t cols = x->shape[x->ndim - 1], rows = 1;
  for (int d = 0; d < x->ndim - 1; d++) rows *= x->shape[d];
  int64_t shape[2] = {rows, cols};
  return x->ndim == 2 ? x : t_reshape(x, 2, shape);
}

static void linear_grad(Call *c, Tensor *const *gy, Tensor **gx) {
  Tensor *x = c->x[0], *g = as_rows(gy[0]);
  if (c->want[0]) {
    Tensor *dx = t_op2("mm", g, c->x[1]);
    gx[0] = x->ndim == 2 ? dx : t_reshape(dx, x->ndim, x->shape);
  }
  if (c->want[1]) gx[1] = t_op2("mm", t_transpose(g, 0, 1), as_rows(x));
  if (c->want[2]) gx[2] = t_sum1(g, 0, false);
}

static Op rows[] = {
    {.sig = "mm(x: tensor, y: tensor) -> z: tensor",
     .doc = "Product of two matrices, [m,k] by [k,n] to [m,n].",
     .example = "tensor{{1, 2}, {3, 4}}:mm(tensor{{5, 6}, {7, 8}}) --> int64 [2,2]\n"
                "  19  22\n"
                "  43  50",
     .test = "{{randn(3,4), randn(4,2)}, {randn(1,3), randn(3,1)}}",
     .ref = "reference.matmul",
     .flags = OP_CROSS,
     .save = SAVE_X(0) | SAVE_X(1),
     .infer = bmm_infer,
     .run = bmm_run,
     .grad = bmm_grad},
    {.sig = "bmm(x: tensor, y: tensor) -> z: tensor",
     .doc = "Products of two batches of matrices, [b,m,k] by [b,k,n] to [b,m,n].",
     .example = "tensor{{{1, 2}}, {{3, 4}}}:bmm(tensor{{{1}, {1}}, {{2}, {2}}}) --> int64 [2,1,1]\n"
                "   3\n"
                "\n"
                "  14",
     .test = "{{randn(2,3,4), randn(2,4,2)}}",
     .ref = "reference.matmul",
     .flags = OP_CROSS,
     .save = SAVE_X(0) | SAVE_X(1),
     .infer = bmm_infer,
     .run = bmm_run,
     .grad = bmm_grad},
    {.sig = "mv(x: tensor, vec: tensor) -> z: tensor",
     .doc = "Product of a matrix [m,k] and a vector [k], to [m].",
     .example = "tensor{{1, 2}, {3, 4}}:mv(tensor{1, 10}) --> int64 [2]  21  43",
     .test = "{{randn(3,4), randn(4)}, {randn(1,3), randn(3)}, {ints(2,3), ints(3)}}",
     .ref = "reference.matmul",
     .flags = OP_CROSS,
     .save = SAVE_X(0) | SAVE_X(1),
     .infer = mv_infer,
     .run = mv_run,
     .grad = mv_grad},
    {.sig = "dot(x: tensor, y: tensor) -> z: tensor",
     .aliases = "vdot",
     .doc = "Sum of the products of two vectors of one length.",
     .example = "tensor{1, 2, 3}:dot(tensor{4, 5, 6}) --> 32",
     .test = "{{randn(4), randn(4)}, {ints(3), ints(3)}}",
     .ref = "reference.matmul",
     .flags = OP_CROSS,
     .save = SAVE_X(0) | SAVE_X(1),
     .infer = mv_infer,
     .run = mv_run,
     .grad = dot_grad},
    {.sig = "matmul(x: tensor, y: tensor) -> z: tensor",
     .aliases = "linalg.matmul",
     .doc = "Matrix product in all combinations of ranks. Vectors count as a row on the left and a "
            "column on the right; further dimensions are batches and broadcast.",
     .example = "tensor{{1, 2}, {3, 4}}:matmul(tensor{1, 1}) --> int64 [2]  3  7",
     .test = "{{randn(3,4), randn(4,2)}, {randn(4), randn(4)}, {randn(3,4), randn(4)}, "
             "{randn(4), randn(4,2)}, {randn(2,1,3,4), randn(5,4,2)}, {randn(2,3,4), randn(4,2)}}",
     .ref = "reference.matmul",
     .compose = matmul_compose},
    {.sig = "linear(x: tensor, weight: tensor, bias: tensor?) -> y: tensor",
     .doc = "x times the transposed weight, plus bias. x: [..., in], weight: [out, in], "
            "bias: [out] -> [..., out].",
     .example =
         "tensor{{1, 2}}:linear(tensor{{1, 1}, {0, 3}}, tensor{10, 20}) --> int64 [1,2]  13  26",
     .test = "{{randn(3,4), randn(2,4), randn(2)}, {randn(2,3,4), randn(2,4)}}",
     .ref = "reference.linear",
     .flags = OP_CROSS | OP_WHOLE,
     .save = SAVE_X(0) | SAVE_X(1),
     .infer = linear_infer,
     .run = linear_run,
     .grad = linear_grad},
};

FAMILY_PART(linalg, matmul, rows);
