/* Arithmetic and comparisons composed of other ops; frexp. */
#include <math.h>

#include "../calc.h"
#include "../machine/team.h"

/* y - alpha x */
static void rsub_compose(Call *c) {
  double alpha = attr_float(c, 0, 1);
  Tensor *x = c->x[0];
  c->y[0] = t_sub(c->x[1], alpha == 1 ? x
                                      : t_mul(x, c->attr[0].tag == A_FLOAT
                                                     ? t_num(alpha)
                                                     : t_scalar_int(c->attr[0].i, T_I64)));
}

static Tensor *wide(Tensor *x) { return x->weak ? t_num(t_get(x, 0)) : t_cast(x, T_F64); }

static void float_power_compose(Call *c) {
  Tensor *x = c->x[0], *y = c->x[1];
  c->y[0] = t_op2("pow", x->weak ? t_cast(x, T_F64) : wide(x), wide(y));
}

static void ldexp_compose(Call *c) { c->y[0] = t_mul(c->x[0], t_op1("exp2", c->x[1])); }

static void conj_compose(Call *c) {
  Tensor *x = c->x[0];
  c->y[0] = t_expand(x, x->ndim, x->shape);
}

static void equal_compose(Call *c) {
  bool same = t_same_shape(c->x[0], c->x[1]);
  c->y[0] = same ? t_op1("all", t_eq(c->x[0], c->x[1])) : t_scalar_int(false, T_BOOL);
}

/* ---- frexp: x = mantissa 2^exponent, 1/2 <= |mantissa| < 1 ------------------------------------------- */

enum { FREXP_PART = 1 << 14 };

static void frexp_infer(Call *c) {
  DType d = call_promote(c, 0, 1);
  if (!dtype_is_float(d)) d = T_F32;
  call_want(c, 0, d);
  const Tensor *x = c->x[0];
  call_out(c, 0, d, x->ndim, x->shape);
  call_out(c, 1, T_I32, x->ndim, x->shape);
}

static void frexp_part(void *job, int64_t part) {
  const Call *c = job;
  const Tensor *x = c->x[0];
  int64_t end = (part + 1) * FREXP_PART < x->numel ? (part + 1) * FREXP_PART : x->numel;
  for (int64_t i = part * FREXP_PART; i < end; i++) {
    double v = x->dtype == T_F64 ? t_f64(x)[i] : (double)t_f32(x)[i];
    int exponent = 0;
    if (isfinite(v)) v = frexp(v, &exponent);
    if (x->dtype == T_F64)
      t_f64(c->y[0])[i] = v;
    else
      t_f32(c->y[0])[i] = (float)v;
    ((int32_t *)t_data(c->y[1]))[i] = exponent;
  }
}

static const char *frexp_run(Call *c) {
  team_run((c->x[0]->numel + FREXP_PART - 1) / FREXP_PART, frexp_part, c);
  return NULL;
}

static void frexp_grad(Call *c, Tensor *const *gy, Tensor **gx) {
  if (gy[0]) gx[0] = t_op2("ldexp", gy[0], t_neg(c->y[1]));
}

static Op rows[] = {
    {.sig = "rsub(x: tensor, y: tensor, alpha: scalar=1) -> z: tensor",
     .doc = "y - alpha x: sub with its operands exchanged.",
     .example = "tensor{1, 2}:rsub(10) --> int64 [2]  9  8",
     .test = "{{randn(2,3), randn(3)}, {randn(2,3), 2, {alpha = 3}}}",
     .ref = "reference.rsub",
     .compose = rsub_compose},
    {.sig = "float_power(x: tensor, y: tensor) -> z: tensor",
     .doc = "x to the power y, in float64 whatever the types are.",
     .example = "tensor{2, 3}:float_power(-1) --> float64 [2]  0.5000  0.3333",
     .test = "{{rand(2,3) + 0.5, randn(3)}, {ints(3), 2}, {2, randn(3)}}",
     .ref = "each: x ^ y",
     .flags = OP_INPLACE,
     .compose = float_power_compose},
    {.sig = "ldexp(x: tensor, other: tensor) -> y: tensor",
     .doc = "x times 2 to the power other.",
     .example = "tensor{3}:ldexp(tensor{2}) --> float32 [1]  12.0",
     .test = "{{randn(2,3), ints(3)}, {randn(3), randn(3)}}",
     .ref = "each: x * 2 ^ y",
     .flags = OP_INPLACE,
     .compose = ldexp_compose},
    {.sig = "conj(x: tensor) -> y: tensor",
     .aliases = "conj_physical resolve_conj resolve_neg real",
     .doc = "x itself, as a view: numbers here are real. For programs that are written for complex "
            "ones too.",
     .example = "tensor{1, -2}:conj() --> int64 [2]   1  -2",
     .test = "{{randn(2,3)}, {mask(3)}}",
     .ref = "each: x",
     .compose = conj_compose},
    {.sig = "frexp(x: tensor) -> mantissa: tensor, exponent: tensor",
     .doc = "x as mantissa times 2 to the power exponent (int32), the mantissa from 1/2 to below 1 "
            "in size. Zero, infinity and NaN are their own mantissas, with the exponent 0.",
     .example = "tensor.frexp(tensor{3.0, -0.5}) --> float32 [2]   0.75  -0.50  int32 [2]  2  0",
     .test = "{{randn(2,3) * 5}, {rand(4) * 100 + 0.01}}",
     .ref = "reference.frexp",
     .save = SAVE_Y(1),
     .infer = frexp_infer,
     .run = frexp_run,
     .grad = frexp_grad},
    {.sig = "equal(x: tensor, y: tensor) -> same: tensor",
     .doc = "Whether x and y have the same shape and the same values, as x == y tells.",
     .example = "tensor.equal(tensor{1, 2}, tensor{1, 2}) --> true",
     .test = "{{randn(2,3), randn(3)}, {ints(2), ints(2)}}",
     .ref = "reference.equal",
     .flags = OP_CONST,
     .compose = equal_compose},
};

FAMILY(arithmetic, rows);
