/* Losses with a margin: how far a score, a pair or a triple is on the wrong side; in plain ops. */
#include "../../calc.h"
#include "../../loop/cast.h"
#include "loss.h"

#define LL(x) ((long long)(x))

static Tensor *floats(Tensor *x) { return dtype_is_float((DType)x->dtype) ? x : t_cast(x, T_F32); }
static Tensor *positive(Tensor *x) { return t_op1("relu", x); }
static Tensor *is(Tensor *x, double v) { return t_eq(x, t_num(v)); }

/* ---- one score, targets 1 and -1 ------------------------------------------------------------------------ */

static void hinge_embedding(Call *c) {
  loss_check_shapes(c);
  Tensor *x = floats(c->x[0]), *t = c->x[1], *zero = t_num(0);
  Tensor *far = t_where(is(t, 1), zero, positive(t_rsubn(c->attr[0].f, x)));
  c->y[0] = loss_reduced(t_add(far, t_where(is(t, -1), zero, x)), c->attr[1].i);
}

static void soft_margin(Call *c) {
  loss_check_shapes(c);
  Tensor *x = floats(c->x[0]);
  c->y[0] = loss_reduced(t_neg(t_op1("logsigmoid", t_mul(c->x[1], x))), c->attr[0].i);
}

static void margin_ranking(Call *c) {
  const Tensor *a = c->x[0], *b = c->x[1], *t = c->x[2];
  if (a->ndim != b->ndim || a->ndim != t->ndim) {
    t_fail("margin_ranking_loss: input1 is %s, input2 %s, target %s; they have equally many "
           "dimensions",
           t_shape_str(a), t_shape_str(b), t_shape_str(t));
  }
  Tensor *gap = t_mul(t_neg(c->x[2]), t_sub(floats(c->x[0]), floats(c->x[1])));
  c->y[0] = loss_reduced(positive(t_addn(gap, c->attr[0].f)), c->attr[1].i);
}

/* ---- directions and distances --------------------------------------------------------------------------- */

static void cosine_embedding(Call *c) {
  Tensor *a = floats(c->x[0]), *b = floats(c->x[1]), *t = c->x[2];
  if (t->ndim + 1 != a->ndim || a->ndim != b->ndim || a->ndim > 2) {
    t_fail("cosine_embedding_loss: inputs %s and %s with target %s; [N,D], [N,D] and [N], or [D], "
           "[D] and [] are wanted",
           t_shape_str(a), t_shape_str(b), t_shape_str(t));
  }
  int last = a->ndim - 1;
  Tensor *dot = t_sum1(t_mul(a, b), last, false);
  Tensor *aa = t_addn(t_sum1(t_square(a), last, false), 1e-12);
  Tensor *bb = t_addn(t_sum1(t_square(b), last, false), 1e-12);
  Tensor *cosine = t_mul(dot, t_op1("rsqrt", t_mul(aa, bb))), *zero = t_num(0);
  Tensor *apart = t_where(is(t, -1), positive(t_addn(cosine, -c->attr[0].f)), zero);
  Tensor *loss = t_add(t_where(is(t, 1), t_rsubn(1, cosine), zero), apart);
  c->y[0] = loss_reduced(loss, c->attr[1].i);
}

static Tensor *distance(Call *c, Tensor *a, Tensor *b) {
  return t_call("pairwise_distance", "xxff", a, b, c->attr[1].f, c->attr[2].f);
}

static void triplet_margin(Call *c) {
  enum { MARGIN, P, EPS, SWAP, REDUCTION };
  Tensor *a = c->x[0], *p = c->x[1], *n = c->x[2];
  if (a->ndim != p->ndim || a->ndim != n->ndim) {
    t_fail("triplet_margin_loss: anchor is %s, positive %s, negative %s; they have equally many "
           "dimensions",
           t_shape_str(a), t_shape_str(p), t_shape_str(n));
  }
  Tensor *near = distance(c, a, p), *far = distance(c, a, n);
  if (c->attr[SWAP].i) far = t_op2("minimum", far, distance(c, p, n));
  Tensor *loss = positive(t_addn(t_sub(near, far), c->attr[MARGIN].f));
  c->y[0] = loss_reduced(loss, c->attr[REDUCTION].i);
}

