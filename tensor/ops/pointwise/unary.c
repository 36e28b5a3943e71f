/* Pointwise ops of one tensor: exponentials and logarithms, roots, signs, rounding, masks. Compiled
   once per SIMD level for the loops, once for the rows; trigonometry.c, special.c and activation.c
   hold the other families of this kind.

   A line of the tables below is a whole op: its value f(x) and its gradient, where g is the incoming
   gradient, x the input and y the output. FLOATS compute in floats (integers become float32);
   NUMBERS keep integers as they are. Loops see no branches, so that they vectorise. A line may end
   with more fields of the row (.aliases, .example). */
#include "unary.h"

#include <float.h>

/*   name      f(x)                    gradient                                save       test inputs */
#define FLOATS(ROW)                                                                                \
  ROW(exp, m_exp(x), t_mul(g, y), SAVE_Y(0), "randn(2,3)", "math.exp(x)", "e to the power x.",     \
      .example = "tensor{0, 1}:exp() --> float32 [2]  1.0000  2.7183")                             \
  ROW(exp2, m_exp2(x), t_muln(t_mul(g, y), M_LN2), SAVE_Y(0), "randn(2,3)", "2 ^ x",               \
      "2 to the power x.", .aliases = "special.exp2",                                              \
      .example = "tensor{3, -1}:exp2() --> float32 [2]  8.0  0.5")                                 \
  ROW(expm1, m_expm1(x), t_mul(g, t_addn(y, 1)), SAVE_Y(0), "randn(2,3)", "math.exp(x) - 1",       \
      "exp(x) - 1, exact for small x.", .aliases = "special.expm1",                                \
      .example = "tensor{0, 1}:expm1() --> float32 [2]  0.0000  1.7183")                           \
  ROW(log, m_log(x), t_div(g, x), SAVE_X(0), "rand(2,3) + 0.5", "math.log(x)",                     \
      "Natural logarithm.", .example = "tensor{1, 10}:log() --> float32 [2]  0.0000  2.3026")      \
  ROW(log2, m_log2(x), t_div(g, t_muln(x, M_LN2)), SAVE_X(0), "rand(2,3) + 0.5", "math.log(x, 2)", \
      "Logarithm to the base 2.", .example = "tensor{1, 8}:log2() --> float32 [2]  0.0  3.0")      \
  ROW(log10, m_log10(x), t_div(g, t_muln(x, M_LN10)), SAVE_X(0), "rand(2,3) + 0.5",                \
      "math.log(x, 10)", "Logarithm to the base 10.",                                              \
      .example = "tensor{1, 1000}:log10() --> float32 [2]  0.0  3.0")                              \
  ROW(log1p, m_log1p(x), t_div(g, t_addn(x, 1)), SAVE_X(0), "rand(2,3)", "math.log(1 + x)",        \
      "log(1 + x), exact for small x.", .aliases = "special.log1p",                                \
      .example = "tensor{0, 1}:log1p() --> float32 [2]  0.0000  0.6931")                           \
  ROW(sqrt, m_sqrt(x), t_div(g, t_muln(y, 2)), SAVE_Y(0), "rand(2,3) + 0.5", "math.sqrt(x)",       \
      "Square root.", .example = "tensor{4, 2}:sqrt() --> float32 [2]  2.0000  1.4142")            \
  ROW(rsqrt, m_rsqrt(x), t_muln(t_mul(g, t_pown(y, 3)), -0.5), SAVE_Y(0), "rand(2,3) + 0.5",       \
      "1 / math.sqrt(x)", "One over the square root.",                                             \
      .example = "tensor{4, 0.25}:rsqrt() --> float32 [2]  0.5  2.0")                              \
  ROW(reciprocal, 1 / x, t_neg(t_mul(g, t_square(y))), SAVE_Y(0), "rand(2,3) + 0.5", "1 / x",      \
      "One over x.", .example = "tensor{4, 0.5}:reciprocal() --> float32 [2]  0.25  2.00")         \
  ROW(sigmoid, m_sigmoid(x), t_op2("sigmoid_dx", g, y), SAVE_Y(0), "randn(2,3)",                   \
      "1 / (1 + math.exp(-x))", "Logistic function 1 / (1 + exp(-x)).",                            \
      .aliases = "expit special.expit", .example = "tensor{0}:sigmoid() --> float32 [1]  0.5")     \
  ROW(deg2rad, x *AS(x, M_PI / 180), t_op1("deg2rad", g), 0, "randn(2,3)", "math.rad(x)",          \
      "Degrees as radians: x pi / 180.",                                                           \
      .example = "tensor{180, 90}:deg2rad() --> float32 [2]  3.1416  1.5708")                      \
  ROW(rad2deg, x *AS(x, 180 / M_PI), t_op1("rad2deg", g), 0, "randn(2,3)", "math.deg(x)",          \
      "Radians as degrees: x 180 / pi.",                                                           \
      .example = "tensor{0, math.pi}:rad2deg() --> float32 [2]    0.0  180.0")                     \
  ROW(angle, ANGLE(x), t_zeros_like(g), 0, "randn(2,3)", "x < 0 and math.pi or 0",                 \
      "pi where x is negative, else 0: the angle of a real number. NaN stays.",                    \
      .example = "tensor{-2, 2}:angle() --> float32 [2]  3.1416  0.0000")

