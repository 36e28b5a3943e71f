/* Activation functions. Compiled once per SIMD level for the loops, once for the rows.

   A line of the tables is an op and its gradient, each one pass over the elements: the value f(x),
   the gradient d(g, x) from the incoming one, and the value again in plain ops (of Tensors, P being
   the first number, Q the second), which higher derivatives use and the fused pair is tested against.
   At a kink the gradient is PyTorch's. WHOLES keep integers. The composed ops are activations.c's. */
#include "../../expect.h"
#include "unary.h"

/*   name  more in the signature  f(x, A, B)  d(g, x, A, B)  in plain ops  tests  reference  doc */
#define FLOATS(ROW)                                                                                \
  ROW(silu, "", x *m_sigmoid(x), g *silu_slope(x, m_sigmoid(x)), t_mul(x, t_sigmoid(x)), ANY,      \
      "x / (1 + math.exp(-x))",                                                                    \
      "x sigmoid(x), also called swish. Hendrycks & Gimpel 2016, arXiv:1606.08415.",               \
      .example = "tensor{0, 3}:silu() --> float32 [2]  0.0000  2.8577")                            \
  ROW(gelu, ", approximate: string{none|tanh}=none", m_gelu(x), g *m_gelu_grad(x),                 \
      gelu_plain(c, x), "{{randn(2,3)}, {randn(2,3), \"tanh\"}}", "reference.gelu(x, y)",          \
      "x times the normal distribution function of x, by erf; approximate = \"tanh\" is the "      \
      "short "                                                                                     \
      "formula x/2 (1 + tanh(sqrt(2/pi) (x + 0.044715 x^3))). arXiv:1606.08415.",                  \
      .infer = gelu_infer, .run = gelu_run,                                                        \
      .example = "tensor{0, 1}:gelu() --> float32 [2]  0.0000  0.8413")                            \
  ROW(gelu_tanh, "", x *m_sigmoid(gelu_inner(x)), g *gelu_slope(x, m_sigmoid(gelu_inner(x))),      \
      gelu_tanh_plain(x), ANY, "reference.gelu(x, 'tanh')", "gelu by its short formula.",          \
      .flags = OP_HIDDEN, .expects = expect_no_more)                                               \
  ROW(mish, "", m_mish(x), g *m_mish_slope(x),                                                     \
      t_mul(x, t_tanh(t_neg(t_op1("logsigmoid", t_neg(x))))), ANY,                                 \
      "x * reference.tanh(math.log(1 + math.exp(x)))",                                             \
      "x tanh(log(1 + exp(x))). Misra 2019, arXiv:1908.08681.",                                    \
      .example = "tensor{0, 1}:mish() --> float32 [2]  0.0000  0.8651")                            \
  ROW(softplus, ", beta: float=1.0, threshold: float=20.0", x *A > B ? x : m_softplus(x * A) / A,  \
      x * A > B ? g : g * m_sigmoid(x * A), softplus_plain(x, P, Q),                               \
      "{{randn(2,3)}, {randn(2,3), 2.5}, {randn(2,3), 2, 0.5}}",                                   \
      "(y or 1) * x > (z or 20) and x or math.log(1 + math.exp((y or 1) * x)) / (y or 1)",         \
      "log(1 + exp(beta x)) / beta, a smooth relu; x itself where beta x is above threshold.",     \
      .infer = softplus_infer,                                                                     \
      .example = "tensor{0, 30}:softplus() --> float32 [2]   0.6931  30.0000")                     \
  ROW(logsigmoid, "", -m_softplus(-x), g *m_sigmoid(-x), t_neg(softplus_plain(t_neg(x), 1, 40)),   \
      ANY, "-math.log(1 + math.exp(-x))",                                                          \
      "Logarithm of the logistic function, -log(1 + exp(-x)), without overflow.",                  \
      .example = "tensor{0, -100}:logsigmoid() --> float32 [2]    -0.6931  -100.0000")             \
  ROW(elu, ", alpha: float=1.0", x > 0 ? x : A * m_expm1(x), x > 0 ? g : g * A * m_exp(x),         \
      elu_plain(x, 1, P, 1), "{{randn(2,3)}, {randn(2,3), 0.5}}",                                  \
      "x > 0 and x or (y or 1) * (math.exp(x) - 1)",                                               \
      "x where it is positive, alpha (exp(x) - 1) elsewhere. Clevert et al. 2015, "                \
      "arXiv:1511.07289.",                                                                         \
      .example = "tensor{-1, 2}:elu() --> float32 [2]  -0.6321   2.0000")                          \
  ROW(selu, "", AS(x, SELU_SCALE) * (x > 0 ? x : AS(x, SELU_ALPHA) * m_expm1(x)),                  \
      AS(x, SELU_SCALE) * (x > 0 ? g : g * AS(x, SELU_ALPHA) * m_exp(x)),                          \
      t_muln(elu_plain(x, 1, SELU_ALPHA, 1), SELU_SCALE), ANY,                                     \
      "1.0507009873554805 * (x > 0 and x or 1.6732632423543772 * (math.exp(x) - 1))",              \
      "elu scaled so that activations keep mean 0 and variance 1. Klambauer et al. 2017, "         \
      "arXiv:1706.02515.",                                                                         \
      .example = "tensor{0, 1}:selu() --> float32 [2]  0.0000  1.0507")                            \
  ROW(celu, ", alpha: float=1.0", x > 0 ? x : A * m_expm1(x / A), x > 0 ? g : g * m_exp(x / A),    \
      elu_plain(x, 1, P, 1 / P), "{{randn(2,3)}, {randn(2,3), 0.5}}",                              \
      "x > 0 and x or (y or 1) * (math.exp(x / (y or 1)) - 1)",                                    \
      "x where it is positive, alpha (exp(x / alpha) - 1) elsewhere: elu with a smooth slope. "    \
      "Barron 2017, arXiv:1704.07483.",                                                            \
      .infer = celu_infer, .example = "tensor{-2, 2}:celu(2) --> float32 [2]  -1.2642   2.0000")   \
  ROW(leaky_relu, ", negative_slope: float=0.01", x<0 ? A * x : x, x> 0 ? g : A *g,                \
      t_where(t_gt(x, t_num(0)), x, t_muln(x, P)), "{{randn(2,3)}, {randn(2,3), 0.2}}",            \
      "x < 0 and (y or 0.01) * x or x", "x where it is positive, negative_slope x elsewhere.",     \
      .example = "tensor{-10, 10}:leaky_relu() --> float32 [2]  -0.1  10.0")                       \
  ROW(hardsigmoid, "", CUT(x / 6 + AS(x, 0.5), 0, 1), x > -3 && x < 3 ? g / 6 : 0,                 \
      piecewise(x, -3, 0, 3, 1, t_addn(t_muln(x, 1.0 / 6), 0.5)), ANY,                             \
      "math.max(0, math.min(1, x / 6 + 0.5))", "x / 6 + 1/2, cut to 0 .. 1.",                      \
      .example = "tensor{-3, 0, 3}:hardsigmoid() --> float32 [3]  0.0  0.5  1.0")                  \
  ROW(hardswish, "", x *CUT(x + 3, 0, 6) / 6,                                                      \
      x < -3   ? 0                                                                                 \
      : x <= 3 ? g * (x / 3 + AS(x, 0.5))                                                          \
               : g,                                                                                \
      hardswish_plain(x), ANY, "x * math.max(0, math.min(6, x + 3)) / 6",                          \
      "x hardsigmoid(x). Howard et al. 2019, arXiv:1905.02244.",                                   \
      .example = "tensor{1, 3}:hardswish() --> float32 [2]  0.6667  3.0000")                       \
  ROW(hardshrink, ", lambd: float=0.5", x >= -A && x <= A ? 0 : x, x >= -A && x <= A ? 0 : g,      \
      t_where(t_op2("logical_and", t_ge(x, t_num(-P)), t_op2("le", x, t_num(P))), t_num(0), x),    \
      "{{randn(2,3)}, {randn(2,3), 0.2}}", "math.abs(x) <= (y or 0.5) and 0 or x",                 \
      "0 from -lambd to lambd, x elsewhere.",                                                      \
      .example = "tensor{-2, 0.3, 2}:hardshrink() --> float32 [3]  -2.0  0.0  2.0")                \
  ROW(softshrink, ", lambd: float=0.5",                                                            \
      x > A    ? x - A                                                                             \
      : x < -A ? x + A                                                                             \
               : 0,                                                                                \
      x >= -A && x <= A ? 0 : g, softshrink_plain(x, P), "{{randn(2,3)}, {randn(2,3), 0.2}}",      \
      "x > (y or 0.5) and x - (y or 0.5) or x < -(y or 0.5) and x + (y or 0.5) or 0",              \
      "x moved towards 0 by lambd, and 0 where it is nearer than that.",                           \
      .infer = softshrink_infer,                                                                   \
      .example = "tensor{-2, 0.3, 2}:softshrink() --> float32 [3]  -1.5  0.0  1.5")                \
  ROW(tanhshrink, "", x - m_tanh(x), g * m_tanh(x) * m_tanh(x), t_sub(x, t_tanh(x)), ANY,          \
      "x - reference.tanh(x)", "x - tanh(x).",                                                     \
      .example = "tensor{0, 1}:tanhshrink() --> float32 [2]  0.0000  0.2384")                      \
  ROW(softsign, "", x / (1 + MAGNITUDE(x)), g / ((1 + MAGNITUDE(x)) * (1 + MAGNITUDE(x))),         \
      t_div(x, t_addn(t_abs(x), 1)), ANY, "x / (1 + math.abs(x))", "x / (1 + |x|).",               \
      .example = "tensor{-1, 3}:softsign() --> float32 [2]  -0.50  0.75")