/* ---- classes ----------------------------------------------------------------------------------------------- */

/* Scores as [N,C] and classes as [N, per], int64, each from `least`, of which 0 lets all below pass; one
   sample may come alone. */
static Tensor *read_classes(Call *c, Tensor **scores, int64_t per, int64_t least) {
  Tensor *x = floats(c->x[0]), *t = c->x[1];
  int64_t classes = x->ndim ? x->shape[x->ndim - 1] : 1, n = x->ndim == 2 ? x->shape[0] : 1;
  if (per < 0) per = classes;
  bool fits = x->ndim <= 2 && t->numel == n * per && t->ndim <= 2 && classes > 0;
  if (!fits || dtype_is_float((DType)t->dtype) || t->dtype == T_BOOL) {
    t_fail("%s: input %s with target %s %s; [N,C] or [C] with classes 1..C are wanted, %s",
           call_name(c), t_shape_str(x), dtype_name((DType)t->dtype), t_shape_str(t),
           least ? "one for each row" : "C for each row, 0 after the last");
  }
  Tensor *own = cast_copy(t, T_I64);
  for (int64_t i = 0; i < own->numel; i++) {
    int64_t v = t_i64(own)[i];
    if ((v >= least || least == 0) && v <= classes) continue;
    t_fail("%s: target %lld at %s is not a class 1..%lld", call_name(c), LL(v), loss_place(t, i),
           LL(classes));
  }
  *scores = t_reshape(x, 2, (int64_t[]){n, classes});
  return t_reshape(own, 2, (int64_t[]){n, per});
}

/* A loss of rows in the form that the input asks for: [N], or one value for a single sample. */
static Tensor *of_rows(Call *c, Tensor *loss, int64_t reduction) {
  if (reduction == REDUCTION_NONE && c->x[0]->ndim < 2) return t_reshape(loss, 0, NULL);
  return loss_reduced(loss, reduction);
}

static void multi_margin(Call *c) {
  enum { P, MARGIN, REDUCTION };
  Tensor *x, *t = read_classes(c, &x, 1, T_BASE), *weight = c->x[2];
  int64_t p = c->attr[P].i, classes = x->shape[1];
  if (p != 1 && p != 2) t_fail("multi_margin_loss: p is %lld; it is 1 or 2", LL(p));
  if (weight && (weight->ndim != 1 || weight->shape[0] != classes)) {
    t_fail("multi_margin_loss: weight is %s; [%lld] is wanted, one for each class",
           t_shape_str(weight), LL(classes));
  }
  Tensor *right = t_call("gather", "xxi", x, t, (int64_t)1);
  Tensor *over = positive(t_addn(t_sub(x, right), c->attr[MARGIN].f));
  if (p == 2) over = t_square(over);
  Tensor *own = t_call("scatter", "xxxi", t_fill(t_new((DType)x->dtype, 2, x->shape), 1), t,
                       t_zeros((DType)x->dtype, 2, t->shape), (int64_t)1);
  Tensor *loss = t_muln(t_sum1(t_mul(over, own), 1, false), 1 / (double)classes);
  if (weight) {
    Tensor *flat = t_reshape(t, 1, &t->numel);
    loss = t_mul(loss, t_call("index_select", "xxi", weight, flat, (int64_t)0));
  }
  c->y[0] = of_rows(c, loss, c->attr[REDUCTION].i);
}

