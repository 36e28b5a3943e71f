/* What the rows of norm.c refer to in other files. */
#ifndef LUNETTE_OPS_NORM_H
#define LUNETTE_OPS_NORM_H

#include "../../op.h"

/* batch.c */
void batch_norm_infer(Call *c);
const char *batch_norm_run(Call *c);
void batch_norm_grad(Call *c, Tensor *const *gy, Tensor **gx);
void batch_norm_compose(Call *c);
void batch_norm_dx_infer(Call *c);
const char *batch_norm_dx_run(Call *c);

/* layer.c */
void layer_norm_infer(Call *c);
const char *layer_norm_run(Call *c);
void layer_norm_grad(Call *c, Tensor *const *gy, Tensor **gx);
void layer_norm_compose(Call *c);
void layer_norm_dx_infer(Call *c);
const char *layer_norm_dx_run(Call *c);

#endif
