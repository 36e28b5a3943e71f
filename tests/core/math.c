/* The elementary functions of float32 against libm in double, as the ops compute them, at every level
   the machine has: the bounds that vmath.h states, over a sample of all floats, or, with the argument
   "all", over every float, without fused multiply-add and with (half an hour); a second argument names
   one function to take alone. */
#include "check.h"

#include "../../tensor/calc.h"

enum { BLOCK = 4096 };

/* ---- calling an op --------------------------------------------------------------------------------- */

typedef struct Run {
  const char *op;
  int n;
  float *x, *y; /* y is NULL for ops of one tensor */
  float *out;
} Run;

static Tensor *of_floats(int n, const float *x) {
  Tensor *t = t_new(T_F32, 1, &(int64_t){n});
  memcpy(t_f32(t), x, (size_t)n * sizeof *x);
  return t;
}

static void run_in_core(void *arg) {
  const Run *r = arg;
  Tensor *x = of_floats(r->n, r->x);
  Tensor *z = r->y ? t_op2(r->op, x, of_floats(r->n, r->y)) : t_op1(r->op, x);
  memcpy(r->out, t_f32(z), (size_t)r->n * sizeof *r->out);
}

/* The form in place, over all but the first. */
static void write_in_core(void *arg) {
  const Run *r = arg;
  Call c;
  call_begin(&c, op_need(r->op));
  c.x[0] = t_narrow(of_floats(r->n, r->x), 0, 1, r->n - 1);
  c.inplace = true;
  op_apply(&c);
  memcpy(r->out, t_f32(c.x[0]), (size_t)(r->n - 1) * sizeof *r->out);
}

static void in_scope(void (*fn)(void *), Run r) {
  int mark = t_mark();
  if (!t_try(fn, &r)) check(false, "%s", t_message());
  t_leave(mark);
}

/* out[i] = op(x[i]), or op(x[i], y[i]). */
static void run(const char *op, int n, float *x, float *y, float *out) {
  in_scope(run_in_core, (Run){op, n, x, y, out});
}

/* Floats by their bits from *bits on; fewer than BLOCK only at the end. */
static int next_floats(uint64_t *bits, uint32_t step, float *x) {
  int n = 0;
  for (; n < BLOCK && *bits <= UINT32_MAX; n++, *bits += step) {
    uint32_t u = (uint32_t)*bits;
    memcpy(&x[n], &u, sizeof u);
  }
  return n;
}

/* ---- the functions --------------------------------------------------------------------------------- */

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
  double (*want)(double);
  double bound; /* in ulps */
} Function;

static const Function functions[] = {
    {"exp", exp, 1.2},         {"expm1", expm1, 1.5},  {"log", log, 1.0},
    {"log1p", log1p, 1.6},     {"sqrt", sqrt, 0.5001}, {"rsqrt", square_root_reciprocal, 1.5},
    {"sin", sin, 1.6},         {"cos", cos, 1.6},      {"tanh", tanh, 1.4},
    {"sigmoid", sigmoid, 2.4}, {"erf", erf, 1.4},      {"softplus", softplus, 1.9},
};

typedef struct {
  double ulps;
  float at, got;
} Worst;

static void measure(const Function *f, uint32_t step, Worst *worst) {
  static float x[BLOCK], y[BLOCK];
  for (uint64_t bits = 0; bits <= UINT32_MAX;) {
    int n = next_floats(&bits, step, x);
    run(f->name, n, x, NULL, y);
    for (int i = 0; i < n; i++) {
      double e = ulps_f32(y[i], f->want(x[i]));
      if (e > worst->ulps) *worst = (Worst){e, x[i], y[i]};
    }
  }
}

