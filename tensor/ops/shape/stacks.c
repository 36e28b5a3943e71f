/* Joining and matching several tensors, in terms of cat, reshape and expand. */
#include "../../calc.h"
#include "../../loop/iter.h"

/* x with at least n dimensions: those that are missing come where NumPy puts them. */
static Tensor *at_least(Tensor *x, int n) {
  if (x->ndim == 0 && n > 0) x = t_unsqueeze(x, 0);
  if (x->ndim == 1 && n > 1) x = t_unsqueeze(x, 0);
  if (x->ndim == 2 && n > 2) x = t_unsqueeze(x, 2);
  return x;
}

/* One tensor gives one, a list a list. */
static void at_least_each(Call *c, int n) {
  call_results(c, c->nx);
  for (int i = 0; i < c->nx; i++) c->y[i] = at_least(c->x[i], n);
  c->list = !c->lone;
}
static void atleast_1d(Call *c) { at_least_each(c, 1); }
static void atleast_2d(Call *c) { at_least_each(c, 2); }
static void atleast_3d(Call *c) { at_least_each(c, 3); }

static void check_list(const Call *c) {
  if (c->nx == 0) t_fail("%s: the list of tensors is empty", call_name(c));
}

static void join_at_least(Call *c, int n, int dim) {
  check_list(c);
  for (int i = 0; i < c->nx; i++) c->x[i] = at_least(c->x[i], n);
  c->y[0] = t_cat(c->nx, c->x, dim);
}
static void vstack(Call *c) { join_at_least(c, 2, 0); }
static void dstack(Call *c) { join_at_least(c, 3, 2); }

static void hstack(Call *c) {
  check_list(c);
  join_at_least(c, 1, c->x[0]->ndim > 1);
}

/* Lists are columns. */
static void column_stack(Call *c) {
  check_list(c);
  for (int i = 0; i < c->nx; i++) {
    if (c->x[i]->ndim < 2) c->x[i] = t_reshape(c->x[i], 2, (int64_t[]){c->x[i]->numel, 1});
  }
  c->y[0] = t_cat(c->nx, c->x, 1);
}

static void broadcast_tensors(Call *c) {
  int64_t shape[T_MAXDIM];
  check_list(c);
  int ndim = iter_broadcast(c, 0, c->nx, shape);
  call_results(c, c->nx);
  for (int i = 0; i < c->nx; i++) c->y[i] = t_expand(c->x[i], ndim, shape);
}

/* ---- the rows ---------------------------------------------------------------------------------- */

static Op rows[] = {
    {.sig = "hstack(tensors: tensors) -> y: tensor",
     .doc = "Tensors side by side: along the second dimension, or lists one after another.",
     .example = "tensor.hstack{tensor{{1}, {2}}, tensor{{3}, {4}}} --> int64 [2,2]\n"
                "  1  3\n"
                "  2  4",
     .test = "{{{randn(2,3), randn(2,1)}}, {{randn(2), randn(3)}}}",
     .ref = "reference.hstack",
     .flags = OP_FUNCTION,
     .compose = hstack},
    {.sig = "vstack(tensors: tensors) -> y: tensor",
     .aliases = "row_stack",
     .doc = "Tensors on top of each other: along the first dimension, lists being rows.",
     .example = "tensor.vstack{tensor{1, 2}, tensor{3, 4}} --> int64 [2,2]\n"
                "  1  2\n"
                "  3  4",
     .test = "{{{randn(2,3), randn(1,3)}}, {{randn(3), randn(3)}}}",
     .ref = "reference.vstack",
     .flags = OP_FUNCTION,
     .compose = vstack},
    {.sig = "dstack(tensors: tensors) -> y: tensor",
     .doc = "Tensors behind each other: along the third dimension.",
     .example = "tensor.dstack{tensor{1, 2}, tensor{3, 4}} --> int64 [1,2,2]\n"
                "  1  3\n"
                "  2  4",
     .test = "{{{randn(2,3), randn(2,3)}}, {{randn(2), randn(2)}}}",
     .ref = "reference.dstack",
     .flags = OP_FUNCTION,
     .compose = dstack},
    {.sig = "column_stack(tensors: tensors) -> y: tensor",
     .doc = "Tensors side by side, lists being columns.",
     .example = "tensor.column_stack{tensor{1, 2}, tensor{3, 4}} --> int64 [2,2]\n"
                "  1  3\n"
                "  2  4",
     .test = "{{{randn(2), randn(2,2)}}, {{randn(3), randn(3)}}}",
     .ref = "reference.column_stack",
     .flags = OP_FUNCTION,
     .compose = column_stack},
    {.sig = "atleast_1d(tensors: tensors) -> parts: tensors",
     .doc = "x with at least one dimension, or each of a list of tensors.",
     .example = "tensor.atleast_1d{tensor(5)}[1] --> int64 [1]  5",
     .test = "{{{tensor(1.5), randn(2)}}}",
     .ref = "reference.atleast_1d",
     .compose = atleast_1d},
    {.sig = "atleast_2d(tensors: tensors) -> parts: tensors",
     .doc = "x with at least two dimensions, or each of a list of tensors: a list becomes a row.",
     .example = "tensor.atleast_2d{tensor{1, 2}}[1] --> int64 [1,2]  1  2",
     .test = "{{{tensor(1.5), randn(2), randn(2,3)}}}",
     .ref = "reference.atleast_2d",
     .compose = atleast_2d},
    {.sig = "atleast_3d(tensors: tensors) -> parts: tensors",
     .doc = "x with at least three dimensions, or each of a list of tensors: a matrix gets a last "
            "one, a list becomes [1, n, 1].",
     .example = "tensor.atleast_3d{tensor{1, 2}}[1].shape --> {1, 2, 1}",
     .test = "{{{tensor(1.5), randn(2), randn(2,3), randn(2,1,2)}}}",
     .ref = "reference.atleast_3d",
     .compose = atleast_3d},
    {.sig = "broadcast_tensors(tensors: tensors) -> parts: tensors",
     .doc = "Views of the tensors, all expanded to their common shape.",
     .example = "a, b = table.unpack(tensor.broadcast_tensors{tensor{1, 2}, tensor{{10}, {20}}})\n"
                "a --> int64 [2,2]  1  2  1  2\n"
                "b --> int64 [2,2]\n"
                "  10  10\n"
                "  20  20",
     .test = "{{{randn(2,1), randn(3)}}, {{randn(2), randn(1,1,2), tensor(0.5)}}}",
     .ref = "reference.broadcast_tensors",
     .flags = OP_FUNCTION,
     .compose = broadcast_tensors},
};

FAMILY_PART(shape, stacks, rows);
