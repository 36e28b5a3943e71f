/* The elementary functions of float64 against libm's long double, as the ops compute them, at every
   level the machine has: the bounds that vmath64.h states, over numbers of all magnitudes and a dense
   sample of the usual ones. */
#include "check.h"

#include "../../tensor/calc.h"

enum { N = 1 << 17 };

typedef struct Function {
  const char *name;
  long double (*want)(long double);
  double bound; /* in ulps */
} Function;

static long double sigmoid(long double x) {
  return x < 0 ? expl(x) / (1 + expl(x)) : 1 / (1 + expl(-x));
}
static long double logsigmoid(long double x) { return fminl(x, 0) - log1pl(expl(-fabsl(x))); }
static long double sine(long double x) { return sinl(x); }

static const Function functions[] = {
    {"exp", expl, 1.1},        {"exp2", exp2l, 1.1},
    {"expm1", expm1l, 2.3},    {"log", logl, 0.9},
    {"log2", log2l, 1.7},      {"log10", log10l, 1.7},
    {"log1p", log1pl, 1.2},    {"tanh", tanhl, 2.3},
    {"sigmoid", sigmoid, 1.9}, {"logsigmoid", logsigmoid, 1.6},
    {"sin", sine, 2.3},        {"cos", cosl, 2.3},
    {"tan", tanl, 3.8},
};
enum { FUNCTIONS = sizeof functions / sizeof *functions };

typedef struct Run {
  const char *op;
  int n;
  const double *x;
  double *y;
} Run;

static void run_in_core(void *arg) {
  const Run *r = arg;
  Tensor *x = t_new(T_F64, 1, &(int64_t){r->n});
  memcpy(t_f64(x), r->x, (size_t)r->n * sizeof *r->x);
  memcpy(r->y, t_f64(t_op1(r->op, x)), (size_t)r->n * sizeof *r->y);
}

static void run(const char *op, int n, const double *x, double *y) {
  Run r = {op, n, x, y};
  int mark = t_mark();
  if (!t_try(run_in_core, &r)) check(false, "%s", t_message());
  t_leave(mark);
}

/* |y - want| in units of the last place that want has as a double; same NaN, same infinity is 0. */
static double ulps(double y, long double want) {
  if (isnan(want)) return isnan(y) ? 0 : INFINITY;
  if (isnan(y)) return INFINITY;
  if (fabsl(want) >= 0x1.fffffffffffff8p+1023L)
    return isinf(y) && (y > 0) == (want > 0) ? 0 : INFINITY;
  if (isinf(y)) return fabsl(want) > 0x1.ffffffffffffep+1023L ? 1 : INFINITY;
  int e = fabsl(want) < 0x1p-1022L ? -1022 : ilogbl(want);
  return (double)(fabsl(y - want) / ldexpl(1, e - 52));
}

/* Every seventh of any bits, the others within the bounds where most functions live. */
static void sample(double *x) {
  static const double special[] = {
      0.0,       -0.0,      1.0,        -1.0,      INFINITY,         -INFINITY,
      NAN,       0x1p-1074, -0x1p-1074, 0x1p-1022, 709.782712893384, 709.78271289338401,
      -745.1332, -745.14,   -708.4,     1e308,     1048575.9,        1048576.1,
      1e22,      M_PI,      M_PI / 2,   1023.99,   -1074.9};
  enum { K = sizeof special / sizeof *special };
  memcpy(x, special, sizeof special);
  for (int i = K; i < N; i++) {
    uint64_t r = noise_bits();
    memcpy(&x[i], &r, sizeof r);
    if (i % 7 == 1) x[i] = noise() * 800;
    if (i % 7 == 2) x[i] = noise() * 2;
    if (i % 7 == 3) x[i] = noise() * 1e6;
    if (i % 7 == 4) x[i] = ldexp(noise(), (int)(r % 64) - 60);
    if (i % 7 == 5) x[i] = 1 + noise() * 0.01;
    if (i % 7 == 6) x[i] = rint(noise() * 1e5) * M_PI_2;
  }
}

static void test_bounds(int level, const Function *f, const double *x, double *y) {
  double worst = 0, at = 0;
  run(f->name, N, x, y);
  for (int i = 0; i < N; i++) {
    double e = ulps(y[i], f->want(x[i]));
    if (e > worst) worst = e, at = x[i];
    if (x[i] == 0) check(y[i] != 0 || same_sign(y[i], f->want(x[i])), "%s of %g", f->name, x[i]);
  }
  check(worst <= f->bound, "%s at %s: %.3f ulp at %a, stated %.2f", f->name, simd_name(level),
        worst, at, f->bound);
}

/* An element's value depends neither on its place in a run nor on its neighbours. */
static void test_places(int level, const Function *f, const double *x, const double *y) {
  int differ = 0;
  for (int i = 0; i < 2000; i++) {
    double one;
    run(f->name, 1, &x[i], &one);
    differ += memcmp(&one, &y[i], sizeof one) != 0 && !(isnan(one) && isnan(y[i]));
  }
  check(differ == 0, "%s at %s: %d values depend on their place", f->name, simd_name(level),
        differ);
}

int main(void) {
  static double x[N], y[N];
  const int top = simd_level();
  sample(x);
  for (int level = 0; level <= top; level++) {
    simd_found = level;
    for (int i = 0; i < FUNCTIONS; i++) {
      test_bounds(level, &functions[i], x, y);
      test_places(level, &functions[i], x, y);
    }
  }
  return checks_report("core/math64");
}
