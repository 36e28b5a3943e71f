/* Losses on class targets: the public rows check every target first. Rows of scores, [M,C] and [M],
   are handed to score_loss; where the classes are not the last dimension, the plain ops are
   quicker. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "../../calc.h"
#include "../../loop/cast.h"
#include "../../tape/tape.h"
#include "loss.h"

/* ---- checks ------------------------------------------------------------------------------------- */

/* Classes of input: [N,C,...] has them in its second dimension, [C] in its only one. */
static int class_dim(const Tensor *x) { return x->ndim == 1 ? 0 : 1; }

static void check_input(Call *c) {
  const Tensor *x = c->x[0];
  if (x->ndim == 0) {
    t_fail("%s: input is a single value; it is [N,C] or [C], one score for each of C classes",
           call_name(c));
  }
  int64_t classes = x->shape[class_dim(x)];
  const Tensor *w = c->x[2];
  if (w && (w->ndim != 1 || w->shape[0] != classes)) {
    t_fail("%s: weight has shape %s, wants [%lld]: one value for each class of input %s",
           call_name(c), t_shape_str(w), (long long)classes, t_shape_str(x));
  }
}

static void check_target_shape(Call *c) {
  const Tensor *x = c->x[0], *t = c->x[1];
  int64_t want[T_MAXDIM];
  int n = 0, at = class_dim(x);
  for (int d = 0; d < x->ndim; d++) {
    if (d != at) want[n++] = x->shape[d];
  }
  bool fits = t->ndim == n;
  for (int d = 0; fits && d < n; d++) fits = t->shape[d] == want[d];
  if (fits && !dtype_is_float((DType)t->dtype) && t->dtype != T_BOOL) return;
  if (fits) {
    t_fail("%s: target is %s %s; classes are integers from 1, target:long() if it holds them",
           call_name(c), dtype_name((DType)t->dtype), t_shape_str(t));
  }
  const char *repair = "one class for each row of scores";
  static char text[64];
  if (t->ndim == n + 1 && t->shape[n] == 1 && n > 0) {
    snprintf(text, sizeof text, "target:squeeze(%d)", n + 1);
    repair = text;
  } else if (t_same_shape(x, t)) {
    repair = "probabilities of the classes must be floats, target:float()";
  }
  t_fail("%s: input %s wants classes of shape %s, target has %s; %s", call_name(c), t_shape_str(x),
         t_dims_str(n, want), t_shape_str(t), repair);
}

/* Targets as contiguous int64, all of them checked. */
static Tensor *checked_classes(Call *c) {
  check_target_shape(c);
  Tensor *t = c->x[1];
  if (t->dtype != T_I64 || !t_is_contiguous(t)) t = cast_copy(t, T_I64);
  int64_t classes = c->x[0]->shape[class_dim(c->x[0])];
  const int64_t *p = t_i64(t);
  for (int64_t i = 0; i < t->numel; i++) {
    if ((p[i] >= T_BASE && p[i] < classes + T_BASE) || !class_counts(c, p[i])) continue;
    const char *place = t->ndim ? loss_place(t, i) : "";
    if (p[i] < T_BASE) {
      t_fail("%s: target %lld%s%s is not a class 1..%lld; classes count from 1 (labels from a file "
             "that counts from 0: add 1)",
             call_name(c), (long long)p[i], t->ndim ? " at " : "", place, (long long)classes);
    }
    t_fail("%s: target %lld%s%s is not a class 1..%lld; the input %s has %lld scores in a row",
           call_name(c), (long long)p[i], t->ndim ? " at " : "", place, (long long)classes,
           t_shape_str(c->x[0]), (long long)classes);
  }
  return t;
}

/* ---- rows ----------------------------------------------------------------------------------------- */

/* [N,C,d1,...] or [C] as [N,C,P]: P places of each sample. */
static Tensor *as_places(Tensor *x) {
  int at = class_dim(x);
  int64_t shape[3] = {at ? x->shape[0] : 1, x->shape[at], 1};
  for (int d = at + 1; d < x->ndim; d++) shape[2] *= x->shape[d];
  return t_reshape(x, 3, shape);
}

/* Whether each target counts, as factors; and targets with a valid class in place of those that do
   not. Neither is recorded. keep: NULL where all count. */
