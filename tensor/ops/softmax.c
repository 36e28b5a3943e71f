/* Softmax and its logarithm along a dimension, their gradients, and logsigmoid.

   x is seen as [outer, n, inner]: with inner 1 the values of a result lie side by side and a row is
   done at a time, else a tile of columns. */
#include "../calc.h"
#include "../iter.h"
#include "../kernels/elementary.h"
#include "../kernels/vmath.h"
#include "../team.h"

#include <math.h>

enum {
  GRAIN = 1 << 15, /* values of a part */
  TILE = 128       /* columns of a part */
};

typedef struct Job {
  const void *a, *b; /* x; or the gradient, and y */
  void *y;
  int64_t outer, n, inner, group, tiles;
  void (*rows)(int64_t rows, int64_t n, const void *a, const void *b, void *y);
  void (*cols)(int64_t width, int64_t n, int64_t stride, const void *a, const void *b, void *y);
  int64_t size; /* bytes of a value */
} Job;

static void exp_run_f32(int64_t n, const float *x, float *y) {
  SIMD_PICK(elementary_kernels)->exp(n, x, y);
}

static void exp_run_f64(int64_t n, const double *x, double *y) {
  for (int64_t i = 0; i < n; i++) y[i] = exp(x[i]);
}

/* Of a maximum: what is taken off before exponentials, so that rows of -inf stay defined. */
#define SHIFT(max)  ((max) == -INFINITY ? 0 : (max))
#define WIDER(a, v) ((v) > (a) || (v) != (v) ? (v) : (a))

/* ---- rows --------------------------------------------------------------------------------------- */

#define ROWS(type, T)                                                                              \
  /* y = exp(x - max); answers their sum. */                                                       \
  static T exps_##type(int64_t n, const T *x, T *y, T *shift) {                                    \
    T max = -INFINITY;                                                                             \
    double sum = 0;                                                                                \
    for (int64_t i = 0; i < n; i++) max = WIDER(max, x[i]);                                        \
    *shift = SHIFT(max);                                                                           \
    for (int64_t i = 0; i < n; i++) y[i] = x[i] - *shift;                                          \
    exp_run_##type(n, y, y);                                                                       \
    for (int64_t i = 0; i < n; i++) sum += (double)y[i];                                           \
    return (T)sum;                                                                                 \
  }                                                                                                \
  static void softmax_rows_##type(int64_t rows, int64_t n, const void *a, const void *b,           \
                                  void *out) {                                                     \
    (void)b;                                                                                       \
    for (int64_t k = 0; k < rows; k++) {                                                           \
      T *y = (T *)out + k * n, shift;                                                              \
      T scale = 1 / exps_##type(n, (const T *)a + k * n, y, &shift);                               \
      for (int64_t i = 0; i < n; i++) y[i] *= scale;                                               \
    }                                                                                              \
  }                                                                                                \
  static void log_rows_##type(int64_t rows, int64_t n, const void *a, const void *b, void *out) {  \
    (void)b;                                                                                       \
    for (int64_t k = 0; k < rows; k++) {                                                           \
      const T *x = (const T *)a + k * n;                                                           \
      T *y = (T *)out + k * n, shift;                                                              \
      T rest = m_log(exps_##type(n, x, y, &shift));                                                \
      for (int64_t i = 0; i < n; i++) y[i] = (x[i] - shift) - rest;                                \
    }                                                                                              \
  }                                                                                                \
  /* y (g - sum(g y)) */                                                                           \
  static void softmax_dx_rows_##type(int64_t rows, int64_t n, const void *a, const void *b,        \
                                     void *out) {                                                  \
    for (int64_t k = 0; k < rows; k++) {                                                           \
      const T *g = (const T *)a + k * n, *y = (const T *)b + k * n;                                \
      T *o = (T *)out + k * n;                                                                     \
      double dot = 0;                                                                              \
      for (int64_t i = 0; i < n; i++) dot += (double)g[i] * (double)y[i];                          \
      for (int64_t i = 0; i < n; i++) o[i] = y[i] * (g[i] - (T)dot);                               \
    }                                                                                              \
  }                                                                                                \
  /* g - exp(y) sum(g) */                                                                          \
  static void log_dx_rows_##type(int64_t rows, int64_t n, const void *a, const void *b,            \
                                 void *out) {                                                      \
    for (int64_t k = 0; k < rows; k++) {                                                           \
      const T *g = (const T *)a + k * n;                                                           \
      T *o = (T *)out + k * n;                                                                     \
      double sum = 0;                                                                              \
      for (int64_t i = 0; i < n; i++) sum += (double)g[i];                                         \
      exp_run_##type(n, (const T *)b + k * n, o);                                                  \
      for (int64_t i = 0; i < n; i++) o[i] = g[i] - o[i] * (T)sum;                                 \
    }                                                                                              \
  }

