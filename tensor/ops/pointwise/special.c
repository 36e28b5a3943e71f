/* Special functions: of the error, of factorials; Bessel's stand in bessel.c. Compiled once per SIMD level for the
   loops, once for the rows; see unary.c for the meaning of a line. All compute in floats. What
   PyTorch has in torch.special alone stands in the namespace special; the others have a name there
   too. */
#include "unary.h"

/* These have a formula without branches above 0. */
#define GAMMAS(ROW)                                                                                \
  ROW(lgamma, m_lgamma(x), t_mul(g, t_op1("digamma", x)), SAVE_X(0),                               \
      "rand(2,3) * 5 + 0.1, }, {-rand(4) * 0.8 - 0.1", "reference.lgamma(x)",                      \
      "Logarithm of the absolute value of the gamma function.", .aliases = "special.gammaln",      \
      .example = "tensor{5}:lgamma():exp() --> float32 [1]  24.0")                                 \
  ROW(digamma, m_digamma(x), t_mul(g, polygamma(1, x)), SAVE_X(0),                                 \
      "rand(2,3) * 5 + 0.1, }, {-rand(4) * 0.8 - 0.1", "reference.digamma(x)",                     \
      "Slope of lgamma. NaN at negative whole numbers, -infinity at 0.",                           \
      .aliases = "special.digamma special.psi",                                                    \
      .example = "tensor{1, 2}:digamma() --> float32 [2]  -0.5772  0.4228")

#define FLOATS(ROW)                                                                                \
  ROW(erf, m_erf(x), bell(g, x, M_2_SQRTPI), SAVE_X(0), "randn(2,3)", "reference.erf(x)",          \
      "Error function.", .aliases = "special.erf",                                                 \
      .example = "tensor{0, 1}:erf() --> float32 [2]  0.0000  0.8427")                             \
  ROW(erfc, m_erfc(x), bell(g, x, -M_2_SQRTPI), SAVE_X(0), "randn(2,3)", "1 - reference.erf(x)",   \
      "1 - erf(x), exact where that is small.", .aliases = "special.erfc",                         \
      .example = "tensor{0, 1}:erfc() --> float32 [2]  1.0000  0.1573")                            \
  ROW(erfinv, m_erfinv(x), t_mul(g, t_muln(t_exp(t_square(y)), 1 / M_2_SQRTPI)), SAVE_Y(0),        \
      "rand(2,3) * 1.8 - 0.9", "reference.erfinv(x)",                                              \
      "Inverse of erf; infinite at -1 and 1, NaN outside.", .aliases = "special.erfinv",           \
      .example = "tensor{0, 0.5}:erfinv() --> float32 [2]  0.0000  0.4769")