#define ROUNDING(ROW, name, fn, value, text, ...)                                                  \
  ROW(name, ROUNDED(fn, x), t_zeros_like(g), 0, "randn(2,3)", value, text, __VA_ARGS__)

#define NUMBERS(ROW)                                                                               \
  ROW(neg, -x, t_neg(g), 0, "randn(2,3)", "-x", "The negative.", .aliases = "negative",            \
      .infer = neg_infer, .example = "tensor{1, -2}:neg() --> int64 [2]  -1   2")                  \
  ROW(positive, x, g, 0, "randn(2,3)", "x", "x itself, in an output of its own.", .flags = 0,      \
      .infer = positive_infer, .example = "tensor{1, -2}:positive() --> int64 [2]   1  -2")        \
  ROW(abs, ABSOLUTE(x), t_mul(g, t_sign(x)), SAVE_X(0), "randn(2,3)", "math.abs(x)",               \
      "Absolute value. The gradient at 0 is 0.", .aliases = "absolute",                            \
      .example = "tensor{-3, 2}:abs() --> int64 [2]  3  2")                                        \
  ROW(sign, (x > 0) - (x < 0), t_zeros_like(g), 0, "randn(2,3)", "x > 0 and 1 or -1",              \
      "-1, 0 or 1.", .aliases = "sgn",                                                             \
      .example = "tensor{-3, 0, 2}:sign() --> int64 [3]  -1   0   1")                              \
  ROW(square, x *x, t_mul(g, t_muln(x, 2)), SAVE_X(0), "randn(2,3)", "x * x", "x times x.",        \
      .example = "tensor{-3, 2}:square() --> int64 [2]  9  4")                                     \
  ROW(relu, x < 0 ? 0 : x, t_op2("relu_dx", g, y), SAVE_Y(0), "randn(2,3)", "math.max(x, 0)",      \
      "The larger of x and 0. The gradient at 0 is 0.",                                            \
      .example = "tensor{-1.5, 2}:relu() --> float32 [2]  0.0  2.0")                               \
  ROUNDING(ROW, floor, floor, "math.floor(x)", "The greatest whole number that is not above x.",   \
           .example = "tensor{1.7, -1.2}:floor() --> float32 [2]   1.0  -2.0")                     \
  ROUNDING(ROW, ceil, ceil, "math.ceil(x)", "The least whole number that is not below x.",         \
           .example = "tensor{1.2, -1.7}:ceil() --> float32 [2]   2.0  -1.0")                      \
  ROUNDING(ROW, trunc, trunc, "x < 0 and math.ceil(x) or math.floor(x)",                           \
           "x without its fraction.", .aliases = "fix",                                            \
           .example = "tensor{1.7, -1.7}:trunc() --> float32 [2]   1.0  -1.0")                     \
  ROW(frac, FRACTION(x), g, 0, "randn(2,3)", "math.fmod(x, 1)",                                    \
      "The fraction of x, with its sign: x - trunc(x).",                                           \
      .example = "tensor{2.5, -2.5}:frac() --> float32 [2]   0.5  -0.5")

