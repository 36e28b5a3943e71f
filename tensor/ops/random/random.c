/* The rows of random draws. All but dropout draw from the stream in use (see ../random.h). */

#include <float.h>
#include <math.h>

#include "../../calc.h"
#include "../../loop/cast.h"
#include "../../loop/iter.h"
#include "../../store.h"
#include "../../machine/team.h"
#include "draw.h"

/* ---- filling ------------------------------------------------------------------------------------ */

/* Plans to fill y: directly, or by way of a tensor of the drawn type. */
static Fill *plan(Call *c, DrawKind kind, DType drawn) {
  Tensor *y = c->y[0];
  call_scratch(c, sizeof(Fill));
  Fill *f = c->scratch;
  bool direct = y->dtype == drawn && t_is_contiguous(y);
  *f = (Fill){.kind = kind, .to = direct ? y : t_new(drawn, y->ndim, y->shape)};
  f->key = rng_next(rng_in_use());
  return f;
}

static const char *fill_run(Call *c) {
  const Fill *f = c->scratch;
  draw_fill(f);
  if (f->to != c->y[0]) cast_into(c->y[0], f->to);
  return NULL;
}

static void plan_floats(Call *c, DrawKind kind, double a, double b) {
  DType d = (DType)c->y[0]->dtype;
  if (!dtype_is_float(d)) {
    t_fail("%s: random fractions need a float type, not %s", call_name(c), dtype_name(d));
  }
  if (kind == DRAW_NORMAL && !(b >= 0)) t_fail("%s: std is %g; it is 0 or more", call_name(c), b);
  if (kind == DRAW_UNIFORM && !(a <= b)) {
    t_fail("%s: from %g to %g; two numbers are wanted, the smaller first", call_name(c), a, b);
  }
  if (kind == DRAW_UNIFORM && !(b - a <= (d == T_F64 ? DBL_MAX : FLT_MAX))) {
    t_fail("%s: from %g to %g is farther than %s reaches", call_name(c), a, b, dtype_name(d));
  }
  Fill *f = plan(c, kind, d == T_F64 ? T_F64 : T_F32);
  f->a = a;
  f->b = b;
}

/* Attributes: size, dtype. */
static void sized(Call *c, DrawKind kind) {
  call_out(c, 0, (DType)attr_int(c, 1, T_F32), c->attr[0].n, c->attr[0].v);
  plan_floats(c, kind, 0, 1);
}
static void rand_infer(Call *c) { sized(c, DRAW_UNIFORM); }
static void randn_infer(Call *c) { sized(c, DRAW_NORMAL); }

/* Attributes: dtype. */
static void like(Call *c, DrawKind kind) {
  const Tensor *x = c->x[0];
  call_out(c, 0, (DType)attr_int(c, 0, x->dtype), x->ndim, x->shape);
  plan_floats(c, kind, 0, 1);
}
static void rand_like_infer(Call *c) { like(c, DRAW_UNIFORM); }
static void randn_like_infer(Call *c) { like(c, DRAW_NORMAL); }

/* Inputs: mean, std; attributes: size, dtype. Two numbers fill a tensor; with tensors the standard
   normals are moved and stretched, so that gradients reach them. */
static void normal_compose(Call *c) {
  Tensor *mean = c->x[0], *std = c->x[1];
  bool sized = attr_given(c, 0), numbers = mean->weak && std->weak;
  int64_t shape[T_MAXDIM];
  if (numbers && !(t_get(std, 0) >= 0)) {
    t_fail("normal: std is %g; it is 0 or more", t_get(std, 0));
  }
  if (numbers && !sized)
    t_fail("normal: mean and std are numbers; give a size: normal(0, 1, {2, 3})");
  if (sized && !numbers) t_fail("normal: the size is that of mean and std; leave it out");
  int ndim = sized ? c->attr[0].n : iter_broadcast(c, 0, 2, shape);
  DType own = numbers ? T_F32 : call_promote(c, 0, 2);
  DType type = (DType)attr_int(c, 1, dtype_is_float(own) ? own : T_F32);
  Call d;
  call_begin(&d, op_need("normal_"));
  d.x[0] = t_new(type, ndim, sized ? c->attr[0].v : shape);
  if (numbers) {
    d.attr[0] = attr_of_float(t_get(mean, 0));
    d.attr[1] = attr_of_float(t_get(std, 0));
  }
  op_apply(&d);
  c->y[0] = numbers ? d.y[0] : t_add(mean, t_mul(std, d.y[0]));
}

