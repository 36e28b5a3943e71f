/* resample: a dimension of another size, by a table of taps; and its transpose, resample_dx. Both are
   linear and each is the other's gradient. interpolate is made of them. */
#include <math.h>

#include "../../calc.h"
#include "../../kernels/resample.h"
#include "../../team.h"

enum { DIM, SIZE, MODE, ALIGN, SCALE };
enum { NEAREST, EXACT, LINEAR, CUBIC };
enum { GRAIN = 1 << 15 }; /* values of a part */

/* ---- taps --------------------------------------------------------------------------------------- */

typedef struct Table {
  Taps taps;
  int64_t *first, *index, used;
  double *weight;
} Table;

static void tap(Table *t, int64_t at, double weight) {
  if (at < 0) at = 0;
  if (at >= t->taps.in) at = t->taps.in - 1;
  t->index[t->used] = at;
  t->weight[t->used++] = weight;
}

/* The cubic of Keys 1981 with a = -0.75, at distance x. */
static double cubic(double x) {
  const double a = -0.75;
  x = fabs(x);
  if (x <= 1) return ((a + 2) * x - (a + 3)) * x * x + 1;
  return ((a * x - 5 * a) * x + 8 * a) * x - 4 * a;
}

/* Input places for one output: as PyTorch, whose nearest places are found in single precision. */
static void taps_of(Table *t, const Call *c, int64_t i, double scale) {
  int64_t mode = c->attr[MODE].i;
  bool align = c->attr[ALIGN].i != 0;
  if (mode == NEAREST || mode == EXACT) {
    float at = mode == EXACT ? (float)i + 0.5f : (float)i;
    tap(t, (int64_t)floorf(at * (float)scale), 1);
    return;
  }
  double at = align ? scale * (double)i : scale * ((double)i + 0.5) - 0.5;
  if (mode == LINEAR && at < 0) at = 0;
  int64_t low = (int64_t)floor(at);
  double rest = at - (double)low;
  if (mode == LINEAR) {
    tap(t, low, 1 - rest);
    tap(t, low + 1, rest);
    return;
  }
  for (int64_t k = -1; k < 3; k++) tap(t, low + k, cubic((double)k - rest));
}

/* Steps of the input for one of the output. */
static double step_of(const Call *c, int64_t in, int64_t out) {
  double given = c->attr[SCALE].f;
  bool align = c->attr[ALIGN].i && c->attr[MODE].i >= LINEAR;
  if (align) return out > 1 ? (double)(in - 1) / (double)(out - 1) : 0;
  return given > 0 ? 1 / given : (double)in / (double)out;
}

static Table *table_of(Call *c, int64_t in, int64_t out, int64_t inner) {
  static const int64_t each[4] = {1, 1, 2, 4};
  int64_t mode = c->attr[MODE].i, n = each[mode] * out;
  size_t bytes = sizeof(Table) + (size_t)(out + 1 + 2 * n) * 8;
  call_scratch(c, bytes);
  Table *t = c->scratch;
  int64_t *room = (int64_t *)(t + 1);
  *t = (Table){.first = room, .index = room + out + 1, .weight = (double *)(room + out + 1 + n)};
  t->taps = (Taps){in, out, inner, t->first, t->index, t->weight, mode == NEAREST || mode == EXACT};
  double scale = step_of(c, in, out);
  for (int64_t i = 0; i < out; i++) {
    t->first[i] = t->used;
    taps_of(t, c, i, scale);
  }
  t->first[out] = t->used;
  return t;
}

/* ---- rows ----------------------------------------------------------------------------------------- */

/* x's shape with another size in the dimension. */
static void prepare(Call *c, bool back) {
  const Tensor *x = c->x[0];
  int64_t shape[T_MAXDIM], inner = 1, dim = c->attr[DIM].i, size = c->attr[SIZE].i;
  for (int d = 0; d < x->ndim; d++) {
    shape[d] = d == dim ? size : x->shape[d];
    if (d > dim) inner *= x->shape[d];
  }
  DType type = call_promote(c, 0, 1);
  if (!dtype_is_float(type)) type = T_F32;
  call_want(c, 0, type);
  call_out(c, 0, type, x->ndim, shape);
  if (back)
    table_of(c, size, x->shape[dim], inner);
  else
    table_of(c, x->shape[dim], size, inner);
}

