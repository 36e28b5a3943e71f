/* The poolings of kernels/pool as rows, over windows in the last one to three dimensions.
   max_windows keeps the places of its maxima; its gradient is max_windows_dx, whose gradient is the
   gather that picks them out again: a closed set. avg_windows is linear, and its gradient's gradient
   is itself. Their callers have checked the arguments. A stride of 0: adaptive windows, of which
   kernel_size says how many there are. */
#include "../../kernels/pool/pool.h"

#include "../../calc.h"
#include "../../loop/copy.h"

/* Attributes of all rows up to CEIL, then those of each pass. */
enum { KERNEL, STRIDE, PADDING, DILATION, CEIL };
enum { KEEP = CEIL + 1 };                  /* max_windows */
enum { PADDED = CEIL + 1, DIVISOR, SIZE }; /* averages; their gradient has SIZE */
enum { PLACES_SIZE = CEIL + 1 };           /* the rows that read places */

static int rank_of(const Call *c) { return c->attr[KERNEL].n; }

static const int64_t *last_sizes(const Call *c, const Tensor *x) {
  return x->shape + x->ndim - rank_of(c);
}

/* in, out: sizes of the windows' dimensions. */
static PoolShape shape_of(const Call *c, const int64_t *in, const int64_t *out, int64_t planes) {
  int n = rank_of(c);
  PoolShape s = {.planes = planes};
  for (int a = 0; a < 3; a++) {
    int i = a - (3 - n);
    s.axis[a] = i < 0 ? (PoolAxis){1, 1, 1, 1, 0, 1}
                      : (PoolAxis){.in = in[i],
                                   .out = out[i],
                                   .kernel = c->attr[KERNEL].v[i],
                                   .stride = c->attr[STRIDE].v[i],
                                   .pad = c->attr[PADDING].v[i],
                                   .dilation = c->attr[DILATION].v[i]};
  }
  return s;
}

static int64_t planes_of(const Call *c, const Tensor *x) {
  int64_t n = 1;
  for (int d = 0; d < x->ndim - rank_of(c); d++) n *= x->shape[d];
  return n;
}

/* ---- shapes ------------------------------------------------------------------------------------------- */

static int64_t out_size(const Call *c, int i, int64_t in) {
  int64_t k = c->attr[KERNEL].v[i], s = c->attr[STRIDE].v[i], p = c->attr[PADDING].v[i];
  if (s == 0) return k;
  int64_t room = in + 2 * p - c->attr[DILATION].v[i] * (k - 1) - 1, n = room / s + 1;
  if (c->attr[CEIL].i && room % s != 0 && n * s < in + p) n++; /* a window must start inside */
  return n;
}

/* x's shape with other sizes at the end; a plane of windows or of places has fewer than 2^31. */
static void with_sizes(Call *c, const Tensor *x, const int64_t *sizes, int64_t *shape) {
  int n = rank_of(c), lead = x->ndim - n;
  int64_t plane = 1;
  for (int d = 0; d < x->ndim; d++) shape[d] = d < lead ? x->shape[d] : sizes[d - lead];
  for (int i = 0; i < n; i++) {
    if (__builtin_mul_overflow(plane, sizes[i] ? sizes[i] : 1, &plane) || plane >> 31) {
      t_fail("%s: windows over planes of %s are too many; a plane has fewer than 2^31 places",
             call_name(c), t_dims_str(n, sizes));
    }
  }
}

/* The output's shape; the input becomes contiguous floats. */
static DType prepare(Call *c, int64_t *shape) {
  const Tensor *x = c->x[0];
  int64_t out[3], in[T_MAXDIM];
  for (int i = 0; i < rank_of(c); i++) out[i] = out_size(c, i, last_sizes(c, x)[i]);
  with_sizes(c, x, last_sizes(c, x), in);
  with_sizes(c, x, out, shape);
  DType d = call_promote(c, 0, 1);
  if (!dtype_is_float(d)) d = T_F32;
  call_want(c, 0, d);
  return d;
}