/* ---- columns: width of them, value r of column i at r stride + i ---------------------------------- */

#define COLS(type, T)                                                                              \
  static void exps_cols_##type(int64_t width, int64_t n, int64_t stride, const T *x, T *y,         \
                               T *shift, double *sum) {                                            \
    for (int64_t i = 0; i < width; i++) shift[i] = -INFINITY, sum[i] = 0;                          \
    for (int64_t r = 0; r < n; r++) {                                                              \
      for (int64_t i = 0; i < width; i++) shift[i] = WIDER(shift[i], x[r * stride + i]);           \
    }                                                                                              \
    for (int64_t i = 0; i < width; i++) shift[i] = SHIFT(shift[i]);                                \
    for (int64_t r = 0; r < n; r++) {                                                              \
      T *o = y + r * stride;                                                                       \
      for (int64_t i = 0; i < width; i++) o[i] = x[r * stride + i] - shift[i];                     \
      exp_run_##type(width, o, o);                                                                 \
      for (int64_t i = 0; i < width; i++) sum[i] += (double)o[i];                                  \
    }                                                                                              \
  }                                                                                                \
  static void softmax_cols_##type(int64_t width, int64_t n, int64_t stride, const void *a,         \
                                  const void *b, void *out) {                                      \
    (void)b;                                                                                       \
    T *y = out, scale[TILE];                                                                       \
    double sum[TILE];                                                                              \
    exps_cols_##type(width, n, stride, a, y, scale, sum);                                          \
    for (int64_t i = 0; i < width; i++) scale[i] = 1 / (T)sum[i];                                  \
    for (int64_t r = 0; r < n; r++) {                                                              \
      for (int64_t i = 0; i < width; i++) y[r * stride + i] *= scale[i];                           \
    }                                                                                              \
  }                                                                                                \
  static void log_cols_##type(int64_t width, int64_t n, int64_t stride, const void *a,             \
                              const void *b, void *out) {                                          \
    (void)b;                                                                                       \
    const T *x = a;                                                                                \
    T *y = out, shift[TILE], rest[TILE];                                                           \
    double sum[TILE];                                                                              \
    exps_cols_##type(width, n, stride, x, y, shift, sum);                                          \
    for (int64_t i = 0; i < width; i++) rest[i] = m_log((T)sum[i]);                                \
    for (int64_t r = 0; r < n; r++) {                                                              \
      const T *p = x + r * stride;                                                                 \
      for (int64_t i = 0; i < width; i++) y[r * stride + i] = (p[i] - shift[i]) - rest[i];         \
    }                                                                                              \
  }                                                                                                \
  static void softmax_dx_cols_##type(int64_t width, int64_t n, int64_t stride, const void *a,      \
                                     const void *b, void *out) {                                   \
    double dot[TILE] = {0};                                                                        \
    for (int64_t r = 0; r < n; r++) {                                                              \
      const T *g = (const T *)a + r * stride, *y = (const T *)b + r * stride;                      \
      for (int64_t i = 0; i < width; i++) dot[i] += (double)g[i] * (double)y[i];                   \
    }                                                                                              \
    for (int64_t r = 0; r < n; r++) {                                                              \
      const T *g = (const T *)a + r * stride, *y = (const T *)b + r * stride;                      \
      T *o = (T *)out + r * stride;                                                                \
      for (int64_t i = 0; i < width; i++) o[i] = y[i] * (g[i] - (T)dot[i]);                        \
    }                                                                                              \
  }                                                                                                \
  static void log_dx_cols_##type(int64_t width, int64_t n, int64_t stride, const void *a,          \
                                 const void *b, void *out) {                                       \
    double sum[TILE] = {0};                                                                        \
    for (int64_t r = 0; r < n; r++) {                                                              \
      const T *g = (const T *)a + r * stride;                                                      \
      for (int64_t i = 0; i < width; i++) sum[i] += (double)g[i];                                  \
    }                                                                                              \
    for (int64_t r = 0; r < n; r++) {                                                              \
      const T *g = (const T *)a + r * stride;                                                      \
      T *o = (T *)out + r * stride;                                                                \
      exp_run_##type(width, (const T *)b + r * stride, o);                                         \
      for (int64_t i = 0; i < width; i++) o[i] = g[i] - o[i] * (T)sum[i];                          \
    }                                                                                              \
  }

