/* Batch normalisation, x: [N,C,...]: a part is one or several whole channels. */
#include <math.h>

#include "../calc.h"
#include "../cast.h"
#include "../team.h"
#include "norm.h"

enum { X, RUNNING_MEAN, RUNNING_VAR, WEIGHT, BIAS }; /* inputs */
enum { TRAINING, MOMENTUM, EPS };                    /* attributes */
enum { BLOCK = 512, GRAIN = 1 << 15 };               /* values at a time; values of a part */

/* ---- where a channel's values lie ------------------------------------------------------------------ */

/* A channel is `runs` runs of `length` values `step` apart. */
typedef struct Channels {
  int64_t count, runs, length, step, plane;
  int64_t blocks, group; /* blocks of a run; channels of a part */
  int64_t values;        /* of a channel */
} Channels;

static Channels channels_of(const Tensor *x) {
  Channels ch = {.count = x->shape[1], .runs = x->shape[0], .length = 1, .step = 1};
  for (int d = 2; d < x->ndim; d++) ch.length *= x->shape[d];
  ch.plane = ch.length;
  ch.values = ch.runs * ch.length;
  if (ch.length == 1) {
    ch.length = ch.runs;
    ch.runs = 1;
    ch.step = ch.count;
  }
  ch.blocks = (ch.length + BLOCK - 1) / BLOCK;
  ch.group = ch.values > 0 && ch.values < GRAIN ? GRAIN / ch.values : 1;
  return ch;
}

static int64_t parts_of(const Channels *ch) { return (ch->count + ch->group - 1) / ch->group; }

/* Block k of a channel: its place and length. */
static int64_t block_at(const Channels *ch, int64_t channel, int64_t k, int64_t *n) {
  int64_t run = k / ch->blocks, at = k % ch->blocks * BLOCK;
  *n = ch->length - at < BLOCK ? ch->length - at : BLOCK;
  return (run * ch->count + channel) * ch->plane + at * ch->step;
}

static void load(const Tensor *t, int64_t at, int64_t step, int64_t n, double *to) {
  const char *from = (const char *)t_data(t) + at * (int64_t)dtype_size((DType)t->dtype);
  cast_run(n, from, (DType)t->dtype, step, to, T_F64, 1);
}

static void store(Tensor *t, int64_t at, int64_t step, int64_t n, const double *from) {
  char *to = (char *)t_data(t) + at * (int64_t)dtype_size((DType)t->dtype);
  cast_run(n, from, T_F64, 1, to, (DType)t->dtype, step);
}

static double one_of(const Tensor *t, int64_t i, double otherwise) {
  return t ? t_get(t, i) : otherwise;
}

/* ---- forward --------------------------------------------------------------------------------------- */

typedef struct Forward {
  Channels ch;
  const Tensor *x, *w, *b;
  Tensor *y, *mean, *rstd; /* mean, rstd: [C] float64 */
  Tensor *running_mean, *running_var;
  bool training;
  double momentum, eps;
} Forward;

static void check_per_channel(Call *c, int i, const char *what) {
  const Tensor *x = c->x[X], *t = c->x[i];
  if (!t || (t->ndim == 1 && t->shape[0] == x->shape[1])) return;
  t_fail("batch_norm: %s has shape %s, wants [%lld]: one value for each channel of x %s", what,
         t_shape_str(t), (long long)x->shape[1], t_shape_str(x));
}

static void check(Call *c) {
  const Tensor *x = c->x[X];
  if (x->ndim < 2) {
    t_fail("batch_norm: x has shape %s; it is [N,C] or [N,C,...], channels in the second dimension",
           t_shape_str(x));
  }
  check_per_channel(c, RUNNING_MEAN, "running_mean");
  check_per_channel(c, RUNNING_VAR, "running_var");
  check_per_channel(c, WEIGHT, "weight");
  check_per_channel(c, BIAS, "bias");
  bool training = c->attr[TRAINING].i != 0;
  if (!training && !(c->x[RUNNING_MEAN] && c->x[RUNNING_VAR])) {
    t_fail("batch_norm: running_mean and running_var are needed when training is false");
  }
  if (training && channels_of(x).values < 2 && x->shape[1] > 0) {
    t_fail("batch_norm: x %s has fewer than two values a channel, and training needs their "
           "variance; use a larger batch, or training = false",
           t_shape_str(x));
  }
  for (int i = RUNNING_MEAN; training && i <= RUNNING_VAR; i++) {
    if (c->x[i] && !dtype_is_float((DType)c->x[i]->dtype)) {
      t_fail("batch_norm: the running statistics are %s; they are written to and must be float32",
             dtype_name((DType)c->x[i]->dtype));
    }
  }
}

/* In training the running statistics are only written to, and not saved for the gradient; else
   copies are used, which later training steps leave alone. */
