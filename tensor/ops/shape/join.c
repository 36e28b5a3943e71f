/* Tensors joined into one: one block per input. */
#include <string.h>

#include "../../calc.h"
#include "shape.h"

/* Empty lists made without a shape, tensor.zeros(0), join with anything. */
static bool is_nothing(const Tensor *x) { return x->ndim == 1 && x->shape[0] == 0; }

static DType common_type(Call *c) {
  DType d = (DType)c->x[0]->dtype;
  for (int i = 1; i < c->nx; i++) {
    if (c->x[i]->dtype != d) return call_promote(c, 0, c->nx);
  }
  return d;
}

static void check_list(const Call *c) {
  if (c->nx == 0) t_fail("%s: the list of tensors is empty", call_name(c));
}

static void cat_infer(Call *c) {
  check_list(c);
  int64_t shape[T_MAXDIM], dim = c->attr[0].i;
  int like = 0;
  while (like < c->nx - 1 && is_nothing(c->x[like])) like++;
  const Tensor *first = c->x[like];
  if (first->ndim == 0) {
    t_fail("cat: element %d has no dimensions; stack joins single values", like + 1);
  }
  if (dim >= first->ndim) {
    t_fail("cat: dimension %lld of tensors with %d", (long long)dim + 1, first->ndim);
  }
  memcpy(shape, first->shape, sizeof shape);
  shape[dim] = 0;
  for (int i = 0; i < c->nx; i++) {
    const Tensor *x = c->x[i];
    if (is_nothing(x)) continue;
    bool fits = x->ndim == first->ndim;
    for (int d = 0; fits && d < x->ndim; d++) fits = d == dim || x->shape[d] == first->shape[d];
    if (!fits) {
      t_fail("cat: element %d is %s and element %d is %s; all sizes but that of dimension %lld "
             "must be equal",
             like + 1, t_shape_str(first), i + 1, t_shape_str(x), (long long)dim + 1);
    }
    shape[dim] += x->shape[dim];
  }
  call_out(c, 0, common_type(c), first->ndim, shape);
}

static const char *cat_run(Call *c) {
  int64_t at = 0;
  int dim = (int)c->attr[0].i;
  for (int i = 0; i < c->nx; i++) {
    const Tensor *x = c->x[i];
    if (is_nothing(x)) continue;
    Window to = window_of(c->y[0]), from = window_of(x);
    window_cut(&to, dim, at, x->shape[dim], 1);
    shape_move(c->y[0], &to, x, &from);
    at += x->shape[dim];
  }
  return NULL;
}

static void cat_grad(Call *c, Tensor *const *gy, Tensor **gx) {
  int64_t at = 0;
  int dim = (int)c->attr[0].i;
  for (int i = 0; i < c->nx; i++) {
    Tensor *x = c->x[i];
    bool nothing = is_nothing(x);
    if (c->want[i]) { gx[i] = nothing ? t_zeros_like(x) : t_narrow(gy[0], dim, at, x->shape[dim]); }
    at += nothing ? 0 : x->shape[dim];
  }
}

static void stack_infer(Call *c) {
  check_list(c);
  const Tensor *first = c->x[0];
  Window w = window_of(first);
  for (int i = 1; i < c->nx; i++) {
    if (!t_same_shape(first, c->x[i])) {
      t_fail("stack: element 1 is %s and element %d is %s; all must have one shape, cat joins "
             "along a dimension they have",
             t_shape_str(first), i + 1, t_shape_str(c->x[i]));
    }
  }
  window_insert_dim(&w, (int)c->attr[0].i, c->nx, 0);
  call_out(c, 0, common_type(c), w.ndim, w.shape);
}

static const char *stack_run(Call *c) {
  int dim = (int)c->attr[0].i;
  for (int i = 0; i < c->nx; i++) {
    Window to = window_of(c->y[0]), from = window_of(c->x[i]);
    window_cut(&to, dim, i, 1, 1);
    window_drop_dim(&to, dim);
    shape_move(c->y[0], &to, c->x[i], &from);
  }
  return NULL;
}

static void stack_grad(Call *c, Tensor *const *gy, Tensor **gx) {
  for (int i = 0; i < c->nx; i++) {
    if (c->want[i]) gx[i] = t_select(gy[0], (int)c->attr[0].i, i);
  }
}

/* ---- the rows ---------------------------------------------------------------------------------- */

static Op rows[] = {
    {.sig = "cat(tensors: tensors, dim: dim=1) -> y: tensor",
     .aliases = "concat concatenate",
     .doc = "Tensors one after another along a dimension they have; all other sizes must be equal. "
            "tensor.zeros(0) joins with anything.",
     .example = "tensor.cat({tensor{1, 2}, tensor{3}}) --> int64 [3]  1  2  3",
     .test = "{{{randn(2,3), randn(1,3)}}, {{randn(2,3), randn(2,1), randn(2,2)}, -1}}",
     .ref = "reference.cat",
     .infer = cat_infer,
     .run = cat_run,
     .grad = cat_grad},
    {.sig = "stack(tensors: tensors, dim: newdim=1) -> y: tensor",
     .doc = "Tensors of one shape side by side along a new dimension.",
     .example = "tensor.stack{tensor{1, 2}, tensor{3, 4}} --> int64 [2,2]\n"
                "  1  2\n"
                "  3  4",
     .test = "{{{randn(2,3), randn(2,3)}}, {{randn(2,3), randn(2,3), randn(2,3)}, -1}, "
             "{{randn(3), randn(3)}, 2}}",
     .ref = "reference.stack",
     .infer = stack_infer,
     .run = stack_run,
     .grad = stack_grad},
};

FAMILY_PART(shape, join, rows);
