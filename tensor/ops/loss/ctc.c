/* Connectionist temporal classification, Graves and others 2006: minus the log probability of label
   sequences, summed over all alignments. Labels with blanks between them, l' of 2 L + 1 places:
     alpha[t,s] = log sum of the paths that end in place s at step t
   and beta the same from the end. The gradient for log_probs[t,c] is minus the probability of being
   in a place with label c at step t. */
#include <math.h>

#include "../../calc.h"
#include "../../loop/cast.h"
#include "../../kernels/ctc.h"
#include "../../machine/team.h"
#include "loss.h"

#define LL(x) ((long long)(x))

/* ---- the hidden row: log_probs [T,N,C]; places [N,S] of l', lengths [N] of steps and places --------- */

enum { LOGP, PLACES, STEPS, COUNTS };

typedef struct Ctc {
  int64_t T, N, C, S;
  const Tensor *p;                        /* [T,N,C] */
  const int64_t *places, *steps, *counts; /* classes from T_BASE; steps; 2 L + 1 */
  double *loss, *alpha;                   /* [N], [N,T,S] */
  const double *g;                        /* [N] */
  Tensor *gx;                             /* [T,N,C] */
  double *room;                           /* [N, CTC_ROOM(S)] */
} Ctc;

/* May a path step over place s - 1? Yes if that is a blank between two labels that differ. */
static bool skips(const Ctc *j, int64_t n, int64_t s) {
  const int64_t *l = j->places + n * j->S;
  return s >= 2 && s % 2 == 1 && l[s] != l[s - 2];
}

/* Where sequence n of the batch begins in p or gx. */
static char *batch(const Ctc *j, const Tensor *t, int64_t n) {
  return (char *)t_data(t) + (size_t)(n * j->C) * dtype_size((DType)t->dtype);
}

static CtcSequence sequence(const Ctc *j, int64_t n) {
  return (CtcSequence){.steps = j->steps[n],
                       .count = j->counts[n],
                       .step = j->N * j->C,
                       .row = j->S,
                       .base = T_BASE,
                       .single = j->p->dtype == T_F32,
                       .p = batch(j, j->p, n),
                       .places = j->places + n * j->S,
                       .room = j->room + (size_t)n * CTC_ROOM(j->S)};
}

static void forward_part(void *job, int64_t n) {
  const Ctc *j = job;
  CtcSequence q = sequence(j, n);
  j->loss[n] = SIMD_PICK(ctc_kernels)->forward(&q, j->alpha + n * j->T * j->S);
}

static Ctc ctc_of(const Call *c, int first) {
  const Tensor *p = c->x[first + LOGP], *places = c->x[first + PLACES];
  return (Ctc){.T = p->shape[0],
               .N = p->shape[1],
               .C = p->shape[2],
               .S = places->shape[1],
               .p = p,
               .places = t_i64(places),
               .steps = t_i64(c->x[first + STEPS]),
               .counts = t_i64(c->x[first + COUNTS]),
               .room = c->scratch};
}

static DType float_type(const Call *c, int i) { return c->x[i]->dtype == T_F32 ? T_F32 : T_F64; }

static void make_room(Call *c, const Tensor *places) {
  size_t numbers;
  if (__builtin_mul_overflow((size_t)places->shape[0], CTC_ROOM(places->shape[1]), &numbers) ||
      numbers >> 56) {
    t_fail("ctc_loss: labels of %s are too many", t_shape_str(places));
  }
  call_scratch(c, (numbers + 1) * sizeof(double));
}

static void ctc_infer(Call *c) {
  const int64_t *p = c->x[LOGP]->shape, alpha[3] = {p[1], p[0], c->x[PLACES]->shape[1]};
  call_want(c, LOGP, float_type(c, LOGP));
  for (int i = PLACES; i <= COUNTS; i++) call_want(c, i, T_I64);
  call_out(c, 0, T_F64, 1, &p[1]);
  call_hidden(c, T_F64, 3, alpha);
  make_room(c, c->x[PLACES]);
}