void batch_norm_infer(Call *c) {
  check(c);
  DType d = call_promote(c, X, X + 1);
  if (!dtype_is_float(d)) d = T_F32;
  call_want(c, X, d);
  if (c->x[WEIGHT]) call_want(c, WEIGHT, d);
  if (c->x[BIAS]) call_want(c, BIAS, d);
  call_out(c, 0, d, c->x[X]->ndim, c->x[X]->shape);
  call_hidden(c, T_F64, 1, &c->x[X]->shape[1]);
  call_hidden(c, T_F64, 1, &c->x[X]->shape[1]);
  call_scratch(c, 2 * sizeof(Tensor *));
  for (int i = 0; i < 2; i++) {
    Tensor **x = &c->x[RUNNING_MEAN + i];
    ((Tensor **)c->scratch)[i] = *x;
    *x = c->attr[TRAINING].i ? NULL : cast_copy(*x, d);
  }
}

/* Mean and sum of squared distances from it. */
static double distances(const Forward *f, int64_t channel, double *mean) {
  const Channels *ch = &f->ch;
  double v[BLOCK], sum = 0, squares = 0;
  int64_t n, blocks = ch->runs * ch->blocks;
  for (int64_t k = 0; k < blocks; k++) {
    int64_t at = block_at(ch, channel, k, &n);
    load(f->x, at, ch->step, n, v);
    for (int64_t i = 0; i < n; i++) sum += v[i];
  }
  *mean = sum / (double)ch->values;
  for (int64_t k = 0; k < blocks; k++) {
    int64_t at = block_at(ch, channel, k, &n);
    load(f->x, at, ch->step, n, v);
    for (int64_t i = 0; i < n; i++) squares += (v[i] - *mean) * (v[i] - *mean);
  }
  return squares;
}

static void move_towards(Tensor *running, int64_t channel, double value, double momentum) {
  if (!running) return;
  int64_t at = channel * running->stride[0];
  t_set(running, at, (1 - momentum) * t_get(running, at) + momentum * value);
}

static void statistics(const Forward *f, int64_t channel, double *mean, double *rstd) {
  double var;
  if (f->training) {
    double squares = distances(f, channel, mean), values = (double)f->ch.values;
    var = squares / values;
    move_towards(f->running_mean, channel, *mean, f->momentum);
    move_towards(f->running_var, channel, squares / (values - 1), f->momentum);
  } else {
    *mean = t_get(f->running_mean, channel);
    var = t_get(f->running_var, channel);
  }
  *rstd = 1 / sqrt(var + f->eps);
  t_set(f->mean, channel, *mean);
  t_set(f->rstd, channel, *rstd);
}

static void forward_part(void *job, int64_t part) {
  const Forward *f = job;
  const Channels *ch = &f->ch;
  int64_t end = (part + 1) * ch->group < ch->count ? (part + 1) * ch->group : ch->count;
  for (int64_t channel = part * ch->group; channel < end; channel++) {
    double v[BLOCK], mean, rstd;
    statistics(f, channel, &mean, &rstd);
    double scale = rstd * one_of(f->w, channel, 1), shift = one_of(f->b, channel, 0);
    for (int64_t k = 0, n; k < ch->runs * ch->blocks; k++) {
      int64_t at = block_at(ch, channel, k, &n);
      load(f->x, at, ch->step, n, v);
      for (int64_t i = 0; i < n; i++) v[i] = (v[i] - mean) * scale + shift;
      store(f->y, at, ch->step, n, v);
    }
  }
}

const char *batch_norm_run(Call *c) {
  Forward f = {.ch = channels_of(c->x[X]), .x = c->x[X], .w = c->x[WEIGHT], .b = c->x[BIAS]};
  f.y = c->y[0];
  f.mean = c->y[1];
  f.rstd = c->y[2];
  f.training = c->attr[TRAINING].i != 0;
  f.running_mean = f.training ? ((Tensor **)c->scratch)[0] : c->x[RUNNING_MEAN];
  f.running_var = f.training ? ((Tensor **)c->scratch)[1] : c->x[RUNNING_VAR];
  f.momentum = attr_float(c, MOMENTUM, 0.1);
  f.eps = attr_float(c, EPS, 1e-5);
  if (f.training) team_allow_cut(false); /* running statistics are not left half written */
  team_run(parts_of(&f.ch), forward_part, &f);
  for (int i = 0; f.training && i < 2; i++) {
    Tensor *running = ((Tensor **)c->scratch)[i];
    if (!running) continue;
    running->st->version++;
    running->st->writer = "batch_norm";
  }
  return NULL;
}

/* ---- gradient -------------------------------------------------------------------------------------- */

void batch_norm_grad(Call *c, Tensor *const *gy, Tensor **gx) {
  Call d;
  call_begin(&d, op_find("batch_norm_dx"));
  d.x[0] = gy[0];
  d.x[1] = c->x[X];
  d.x[2] = c->y[1];
  d.x[3] = c->y[2];
  d.x[4] = c->x[WEIGHT];
  d.attr[0] = c->attr[TRAINING];
  op_apply(&d);
  if (c->want[X]) gx[X] = d.y[0];
  if (c->want[WEIGHT]) gx[WEIGHT] = d.y[1];
  if (c->want[BIAS]) gx[BIAS] = d.y[2];
}

