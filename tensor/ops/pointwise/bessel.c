/* Bessel functions and Airy's. Compiled once per SIMD level for the loops, once for the rows; see
   unary.c for the meaning of a line. All compute in floats. */
#include "unary.h"

#define FLOATS(ROW)                                                                                \
  ROW(i0, m_i0(x), t_mul(g, t_op1("special.i1", x)), SAVE_X(0), "randn(2,3)",                      \
      "reference.bessel(x, 0)", "Modified Bessel function of the first kind, order 0.",            \
      .aliases = "special.i0 special.modified_bessel_i0",                                          \
      .example = "tensor{0, 1}:i0() --> float32 [2]  1.0000  1.2661")

/* In the namespace special. */
#define SPACED(ROW)                                                                                \
  ROW(i1, m_i1(x), t_mul(g, i1_slope(x, y)), SAVE_X(0) | SAVE_Y(0), "randn(2,3)",                  \
      "reference.bessel(x, 1)", "Modified Bessel function of the first kind, order 1.",            \
      .aliases = "special.modified_bessel_i1",                                                     \
      .example = "tensor.special.i1(tensor{0, 1}) --> float32 [2]  0.0000  0.5652")                \
  ROW(i0e, m_i0e(x), t_mul(g, t_sub(t_op1("special.i1e", x), t_mul(t_sign(x), y))),                \
      SAVE_X(0) | SAVE_Y(0), "randn(2,3)", "math.exp(-math.abs(x)) * reference.bessel(x, 0)",      \
      "exp(-|x|) i0(x), which does not overflow.",                                                 \
      .example = "tensor.special.i0e(tensor{0, 1}) --> float32 [2]  1.0000  0.4658")               \
  ROW(i1e, m_i1e(x), t_mul(g, i1e_slope(x, y)), SAVE_X(0) | SAVE_Y(0), "randn(2,3)",               \
      "math.exp(-math.abs(x)) * reference.bessel(x, 1)",                                           \
      "exp(-|x|) i1(x), which does not overflow.",                                                 \
      .example = "tensor.special.i1e(tensor{0, 1}) --> float32 [2]  0.0000  0.2079")               \
  ROW(bessel_j0, PICK(bessel_j0, x), t_neg(t_mul(g, t_op1("special.bessel_j1", x))), SAVE_X(0),    \
      "randn(2,3) * 4", "reference.bessel_j(x, 0)", "Bessel function of the first kind, order 0.", \
      .example = "tensor.special.bessel_j0(tensor{0, 1}) --> float32 [2]  1.0000  0.7652")         \
  ROW(bessel_j1, PICK(bessel_j1, x),                                                               \
      t_mul(g, t_sub(t_op1("special.bessel_j0", x), ratio_at(x, y))), SAVE_X(0) | SAVE_Y(0),       \
      "randn(2,3) * 4", "reference.bessel_j(x, 1)", "Bessel function of the first kind, order 1.", \
      .example = "tensor.special.bessel_j1(tensor{0, 1}) --> float32 [2]  0.0000  0.4401")         \
  ROW(bessel_y0, PICK(bessel_y0, x), t_neg(t_mul(g, t_op1("special.bessel_y1", x))), SAVE_X(0),    \
      "rand(2,3) * 5 + 0.4", "reference.bessel_y(x, 0)",                                           \
      "Bessel function of the second kind, order 0. -infinity at 0, NaN below.",                   \
      .example = "tensor.special.bessel_y0(tensor{1, 2}) --> float32 [2]  0.0883  0.5104")         \
  ROW(bessel_y1, PICK(bessel_y1, x), t_mul(g, t_sub(t_op1("special.bessel_y0", x), t_div(y, x))),  \
      SAVE_X(0) | SAVE_Y(0), "rand(2,3) * 5 + 0.4", "reference.bessel_y(x, 1)",                    \
      "Bessel function of the second kind, order 1. -infinity at 0, NaN below.",                   \
      .example = "tensor.special.bessel_y1(tensor{1, 2}) --> float32 [2]  -0.7812  -0.1070")       \
  ROW(modified_bessel_k0, PICK(bessel_k0, x),                                                      \
      t_neg(t_mul(g, t_op1("special.modified_bessel_k1", x))), SAVE_X(0), "rand(2,3) * 3 + 0.2",   \
      "reference.bessel_k(x, 0)",                                                                  \
      "Modified Bessel function of the second kind, order 0. Infinite at 0, NaN below.",           \
      .example =                                                                                   \
          "tensor.special.modified_bessel_k0(tensor{1, 2}) --> float32 [2]  0.4210  0.1139")       \
  ROW(modified_bessel_k1, PICK(bessel_k1, x),                                                      \
      t_neg(t_mul(g, t_add(t_op1("special.modified_bessel_k0", x), t_div(y, x)))),                 \
      SAVE_X(0) | SAVE_Y(0), "rand(2,3) * 3 + 0.2", "reference.bessel_k(x, 1)",                    \
      "Modified Bessel function of the second kind, order 1. Infinite at 0, NaN below.",           \
      .example =                                                                                   \
          "tensor.special.modified_bessel_k1(tensor{1, 2}) --> float32 [2]  0.6019  0.1399")       \
  ROW(scaled_modified_bessel_k0, PICK(bessel_k0e, x),                                              \
      t_mul(g, t_sub(y, t_op1("special.scaled_modified_bessel_k1", x))), SAVE_X(0) | SAVE_Y(0),    \
      "rand(2,3) * 3 + 0.2", "math.exp(x) * reference.bessel_k(x, 0)",                             \
      "exp(x) special.modified_bessel_k0(x), which does not vanish.",                              \
      .example = "tensor.special.scaled_modified_bessel_k0(tensor{1, 2}) --> float32 [2]  1.1445 " \
                 " 0.8416")                                                                        \
  ROW(scaled_modified_bessel_k1, PICK(bessel_k1e, x),                                              \
      t_mul(g, t_sub(y, t_add(t_op1("special.scaled_modified_bessel_k0", x), t_div(y, x)))),       \
      SAVE_X(0) | SAVE_Y(0), "rand(2,3) * 3 + 0.2", "math.exp(x) * reference.bessel_k(x, 1)",      \
      "exp(x) special.modified_bessel_k1(x), which does not vanish.",                              \
      .example = "tensor.special.scaled_modified_bessel_k1(tensor{1, 2}) --> float32 [2]  1.6362 " \
                 " 1.0335")                                                                        \
  ROW(spherical_bessel_j0, PICK(spherical_j0, x), t_mul(g, over(t_sub(t_op1("cos", x), y), x)),    \
      SAVE_X(0) | SAVE_Y(0), "randn(2,3) * 2", "math.sin(x) / x",                                  \
      "sin(x) / x, the spherical Bessel function of order 0; 1 at 0.",                             \
      .example =                                                                                   \
          "tensor.special.spherical_bessel_j0(tensor{0, 1}) --> float32 [2]  1.0000  0.8415")      \
  ROW(airy_ai, PICK(airy_ai, x), NULL, 0, "randn(2,3) * 2, }, {randn(4) * 3", "reference.airy(x)", \
      "Airy's function Ai: y'' = x y, falling above 0. It has no gradient.", .flags = OP_CONST,    \
      .example = "tensor.special.airy_ai(tensor{0, 1}) --> float32 [2]  0.3550  0.1353")

