/* Arithmetic and comparisons composed of other ops. */
#include "../calc.h"

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

static void equal_compose(Call *c) {
  bool same = t_same_shape(c->x[0], c->x[1]);
  c->y[0] = same ? t_op1("all", t_eq(c->x[0], c->x[1])) : t_scalar_int(false, T_BOOL);
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
    {.sig = "equal(x: tensor, y: tensor) -> same: tensor",
     .doc = "Whether x and y have the same shape and the same values, as x == y tells.",
     .example = "tensor.equal(tensor{1, 2}, tensor{1, 2}) --> true",
     .test = "{{randn(2,3), randn(3)}, {ints(2), ints(2)}}",
     .ref = "reference.equal",
     .flags = OP_CONST,
     .compose = equal_compose},
};

FAMILY(arithmetic, rows);
