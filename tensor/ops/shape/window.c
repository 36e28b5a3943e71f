/* Windows, and the closed set of ops that gradients of views are made of: window_get (read a
   window), window_put (replace one), window_add (put one into zeros).

   A window counts in elements of a contiguous tensor that starts at its storage's beginning. The
   tape also records windows of a root that is neither (a detached view): such a root's gradient is
   spread over a flat buffer in the order of its storage first, and read back from there. */
#include "window.h"

#include <string.h>

#include "../../calc.h"
#include "../../loop/cast.h"
#include "../../loop/copy.h"
#include "../../expect.h"

/* ---- geometry --------------------------------------------------------------------------------- */

Window window_of(const Tensor *x) {
  Window w = {.ndim = x->ndim, .offset = x->offset};
  memcpy(w.shape, x->shape, (size_t)x->ndim * sizeof *w.shape);
  memcpy(w.stride, x->stride, (size_t)x->ndim * sizeof *w.stride);
  return w;
}

Window window_whole(int ndim, const int64_t *shape) {
  Window w = {.ndim = ndim};
  memcpy(w.shape, shape, (size_t)ndim * sizeof *w.shape);
  t_strides(ndim, shape, w.stride);
  return w;
}

Tensor window_tensor(const Tensor *x, const Window *w) {
  Tensor t = {.dtype = x->dtype, .ndim = (uint8_t)w->ndim, .st = x->st, .offset = w->offset};
  t.numel = 1;
  for (int d = 0; d < w->ndim; d++) {
    t.shape[d] = w->shape[d];
    t.stride[d] = w->stride[d];
    t.numel *= w->shape[d];
  }
  return t;
}

void window_drop_dim(Window *w, int dim) {
  w->ndim--;
  for (int d = dim; d < w->ndim; d++) {
    w->shape[d] = w->shape[d + 1];
    w->stride[d] = w->stride[d + 1];
  }
}

void window_insert_dim(Window *w, int dim, int64_t size, int64_t stride) {
  if (w->ndim == T_MAXDIM) t_fail("a tensor has at most %d dimensions", T_MAXDIM);
  for (int d = w->ndim++; d > dim; d--) {
    w->shape[d] = w->shape[d - 1];
    w->stride[d] = w->stride[d - 1];
  }
  w->shape[dim] = size;
  w->stride[dim] = stride;
}

void window_cut(Window *w, int dim, int64_t start, int64_t count, int64_t step) {
  if (count > 0) w->offset += start * w->stride[dim];
  if (count < 2) step = 1; /* it may be any number, and leads nowhere */
  w->shape[dim] = count;
  w->stride[dim] *= step;
}

/* ---- view ops --------------------------------------------------------------------------------- */

void carve_infer(Call *c, Carve carve) {
  Window w = window_of(c->x[0]);
  carve(c, &w);
  call_view(c, w.ndim, w.shape, w.stride, w.offset);
}

static bool is_single_or_double(const Tensor *x) { return x->dtype == T_F32 || x->dtype == T_F64; }

/* Adds g to sum at w; false where elements would meet or the types are not added. */
static bool add_at(Tensor *sum, const Tensor *g, const Window *w) {
  Tensor there = window_tensor(sum, w);
  bool plain = t_is_contiguous(sum) && is_single_or_double(sum) && is_single_or_double(g);
  if (!plain || t_overlaps_itself(&there)) return false;
  there.offset += sum->offset;
  t_add_into(&there, g);
  return true;
}

/* Many views of one tensor (its rows, its chunks) add to one gradient, each at its own place. */
void carve_grad(Call *c, Tensor *const *gy, Tensor **gx, Carve carve) {
  const Tensor *x = c->x[0];
  Window w = window_whole(x->ndim, x->shape);
  carve(c, &w);
  if (c->gathered && add_at(c->gathered, gy[0], &w)) return;
  gx[0] = window_add(gy[0], x->ndim, x->shape, &w);
}

/* ---- as recorded ops -------------------------------------------------------------------------- */

static Tensor *apply(Call *c, int attr, const Window *w) {
  c->attr[attr] = attr_of_ints(w->ndim, w->shape);
  c->attr[attr + 1] = attr_of_ints(w->ndim, w->stride);
  c->attr[attr + 2] = attr_of_int(w->offset);
  op_apply(c);
  return c->y[0];
}

Tensor *window_add(Tensor *g, int ndim, const int64_t *shape, const Window *w) {
  static const Op *op;
  if (!op) op = op_find("window_add");
  Call c;
  call_begin(&c, op);
  c.x[0] = g;
  c.attr[0] = attr_of_ints(ndim, shape);
  return apply(&c, 1, w);
}

Tensor *window_get(Tensor *x, const Window *w) {
  static const Op *op;
  if (!op) op = op_find("window_get");
  Call c;
  call_begin(&c, op);
  c.x[0] = x;
  return apply(&c, 0, w);
}

