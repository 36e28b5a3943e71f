/* Products of vectors, matrices and tensors, composed of the matrix product and pointwise ops. */
#include "products.h"

#include <math.h>
#include <string.h>

/* ---- checks --------------------------------------------------------------------------------------- */

static void want_dims(const Call *c, int i, int ndim, const char *what) {
  if (c->x[i]->ndim == ndim) return;
  t_fail("%s: argument %d is %s; %s is wanted", call_name(c), i + 1, t_shape_str(c->x[i]), what);
}

static void want_vectors(const Call *c, int i, int j) {
  want_dims(c, i, 1, "a vector");
  want_dims(c, j, 1, "a vector");
}

/* ---- vectors -------------------------------------------------------------------------------------- */

static void outer_compose(Call *c) {
  want_vectors(c, 0, 1);
  c->y[0] = t_mul(la_column(c->x[0]), la_row(c->x[1]));
}

/* x: [...,k]  y: [...,k]  ->  the dimensions of x, then those of y, but the last ones */
static void inner_compose(Call *c) {
  Tensor *x = c->x[0], *y = c->x[1];
  if (x->ndim == 0 || y->ndim == 0) {
    c->y[0] = t_mul(x, y);
    return;
  }
  int nx = x->ndim - 1, ny = y->ndim - 1;
  if (x->shape[nx] != y->shape[ny]) {
    t_fail("inner: %s and %s: the last sizes %lld and %lld must be equal", t_shape_str(x),
           t_shape_str(y), (long long)x->shape[nx], (long long)y->shape[ny]);
  }
  int64_t dx = nx, dy = ny;
  c->y[0] = la_contract(x, 1, &dx, y, &dy);
}

static void vecdot_compose(Call *c) {
  Tensor *p = t_mul(c->x[0], c->x[1]);
  /* dim counts in x; batches in front of it may be broadcast */
  int dim = (int)c->attr[0].i + (p->ndim - c->x[0]->ndim);
  c->y[0] = t_sum1(p, dim, false);
}

/* ---- beta input + alpha product ------------------------------------------------------------------- */

/* A factor in the type of what it multiplies: of integers a whole number, of masks true or false. */
static Attr factor_of(const Call *c, int i, DType type) {
  Attr a = c->attr[i];
  if (a.tag == A_FLOAT && !dtype_is_float(type)) {
    if (!(fabs(a.f) < 0x1p63)) {
      t_fail("%s: the factor %g is no whole number; float tensors can be multiplied by it",
             call_name(c), a.f);
    }
    a = attr_of_int((int64_t)a.f);
  }
  if (type == T_BOOL) a = attr_of_bool(a.i != 0);
  return a;
}

static Tensor *scaled(Tensor *x, const Attr *a) {
  if (a->tag == A_FLOAT) return a->f == 1 ? x : t_mul(x, t_num(a->f));
  if (a->i == 1) return x;
  Tensor *n = t_scalar_int(a->i, a->tag == A_BOOL ? T_BOOL : T_I64);
  n->weak = true;
  return t_mul(x, n);
}

static bool is_zero(const Attr *a) { return a->tag == A_FLOAT ? a->f == 0 : a->i == 0; }

/* Attributes 0 and 1 are beta and alpha. With beta 0 the input counts by its shape only. */
static Tensor *added(Call *c, Tensor *product) {
  DType type = dtype_promote((DType)c->x[0]->dtype, (DType)product->dtype);
  Attr beta = factor_of(c, 0, type), alpha = factor_of(c, 1, type);
  Tensor *x = c->x[0], *y = scaled(product, &alpha);
  bool fits = x->ndim <= y->ndim;
  for (int d = 1; fits && d <= x->ndim; d++) {
    int64_t size = x->shape[x->ndim - d];
    fits = size == 1 || size == y->shape[y->ndim - d];
  }
  if (!fits) {
    t_fail("%s: input is %s and the product %s; the input must broadcast to it", call_name(c),
           t_shape_str(x), t_shape_str(y));
  }
  return is_zero(&beta) ? y : t_add(scaled(x, &beta), y);
}

static void addmm_compose(Call *c) {
  want_dims(c, 1, 2, "a matrix");
  want_dims(c, 2, 2, "a matrix");
  c->y[0] = added(c, t_op2("mm", c->x[1], c->x[2]));
}

static void addmv_compose(Call *c) {
  want_dims(c, 1, 2, "a matrix");
  want_dims(c, 2, 1, "a vector");
  c->y[0] = added(c, t_matmul(c->x[1], c->x[2]));
}

