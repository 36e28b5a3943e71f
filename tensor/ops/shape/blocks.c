/* Results put together from blocks of x that are moved as they are: reversing, rolling, repeating,
   padding. Each block is copied from a window of x to a window of y. */
#include <string.h>

#include "../../calc.h"
#include "../../loop/cast.h"
#include "../../machine/team.h"
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

/* ---- tile: rep with as many numbers as one likes ------------------------------------------------ */

static void tile(Call *c) {
  Attr *sizes = &c->attr[0];
  int lead = c->x[0]->ndim - sizes->n;
  if (lead > 0) {
    memmove(sizes->v + lead, sizes->v, sizes->n * sizeof *sizes->v);
    for (int d = 0; d < lead; d++) sizes->v[d] = 1;
    sizes->n += (uint8_t)lead;
  }
  c->y[0] = t_call("rep", "xl", c->x[0], sizes->n, sizes->v);
}

/* ---- repeat_interleave: inputs x, repeats; attribute dim ---------------------------------------- */

/* The same for every position: a new dimension, expanded and joined with its neighbour. */
static Tensor *repeat_all(Tensor *x, int dim, int64_t n) {
  int64_t shape[T_MAXDIM], wide[T_MAXDIM];
  if (n < 0) t_fail("repeat_interleave: %lld times; it is 0 or more", (long long)n);
  memcpy(shape, x->shape, sizeof shape);
  if (__builtin_mul_overflow(shape[dim], n, &shape[dim])) {
    t_fail("repeat_interleave: %lld times is more than can be counted", (long long)n);
  }
  x = t_unsqueeze(x, dim + 1);
  memcpy(wide, x->shape, sizeof wide);
  wide[dim + 1] = n;
  return t_reshape(t_expand(x, x->ndim, wide), x->ndim - 1, shape);
}

/* times: int64, a number for each position. */
static Tensor *repeat_each(Tensor *x, int dim, const Tensor *times) {
  int64_t n = 0, k = 0;
  for (int64_t i = 0; i < times->numel; i++) {
    int64_t here = t_i64(times)[i];
    if (here < 0) t_fail("repeat_interleave: %lld times; it is 0 or more", (long long)here);
    if (__builtin_add_overflow(n, here, &n)) n = INT64_MAX;
  }
  Tensor *at = t_new(T_I64, 1, &n);
  for (int64_t i = 0; i < times->numel; i++) {
    for (int64_t j = t_i64(times)[i]; j > 0; j--) t_i64(at)[k++] = i + T_BASE;
  }
  return t_call("index_select", "xix", x, (int64_t)dim, at);
}

static void repeat_interleave(Call *c) {
  Tensor *x = c->x[0], *times = c->x[1];
  if (!attr_given(c, 0) || x->ndim == 0) x = t_reshape(x, 1, &x->numel);
  int dim = attr_given(c, 0) ? (int)c->attr[0].i : 0;
  if (times->ndim > 1 || !dtype_is_int((DType)times->dtype) ||
      (times->ndim == 1 && times->numel != 1 && times->numel != x->shape[dim])) {
    t_fail("repeat_interleave: repeats are %s of %s; a whole number is wanted, or one for each of "
           "the %lld positions",
           dtype_name((DType)times->dtype), t_shape_str(times), (long long)x->shape[dim]);
  }
  times = cast_copy(times, T_I64);
  c->y[0] = times->numel == 1 ? repeat_all(x, dim, t_i64(times)[0]) : repeat_each(x, dim, times);
}

/* ---- turning ------------------------------------------------------------------------------------- */

static void need_dims(const Call *c, int n) {
  if (c->x[0]->ndim >= n) return;
  t_fail("%s: x is %s; %d dimension%s or more are wanted", call_name(c), t_shape_str(c->x[0]), n,
         n == 1 ? "" : "s");
}

static Tensor *flipped(Tensor *x, int64_t dim) { return t_call("flip", "xl", x, 1, &dim); }

static void fliplr(Call *c) {
  need_dims(c, 2);
  c->y[0] = flipped(c->x[0], 1);
}

static void flipud(Call *c) {
  need_dims(c, 1);
  c->y[0] = flipped(c->x[0], 0);
}

/* Attributes: k, dims. */
static void rot90(Call *c) {
  Tensor *x = c->x[0];
  const Attr *dims = &c->attr[1];
  need_dims(c, 2);
  if (dims->n != 2 || dims->v[0] == dims->v[1]) {
    t_fail("rot90: a plane has two different dimensions; %d were given", dims->n);
  }
  int a = (int)dims->v[0], b = (int)dims->v[1];
  switch ((c->attr[0].i % 4 + 4) % 4) {
  case 0: c->y[0] = t_op1("clone", x); break;
  case 1: c->y[0] = t_transpose(flipped(x, b), a, b); break;
  case 2: c->y[0] = flipped(flipped(x, a), b); break;
  default: c->y[0] = t_transpose(flipped(x, a), a, b);
  }
}

