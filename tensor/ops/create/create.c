/* Tensors from nothing: constants, ranges, the identity. */
#include <math.h>

#include "../../loop/cast.h"
#include "../../store.h"
#include "../../kernels/ramp.h"
#include "../../machine/team.h"

/* ---- constants -------------------------------------------------------------------------------- */

static DType type_of(const Attr *number) {
  return number->tag == A_FLOAT ? T_F32 : number->tag == A_BOOL ? T_BOOL : T_I64;
}

static DType dtype_attr(const Call *c, int i, DType otherwise) {
  return (DType)attr_int(c, i, (int64_t)otherwise);
}

/* Attributes: size, dtype. */
static void sized_infer(Call *c) {
  call_out(c, 0, dtype_attr(c, 1, T_F32), c->attr[0].n, c->attr[0].v);
}

/* Attributes: dtype. */
static void like_infer(Call *c) {
  const Tensor *x = c->x[0];
  call_out(c, 0, dtype_attr(c, 0, (DType)x->dtype), x->ndim, x->shape);
}

static const char *zeros_run(Call *c) {
  Attr zero = attr_of_int(0);
  store_number(c->y[0], &zero);
  return NULL;
}

static const char *ones_run(Call *c) {
  Attr one = attr_of_int(1);
  store_number(c->y[0], &one);
  return NULL;
}

/* Attributes: size, fill_value, dtype. */
static void full_infer(Call *c) {
  DType dtype = dtype_attr(c, 2, type_of(&c->attr[1]));
  store_check_number("full", dtype, &c->attr[1], true);
  call_out(c, 0, dtype, c->attr[0].n, c->attr[0].v);
}

static const char *full_run(Call *c) {
  store_number(c->y[0], &c->attr[1]);
  return NULL;
}

/* Attributes: fill_value, dtype. */
static void full_like_infer(Call *c) {
  const Tensor *x = c->x[0];
  DType dtype = dtype_attr(c, 1, (DType)x->dtype);
  store_check_number("full_like", dtype, &c->attr[0], true);
  call_out(c, 0, dtype, x->ndim, x->shape);
}

static const char *full_like_run(Call *c) {
  store_number(c->y[0], &c->attr[0]);
  return NULL;
}

/* Attributes: size, dtype. */
static void new_infer(Call *c) {
  call_out(c, 0, dtype_attr(c, 1, (DType)c->x[0]->dtype), c->attr[0].n, c->attr[0].v);
}

/* Attributes: size, fill_value, dtype. */
static void new_full_infer(Call *c) {
  DType dtype = dtype_attr(c, 2, (DType)c->x[0]->dtype);
  store_check_number("new_full", dtype, &c->attr[1], true);
  call_out(c, 0, dtype, c->attr[0].n, c->attr[0].v);
}

/* ---- ranges ------------------------------------------------------------------------------------ */

enum { RUN = 512, PART = 1 << 15 };

/* from + by i for i < bend, to - by (n-1 - i) from there on; or base to the
   power of that. */
typedef struct Ramp {
  Tensor *y;
  int64_t bend;
  double from, to, by, base;
  bool powers;
} Ramp;

/* Elements at..at+n-1 in float64, or in float32 at once. */
static void some(const Ramp *r, int64_t at, int64_t n, void *y, bool narrow) {
  const RampLoops *loops = SIMD_PICK(ramp_loops);
  int64_t last = r->y->numel - 1;
  int rising = (int)(at >= r->bend      ? 0
                     : r->bend - at < n ? r->bend - at
                                        : n),
      rest = (int)n - rising;
  double first = (double)at, second = (double)(at + rising - last);
  if (narrow) {
    loops->f32(rising, r->from, r->by, first, y);
    loops->f32(rest, r->to, r->by, second, (float *)y + rising);
  } else {
    loops->f64(rising, r->from, r->by, first, y);
    loops->f64(rest, r->to, r->by, second, (double *)y + rising);
  }
}

/* Computed in float64. */
static void ramp_part(void *job, int64_t part) {
  const Ramp *r = job;
  Tensor *y = r->y;
  double run[RUN];
  int64_t size = (int64_t)dtype_size((DType)y->dtype);
  int64_t end = (part + 1) * PART < y->numel ? (part + 1) * PART : y->numel;
  for (int64_t at = part * PART; at < end; at += RUN) {
    int64_t n = end - at < RUN ? end - at : RUN;
    if (y->dtype == T_F32 && !r->powers) {
      some(r, at, n, t_f32(y) + at, true);
      continue;
    }
    some(r, at, n, run, false);
    for (int64_t i = 0; r->powers && i < n; i++) run[i] = pow(r->base, run[i]);
    cast_run(n, run, T_F64, 1, (char *)t_data(y) + at * size, (DType)y->dtype, 1);
  }
}