static void addr_compose(Call *c) {
  want_vectors(c, 1, 2);
  c->y[0] = added(c, t_mul(la_column(c->x[1]), la_row(c->x[2])));
}

static void baddbmm_compose(Call *c) { c->y[0] = added(c, t_op2("bmm", c->x[1], c->x[2])); }

/* The sum of products over the batch is one product over batch and inner dimension. */
static void addbmm_compose(Call *c) {
  Tensor *a = c->x[1], *b = c->x[2];
  want_dims(c, 1, 3, "a batch of matrices");
  want_dims(c, 2, 3, "a batch of matrices");
  if (a->shape[0] != b->shape[0] || a->shape[2] != b->shape[1]) {
    t_fail("addbmm: %s and %s: [b,m,k] and [b,k,n] are wanted", t_shape_str(a), t_shape_str(b));
  }
  c->y[0] = added(c, la_contract(a, 2, (int64_t[]){0, 2}, b, (int64_t[]){0, 1}));
}

/* ---- tensors -------------------------------------------------------------------------------------- */

Tensor *la_contract(Tensor *a, int n, const int64_t *da, Tensor *b, const int64_t *db) {
  int64_t order[T_MAXDIM], shape[2 * T_MAXDIM], m = 1, k = 1, rest = 1;
  unsigned in_a = 0, in_b = 0;
  int at = 0, out = 0;
  for (int i = 0; i < n; i++) {
    in_a |= 1u << da[i];
    in_b |= 1u << db[i];
    k *= a->shape[da[i]];
  }
  for (int d = 0; d < a->ndim; d++) {
    if (in_a >> d & 1) continue;
    order[at++] = d;
    m *= shape[out++] = a->shape[d];
  }
  memcpy(order + at, da, (size_t)n * sizeof *da);
  Tensor *left = t_reshape(t_permute(a, order), 2, (int64_t[]){m, k});
  memcpy(order, db, (size_t)n * sizeof *db);
  at = n;
  for (int d = 0; d < b->ndim; d++) {
    if (in_b >> d & 1) continue;
    order[at++] = d;
    rest *= shape[out++] = b->shape[d];
  }
  if (out > T_MAXDIM) t_fail("a product of %d dimensions; %d are the most", out, T_MAXDIM);
  Tensor *right = t_reshape(t_permute(b, order), 2, (int64_t[]){k, rest});
  return t_reshape(t_op2("mm", left, right), out, shape);
}

/* ---- chains --------------------------------------------------------------------------------------- */

enum { CHAIN = 64 };

/* Matrices from..to in the order found: cut[from][to] is where the last product stands. */
static Tensor *chain(Call *c, int from, int to, uint8_t cut[CHAIN][CHAIN]) {
  if (from == to) return c->x[from];
  int at = cut[from][to];
  return t_matmul(chain(c, from, at, cut), chain(c, at + 1, to, cut));
}

/* The cheapest order by dynamic programming (Cormen et al., Introduction to Algorithms, 15.2). */
static Tensor *product_of(Call *c) {
  int n = c->nx;
  double cost[CHAIN][CHAIN] = {{0}};
  uint8_t cut[CHAIN][CHAIN];
  for (int span = 1; span < n; span++) {
    for (int i = 0; i + span < n; i++) {
      int j = i + span;
      cost[i][j] = -1;
      for (int k = i; k < j; k++) {
        double own = (double)la_rows(c->x[i]) * (double)la_cols(c->x[k]) * (double)la_cols(c->x[j]);
        double all = cost[i][k] + cost[k + 1][j] + own;
        if (cost[i][j] >= 0 && cost[i][j] <= all) continue;
        cost[i][j] = all;
        cut[i][j] = (uint8_t)k;
      }
    }
  }
  return n == 1 ? t_op1("clone", c->x[0]) : chain(c, 0, n - 1, cut);
}

static void multiply(Call *c, bool vectors) {
  if (c->nx < 1 || c->nx > CHAIN) {
    t_fail("%s: a list of %d matrices; 1 to %d are wanted", call_name(c), c->nx, CHAIN);
  }
  if (vectors && c->nx < 2) t_fail("%s: at least two matrices are wanted", call_name(c));
  bool row = vectors && c->x[0]->ndim == 1, column = vectors && c->x[c->nx - 1]->ndim == 1;
  if (row) c->x[0] = la_row(c->x[0]);
  if (column) c->x[c->nx - 1] = la_column(c->x[c->nx - 1]);
  for (int i = 0; i < c->nx; i++) {
    want_dims(c, i, 2, "a matrix");
    if (i > 0 && la_cols(c->x[i - 1]) != la_rows(c->x[i])) {
      t_fail("%s: matrix %d is %s and matrix %d is %s; the sizes that meet must be equal",
             call_name(c), i, t_shape_str(c->x[i - 1]), i + 1, t_shape_str(c->x[i]));
    }
  }
  Tensor *y = product_of(c);
  if (column) y = t_squeeze(y, 1);
  c->y[0] = row ? t_squeeze(y, 0) : y;
}