static const char *ctc_run(Call *c) {
  Ctc j = ctc_of(c, 0);
  j.loss = t_f64(c->y[0]);
  j.alpha = t_f64(c->y[1]);
  team_run(j.N, forward_part, &j);
  return NULL;
}

static void ctc_grad(Call *c, Tensor *const *gy, Tensor **gx) {
  gx[0] = t_call("ctc_dx", "xxxxxxx", gy[0], c->x[LOGP], c->x[PLACES], c->x[STEPS], c->x[COUNTS],
                 c->y[0], c->y[1]);
}

/* ---- its gradient: inputs g, then those of ctc, loss, alpha ------------------------------------------- */

static void dx_infer(Call *c) {
  call_want(c, 0, T_F64);
  call_want(c, 1 + LOGP, float_type(c, 1 + LOGP));
  for (int i = PLACES; i <= COUNTS; i++) call_want(c, 1 + i, T_I64);
  call_want(c, 5, T_F64);
  call_want(c, 6, T_F64);
  call_out(c, 0, (DType)c->x[1 + LOGP]->dtype, 3, c->x[1 + LOGP]->shape);
  make_room(c, c->x[1 + PLACES]);
}

static void back_part(void *job, int64_t n) {
  const Ctc *j = job;
  CtcSequence q = sequence(j, n);
  if (!(j->loss[n] < INFINITY)) return; /* impossible: nothing to move */
  SIMD_PICK(ctc_kernels)
      ->backward(&q, j->alpha + n * j->T * j->S, j->loss[n], -j->g[n], batch(j, j->gx, n));
}

static const char *dx_run(Call *c) {
  Ctc j = ctc_of(c, 1);
  j.g = t_f64(c->x[0]);
  j.loss = t_f64(c->x[5]);
  j.alpha = t_f64(c->x[6]);
  j.gx = c->y[0];
  t_fill(c->y[0], 0);
  team_run(j.N, back_part, &j);
  return NULL;
}

/* ---- in plain ops ------------------------------------------------------------------------------------ */

enum { FAR = 100000 }; /* stands for minus infinity, whose derivatives are not numbers */

static Tensor *log_sum(Tensor *a, Tensor *b) { /* of two */
  Tensor *both[2] = {t_unsqueeze(a, 2), t_unsqueeze(b, 2)};
  const int64_t dim = 2;
  return t_call("logsumexp", "xlb", t_cat(2, both, 2), 1, &dim, false);
}

/* x moved on by n places, what comes in being far. x: [N,S] */
static Tensor *moved(Tensor *x, int64_t n) {
  if (x->shape[1] < n) n = x->shape[1];
  const int64_t shape[2] = {x->shape[0], n};
  Tensor *parts[2] = {t_fill(t_new((DType)x->dtype, 2, shape), -FAR),
                      t_narrow(x, 1, 0, x->shape[1] - n)};
  return t_cat(2, parts, 1);
}

static void ctc_compose(Call *c) {
  Tensor *p = t_cast(c->x[LOGP], T_F64), *places = c->x[PLACES];
  int64_t T = p->shape[0], N = p->shape[1], S = places->shape[1];
  const int64_t shape[2] = {N, S};
  Tensor *none = t_fill(t_new(T_F64, 2, shape), -FAR),
         *begin = t_fill(t_new(T_F64, 2, shape), -FAR);
  Tensor *bar = t_fill(t_new(T_F64, 2, shape), -2 * FAR), *end = t_zeros(T_F64, 2, shape);
  Ctc j = {.S = S, .places = t_i64(places)};
  for (int64_t n = 0; n < N; n++) {
    int64_t count = t_i64(c->x[COUNTS])[n];
    for (int64_t s = 0; s < S; s++) {
      if (s < 2) t_set(begin, n * S + s, 0);
      if (skips(&j, n, s)) t_set(bar, n * S + s, 0);
      if (s >= count || s < count - 2) t_set(end, n * S + s, -FAR);
    }
  }
  Tensor *a = none;
  for (int64_t t = 0; t < T; t++) {
    Tensor *e = t_call("gather", "xxi", t_select(p, 0, t), places, (int64_t)1), *next = begin;
    if (t > 0) next = log_sum(log_sum(a, moved(a, 1)), t_add(moved(a, 2), bar));
    Tensor *on = t_unsqueeze(t_gt(c->x[STEPS], t_scalar_int(t, T_I64)), 1);
    a = t_where(on, t_add(next, e), a);
  }
  const int64_t dim = 1;
  c->y[0] = t_neg(t_call("logsumexp", "xlb", t_add(a, end), 1, &dim, false));
}