/* Another row of the set with the same windows. */
static void related(Call *r, const Call *c, const char *name, Tensor *x) {
  call_begin(r, op_need(name));
  r->x[0] = x;
  for (int i = KERNEL; i <= CEIL; i++) r->attr[i] = c->attr[i];
}

static Attr size_attr(const Call *c, const Tensor *x) {
  return attr_of_ints(rank_of(c), last_sizes(c, x));
}

/* Shape of a gradient for the input: gy's planes of `size`. */
static void infer_dx(Call *c, int size) {
  int64_t shape[T_MAXDIM];
  with_sizes(c, c->x[0], c->attr[size].v, shape);
  call_contiguous(c, 0);
  call_out(c, 0, (DType)c->x[0]->dtype, c->x[0]->ndim, shape);
}

/* Without windows no gradient flows back: gx is zero then. Nothing is left to do, is it? */
static bool no_windows(const Tensor *gy, Tensor *gx) {
  if (gx->numel && gy->numel == 0)
    copy_zeros(t_data(gx), (size_t)gx->numel * dtype_size((DType)gx->dtype));
  return gx->numel == 0 || gy->numel == 0;
}

/* ---- maximum ------------------------------------------------------------------------------------------ */

static void max_infer(Call *c) {
  int64_t shape[T_MAXDIM], none = 0;
  DType d = prepare(c, shape);
  call_out(c, 0, d, c->x[0]->ndim, shape);
  bool keep = c->attr[KEEP].i != 0;
  call_out(c, 1, T_I32, keep ? c->x[0]->ndim : 1, keep ? shape : &none);
}

static const char *max_run(Call *c) {
  const Tensor *x = c->x[0], *y = c->y[0];
  if (y->numel == 0) return NULL;
  PoolShape s = shape_of(c, last_sizes(c, x), last_sizes(c, y), planes_of(c, x));
  int32_t *index = c->attr[KEEP].i ? t_data(c->y[1]) : NULL;
  const PoolKernels *k = SIMD_PICK(pool_kernels);
  if (y->dtype == T_F32)
    k->max_forward_f32(&s, t_f32(x), t_f32(y), index);
  else
    k->max_forward_f64(&s, t_f64(x), t_f64(y), index);
  return NULL;
}

static void max_grad(Call *c, Tensor *const *gy, Tensor **gx) {
  Call r;
  related(&r, c, "max_windows_dx", gy[0]);
  r.x[1] = c->y[1];
  r.attr[PLACES_SIZE] = size_attr(c, c->x[0]);
  op_apply(&r);
  gx[0] = r.y[0];
}

static void max_dx_infer(Call *c) {
  call_contiguous(c, 1);
  infer_dx(c, PLACES_SIZE);
}

static const char *max_dx_run(Call *c) {
  const Tensor *g = c->x[0];
  Tensor *gx = c->y[0];
  if (no_windows(g, gx)) return NULL;
  PoolShape s = shape_of(c, last_sizes(c, gx), last_sizes(c, g), planes_of(c, g));
  const int32_t *index = t_data(c->x[1]);
  const PoolKernels *k = SIMD_PICK(pool_kernels);
  if (g->dtype == T_F32)
    k->max_backward_f32(&s, t_f32(g), index, t_f32(gx));
  else
    k->max_backward_f64(&s, t_f64(g), index, t_f64(gx));
  return NULL;
}

static void max_dx_grad(Call *c, Tensor *const *gy, Tensor **gx) {
  if (!c->want[0]) return;
  Call r;
  related(&r, c, "max_windows_pick", gy[0]);
  r.x[1] = c->x[1];
  op_apply(&r);
  gx[0] = r.y[0];
}

