/* Losses that compare input and target element by element. */
#include <math.h>

#include "../../calc.h"
#include "../../loop/cast.h"
#include "../../expect.h"
#include "../../kernels/losses.h"
#include "../../kernels/reduce.h"
#include "../../machine/team.h"
#include "loss.h"

enum { BLOCK = 512, GRAIN = 64 * BLOCK }; /* elements of a block, and of a part */

typedef struct Job {
  LossLoop loop;
  Reduce sum;
  double p; /* the loss's own parameter */
  const Tensor *x, *t;
  size_t size;  /* bytes of an element */
  char *y;      /* the losses; or NULL */
  double *part; /* the sum of each part */
} Job;

/* The sum of the losses of n elements, at most BLOCK; t: the target at the first, or a block full of
   the one number. */
static double block(const Job *j, int64_t at, int64_t n, const char *t) {
  _Alignas(64) double own[BLOCK];
  size_t bytes = (size_t)at * j->size;
  double sum = 0;
  void *loss = j->y ? (void *)(j->y + bytes) : (void *)own;
  j->loop(n, (const char *)t_data(j->x) + bytes, t, loss, j->p);
  if (j->part) j->sum.rows(1, n, 0, loss, &sum);
  return sum;
}

static void part(void *job, int64_t k) {
  const Job *j = job;
  int64_t numel = j->x->numel, end = (k + 1) * GRAIN < numel ? (k + 1) * GRAIN : numel;
  bool number = j->t->ndim < j->x->ndim;
  _Alignas(64) double numbers[BLOCK];
  if (number) {
    DType d = (DType)j->t->dtype;
    cast_run(BLOCK, t_data(j->t), d, 0, numbers, d, 1);
  }
  double sum = 0;
  for (int64_t at = k * GRAIN; at < end; at += BLOCK) {
    const char *t = (const char *)t_data(j->t) + (size_t)at * j->size;
    sum += block(j, at, end - at < BLOCK ? end - at : BLOCK, number ? (char *)numbers : t);
  }
  if (j->part) j->part[k] = sum;
}

static int64_t parts_of(const Tensor *x) { return (x->numel + GRAIN - 1) / GRAIN; }

static void pair_infer(Call *c) {
  loss_check_shapes(c);
  DType d = call_promote(c, 0, 2);
  if (!dtype_is_float(d)) d = T_F32;
  call_want(c, 0, d);
  call_want(c, 1, d);
  bool whole = c->attr[0].i != REDUCTION_NONE;
  call_out(c, 0, d, whole ? 0 : c->x[0]->ndim, c->x[0]->shape);
  if (whole) call_scratch(c, (size_t)(parts_of(c->x[0]) + 1) * sizeof(double));
}

static const char *run(Call *c, LossKind kind, double p) {
  Tensor *x = c->x[0];
  Job j = {.loop = SIMD_PICK(loss_kernels)->of[kind][x->dtype], .x = x, .t = c->x[1], .p = p};
  j.sum = SIMD_PICK(reduce_kernels)->of[REDUCE_SUM][x->dtype];
  j.size = dtype_size((DType)x->dtype);
  int64_t parts = parts_of(x), reduction = c->attr[0].i;
  if (reduction == REDUCTION_NONE)
    j.y = t_data(c->y[0]);
  else
    j.part = c->scratch;
  team_run(parts, part, &j);
  if (reduction == REDUCTION_NONE) return NULL;
  double sum = 0;
  for (int64_t i = 0; i < parts; i++) sum += j.part[i];
  t_set(c->y[0], 0, reduction == REDUCTION_MEAN ? sum / (double)x->numel : sum);
  return NULL;
}

/* The incoming gradient as it reaches each element's loss. */
static Tensor *per_element(Call *c, Tensor *g) {
  return c->attr[0].i == REDUCTION_MEAN ? t_muln(g, 1 / (double)c->x[0]->numel) : g;
}

/* ---- distances ---------------------------------------------------------------------------------- */

static const char *mse_run(Call *c) { return run(c, LOSS_MSE, 0); }
static const char *l1_run(Call *c) { return run(c, LOSS_L1, 0); }

/* smooth_l1 with beta 0 is l1. */
static void smooth_infer(Call *c) {
  double beta = attr_float(c, 1, 1);
  if (!(beta >= 0)) t_fail("smooth_l1_loss: beta is %g; it is not negative", beta);
  pair_infer(c);
}
static const char *smooth_run(Call *c) { return run(c, LOSS_SMOOTH, attr_float(c, 1, 1)); }

