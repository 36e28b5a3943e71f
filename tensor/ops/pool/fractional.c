/* Fractional max pooling: windows at places that a random number shifts (Graham 2014,
   arXiv:1412.6071). Made of gather and max. */
#include <math.h>

#include "../../calc.h"

enum { KERNEL, SIZE, RATIO, INDICES, MOST = 3 };

typedef struct Plan {
  int n;        /* dimensions that are pooled, the last ones */
  int64_t rows; /* planes: samples times channels */
  int64_t in[MOST], out[MOST], kernel[MOST];
  bool narrow; /* computed in float, as float32 input is */
} Plan;

static Plan plan_of(const Call *c, int n) {
  const Tensor *x = c->x[0];
  Plan p = {.n = n, .rows = 1, .narrow = x->dtype != T_F64};
  if (x->ndim != n + 1 && x->ndim != n + 2) {
    t_fail("%s: input is %s; [N,C,...] or [C,...] with %d more dimensions is wanted", call_name(c),
           t_shape_str(x), n);
  }
  if (attr_given(c, SIZE) == attr_given(c, RATIO)) {
    t_fail("%s: output_size or output_ratio, one of them, is wanted", call_name(c));
  }
  for (int d = 0; d < x->ndim - n; d++) p.rows *= x->shape[d];
  for (int d = 0; d < n; d++) {
    p.in[d] = x->shape[x->ndim - n + d];
    p.kernel[d] = c->attr[KERNEL].v[d];
    if (attr_given(c, SIZE)) {
      p.out[d] = c->attr[SIZE].v[d];
    } else {
      double ratio = c->attr[RATIO].fv[c->attr[RATIO].n > d ? d : 0];
      if (!(ratio > 0 && ratio < 1)) {
        t_fail("%s: output_ratio is %g; it is between 0 and 1", call_name(c), ratio);
      }
      p.out[d] = (int64_t)((double)p.in[d] * ratio);
    }
    if (p.out[d] < 1 || p.kernel[d] < 1 || p.kernel[d] > p.in[d] - p.out[d] + 1) {
      t_fail("%s: %lld windows of %lld in dimension %d, which has %lld; at most %lld fit",
             call_name(c), (long long)p.out[d], (long long)p.kernel[d], x->ndim - n + d + 1,
             (long long)p.in[d], (long long)(p.in[d] - p.kernel[d] + 1));
    }
  }
  return p;
}

/* Where window i of dimension d begins, from 0, for the random number u. */
static int64_t start_of(const Plan *p, int d, int64_t i, double u) {
  if (i == p->out[d] - 1) return p->in[d] - p->kernel[d];
  int64_t room = p->in[d] - p->kernel[d], gaps = p->out[d] - 1;
  if (p->narrow) {
    float by = (float)room / (float)gaps, at = (float)u;
    return (int64_t)(((float)i + at) * by) - (int64_t)(at * by);
  }
  double by = (double)room / (double)gaps;
  return (int64_t)(((double)i + u) * by) - (int64_t)(u * by);
}

/* Places in a plane, from T_BASE: [rows, windows, elements of a window]. */
static Tensor *places_of(const Plan *p, const Tensor *samples) {
  int64_t windows = 1, area = 1;
  for (int d = 0; d < p->n; d++) windows *= p->out[d], area *= p->kernel[d];
  Tensor *y = t_new(T_I64, 3, (int64_t[]){p->rows, windows, area});
  int64_t *to = t_i64(y);
  for (int64_t r = 0; r < p->rows; r++) {
    for (int64_t w = 0; w < windows; w++) {
      int64_t first = 0, step[MOST], scale = 1, left = w;
      for (int d = p->n - 1; d >= 0; d--) {
        /* the samples of a picture are its width's and height's */
        double u = t_get(samples, r * p->n + (p->n == 2 ? 1 - d : d));
        first += start_of(p, d, left % p->out[d], u) * scale;
        step[d] = scale;
        scale *= p->in[d];
        left /= p->out[d];
      }
      for (int64_t k = 0; k < area; k++) {
        int64_t at = first, rest = k;
        for (int d = p->n - 1; d >= 0; d--) {
          at += rest % p->kernel[d] * step[d];
          rest /= p->kernel[d];
        }
        *to++ = at + T_BASE;
      }
    }
  }
  return y;
}