/* In the namespace special. */
#define SPACED(ROW)                                                                                \
  ROW(erfcx, m_erfcx(x), t_mul(g, t_addn(t_muln(t_mul(x, y), 2), -M_2_SQRTPI)),                    \
      SAVE_X(0) | SAVE_Y(0), "randn(2,3)", "math.exp(x * x) * (1 - reference.erf(x))",             \
      "exp(x^2) erfc(x), the scaled complementary error function.",                                \
      .example = "tensor.special.erfcx(tensor{0, 1}) --> float32 [2]  1.0000  0.4276")             \
  ROW(ndtr, m_ndtr(x), bell(g, t_muln(x, M_SQRT1_2), 0.5 * M_2_SQRTPI * M_SQRT1_2), SAVE_X(0),     \
      "randn(2,3)", "0.5 * (1 + reference.erf(x / math.sqrt(2)))",                                 \
      "Distribution function of the standard normal.",                                             \
      .example = "tensor.special.ndtr(tensor{0, 1.96}) --> float32 [2]  0.5000  0.9750")           \
  ROW(ndtri, m_ndtri(x),                                                                           \
      t_mul(g, t_muln(t_exp(t_muln(t_square(y), 0.5)), 2 * M_SQRT2 / M_2_SQRTPI)), SAVE_Y(0),      \
      "rand(2,3) * 0.8 + 0.1", "math.sqrt(2) * reference.erfinv(2 * x - 1)",                       \
      "Quantiles of the standard normal: the inverse of special.ndtr.",                            \
      .example = "tensor.special.ndtri(tensor{0.5, 0.975}) --> float32 [2]  0.0000  1.9600")       \
  ROW(log_ndtr, m_log_ndtr(x),                                                                     \
      t_mul(g, t_muln(t_div(t_num(1), t_op1("special.erfcx", t_muln(x, -M_SQRT1_2))),              \
                      M_2_SQRTPI *M_SQRT1_2)),                                                     \
      SAVE_X(0), "randn(2,3)", "math.log(0.5 * (1 + reference.erf(x / math.sqrt(2))))",            \
      "Logarithm of special.ndtr, exact in the lower tail.",                                       \
      .example = "tensor.special.log_ndtr(tensor{0}) --> float32 [1]  -0.6931")                    \
  ROW(entr, m_entr(x), t_mul(g, t_neg(t_addn(t_log(x), 1))), SAVE_X(0), "rand(2,3) + 0.1",         \
      "-x * math.log(x)", "-x log(x); 0 at 0 and -infinity below: a term of the entropy.",         \
      .example = "tensor.special.entr(tensor{0, 0.5}) --> float32 [2]  0.0000  0.3466")

enum {
#define NAME(name, ...) S_##name,
  FLOATS(NAME) GAMMAS(NAME) SPACED(NAME) S_polygamma,
  S_LOOPS,
  S_mvlgamma = S_LOOPS, /* composed */
  S_COUNT
#undef NAME
};

typedef struct SpecialLoops {
  IterLoop at[S_LOOPS][T_F16];
} SpecialLoops;
SIMD_FAMILY(SpecialLoops, special_loops);

#ifdef LEVEL

#include "../../kernels/math/errors.h"
#include "../../kernels/math/gamma.h"

FLOATS(FLOAT_LOOPS)
SPACED(FLOAT_LOOPS)

enum { BLOCK = 512 };

/* Block by block: by the formula `above` where `fits` and all of a block are above 0, else by f. Both give
   the same bits. */
