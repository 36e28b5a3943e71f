/* Steps that the files of the shape family share. */
#include "shape.h"

#include "../../loop/cast.h"

void shape_move(const Tensor *y, const Window *to, const Tensor *x, const Window *from) {
  Tensor a = window_tensor(y, to), b = window_tensor(x, from);
  cast_into(&a, &b);
}

void shape_like_x(Call *c) { call_out(c, 0, (DType)c->x[0]->dtype, c->x[0]->ndim, c->x[0]->shape); }

Tensor *shape_again(const Call *c, Tensor *g, bool back) {
  Call f;
  call_begin(&f, c->op);
  f.x[0] = g;
  for (int i = 0; i < op_sig(c->op)->nattr; i++) f.attr[i] = c->attr[i];
  for (int i = 0; back && i < f.attr[0].n; i++) f.attr[0].v[i] = -f.attr[0].v[i];
  op_apply(&f);
  return f.y[0];
}

void shape_pass_grad(Call *c, Tensor *const *gy, Tensor **gx) {
  (void)c;
  gx[0] = gy[0];
}