static void split_targets(Call *c, Tensor *t, DType d, Tensor **keep, Tensor **index) {
  *keep = NULL;
  *index = t;
  if (!attr_given(c, A_IGNORE)) return;
  *keep = t_new(d, 1, t->shape);
  *index = t_new(T_I64, 1, t->shape);
  for (int64_t i = 0; i < t->numel; i++) {
    bool k = class_counts(c, t_i64(t)[i]);
    t_set(*keep, i, k);
    t_i64(*index)[i] = k ? t_i64(t)[i] : T_BASE;
  }
}

static Tensor *times(Tensor *x, Tensor *factors) { return factors ? t_mul(x, factors) : x; }

static Tensor *as_line(Tensor *x) { return t_reshape(x, 1, &x->numel); }

/* The loss from log probabilities logp: [N,C,P], of targets [NP], in plain ops. */
static Tensor *from_logs(Call *c, Tensor *logp, Tensor *target, Tensor *weight, double smoothing) {
  Tensor *keep, *index;
  int64_t classes = logp->shape[1], one[3] = {logp->shape[0], 1, logp->shape[2]};
  split_targets(c, target, (DType)logp->dtype, &keep, &index);
  Tensor *share = keep; /* the weight of each target, NULL: 1 */
  if (weight) {
    weight = t_cast(weight, (DType)logp->dtype);
    share = times(t_call("index_select", "xix", weight, (int64_t)0, index), keep);
  }
  Tensor *own = t_call("gather", "xxi", logp, t_reshape(index, 3, one), (int64_t)1);
  Tensor *loss = t_neg(times(as_line(own), share));
  if (smoothing > 0) {
    Tensor *factors = weight ? t_reshape(weight, 2, (int64_t[]){classes, 1}) : NULL;
    Tensor *all = times(as_line(t_sum1(times(logp, factors), 1, false)), keep);
    loss = t_add(t_muln(loss, 1 - smoothing), t_muln(all, -smoothing / (double)classes));
  }
  int64_t reduction = c->attr[A_REDUCTION].i;
  if (reduction == REDUCTION_NONE) return loss;
  Tensor *total = share ? t_sum_all(share) : t_num((double)loss->numel);
  loss = t_sum_all(loss);
  return reduction == REDUCTION_SUM ? loss : t_div(loss, total);
}

static Tensor *log_softmax(Tensor *x, int dim) {
  return t_call("log_softmax", "xi", x, (int64_t)dim);
}

static Tensor *as_floats(Tensor *x) {
  return dtype_is_float((DType)x->dtype) ? x : t_cast(x, T_F32);
}

void score_loss_compose(Call *c) {
  Tensor *x = as_floats(c->x[0]);
  c->y[0] =
      from_logs(c, as_places(log_softmax(x, 1)), c->x[1], c->x[2], attr_float(c, A_SMOOTHING, 0));
}

/* ---- the public rows -------------------------------------------------------------------------------- */

/* Targets are probabilities of the input's shape. */
static Tensor *from_probabilities(Call *c, double smoothing) {
  Tensor *x = c->x[0], *t = c->x[1], *w = c->x[2];
  int at = class_dim(x);
  int64_t classes = x->shape[at], shape[T_MAXDIM];
  if (attr_given(c, A_IGNORE)) {
    t_fail("cross_entropy: ignore_index goes with classes, but target holds probabilities");
  }
  Tensor *logp = log_softmax(x, at);
  if (smoothing > 0) t = t_addn(t_muln(t, 1 - smoothing), smoothing / (double)classes);
  if (w) {
    for (int d = 0; d < x->ndim; d++) shape[d] = d == at ? classes : 1;
    logp = t_mul(logp, t_reshape(w, x->ndim, shape));
  }
  Tensor *loss = t_neg(t_sum1(t_mul(t, logp), at, false));
  int64_t reduction = c->attr[A_REDUCTION].i;
  return loss_reduced(loss, reduction);
}

/* A loss of rows in the shape that the targets have. */
static Tensor *shaped(Call *c, Tensor *loss) {
  const Tensor *t = c->x[1];
  if (c->attr[A_REDUCTION].i != REDUCTION_NONE || t->ndim == 1) return loss;
  return t_reshape(loss, t->ndim, t->shape);
}

/* Says once that the input is no score: it went through softmax. */
static void note_softmax(Tensor *x) {
  static bool noted;
  const Node *maker = noted || !t_note ? NULL : tape_node(x);
  if (!maker || !maker->op || strcmp(op_sig(maker->op)->name, "softmax") != 0) return;
  noted = true;
  t_note(
      "cross_entropy: the input went through softmax before; it takes the scores without, and has "
      "the softmax in it");
}