/* Whole numbers are their own floor. */
#define ROUNDED(fn, x) _Generic((x), float : fn##f, double : fn, default : whole)(x)
#define ABSOLUTE(x)    _Generic((x), float : fabsf, double : fabs, default : absolute)(x)
#define FRACTION(x)    (x - ROUNDED(trunc, x))
#define ANGLE(x)       (x != x ? x : x < 0 ? AS(x, M_PI) : 0)

/* Numbers come with the call: the values of `more` in the signature.
         name  more in the signature  f(x, A, B, C)  gradient  saves  tests  reference  doc */
#define PARAMS(ROW)                                                                                \
  ROW(logit, "eps: float?", m_log(inner(x, A) / (1 - inner(x, A))), logit_dx(c, g, x), SAVE_X(0),  \
      "{{rand(2,3) * 0.8 + 0.1}, {rand(2,3) * 0.8 + 0.1, 0.2}}", "reference.logit(x, y)",          \
      "log(x / (1 - x)), the inverse of sigmoid. With eps, x is clamped to eps .. 1 - eps first.", \
      .aliases = "special.logit",                                                                  \
      .example = "tensor{0.5, 0.75}:logit() --> float32 [2]  0.0000  1.0986")
#define NUMBER_PARAMS(ROW)                                                                         \
  ROW(nan_to_num, "nan: float=0, posinf: float?, neginf: float?", FINITE(x, A, B, C),              \
      t_mul(g, t_cast(t_op1("isfinite", x), (DType)g->dtype)), SAVE_X(0),                          \
      "{{randn(2,3)}, {tensor({0/0, 1/0, -1/0, 2}, {dtype = \"float64\"}), 7, 8, 9}}",             \
      "reference.nan_to_num(x, y, z, w)",                                                          \
      "x with nan in place of NaN, posinf in place of infinity, neginf in place of -infinity; "    \
      "without them, the largest and the smallest number of the type.",                            \
      .example = "tensor{0/0, 1}:nan_to_num(5) --> float32 [2]  5.0  1.0")

/* x where it is finite; integers all are. */
#define FINITE(x, A, B, C)                                                                         \
  _Generic((x), float : finite_f32, double : finite_f64, default : finite_int)(x, A, B, C)

/* Masks. */
#define MASKS(ROW)                                                                                 \
  ROW(isnan, x != x, "x ~= x", "Where x is not a number: a mask.",                                 \
      .example = "tensor{0/0, 1, 1/0}:isnan() --> bool [3]  true  false  false")                   \
  ROW(isinf, x - x != 0 && x == x, "x == math.huge or x == -math.huge",                            \
      "Where x is infinite: a mask.",                                                              \
      .example = "tensor{0/0, 1, 1/0}:isinf() --> bool [3]  false  false  true")                   \
  ROW(isfinite, x - x == 0, "x - x == 0", "Where x is neither infinite nor NaN: a mask.",          \
      .example = "tensor{0/0, 1, 1/0}:isfinite() --> bool [3]  false  true  false")                \
  ROW(isposinf, x > 0 && x - x != 0, "x == math.huge",                                             \
      "Where x is infinite and positive: a mask.",                                                 \
      .example = "tensor{1/0, -1/0}:isposinf() --> bool [2]  true  false")                         \
  ROW(isneginf, x < 0 && x - x != 0, "x == -math.huge",                                            \
      "Where x is infinite and negative: a mask.",                                                 \
      .example = "tensor{1/0, -1/0}:isneginf() --> bool [2]  false  true")                         \
  ROW(isreal, ((void)x, 1), "true",                                                                \
      "Where x is a real number, which every number here is: a mask.",                             \
      .example = "tensor{1, 0/0}:isreal() --> bool [2]  true  true")                               \
  ROW(signbit, NEGATIVE(x), "x < 0", "Where the sign of x is minus, that of -0 too: a mask.",      \
      .example = "tensor{-1.0, 0.0, -0.0}:signbit() --> bool [3]  true  false  true")              \
  ROW(logical_not, x == 0, "x == 0", "Where x is zero: a mask.",                                   \
      .example = "tensor{0, 3}:logical_not() --> bool [2]  true  false")
#define NEGATIVE(x) _Generic((x), float : sign_f32, double : sign_f64, default : sign_int)(x)