/* ---- the public row ---------------------------------------------------------------------------------- */

static const int64_t *read_lengths(Call *c, int i, int64_t n, int64_t most, const char *what) {
  const Tensor *t = c->x[i];
  if (t->numel != n || t->ndim > 1 || dtype_is_float((DType)t->dtype)) {
    t_fail("ctc_loss: %s are %s %s; %lld integers are wanted, one for each sequence", what,
           dtype_name((DType)t->dtype), t_shape_str(t), LL(n));
  }
  const int64_t *v = t_i64(cast_copy(t, T_I64));
  for (int64_t k = 0; k < n; k++) {
    if (v[k] < 0 || v[k] > most) {
      t_fail("ctc_loss: %s: %lld for sequence %lld; it is from 0 to %lld", what, LL(v[k]),
             LL(k) + 1, LL(most));
    }
  }
  return v;
}

/* The labels of all sequences with blanks around them: [N, 2 L + 1]; counts become 2 L + 1. */
static Tensor *read_places(Call *c, int64_t N, int64_t C, const int64_t *lengths, Tensor *counts) {
  Tensor *t = cast_copy(c->x[1], T_I64);
  int64_t most = 0, at = 0, total = 0, blank = c->attr[0].i + T_BASE;
  for (int64_t n = 0; n < N; n++) {
    if (lengths[n] > most) most = lengths[n];
    total += lengths[n];
  }
  bool rows = t->ndim == 2;
  if (rows ? t->shape[0] != N || t->shape[1] < most : t->ndim != 1 || t->numel != total) {
    t_fail("ctc_loss: targets are %s; [N,S] with S at least %lld, or all %lld labels in a row are "
           "wanted",
           t_shape_str(t), LL(most), LL(total));
  }
  const int64_t shape[2] = {N, 2 * most + 1};
  Tensor *places = t_fill(t_new(T_I64, 2, shape), (double)blank);
  for (int64_t n = 0; n < N; n++) {
    t_i64(counts)[n] = 2 * lengths[n] + 1;
    const int64_t *from = t_i64(t) + (rows ? n * t->shape[1] : at);
    for (int64_t i = 0; i < lengths[n]; i++) {
      if (from[i] < T_BASE || from[i] >= C + T_BASE || from[i] == blank) {
        t_fail("ctc_loss: label %lld of sequence %lld is %lld; labels are classes 1..%lld but for "
               "the blank, %lld",
               LL(i) + 1, LL(n) + 1, LL(from[i]), LL(C), LL(blank));
      }
      t_i64(places)[n * shape[1] + 2 * i + 1] = from[i];
    }
    at += lengths[n];
  }
  return places;
}

static Tensor *of_int64(int64_t n, const int64_t *v) {
  Tensor *t = t_new(T_I64, 1, &n);
  for (int64_t i = 0; i < n; i++) t_i64(t)[i] = v[i];
  return t;
}

