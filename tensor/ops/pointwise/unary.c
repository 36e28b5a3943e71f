/* Pointwise ops of one tensor. Compiled once per SIMD level for the loops, once for the rows.

   A line of the tables below is a whole op: its value f(x) and its gradient, where g is the incoming
   gradient, x the input and y the output. FLOATS compute in floats (integers become float32);
   NUMBERS keep integers as they are. Loops see no branches, so that they vectorise. */
#include "../../iter.h"
#include "../../kernels/trig.h"
#include "../../kernels/vmath.h"
#include "../../simd.h"

#include <math.h>

/*   name      f(x)                    gradient                                save       test inputs */
#define FLOATS(ROW)                                                                                \
  ROW(exp, m_exp(x), t_mul(g, y), SAVE_Y(0), "randn(2,3)", "math.exp(x)", "e to the power x.")     \
  ROW(expm1, m_expm1(x), t_mul(g, t_addn(y, 1)), SAVE_Y(0), "randn(2,3)", "math.exp(x) - 1",       \
      "exp(x) - 1, exact for small x.")                                                            \
  ROW(log, m_log(x), t_div(g, x), SAVE_X(0), "rand(2,3) + 0.5", "math.log(x)",                     \
      "Natural logarithm.")                                                                        \
  ROW(log1p, m_log1p(x), t_div(g, t_addn(x, 1)), SAVE_X(0), "rand(2,3)", "math.log(1 + x)",        \
      "log(1 + x), exact for small x.")                                                            \
  ROW(sqrt, m_sqrt(x), t_div(g, t_muln(y, 2)), SAVE_Y(0), "rand(2,3) + 0.5", "math.sqrt(x)",       \
      "Square root.")                                                                              \
  ROW(rsqrt, m_rsqrt(x), t_muln(t_mul(g, t_pown(y, 3)), -0.5), SAVE_Y(0), "rand(2,3) + 0.5",       \
      "1 / math.sqrt(x)", "One over the square root.")                                             \
  ROW(reciprocal, 1 / x, t_neg(t_mul(g, t_square(y))), SAVE_Y(0), "rand(2,3) + 0.5", "1 / x",      \
      "One over x.")                                                                               \
  ROW(sin, m_sin(x), t_mul(g, t_op1("cos", x)), SAVE_X(0), "randn(2,3)", "math.sin(x)",            \
      "Sine; x in radians.")                                                                       \
  ROW(cos, m_cos(x), t_neg(t_mul(g, t_op1("sin", x))), SAVE_X(0), "randn(2,3)", "math.cos(x)",     \
      "Cosine; x in radians.")                                                                     \
  ROW(tanh, m_tanh(x), t_mul(g, t_rsubn(1, t_square(y))), SAVE_Y(0), "randn(2,3)",                 \
      "(math.exp(2*x) - 1) / (math.exp(2*x) + 1)", "Hyperbolic tangent.")                          \
  ROW(sigmoid, m_sigmoid(x), t_op2("sigmoid_dx", g, y), SAVE_Y(0), "randn(2,3)",                   \
      "1 / (1 + math.exp(-x))", "Logistic function 1 / (1 + exp(-x)).")                            \
  ROW(erf, m_erf(x), t_mul(g, t_muln(t_exp(t_neg(t_square(x))), M_2_SQRTPI)), SAVE_X(0),           \
      "randn(2,3)", "reference.erf(x)", "Error function.")                                         \
  ROW(silu, x *m_sigmoid(x), silu_dx(g, x), SAVE_X(0), "randn(2,3)", "x / (1 + math.exp(-x))",     \
      "x sigmoid(x), also called swish. Hendrycks & Gimpel 2016, arXiv:1606.08415.")               \
  ROW(gelu, m_gelu(x), t_mul(g, t_op1("gelu_slope", x)), SAVE_X(0), "randn(2,3)",                  \
      "0.5 * x * (1 + reference.erf(x / math.sqrt(2)))",                                           \
      "x times the normal distribution function of x, by erf. arXiv:1606.08415.")                  \
  ROW(gelu_slope, m_gelu_grad(x), gelu_bend(g, x), SAVE_X(0), "randn(2,3)",                        \
      "0.5 * (1 + reference.erf(x / math.sqrt(2))) "                                               \
      "+ x * math.exp(-x * x / 2) / math.sqrt(2 * math.pi)",                                       \
      "The derivative of gelu.")

