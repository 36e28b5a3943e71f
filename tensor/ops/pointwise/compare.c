/* Comparisons, logic and bits: pointwise ops of two tensors without gradients. Compiled once per SIMD
   level for the loops, once for the rows. A line is f(a, b), its reference and its documentation. */
#include "binary.h"

#define MASKS(ROW)                                                                                 \
  ROW(eq, a == b, "x == y", "Where x equals y: a mask.",                                           \
      .example = "tensor{1, 2}:eq(2) --> bool [2]  false   true")                                  \
  ROW(ne, a != b, "x ~= y", "Where x differs from y: a mask.", .aliases = "not_equal",             \
      .example = "tensor{1, 2}:ne(2) --> bool [2]  true  false")                                   \
  ROW(lt, a < b, "x < y", "Where x is less than y: a mask.", .aliases = "less",                    \
      .example = "tensor{1, 2, 3}:lt(2) --> bool [3]  true  false  false")                         \
  ROW(le, a <= b, "x <= y", "Where x is at most y: a mask.", .aliases = "less_equal",              \
      .example = "tensor{1, 2, 3}:le(2) --> bool [3]  true  true  false")                          \
  ROW(gt, a > b, "x > y", "Where x is greater than y: a mask.", .aliases = "greater",              \
      .example = "tensor{1, 2, 3}:gt(2) --> bool [3]  false  false  true")                         \
  ROW(ge, a >= b, "x >= y", "Where x is at least y: a mask.", .aliases = "greater_equal",          \
      .example = "tensor{1, 2, 3}:ge(2) --> bool [3]  false  true  true")                          \
  ROW(logical_and, (a != 0) & (b != 0), "x ~= 0 and y ~= 0", "Where both are not zero: a mask.",   \
      .example = "tensor{true, true, false}:logical_and(tensor{true, false, false}) --> bool [3] " \
                 " true  false  false")                                                            \
  ROW(logical_or, (a != 0) | (b != 0), "x ~= 0 or y ~= 0", "Where either is not zero: a mask.",    \
      .example = "tensor{true, true, false}:logical_or(tensor{true, false, false}) --> bool [3]  " \
                 "true  true  false")                                                              \
  ROW(logical_xor, (a != 0) != (b != 0), "(x ~= 0) ~= (y ~= 0)",                                   \
      "Where exactly one is not zero: a mask.",                                                    \
      .example = "tensor{true, true, false}:logical_xor(tensor{true, false, false}) --> bool [3] " \
                 " false  true  false")

#define BITS(ROW)                                                                                  \
  ROW(bitwise_and, a &b, "x & y", "Bits set in both; of masks, where both hold.",                  \
      .example = "tensor{12, 10}:bitwise_and(6) --> int64 [2]  4  2")                              \
  ROW(bitwise_or, a | b, "x | y", "Bits set in either; of masks, where either holds.",             \
      .example = "tensor{12, 10}:bitwise_or(3) --> int64 [2]  15  11")                             \
  ROW(bitwise_xor, a ^ b, "x ~ y", "Bits set in one only; of masks, where exactly one holds.",     \
      .example = "tensor{12, 10}:bitwise_xor(6) --> int64 [2]  10  12")

/* Of masks as integers. By the width or more all bits leave; a negative shift is one of those. */
#define SHIFTS(ROW)                                                                                \
  ROW(bitwise_left_shift, SHIFT(b) >= WIDTH(a) ? 0 : a << b, "x << y",                             \
      "Bits moved up by y places: x times 2^y, and 0 from the type's width on.",                   \
      .example = "tensor{1, 3}:bitwise_left_shift(2) --> int64 [2]   4  12")                       \
  ROW(bitwise_right_shift, a >> (SHIFT(b) >= WIDTH(a) ? WIDTH(a) - 1 : SHIFT(b)), "x // 2 ^ y",    \
      "Bits moved down by y places: x divided by 2^y, rounded down.",                              \
      .example = "tensor{8, 13}:bitwise_right_shift(2) --> int64 [2]  2  3")
#define SHIFT(b) ((uint64_t)(int64_t)(b))
#define WIDTH(a) (8 * sizeof(a))

/* Numbers: rtol, atol, equal_nan. */
#define NEAR(ROW)                                                                                  \
  ROW(isclose,                                                                                     \
      a == b || (C != 0 && a != a && b != b) ||                                                    \
          (fabs((double)a - b) <= A_LIMIT(A, B, b) && (double)a - b - ((double)a - b) == 0),       \
      "reference.isclose(x, y)",                                                                   \
      "Where |x - y| is at most atol + rtol |y|: a mask. With equal_nan NaN is close to NaN.",     \
      .example = "tensor{1.0, 2.0}:isclose(tensor{1.000001, 2.1}) --> bool [2]  true  false")
