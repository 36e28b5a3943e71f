/* Cross-entropy of rows in one pass, and its gradient: input [M,C], target [M] of checked classes.

   With lse = log(sum(exp(x))), w the weights (or ones), s the smoothing, the loss of a row with
   class t is (1 - s) w[t] (lse - x[t]) + s/C sum_c w[c] (lse - x[c]). Hidden outputs, float64:
   lse: [M], and total: the sum of w[t] that the mean divides by. */
#include <string.h>

#include "../../calc.h"
#include "../../expect.h"
#include "../../kernels/softmax/softmax.h"
#include "../../kernels/softmax/softmax_cols.h"
#include "../../loop/turn.h"
#include "../../machine/team.h"
#include "loss.h"

enum { GRAIN = 1 << 15 }; /* scores of a part */

/* A job of both ways. values: [M] of the input's type, the losses or the incoming gradients. */
typedef struct Scores {
  CrossEntropy kernel; /* of all rows */
  const SoftmaxOps *ops;
  const SoftmaxCols *cols;
  size_t size;   /* bytes of a score */
  int64_t group; /* rows of a part */
  double *lse;
  char *values;
  char *dx; /* NULL: forward */
} Scores;

static int64_t group_of(int64_t classes) {
  return classes > 0 && classes < GRAIN ? GRAIN / classes : 1;
}

static size_t scratch_of(int64_t rows) { return 2 * (size_t)rows * 8 + 8; }

/* scratch: [M] ids from 0, -1 for targets that do not count; then room for [M] values. */
static Scores scores_of(Call *c, const Tensor *x, const Tensor *target, const Tensor *weight) {
  int64_t rows = x->shape[0], *ids = c->scratch;
  for (int64_t i = 0; i < rows; i++) {
    int64_t t = t_i64(target)[i];
    ids[i] = class_counts(c, t) ? t - T_BASE : -1;
  }
  Scores s = {.kernel = {.rows = rows, .n = x->shape[1], .x = t_data(x), .ids = ids}};
  s.kernel.weight = weight ? t_data(weight) : NULL;
  s.kernel.smoothing = attr_float(c, A_SMOOTHING, 0);
  s.ops = SIMD_PICK(softmax_kernels)->of[x->dtype];
  s.cols = &SIMD_PICK(softmax_cols_kernels)->of[x->dtype];
  s.size = dtype_size((DType)x->dtype);
  s.group = group_of(s.kernel.n);
  s.values = (char *)(ids + rows);
  return s;
}

/* Of the rows of a part. */
static void logsumexps(const Scores *s, const CrossEntropy *c, double *lse) {
  if (!turn_pays(s->kernel.rows, c->n)) {
    s->ops->logsumexp(c->rows, c->n, c->x, lse);
    return;
  }
  _Alignas(64) double x[TURN_ROOM];
  const char *from = c->x;
  for (int64_t r = 0, width; r < c->rows; r += width) {
    width = c->rows - r < TURN_ROWS ? c->rows - r : TURN_ROWS;
    turn(s->size, width, c->n, from + (size_t)(r * c->n) * s->size, c->n, x, TURN_ROWS);
    s->cols->logsumexp(width, c->n, TURN_ROWS, x, lse + r);
  }
}

static void part(void *job, int64_t k) {
  const Scores *s = job;
  CrossEntropy rows = s->kernel;
  int64_t from = k * s->group;
  size_t at = (size_t)(from * rows.n) * s->size;
  rows.rows = rows.rows - from < s->group ? rows.rows - from : s->group;
  rows.x = (const char *)rows.x + at;
  rows.ids += from;
  char *values = s->values + (size_t)from * s->size;
  if (s->dx) {
    s->ops->cross_entropy_back(&rows, s->lse + from, values, s->dx + at);
  } else {
    logsumexps(s, &rows, s->lse + from);
    s->ops->cross_entropy(&rows, s->lse + from, values);
  }
}

static void run_all(Scores *s) { team_run((s->kernel.rows + s->group - 1) / s->group, part, s); }

/* ---- forward ------------------------------------------------------------------------------------- */

static void expect_scores(const Call *c, int x) {
  const Tensor *input = c->x[x], *target = c->x[x + 1];
  expect_ndim(c, x, 2, 2);
  expect_shape(c, x + 1, 1, input->shape);
  expect_shape(c, x + 2, 1, input->shape + 1);
  if (dtype_is_float((DType)target->dtype)) expect_type(c, x + 1, T_I64);
  for (int64_t i = 0; i < target->numel; i++) {
    int64_t t = t_get_int(target, i * target->stride[0]);
    if (class_counts(c, t) && (t < T_BASE || t - T_BASE >= input->shape[1])) {
      t_fail("%s: target %lld at row %lld is no class", call_name(c), (long long)t,
             (long long)i + 1);
    }
  }
}

static void score_loss_expects(const Call *c) { expect_scores(c, 0); }

static void score_loss_infer(Call *c) {
  DType d = call_promote(c, 0, 1);
  if (!dtype_is_float(d)) d = T_F32;
  call_want(c, 0, d);
  call_want(c, 1, T_I64);
  if (c->x[2]) call_want(c, 2, d);
  int64_t m = c->x[0]->shape[0];
  call_out(c, 0, d, c->attr[A_REDUCTION].i == REDUCTION_NONE ? 1 : 0, &m);
  call_hidden(c, T_F64, 1, &m);
  call_hidden(c, T_F64, 0, NULL);
  call_scratch(c, scratch_of(m));
}

