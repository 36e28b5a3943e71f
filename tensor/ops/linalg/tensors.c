/* Products and systems of equations over several dimensions at once; powers as columns. */
#include <string.h>

#include "products.h"

static void tensordot_compose(Call *c) {
  Tensor *a = c->x[0], *b = c->x[1];
  const Attr *dims = &c->attr[0];
  int64_t da[T_MAXDIM], db[T_MAXDIM];
  int64_t n = dims->tag == A_INT ? dims->i : dims->n / 2;
  if (n < 0 || n > a->ndim || n > b->ndim) {
    t_fail("tensordot: %lld dimensions of %s and %s cannot be joined", (long long)n, t_shape_str(a),
           t_shape_str(b));
  }
  for (int i = 0; i < n; i++) {
    da[i] = dims->tag == A_INT ? a->ndim - n + i : dims->v[i];
    db[i] = dims->tag == A_INT ? i : dims->v[n + i];
    for (int j = 0; j < i; j++) {
      if (da[i] == da[j] || db[i] == db[j]) t_fail("tensordot: a dimension is named twice");
    }
    int64_t sa = a->shape[da[i]], sb = b->shape[db[i]];
    if (sa != sb) { /* a dimension of one element is broadcast: the other is summed over it */
      if (sa != 1 && sb != 1) {
        t_fail("tensordot: dimension %lld of %s and %lld of %s: the sizes must be equal",
               (long long)da[i] + 1, t_shape_str(a), (long long)db[i] + 1, t_shape_str(b));
      }
      if (sa == 1)
        b = t_sum1(b, (int)db[i], true);
      else
        a = t_sum1(a, (int)da[i], true);
    }
  }
  c->y[0] = la_contract(a, (int)n, da, b, db);
}

static void kron_compose(Call *c) {
  Tensor *a = c->x[0], *b = c->x[1];
  int n = a->ndim > b->ndim ? a->ndim : b->ndim;
  int64_t sa[T_MAXDIM], sb[T_MAXDIM], shape[T_MAXDIM];
  if (2 * n > T_MAXDIM) t_fail("kron: %d dimensions; %d are the most", n, T_MAXDIM / 2);
  for (int d = 0; d < n; d++) {
    sa[2 * d] = d < n - a->ndim ? 1 : a->shape[d - (n - a->ndim)];
    sb[2 * d + 1] = d < n - b->ndim ? 1 : b->shape[d - (n - b->ndim)];
    sa[2 * d + 1] = sb[2 * d] = 1;
    shape[d] = sa[2 * d] * sb[2 * d + 1];
  }
  c->y[0] = t_reshape(t_mul(t_reshape(a, 2 * n, sa), t_reshape(b, 2 * n, sb)), n, shape);
}

/* ---- systems -------------------------------------------------------------------------------------- */

static int64_t size_of(const Tensor *x, int from, int to) {
  int64_t n = 1;
  for (int d = from; d < to; d++) n *= x->shape[d];
  return n;
}

static void tensorinv_compose(Call *c) {
  Tensor *a = c->x[0];
  int64_t first = c->attr[0].i;
  if (first < 1 || first >= a->ndim ||
      size_of(a, 0, (int)first) != size_of(a, (int)first, a->ndim)) {
    t_fail("linalg.tensorinv: the first %lld dimensions of %s must have as many elements as the "
           "others",
           (long long)first, t_shape_str(a));
  }
  int64_t n = size_of(a, 0, (int)first), shape[T_MAXDIM];
  int rest = a->ndim - (int)first;
  memcpy(shape, a->shape + first, (size_t)rest * sizeof *shape);
  memcpy(shape + rest, a->shape, (size_t)first * sizeof *shape);
  Tensor *inverse = t_op1("inverse", t_reshape(a, 2, (int64_t[]){n, n}));
  c->y[0] = t_reshape(inverse, a->ndim, shape);
}

/* The dimensions in dims come last, in their order. */
static Tensor *with_last(Tensor *a, const Attr *dims) {
  int64_t order[T_MAXDIM];
  unsigned last = 0;
  int at = 0;
  for (int i = 0; i < dims->n; i++) last |= 1u << dims->v[i];
  for (int d = 0; d < a->ndim; d++) {
    if (!(last >> d & 1)) order[at++] = d;
  }
  if (at + dims->n != a->ndim) t_fail("linalg.tensorsolve: a dimension is named twice");
  memcpy(order + at, dims->v, dims->n * sizeof *order);
  return t_permute(a, order);
}

static void tensorsolve_compose(Call *c) {
  Tensor *a = c->x[0], *b = c->x[1];
  if (attr_given(c, 0)) a = with_last(a, &c->attr[0]);
  int64_t n = b->numel;
  if (a->ndim < b->ndim || size_of(a, 0, b->ndim) != n || size_of(a, b->ndim, a->ndim) != n) {
    t_fail("linalg.tensorsolve: A is %s and B %s; A's first dimensions are to count as many "
           "elements as B, and so the others",
           t_shape_str(a), t_shape_str(b));
  }
  Tensor *flat = t_reshape(b, 2, (int64_t[]){n, 1});
  Tensor *x = t_op2("linalg.solve", t_reshape(a, 2, (int64_t[]){n, n}), flat);
  c->y[0] = t_reshape(x, a->ndim - b->ndim, a->shape + b->ndim);
}

/* ---- powers --------------------------------------------------------------------------------------- */