#define WHOLES(ROW)                                                                                \
  ROW(relu6, "", CUT(x, 0, 6), x > 0 && x < 6 ? g : 0, piecewise(x, 0, 0, 6, 6, x),                \
      "{{randn(2,3)}, {randn(2,3) * 6}}", "math.max(0, math.min(6, x))",                           \
      "x cut to 0 .. 6. The gradient at 0 and 6 is 0.",                                            \
      .example = "tensor{-1.0, 3.0, 9.0}:relu6() --> float32 [3]  0.0  3.0  6.0")
/* With two numbers. */
#define ENDS(ROW)                                                                                  \
  ROW(hardtanh, ", min_val: scalar=-1, max_val: scalar=1", CUT(x, A, B), x > A && x < B ? g : 0,   \
      piecewise(x, P, P, Q, Q, x), "{{randn(2,3)}, {randn(2,3), -0.5, 0.25}}",                     \
      "math.max(y or -1, math.min(z or 1, x))",                                                    \
      "x cut to min_val .. max_val, which lose their fractions where x is integers. The gradient " \
      "at both ends is 0.",                                                                        \
      .infer = hardtanh_infer,                                                                     \
      .example = "tensor{-2.0, 0.5, 2.0}:hardtanh() --> float32 [3]  -1.0  0.5  1.0")              \
  ROW(threshold, ", threshold: scalar, value: scalar", x <= A ? B : x, x <= A ? 0 : g,             \
      t_where(t_op2("le", x, t_num(P)), t_num(Q), x), "{{randn(2,3), 0.1, 7.5}}",                  \
      "x > y and x or z",                                                                          \
      "x where it is above threshold, value elsewhere; both are whole for integers.",              \
      .example = "tensor{0.5, 2.0}:threshold(1, -1) --> float32 [2]  -1.0   2.0")

