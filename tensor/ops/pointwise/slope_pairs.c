/* Gradients of activations as ops of two tensors, and prelu's value for weights that broadcast. All are
   the inside of other ops. Compiled once per SIMD level for the loops, once for the rows; see binary.c
   for the meaning of a line. All compute in floats. */
#include "binary.h"

/*   name   f(a, b)   gradient of a   gradient of b   reference   doc */
#define FLOATS(ROW)                                                                                \
  ROW(relu_dx, b > 0 ? a : 0, t_op2("relu_dx", g, b), t_muln(g, 0), "y > 0 and x or 0",            \
      "Gradient of relu from its output y: x where y > 0.")                                        \
  ROW(sigmoid_dx, a *b *(1 - b), t_op2("sigmoid_dx", g, b),                                        \
      t_mul(t_mul(g, a), t_rsubn(1, t_muln(b, 2))), "x * y * (1 - y)",                             \
      "Gradient of sigmoid from its output y.")                                                    \
  ROW(tanh_dx, a *(1 - b * b), t_op2("tanh_dx", g, b), t_muln(t_mul(t_mul(g, a), b), -2),          \
      "x * (1 - y * y)", "Gradient of tanh from its output y.")                                    \
  ROW(prelu_pair, a > 0 ? a : a * b, t_op3("prelu_dx", g, a, b), t_op2("prelu_dw", g, a),          \
      "x > 0 and x or x * y", "x where it is positive, y x elsewhere.")                            \
  ROW(prelu_dw, b > 0 ? 0 : a * b, t_op2("prelu_dw", g, b), negative_part(g, a, b),                \
      "y > 0 and 0 or x * y",                                                                      \
      "Gradient of prelu_pair's slope from its input y: x y where y is "                           \
      "not positive.")

enum {
#define NAME(name, ...) S_##name,
  FLOATS(NAME) S_COUNT
#undef NAME
};

typedef struct SlopePairs {
  IterLoop at[S_COUNT][T_F16];
} SlopePairs;
SIMD_FAMILY(SlopePairs, slope_pairs);

#ifdef LEVEL

FLOATS(FLOAT_PAIRS)
#define LINE(name, ...) FLOAT_ENTRY(S_##name, name)
const SlopePairs AT_LEVEL(slope_pairs) = {{FLOATS(LINE)}};

#else

#include "../../expect.h"

static Op rows[S_COUNT];
BINARY_CALLS(slope_pairs)

/* g a where x is not positive. */
static Tensor *negative_part(Tensor *g, Tensor *a, Tensor *x) {
  return t_where(t_gt(x, t_num(0)), t_num(0), t_mul(g, a));
}

#define GRAD(name, f, da, db, ...) BINARY_GRAD(name, da, db)
FLOATS(GRAD)

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Woverride-init" /* a line's own fields */
#define LINE(name, f, da, db, value, text)                                                         \
  BINARY_ROW(S_##name, name, "", name##_grad, SAVE_X(0) | SAVE_X(1), PAIRS, value, text,           \
             .flags = OP_HIDDEN, .expects = expect_no_more)
static Op rows[S_COUNT] = {FLOATS(LINE)};
#pragma GCC diagnostic pop

FAMILY_PART(binary, slope_pairs, rows);

#endif