static void ctc_loss(Call *c) {
  Tensor *x = c->x[0];
  bool single = x->ndim == 2;
  if (x->ndim != 3 && !single) {
    t_fail("ctc_loss: log_probs are %s; [T,N,C] or [T,C] is wanted", t_shape_str(x));
  }
  if (single) x = t_unsqueeze(x, 1);
  if (!dtype_is_float((DType)x->dtype)) x = t_cast(x, T_F32);
  int64_t T = x->shape[0], N = x->shape[1], C = x->shape[2];
  int64_t blank = c->attr[0].i < 0 ? c->attr[0].i + C : c->attr[0].i;
  if (blank < 0 || blank >= C) t_fail("ctc_loss: blank is not a class 1..%lld", LL(C));
  c->attr[0].i = blank;
  const int64_t *steps = read_lengths(c, 2, N, T, "input_lengths");
  const int64_t *lengths = read_lengths(c, 3, N, 1 << 28, "target_lengths");
  Tensor *counts = t_new(T_I64, 1, &N), *places = read_places(c, N, C, lengths, counts);
  Tensor *logp = t_call("log_softmax", "xi", x, (int64_t)2);
  Tensor *loss = t_call("ctc", "xxxx", logp, places, of_int64(N, steps), counts);
  if (c->attr[2].i) loss = t_where(t_op1("isinf", loss), t_num(0), loss);
  int64_t reduction = c->attr[1].i;
  if (reduction == REDUCTION_MEAN) {
    Tensor *n = t_new(T_F64, 1, &N);
    for (int64_t i = 0; i < N; i++) t_set(n, i, lengths[i] > 0 ? (double)lengths[i] : 1);
    loss = t_div(loss, n);
  }
  loss = t_cast(loss_reduced(loss, reduction), (DType)x->dtype);
  c->y[0] = single && reduction == REDUCTION_NONE ? t_squeeze(loss, 0) : loss;
}

static Op rows[] = {
    {.sig = "ctc_loss(log_probs: tensor, targets: class, input_lengths: tensor, target_lengths: "
            "tensor, blank: pos=1, reduction: string{none|mean|sum}=mean, zero_infinity: "
            "bool=false) -> loss: tensor",
     .doc = "Minus the log probability of label sequences over all alignments (connectionist "
            "temporal classification). log_probs: [T,N,C] or [T,C], which log_softmax normalises "
            "once more; targets: [N,S], or all labels in a row, classes from 1; input_lengths and "
            "target_lengths: [N]. blank: the class that stands for no label. The mean is of each "
            "loss over its target's length. zero_infinity: 0 for targets that do not fit their "
            "input. Graves and others 2006.",
     .example = "x = tensor.full({2, 1, 2}, 0.5):log()\n"
                "x:ctc_loss(tensor{{2}}, tensor{2}, tensor{1}) --> 0.2877",
     .test = "{{randn(4,2,3), tensor{{2,3},{3,3}}, tensor{4,4}, tensor{2,2}}, {randn(5,2,4), "
             "tensor{2,2,4}, tensor{5,3}, tensor{2,1}, {reduction = 'none'}}, {randn(3,3), "
             "tensor{1}, tensor{3}, tensor{1}, 3, 'sum'}}",
     .ref = "reference.ctc_loss",
     .compose = ctc_loss},
    {.sig = "ctc(log_probs: tensor, places: class, steps: tensor, counts: tensor) -> loss: tensor",
     .doc = "ctc_loss of checked arguments: places [N,S], labels with blanks around them.",
     .test = "{{randn(4,2,3), tensor{{1,2,1,3,1},{1,3,1,3,1}}, tensor{4,3}, tensor{5,3}}}",
     .flags = OP_HIDDEN,
     .save = SAVE_XS | SAVE_Y(0) | SAVE_Y(1),
     .infer = ctc_infer,
     .run = ctc_run,
     .grad = ctc_grad,
     .compose = ctc_compose},
    {.sig = "ctc_dx(g: tensor, log_probs: tensor, places: class, steps: tensor, counts: tensor, "
            "loss: tensor, alpha: tensor) -> gx: tensor",
     .doc = "Gradient of ctc for its log_probs.",
     .test = "{{rand(1), randn(2,1,3), tensor{{1,2,1}}, tensor{2}, tensor{3}, rand(1), "
             "randn(1,2,3)}}",
     .flags = OP_HIDDEN | OP_CONST,
     .infer = dx_infer,
     .run = dx_run},
};

FAMILY_PART(loss, ctc, rows);
