/* Batch normalisation, x: [N,C,...]: a part is several whole channels. */
#include "../../calc.h"
#include "../../loop/cast.h"
#include "../../expect.h"
#include "../../kernels/norm/norm.h"
#include "../../machine/team.h"

enum { X, RUNNING_MEAN, RUNNING_VAR, WEIGHT, BIAS }; /* inputs */
enum { TRAINING, MOMENTUM, EPS };                    /* attributes */
enum {
  GRAIN = 1 << 15, /* values of a part */
  SIDE = 256       /* channels of a part, where they lie side by side */
};

/* ---- checks ---------------------------------------------------------------------------------------- */

/* How many values a channel of x has. */
static int64_t values_of(const Tensor *x) {
  int64_t n = x->shape[0];
  for (int d = 2; d < x->ndim; d++) n *= x->shape[d];
  return n;
}

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
  if (training && values_of(x) == 1 && x->shape[1] > 0) {
    t_fail("batch_norm: x %s has one value a channel, and training needs their "
           "variance; use a larger batch, or training = false",
           t_shape_str(x));
  }
  for (int i = RUNNING_MEAN; training && i <= RUNNING_VAR; i++) {
    if (c->x[i] && c->x[i]->dtype != T_F32 && c->x[i]->dtype != T_F64) {
      t_fail("batch_norm: the running statistics are %s; they are written to and must be float32",
             dtype_name((DType)c->x[i]->dtype));
    }
  }
}

/* ---- parts ----------------------------------------------------------------------------------------- */

typedef struct Job {
  BatchNorm kernel; /* of all channels */
  const NormOps *ops;
  int64_t group; /* channels of a part */
  bool training;
  void *y;        /* forward; or */
  const void *gy; /* the gradients */
  void *dx, *dw, *db;
} Job;

static Job job_of(const Tensor *x, bool training) {
  Job j = {.kernel = {.n = x->shape[0], .c = x->shape[1], .l = 1}, .training = training};
  for (int d = 2; d < x->ndim; d++) j.kernel.l *= x->shape[d];
  j.kernel.x = t_data(x);
  j.ops = SIMD_PICK(norm_kernels)->of[x->dtype];
  int64_t values = j.kernel.n * j.kernel.l;
  j.group = values > 0 && values < GRAIN ? GRAIN / values : 1;
  if (j.kernel.l == 1 && j.group < SIDE) j.group = SIDE;
  return j;
}

static void part(void *job, int64_t k) {
  const Job *j = job;
  BatchNorm s = j->kernel;
  s.from = k * j->group;
  s.to = s.from + j->group < s.c ? s.from + j->group : s.c;
  if (j->gy)
    j->ops->batch_back(&s, j->training, j->gy, j->dx, j->dw, j->db);
  else if (j->training)
    j->ops->batch_train(&s, j->y);
  else
    j->ops->batch_eval(&s, j->y);
}

static void run_all(Job *j) { team_run((j->kernel.c + j->group - 1) / j->group, part, j); }

static void *data_or_null(const Tensor *x) { return x ? t_data(x) : NULL; }

/* ---- forward --------------------------------------------------------------------------------------- */

/* Mean and variance: as given, and as the kernel takes them, contiguous and of x's type. */
typedef struct Running {
  Tensor *given[2], *used[2];
} Running;

/* In training the running statistics are only written to, and not saved for the gradient; else
   copies are used, which later training steps leave alone. */
static void batch_norm_infer(Call *c) {
  check(c);
  bool training = c->attr[TRAINING].i != 0;
  DType d = call_promote(c, X, X + 1);
  if (!dtype_is_float(d)) d = T_F32;
  call_want(c, X, d);
  if (c->x[WEIGHT]) call_want(c, WEIGHT, d);
  if (c->x[BIAS]) call_want(c, BIAS, d);
  call_out(c, 0, d, c->x[X]->ndim, c->x[X]->shape);
  call_hidden(c, d, 1, &c->x[X]->shape[1]);
  call_hidden(c, d, 1, &c->x[X]->shape[1]);
  call_scratch(c, sizeof(Running));
  Running *r = c->scratch;
  for (int i = 0; i < 2; i++) {
    Tensor *t = r->given[i] = c->x[RUNNING_MEAN + i];
    bool direct = training && t && t->dtype == d && t_is_contiguous(t);
    r->used[i] = !t || direct ? t : cast_copy(t, d);
    c->x[RUNNING_MEAN + i] = training ? NULL : r->used[i];
  }
}

static void write_back(Running *r) {
  for (int i = 0; i < 2; i++) {
    if (!r->given[i]) continue;
    if (r->used[i] != r->given[i]) cast_into(r->given[i], r->used[i]);
    r->given[i]->st->version++;
    r->given[i]->st->writer = "batch_norm";
  }
}

