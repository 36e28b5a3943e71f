/* Gradients of reductions, in plain ops, so that they have gradients themselves. */
#include "reduce.h"

#include <math.h>

#include "../../calc.h"
#include "fold.h"

/* y in the shape it has with keepdim, so that it broadcasts against x. */
static Tensor *kept(Call *c, Tensor *y, unsigned reduced) {
  int64_t shape[T_MAXDIM];
  int n = fold_result(c->x[0], reduced, true, shape);
  return n == y->ndim ? y : t_reshape(y, n, shape);
}

/* y of every element that went into it. */
static Tensor *spread(Call *c, Tensor *y, unsigned reduced) {
  return t_expand(kept(c, y, reduced), c->x[0]->ndim, c->x[0]->shape);
}

/* y with 1 where it is 0, and numer / y with 0 there. */
static Tensor *nonzero(Tensor *y) { return t_where(t_eq(y, t_num(0)), t_num(1), y); }
static Tensor *over(Tensor *numer, Tensor *y) {
  return t_where(t_eq(y, t_num(0)), t_num(0), t_div(numer, nonzero(y)));
}

/* g shared out evenly among the places where mask holds. */
static Tensor *shared(Tensor *g, Tensor *mask, unsigned reduced) {
  int64_t dims[T_MAXDIM];
  int n = 0;
  for (int d = 0; d < mask->ndim; d++) {
    if (reduced >> d & 1) dims[n++] = d;
  }
  Tensor *m = t_cast(mask, (DType)g->dtype);
  return t_mul(m, n ? t_div(g, t_sum(m, n, dims, true)) : g);
}

void sum_grad(Call *c, Tensor *const *gy, Tensor **gx) {
  gx[0] = spread(c, gy[0], fold_dims(c, 0));
}

void nansum_grad(Call *c, Tensor *const *gy, Tensor **gx) {
  Tensor *g = spread(c, gy[0], fold_dims(c, 0));
  gx[0] = dtype_is_float((DType)c->x[0]->dtype) ? t_where(t_op1("isnan", c->x[0]), t_num(0), g) : g;
}

void mean_grad(Call *c, Tensor *const *gy, Tensor **gx) {
  unsigned dims = fold_dims(c, 0);
  gx[0] = spread(c, t_muln(gy[0], 1 / (double)fold_count(c->x[0], dims)), dims);
}

/* The product as a tree of halves, level[k] from level[k-1], and back down: each factor gets the
   product of all others, without a division. */
void prod_grad(Call *c, Tensor *const *gy, Tensor **gx) {
  unsigned dims = fold_dim(c, 0);
  int64_t all = c->x[0]->numel;
  bool whole = !attr_given(c, 0) || c->x[0]->ndim == 0;
  int d = whole ? 0 : (int)c->attr[0].i, levels = 0;
  Tensor *level[64], *g = kept(c, gy[0], dims), *x = c->x[0];
  if (whole) g = t_reshape(g, 1, (int64_t[]){1}), x = t_reshape(x, 1, &all);
  if (x->numel == 0) {
    gx[0] = t_zeros((DType)g->dtype, c->x[0]->ndim, c->x[0]->shape);
    return;
  }
  for (level[0] = x; level[levels]->shape[d] > 1; levels++) {
    Tensor *a = level[levels];
    int64_t n = a->shape[d], h = n / 2;
    Tensor *up = t_mul(t_narrow(a, d, 0, h), t_narrow(a, d, h, h));
    level[levels + 1] = n % 2 ? t_cat(2, (Tensor *[]){up, t_narrow(a, d, 2 * h, 1)}, d) : up;
  }
  while (levels > 0) {
    Tensor *a = level[--levels];
    int64_t n = a->shape[d], h = n / 2;
    Tensor *down = n % 2 ? t_narrow(g, d, 0, h) : g;
    Tensor *part[3] = {t_mul(down, t_narrow(a, d, h, h)), t_mul(down, t_narrow(a, d, 0, h)), NULL};
    if (n % 2) part[2] = t_narrow(g, d, h, 1);
    g = t_cat(n % 2 ? 3 : 2, part, d);
  }
  gx[0] = whole ? t_reshape(g, c->x[0]->ndim, c->x[0]->shape) : g;
}

void amax_grad(Call *c, Tensor *const *gy, Tensor **gx) {
  unsigned dims = fold_dims(c, 0);
  gx[0] = shared(kept(c, gy[0], dims), t_eq(c->x[0], kept(c, c->y[0], dims)), dims);
}

void max_grad(Call *c, Tensor *const *gy, Tensor **gx) {
  if (!gy[0]) return;
  unsigned dims = fold_dim(c, 0);
  Tensor *g = kept(c, gy[0], dims), *x = c->x[0];
  if (!attr_given(c, 0)) {
    gx[0] = shared(g, t_eq(x, kept(c, c->y[0], dims)), dims);
  } else if (x->ndim == 0) {
    gx[0] = g;
  } else {
    Tensor *zeros = t_nothing((DType)g->dtype, x->ndim, x->shape);
    gx[0] = t_call("scatter_add", "xxxa", zeros, kept(c, c->y[1], dims), g, &c->attr[0]);
  }
}

/* (x - mean) 2 / (count - correction) */
static Tensor *var_dx(Call *c, unsigned dims) {
  int64_t list[T_MAXDIM];
  int n = 0;
  for (int d = 0; d < c->x[0]->ndim; d++) {
    if (dims >> d & 1) list[n++] = d;
  }
  double count = (double)fold_count(c->x[0], dims), free = count - reduce_correction(c);
  Tensor *mean = n ? t_muln(t_sum(c->x[0], n, list, true), 1 / count) : c->x[0];
  return t_muln(t_sub(c->x[0], mean), 2 / (free > 0 ? free : 0));
}

void var_grad(Call *c, Tensor *const *gy, Tensor **gx) {
  unsigned dims = fold_dims(c, 0);
  gx[0] = t_mul(var_dx(c, dims), kept(c, gy[0], dims));
}

void std_grad(Call *c, Tensor *const *gy, Tensor **gx) {
  unsigned dims = fold_dims(c, 0);
  gx[0] = t_mul(var_dx(c, dims), kept(c, over(t_muln(gy[0], 0.5), c->y[0]), dims));
}

void norm_grad(Call *c, Tensor *const *gy, Tensor **gx) {
  unsigned dims = fold_dims(c, 1);
  double p = attr_float(c, 0, 2);
  Tensor *x = c->x[0], *g = kept(c, gy[0], dims), *y = kept(c, c->y[0], dims);
  if (p == 0) {
    gx[0] = t_zeros((DType)g->dtype, x->ndim, x->shape);
  } else if (p == 1) {
    gx[0] = t_mul(t_sign(x), g);
  } else if (p == 2) {
    gx[0] = t_mul(x, over(g, y));
  } else if (isinf(p)) {
    gx[0] = t_mul(t_sign(x), shared(g, t_eq(t_abs(x), y), dims));
  } else {
    Tensor *powers = t_mul(t_sign(x), t_pown(nonzero(t_abs(x)), p - 1));
    gx[0] = t_mul(powers, t_mul(g, t_pown(nonzero(y), 1 - p)));
  }
}

void logsumexp_grad(Call *c, Tensor *const *gy, Tensor **gx) {
  unsigned dims = fold_dims(c, 0);
  Tensor *y = kept(c, c->y[0], dims);
  y = t_where(t_eq(y, t_num(-INFINITY)), t_num(0), y);
  gx[0] = t_mul(t_exp(t_sub(c->x[0], y)), kept(c, gy[0], dims));
}