static void huber_infer(Call *c) {
  double delta = attr_float(c, 1, 1);
  if (!(delta > 0)) t_fail("huber_loss: delta is %g; it must be greater than 0", delta);
  pair_infer(c);
}
static const char *huber_run(Call *c) { return run(c, LOSS_HUBER, attr_float(c, 1, 1)); }

/* p: the loss's own parameter. */
static void slope_grad(Call *c, LossKind kind, double p, Tensor *g, Tensor **gx) {
  double scale = c->attr[0].i == REDUCTION_MEAN ? 1 / (double)c->x[0]->numel : 1;
  Tensor *dx = t_call("loss_slope", "xxxcff", g, c->x[0], c->x[1], (int)kind, scale, p);
  if (c->want[0]) gx[0] = dx;
  if (c->want[1]) gx[1] = t_neg(dx);
}

static void mse_grad(Call *c, Tensor *const *gy, Tensor **gx) {
  slope_grad(c, LOSS_MSE, 1, gy[0], gx);
}

static void l1_grad(Call *c, Tensor *const *gy, Tensor **gx) {
  slope_grad(c, LOSS_L1, 1, gy[0], gx);
}

static void smooth_grad(Call *c, Tensor *const *gy, Tensor **gx) {
  double beta = attr_float(c, 1, 1);
  slope_grad(c, beta == 0 ? LOSS_L1 : LOSS_SMOOTH, beta == 0 ? 1 : beta, gy[0], gx);
}

static void huber_grad(Call *c, Tensor *const *gy, Tensor **gx) {
  slope_grad(c, LOSS_HUBER, attr_float(c, 1, 1), gy[0], gx);
}

/* ---- yes or no ------------------------------------------------------------------------------------ */

#define FIRST_OUTSIDE(type, T)                                                                     \
  static int64_t first_outside_##type(int64_t n, const T *v) {                                     \
    int64_t i = 0;                                                                                 \
    while (i < n && !(v[i] < 0 || v[i] > 1)) i++;                                                  \
    return i;                                                                                      \
  }
FIRST_OUTSIDE(f32, float)
FIRST_OUTSIDE(f64, double)

/* Fails where an input or target that should be a probability is none. */
static void check_probabilities(Call *c, const Tensor *x, const char *what, const char *repair) {
  bool direct = (x->dtype == T_F32 || x->dtype == T_F64) && t_is_contiguous(x);
  const Tensor *v = direct ? x : cast_copy(x, T_F64);
  int64_t i = v->dtype == T_F32 ? first_outside_f32(v->numel, t_f32(v))
                                : first_outside_f64(v->numel, t_f64(v));
  if (i == v->numel) return;
  t_fail("%s: %s %g at %s is not between 0 and 1; %s", call_name(c), what, t_get(v, i),
         loss_place(x, i), repair);
}

/* The loss of each element, or reduced at once where no weight stands between. */
static Tensor *fused(Call *c, const char *row, int64_t reduction) {
  return t_call(row, "xxc", c->x[0], c->x[1], (int)reduction);
}

/* Fails unless t, a weight, broadcasts to the input's shape. */
static void check_weight(Call *c, const Tensor *t, const char *what) {
  const Tensor *x = c->x[0];
  if (!t) return;
  int lead = x->ndim - t->ndim;
  bool fits = lead >= 0;
  for (int d = 0; fits && d < t->ndim; d++) {
    fits = t->shape[d] == 1 || t->shape[d] == x->shape[lead + d];
  }
  if (!fits) {
    t_fail("%s: %s %s does not go with input %s; it has the input's last sizes, or 1 in their "
           "place",
           call_name(c), what, t_shape_str(t), t_shape_str(x));
  }
}

static const char *const target_repair = "targets are probabilities, 0 for no and 1 for yes";

static void bce_logits_compose(Call *c) {
  Tensor *x = c->x[0], *t = c->x[1], *weight = c->x[2], *pos = c->x[3];
  loss_check_shapes(c);
  check_probabilities(c, t, "target", target_repair);
  check_weight(c, weight, "weight");
  check_weight(c, pos, "pos_weight");
  int64_t reduction = c->attr[0].i;
  if (!weight && !pos) {
    c->y[0] = fused(c, "logits_loss", reduction);
    return;
  }
  Tensor *loss;
  if (pos) {
    Tensor *positive = t_addn(t_mul(t_addn(pos, -1), t), 1);
    loss = t_sub(t_mul(t_rsubn(1, t), x), t_mul(positive, t_op1("logsigmoid", x)));
  } else {
    loss = fused(c, "logits_loss", REDUCTION_NONE);
  }
  c->y[0] = loss_reduced(weight ? t_mul(loss, weight) : loss, reduction);
}

