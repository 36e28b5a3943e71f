/* Losses: the rows of the family, and the losses that compare element by element. */
#include "loss.h"

#include <math.h>
#include <stdio.h>

#include "../calc.h"
#include "../kernels/elementary.h"
#include "../kernels/vmath.h"
#include "../team.h"

/* ---- what all losses share ------------------------------------------------------------------------ */

const char *loss_place(const Tensor *x, int64_t at) {
  static char text[T_MAXDIM * 21 + 8];
  if (x->ndim <= 1) {
    snprintf(text, sizeof text, "row %lld", (long long)at + 1);
    return text;
  }
  int64_t index[T_MAXDIM];
  for (int d = x->ndim - 1; d >= 0; d--) {
    index[d] = at % x->shape[d] + 1;
    at /= x->shape[d];
  }
  return t_dims_str(x->ndim, index);
}

/* The dimension, from 1, of size 1 that `more` has and `fewer` has not; 0 when that is not all. */
static int surplus_one(const Tensor *more, const Tensor *fewer) {
  if (more->ndim != fewer->ndim + 1) return 0;
  for (int d = more->ndim - 1; d >= 0; d--) {
    bool fits = more->shape[d] == 1;
    for (int i = 0; fits && i < fewer->ndim; i++) {
      fits = more->shape[i < d ? i : i + 1] == fewer->shape[i];
    }
    if (fits) return d + 1;
  }
  return 0;
}

void loss_check_shapes(Call *c) {
  Tensor *x = c->x[0], *t = c->x[1];
  if (t->weak || t_same_shape(x, t)) return;
  char repair[80] = "check which of the two is meant";
  int in_target = surplus_one(t, x), in_input = surplus_one(x, t);
  if (in_target)
    snprintf(repair, sizeof repair, "target:squeeze(%d)", in_target);
  else if (in_input)
    snprintf(repair, sizeof repair, "target:unsqueeze(%d), or input:squeeze(%d)", in_input,
             in_input);
  else if (x->numel == t->numel)
    snprintf(repair, sizeof repair, "target:view_as(input), if their elements are in one order");
  t_fail("%s: input %s and target %s must have the same shape, losses do not broadcast; %s",
         call_name(c), t_shape_str(x), t_shape_str(t), repair);
}

Attr loss_choice(int64_t reduction) { return (Attr){.tag = A_CHOICE, .i = reduction}; }

Tensor *loss_reduced(Tensor *loss, int64_t reduction) {
  if (reduction == REDUCE_NONE) return loss;
  return reduction == REDUCE_SUM ? t_sum_all(loss) : t_op1("mean", loss);
}

/* ---- element by element --------------------------------------------------------------------------- */

enum { BLOCK = 512, GRAIN = 64 * BLOCK }; /* elements of a block, and of a part */

/* loss[i] from x[i] and t[i], n <= BLOCK; p is the loss's own parameter. */
typedef void (*LoopF32)(int64_t n, const float *x, const float *t, float *loss, float p);
typedef void (*LoopF64)(int64_t n, const double *x, const double *t, double *loss, double p);

#define LOOP(name, type, T, f)                                                                     \
  static void name##_##type(int64_t n, const T *x_, const T *t_, T *loss, T p) {                   \
    (void)p;                                                                                       \
    for (int64_t i = 0; i < n; i++) {                                                              \
      T x = x_[i], t = t_[i], d = x - t, a = d < 0 ? -d : d;                                       \
      (void)x, (void)t, (void)a;                                                                   \
      loss[i] = (f);                                                                               \
    }                                                                                              \
  }
#define LOOPS(name, f)                                                                             \
  LOOP(name, f32, float, f)                                                                        \
  LOOP(name, f64, double, f)
LOOPS(mse, d *d)
LOOPS(l1, a)
LOOPS(smooth, a < p ? d * d / (2 * p) : a - p / 2)
LOOPS(huber, a <= p ? d * d / 2 : p * (a - p / 2))
LOOP(logits, f64, double, (1 - t) * x + softplus_f64(-x))
LOOP(bce, f64, double, -(t * fmax(log(x), -100) + (1 - t) * fmax(log1p(-x), -100)))

