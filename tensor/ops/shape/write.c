/* Writing over a tensor: copy_, fill_, zero_. */
#include "../../calc.h"
#include "../../loop/cast.h"
#include "../../store.h"

/* x[1], of a shape that broadcasts to x[0]'s, is written over it. */
static void copy_infer(Call *c) {
  const Tensor *x = c->x[0], *src = c->x[1];
  int lead = x->ndim - src->ndim;
  bool fits = lead >= 0;
  for (int d = 0; fits && d < src->ndim; d++) {
    fits = src->shape[d] == x->shape[d + lead] || src->shape[d] == 1;
  }
  if (!fits) {
    t_fail("%s: %s does not fit into %s", call_name(c), t_shape_str(src), t_shape_str(x));
  }
  store_check(call_name(c), (DType)x->dtype, src);
}

static const char *copy_run(Call *c) {
  cast_into(c->y[0], c->x[1]);
  return NULL;
}

static void copy_grad(Call *c, Tensor *const *gy, Tensor **gx) {
  if (c->want[0]) gx[0] = t_zeros_like(gy[0]);
  if (c->want[1]) gx[1] = gy[0];
}

static void fill_infer(Call *c) {
  const Tensor *x = c->x[0];
  if (c->x[1]->ndim > 0) {
    t_fail("fill: the value is %s; a single one is wanted (copy_ takes tensors)",
           t_shape_str(c->x[1]));
  }
  copy_infer(c);
  call_out(c, 0, (DType)x->dtype, x->ndim, x->shape);
}

static void zero_infer(Call *c) { (void)c; }

static const char *zero_run(Call *c) {
  Attr zero = attr_of_int(0);
  store_number(c->y[0], &zero);
  return NULL;
}

static void zero_grad(Call *c, Tensor *const *gy, Tensor **gx) {
  (void)c;
  gx[0] = t_zeros_like(gy[0]);
}

/* ---- the rows ---------------------------------------------------------------------------------- */

static Op rows[] = {
    {.sig = "copy_(x: tensor, src: tensor) -> y: tensor",
     .doc = "Writes src over x, converted to x's type and expanded to its shape; a fraction does "
            "not go into integers.",
     .example = "tensor.zeros(2, 2):copy_(tensor{1, 2}) --> float32 [2,2]\n"
                "  1.0  2.0\n"
                "  1.0  2.0",
     .test = "{{randn(2,3), randn(2,3)}, {randn(2,3), randn(3)}, {randn(2,3), 1.5}}",
     .ref = "reference.copy_",
     .flags = OP_ONLY_INPLACE,
     .infer = copy_infer,
     .run = copy_run,
     .grad = copy_grad},
    {.sig = "fill(x: tensor, value: tensor) -> y: tensor",
     .doc = "A single value in every element, in the shape and type of x.",
     .example = "tensor{1, 2}:fill(7) --> int64 [2]  7  7",
     .test = "{{randn(2,3), 1.5}, {randn(2,3), tensor(2.5)}}",
     .ref = "reference.copy_",
     .flags = OP_INPLACE,
     .infer = fill_infer,
     .run = copy_run,
     .grad = copy_grad},
    {.sig = "zero_(x: tensor) -> y: tensor",
     .doc = "Writes 0 over every element of x.",
     .example = "tensor{1, 2}:zero_() --> int64 [2]  0  0",
     .test = "{{randn(2,3)}}",
     .ref = "each: 0",
     .flags = OP_ONLY_INPLACE,
     .infer = zero_infer,
     .run = zero_run,
     .grad = zero_grad},
};

FAMILY_PART(shape, write, rows);
