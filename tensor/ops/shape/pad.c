/* Padding: a value around a tensor, or its own elements mirrored, repeated or continued. */
#include "../../calc.h"
#include "../../store.h"
#include "shape.h"

enum { CONSTANT, REFLECT, REPLICATE, CIRCULAR }; /* as in the signature */

/* How much is added before and after dimension d; the list goes from the last dimension. */
static int64_t before(const Call *c, int ndim, int d) {
  int i = 2 * (ndim - 1 - d);
  return i < c->attr[0].n ? c->attr[0].v[i] : 0;
}
static int64_t after(const Call *c, int ndim, int d) {
  int i = 2 * (ndim - 1 - d) + 1;
  return i < c->attr[0].n ? c->attr[0].v[i] : 0;
}

/* The padded shape. */
static void padded(const Call *c, int64_t *shape) {
  const Tensor *x = c->x[0];
  const Attr *amounts = &c->attr[0];
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
}

/* ---- a value: attributes pad, value ---------------------------------------------------------------- */

static void constant_infer(Call *c) {
  const Tensor *x = c->x[0];
  int64_t shape[T_MAXDIM];
  padded(c, shape);
  store_check_number("pad", (DType)x->dtype, &c->attr[1], false);
  call_out(c, 0, (DType)x->dtype, x->ndim, shape);
}

static const char *constant_run(Call *c) {
  const Tensor *x = c->x[0];
  Window to = window_of(c->y[0]), from = window_of(x);
  store_number(c->y[0], &c->attr[1]);
  for (int d = 0; d < x->ndim; d++) {
    int64_t l = before(c, x->ndim, d), r = after(c, x->ndim, d);
    int64_t n = x->shape[d] + (l < 0 ? l : 0) + (r < 0 ? r : 0);
    window_cut(&from, d, l < 0 ? -l : 0, n > 0 ? n : 0, 1);
    window_cut(&to, d, l > 0 ? l : 0, n > 0 ? n : 0, 1);
  }
  shape_move(c->y[0], &to, x, &from);
  return NULL;
}

static void constant_grad(Call *c, Tensor *const *gy, Tensor **gx) {
  c->attr[1] = attr_of_int(0);
  gx[0] = shape_again(c, gy[0], true);
}

/* ---- x's own elements: attributes pad, mode, value --------------------------------------------------- */

/* Elements that go round are those that negative amounts leave. */
static int64_t cropped(int64_t amount, int64_t mode) {
  return mode == CIRCULAR && amount < 0 ? -amount : 0;
}

static void check_amounts(const Call *c, int d, int64_t mode) {
  const Tensor *x = c->x[0];
  int64_t l = before(c, x->ndim, d), r = after(c, x->ndim, d), most = l > r ? l : r;
  int64_t n = x->shape[d] - cropped(l, mode) - cropped(r, mode);
  int64_t limit = mode == REPLICATE ? INT64_MAX : n - (mode == REFLECT);
  if (most <= 0 || (n > 0 && most <= limit)) return;
  t_fail("pad: %lld more for dimension %d of %s; %s", (long long)most, d + 1, t_shape_str(x),
         n == 0            ? "there is nothing to repeat"
         : mode == REFLECT ? "a mirror image is shorter than the dimension"
                           : "it goes round at most once");
}

/* What stands before (at the end: after) the n elements of a dimension of x, `size` long. */
static Tensor *beside(Tensor *x, int d, int64_t size, bool end, int64_t mode) {
  int64_t n = x->shape[d], shape[T_MAXDIM];
  if (mode == CIRCULAR) return t_narrow(x, d, end ? 0 : n - size, size);
  if (mode == REFLECT) {
    Tensor *edge = t_narrow(x, d, end ? n - 1 - size : 1, size);
    Attr dims = attr_of_ints(1, (int64_t[]){d});
    return t_call("flip", "xa", edge, &dims);
  }
  for (int i = 0; i < x->ndim; i++) shape[i] = i == d ? size : x->shape[i];
  return t_expand(t_narrow(x, d, end ? n - 1 : 0, 1), x->ndim, shape);
}

/* x continued along dimension d, or cropped: where elements go round, before they do. */
static Tensor *continued(const Call *c, Tensor *x, int d, int64_t size, int64_t mode) {
  int64_t l = before(c, x->ndim, d), r = after(c, x->ndim, d), from = cropped(l, mode);
  if (mode == CIRCULAR) x = t_narrow(x, d, from, x->shape[d] - from - cropped(r, mode));
  Tensor *part[3];
  int n = 0;
  if (l > 0) part[n++] = beside(x, d, l, false, mode);
  part[n++] = x;
  if (r > 0) part[n++] = beside(x, d, r, true, mode);
  if (n > 1) x = t_cat(n, part, d);
  if (x->shape[d] == size) return x;
  return t_narrow(x, d, l < 0 ? -l : 0, size);
}

static void pad(Call *c) {
  Tensor *x = c->x[0];
  int64_t mode = c->attr[1].i, shape[T_MAXDIM];
  if (mode == CONSTANT) {
    Call f;
    call_begin(&f, op_need("constant_pad_nd"));
    f.x[0] = x;
    f.attr[0] = c->attr[0];
    f.attr[1] = c->attr[2];
    op_apply(&f);
    c->y[0] = f.y[0];
    return;
  }
  padded(c, shape);
  for (int d = 0; d < x->ndim; d++) check_amounts(c, d, mode);
  for (int d = 0; d < c->x[0]->ndim; d++) {
    if (before(c, x->ndim, d) || after(c, x->ndim, d)) x = continued(c, x, d, shape[d], mode);
  }
  c->y[0] = x == c->x[0] || x->base ? t_op1("clone", x) : x; /* never a view */
}

/* ---- the rows ---------------------------------------------------------------------------------- */

static Op rows[] = {
    {.sig = "pad(x: tensor, pad: ints, mode: string{constant|reflect|replicate|circular}=constant, "
            "value: scalar=0) -> y: tensor",
     .doc =
         "A copy with something around it: pad lists how much before and after the last "
         "dimension, then the one before it, and so on; negative amounts crop. What is added is "
         "value, or x mirrored at its edge, its edge repeated, or x continued from its other end "
         "(what the crop leaves of it).",
     .example = "tensor{1, 2, 3}:pad({2, 1}, 'reflect') --> int64 [6]  3  2  1  2  3  2",
     .test = "{{randn(2,3), {1,2}}, {randn(2,3), {1,0,0,2}, {value = 1.5}}, {randn(2,4), {-1,1}}, "
             "{randn(2,3), {2,1}, 'reflect'}, {randn(2,3), {4,0,1,2}, 'replicate'}, {randn(2,3), "
             "{2,-1,1,0}, 'circular'}}",
     .ref = "reference.pad",
     .compose = pad},
    {.sig = "constant_pad_nd(x: tensor, pad: ints, value: scalar=0) -> y: tensor",
     .doc = "A copy with a value around it, see pad.",
     .example = "tensor{1, 2}:constant_pad_nd({1, 2}, 9) --> int64 [5]  9  1  2  9  9",
     .test = "{{randn(2,3), {1,2}}, {randn(2,3), {1,0,0,2}, 1.5}, {randn(2,4), {-1,1}}}",
     .ref = "reference.constant_pad_nd",
     .infer = constant_infer,
     .run = constant_run,
     .grad = constant_grad},
};

FAMILY_PART(shape, pad, rows);