static void uniform_in_place(Call *c) {
  plan_floats(c, DRAW_UNIFORM, attr_float(c, 0, 0), attr_float(c, 1, 1));
}

static void normal_in_place(Call *c) {
  plan_floats(c, DRAW_NORMAL, attr_float(c, 0, 0), attr_float(c, 1, 1));
}

/* What was there before has no part in the result. */
static void no_grad(Call *c, Tensor *const *gy, Tensor **gx) {
  (void)c;
  gx[0] = t_zeros_like(gy[0]);
}

/* ---- whole numbers ------------------------------------------------------------------------------ */

/* Attributes: low, high, dtype, from slot `at` on: low alone means 1..low. */
static void whole_numbers(Call *c, int at, DType dtype, int ndim, const int64_t *shape) {
  int64_t low = attr_int(c, at, 1), high = attr_int(c, at + 1, low);
  if (!attr_given(c, at + 1)) low = 1;
  if (low > high) {
    t_fail("%s: from %lld to %lld there is no whole number", call_name(c), (long long)low,
           (long long)high);
  }
  Attr ends[2] = {attr_of_int(low), attr_of_int(high)};
  store_check_number(call_name(c), dtype, &ends[0], true);
  store_check_number(call_name(c), dtype, &ends[1], true);
  call_out(c, 0, dtype, ndim, shape);
  Fill *f = plan(c, DRAW_WHOLE, T_I64);
  f->low = low;
  f->range = (uint64_t)high - (uint64_t)low + 1;
}

/* Attributes: low, high, size, dtype. */
static void randint_infer(Call *c) {
  whole_numbers(c, 0, (DType)attr_int(c, 3, T_I64), c->attr[2].n, c->attr[2].v);
}

static void randint_like_infer(Call *c) {
  const Tensor *x = c->x[0];
  whole_numbers(c, 0, (DType)attr_int(c, 2, x->dtype), x->ndim, x->shape);
}

/* Attributes: low, high; without them all that the type counts exactly, from 0. */
static void random_in_place(Call *c) {
  const Tensor *x = c->x[0];
  DType d = (DType)x->dtype;
  static const int digits[T_DTYPES] = {24, 53, 63, 31, 8, 1, 11, 8};
  if (!attr_given(c, 0)) {
    c->attr[0] = attr_of_int(0);
    c->attr[1] = attr_of_int((int64_t)((1ull << digits[d]) - 1));
  }
  whole_numbers(c, 0, d, x->ndim, x->shape);
}

typedef struct Shuffle {
  RandomKey key;
} Shuffle;

static void randperm_infer(Call *c) {
  int64_t n = c->attr[0].i;
  if (n < 0) t_fail("randperm: n is %lld; it is 0 or more", (long long)n);
  call_out(c, 0, T_I64, 1, &n);
  call_scratch(c, sizeof(Shuffle));
  *(Shuffle *)c->scratch = (Shuffle){rng_next(rng_in_use())};
}

/* Fisher & Yates' shuffle, Durstenfeld's form (1964): position i takes one of the first i. */
static const char *randperm_run(Call *c) {
  enum { RUN = 512 };
  const Shuffle *s = c->scratch;
  uint64_t bits[RUN];
  int64_t *p = t_i64(c->y[0]), n = c->y[0]->numel;
  for (int64_t i = 0; i < n; i++) {
    if (i % RUN == 0) {
      if (team_cut()) break;
      draw_bits(&s->key, i, n - i < RUN ? n - i : RUN, bits);
    }
    int64_t j = (int64_t)draw_below(bits[i % RUN], (uint64_t)i + 1);
    p[i] = p[j];
    p[j] = i + T_BASE;
  }
  return NULL;
}

/* ---- yes or no ---------------------------------------------------------------------------------- */

static void check_probability(const Call *c, double p) {
  if (p >= 0 && p <= 1) return;
  t_fail("%s: %g is no probability; from 0 to 1 is wanted", call_name(c), p);
}

static void bernoulli_in_place(Call *c) {
  double p = attr_float(c, 0, 0.5);
  check_probability(c, p);
  plan(c, DRAW_YES, T_U8)->a = p;
}

typedef struct Coins {
  RandomKey key;
  const Tensor *p; /* float64, contiguous */
} Coins;

