/* Softmax and its logarithm along a dimension, and their gradients.

   x is seen as [outer, n, inner]. With inner 1 the values of a result lie side by side and the
   kernels take rows, where these are short turned into columns; else tiles of columns. */
#include "../calc.h"
#include "../expect.h"
#include "../kernels/softmax/softmax.h"
#include "../kernels/softmax/softmax_cols.h"
#include "../loop/turn.h"
#include "../machine/team.h"

enum { GRAIN = 1 << 15 }; /* values of a part */

/* One of the kernels in both its shapes: forward from x, or back from y and the gradient. */
typedef struct Job {
  void (*rows)(int64_t rows, int64_t n, const void *x, void *y);
  void (*cols)(int64_t width, int64_t n, int64_t stride, const void *x, void *y);
  void (*rows_back)(int64_t rows, int64_t n, const void *y, const void *gy, void *gx);
  void (*cols_back)(int64_t width, int64_t n, int64_t stride, const void *y, const void *gy,
                    void *gx);
  const char *x, *gy; /* x: y on the way back; gy: NULL forward */
  char *out;
  size_t size; /* bytes of a value */
  int64_t outer, n, inner, group, tiles;
} Job;

/* Short rows, the first of which stands at byte `at`: as columns the lanes of a vector are full. */
static void short_rows(const Job *j, int64_t rows, size_t at) {
  _Alignas(64) double x[TURN_ROOM], g[TURN_ROOM], y[TURN_ROOM];
  for (int64_t width; rows > 0; rows -= width, at += (size_t)(width * j->n) * j->size) {
    width = rows < TURN_ROWS ? rows : TURN_ROWS;
    turn(j->size, width, j->n, j->x + at, j->n, x, TURN_ROWS);
    if (j->gy) {
      turn(j->size, width, j->n, j->gy + at, j->n, g, TURN_ROWS);
      j->cols_back(width, j->n, TURN_ROWS, x, g, y);
    } else {
      j->cols(width, j->n, TURN_ROWS, x, y);
    }
    turn(j->size, j->n, width, y, TURN_ROWS, j->out + at, j->n);
  }
}

/* A part is `group` outers, or a tile of the columns of one. */
static void part(void *job, int64_t k) {
  const Job *j = job;
  int64_t o = k / j->tiles * j->group, i = k % j->tiles * SOFTMAX_WIDTH;
  int64_t rows = j->outer - o < j->group ? j->outer - o : j->group;
  int64_t width = j->inner - i < SOFTMAX_WIDTH ? j->inner - i : SOFTMAX_WIDTH;
  size_t at = (size_t)(o * j->n * j->inner + i) * j->size;
  if (j->inner == 1 && turn_pays(j->outer, j->n))
    short_rows(j, rows, at);
  else if (j->inner == 1 && j->gy)
    j->rows_back(rows, j->n, j->x + at, j->gy + at, j->out + at);
  else if (j->inner == 1)
    j->rows(rows, j->n, j->x + at, j->out + at);
  else if (j->gy)
    j->cols_back(width, j->n, j->inner, j->x + at, j->gy + at, j->out + at);
  else
    j->cols(width, j->n, j->inner, j->x + at, j->out + at);
}

/* Runs the kernels set in j on x, and on gy on the way back. */
static const char *along(Call *c, Job *j, const Tensor *x, const Tensor *gy) {
  if (x->numel == 0) return NULL;
  int dim = (int)c->attr[0].i;
  j->x = t_data(x);
  j->gy = gy ? t_data(gy) : NULL;
  j->out = t_data(c->y[0]);
  j->size = dtype_size((DType)x->dtype);
  j->n = x->ndim ? x->shape[dim] : 1;
  j->inner = 1;
  for (int d = dim + 1; d < x->ndim; d++) j->inner *= x->shape[d];
  j->outer = x->numel / (j->n * j->inner);
  j->tiles = (j->inner + SOFTMAX_WIDTH - 1) / SOFTMAX_WIDTH;
  j->group = j->inner == 1 && j->n < GRAIN ? GRAIN / j->n : 1;
  team_run((j->outer + j->group - 1) / j->group * j->tiles, part, j);
  return NULL;
}

static void dx_expects(const Call *c) { expect_like(c, 0, 1); }

static void infer(Call *c) {
  DType d = call_promote(c, 0, c->nx);
  if (!dtype_is_float(d)) d = T_F32;
  for (int i = 0; i < c->nx; i++) call_want(c, i, d);
  call_out(c, 0, d, c->x[0]->ndim, c->x[0]->shape);
}

