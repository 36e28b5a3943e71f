/* Trigonometric and hyperbolic functions of one tensor, and their inverses. Compiled once per SIMD
   level for the loops, once for the rows; see unary.c for the meaning of a line. All compute in
   floats: integers become float32. */
#include "unary.h"

/* These reduce their argument, in float by a table where it is far from 0; see trig.h. */
#define TURNS(ROW)                                                                                 \
  ROW(sin, m_sin(x), t_mul(g, t_op1("cos", x)), SAVE_X(0), "randn(2,3)", "math.sin(x)",            \
      "Sine; x in radians.", .example = "tensor{0, math.pi / 2}:sin() --> float32 [2]  0.0  1.0")  \
  ROW(cos, m_cos(x), t_neg(t_mul(g, t_op1("sin", x))), SAVE_X(0), "randn(2,3)", "math.cos(x)",     \
      "Cosine; x in radians.", .example = "tensor{0, math.pi}:cos() --> float32 [2]   1.0  -1.0")  \
  ROW(tan, m_tan(x), t_mul(g, t_addn(t_square(y), 1)), SAVE_Y(0), "randn(2,3)", "math.tan(x)",     \
      "Tangent; x in radians.", .example = "tensor{0, 1}:tan() --> float32 [2]  0.0000  1.5574")

#define FLOATS(ROW)                                                                                \
  ROW(asin, m_asin(x), t_mul(g, t_op1("rsqrt", t_rsubn(1, t_square(x)))), SAVE_X(0),               \
      "rand(2,3) * 1.8 - 0.9", "math.asin(x)", "Arc sine, from -pi/2 to pi/2; NaN outside -1..1.", \
      .aliases = "arcsin", .example = "tensor{0, 1}:asin() --> float32 [2]  0.0000  1.5708")       \
  ROW(acos, m_acos(x), t_neg(t_mul(g, t_op1("rsqrt", t_rsubn(1, t_square(x))))), SAVE_X(0),        \
      "rand(2,3) * 1.8 - 0.9", "math.acos(x)", "Arc cosine, from 0 to pi; NaN outside -1..1.",     \
      .aliases = "arccos", .example = "tensor{1, 0}:acos() --> float32 [2]  0.0000  1.5708")       \
  ROW(atan, m_atan(x), t_div(g, t_addn(t_square(x), 1)), SAVE_X(0), "randn(2,3)", "math.atan(x)",  \
      "Arc tangent, from -pi/2 to pi/2.", .aliases = "arctan",                                     \
      .example = "tensor{0, 1}:atan() --> float32 [2]  0.0000  0.7854")                            \
  ROW(sinh, m_sinh(x), t_mul(g, t_op1("cosh", x)), SAVE_X(0), "randn(2,3)",                        \
      "(math.exp(x) - math.exp(-x)) / 2", "Hyperbolic sine.",                                      \
      .example = "tensor{0, 1}:sinh() --> float32 [2]  0.0000  1.1752")                            \
  ROW(cosh, m_cosh(x), t_mul(g, t_op1("sinh", x)), SAVE_X(0), "randn(2,3)",                        \
      "(math.exp(x) + math.exp(-x)) / 2", "Hyperbolic cosine.",                                    \
      .example = "tensor{0, 1}:cosh() --> float32 [2]  1.0000  1.5431")                            \
  ROW(tanh, m_tanh(x), t_op2("tanh_dx", g, y), SAVE_Y(0), "randn(2,3)",                            \
      "(math.exp(2*x) - 1) / (math.exp(2*x) + 1)", "Hyperbolic tangent.",                          \
      .example = "tensor{0, 20}:tanh() --> float32 [2]  0.0  1.0")                                 \
  ROW(asinh, m_asinh(x), t_mul(g, t_op1("rsqrt", t_addn(t_square(x), 1))), SAVE_X(0),              \
      "randn(2,3)", "math.log(x + math.sqrt(x * x + 1))", "Inverse of sinh.",                      \
      .aliases = "arcsinh", .example = "tensor{0, 1}:asinh() --> float32 [2]  0.0000  0.8814")     \
  ROW(acosh, m_acosh(x), t_mul(g, t_op1("rsqrt", t_addn(t_square(x), -1))), SAVE_X(0),             \
      "rand(2,3) + 1.1", "math.log(x + math.sqrt(x * x - 1))",                                     \
      "Inverse of cosh, not negative; NaN below 1.", .aliases = "arccosh",                         \
      .example = "tensor{1, 2}:acosh() --> float32 [2]  0.0000  1.3170")                           \
  ROW(atanh, m_atanh(x), t_div(g, t_rsubn(1, t_square(x))), SAVE_X(0), "rand(2,3) * 1.8 - 0.9",    \
      "math.log((1 + x) / (1 - x)) / 2", "Inverse of tanh; NaN outside -1..1.",                    \
      .aliases = "arctanh", .example = "tensor{0, 0.5}:atanh() --> float32 [2]  0.0000  0.5493")   \
  ROW(sinc, m_sinc(x), t_mul(g, sinc_slope(x)), SAVE_X(0), "randn(2,3)",                           \
      "math.sin(math.pi * x) / (math.pi * x)", "sin(pi x) / (pi x), and 1 at 0.",                  \
      .aliases = "special.sinc",                                                                   \
      .example = "tensor{0, 0.5}:sinc() --> float32 [2]  1.0000  0.6366")

