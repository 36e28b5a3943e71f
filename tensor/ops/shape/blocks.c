/* Results put together from blocks of x that are moved as they are: reversing, rolling, repeating,
   padding. Each block is copied from a window of x to a window of y. */
#include <string.h>

#include "../../calc.h"
#include "../../cast.h"
#include "../../store.h"
#include "../../team.h"
#include "shape.h"
#include "window.h"

/* ---- flip -------------------------------------------------------------------------------------- */

static void flip_infer(Call *c) { shape_like_x(c); }

static const char *flip_run(Call *c) {
  const Tensor *x = c->x[0];
  Window to = window_of(c->y[0]), from = window_of(x);
  for (int i = 0; i < c->attr[0].n && x->ndim > 0 && x->numel > 0; i++) {
    int64_t d = c->attr[0].v[i];
    from.offset += (from.shape[d] - 1) * from.stride[d];
    from.stride[d] = -from.stride[d];
  }
  shape_move(c->y[0], &to, x, &from);
  return NULL;
}

static void flip_grad(Call *c, Tensor *const *gy, Tensor **gx) {
  gx[0] = shape_again(c, gy[0], false);
}

/* ---- roll: each rolled dimension is two pieces that change places ------------------------------ */

/* Attributes: shifts, dims (absent: all elements as one row). */
static void roll_infer(Call *c) {
  Attr *shifts = &c->attr[0];
  const Attr *dims = &c->attr[1];
  const Tensor *x = c->x[0];
  if (dims->tag == A_NONE) {
    if (shifts->n != 1) t_fail("roll: %d shifts without dims; one is wanted", shifts->n);
    call_contiguous(c, 0);
  } else if (shifts->n != dims->n) {
    t_fail("roll: %d shifts for %d dims; one for each is wanted", shifts->n, dims->n);
  }
  for (int i = 0; i < shifts->n && x->numel > 0 && x->ndim > 0; i++) {
    shifts->v[i] %= dims->tag == A_NONE ? x->numel : x->shape[dims->v[i]];
  }
  shape_like_x(c);
}

static const char *roll_run(Call *c) {
  const Tensor *x = c->x[0];
  const Attr *shifts = &c->attr[0], *dims = &c->attr[1];
  Window y = window_of(c->y[0]), from = window_of(x);
  int64_t shift[T_MAXDIM] = {0};
  if (x->numel == 0) return NULL;
  if (dims->tag == A_NONE) {
    y = window_whole(1, &x->numel);
    from.ndim = 1;
    from.shape[0] = x->numel;
    from.stride[0] = 1;
  }
  for (int i = 0; i < shifts->n && from.ndim > 0; i++) {
    int64_t d = dims->tag == A_NONE ? 0 : dims->v[i], n = from.shape[d];
    shift[d] = ((shift[d] + shifts->v[i]) % n + n) % n;
  }
  for (unsigned pieces = 0; pieces < 1u << from.ndim; pieces++) {
    Window to = y, part = from;
    bool empty = false;
    for (int d = 0; d < from.ndim; d++) {
      int64_t n = from.shape[d], head = n - shift[d];
      bool tail = pieces >> d & 1;
      empty = empty || (tail && shift[d] == 0);
      window_cut(&part, d, tail ? head : 0, tail ? shift[d] : head, 1);
      window_cut(&to, d, tail ? 0 : shift[d], tail ? shift[d] : head, 1);
    }
    if (!empty) shape_move(c->y[0], &to, x, &part);
  }
  return NULL;
}

static void roll_grad(Call *c, Tensor *const *gy, Tensor **gx) {
  gx[0] = shape_again(c, gy[0], true);
}

/* ---- rep: each repeated dimension is two, times and size ---------------------------------------- */

typedef struct Repeated {
  Window to, from;
  int times[T_MAXDIM], ntimes; /* which of to's dimensions count the copies */
} Repeated;

static void add_dim(Repeated *r, int64_t size, int64_t to, int64_t from) {
  if (r->to.ndim == T_MAXDIM) {
    t_fail("rep: this many dimensions cannot be repeated at once; repeat some first");
  }
  window_insert_dim(&r->to, r->to.ndim, size, to);
  window_insert_dim(&r->from, r->from.ndim, size, from);
}

