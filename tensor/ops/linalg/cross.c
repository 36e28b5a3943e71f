/* Cross products. */
#include "../../calc.h"
#include "../../expect.h"
#include "../../loop/iter.h"
#include "../../machine/team.h"

enum { GRAIN = 1 << 13 }; /* vectors of a part */

/* ---- cross_same: inputs x, y of one shape and float type; attribute dim --------------------------- */

/* Vectors lie `inner` apart in their elements; vector i is number i % inner of block i / inner. */
typedef struct Cross {
  const Tensor *x, *y;
  Tensor *z;
  int64_t inner;
} Cross;

/* Component k is x[k+1] y[k+2] - x[k+2] y[k+1], in a circle. */
#define VECTORS(name, T)                                                                           \
  static void name(const Cross *j, int64_t from, int64_t end) {                                    \
    const int64_t n = j->inner;                                                                    \
    for (int64_t i = from; i < end; i++) {                                                         \
      int64_t at = i / n * 3 * n + i % n;                                                          \
      const T *a = (const T *)t_data(j->x) + at, *b = (const T *)t_data(j->y) + at;                \
      T *z = (T *)t_data(j->z) + at;                                                               \
      z[0] = a[n] * b[2 * n] - a[2 * n] * b[n];                                                    \
      z[n] = a[2 * n] * b[0] - a[0] * b[2 * n];                                                    \
      z[2 * n] = a[0] * b[n] - a[n] * b[0];                                                        \
    }                                                                                              \
  }
VECTORS(vectors_f32, float)
VECTORS(vectors_f64, double)

static void part(void *job, int64_t k) {
  const Cross *j = job;
  int64_t n = j->z->numel / 3, end = (k + 1) * GRAIN < n ? (k + 1) * GRAIN : n;
  (j->z->dtype == T_F64 ? vectors_f64 : vectors_f32)(j, k * GRAIN, end);
}

static void same_expects(const Call *c) {
  expect_floats(c);
  expect_like(c, 1, 0);
  int dim = (int)c->attr[0].i;
  if (c->x[0]->ndim == 0 || c->x[0]->shape[dim] != 3) {
    t_fail("cross_same: x is %s; 3 elements along dimension %d are wanted", t_shape_str(c->x[0]),
           dim + 1);
  }
}

static void same_infer(Call *c) {
  DType d = (DType)c->x[0]->dtype;
  call_want(c, 0, d);
  call_want(c, 1, d);
  call_out(c, 0, d, c->x[0]->ndim, c->x[0]->shape);
}

static const char *same_run(Call *c) {
  Cross j = {.x = c->x[0], .y = c->x[1], .z = c->y[0], .inner = 1};
  for (int d = (int)c->attr[0].i + 1; d < j.z->ndim; d++) j.inner *= j.z->shape[d];
  if (j.z->numel > 0) team_run((j.z->numel / 3 + GRAIN - 1) / GRAIN, part, &j);
  return NULL;
}

static Tensor *same(Tensor *x, Tensor *y, int64_t dim) {
  return t_call("cross_same", "xxi", x, y, dim);
}

static void same_grad(Call *c, Tensor *const *gy, Tensor **gx) {
  if (c->want[0]) gx[0] = same(c->x[1], gy[0], c->attr[0].i);
  if (c->want[1]) gx[1] = same(gy[0], c->x[0], c->attr[0].i);
}

/* ---- cross: other sizes broadcast; integers by plain ops -------------------------------------------- */

static Tensor *component(Tensor *x, int64_t dim, int64_t by) {
  Tensor *part[2] = {t_narrow(x, (int)dim, by, 3 - by), t_narrow(x, (int)dim, 0, by)};
  return t_cat(2, part, (int)dim);
}

static Tensor *of_whole(Tensor *x, Tensor *y, int64_t dim) {
  return t_sub(t_mul(component(x, dim, 1), component(y, dim, 2)),
               t_mul(component(x, dim, 2), component(y, dim, 1)));
}

