/* The loop nest of pointwise ops. */
#include "iter.h"

#include <string.h>

#include "cast.h"
#include "../kernels/convert.h"
#include "plan.h"
#include "../machine/team.h"

enum {
  RUN = 1 << 10, /* elements a buffer holds */
  LONG = 64,     /* elements of a row that is worth a run of its own */
  FILLED = 512,  /* elements of a run where a value is written out */
  LINE = 64      /* bytes of a cache line */
};

int iter_broadcast(Call *c, int from, int to, int64_t *shape) {
  int ndim = 0;
  const Tensor *a = c->x[from], *b = c->x[to - 1];
  if (to - from == 2 && a && b && t_same_shape(a, b)) { /* the common case */
    for (int d = 0; d < a->ndim; d++) shape[d] = a->shape[d];
    return a->ndim;
  }
  for (int i = from; i < to; i++) {
    if (c->x[i] && c->x[i]->ndim > ndim) ndim = c->x[i]->ndim;
  }
  for (int d = 0; d < ndim; d++) shape[d] = 1;
  for (int i = from; i < to; i++) {
    Tensor *x = c->x[i];
    if (!x) continue;
    for (int d = 0; d < x->ndim; d++) {
      int64_t *s = &shape[ndim - x->ndim + d];
      if (x->shape[d] == *s || x->shape[d] == 1) continue;
      if (*s != 1) {
        int other = from;
        while (other < i && (!c->x[other] || c->x[other]->ndim < 1)) other++;
        t_fail("%s: shapes %s and %s do not go together: sizes %lld and %lld in dimension %d from "
               "the end (sizes must be equal, or one of them 1)",
               call_name(c), t_shape_str(c->x[other]), t_shape_str(x), (long long)*s,
               (long long)x->shape[d], x->ndim - d);
      }
      *s = x->shape[d];
    }
  }
  return ndim;
}

/* ---- the plan --------------------------------------------------------------------------------- */

static void operand_shape(Operand *o, const Tensor *t, const Plan *p) {
  o->dtype = (DType)t->dtype;
  o->size = (int64_t)dtype_size(o->dtype);
  int lead = p->ndim - t->ndim;
  for (int d = 0; d < p->ndim; d++) {
    bool here = d >= lead && t->shape[d - lead] != 1;
    o->stride[d] = here ? t->stride[d - lead] : 0;
  }
}

static void operand(Operand *o, const Tensor *t, const Plan *p) {
  operand_shape(o, t, p);
  o->data = t_data(t);
}

static void swap_dims(const Plan *p, Operand *const *all, int64_t *shape, int d, int e) {
  int64_t n = shape[d];
  shape[d] = shape[e];
  shape[e] = n;
  for (int i = 0; i <= p->nx; i++) {
    int64_t *stride = all[i]->stride, s = stride[d];
    stride[d] = stride[e];
    stride[e] = s;
  }
}

/* Puts dimensions into the order of y's memory, and joins neighbours that every operand walks as one. */
static void collapse(Plan *p) {
  Operand *all[ITER_IN + 1] = {&p->y};
  for (int i = 0; i < p->nx; i++) all[i + 1] = &p->x[i];
  for (int d = 1; d < p->ndim; d++) {
    for (int e = d; e > 0 && p->y.stride[e - 1] < p->y.stride[e]; e--) {
      swap_dims(p, all, p->shape, e - 1, e);
    }
  }
  int n = 0;
  for (int d = 0; d < p->ndim; d++) {
    if (p->shape[d] == 1) continue;
    bool join = n > 0;
    for (int i = 0; join && i <= p->nx; i++) {
      join = all[i]->stride[n - 1] == all[i]->stride[d] * p->shape[d];
    }
    if (join)
      p->shape[n - 1] *= p->shape[d];
    else
      p->shape[n++] = p->shape[d];
    for (int i = 0; i <= p->nx; i++) all[i]->stride[n - 1] = all[i]->stride[d];
  }
  p->ndim = n;
  for (int i = 0; i <= p->nx; i++) {
    Operand *o = all[i];
    o->dense = n == 0 || (n == 1 && o->stride[0] == 1);
    o->constant = true;
    int64_t want = 1;
    bool dense = true;
    for (int d = n - 1; d >= 0; d--) {
      if (o->stride[d] != 0) o->constant = false;
      if (o->stride[d] != want) dense = false;
      want *= p->shape[d];
    }
    o->dense = dense;
  }
}

