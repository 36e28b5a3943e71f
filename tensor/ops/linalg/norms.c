/* Norms of vectors and matrices, condition, trace. */
#include <math.h>

#include "linalg.h"

enum { FRO, NUC }; /* the names an order may have, in the order of the signatures */

static bool is_name(const Call *c, int i, int name) {
  return c->attr[i].tag == A_CHOICE && c->attr[i].i == name;
}

static Tensor *in_type(Call *c, int i) {
  Tensor *x = c->x[0];
  if (attr_given(c, i)) {
    DType d = (DType)c->attr[i].i;
    if (!dtype_is_float(d)) {
      t_fail("%s: dtype is %s; a float type is wanted", call_name(c), dtype_name(d));
    }
    return t_cast(x, d);
  }
  return x;
}

/* dims absent (n < 0): over all */
static Tensor *vector_norm(Tensor *x, double p, int n, const int64_t *dims, bool keepdim) {
  Call f;
  la_begin(&f, "p_norm", x, NULL);
  f.attr[0] = attr_of_float(p);
  if (n >= 0) f.attr[1] = attr_of_ints(n, dims);
  f.attr[2] = attr_of_bool(keepdim);
  return la_apply(&f);
}

static Tensor *extreme(Tensor *x, bool most, int64_t dim, bool keepdim) {
  Call f;
  la_begin(&f, most ? "amax" : "amin", x, NULL);
  f.attr[0] = attr_of_ints(1, &dim);
  f.attr[1] = attr_of_bool(keepdim);
  return la_apply(&f);
}

/* Of singular values over dimensions a and b: their sum, largest or smallest. */
static Tensor *spectral_norm(Tensor *x, int64_t a, int64_t b, bool keepdim, char what) {
  int64_t order[T_MAXDIM];
  int at = 0;
  for (int d = 0; d < x->ndim; d++) {
    if (d != a && d != b) order[at++] = d;
  }
  order[at++] = a;
  order[at] = b;
  Tensor *s = t_op1("linalg.svdvals", t_permute(x, order));
  Tensor *y =
      what == '+' ? t_sum1(s, s->ndim - 1, false) : extreme(s, what == '>', s->ndim - 1, false);
  if (!keepdim) return y;
  int64_t first = a < b ? a : b, second = a < b ? b : a;
  return t_unsqueeze(t_unsqueeze(y, (int)first), (int)second);
}

/* ord: attribute i */
static Tensor *matrix_norm(Call *c, Tensor *x, int i, const int64_t *dims, bool keepdim) {
  int64_t a = dims[0], b = dims[1];
  if (a == b) t_fail("%s: the two dimensions of a matrix must differ", call_name(c));
  if (c->attr[i].tag == A_NONE || is_name(c, i, FRO)) return vector_norm(x, 2, 2, dims, keepdim);
  if (is_name(c, i, NUC)) return spectral_norm(x, a, b, keepdim, '+');
  double p = attr_float(c, i, 2), size = fabs(p);
  if (size == 2) return spectral_norm(x, a, b, keepdim, p > 0 ? '>' : '<');
  if (size != 1 && !isinf(size)) {
    t_fail("%s: ord = %g; a matrix has the norms \"fro\", \"nuc\", 1, -1, 2, -2, math.huge and "
           "-math.huge",
           call_name(c), p);
  }
  int64_t sum = size == 1 ? a : b, other = size == 1 ? b : a;
  Tensor *sums = t_sum1(t_abs(x), (int)sum, keepdim);
  return extreme(sums, p > 0, keepdim || other < sum ? other : other - 1, keepdim);
}

static void vector_norm_compose(Call *c) {
  const Attr *dims = &c->attr[1];
  bool given = dims->tag != A_NONE && dims->n > 0;
  c->y[0] = vector_norm(in_type(c, 3), attr_float(c, 0, 2), given ? dims->n : -1, dims->v,
                        attr_int(c, 2, 0));
}

