/* The elementary functions against libm in double, at every level the machine has: the bounds that
   vmath.h states, over a sample of all floats, or, with the argument "all", over every float, without
   fused multiply-add and with (half an hour); a second argument names one function to take alone. */
#include "check.h"

#include "../../tensor/kernels/elementary.h"

enum { BLOCK = 4096 };

static double square_root_reciprocal(double x) { return 1 / sqrt(x); }
static double sigmoid(double x) { return x < 0 ? exp(x) / (1 + exp(x)) : 1 / (1 + exp(-x)); }
static double softplus(double x) { return fmax(x, 0) + log1p(exp(-fabs(x))); }
static double gelu(double x) {
  if (isinf(x)) return x > 0 ? x : -0.0;
  return x * 0.5 * erfc(-x * 0.70710678118654752440);
}
static double gelu_grad(double x) {
  if (isinf(x)) return x > 0;
  return 0.5 * erfc(-x * 0.70710678118654752440) + x * exp(-0.5 * x * x) * 0.39894228040143267794;
}

typedef struct {
  const char *name;
  size_t field;
  double (*want)(double);
  double bound; /* in ulps */
} Function;

#define AT(f) offsetof(ElementaryKernels, f)

static const Function functions[] = {
    {"exp", AT(exp), exp, 1.2},       {"expm1", AT(expm1), expm1, 1.5},
    {"log", AT(log), log, 1.0},       {"log1p", AT(log1p), log1p, 1.6},
    {"sqrt", AT(sqrt), sqrt, 0.5001}, {"rsqrt", AT(rsqrt), square_root_reciprocal, 1.5},
    {"sin", AT(sin), sin, 1.6},       {"cos", AT(cos), cos, 1.6},
    {"tanh", AT(tanh), tanh, 1.4},    {"sigmoid", AT(sigmoid), sigmoid, 2.4},
    {"erf", AT(erf), erf, 1.4},       {"softplus", AT(softplus), softplus, 1.9},
};

typedef struct {
  double ulps;
  float at, got;
} Worst;

static void measure(const Function *f, ElementaryFn run, uint32_t step, Worst *worst) {
  static float x[BLOCK], y[BLOCK];
  uint64_t bits = 0;
  while (bits <= UINT32_MAX) {
    int n = 0;
    for (; n < BLOCK && bits <= UINT32_MAX; n++, bits += step) {
      uint32_t u = (uint32_t)bits;
      memcpy(&x[n], &u, sizeof u);
    }
    run(n, x, y);
    for (int i = 0; i < n; i++) {
      double e = ulps_f32(y[i], f->want(x[i]));
      if (e > worst->ulps) *worst = (Worst){e, x[i], y[i]};
    }
  }
}

static ElementaryFn function_of(const ElementaryKernels *k, size_t field) {
  ElementaryFn fn;
  memcpy(&fn, (const char *)k + field, sizeof fn);
  return fn;
}

static void test_bounds(int level, uint32_t step, const char *only) {
  const ElementaryKernels *k = TABLE_AT(elementary_kernels, level);
  for (size_t i = 0; i < sizeof functions / sizeof *functions; i++) {
    const Function *f = &functions[i];
    if (only && strcmp(only, f->name) != 0) continue;
    Worst w = {0, 0, 0};
    measure(f, function_of(k, f->field), step, &w);
    double bound = f->bound;
    check(w.ulps <= bound, "%s at %s: %.3f ulp at %a (got %a), stated %.2f", f->name,
          simd_name(level), w.ulps, (double)w.at, (double)w.got, bound);
    if (step < 16)
      printf("%-5s %-9s %.4f ulp at %a\n", simd_name(level), f->name, w.ulps, (double)w.at);
  }
}

/* gelu: relative to the value down to -13, where it is 1e-37, and 0 from there; its slope:
   absolute. */
static void test_gelu(int level, uint32_t step) {
  const ElementaryKernels *k = TABLE_AT(elementary_kernels, level);
  double worst = 0, slope = 0;
  for (uint64_t bits = 0; bits <= UINT32_MAX; bits += step) {
    uint32_t u = (uint32_t)bits;
    float x, y, d;
    memcpy(&x, &u, sizeof u);
    k->gelu(1, &x, &y);
    k->gelu_grad(1, &x, &d);
    if (isnan(x)) {
      check(isnan(y) && isnan(d), "gelu of NaN is %g, slope %g", (double)y, (double)d);
      continue;
    }
    double want = gelu(x), e = ulps_f32(y, want);
    if (fabsf(x) > 13 && x < 0) e = (double)y == 0 ? 0 : INFINITY;
    if (e > worst) worst = e;
    e = fabs((double)d - gelu_grad(x)) * 0x1p24;
    if (e > slope || isnan(e)) slope = e;
  }
  if (step < 65536)
    printf("%-5s gelu %.3f ulp, slope %.3f x 2^-24\n", simd_name(level), worst, slope);
  check(worst < 7, "gelu at %s: %.3f ulp", simd_name(level), worst);
  check(slope < 4, "gelu's slope at %s: %.3f x 2^-24", simd_name(level), slope);
}

