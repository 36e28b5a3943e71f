/* Activations composed of other ops: gates, learned and random slopes, random choices. */
#include "../calc.h"

/* ---- gates ------------------------------------------------------------------------------------------- */

static void glu_compose(Call *c) {
  Tensor *x = c->x[0];
  int dim = (int)c->attr[0].i;
  if (x->ndim == 0) t_fail("glu: x has no dimensions; one is halved");
  int64_t n = x->shape[dim];
  if (n % 2) {
    t_fail("glu: dimension %d has size %lld; an even one is halved", dim + 1, (long long)n);
  }
  Tensor *gate = t_sigmoid(t_narrow(x, dim, n / 2, n / 2));
  c->y[0] = t_mul(t_narrow(x, dim, 0, n / 2), gate);
}

static void softmin_compose(Call *c) {
  Tensor *x = c->x[0];
  if (attr_given(c, 1)) x = t_cast(x, (DType)c->attr[1].i);
  c->y[0] = t_call("softmax", "xi", t_neg(x), c->attr[0].i);
}

/* ---- learned and random slopes ----------------------------------------------------------------------- */

/* weight: [] or [1] for all, or one number for each channel, dimension 2 of x. */
static void prelu_compose(Call *c) {
  Tensor *x = c->x[0], *weight = c->x[1];
  int64_t channels = x->ndim > 1 ? x->shape[1] : 1, shape[T_MAXDIM];
  if (weight->ndim > 1) {
    t_fail("prelu: weight is %s; one number, or one for each channel is wanted",
           t_shape_str(weight));
  }
  if (weight->numel != 1 && weight->numel != channels) {
    t_fail("prelu: weight has %lld numbers but x %s has %lld channels (dimension 2)",
           (long long)weight->numel, t_shape_str(x), (long long)channels);
  }
  for (int d = 0; d < x->ndim; d++) shape[d] = d == 1 ? weight->numel : 1;
  if (!weight->weak) weight = t_reshape(weight, x->ndim, shape);
  c->y[0] = t_op2("prelu_pair", x, weight);
}

/* A tensor like x with random numbers written over it. */
static Tensor *drawn(Tensor *x, const char *name, double a, double b) {
  Call d;
  DType type = x->dtype == T_F64 ? T_F64 : T_F32;
  call_begin(&d, op_need(name));
  d.x[0] = t_new(type, x->ndim, x->shape);
  d.attr[0] = attr_of_float(a);
  d.attr[1] = attr_of_float(b);
  op_apply(&d);
  return d.y[0];
}

static void rrelu_compose(Call *c) {
  Tensor *x = c->x[0];
  double lower = attr_float(c, 0, 0.125), upper = attr_float(c, 1, 1.0 / 3);
  if (!(lower <= upper)) {
    t_fail("rrelu: lower is %g and upper %g; the smaller comes first", lower, upper);
  }
  if (!attr_int(c, 2, false)) {
    c->y[0] = t_call("leaky_relu", "xf", x, (lower + upper) / 2);
    return;
  }
  Tensor *slope = drawn(x, "uniform_", lower, upper);
  c->y[0] = t_mul(x, t_where(t_ge(x, t_num(0)), t_num(1), slope));
}

/* ---- Gumbel's softmax -------------------------------------------------------------------------------- */

static void gumbel_softmax_compose(Call *c) {
  Tensor *x = c->x[0];
  double tau = attr_float(c, 0, 1);
  int64_t dim = c->attr[3].i;
  if (x->ndim == 0) t_fail("gumbel_softmax: x has no dimensions");
  if (!(tau > 0)) t_fail("gumbel_softmax: tau is %g; a positive number is wanted", tau);
  Tensor *noise = t_neg(t_log(drawn(x, "exponential_", 1, 0)));
  Tensor *y = t_call("softmax", "xi", t_muln(t_add(x, noise), 1 / tau), dim);
  if (attr_int(c, 1, false)) {
    Tensor *at = t_call("argmax", "xib", y, dim, true);
    Tensor *hard = t_call("scatter", "xixx", t_zeros_like(y), dim, at, t_num(1));
    y = t_add(t_sub(hard, t_alias(y)), y); /* forward the choice, backward the softmax */
  }
  c->y[0] = y;
}

/* ---- the rows ---------------------------------------------------------------------------------------- */

static Op rows[] = {
    {.sig = "glu(x: tensor, dim: dim=-1) -> y: tensor",
     .doc = "The first half of a dimension times sigmoid of the second. Dauphin et al. 2016, "
            "arXiv:1612.08083.",
     .example = "tensor{6, 0}:glu() --> float32 [1]  3.0",
     .test = "{{randn(2,4)}, {randn(2,3), 1}, {randn(2,4,2), 2}}",
     .ref = "reference.glu",
     .compose = glu_compose},
    {.sig = "softmin(x: tensor, dim: dim, dtype: dtype?) -> y: tensor",
     .doc = "softmax of -x along a dimension, after conversion to dtype where that is given.",
     .example = "tensor{0, math.log(3)}:softmin(1) --> float32 [2]  0.75  0.25",
     .test = "{{randn(2,3), 2}, {randn(2,3), 1, {dtype = \"float64\"}}}",
     .ref = "reference.softmin",
     .compose = softmin_compose},
    {.sig = "prelu(x: tensor, weight: tensor) -> y: tensor",
     .doc = "x where it is positive, weight x elsewhere; weight is one number or one for each "
            "channel, dimension 2 of x. He et al. 2015, arXiv:1502.01852.",
     .example = "tensor{-2.0, 3.0}:prelu(tensor{0.5}) --> float32 [2]  -1.0  3.0",
     .test = "{{randn(2,3), randn(3)}, {randn(2,3,2), randn(1)}, {randn(4), tensor(0.3)}}",
     .ref = "reference.prelu",
     .compose = prelu_compose},
    {.sig = "rrelu(x: tensor, lower: float=0.125, upper: float=0.3333333333333333, training: "
            "bool=false) -> y: tensor",
     .doc = "x where it is positive, else x times a slope: in training a random one from lower to "
            "upper for each element, otherwise the middle. Xu et al. 2015, arXiv:1505.00853.",
     .example = "tensor{-1.0, 1.0}:rrelu(0.25, 0.75) --> float32 [2]  -0.5  1.0",
     .test = "{{randn(2,3)}, {randn(2,3), 0.1, 0.4, true}}",
     .ref = "reference.rrelu",
     .flags = OP_RANDOM,
     .compose = rrelu_compose},
    {.sig = "gumbel_softmax(x: tensor, tau: float=1, hard: bool=false, eps: float=1e-10, dim: "
            "dim=-1) -> y: tensor",
     .doc =
         "softmax of x plus Gumbel's noise, divided by tau: a choice from exp(x), softened. With "
         "hard the result is 0 and 1 and has the gradient of the soft one. eps has no effect. "
         "Jang, Gu & Poole 2016, arXiv:1611.01144.",
     .example = "y = tensor{1.0, 2.0, 3.0}:gumbel_softmax{hard = true}\n"
                "y:sum(), y:max() --> 1.0  1.0",
     .test = "{{randn(2,3)}, {randn(2,3), 0.5, {dim = 1}}}",
     .flags = OP_RANDOM,
     .compose = gumbel_softmax_compose},
};

FAMILY(gates, rows);
