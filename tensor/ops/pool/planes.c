/* The inside of the poolings: hidden rows over planes, x: [..., H, W]. max_planes keeps the place of
   each maximum; its gradient puts values back at those places, and the gradient of that picks them
   out again: a closed set. avg_planes is linear, and its gradient's gradient is itself. Their
   callers have checked the arguments. */
#include "../../kernels/pool.h"

#include "../../calc.h"

/* Attributes of the maximum's rows. Gradients take the input's height and width last. */
enum { KERNEL, STRIDE, PADDING, DILATION, CEIL, SIZE };

static PoolShape shape_of(const Call *c, const int64_t *in, const int64_t *out, int64_t planes) {
  return (PoolShape){.planes = planes,
                     .h = in[0],
                     .w = in[1],
                     .oh = out[0],
                     .ow = out[1],
                     .kh = c->attr[KERNEL].v[0],
                     .kw = c->attr[KERNEL].v[1],
                     .sh = c->attr[STRIDE].v[0],
                     .sw = c->attr[STRIDE].v[1],
                     .ph = c->attr[PADDING].v[0],
                     .pw = c->attr[PADDING].v[1],
                     .dh = c->attr[DILATION].v[0],
                     .dw = c->attr[DILATION].v[1]};
}

static int64_t planes_of(const Tensor *x) {
  int64_t n = 1;
  for (int d = 0; d < x->ndim - 2; d++) n *= x->shape[d];
  return n;
}

static const int64_t *last_two(const Tensor *x) { return x->shape + x->ndim - 2; }

/* ---- shapes ------------------------------------------------------------------------------------------- */

static int64_t out_size(const Call *c, int i, int64_t in) {
  int64_t k = c->attr[KERNEL].v[i], s = c->attr[STRIDE].v[i], p = c->attr[PADDING].v[i];
  int64_t room = in + 2 * p - c->attr[DILATION].v[i] * (k - 1) - 1, n = room / s + 1;
  if (c->attr[CEIL].i && room % s != 0 && n * s < in + p) n++; /* a window must start inside */
  return n;
}

/* The output's shape; the input becomes contiguous floats. */
static DType prepare(Call *c, int64_t *shape) {
  const Tensor *x = c->x[0];
  for (int d = 0; d < x->ndim - 2; d++) shape[d] = x->shape[d];
  for (int i = 0; i < 2; i++) shape[x->ndim - 2 + i] = out_size(c, i, last_two(x)[i]);
  DType d = call_promote(c, 0, 1);
  if (!dtype_is_float(d)) d = T_F32;
  call_want(c, 0, d);
  return d;
}

/* Another row of the set with the same window. */
static Tensor *related(const Call *c, const char *name, Tensor *a, Tensor *b, const Tensor *size) {
  Call r;
  call_begin(&r, op_need(name));
  r.x[0] = a;
  if (b) r.x[1] = b;
  for (int i = KERNEL; i <= CEIL; i++) r.attr[i] = c->attr[i];
  if (size) r.attr[SIZE] = attr_of_ints(2, last_two(size));
  op_apply(&r);
  return r.y[0];
}

/* Shape of a gradient for the input: gy's planes, `size` high and wide. */
static void infer_dx(Call *c, int size) {
  const Tensor *g = c->x[0];
  int64_t shape[T_MAXDIM];
  for (int d = 0; d < g->ndim - 2; d++) shape[d] = g->shape[d];
  shape[g->ndim - 2] = c->attr[size].v[0];
  shape[g->ndim - 1] = c->attr[size].v[1];
  call_contiguous(c, 0);
  call_out(c, 0, (DType)g->dtype, g->ndim, shape);
}

/* ---- maximum ------------------------------------------------------------------------------------------ */

static void max_infer(Call *c) {
  int64_t shape[T_MAXDIM];
  DType d = prepare(c, shape);
  call_out(c, 0, d, c->x[0]->ndim, shape);
  call_out(c, 1, T_I32, c->x[0]->ndim, shape);
}

static const char *max_run(Call *c) {
  const Tensor *x = c->x[0], *y = c->y[0];
  if (y->numel == 0) return NULL;
  PoolShape s = shape_of(c, last_two(x), last_two(y), planes_of(x));
  int32_t *index = t_data(c->y[1]);
  const PoolKernels *k = SIMD_PICK(pool_kernels);
  if (y->dtype == T_F32)
    k->max_forward_f32(&s, t_f32(x), t_f32(y), index);
  else
    k->max_forward_f64(&s, t_f64(x), t_f64(y), index);
  return NULL;
}