#define A_LIMIT(rtol, atol, b) (atol + fabs((double)rtol * b))

enum {
#define NAME(name, ...) C_##name,
  MASKS(NAME) NEAR(NAME) BITS(NAME) SHIFTS(NAME) C_LOOPS,
  C_allclose = C_LOOPS, /* composed */
  C_COUNT
#undef NAME
};

typedef struct CompareLoops {
  IterLoop at[C_LOOPS][T_F16];
} CompareLoops;
SIMD_FAMILY(CompareLoops, compare_loops);

#ifdef LEVEL

MASKS(MASK_PAIRS)
#define NEAR_PAIRS(name, f, ...)                                                                   \
  PAIR_LOOP(name, f32, float, uint8_t, f)                                                          \
  PAIR_LOOP(name, f64, double, uint8_t, f)
NEAR(NEAR_PAIRS)
BITS(WHOLE_PAIRS)
SHIFTS(WHOLE_PAIRS)

#define MASK_LINE(name, ...)  MASK_ENTRY(C_##name, name)
#define NEAR_LINE(name, ...)  FLOAT_ENTRY(C_##name, name)
#define BITS_LINE(name, ...)  BITS_ENTRY(C_##name, name)
#define WHOLE_LINE(name, ...) WHOLE_ENTRY(C_##name, name)
const CompareLoops AT_LEVEL(compare_loops) = {
    {MASKS(MASK_LINE) NEAR(NEAR_LINE) BITS(BITS_LINE) SHIFTS(WHOLE_LINE)}};

#else

static Op rows[C_COUNT];
BINARY_CALLS(compare_loops)
BINARY_MASK_CALLS

/* Attributes: rtol, atol, equal_nan. Integers are compared in float64. */
static void isclose_infer(Call *c) {
  double rtol = attr_float(c, 0, 0), atol = attr_float(c, 1, 0);
  if (!(rtol >= 0)) t_fail("%s: rtol is %g; it is 0 or more", call_name(c), rtol);
  if (!(atol >= 0)) t_fail("%s: atol is %g; it is 0 or more", call_name(c), atol);
  DType d = call_promote(c, 0, 2);
  int64_t shape[T_MAXDIM];
  int ndim = iter_broadcast(c, 0, 2, shape);
  c->dtype = d == T_F32 ? T_F32 : T_F64;
  call_out(c, 0, T_BOOL, ndim, shape);
}

static void allclose_compose(Call *c) {
  Call d;
  call_begin(&d, &rows[C_isclose]);
  for (int i = 0; i < 2; i++) d.x[i] = c->x[i];
  for (int i = 0; i < 3; i++) d.attr[i] = c->attr[i];
  op_apply(&d);
  c->y[0] = t_op1("all", d.y[0]);
}

#define MASK_ROW(name, f, value, text, ...)                                                        \
  BINARY_MASK_ROW(C_##name, name, "", PAIRS, value, text, __VA_ARGS__)
#define TOLERANCES ", rtol: float=1e-05, atol: float=1e-08, equal_nan: bool=false"
#define NEAR_ROW(name, f, value, text, ...)                                                        \
  BINARY_MASK_ROW(C_##name, name, TOLERANCES,                                                      \
                  "{{randn(2,3), randn(3)}, {rand(5), rand(5), 0.1, 0.3}}",                        \
                  "reference.isclose(x, y, z, w)", text, .infer = isclose_infer, __VA_ARGS__)
#define WHOLE_ROW(name, f, value, text, ...)                                                       \
  BINARY_ROW(C_##name, name, "", NULL, 0, "{{ints(2,3), ints(3)}}", value, text,                   \
             .flags = OP_INPLACE | OP_CONST, __VA_ARGS__)

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Woverride-init" /* a line's own fields */
static Op rows[C_COUNT] = {
    MASKS(MASK_ROW) NEAR(NEAR_ROW) BITS(WHOLE_ROW) SHIFTS(WHOLE_ROW)[C_allclose] = {
        .sig = "allclose(x: tensor, y: tensor" TOLERANCES ") -> mask: tensor",
        .doc = "Whether all elements are close, see isclose.",
        .example = "tensor{1, 2}:allclose(tensor{1, 2.000001}) --> true",
        .test = "{{randn(2,3), randn(3)}, {rand(5), rand(5), 1, 1}}",
        .ref = "reference.allclose",
        .flags = OP_CONST,
        .compose = allclose_compose}};
#pragma GCC diagnostic pop

FAMILY(compare, rows);

#endif
