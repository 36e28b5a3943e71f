/* Normalisation of samples: x as rows [M,n], weight and bias of n values. layer_norm takes the mean
   away and divides by the deviation; rms_norm divides by the root of the mean square. */
#include "../../calc.h"
#include "../../expect.h"
#include "../../kernels/norm/norm.h"
#include "../../machine/team.h"

enum { X, WEIGHT, BIAS }; /* inputs */
enum { SHAPE, EPS };      /* attributes */
enum {
  GRAIN = 1 << 15, /* values of a part */
  PARTS = 64,      /* most parts whose sums for weight and bias are kept apart */
  COLUMNS = 512    /* of a part that sums columns */
};

static bool has_shape(const Tensor *t, const Attr *a) {
  bool same = t->ndim == a->n;
  for (int d = 0; same && d < a->n; d++) same = t->shape[d] == a->v[d];
  return same;
}

/* Returns the size of a row. */
static int64_t check(Call *c) {
  const Attr *a = &c->attr[SHAPE];
  const Tensor *x = c->x[X];
  bool ends = a->n > 0 && a->n <= x->ndim;
  int64_t n = 1;
  for (int d = 0; ends && d < a->n; d++) {
    ends = x->shape[x->ndim - a->n + d] == a->v[d];
    n *= a->v[d];
  }
  if (!ends) {
    t_fail("%s: x has shape %s, which does not end in normalized_shape %s", call_name(c),
           t_shape_str(x), t_dims_str(a->n, a->v));
  }
  for (int i = WEIGHT; i < c->nx; i++) {
    if (!c->x[i] || has_shape(c->x[i], a)) continue;
    t_fail("%s: %s has shape %s, wants normalized_shape %s", call_name(c),
           i == WEIGHT ? "weight" : "bias", t_shape_str(c->x[i]), t_dims_str(a->n, a->v));
  }
  return n;
}

/* ---- parts ----------------------------------------------------------------------------------------- */

typedef struct Job {
  LayerNorm kernel; /* of all rows */
  const NormOps *ops;
  size_t size;     /* bytes of a value */
  int64_t group;   /* rows of a part */
  char *y;         /* forward; or */
  const char *gy;  /* the gradients */
  char *dx, *sums; /* sums: [parts, 2, n], for weight and bias; NULL: not wanted */
} Job;

static int64_t parts_of(int64_t rows, int64_t group) { return (rows + group - 1) / group; }

static Job job_of(const Tensor *x, int64_t rows, bool raw) {
  Job j = {
      .kernel = {.rows = rows, .n = rows > 0 ? x->numel / rows : 0, .x = t_data(x), .raw = raw}};
  j.ops = SIMD_PICK(norm_kernels)->of[x->dtype];
  j.size = dtype_size((DType)x->dtype);
  j.group = j.kernel.n > 0 && j.kernel.n < GRAIN ? GRAIN / j.kernel.n : 1;
  return j;
}

static void part(void *job, int64_t k) {
  const Job *j = job;
  LayerNorm s = j->kernel;
  int64_t from = k * j->group;
  size_t at = (size_t)(from * s.n) * j->size, row = (size_t)s.n * j->size;
  s.rows = s.rows - from < j->group ? s.rows - from : j->group;
  s.x = (const char *)s.x + at;
  s.mean = (char *)s.mean + (size_t)from * j->size;
  s.rstd = (char *)s.rstd + (size_t)from * j->size;
  if (!j->gy) {
    j->ops->layer(&s, j->y + at);
    return;
  }
  char *dw = j->sums ? j->sums + (size_t)k * 2 * row : NULL;
  j->ops->layer_back(&s, j->gy + at, j->dx + at, dw, dw ? dw + row : NULL);
}

static void *data_or_null(const Tensor *x) { return x ? t_data(x) : NULL; }

/* ---- forward --------------------------------------------------------------------------------------- */

static void layer_norm_infer(Call *c) {
  int64_t n = check(c);
  DType d = call_promote(c, X, X + 1);
  if (!dtype_is_float(d)) d = T_F32;
  for (int i = X; i < c->nx; i++) {
    if (c->x[i]) call_want(c, i, d);
  }
  int64_t rows = n ? c->x[X]->numel / n : 0;
  call_out(c, 0, d, c->x[X]->ndim, c->x[X]->shape);
  call_hidden(c, d, 1, &rows);
  call_hidden(c, d, 1, &rows);
}

