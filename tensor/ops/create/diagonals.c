/* Matrices made of diagonals: diag, diag_embed, diagflat, and the positions of triangles. */
#include "../../calc.h"
#include "../../loop/cast.h"
#include "../../store.h"

/* ---- diag_embed: attributes offset, dim1, dim2 (of the result) ------------------------------------- */

/* The diagonal of y that x goes to, as a view without history: x's shape. */
static Tensor diagonal_of(const Call *c, const Tensor *y) {
  int64_t offset = attr_int(c, 0, 0);
  int a = (int)c->attr[1].i, b = (int)c->attr[2].i, n = 0;
  Tensor d = *y;
  for (int k = 0; k < y->ndim; k++) {
    if (k == a || k == b) continue;
    d.shape[n] = y->shape[k];
    d.stride[n++] = y->stride[k];
  }
  d.shape[n] = c->x[0]->shape[n];
  d.stride[n] = y->stride[a] + y->stride[b];
  d.offset += offset > 0 ? offset * y->stride[b] : -offset * y->stride[a];
  d.ndim = (uint8_t)(n + 1);
  d.numel = c->x[0]->numel;
  return d;
}

static void diag_embed_infer(Call *c) {
  const Tensor *x = c->x[0];
  int64_t offset = attr_int(c, 0, 0), shape[T_MAXDIM];
  int a = (int)c->attr[1].i, b = (int)c->attr[2].i, n = 0;
  if (x->ndim < 1) t_fail("diag_embed: x has no dimensions; its last becomes a diagonal");
  if (x->ndim == T_MAXDIM) t_fail("diag_embed: x has %d dimensions, the most there are", T_MAXDIM);
  if (a == b) t_fail("diag_embed: dim1 and dim2 are both %d; two dimensions are wanted", a + 1);
  if (offset < -(1ll << 40) || offset > 1ll << 40) {
    t_fail("diag_embed: offset %lld is too far", (long long)offset);
  }
  int64_t side = x->shape[x->ndim - 1] + (offset < 0 ? -offset : offset);
  for (int k = 0; k <= x->ndim; k++) shape[k] = k == a || k == b ? side : x->shape[n++];
  call_out(c, 0, (DType)x->dtype, x->ndim + 1, shape);
}

static const char *diag_embed_run(Call *c) {
  Attr zero = attr_of_int(0);
  store_number(c->y[0], &zero);
  if (c->x[0]->numel == 0) return NULL;
  Tensor d = diagonal_of(c, c->y[0]);
  cast_into(&d, c->x[0]);
  return NULL;
}

static Tensor *diagonal(Tensor *x, int64_t offset, int64_t dim1, int64_t dim2) {
  Call d;
  call_begin(&d, op_need("diagonal"));
  d.x[0] = x;
  d.attr[0] = attr_of_int(offset);
  d.attr[1] = attr_of_int(dim1);
  d.attr[2] = attr_of_int(dim2);
  op_apply(&d);
  return d.y[0];
}

static void diag_embed_grad(Call *c, Tensor *const *gy, Tensor **gx) {
  gx[0] = diagonal(gy[0], attr_int(c, 0, 0), c->attr[1].i, c->attr[2].i);
}

/* ---- composed -------------------------------------------------------------------------------------- */

static Tensor *embedded(Tensor *x, int64_t offset) {
  Call d;
  call_begin(&d, op_need("diag_embed"));
  d.x[0] = x;
  d.attr[0] = attr_of_int(offset);
  d.attr[1] = attr_of_int(x->ndim - 1);
  d.attr[2] = attr_of_int(x->ndim);
  op_apply(&d);
  return d.y[0];
}

static void diag_compose(Call *c) {
  Tensor *x = c->x[0];
  int64_t offset = attr_int(c, 0, 0);
  if (x->ndim != 1 && x->ndim != 2) {
    t_fail("diag: x is %s; a vector makes a matrix, a matrix gives its diagonal", t_shape_str(x));
  }
  c->y[0] = x->ndim == 1 ? embedded(x, offset) : t_op1("clone", diagonal(x, offset, 0, 1));
}

static void diagflat_compose(Call *c) {
  int64_t all = c->x[0]->numel;
  c->y[0] = embedded(t_reshape(c->x[0], 1, &all), attr_int(c, 0, 0));
}

/* ---- positions of triangles: attributes row, col, offset, dtype ------------------------------------- */

/* Columns first..last-1 of a row, from 0, that belong to the triangle. */
static void triangle_row(const Call *c, bool upper, int64_t row, int64_t *first, int64_t *last) {
  int64_t columns = c->attr[1].i, offset = attr_int(c, 2, 0);
  int64_t edge = row + offset + !upper;
  edge = edge < 0 ? 0 : edge > columns ? columns : edge;
  *first = upper ? edge : 0;
  *last = upper ? columns : edge;
}

