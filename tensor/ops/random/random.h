/* What the rows of random.c are made of: multinomial.c for drawing from weights, dropout.c. */
#ifndef LUNETTE_RANDOM_OPS_H
#define LUNETTE_RANDOM_OPS_H

#include "../../op.h"

void multinomial_infer(Call *c);
const char *multinomial_run(Call *c);

void dropout_infer(Call *c);
const char *dropout_run(Call *c);
void dropout_grad(Call *c, Tensor *const *gy, Tensor **gx);
void dropout_apply_infer(Call *c);
const char *dropout_apply_run(Call *c);
void dropout_apply_grad(Call *c, Tensor *const *gy, Tensor **gx);

#endif