static void bce_compose(Call *c) {
  loss_check_shapes(c);
  check_probabilities(c, c->x[1], "target", target_repair);
  check_probabilities(c, c->x[0], "input",
                      "scores before sigmoid go to binary_cross_entropy_with_logits");
  check_weight(c, c->x[2], "weight");
  int64_t reduction = c->attr[0].i;
  bool plain = !c->x[2];
  Tensor *loss = fused(c, "probability_loss", plain ? reduction : REDUCTION_NONE);
  c->y[0] = plain ? loss : loss_reduced(t_mul(loss, c->x[2]), reduction);
}

static const char *logits_run(Call *c) { return run(c, LOSS_LOGITS, 0); }
static const char *bce_run(Call *c) { return run(c, LOSS_BCE, 0); }

static void logits_grad(Call *c, Tensor *const *gy, Tensor **gx) {
  Tensor *g = per_element(c, gy[0]), *x = c->x[0], *t = c->x[1];
  if (c->want[0]) gx[0] = t_mul(t_sub(t_sigmoid(x), t), g);
  if (c->want[1]) gx[1] = t_neg(t_mul(x, g));
}

/* For x: (x - t) / (x (1 - x)), the divisor at least 1e-12; for t: log(1 - x) - log(x). */
static void bce_grad(Call *c, Tensor *const *gy, Tensor **gx) {
  Tensor *g = per_element(c, gy[0]), *x = c->x[0], *t = c->x[1], *no = t_rsubn(1, x);
  if (c->want[0]) {
    Tensor *slope = t_div(t_sub(x, t), t_op2("maximum", t_mul(x, no), t_num(1e-12)));
    gx[0] = t_mul(slope, g);
  }
  if (c->want[1]) {
    Tensor *least = t_num(-100);
    Tensor *log_no = t_op2("maximum", t_log(no), least), *log_x = t_op2("maximum", t_log(x), least);
    gx[1] = t_mul(t_sub(log_no, log_x), g);
  }
}

/* ---- the rows ---------------------------------------------------------------------------------- */

#define REDUCTION "reduction: string{none|mean|sum}=mean"
#define BOTH      (SAVE_X(0) | SAVE_X(1))
#define SHAPES                                                                                     \
  " input and target have one shape, or target is a number. reduction: \"none\" gives the loss "   \
  "of each element, \"mean\" and \"sum\" one value."

