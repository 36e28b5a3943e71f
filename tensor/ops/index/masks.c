/* Choosing by masks: where, masked_fill, nonzero. */
#include "../../calc.h"
#include "../../cast.h"
#include "../../iter.h"
#include "../../kernels/index.h"
#include "../../team.h"
#include "index.h"
#include "../../store.h"

/* A condition of another type holds where it is not 0. */
static void want_mask(Call *c, int i) {
  if (c->x[i]->dtype != T_BOOL) c->x[i] = cast_copy(c->x[i], T_BOOL);
}

/* An operand that is laid out like y, or a single element. */
typedef struct Side {
  const char *data;
  int64_t step;
  char one[8];
} Side;

typedef struct Choice {
  char *y;
  const uint8_t *mask;
  Side a, b;
  int64_t n, size; /* elements, bytes of one */
} Choice;

enum { GRAIN = 1 << 15 };

static bool lies_like(const Tensor *x, const Tensor *y) {
  return x->numel == y->numel && t_is_contiguous(x);
}

static bool read_side(Side *s, const Tensor *x, const Tensor *y) {
  s->step = x->numel != 1;
  if (s->step) {
    s->data = t_data(x);
    return x->dtype == y->dtype && lies_like(x, y);
  }
  cast_run(1, t_data(x), (DType)x->dtype, 1, s->one, (DType)y->dtype, 1);
  s->data = s->one;
  return true;
}

static void choose_part(void *job, int64_t part) {
  const Choice *c = job;
  int64_t at = part * GRAIN, n = c->n - at < GRAIN ? c->n - at : GRAIN, from = at * c->size;
  SIMD_PICK(index_loops)
      ->choose[__builtin_ctzl((size_t)c->size)](n, c->y + from, c->mask + at,
                                                c->a.data + c->a.step * from, c->a.step,
                                                c->b.data + c->b.step * from, c->b.step);
}

/* y = mask ? a : b, broadcast. */
static void choose(Tensor *y, Tensor *mask, Tensor *a, Tensor *b) {
  DType d = (DType)y->dtype;
  if (y->numel == 0) return;
  Choice c = {.y = t_data(y), .mask = t_data(mask), .n = y->numel, .size = (int64_t)dtype_size(d)};
  if (t_is_contiguous(y) && lies_like(mask, y) && read_side(&c.a, a, y) && read_side(&c.b, b, y)) {
    team_run((c.n + GRAIN - 1) / GRAIN, choose_part, &c);
    return;
  }
  Tensor *x[3] = {mask, a, b};
  iter_map(SIMD_PICK(index_loops)->where[__builtin_ctzl((size_t)c.size)], NULL, y, d, 3, x, d);
}

/* Inputs: condition, x, y. */
void where_infer(Call *c) {
  int64_t shape[T_MAXDIM];
  want_mask(c, 0);
  int ndim = iter_broadcast(c, 0, 3, shape);
  const Tensor *a = c->x[1], *b = c->x[2];
  bool same = a->dtype == b->dtype && !a->weak && !b->weak;
  DType d = same ? (DType)a->dtype : call_promote(c, 1, 3);
  call_out(c, 0, d, ndim, shape);
}

const char *where_run(Call *c) {
  choose(c->y[0], c->x[0], c->x[1], c->x[2]);
  return NULL;
}

void where_grad(Call *c, Tensor *const *gy, Tensor **gx) {
  if (c->want[1]) gx[1] = t_where(c->x[0], gy[0], t_num(0));
  if (c->want[2]) gx[2] = t_where(c->x[0], t_num(0), gy[0]);
}

/* Inputs: x, mask, value. */
void masked_fill_infer(Call *c) {
  int64_t shape[T_MAXDIM];
  DType d = (DType)c->x[0]->dtype;
  if (c->x[2]->numel != 1) {
    t_fail("masked_fill: the value is %s; a single one is wanted (where takes tensors)",
           t_shape_str(c->x[2]));
  }
  want_mask(c, 1);
  store_check("masked_fill", d, c->x[2]);
  int ndim = iter_broadcast(c, 0, 2, shape);
  call_out(c, 0, d, ndim, shape);
}

const char *masked_fill_run(Call *c) {
  choose(c->y[0], c->x[1], c->x[2], c->x[0]);
  return NULL;
}

void masked_fill_grad(Call *c, Tensor *const *gy, Tensor **gx) {
  if (c->want[0]) gx[0] = t_where(c->x[1], t_num(0), gy[0]);
  if (c->want[2]) gx[2] = t_where(c->x[1], gy[0], t_num(0));
}

/* ---- nonzero ------------------------------------------------------------------------------------ */

static int64_t count(const Tensor *mask) {
  const uint8_t *m = t_data(mask);
  int64_t n = 0;
  for (int64_t i = 0; i < mask->numel; i++) n += m[i] != 0;
  return n;
}

/* Writes the positions where a contiguous mask holds, counted from base: out is [n, ndim]. */
static void list_positions(const Tensor *mask, int64_t *out, int64_t base) {
  const uint8_t *m = t_data(mask);
  int64_t at[T_MAXDIM] = {0};
  for (int64_t i = 0; i < mask->numel; i++) {
    if (m[i]) {
      for (int d = 0; d < mask->ndim; d++) *out++ = at[d] + base;
    }
    for (int d = mask->ndim - 1; d >= 0; d--) {
      if (++at[d] < mask->shape[d]) break;
      at[d] = 0;
    }
  }
}

Tensor *mask_positions(const Tensor *mask) {
  const Tensor *m = t_is_contiguous(mask) ? mask : cast_copy(mask, T_BOOL);
  int64_t shape[2] = {count(m), m->ndim};
  Tensor *out = t_new(T_I64, 2, shape);
  list_positions(m, t_i64(out), 0);
  return out;
}

void nonzero_infer(Call *c) {
  call_want(c, 0, T_BOOL);
  int64_t shape[2] = {count(c->x[0]), c->x[0]->ndim};
  call_out(c, 0, T_I64, 2, shape);
}

const char *nonzero_run(Call *c) {
  list_positions(c->x[0], t_i64(c->y[0]), T_BASE);
  return NULL;
}