static void test_pow(int level, int64_t samples) {
  const ElementaryKernels *k = TABLE_AT(elementary_kernels, level);
  static const float special[] = {0.0f,
                                  -0.0f,
                                  1.0f,
                                  -1.0f,
                                  2.0f,
                                  -2.0f,
                                  3.0f,
                                  -3.0f,
                                  0.5f,
                                  -0.5f,
                                  1.5f,
                                  -2.5f,
                                  INFINITY,
                                  -INFINITY,
                                  NAN,
                                  0x1p-149f,
                                  -0x1p-149f,
                                  0x1p-126f,
                                  0x1.fffffep+127f,
                                  -0x1.fffffep+127f,
                                  0x1p+23f,
                                  0x1.000002p+23f,
                                  -0x1.000002p+23f,
                                  0x1p+24f,
                                  0x1.000002p+24f,
                                  0x1.fffffep-1f,
                                  0x1.000002p+0f,
                                  16777215.0f,
                                  8388609.0f,
                                  8388607.5f};
  int n = sizeof special / sizeof *special;
  for (int i = 0; i < n * n; i++) {
    float x = special[i / n], y = special[i % n], z;
    k->pow(1, &x, &y, &z);
    double want = pow(x, y);
    check(ulps_f32(z, want) < 1 && (isnan(want) || same_sign(z, want)),
          "pow(%a, %a) is %a at %s, not %a", (double)x, (double)y, (double)z, simd_name(level),
          want);
  }
  double worst = 0;
  for (int64_t i = 0; i < samples; i++) {
    uint64_t r = noise_bits();
    uint32_t u = (uint32_t)(r >> 33), v = (uint32_t)r;
    float x, y, z;
    memcpy(&x, &u, sizeof u);
    memcpy(&y, &v, sizeof v);
    if (i & 1) y = (float)(noise() * 100 / (fabs(log2((double)x)) + 1e-3));
    k->pow(1, &x, &y, &z);
    double e = ulps_f32(z, pow(x, y));
    if (e > worst) worst = e;
  }
  check(worst < 0.8, "pow at %s: %.3f ulp", simd_name(level), worst);
  if (samples > 1000000) printf("%-5s pow %.4f ulp\n", simd_name(level), worst);
}

/* Values that C fixes, sign of zero included. */
static void test_special(int level) {
  const ElementaryKernels *k = TABLE_AT(elementary_kernels, level);
  static const float special[] = {0.0f,
                                  -0.0f,
                                  1.0f,
                                  -1.0f,
                                  INFINITY,
                                  -INFINITY,
                                  NAN,
                                  0x1p-149f,
                                  -0x1p-149f,
                                  0x1p-126f,
                                  -0x1p-126f,
                                  0x1.fffffep+127f,
                                  -0x1.fffffep+127f,
                                  88.722839f,
                                  88.72284f,
                                  -103.97208f,
                                  -103.9721f,
                                  -87.33655f,
                                  0x1.921fb6p+0f,
                                  0x1.921fb6p+1f,
                                  0x1.4bdd5ep+27f};
  for (size_t i = 0; i < sizeof functions / sizeof *functions; i++)
    for (size_t j = 0; j < sizeof special / sizeof *special; j++) {
      const Function *f = &functions[i];
      float y;
      function_of(k, f->field)(1, &special[j], &y);
      double want = f->want(special[j]);
      check(ulps_f32(y, want) <= f->bound && (isnan(want) || same_sign(y, want)),
            "%s(%a) is %a at %s, not %a", f->name, (double)special[j], (double)y, simd_name(level),
            want);
    }
}

/* An element's value depends neither on its place in a run nor on its neighbours. */
static void test_places(int level) {
  const ElementaryKernels *k = TABLE_AT(elementary_kernels, level);
  static float x[2000], y[2000];
  for (int i = 0; i < 2000; i++) x[i] = (float)(noise() * (i % 7 ? 10 : 1e9));
  for (size_t i = 0; i < sizeof functions / sizeof *functions; i++) {
    ElementaryFn fn = function_of(k, functions[i].field);
    fn(2000, x, y);
    int differ = 0;
    for (int j = 0; j < 2000; j++) {
      float one;
      fn(1, &x[j], &one);
      differ += memcmp(&one, &y[j], sizeof one) != 0 && !(isnan(one) && isnan(y[j]));
    }
    check(differ == 0, "%s at %s: %d values depend on their place", functions[i].name,
          simd_name(level), differ);
    memcpy(y, x, sizeof x);
    fn(1999, y + 1, y + 1);
    float last;
    fn(1, &x[1999], &last);
    check(!memcmp(&last, &y[1999], sizeof last) || isnan(last), "%s in place", functions[i].name);
  }
}

int main(int argc, char **argv) {
  bool all = argc > 1 && strcmp(argv[1], "all") == 0;
  const char *only = argc > 2 ? argv[2] : NULL;
  for (int level = 0; level <= simd_level(); level++) {
    if (all && level > SIMD_BASE && level < simd_level())
      continue; /* their arithmetic is the same */
    test_special(level);
    test_places(level);
    test_bounds(level, all ? 1 : 20011, only);
    if (!only || strcmp(only, "gelu") == 0) test_gelu(level, all ? 11 : 200003);
    if (!only || strcmp(only, "pow") == 0) test_pow(level, all ? 20000000 : 200000);
  }
  return checks_report("core/math");
}
