/* The inside of the convolutions: hidden rows in two dimensions, closed under differentiation. Their
   callers (conv.c) have checked the arguments.
     convolve2d     x, weight      -> y       [N,C,H,W], [O,C/g,kh,kw] -> [N,O,oh,ow]
     convolve2d_dx  gy, weight     -> gx      what convolve2d sends back to x: transposed convolution
     convolve2d_dw  x, gy          -> gw, gb  what it sends to weight and bias */
#include "../../kernels/conv/conv.h"

#include "../../calc.h"
#include "../../machine/team.h"

/* Attributes, the same for all three: stride, padding, dilation, groups; then size. */
enum { STRIDE, PADDING, DILATION, GROUPS, SIZE };

static ConvShape shape_of(Call *c, const Tensor *x, const int64_t *w, const int64_t *out) {
  return (ConvShape){.n = x->shape[0],
                     .c = x->shape[1],
                     .h = x->shape[2],
                     .w = x->shape[3],
                     .o = w[0],
                     .kh = w[2],
                     .kw = w[3],
                     .oh = out[0],
                     .ow = out[1],
                     .sh = c->attr[STRIDE].v[0],
                     .sw = c->attr[STRIDE].v[1],
                     .ph = c->attr[PADDING].v[0],
                     .pw = c->attr[PADDING].v[1],
                     .dh = c->attr[DILATION].v[0],
                     .dw = c->attr[DILATION].v[1],
                     .groups = c->attr[GROUPS].i};
}

static DType want_floats(Call *c) {
  DType d = call_promote(c, 0, c->nx);
  if (!dtype_is_float(d)) d = T_F32;
  for (int i = 0; i < c->nx; i++) {
    if (c->x[i]) call_want(c, i, d);
  }
  return d;
}

static void scratch(Call *c, const ConvShape *s, enum ConvPass pass, DType d) {
  if (s->n > 0 && s->oh > 0 && s->ow > 0) {
    call_scratch(c, SIMD_PICK(conv_kernels)->scratch(s, pass, dtype_size(d)));
  }
}

/* ---- conv2d --------------------------------------------------------------------------------------- */

static int64_t out_size(const Call *c, int i, int64_t in, int64_t k) {
  int64_t reach = c->attr[DILATION].v[i] * (k - 1) + 1;
  return (in + 2 * c->attr[PADDING].v[i] - reach) / c->attr[STRIDE].v[i] + 1;
}

static void convolve_infer(Call *c) {
  const Tensor *x = c->x[0], *w = c->x[1];
  DType d = want_floats(c);
  int64_t shape[4] = {x->shape[0], w->shape[0], out_size(c, 0, x->shape[2], w->shape[2]),
                      out_size(c, 1, x->shape[3], w->shape[3])};
  call_out(c, 0, d, 4, shape);
  ConvShape s = shape_of(c, x, w->shape, shape + 2);
  scratch(c, &s, CONV_FORWARD, d);
}

static const char *convolve_run(Call *c) {
  const Tensor *x = c->x[0], *w = c->x[1], *b = c->x[2];
  Tensor *y = c->y[0];
  if (y->numel == 0) return NULL;
  ConvShape s = shape_of(c, x, w->shape, y->shape + 2);
  const ConvKernels *k = SIMD_PICK(conv_kernels);
  if (y->dtype == T_F32) {
    k->forward_f32(&s, t_f32(x), t_f32(w), b ? t_f32(b) : NULL, false, t_f32(y), c->scratch);
  } else {
    k->forward_f64(&s, t_f64(x), t_f64(w), b ? t_f64(b) : NULL, false, t_f64(y), c->scratch);
  }
  return NULL;
}

/* One of the set with the attributes of another. */
static void related(Call *out, const char *name, const Call *c, Tensor *a, Tensor *b) {
  call_begin(out, op_need(name));
  out->x[0] = a;
  out->x[1] = b;
  for (int i = STRIDE; i <= GROUPS; i++) out->attr[i] = c->attr[i];
}

static Tensor *forward(const Call *c, Tensor *x, Tensor *w) {
  Call r;
  related(&r, "convolve2d", c, x, w);
  op_apply(&r);
  return r.y[0];
}

