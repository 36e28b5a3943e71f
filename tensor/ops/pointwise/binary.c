/* Pointwise ops of two tensors: arithmetic, powers, larger and smaller. Compiled once per SIMD level
   for the loops, once for the rows; compare.c holds comparisons, logic and bits.

   A line of the tables below is a whole op: f(a, b), the gradients for a and for b (g is the
   incoming gradient, y the output), and what they read. WRAPPED and NUMBERS compute in the common
   type, integers wrapping around in the former; QUOTIENTS likewise, but integers are not divided by
   0; FLOATS compute in floats, WHOLES in integers. A line may end with more fields of the row. */
#include "binary.h"

#define BOTH (SAVE_X(0) | SAVE_X(1))

/* The larger, or NaN when one is. Written so that loops stay free of branches. */
#define LARGER(a, b)  (a > b || a != a ? a : b)
#define SMALLER(a, b) (a < b || a != a ? a : b)
/* The larger, or the other when one is NaN. */
#define LARGER_NUMBER(a, b)  (a >= b || b != b ? a : b)
#define SMALLER_NUMBER(a, b) (a <= b || b != b ? a : b)
/* a times a logarithm of b: 0 where a is, NaN where b is. */
#define TIMES_LOG(a, b, log) (b != b ? b : a == 0 ? 0 : a * log)

/* Times alpha; of integers sum_infer has done that. */
#define SCALED(b) _Generic((b) + (b), float : A *(b), double : A *(b), default : (b))

#define SUMS                                                                                       \
  "{{randn(2,3), randn(2,3)}, {randn(2,3), randn(3)}, {randn(2,1), randn(1,3)}, "                  \
  "{randn(2,3), randn(3), 2.5}, {ints(2,3), ints(3), -2}}"

/*   name   f(a, b)   gradient of a   gradient of b   saves   test   reference   doc */
#define WRAPPED(ROW)                                                                               \
  ROW(add, a + SCALED(b), g, scaled(c, g), 0, SUMS, "x + y * (z or 1)", "x + alpha y.",            \
      .sig = "add(x: tensor, y: tensor, alpha: scalar=1) -> z: tensor", .infer = sum_infer,        \
      .example = "tensor{1, 2}:add(tensor{3, 4}, {alpha = 10}) --> int64 [2]  31  42")             \
  ROW(sub, a - SCALED(b), g, t_neg(scaled(c, g)), 0, SUMS, "x - y * (z or 1)", "x - alpha y.",     \
      .sig = "sub(x: tensor, y: tensor, alpha: scalar=1) -> z: tensor", .infer = sum_infer,        \
      .aliases = "subtract",                                                                       \
      .example = "tensor{5, 6}:sub(tensor{1, 2}, {alpha = 2}) --> int64 [2]  3  2")                \
  ROW(mul, a *b, t_mul(g, b), t_mul(g, a), BOTH, PAIRS, "x * y", "x times y.",                     \
      .flags = OP_INPLACE | OP_CROSS, .aliases = "multiply",                                       \
      .example = "tensor{1, 2}:mul(tensor{3, 4}) --> int64 [2]  3  8")

