/* The loop nest of gather and scatter: lines along the last dimension, shared out to the team. */
#include "lines.h"

#include "../../machine/team.h"
#include "../shape/window.h"
#include "pick.h"

enum { GRAIN = 1 << 15 };

typedef struct Lines {
  Move move;
  const Tensor *at;
  Reach reach;
  char *tensor, *values;
  int64_t size, vstep; /* bytes of an element */
  Window place;        /* at's shape, with the tensor's strides in the other dimensions */
  int cut; /* parts are ranges of this dimension; in writing never dim: they cannot meet */
  int64_t chunk;
  bool *outside; /* set where a position lies outside */
} Lines;

/* ---- the loop nest ----------------------------------------------------------------------------- */

/* n elements along the last dimension. */
static void move_line(const Lines *l, int64_t n, int64_t place, int64_t at) {
  int64_t step = l->place.stride[l->at->ndim - 1];
  bool fits = true;
  for (int64_t i = 0, end; fits && (end = team_piece(i, n)) > i; i = end) {
    fits = l->move(end - i, l->tensor + (place + i * step) * l->size, step, &l->reach,
                   t_i64(l->at) + at + i, l->values + (at + i) * l->vstep * l->size, l->vstep);
  }
  if (!fits) __atomic_store_n(l->outside, true, __ATOMIC_RELAXED);
}

static void lines_part(void *job, int64_t part) {
  const Lines *l = job;
  int last = l->at->ndim - 1;
  int64_t lo[T_MAXDIM] = {0}, hi[T_MAXDIM], i[T_MAXDIM];
  for (int d = 0; d <= last; d++) hi[d] = l->at->shape[d];
  if (l->cut >= 0) {
    lo[l->cut] = part * l->chunk;
    if (lo[l->cut] + l->chunk < hi[l->cut]) hi[l->cut] = lo[l->cut] + l->chunk;
  }
  for (int d = 0; d <= last; d++) i[d] = lo[d];
  int64_t place = 0, at = 0;
  for (int d = 0; d <= last; d++) {
    place += lo[d] * l->place.stride[d];
    at += lo[d] * l->at->stride[d];
  }
  for (int d = last; d >= 0;) {
    move_line(l, hi[last] - lo[last], place, at);
    for (d = last - 1; d >= 0; d--) {
      place += l->place.stride[d];
      at += l->at->stride[d];
      if (++i[d] < hi[d]) break;
      place -= (hi[d] - lo[d]) * l->place.stride[d];
      at -= (hi[d] - lo[d]) * l->at->stride[d];
      i[d] = lo[d];
    }
  }
}

/* Drops dimensions of size 1, so that lines are long: [n,1] is a line of n. Returns where dim went; one
   that is dropped goes to -1. */
static int drop_ones(Tensor *at, Tensor *tensor, int dim) {
  int n = 0, kept = -1;
  for (int d = 0; d < at->ndim; d++) {
    if (at->shape[d] == 1) continue;
    if (d == dim) kept = n;
    at->shape[n] = at->shape[d];
    at->stride[n] = at->stride[d];
    tensor->stride[n++] = tensor->stride[d];
  }
  if (n == 0) { /* a single place */
    at->shape[n] = 1;
    at->stride[n] = tensor->stride[n] = 0;
    n++;
  }
  at->ndim = (uint8_t)n;
  return kept;
}

const char *lines_run(Move move, const Positions *p, int dim, const Tensor *tensor,
                      const Tensor *values, int64_t vstep, bool writes) {
  Tensor index = pick_row(p->at), whole = pick_row(tensor), *at = &index, *t = &whole;
  bool wrong = false;
  if (at->numel == 0) return NULL;
  Lines l = {.move = move,
             .at = at,
             .reach = {p->base, t->stride[dim], p->size},
             .tensor = t_data(t),
             .values = t_data(values),
             .outside = &wrong};
  const int along = dim;
  l.size = (int64_t)dtype_size((DType)t->dtype);
  l.vstep = vstep;
  dim = drop_ones(at, t, dim);
  l.place = window_of(at);
  l.cut = -1;
  for (int d = 0; d < at->ndim; d++) {
    l.place.stride[d] = d == dim ? 0 : t->stride[d];
    if (!(writes && d == dim) && (l.cut < 0 || at->shape[d] > at->shape[l.cut])) l.cut = d;
  }
  int64_t parts = 1;
  if (l.cut >= 0) {
    int64_t size = at->shape[l.cut];
    l.chunk = GRAIN / (at->numel / size) + 1;
    parts = (size + l.chunk - 1) / l.chunk;
  }
  team_run(parts, lines_part, &l);
  return wrong ? pick_outside(p, tensor, along) : NULL;
}

/* ---- checks ------------------------------------------------------------------------------------- */

Positions lines_check(const Call *c, const Tensor *x, const Tensor *index, int dim,
                      const Tensor *src) {
  Tensor row = pick_row(x), at = pick_row(index);
  bool fits = at.ndim == row.ndim;
  for (int d = 0; fits && d < row.ndim; d++) fits = d == dim || at.shape[d] <= row.shape[d];
  if (!fits) {
    t_fail("%s: the index is %s and x %s; it has as many dimensions and, but for dimension %d, no "
           "larger sizes",
           call_name(c), t_shape_str(index), t_shape_str(x), dim + 1);
  }
  fits = !src || src->ndim == 0 || src->ndim == at.ndim;
  for (int d = 0; fits && src && d < src->ndim; d++) fits = at.shape[d] <= src->shape[d];
  if (!fits) {
    t_fail("%s: the index is %s and src only %s", call_name(c), t_shape_str(index),
           t_shape_str(src));
  }
  return pick_checked(c, index, &row, dim, c->inplace ? PICK_HERE : PICK_LATER);
}
