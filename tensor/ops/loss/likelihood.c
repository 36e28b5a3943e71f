/* Losses from densities: Kullback-Leibler, Poisson, normal; in plain ops. */
#include <math.h>

#include "../../calc.h"
#include "loss.h"

static Tensor *floats(Tensor *x) { return dtype_is_float((DType)x->dtype) ? x : t_cast(x, T_F32); }

/* ---- Kullback-Leibler: target (log target - input) ---------------------------------------------------- */

static void kl_div(Call *c) {
  enum { BATCHMEAN = 3 };
  loss_check_shapes(c);
  Tensor *x = floats(c->x[0]), *t = floats(c->x[1]), *loss;
  int64_t reduction = c->attr[0].i;
  if (c->attr[1].i) {
    loss = t_mul(t_exp(t), t_sub(t, x));
  } else {
    Tensor *safe = t_where(t_gt(t, t_num(0)), t, t_num(1)); /* 0 log 0 = 0 */
    loss = t_sub(t_mul(t, t_log(safe)), t_mul(t, x));
  }
  if (reduction != BATCHMEAN) {
    c->y[0] = loss_reduced(loss, reduction);
    return;
  }
  int64_t n = x->ndim > 0 ? x->shape[0] : 1;
  c->y[0] = t_muln(t_sum_all(loss), 1 / (double)n);
}

/* ---- Poisson ------------------------------------------------------------------------------------------ */

/* log(t!) by Stirling's formula, for t > 1. */
static Tensor *stirling(Tensor *t) {
  Tensor *safe = t_where(t_gt(t, t_num(1)), t, t_num(1));
  Tensor *value =
      t_add(t_sub(t_mul(safe, t_log(safe)), safe), t_muln(t_log(t_muln(safe, 2 * acos(-1))), 0.5));
  return t_where(t_gt(t, t_num(1)), value, t_num(0));
}

static void poisson_nll(Call *c) {
  enum { LOG_INPUT, FULL, EPS, REDUCTION };
  loss_check_shapes(c);
  Tensor *x = floats(c->x[0]), *t = floats(c->x[1]);
  Tensor *loss = c->attr[LOG_INPUT].i ? t_sub(t_exp(x), t_mul(t, x))
                                      : t_sub(x, t_mul(t, t_log(t_addn(x, c->attr[EPS].f))));
  if (c->attr[FULL].i) loss = t_add(loss, stirling(t));
  c->y[0] = loss_reduced(loss, c->attr[REDUCTION].i);
}

/* ---- normal --------------------------------------------------------------------------------------------- */

/* The variance in a shape that goes with x: x's, or with 1 in the last dimension. */
static Tensor *variance(const Tensor *x, Tensor *var) {
  if (t_same_shape(x, var)) return var;
  bool leading = true;
  for (int d = 0; leading && d < x->ndim - 1; d++) {
    leading = d < var->ndim && var->shape[d] == x->shape[d];
  }
  if (leading && var->ndim == x->ndim - 1) return t_unsqueeze(var, var->ndim);
  if (leading && var->ndim == x->ndim && x->ndim > 0 && var->shape[x->ndim - 1] == 1) return var;
  t_fail("gaussian_nll_loss: var is %s; input's shape %s is wanted, or 1 in place of its last size",
         t_shape_str(var), t_shape_str(x));
}

/* The target may broadcast to x: what it lacks is the same along the dimension. */
static Tensor *spread_target(Call *c) {
  const Tensor *x = c->x[0], *t = c->x[1];
  int lead = x->ndim - t->ndim;
  bool spreads = lead >= 0;
  for (int d = 0; spreads && d < t->ndim; d++) {
    spreads = t->shape[d] == 1 || t->shape[d] == x->shape[lead + d];
  }
  if (!spreads) loss_check_shapes(c);
  return floats(c->x[1]);
}

