/* resample: a dimension of another size, by a table of taps; and its transpose, resample_dx. Both are
   linear and each is the other's gradient. interpolate is made of them. */
#include <math.h>

#include "../../calc.h"
#include "../../loop/taps.h"

enum { DIM, SIZE, MODE, ALIGN, SCALE };
enum { NEAREST, EXACT, LINEAR, CUBIC };

/* ---- taps --------------------------------------------------------------------------------------- */

/* One more tap of output i, which is the last that has any. */
static void tap(Taps *t, int64_t i, int64_t at, double weight) {
  int64_t k = t->first[i + 1]++;
  t->index[k] = at < 0 ? 0 : at >= t->in ? t->in - 1 : at;
  t->weight[k] = weight;
}

/* The cubic of Keys 1981 with a = -0.75, at distance x. */
static double cubic(double x) {
  const double a = -0.75;
  x = fabs(x);
  if (x <= 1) return ((a + 2) * x - (a + 3)) * x * x + 1;
  return ((a * x - 5 * a) * x + 8 * a) * x - 4 * a;
}

/* Input places for one output: as PyTorch, whose nearest places are found in single precision. */
static void taps_of(Taps *t, const Call *c, int64_t i, double scale) {
  int64_t mode = c->attr[MODE].i;
  bool align = c->attr[ALIGN].i != 0;
  if (mode == NEAREST || mode == EXACT) {
    float at = mode == EXACT ? (float)i + 0.5f : (float)i;
    tap(t, i, (int64_t)floorf(at * (float)scale), 1);
    return;
  }
  double at = align ? scale * (double)i : scale * ((double)i + 0.5) - 0.5;
  if (mode == LINEAR && at < 0) at = 0;
  int64_t low = (int64_t)floor(at);
  double rest = at - (double)low;
  if (mode == LINEAR) {
    tap(t, i, low, 1 - rest);
    tap(t, i, low + 1, rest);
    return;
  }
  for (int64_t k = -1; k < 3; k++) tap(t, i, low + k, cubic((double)k - rest));
}

/* Steps of the input for one of the output. */
static double step_of(const Call *c, int64_t in, int64_t out) {
  double given = c->attr[SCALE].f;
  bool align = c->attr[ALIGN].i && c->attr[MODE].i >= LINEAR;
  if (align) return out > 1 ? (double)(in - 1) / (double)(out - 1) : 0;
  return given > 0 ? 1 / given : (double)in / (double)out;
}

/* The map from `in` to `out` places, or its transpose, in the call's scratch. */
static void make_taps(Call *c, int64_t in, int64_t out, int64_t inner, bool back) {
  static const int64_t each[4] = {1, 1, 2, 4};
  int64_t mode = c->attr[MODE].i, n = each[mode] * out;
  call_scratch(c, sizeof(Taps) + taps_bytes(out, n) + taps_bytes(in, n));
  Taps *own = c->scratch, t = taps_in(own + 1, in, out, inner, n);
  double scale = step_of(c, in, out);
  t.first[0] = 0;
  for (int64_t i = 0; i < out; i++) {
    t.first[i + 1] = t.first[i];
    taps_of(&t, c, i, scale);
  }
  t.nearest = mode == NEAREST || mode == EXACT;
  *own = back ? taps_turned(&t, (char *)(own + 1) + taps_bytes(out, n)) : t;
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
    make_taps(c, size, x->shape[dim], inner, true);
  else
    make_taps(c, x->shape[dim], size, inner, false);
}

static void infer(Call *c) { prepare(c, false); }
static void back_infer(Call *c) { prepare(c, true); }

static const char *run(Call *c) {
  Tensor *y = c->y[0];
  if (c->x[0]->numel == 0)
    t_fill(y, 0);
  else
    taps_run(c->scratch, c->x[0], y);
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
     .run = run,
     .grad = back_grad},
};

FAMILY_PART(vision, resample, rows);
