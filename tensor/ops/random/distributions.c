/* Draws from distributions other than the uniform and the normal. Those of one uniform or normal
   number are transformed in place; those by rejection draw from a stream of each element's own, so
   that nothing depends on the neighbours. */
#include <math.h>

#include "../../calc.h"
#include "../../loop/cast.h"
#include "../../kernels/random.h"
#include "../../kernels/transforms.h"
#include "../../machine/team.h"
#include "draw.h"

enum { GRAIN = 1 << 14, RUN = 512 };

/* ---- transforms of a filled tensor, in place ---------------------------------------- */

typedef struct Transform {
  Fill fill;
  int kind; /* TRANSFORM_... */
  double a, b;
} Transform;

static const Fill unit = {.kind = DRAW_UNIFORM, .b = 1};

/* x[0] will be filled with these numbers and transformed by that kind, with a and b. */
static void plan(Call *c, Fill fill, int kind, double a, double b) {
  Tensor *y = c->y[0];
  DType d = (DType)y->dtype, drawn = d == T_F64 ? T_F64 : T_F32;
  if (!dtype_is_float(d)) {
    t_fail("%s: random fractions need a float type, not %s", call_name(c), dtype_name(d));
  }
  call_scratch(c, sizeof(Transform));
  Transform *t = c->scratch;
  bool direct = d == drawn && t_is_contiguous(y);
  *t = (Transform){.fill = fill, .kind = kind, .a = a, .b = b};
  t->fill.to = direct ? y : t_new(drawn, y->ndim, y->shape);
  t->fill.key = rng_next(rng_in_use());
}

static void transform_part(void *job, int64_t part) {
  const Transform *t = job;
  const TransformLoops *loops = SIMD_PICK(transform_loops);
  Tensor *y = t->fill.to;
  int64_t at = part * GRAIN, n = y->numel - at < GRAIN ? y->numel - at : GRAIN;
  if (y->dtype == T_F64)
    loops->f64[t->kind](n, t_f64(y) + at, t->a, t->b);
  else
    loops->f32[t->kind](n, t_f32(y) + at, t->a, t->b);
}

static const char *transform_run(Call *c) {
  Transform *t = c->scratch;
  Tensor *y = t->fill.to;
  draw_fill(&t->fill);
  if (y->numel > 0) team_run((y->numel + GRAIN - 1) / GRAIN, transform_part, t);
  if (y != c->y[0]) cast_into(c->y[0], y);
  return NULL;
}

static void exponential_infer(Call *c) {
  double rate = attr_float(c, 0, 1);
  if (!(rate > 0)) t_fail("exponential_: lambd is %g; a positive rate is wanted", rate);
  plan(c, unit, TRANSFORM_EXPONENTIAL, -1 / rate, 0);
}

static void cauchy_infer(Call *c) {
  double median = attr_float(c, 0, 0), sigma = attr_float(c, 1, 1);
  if (!(sigma > 0)) t_fail("cauchy_: sigma is %g; a positive number is wanted", sigma);
  plan(c, unit, TRANSFORM_CAUCHY, median, sigma);
}

static void geometric_infer(Call *c) {
  double p = attr_float(c, 0, 0.5);
  if (!(p > 0 && p < 1)) {
    t_fail("geometric_: p is %g; a probability between 0 and 1 is wanted", p);
  }
  plan(c, unit, TRANSFORM_GEOMETRIC, log1p(-p), 0);
}

static void log_normal_infer(Call *c) {
  double mean = attr_float(c, 0, 1), std = attr_float(c, 1, 2);
  if (!(std > 0)) t_fail("log_normal_: std is %g; a positive number is wanted", std);
  plan(c, (Fill){.kind = DRAW_NORMAL, .a = mean, .b = std}, TRANSFORM_LOG_NORMAL, 0, 0);
}

/* ---- by rejection: a stream for each element --------------------------------------------------------- */

