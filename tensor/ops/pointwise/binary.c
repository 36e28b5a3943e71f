/* Pointwise ops of two tensors, broadcast. Compiled once per SIMD level for the loops, once for the
   rows.

   A line of the tables below is a whole op: f(a, b), the gradients for a and for b (g is the
   incoming gradient, y the output), and what they read. SUMS and NUMBERS compute in the common type, DIVIDES
   in floats, WHOLES in integers and bool, TESTS compare and give bool. */
#include "../../iter.h"
#include "../../kernels/vmath.h"
#include "../../simd.h"

#include <math.h>

#define BOTH (SAVE_X(0) | SAVE_X(1))

/* The larger, or NaN when one is. Written so that loops stay free of branches. */
#define LARGER(a, b)  (a > b || a != a ? a : b)
#define SMALLER(a, b) (a < b || a != a ? a : b)

/*   name   f(a, b)   gradient of a   gradient of b   saves   flags   test   reference   doc */
#define SUMS(ROW)                                                                                  \
  ROW(add, a + b, g, scaled(c, g), 0, 0, PAIRS, "x + y", "x + alpha y.")                           \
  ROW(sub, a - b, g, t_neg(scaled(c, g)), 0, 0, PAIRS, "x - y", "x - alpha y.")

#define NUMBERS(ROW)                                                                               \
  ROW(mul, a *b, t_mul(g, b), t_mul(g, a), BOTH, OP_CROSS, PAIRS, "x * y", "x times y.")           \
  ROW(maximum, LARGER(a, b), won(g, a, b), won(g, b, a), BOTH, 0, PAIRS, "math.max(x, y)",         \
      "The larger of x and y; NaN when either is. Where both are equal the gradient is halved.")   \
  ROW(minimum, SMALLER(a, b), won(g, b, a), won(g, a, b), BOTH, 0, PAIRS, "math.min(x, y)",        \
      "The smaller of x and y; NaN when either is. Where both are equal the gradient is halved.")  \
  ROW(relu_dx, b > 0 ? a : 0, t_op2("relu_dx", g, b), t_muln(g, 0), BOTH, OP_HIDDEN, PAIRS,        \
      "y > 0 and x or 0", "Gradient of relu from its output y: x where y > 0.")

/* Of integers rounded down, of floats the floor of the quotient; the remainder has y's sign. */
#define FLOORED(a, b)                                                                              \
  _Generic((a) + (b), float : floor_f32, double : floor_f64, default : floor_i)(a, b)
#define LEFT_OVER(a, b)                                                                            \
  _Generic((a) + (b), float : rest_f32, double : rest_f64, default : rest_i)(a, b)

#define QUOTIENTS(ROW)                                                                             \
  ROW(floor_divide, FLOORED(a, b), t_muln(g, 0), t_muln(g, 0), 0, 0,                               \
      "{{randn(2,3), rand(3) + 0.5}}", "x // y",                                                   \
      "x divided by y, rounded down. Integers divided by 0 are an error.")                         \
  ROW(remainder, LEFT_OVER(a, b), g, t_neg(t_mul(g, t_op2("floor_divide", a, b))), BOTH, 0,        \
      "{{randn(2,3), rand(3) + 0.5}}", "x % y",                                                    \
      "What floor_divide leaves, with the sign of y. Integers divided by 0 are an error.")

#define DIVIDES(ROW)                                                                               \
  ROW(div, a / b, t_div(g, b), t_neg(t_div(t_mul(g, t_div(a, b)), b)), BOTH, 0,                    \
      "{{randn(2,3), rand(3) + 0.5}}", "x / y",                                                    \
      "x divided by y, in floats: integers become float32.")                                       \
  ROW(pow, m_pow(a, b), pow_dx(g, a, b), pow_dy(g, a, b, y), BOTH | SAVE_Y(0), 0,                  \
      "{{rand(2,3) + 0.5, randn(3)}, {rand(2,3) + 0.5, 2}, {randn(2,3), 3}}", "x ^ y",             \
      "x to the power y, in floats.")                                                              \
  ROW(sigmoid_dx, a *b *(1 - b), t_op2("sigmoid_dx", g, b),                                        \
      t_mul(t_mul(g, a), t_rsubn(1, t_muln(b, 2))), BOTH, OP_HIDDEN, PAIRS, "x * y * (1 - y)",     \
      "Gradient of sigmoid from its output y.")                                                    \
  ROW(tanh_dx, a *(1 - b * b), t_op2("tanh_dx", g, b), t_muln(t_mul(t_mul(g, a), b), -2), BOTH,    \
      OP_HIDDEN, PAIRS, "x * (1 - y * y)", "Gradient of tanh from its output y.")