#define NUMBERS(ROW)                                                                               \
  ROW(neg, -x, t_neg(g), 0, "randn(2,3)", "-x", "The negative.")                                   \
  ROW(abs, x < 0 ? -x : x, t_mul(g, t_sign(x)), SAVE_X(0), "randn(2,3)", "math.abs(x)",            \
      "Absolute value. The gradient at 0 is 0.")                                                   \
  ROW(sign, (x > 0) - (x < 0), t_muln(g, 0), 0, "randn(2,3)", "x > 0 and 1 or -1", "-1, 0 or 1.")  \
  ROW(square, x *x, t_mul(g, t_muln(x, 2)), SAVE_X(0), "randn(2,3)", "x * x", "x times x.")        \
  ROW(relu, x < 0 ? 0 : x, t_op2("relu_dx", g, y), SAVE_Y(0), "randn(2,3)", "math.max(x, 0)",      \
      "The larger of x and 0. The gradient at 0 is 0.")                                            \
  ROW(floor, ROUNDED(floor, x), t_muln(g, 0), 0, "randn(2,3)", "math.floor(x)",                    \
      "The greatest whole number that is not above x.")                                            \
  ROW(ceil, ROUNDED(ceil, x), t_muln(g, 0), 0, "randn(2,3)", "math.ceil(x)",                       \
      "The least whole number that is not below x.")                                               \
  ROW(trunc, ROUNDED(trunc, x), t_muln(g, 0), 0, "randn(2,3)",                                     \
      "x < 0 and math.ceil(x) or math.floor(x)", "x without its fraction.")                        \
  ROW(round, ROUNDED(rint, x), t_muln(g, 0), 0, "randn(2,3)", "math.floor(x + 0.5)",               \
      "The nearest whole number; halves go to the even one.")

/* Whole numbers are their own floor. */
#define ROUNDED(fn, x) _Generic((x), float : fn##f, double : fn, default : whole)(x)

/* Two numbers A and B come with the call: the values of `more` in the signature.
         name  more in the signature  f(x, A, B)  gradient  saves  test inputs  reference  doc */
#define PARAMS(ROW)                                                                                \
  ROW(leaky_relu, "negative_slope: float=0.01", x < 0 ? A * x : x,                                 \
      t_mul(g, slope_where(t_lt(x, t_num(0)), attr_float(c, 0, 0.01))), SAVE_X(0),                 \
      "{{randn(2,3)}, {randn(2,3), 0.2}}", "x < 0 and (y or 0.01) * x or x",                       \
      "x where it is positive, negative_slope x elsewhere.")                                       \
  ROW(clamp, "min: scalar?, max: scalar?", x<A ? A : x> B ? B : x, t_mul(g, inside(x, c)),         \
      SAVE_X(0), "{{randn(2,3), -0.5, 0.4}, {randn(2,3), nil, 0.3}}", "reference.clamp(x, y, z)",  \
      "x, but not below min and not above max. NaN stays; the gradient outside is 0.")

/* Masks. */
#define TESTS(ROW)                                                                                 \
  ROW(isnan, x != x, "x ~= x", "Where x is not a number: a mask.")                                 \
  ROW(isinf, x - x != 0 && x == x, "x == math.huge or x == -math.huge",                            \
      "Where x is infinite: a mask.")                                                              \
  ROW(isfinite, x - x == 0, "x - x == 0", "Where x is neither infinite nor NaN: a mask.")          \
  ROW(logical_not, x == 0, "x == 0", "Where x is zero: a mask.")

enum {
#define NAME(name, ...) U_##name,
  FLOATS(NAME) NUMBERS(NAME) PARAMS(NAME) TESTS(NAME) U_bitwise_not,
  U_COUNT
#undef NAME
};

typedef struct UnaryLoops {
  IterLoop at[U_COUNT][T_F16];
} UnaryLoops;
SIMD_FAMILY(UnaryLoops, unary_loops);

#ifdef LEVEL

#pragma GCC diagnostic ignored "-Wtype-limits" /* of uint8 */

static inline int64_t whole(int64_t x) { return x; }

/* What arg points to. */
typedef struct Pair {
  double f[2];
  int64_t i[2];
} Pair;
#define PARAM(T, k)                                                                                \
  ((T) _Generic((T)0, float : pair->f[k], double : pair->f[k], default : pair->i[k]))

