/* Windows: shape and strides over another tensor's elements. What view ops carve, what kernels that
   move blocks write through, and what gradients of views are put back with. */
#ifndef LUNETTE_WINDOW_H
#define LUNETTE_WINDOW_H

#include "../../op.h"

typedef struct Window {
  int ndim;
  int64_t shape[T_MAXDIM], stride[T_MAXDIM], offset;
} Window;

/* x's own geometry, and that of a contiguous tensor of a shape. */
Window window_of(const Tensor *x);
Window window_whole(int ndim, const int64_t *shape);
/* x's storage seen through w; not counted, for use inside a kernel only. */
Tensor window_tensor(const Tensor *x, const Window *w);

void window_drop_dim(Window *w, int dim);
void window_insert_dim(Window *w, int dim, int64_t size, int64_t stride);
/* Along dim: count elements from start (from 0), every step-th. */
void window_cut(Window *w, int dim, int64_t start, int64_t count, int64_t step);

/* A view op is one function: it cuts w, which is x's own geometry (or, for the gradient, that of a
   contiguous tensor of x's shape), to the view's, and fails on arguments that do not fit. */
typedef void (*Carve)(const Call *c, Window *w);
void carve_infer(Call *c, Carve carve);
void carve_grad(Call *c, Tensor *const *gy, Tensor **gx, Carve carve);

/* As recorded ops, see the rows: zeros of the shape with g added at w; x's elements at w; x with
   those at w replaced. */
Tensor *window_add(Tensor *g, int ndim, const int64_t *shape, const Window *w);
Tensor *window_get(Tensor *x, const Window *w);
Tensor *window_put(Tensor *x, Tensor *values, const Window *w);

#endif