static void max_grad(Call *c, Tensor *const *gy, Tensor **gx) {
  gx[0] = related(c, "max_planes_dx", gy[0], c->y[1], c->x[0]);
}

static void max_dx_infer(Call *c) {
  call_contiguous(c, 1);
  infer_dx(c, SIZE);
}

static const char *max_dx_run(Call *c) {
  const Tensor *g = c->x[0];
  Tensor *gx = c->y[0];
  if (gx->numel == 0) return NULL;
  PoolShape s = shape_of(c, last_two(gx), last_two(g), planes_of(g));
  const int32_t *index = t_data(c->x[1]);
  const PoolKernels *k = SIMD_PICK(pool_kernels);
  if (g->dtype == T_F32)
    k->max_backward_f32(&s, t_f32(g), index, t_f32(gx));
  else
    k->max_backward_f64(&s, t_f64(g), index, t_f64(gx));
  return NULL;
}

static void max_dx_grad(Call *c, Tensor *const *gy, Tensor **gx) {
  if (c->want[0]) gx[0] = related(c, "max_planes_pick", gy[0], c->x[1], NULL);
}

static void max_pick_infer(Call *c) {
  call_contiguous(c, 0);
  call_contiguous(c, 1);
  call_out(c, 0, (DType)c->x[0]->dtype, c->x[1]->ndim, c->x[1]->shape);
}

static const char *max_pick_run(Call *c) {
  const Tensor *x = c->x[0], *y = c->y[0];
  if (y->numel == 0) return NULL;
  PoolShape s = shape_of(c, last_two(x), last_two(y), planes_of(x));
  const int32_t *index = t_data(c->x[1]);
  const PoolKernels *k = SIMD_PICK(pool_kernels);
  if (y->dtype == T_F32)
    k->max_gather_f32(&s, t_f32(x), index, t_f32(y));
  else
    k->max_gather_f64(&s, t_f64(x), index, t_f64(y));
  return NULL;
}

static void max_pick_grad(Call *c, Tensor *const *gy, Tensor **gx) {
  if (c->want[0]) gx[0] = related(c, "max_planes_dx", gy[0], c->x[1], c->x[0]);
}

/* ---- average --------------------------------------------------------------------------------------------- */

/* Attributes of the two average rows; there is no dilation. */
enum { AVG_CEIL = 3, AVG_PADDED = 4, AVG_SIZE = 5 };

/* The call in the order of the maximum's attributes, for what both share. */
static Call in_common(const Call *c) {
  Call r = *c;
  r.attr[DILATION] = attr_of_ints(2, (const int64_t[]){1, 1});
  r.attr[CEIL] = c->attr[AVG_CEIL];
  return r;
}

static void avg_infer(Call *c) {
  int64_t shape[T_MAXDIM];
  Call r = in_common(c);
  r.x = c->x;
  DType d = prepare(&r, shape);
  call_out(c, 0, d, c->x[0]->ndim, shape);
}

static const char *avg_run(Call *c) {
  const Tensor *x = c->x[0], *y = c->y[0];
  if (y->numel == 0) return NULL;
  Call r = in_common(c);
  PoolShape s = shape_of(&r, last_two(x), last_two(y), planes_of(x));
  const PoolKernels *k = SIMD_PICK(pool_kernels);
  bool padded = c->attr[AVG_PADDED].i;
  if (y->dtype == T_F32)
    k->avg_forward_f32(&s, padded, t_f32(x), t_f32(y));
  else
    k->avg_forward_f64(&s, padded, t_f64(x), t_f64(y));
  return NULL;
}

static Tensor *avg_related(const Call *c, const char *name, Tensor *a, const Tensor *size) {
  Call r;
  call_begin(&r, op_need(name));
  r.x[0] = a;
  for (int i = KERNEL; i <= AVG_PADDED; i++) r.attr[i] = c->attr[i];
  if (size) r.attr[AVG_SIZE] = attr_of_ints(2, last_two(size));
  op_apply(&r);
  return r.y[0];
}

static void avg_grad(Call *c, Tensor *const *gy, Tensor **gx) {
  gx[0] = avg_related(c, "avg_planes_dx", gy[0], c->x[0]);
}