static void matrix_norm_compose(Call *c) {
  la_matrix(c, 0);
  if (c->attr[1].n != 2) {
    t_fail("linalg.matrix_norm: dim has %d numbers; a matrix has two dimensions", c->attr[1].n);
  }
  int64_t dims[2];
  for (int i = 0; i < 2; i++) { /* the default, called from C, counts from the end */
    dims[i] = c->attr[1].v[i] + (c->attr[1].v[i] < 0 ? c->x[0]->ndim : 0);
  }
  c->y[0] = matrix_norm(c, in_type(c, 3), 0, dims, attr_int(c, 2, 0));
}

static void linalg_norm_compose(Call *c) {
  Tensor *x = in_type(c, 3);
  const Attr *dims = &c->attr[1];
  bool named = c->attr[0].tag == A_CHOICE, keepdim = attr_int(c, 2, 0);
  int n = dims->tag == A_NONE ? -1 : dims->n;
  if (c->attr[0].tag == A_NONE) {
    c->y[0] = vector_norm(x, 2, n, dims->v, keepdim);
    return;
  }
  int over = n < 0 ? x->ndim : n;
  if (over != 1 && over != 2) {
    t_fail("linalg.norm: ord over %d dimensions of %s; one makes a vector, two a matrix: name them "
           "with dim",
           over, t_shape_str(x));
  }
  if (over == 1 && named) {
    t_fail("linalg.norm: a vector has no norm \"%s\"; that is one of matrices",
           op_sig(c->op)->param[1].choices[c->attr[0].i]);
  }
  const int64_t all[2] = {0, 1}, *v = n < 0 ? all : dims->v;
  c->y[0] = over == 1 ? vector_norm(x, attr_float(c, 0, 2), 1, v, keepdim)
                      : matrix_norm(c, x, 0, v, keepdim);
}

/* ---- cond ----------------------------------------------------------------------------------------- */

static void cond_compose(Call *c) {
  la_matrix(c, 0);
  Tensor *a = c->x[0];
  const int64_t last[2] = {a->ndim - 2, a->ndim - 1};
  if (c->attr[0].tag == A_NONE || (c->attr[0].tag != A_CHOICE && fabs(attr_float(c, 0, 2)) == 2)) {
    Tensor *s = t_op1("linalg.svdvals", a);
    int dim = s->ndim - 1;
    if (s->shape[dim] == 0) {
      c->y[0] = t_zeros((DType)s->dtype, dim, s->shape);
      return;
    }
    Tensor *most = t_select(s, dim, 0), *least = t_select(s, dim, s->shape[dim] - 1);
    c->y[0] = attr_float(c, 0, 2) < 0 ? t_div(least, most) : t_div(most, least);
    return;
  }
  la_square(c, 0);
  Call f;
  la_begin(&f, "linalg.inv_ex", a, NULL);
  Tensor *inverse = la_apply(&f), *info = f.y[1];
  Tensor *y = t_mul(matrix_norm(c, a, 0, last, false), matrix_norm(c, inverse, 0, last, false));
  c->y[0] = t_where(t_eq(info, t_num(0)), y, t_num(INFINITY));
}

/* ---- trace ---------------------------------------------------------------------------------------- */

static void trace_compose(Call *c) {
  if (c->x[0]->ndim != 2) {
    t_fail("trace: input is %s; one matrix is wanted (of batches: x:diagonal(0, -2, -1):sum(-1))",
           t_shape_str(c->x[0]));
  }
  c->y[0] = t_sum_all(la_diagonal(c->x[0]));
}

static void linalg_diagonal_compose(Call *c) {
  la_matrix(c, 0);
  Call f;
  la_begin(&f, "diagonal", c->x[0], NULL);
  for (int i = 0; i < 3; i++) f.attr[i] = c->attr[i];
  c->y[0] = la_apply(&f);
}