static void fill_ramp(Ramp r) { team_run((r.y->numel + PART - 1) / PART, ramp_part, &r); }

typedef struct Range {
  bool whole; /* start, stop and step are integers */
  int64_t start, stop, step;
  double from, to, by;
  Tensor *y;
} Range;

/* What integers are asked for by loses its fraction. */
static void whole(Attr *a) {
  if (a->tag == A_FLOAT && fabs(a->f) < 0x1p63) *a = attr_of_int((int64_t)a->f);
}

/* Attributes: start, stop, step, dtype; arange(n) is 1..n. */
static Range range_of(const Call *c) {
  Attr start = c->attr[0], stop = c->attr[1], step = c->attr[2];
  if (stop.tag == A_NONE) {
    if (start.tag == A_NONE) t_fail("arange: the end is missing; arange(5) is 1 to 5");
    stop = start;
    start.tag = A_NONE;
  }
  if (start.tag == A_NONE) start = attr_of_int(1);
  if (step.tag == A_NONE) step = attr_of_int(1);
  if (attr_given(c, 3) && !dtype_is_float((DType)c->attr[3].i)) {
    whole(&start);
    whole(&stop);
    whole(&step);
  }
  Range r = {.start = start.i, .stop = stop.i, .step = step.i};
  r.whole = start.tag != A_FLOAT && stop.tag != A_FLOAT && step.tag != A_FLOAT;
  r.from = start.tag == A_FLOAT ? start.f : (double)start.i;
  r.to = stop.tag == A_FLOAT ? stop.f : (double)stop.i;
  r.by = step.tag == A_FLOAT ? step.f : (double)step.i;
  if (r.by == 0) t_fail("arange: step is 0; a positive or negative one is wanted");
  return r;
}

/* Both ends included; a last value that misses the end by rounding only counts. The range from 1
   to 0 is empty; an end further behind is a mistake. */
static int64_t range_length(const Range *r) {
  double steps = (r->to - r->from) / r->by;
  if (steps < -1 - 1e-9) {
    t_fail("arange: steps of %g lead from %g away from %g; give {step = %g}", r->by, r->from, r->to,
           -r->by);
  }
  if (r->whole) {
    __int128 way = (__int128)r->stop - r->start, n = way / r->step;
    if ((way < 0) != (r->step < 0) && way != 0) return 0;
    if (n < (__int128)1 << 50) return (int64_t)n + 1;
  }
  if (!(steps < 0x1p50)) {
    t_fail("arange: from %g to %g by %g are more values than can be counted", r->from, r->to,
           r->by);
  }
  return steps < 0 ? 0 : (int64_t)floor(steps * (1 + 1e-12) + 1e-12) + 1;
}

static void arange_infer(Call *c) {
  Range r = range_of(c);
  int64_t n = range_length(&r);
  call_out(c, 0, dtype_attr(c, 3, r.whole ? T_I64 : T_F32), 1, &n);
}

static void whole_part(void *job, int64_t part) {
  const Range *r = job;
  int64_t *y = t_i64(r->y), n = r->y->numel;
  int64_t end = (part + 1) * PART < n ? (part + 1) * PART : n;
  for (int64_t i = part * PART; i < end; i++) y[i] = r->start + i * r->step;
}

static const char *arange_run(Call *c) {
  Range r = range_of(c);
  r.y = c->y[0];
  if (r.whole && r.y->dtype == T_I64)
    team_run((r.y->numel + PART - 1) / PART, whole_part, &r);
  else
    fill_ramp((Ramp){.y = r.y, .bend = r.y->numel, .from = r.from, .by = r.by});
  return NULL;
}

/* Attributes: start, stop, steps, dtype. */
static void linspace_infer(Call *c) {
  int64_t n = c->attr[2].i;
  if (n < 0) t_fail("linspace: steps is %lld; it is 0 or more", (long long)n);
  call_out(c, 0, dtype_attr(c, 3, T_F32), 1, &n);
}

/* From the nearer end, so that both are met exactly. In integers both are whole. */
static Ramp even_ramp(const Call *c) {
  int64_t n = c->y[0]->numel;
  Ramp r = {.y = c->y[0], .bend = n / 2, .from = attr_float(c, 0, 0), .to = attr_float(c, 1, 0)};
  if (!dtype_is_float((DType)r.y->dtype)) {
    r.from = trunc(r.from);
    r.to = trunc(r.to);
  }
  if (n == 1) r.to = r.from;
  r.by = n > 1 ? (r.to - r.from) / (double)(n - 1) : 0;
  return r;
}