/* The loop may write over its input: no iteration reads what another wrote. */
#define LOOP(name, type, T, R, f)                                                                  \
  static void loop_##name##_##type(int64_t n, void *out, const void *const *in, const void *arg) { \
    const Pair *pair = arg;                                                                        \
    const T A = PARAM(T, 0), B = PARAM(T, 1);                                                      \
    (void)A, (void)B;                                                                              \
    const T *a = in[0];                                                                            \
    R *o = out;                                                                                    \
    _Pragma("GCC ivdep") for (int64_t i = 0; i < n; i++) {                                         \
      const T x = a[i];                                                                            \
      o[i] = (R)(f);                                                                               \
    }                                                                                              \
  }
#define FLOAT_LOOPS(name, f, ...)                                                                  \
  LOOP(name, f32, float, float, f)                                                                 \
  LOOP(name, f64, double, double, f)
#define WHOLE_LOOPS(name, f)                                                                       \
  LOOP(name, i64, int64_t, int64_t, f)                                                             \
  LOOP(name, i32, int32_t, int32_t, f)                                                             \
  LOOP(name, u8, uint8_t, uint8_t, f)
#define NUMBER_LOOPS(name, f, ...)                                                                 \
  FLOAT_LOOPS(name, f)                                                                             \
  WHOLE_LOOPS(name, f)
#define PARAM_LOOPS(name, more, f, ...)                                                            \
  FLOAT_LOOPS(name, f)                                                                             \
  LOOP(name, i64, int64_t, int64_t, f)
#define TEST_LOOPS(name, f, ...)                                                                   \
  LOOP(name, f32, float, uint8_t, f)                                                               \
  LOOP(name, f64, double, uint8_t, f)                                                              \
  LOOP(name, i64, int64_t, uint8_t, f)                                                             \
  LOOP(name, i32, int32_t, uint8_t, f)                                                             \
  LOOP(name, u8, uint8_t, uint8_t, f)
FLOATS(FLOAT_LOOPS)
NUMBERS(NUMBER_LOOPS)
PARAMS(PARAM_LOOPS)
TESTS(TEST_LOOPS)
WHOLE_LOOPS(bitwise_not, ~x)
LOOP(bitwise_not, b, uint8_t, uint8_t, !x)