#define ANY "{{randn(2,3)}, {randn(2,3) * 3}}"
/* NaN stays; where low is above high, high counts. */
#define CUT(x, low, high) ((x < low ? low : x) > high ? high : x < low ? low : x)
#define MAGNITUDE(x)      (x < 0 ? -x : x)
/* Klambauer et al., section 1. */
#define SELU_SCALE 1.0507009873554804934193349852946
#define SELU_ALPHA 1.6732632423543772848170429916717

enum {
#define NAME(name, ...) ACT_##name,
  FLOATS(NAME) WHOLES(NAME) ENDS(NAME) ACT_COUNT,
#undef NAME
#define NAME(name, ...) ACT_##name##_dx,
  ACT_BEFORE_SLOPES = ACT_COUNT - 1,
  FLOATS(NAME) WHOLES(NAME) ENDS(NAME) ACT_ROWS
#undef NAME
};

typedef struct ActivationLoops {
  IterLoop at[ACT_ROWS][T_F16];
} ActivationLoops;
SIMD_FAMILY(ActivationLoops, activation_loops);

#ifdef LEVEL

/* d/dx x s(x) = s + x s (1 - s) */
#define silu_slope(x, s) (s + x * s * (1 - s))

/* The hyperbolic tangent as a logistic function: (1 + tanh(u)) / 2 = sigmoid(2u); 2u is here x times
   a polynomial of x^2, with 2 sqrt(2/pi) and 0.044715 as much. */
#define GELU_1           1.5957691216057307
#define GELU_3           0.07135481627260025
#define gelu_inner(x)    (x * (AS(x, GELU_1) + AS(x, GELU_3) * x * x))
#define gelu_slope(x, s) (s + x * s * (1 - s) * (AS(x, GELU_1) + AS(x, 3 * GELU_3) * x * x))