/* The first block of element i is block i, which comes with those of its neighbours; then OWN + (i << 24)
   and on: 2^25 numbers are more than any element takes. */
#define OWN ((uint64_t)1 << 63)
typedef struct Source {
  const RandomKey *key;
  const uint32_t *first; /* the first block, until it is used */
  uint64_t block;        /* the next after it */
  uint32_t word[4];
  const uint32_t *rest; /* words of a block in use */
  int left;             /* how many numbers they make */
} Source;

static const uint32_t *next_block(Source *s) {
  const uint32_t *first = s->first;
  s->first = NULL;
  if (first) return first;
  random_block(s->key, s->block++, s->word);
  return s->word;
}

/* In (0, 1), of two words. */
static double unit_of(const uint32_t *w) {
  return ((double)(((uint64_t)w[1] << 32 | w[0]) >> 12) + 0.5) * 0x1p-52;
}

static double uniform(Source *s) {
  if (s->left == 0) {
    s->rest = next_block(s);
    s->left = 2;
  }
  return unit_of(s->rest + 2 * (2 - s->left--));
}

/* Marsaglia & Tsang, A simple method for generating gamma variables, 2000. A block makes a trial: two
   words for the radius of a normal, one for its angle, one for the test. */
static double draw_gamma(Source *s, double a, double b) {
  (void)b;
  if (a == 0) return 0;
  double boost = a < 1 ? pow(uniform(s), 1 / a) : 1, d = (a < 1 ? a + 1 : a) - 1.0 / 3;
  double k = 1 / sqrt(9 * d);
  for (;;) {
    const uint32_t *w = next_block(s);
    double radius = sqrt(-2 * log(unit_of(w))), u = (w[3] + 0.5) * 0x1p-32;
    double x = radius * sin(2 * M_PI * 0x1p-32 * w[2]), v = 1 + k * x, z = x * x;
    if (v <= 0) continue;
    v = v * v * v;
    if (u < 1 - 0.0331 * z * z) return boost * d * v;
    if (log(u) < 0.5 * z + d - d * v + d * log(v)) return boost * d * v;
  }
}

static double log_factorial(double k) {
  int sign;
  return lgamma_r(k + 1, &sign);
}

/* Below 10 by inversion, adding up probabilities, above by transformed rejection: Hörmann, The transformed
   rejection method for generating Poisson random variables, 1993, algorithm PTRS. */
static double draw_poisson(Source *s, double rate, double b_) {
  (void)b_;
  if (rate < 10) {
    double p = exp(-rate), u = uniform(s), k = 0;
    for (; u > p && k < 200; p *= rate / k) {
      u -= p;
      k++;
    }
    return k;
  }
  double root = sqrt(rate), b = 0.931 + 2.53 * root, a = -0.059 + 0.02483 * b;
  double scale = 1.1239 + 1.1328 / (b - 3.4), bound = 0.9277 - 3.6224 / (b - 2);
  for (;;) {
    double u = uniform(s) - 0.5, v = uniform(s), us = 0.5 - fabs(u);
    double k = floor((2 * a / us + b) * u + rate + 0.43);
    if (us >= 0.07 && v <= bound) return k;
    if (k < 0 || (us < 0.013 && v > us)) continue;
    if (log(v * scale / (a / (us * us) + b)) <= k * log(rate) - rate - log_factorial(k)) return k;
  }
}

/* Where the mean is below 10 by counting waiting times (Devroye 1986, X.4.3), else by Hörmann's
   algorithm BTRS (The generation of binomial random variates, 1993). p above 1/2 is turned. */