static const char *batch_norm_run(Call *c) {
  Running *r = c->scratch;
  Job j = job_of(c->x[X], c->attr[TRAINING].i != 0);
  j.y = t_data(c->y[0]);
  j.kernel.gamma = data_or_null(c->x[WEIGHT]);
  j.kernel.beta = data_or_null(c->x[BIAS]);
  j.kernel.mean = t_data(c->y[1]);
  j.kernel.rstd = t_data(c->y[2]);
  j.kernel.running_mean = data_or_null(r->used[0]);
  j.kernel.running_var = data_or_null(r->used[1]);
  j.kernel.momentum = attr_float(c, MOMENTUM, 0.1);
  j.kernel.eps = attr_float(c, EPS, 1e-5);
  if (c->x[X]->numel == 0) { /* moves nothing */
    t_fill(c->y[1], 0);
    t_fill(c->y[2], 1);
    return NULL;
  }
  if (j.training) team_set_cut(TEAM_WHOLE); /* running statistics are not left half written */
  run_all(&j);
  if (j.training) write_back(r);
  return NULL;
}

/* ---- gradient -------------------------------------------------------------------------------------- */

static void batch_norm_grad(Call *c, Tensor *const *gy, Tensor **gx) {
  Call d;
  t_call_into(&d, "batch_norm_dx", "xxxxxa", gy[0], c->x[X], c->y[1], c->y[2], c->x[WEIGHT],
              &c->attr[TRAINING]);
  if (c->want[X]) gx[X] = d.y[0];
  if (c->want[WEIGHT]) gx[WEIGHT] = d.y[1];
  if (c->want[BIAS]) gx[BIAS] = d.y[2];
}

static void batch_norm_dx_expects(const Call *c) {
  expect_ndim(c, 1, 2, T_MAXDIM);
  expect_like(c, 0, 1);
  expect_floats(c);
  for (int i = 2; i <= 4; i++) expect_shape(c, i, 1, &c->x[1]->shape[1]);
}

static void batch_norm_dx_infer(Call *c) {
  DType d = (DType)c->x[1]->dtype;
  for (int i = 0; i <= 4; i++) {
    if (c->x[i]) call_want(c, i, d);
  }
  Tensor *x = c->x[1];
  call_out(c, 0, d, x->ndim, x->shape);
  call_out(c, 1, d, 1, &x->shape[1]);
  call_out(c, 2, d, 1, &x->shape[1]);
}

static const char *batch_norm_dx_run(Call *c) {
  Job j = job_of(c->x[1], c->attr[0].i != 0);
  j.gy = t_data(c->x[0]);
  j.kernel.mean = t_data(c->x[2]);
  j.kernel.rstd = t_data(c->x[3]);
  j.kernel.gamma = data_or_null(c->x[4]);
  j.dx = t_data(c->y[0]);
  j.dw = t_data(c->y[1]);
  j.db = t_data(c->y[2]);
  if (c->x[1]->numel == 0) {
    t_fill(c->y[1], 0);
    t_fill(c->y[2], 0);
    return NULL;
  }
  run_all(&j);
  return NULL;
}

/* ---- in plain ops ------------------------------------------------------------------------------------ */

/* [C] in a shape that broadcasts along x's second dimension. */
static Tensor *along(const Tensor *x, Tensor *t) {
  int64_t shape[T_MAXDIM];
  for (int d = 0; d < x->ndim; d++) shape[d] = d == 1 ? x->shape[1] : 1;
  return t_reshape(t, x->ndim, shape);
}

/* Mean and variance of the channels of x, which keep x's dimensions. */
static void moments(Tensor *x, Tensor **mean, Tensor **var) {
  int64_t dims[T_MAXDIM], n = 0;
  for (int d = 0; d < x->ndim; d++) {
    if (d != 1) dims[n++] = d;
  }
  double share = 1 / (double)values_of(x);
  *mean = t_muln(t_sum(x, (int)n, dims, true), share);
  *var = t_muln(t_sum(t_square(t_sub(x, *mean)), (int)n, dims, true), share);
}

static void batch_norm_compose(Call *c) {
  check(c);
  Tensor *x = c->x[X], *mean, *var;
  if (!dtype_is_float((DType)x->dtype)) x = t_cast(x, T_F32);
  if (c->attr[TRAINING].i) {
    moments(x, &mean, &var);
  } else {
    mean = along(x, t_cast(c->x[RUNNING_MEAN], (DType)x->dtype));
    var = along(x, t_cast(c->x[RUNNING_VAR], (DType)x->dtype));
  }
  Tensor *y = t_mul(t_sub(x, mean), t_op1("rsqrt", t_addn(var, attr_float(c, EPS, 1e-5))));
  if (c->x[WEIGHT]) y = t_mul(y, along(x, c->x[WEIGHT]));
  if (c->x[BIAS]) y = t_add(y, along(x, c->x[BIAS]));
  c->y[0] = y;
}