static Tensor *broadcast(Tensor *x, Tensor *like, DType type) {
  int64_t shape[T_MAXDIM];
  int ndim = x->ndim > like->ndim ? x->ndim : like->ndim;
  for (int d = 0; d < ndim; d++) {
    int a = d - (ndim - x->ndim), b = d - (ndim - like->ndim);
    int64_t m = a < 0 ? 1 : x->shape[a], n = b < 0 ? 1 : like->shape[b];
    shape[d] = m == 1 ? n : m;
  }
  return t_cast(t_expand(x, ndim, shape), type);
}

static void cross_compose(Call *c) {
  Tensor *x = c->x[0], *y = c->x[1];
  int longest = x->ndim > y->ndim ? x->ndim : y->ndim, dim = -1;
  if (attr_given(c, 0)) {
    dim = (int)c->attr[0].i + longest - x->ndim;
  } else {
    for (int d = 0; d < x->ndim && dim < 0; d++) {
      if (x->shape[d] == 3) dim = d + longest - x->ndim;
    }
  }
  int dx = dim - (longest - x->ndim), dy = dim - (longest - y->ndim);
  if (dim < 0 || dx < 0 || dy < 0 || x->shape[dx] != 3 || y->shape[dy] != 3) {
    t_fail("%s: %s and %s: the dimension of the vectors must have 3 elements in both", call_name(c),
           t_shape_str(x), t_shape_str(y));
  }
  DType type = call_promote(c, 0, 2);
  int64_t shape[T_MAXDIM];
  iter_broadcast(c, 0, 2, shape); /* fails where sizes do not go together */
  Tensor *a = broadcast(x, y, type), *b = broadcast(y, x, type);
  c->y[0] = dtype_is_float(type) ? same(a, b, dim) : of_whole(a, b, dim);
}

static void linalg_cross_compose(Call *c) {
  if (c->x[0]->ndim != c->x[1]->ndim) {
    t_fail("linalg.cross: %s and %s: both need as many dimensions", t_shape_str(c->x[0]),
           t_shape_str(c->x[1]));
  }
  cross_compose(c);
}

/* ---- the rows --------------------------------------------------------------------------------------- */

static Op rows[] = {
    {.sig = "cross(x: tensor, y: tensor, dim: dim?) -> z: tensor",
     .doc = "Cross products of vectors of 3 elements that lie along dim, or, without it, along the "
            "first dimension with 3 elements.",
     .example = "tensor{1, 0, 0}:cross(tensor{0, 1, 0}) --> int64 [3]  0  0  1",
     .test = "{{randn(3), randn(3)}, {randn(2,3), randn(2,3)}, {randn(3,2), randn(3,2), 1}}",
     .ref = "reference.cross",
     .compose = cross_compose},
    {.sig = "linalg.cross(x: tensor, y: tensor, dim: dim=-1) -> z: tensor",
     .doc = "Cross products of vectors of 3 elements that lie along dim; other sizes broadcast.",
     .example = "tensor.linalg.cross(tensor{1, 0, 0}, tensor{0, 1, 0}) --> int64 [3]  0  0  1",
     .test = "{{randn(2,3), randn(2,3)}, {randn(3,2), randn(3,1), 1}}",
     .ref = "reference.linalg_cross",
     .flags = OP_FUNCTION,
     .compose = linalg_cross_compose},
    {.sig = "cross_same(x: tensor, y: tensor, dim: dim) -> z: tensor",
     .doc = "cross of two tensors of one shape and float type.",
     .test = "{{randn(2,3), randn(2,3), 2}, {randn(2,3,2), randn(2,3,2), 2}}",
     .ref = "reference.cross",
     .flags = OP_HIDDEN | OP_CROSS,
     .save = SAVE_X(0) | SAVE_X(1),
     .expects = same_expects,
     .infer = same_infer,
     .run = same_run,
     .grad = same_grad},
};

FAMILY_PART(linalg, cross, rows);