enum {
#define NAME(name, ...) U_##name,
  FLOATS(NAME) NUMBERS(NAME) PARAMS(NAME) NUMBER_PARAMS(NAME) MASKS(NAME) U_round,
  U_bitwise_not,
  U_ROWS,
  U_round_to = U_ROWS, /* loops only: round with decimals */
  U_COUNT
#undef NAME
};

typedef struct UnaryLoops {
  IterLoop at[U_COUNT][T_F16];
} UnaryLoops;
SIMD_FAMILY(UnaryLoops, unary_loops);

#ifdef LEVEL

VMATH int64_t whole(int64_t x) { return x; }
VMATH int64_t absolute(int64_t x) { return x < 0 ? -x : x; }
VMATH float finite_f32(float x, float nan, float top, float bottom) {
  float high = top == top ? top : FLT_MAX, low = bottom == bottom ? bottom : -FLT_MAX;
  return x != x ? nan : x == INFINITY ? high : x == -INFINITY ? low : x;
}
VMATH double finite_f64(double x, double nan, double top, double bottom) {
  double high = top == top ? top : DBL_MAX, low = bottom == bottom ? bottom : -DBL_MAX;
  return x != x ? nan : x == INFINITY ? high : x == -INFINITY ? low : x;
}
VMATH int64_t finite_int(int64_t x, int64_t nan, int64_t top, int64_t bottom) {
  (void)nan, (void)top, (void)bottom;
  return x;
}
VMATH bool sign_f32(float x) { return f32_bits(x) >> 31; }
VMATH bool sign_f64(double x) { return signbit(x) != 0; }
VMATH bool sign_int(int64_t x) { return x < 0; }

/* x clamped to eps .. 1 - eps; NaN for eps leaves it. */
#define inner(x, eps) (x < eps ? eps : x > 1 - eps ? 1 - eps : x)
/* To multiples of B, or of 1 / A where B is 0. */
#define ROUND_TO(x) (B > 0 ? ROUNDED(rint, x / B) * B : ROUNDED(rint, x * A) / A)

FLOATS(FLOAT_LOOPS)
NUMBERS(NUMBER_LOOPS)
#define PARAM_LOOPS(name, more, f, ...)        FLOAT_LOOPS(name, f)
#define NUMBER_PARAM_LOOPS(name, more, f, ...) NUMBER_LOOPS(name, f)
PARAMS(PARAM_LOOPS)
NUMBER_PARAMS(NUMBER_PARAM_LOOPS)
MASKS(MASK_LOOPS)
NUMBER_LOOPS(round, ROUNDED(rint, x))
FLOAT_LOOPS(round_to, ROUND_TO(x))
WHOLE_LOOPS(bitwise_not, ~x)
LOOP(bitwise_not, b, uint8_t, uint8_t, !x)
LOOP(itself, b, uint8_t, uint8_t, x)

#define FLOAT_LINE(name, ...)  FLOAT_ENTRY(U_##name, name)
#define NUMBER_LINE(name, ...) NUMBER_ENTRY(U_##name, name)
#define MASK_LINE(name, ...)   MASK_ENTRY(U_##name, name)
const UnaryLoops AT_LEVEL(unary_loops) = {
    {FLOATS(FLOAT_LINE) NUMBERS(NUMBER_LINE) PARAMS(FLOAT_LINE) NUMBER_PARAMS(NUMBER_LINE)
         MASKS(MASK_LINE) NUMBER_LINE(round)
             FLOAT_LINE(round_to)[U_bitwise_not] = {NULL, NULL, loop_bitwise_not_i64,
                                                    loop_bitwise_not_i32, loop_bitwise_not_u8,
                                                    loop_bitwise_not_b},
     [U_sign][T_BOOL] = loop_itself_b, [U_nan_to_num][T_BOOL] = loop_itself_b}};

#else

static Op rows[U_ROWS];
UNARY_CALLS(unary_loops)
UNARY_MASK_CALLS

static void neg_infer(Call *c) {
  if (c->x[0]->dtype == T_BOOL) {
    t_fail("neg: a mask has no negative; ~x (logical_not) turns it over, x:int() makes numbers");
  }
  infer(c);
}