/* PyTorch's eps of rms_norm, where none is given: the spacing of floats at 1. */
static double eps_of(const Call *c, bool raw) {
  double own = c->x[X]->dtype == T_F64 ? 0x1p-52 : 0x1p-23;
  return attr_float(c, EPS, raw ? own : 1e-5);
}

static const char *run(Call *c, bool raw) {
  Job j = job_of(c->x[X], c->y[1]->numel, raw);
  j.y = t_data(c->y[0]);
  j.kernel.gamma = data_or_null(c->x[WEIGHT]);
  j.kernel.beta = raw ? NULL : data_or_null(c->x[BIAS]);
  j.kernel.mean = t_data(c->y[1]);
  j.kernel.rstd = t_data(c->y[2]);
  j.kernel.eps = eps_of(c, raw);
  team_run(parts_of(j.kernel.rows, j.group), part, &j);
  return NULL;
}

static const char *layer_norm_run(Call *c) { return run(c, false); }
static const char *rms_norm_run(Call *c) { return run(c, true); }

/* ---- gradient --------------------------------------------------------------------------------------- */

static void grad(Call *c, Tensor *const *gy, Tensor **gx, bool raw) {
  Call d;
  t_call_into(&d, "layer_norm_dx", "xxxxxabb", gy[0], c->x[X], c->y[1], c->y[2], c->x[WEIGHT],
              &c->attr[SHAPE], c->want[WEIGHT] || (!raw && c->want[BIAS]), raw);
  for (int i = X; i < c->nx; i++) {
    if (c->want[i]) gx[i] = d.y[i];
  }
}

static void layer_norm_grad(Call *c, Tensor *const *gy, Tensor **gx) { grad(c, gy, gx, false); }
static void rms_norm_grad(Call *c, Tensor *const *gy, Tensor **gx) { grad(c, gy, gx, true); }

/* Few rows, and long ones: the sums for weight and bias by columns, in a pass of their own, read less
   than the sums of every part would be. */
static bool by_columns(const Job *j) { return j->kernel.rows <= 512 && j->kernel.n >= 2 * COLUMNS; }

/* Rows of a part on the way back, where every part has its own sums. */
static int64_t back_group(const Job *j) {
  int64_t least = (j->kernel.rows + PARTS - 1) / PARTS;
  return j->group > least ? j->group : least;
}

static void layer_norm_dx_expects(const Call *c) {
  const Attr *shape = &c->attr[0];
  const Tensor *x = c->x[1];
  int lead = x->ndim - shape->n;
  expect_like(c, 0, 1);
  expect_floats(c);
  int64_t rows = 1;
  bool ends = lead >= 0;
  for (int d = 0; ends && d < x->ndim; d++) {
    if (d < lead)
      rows *= x->shape[d];
    else
      ends = x->shape[d] == shape->v[d - lead];
  }
  if (!ends) t_fail("layer_norm_dx: x does not end in normalized_shape");
  for (int i = 2; i <= 3; i++) {
    if (c->x[i]->numel != rows) t_fail("layer_norm_dx: there are %lld rows", (long long)rows);
  }
  expect_shape(c, 4, shape->n, shape->v);
}

static void layer_norm_dx_infer(Call *c) {
  DType d = (DType)c->x[1]->dtype;
  const Attr *shape = &c->attr[0];
  for (int i = 0; i <= 4; i++) {
    if (c->x[i]) call_want(c, i, d);
  }
  call_out(c, 0, d, c->x[1]->ndim, c->x[1]->shape);
  if (!c->attr[1].i) return;
  call_out(c, 1, d, shape->n, shape->v);
  call_out(c, 2, d, shape->n, shape->v);
  Job j = job_of(c->x[1], c->x[2]->numel, c->attr[2].i != 0);
  if (by_columns(&j)) return;
  int64_t parts = parts_of(j.kernel.rows, back_group(&j));
  call_scratch(c, ((size_t)parts + 1) * 2 * (size_t)j.kernel.n * j.size);
}