/* The first of the windows, as many as `like` has: a size with a stride or more to spare has room for
   others. */
static Tensor *forward_like(const Call *c, Tensor *x, Tensor *w, const Tensor *like) {
  Tensor *y = forward(c, x, w);
  for (int d = 2; d < 4; d++) {
    if (y->shape[d] > like->shape[d]) y = t_narrow(y, d, 0, like->shape[d]);
  }
  return y;
}

static Tensor *to_x(const Call *c, Tensor *gy, Tensor *w, const Tensor *x) {
  Call r;
  related(&r, "convolve2d_dx", c, gy, w);
  r.attr[SIZE] = attr_of_ints(2, x->shape + 2);
  op_apply(&r);
  return r.y[0];
}

static Tensor *to_w(const Call *c, Tensor *x, Tensor *gy, const Tensor *w, Tensor **gb) {
  Call r;
  related(&r, "convolve2d_dw", c, x, gy);
  r.attr[SIZE] = attr_of_ints(2, w->shape + 2);
  op_apply(&r);
  if (gb) *gb = r.y[1];
  return r.y[0];
}

static Tensor *sum_to_bias(Tensor *gy) {
  const int64_t dims[3] = {0, 2, 3};
  return t_sum(gy, 3, dims, false);
}

static void convolve_grad(Call *c, Tensor *const *gy, Tensor **gx) {
  if (c->want[0]) gx[0] = to_x(c, gy[0], c->x[1], c->x[0]);
  if (c->want[1])
    gx[1] = to_w(c, c->x[0], gy[0], c->x[1], c->want[2] ? &gx[2] : NULL);
  else if (c->want[2])
    gx[2] = sum_to_bias(gy[0]);
}

/* ---- conv2d_dx: gy [N,O,oh,ow], weight [O,C/g,kh,kw], size {H,W} -> gx [N,C,H,W] ---------------------- */

static void dx_infer(Call *c) {
  const Tensor *g = c->x[0], *w = c->x[1];
  DType d = want_floats(c);
  int64_t shape[4] = {g->shape[0], w->shape[1] * c->attr[GROUPS].i, c->attr[SIZE].v[0],
                      c->attr[SIZE].v[1]};
  Tensor *gx = call_out(c, 0, d, 4, shape);
  ConvShape s = shape_of(c, gx, w->shape, g->shape + 2);
  scratch(c, &s, CONV_DX, d);
}

static const char *dx_run(Call *c) {
  const Tensor *g = c->x[0], *w = c->x[1], *b = c->x[2];
  Tensor *gx = c->y[0];
  if (gx->numel == 0) return NULL;
  if (g->numel == 0) { /* no channels come in */
    t_fill(gx, 0);
    return NULL;
  }
  ConvShape s = shape_of(c, gx, w->shape, g->shape + 2);
  const ConvKernels *k = SIMD_PICK(conv_kernels);
  if (gx->dtype == T_F32) {
    k->dx_f32(&s, t_f32(g), t_f32(w), b ? t_f32(b) : NULL, t_f32(gx), c->scratch);
  } else {
    k->dx_f64(&s, t_f64(g), t_f64(w), b ? t_f64(b) : NULL, t_f64(gx), c->scratch);
  }
  return NULL;
}

static void dx_grad(Call *c, Tensor *const *gy, Tensor **gx) {
  if (c->want[0]) gx[0] = forward_like(c, gy[0], c->x[1], c->x[0]);
  if (c->want[1]) gx[1] = to_w(c, gy[0], c->x[0], c->x[1], NULL);
  if (c->want[2]) gx[2] = sum_to_bias(gy[0]);
}

/* ---- conv2d_dw: x [N,C,H,W], gy [N,O,oh,ow], size {kh,kw} -> gw [O,C/g,kh,kw], gb [O] ------------------ */

static void dw_infer(Call *c) {
  const Tensor *x = c->x[0], *g = c->x[1];
  DType d = want_floats(c);
  int64_t shape[4] = {g->shape[1], x->shape[1] / c->attr[GROUPS].i, c->attr[SIZE].v[0],
                      c->attr[SIZE].v[1]};
  call_out(c, 0, d, 4, shape);
  call_out(c, 1, d, 1, shape);
  ConvShape s = shape_of(c, x, shape, g->shape + 2);
  scratch(c, &s, CONV_DW, d);
}