#define TESTS(ROW)                                                                                 \
  ROW(eq, a == b, "x == y", "Where x equals y: a mask.")                                           \
  ROW(ne, a != b, "x ~= y", "Where x differs from y: a mask.")                                     \
  ROW(lt, a < b, "x < y", "Where x is less than y: a mask.")                                       \
  ROW(le, a <= b, "x <= y", "Where x is at most y: a mask.")                                       \
  ROW(gt, a > b, "x > y", "Where x is greater than y: a mask.")                                    \
  ROW(ge, a >= b, "x >= y", "Where x is at least y: a mask.")                                      \
  ROW(logical_and, (a != 0) & (b != 0), "x ~= 0 and y ~= 0", "Where both are not zero: a mask.")   \
  ROW(logical_or, (a != 0) | (b != 0), "x ~= 0 or y ~= 0", "Where either is not zero: a mask.")    \
  ROW(logical_xor, (a != 0) != (b != 0), "(x ~= 0) ~= (y ~= 0)",                                   \
      "Where exactly one is not zero: a mask.")

#define WHOLES(ROW)                                                                                \
  ROW(bitwise_and, a &b, "x & y", "Bits set in both; of masks, where both hold.")                  \
  ROW(bitwise_or, a | b, "x | y", "Bits set in either; of masks, where either holds.")             \
  ROW(bitwise_xor, a ^ b, "x ~ y", "Bits set in one only; of masks, where exactly one holds.")

#define PAIRS "{{randn(2,3), randn(2,3)}, {randn(2,3), randn(3)}, {randn(2,1), randn(1,3)}}"

enum {
#define NAME(name, ...) B_##name,
  SUMS(NAME) NUMBERS(NAME) QUOTIENTS(NAME) DIVIDES(NAME) TESTS(NAME) WHOLES(NAME) B_COUNT
#undef NAME
};

typedef struct BinaryLoops {
  IterLoop at[B_COUNT][T_F16];
} BinaryLoops;
SIMD_FAMILY(BinaryLoops, binary_loops);

#ifdef LEVEL

#pragma GCC diagnostic ignored "-Wtype-limits" /* of uint8 */

static inline float floor_f32(float a, float b) { return floorf(a / b); }
static inline double floor_f64(double a, double b) { return floor(a / b); }
static inline int64_t floor_i(int64_t a, int64_t b) { /* b is not 0: infer looked */
  if (b == -1) return (int64_t)(0 - (uint64_t)a);
  int64_t q = a / b;
  return q - ((a % b != 0) & ((a < 0) != (b < 0)));
}
static inline float rest_f32(float a, float b) {
  float r = fmodf(a, b);
  return (r != 0) & ((r < 0) != (b < 0)) ? r + b : r;
}
static inline double rest_f64(double a, double b) {
  double r = fmod(a, b);
  return (r != 0) & ((r < 0) != (b < 0)) ? r + b : r;
}
static inline int64_t rest_i(int64_t a, int64_t b) {
  if (b == -1) return 0;
  int64_t r = a % b;
  return (r != 0) & ((r < 0) != (b < 0)) ? r + b : r;
}

#define LOOP(name, type, T, R, f)                                                                  \
  static void loop_##name##_##type(int64_t n, void *out, const void *const *in, const void *arg) { \
    (void)arg;                                                                                     \
    const T *p = in[0], *q = in[1];                                                                \
    R *o = out;                                                                                    \
    _Pragma("GCC ivdep") for (int64_t i = 0; i < n; i++) {                                         \
      const T a = p[i], b = q[i];                                                                  \
      o[i] = (R)(f);                                                                               \
    }                                                                                              \
  }
#define FLOAT_LOOPS(name, f, ...)                                                                  \
  LOOP(name, f32, float, float, f)                                                                 \
  LOOP(name, f64, double, double, f)
/* Sums and products of integers wrap around. */
#define NUMBER_LOOPS(name, f, ...)                                                                 \
  FLOAT_LOOPS(name, f)                                                                             \
  LOOP(name, i64, uint64_t, uint64_t, f)                                                           \
  LOOP(name, i32, uint32_t, uint32_t, f)                                                           \
  LOOP(name, u8, uint8_t, uint8_t, f)                                                              \
  LOOP(name, b, uint8_t, uint8_t, (f) != 0)