Tensor *window_put(Tensor *x, Tensor *values, const Window *w) {
  static const Op *op;
  if (!op) op = op_find("window_put");
  Call c;
  call_begin(&c, op);
  c.x[0] = x;
  c.x[1] = values;
  return apply(&c, 0, w);
}

static Window window_attr(const Call *c, int attr) {
  Window w = {.ndim = c->attr[attr].n, .offset = c->attr[attr + 2].i};
  for (int d = 0; d < w.ndim; d++) {
    w.shape[d] = c->attr[attr].v[d];
    w.stride[d] = c->attr[attr + 1].v[d];
  }
  return w;
}

static void check_window(const Call *c, const Window *w, int64_t numel) {
  int64_t lo = w->offset, hi = w->offset;
  for (int d = 0; d < w->ndim; d++) {
    if (w->shape[d] == 0) return;
    int64_t reach = w->stride[d] * (w->shape[d] - 1);
    *(reach < 0 ? &lo : &hi) += reach;
  }
  if (lo < 0 || hi >= numel) {
    t_fail("%s: the window %s reaches beyond the tensor's %lld elements", call_name(c),
           t_dims_str(w->ndim, w->shape), (long long)numel);
  }
}

static void expect_window(const Call *c, int attr) {
  if (c->attr[attr].n != c->attr[attr + 1].n) {
    t_fail("%s: a size and a stride for each dimension are wanted", call_name(c));
  }
  if (c->attr[attr + 2].i < 0 || c->attr[attr + 2].i > (int64_t)1 << 47) {
    t_fail("%s: offset %lld", call_name(c), (long long)c->attr[attr + 2].i);
  }
}

static void as_strided_expects(const Call *c) { expect_window(c, 0); }

static void as_strided_scatter_expects(const Call *c) {
  expect_window(c, 0);
  if (c->x[1]->ndim > 0) expect_shape(c, 1, c->attr[0].n, c->attr[0].v);
}

static void window_add_expects(const Call *c) {
  expect_window(c, 1);
  expect_shape(c, 0, c->attr[1].n, c->attr[1].v);
}

/* ---- roots ------------------------------------------------------------------------------------ */

static bool is_plain(const Tensor *x) { return x->offset == 0 && t_is_contiguous(x); }

/* Where a root's own elements lie, counted from the first of them in its storage; moves w along.
   Returns how many places they span. */
static int64_t root_span(const Tensor *root, Window *own, Window *w) {
  int64_t lo = root->offset, hi = root->offset;
  for (int d = 0; d < root->ndim; d++) {
    int64_t reach = root->stride[d] * (root->shape[d] - 1);
    *(reach < 0 ? &lo : &hi) += reach;
  }
  *own = window_of(root);
  own->offset -= lo;
  w->offset -= lo;
  return hi - lo + 1;
}

/* ---- window_get: the window, as a view ---------------------------------------------------------- */

static void window_get_infer(Call *c) {
  if (!is_plain(c->x[0])) c->x[0] = cast_copy(c->x[0], (DType)c->x[0]->dtype);
  Window w = window_attr(c, 0);
  check_window(c, &w, c->x[0]->numel);
  call_view(c, w.ndim, w.shape, w.stride, w.offset);
}

static void window_get_grad(Call *c, Tensor *const *gy, Tensor **gx) {
  const Tensor *root = c->x[0];
  Tensor *g = gy[0]->dtype >= T_F16 ? t_cast(gy[0], T_F32) : gy[0]; /* places may add up */
  Window w = window_attr(c, 0), own;
  if (is_plain(root) || root->numel == 0) {
    gx[0] = window_add(g, root->ndim, root->shape, &w);
    return;
  }
  int64_t span = root_span(root, &own, &w);
  gx[0] = window_get(window_add(g, 1, &span, &w), &own);
}

/* ---- window_put: a copy of x with the window replaced ---------------------------------- */

static void window_put_infer(Call *c) {
  Tensor *x = c->x[0];
  Window w = window_attr(c, 0);
  check_window(c, &w, x->numel);
  call_out(c, 0, (DType)x->dtype, x->ndim, x->shape);
}

static const char *window_put_run(Call *c) {
  Window w = window_attr(c, 0);
  Tensor y = window_tensor(c->y[0], &w);
  cast_into(c->y[0], c->x[0]);
  cast_into(&y, c->x[1]);
  return NULL;
}

static void window_put_grad(Call *c, Tensor *const *gy, Tensor **gx) {
  const Tensor *root = c->x[0];
  Tensor *g = gy[0];
  Window w = window_attr(c, 0), own;
  bool plain = is_plain(root) || root->numel == 0;
  if (!plain) {
    int64_t span = root_span(root, &own, &w);
    g = window_put(t_zeros((DType)g->dtype, 1, &span), g, &own);
  }
  if (c->want[0]) {
    Tensor *rest = window_put(g, t_num(0), &w);
    gx[0] = plain ? rest : window_get(rest, &own);
  }
  if (c->want[1]) gx[1] = window_get(g, &w);
}

