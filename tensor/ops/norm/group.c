/* Normalisation of groups of channels: group_norm, and instance_norm, whose groups are the channels.
   x: [N,C,...]; a row is a group of a sample. */
#include "../../kernels/norm/group.h"

#include <string.h>

#include "../../calc.h"
#include "../../loop/cast.h"
#include "../../machine/team.h"

enum { X, WEIGHT, BIAS }; /* inputs */
enum { GROUPS, EPS };     /* attributes */
enum { GRAIN = 1 << 15 }; /* values of a part */

/* ---- checks ---------------------------------------------------------------------------------------- */

static void check(Call *c) {
  const Tensor *x = c->x[X];
  int64_t groups = c->attr[GROUPS].i;
  if (x->ndim < 2) t_fail("group_norm: x has shape %s; it is [N,C,...]", t_shape_str(x));
  if (groups < 1 || x->shape[1] % groups != 0 || groups > (x->shape[1] > 0 ? x->shape[1] : 1)) {
    t_fail("group_norm: %lld groups do not divide the %lld channels of %s", (long long)groups,
           (long long)x->shape[1], t_shape_str(x));
  }
  for (int i = WEIGHT; i <= BIAS; i++) {
    const Tensor *t = c->x[i];
    if (!t || (t->ndim == 1 && t->shape[0] == x->shape[1])) continue;
    t_fail("group_norm: %s has shape %s, wants [%lld]: one value for each channel of x %s",
           i == WEIGHT ? "weight" : "bias", t_shape_str(t), (long long)x->shape[1], t_shape_str(x));
  }
}

/* ---- parts ----------------------------------------------------------------------------------------- */

typedef struct Job {
  GroupNorm kernel; /* of all rows */
  bool f32;
  int64_t group; /* rows of a part */
  Tensor *y;     /* forward; or */
  const Tensor *gy;
  Tensor *gx;
  double *sums;
} Job;

static Job job_of(const Tensor *x, int64_t groups, const Tensor *weight) {
  int64_t k = x->shape[1] / groups, rows = x->shape[0] * groups;
  int64_t l = rows * k > 0 ? x->numel / (rows * k) : 0;
  Job j = {.kernel = {.to = rows, .groups = groups, .k = k, .l = l, .x = t_data(x)}};
  j.kernel.gamma = weight ? t_data(weight) : NULL;
  j.f32 = x->dtype == T_F32;
  j.group = k * l > 0 && k * l < GRAIN ? GRAIN / (k * l) : 1;
  return j;
}

static void part(void *job, int64_t p) {
  const Job *j = job;
  const GroupKernels *f = SIMD_PICK(group_kernels);
  GroupNorm s = j->kernel;
  s.from = p * j->group;
  if (s.from + j->group < s.to) s.to = s.from + j->group;
  if (!j->gy) {
    if (j->f32)
      f->forward_f32(&s, t_f32(j->y));
    else
      f->forward_f64(&s, t_f64(j->y));
  } else if (j->f32) {
    f->backward_f32(&s, t_f32(j->gy), t_f32(j->gx), j->sums);
  } else {
    f->backward_f64(&s, t_f64(j->gy), t_f64(j->gx), j->sums);
  }
}

static void run_all(Job *j) { team_run((j->kernel.to + j->group - 1) / j->group, part, j); }

/* ---- forward --------------------------------------------------------------------------------------- */

static void infer(Call *c) {
  check(c);
  DType d = call_promote(c, X, X + 1);
  if (!dtype_is_float(d)) d = T_F32;
  for (int i = X; i <= BIAS; i++) {
    if (c->x[i]) call_want(c, i, d);
  }
  const Tensor *x = c->x[X];
  int64_t rows = x->shape[0] * c->attr[GROUPS].i;
  call_out(c, 0, d, x->ndim, x->shape);
  call_hidden(c, d, 1, &rows);
  call_hidden(c, d, 1, &rows);
}

static const char *run(Call *c) {
  Job j = job_of(c->x[X], c->attr[GROUPS].i, c->x[WEIGHT]);
  j.y = c->y[0];
  j.kernel.beta = c->x[BIAS] ? t_data(c->x[BIAS]) : NULL;
  j.kernel.mean = t_data(c->y[1]);
  j.kernel.rstd = t_data(c->y[2]);
  j.kernel.eps = attr_float(c, EPS, 1e-5);
  if (j.y->numel > 0) run_all(&j);
  return NULL;
}

/* ---- gradient: inputs g, x, mean, rstd, weight ------------------------------------------------------ */

static void grad(Call *c, Tensor *const *gy, Tensor **gx) {
  Call d;
  t_call_into(&d, "group_norm_dx", "xxxxxi", gy[0], c->x[X], c->y[1], c->y[2], c->x[WEIGHT],
              c->attr[GROUPS].i);
  for (int i = X; i <= BIAS; i++) {
    if (c->want[i]) gx[i] = d.y[i];
  }
}

