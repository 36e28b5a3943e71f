/* Dropout of whole channels, and dropout that keeps mean and variance for SELU; made of dropout. */
#include <math.h>

#include "../../calc.h"

enum { P, TRAINING };

static double probability(const Call *c) {
  double p = attr_float(c, P, 0.5);
  if (!(p >= 0 && p <= 1))
    t_fail("%s: p is %g; a probability from 0 to 1 is wanted", call_name(c), p);
  return p;
}

/* 0 with probability p and 1 / (1 - p) otherwise, one for each of x's first `lead` dimensions. */
static Tensor *noise(const Tensor *x, int lead, double p) {
  int64_t shape[T_MAXDIM];
  for (int d = 0; d < x->ndim; d++) shape[d] = d < lead ? x->shape[d] : 1;
  DType d = x->dtype == T_F64 ? T_F64 : T_F32;
  return t_call("dropout", "xfb", t_fill(t_new(d, x->ndim, shape), 1), p, true);
}

/* ---- channels --------------------------------------------------------------------------------------- */

static void channels(Call *c, int nd) {
  Tensor *x = c->x[0];
  double p = probability(c);
  if (x->ndim != nd + 1 && x->ndim != nd + 2) {
    t_fail("%s: input is %s; [N,C,...] or [C,...] with %d more dimensions is wanted", call_name(c),
           t_shape_str(x), nd);
  }
  c->y[0] = c->attr[TRAINING].i ? t_mul(x, noise(x, x->ndim - nd, p)) : x;
}

static void dropout1d(Call *c) { channels(c, 1); }
static void dropout2d(Call *c) { channels(c, 2); }
static void dropout3d(Call *c) { channels(c, 3); }

/* ---- for SELU: what is dropped becomes its least value ------------------------------------------------ */

static void alpha(Call *c, bool whole) {
  const double least = -1.7580993408473766; /* -scale alpha of SELU, Klambauer and others 2017 */
  Tensor *x = c->x[0];
  double p = probability(c);
  if (!c->attr[TRAINING].i || p == 0) {
    c->y[0] = x;
    return;
  }
  if (p == 1) {
    c->y[0] = t_muln(x, 0);
    return;
  }
  if (whole && x->ndim < 2) {
    t_fail("%s: input is %s; [N,C,...] is wanted", call_name(c), t_shape_str(x));
  }
  Tensor *kept = t_muln(noise(x, whole ? 2 : x->ndim, p), 1 - p); /* 0 or 1 */
  double a = 1 / sqrt((least * least * p + 1) * (1 - p));
  Tensor *shift = t_addn(t_muln(t_addn(kept, -1), -least * a), least * -p * a);
  c->y[0] = t_add(t_mul(x, t_muln(kept, a)), shift);
}

static void alpha_dropout(Call *c) { alpha(c, false); }
static void feature_alpha_dropout(Call *c) { alpha(c, true); }

#define OPTIONS "p: float=0.5, training: bool=true) -> y: tensor"
#define ASKED   "p: float=0.5, training: bool=false) -> y: tensor"

static Op rows[] = {
    {.sig = "dropout1d(x: tensor, " OPTIONS,
     .doc = "dropout of whole channels of sequences: [N,C,L] or [C,L].",
     .example = "y = tensor.ones(1, 100, 3):dropout1d()\n"
                "y:amin(3):equal(y:amax(3)) --> true",
     .test = "{{randn(2,3,4)}, {randn(3,2), 0.25}, {randn(2,3), 0.5, false}}",
     .ref = "reference.dropout1d",
     .flags = OP_RANDOM,
     .compose = dropout1d},
    {.sig = "dropout2d(x: tensor, " OPTIONS,
     .doc = "dropout of whole channels of images: [N,C,H,W] or [C,H,W].",
     .example = "y = tensor.ones(1, 100, 2, 3):dropout2d()\n"
                "y:amin({3, 4}):equal(y:amax({3, 4})) --> true",
     .test = "{{randn(2,3,2,2)}, {randn(3,1,2), 0.25}}",
     .ref = "reference.dropout2d",
     .flags = OP_RANDOM,
     .compose = dropout2d},
    {.sig = "dropout3d(x: tensor, " OPTIONS,
     .doc = "dropout of whole channels of volumes: [N,C,D,H,W] or [C,D,H,W].",
     .example = "y = tensor.ones(1, 100, 2, 2, 3):dropout3d()\n"
                "y:amin({3, 4, 5}):equal(y:amax({3, 4, 5})) --> true",
     .test = "{{randn(1,3,2,1,2)}, {randn(3,1,2,2), 0.25}}",
     .ref = "reference.dropout3d",
     .flags = OP_RANDOM,
     .compose = dropout3d},
    {.sig = "alpha_dropout(x: tensor, " ASKED,
     .doc = "dropout that puts the least value of SELU in place of what is dropped, then scales "
            "and shifts so that mean 0 and variance 1 stay; x itself unless training is true. "
            "Klambauer and others 2017, arXiv:1706.02515.",
     .example = "tensor.ones(1000):alpha_dropout(0.5, true):unique():numel() --> 2",
     .test = "{{randn(2,3), 0.5, true}, {randn(4,5), 0.25, true}, {randn(2,3)}}",
     .ref = "reference.alpha_dropout",
     .flags = OP_RANDOM,
     .compose = alpha_dropout},
    {.sig = "feature_alpha_dropout(x: tensor, " ASKED,
     .doc = "alpha_dropout of whole channels: [N,C,...]; x itself unless training is true.",
     .example = "y = tensor.ones(1, 100, 3):feature_alpha_dropout(0.5, true)\n"
                "y:amin(3):equal(y:amax(3)) --> true",
     .test = "{{randn(2,3,2), 0.5, true}, {randn(2,3,2,2), 0.25, true}}",
     .ref = "reference.feature_alpha_dropout",
     .flags = OP_RANDOM,
     .compose = feature_alpha_dropout},
};

FAMILY_PART(random, features, rows);