static double draw_binomial(Source *s, double n, double p) {
  if (p > 0.5) return n - draw_binomial(s, n, 1 - p);
  if (n * p < 10) {
    if (p == 0) return 0;
    double passed = 0, k = -1;
    for (; passed <= n; k++) passed += floor(log(uniform(s)) / log1p(-p)) + 1;
    return k;
  }
  double spread = sqrt(n * p * (1 - p)), b = 1.15 + 2.53 * spread;
  double a = -0.0873 + 0.0248 * b + 0.01 * p, center = n * p + 0.5, v_r = 0.92 - 4.2 / b;
  double alpha = (2.83 + 5.1 / b) * spread, mode = floor((n + 1) * p), odds = log(p / (1 - p));
  double top = log_factorial(mode) + log_factorial(n - mode);
  for (;;) {
    double u = uniform(s) - 0.5, v = uniform(s), us = 0.5 - fabs(u);
    double k = floor((2 * a / us + b) * u + center);
    if (us >= 0.07 && v <= v_r) return k;
    if (k < 0 || k > n) continue;
    double bound = top - log_factorial(k) - log_factorial(n - k) + (k - mode) * odds;
    if (log(v * alpha / (a / (us * us) + b)) <= bound) return k;
  }
}

typedef struct Draws {
  RandomKey key;
  double (*draw)(Source *s, double a, double b);
  const Tensor *a, *b; /* float64, contiguous; b may be NULL */
  Tensor *y;           /* contiguous, of x's type */
} Draws;

static void draws_part(void *job, int64_t part) {
  const Draws *d = job;
  double run[RUN];
  uint32_t words[4 * RUN];
  int64_t from = part * GRAIN, end = from + GRAIN;
  int64_t size = (int64_t)dtype_size((DType)d->y->dtype);
  end = end < d->y->numel ? end : d->y->numel;
  for (int64_t at = from; at < end; at += RUN) {
    int64_t n = end - at < RUN ? end - at : RUN;
    SIMD_PICK(random_kernels)->bits(&d->key, 4 * at, 4 * n, words);
    for (int64_t i = 0; i < n; i++) {
      Source s = {&d->key, words + 4 * i, .block = OWN + ((uint64_t)(at + i) << 24)};
      run[i] = d->draw(&s, t_f64(d->a)[at + i], d->b ? t_f64(d->b)[at + i] : 0);
    }
    cast_run(n, run, T_F64, 1, (char *)t_data(d->y) + at * size, (DType)d->y->dtype, 1);
  }
}

static const char *draws_run(Call *c) {
  Draws *d = c->scratch;
  if (d->y->numel > 0) team_run((d->y->numel + GRAIN - 1) / GRAIN, draws_part, d);
  return NULL;
}

/* Fails where a parameter is below 0, above top or not finite. */
static void check(Call *c, const Tensor *x, const char *what, double top) {
  for (int64_t i = 0; i < x->numel; i++) {
    double v = t_f64(x)[i];
    if (v >= 0 && v <= top) continue;
    t_fail("%s: %s is %g at element %lld; a number from 0 to %g is wanted", call_name(c), what, v,
           (long long)i + 1, top);
  }
}

static Draws *plan_draws(Call *c, double (*draw)(Source *, double, double)) {
  const Tensor *x = c->x[0];
  DType type = call_promote(c, 0, c->nx);
  call_scratch(c, sizeof(Draws));
  Draws *d = c->scratch;
  *d = (Draws){.draw = draw, .a = cast_copy(x, T_F64)};
  d->y = call_out(c, 0, dtype_is_float(type) ? type : T_F32, x->ndim, x->shape);
  d->key = rng_next(rng_in_use());
  return d;
}

static void gamma_infer(Call *c) {
  check(c, plan_draws(c, draw_gamma)->a, "the concentration", 1e300);
}

static void poisson_infer(Call *c) { check(c, plan_draws(c, draw_poisson)->a, "the rate", 1e15); }

static void binomial_infer(Call *c) {
  if (!t_same_shape(c->x[0], c->x[1])) {
    t_fail("binomial: count is %s, prob %s; one shape is wanted", t_shape_str(c->x[0]),
           t_shape_str(c->x[1]));
  }
  Draws *d = plan_draws(c, draw_binomial);
  d->b = cast_copy(c->x[1], T_F64);
  check(c, d->a, "count", 1e15);
  check(c, d->b, "prob", 1);
}