#define FLOAT_ENTRY(name, ...) [U_##name] = {loop_##name##_f32, loop_##name##_f64},
#define NUMBER_ENTRY(name, ...)                                                                    \
  [U_##name] = {loop_##name##_f32, loop_##name##_f64, loop_##name##_i64, loop_##name##_i32,        \
                loop_##name##_u8},
#define PARAM_ENTRY(name, ...)                                                                     \
  [U_##name] = {loop_##name##_f32, loop_##name##_f64, loop_##name##_i64},
#define TEST_ENTRY(name, ...)                                                                      \
  [U_##name] = {loop_##name##_f32, loop_##name##_f64, loop_##name##_i64,                           \
                loop_##name##_i32, loop_##name##_u8,  loop_##name##_u8},
const UnaryLoops AT_LEVEL(unary_loops) = {
    {FLOATS(FLOAT_ENTRY) NUMBERS(NUMBER_ENTRY) PARAMS(PARAM_ENTRY)
         TESTS(TEST_ENTRY)[U_bitwise_not] = {NULL, NULL, loop_bitwise_not_i64, loop_bitwise_not_i32,
                                             loop_bitwise_not_u8, loop_bitwise_not_b}}};

#else

#include "../../calc.h"

static Op rows[U_COUNT];

typedef struct Pair {
  double f[2];
  int64_t i[2];
} Pair;

static bool is_test(int k) { return k >= U_isnan && k <= U_logical_not; }

/* Masks count as int64; functions that give fractions take integers as float32. */
static DType computed(Call *c, int k) {
  const IterLoop *loops = SIMD_PICK(unary_loops)->at[k];
  DType d = call_promote(c, 0, 1);
  if (d == T_BOOL && !loops[T_BOOL]) d = T_I64;
  for (int i = 0; i < 2; i++) { /* a fraction among the parameters makes floats */
    if (k >= U_leaky_relu && k <= U_clamp && c->attr[i].tag == A_FLOAT && !dtype_is_float(d)) {
      return T_F32;
    }
  }
  if (loops[d]) return d;
  if (k == U_bitwise_not)
    t_fail("bitwise_not: works on integers and masks, not on %s", dtype_name(d));
  return k == U_clamp ? T_I64 : T_F32;
}

static void infer(Call *c) {
  int k = (int)(c->op - rows);
  c->dtype = computed(c, k);
  DType out = is_test(k) ? T_BOOL : c->dtype;
  if (k == U_clamp && dtype_is_int((DType)c->x[0]->dtype) && out == T_I64)
    out = (DType)c->x[0]->dtype;
  call_out(c, 0, out, c->x[0]->ndim, c->x[0]->shape);
}

static const char *run(Call *c) {
  int k = (int)(c->op - rows);
  Pair pair = {{-INFINITY, INFINITY}, {INT64_MIN, INT64_MAX}};
  if (k >= U_leaky_relu && k <= U_clamp) {
    for (int i = 0; i < 2; i++) {
      pair.f[i] = attr_float(c, i, pair.f[i]);
      if (c->attr[i].tag == A_INT) pair.i[i] = c->attr[i].i;
    }
  }
  iter_map(SIMD_PICK(unary_loops)->at[k][c->dtype], &pair, c->y[0], is_test(k) ? T_BOOL : c->dtype,
           1, c->x, c->dtype);
  return NULL;
}

/* d/dx x s(x) = s + x s (1 - s) */
static Tensor *silu_dx(Tensor *g, Tensor *x) {
  Tensor *s = t_sigmoid(x);
  return t_mul(g, t_mul(s, t_addn(t_mul(x, t_rsubn(1, s)), 1)));
}

/* d/dx of gelu's slope: (2 - x^2) times the normal density. */
static Tensor *gelu_bend(Tensor *g, Tensor *x) {
  Tensor *square = t_square(x);
  Tensor *density = t_muln(t_exp(t_muln(square, -0.5)), 0.5 * M_2_SQRTPI * M_SQRT1_2);
  return t_mul(g, t_mul(density, t_rsubn(2, square)));
}

/* The slope where the mask holds, 1 elsewhere. */
static Tensor *slope_where(Tensor *mask, double slope) {
  return t_where(mask, t_num(slope), t_num(1));
}

static Tensor *inside(Tensor *x, Call *c) {
  Tensor *above = t_ge(x, t_num(attr_float(c, 0, -INFINITY)));
  Tensor *below = t_op2("le", x, t_num(attr_float(c, 1, INFINITY)));
  return t_cast(t_op2("logical_and", above, below), (DType)x->dtype);
}

#define GRAD(name, f, gradient, ...)                                                               \
  static void name##_grad(Call *c, Tensor *const *gy, Tensor **gx) {                               \
    Tensor *g = gy[0], *x = c->x[0], *y = c->y[0];                                                 \
    (void)x, (void)y;                                                                              \
    gx[0] = gradient;                                                                              \
  }
FLOATS(GRAD)
NUMBERS(GRAD)
#define PARAM_GRAD(name, more, f, gradient, ...) GRAD(name, f, gradient)
PARAMS(PARAM_GRAD)

#define ROW_AS(name, more, gradient, saves, inputs, value, text, extra)                            \
  [U_##name] = {.sig = #name "(x: tensor" more ") -> y: tensor",                                   \
                .doc = text,                                                                       \
                .test = inputs,                                                                    \
                .ref = "each: " value,                                                             \
                .flags = OP_INPLACE | (extra),                                                     \
                .save = saves,                                                                     \
                .infer = infer,                                                                    \
                .run = run,                                                                        \
                .grad = gradient},
#define UNARY_ROW(name, f, gradient, saves, inputs, value, text)                                   \
  ROW_AS(name, "", name##_grad, saves, "{{" inputs "}}", value, text, 0)
#define PARAM_ROW(name, more, f, gradient, saves, inputs, value, text)                             \
  ROW_AS(name, ", " more, name##_grad, saves, inputs, value, text, 0)
#define TEST_ROW(name, f, value, text)                                                             \
  ROW_AS(name, "", NULL, 0, "{{randn(2,3)}}", value, text, OP_CONST)

static Op rows[U_COUNT] = {FLOATS(UNARY_ROW) NUMBERS(UNARY_ROW) PARAMS(PARAM_ROW) TESTS(
    TEST_ROW) ROW_AS(bitwise_not, "", NULL, 0, "{{ints(2,3)}}", "~x",
                     "Bits turned over; of masks, where it does not hold.", OP_CONST)};

FAMILY(unary, rows);

#endif