/* ---- one part ---------------------------------------------------------------------------------- */

/* Walks elements at..at+n-1 (in output order) of a strided operand, row by row. */
typedef struct Walker {
  int64_t index[T_MAXDIM], offset;
} Walker;

static void walker_at(Walker *w, const Plan *p, const Operand *o, int64_t at) {
  w->offset = 0;
  for (int d = p->ndim - 1; d >= 0; d--) {
    w->index[d] = at % p->shape[d];
    at /= p->shape[d];
    w->offset += w->index[d] * o->stride[d];
  }
}

static void walker_step_row(Walker *w, const Plan *p, const Operand *o) {
  int d = p->ndim - 1;
  w->offset -= w->index[d] * o->stride[d];
  w->index[d] = 0;
  for (d--; d >= 0; d--) {
    w->offset += o->stride[d];
    if (++w->index[d] < p->shape[d]) return;
    w->offset -= p->shape[d] * o->stride[d];
    w->index[d] = 0;
  }
}

static void walker_step(Walker *w, const Plan *p, const Operand *o, int64_t n) {
  int last = p->ndim - 1;
  w->index[last] += n;
  w->offset += n * o->stride[last];
  if (w->index[last] == p->shape[last]) walker_step_row(w, p, o);
}

/* Moves whole rows at once, as many of n elements as lie in the last two dimensions from w on: how
   many elements that were. */
static int64_t move_rows(const Plan *p, const Operand *o, Walker *w, int64_t n, char *buffer,
                         bool in) {
  int last = p->ndim - 1;
  int64_t length = p->shape[last], rows = p->shape[last - 1] - w->index[last - 1];
  if (rows > n / length) rows = n / length;
  int kind = o->size == 1 ? 0 : o->size == 2 ? 1 : o->size == 4 ? 2 : 3;
  CopyBlock copy = SIMD_PICK(convert_kernels)->block[kind];
  char *there = o->data + w->offset * o->size;
  int64_t down = o->stride[last - 1], right = o->stride[last];
  if (in)
    copy(rows, length, buffer, length, 1, there, down, right);
  else
    copy(rows, length, there, down, right, buffer, length, 1);
  w->index[last - 1] += rows - 1;
  w->offset += (rows - 1) * down;
  walker_step_row(w, p, o);
  return rows * length;
}

/* Moves n elements between a strided operand (from element `at` on) and a buffer of type `as`. */
static void move(const Plan *p, const Operand *o, int64_t at, int64_t n, char *buffer, DType as,
                 bool in) {
  Walker w;
  walker_at(&w, p, o, at);
  int last = p->ndim - 1;
  int64_t size = (int64_t)dtype_size(as), step = last < 0 ? 0 : o->stride[last];
  while (n > 0) {
    int64_t row = last < 0 ? n : p->shape[last] - w.index[last];
    if (last > 0 && as == o->dtype && w.index[last] == 0 && 2 * row <= n) {
      row = move_rows(p, o, &w, n, buffer, in);
    } else {
      if (row > n) row = n;
      char *there = o->data + w.offset * o->size;
      if (in)
        cast_run(row, there, o->dtype, step, buffer, as, 1);
      else
        cast_run(row, buffer, as, 1, there, o->dtype, step);
      if (row < n) walker_step(&w, p, o, row);
    }
    buffer += row * size;
    n -= row;
  }
}