/* Attributes: dim, dtype. */
static void forward_infer(Call *c) {
  if (attr_given(c, 1)) {
    DType d = (DType)c->attr[1].i;
    if (d != T_F32 && d != T_F64) {
      t_fail("%s: dtype is %s; float32 or float64 is wanted", call_name(c), dtype_name(d));
    }
    call_want(c, 0, d);
  }
  infer(c);
}

#define RUNS(name)                                                                                 \
  static const char *name##_run(Call *c) {                                                         \
    DType d = (DType)c->x[0]->dtype;                                                               \
    Job j = {.rows = SIMD_PICK(softmax_kernels)->of[d]->name,                                      \
             .cols = SIMD_PICK(softmax_cols_kernels)->of[d].name};                                 \
    return along(c, &j, c->x[0], NULL);                                                            \
  }                                                                                                \
  static const char *name##_dx_run(Call *c) {                                                      \
    DType d = (DType)c->x[0]->dtype;                                                               \
    Job j = {.rows_back = SIMD_PICK(softmax_kernels)->of[d]->name##_back,                          \
             .cols_back = SIMD_PICK(softmax_cols_kernels)->of[d].name##_back};                     \
    return along(c, &j, c->x[1], c->x[0]);                                                         \
  }
RUNS(softmax)
RUNS(log_softmax)

/* ---- gradients ---------------------------------------------------------------------------------- */

static Tensor *dx(Call *c, const char *name, Tensor *g, Tensor *y) {
  return t_call(name, "xxa", g, y, &c->attr[0]);
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

/* ---- rows of the family -------------------------------------------------------------------------- */

static Op rows[] = {
    {.sig = "softmax(x: tensor, dim: dim, dtype: dtype?) -> y: tensor",
     .aliases = "special.softmax",
     .doc = "exp(x) divided by its sum along a dimension: positive, and summing to 1; computed in "
            "dtype where that is given. Losses on class scores take the scores themselves: "
            "cross_entropy does this inside.",
     .example = "tensor{0, 0}:softmax(1) --> float32 [2]  0.5  0.5",
     .test = "{{randn(2,3), 2}, {randn(2,3), 1}, {randn(2,3,4), -2, {dtype = \"float64\"}}}",
     .ref = "reference.softmax",
     .save = SAVE_Y(0),
     .infer = forward_infer,
     .run = softmax_run,
     .grad = softmax_grad},
    {.sig = "log_softmax(x: tensor, dim: dim, dtype: dtype?) -> y: tensor",
     .aliases = "special.log_softmax",
     .doc =
         "Logarithm of softmax along a dimension, without overflow; computed in dtype where that "
         "is given.",
     .example = "tensor{0, 0}:log_softmax(1) --> float32 [2]  -0.6931  -0.6931",
     .test = "{{randn(2,3), 2}, {randn(2,3), 1}, {randn(2,3,4), -2, {dtype = \"float64\"}}}",
     .ref = "reference.log_softmax",
     .save = SAVE_Y(0),
     .infer = forward_infer,
     .run = log_softmax_run,
     .grad = log_softmax_grad},
    {.sig = "softmax_dx(g: tensor, y: tensor, dim: dim) -> dx: tensor",
     .doc = "Gradient of softmax from its output: y (g - sum(g y)).",
     .test = "{{randn(2,3), rand(2,3), 2}, {randn(2,3,2), rand(2,3,2), -2}}",
     .ref = "reference.softmax_dx",
     .flags = OP_HIDDEN,
     .save = SAVE_X(0) | SAVE_X(1),
     .expects = dx_expects,
     .infer = infer,
     .run = softmax_dx_run,
     .grad = softmax_dx_grad},
    {.sig = "log_softmax_dx(g: tensor, y: tensor, dim: dim) -> dx: tensor",
     .doc = "Gradient of log_softmax from its output: g - exp(y) sum(g).",
     .test = "{{randn(2,3), randn(2,3), 2}, {randn(2,3,2), randn(2,3,2), -2}}",
     .ref = "reference.log_softmax_dx",
     .flags = OP_HIDDEN,
     .save = SAVE_X(0) | SAVE_X(1),
     .expects = dx_expects,
     .infer = infer,
     .run = log_softmax_dx_run,
     .grad = log_softmax_dx_grad},
};

FAMILY(softmax, rows);
