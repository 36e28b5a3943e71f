/* What the files of losses share. */
#ifndef LUNETTE_OPS_LOSS_H
#define LUNETTE_OPS_LOSS_H

#include "../../op.h"

/* string{none|mean|sum} */
enum { REDUCTION_NONE, REDUCTION_MEAN, REDUCTION_SUM };

/* Input and target must have one shape, unless the target is a number; fails by name. */
void loss_check_shapes(Call *c);
/* Where element `at` (in order) of x stands: "row 17" or "[17,3]", counted from 1. */
const char *loss_place(const Tensor *x, int64_t at);
/* Plain reduction of a loss per element. */
Tensor *loss_reduced(Tensor *loss, int64_t reduction);

/* Attributes of the losses on class targets. */
enum { A_IGNORE, A_REDUCTION, A_SMOOTHING };

/* Is class t, counted from T_BASE, one that counts? */
static inline bool class_counts(const Call *c, int64_t t) {
  return !attr_given(c, A_IGNORE) || t != c->attr[A_IGNORE].i;
}

/* score_loss in plain ops. */
void score_loss_compose(Call *c);

#endif