static void max_pick_infer(Call *c) {
  call_contiguous(c, 0);
  call_contiguous(c, 1);
  call_out(c, 0, (DType)c->x[0]->dtype, c->x[1]->ndim, c->x[1]->shape);
}

static const char *max_pick_run(Call *c) {
  const Tensor *x = c->x[0], *y = c->y[0];
  if (y->numel == 0) return NULL;
  PoolShape s = shape_of(c, last_sizes(c, x), last_sizes(c, y), planes_of(c, x));
  const int32_t *index = t_data(c->x[1]);
  const PoolKernels *k = SIMD_PICK(pool_kernels);
  if (y->dtype == T_F32)
    k->max_gather_f32(&s, t_f32(x), index, t_f32(y));
  else
    k->max_gather_f64(&s, t_f64(x), index, t_f64(y));
  return NULL;
}

static void max_pick_grad(Call *c, Tensor *const *gy, Tensor **gx) {
  if (!c->want[0]) return;
  Call r;
  related(&r, c, "max_windows_dx", gy[0]);
  r.x[1] = c->x[1];
  r.attr[PLACES_SIZE] = size_attr(c, c->x[0]);
  op_apply(&r);
  gx[0] = r.y[0];
}

/* ---- average --------------------------------------------------------------------------------------------- */

static void avg_infer(Call *c) {
  int64_t shape[T_MAXDIM];
  DType d = prepare(c, shape);
  call_out(c, 0, d, c->x[0]->ndim, shape);
}

static PoolShape avg_shape(const Call *c, const Tensor *x, const Tensor *y) {
  PoolShape s = shape_of(c, last_sizes(c, x), last_sizes(c, y), planes_of(c, x));
  s.padded = c->attr[PADDED].i != 0;
  s.divisor = c->attr[DIVISOR].i;
  return s;
}

static const char *avg_run(Call *c) {
  const Tensor *x = c->x[0], *y = c->y[0];
  if (y->numel == 0) return NULL;
  PoolShape s = avg_shape(c, x, y);
  const PoolKernels *k = SIMD_PICK(pool_kernels);
  if (y->dtype == T_F32)
    k->avg_forward_f32(&s, t_f32(x), t_f32(y));
  else
    k->avg_forward_f64(&s, t_f64(x), t_f64(y));
  return NULL;
}

static Tensor *avg_related(const Call *c, const char *name, Tensor *g, const Tensor *like) {
  Call r;
  related(&r, c, name, g);
  r.attr[PADDED] = c->attr[PADDED];
  r.attr[DIVISOR] = c->attr[DIVISOR];
  if (like) r.attr[SIZE] = size_attr(c, like);
  op_apply(&r);
  return r.y[0];
}

static void avg_grad(Call *c, Tensor *const *gy, Tensor **gx) {
  gx[0] = avg_related(c, "avg_windows_dx", gy[0], c->x[0]);
}

static void avg_dx_infer(Call *c) { infer_dx(c, SIZE); }

static const char *avg_dx_run(Call *c) {
  const Tensor *g = c->x[0];
  Tensor *gx = c->y[0];
  if (no_windows(g, gx)) return NULL;
  PoolShape s = avg_shape(c, gx, g);
  const PoolKernels *k = SIMD_PICK(pool_kernels);
  if (g->dtype == T_F32)
    k->avg_backward_f32(&s, t_f32(g), t_f32(gx));
  else
    k->avg_backward_f64(&s, t_f64(g), t_f64(gx));
  return NULL;
}

static void avg_dx_grad(Call *c, Tensor *const *gy, Tensor **gx) {
  gx[0] = avg_related(c, "avg_windows", gy[0], NULL);
}

/* ---- rows ----------------------------------------------------------------------------------------------- */

#define WINDOWS                                                                                    \
  "kernel_size: ints, stride: ints, padding: ints, dilation: ints, ceil_mode: bool=false"
#define COUNTS ", count_include_pad: bool=true, divisor: int=0"