static Op rows[] = {
    {.sig = "mse_loss(input: tensor, target: tensor, " REDUCTION ") -> loss: tensor",
     .doc = "Squared distance, (input - target)^2." SHAPES,
     .example = "tensor{1.0, 2.0}:mse_loss(tensor{4.0, 2.0}) --> 4.5",
     .test = "{{randn(2,3), randn(2,3)}, {randn(4), randn(4), 'sum'}, {randn(2,3), 1, {reduction = "
             "'none'}}}",
     .ref = "reference.mse_loss",
     .save = BOTH,
     .infer = pair_infer,
     .run = mse_run,
     .grad = mse_grad},
    {.sig = "l1_loss(input: tensor, target: tensor, " REDUCTION ") -> loss: tensor",
     .doc = "Distance, |input - target|." SHAPES,
     .example = "tensor{1.0, 2.0}:l1_loss(tensor{4.0, 2.0}) --> 1.5",
     .test = "{{randn(2,3), randn(2,3)}, {randn(4), randn(4), 'sum'}, {randn(2,3), 1, {reduction = "
             "'none'}}}",
     .ref = "reference.l1_loss",
     .save = BOTH,
     .infer = pair_infer,
     .run = l1_run,
     .grad = l1_grad},
    {.sig = "smooth_l1_loss(input: tensor, target: tensor, " REDUCTION ", beta: float=1) -> "
            "loss: tensor",
     .doc = "Squared distance / (2 beta) where the distance d is below beta, else d - beta / 2. "
            "Girshick 2015, Fast R-CNN." SHAPES,
     .example = "tensor{0.5, 2.0}:smooth_l1_loss(0, \"none\") --> float32 [2]  0.125  1.500",
     .test = "{{randn(2,3), randn(2,3)}, {randn(4), randn(4), 'sum', 0.5}, {randn(2,3), 1, "
             "{reduction = 'none', beta = 2}}}",
     .ref = "reference.smooth_l1_loss",
     .save = BOTH,
     .infer = smooth_infer,
     .run = smooth_run,
     .grad = smooth_grad},
    {.sig = "huber_loss(input: tensor, target: tensor, " REDUCTION ", delta: float=1) -> "
            "loss: tensor",
     .doc = "Half the squared distance where the distance d is at most delta, else "
            "delta (d - delta / 2). Huber 1964." SHAPES,
     .example = "tensor{0.5, 3.0}:huber_loss(0, {reduction = \"none\", delta = 2}) --> float32 [2] "
                " 0.125  4.000",
     .test = "{{randn(2,3), randn(2,3)}, {randn(4), randn(4), 'sum', 0.5}, {randn(2,3), 1, "
             "{reduction = 'none', delta = 2}}}",
     .ref = "reference.huber_loss",
     .save = BOTH,
     .infer = huber_infer,
     .run = huber_run,
     .grad = huber_grad},
    {.sig = "binary_cross_entropy_with_logits(input: tensor, target: tensor, weight: tensor?, "
            "pos_weight: tensor?, " REDUCTION ") -> loss: tensor",
     .doc = "Binary cross-entropy from scores before sigmoid, without overflow. target: "
            "probabilities, 0 for no and 1 for yes. weight is broadcast to the input's shape; "
            "pos_weight, one value for each class in the last dimension, multiplies the yes "
            "part." SHAPES,
     .example = "tensor{0.0}:binary_cross_entropy_with_logits(tensor{1.0}) --> 0.6931",
     .test = "{{randn(2,3), rand(2,3) * 0.8 + 0.1}, {randn(4), 1}, {randn(2,3), rand(2,3) * 0.8 + "
             "0.1, rand(2,3), rand(3), 'sum'}, {randn(2,3), rand(2,3) * 0.8 + 0.1, "
             "rand(3), nil, 'none'}}",
     .ref = "reference.binary_cross_entropy_with_logits",
     .compose = bce_logits_compose},
    {.sig = "binary_cross_entropy(input: tensor, target: tensor, weight: tensor?, " REDUCTION
            ") -> loss: tensor",
     .doc = "Binary cross-entropy from probabilities: -(target log(input) + (1 - target) log(1 - "
            "input)), logarithms being at least -100. weight is broadcast to the input's "
            "shape." SHAPES,
     .example = "p = tensor{0.5, 0.25}\n"
                "p:binary_cross_entropy(tensor{1.0, 0.0}, {reduction = \"none\"}) --> float32 [2]  "
                "0.6931  0.2877",
     .test = "{{rand(2,3) * 0.8 + 0.1, rand(2,3) * 0.8 + 0.1}, {rand(4) * 0.8 + 0.1, 1, "
             "{reduction = 'sum'}}, {rand(2,3) * 0.8 + 0.1, rand(2,3) * 0.8 + 0.1, rand(3), "
             "'none'}}",
     .ref = "reference.binary_cross_entropy",
     .compose = bce_compose},
    {.sig = "logits_loss(input: tensor, target: tensor, " REDUCTION ") -> loss: tensor",
     .doc = "binary_cross_entropy_with_logits without weights.",
     .test = "{{randn(2,3), rand(2,3) * 0.8 + 0.1}, {randn(4), 1, 'none'}}",
     .ref = "reference.logits_loss",
     .flags = OP_HIDDEN,
     .expects = expect_no_more,
     .save = BOTH,
     .infer = pair_infer,
     .run = logits_run,
     .grad = logits_grad},
    {.sig = "probability_loss(input: tensor, target: tensor, " REDUCTION ") -> loss: tensor",
     .doc = "binary_cross_entropy without weights.",
     .test = "{{rand(2,3) * 0.8 + 0.1, rand(2,3) * 0.8 + 0.1}, {rand(4) * 0.8 + 0.1, 1, 'none'}}",
     .ref = "reference.probability_loss",
     .flags = OP_HIDDEN,
     .expects = expect_no_more,
     .save = BOTH,
     .infer = pair_infer,
     .run = bce_run,
     .grad = bce_grad},
};

FAMILY_PART(loss, pairs, rows);
