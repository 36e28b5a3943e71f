/* What the files of reductions share. */
#ifndef LUNETTE_OPS_REDUCE_H
#define LUNETTE_OPS_REDUCE_H

#include "../../op.h"

/* The type asked for by a dtype attribute, or `otherwise`. */
DType reduce_type(Call *c, int attr, DType otherwise);
/* What is taken off the count of a variance: attributes dim, unbiased, keepdim, correction. */
double reduce_correction(const Call *c);

/* grad.c: gradients */
void sum_grad(Call *c, Tensor *const *gy, Tensor **gx);
void mean_grad(Call *c, Tensor *const *gy, Tensor **gx);
void prod_grad(Call *c, Tensor *const *gy, Tensor **gx);
void max_grad(Call *c, Tensor *const *gy, Tensor **gx);  /* values and indices of one dim */
void amax_grad(Call *c, Tensor *const *gy, Tensor **gx); /* spread over ties */
void var_grad(Call *c, Tensor *const *gy, Tensor **gx);
void std_grad(Call *c, Tensor *const *gy, Tensor **gx);
void norm_grad(Call *c, Tensor *const *gy, Tensor **gx);
void logsumexp_grad(Call *c, Tensor *const *gy, Tensor **gx);

#endif
