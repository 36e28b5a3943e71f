/* Special functions of two numbers: orthogonal polynomials, incomplete gamma functions, Hurwitz's zeta
   function. Compiled once per SIMD level for the loops, once for the rows; see binary.c for the meaning
   of a line. All compute in floats, and stand in the namespace special. */
#include "binary.h"

#define DEGREE_DOC " n is 0 or more, else the value is 0; above a million it is NaN. No gradient."

/*   name   its function   value for x, n   what is shown for degree 3 at 1 and 2   doc */
#define POLYNOMIALS(ROW)                                                                           \
  ROW(chebyshev_polynomial_t, chebyshev_t, "reference.chebyshev(x, y, 0)", " 1.0  26.0",           \
      "Chebyshev's polynomial of the first kind, cos(n acos(x)), at x.")                           \
  ROW(chebyshev_polynomial_u, chebyshev_u, "reference.chebyshev(x, y, 1)", " 4.0  56.0",           \
      "Chebyshev's polynomial of the second kind at x: with t = acos(x), sin((n+1) t) / sin(t).")  \
  ROW(chebyshev_polynomial_v, chebyshev_v,                                                         \
      "reference.chebyshev(x, y, 1) - reference.chebyshev(x, y - 1, 1)", " 1.0  41.0",             \
      "Chebyshev's polynomial of the third kind at x: with t = acos(x), cos((n+1/2) t) / "         \
      "cos(t/2).")                                                                                 \
  ROW(chebyshev_polynomial_w, chebyshev_w,                                                         \
      "reference.chebyshev(x, y, 1) + reference.chebyshev(x, y - 1, 1)", " 7.0  71.0",             \
      "Chebyshev's polynomial of the fourth kind at x: with t = acos(x), sin((n+1/2) t) / "        \
      "sin(t/2).")                                                                                 \
  ROW(shifted_chebyshev_polynomial_t, shifted_t, "reference.chebyshev(2 * x - 1, y, 0)",           \
      " 1.0  99.0", "special.chebyshev_polynomial_t at 2 x - 1.")                                  \
  ROW(shifted_chebyshev_polynomial_u, shifted_u, "reference.chebyshev(2 * x - 1, y, 1)",           \
      "  4.0  204.0", "special.chebyshev_polynomial_u at 2 x - 1.")                                \
  ROW(shifted_chebyshev_polynomial_v, shifted_v,                                                   \
      "reference.chebyshev(2 * x - 1, y, 1) - reference.chebyshev(2 * x - 1, y - 1, 1)",           \
      "  1.0  169.0", "special.chebyshev_polynomial_v at 2 x - 1.")                                \
  ROW(shifted_chebyshev_polynomial_w, shifted_w,                                                   \
      "reference.chebyshev(2 * x - 1, y, 1) + reference.chebyshev(2 * x - 1, y - 1, 1)",           \
      "  7.0  239.0", "special.chebyshev_polynomial_w at 2 x - 1.")                                \
  ROW(hermite_polynomial_h, hermite_h, "2 ^ (y / 2) * reference.hermite(x * 2 ^ 0.5, y)",          \
      "-4.0  40.0", "The physicists' Hermite polynomial at x.")                                    \
  ROW(hermite_polynomial_he, hermite_he, "reference.hermite(x, y)", "-2.0   2.0",                  \
      "The probabilists' Hermite polynomial at x.")                                                \
  ROW(laguerre_polynomial_l, laguerre_l, "reference.laguerre(x, y)", "-0.6667  -0.3333",           \
      "Laguerre's polynomial at x.")                                                               \
  ROW(legendre_polynomial_p, legendre_p, "reference.legendre(x, y)", " 1.0  17.0",                 \
      "Legendre's polynomial at x.")

enum {
#define NAME(name, ...) P_##name,
  POLYNOMIALS(NAME) P_igamma,
  P_igammac,
  P_zeta,
  P_COUNT
#undef NAME
};

typedef struct SpecialPairs {
  IterLoop at[P_COUNT][T_F16];
} SpecialPairs;
SIMD_FAMILY(SpecialPairs, special_pairs);

#ifdef LEVEL

#include "../../kernels/math/incomplete.h"
#include "../../kernels/math/polynomials.h"

