/* The derivative of the losses that compare by distance, times an incoming gradient: one pass for
   what the gradients of mse_loss, l1_loss, smooth_l1_loss and huber_loss would do in several. */
#include "../../calc.h"
#include "../../loop/cast.h"
#include "../../kernels/losses.h"
#include "../../machine/team.h"

enum { BLOCK = 512, GRAIN = 64 * BLOCK }; /* elements of a block, and of a part */
enum { G, INPUT, TARGET };
enum { KIND, SCALE, P };

static void slope_infer(Call *c) {
  DType d = call_promote(c, 0, 3) == T_F64 ? T_F64 : T_F32;
  for (int i = G; i <= TARGET; i++) call_want(c, i, d);
  call_out(c, 0, d, c->x[INPUT]->ndim, c->x[INPUT]->shape);
}

typedef struct Job {
  SlopeLoop loop;
  const Tensor *g, *x, *t;
  double scale, p;
  char *dx;
  size_t size; /* bytes of an element */
} Job;

static const char *at(const Tensor *t, int64_t i, size_t size) {
  return (const char *)t_data(t) + (size_t)i * size;
}

static void part(void *job, int64_t k) {
  const Job *j = job;
  int64_t numel = j->x->numel, end = (k + 1) * GRAIN < numel ? (k + 1) * GRAIN : numel;
  bool number = j->t->ndim < j->x->ndim, each = j->g->ndim == j->x->ndim;
  _Alignas(64) double numbers[BLOCK];
  if (number) {
    DType d = (DType)j->t->dtype;
    cast_run(BLOCK, t_data(j->t), d, 0, numbers, d, 1);
  }
  for (int64_t i = k * GRAIN, n; i < end; i += n) {
    n = number && end - i > BLOCK ? BLOCK : end - i;
    j->loop(n, at(j->x, i, j->size), number ? (const char *)numbers : at(j->t, i, j->size),
            at(j->g, each ? i : 0, j->size), each, j->scale, j->dx + (size_t)i * j->size, j->p);
  }
}

static const char *slope_run(Call *c) {
  Tensor *y = c->y[0];
  Job j = {.g = c->x[G], .x = c->x[INPUT], .t = c->x[TARGET], .dx = t_data(y)};
  j.loop = SIMD_PICK(loss_kernels)->slope[c->attr[KIND].i][y->dtype];
  j.scale = attr_float(c, SCALE, 1);
  j.p = attr_float(c, P, 1);
  j.size = dtype_size((DType)y->dtype);
  team_run((y->numel + GRAIN - 1) / GRAIN, part, &j);
  return NULL;
}

/* The second derivative of the loss, times x. */
static Tensor *bent(Call *c, Tensor *x) {
  const double p = attr_float(c, P, 1);
  const int64_t kind = c->attr[KIND].i;
  if (kind == LOSS_MSE) return t_muln(x, 2);
  if (kind == LOSS_L1) return t_zeros_like(x);
  Tensor *gap = t_abs(t_sub(c->x[INPUT], c->x[TARGET]));
  Tensor *near = t_op2("le", gap, t_num(p));
  return t_where(near, kind == LOSS_SMOOTH ? t_muln(x, 1 / p) : x, t_num(0));
}

static void slope_grad(Call *c, Tensor *const *gy, Tensor **gx) {
  const double scale = attr_float(c, SCALE, 1);
  if (c->want[G]) {
    Tensor *one = t_cast(t_num(1), (DType)c->y[0]->dtype);
    gx[G] = t_mul(gy[0], t_call("loss_slope", "xxxaaa", one, c->x[INPUT], c->x[TARGET],
                                &c->attr[KIND], &c->attr[SCALE], &c->attr[P]));
  }
  if (!c->want[INPUT] && !c->want[TARGET]) return;
  Tensor *dx = bent(c, t_mul(gy[0], t_muln(c->x[G], scale)));
  if (c->want[INPUT]) gx[INPUT] = dx;
  if (c->want[TARGET]) gx[TARGET] = t_neg(dx);
}

static Op rows[] = {
    {.sig = "loss_slope(g: tensor, input: tensor, target: tensor, kind: "
            "string{mse|l1|smooth|huber}, scale: float=1, p: float=1) -> dx: tensor",
     .doc = "g times scale and the derivative of a loss for its input; g and target have its shape "
            "or are numbers. p: beta or delta.",
     .test = "{{randn(2,3), randn(2,3), randn(2,3), 'mse', 0.5}, {randn(2,3), randn(2,3), "
             "randn(2,3), 'l1'}, {randn(2,3), randn(2,3), randn(2,3), 'smooth', 2, 0.7}, "
             "{randn(2,3), randn(2,3), tensor(0.3, {dtype='float64'}), 'huber', 1, 0.6}}",
     .ref = "reference.loss_slope",
     .flags = OP_HIDDEN,
     .save = SAVE_XS,
     .infer = slope_infer,
     .run = slope_run,
     .grad = slope_grad},
};

FAMILY_PART(loss, slopes, rows);
