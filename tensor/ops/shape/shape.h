/* Steps that the files of the shape family share. */
#ifndef LUNETTE_SHAPE_H
#define LUNETTE_SHAPE_H

#include "window.h"

/* The window `to` of y becomes the window `from` of x, converted. */
void shape_move(const Tensor *y, const Window *to, const Tensor *x, const Window *from);
/* For infer: y like x, in shape and type. */
void shape_like_x(Call *c);
/* For gradients: the op of c on another tensor; back turns the numbers of the first attribute
   around. */
Tensor *shape_again(const Call *c, Tensor *g, bool back);
/* A gradient that is g as it is. */
void shape_pass_grad(Call *c, Tensor *const *gy, Tensor **gx);

#endif