static Op rows[] = {
    {.sig = "linalg.vector_norm(x: tensor, ord: float=2, dim: dims?, keepdim: bool=false, dtype: "
            "dtype?) -> y: tensor",
     .doc = "The p-norm, p = ord, over the dimensions in dim or over all: the p-th root of the sum "
            "of |x|^p; math.huge takes the largest |x|, -math.huge the smallest, 0 counts what is "
            "not zero. dtype converts first.",
     .example = "x = tensor{3.0, -4.0}\n"
                "tensor.linalg.vector_norm(x), tensor.linalg.vector_norm(x, 1) --> 5.0  7.0",
     .test = "{{randn(2,3)}, {randn(2,3), 3, 2, {keepdim = true}}, {randn(2,3,2), math.huge, "
             "{1, -1}}, {randn(4), {dtype = \"float64\"}}}",
     .ref = "reference.vector_norm",
     .flags = OP_FUNCTION,
     .compose = vector_norm_compose},
    {.sig = "linalg.matrix_norm(A: tensor, ord: float{fro|nuc}=fro, dim: dims=[-2,-1], keepdim: "
            "bool=false, dtype: dtype?) -> y: tensor",
     .doc = "Norms of the matrices in two dimensions: \"fro\" the root of the sum of squares, "
            "\"nuc\" the sum of singular values, 2 and -2 their largest and smallest, 1 and -1 the "
            "largest and smallest column sum of absolute values, math.huge and -math.huge of rows.",
     .example = "tensor.linalg.matrix_norm(tensor{{3.0, 0.0}, {0.0, 4.0}}) --> 5.0",
     .test = "{{randn(2,3)}, {randn(2,3,3), \"nuc\"}, {randn(3,2), 2, {keepdim = true}}, "
             "{randn(2,3), -2}, {randn(2,3,3), 1, {1, 2}}, {randn(2,3), -1}, "
             "{randn(2,3,3), math.huge, {3, 1}}, {randn(3,2), -math.huge, {keepdim = true}}}",
     .ref = "reference.matrix_norm",
     .flags = OP_FUNCTION,
     .compose = matrix_norm_compose},
    {.sig = "linalg.norm(x: tensor, ord: float{fro|nuc}?, dim: dims?, keepdim: bool=false, dtype: "
            "dtype?) -> y: tensor",
     .doc = "Without ord the 2-norm of all elements, or over dim. With ord, that norm of a vector "
            "(one dimension, as linalg.vector_norm) or of a matrix (two, as linalg.matrix_norm).",
     .example = "tensor.linalg.norm(tensor{3.0, 4.0}) --> 5.0",
     .test = "{{randn(2,3)}, {randn(4), 3}, {randn(2,3), \"nuc\"}, {randn(2,3,3), 1, {2, 3}}, "
             "{randn(2,3), 2, 2, {keepdim = true}}, {randn(2,3,2), {dim = {1, 3}}}}",
     .ref = "reference.linalg_norm",
     .flags = OP_FUNCTION,
     .compose = linalg_norm_compose},
    {.sig = "linalg.cond(A: tensor, p: float{fro|nuc}?) -> y: tensor",
     .doc = "Condition numbers: the largest singular value over the smallest (p = 2; -2 the other "
            "way round), or the norm p of A times that of its inverse; inf of a singular matrix.",
     .example = "tensor.linalg.cond(tensor{{4.0, 0.0}, {0.0, 2.0}}) --> 2.0",
     .test =
         "{{randn(4,3)}, {well(2,3), 1}, {well(3), \"fro\"}, {well(3), -2}, {well(3), \"nuc\"}}",
     .ref = "reference.cond",
     .flags = OP_FUNCTION,
     .compose = cond_compose},
    {.sig = "trace(x: tensor) -> y: tensor",
     .doc = "Sum of the diagonal of a matrix.",
     .example = "tensor{{1, 2}, {3, 4}}:trace() --> 5",
     .test = "{{randn(3,3)}, {randn(2,4)}, {ints(3,2)}}",
     .ref = "reference.trace",
     .compose = trace_compose},
    {.sig = "linalg.diagonal(A: tensor, offset: int=0, dim1: dim=-2, dim2: dim=-1) -> y: tensor",
     .doc = "A view of the diagonals of the last two dimensions; see diagonal.",
     .example = "tensor.linalg.diagonal(tensor{{1, 2}, {3, 4}}) --> int64 [2]  1  4",
     .test = "{{randn(2,3,3)}, {randn(3,4), 1}}",
     .ref = "reference.linalg_diagonal",
     .flags = OP_FUNCTION,
     .compose = linalg_diagonal_compose},
};

FAMILY_PART(linalg, norms, rows);