static void dx_infer(Call *c) {
  DType d = (DType)c->x[1]->dtype;
  for (int i = 0; i <= 4; i++) {
    if (c->x[i]) call_want(c, i, d);
  }
  const Tensor *x = c->x[1];
  call_out(c, 0, d, x->ndim, x->shape);
  call_out(c, 1, d, 1, &x->shape[1]);
  call_out(c, 2, d, 1, &x->shape[1]);
  call_scratch(c, (size_t)(x->shape[0] * x->shape[1] + 1) * 2 * sizeof(double));
}

static const char *dx_run(Call *c) {
  Job j = job_of(c->x[1], c->attr[0].i, c->x[4]);
  j.gy = c->x[0];
  j.gx = c->y[0];
  j.kernel.mean = t_data(c->x[2]);
  j.kernel.rstd = t_data(c->x[3]);
  j.sums = c->scratch;
  int64_t n = j.gx->numel > 0 ? c->x[1]->shape[0] : 0, channels = c->x[1]->shape[1];
  if (n > 0) run_all(&j);
  for (int64_t k = 0; k < channels; k++) {
    double dw = 0, db = 0;
    for (int64_t i = 0; i < n; i++) {
      db += j.sums[2 * (i * channels + k)];
      dw += j.sums[2 * (i * channels + k) + 1];
    }
    t_set(c->y[1], k, dw);
    t_set(c->y[2], k, db);
  }
  return NULL;
}

/* ---- in plain ops ------------------------------------------------------------------------------------ */

/* [C] in a shape that broadcasts along x's second dimension. */
static Tensor *along(const Tensor *x, Tensor *t) {
  int64_t shape[T_MAXDIM];
  for (int d = 0; d < x->ndim; d++) shape[d] = d == 1 ? x->shape[1] : 1;
  return t_reshape(t, x->ndim, shape);
}

static void compose(Call *c) {
  check(c);
  Tensor *x = c->x[X];
  if (!dtype_is_float((DType)x->dtype)) x = t_cast(x, T_F32);
  int64_t rows = x->shape[0] * c->attr[GROUPS].i;
  const int64_t shape[2] = {rows, rows ? x->numel / rows : 0};
  Tensor *flat = t_reshape(x, 2, shape), *off = t_sub(flat, t_mean1(flat, 1, true));
  Tensor *var = t_mean1(t_square(off), 1, true);
  Tensor *y = t_mul(off, t_op1("rsqrt", t_addn(var, attr_float(c, EPS, 1e-5))));
  y = t_reshape(y, x->ndim, x->shape);
  if (c->x[WEIGHT]) y = t_mul(y, along(x, c->x[WEIGHT]));
  if (c->x[BIAS]) y = t_add(y, along(x, c->x[BIAS]));
  c->y[0] = y;
}

/* ---- instance_norm: inputs x, running_mean, running_var, weight, bias -------------------------------- */

/* Moves a running statistic towards `now`, the mean over the batch of what each instance has. */
static void move(Tensor *running, Tensor *now, double momentum) {
  if (!running) return;
  Tensor *mean = t_cast(t_mean1(now, 0, false), (DType)running->dtype);
  Tensor *next = t_add(t_muln(t_alias(running), 1 - momentum), t_muln(mean, momentum));
  cast_into(running, next);
  running->st->version++;
  running->st->writer = "instance_norm";
}

static void check_running(Call *c) {
  const Tensor *x = c->x[0];
  for (int i = 1; i <= 2; i++) {
    const Tensor *t = c->x[i];
    if (!t) continue;
    if (t->ndim != 1 || t->shape[0] != x->shape[1] || !dtype_is_float((DType)t->dtype)) {
      t_fail("instance_norm: %s is %s %s; one float for each channel of x %s is wanted",
             i == 1 ? "running_mean" : "running_var", dtype_name((DType)t->dtype), t_shape_str(t),
             t_shape_str(x));
    }
  }
}

static void instance_norm(Call *c) {
  enum { MEAN = 1, VAR, W, B };
  Tensor *x = c->x[0];
  if (x->ndim < 2) t_fail("instance_norm: x has shape %s; it is [N,C,...]", t_shape_str(x));
  check_running(c);
  if (!c->attr[0].i) {
    c->y[0] = t_call("batch_norm", "xxxxxbff", x, c->x[MEAN], c->x[VAR], c->x[W], c->x[B], false,
                     0.0, c->attr[2].f);
    return;
  }
  int64_t channels = x->shape[1], pairs = x->shape[0] * channels;
  if (pairs > 0 && x->numel / pairs == 1) {
    t_fail("instance_norm: x %s has one value a channel, and its variance is wanted; use "
           "use_input_stats = false",
           t_shape_str(x));
  }
  if (channels == 0) {
    c->y[0] = x;
    return;
  }
  c->y[0] = t_call("group_norm", "xxxif", x, c->x[W], c->x[B], channels, c->attr[2].f);
  if ((!c->x[MEAN] && !c->x[VAR]) || x->numel == 0) return;
  const int64_t shape[3] = {x->shape[0], channels, x->numel / pairs}, last = 2;
  Tensor *values = t_reshape(t_alias(x), 3, shape);
  move(c->x[MEAN], t_mean1(values, 2, false), c->attr[1].f);
  move(c->x[VAR], t_call("var", "xlib", values, 1, &last, (int64_t)1, false), c->attr[1].f);
}

