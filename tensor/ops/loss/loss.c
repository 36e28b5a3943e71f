/* Losses: the rows of the family, and what all losses share. */
#include "loss.h"

#include <stdio.h>

#include "../../calc.h"

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
  else if (t->ndim == 0)
    snprintf(repair, sizeof repair, "target:item() is a number, which goes with every element");
  else if (x->numel == t->numel)
    snprintf(repair, sizeof repair, "target:view_as(input), if their elements are in one order");
  t_fail("%s: input %s and target %s must have the same shape, losses do not broadcast; %s",
         call_name(c), t_shape_str(x), t_shape_str(t), repair);
}

Attr loss_choice(int64_t reduction) { return (Attr){.tag = A_CHOICE, .i = reduction}; }

Tensor *loss_reduced(Tensor *loss, int64_t reduction) {
  if (reduction == REDUCTION_NONE) return loss;
  return reduction == REDUCTION_SUM ? t_sum_all(loss) : t_op1("mean", loss);
}

/* ---- rows ----------------------------------------------------------------------------------------- */

#define REDUCTION "reduction: string{none|mean|sum}=mean"
#define BOTH      (SAVE_X(0) | SAVE_X(1))
#define SHAPES                                                                                     \
  " input and target have one shape, or target is a number. reduction: \"none\" gives the loss "   \
  "of each element, \"mean\" and \"sum\" one value."

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
     .test = "{{randn(3,4), tensor{1,4,2}}, {randn(2,3,2), tensor{{1,3},{2,2}}, {reduction = "
             "'none'}}, {randn(3,4), tensor{1,4,2}, rand(4) + 0.5, {ignore_index = 4}}}",
     .ref = "reference.nll_loss",
     .compose = nll_loss_compose},
    {.sig = "mse_loss(input: tensor, target: tensor, " REDUCTION ") -> loss: tensor",
     .doc = "Squared distance, (input - target)^2." SHAPES,
     .test = "{{randn(2,3), randn(2,3)}, {randn(4), randn(4), 'sum'}, {randn(2,3), 1, {reduction = "
             "'none'}}}",
     .ref = "reference.mse_loss",
     .save = BOTH,
     .infer = pair_infer,
     .run = mse_run,
     .grad = mse_grad},
    {.sig = "l1_loss(input: tensor, target: tensor, " REDUCTION ") -> loss: tensor",
     .doc = "Distance, |input - target|." SHAPES,
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
     .save = BOTH,
     .infer = pair_infer,
     .run = logits_run,
     .grad = logits_grad},
    {.sig = "probability_loss(input: tensor, target: tensor, " REDUCTION ") -> loss: tensor",
     .doc = "binary_cross_entropy without weights.",
     .test = "{{rand(2,3) * 0.8 + 0.1, rand(2,3) * 0.8 + 0.1}, {rand(4) * 0.8 + 0.1, 1, 'none'}}",
     .ref = "reference.probability_loss",
     .flags = OP_HIDDEN,
     .save = BOTH,
     .infer = pair_infer,
     .run = bce_run,
     .grad = bce_grad},
    {.sig = "score_loss(input: tensor, target: class, weight: tensor?, ignore_index: int?, "
            "reduction: string{none|mean|sum}=mean, label_smoothing: float=0) -> loss: tensor",
     .doc = "cross_entropy of rows: input [M,C], target [M] of checked classes.",
     .test = "{{randn(3,4), tensor{1,4,2}}, {randn(3,4), tensor{1,4,2}, nil, 4, 'none'}, "
             "{randn(3,4), tensor{1,4,2}, rand(4):float() + 0.5, {label_smoothing = 0.1}}}",
     .ref = "reference.cross_entropy",
     .flags = OP_HIDDEN,
     .save = SAVE_XS | SAVE_Y(1) | SAVE_Y(2),
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
     .infer = score_loss_dx_infer,
     .run = score_loss_dx_run},
};

FAMILY(loss, rows);
