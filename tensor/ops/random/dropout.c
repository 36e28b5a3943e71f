/* Dropout: zeros at random places, and the rest scaled so that the expected value stays. The places
   are kept as a mask of bytes beside the output, for the gradient. */
#include "../../calc.h"
#include "../../expect.h"
#include "../../loop/iter.h"
#include "../../kernels/random.h"
#include "../../machine/team.h"
#include "draw.h"

enum { GRAIN = 1 << 15 };

typedef struct Keep {
  const Tensor *x, *mask;
  Tensor *y;
  double scale;
} Keep;

static void keep_part(void *job, int64_t part) {
  const Keep *k = job;
  int64_t at = part * GRAIN, n = k->y->numel - at < GRAIN ? k->y->numel - at : GRAIN;
  const uint8_t *mask = (const uint8_t *)t_data(k->mask) + at;
  const RandomKernels *loops = SIMD_PICK(random_kernels);
  if (k->y->dtype == T_F64)
    loops->keep_f64(n, mask, t_f64(k->x) + at, t_f64(k->y) + at, k->scale);
  else
    loops->keep_f32(n, mask, t_f32(k->x) + at, t_f32(k->y) + at, k->scale);
}

/* The same for strided outputs: x[0] is x, x[1] the mask, both of the loop's type. */
static void keep_loop_f32(int64_t n, void *y, const void *const *x, const void *arg) {
  const float *v = x[0], *mask = x[1], scale = (float)*(const double *)arg;
  for (int64_t i = 0; i < n; i++) ((float *)y)[i] = mask[i] != 0 ? v[i] * scale : 0;
}

static void keep_loop_f64(int64_t n, void *y, const void *const *x, const void *arg) {
  const double *v = x[0], *mask = x[1], scale = *(const double *)arg;
  for (int64_t i = 0; i < n; i++) ((double *)y)[i] = mask[i] != 0 ? v[i] * scale : 0;
}

/* y = mask ? scale x : 0; the mask is contiguous, bytes. */
static void keep(Tensor *y, Tensor *x, Tensor *mask, double scale) {
  DType d = (DType)y->dtype;
  if (y->numel == 0) return;
  if (x->dtype == d && t_is_contiguous(x) && t_is_contiguous(y)) {
    Keep k = {x, mask, y, scale};
    team_run((y->numel + GRAIN - 1) / GRAIN, keep_part, &k);
  } else {
    Tensor *in[2] = {x, mask};
    iter_map(d == T_F64 ? keep_loop_f64 : keep_loop_f32, &scale, y, d, 2, in, d);
  }
}

static DType float_type(Call *c) { return call_promote(c, 0, 1) == T_F64 ? T_F64 : T_F32; }

/* ---- dropout: attributes p, training; a hidden output, the mask ----------------------------------- */

static double scale_of(double p) { return p < 1 ? 1 / (1 - p) : 0; }

static void dropout_infer(Call *c) {
  Tensor *x = c->x[0];
  double p = attr_float(c, 0, 0.5);
  if (!(p >= 0 && p <= 1)) t_fail("dropout: p is %g; a probability from 0 to 1 is wanted", p);
  if (!attr_int(c, 1, true) || p == 0) {
    if (!c->inplace) c->y[0] = x;
    return;
  }
  Tensor *y = call_out(c, 0, float_type(c), x->ndim, x->shape);
  Tensor *mask = call_hidden(c, T_U8, y->ndim, y->shape);
  call_scratch(c, sizeof(Fill));
  Fill *f = c->scratch;
  *f = (Fill){.kind = DRAW_YES, .a = 1 - p, .to = mask};
  f->key = rng_next(RNG_DROPOUT);
}

static const char *dropout_run(Call *c) {
  if (c->ny == 1) return NULL; /* nothing is dropped */
  draw_fill(c->scratch);
  keep(c->y[0], c->x[0], c->y[1], scale_of(attr_float(c, 0, 0.5)));
  return NULL;
}

static void dropout_grad(Call *c, Tensor *const *gy, Tensor **gx) {
  if (c->ny == 1) {
    gx[0] = gy[0];
    return;
  }
  gx[0] = t_call("dropout_apply", "xxf", gy[0], c->y[1], scale_of(attr_float(c, 0, 0.5)));
}

/* ---- dropout_apply: inputs x, mask; attribute scale ------------------------------------------------ */

static void dropout_apply_infer(Call *c) {
  Tensor *x = c->x[0];
  if (!t_same_shape(x, c->x[1])) {
    t_fail("dropout_apply: x is %s, the mask %s", t_shape_str(x), t_shape_str(c->x[1]));
  }
  call_want(c, 1, T_U8);
  call_out(c, 0, float_type(c), x->ndim, x->shape);
}

static const char *dropout_apply_run(Call *c) {
  keep(c->y[0], c->x[0], c->x[1], attr_float(c, 0, 1));
  return NULL;
}

static void dropout_apply_grad(Call *c, Tensor *const *gy, Tensor **gx) {
  gx[0] = t_call("dropout_apply", "xxa", gy[0], c->x[1], &c->attr[0]);
}

/* ---- the rows ---------------------------------------------------------------------------------- */

static Op rows[] = {
    {.sig = "dropout(x: tensor, p: float=0.5, training: bool=true) -> y: tensor",
     .doc =
         "In training, zeros with probability p and the rest divided by 1 - p (Srivastava et al. "
         "2014); x itself otherwise. Draws from a stream of its own.",
     .example = "tensor.ones(1000):dropout(0.5):unique() --> float32 [2]  0.0  2.0",
     .test = "{{randn(2,3)}, {randn(4,5), 0.25}, {randn(2,3), 0.5, false}, {randn(2,3), 1}}",
     .ref = "reference.dropout",
     .flags = OP_INPLACE | OP_RANDOM,
     .save = SAVE_Y(1),
     .infer = dropout_infer,
     .run = dropout_run,
     .grad = dropout_grad},
    {.sig = "dropout_apply(x: tensor, mask: tensor, scale: float) -> y: tensor",
     .doc = "x times scale where the mask holds, 0 elsewhere: dropout's gradient.",
     .test = "{{randn(2,3), mask(2,3), 2}}",
     .ref = "reference.dropout_apply",
     .flags = OP_HIDDEN,
     .expects = expect_no_more,
     .save = SAVE_X(1),
     .infer = dropout_apply_infer,
     .run = dropout_apply_run,
     .grad = dropout_apply_grad},
};

FAMILY_PART(random, dropout, rows);