static void logits_f32(int64_t n, const float *x, const float *t, float *loss, float p) {
  (void)p;
  float soft[BLOCK];
  for (int64_t i = 0; i < n; i++) soft[i] = -x[i];
  SIMD_PICK(elementary_kernels)->softplus(n, soft, soft);
  for (int64_t i = 0; i < n; i++) loss[i] = (1 - t[i]) * x[i] + soft[i];
}

static void bce_f32(int64_t n, const float *x, const float *t, float *loss, float p) {
  (void)p;
  float yes[BLOCK], no[BLOCK];
  for (int64_t i = 0; i < n; i++) no[i] = -x[i];
  SIMD_PICK(elementary_kernels)->log(n, x, yes);
  SIMD_PICK(elementary_kernels)->log1p(n, no, no);
  for (int64_t i = 0; i < n; i++) {
    float a = yes[i] < -100 ? -100 : yes[i], b = no[i] < -100 ? -100 : no[i];
    loss[i] = -(t[i] * a + (1 - t[i]) * b);
  }
}

typedef struct Job {
  LoopF32 f32;
  LoopF64 f64;
  const Tensor *x, *t;
  Tensor *y;      /* of the losses, or NULL */
  double *part;   /* else the sum of each part */
  double p;
} Job;

static double block_f32(const Job *j, int64_t at, int64_t n, const float *number) {
  float own[BLOCK], *loss = j->y ? t_f32(j->y) + at : own;
  j->f32(n, t_f32(j->x) + at, number ? number : t_f32(j->t) + at, loss, (float)j->p);
  double sum = 0;
  for (int64_t i = 0; !j->y && i < n; i++) sum += (double)loss[i];
  return sum;
}

static double block_f64(const Job *j, int64_t at, int64_t n, const double *number) {
  double own[BLOCK], *loss = j->y ? t_f64(j->y) + at : own;
  j->f64(n, t_f64(j->x) + at, number ? number : t_f64(j->t) + at, loss, j->p);
  double sum = 0;
  for (int64_t i = 0; !j->y && i < n; i++) sum += loss[i];
  return sum;
}

static void part(void *job, int64_t k) {
  const Job *j = job;
  int64_t numel = j->x->numel, end = (k + 1) * GRAIN < numel ? (k + 1) * GRAIN : numel;
  bool number = j->t->ndim < j->x->ndim, single = j->x->dtype == T_F32;
  float number_f32[BLOCK];
  double number_f64[BLOCK], sum = 0;
  for (int i = 0; number && i < BLOCK; i++) {
    number_f64[i] = t_get(j->t, 0);
    number_f32[i] = (float)number_f64[i];
  }
  for (int64_t at = k * GRAIN; at < end; at += BLOCK) {
    int64_t n = end - at < BLOCK ? end - at : BLOCK;
    sum += single ? block_f32(j, at, n, number ? number_f32 : NULL)
                  : block_f64(j, at, n, number ? number_f64 : NULL);
  }
  if (j->part) j->part[k] = sum;
}

static int64_t parts_of(const Tensor *x) { return (x->numel + GRAIN - 1) / GRAIN; }

static void infer(Call *c) {
  loss_check_shapes(c);
  DType d = call_promote(c, 0, 2);
  if (!dtype_is_float(d)) d = T_F32;
  call_want(c, 0, d);
  call_want(c, 1, d);
  bool whole = c->attr[0].i != REDUCE_NONE;
  call_out(c, 0, d, whole ? 0 : c->x[0]->ndim, c->x[0]->shape);
  if (whole) call_scratch(c, (size_t)(parts_of(c->x[0]) + 1) * sizeof(double));
}

