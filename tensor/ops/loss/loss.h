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
Attr loss_choice(int64_t reduction);

/* Attributes of the losses on class targets. */
enum { A_IGNORE, A_REDUCTION, A_SMOOTHING };

/* Is class t, counted from T_BASE, one that counts? */
static inline bool class_counts(const Call *c, int64_t t) {
  return !attr_given(c, A_IGNORE) || t != c->attr[A_IGNORE].i;
}

/* classes.c: losses on class targets */
void cross_entropy_compose(Call *c);
void nll_loss_compose(Call *c);
void score_loss_compose(Call *c);

/* scores.c: cross-entropy of rows */
void score_loss_infer(Call *c);
const char *score_loss_run(Call *c);
void score_loss_grad(Call *c, Tensor *const *gy, Tensor **gx);
void score_loss_dx_infer(Call *c);
const char *score_loss_dx_run(Call *c);

/* pairs.c: losses element by element */
void pair_infer(Call *c);
const char *mse_run(Call *c);
const char *l1_run(Call *c);
void smooth_infer(Call *c);
const char *smooth_run(Call *c);
void huber_infer(Call *c);
const char *huber_run(Call *c);
void mse_grad(Call *c, Tensor *const *gy, Tensor **gx);
void l1_grad(Call *c, Tensor *const *gy, Tensor **gx);
void smooth_grad(Call *c, Tensor *const *gy, Tensor **gx);
void huber_grad(Call *c, Tensor *const *gy, Tensor **gx);
void bce_logits_compose(Call *c);
void bce_compose(Call *c);
const char *logits_run(Call *c);
const char *bce_run(Call *c);
void logits_grad(Call *c, Tensor *const *gy, Tensor **gx);
void bce_grad(Call *c, Tensor *const *gy, Tensor **gx);

#endif