/* For every right class, by how much it does not lead every wrong one by 1. */
static void multilabel_margin(Call *c) {
  Tensor *x, *t = read_classes(c, &x, -1, 0);
  int64_t n = x->shape[0], classes = x->shape[1];
  DType d = (DType)x->dtype;
  Tensor *counts = t_zeros(d, 2, x->shape), *wrong = t_fill(t_new(d, 2, x->shape), 1);
  for (int64_t i = 0; i < n; i++) {
    for (int64_t k = 0; k < classes; k++) {
      int64_t *v = &t_i64(t)[i * classes + k];
      if (*v < T_BASE) { /* the rest does not count; any class stands there */
        for (; k < classes; k++) t_i64(t)[i * classes + k] = T_BASE;
        break;
      }
      t_set(counts, i * classes + k, 1);
      t_set(wrong, i * classes + *v - T_BASE, 0);
    }
  }
  Tensor *right = t_call("gather", "xxi", x, t, (int64_t)1);
  Tensor *over = positive(t_addn(t_sub(t_unsqueeze(x, 1), t_unsqueeze(right, 2)), 1));
  Tensor *kept = t_mul(t_mul(over, t_unsqueeze(counts, 2)), t_unsqueeze(wrong, 1));
  const int64_t dims[2] = {1, 2};
  c->y[0] = of_rows(c, t_muln(t_sum(kept, 2, dims, false), 1 / (double)classes), c->attr[0].i);
}

static void multilabel_soft_margin(Call *c) {
  loss_check_shapes(c);
  Tensor *x = floats(c->x[0]), *t = c->x[1];
  if (x->ndim == 0) t_fail("multilabel_soft_margin_loss: input is a single value; [N,C] is wanted");
  Tensor *yes = t_mul(t, t_op1("logsigmoid", x));
  Tensor *no = t_mul(t_rsubn(1, t), t_op1("logsigmoid", t_neg(x)));
  Tensor *loss = t_neg(t_add(yes, no));
  if (c->x[2]) loss = t_mul(loss, c->x[2]);
  c->y[0] = loss_reduced(t_mean1(loss, x->ndim - 1, false), c->attr[0].i);
}

#define REDUCTION_SIG "reduction: string{none|mean|sum}=mean) -> loss: tensor"
#define SIGNS         "tensor{1, -1, 1, -1}"

