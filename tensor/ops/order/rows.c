/* Rows of a dimension: layout, threads, results. */
#include "rows.h"

#include "../../loop/cast.h"
#include "../../machine/team.h"
#include "../shape/window.h"

enum { GRAIN = 1 << 13 }; /* values of a part */

/* x's geometry with dim moved to the end. */
static Window dim_last(const Tensor *x, int dim) {
  Window w = window_of(x);
  int64_t size = w.shape[dim], stride = w.stride[dim];
  window_drop_dim(&w, dim);
  window_insert_dim(&w, w.ndim, size, stride);
  return w;
}

/* x contiguous with dim last. */
static const Tensor *laid_out(const Tensor *x, int dim) {
  bool last = dim < 0 || x->ndim == 0 || dim == x->ndim - 1;
  if (last) return t_is_contiguous(x) ? x : cast_copy(x, (DType)x->dtype);
  Window w = dim_last(x, dim);
  Tensor turned = window_tensor(x, &w);
  return cast_copy(&turned, (DType)x->dtype);
}

/* Where results of y are made: y itself, or a stand-in with dim last. */
static Tensor *made(Tensor *y, int dim, bool in_place, Tensor **back) {
  *back = NULL;
  if (in_place) return y;
  Window w = dim_last(y, dim);
  *back = y;
  return t_new((DType)y->dtype, w.ndim, w.shape);
}

Rows *rows_infer(Call *c, int dim, int64_t m, unsigned results, bool falling) {
  Tensor *x = c->x[0];
  DType d = call_promote(c, 0, 1);
  int64_t shape[T_MAXDIM];
  int ndim = 0;
  for (int i = 0; i < x->ndim && dim >= 0; i++) {
    if (i != dim)
      shape[ndim++] = x->shape[i];
    else if (!(results & ROWS_DROP))
      shape[ndim++] = m;
  }
  call_scratch(c, sizeof(Rows));
  Rows *r = c->scratch;
  *r = (Rows){.dim = dim, .n = rows_length(x, dim), .m = m};
  r->x = laid_out(x, dim);
  r->rows = x->numel == 0 && r->n == 0 ? 0 : x->numel / r->n;
  r->k = entries_of(d, r->n, falling);
  int at = 0;
  bool in_place = m == 1 || dim < 0 || x->ndim == 0 || dim == x->ndim - 1;
  if (results & ROWS_VALUES) {
    r->values = made(call_out(c, at++, d, ndim, shape), dim, in_place, &r->y_values);
  }
  if (results & ROWS_INDICES) {
    r->indices = made(call_out(c, at, T_I64, ndim, shape), dim, in_place, &r->y_indices);
  }
  int64_t each = 2 * (int64_t)entries_bytes(&r->k, r->n),
          threads = r->rows > 1 ? team_threads() : 1;
  int64_t bytes = r->x->numel > 0 ? each * threads : 0;
  r->each = (size_t)each;
  r->space = t_data(t_new(T_U8, 1, &bytes));
  return r;
}

typedef struct Job {
  const Rows *r;
  RowFn fn;
  const void *arg;
  int64_t group;
} Job;

static void part(void *job, int64_t i) {
  const Job *j = job;
  const Rows *r = j->r;
  char *space = r->space + r->each * (r->rows > 1 ? (size_t)team_self() : 0);
  int64_t end = (i + 1) * j->group < r->rows ? (i + 1) * j->group : r->rows;
  for (int64_t row = i * j->group; row < end; row++) j->fn(r, row, space, j->arg);
}

void rows_run(const Rows *r, RowFn fn, const void *arg) {
  if (r->rows == 0 || r->n == 0) return;
  Job j = {.r = r, .fn = fn, .arg = arg, .group = GRAIN / r->n + 1};
  team_run((r->rows + j.group - 1) / j.group, part, &j);
}

static void go_back(Tensor *y, const Tensor *made_in, int dim) {
  if (!y) return;
  Window w = dim_last(y, dim);
  Tensor turned = window_tensor(y, &w);
  cast_into(&turned, made_in);
}

void rows_end(const Rows *r) {
  go_back(r->y_values, r->values, r->dim);
  go_back(r->y_indices, r->indices, r->dim);
}