#define OF_PAIRS(name, f)                                                                          \
  PAIR_LOOP(name, f32, float, float, f##_f32(a, b))                                                \
  PAIR_LOOP(name, f64, double, double, f##_f64(a, b))
#define POLYNOMIAL_PAIRS(name, f, ...) OF_PAIRS(name, f)
POLYNOMIALS(POLYNOMIAL_PAIRS)
OF_PAIRS(igamma, igamma)
OF_PAIRS(igammac, igammac)
OF_PAIRS(zeta, zeta)

#define ENTRY(name, ...) FLOAT_ENTRY(P_##name, name)
const SpecialPairs AT_LEVEL(special_pairs) = {
    {POLYNOMIALS(ENTRY) ENTRY(igamma) ENTRY(igammac) ENTRY(zeta)}};

#else

static Op rows[P_COUNT];
BINARY_CALLS(special_pairs)

/* x^(a-1) exp(-x) / gamma(a) */
static Tensor *density(Tensor *a, Tensor *x) {
  Tensor *log = t_sub(t_op2("xlogy", t_addn(a, -1), x), t_add(x, t_op1("lgamma", a)));
  return t_exp(log);
}

static void only_by_second(const Call *c, const char *first) {
  if (c->want[0]) {
    t_fail("%s: there is no derivative by %s; detach it, or call in tensor.no_grad", call_name(c),
           first);
  }
}

static void igamma_grad(Call *c, Tensor *const *gy, Tensor **gx) {
  only_by_second(c, "a");
  gx[1] = t_mul(gy[0], density(c->x[0], c->x[1]));
}

static void igammac_grad(Call *c, Tensor *const *gy, Tensor **gx) {
  only_by_second(c, "a");
  gx[1] = t_neg(t_mul(gy[0], density(c->x[0], c->x[1])));
}

/* -s zeta(s + 1, q) */
static void zeta_grad(Call *c, Tensor *const *gy, Tensor **gx) {
  only_by_second(c, "s");
  Tensor *s = c->x[0];
  gx[1] = t_neg(t_mul(gy[0], t_mul(s, t_op2("special.zeta", t_addn(s, 1), c->x[1]))));
}

#define POLYNOMIAL(name, f, value, shown, text)                                                    \
  [P_##                                                                                            \
      name] = {.sig = "special." #name "(x: tensor, n: tensor) -> y: tensor",                      \
               .doc = text DEGREE_DOC,                                                             \
               .example = "tensor.special." #name "(tensor{1.0, 2.0}, 3) --> float32 [2]  " shown, \
               .test = "{{randn(2,3), 3}, {randn(2,3), ints(3)}, {randn(3), 0}}",                  \
               .ref = "each: " value,                                                              \
               .flags = OP_CONST,                                                                  \
               .infer = infer,                                                                     \
               .run = run},
#define SECOND(name, params, inputs, value, text, ...)                                             \
  [P_##name] = {.sig = params " -> y: tensor",                                                     \
                .doc = text,                                                                       \
                .test = inputs,                                                                    \
                .ref = "each: " value,                                                             \
                .save = SAVE_X(0) | SAVE_X(1),                                                     \
                .infer = infer,                                                                    \
                .run = run,                                                                        \
                .grad = name##_grad,                                                               \
                __VA_ARGS__},

static Op rows[P_COUNT] = {
    POLYNOMIALS(POLYNOMIAL) SECOND(
        igamma, "special.gammainc(a: tensor, x: tensor)",
        "{{2.5, rand(2,3) * 5 + 0.1}, {1.5, rand(4) * 3 + 3}}", "reference.gammainc(x, y)",
        "The lower incomplete gamma function, regularised: the integral of t^(a-1) exp(-t) from 0 "
        "to x, over gamma(a). NaN for negative a or x. The gradient is by x only.",
        .aliases = "igamma",
        .example = "tensor.special.gammainc(1, tensor{0, 1}) --> float32 [2]  0.0000  0.6321")
        SECOND(
            igammac, "special.gammaincc(a: tensor, x: tensor)",
            "{{2.5, rand(2,3) * 5 + 0.1}, {1.5, rand(4) * 3 + 3}}", "1 - reference.gammainc(x, y)",
            "1 - special.gammainc(a, x), exact where that is small. The gradient is by x only.",
            .aliases = "igammac",
            .example = "tensor.special.gammaincc(1, tensor{0, 1}) --> float32 [2]  1.0000  0.3679")
            SECOND(zeta, "special.zeta(s: tensor, q: tensor)",
                   "{{2.5, rand(2,3) * 3 + 0.5}, {4, rand(4) + 0.5}}", "reference.zeta(x, y)",
                   "Hurwitz's zeta function: the sum of (q + k)^-s over k = 0, 1, 2, ...; infinite "
                   "for s = 1 and where a term is, NaN for smaller s. The gradient is by q only.",
                   .example = "tensor.special.zeta(2, tensor{1}) --> float32 [1]  1.6449")};

FAMILY_PART(special, special_pairs, rows);

#endif
