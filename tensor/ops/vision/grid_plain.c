/* grid_sample in plain ops: derivatives of any order are those of the parts. */
#include "../../calc.h"
#include "../../kernels/grid/grid.h"
#include "grid.h"

/* What is sampled, and how: attributes mode, padding_mode, align_corners. */
typedef struct Sampling {
  int nd;
  int64_t mode, padding;
  bool align;
  Tensor *flat;    /* [N,C,P] */
  int64_t size[3]; /* of the places */
  Tensor *at[3];   /* [N,M] coordinates along each dimension, in places from 0 */
} Sampling;

/* ---- coordinates ---------------------------------------------------------------------------------- */

/* From -1..1 to places from 0. */
static Tensor *places(Tensor *g, int64_t size, bool align) {
  double n = (double)size;
  if (align) return t_muln(t_addn(g, 1), (n - 1) / 2);
  return t_muln(t_addn(t_muln(t_addn(g, 1), n), -1), 0.5);
}

/* In 0..size-1; without a derivative at the edges. */
static Tensor *clamped(Tensor *x, int64_t size) {
  Tensor *low = t_num(0), *high = t_num((double)(size - 1));
  return t_where(t_op2("le", x, low), low, t_where(t_ge(x, high), high, x));
}

/* Folded at the edges low and low + span. */
static Tensor *reflected(Tensor *x, double low, double span) {
  if (span <= 0) return t_muln(x, 0);
  Tensor *away = t_abs(t_addn(x, -low)), *width = t_num(span);
  Tensor *rest = t_op2("remainder", away, width);
  Tensor *odd = t_op2("remainder", t_op1("floor", t_div(away, width)), t_num(2));
  return t_addn(t_where(t_gt(odd, t_num(0.5)), t_rsubn(span, rest), rest), low);
}

static Tensor *kept_inside(const Sampling *s, Tensor *x, int64_t size) {
  if (s->padding == GRID_ZEROS) return x;
  if (s->padding == GRID_REFLECTION) {
    x = s->align ? reflected(x, 0, (double)size - 1) : reflected(x, -0.5, (double)size);
  }
  return clamped(x, size);
}

/* ---- values --------------------------------------------------------------------------------------- */

/* The value at whole places, zero outside: [N,C,M]. at: nd tensors [N,M] */
static Tensor *value_at(const Sampling *s, Tensor *const *at) {
  Tensor *index = NULL, *inside = NULL;
  for (int d = 0; d < s->nd; d++) {
    Tensor *in = t_op2("logical_and", t_ge(at[d], t_num(0)),
                       t_op2("le", at[d], t_num((double)s->size[d] - 1)));
    Tensor *safe = t_cast(t_where(in, at[d], t_num(0)), T_I64);
    index = index ? t_add(t_mul(index, t_scalar_int(s->size[d], T_I64)), safe) : safe;
    inside = inside ? t_op2("logical_and", inside, in) : in;
  }
  index = t_add(index, t_scalar_int(T_BASE, T_I64));
  const int64_t shape[3] = {s->flat->shape[0], s->flat->shape[1], index->shape[1]};
  Tensor *v =
      t_call("gather", "xxi", s->flat, t_expand(t_unsqueeze(index, 1), 3, shape), (int64_t)2);
  return t_where(t_unsqueeze(inside, 1), v, t_num(0));
}

static Tensor *nearest(const Sampling *s) {
  Tensor *at[3];
  for (int d = 0; d < s->nd; d++) at[d] = t_op1("round", kept_inside(s, s->at[d], s->size[d]));
  return value_at(s, at);
}

/* The sum over the corners of each place's cell, weighted by the distance to the opposite one. */
static Tensor *linear(const Sampling *s) {
  Tensor *low[3], *rest[3], *sum = NULL;
  for (int d = 0; d < s->nd; d++) {
    Tensor *x = kept_inside(s, s->at[d], s->size[d]);
    low[d] = t_op1("floor", x);
    rest[d] = t_sub(x, low[d]);
  }
  for (int corner = 0; corner < 1 << s->nd; corner++) {
    Tensor *at[3], *weight = NULL;
    for (int d = 0; d < s->nd; d++) {
      bool high = corner >> d & 1;
      Tensor *w = high ? rest[d] : t_rsubn(1, rest[d]);
      at[d] = high ? t_addn(low[d], 1) : low[d];
      weight = weight ? t_mul(weight, w) : w;
    }
    Tensor *part = t_mul(value_at(s, at), t_unsqueeze(weight, 1));
    sum = sum ? t_add(sum, part) : part;
  }
  return sum;
}

/* Keys 1981 with a = -0.75: the weights of the places at -1, 0, 1 and 2, for x in 0..1. */
static void cubic(Tensor *x, Tensor **w) {
  const double a = -0.75;
  for (int k = 0; k < 4; k++) {
    Tensor *t = k < 2 ? t_addn(x, 1 - k) : t_rsubn(k - 1, x); /* the distance */
    if (k == 1 || k == 2) {                                   /* ((a + 2) t - (a + 3)) t t + 1 */
      w[k] = t_addn(t_mul(t_addn(t_muln(t, a + 2), -(a + 3)), t_square(t)), 1);
    } else { /* ((a t - 5 a) t + 8 a) t - 4 a */
      Tensor *inner = t_addn(t_mul(t_addn(t_muln(t, a), -5 * a), t), 8 * a);
      w[k] = t_addn(t_mul(inner, t), -4 * a);
    }
  }
}

static Tensor *bicubic(const Sampling *s) {
  Tensor *low[2], *weight[2][4], *sum = NULL;
  for (int d = 0; d < 2; d++) {
    low[d] = t_op1("floor", s->at[d]);
    cubic(t_sub(s->at[d], low[d]), weight[d]);
  }
  for (int k = 0; k < 16; k++) {
    Tensor *at[2];
    for (int d = 0; d < 2; d++) {
      int step = d == 0 ? k / 4 : k % 4;
      at[d] = t_op1("round", kept_inside(s, t_addn(low[d], step - 1), s->size[d]));
    }
    Tensor *w = t_mul(weight[0][k / 4], weight[1][k % 4]);
    Tensor *part = t_mul(value_at(s, at), t_unsqueeze(w, 1));
    sum = sum ? t_add(sum, part) : part;
  }
  return sum;
}

/* ---- all of it ------------------------------------------------------------------------------------ */

void grid_sample_compose(Call *c) {
  grid_check(c);
  Tensor *x = c->x[0], *g = c->x[1];
  Sampling s = {.nd = x->ndim - 2, .mode = c->attr[0].i, .padding = c->attr[1].i};
  s.align = attr_given(c, 2) && c->attr[2].i;
  int64_t flat[3] = {x->shape[0], x->shape[1], 1}, points[2] = {x->shape[0], 1};
  int64_t shape[5] = {x->shape[0], x->shape[1]};
  for (int d = 0; d < s.nd; d++) {
    s.size[d] = x->shape[2 + d];
    flat[2] *= s.size[d];
    points[1] *= shape[2 + d] = g->shape[1 + d];
  }
  s.flat = t_reshape(x, 3, flat);
  for (int d = 0; d < s.nd; d++) { /* the grid has x, the last dimension, first */
    Tensor *along = t_reshape(t_select(g, g->ndim - 1, s.nd - 1 - d), 2, points);
    s.at[d] = places(along, s.size[d], s.align);
  }
  Tensor *y = s.mode == GRID_NEAREST ? nearest(&s)
              : s.mode == GRID_CUBIC ? bicubic(&s)
                                     : linear(&s);
  c->y[0] = t_reshape(y, x->ndim, shape);
}