static const char *run(Call *c, LoopF32 f32, LoopF64 f64, double p) {
  Tensor *x = c->x[0];
  Job j = {.f32 = f32, .f64 = f64, .x = x, .t = c->x[1], .p = p};
  int64_t parts = parts_of(x), reduction = c->attr[0].i;
  if (reduction == REDUCE_NONE)
    j.y = c->y[0];
  else
    j.part = c->scratch;
  team_run(parts, part, &j);
  if (reduction == REDUCE_NONE) return NULL;
  double sum = 0;
  for (int64_t i = 0; i < parts; i++) sum += j.part[i];
  t_set(c->y[0], 0, reduction == REDUCE_MEAN ? sum / (double)x->numel : sum);
  return NULL;
}

/* The incoming gradient as it reaches each element's loss. */
static Tensor *per_element(Call *c, Tensor *g) {
  return c->attr[0].i == REDUCE_MEAN ? t_muln(g, 1 / (double)c->x[0]->numel) : g;
}

/* ---- distances ---------------------------------------------------------------------------------- */

static const char *mse_run(Call *c) { return run(c, mse_f32, mse_f64, 0); }
static const char *l1_run(Call *c) { return run(c, l1_f32, l1_f64, 0); }

/* smooth_l1 with beta 0 is l1. */
static void smooth_infer(Call *c) {
  double beta = attr_float(c, 1, 1);
  if (!(beta >= 0)) t_fail("smooth_l1_loss: beta is %g; it is not negative", beta);
  infer(c);
}
static const char *smooth_run(Call *c) {
  return run(c, smooth_f32, smooth_f64, attr_float(c, 1, 1));
}

static void huber_infer(Call *c) {
  double delta = attr_float(c, 1, 1);
  if (!(delta > 0)) t_fail("huber_loss: delta is %g; it must be greater than 0", delta);
  infer(c);
}
static const char *huber_run(Call *c) { return run(c, huber_f32, huber_f64, attr_float(c, 1, 1)); }

static void give(Call *c, Tensor *dx, Tensor **gx) {
  if (c->want[0]) gx[0] = dx;
  if (c->want[1]) gx[1] = t_neg(dx);
}

static void mse_grad(Call *c, Tensor *const *gy, Tensor **gx) {
  give(c, t_mul(t_sub(c->x[0], c->x[1]), t_muln(per_element(c, gy[0]), 2)), gx);
}

static void l1_grad(Call *c, Tensor *const *gy, Tensor **gx) {
  give(c, t_mul(t_sign(t_sub(c->x[0], c->x[1])), per_element(c, gy[0])), gx);
}

static Tensor *clamped(Tensor *x, double limit) {
  return t_op2("maximum", t_op2("minimum", x, t_num(limit)), t_num(-limit));
}

static void smooth_grad(Call *c, Tensor *const *gy, Tensor **gx) {
  double beta = attr_float(c, 1, 1);
  Tensor *d = t_sub(c->x[0], c->x[1]);
  Tensor *slope = beta > 0 ? clamped(t_muln(d, 1 / beta), 1) : t_sign(d);
  give(c, t_mul(slope, per_element(c, gy[0])), gx);
}

static void huber_grad(Call *c, Tensor *const *gy, Tensor **gx) {
  Tensor *d = t_sub(c->x[0], c->x[1]);
  give(c, t_mul(clamped(d, attr_float(c, 1, 1)), per_element(c, gy[0])), gx);
}

/* ---- yes or no ------------------------------------------------------------------------------------ */

/* Fails where an input or target that should be a probability is none. */
static void check_probabilities(Call *c, Tensor *x, const char *what, const char *repair) {
  Tensor *flat = x->weak ? x : t_is_contiguous(x) ? x : cast_flat(x);
  for (int64_t i = 0; i < flat->numel; i++) {
    double v = t_get(flat, i);
    if (!(v < 0 || v > 1)) continue;
    if (x->ndim == 0) t_fail("%s: %s %g is not between 0 and 1; %s", call_name(c), what, v, repair);
    t_fail("%s: %s %g at %s is not between 0 and 1; %s", call_name(c), what, v, loss_place(x, i),
           repair);
  }
}