/* ---- local_response_norm ----------------------------------------------------------------------------- */

static void local_response_norm(Call *c) {
  Tensor *x = c->x[0];
  int64_t size = c->attr[0].i;
  if (x->ndim < 2 || size < 1 || size > 1 << 30) {
    t_fail("local_response_norm: input is %s, size %lld; [N,C,...] and a size from 1 are wanted",
           t_shape_str(x), (long long)size);
  }
  if (!dtype_is_float((DType)x->dtype)) x = t_cast(x, T_F32);
  if (x->numel == 0) {
    c->y[0] = x;
    return;
  }
  int64_t n = x->shape[0], channels = x->shape[1];
  const int64_t shape[3] = {n, channels, x->numel / (n * channels)};
  const int64_t pad[4] = {0, 0, size / 2, (size - 1) / 2}, kernel[2] = {size, 1};
  Tensor *squares = t_call("pad", "xl", t_reshape(t_square(x), 3, shape), 4, pad);
  const int64_t one[2] = {1, 1}, none[2] = {0, 0};
  Tensor *mean = t_call("avg_windows", "xllll", squares, 2, kernel, 2, one, 2, none, 2, one);
  Tensor *base = t_addn(t_muln(mean, c->attr[1].f), c->attr[3].f);
  c->y[0] = t_div(x, t_reshape(t_pown(base, c->attr[2].f), x->ndim, x->shape));
}

static Op rows[] = {
    {.sig = "group_norm(x: tensor, num_groups: int, weight: tensor?, bias: tensor?, "
            "eps: float=1e-5) -> y: tensor",
     .doc = "Channels in num_groups groups; each group of each sample less its mean, divided by "
            "its standard deviation, then times weight plus bias for each channel. x: [N,C,...], "
            "weight and bias: [C]. eps is added to the variance. Wu & He 2018, arXiv:1803.08494.",
     .example = "tensor{{1.0, 3.0, 10.0, 30.0}}:group_norm(2, {eps = 0}) --> float32 [1,4]  -1.0   "
                "1.0  -1.0   1.0",
     .test = "{{randn(2,4,3), 2}, {randn(2,6,2,2), 3, rand(6) + 0.5, randn(6)}, {randn(3,4), 1, "
             "rand(4) + 0.5, nil, 0.1}}",
     .ref = "reference.group_norm",
     .save = SAVE_XS | SAVE_Y(1) | SAVE_Y(2),
     .infer = infer,
     .run = run,
     .grad = grad,
     .compose = compose},
    {.sig = "group_norm_dx(g: tensor, x: tensor, mean: tensor, rstd: tensor, weight: tensor?, "
            "num_groups: int) -> dx: tensor, dw: tensor, db: tensor",
     .doc = "Gradients of group_norm for x, weight and bias.",
     .test = "{{randn(2,4,3), randn(2,4,3), randn(4), rand(4) + 0.5, rand(4), 2}}",
     .flags = OP_HIDDEN | OP_CONST,
     .infer = dx_infer,
     .run = dx_run},
    {.sig = "instance_norm(x: tensor, running_mean: tensor?, running_var: tensor?, weight: "
            "tensor?, bias: tensor?, use_input_stats: bool=true, momentum: float=0.1, eps: "
            "float=1e-5) -> y: tensor",
     .doc = "Each channel of each sample less its mean, divided by its standard deviation, then "
            "times weight plus bias. x: [N,C,...]; all others: [C]. The running statistics, where "
            "given, move towards the means over the batch by the share momentum; without "
            "use_input_stats they are what is used. Ulyanov and others 2016, arXiv:1607.08022.",
     .example = "tensor{{{1.0, 3.0}, {10.0, 30.0}}}:instance_norm{eps = 0} --> float32 [1,2,2]\n"
                "  -1.0   1.0\n"
                "  -1.0   1.0",
     .test = "{{randn(2,3,4)}, {randn(2,2,3,2), nil, nil, rand(2) + 0.5, randn(2)}, {randn(2,3,4), "
             "randn(3):float(), rand(3):float() + 0.5, nil, nil, false}}",
     .ref = "reference.instance_norm",
     .compose = instance_norm},
    {.sig = "local_response_norm(x: tensor, size: int, alpha: float=1e-4, beta: float=0.75, "
            "k: float=1) -> y: tensor",
     .doc = "x / (k + alpha m)^beta, m the mean of the squares of `size` channels around each, "
            "zeros beyond the ends. x: [N,C,...]. Krizhevsky and others 2012.",
     .example = "tensor{{{1.0, 3.0}}}:local_response_norm(1, {alpha = 1, beta = 1}) --> float32 "
                "[1,1,2]  0.5  0.3",
     .test = "{{randn(2,5,3), 3, 0.5}, {randn(1,4,2,2), 2, {alpha = 1, beta = 0.5, k = 2}}}",
     .ref = "reference.local_response_norm",
     .compose = local_response_norm},
};

FAMILY_PART(norm, group_norm, rows);