/* Weight and bias, COLUMNS of them: from x and gy, or from the sums of the parts. */
typedef struct Columns {
  const Job *job;
  int64_t parts; /* 0: from x and gy */
  void *dw, *db;
} Columns;

static void columns_part(void *job, int64_t k) {
  const Columns *c = job;
  const Job *j = c->job;
  int64_t n = j->kernel.n, from = k * COLUMNS, to = n - from < COLUMNS ? n : from + COLUMNS;
  if (c->parts == 0) {
    j->ops->layer_sums(&j->kernel, j->gy, from, to, c->dw, c->db);
    return;
  }
  j->ops->layer_join(c->parts, 2 * n, j->sums, from, to, c->dw);
  j->ops->layer_join(c->parts, 2 * n, j->sums + (size_t)n * j->size, from, to, c->db);
}

static const char *layer_norm_dx_run(Call *c) {
  Job j = job_of(c->x[1], c->x[2]->numel, c->attr[2].i != 0);
  bool affine = c->attr[1].i != 0, apart = affine && !by_columns(&j);
  j.gy = t_data(c->x[0]);
  j.kernel.mean = t_data(c->x[2]);
  j.kernel.rstd = t_data(c->x[3]);
  j.kernel.gamma = data_or_null(c->x[4]);
  j.dx = t_data(c->y[0]);
  if (apart) {
    j.group = back_group(&j);
    j.sums = c->scratch;
  }
  int64_t n = j.kernel.n, parts = parts_of(j.kernel.rows, j.group);
  team_run(parts, part, &j);
  if (!affine) return NULL;
  if (apart && parts == 0) { /* no rows */
    t_fill(c->y[1], 0);
    t_fill(c->y[2], 0);
    return NULL;
  }
  Columns all = {&j, apart ? parts : 0, t_data(c->y[1]), t_data(c->y[2])};
  team_run(parts_of(n, COLUMNS), columns_part, &all);
  return NULL;
}

/* ---- in plain ops ------------------------------------------------------------------------------------ */

/* x less its mean, and the two moments, of the dimensions of normalized_shape. */
static Tensor *centred(Call *c, Tensor **mean, Tensor **rstd) {
  int64_t n = check(c), dims[T_MAXDIM];
  const Attr *shape = &c->attr[SHAPE];
  Tensor *x = c->x[X];
  if (!dtype_is_float((DType)x->dtype)) x = t_cast(x, T_F32);
  for (int d = 0; d < shape->n; d++) dims[d] = x->ndim - shape->n + d;
  *mean = t_muln(t_sum(x, shape->n, dims, true), 1 / (double)n);
  Tensor *xc = t_sub(x, *mean);
  Tensor *var = t_muln(t_sum(t_square(xc), shape->n, dims, true), 1 / (double)n);
  *rstd = t_op1("rsqrt", t_addn(var, attr_float(c, EPS, 1e-5)));
  return xc;
}

static void layer_norm_compose(Call *c) {
  Tensor *mean, *rstd, *xc = centred(c, &mean, &rstd), *y = t_mul(xc, rstd);
  if (c->x[WEIGHT]) y = t_mul(y, c->x[WEIGHT]);
  if (c->x[BIAS]) y = t_add(y, c->x[BIAS]);
  c->y[0] = y;
}

static void native_layer_norm_compose(Call *c) {
  centred(c, &c->y[1], &c->y[2]);
  c->y[0] = t_call("layer_norm", "xxxaa", c->x[X], c->x[WEIGHT], c->x[BIAS], &c->attr[SHAPE],
                   &c->attr[EPS]);
}

static void rms_norm_compose(Call *c) {
  int64_t n = check(c), dims[T_MAXDIM];
  const Attr *shape = &c->attr[SHAPE];
  Tensor *x = c->x[X];
  if (!dtype_is_float((DType)x->dtype)) x = t_cast(x, T_F32);
  for (int d = 0; d < shape->n; d++) dims[d] = x->ndim - shape->n + d;
  Tensor *square = t_muln(t_sum(t_square(x), shape->n, dims, true), 1 / (double)n);
  Tensor *y = t_mul(x, t_op1("rsqrt", t_addn(square, eps_of(c, true))));
  c->y[0] = c->x[WEIGHT] ? t_mul(y, c->x[WEIGHT]) : y;
}