/* x: its shape; the result's shape goes to shape. */
static Repeated repeated(const Call *c, const Tensor *x, int64_t *shape) {
  const Attr *sizes = &c->attr[0];
  Repeated r = {.from.offset = x->offset};
  int lead = sizes->n - x->ndim;
  if (lead < 0) {
    t_fail("rep: %s for a tensor of shape %s; a number for each dimension is wanted",
           t_dims_str(sizes->n, sizes->v), t_shape_str(x));
  }
  int64_t stride[T_MAXDIM];
  for (int d = 0; d < sizes->n; d++) {
    if (sizes->v[d] < 0) t_fail("rep: %lld times; it is 0 or more", (long long)sizes->v[d]);
    if (__builtin_mul_overflow(sizes->v[d], d < lead ? 1 : x->shape[d - lead], &shape[d])) {
      t_fail("rep: %lld times is more than can be counted", (long long)sizes->v[d]);
    }
  }
  t_strides(sizes->n, shape, stride);
  for (int d = 0; d < sizes->n; d++) {
    int64_t size = d < lead ? 1 : x->shape[d - lead];
    if (sizes->v[d] != 1) {
      r.times[r.ntimes++] = r.to.ndim;
      add_dim(&r, sizes->v[d], size * stride[d], 0);
    }
    if (size != 1) add_dim(&r, size, stride[d], x->stride[d - lead]);
  }
  return r;
}

static void rep_infer(Call *c) {
  int64_t shape[T_MAXDIM];
  repeated(c, c->x[0], shape);
  call_out(c, 0, (DType)c->x[0]->dtype, c->attr[0].n, shape);
}

static const char *rep_run(Call *c) {
  int64_t shape[T_MAXDIM];
  Repeated r = repeated(c, c->x[0], shape);
  shape_move(c->y[0], &r.to, c->x[0], &r.from);
  return NULL;
}

static void rep_grad(Call *c, Tensor *const *gy, Tensor **gx) {
  int64_t shape[T_MAXDIM], dims[T_MAXDIM];
  Repeated r = repeated(c, c->x[0], shape);
  for (int i = 0; i < r.ntimes; i++) dims[i] = r.times[i];
  Tensor *g = t_reshape(gy[0], r.to.ndim, r.to.shape);
  if (r.ntimes > 0) g = t_sum(g, r.ntimes, dims, false);
  gx[0] = t_reshape(g, c->x[0]->ndim, c->x[0]->shape);
}

/* ---- pad ---------------------------------------------------------------------------------------- */

/* How much is added before and after dimension d; the list goes from the last dimension. */
static int64_t before(const Call *c, int ndim, int d) {
  int i = 2 * (ndim - 1 - d);
  return i < c->attr[0].n ? c->attr[0].v[i] : 0;
}
static int64_t after(const Call *c, int ndim, int d) {
  int i = 2 * (ndim - 1 - d) + 1;
  return i < c->attr[0].n ? c->attr[0].v[i] : 0;
}

static void pad_infer(Call *c) {
  const Tensor *x = c->x[0];
  const Attr *amounts = &c->attr[0];
  int64_t shape[T_MAXDIM];
  if (amounts->n % 2 || amounts->n > 2 * x->ndim) {
    t_fail("pad: %s for a tensor of shape %s; two numbers for each padded dimension, the last "
           "dimension first",
           t_dims_str(amounts->n, amounts->v), t_shape_str(x));
  }
  for (int i = 0; i < amounts->n; i++) {
    int64_t a = amounts->v[i], most = (int64_t)1 << 56;
    if (a > most || a < -most) t_fail("pad: %lld is more than can be counted", (long long)a);
  }
  for (int d = 0; d < x->ndim; d++) {
    shape[d] = x->shape[d] + before(c, x->ndim, d) + after(c, x->ndim, d);
    if (shape[d] < 0) {
      t_fail("pad: %lld and %lld leave nothing of dimension %d, whose size is %lld",
             (long long)before(c, x->ndim, d), (long long)after(c, x->ndim, d), d + 1,
             (long long)x->shape[d]);
    }
  }
  store_check_number("pad", (DType)x->dtype, &c->attr[2], false);
  call_out(c, 0, (DType)x->dtype, x->ndim, shape);
}