static void infer(Call *c) { prepare(c, false); }
static void back_infer(Call *c) { prepare(c, true); }

typedef struct Job {
  const Tensor *x;
  Tensor *y;
  const Taps *taps;
  bool back;
  int64_t outer, group;
} Job;

static void part(void *job, int64_t k) {
  const Job *j = job;
  const ResampleKernels *f = SIMD_PICK(resample_kernels);
  int64_t to = (k + 1) * j->group < j->outer ? (k + 1) * j->group : j->outer;
  int64_t from_x = j->x->numel / j->outer, from_y = j->y->numel / j->outer;
  for (int64_t o = k * j->group; o < to; o++) {
    if (j->y->dtype == T_F32)
      (j->back ? f->spread_f32 : f->apply_f32)(j->taps, t_f32(j->x) + o * from_x,
                                               t_f32(j->y) + o * from_y);
    else
      (j->back ? f->spread_f64 : f->apply_f64)(j->taps, t_f64(j->x) + o * from_x,
                                               t_f64(j->y) + o * from_y);
  }
}

static void run_all(Call *c, bool back) {
  const Table *t = c->scratch;
  Job j = {.x = c->x[0], .y = c->y[0], .taps = &t->taps, .back = back};
  if (j.y->numel == 0) return;
  if (j.x->numel == 0) {
    t_fill(j.y, 0);
    return;
  }
  int64_t most = j.x->numel > j.y->numel ? j.x->numel : j.y->numel;
  j.outer = j.x->numel / (t->taps.inner * (back ? t->taps.out : t->taps.in));
  j.group = most / j.outer < GRAIN ? GRAIN / (most / j.outer) : 1;
  team_run((j.outer + j.group - 1) / j.group, part, &j);
}

static const char *run(Call *c) {
  run_all(c, false);
  return NULL;
}

static const char *back_run(Call *c) {
  run_all(c, true);
  return NULL;
}

static Tensor *related(const Call *c, const char *name, Tensor *g) {
  Call r;
  call_begin(&r, op_need(name));
  r.x[0] = g;
  for (int i = DIM; i <= SCALE; i++) r.attr[i] = c->attr[i];
  r.attr[SIZE] = attr_of_int(c->x[0]->shape[c->attr[DIM].i]);
  op_apply(&r);
  return r.y[0];
}

static void grad(Call *c, Tensor *const *gy, Tensor **gx) {
  gx[0] = related(c, "resample_dx", gy[0]);
}
static void back_grad(Call *c, Tensor *const *gy, Tensor **gx) {
  gx[0] = related(c, "resample", gy[0]);
}

#define ATTRS                                                                                      \
  "dim: dim, size: int, mode: string{nearest|exact|linear|cubic}, align_corners: "                 \
  "bool=false, "                                                                                   \
  "scale: float=0"

static Op rows[] = {
    {.sig = "resample(x: tensor, " ATTRS ") -> y: tensor",
     .doc = "A dimension of another size: nearest values or weighted neighbours. "
            "scale, where positive, is that of the places; else the sizes' quotient.",
     .test = "{{randn(2,5,3), 2, 3, 'linear'}, {randn(2,4), 2, 6, 'nearest'}, {randn(3,2), 1, 5, "
             "'linear'}, {randn(2,5), 2, 4, 'cubic', true}, {randn(2,4), 2, 6, 'linear', {scale = "
             "1.7}}, {randn(2,4), 2, 7, 'exact'}}",
     .ref = "reference.resample",
     .flags = OP_HIDDEN,
     .infer = infer,
     .run = run,
     .grad = grad},
    {.sig = "resample_dx(gy: tensor, " ATTRS ") -> gx: tensor",
     .doc = "Gradient of resample for an input of `size` in the dimension.",
     .test = "{{randn(2,3,3), 2, 5, 'cubic'}, {randn(2,6), 2, 4, 'linear'}}",
     .flags = OP_HIDDEN,
     .infer = back_infer,
     .run = back_run,
     .grad = back_grad},
};

FAMILY_PART(vision, resample, rows);
