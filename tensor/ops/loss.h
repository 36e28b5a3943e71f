/* What the files of losses share. */
#ifndef LUNETTE_LOSS_H
#define LUNETTE_LOSS_H

#include "../op.h"

/* string{none|mean|sum} */
enum { REDUCE_NONE, REDUCE_MEAN, REDUCE_SUM };

/* Input and target must have one shape, unless the target is a number; fails by name. */
void loss_check_shapes(Call *c);
/* Where element `at` (in order) of x stands: "row 17" or "[17,3]", counted from 1. */
const char *loss_place(const Tensor *x, int64_t at);
/* Plain reduction of a loss per element. */
Tensor *loss_reduced(Tensor *loss, int64_t reduction);
Attr loss_choice(int64_t reduction);

/* class_loss.c: losses on class targets, and their parts */
void cross_entropy_compose(Call *c);
void nll_loss_compose(Call *c);
void score_loss_infer(Call *c);
const char *score_loss_run(Call *c);
void score_loss_grad(Call *c, Tensor *const *gy, Tensor **gx);
void score_loss_compose(Call *c);
void score_loss_dx_infer(Call *c);
const char *score_loss_dx_run(Call *c);

#endif