static void test_bounds(int level, uint32_t step, const char *only) {
  for (size_t i = 0; i < sizeof functions / sizeof *functions; i++) {
    const Function *f = &functions[i];
    if (only && strcmp(only, f->name) != 0) continue;
    Worst w = {0, 0, 0};
    measure(f, step, &w);
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
  static float x[BLOCK], one[BLOCK], y[BLOCK], d[BLOCK];
  double worst = 0, slope = 0;
  for (int i = 0; i < BLOCK; i++) one[i] = 1;
  for (uint64_t bits = 0; bits <= UINT32_MAX;) {
    int n = next_floats(&bits, step, x);
    run("gelu", n, x, NULL, y);
    run("gelu_dx", n, one, x, d);
    for (int i = 0; i < n; i++) {
      if (isnan(x[i])) {
        check(isnan(y[i]) && isnan(d[i]), "gelu of NaN is %g, slope %g", (double)y[i],
              (double)d[i]);
        continue;
      }
      double e = ulps_f32(y[i], gelu(x[i]));
      if (x[i] < -13) e = (double)y[i] == 0 ? 0 : INFINITY;
      if (e > worst) worst = e;
      e = fabs((double)d[i] - gelu_grad(x[i])) * 0x1p24;
      if (e > slope || isnan(e)) slope = e;
    }
  }
  if (step < 65536)
    printf("%-5s gelu %.3f ulp, slope %.3f x 2^-24\n", simd_name(level), worst, slope);
  check(worst < 7, "gelu at %s: %.3f ulp", simd_name(level), worst);
  check(slope < 4, "gelu's slope at %s: %.3f x 2^-24", simd_name(level), slope);
}

/* Pairs of special values: what C fixes, and less than a unit elsewhere. */
static void test_pow_special(int level) {
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
  enum { N = sizeof special / sizeof *special };
  static float x[N * N], y[N * N], z[N * N];
  for (int i = 0; i < N * N; i++) x[i] = special[i / N], y[i] = special[i % N];
  run("pow", N * N, x, y, z);
  for (int i = 0; i < N * N; i++) {
    double want = pow(x[i], y[i]);
    check(ulps_f32(z[i], want) < 1 && (isnan(want) || same_sign(z[i], want)),
          "pow(%a, %a) is %a at %s, not %a", (double)x[i], (double)y[i], (double)z[i],
          simd_name(level), want);
  }
}

static void test_pow(int level, int64_t samples) {
  static float x[BLOCK], y[BLOCK], z[BLOCK];
  test_pow_special(level);
  double worst = 0;
  for (int64_t done = 0; done < samples; done += BLOCK) {
    for (int i = 0; i < BLOCK; i++) {
      uint64_t r = noise_bits();
      uint32_t u = (uint32_t)(r >> 33), v = (uint32_t)r;
      memcpy(&x[i], &u, sizeof u);
      memcpy(&y[i], &v, sizeof v);
      if (i & 1) y[i] = (float)(noise() * 100 / (fabs(log2((double)x[i])) + 1e-3));
    }
    run("pow", BLOCK, x, y, z);
    for (int i = 0; i < BLOCK; i++) {
      double e = ulps_f32(z[i], pow(x[i], y[i]));
      if (e > worst) worst = e;
    }
  }
  check(worst < 0.8, "pow at %s: %.3f ulp", simd_name(level), worst);
  if (samples > 1000000) printf("%-5s pow %.4f ulp\n", simd_name(level), worst);
}

/* Values that C fixes, sign of zero included. */
static void test_special(int level) {
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
  enum { N = sizeof special / sizeof *special };
  float x[N], y[N];
  memcpy(x, special, sizeof x);
  for (size_t i = 0; i < sizeof functions / sizeof *functions; i++) {
    const Function *f = &functions[i];
    run(f->name, N, x, NULL, y);
    for (int j = 0; j < N; j++) {
      double want = f->want(x[j]);
      check(ulps_f32(y[j], want) <= f->bound && (isnan(want) || same_sign(y[j], want)),
            "%s(%a) is %a at %s, not %a", f->name, (double)x[j], (double)y[j], simd_name(level),
            want);
    }
  }
}

/* An element's value depends neither on its place in a run nor on its neighbours. */
static void test_places(int level) {
  static float x[2000], y[2000], z[2000];
  for (int i = 0; i < 2000; i++) x[i] = (float)(noise() * (i % 7 ? 10 : 1e9));
  for (size_t i = 0; i < sizeof functions / sizeof *functions; i++) {
    const char *name = functions[i].name;
    run(name, 2000, x, NULL, y);
    int differ = 0;
    for (int j = 0; j < 2000; j++) {
      float one;
      run(name, 1, &x[j], NULL, &one);
      differ += memcmp(&one, &y[j], sizeof one) != 0 && !(isnan(one) && isnan(y[j]));
    }
    check(differ == 0, "%s at %s: %d values depend on their place", name, simd_name(level), differ);
    in_scope(write_in_core, (Run){name, 2000, x, NULL, z});
    check(memcmp(z, y + 1, 1999 * sizeof *z) == 0, "%s in place at %s", name, simd_name(level));
  }
}

int main(int argc, char **argv) {
  bool all = argc > 1 && strcmp(argv[1], "all") == 0;
  const char *only = argc > 2 ? argv[2] : NULL;
  const int top = simd_level();
  for (int level = 0; level <= top; level++) {
    if (all && level > SIMD_BASE && level < top) continue; /* their arithmetic is the same */
    simd_found = level;
    test_special(level);
    test_places(level);
    test_bounds(level, all ? 1 : 20011, only);
    if (!only || strcmp(only, "gelu") == 0) test_gelu(level, all ? 11 : 200003);
    if (!only || strcmp(only, "pow") == 0) test_pow(level, all ? 20000000 : 200000);
  }
  return checks_report("core/math");
}
