/* What the files of reductions share. */
#ifndef LUNETTE_OPS_REDUCE_H
#define LUNETTE_OPS_REDUCE_H

#include "fold_kinds.h"

/* The type asked for by a dtype attribute, or `otherwise`. */
DType reduce_type(Call *c, int attr, DType otherwise);
/* What is taken off the count of a variance: attributes dim, unbiased, keepdim, correction. */
double reduce_correction(const Call *c);

/* Input as `in`, results of type `out`, scratch; then its run, FoldArg's p and flag being given. */
void reduce_prepare(Call *c, FoldKind kind, DType in, DType out, unsigned dims, bool keepdim);
const char *reduce_fold(Call *c, FoldKind kind, unsigned dims, double p, bool flag);
/* Of sums: attributes dim, keepdim, dtype. */
void reduce_sum_infer(Call *c);

/* grad.c: gradients */
void sum_grad(Call *c, Tensor *const *gy, Tensor **gx);
void nansum_grad(Call *c, Tensor *const *gy, Tensor **gx);
void mean_grad(Call *c, Tensor *const *gy, Tensor **gx);
void prod_grad(Call *c, Tensor *const *gy, Tensor **gx);
void max_grad(Call *c, Tensor *const *gy, Tensor **gx);  /* values and indices of one dim */
void amax_grad(Call *c, Tensor *const *gy, Tensor **gx); /* spread over ties */
void var_grad(Call *c, Tensor *const *gy, Tensor **gx);
void std_grad(Call *c, Tensor *const *gy, Tensor **gx);
void norm_grad(Call *c, Tensor *const *gy, Tensor **gx);
void logsumexp_grad(Call *c, Tensor *const *gy, Tensor **gx);

#endif