static void chain_matmul_compose(Call *c) { multiply(c, false); }
static void multi_dot_compose(Call *c) { multiply(c, true); }

#define ADD_DOC                                                                                    \
  " With beta = 0 the input is not read; it broadcasts to the product. Factors of integers are "   \
  "whole: they lose their fraction."

static Op rows[] = {
    {.sig = "outer(x: tensor, y: tensor) -> z: tensor",
     .aliases = "ger",
     .doc = "All products of an element of vector x and one of vector y: [m] and [n] to [m,n].",
     .example = "tensor{1, 2}:outer(tensor{3, 4}) --> int64 [2,2]\n"
                "  3  4\n"
                "  6  8",
     .test = "{{randn(3), randn(2)}, {randn(1), randn(4)}}",
     .ref = "reference.outer",
     .compose = outer_compose},
    {.sig = "inner(x: tensor, y: tensor) -> z: tensor",
     .doc = "Sums of products over the last dimensions: [...,k] and [...,k] to the other sizes of "
            "x, then of y. A single number multiplies.",
     .example = "tensor{{1, 2}, {3, 4}}:inner(tensor{1, 10}) --> int64 [2]  21  43",
     .test = "{{randn(3), randn(3)}, {randn(2,3), randn(4,3)}, {randn(2,2,3), randn(3)}, "
             "{randn(2,3), tensor(2.5):double()}}",
     .ref = "reference.inner",
     .compose = inner_compose},
    {.sig = "linalg.vecdot(x: tensor, y: tensor, dim: dim=-1) -> z: tensor",
     .doc = "Sums of products along a dimension; the other sizes broadcast.",
     .example = "tensor.linalg.vecdot(tensor{{1, 2}, {3, 4}}, tensor{1, 10}) --> int64 [2]  21  43",
     .test = "{{randn(2,3), randn(2,3)}, {randn(2,3), randn(1,3), 1}}",
     .ref = "reference.vecdot",
     .flags = OP_FUNCTION,
     .compose = vecdot_compose},
    {.sig = "addmm(input: tensor, mat1: tensor, mat2: tensor, beta: scalar=1, alpha: scalar=1) -> "
            "z: tensor",
     .doc = "beta input + alpha mat1 mat2 for matrices [m,k] and [k,n]." ADD_DOC,
     .example =
         "tensor{{10, 20}}:addmm(tensor{{1, 2}}, tensor{{3, 4}, {5, 6}}) --> int64 [1,2]  23  36",
     .test = "{{randn(2,3), randn(2,4), randn(4,3)}, {randn(3), randn(2,4), randn(4,3), 0.5, 2}, "
             "{randn(2,3), randn(2,4), randn(4,3), {beta = 0}}}",
     .ref = "reference.addmm",
     .flags = OP_INPLACE,
     .compose = addmm_compose},
    {.sig = "addmv(input: tensor, mat: tensor, vec: tensor, beta: scalar=1, alpha: scalar=1) -> z: "
            "tensor",
     .doc = "beta input + alpha mat vec for a matrix [m,k] and a vector [k]." ADD_DOC,
     .example = "tensor{10, 20}:addmv(tensor{{1, 2}, {3, 4}}, tensor{1, 1}) --> int64 [2]  13  27",
     .test = "{{randn(2), randn(2,4), randn(4)}, {randn(1), randn(2,4), randn(4), 0.5, 2}}",
     .ref = "reference.addmv",
     .flags = OP_INPLACE,
     .compose = addmv_compose},
    {.sig = "addr(input: tensor, vec1: tensor, vec2: tensor, beta: scalar=1, alpha: scalar=1) -> "
            "z: tensor",
     .doc = "beta input + alpha outer(vec1, vec2)." ADD_DOC,
     .example = "tensor{{10, 10}, {10, 10}}:addr(tensor{1, 2}, tensor{3, 4}) --> int64 [2,2]\n"
                "  13  14\n"
                "  16  18",
     .test = "{{randn(2,3), randn(2), randn(3)}, {randn(3), randn(2), randn(3), 0.5, 2}}",
     .ref = "reference.addr",
     .flags = OP_INPLACE,
     .compose = addr_compose},
    {.sig = "addbmm(input: tensor, batch1: tensor, batch2: tensor, beta: scalar=1, alpha: "
            "scalar=1) -> z: tensor",
     .doc = "beta input + alpha times the sum of the products of [b,m,k] and [b,k,n]." ADD_DOC,
     .example =
         "tensor{{10}}:addbmm(tensor{{{1}}, {{2}}}, tensor{{{3}}, {{4}}}) --> int64 [1,1]  21",
     .test = "{{randn(2,3), randn(2,2,4), randn(2,4,3)}, {randn(1), randn(2,2,4), randn(2,4,3), "
             "0.5, 2}}",
     .ref = "reference.addbmm",
     .flags = OP_INPLACE,
     .compose = addbmm_compose},
    {.sig = "baddbmm(input: tensor, batch1: tensor, batch2: tensor, beta: scalar=1, alpha: "
            "scalar=1) -> z: tensor",
     .doc = "beta input + alpha batch1 batch2 for batches [b,m,k] and [b,k,n]." ADD_DOC,
     .example = "tensor{{{10}}, {{20}}}:baddbmm(tensor{{{1}}, {{2}}}, tensor{{{3}}, {{4}}}) --> "
                "int64 [2,1,1]\n"
                "  13\n"
                "\n"
                "  28",
     .test = "{{randn(2,2,3), randn(2,2,4), randn(2,4,3)}, {randn(2,1,3), randn(2,2,4), "
             "randn(2,4,3), 0.5, 2}}",
     .ref = "reference.baddbmm",
     .flags = OP_INPLACE,
     .compose = baddbmm_compose},
    {.sig = "chain_matmul(matrices: tensors) -> z: tensor",
     .doc = "Product of a list of matrices in the order of least work.",
     .example = "tensor.chain_matmul{tensor{{1, 2}}, tensor{{1, 0}, {0, 2}}, tensor{{3}, {4}}} --> "
                "int64 [1,1]  19",
     .test = "{{{randn(2,4), randn(4,3), randn(3,5)}}, {{randn(3,2)}}}",
     .ref = "reference.chain_matmul",
     .flags = OP_FUNCTION,
     .compose = chain_matmul_compose},
    {.sig = "linalg.multi_dot(tensors: tensors) -> z: tensor",
     .doc = "Product of a list of matrices in the order of least work; the first may be a vector "
            "(a row), and the last (a column).",
     .example =
         "tensor.linalg.multi_dot{tensor{1, 2}, tensor{{1, 0}, {0, 2}}, tensor{3, 4}} --> 19",
     .test = "{{{randn(2,4), randn(4,3), randn(3,5)}}, {{randn(4), randn(4,3), randn(3)}}}",
     .ref = "reference.multi_dot",
     .flags = OP_FUNCTION,
     .compose = multi_dot_compose},
    {.sig = "einsum(equation: text, operands: tensors) -> z: tensor",
     .doc = "Sums of products in Einstein's notation: a letter for every dimension of every "
            "operand, \"ij,jk->ik\" the matrix product. Letters missing in the result are summed "
            "over; a letter twice in one operand is its diagonal; ... stands for further "
            "dimensions, which broadcast. Without -> the result has the letters that occur once, "
            "in alphabetical order. The operands may be given in a list or one by one.",
     .example =
         "tensor.einsum(\"ij,j->i\", tensor{{1, 2}, {3, 4}}, tensor{1, 10}) --> int64 [2]  21  43",
     .test = "{{\"ij,jk->ik\", {randn(2,3), randn(3,4)}}, {\"ij->\", {randn(2,3)}}, "
             "{\"bij, bjk\", {randn(2,2,3), randn(2,3,2)}}, {\"ii->i\", {randn(3,3)}}, "
             "{\"i,j,k->kij\", {randn(2), randn(3), randn(2)}}, {\"...ij,...jk->...ik\", "
             "{randn(2,1,2,3), randn(3,3,2)}}, {\"aij,jb,bi->a\", {randn(2,3,2), randn(2,2), "
             "randn(2,3)}}, {\"ba\", {randn(2,3)}}, {\"iij,j->i\", {randn(2,2,3), randn(1)}}}",
     .ref = "reference.einsum",
     .flags = OP_FUNCTION,
     .compose = einsum_compose},
};

FAMILY_PART(linalg, products, rows);