static void bernoulli_infer(Call *c) {
  const Tensor *x = c->x[0];
  call_scratch(c, sizeof(Coins));
  Coins *k = c->scratch;
  k->p = cast_copy(x, T_F64);
  for (int64_t i = 0; i < x->numel; i++) check_probability(c, t_f64(k->p)[i]);
  call_out(c, 0, (DType)x->dtype, x->ndim, x->shape);
  k->key = rng_next(rng_in_use());
}

static const char *bernoulli_run(Call *c) {
  enum { RUN = 512 };
  const Coins *k = c->scratch;
  Tensor *y = c->y[0];
  uint64_t bits[RUN];
  uint8_t out[RUN];
  int64_t size = (int64_t)dtype_size((DType)y->dtype);
  for (int64_t at = 0; at < y->numel; at += RUN) {
    int64_t n = y->numel - at < RUN ? y->numel - at : RUN;
    draw_bits(&k->key, at, n, bits);
    for (int64_t i = 0; i < n; i++) { out[i] = draw_unit(bits[i]) < t_f64(k->p)[at + i]; }
    cast_run(n, out, T_U8, 1, (char *)t_data(y) + at * size, (DType)y->dtype, 1);
  }
  return NULL;
}

/* ---- the rows ------------------------------------------------------------------------------------ */

#define MAKES  OP_CONST | OP_FUNCTION | OP_TENSOR | OP_RANDOM
#define WRITES OP_ONLY_INPLACE | OP_RANDOM