/* Of x: [M,C] and targets [M], in one pass; with a gradient for the weight, in plain ops. */
static Tensor *rows_loss(Call *c, Tensor *x, Tensor *target, Tensor *weight) {
  Call s;
  call_begin(&s, op_find("score_loss"));
  s.x[0] = x;
  s.x[1] = target;
  s.x[2] = weight;
  memcpy(s.attr, c->attr, 3 * sizeof *s.attr);
  if (weight && tape_on && tape_tracks(weight))
    score_loss_compose(&s);
  else
    op_apply(&s);
  return s.y[0];
}

static void cross_entropy_compose(Call *c) {
  double smoothing = attr_float(c, A_SMOOTHING, 0);
  if (!(smoothing >= 0 && smoothing <= 1)) {
    t_fail("cross_entropy: label_smoothing is %g; it is a share between 0 and 1", smoothing);
  }
  check_input(c);
  note_softmax(c->x[0]);
  Tensor *t = c->x[1], *weight = c->x[2];
  if (dtype_is_float((DType)t->dtype) && t_same_shape(c->x[0], t)) {
    c->y[0] = from_probabilities(c, smoothing);
    return;
  }
  t = as_line(checked_classes(c));
  Tensor *x = as_places(c->x[0]);
  if (x->shape[2] == 1)
    c->y[0] = shaped(c, rows_loss(c, t_reshape(x, 2, x->shape), t, weight));
  else
    c->y[0] = shaped(c, from_logs(c, log_softmax(as_floats(x), 1), t, weight, smoothing));
}

static void nll_loss_compose(Call *c) {
  check_input(c);
  Tensor *t = as_line(checked_classes(c)), *x = as_places(c->x[0]);
  if (!dtype_is_float(call_promote(c, 0, 1))) x = t_cast(x, T_F32);
  c->y[0] = shaped(c, from_logs(c, x, t, c->x[2], 0));
}

/* ---- the rows ---------------------------------------------------------------------------------- */

static Op rows[] = {
    {.sig = "cross_entropy(input: tensor, target: class, weight: tensor?, ignore_index: int?, "
            "reduction: string{none|mean|sum}=mean, label_smoothing: float=0) -> loss: tensor",
     .doc = "Minus the log probability of the right class, from scores before softmax. input: "
            "[N,C], [C] or [N,C,d1,...]; target: classes 1..C of shape [N], [] or [N,d1,...], or "
            "probabilities of the input's shape. weight: [C], one factor for each class. Targets "
            "equal to ignore_index do not count. The mean is over the weights of the targets. "
            "label_smoothing moves that share of the probability from the right class to all, "
            "evenly. Classes are checked before anything is computed.",
     .example = "tensor{{0, 0}}:cross_entropy(tensor{2}) --> 0.6931",
     .test = "{{randn(3,4), tensor{1,4,2}}, {randn(4), 2}, {randn(2,3,2), tensor{{1,3},{2,2}}, "
             "{reduction = 'none'}}, {randn(3,4), tensor{1,4,2}, rand(4) + 0.5, {label_smoothing = "
             "0.1}}, {randn(3,4), tensor{1,4,2}, {ignore_index = 4, reduction = 'sum'}}, "
             "{randn(2,3), rand(2,3)}}",
     .ref = "reference.cross_entropy",
     .compose = cross_entropy_compose},
    {.sig = "nll_loss(input: tensor, target: class, weight: tensor?, ignore_index: int?, "
            "reduction: string{none|mean|sum}=mean) -> loss: tensor",
     .doc = "Minus the input at the right class: negative log likelihood, for inputs that are log "
            "probabilities (log_softmax). Shapes, weight and ignore_index as in cross_entropy.",
     .example = "tensor{{-1.0, -2.0}, {-3.0, -4.0}}:nll_loss(tensor{1, 2}) --> 2.5",
     .test = "{{randn(3,4), tensor{1,4,2}}, {randn(2,3,2), tensor{{1,3},{2,2}}, {reduction = "
             "'none'}}, {randn(3,4), tensor{1,4,2}, rand(4) + 0.5, {ignore_index = 4}}}",
     .ref = "reference.nll_loss",
     .compose = nll_loss_compose},
};

FAMILY_PART(loss, classes, rows);