/* Attributes: start, stop, steps, base, dtype. */
static void logspace_infer(Call *c) {
  int64_t n = c->attr[2].i;
  if (n < 0) t_fail("logspace: steps is %lld; it is 0 or more", (long long)n);
  call_out(c, 0, dtype_attr(c, 4, T_F32), 1, &n);
}

static const char *logspace_run(Call *c) {
  Ramp r = even_ramp(c);
  r.powers = true;
  r.base = attr_float(c, 3, 10);
  fill_ramp(r);
  return NULL;
}

static const char *linspace_run(Call *c) {
  fill_ramp(even_ramp(c));
  return NULL;
}

/* ---- the identity ------------------------------------------------------------------------------ */

/* Attributes: n, m (absent: n), dtype. */
static void eye_infer(Call *c) {
  int64_t shape[2] = {c->attr[0].i, attr_int(c, 1, c->attr[0].i)};
  for (int d = 0; d < 2; d++) {
    if (shape[d] < 0) t_fail("eye: size %lld; sizes are 0 or more", (long long)shape[d]);
  }
  call_out(c, 0, dtype_attr(c, 2, T_F32), 2, shape);
}

static const char *eye_run(Call *c) {
  Tensor *y = c->y[0], diagonal = *y;
  Attr one = attr_of_int(1);
  zeros_run(c);
  diagonal.ndim = 1;
  diagonal.numel = diagonal.shape[0] = y->shape[0] < y->shape[1] ? y->shape[0] : y->shape[1];
  diagonal.stride[0] = y->shape[1] + 1;
  store_number(&diagonal, &one);
  return NULL;
}

/* ---- the rows ---------------------------------------------------------------------------------- */

#define MAKES OP_CONST | OP_FUNCTION | OP_TENSOR

#define SIZED(name, value, text, shown)                                                            \
  {                                                                                                \
    .sig = #name "(size: sizes, dtype: dtype=float32) -> x: tensor", .doc = text,                  \
    .test = "{{2, 3}, {{2, 3}, {dtype = \"int64\"}}, {{0, 2}}}", .ref = "reference." #name,        \
    .flags = MAKES, .infer = sized_infer, .run = value##_run, .example = shown                     \
  }

#define LIKE(name, value, text, shown)                                                             \
  {                                                                                                \
    .sig = #name "_like(x: tensor, dtype: dtype?) -> y: tensor",                                   \
    .doc = text " In the shape and, unless another is given, the type of x.",                      \
    .test = "{{randn(2,3)}, {randn(2,3), {dtype = \"int64\"}}}",                                   \
    .ref = "reference." #name "_like", .flags = MAKES, .infer = like_infer, .run = value##_run,    \
    .example = shown                                                                               \
  }

#define NEW(name, value, text, shown)                                                              \
  {                                                                                                \
    .sig = "new_" #name "(x: tensor, size: sizes, dtype: dtype?) -> y: tensor",                    \
    .doc = text " In another size and, unless another is given, the type of x.",                   \
    .test = "{{randn(2,3), {2, 1}}, {randn(2,3), 4, {dtype = \"int64\"}}}",                        \
    .ref = "reference.new_" #name, .flags = OP_CONST | OP_TENSOR, .infer = new_infer,              \
    .run = value##_run, .example = shown                                                           \
  }

#define ZEROS "All zeros."
#define ONES  "All ones."
#define EMPTY "Meant to be written to; zeros until then, so that runs repeat."