/* tanh(log(1 + e)) = n / (n + 2) with e = exp(x), n = e (e + 2). */
VMATH float mish_f32(float x) {
  float e = exp_f32(x > 20.0f ? 20.0f : x), n = e * (e + 2.0f);
  return x * (n / (n + 2.0f));
}
VMATH double mish_f64(double x) {
  double e = exp(x > 40.0 ? 40.0 : x), n = e * (e + 2.0);
  return x * (n / (n + 2.0));
}
/* t + x (1 - t^2) sigmoid(x); 1 - t^2 = 4 (n + 1) / (n + 2)^2 */
VMATH float mish_slope_f32(float x) {
  float e = exp_f32(x > 20.0f ? 20.0f : x), n = e * (e + 2.0f), m = n + 2.0f;
  return n / m + x * (4.0f * e * (e + 1.0f) / (m * m));
}
VMATH double mish_slope_f64(double x) {
  double e = exp(x > 40.0 ? 40.0 : x), n = e * (e + 2.0), m = n + 2.0;
  return n / m + x * (4.0 * e * (e + 1.0) / (m * m));
}
#define m_mish(x)       VMATH_PICK(mish_f32, mish_f64, x)
#define m_mish_slope(x) VMATH_PICK(mish_slope_f32, mish_slope_f64, x)

#define VALUE_LOOPS(name, more, f, ...)       FLOAT_LOOPS(name, f)
#define WHOLE_VALUE_LOOPS(name, more, f, ...) NUMBER_LOOPS(name, f)
FLOATS(VALUE_LOOPS)
WHOLES(WHOLE_VALUE_LOOPS)
ENDS(WHOLE_VALUE_LOOPS)
#define SLOPE_LOOPS(name, more, f, d, ...)                                                         \
  SLOPE_LOOP(name, f32, float, d)                                                                  \
  SLOPE_LOOP(name, f64, double, d)
FLOATS(SLOPE_LOOPS)
WHOLES(SLOPE_LOOPS)
ENDS(SLOPE_LOOPS)

#define FLOAT_LINE(name, ...)  FLOAT_ENTRY(ACT_##name, name)
#define NUMBER_LINE(name, ...) NUMBER_ENTRY(ACT_##name, name)
#define SLOPE_LINE(name, ...)  SLOPE_ENTRY(ACT_##name##_dx, name)
const ActivationLoops AT_LEVEL(activation_loops) = {{FLOATS(FLOAT_LINE) WHOLES(NUMBER_LINE)
                                                         ENDS(NUMBER_LINE) FLOATS(SLOPE_LINE)
                                                             WHOLES(SLOPE_LINE) ENDS(SLOPE_LINE)}};

#else

static Op rows[ACT_ROWS];
UNARY_CALLS(activation_loops)

static void slope_infer(Call *c) { unary_slope_infer(c, loops_of(c)); }
static const char *slope_run(Call *c) { return unary_slope_run(c, loops_of(c)); }

/* Integers are compared in int64, which holds all bounds. */
static void hardtanh_infer(Call *c) {
  infer(c);
  if (!dtype_is_float(c->dtype)) c->dtype = T_I64;
}

/* The fused gradient: the row ACT_COUNT places on, with the same attributes. */
static void grad(Call *c, Tensor *const *gy, Tensor **gx) {
  Call d;
  call_begin(&d, c->op + ACT_COUNT);
  d.x[0] = gy[0];
  d.x[1] = c->x[0];
  for (int i = 0; i < op_sig(c->op)->nattr; i++) d.attr[i] = c->attr[i];
  op_apply(&d);
  gx[0] = d.y[0];
}

/* ---- gelu: attribute approximate ------------------------------------------------------------------ */

static const IterLoop *gelu_loops(const Call *c) {
  const Op *row = c->op == &rows[ACT_gelu] ? &rows[ACT_gelu] : &rows[ACT_gelu_dx];
  bool by_tanh = attr_int(c, 0, 0) == 1;
  return SIMD_PICK(activation_loops)->at[row - rows + (by_tanh ? ACT_gelu_tanh - ACT_gelu : 0)];
}

static void gelu_infer(Call *c) { unary_infer(c, gelu_loops(c)); }
static const char *gelu_run(Call *c) { return unary_run(c, gelu_loops(c)); }
static const char *gelu_slope_run(Call *c) { return unary_slope_run(c, gelu_loops(c)); }

static Tensor *gelu_tanh_plain(Tensor *x) {
  Tensor *inner = t_mul(x, t_addn(t_muln(t_square(x), 0.044715), 1));
  return t_mul(x, t_sigmoid(t_muln(inner, 2 * sqrt(2 / M_PI))));
}