void plan_reader(Plan *p, const Tensor *x, DType as) {
  Tensor y = {.ndim = x->ndim, .dtype = (uint8_t)as};
  p->nx = 1;
  p->ndim = x->ndim;
  p->in = as;
  memcpy(p->shape, x->shape, sizeof p->shape);
  memcpy(y.shape, x->shape, sizeof y.shape);
  t_strides(x->ndim, x->shape, y.stride);
  operand_shape(&p->y, &y, p);
  operand(&p->x[0], x, p);
  collapse(p);
}

void plan_read(const Plan *p, int64_t at, int64_t n, void *buffer) {
  move(p, &p->x[0], at, n, buffer, p->in, true);
}

static void run_part(const Plan *p, int64_t at, int64_t end) {
  _Alignas(64) char buffers[ITER_IN + 1][RUN * PLAN_WIDE];
  const void *x[ITER_IN];
  int64_t in_size = (int64_t)dtype_size(p->in);
  bool direct[ITER_IN], y_direct = p->y.dense && p->y.dtype == p->out, all = y_direct;
  for (int i = 0; i < p->nx; i++) {
    const Operand *o = &p->x[i];
    direct[i] = o->dense && o->dtype == p->in;
    all = all && direct[i];
    if (o->constant && !direct[i]) {
      int64_t n = end - at < RUN ? end - at : RUN;
      cast_run(n, o->data, o->dtype, 0, buffers[i], p->in, 1);
    }
  }
  while (at < end) {
    int64_t n = end - at;
    if (!all && n > RUN) n = RUN;
    for (int i = 0; i < p->nx; i++) {
      const Operand *o = &p->x[i];
      if (direct[i]) {
        x[i] = o->data + at * in_size;
        continue;
      }
      x[i] = buffers[i];
      if (!o->constant) move(p, o, at, n, buffers[i], p->in, true);
    }
    void *y = y_direct ? p->y.data + at * p->y.size : buffers[ITER_IN];
    p->loop(n, y, x, p->arg);
    if (!y_direct) move(p, &p->y, at, n, y, p->out, false);
    at += n;
  }
}

/* An operand within one row, which begins at `there`: the loop is handed `at`, `step` bytes further
   for each element; where step is 0 that is the buffer, filled once or for each run. */
typedef struct RowOperand {
  char *there, *buffer, *at;
  const char *filled; /* what the buffer is full of */
  int64_t step;
  bool refill;
} RowOperand;

static void row_operand(RowOperand *r, const Plan *p, const Operand *o, int64_t offset, DType as) {
  int64_t stride = o->stride[p->ndim - 1];
  bool whole = o->dtype == as && stride == 1;
  r->there = o->data + offset * o->size;
  r->at = whole ? r->there : r->buffer;
  r->step = whole ? o->size : 0;
  r->refill = !whole && stride != 0;
}

/* The length of the first run of a row: up to where whole vectors of y stand on cache lines. */
static int64_t aligned_first(const Plan *p, int64_t n, const RowOperand *y) {
  int64_t past = (int64_t)((uintptr_t)y->at % LINE);
  bool off = y->step && p->run == FILLED && n >= FILLED && past && past % y->step == 0;
  return off ? (LINE - past) / y->step : p->run;
}

/* n elements of one row. */
static void run_row(const Plan *p, int64_t n, RowOperand *x, RowOperand *y) {
  const void *in[ITER_IN];
  int last = p->ndim - 1;
  int64_t y_step = p->y.stride[last];
  for (int i = 0; i < p->nx; i++) {
    if (x[i].step || x[i].refill || x[i].filled == x[i].there) continue;
    cast_run(p->run, x[i].there, p->x[i].dtype, 0, x[i].buffer, p->in, 1);
    x[i].filled = x[i].there;
  }
  int64_t m = aligned_first(p, n, y);
  for (int64_t k = 0; k < n; k += m, m = p->run) {
    if (m > n - k) m = n - k;
    for (int i = 0; i < p->nx; i++) {
      const Operand *o = &p->x[i];
      int64_t stride = o->stride[last];
      in[i] = x[i].at + k * x[i].step;
      if (x[i].refill)
        cast_run(m, x[i].there + k * stride * o->size, o->dtype, stride, x[i].buffer, p->in, 1);
    }
    p->loop(m, y->at + k * y->step, in, p->arg);
    if (!y->step)
      cast_run(m, y->buffer, p->out, 1, y->there + k * y_step * p->y.size, p->y.dtype, y_step);
  }
}