/* The random numbers given, or new ones: [N,C,n], from 0 to below 1. */
static Tensor *samples_of(Call *c, const Plan *p) {
  const Tensor *x = c->x[0];
  int64_t shape[3] = {x->ndim == p->n + 2 ? x->shape[0] : 1, x->shape[x->ndim - p->n - 1], p->n};
  Tensor *s = c->x[1];
  if (!s) return t_call("rand", "l", 3, shape);
  bool fits = s->ndim == 3;
  for (int d = 0; fits && d < 3; d++) fits = s->shape[d] == shape[d];
  if (!fits) {
    t_fail("%s: random_samples is %s; %s is wanted", call_name(c), t_shape_str(s),
           t_dims_str(3, shape));
  }
  for (int64_t i = 0; i < s->numel; i++) {
    double v = t_get(s, i);
    if (!(v >= 0 && v < 1)) {
      t_fail("%s: element %lld of random_samples is %g; they are from 0 to below 1", call_name(c),
             (long long)i + 1, v);
    }
  }
  return s;
}

static void pool(Call *c, int n) {
  Plan p = plan_of(c, n);
  Tensor *x = c->x[0], *samples = t_op1("contiguous", samples_of(c, &p)),
         *at = places_of(&p, samples);
  int64_t plane = 1, windows = at->shape[1], area = at->shape[2], shape[T_MAXDIM];
  for (int d = 0; d < n; d++) plane *= p.in[d];
  for (int d = 0; d < x->ndim; d++) {
    int pooled = d - (x->ndim - n);
    shape[d] = pooled < 0 ? x->shape[d] : p.out[pooled];
  }
  x = t_reshape(x, 2, (int64_t[]){p.rows, plane});
  x = t_call("gather", "xix", x, (int64_t)1, t_reshape(at, 2, (int64_t[]){p.rows, windows * area}));
  Call f;
  t_call_into(&f, "max", "xi", t_reshape(x, 3, (int64_t[]){p.rows, windows, area}), (int64_t)2);
  c->y[0] = t_reshape(f.y[0], c->x[0]->ndim, shape);
  if (!c->attr[INDICES].i) return;
  Tensor *which = t_call("gather", "xix", at, (int64_t)2, t_unsqueeze(f.y[1], 2));
  c->y[1] = t_reshape(which, c->x[0]->ndim, shape);
}

static void pool2(Call *c) { pool(c, 2); }
static void pool3(Call *c) { pool(c, 3); }

#define ROW(n, shapes, samples, inputs, shown, ...)                                                \
  {                                                                                                \
    .sig = "fractional_max_pool" #n "d(input: tensor, kernel_size: ints{" #n                       \
           "}, output_size: ints{" #n "}?, output_ratio: floats?, return_indices: bool=false, "    \
           "random_samples: tensor?) -> y: tensor, indices: index",                                \
    .doc = "Maxima of windows of kernel_size that are spread over " shapes " with a shift that a " \
           "random number gives, for every plane and dimension one, so that sizes may shrink by "  \
           "any factor: to output_size, or by output_ratio between 0 and 1. With return_indices "  \
           "also each maximum's place in its plane. random_samples [N,C," #n "], " samples         \
           ", stand for drawn numbers. Graham 2014, arXiv:1412.6071.",                             \
    .example = shown, .test = inputs, .ref = "reference.fractional_max_pool" #n "d", __VA_ARGS__   \
  }

static Op rows[] = {
    ROW(2, "[N,C,H,W] or [C,H,W]", "of width and height",
        "{{randn(2,2,7,6), 2, {output_size = {4,3}, random_samples = rand(2,2,2)}}, {randn(2,5,5), "
        "{2,3}, {output_ratio = 0.5, return_indices = true, random_samples = rand(1,2,2)}}}",
        "tensor.randn(1, 2, 9, 9):fractional_max_pool2d(2, {output_size = 5}).shape --> {1, 2, 5, "
        "5}",
        .flags = OP_RANDOM, .compose = pool2),
    ROW(3, "[N,C,D,H,W] or [C,D,H,W]", "of depth, height and width",
        "{{randn(1,2,4,5,4), 2, {output_size = {2,3,2}, random_samples = rand(1,2,3)}}, "
        "{randn(1,4,4,5), 2, {output_ratio = {0.5,0.5,0.6}, return_indices = true, random_samples "
        "= rand(1,1,3)}}}",
        "tensor.randn(1, 1, 6, 6, 6):fractional_max_pool3d(2, {output_ratio = 0.5}).shape --> {1, "
        "1, 3, 3, 3}",
        .flags = OP_RANDOM, .compose = pool3),
};

FAMILY_PART(pool, fractional, rows);