static Tensor *gelu_plain(Call *c, Tensor *x) {
  if (attr_int(c, 0, 0) == 1) return gelu_tanh_plain(x);
  return t_mul(x, t_muln(t_op1("erfc", t_muln(x, -M_SQRT1_2)), 0.5));
}

/* ---- the others ----------------------------------------------------------------------------------- */

static void celu_infer(Call *c) {
  if (attr_float(c, 0, 1) == 0) t_fail("celu: alpha is 0; another number is wanted");
  infer(c);
}

static void softplus_infer(Call *c) {
  if (attr_float(c, 0, 1) == 0) t_fail("softplus: beta is 0; another number is wanted");
  infer(c);
}

static void softshrink_infer(Call *c) {
  double lambd = attr_float(c, 0, 0.5);
  if (!(lambd >= 0)) t_fail("softshrink: lambd is %g; it is 0 or more", lambd);
  infer(c);
}

/* a where x <= low, b where x >= high, middle between. */
static Tensor *piecewise(Tensor *x, double low, double a, double high, double b, Tensor *middle) {
  Tensor *upper = t_where(t_ge(x, t_num(high)), t_num(b), middle);
  return t_where(t_op2("le", x, t_num(low)), t_num(a), upper);
}

/* scale x where it is positive, alpha (exp(inner x) - 1) elsewhere. */
static Tensor *elu_plain(Tensor *x, double scale, double alpha, double inner) {
  Tensor *positive = t_gt(x, t_num(0));
  Tensor *below = t_where(positive, t_num(0), x);
  Tensor *curve = t_muln(t_op1("expm1", t_muln(below, inner)), alpha);
  return t_where(positive, t_muln(x, scale), curve);
}

static Tensor *hardswish_plain(Tensor *x) {
  Tensor *middle = t_mul(x, t_muln(t_addn(x, 3), 1.0 / 6));
  Tensor *upper = t_where(t_gt(x, t_num(3)), x, middle);
  return t_where(t_lt(x, t_num(-3)), t_num(0), upper);
}

/* Above 40 the exponential is below the rounding of float64. */
static Tensor *softplus_plain(Tensor *x, double beta, double threshold) {
  Tensor *scaled = t_muln(x, beta), *above = t_gt(scaled, t_num(fmin(threshold, 40)));
  Tensor *curve = t_op1("log1p", t_exp(t_where(above, t_num(0), scaled)));
  return t_where(above, x, t_muln(curve, 1 / beta));
}

static Tensor *softshrink_plain(Tensor *x, double lambd) {
  Tensor *above = t_gt(x, t_num(lambd)), *below = t_lt(x, t_num(-lambd));
  return t_where(above, t_addn(x, -lambd), t_where(below, t_addn(x, lambd), t_num(0)));
}

#define P attr_float(c, 0, 0)
#define Q attr_float(c, 1, 0)
#define COMPOSE(name, more, f, d, plain, ...)                                                      \
  static void name##_compose(Call *c) {                                                            \
    Tensor *x = c->x[0];                                                                           \
    c->y[0] = plain;                                                                               \
  }
FLOATS(COMPOSE)
WHOLES(COMPOSE)
ENDS(COMPOSE)

/* ---- the rows ------------------------------------------------------------------------------------- */

#define LINE(name, more, f, d, plain, inputs, value, text, ...)                                    \
  UNARY_ROW(ACT_##name, name, more, grad, SAVE_X(0), inputs, value, text,                          \
            .compose = name##_compose, __VA_ARGS__)
/* The gradients are not differentiated themselves: the walk takes the composed forms then. */
#define SLOPE_ROW(name, more, inputs)                                                              \
  [ACT_##name##_dx] = {.sig = #name "_dx(g: tensor, x: tensor" more ") -> dx: tensor",             \
                       .doc = "Gradient of " #name ".",                                            \
                       .test = inputs,                                                             \
                       .flags = OP_HIDDEN | OP_CONST,                                              \
                       .infer = slope_infer,                                                       \
                       .run = ACT_##name == ACT_gelu ? gelu_slope_run : slope_run},
#define SLOPE(name, more, ...)     SLOPE_ROW(name, more, "{{randn(2,3), randn(2,3)}}")
#define END_SLOPE(name, more, ...) SLOPE_ROW(name, more, "{{randn(2,3), randn(2,3), -0.5, 0.5}}")

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Woverride-init" /* a line's own fields */
static Op rows[ACT_ROWS] = {FLOATS(LINE) WHOLES(LINE) ENDS(LINE) FLOATS(SLOPE) WHOLES(SLOPE)
                                ENDS(END_SLOPE)};
#pragma GCC diagnostic pop

FAMILY(activation, rows);

#endif