#define TEST_LOOPS(name, f, ...)                                                                   \
  LOOP(name, f32, float, uint8_t, f)                                                               \
  LOOP(name, f64, double, uint8_t, f)                                                              \
  LOOP(name, i64, int64_t, uint8_t, f)                                                             \
  LOOP(name, i32, int32_t, uint8_t, f)                                                             \
  LOOP(name, u8, uint8_t, uint8_t, f)
#define WHOLE_LOOPS(name, f, ...)                                                                  \
  LOOP(name, i64, int64_t, int64_t, f)                                                             \
  LOOP(name, i32, int32_t, int32_t, f)                                                             \
  LOOP(name, u8, uint8_t, uint8_t, f)
SUMS(NUMBER_LOOPS)
NUMBERS(NUMBER_LOOPS)
#define QUOTIENT_LOOPS(name, f, ...)                                                               \
  FLOAT_LOOPS(name, f)                                                                             \
  WHOLE_LOOPS(name, f)
QUOTIENTS(QUOTIENT_LOOPS)
DIVIDES(FLOAT_LOOPS)
TESTS(TEST_LOOPS)
WHOLES(WHOLE_LOOPS)

/* Order of signed integers is not that of their bits. */
#define SIGNED_LOOPS(name, f)                                                                      \
  LOOP(name, i64s, int64_t, int64_t, f)                                                            \
  LOOP(name, i32s, int32_t, int32_t, f)
SIGNED_LOOPS(maximum, a > b ? a : b)
SIGNED_LOOPS(minimum, a < b ? a : b)
SIGNED_LOOPS(relu_dx, b > 0 ? a : 0)

