/* Pointwise ops of one tensor. Compiled once per SIMD level for the loops, once for the rows.

   A line of the tables below is a whole op: its value f(x) and its gradient, where g is the incoming
   gradient, x the input and y the output. FLOATS compute in floats (integers become float32);
   NUMBERS keep integers as they are. Loops see no branches, so that they vectorise. */
#include "../iter.h"
#include "../kernels/vmath.h"
#include "../kernels/trig.h"
#include "../simd.h"

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
      "x sigmoid(x), also called swish. Hendrycks & Gimpel 2016, arXiv:1606.08415.")

#define NUMBERS(ROW)                                                                               \
  ROW(neg, -x, t_neg(g), 0, "randn(2,3)", "-x", "The negative.")                                   \
  ROW(abs, x < 0 ? -x : x, t_mul(g, t_sign(x)), SAVE_X(0), "randn(2,3)", "math.abs(x)",            \
      "Absolute value. The gradient at 0 is 0.")                                                   \
  ROW(sign, (x > 0) - (x < 0), t_muln(g, 0), 0, "randn(2,3)", "x > 0 and 1 or -1", "-1, 0 or 1.")  \
  ROW(square, x *x, t_mul(g, t_muln(x, 2)), SAVE_X(0), "randn(2,3)", "x * x", "x times x.")        \
  ROW(relu, x < 0 ? 0 : x, t_op2("relu_dx", g, y), SAVE_Y(0), "randn(2,3)", "math.max(x, 0)",      \
      "The larger of x and 0. The gradient at 0 is 0.")

enum {
#define NAME(name, ...) U_##name,
  FLOATS(NAME) NUMBERS(NAME) U_COUNT
#undef NAME
};

typedef struct UnaryLoops {
  IterLoop at[U_COUNT][T_BOOL];
} UnaryLoops;
SIMD_FAMILY(UnaryLoops, unary_loops);

#ifdef LEVEL

#pragma GCC diagnostic ignored "-Wtype-limits" /* of uint8 */

/* The loop may write over its input: no iteration reads what another wrote. */
#define LOOP(name, type, T, f)                                                                     \
  static void loop_##name##_##type(int64_t n, void *out, const void *const *in, const void *arg) { \
    (void)arg;                                                                                     \
    const T *a = in[0];                                                                            \
    T *o = out;                                                                                    \
    _Pragma("GCC ivdep") for (int64_t i = 0; i < n; i++) {                                         \
      const T x = a[i];                                                                            \
      o[i] = (T)(f);                                                                               \
    }                                                                                              \
  }
#define FLOAT_LOOPS(name, f, ...)                                                                  \
  LOOP(name, f32, float, f)                                                                        \
  LOOP(name, f64, double, f)
#define NUMBER_LOOPS(name, f, ...)                                                                 \
  FLOAT_LOOPS(name, f)                                                                             \
  LOOP(name, i64, int64_t, f)                                                                      \
  LOOP(name, i32, int32_t, f)                                                                      \
  LOOP(name, u8, uint8_t, f)
FLOATS(FLOAT_LOOPS)
NUMBERS(NUMBER_LOOPS)

#define FLOAT_ENTRY(name, ...) [U_##name] = {loop_##name##_f32, loop_##name##_f64},
#define NUMBER_ENTRY(name, ...)                                                                    \
  [U_##name] = {loop_##name##_f32, loop_##name##_f64, loop_##name##_i64, loop_##name##_i32,        \
                loop_##name##_u8},
const UnaryLoops AT_LEVEL(unary_loops) = {{FLOATS(FLOAT_ENTRY) NUMBERS(NUMBER_ENTRY)}};

#else

#include "../calc.h"

static Op rows[U_COUNT];

/* Masks count as int64; functions that give fractions take integers as float32. */
static void infer(Call *c) {
  DType d = call_promote(c, 0, 1);
  if (d == T_BOOL) d = T_I64;
  if (!SIMD_PICK(unary_loops)->at[c->op - rows][d]) d = T_F32;
  c->dtype = d;
  call_out(c, 0, d, c->x[0]->ndim, c->x[0]->shape);
}

static const char *run(Call *c) {
  IterLoop loop = SIMD_PICK(unary_loops)->at[c->op - rows][c->dtype];
  iter_map(loop, NULL, c->y[0], c->dtype, 1, c->x, c->dtype);
  return NULL;
}

/* d/dx x s(x) = s + x s (1 - s) */
static Tensor *silu_dx(Tensor *g, Tensor *x) {
  Tensor *s = t_sigmoid(x);
  return t_mul(g, t_mul(s, t_addn(t_mul(x, t_rsubn(1, s)), 1)));
}

#define GRAD(name, f, gradient, ...)                                                               \
  static void name##_grad(Call *c, Tensor *const *gy, Tensor **gx) {                               \
    Tensor *g = gy[0], *x = c->x[0], *y = c->y[0];                                                 \
    (void)x, (void)y;                                                                              \
    gx[0] = gradient;                                                                              \
  }
FLOATS(GRAD)
NUMBERS(GRAD)

#define UNARY_ROW(name, f, gradient, saves, inputs, value, text)                                   \
  [U_##name] = {.sig = #name "(x: tensor) -> y: tensor",                                           \
                .doc = text,                                                                       \
                .test = "{{" inputs "}}",                                                          \
                .ref = "each: " value,                                                             \
                .flags = OP_INPLACE,                                                               \
                .save = saves,                                                                     \
                .infer = infer,                                                                    \
                .run = run,                                                                        \
                .grad = name##_grad},

static Op rows[U_COUNT] = {FLOATS(UNARY_ROW) NUMBERS(UNARY_ROW)};

FAMILY(unary, rows);

#endif