#define NUMBERS(ROW)                                                                               \
  ROW(maximum, LARGER(a, b), won(g, a, b), won(g, b, a), BOTH, PAIRS, "math.max(x, y)",            \
      "The larger of x and y; NaN when either is. Where both are equal the gradient is halved.",   \
      .example = "tensor{1, 5}:maximum(tensor{3, 2}) --> int64 [2]  3  5")                         \
  ROW(minimum, SMALLER(a, b), won(g, b, a), won(g, a, b), BOTH, PAIRS, "math.min(x, y)",           \
      "The smaller of x and y; NaN when either is. Where both are equal the gradient is halved.",  \
      .example = "tensor{1, 5}:minimum(tensor{3, 2}) --> int64 [2]  1  2")                         \
  ROW(fmax, LARGER_NUMBER(a, b), kept(g, a, b, "ge"), lost(g, a, b, "ge"), BOTH, PAIRS,            \
      "math.max(x, y)",                                                                            \
      "The larger of x and y; where one is NaN the other. Where both are equal x has the "         \
      "gradient.",                                                                                 \
      .example = "tensor{1, 0/0}:fmax(tensor{3, 2}) --> float32 [2]  3.0  2.0")                    \
  ROW(fmin, SMALLER_NUMBER(a, b), kept(g, a, b, "le"), lost(g, a, b, "le"), BOTH, PAIRS,           \
      "math.min(x, y)",                                                                            \
      "The smaller of x and y; where one is NaN the other. Where both are equal x has the "        \
      "gradient.",                                                                                 \
      .example = "tensor{1, 0/0}:fmin(tensor{3, 2}) --> float32 [2]  1.0  2.0")                    \
  ROW(clamp_min, LARGER(a, b), t_where(t_ge(a, b), g, t_num(0)), t_where(t_lt(a, b), g, t_num(0)), \
      BOTH, PAIRS, "math.max(x, y)", "x, but not below y. At y itself x has the gradient.",        \
      .sig = "clamp_min(x: tensor, min: tensor) -> z: tensor",                                     \
      .example = "tensor{-3, 0, 3}:clamp_min(-1) --> int64 [3]  -1  0  3")                         \
  ROW(clamp_max, SMALLER(a, b), t_where(t_op2("le", a, b), g, t_num(0)),                           \
      t_where(t_gt(a, b), g, t_num(0)), BOTH, PAIRS, "math.min(x, y)",                             \
      "x, but not above y. At y itself x has the gradient.",                                       \
      .sig = "clamp_max(x: tensor, max: tensor) -> z: tensor",                                     \
      .example = "tensor{-3, 0, 3}:clamp_max(1) --> int64 [3]  -3  0  1")                          \
  ROW(heaviside, a == 0 ? b : a > 0, t_muln(g, 0), t_where(t_eq(a, t_num(0)), g, t_num(0)),        \
      SAVE_X(0), PAIRS, "x > 0 and 1 or 0",                                                        \
      "The step: 0 where x is negative, 1 where it is positive, values where it is 0.",            \
      .sig = "heaviside(x: tensor, values: tensor) -> z: tensor",                                  \
      .example = "tensor{-2, 0, 3}:heaviside(tensor{7}) --> int64 [3]  0  7  1")