static Op rows[] = {
    SIZED(zeros, zeros, ZEROS,
          "tensor.zeros(2, 3) --> float32 [2,3]\n"
          "  0.0  0.0  0.0\n"
          "  0.0  0.0  0.0"),
    LIKE(zeros, zeros, ZEROS,
         "tensor.zeros_like(tensor{{1, 2}, {3, 4}}) --> int64 [2,2]\n"
         "  0  0\n"
         "  0  0"),
    SIZED(ones, ones, ONES, "tensor.ones(2, {dtype = \"int64\"}) --> int64 [2]  1  1"),
    LIKE(ones, ones, ONES,
         "tensor.ones_like(tensor{{1, 2}, {3, 4}}) --> int64 [2,2]\n"
         "  1  1\n"
         "  1  1"),
    SIZED(empty, zeros, EMPTY, "tensor.empty(2, 3).shape --> {2, 3}"),
    LIKE(empty, zeros, EMPTY,
         "x = tensor.empty_like(tensor{{1, 2}})\n"
         "x.shape, x.dtype --> {1, 2}  int64"),
    NEW(zeros, zeros, ZEROS, "tensor{1, 2}:new_zeros(3) --> int64 [3]  0  0  0"),
    NEW(ones, ones, ONES, "tensor{1, 2}:new_ones(3) --> int64 [3]  1  1  1"),
    NEW(empty, zeros, EMPTY,
        "x = tensor{1, 2}:new_empty(2, 3)\n"
        "x.shape, x.dtype --> {2, 3}  int64"),
    {.sig = "new_full(x: tensor, size: sizes, fill_value: scalar, dtype: dtype?) -> y: tensor",
     .doc = "One number everywhere, in another size and, unless another is given, the type of x.",
     .example = "tensor{0.5}:new_full({2}, 7) --> float32 [2]  7.0  7.0",
     .test = "{{randn(2,3), {2, 1}, 1.5}, {randn(2,3), {4}, 2, {dtype = \"int64\"}}}",
     .ref = "reference.new_full",
     .flags = OP_CONST | OP_TENSOR,
     .infer = new_full_infer,
     .run = full_run},
    {.sig = "full(size: sizes, fill_value: scalar, dtype: dtype?) -> x: tensor",
     .doc = "One number everywhere; an integer makes int64, a float float32, a boolean bool.",
     .example = "tensor.full({2, 2}, 7) --> int64 [2,2]\n  7  7\n  7  7",
     .test = "{{{2,3}, 7}, {{2}, 1.5}, {{2}, 1, {dtype = \"float64\"}}}",
     .ref = "reference.full",
     .flags = MAKES,
     .infer = full_infer,
     .run = full_run},
    {.sig = "full_like(x: tensor, fill_value: scalar, dtype: dtype?) -> y: tensor",
     .doc = "One number everywhere, in the shape and, unless another is given, the type of x.",
     .example = "tensor.full_like(tensor{1, 2}, 7) --> int64 [2]  7  7",
     .test = "{{randn(2,3), 1.5}, {randn(2,3), 2, {dtype = \"int64\"}}}",
     .ref = "reference.full_like",
     .flags = MAKES,
     .infer = full_like_infer,
     .run = full_like_run},
    {.sig = "arange(start: scalar?, stop: scalar?, step: scalar=1, dtype: dtype?) -> x: tensor",
     .doc = "The numbers from start to stop, both included: arange(5) is 1 to 5, arange(2, 5) is 2 "
            "to 5, arange(0, 1, 0.25) has five values. Integers make int64, else float32. "
            "arange(0) is empty; an end that the steps lead away "
            "from is an error. With an integer dtype start, stop and step lose their fractions.",
     .example = "tensor.arange(5) --> int64 [5]  1  2  3  4  5",
     .test = "{{5}, {2, 5}, {0, 1, 0.25}, {5, 1, -2}, {0, 0.3, 0.1}, {1, 0}, {1, 3, {dtype = "
             "\"float64\"}}}",
     .ref = "reference.arange",
     .flags = MAKES,
     .infer = arange_infer,
     .run = arange_run},
    {.sig = "linspace(start: float, stop: float, steps: int, dtype: dtype=float32) -> x: tensor",
     .doc = "steps numbers from start to stop, both included, evenly spaced. With an integer dtype "
            "start, stop and then every number lose their fractions.",
     .example = "tensor.linspace(0, 1, 5) --> float32 [5]  0.00  0.25  0.50  0.75  1.00",
     .test = "{{0, 1, 5}, {-2, 3, 4}, {1, 2, 1}, {0, 1, 7, {dtype = \"float64\"}}}",
     .ref = "reference.linspace",
     .flags = MAKES,
     .infer = linspace_infer,
     .run = linspace_run},
    {.sig = "logspace(start: float, stop: float, steps: int, base: float=10, dtype: dtype=float32) "
            "-> x: tensor",
     .doc = "steps powers of base, from base^start to base^stop, both included, with evenly spaced "
            "exponents.",
     .example = "tensor.logspace(0, 2, 3) --> float32 [3]    1.0   10.0  100.0",
     .test = "{{0, 1, 5, {dtype = \"float64\"}}, {-2, 3, 4, 2, {dtype = \"float64\"}}, {1, 2, 1}}",
     .ref = "reference.logspace",
     .flags = MAKES,
     .infer = logspace_infer,
     .run = logspace_run},
    {.sig = "eye(n: int, m: int?, dtype: dtype=float32) -> x: tensor",
     .doc = "The identity matrix [n,n], or [n,m] with ones on its diagonal.",
     .example = "tensor.eye(2) --> float32 [2,2]\n"
                "  1.0  0.0\n"
                "  0.0  1.0",
     .test = "{{3}, {2, 3}, {3, 2, {dtype = \"int64\"}}}",
     .ref = "reference.eye",
     .flags = MAKES,
     .infer = eye_infer,
     .run = eye_run},
};

FAMILY(create, rows);