static const char *pad_run(Call *c) {
  const Tensor *x = c->x[0];
  Window to = window_of(c->y[0]), from = window_of(x);
  store_number(c->y[0], &c->attr[2]);
  for (int d = 0; d < x->ndim; d++) {
    int64_t l = before(c, x->ndim, d), r = after(c, x->ndim, d);
    int64_t n = x->shape[d] + (l < 0 ? l : 0) + (r < 0 ? r : 0);
    window_cut(&from, d, l < 0 ? -l : 0, n > 0 ? n : 0, 1);
    window_cut(&to, d, l > 0 ? l : 0, n > 0 ? n : 0, 1);
  }
  shape_move(c->y[0], &to, x, &from);
  return NULL;
}

static void pad_grad(Call *c, Tensor *const *gy, Tensor **gx) {
  c->attr[2] = attr_of_int(0);
  gx[0] = shape_again(c, gy[0], true);
}

/* ---- repeat_interleave: a new dimension, expanded and joined with its neighbour ---------------- */

/* Attributes: repeats, dim (absent: of all elements as one row). */
static void repeat_interleave(Call *c) {
  Tensor *x = c->x[0];
  int64_t n = c->attr[0].i, shape[T_MAXDIM], wide[T_MAXDIM];
  if (n < 0) t_fail("repeat_interleave: %lld times; it is 0 or more", (long long)n);
  if (c->attr[1].tag == A_NONE || x->ndim == 0) x = t_reshape(x, 1, &x->numel);
  int dim = c->attr[1].tag == A_NONE ? 0 : (int)c->attr[1].i;
  memcpy(shape, x->shape, sizeof shape);
  if (__builtin_mul_overflow(shape[dim], n, &shape[dim])) {
    t_fail("repeat_interleave: %lld times is more than can be counted", (long long)n);
  }
  x = t_unsqueeze(x, dim + 1);
  memcpy(wide, x->shape, sizeof wide);
  wide[dim + 1] = n;
  c->y[0] = t_reshape(t_expand(x, x->ndim, wide), x->ndim - 1, shape);
}

/* ---- the rows ---------------------------------------------------------------------------------- */

static Op rows[] = {
    {.sig = "flip(x: tensor, dims: dims) -> y: tensor",
     .doc = "A copy with the order of positions in these dimensions reversed.",
     .test = "{{randn(2,3), 1}, {randn(2,3), {1,2}}, {randn(2,3,2), -1}}",
     .ref = "reference.flip",
     .infer = flip_infer,
     .run = flip_run,
     .grad = flip_grad},
    {.sig = "roll(x: tensor, shifts: ints, dims: dims?) -> y: tensor",
     .doc = "A copy with positions moved on by shifts; what leaves at the end comes in at the "
            "start. Without dims all elements are one row.",
     .test = "{{randn(2,3), 2}, {randn(2,3), -1, 2}, {randn(3,3), {1,2}, {1,-1}}}",
     .ref = "reference.roll",
     .infer = roll_infer,
     .run = roll_run,
     .grad = roll_grad},
    {.sig = "rep(x: tensor, sizes: sizes) -> y: tensor",
     .aliases = "tile",
     .doc = "x laid out several times along each dimension; more numbers than dimensions add "
            "dimensions in front.",
     .example = "tensor{1, 2}:rep(2, 2) --> int64 [2,4]\n  1  2  1  2\n  1  2  1  2",
     .test = "{{randn(2,3), {2,1}}, {randn(3), {2,2}}, {randn(2,1), {1,3}}}",
     .ref = "reference.rep",
     .infer = rep_infer,
     .run = rep_run,
     .grad = rep_grad},
    {.sig = "repeat_interleave(x: tensor, repeats: int, dim: dim?) -> y: tensor",
     .doc = "Every position of a dimension several times in a row. Without dim all elements are "
            "one row.",
     .test = "{{randn(2,3), 2}, {randn(2,3), 2, 1}, {randn(2,3), 3, -1}}",
     .ref = "reference.repeat_interleave",
     .compose = repeat_interleave},
    {.sig = "pad(x: tensor, pad: ints, mode: string{constant}=constant, value: scalar=0) -> y: "
            "tensor",
     .doc = "A copy with value around it: pad lists how much before and after the last dimension, "
            "then the one before it, and so on; negative amounts crop.",
     .test = "{{randn(2,3), {1,2}}, {randn(2,3), {1,0,0,2}, {value = 1.5}}, {randn(2,4), {-1,1}}}",
     .ref = "reference.pad",
     .infer = pad_infer,
     .run = pad_run,
     .grad = pad_grad},
};

FAMILY_PART(shape, blocks, rows);