/* Of integers rounded down, of floats as Python does; the remainder has y's sign. */
#define BY_TYPE(fn, a, b)                                                                          \
  _Generic((a) + (b), float : fn##_f32, double : fn##_f64, default : fn##_i)(a, b)

#define DIVISORS "{{randn(2,3), rand(3) + 0.5}, {ints(2,3) - 3, -ints(2,3)}}"

#define QUOTIENTS(ROW)                                                                             \
  ROW(floor_divide, floored_near, floored, t_muln(g, 0), t_muln(g, 0), 0, DIVISORS, "x // y",      \
      "x divided by y, rounded down. Integers divided by 0 are an error.",                         \
      .example = "tensor{7, -7}:floor_divide(2) --> int64 [2]   3  -4")                            \
  ROW(remainder, rest_near, rest, g, t_neg(t_mul(g, t_op2("floor_divide", a, b))), BOTH, DIVISORS, \
      "x % y",                                                                                     \
      "What floor_divide leaves, with the sign of y. Integers divided by 0 are an error.",         \
      .example = "tensor{7, -7}:remainder(3) --> int64 [2]  1  2")                                 \
  ROW(fmod, left_near, left, g, t_neg(t_mul(g, truncated(a, b))), BOTH, DIVISORS,                  \
      "math.fmod(x, y)",                                                                           \
      "What division rounded towards 0 leaves, with the sign of x. Integers divided by 0 are an "  \
      "error.",                                                                                    \
      .example = "tensor{7, -7}:fmod(3) --> int64 [2]   1  -1")

#define FLOATS(ROW)                                                                                \
  ROW(atan2, m_atan2(a, b), t_mul(g, t_div(b, squares(a, b))),                                     \
      t_neg(t_mul(g, t_div(a, squares(a, b)))), BOTH, PAIRS, "math.atan(x, y)",                    \
      "The angle of the point (y, x), from -pi to pi.", .aliases = "arctan2",                      \
      .example = "tensor{1, -1}:atan2(tensor{0, 0}) --> float32 [2]  1.5708  -1.5708")             \
  ROW(hypot, m_hypot(a, b), t_mul(g, t_div(a, y)), t_mul(g, t_div(b, y)), BOTH | SAVE_Y(0), PAIRS, \
      "math.sqrt(x * x + y * y)", "sqrt(x^2 + y^2), without overflow.",                            \
      .example = "tensor{3}:hypot(tensor{4}) --> float32 [1]  5.0")                                \
  ROW(copysign, m_copysign(a, b), t_mul(g, ratio(y, a)), t_muln(g, 0), SAVE_X(0) | SAVE_Y(0),      \
      PAIRS, "y < 0 and -math.abs(x) or math.abs(x)", "The size of x with the sign of y.",         \
      .example = "tensor{1, 2}:copysign(tensor{-3, 3}) --> float32 [2]  -1.0   2.0")               \
  ROW(nextafter, m_nextafter(a, b), NULL, NULL, 0, PAIRS, "reference.nextafter(x, y)",             \
      "The number of the type that follows x on the way to y.", .flags = OP_INPLACE | OP_CONST,    \
      .example = "(tensor{1.0}:nextafter(tensor{2.0}) - 1):item() == 2 ^ -23 --> true")            \
  ROW(logaddexp, m_logaddexp(a, b), t_mul(g, t_sigmoid(t_sub(a, b))),                              \
      t_mul(g, t_sigmoid(t_sub(b, a))), BOTH, PAIRS, "math.log(math.exp(x) + math.exp(y))",        \
      "log(exp(x) + exp(y)), without overflow.",                                                   \
      .example = "tensor{0, 100}:logaddexp(tensor{0, 100}) --> float32 [2]    0.6931  100.6931")   \
  ROW(logaddexp2, m_logaddexp2(a, b), t_mul(g, t_sigmoid(t_muln(t_sub(a, b), M_LN2))),             \
      t_mul(g, t_sigmoid(t_muln(t_sub(b, a), M_LN2))), BOTH, PAIRS, "math.log(2^x + 2^y, 2)",      \
      "log2(2^x + 2^y), without overflow.",                                                        \
      .example = "tensor{0, 3}:logaddexp2(tensor{0, 3}) --> float32 [2]  1.0  4.0")                \
  ROW(xlogy, TIMES_LOG(a, b, m_log(b)), xlog_dx(g, a, b, "log", 0), t_mul(g, t_div(a, b)), BOTH,   \
      "{{randn(2,3), rand(3) + 0.5}, {ints(3), rand(2,3) + 1}}", "x * math.log(y)",                \
      "x log(y), and 0 where x is 0.", .aliases = "special.xlogy",                                 \
      .example = "tensor{0, 2}:xlogy(tensor{0, 10}) --> float32 [2]  0.0000  4.6052")              \
  ROW(xlog1py, TIMES_LOG(a, b, m_log1p(b)), xlog_dx(g, a, b, "log1p", -1),                         \
      t_mul(g, t_div(a, t_addn(b, 1))), BOTH, "{{randn(2,3), rand(3)}}", "x * math.log(1 + y)",    \
      "x log(1 + y), and 0 where x is 0.", .aliases = "special.xlog1py",                           \
      .example = "tensor{0, 2}:xlog1py(tensor{-1, 9}) --> float32 [2]  0.0000  4.6052")

#define WHOLES(ROW)                                                                                \
  ROW(gcd, divisor(a, b), "reference.gcd(x, y)",                                                   \
      "The greatest common divisor of integers, not negative; gcd(0, 0) is 0.",                    \
      .example = "tensor{12, 18}:gcd(8) --> int64 [2]  4  2")                                      \
  ROW(lcm, multiple(a, b), "x * y // reference.gcd(x, y)",                                         \
      "The least common multiple of integers, not negative; 0 where one is 0.",                    \
      .example = "tensor{4, 6}:lcm(10) --> int64 [2]  20  30")

/* Loops of the usual powers, of a alone. */
#define POWERS(ROW)                                                                                \
  ROW(2, two, a *a)                                                                                \
  ROW(3, three, a *a *a)                                                                           \
  ROW(0.5, half, a == -INFINITY ? INFINITY : m_sqrt(a + 0))                                        \
  ROW(-0.5, minus_half, a == -INFINITY ? 0 : 1 / m_sqrt(a + 0))                                    \
  ROW(-1, minus_one, 1 / a)                                                                        \
  ROW(-2, minus_two, 1 / (a * a))

enum {
#define NAME(name, ...)               B_##name,
#define POWER_NAME(exponent, name, f) B_power_##name,
  WRAPPED(NAME) NUMBERS(NAME) QUOTIENTS(NAME) FLOATS(NAME) WHOLES(NAME) B_div,
  B_pow,
  B_ROWS,
  B_trunc_divide = B_ROWS, /* loops only: div rounded towards 0 */
  POWERS(POWER_NAME) B_COUNT
#undef NAME
};

typedef struct BinaryLoops {
  IterLoop at[B_COUNT][T_F16];
} BinaryLoops;
SIMD_FAMILY(BinaryLoops, binary_loops);

#ifdef LEVEL

#include "../../kernels/math/arcs.h"
#include "../../kernels/math/division.h"

WRAPPED(WRAPPED_PAIRS)
NUMBERS(NUMBER_PAIRS)
FLOAT_PAIRS(trunc_divide, BY_TYPE(truncated, a, b))
WHOLE_PAIRS(trunc_divide, BY_TYPE(truncated, a, b))

enum { NEAR_BLOCK = 512 };

/* Floats block by block: by near(a, b) where it is exact for all of a block. */
#define QUOTIENT_PAIRS(name, near, exact, ...)                                                     \
  PAIR_LOOP(name##_near, f32, float, float, near(a, b))                                            \
  PAIR_LOOP(name##_far, f32, float, float, BY_TYPE(exact, a, b))                                   \
  static void loop_##name##_f32(int64_t n, void *out, const void *const *in, const void *arg) {    \
    const float *p = in[0], *q = in[1];                                                            \
    for (int64_t i = 0; i < n; i += NEAR_BLOCK) {                                                  \
      int64_t m = n - i < NEAR_BLOCK ? n - i : NEAR_BLOCK;                                         \
      const void *here[2] = {p + i, q + i};                                                        \
      uint32_t far = 0;                                                                            \
      for (int64_t j = 0; j < m; j++) far |= far_quotient(p[i + j], q[i + j]);                     \
      (far ? loop_##name##_far_f32 : loop_##name##_near_f32)(m, (float *)out + i, here, arg);      \
    }                                                                                              \
  }                                                                                                \
  PAIR_LOOP(name, f64, double, double, BY_TYPE(exact, a, b))                                       \
  WHOLE_PAIRS(name, BY_TYPE(exact, a, b))
QUOTIENTS(QUOTIENT_PAIRS)
FLOATS(FLOAT_PAIRS)
FLOAT_PAIRS(div, a / b)
FLOAT_PAIRS(pow, m_pow(a, b))
WHOLE_PAIRS(pow, power(a, b))
#define POWER_PAIRS(exponent, name, f) FLOAT_PAIRS(power_##name, ((void)b, f))
POWERS(POWER_PAIRS)
WHOLES(WHOLE_PAIRS)

#define FLOAT_LINE(name, ...)         FLOAT_ENTRY(B_##name, name)
#define NUMBER_LINE(name, ...)        NUMBER_ENTRY(B_##name, name)
#define MASKED_LINE(name, ...)        MASKED_ENTRY(B_##name, name)
#define WHOLE_LINE(name, ...)         WHOLE_ENTRY(B_##name, name)
#define POWER_LINE(exponent, name, f) FLOAT_ENTRY(B_power_##name, power_##name)
const BinaryLoops AT_LEVEL(binary_loops) = {
    {WRAPPED(MASKED_LINE) NUMBERS(MASKED_LINE) QUOTIENTS(NUMBER_LINE) FLOATS(FLOAT_LINE)
         WHOLES(WHOLE_LINE) FLOAT_LINE(div) NUMBER_LINE(pow) NUMBER_LINE(trunc_divide)
             POWERS(POWER_LINE)}};

#else

#include "../../loop/cast.h"
#include "../../tape/tape.h"

static Op rows[B_ROWS];
BINARY_CALLS(binary_loops)

/* ---- sums: attribute alpha ------------------------------------------------------------------------ */

static void sum_infer(Call *c) {
  double alpha = attr_float(c, 0, 1);
  if (alpha != 1 && !dtype_is_float(call_promote(c, 0, 2))) {
    bool was = tape_on;
    tape_on = false;
    Tensor *by = c->attr[0].tag == A_FLOAT ? t_num(alpha) : t_scalar_int(c->attr[0].i, T_I64);
    by->weak = true;
    c->x[1] = t_mul(c->x[1], by);
    c->attr[0] = attr_of_int(1); /* a number with a fraction makes floats of both */
    tape_on = was;
  }
  infer(c);
  if (c->dtype == T_BOOL && c->op == &rows[B_sub]) {
    t_fail("sub: masks are not subtracted; x ~ y (logical_xor) tells where they differ, x:int() "
           "makes numbers");
  }
}

static Tensor *scaled(Call *c, Tensor *g) {
  double alpha = attr_float(c, 0, 1);
  return alpha == 1 ? g : t_muln(g, alpha);
}

/* ---- quotients: of div the attribute rounding_mode ------------------------------------------------ */

static const IterLoop *quotient_loops(const Call *c) {
  int k = (int)(c->op - rows);
  if (k == B_div && attr_given(c, 0)) k = c->attr[0].i == 0 ? B_trunc_divide : B_floor_divide;
  return SIMD_PICK(binary_loops)->at[k];
}

/* Divisors that are 0 in the type d of the quotient: 256 is, of uint8. */
static void refuse_zeros(Call *c, DType d) {
  const Tensor *by = c->x[1], *y = cast_copy(t_cast(c->x[1], d), T_I64);
  for (int64_t i = 0; i < y->numel; i++) {
    if (t_i64(y)[i] != 0) continue;
    t_fail("%s: integer division by 0 (element %lld%s%s); x:float() divides to inf", call_name(c),
           (long long)i + 1, by->dtype == d ? "" : ", as ", by->dtype == d ? "" : dtype_name(d));
  }
}

static void quotient_infer(Call *c) {
  const IterLoop *loops = quotient_loops(c);
  DType d = binary_type(c, loops);
  if (!dtype_is_float(d)) refuse_zeros(c, d);
  binary_infer(c, loops, false);
}

static const char *quotient_run(Call *c) { return binary_run(c, quotient_loops(c), false); }

static Tensor *truncated(Tensor *a, Tensor *b) { return t_call("div", "xxc", a, b, 0); }

static void div_grad(Call *c, Tensor *const *gy, Tensor **gx) {
  Tensor *g = gy[0], *a = c->x[0], *b = c->x[1];
  bool rounded = attr_given(c, 0);
  if (c->want[0]) gx[0] = rounded ? t_muln(g, 0) : t_div(g, b);
  if (c->want[1]) gx[1] = rounded ? t_muln(g, 0) : t_neg(t_div(t_mul(g, t_div(a, b)), b));
}

/* ---- powers --------------------------------------------------------------------------------------- */

/* Integers stay integers: a number as their exponent is not negative. */
static void pow_infer(Call *c) {
  infer(c);
  if (dtype_is_float(c->dtype)) return;
  const Tensor *e = c->x[1];
  if (e->weak && t_get_int(e, 0) < 0) {
    t_fail("pow: an integer to the power %lld is a fraction; x:float() first",
           (long long)t_get_int(e, 0));
  }
}

/* A number as exponent may have a loop of its own. */
#define USUAL(exponent, name, f) {exponent, B_power_##name},
static const char *pow_run(Call *c) {
  static const struct {
    double exponent;
    int at;
  } usual[] = {POWERS(USUAL)};
  int at = B_pow;
  if (dtype_is_float(c->dtype) && c->x[1]->weak) {
    for (size_t i = 0; i < sizeof usual / sizeof *usual; i++) {
      if (t_get(c->x[1], 0) == usual[i].exponent) at = usual[i].at;
    }
  }
  return binary_run(c, SIMD_PICK(binary_loops)->at[at], false);
}

/* b a^(b-1), and 0 where b is 0. */
static Tensor *pow_dx(Tensor *g, Tensor *a, Tensor *b) {
  if (b->numel == 1 && b->weak) {
    double e = t_get(b, 0);
    if (e == 0) return t_muln(g, 0);
    if (e == 2) return t_mul(g, t_muln(a, 2));
    return t_mul(g, t_muln(t_pown(a, e - 1), e));
  }
  Tensor *d = t_mul(b, t_op2("pow", a, t_addn(b, -1)));
  return t_mul(g, t_where(t_eq(b, t_num(0)), t_num(0), d));
}

/* a^b log a, and 0 where a is 0 and b is not negative. */
static Tensor *pow_dy(Tensor *g, Tensor *a, Tensor *b, Tensor *y) {
  Tensor *zero = t_op2("logical_and", t_eq(a, t_num(0)), t_ge(b, t_num(0)));
  return t_mul(g, t_where(zero, t_num(0), t_mul(y, t_log(a))));
}

/* ---- gradients ------------------------------------------------------------------------------------ */

/* g where a > b, half of it where they are equal. */
static Tensor *won(Tensor *g, Tensor *a, Tensor *b) {
  Tensor *share =
      t_add(t_cast(t_gt(a, b), (DType)g->dtype), t_muln(t_cast(t_eq(a, b), (DType)g->dtype), 0.5));
  return t_mul(g, share);
}

/* Where fmax (order "ge") and fmin ("le") take a; b is passed over where it is NaN. */
static Tensor *takes_a(Tensor *a, Tensor *b, const char *order) {
  return t_op2("logical_or", t_op2(order, a, b), t_op1("isnan", b));
}
static Tensor *kept(Tensor *g, Tensor *a, Tensor *b, const char *order) {
  return t_where(takes_a(a, b, order), g, t_num(0));
}
static Tensor *lost(Tensor *g, Tensor *a, Tensor *b, const char *order) {
  return t_where(takes_a(a, b, order), t_num(0), g);
}

static Tensor *squares(Tensor *a, Tensor *b) { return t_add(t_square(a), t_square(b)); }

/* y / a, 0 where a is 0 */
static Tensor *ratio(Tensor *y, Tensor *a) {
  return t_where(t_eq(a, t_num(0)), t_num(0), t_div(y, a));
}

/* g log(b), 0 where a is 0 and b at most the logarithm's end. */
static Tensor *xlog_dx(Tensor *g, Tensor *a, Tensor *b, const char *log, double end) {
  Tensor *out = t_op2("logical_and", t_eq(a, t_num(0)), t_op2("le", b, t_num(end)));
  return t_mul(g, t_where(out, t_num(0), t_op1(log, b)));
}

#define GRAD(name, f, da, db, ...)            BINARY_GRAD(name, da, db)
WRAPPED(GRAD)
NUMBERS(GRAD)
#define QUOTIENT_GRAD(name, near, exact, ...) GRAD(name, exact, __VA_ARGS__)
QUOTIENTS(QUOTIENT_GRAD)
FLOATS(GRAD)
BINARY_GRAD(pow, pow_dx(g, a, b), pow_dy(g, a, b, y))

/* ---- the rows ------------------------------------------------------------------------------------- */

#define LINE(name, f, da, db, saves, inputs, value, text, ...)                                     \
  BINARY_ROW(B_##name, name, "", name##_grad, saves, inputs, value, text, __VA_ARGS__)
#define QUOTIENT(name, near, exact, da, db, saves, inputs, value, text, ...)                       \
  BINARY_ROW(B_##name, name, "", name##_grad, saves, inputs, value, text, .infer = quotient_infer, \
             .run = quotient_run, __VA_ARGS__)
#define WHOLE(name, f, value, text, ...)                                                           \
  BINARY_ROW(B_##name, name, "", NULL, 0, "{{ints(2,3), ints(3) * 2}}", value, text,               \
             .flags = OP_INPLACE | OP_CONST, __VA_ARGS__)

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Woverride-init" /* a line's own fields */
static Op rows[B_ROWS] = {
    WRAPPED(LINE) NUMBERS(LINE) QUOTIENTS(QUOTIENT) FLOATS(LINE) WHOLES(WHOLE)
        BINARY_ROW(B_div, div, ", rounding_mode: string{trunc|floor}?", div_grad, BOTH,
                   "{{randn(2,3), rand(3) + 0.5}, {randn(2,3), rand(3) + 0.5, \"floor\"}, "
                   "{ints(2,3) - 3, ints(3), \"trunc\"}}",
                   "reference.div(x, y, z)",
                   "x divided by y, in floats: integers become float32. With a rounding_mode the "
                   "quotient is rounded towards 0 or down, and integers stay; dividing them by 0 "
                   "is an error then.",
                   .infer = quotient_infer, .run = quotient_run, .aliases = "divide true_divide",
                   .example = "tensor{7, -7}:div(2, \"trunc\") --> int64 [2]   3  -3")
            BINARY_ROW(B_pow, pow, "", pow_grad, BOTH | SAVE_Y(0),
                       "{{rand(2,3) + 0.5, randn(3)}, {rand(2,3) + 0.5, 2}, {randn(2,3), 3}, "
                       "{ints(2,3) - 2, ints(3)}}",
                       "x ^ y",
                       "x to the power y. Integers stay integers: a negative number as their power "
                       "is an error, and of powers in a tensor the whole part remains.",
                       .infer = pow_infer, .run = pow_run,
                       .example = "tensor{2, 3}:pow(2) --> int64 [2]  4  9")};
#pragma GCC diagnostic pop

FAMILY(binary, rows);

#endif