static Op rows[] = {
    {.sig = "max_windows(input: tensor, " WINDOWS ", keep: bool=true) -> y: tensor, places: tensor",
     .doc =
         "The maximum in windows of the last dimensions, and, where kept, its place in its plane "
         "or volume, from 0.",
     .test = "{{randn(2,2,4,5), {2,2}, {2,2}, {0,0}, {1,1}}, {randn(1,2,5,5), {3,3}, {2,2}, {1,1}, "
             "{1,1}}, {randn(1,1,6,5), {2,2}, {1,1}, {0,0}, {2,2}}, {randn(2,3,4,3), {2,2,2}, "
             "{1,2,1}, {0,1,1}, {1,1,1}, true}, {randn(17,9), {3}, {2}, {1}, {1}}, "
             "{randn(2,3,5,4), {2,3,2}, {0,0,0}, {0,0,0}, {1,1,1}}}",
     .ref = "reference.max_windows",
     .flags = OP_HIDDEN,
     .save = SAVE_Y(1),
     .infer = max_infer,
     .run = max_run,
     .grad = max_grad},
    {.sig = "max_windows_dx(gy: tensor, places: tensor, " WINDOWS ", size: ints=1) -> gx: tensor",
     .doc = "Gradient of max_windows: gy at the places of the maxima, zero elsewhere.",
     .test = "{{randn(1,1,2,2), tensor({{{{0,3},{8,11}}}}, {dtype=\"int32\"}), {2,2}, {2,2}, "
             "{0,0}, {1,1}, {size = {4,4}}}}",
     .flags = OP_HIDDEN,
     .save = SAVE_X(1),
     .infer = max_dx_infer,
     .run = max_dx_run,
     .grad = max_dx_grad},
    {.sig = "max_windows_pick(x: tensor, places: tensor, " WINDOWS ") -> y: tensor",
     .doc = "Values of x at places that max_windows kept.",
     .test = "{{randn(1,1,4,4), tensor({{{{0,3},{8,11}}}}, {dtype=\"int32\"}), {2,2}, {2,2}, "
             "{0,0}, {1,1}}}",
     .flags = OP_HIDDEN,
     .save = SAVE_X(1),
     .infer = max_pick_infer,
     .run = max_pick_run,
     .grad = max_pick_grad},
    {.sig = "avg_windows(input: tensor, " WINDOWS COUNTS ") -> y: tensor",
     .doc =
         "The average in windows of the last dimensions; count_include_pad lets padding count as "
         "zeros; sums are divided by divisor, unless it is 0.",
     .test = "{{randn(2,2,4,5), {2,2}, {2,2}, {0,0}, {1,1}}, {randn(1,2,5,5), {3,3}, {2,2}, {1,1}, "
             "{1,1}}, {randn(1,2,5,5), {3,3}, {2,2}, {1,1}, {1,1}, {count_include_pad = false}}, "
             "{randn(2,3,4,3), {2,2,2}, {1,2,1}, {0,1,1}, {1,1,1}, true, true, 3}, "
             "{randn(17,9), {3}, {2}, {1}, {1}}, {randn(2,3,5,4), {2,3,2}, {0,0,0}, {0,0,0}, "
             "{1,1,1}}}",
     .ref = "reference.avg_windows",
     .flags = OP_HIDDEN,
     .infer = avg_infer,
     .run = avg_run,
     .grad = avg_grad},
    {.sig = "avg_windows_dx(gy: tensor, " WINDOWS COUNTS ", size: ints=1) -> gx: tensor",
     .doc = "Gradient of avg_windows for an input of `size` in the last dimensions.",
     .test = "{{randn(1,2,2,2), {2,2}, {2,2}, {0,0}, {1,1}, {size = {5,5}}}}",
     .flags = OP_HIDDEN,
     .infer = avg_dx_infer,
     .run = avg_dx_run,
     .grad = avg_dx_grad},
};

FAMILY_PART(pool, planes, rows);
