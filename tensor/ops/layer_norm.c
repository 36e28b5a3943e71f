/* Layer normalisation: x as rows [M,n], weight and bias of n values. */
#include <math.h>
#include <string.h>

#include "../calc.h"
#include "../cast.h"
#include "../team.h"
#include "norm.h"

enum { X, WEIGHT, BIAS }; /* inputs */
enum { SHAPE, EPS };      /* attributes */
enum {
  BLOCK = 512,     /* values at a time */
  GRAIN = 1 << 15, /* values of a part */
  PARTS = 64       /* most parts whose sums for weight and bias are kept apart */
};

static void load(const Tensor *t, int64_t at, int64_t n, double *to) {
  const char *from = (const char *)t_data(t) + at * (int64_t)dtype_size((DType)t->dtype);
  cast_run(n, from, (DType)t->dtype, 1, to, T_F64, 1);
}

static void store(Tensor *t, int64_t at, int64_t n, const double *from) {
  char *to = (char *)t_data(t) + at * (int64_t)dtype_size((DType)t->dtype);
  cast_run(n, from, T_F64, 1, to, (DType)t->dtype, 1);
}

static int64_t least(int64_t a, int64_t b) { return a < b ? a : b; }

static bool has_shape(const Tensor *t, const Attr *a) {
  bool same = t->ndim == a->n;
  for (int d = 0; same && d < a->n; d++) same = t->shape[d] == a->v[d];
  return same;
}

/* ---- forward --------------------------------------------------------------------------------------- */

typedef struct Forward {
  const Tensor *x, *w, *b;
  Tensor *y, *mean, *rstd; /* mean, rstd: [M] float64 */
  int64_t rows, n, group;
  double eps;
} Forward;

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
    t_fail("layer_norm: x has shape %s, which does not end in normalized_shape %s", t_shape_str(x),
           t_dims_str(a->n, a->v));
  }
  for (int i = WEIGHT; i <= BIAS; i++) {
    if (!c->x[i] || has_shape(c->x[i], a)) continue;
    t_fail("layer_norm: %s has shape %s, wants normalized_shape %s",
           i == WEIGHT ? "weight" : "bias", t_shape_str(c->x[i]), t_dims_str(a->n, a->v));
  }
  return n;
}

void layer_norm_infer(Call *c) {
  int64_t n = check(c);
  DType d = call_promote(c, X, X + 1);
  if (!dtype_is_float(d)) d = T_F32;
  for (int i = X; i <= BIAS; i++) {
    if (c->x[i]) call_want(c, i, d);
  }
  int64_t rows = n ? c->x[X]->numel / n : 0;
  call_out(c, 0, d, c->x[X]->ndim, c->x[X]->shape);
  call_hidden(c, T_F64, 1, &rows);
  call_hidden(c, T_F64, 1, &rows);
}

static void forward_row(const Forward *f, int64_t row) {
  double v[BLOCK], w[BLOCK], b[BLOCK], mean = 0, var = 0;
  int64_t n = f->n, start = row * n;
  for (int64_t at = 0; at < n; at += BLOCK) {
    int64_t m = least(n - at, BLOCK);
    load(f->x, start + at, m, v);
    for (int64_t i = 0; i < m; i++) mean += v[i];
  }
  mean /= (double)n;
  for (int64_t at = 0; at < n; at += BLOCK) {
    int64_t m = least(n - at, BLOCK);
    load(f->x, start + at, m, v);
    for (int64_t i = 0; i < m; i++) var += (v[i] - mean) * (v[i] - mean);
  }
  double rstd = 1 / sqrt(var / (double)n + f->eps);
  t_set(f->mean, row, mean);
  t_set(f->rstd, row, rstd);
  for (int64_t at = 0; at < n; at += BLOCK) {
    int64_t m = least(n - at, BLOCK);
    load(f->x, start + at, m, v);
    if (f->w) load(f->w, at, m, w);
    if (f->b) load(f->b, at, m, b);
    for (int64_t i = 0; i < m; i++) {
      v[i] = (v[i] - mean) * rstd * (f->w ? w[i] : 1) + (f->b ? b[i] : 0);
    }
    store(f->y, start + at, m, v);
  }
}

static void forward_part(void *job, int64_t part) {
  const Forward *f = job;
  int64_t end = least((part + 1) * f->group, f->rows);
  for (int64_t row = part * f->group; row < end; row++) forward_row(f, row);
}

const char *layer_norm_run(Call *c) {
  Tensor *x = c->x[X];
  if (x->numel == 0) return NULL;
  Forward f = {.x = x, .w = c->x[WEIGHT], .b = c->x[BIAS], .rows = c->y[1]->numel};
  f.y = c->y[0];
  f.mean = c->y[1];
  f.rstd = c->y[2];
  f.n = x->numel / f.rows;
  f.group = f.n < GRAIN ? GRAIN / f.n : 1;
  f.eps = attr_float(c, EPS, 1e-5);
  team_run((f.rows + f.group - 1) / f.group, forward_part, &f);
  return NULL;
}

/* ---- gradient --------------------------------------------------------------------------------------- */

void layer_norm_grad(Call *c, Tensor *const *gy, Tensor **gx) {
  Tensor *x = c->x[X];
  Call d;
  call_begin(&d, op_find("layer_norm_dx"));
  d.x[0] = gy[0];
  d.x[1] = x;
  d.x[2] = c->y[1];
  d.x[3] = c->y[2];
  d.x[4] = c->x[WEIGHT];
  d.attr[0] = c->attr[SHAPE];
  op_apply(&d);
  for (int i = X; i <= BIAS; i++) {
    if (c->want[i]) gx[i] = d.y[i];
  }
}