enum {
#define NAME(name, ...) S_##name,
  FLOATS(NAME) SPACED(NAME) S_COUNT
#undef NAME
};

typedef struct BesselLoops {
  IterLoop at[S_COUNT][T_F16];
} BesselLoops;
SIMD_FAMILY(BesselLoops, bessel_loops);

#ifdef LEVEL

#include "../../kernels/math/cylinders.h"

#define PICK(name, x) VMATH_PICK(name##_f32, name##_f64, x)
FLOATS(FLOAT_LOOPS)
SPACED(FLOAT_LOOPS)
#define FLOAT_LINE(name, ...) FLOAT_ENTRY(S_##name, name)
const BesselLoops AT_LEVEL(bessel_loops) = {{FLOATS(FLOAT_LINE) SPACED(FLOAT_LINE)}};

#else

static Op rows[S_COUNT];
UNARY_CALLS(bessel_loops)

/* y / x where y goes like `slope` times x at 0. */
static Tensor *quotient(Tensor *y, Tensor *x, double slope) {
  Tensor *at_0 = t_eq(x, t_num(0));
  return t_where(at_0, t_num(slope), t_div(y, t_where(at_0, t_num(1), x)));
}
static Tensor *ratio_at(Tensor *x, Tensor *y) { return quotient(y, x, 0.5); }
static Tensor *over(Tensor *y, Tensor *x) { return quotient(y, x, 0); }

static Tensor *i1_slope(Tensor *x, Tensor *y) { return t_sub(t_op1("i0", x), ratio_at(x, y)); }

static Tensor *i1e_slope(Tensor *x, Tensor *y) {
  return t_sub(t_op1("special.i0e", x), t_add(t_mul(t_sign(x), y), ratio_at(x, y)));
}

#define GRAD(name, f, gradient, ...) UNARY_GRAD(name, gradient)
FLOATS(GRAD)
SPACED(GRAD)

#define LINE(name, f, gradient, saves, inputs, value, text, ...)                                   \
  UNARY_ROW(S_##name, name, "", name##_grad, saves, "{{" inputs "}}", value, text, __VA_ARGS__)
#define SPACED_LINE(name, f, gradient, saves, inputs, value, text, ...)                            \
  LINE(name, f, gradient, saves, inputs, value, text,                                              \
       .sig = "special." #name "(x: tensor) -> y: tensor", .flags = 0, __VA_ARGS__)
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Woverride-init" /* a line's own fields */
static Op rows[S_COUNT] = {FLOATS(LINE) SPACED(SPACED_LINE)};
#pragma GCC diagnostic pop

FAMILY_PART(special, bessel, rows);

#endif