static void gaussian_nll(Call *c) {
  enum { FULL, EPS, REDUCTION };
  Tensor *target = spread_target(c);
  Tensor *x = floats(c->x[0]), *var = variance(x, floats(c->x[2]));
  Tensor *least = var->numel > 0 ? t_call("amin", "x", t_alias(var)) : NULL;
  if (least && t_get(least, 0) < 0) {
    t_fail("gaussian_nll_loss: var has the entry %g; variances are not negative", t_get(least, 0));
  }
  Tensor *now = t_alias(var); /* at least eps; the gradient is that of var */
  var = t_add(var, t_sub(t_call("clamp", "xx-", now, t_num(c->attr[EPS].f)), now));
  Tensor *gap = t_square(t_sub(x, target));
  Tensor *loss = t_muln(t_add(t_log(var), t_div(gap, var)), 0.5);
  if (c->attr[FULL].i) loss = t_addn(loss, 0.5 * log(2 * acos(-1)));
  c->y[0] = loss_reduced(loss, c->attr[REDUCTION].i);
}

#define REDUCTION_SIG "reduction: string{none|mean|sum}=mean"

static Op rows[] = {
    {.sig =
         "kl_div(input: tensor, target: tensor, reduction: string{none|mean|sum|batchmean}=mean, "
         "log_target: bool=false) -> loss: tensor",
     .doc = "target (log target - input), the divergence of Kullback and Leibler: input holds log "
            "probabilities, target probabilities, or their logarithms with log_target. "
            "\"batchmean\" divides the sum by the first size, as the definition asks.",
     .example = "tensor{0.5, 0.5}:log():kl_div(tensor{1.0, 0.0}, \"sum\") --> 0.6931",
     .test = "{{randn(2,3), rand(2,3) + 0.1}, {randn(4), randn(4), 'sum', true}, {randn(2,3), "
             "rand(2,3) + 0.1, 'batchmean'}}",
     .ref = "reference.kl_div",
     .compose = kl_div},
    {.sig = "poisson_nll_loss(input: tensor, target: tensor, log_input: bool=true, full: "
            "bool=false, eps: float=1e-8, " REDUCTION_SIG ") -> loss: tensor",
     .doc = "Minus the log probability of the counts target where Poisson's rate is exp(input), or "
            "input itself without log_input. full adds log(target!) by Stirling's formula; eps "
            "keeps the logarithm of a rate of 0 away.",
     .example = "tensor{2.0}:poisson_nll_loss(tensor{3.0}, {log_input = false}) --> -0.0794",
     .test = "{{randn(2,3), rand(2,3) * 3}, {rand(4) + 0.5, rand(4) * 4 + 1.1, {log_input = false, "
             "full = true, reduction = 'sum'}}}",
     .ref = "reference.poisson_nll_loss",
     .compose = poisson_nll},
    {.sig = "gaussian_nll_loss(input: tensor, target: tensor, var: tensor, full: bool=false, "
            "eps: float=1e-6, " REDUCTION_SIG ") -> loss: tensor",
     .doc = "Minus the log density of target where it is normal of mean input and variance var, "
            "at least eps: (log var + (input - target)^2 / var) / 2, with full plus "
            "log(2 pi) / 2. target broadcasts to the input's shape; var has it, or 1 in place of "
            "its last size.",
     .example = "tensor{1.0}:gaussian_nll_loss(tensor{3.0}, tensor{1.0}) --> 2.0",
     .test =
         "{{randn(2,3), randn(2,3), rand(2,3) + 0.5}, {randn(2,3), randn(2,3), rand(2,1) + "
         "0.5, {full = true, reduction = 'none'}}, {randn(2,3), randn(2,3), rand(2) + 0.5, "
         "{reduction = 'sum'}}, {randn(2,3), randn(2,1), rand(2,3) + 0.5, {reduction = 'none'}}, "
         "{randn(2,3), randn(3), rand(2,3) + 0.5, {reduction = 'none'}}, "
         "{randn(3), tensor(0.5), rand(3) + 0.5}}",
     .ref = "reference.gaussian_nll_loss",
     .compose = gaussian_nll},
};

FAMILY_PART(loss, likelihood, rows);