static void avg_dx_infer(Call *c) { infer_dx(c, AVG_SIZE); }

static const char *avg_dx_run(Call *c) {
  const Tensor *g = c->x[0];
  Tensor *gx = c->y[0];
  if (gx->numel == 0) return NULL;
  Call r = in_common(c);
  PoolShape s = shape_of(&r, last_two(gx), last_two(g), planes_of(g));
  const PoolKernels *k = SIMD_PICK(pool_kernels);
  bool padded = c->attr[AVG_PADDED].i;
  if (g->dtype == T_F32)
    k->avg_backward_f32(&s, padded, t_f32(g), t_f32(gx));
  else
    k->avg_backward_f64(&s, padded, t_f64(g), t_f64(gx));
  return NULL;
}

static void avg_dx_grad(Call *c, Tensor *const *gy, Tensor **gx) {
  gx[0] = avg_related(c, "avg_planes", gy[0], NULL);
}

#define WINDOW "kernel_size: ints{2}, stride: ints{2}, padding: ints{2}=0"
#define INSIDE WINDOW ", dilation: ints{2}=1, ceil_mode: bool=false"

static Op rows[] = {
    {.sig = "max_planes(input: tensor, " INSIDE ") -> y: tensor, places: tensor",
     .doc = "The maximum in windows of planes, and its place in the plane, from 0.",
     .test = "{{randn(2,2,4,5), 2, 2}, {randn(1,2,5,5), 3, 2, {padding = 1}}, "
             "{randn(1,1,6,5), 2, 1, {dilation = 2}}, {randn(2,5,5), 2, 2, {ceil_mode = true}}}",
     .ref = "reference.max_planes",
     .flags = OP_HIDDEN | OP_TRUSTS,
     .save = SAVE_Y(1),
     .infer = max_infer,
     .run = max_run,
     .grad = max_grad},
    {.sig = "max_planes_dx(gy: tensor, places: tensor, " INSIDE ", size: ints{2}=1) -> gx: tensor",
     .doc = "Gradient of max_planes: gy at the places of the maxima, zero elsewhere.",
     .test = "{{randn(1,1,2,2), tensor({{{{0,3},{8,11}}}}, {dtype=\"int32\"}), 2, 2, {size = 4}}}",
     .flags = OP_HIDDEN | OP_TRUSTS,
     .save = SAVE_X(1),
     .infer = max_dx_infer,
     .run = max_dx_run,
     .grad = max_dx_grad},
    {.sig = "max_planes_pick(x: tensor, places: tensor, " INSIDE ") -> y: tensor",
     .doc = "Values of x at places that max_planes kept.",
     .test = "{{randn(1,1,4,4), tensor({{{{0,3},{8,11}}}}, {dtype=\"int32\"}), 2, 2}}",
     .flags = OP_HIDDEN | OP_TRUSTS,
     .save = SAVE_X(1),
     .infer = max_pick_infer,
     .run = max_pick_run,
     .grad = max_pick_grad},
    {.sig = "avg_planes(input: tensor, " WINDOW ", ceil_mode: bool=false, "
            "count_include_pad: bool=true) -> y: tensor",
     .doc = "The average in windows of planes; count_include_pad lets padding count as zeros.",
     .test = "{{randn(2,2,4,5), 2, 2}, {randn(1,2,5,5), 3, 2, {padding = 1}}, "
             "{randn(1,2,5,5), 3, 2, {padding = 1, count_include_pad = false}}, "
             "{randn(2,5,5), 2, 2, {ceil_mode = true}}}",
     .ref = "reference.avg_planes",
     .flags = OP_HIDDEN | OP_TRUSTS,
     .infer = avg_infer,
     .run = avg_run,
     .grad = avg_grad},
    {.sig = "avg_planes_dx(gy: tensor, " WINDOW ", ceil_mode: bool=false, "
            "count_include_pad: bool=true, size: ints{2}=1) -> gx: tensor",
     .doc = "Gradient of avg_planes for an input of height and width `size`.",
     .test = "{{randn(1,2,2,2), 2, 2, {size = 5}}}",
     .flags = OP_HIDDEN | OP_TRUSTS,
     .infer = avg_dx_infer,
     .run = avg_dx_run,
     .grad = avg_dx_grad},
};

FAMILY_PART(pool, planes, rows);