void batch_norm_dx_infer(Call *c) {
  call_want(c, 0, (DType)c->x[1]->dtype);
  for (int i = 1; i <= 4; i++) {
    if (c->x[i]) call_contiguous(c, i);
  }
  Tensor *x = c->x[1];
  call_out(c, 0, (DType)x->dtype, x->ndim, x->shape);
  call_out(c, 1, (DType)x->dtype, 1, &x->shape[1]);
  call_out(c, 2, (DType)x->dtype, 1, &x->shape[1]);
}

typedef struct Backward {
  Channels ch;
  const Tensor *g, *x, *mean, *rstd, *w;
  Tensor *dx, *dw, *db;
  bool training;
} Backward;

/* Sums of g and of g (x - mean). */
static void backward_sums(const Backward *b, int64_t channel, double mean, double *sum,
                          double *dot) {
  const Channels *ch = &b->ch;
  double g[BLOCK], v[BLOCK];
  *sum = *dot = 0;
  for (int64_t k = 0, n; k < ch->runs * ch->blocks; k++) {
    int64_t at = block_at(ch, channel, k, &n);
    load(b->g, at, ch->step, n, g);
    load(b->x, at, ch->step, n, v);
    for (int64_t i = 0; i < n; i++) {
      *sum += g[i];
      *dot += g[i] * (v[i] - mean);
    }
  }
}

/* In training dx = w rstd (g - sum(g)/M - (x - mean) rstd^2 sum(g (x - mean))/M), M values. */
static void backward_part(void *job, int64_t part) {
  const Backward *b = job;
  const Channels *ch = &b->ch;
  int64_t end = (part + 1) * ch->group < ch->count ? (part + 1) * ch->group : ch->count;
  for (int64_t channel = part * ch->group; channel < end; channel++) {
    double g[BLOCK], v[BLOCK], sum, dot;
    double mean = t_get(b->mean, channel), rstd = t_get(b->rstd, channel);
    backward_sums(b, channel, mean, &sum, &dot);
    t_set(b->dw, channel, dot * rstd);
    t_set(b->db, channel, sum);
    double scale = rstd * one_of(b->w, channel, 1), values = (double)ch->values;
    double even = b->training ? sum / values : 0;
    double slope = b->training ? dot * rstd * rstd / values : 0;
    for (int64_t k = 0, n; k < ch->runs * ch->blocks; k++) {
      int64_t at = block_at(ch, channel, k, &n);
      load(b->g, at, ch->step, n, g);
      load(b->x, at, ch->step, n, v);
      for (int64_t i = 0; i < n; i++) g[i] = scale * (g[i] - even - (v[i] - mean) * slope);
      store(b->dx, at, ch->step, n, g);
    }
  }
}

const char *batch_norm_dx_run(Call *c) {
  Backward b = {.ch = channels_of(c->x[1]), .g = c->x[0], .x = c->x[1], .mean = c->x[2]};
  b.rstd = c->x[3];
  b.w = c->x[4];
  b.dx = c->y[0];
  b.dw = c->y[1];
  b.db = c->y[2];
  b.training = c->attr[0].i != 0;
  team_run(parts_of(&b.ch), backward_part, &b);
  return NULL;
}

/* ---- in plain ops ------------------------------------------------------------------------------------ */

/* [C] in a shape that broadcasts along x's second dimension. */
static Tensor *along(const Tensor *x, Tensor *t) {
  int64_t shape[T_MAXDIM];
  for (int d = 0; d < x->ndim; d++) shape[d] = d == 1 ? x->shape[1] : 1;
  return t_reshape(t, x->ndim, shape);
}

void batch_norm_compose(Call *c) {
  check(c);
  Tensor *x = c->x[X], *mean, *var;
  if (!dtype_is_float((DType)x->dtype)) x = t_cast(x, T_F32);
  if (c->attr[TRAINING].i) {
    int64_t dims[T_MAXDIM], n = 0;
    for (int d = 0; d < x->ndim; d++) {
      if (d != 1) dims[n++] = d;
    }
    double share = 1 / (double)channels_of(x).values;
    mean = t_muln(t_sum(x, (int)n, dims, true), share);
    var = t_muln(t_sum(t_square(t_sub(x, mean)), (int)n, dims, true), share);
  } else {
    mean = along(x, t_cast(c->x[RUNNING_MEAN], (DType)x->dtype));
    var = along(x, t_cast(c->x[RUNNING_VAR], (DType)x->dtype));
  }
  Tensor *y = t_mul(t_sub(x, mean), t_op1("rsqrt", t_addn(var, attr_float(c, EPS, 1e-5))));
  if (c->x[WEIGHT]) y = t_mul(y, along(x, c->x[WEIGHT]));
  if (c->x[BIAS]) y = t_add(y, along(x, c->x[BIAS]));
  c->y[0] = y;
}