static void triangle_infer(Call *c, bool upper) {
  int64_t rows = c->attr[0].i, columns = c->attr[1].i, offset = attr_int(c, 2, 0), count = 0;
  if (rows < 0 || columns < 0) {
    t_fail("%s: a matrix of %lld by %lld; sizes are 0 or more", call_name(c), (long long)rows,
           (long long)columns);
  }
  const int64_t far = 1ll << 31;
  if (rows > far || columns > far || offset > far || offset < -far) {
    t_fail("%s: a size or the offset is above 2^31", call_name(c));
  }
  for (int64_t i = 0; i < rows; i++) {
    int64_t first, last;
    triangle_row(c, upper, i, &first, &last);
    count += last - first;
  }
  int64_t shape[2] = {2, count};
  call_out(c, 0, (DType)attr_int(c, 3, T_I64), 2, shape);
}

static const char *triangle_run(Call *c, bool upper) {
  Tensor *y = c->y[0];
  int64_t at = 0, n = y->shape[1];
  for (int64_t i = 0; i < c->attr[0].i; i++) {
    int64_t first, last;
    triangle_row(c, upper, i, &first, &last);
    for (int64_t k = first; k < last; k++, at++) {
      t_set_int(y, at, i + T_BASE);
      t_set_int(y, n + at, k + T_BASE);
    }
  }
  return NULL;
}

static void tril_infer(Call *c) { triangle_infer(c, false); }
static void triu_infer(Call *c) { triangle_infer(c, true); }
static const char *tril_run(Call *c) { return triangle_run(c, false); }
static const char *triu_run(Call *c) { return triangle_run(c, true); }

/* ---- the rows --------------------------------------------------------------------------------------- */

static Op rows[] = {
    {.sig = "diag_embed(x: tensor, offset: int=0, dim1: newdim=-2, dim2: newdim=-1) -> y: tensor",
     .doc =
         "Zeros with the last dimension of x as the diagonal of two dimensions, dim1 and dim2 of "
         "the result. offset moves it to the right, a negative one downwards.",
     .example = "tensor{1, 2}:diag_embed() --> int64 [2,2]\n  1  0\n  0  2",
     .test = "{{randn(3)}, {randn(2,3), 1}, {randn(2,3), -1, 1, 3}, {randn(2,3), 0, 3, 1}}",
     .ref = "reference.diag_embed",
     .infer = diag_embed_infer,
     .run = diag_embed_run,
     .grad = diag_embed_grad},
    {.sig = "diag(x: tensor, diagonal: int=0) -> y: tensor",
     .doc = "The diagonal of a matrix as a vector, or the matrix with a vector as its diagonal. "
            "diagonal counts to the right, a negative one downwards.",
     .example = "tensor{{1, 2}, {3, 4}}:diag() --> int64 [2]  1  4",
     .test = "{{randn(3)}, {randn(3,4)}, {randn(3,4), 1}, {randn(2), -1}}",
     .ref = "reference.diag",
     .compose = diag_compose},
    {.sig = "diagflat(x: tensor, offset: int=0) -> y: tensor",
     .doc = "The matrix with all elements of x as its diagonal.",
     .example = "tensor{{1, 2}, {3, 4}}:diagflat() --> int64 [4,4]\n"
                "  1  0  0  0\n"
                "  0  2  0  0\n"
                "  0  0  3  0\n"
                "  0  0  0  4",
     .test = "{{randn(2,2)}, {randn(3), -1}}",
     .ref = "reference.diagflat",
     .compose = diagflat_compose},
    {.sig = "tril_indices(row: int, col: int, offset: int=0, dtype: dtype=int64) -> positions: "
            "index",
     .doc = "Positions of the lower triangle of a [row, col] matrix, row by row: [2, n], rows "
            "above columns. offset moves its edge to the right.",
     .example = "tensor.tril_indices(2, 2) --> int64 [2,3]\n  1  2  2\n  1  1  2",
     .test = "{{3, 4}, {3, 4, 1}, {4, 3, -1}, {0, 2}}",
     .ref = "reference.tril_indices",
     .flags = OP_CONST | OP_FUNCTION | OP_TENSOR,
     .infer = tril_infer,
     .run = tril_run},
    {.sig = "triu_indices(row: int, col: int, offset: int=0, dtype: dtype=int64) -> positions: "
            "index",
     .doc = "Positions of the upper triangle of a [row, col] matrix, row by row: [2, n], rows "
            "above columns. offset moves its edge to the right.",
     .example = "tensor.triu_indices(2, 2) --> int64 [2,3]\n"
                "  1  1  2\n"
                "  1  2  2",
     .test = "{{3, 4}, {3, 4, 1}, {4, 3, -1}, {0, 2}}",
     .ref = "reference.triu_indices",
     .flags = OP_CONST | OP_FUNCTION | OP_TENSOR,
     .infer = triu_infer,
     .run = triu_run},
};

FAMILY_PART(create, diagonals, rows);
