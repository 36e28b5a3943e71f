/* Choosing by masks: where, masked_fill, nonzero. */
#include "../../calc.h"
#include "../../loop/cast.h"
#include "../../loop/iter.h"
#include "../../kernels/index.h"
#include "../../store.h"
#include "../../machine/team.h"
#include "index.h"

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
static void where_infer(Call *c) {
  int64_t shape[T_MAXDIM];
  want_mask(c, 0);
  int ndim = iter_broadcast(c, 0, 3, shape);
  const Tensor *a = c->x[1], *b = c->x[2];
  bool same = a->dtype == b->dtype && !a->weak && !b->weak;
  DType d = same ? (DType)a->dtype : call_promote(c, 1, 3);
  call_out(c, 0, d, ndim, shape);
}

static const char *where_run(Call *c) {
  choose(c->y[0], c->x[0], c->x[1], c->x[2]);
  return NULL;
}

static void where_grad(Call *c, Tensor *const *gy, Tensor **gx) {
  if (c->want[1]) gx[1] = t_where(c->x[0], gy[0], t_num(0));
  if (c->want[2]) gx[2] = t_where(c->x[0], t_num(0), gy[0]);
}

/* Inputs: x, mask, value. */
static void masked_fill_infer(Call *c) {
  int64_t shape[T_MAXDIM];
  DType d = (DType)c->x[0]->dtype;
  if (c->x[2]->ndim > 0) {
    t_fail("masked_fill: the value is %s; a single one is wanted (where takes tensors)",
           t_shape_str(c->x[2]));
  }
  want_mask(c, 1);
  store_check("masked_fill", d, c->x[2]);
  int ndim = iter_broadcast(c, 0, 2, shape);
  call_out(c, 0, d, ndim, shape);
}

static const char *masked_fill_run(Call *c) {
  choose(c->y[0], c->x[1], c->x[2], c->x[0]);
  return NULL;
}

static void masked_fill_grad(Call *c, Tensor *const *gy, Tensor **gx) {
  if (c->want[0]) gx[0] = t_where(c->x[1], t_num(0), gy[0]);
  if (c->want[2]) gx[2] = t_where(c->x[1], gy[0], t_num(0));
}

/* ---- nonzero ------------------------------------------------------------------------------------ */

/* The places where a contiguous mask holds, in pieces of GRAIN elements. */
typedef struct Holds {
  const Tensor *mask;
  int64_t *first;     /* [pieces + 1]: how many there are in a piece, then how many before it */
  int64_t *out, base; /* [n, ndim], counted from base */
} Holds;

static int64_t pieces_of(const Tensor *mask) { return (mask->numel + GRAIN - 1) / GRAIN; }

static void count_part(void *job, int64_t part) {
  const Holds *h = job;
  const uint8_t *m = t_data(h->mask);
  int64_t n = 0, end = (part + 1) * GRAIN < h->mask->numel ? (part + 1) * GRAIN : h->mask->numel;
  for (int64_t i = part * GRAIN; i < end; i++) n += m[i] != 0;
  h->first[part] = n;
}

static void list_part(void *job, int64_t part) {
  const Holds *h = job;
  const Tensor *mask = h->mask;
  const uint8_t *m = t_data(mask);
  const int last = mask->ndim - 1;
  const int64_t ndim = mask->ndim, size = ndim ? mask->shape[last] : 1;
  int64_t i = part * GRAIN;
  int64_t at[T_MAXDIM] = {0}, *out = h->out + h->first[part] * ndim;
  const int64_t *stop = h->out + h->first[part + 1] * ndim;
  for (int64_t d = last, left = i; d >= 0; left /= mask->shape[d--]) at[d] = left % mask->shape[d];
  for (int d = 0; d < last; d++) at[d] += h->base;
  while (out <
         stop) { /* a row; every place is written down, and written over where it does not hold */
    for (int64_t j = at[last < 0 ? 0 : last]; j < size && out < stop; j++) {
      for (int d = 0; d < last; d++) out[d] = at[d];
      out[last] = j + h->base;
      out += ndim & -(int64_t)(m[i++] != 0); /* without a jump, which nothing could foretell */
    }
    at[last] = 0;
    for (int d = last - 1; d >= 0; d--) {
      if (++at[d] < mask->shape[d] + h->base) break;
      at[d] = h->base;
    }
  }
}

/* Counts; how many there are is first[pieces]. */
static Holds holds_of(const Tensor *mask) {
  int64_t pieces = pieces_of(mask), size = pieces + 1, n = 0;
  Holds h = {.mask = mask, .first = t_i64(t_zeros(T_I64, 1, &size))};
  team_run(pieces, count_part, &h);
  for (int64_t i = 0; i <= pieces; i++) {
    int64_t here = h.first[i];
    h.first[i] = n;
    n += here;
  }
  return h;
}

static void list_positions(Holds *h, int64_t *out, int64_t base) {
  h->out = out;
  h->base = base;
  team_run(pieces_of(h->mask), list_part, h);
}

Tensor *mask_positions(const Tensor *mask) {
  const Tensor *m = t_is_contiguous(mask) ? mask : cast_copy(mask, T_BOOL);
  Holds h = holds_of(m);
  if (team_was_cut()) return t_new(T_I64, 2, (int64_t[]){0, m->ndim});
  Tensor *out = t_new(T_I64, 2, (int64_t[]){h.first[pieces_of(m)], m->ndim});
  list_positions(&h, t_i64(out), 0);
  return out;
}