static const char *dw_run(Call *c) {
  const Tensor *x = c->x[0], *g = c->x[1];
  Tensor *gw = c->y[0], *gb = c->y[1];
  if (g->numel == 0 || x->numel == 0) {
    t_fill(gw, 0);
    t_fill(gb, 0);
    return NULL;
  }
  ConvShape s = shape_of(c, x, gw->shape, g->shape + 2);
  const ConvKernels *k = SIMD_PICK(conv_kernels);
  if (gw->dtype == T_F32) {
    k->dw_f32(&s, t_f32(x), t_f32(g), t_f32(gw), t_f32(gb), c->scratch);
  } else {
    k->dw_f64(&s, t_f64(x), t_f64(g), t_f64(gw), t_f64(gb), c->scratch);
  }
  return NULL;
}

static void dw_grad(Call *c, Tensor *const *gy, Tensor **gx) {
  Tensor *ggw = gy[0], *ggb = gy[1];
  if (c->want[0] && ggw) gx[0] = to_x(c, c->x[1], ggw, c->x[0]);
  if (!c->want[1]) return;
  if (ggw) gx[1] = forward_like(c, c->x[0], ggw, c->x[1]);
  if (!ggb) return;
  int64_t shape[4] = {1, ggb->shape[0], 1, 1};
  Tensor *spread = t_expand(t_reshape(ggb, 4, shape), 4, c->x[1]->shape);
  gx[1] = gx[1] ? t_add(gx[1], spread) : spread;
}

#define ATTRS "stride: ints{2}=1, padding: ints{2}=0, dilation: ints{2}=1, groups: int=1"

static Op rows[] = {
    {.sig = "convolve2d(input: tensor, weight: tensor, bias: tensor?, " ATTRS ") -> y: tensor",
     .doc = "Convolution in two dimensions: what conv1d, conv2d and conv3d come down to.",
     .test = "{{randn(2,2,5,4), randn(3,2,3,3), randn(3)}, "
             "{randn(1,4,5,5), randn(4,2,2,3), nil, {stride = 2, padding = {1, 2}, groups = 2}}, "
             "{randn(2,1,6,6), randn(2,1,2,2), {dilation = 2}}}",
     .ref = "reference.conv2d",
     .flags = OP_CROSS | OP_HIDDEN,
     .save = SAVE_X(0) | SAVE_X(1),
     .infer = convolve_infer,
     .run = convolve_run,
     .grad = convolve_grad},
    {.sig = "convolve2d_dx(gy: tensor, weight: tensor, bias: tensor?, " ATTRS ", "
            "size: ints{2}=1) -> gx: tensor",
     .doc = "Gradient of convolve2d for its input of height and width `size`, plus a bias: "
            "transposed convolution.",
     .test = "{{randn(2,3,3,2), randn(3,2,3,3), {size = {5, 4}}}, "
             "{randn(1,4,3,3), randn(4,2,2,3), randn(4), {stride = 2, padding = 1, groups = 2, "
             "size = {5, 6}}}, {randn(1,1,2,2), randn(1,1,2,2), {dilation = 3, size = {6, 7}}}}",
     .ref = "reference.convolve2d_dx",
     .flags = OP_CROSS | OP_HIDDEN,
     .save = SAVE_X(0) | SAVE_X(1),
     .infer = dx_infer,
     .run = dx_run,
     .grad = dx_grad},
    {.sig = "convolve2d_dw(x: tensor, gy: tensor, " ATTRS ", size: ints{2}=1) "
            "-> gw: tensor, gb: tensor",
     .doc = "Gradients of convolve2d for a weight of height and width `size`, and for its bias.",
     .test = "{{randn(2,2,5,4), randn(2,3,3,2), {size = 3}}}",
     .flags = OP_CROSS | OP_HIDDEN,
     .save = SAVE_X(0) | SAVE_X(1),
     .infer = dw_infer,
     .run = dw_run,
     .grad = dw_grad},
};

FAMILY_PART(conv, convolve, rows);
