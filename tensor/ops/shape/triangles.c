/* Triangles of matrices. */
#include <string.h>

#include "../../loop/cast.h"
#include "../../machine/team.h"
#include "shape.h"

typedef struct Triangle {
  char *data;
  int64_t rows, columns, size, diagonal;
  bool upper;
} Triangle;

static void tril_infer(Call *c) {
  if (c->x[0]->ndim < 2) {
    t_fail("%s: x is %s; it needs at least two dimensions", call_name(c), t_shape_str(c->x[0]));
  }
  shape_like_x(c);
}

/* Clears one matrix beside its triangle. */
static void clear_matrix(void *job, int64_t matrix) {
  const Triangle *t = job;
  for (int64_t i = 0; i < t->rows; i++) {
    char *row = t->data + (matrix * t->rows + i) * t->columns * t->size;
    int64_t edge = i + t->diagonal + !t->upper;
    edge = edge < 0 ? 0 : edge > t->columns ? t->columns : edge;
    if (t->upper)
      memset(row, 0, (size_t)(edge * t->size));
    else
      memset(row + edge * t->size, 0, (size_t)((t->columns - edge) * t->size));
  }
}

static const char *triangle(Call *c, bool upper) {
  Tensor *y = c->y[0];
  Triangle t = {.data = t_data(y), .size = (int64_t)dtype_size((DType)y->dtype), .upper = upper};
  t.rows = y->shape[y->ndim - 2];
  t.columns = y->shape[y->ndim - 1];
  int64_t k = attr_int(c, 0, 0);
  t.diagonal = k < -t.rows ? -t.rows : k > t.columns ? t.columns : k;
  cast_into(y, c->x[0]);
  if (y->numel > 0) team_run(y->numel / (t.rows * t.columns), clear_matrix, &t);
  return NULL;
}

static const char *tril_run(Call *c) { return triangle(c, false); }
static const char *triu_run(Call *c) { return triangle(c, true); }

static void tril_grad(Call *c, Tensor *const *gy, Tensor **gx) {
  gx[0] = shape_again(c, gy[0], false);
}

/* ---- the rows ---------------------------------------------------------------------------------- */

static Op rows[] = {
    {.sig = "tril(x: tensor, diagonal: int=0) -> y: tensor",
     .doc = "The lower triangle of the last two dimensions, 0 elsewhere; diagonal moves its edge "
            "to the right.",
     .example = "tensor.arange(9):view(3, 3):tril() --> int64 [3,3]\n"
                "  1  0  0\n"
                "  4  5  0\n"
                "  7  8  9",
     .test = "{{randn(3,3)}, {randn(3,4), 1}, {randn(2,3,3), -1}}",
     .ref = "reference.tril",
     .flags = OP_INPLACE | OP_APART,
     .infer = tril_infer,
     .run = tril_run,
     .grad = tril_grad},
    {.sig = "triu(x: tensor, diagonal: int=0) -> y: tensor",
     .doc = "The upper triangle of the last two dimensions, 0 elsewhere; diagonal moves its edge "
            "to the right.",
     .example = "tensor.arange(9):view(3, 3):triu() --> int64 [3,3]\n"
                "  1  2  3\n"
                "  0  5  6\n"
                "  0  0  9",
     .test = "{{randn(3,3)}, {randn(3,4), 1}, {randn(2,3,3), -1}}",
     .ref = "reference.triu",
     .flags = OP_INPLACE | OP_APART,
     .infer = tril_infer,
     .run = triu_run,
     .grad = tril_grad},
};

FAMILY_PART(shape, triangles, rows);