/* Inputs: x, weight, bias, running_mean, running_var; attributes as batch_norm's. */
static void native_batch_norm_compose(Call *c) {
  Tensor *x = c->x[0], *mean, *var;
  c->y[0] = t_call("batch_norm", "xxxxxaaa", x, c->x[3], c->x[4], c->x[1], c->x[2],
                   &c->attr[TRAINING], &c->attr[MOMENTUM], &c->attr[EPS]);
  if (c->attr[TRAINING].i) {
    if (!dtype_is_float((DType)x->dtype)) x = t_cast(x, T_F32);
    moments(x, &mean, &var);
    c->y[1] = t_reshape(mean, 1, &x->shape[1]);
    c->y[2] = t_reshape(t_op1("rsqrt", t_addn(var, c->attr[EPS].f)), 1, &x->shape[1]);
  } else {
    c->y[1] = t_zeros((DType)c->y[0]->dtype, 1, (int64_t[]){0});
    c->y[2] = t_zeros((DType)c->y[0]->dtype, 1, (int64_t[]){0});
  }
}

/* ---- the rows ---------------------------------------------------------------------------------- */

static Op rows[] = {
    {.sig = "batch_norm(x: tensor, running_mean: tensor?, running_var: tensor?, weight: tensor?, "
            "bias: tensor?, training: bool=false, momentum: float=0.1, eps: float=1e-5) -> "
            "y: tensor",
     .doc = "Each channel less its mean, divided by its standard deviation, times weight plus "
            "bias. x: [N,C,...]; all others: [C]. In training, mean and variance are those of x, "
            "and the running ones, where given, move towards them in place by the share momentum "
            "(the running variance towards the unbiased one); x must have more than one value a "
            "channel. Otherwise the running ones are used. eps is added to the variance. Ioffe & "
            "Szegedy 2015, arXiv:1502.03167.",
     .example = "tensor{{1.0}, {3.0}}:batch_norm{training = true, eps = 0} --> float32 [2,1]\n"
                "  -1.0\n"
                "   1.0",
     .test = "{{randn(4,3), {training = true}}, {randn(2,3,4), tensor.zeros(3), tensor.ones(3), "
             "rand(3) + 0.5, randn(3), true}, {randn(2,3,2,2), randn(3):float(), rand(3):float() + "
             "0.5, rand(3) + 0.5, randn(3)}, {randn(3,2), randn(2):float(), rand(2):float() + 0.5, "
             "{eps = 0.1}}}",
     .ref = "reference.batch_norm",
     .save = SAVE_XS | SAVE_Y(1) | SAVE_Y(2),
     .infer = batch_norm_infer,
     .run = batch_norm_run,
     .grad = batch_norm_grad,
     .compose = batch_norm_compose},
    {.sig = "native_batch_norm(x: tensor, weight: tensor?, bias: tensor?, running_mean: tensor?, "
            "running_var: tensor?, training: bool, momentum: float, eps: float) -> "
            "y: tensor, mean: tensor, rstd: tensor",
     .doc = "batch_norm with the statistics of the batch: the mean of each channel, and one over "
            "the square root of variance plus eps. Without training both are empty.",
     .example = "x = tensor{{1, 3}, {3, 7}}\n"
                "y, mean, rstd = tensor.native_batch_norm(x, nil, nil, nil, nil, true, 0.1, 0)\n"
                "mean --> float32 [2]  2.0  5.0\n"
                "rstd --> float32 [2]  1.0  0.5",
     .test =
         "{{randn(4,3), rand(3), randn(3), nil, nil, true, 0.1, 1e-5}, {randn(2,3,2), nil, nil, "
         "randn(3):float(), rand(3):float() + 0.5, false, 0.1, 0.1}}",
     .ref = "reference.native_batch_norm",
     .compose = native_batch_norm_compose},
    {.sig = "batch_norm_dx(g: tensor, x: tensor, mean: tensor, rstd: tensor, weight: tensor?, "
            "training: bool=false) -> dx: tensor, dw: tensor, db: tensor",
     .doc = "Gradients of batch_norm for x, weight and bias.",
     .test = "{{randn(4,3), randn(4,3), randn(3), rand(3) + 0.5, rand(3), true}, "
             "{randn(2,3,2), randn(2,3,2), randn(3), rand(3) + 0.5}}",
     .ref = "reference.batch_norm_dx",
     .flags = OP_HIDDEN,
     .expects = batch_norm_dx_expects,
     .infer = batch_norm_dx_infer,
     .run = batch_norm_dx_run},
};

FAMILY_PART(norm, batch_norm, rows);