static Op rows[] = {
    {.sig = "hinge_embedding_loss(input: tensor, target: tensor, margin: float=1, " REDUCTION_SIG,
     .doc = "input where target is 1, what it lacks to margin where target is -1: for distances.",
     .example = "tensor{0.25, 0.25}:hinge_embedding_loss(tensor{1, -1}, {reduction = \"none\"}) "
                "--> float32 [2]  0.25  0.75",
     .test = "{{rand(4), " SIGNS "}, {rand(4), " SIGNS ", 2, 'sum'}}",
     .ref = "reference.hinge_embedding_loss",
     .compose = hinge_embedding},
    {.sig = "soft_margin_loss(input: tensor, target: tensor, " REDUCTION_SIG,
     .doc = "log(1 + exp(-target input)), targets 1 and -1.",
     .example = "tensor{0.0}:soft_margin_loss(tensor{1}) --> 0.6931",
     .test = "{{randn(4), " SIGNS "}, {randn(4), " SIGNS ", 'none'}}",
     .ref = "reference.soft_margin_loss",
     .compose = soft_margin},
    {.sig = "margin_ranking_loss(input1: tensor, input2: tensor, target: tensor, margin: "
            "float=0, " REDUCTION_SIG,
     .doc = "max(0, margin - target (input1 - input2)): target 1 wants input1 larger, -1 smaller.",
     .example =
         "a, b = tensor{3.0, 1.0}, tensor{1.0, 2.0}\n"
         "a:margin_ranking_loss(b, tensor{1, 1}, {reduction = \"none\"}) --> float32 [2]  0.0  1.0",
     .test = "{{randn(4), randn(4), " SIGNS "}, {randn(4), randn(4), " SIGNS ", 0.5, 'sum'}}",
     .ref = "reference.margin_ranking_loss",
     .compose = margin_ranking},
    {.sig = "cosine_embedding_loss(input1: tensor, input2: tensor, target: tensor, margin: "
            "float=0, " REDUCTION_SIG,
     .doc = "1 - cosine of the angle where target is 1, max(0, cosine - margin) where it is -1. "
            "inputs: [N,D], target: [N], or [D] and [].",
     .example = "tensor{{1.0, 0.0}}:cosine_embedding_loss(tensor{{0.0, 1.0}}, tensor{1}) --> 1.0",
     .test = "{{randn(4,3), randn(4,3), " SIGNS "}, {randn(4,2), randn(4,2), " SIGNS ", 0.2, "
             "'none'}, {randn(3), randn(3), tensor(1)}}",
     .ref = "reference.cosine_embedding_loss",
     .compose = cosine_embedding},
    {.sig = "triplet_margin_loss(anchor: tensor, positive: tensor, negative: tensor, margin: "
            "float=1, p: float=2, eps: float=1e-6, swap: bool=false, " REDUCTION_SIG,
     .doc = "max(0, margin + distance(anchor, positive) - distance(anchor, negative)), by "
            "pairwise_distance of norm p; with swap the distance of positive and negative, where "
            "it is smaller. inputs: [N,D] or [D].",
     .example = "anchor, near, far = tensor{{0.0, 0.0}}, tensor{{3.0, 4.0}}, tensor{{0.0, 5.5}}\n"
                "anchor:triplet_margin_loss(near, far) --> 0.5",
     .test = "{{randn(3,4), randn(3,4), randn(3,4)}, {randn(2,3), randn(2,3), randn(2,3), {swap = "
             "true, p = 1, margin = 3, reduction = 'none'}}}",
     .ref = "reference.triplet_margin_loss",
     .compose = triplet_margin},
    {.sig = "multi_margin_loss(input: tensor, target: class, p: int=1, margin: float=1, weight: "
            "tensor?, " REDUCTION_SIG,
     .doc = "The mean over classes of max(0, margin + score - the right class's score)^p, times "
            "the right class's weight. input: [N,C] or [C], target: [N] classes from 1.",
     .example = "tensor{{1.0, 3.0, 2.5}}:multi_margin_loss(tensor{2}) --> 0.1667",
     .test = "{{randn(3,4), tensor{2,4,1}}, {randn(2,3), tensor{1,3}, 2, {weight = rand(3) + 0.5, "
             "reduction = 'none'}}, {randn(4), tensor{2}, {margin = 0.5}}}",
     .ref = "reference.multi_margin_loss",
     .compose = multi_margin},
    {.sig = "multilabel_margin_loss(input: tensor, target: class, " REDUCTION_SIG,
     .doc =
         "The sum over right and wrong classes of max(0, 1 + wrong - right score), over C. "
         "input: [N,C] or [C], target: as many: the right classes from 1, and 0 or less after the "
         "last.",
     .example = "tensor{0.5, 1.0}:multilabel_margin_loss(tensor{2, 0}) --> 0.25",
     .test = "{{randn(2,4), tensor{{2,4,0,1},{1,0,0,0}}}, {randn(3), tensor{3,1,0}, 'none'}}",
     .ref = "reference.multilabel_margin_loss",
     .compose = multilabel_margin},
    {.sig = "multilabel_soft_margin_loss(input: tensor, target: tensor, weight: "
            "tensor?, " REDUCTION_SIG,
     .doc = "The mean over classes of the binary cross-entropy of scores. input: [N,C] or [C], "
            "target: as many, 0 or 1; weight: [C].",
     .example = "tensor{{0.0, 0.0}}:multilabel_soft_margin_loss(tensor{{1.0, 0.0}}) --> 0.6931",
     .test = "{{randn(2,3), rand(2,3)}, {randn(2,3), rand(2,3), rand(3) + 0.5, 'none'}}",
     .ref = "reference.multilabel_soft_margin_loss",
     .compose = multilabel_soft_margin},
};

FAMILY_PART(loss, margins, rows);