/* Rows of a part, and how many parts there are. */
static int64_t group_of(int64_t rows, int64_t n, int64_t *parts) {
  int64_t group = n > 0 && n < GRAIN ? GRAIN / n : 1;
  if (group < (rows + PARTS - 1) / PARTS) group = (rows + PARTS - 1) / PARTS;
  *parts = (rows + group - 1) / group;
  return group;
}

void layer_norm_dx_infer(Call *c) {
  call_want(c, 0, (DType)c->x[1]->dtype);
  for (int i = 1; i <= 4; i++) {
    if (c->x[i]) call_contiguous(c, i);
  }
  Tensor *x = c->x[1];
  const Attr *shape = &c->attr[0];
  call_out(c, 0, (DType)x->dtype, x->ndim, x->shape);
  call_out(c, 1, (DType)x->dtype, shape->n, shape->v);
  call_out(c, 2, (DType)x->dtype, shape->n, shape->v);
  int64_t parts, rows = c->x[2]->numel;
  group_of(rows, c->y[1]->numel, &parts);
  call_scratch(c, (size_t)(parts * 2 * c->y[1]->numel) * sizeof(double));
}

typedef struct Backward {
  const Tensor *g, *x, *mean, *rstd, *w;
  Tensor *dx;
  double *sums; /* [parts, 2, n]: for weight and bias */
  int64_t rows, n, group;
} Backward;

/* dx = rstd (h - mean(h) - xhat mean(h xhat)), h = g w, xhat = (x - mean) rstd */
static void backward_row(const Backward *b, int64_t row, double *dw, double *db) {
  double g[BLOCK], v[BLOCK], w[BLOCK], sum = 0, dot = 0;
  double mean = t_get(b->mean, row), rstd = t_get(b->rstd, row);
  int64_t n = b->n, start = row * n;
  for (int64_t at = 0; at < n; at += BLOCK) {
    int64_t m = least(n - at, BLOCK);
    load(b->g, start + at, m, g);
    load(b->x, start + at, m, v);
    if (b->w) load(b->w, at, m, w);
    for (int64_t i = 0; i < m; i++) {
      double xhat = (v[i] - mean) * rstd, h = b->w ? g[i] * w[i] : g[i];
      dw[at + i] += g[i] * xhat;
      db[at + i] += g[i];
      sum += h;
      dot += h * xhat;
    }
  }
  sum /= (double)n;
  dot /= (double)n;
  for (int64_t at = 0; at < n; at += BLOCK) {
    int64_t m = least(n - at, BLOCK);
    load(b->g, start + at, m, g);
    load(b->x, start + at, m, v);
    if (b->w) load(b->w, at, m, w);
    for (int64_t i = 0; i < m; i++) {
      double xhat = (v[i] - mean) * rstd, h = b->w ? g[i] * w[i] : g[i];
      v[i] = rstd * (h - sum - xhat * dot);
    }
    store(b->dx, start + at, m, v);
  }
}

static void backward_part(void *job, int64_t part) {
  const Backward *b = job;
  double *dw = b->sums + part * 2 * b->n, *db = dw + b->n;
  memset(dw, 0, (size_t)(2 * b->n) * sizeof *dw);
  int64_t end = least((part + 1) * b->group, b->rows);
  for (int64_t row = part * b->group; row < end; row++) backward_row(b, row, dw, db);
}

const char *layer_norm_dx_run(Call *c) {
  Tensor *dw = c->y[1], *db = c->y[2];
  int64_t parts, n = dw->numel, rows = c->x[2]->numel;
  Backward b = {.g = c->x[0], .x = c->x[1], .mean = c->x[2], .rstd = c->x[3], .w = c->x[4]};
  b.dx = c->y[0];
  b.sums = c->scratch;
  b.rows = rows;
  b.n = n;
  b.group = group_of(rows, n, &parts);
  team_run(parts, backward_part, &b);
  for (int64_t p = 1; p < parts; p++) {
    for (int64_t i = 0; i < 2 * n; i++) b.sums[i] += b.sums[p * 2 * n + i];
  }
  if (parts > 0) {
    store(dw, 0, n, b.sums);
    store(db, 0, n, b.sums + n);
  } else {
    memset(t_data(dw), 0, dw->st->bytes);
    memset(t_data(db), 0, db->st->bytes);
  }
  return NULL;
}

/* ---- in plain ops ------------------------------------------------------------------------------------ */

void layer_norm_compose(Call *c) {
  int64_t n = check(c), dims[T_MAXDIM];
  const Attr *shape = &c->attr[SHAPE];
  Tensor *x = c->x[X];
  if (!dtype_is_float((DType)x->dtype)) x = t_cast(x, T_F32);
  for (int d = 0; d < shape->n; d++) dims[d] = x->ndim - shape->n + d;
  Tensor *mean = t_muln(t_sum(x, shape->n, dims, true), 1 / (double)n), *xc = t_sub(x, mean);
  Tensor *var = t_muln(t_sum(t_square(xc), shape->n, dims, true), 1 / (double)n);
  Tensor *y = t_mul(xc, t_op1("rsqrt", t_addn(var, attr_float(c, EPS, 1e-5))));
  if (c->x[WEIGHT]) y = t_mul(y, c->x[WEIGHT]);
  if (c->x[BIAS]) y = t_add(y, c->x[BIAS]);
  c->y[0] = y;
}