/* ---- the rows ---------------------------------------------------------------------------------- */

static Op rows[] = {
    {.sig = "layer_norm(x: tensor, normalized_shape: ints, weight: tensor?, bias: tensor?, "
            "eps: float=1e-5) -> y: tensor",
     .doc = "Each sample less its mean, divided by its standard deviation, times weight plus bias, "
            "over the last dimensions of x, whose sizes are normalized_shape; weight and bias have "
            "that shape. eps is added to the variance. Ba, Kiros & Hinton 2016, arXiv:1607.06450.",
     .example = "tensor{{1.0, 3.0}}:layer_norm({2}, {eps = 0}) --> float32 [1,2]  -1.0   1.0",
     .test = "{{randn(2,3), 3}, {randn(2,3,4), {3,4}, randn(3,4), randn(3,4)}, {randn(2,3,4), {4}, "
             "rand(4) + 0.5, {eps = 0.1}}}",
     .ref = "reference.layer_norm",
     .save = SAVE_XS | SAVE_Y(1) | SAVE_Y(2),
     .infer = layer_norm_infer,
     .run = layer_norm_run,
     .grad = layer_norm_grad,
     .compose = layer_norm_compose},
    {.sig = "native_layer_norm(x: tensor, normalized_shape: ints, weight: tensor?, bias: tensor?, "
            "eps: float) -> y: tensor, mean: tensor, rstd: tensor",
     .doc = "layer_norm with its statistics: the mean of each sample, and one over the square root "
            "of variance plus eps; both have size 1 in place of normalized_shape.",
     .example = "y, mean, rstd = tensor.native_layer_norm(tensor{{3, 7}}, 2, nil, nil, 0)\n"
                "y --> float32 [1,2]  -1.0   1.0\n"
                "mean, rstd --> float32 [1,1]  5.0  float32 [1,1]  0.5",
     .test =
         "{{randn(2,3), 3, nil, nil, 0.1}, {randn(2,3,4), {3,4}, randn(3,4), randn(3,4), 1e-5}}",
     .ref = "reference.native_layer_norm",
     .compose = native_layer_norm_compose},
    {.sig =
         "rms_norm(x: tensor, normalized_shape: ints, weight: tensor?, eps: float?) -> y: tensor",
     .doc = "Each sample divided by the root of its mean square, times weight, over the last "
            "dimensions of x, whose sizes are normalized_shape; weight has that shape. eps, the "
            "spacing of floats at 1 by default, is added to the mean square. Zhang & Sennrich "
            "2019, arXiv:1910.07467.",
     .example = "tensor{{3, 4}}:rms_norm(2) --> float32 [1,2]  0.8485  1.1314",
     .test = "{{randn(2,3), 3}, {randn(2,3,4), {3,4}, randn(3,4)}, {randn(2,3,4), {4}, rand(4) + "
             "0.5, 0.1}}",
     .ref = "reference.rms_norm",
     .save = SAVE_XS | SAVE_Y(1) | SAVE_Y(2),
     .infer = layer_norm_infer,
     .run = rms_norm_run,
     .grad = rms_norm_grad,
     .compose = rms_norm_compose},
    {.sig = "layer_norm_dx(g: tensor, x: tensor, mean: tensor, rstd: tensor, weight: tensor?, "
            "normalized_shape: ints, affine: bool=true, raw: bool=false) -> dx: tensor, dw: "
            "tensor, db: tensor",
     .doc = "Gradients of layer_norm, or rms_norm if raw, for x, and, if affine, for weight and "
            "bias.",
     .test = "{{randn(4,3), randn(4,3), randn(4), rand(4) + 0.5, rand(3), 3}, "
             "{randn(2,3,2), randn(2,3,2), randn(2), rand(2) + 0.5, nil, {3,2}}}",
     .ref = "reference.layer_norm_dx",
     .flags = OP_HIDDEN,
     .expects = layer_norm_dx_expects,
     .infer = layer_norm_dx_infer,
     .run = layer_norm_dx_run},
};

FAMILY_PART(norm, layer_norm, rows);