ROWS(f32, float)
ROWS(f64, double)
COLS(f32, float)
COLS(f64, double)

/* ---- parts -------------------------------------------------------------------------------------- */

static void part(void *job, int64_t k) {
  const Job *j = job;
  int64_t o = k / j->tiles * j->group, i = k % j->tiles * TILE;
  int64_t end = o + j->group < j->outer ? o + j->group : j->outer;
  int64_t width = j->inner - i < TILE ? j->inner - i : TILE;
  for (; o < end; o++) {
    int64_t at = (o * j->n * j->inner + i) * j->size;
    const char *a = (const char *)j->a + at, *b = j->b ? (const char *)j->b + at : NULL;
    if (j->inner > 1) {
      j->cols(width, j->n, j->inner, a, b, (char *)j->y + at);
    } else {
      j->rows(end - o, j->n, a, b, (char *)j->y + at);
      return;
    }
  }
}

/* y from c->x[0], or from c->x[0] (a gradient) and c->x[1]; the kernels' rows and cols are set. */
static const char *along(Call *c, Job *j) {
  Tensor *x = c->x[0];
  if (x->numel == 0) return NULL;
  int dim = (int)c->attr[0].i;
  j->a = t_data(x);
  j->b = c->nx > 1 ? t_data(c->x[1]) : NULL;
  j->y = t_data(c->y[0]);
  j->size = (int64_t)dtype_size((DType)x->dtype);
  j->n = x->ndim ? x->shape[dim] : 1;
  j->inner = 1;
  for (int d = dim + 1; d < x->ndim; d++) j->inner *= x->shape[d];
  j->outer = x->numel / (j->n * j->inner);
  j->tiles = (j->inner + TILE - 1) / TILE;
  j->group = j->tiles > 1 ? 1 : GRAIN / (j->n * j->inner);
  if (j->group < 1) j->group = 1;
  team_run((j->outer + j->group - 1) / j->group * j->tiles, part, j);
  return NULL;
}

static void infer(Call *c) {
  DType d = call_promote(c, 0, c->nx);
  if (!dtype_is_float(d)) d = T_F32;
  for (int i = 0; i < c->nx; i++) call_want(c, i, d);
  call_out(c, 0, d, c->x[0]->ndim, c->x[0]->shape);
}

#define RUN(name, kernel)                                                                          \
  static const char *name##_run(Call *c) {                                                         \
    Job j = {.rows = kernel##_rows_f32, .cols = kernel##_cols_f32};                                \
    if (c->x[0]->dtype == T_F64) j.rows = kernel##_rows_f64, j.cols = kernel##_cols_f64;           \
    return along(c, &j);                                                                           \
  }
RUN(softmax, softmax)
RUN(log_softmax, log)
RUN(softmax_dx, softmax_dx)
RUN(log_softmax_dx, log_dx)

/* ---- gradients ---------------------------------------------------------------------------------- */

static Tensor *dx(Call *c, const char *name, Tensor *g, Tensor *y) {
  Call d;
  call_begin(&d, op_find(name));
  d.x[0] = g;
  d.x[1] = y;
  d.attr[0] = c->attr[0];
  op_apply(&d);
  return d.y[0];
}

static Tensor *sum(Call *c, Tensor *x) { return x->ndim ? t_sum1(x, (int)c->attr[0].i, true) : x; }

static void softmax_grad(Call *c, Tensor *const *gy, Tensor **gx) {
  gx[0] = dx(c, "softmax_dx", gy[0], c->y[0]);
}

static void log_softmax_grad(Call *c, Tensor *const *gy, Tensor **gx) {
  gx[0] = dx(c, "log_softmax_dx", gy[0], c->y[0]);
}

/* Of y (g - s), s = sum(g y): for g the same again; for y: h (g - s) - g sum(h y). */
static void softmax_dx_grad(Call *c, Tensor *const *gy, Tensor **gx) {
  Tensor *h = gy[0], *g = c->x[0], *y = c->x[1];
  if (c->want[0]) gx[0] = dx(c, "softmax_dx", h, y);
  if (c->want[1]) {
    Tensor *s = sum(c, t_mul(g, y)), *hy = sum(c, t_mul(h, y));
    gx[1] = t_sub(t_mul(h, t_sub(g, s)), t_mul(g, hy));
  }
}