/* x: [...,m]  ->  [...,m,n]: x to the powers 0..n-1 */
static Tensor *vander(Tensor *x, int64_t n) {
  if (n < 0 || n > 1 << 16) {
    t_fail("vander: N is %lld; a number of columns is wanted, %d at most", (long long)n, 1 << 16);
  }
  Call f;
  call_begin(&f, op_need("stack"));
  call_inputs(&f, (int)n);
  Tensor *y = t_cast(t_pown(x, 0), (DType)x->dtype);
  for (int i = 0; i < n; i++) {
    f.x[i] = y;
    y = t_mul(y, x);
  }
  f.attr[0] = attr_of_int(x->ndim);
  if (n > 0) return la_apply(&f);
  int64_t shape[T_MAXDIM];
  memcpy(shape, x->shape, sizeof shape);
  shape[x->ndim] = 0;
  return t_zeros((DType)x->dtype, x->ndim + 1, shape);
}

/* A single value counts as a vector of one; powers of integers are int64. */
static int64_t vander_columns(Call *c) {
  if (!dtype_is_float((DType)c->x[0]->dtype)) c->x[0] = t_cast(c->x[0], T_I64);
  Tensor *x = c->x[0] = c->x[0]->ndim == 0 ? t_unsqueeze(c->x[0], 0) : c->x[0];
  if (x->ndim == T_MAXDIM) {
    t_fail("%s: x is %s; a vector is wanted", call_name(c), t_shape_str(x));
  }
  return attr_int(c, 0, x->shape[x->ndim - 1]);
}

static void linalg_vander_compose(Call *c) {
  int64_t n = vander_columns(c);
  c->y[0] = vander(c->x[0], n);
}

static void vander_compose(Call *c) {
  int64_t n = vander_columns(c);
  Call f;
  c->y[0] = vander(c->x[0], n);
  if (attr_int(c, 1, 0)) return;
  la_begin(&f, "flip", c->y[0], NULL);
  int64_t last = c->y[0]->ndim - 1;
  f.attr[0] = attr_of_ints(1, &last);
  c->y[0] = la_apply(&f);
}

static Op rows[] = {
    {.sig = "tensordot(a: tensor, b: tensor, dims: pairs=2) -> z: tensor",
     .doc = "Sums of products over pairs of dimensions: the last dims of a and the first of b, or "
            "the two lists of dimensions in dims. The others of a come first, then those of b.",
     .example = "x = tensor{{1, 2}, {3, 4}}\n"
                "x:tensordot(x, 2) --> 30",
     .test = "{{randn(2,3,2), randn(3,2,4)}, {randn(2,3), randn(3,4), 1}, {randn(2), randn(3), 0}, "
             "{randn(2,3,4), randn(4,2), {{3, 1}, {1, 2}}}, {randn(2,3), randn(2,4), {{1}, {-2}}}}",
     .ref = "reference.tensordot",
     .compose = tensordot_compose},
    {.sig = "kron(x: tensor, y: tensor) -> z: tensor",
     .doc = "Kronecker product: every element of x times the whole of y, put side by side.",
     .example = "tensor{1, 2}:kron(tensor{1, 10}) --> int64 [4]  1  10  2  20",
     .test = "{{randn(2,3), randn(3,2)}, {randn(2), randn(2,3)}, {randn(2,2,1), randn(3)}}",
     .ref = "reference.kron",
     .compose = kron_compose},
    {.sig = "linalg.tensorinv(A: tensor, ind: int=2) -> y: tensor",
     .doc = "The inverse of tensordot by A over its last dimensions: the first ind dimensions of A "
            "count as many elements as the others.",
     .example = "tensor.linalg.tensorinv(tensor{{2.0, 1.0}, {1.0, 1.0}}, 1) --> float32 [2,2]\n"
                "   1.0  -1.0\n"
                "  -1.0   2.0",
     .test = "{{well(6):reshape(6,2,3), 1}, {well(4):reshape(2,2,4)}}",
     .ref = "reference.tensorinv",
     .flags = OP_FUNCTION,
     .compose = tensorinv_compose},
    {.sig = "linalg.tensorsolve(A: tensor, B: tensor, dims: dims?) -> X: tensor",
     .doc =
         "The X with tensordot(A, X) = B over all dimensions of X, which are the last of A; dims "
         "are moved to the end of A first.",
     .example = "tensor.linalg.tensorsolve(tensor{{2.0, 0.0}, {0.0, 4.0}}, tensor{6.0, 8.0}) --> "
                "float32 [2]  3.0  2.0",
     .test = "{{well(6):reshape(2,3,6), randn(2,3)}, {well(4):reshape(4,2,2), randn(2,2), "
             "{dims = {1}}}}",
     .ref = "reference.tensorsolve",
     .flags = OP_FUNCTION,
     .compose = tensorsolve_compose},
    {.sig = "linalg.vander(x: tensor, N: int?) -> V: tensor",
     .doc = "Vandermonde matrices: row i holds the powers 0 to N - 1 of x[i]; N is the length of x "
            "if not given. x: [...,m] -> [...,m,N].",
     .example = "tensor.linalg.vander(tensor{2, 3}, 3) --> int64 [2,3]\n"
                "  1  2  4\n"
                "  1  3  9",
     .test = "{{randn(3)}, {randn(2,3), 4}, {ints(3), {N = 2}}}",
     .ref = "reference.linalg_vander",
     .flags = OP_FUNCTION,
     .compose = linalg_vander_compose},
    {.sig = "vander(x: tensor, N: int?, increasing: bool=false) -> V: tensor",
     .doc = "linalg.vander with the powers falling, or, with increasing, rising.",
     .example = "tensor{2, 3}:vander(3) --> int64 [2,3]\n"
                "  4  2  1\n"
                "  9  3  1",
     .test = "{{randn(3)}, {randn(3), 2, {increasing = true}}}",
     .ref = "reference.vander",
     .compose = vander_compose},
};

FAMILY_PART(linalg, tensors, rows);