static void bitwise_not_infer(Call *c) {
  DType d = call_promote(c, 0, 1);
  if (dtype_is_float(d)) {
    t_fail("bitwise_not: works on integers and masks, not on %s", dtype_name(d));
  }
  infer(c);
}

/* Any type, masks too. */
static void positive_infer(Call *c) {
  if (c->x[0]->dtype == T_BOOL) t_fail("positive: a mask has no sign; x:int() makes numbers");
  infer(c);
}

#define GRAD(name, f, gradient, ...)             UNARY_GRAD(name, gradient)
#define PARAM_GRAD(name, more, f, gradient, ...) UNARY_GRAD(name, gradient)
UNARY_GRAD(round, t_zeros_like(g))

/* ---- round: attribute decimals ------------------------------------------------------------------- */

static void round_infer(Call *c) {
  DType d = call_promote(c, 0, 1);
  if (attr_int(c, 0, 0) != 0 && !dtype_is_float(d)) {
    t_fail("round: decimals of %s; x:float() first", dtype_name(d));
  }
  infer(c);
}

static const char *round_run(Call *c) {
  int64_t decimals = attr_int(c, 0, 0);
  const IterLoop *loops = SIMD_PICK(unary_loops)->at[decimals ? U_round_to : U_round];
  double by = pow(10, fabs((double)decimals));
  Numbers numbers = {.f = {by, decimals < 0 ? by : 0}};
  iter_map(loops[c->dtype], &numbers, c->y[0], c->dtype, 1, c->x, c->dtype);
  return NULL;
}

/* g / (x (1 - x)); 0 where x was clamped, NaN where it has no logit. */
static Tensor *logit_dx(Call *c, Tensor *g, Tensor *x) {
  bool clamped = attr_given(c, 0);
  double low = clamped ? attr_float(c, 0, 0) : 0;
  Tensor *outside = t_op2("logical_or", t_lt(x, t_num(low)), t_gt(x, t_num(1 - low)));
  Tensor *slope = t_div(g, t_mul(x, t_rsubn(1, x)));
  return t_where(outside, t_num(clamped ? 0 : NAN), slope);
}

FLOATS(GRAD)
NUMBERS(GRAD)
PARAMS(PARAM_GRAD)
NUMBER_PARAMS(PARAM_GRAD)

#define UNARY_LINE(name, f, gradient, saves, inputs, value, text, ...)                             \
  UNARY_ROW(U_##name, name, "", name##_grad, saves, "{{" inputs "}}", value, text, __VA_ARGS__)
#define PARAM_LINE(name, more, f, gradient, saves, inputs, value, text, ...)                       \
  UNARY_ROW(U_##name, name, ", " more, name##_grad, saves, inputs, value, text, __VA_ARGS__)
#define MASK_ROW(name, f, value, text, ...)                                                        \
  UNARY_MASK_ROW(U_##name, name, "{{randn(2,3)}, {ints(4) - 2}}", value, text, __VA_ARGS__)

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Woverride-init" /* a line's own infer */
static Op rows[U_ROWS] = {
    FLOATS(UNARY_LINE) NUMBERS(UNARY_LINE) PARAMS(PARAM_LINE) NUMBER_PARAMS(PARAM_LINE)
        MASKS(MASK_ROW) UNARY_ROW(
            U_round, round, ", decimals: int=0", round_grad, 0,
            "{{randn(2,3)}, {randn(2,3) * 10, 1}, {randn(2,3) * 1000, -2}, {ints(3)}}",
            "reference.round(x, y)",
            "The nearest whole number; halves go to the even one. decimals keeps so many places "
            "after the point, a negative one rounds before it.",
            .aliases = "special.round", .run = round_run, .infer = round_infer,
            .example = "tensor{2.5, 3.14159}:round{decimals = 2} --> float32 [2]  2.50  3.14")
            UNARY_ROW(U_bitwise_not, bitwise_not, "", NULL, 0, "{{ints(2,3)}}", "~x",
                      "Bits turned over; of masks, where it does not hold.",
                      .flags = OP_INPLACE | OP_CONST, .infer = bitwise_not_infer,
                      .example = "tensor{0, 5}:bitwise_not() --> int64 [2]  -1  -6")};
#pragma GCC diagnostic pop

FAMILY(unary, rows);

#endif