/* Of g - p sum(g), p = exp(y): for g: h - sum(h p); for y: -h p sum(g). */
static void log_softmax_dx_grad(Call *c, Tensor *const *gy, Tensor **gx) {
  Tensor *hp = t_mul(gy[0], t_exp(c->x[1]));
  if (c->want[0]) gx[0] = t_sub(gy[0], sum(c, hp));
  if (c->want[1]) gx[1] = t_neg(t_mul(hp, sum(c, c->x[0])));
}

/* ---- logsigmoid --------------------------------------------------------------------------------- */

static void logsigmoid_f32(int64_t n, void *out, const void *const *in, const void *arg) {
  (void)arg;
  const float *x = in[0];
  float *y = out;
  for (int64_t i = 0; i < n; i++) y[i] = -x[i];
  SIMD_PICK(elementary_kernels)->softplus(n, y, y);
  for (int64_t i = 0; i < n; i++) y[i] = -y[i];
}

static void logsigmoid_f64(int64_t n, void *out, const void *const *in, const void *arg) {
  (void)arg;
  const double *x = in[0];
  double *y = out;
  for (int64_t i = 0; i < n; i++) y[i] = -softplus_f64(-x[i]);
}

static void logsigmoid_infer(Call *c) {
  DType d = call_promote(c, 0, 1);
  call_out(c, 0, dtype_is_float(d) ? d : T_F32, c->x[0]->ndim, c->x[0]->shape);
}

static const char *logsigmoid_run(Call *c) {
  DType d = call_promote(c, 0, 1) == T_F64 ? T_F64 : T_F32;
  iter_map(d == T_F64 ? logsigmoid_f64 : logsigmoid_f32, NULL, c->y[0], d, 1, c->x, d);
  return NULL;
}

static void logsigmoid_grad(Call *c, Tensor *const *gy, Tensor **gx) {
  gx[0] = t_mul(gy[0], t_sigmoid(t_neg(c->x[0])));
}

/* ---- rows of the family -------------------------------------------------------------------------- */

static Op rows[] = {
    {.sig = "softmax(x: tensor, dim: dim) -> y: tensor",
     .doc = "exp(x) divided by its sum along a dimension: positive, and summing to 1. Losses on "
            "class scores take the scores themselves: cross_entropy does this inside.",
     .example = "print(tensor{0, 0}:softmax(1)) --> 0.5 0.5",
     .test = "{{randn(2,3), 2}, {randn(2,3), 1}, {randn(2,3,4), -2}}",
     .ref = "reference.softmax",
     .save = SAVE_Y(0),
     .infer = infer,
     .run = softmax_run,
     .grad = softmax_grad},
    {.sig = "log_softmax(x: tensor, dim: dim) -> y: tensor",
     .doc = "Logarithm of softmax along a dimension, without overflow.",
     .test = "{{randn(2,3), 2}, {randn(2,3), 1}, {randn(2,3,4), -2}}",
     .ref = "reference.log_softmax",
     .save = SAVE_Y(0),
     .infer = infer,
     .run = log_softmax_run,
     .grad = log_softmax_grad},
    {.sig = "softmax_dx(g: tensor, y: tensor, dim: dim) -> dx: tensor",
     .doc = "Gradient of softmax from its output: y (g - sum(g y)).",
     .test = "{{randn(2,3), rand(2,3), 2}, {randn(2,3,2), rand(2,3,2), -2}}",
     .ref = "reference.softmax_dx",
     .flags = OP_HIDDEN,
     .save = SAVE_X(0) | SAVE_X(1),
     .infer = infer,
     .run = softmax_dx_run,
     .grad = softmax_dx_grad},
    {.sig = "log_softmax_dx(g: tensor, y: tensor, dim: dim) -> dx: tensor",
     .doc = "Gradient of log_softmax from its output: g - exp(y) sum(g).",
     .test = "{{randn(2,3), randn(2,3), 2}, {randn(2,3,2), randn(2,3,2), -2}}",
     .ref = "reference.log_softmax_dx",
     .flags = OP_HIDDEN,
     .save = SAVE_X(0) | SAVE_X(1),
     .infer = infer,
     .run = log_softmax_dx_run,
     .grad = log_softmax_dx_grad},
    {.sig = "logsigmoid(x: tensor) -> y: tensor",
     .doc = "Logarithm of the logistic function, -log(1 + exp(-x)), without overflow.",
     .test = "{{randn(2,3)}, {randn(4)}}",
     .ref = "each: -math.log(1 + math.exp(-x))",
     .flags = OP_INPLACE,
     .save = SAVE_X(0),
     .infer = logsigmoid_infer,
     .run = logsigmoid_run,
     .grad = logsigmoid_grad},
};

FAMILY(softmax, rows);