/* ---- the rows ---------------------------------------------------------------------------------- */

static Op rows[] = {
    {.sig = "flip(x: tensor, dims: dims) -> y: tensor",
     .doc = "A copy with the order of positions in these dimensions reversed.",
     .example = "tensor{1, 2, 3}:flip(1) --> int64 [3]  3  2  1",
     .test = "{{randn(2,3), 1}, {randn(2,3), {1,2}}, {randn(2,3,2), -1}}",
     .ref = "reference.flip",
     .infer = flip_infer,
     .run = flip_run,
     .grad = flip_grad},
    {.sig = "roll(x: tensor, shifts: ints, dims: dims?) -> y: tensor",
     .doc = "A copy with positions moved on by shifts; what leaves at the end comes in at the "
            "start. Without dims all elements are one row.",
     .example = "tensor{1, 2, 3, 4}:roll(1) --> int64 [4]  4  1  2  3",
     .test = "{{randn(2,3), 2}, {randn(2,3), -1, 2}, {randn(3,3), {1,2}, {1,-1}}}",
     .ref = "reference.roll",
     .infer = roll_infer,
     .run = roll_run,
     .grad = roll_grad},
    {.sig = "rep(x: tensor, sizes: sizes) -> y: tensor",
     .doc = "x laid out several times along each dimension; more numbers than dimensions add "
            "dimensions in front.",
     .example = "tensor{1, 2}:rep(2, 2) --> int64 [2,4]\n  1  2  1  2\n  1  2  1  2",
     .test = "{{randn(2,3), {2,1}}, {randn(3), {2,2}}, {randn(2,1), {1,3}}}",
     .ref = "reference.rep",
     .infer = rep_infer,
     .run = rep_run,
     .grad = rep_grad},
    {.sig = "tile(x: tensor, dims: sizes) -> y: tensor",
     .doc = "x laid out several times along its last dimensions, as NumPy does; see rep.",
     .example = "tensor{1, 2}:tile(2, 2) --> int64 [2,4]\n"
                "  1  2  1  2\n"
                "  1  2  1  2",
     .test = "{{randn(2,3), {2}}, {randn(3), {2,2}}, {randn(2,1), {1,3}}}",
     .ref = "reference.tile",
     .compose = tile},
    {.sig = "repeat_interleave(x: tensor, repeats: list, dim: dim?) -> y: tensor",
     .doc = "Every position of a dimension several times in a row, all equally often or each as a "
            "list says. Without dim all elements are one row.",
     .example = "tensor{7, 8}:repeat_interleave{1, 2} --> int64 [3]  7  8  8",
     .test = "{{randn(2,3), 2}, {randn(2,3), 2, 1}, {randn(2,3), 3, -1}, {randn(2,3), {2,0,1}, 2}, "
             "{randn(3), tensor{0,2,1}}}",
     .ref = "reference.repeat_interleave",
     .compose = repeat_interleave},
    {.sig = "fliplr(x: tensor) -> y: tensor",
     .doc = "A copy with the columns in reverse order.",
     .example = "tensor{{1, 2}, {3, 4}}:fliplr() --> int64 [2,2]\n"
                "  2  1\n"
                "  4  3",
     .test = "{{randn(2,3)}, {randn(2,3,2)}}",
     .ref = "reference.fliplr",
     .compose = fliplr},
    {.sig = "flipud(x: tensor) -> y: tensor",
     .doc = "A copy with the rows in reverse order.",
     .example = "tensor{{1, 2}, {3, 4}}:flipud() --> int64 [2,2]\n"
                "  3  4\n"
                "  1  2",
     .test = "{{randn(2,3)}, {randn(3)}}",
     .ref = "reference.flipud",
     .compose = flipud},
    {.sig = "rot90(x: tensor, k: int=1, dims: dims=[1,2]) -> y: tensor",
     .doc = "A copy turned k times by 90 degrees in the plane of two dimensions, from the first to "
            "the second.",
     .example = "tensor{{1, 2}, {3, 4}}:rot90() --> int64 [2,2]\n  2  4\n  1  3",
     .test = "{{randn(2,3)}, {randn(2,3), -1}, {randn(2,3), 2}, {randn(2,3,2), 3, {1,-1}}}",
     .ref = "reference.rot90",
     .compose = rot90},
};

FAMILY_PART(shape, blocks, rows);