static void nonzero_infer(Call *c) {
  call_want(c, 0, T_BOOL);
  call_scratch(c, sizeof(Holds));
  Holds *h = c->scratch;
  *h = holds_of(c->x[0]);
  int64_t shape[2] = {team_was_cut() ? 0 : h->first[pieces_of(c->x[0])], c->x[0]->ndim};
  call_out(c, 0, T_I64, 2, shape);
}

static const char *nonzero_run(Call *c) {
  list_positions(c->scratch, t_i64(c->y[0]), T_BASE);
  return NULL;
}

static void masked_select(Call *c) {
  int64_t shape[T_MAXDIM];
  int ndim = iter_broadcast(c, 0, 2, shape);
  Tensor *mask = c->x[1];
  if (mask->dtype != T_BOOL) {
    t_fail("masked_select: the mask is %s; x:gt(0) and its like make masks",
           dtype_name((DType)mask->dtype));
  }
  int64_t one = 1;
  if (ndim == 0) shape[ndim++] = one;
  Tensor *x = t_expand(c->x[0], ndim, shape);
  mask = t_expand(mask, ndim, shape);
  c->y[0] = index_get(x, 1, &mask);
}

static void argwhere(Call *c) { c->y[0] = t_op1("nonzero_table", c->x[0]); }

static void nonzero(Call *c) {
  Tensor *x = c->x[0];
  if (!c->attr[0].i) {
    argwhere(c);
    return;
  }
  if (x->ndim == 0) x = t_unsqueeze(x, 0);
  Tensor *table = t_op1("nonzero_table", x);
  call_results(c, x->ndim);
  for (int d = 0; d < x->ndim; d++) c->y[d] = t_op1("contiguous", t_select(table, 1, d));
}

/* ---- the rows ---------------------------------------------------------------------------------- */

static Op rows[] = {
    {.sig = "masked_select(x: tensor, mask: tensor) -> y: tensor",
     .doc = "The elements of x where the mask holds, as one row; x and mask broadcast.",
     .example = "tensor{1, 5, 2}:masked_select(tensor{1, 5, 2}:gt(1)) --> int64 [2]  5  2",
     .test = "{{randn(2,3), mask(2,3)}, {randn(2,3), mask(3)}}",
     .ref = "reference.masked_select",
     .compose = masked_select},
    {.sig = "masked_fill(x: tensor, mask: tensor, value: tensor) -> y: tensor",
     .doc = "x with a single value where the mask holds; x and mask broadcast.",
     .example = "x = tensor{-1, 2, -3}\n"
                "x:masked_fill(x:lt(0), 0) --> int64 [3]  0  2  0",
     .test = "{{randn(2,3), mask(2,3), 1.5}, {randn(2,3), mask(3), tensor(2.5)}}",
     .ref = "each: y and z or x",
     .flags = OP_INPLACE,
     .save = SAVE_X(1),
     .infer = masked_fill_infer,
     .run = masked_fill_run,
     .grad = masked_fill_grad},
    {.sig = "where(condition: tensor, x: tensor, y: tensor) -> z: tensor",
     .doc = "x where the condition holds (is not 0), y elsewhere; all broadcast, x and y may be "
            "numbers.",
     .example = "x = tensor{-1, 2, -3}\n"
                "tensor.where(x:gt(0), x, -10 * x) --> int64 [3]  10  2  30",
     .test = "{{mask(2,3), randn(2,3), randn(2,3)}, {mask(3), randn(2,3), 1.5}, {mask(2,1), "
             "randn(3), randn(2,3)}}",
     .ref = "each: x and y or z",
     .save = SAVE_X(0),
     .infer = where_infer,
     .run = where_run,
     .grad = where_grad},
    {.sig = "nonzero_table(x: tensor) -> positions: index",
     .doc = "The positions of elements that are not 0: int64 [n, dimensions], see nonzero.",
     .test = "{{mask(2,3)}, {mask(5)}}",
     .ref = "reference.nonzero",
     .flags = OP_CONST | OP_HIDDEN,
     .infer = nonzero_infer,
     .run = nonzero_run},
    {.sig = "nonzero(x: tensor, as_tuple: bool=false) -> positions: index",
     .doc =
         "The positions of elements that are not 0: int64 [n, dimensions], in row-major order; or "
         "with as_tuple a list with the positions in each dimension, which indexes x.",
     .example = "tensor{0, 3, 4}:nonzero() --> int64 [2,1]\n  2\n  3",
     .test = "{{mask(2,3)}, {mask(5)}, {mask(2,3), true}}",
     .ref = "reference.nonzero",
     .flags = OP_CONST,
     .compose = nonzero},
    {.sig = "argwhere(x: tensor) -> positions: index",
     .doc = "The positions of elements that are not 0: int64 [n, dimensions], in row-major order.",
     .example = "tensor{{0, 3}, {4, 0}}:argwhere() --> int64 [2,2]\n"
                "  1  2\n"
                "  2  1",
     .test = "{{mask(2,3)}}",
     .ref = "reference.nonzero",
     .flags = OP_CONST,
     .compose = argwhere},
};

FAMILY_PART(index, masks, rows);