#define BLOCK_LOOP(name, type, T, fits, above, f)                                                  \
  LOOP(name##_above, type, T, T, above##_above_##type(x))                                          \
  LOOP(name##_any, type, T, T, f)                                                                  \
  static void loop_##name##_##type(int64_t n, void *out, const void *const *in, const void *arg) { \
    const Numbers *numbers = arg;                                                                  \
    const T *x = in[0];                                                                            \
    (void)numbers;                                                                                 \
    for (int64_t i = 0; i < n; i += BLOCK) {                                                       \
      int64_t m = n - i < BLOCK ? n - i : BLOCK, count = 0;                                        \
      const void *here = x + i;                                                                    \
      for (int64_t j = 0; j < m; j++) count += x[i + j] > 0;                                       \
      bool all = count == m && (fits);                                                             \
      (all ? loop_##name##_above_##type : loop_##name##_any_##type)(m, (T *)out + i, &here, arg);  \
    }                                                                                              \
  }
#define GAMMA_LOOPS(name, f, ...)                                                                  \
  BLOCK_LOOP(name, f32, float, true, name, f)                                                      \
  BLOCK_LOOP(name, f64, double, true, name, f)
GAMMAS(GAMMA_LOOPS)
BLOCK_LOOP(polygamma, f32, float, numbers->f[0] == 1, trigamma, polygamma_of(A, x))
BLOCK_LOOP(polygamma, f64, double, numbers->f[0] == 1, trigamma, polygamma_of(A, x))
#define FLOAT_LINE(name, ...) FLOAT_ENTRY(S_##name, name)
const SpecialLoops AT_LEVEL(special_loops) = {
    {FLOATS(FLOAT_LINE) GAMMAS(FLOAT_LINE) SPACED(FLOAT_LINE) FLOAT_LINE(polygamma)}};

#else

static Op rows[S_COUNT];
UNARY_CALLS(special_loops)

/* g scale exp(-x^2) */
static Tensor *bell(Tensor *g, Tensor *x, double scale) {
  return t_mul(g, t_muln(t_exp(t_neg(t_square(x))), scale));
}

/* ---- polygamma: input x, attribute n --------------------------------------------------------------- */

static Tensor *polygamma(int64_t n, Tensor *x) {
  Call d;
  call_begin(&d, &rows[S_polygamma]);
  d.x[0] = x;
  d.attr[0] = attr_of_int(n);
  op_apply(&d);
  return d.y[0];
}

static void polygamma_infer(Call *c) {
  int64_t n = attr_int(c, 0, 0);
  if (n < 0) t_fail("polygamma: n is %lld; it is 0 or more", (long long)n);
  infer(c);
}

/* ---- mvlgamma: attribute p ------------------------------------------------------------------------- */

/* log(pi) p (p-1) / 4 + sum of lgamma(x - i / 2) for i < p */
static void mvlgamma_compose(Call *c) {
  int64_t p = c->attr[0].i;
  Tensor *x = c->x[0], *sum = NULL;
  if (p < 1) t_fail("mvlgamma: p is %lld; it is 1 or more", (long long)p);
  for (int64_t i = 0; i < p; i++) {
    Tensor *term = t_op1("lgamma", i ? t_addn(x, -0.5 * (double)i) : x);
    sum = sum ? t_add(sum, term) : term;
  }
  c->y[0] = t_addn(sum, log(M_PI) * 0.25 * (double)p * (double)(p - 1));
}

#define GRAD(name, f, gradient, ...) UNARY_GRAD(name, gradient)
FLOATS(GRAD)
GAMMAS(GRAD)
SPACED(GRAD)
UNARY_GRAD(polygamma, t_mul(g, polygamma(attr_int(c, 0, 0) + 1, x)))

#define LINE(name, f, gradient, saves, inputs, value, text, ...)                                   \
  UNARY_ROW(S_##name, name, "", name##_grad, saves, "{{" inputs "}}", value, text, __VA_ARGS__)
#define SPACED_LINE(name, ...)                                                                     \
  LINE(name, __VA_ARGS__, .sig = "special." #name "(x: tensor) -> y: tensor", .flags = 0)
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Woverride-init" /* the name with its namespace */
static Op rows[S_COUNT] = {
    FLOATS(LINE) GAMMAS(LINE) SPACED(SPACED_LINE)[S_polygamma] =
        {.sig = "polygamma(n: int, x: tensor) -> y: tensor",
         .aliases = "special.polygamma",
         .doc = "The n-th derivative of digamma, by the Hurwitz zeta function.",
         .example = "tensor.polygamma(1, tensor{1}) --> float32 [1]  1.6449",
         .test = "{{1, rand(2,3) * 3 + 0.5}, {2, rand(4) * 3 + 0.5}, {0, rand(2) + 0.5}}",
         .ref = "reference.polygamma",
         .save = SAVE_X(0),
         .infer = polygamma_infer,
         .run = run,
         .grad = polygamma_grad},
    [S_mvlgamma] = {.sig = "mvlgamma(x: tensor, p: int) -> y: tensor",
                    .aliases = "special.multigammaln",
                    .doc = "Logarithm of the multivariate gamma function of dimension p; x is "
                           "above (p - 1) / 2.",
                    .example = "tensor{3}:mvlgamma(1):exp() --> float32 [1]  2.0",
                    .test = "{{rand(2,3) + 1.5, 3}, {rand(4) + 1, 1}}",
                    .ref = "each: reference.mvlgamma(x, y)",
                    .flags = OP_INPLACE,
                    .compose = mvlgamma_compose},
};
#pragma GCC diagnostic pop

FAMILY(special, rows);

#endif