#define NUMBER_ENTRY(name, ...)                                                                    \
  [B_##name] = {loop_##name##_f32, loop_##name##_f64, loop_##name##_i64,                           \
                loop_##name##_i32, loop_##name##_u8,  loop_##name##_b},
#define FLOAT_ENTRY(name, ...) [B_##name] = {loop_##name##_f32, loop_##name##_f64},
#define QUOTIENT_ENTRY(name, ...)                                                                  \
  [B_##name] = {loop_##name##_f32, loop_##name##_f64, loop_##name##_i64, loop_##name##_i32,        \
                loop_##name##_u8},
#define TEST_ENTRY(name, ...)                                                                      \
  [B_##name] = {loop_##name##_f32, loop_##name##_f64, loop_##name##_i64,                           \
                loop_##name##_i32, loop_##name##_u8,  loop_##name##_u8},
#define WHOLE_ENTRY(name, ...)                                                                     \
  [B_##name] = {                                                                                   \
      NULL, NULL, loop_##name##_i64, loop_##name##_i32, loop_##name##_u8, loop_##name##_u8},
#define SIGNED_ENTRY(name)                                                                         \
  [B_##name] = {loop_##name##_f32,  loop_##name##_f64, loop_##name##_i64s,                         \
                loop_##name##_i32s, loop_##name##_u8,  loop_##name##_b},
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Woverride-init"
const BinaryLoops AT_LEVEL(binary_loops) = {
    {SUMS(NUMBER_ENTRY) NUMBERS(NUMBER_ENTRY) QUOTIENTS(QUOTIENT_ENTRY) DIVIDES(FLOAT_ENTRY)
         TESTS(TEST_ENTRY) WHOLES(WHOLE_ENTRY) SIGNED_ENTRY(maximum) SIGNED_ENTRY(minimum)
             SIGNED_ENTRY(relu_dx)}};
#pragma GCC diagnostic pop

#else

#include "../../calc.h"
#include "../../cast.h"
#include "../../tape.h"

static Op rows[B_COUNT];

static bool is_test(int k) { return k >= B_eq && k <= B_logical_xor; }

/* The type the loop computes in. */
static DType computed(Call *c, int k) {
  DType d = call_promote(c, 0, 2);
  if (SIMD_PICK(binary_loops)->at[k][d]) return d;
  if (d == T_BOOL && (k == B_floor_divide || k == B_remainder)) return T_I64;
  if (dtype_is_float(d)) {
    t_fail("%s: works on integers and masks, not on %s", call_name(c), dtype_name(d));
  }
  return T_F32;
}

static void refuse_zeros(Call *c) {
  const Tensor *y = cast_copy(c->x[1], T_I64);
  for (int64_t i = 0; i < y->numel; i++) {
    if (t_i64(y)[i] != 0) continue;
    t_fail("%s: integer division by 0 (element %lld); x:float() divides to inf", call_name(c),
           (long long)i + 1);
  }
}

static void infer(Call *c) {
  int k = (int)(c->op - rows);
  DType d = c->dtype = computed(c, k);
  if (k <= B_sub && attr_float(c, 0, 1) != 1) {
    bool was = tape_on;
    tape_on = false;
    c->x[1] = t_mul(c->x[1], t_num(attr_float(c, 0, 1)));
    tape_on = was;
  }
  if ((k == B_floor_divide || k == B_remainder) && !dtype_is_float(d)) refuse_zeros(c);
  int64_t shape[T_MAXDIM];
  int ndim = iter_broadcast(c, 0, 2, shape);
  call_out(c, 0, is_test(k) ? T_BOOL : d, ndim, shape);
}

static const char *run(Call *c) {
  int k = (int)(c->op - rows);
  DType d = c->dtype;
  iter_map(SIMD_PICK(binary_loops)->at[k][d], NULL, c->y[0], is_test(k) ? T_BOOL : d, 2, c->x, d);
  return NULL;
}

static Tensor *scaled(Call *c, Tensor *g) {
  double alpha = attr_float(c, 0, 1);
  return alpha == 1 ? g : t_muln(g, alpha);
}

/* g where a > b, half of it where they are equal. */
static Tensor *won(Tensor *g, Tensor *a, Tensor *b) {
  Tensor *share =
      t_add(t_cast(t_gt(a, b), (DType)g->dtype), t_muln(t_cast(t_eq(a, b), (DType)g->dtype), 0.5));
  return t_mul(g, share);
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

#define GRAD(name, f, da, db, ...)                                                                 \
  static void name##_grad(Call *c, Tensor *const *gy, Tensor **gx) {                               \
    Tensor *g = gy[0], *a = c->x[0], *b = c->x[1], *y = c->y[0];                                   \
    (void)a, (void)b, (void)y;                                                                     \
    if (c->want[0]) gx[0] = da;                                                                    \
    if (c->want[1]) gx[1] = db;                                                                    \
  }
SUMS(GRAD)
NUMBERS(GRAD)
QUOTIENTS(GRAD)
DIVIDES(GRAD)

#define SUM_ROW(name, ...) ROW_AS(name, ", alpha: scalar=1", __VA_ARGS__)
#define ROW(name, ...)     ROW_AS(name, "", __VA_ARGS__)
#define ROW_AS(name, extra, f, da, db, saves, more, inputs, value, text)                           \
  [B_##name] = {.sig = #name "(x: tensor, y: tensor" extra ") -> z: tensor",                       \
                .doc = text,                                                                       \
                .test = inputs,                                                                    \
                .ref = "each: " value,                                                             \
                .flags = OP_INPLACE | (more),                                                      \
                .save = saves,                                                                     \
                .infer = infer,                                                                    \
                .run = run,                                                                        \
                .grad = name##_grad},
#define TEST_ROW(name, f, value, text)                                                             \
  [B_##name] = {.sig = #name "(x: tensor, y: tensor) -> mask: tensor",                             \
                .doc = text,                                                                       \
                .test = PAIRS,                                                                     \
                .ref = "each: " value,                                                             \
                .flags = OP_CONST | OP_INPLACE,                                                    \
                .infer = infer,                                                                    \
                .run = run},
#define WHOLE_ROW(name, f, value, text)                                                            \
  [B_##name] = {.sig = #name "(x: tensor, y: tensor) -> z: tensor",                                \
                .doc = text,                                                                       \
                .test = "{{ints(2,3), ints(3)}}",                                                  \
                .ref = "each: " value,                                                             \
                .flags = OP_CONST | OP_INPLACE,                                                    \
                .infer = infer,                                                                    \
                .run = run},

static Op rows[B_COUNT] = {SUMS(SUM_ROW) NUMBERS(ROW) QUOTIENTS(ROW) DIVIDES(ROW) TESTS(TEST_ROW)
                               WHOLES(WHOLE_ROW)};

FAMILY(binary, rows);

#endif