/* What was there before has no part in the result. */
static void no_grad(Call *c, Tensor *const *gy, Tensor **gx) {
  (void)c;
  gx[0] = t_zeros_like(gy[0]);
}

/* ---- the rows ---------------------------------------------------------------------------------------- */

#define WRITES(name)                                                                               \
  .flags = OP_ONLY_INPLACE | OP_RANDOM, .infer = name##_infer, .run = transform_run, .grad = no_grad
#define DRAWS(name) .flags = OP_CONST | OP_RANDOM, .infer = name##_infer, .run = draws_run

static Op rows[] = {
    {.sig = "exponential_(x: tensor, lambd: float=1) -> y: tensor",
     .doc = "Writes random waiting times over x: exponential with rate lambd, mean 1 / lambd.",
     .example = "x = tensor.zeros(1000):exponential_(2)\n"
                "x:ge(0):all(), (x:mean() - 0.5):abs():item() < 0.2 --> true  true",
     .test = "{{randn(2,3)}, {randn(5), 2}}",
     .ref = "reference.exponential_",
     WRITES(exponential)},
    {.sig = "cauchy_(x: tensor, median: float=0, sigma: float=1) -> y: tensor",
     .doc = "Writes random numbers of Cauchy's distribution over x: the ratio of two normal ones, "
            "times sigma, plus median.",
     .example = "x = tensor.zeros(1001):cauchy_(3)\n"
                "(x:median() - 3):abs():item() < 0.5 --> true",
     .test = "{{randn(2,3)}, {randn(5), -1, 2}}",
     .ref = "reference.cauchy_",
     WRITES(cauchy)},
    {.sig = "geometric_(x: tensor, p: float) -> y: tensor",
     .doc =
         "Writes random counts over x: how many trials of probability p until the first success.",
     .example = "tensor.zeros(1000):geometric_(0.5):min() --> 1.0",
     .test = "{{randn(2,3), 0.5}, {randn(5), 0.1}}",
     .ref = "reference.geometric_",
     WRITES(geometric)},
    {.sig = "log_normal_(x: tensor, mean: float=1, std: float=2) -> y: tensor",
     .doc = "Writes random numbers over x whose logarithms are normal with that mean and standard "
            "deviation.",
     .example = "tensor.zeros(1000):log_normal_():gt(0):all() --> true",
     .test = "{{randn(2,3)}, {randn(5), -1, 0.5}}",
     .ref = "reference.log_normal_",
     WRITES(log_normal)},
    {.sig = "standard_gamma(x: tensor) -> y: tensor",
     .doc = "A random number of the gamma distribution of each concentration in x, with rate 1; by "
            "the method of Marsaglia & Tsang (2000). Divided by a rate it has that rate.",
     .example = "x = tensor.full({1000}, 3.0):standard_gamma()\n"
                "x:ge(0):all(), (x:mean() - 3):abs():item() < 0.5 --> true  true",
     .test = "{{rand(2,3) * 3}, {rand(50)}}",
     DRAWS(gamma)},
    {.sig = "poisson(x: tensor) -> y: tensor",
     .doc = "A random count of Poisson's distribution for each rate in x.",
     .example = "x = tensor.full({1000}, 4.0):poisson()\n"
                "x:frac():any(), (x:mean() - 4):abs():item() < 0.5 --> false  true",
     .test = "{{rand(2,3) * 3}, {rand(50) * 40}}",
     DRAWS(poisson)},
    {.sig = "binomial(count: tensor, prob: tensor) -> y: tensor",
     .doc = "A random number of successes in count trials of probability prob, element by element.",
     .example = "tensor{10.0, 10.0}:binomial(tensor{0.0, 1.0}) --> float32 [2]   0.0  10.0",
     .test = "{{ints(2,3):double(), rand(2,3)}, {ints(50) * 100.0, rand(50)}}",
     DRAWS(binomial)},
};

FAMILY_PART(random, distributions, rows);