static double value_at(const Scores *s, int64_t i) {
  return s->size == sizeof(float) ? (double)((float *)s->values)[i] : ((double *)s->values)[i];
}

static const char *score_loss_run(Call *c) {
  Scores s = scores_of(c, c->x[0], c->x[1], c->x[2]);
  int64_t reduction = c->attr[A_REDUCTION].i;
  s.lse = t_f64(c->y[1]);
  if (reduction == REDUCTION_NONE) s.values = t_data(c->y[0]);
  run_all(&s);
  double total = 0, sum = 0;
  for (int64_t i = 0; i < s.kernel.rows; i++) {
    int64_t class = s.kernel.ids[i];
    if (class < 0) continue;
    total += c->x[2] ? t_get(c->x[2], class) : 1;
    sum += value_at(&s, i);
  }
  t_set(c->y[2], 0, total);
  if (reduction != REDUCTION_NONE)
    t_set(c->y[0], 0, reduction == REDUCTION_MEAN ? sum / total : sum);
  return NULL;
}

/* ---- its gradient ---------------------------------------------------------------------------------- */

static void score_loss_grad(Call *c, Tensor *const *gy, Tensor **gx) {
  gx[0] = t_call("score_loss_dx", "xxxxxxaaa", gy[0], c->x[0], c->x[1], c->x[2], c->y[1], c->y[2],
                 &c->attr[0], &c->attr[1], &c->attr[2]);
}

static void score_loss_dx_expects(const Call *c) {
  expect_scores(c, 1);
  if (c->x[1]->dtype != T_F64) expect_type(c, 1, T_F32);
  if (c->x[0]->numel != 1) expect_shape(c, 0, 1, c->x[1]->shape);
  expect_shape(c, 4, 1, c->x[1]->shape);
  if (c->x[5]->numel != 1) expect_shape(c, 5, 0, NULL);
}

static void score_loss_dx_infer(Call *c) {
  DType d = (DType)c->x[1]->dtype;
  call_contiguous(c, 1);
  call_want(c, 0, d);
  call_want(c, 2, T_I64);
  if (c->x[3]) call_want(c, 3, d);
  call_want(c, 4, T_F64);
  call_out(c, 0, d, 2, c->x[1]->shape);
  call_scratch(c, scratch_of(c->x[1]->shape[0]));
}

static const char *score_loss_dx_run(Call *c) {
  Scores s = scores_of(c, c->x[1], c->x[2], c->x[3]);
  const Tensor *g = c->x[0];
  double scale = c->attr[A_REDUCTION].i == REDUCTION_MEAN ? 1 / t_get(c->x[5], 0) : 1;
  s.lse = t_f64(c->x[4]);
  s.dx = t_data(c->y[0]);
  for (int64_t i = 0; i < s.kernel.rows; i++) {
    double v = t_get(g, g->numel > 1 ? i : 0) * scale;
    if (s.size == sizeof(float))
      ((float *)s.values)[i] = (float)v;
    else
      ((double *)s.values)[i] = v;
  }
  run_all(&s);
  return NULL;
}

/* ---- the rows ---------------------------------------------------------------------------------- */

static Op rows[] = {
    {.sig = "score_loss(input: tensor, target: class, weight: tensor?, ignore_index: int?, "
            "reduction: string{none|mean|sum}=mean, label_smoothing: float=0) -> loss: tensor",
     .doc = "cross_entropy of rows: input [M,C], target [M] of checked classes.",
     .test = "{{randn(3,4), tensor{1,4,2}}, {randn(3,4), tensor{1,4,2}, nil, 4, 'none'}, "
             "{randn(3,4), tensor{1,4,2}, rand(4):float() + 0.5, {label_smoothing = 0.1}}}",
     .ref = "reference.cross_entropy",
     .flags = OP_HIDDEN,
     .save = SAVE_XS | SAVE_Y(1) | SAVE_Y(2),
     .expects = score_loss_expects,
     .infer = score_loss_infer,
     .run = score_loss_run,
     .grad = score_loss_grad,
     .compose = score_loss_compose},
    {.sig = "score_loss_dx(g: tensor, input: tensor, target: class, weight: tensor?, lse: tensor, "
            "total: tensor, ignore_index: int?, reduction: string{none|mean|sum}=mean, "
            "label_smoothing: float=0) -> dx: tensor",
     .doc = "Gradient of score_loss for its input.",
     .test = "{{rand(3), randn(3,4), tensor{1,4,2}, nil, randn(3), rand(1), nil, 'none'}, "
             "{rand(1), randn(3,4), tensor{1,4,2}, rand(4), randn(3), 2.5, 4, 'mean', 0.1}}",
     .ref = "reference.score_loss_dx",
     .flags = OP_HIDDEN,
     .expects = score_loss_dx_expects,
     .infer = score_loss_dx_infer,
     .run = score_loss_dx_run},
};

FAMILY_PART(loss, scores, rows);
