/* Reading single elements along one dimension: gather, take_along_dim. */
#include "../../calc.h"
#include "lines.h"
#include "pick.h"

/* ---- gather: inputs x, index; attribute dim ------------------------------------------------------ */

static void gather_infer(Call *c) {
  const Tensor *x = c->x[0];
  call_scratch(c, sizeof(Positions));
  *(Positions *)c->scratch = lines_check(c, x, c->x[1], (int)c->attr[0].i, NULL);
  call_out(c, 0, (DType)x->dtype, c->x[1]->ndim, c->x[1]->shape);
}

static const char *gather_run(Call *c) {
  const Tensor *x = c->x[0];
  Move move = lines_by_size(SIMD_PICK(line_loops)->gather, (DType)x->dtype);
  return lines_run(move, c->scratch, (int)c->attr[0].i, x, c->y[0], 1, false);
}

static void gather_grad(Call *c, Tensor *const *gy, Tensor **gx) {
  Tensor *g = pick_computed(gy[0]);
  Tensor *zeros = t_nothing((DType)g->dtype, c->x[0]->ndim, c->x[0]->shape);
  gx[0] = t_call("scatter_add", "xixx", zeros, c->attr[0].i, c->x[1], g);
}

/* ---- take_along_dim: inputs x, indices; attribute dim (absent: all elements as one row) ------------ */

static void take_along_dim(Call *c) {
  Tensor *x = c->x[0], *index = c->x[1];
  int dim = attr_given(c, 0) ? (int)c->attr[0].i : 0;
  if (!attr_given(c, 0)) {
    x = t_reshape(x, 1, &x->numel);
    index = t_reshape(index, 1, &index->numel);
  }
  if (x->ndim != index->ndim) {
    t_fail("take_along_dim: x is %s and the indices %s; both have as many dimensions",
           t_shape_str(x), t_shape_str(index));
  }
  int64_t wide[T_MAXDIM], tall[T_MAXDIM];
  for (int d = 0; d < x->ndim; d++) {
    int64_t a = x->shape[d], b = index->shape[d], both = a == 1 ? b : a;
    wide[d] = d == dim ? a : both;
    tall[d] = d == dim ? b : both;
  }
  x = t_expand(x, x->ndim, wide);
  c->y[0] = t_call("gather", "xix", x, (int64_t)dim, t_expand(index, index->ndim, tall));
}

/* ---- the rows ---------------------------------------------------------------------------------- */

static Op rows[] = {
    {.sig = "gather(x: tensor, dim: dim, index: index) -> y: tensor",
     .doc = "Elements of x picked along dim: y[i][j] = x[index[i][j]][j] for dim 1. y has the "
            "shape of index, which has as many dimensions as x.",
     .example = "tensor{{1, 2}, {3, 4}}:gather(2, tensor{{1, 1}, {2, 1}}) --> int64 [2,2]\n"
                "  1  1\n"
                "  4  3",
     .test = "{{randn(3,2), 1, tensor{{1,3},{2,2},{3,1},{1,1}}}, {randn(2,3), -1, tensor{{3,1}}}}",
     .ref = "reference.gather",
     .save = SAVE_X(1),
     .infer = gather_infer,
     .run = gather_run,
     .grad = gather_grad},
    {.sig = "take_along_dim(x: tensor, indices: index, dim: dim?) -> y: tensor",
     .doc = "Elements of x picked along dim, see gather; x and the indices broadcast in the other "
            "dimensions. Without dim from all elements as one row.",
     .example = "tensor{30, 10, 20}:take_along_dim(tensor{2, 3}, 1) --> int64 [2]  10  20",
     .test = "{{randn(3,2), tensor{{1,3},{2,2},{3,1}}, 1}, {randn(1,3), tensor{{1,3},{2,2}}, 2}, "
             "{randn(2,3), tensor{{2},{1}}, -1}, {randn(2,3), tensor{6,1}}}",
     .ref = "reference.take_along_dim",
     .compose = take_along_dim},
};

FAMILY_PART(index, gather, rows);