enum {
#define NAME(name, ...) T_##name,
  TURNS(NAME) FLOATS(NAME) T_COUNT
#undef NAME
};

typedef struct TrigonometryLoops {
  IterLoop at[T_COUNT][T_F16];
} TrigonometryLoops;
SIMD_FAMILY(TrigonometryLoops, trigonometry_loops);

#ifdef LEVEL

#include "../../kernels/math/arcs.h"
#include "../../kernels/math/hyperbolic.h"
#include "../../kernels/math/trig.h"

FLOATS(FLOAT_LOOPS)

enum { NEAR_BLOCK = 512 };

/* Block by block: without the table, or libm, where all of a block are near enough. Both give the same
   bits. */
#define TURN_LOOPS(name, f, ...)                                                                   \
  LOOP(name##_far, f64, double, double, fabs(x) < TRIG_NEAR_64 ? name##_near64(x) : name(x))       \
  LOOP(name##_near, f64, double, double, name##_near64(x))                                         \
  static void loop_##name##_f64(int64_t n, void *out, const void *const *in, const void *arg) {    \
    const double *x = in[0];                                                                       \
    for (int64_t i = 0; i < n; i += NEAR_BLOCK) {                                                  \
      int64_t m = n - i < NEAR_BLOCK ? n - i : NEAR_BLOCK, near = 0;                               \
      const void *here = x + i;                                                                    \
      for (int64_t j = 0; j < m; j++) near += fabs(x[i + j]) < TRIG_NEAR_64;                       \
      (near < m ? loop_##name##_far_f64 : loop_##name##_near_f64)(m, (double *)out + i, &here,     \
                                                                  arg);                            \
    }                                                                                              \
  }                                                                                                \
  LOOP(name##_far, f32, float, float, f)                                                           \
  LOOP(name##_near, f32, float, float, name##_near(x))                                             \
  static void loop_##name##_f32(int64_t n, void *out, const void *const *in, const void *arg) {    \
    const float *x = in[0];                                                                        \
    for (int64_t i = 0; i < n; i += NEAR_BLOCK) {                                                  \
      int64_t m = n - i < NEAR_BLOCK ? n - i : NEAR_BLOCK;                                         \
      const void *here = x + i;                                                                    \
      uint32_t far = 0;                                                                            \
      for (int64_t j = 0; j < m; j++) far |= (f32_bits(x[i + j]) & 0x7fffffffu) >= 0x4c800000u;    \
      (far ? loop_##name##_far_f32 : loop_##name##_near_f32)(m, (float *)out + i, &here, arg);     \
    }                                                                                              \
  }
TURNS(TURN_LOOPS)
#define FLOAT_LINE(name, ...) FLOAT_ENTRY(T_##name, name)
const TrigonometryLoops AT_LEVEL(trigonometry_loops) = {{TURNS(FLOAT_LINE) FLOATS(FLOAT_LINE)}};

#else

static Op rows[T_COUNT];
UNARY_CALLS(trigonometry_loops)

/* cos(pi x) / x - sin(pi x) / (pi x^2), and 0 at 0. */
static Tensor *sinc_slope(Tensor *x) {
  Tensor *angle = t_muln(x, M_PI), *at_0 = t_eq(x, t_num(0));
  Tensor *sine = t_div(t_op1("sin", angle), t_mul(angle, x));
  return t_where(at_0, t_num(0), t_sub(t_div(t_op1("cos", angle), x), sine));
}

#define GRAD(name, f, gradient, ...) UNARY_GRAD(name, gradient)
TURNS(GRAD)
FLOATS(GRAD)

#define LINE(name, f, gradient, saves, inputs, value, text, ...)                                   \
  UNARY_ROW(T_##name, name, "", name##_grad, saves, "{{" inputs "}}", value, text, __VA_ARGS__)
static Op rows[T_COUNT] = {TURNS(LINE) FLOATS(LINE)};

FAMILY(trigonometry, rows);

#endif