static Op rows[] = {
    {.sig = "rand(size: sizes, dtype: dtype=float32) -> x: tensor",
     .doc = "Uniform random numbers from 0, included, to 1, not included.",
     .example = "x = tensor.rand(2, 3)\n"
                "x.shape, x:ge(0):all(), x:lt(1):all() --> {2, 3}  true  true",
     .test = "{{2, 3}, {{5}}, {{2, 3}, {dtype = \"float64\"}}}",
     .ref = "reference.rand",
     .flags = MAKES,
     .infer = rand_infer,
     .run = fill_run},
    {.sig = "rand_like(x: tensor, dtype: dtype?) -> y: tensor",
     .doc =
         "Uniform random numbers from 0 to 1 in the shape and, unless another is given, the type "
         "of x.",
     .example = "x = tensor.rand_like(tensor.zeros(2, 3))\n"
                "x.shape, x:ge(0):all(), x:lt(1):all() --> {2, 3}  true  true",
     .test = "{{randn(2,3)}, {ints(3), {dtype = \"float32\"}}}",
     .ref = "reference.rand_like",
     .flags = MAKES,
     .infer = rand_like_infer,
     .run = fill_run},
    {.sig = "randn(size: sizes, dtype: dtype=float32) -> x: tensor",
     .doc = "Normal random numbers: mean 0, standard deviation 1.",
     .example = "x = tensor.randn(1000)\n"
                "x:mean():abs():item() < 0.3, (x:std() - 1):abs():item() < 0.3 --> true  true",
     .test = "{{2, 3}, {{5}}, {{2, 3}, {dtype = \"float64\"}}}",
     .ref = "reference.randn",
     .flags = MAKES,
     .infer = randn_infer,
     .run = fill_run},
    {.sig = "randn_like(x: tensor, dtype: dtype?) -> y: tensor",
     .doc = "Normal random numbers in the shape and, unless another is given, the type of x.",
     .example = "tensor.randn_like(tensor.zeros(2, 3)).shape --> {2, 3}",
     .test = "{{randn(2,3)}, {ints(3), {dtype = \"float32\"}}}",
     .ref = "reference.randn_like",
     .flags = MAKES,
     .infer = randn_like_infer,
     .run = fill_run},
    {.sig = "normal(mean: tensor=0, std: tensor=1, size: sizes?, dtype: dtype?) -> x: tensor",
     .doc = "Normal random numbers with that mean and standard deviation: of the size given where "
            "both are numbers, element by element where they are tensors.",
     .example = "tensor.normal(5, 0, {2}) --> float32 [2]  5.0  5.0",
     .test = "{{0, 1, {2, 3}}, {5, 2, {4}, {dtype = \"float64\"}}, {randn(2,3), rand(3)}}",
     .ref = "reference.normal",
     .flags = OP_FUNCTION | OP_TENSOR | OP_RANDOM,
     .compose = normal_compose},
    {.sig = "randint(low: int, high: int?, size: sizes, dtype: dtype=int64) -> x: tensor",
     .doc = "Random whole numbers from low to high, both included; randint(6, {2, 3}) is from 1 to "
            "6.",
     .example = "dice = tensor.randint(6, {1000})\n"
                "dice:min(), dice:max() --> 1  6",
     .test = "{{6, {2, 3}}, {-2, 2, {20}}, {0, 9, {4}, {dtype = \"float32\"}}}",
     .ref = "reference.randint",
     .flags = MAKES,
     .infer = randint_infer,
     .run = fill_run},
    {.sig = "randint_like(x: tensor, low: int, high: int?, dtype: dtype?) -> y: tensor",
     .doc =
         "Random whole numbers from low to high, both included, in the shape and, unless another "
         "is given, the type of x.",
     .example = "dice = tensor.randint_like(tensor.zeros(1000), 6)\n"
                "dice:min(), dice:max() --> 1.0  6.0",
     .test = "{{randn(2,3), 6}, {ints(3), -2, 2, {dtype = \"float64\"}}}",
     .ref = "reference.randint_like",
     .flags = MAKES,
     .infer = randint_like_infer,
     .run = fill_run},
    {.sig = "randperm(n: int) -> positions: index",
     .doc = "The numbers 1 to n in random order.",
     .example = "(tensor.randperm(5):sort()) --> int64 [5]  1  2  3  4  5",
     .test = "{{10}, {1}, {0}}",
     .ref = "reference.randperm",
     .flags = MAKES,
     .infer = randperm_infer,
     .run = randperm_run},
    {.sig = "bernoulli(x: tensor) -> y: tensor",
     .doc = "1 with the probability that stands in x, else 0; of x's type.",
     .example = "tensor{0.0, 1.0}:bernoulli() --> float32 [2]  0.0  1.0",
     .test = "{{rand(2,3)}, {rand(50)}}",
     .ref = "reference.bernoulli",
     .flags = OP_CONST | OP_RANDOM,
     .infer = bernoulli_infer,
     .run = bernoulli_run},
    {.sig = "random_(x: tensor, low: int?, high: int?) -> y: tensor",
     .doc = "Writes random whole numbers over x: from low to high, both included, from 1 to low "
            "where that stands alone, from 0 to the largest that the type counts to without both.",
     .example = "dice = tensor.zeros(1000):random_(1, 6)\n"
                "dice:min(), dice:max() --> 1.0  6.0",
     .test = "{{randn(2,3)}, {randn(5), 6}, {ints(5), -2, 2}}",
     .ref = "reference.random_",
     .flags = WRITES,
     .infer = random_in_place,
     .run = fill_run,
     .grad = no_grad},
    {.sig = "uniform_(x: tensor, from: float=0, to: float=1) -> y: tensor",
     .doc = "Writes uniform random numbers from `from`, included, to `to`, not included, over x.",
     .example = "x = tensor.zeros(1000):uniform_(2, 3)\n"
                "x:ge(2):all(), x:lt(3):all() --> true  true",
     .test = "{{randn(2,3)}, {randn(5), -1, 3}}",
     .ref = "reference.uniform_",
     .flags = WRITES,
     .infer = uniform_in_place,
     .run = fill_run,
     .grad = no_grad},
    {.sig = "normal_(x: tensor, mean: float=0, std: float=1) -> y: tensor",
     .doc = "Writes normal random numbers over x.",
     .example = "x = tensor.zeros(1000):normal_(5, 0.1)\n"
                "(x:mean() - 5):abs():item() < 0.1 --> true",
     .test = "{{randn(2,3)}, {randn(5), -1, 3}}",
     .ref = "reference.normal_",
     .flags = WRITES,
     .infer = normal_in_place,
     .run = fill_run,
     .grad = no_grad},
    {.sig = "bernoulli_(x: tensor, p: float=0.5) -> y: tensor",
     .doc = "Writes 1 with probability p, else 0, over x.",
     .example = "tensor.zeros(3):bernoulli_(1) --> float32 [3]  1.0  1.0  1.0",
     .test = "{{randn(2,3)}, {randn(20), 0.25}, {ints(5), 1}}",
     .ref = "reference.bernoulli_",
     .flags = WRITES,
     .infer = bernoulli_in_place,
     .run = fill_run,
     .grad = no_grad},
};

FAMILY(random, rows);