/* ---- window_add: zeros of a shape, with x added at the window ------------------------------------ */

static void window_add_infer(Call *c) {
  const Attr *shape = &c->attr[0];
  Window w = window_attr(c, 1);
  Tensor *y = call_out(c, 0, (DType)c->x[0]->dtype, shape->n, shape->v);
  check_window(c, &w, y->numel);
  Tensor t = window_tensor(y, &w);
  if (!t_overlaps_itself(&t)) return;
  if (y->dtype != T_F32 && y->dtype != T_F64) {
    t_fail("%s: sums of %s are not computed; x:float() converts", call_name(c),
           dtype_name((DType)y->dtype));
  }
  call_contiguous(c, 0);
}

/* n elements of x from `from` on, added to y's from `place` on, `step` apart. */
static void add_run(Tensor *y, int64_t place, int64_t step, const Tensor *x, int64_t from,
                    int64_t n) {
  if (y->dtype == T_F64) {
    double *o = t_f64(y) + place;
    const double *v = t_f64(x) + from;
    for (int64_t i = 0; i < n; i++) o[i * step] += v[i];
  } else {
    float *o = t_f32(y) + place;
    const float *v = t_f32(x) + from;
    for (int64_t i = 0; i < n; i++) o[i * step] += v[i];
  }
}

/* Places that several elements share get their sum, in the order of x. */
static void add_overlapping(Tensor *y, const Window *w, const Tensor *x) {
  int64_t at[T_MAXDIM] = {0}, place = w->offset, last = w->ndim - 1;
  int64_t run = w->ndim > 0 ? w->shape[last] : 1, step = w->ndim > 0 ? w->stride[last] : 0;
  for (int64_t i = 0; i < x->numel; i += run) {
    add_run(y, place, step, x, i, run);
    for (int64_t d = last - 1; d >= 0; d--) {
      place += w->stride[d];
      if (++at[d] < w->shape[d]) break;
      place -= w->stride[d] * w->shape[d];
      at[d] = 0;
    }
  }
}

static const char *window_add_run(Call *c) {
  Tensor *y = c->y[0];
  Window w = window_attr(c, 1);
  Tensor t = window_tensor(y, &w);
  copy_zeros(t_data(y), (size_t)y->numel * dtype_size((DType)y->dtype));
  if (t_overlaps_itself(&t))
    add_overlapping(y, &w, c->x[0]);
  else
    cast_into(&t, c->x[0]);
  return NULL;
}

static void window_add_grad(Call *c, Tensor *const *gy, Tensor **gx) {
  Window w = window_attr(c, 1);
  gx[0] = window_get(gy[0], &w);
}

/* ---- the rows ---------------------------------------------------------------------------------- */

static Op rows[] = {
    {.sig = "window_get(x: tensor, size: ints, stride: ints, offset: int) -> y: tensor",
     .doc = "The window of a contiguous tensor that these strides show, from an offset in elements "
            "from 0: how the gradient of a view that was written to is found.",
     .test = "{{randn(3,4), {2,3}, {4,1}, 1}, {randn(6), {3,2}, {1,2}, 0}, {randn(4), {2,4}, "
             "{0,1}, 0}}",
     .ref = "reference.as_strided",
     .flags = OP_VIEW | OP_HIDDEN,
     .expects = as_strided_expects,
     .infer = window_get_infer,
     .grad = window_get_grad},
    {.sig = "window_put(x: tensor, values: tensor, size: ints, stride: ints, offset: int) "
            "-> y: tensor",
     .doc = "A copy of a contiguous tensor with a window of it replaced, see window_get.",
     .test = "{{randn(3,4), randn(2,3), {2,3}, {4,1}, 1}, {randn(6), randn(3,2), {3,2}, {1,3}, 0}}",
     .ref = "reference.as_strided_scatter",
     .flags = OP_HIDDEN,
     .expects = as_strided_scatter_expects,
     .infer = window_put_infer,
     .run = window_put_run,
     .grad = window_put_grad},
    {.sig = "window_add(x: tensor, shape: ints, size: ints, stride: ints, offset: int) -> y: "
            "tensor",
     .doc = "Zeros of a shape with x added at a window of it, see window_get.",
     .test = "{{randn(2,3), {3,4}, {2,3}, {4,1}, 1}, {randn(2,4), {4}, {2,4}, {0,1}, 0}}",
     .ref = "reference.window_add",
     .flags = OP_HIDDEN,
     .expects = window_add_expects,
     .infer = window_add_infer,
     .run = window_add_run,
     .grad = window_add_grad},
};

FAMILY_PART(shape, window, rows);
