/* What all losses share: checks and messages, the plain reduction. */
#include "loss.h"

#include <stdio.h>

#include "../../calc.h"

const char *loss_place(const Tensor *x, int64_t at) {
  static char text[T_MAXDIM * 21 + 8];
  if (x->ndim <= 1) {
    snprintf(text, sizeof text, "row %lld", (long long)at + 1);
    return text;
  }
  int64_t index[T_MAXDIM];
  for (int d = x->ndim - 1; d >= 0; d--) {
    index[d] = at % x->shape[d] + 1;
    at /= x->shape[d];
  }
  return t_dims_str(x->ndim, index);
}

/* The dimension, from 1, of size 1 that `more` has and `fewer` has not; 0 when that is not all. */
static int surplus_one(const Tensor *more, const Tensor *fewer) {
  if (more->ndim != fewer->ndim + 1) return 0;
  for (int d = more->ndim - 1; d >= 0; d--) {
    bool fits = more->shape[d] == 1;
    for (int i = 0; fits && i < fewer->ndim; i++) {
      fits = more->shape[i < d ? i : i + 1] == fewer->shape[i];
    }
    if (fits) return d + 1;
  }
  return 0;
}

void loss_check_shapes(Call *c) {
  Tensor *x = c->x[0], *t = c->x[1];
  if (t->weak || t_same_shape(x, t)) return;
  char repair[80] = "check which of the two is meant";
  int in_target = surplus_one(t, x), in_input = surplus_one(x, t);
  if (in_target)
    snprintf(repair, sizeof repair, "target:squeeze(%d)", in_target);
  else if (in_input)
    snprintf(repair, sizeof repair, "target:unsqueeze(%d), or input:squeeze(%d)", in_input,
             in_input);
  else if (t->ndim == 0)
    snprintf(repair, sizeof repair, "target:item() is a number, which goes with every element");
  else if (x->numel == t->numel)
    snprintf(repair, sizeof repair, "target:view_as(input), if their elements are in one order");
  t_fail("%s: input %s and target %s must have the same shape, losses do not broadcast; %s",
         call_name(c), t_shape_str(x), t_shape_str(t), repair);
}

Tensor *loss_reduced(Tensor *loss, int64_t reduction) {
  if (reduction == REDUCTION_NONE) return loss;
  return reduction == REDUCTION_SUM ? t_sum_all(loss) : t_op1("mean", loss);
}