/* The same where rows are long: a run ends with its row, so that an operand that lies densely within
   a row (a broadcast row, a window) needs no buffer, and one that is constant there fills its buffer
   once a row. */
static void run_rows(const Plan *p, int64_t at, int64_t end) {
  _Alignas(64) char buffers[ITER_IN + 1][RUN * PLAN_WIDE];
  Walker w[ITER_IN + 1], *y_at = &w[ITER_IN];
  RowOperand row[ITER_IN + 1], *y = &row[ITER_IN];
  int last = p->ndim - 1;
  for (int i = 0; i <= ITER_IN; i++) row[i] = (RowOperand){.buffer = buffers[i]};
  for (int i = 0; i < p->nx; i++) walker_at(&w[i], p, &p->x[i], at);
  walker_at(y_at, p, &p->y, at);
  while (at < end) {
    int64_t n = p->shape[last] - y_at->index[last];
    if (n > end - at) n = end - at;
    for (int i = 0; i < p->nx; i++) row_operand(&row[i], p, &p->x[i], w[i].offset, p->in);
    row_operand(y, p, &p->y, y_at->offset, p->out);
    run_row(p, n, row, y);
    for (int i = 0; i < p->nx; i++) walker_step(&w[i], p, &p->x[i], n);
    walker_step(y_at, p, &p->y, n);
    at += n;
  }
}

static void part(void *job, int64_t i) {
  const Plan *p = job;
  int64_t at = i * PLAN_GRAIN, end = at + PLAN_GRAIN;
  (p->run ? run_rows : run_part)(p, at, end < p->numel ? end : p->numel);
}

/* The longest run of run_rows, or 0 where it saves no copy. */
static int64_t rows_pay(const Plan *p) {
  int last = p->ndim - 1;
  bool pays = !p->y.dense, constant = false;
  if (last < 1 || p->shape[last] < LONG) return 0;
  for (int i = 0; i < p->nx; i++) {
    if (!p->x[i].constant && !p->x[i].dense) pays = true;
    if (p->x[i].stride[last] == 0) constant = true;
  }
  int64_t most = constant ? FILLED : RUN;
  return !pays ? 0 : p->shape[last] < most ? p->shape[last] : most;
}

void iter_map(IterLoop loop, const void *arg, Tensor *y, DType out, int nx, Tensor *const *x,
              DType in) {
  if (y->numel == 0) return;
  bool plain = y->dtype == out && t_is_contiguous(y) && y->numel <= PLAN_GRAIN;
  for (int i = 0; plain && i < nx; i++) {
    plain = x[i]->dtype == in && x[i]->numel == y->numel && t_is_contiguous(x[i]);
  }
  if (plain) {
    const void *data[ITER_IN];
    for (int i = 0; i < nx; i++) data[i] = t_data(x[i]);
    loop(y->numel, t_data(y), data, arg);
    return;
  }
  Plan p;
  p.loop = loop;
  p.arg = arg;
  p.nx = nx;
  p.ndim = y->ndim;
  p.in = in;
  p.out = out;
  p.numel = y->numel;
  memcpy(p.shape, y->shape, sizeof p.shape);
  operand(&p.y, y, &p);
  for (int i = 0; i < nx; i++) operand(&p.x[i], x[i], &p);
  collapse(&p);
  if (tiles_map(&p)) return;
  p.run = rows_pay(&p);
  if (p.numel <= PLAN_GRAIN)
    part(&p, 0);
  else
    team_run((p.numel + PLAN_GRAIN - 1) / PLAN_GRAIN, part, &p);
}
