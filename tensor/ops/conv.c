/* Convolution in two dimensions: conv2d, its two gradients, and the transposed form. The gradients
   are ops of the same set, so derivatives of any order stay in it:
     conv2d     x, weight     -> y       [N,C,H,W], [O,C/g,kh,kw] -> [N,O,oh,ow]
     conv2d_dx  gy, weight    -> gx      what conv2d sends back to x
     conv2d_dw  x, gy         -> gw, gb  what it sends to weight and bias */
#include "../kernels/conv/conv.h"

#include "../calc.h"
#include "../team.h"

/* Attributes, the same for all three: stride, padding, dilation, groups; then size. */
enum { STRIDE, PADDING, DILATION, GROUPS, SIZE };

#define LL(x) ((long long)(x))

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

/* ---- checks ------------------------------------------------------------------------------------- */

static void check_attrs(Call *c) {
  for (int i = 0; i < 2; i++) {
    if (c->attr[STRIDE].v[i] < 1) {
      t_fail("%s: stride %lld; it is at least 1", call_name(c), LL(c->attr[STRIDE].v[i]));
    }
    if (c->attr[DILATION].v[i] < 1) {
      t_fail("%s: dilation %lld; it is at least 1", call_name(c), LL(c->attr[DILATION].v[i]));
    }
    if (c->attr[PADDING].v[i] < 0) {
      t_fail("%s: padding %lld; it is not negative", call_name(c), LL(c->attr[PADDING].v[i]));
    }
  }
  if (c->attr[GROUPS].i < 1) {
    t_fail("%s: groups %lld; it is at least 1", call_name(c), LL(c->attr[GROUPS].i));
  }
}

static void check_ranks(Call *c, const Tensor *x, const Tensor *w) {
  if (x->ndim != 4) {
    t_fail("%s: input is %s; [N,C,H,W] is wanted%s", call_name(c), t_shape_str(x),
           x->ndim == 3 ? ", x:unsqueeze(1) makes a batch of one" : "");
  }
  if (w->ndim != 4) {
    t_fail("%s: weight is %s; four dimensions are wanted, [out, in/groups, kh, kw]", call_name(c),
           t_shape_str(w));
  }
  if (w->shape[2] < 1 || w->shape[3] < 1 || w->shape[0] < 1 || w->shape[1] < 1) {
    t_fail("%s: weight is %s; none of its sizes may be 0", call_name(c), t_shape_str(w));
  }
}

static void check_bias(Call *c, const Tensor *b, int64_t n) {
  if (b && (b->ndim != 1 || b->shape[0] != n)) {
    t_fail("%s: bias is %s; [%lld] is wanted, one per output channel", call_name(c), t_shape_str(b),
           LL(n));
  }
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

static int64_t out_size(Call *c, int i, int64_t in, int64_t k) {
  int64_t pad = c->attr[PADDING].v[i], reach = c->attr[DILATION].v[i] * (k - 1) + 1;
  int64_t room = in + 2 * pad - reach;
  if (room < 0) {
    t_fail(
        "%s: a kernel that spans %lld does not fit an input of %lld with padding %lld (input %s)",
        call_name(c), LL(reach), LL(in), LL(pad), t_shape_str(c->x[0]));
  }
  return room / c->attr[STRIDE].v[i] + 1;
}

static void conv2d_infer(Call *c) {
  const Tensor *x = c->x[0], *w = c->x[1];
  check_ranks(c, x, w);
  check_attrs(c);
  int64_t groups = c->attr[GROUPS].i;
  if (x->shape[1] != w->shape[1] * groups) {
    t_fail("conv2d: input has %lld channels %s but weight %s wants %lld (groups=%lld)",
           LL(x->shape[1]), t_shape_str(x), t_shape_str(w), LL(w->shape[1] * groups), LL(groups));
  }
  if (w->shape[0] % groups != 0) {
    t_fail("conv2d: %lld output channels do not divide into %lld groups", LL(w->shape[0]),
           LL(groups));
  }
  check_bias(c, c->x[2], w->shape[0]);
  DType d = want_floats(c);
  int64_t shape[4] = {x->shape[0], w->shape[0], out_size(c, 0, x->shape[2], w->shape[2]),
                      out_size(c, 1, x->shape[3], w->shape[3])};
  call_out(c, 0, d, 4, shape);
  ConvShape s = shape_of(c, x, w->shape, shape + 2);
  scratch(c, &s, CONV_FORWARD, d);
}

static const char *conv2d_run(Call *c) {
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
  related(&r, "conv2d", c, x, w);
  op_apply(&r);
  return r.y[0];
}

static Tensor *to_x(const Call *c, Tensor *gy, Tensor *w, const Tensor *x) {
  Call r;
  related(&r, "conv2d_dx", c, gy, w);
  r.attr[SIZE] = attr_of_ints(2, x->shape + 2);
  op_apply(&r);
  return r.y[0];
}

static Tensor *to_w(const Call *c, Tensor *x, Tensor *gy, const Tensor *w, Tensor **gb) {
  Call r;
  related(&r, "conv2d_dw", c, x, gy);
  r.attr[SIZE] = attr_of_ints(2, w->shape + 2);
  op_apply(&r);
  if (gb) *gb = r.y[1];
  return r.y[0];
}

static Tensor *sum_to_bias(Tensor *gy) {
  const int64_t dims[3] = {0, 2, 3};
  return t_sum(gy, 3, dims, false);
}

static void conv2d_grad(Call *c, Tensor *const *gy, Tensor **gx) {
  if (c->want[0]) gx[0] = to_x(c, gy[0], c->x[1], c->x[0]);
  if (c->want[1])
    gx[1] = to_w(c, c->x[0], gy[0], c->x[1], c->want[2] ? &gx[2] : NULL);
  else if (c->want[2])
    gx[2] = sum_to_bias(gy[0]);
}

/* ---- conv2d_dx: gy [N,O,oh,ow], weight [O,C/g,kh,kw], size {H,W} -> gx [N,C,H,W] ---------------------- */

static void dx_infer(Call *c) {
  const Tensor *g = c->x[0], *w = c->x[1];
  check_ranks(c, g, w);
  DType d = want_floats(c);
  int64_t shape[4] = {g->shape[0], w->shape[1] * c->attr[GROUPS].i, c->attr[SIZE].v[0],
                      c->attr[SIZE].v[1]};
  Tensor *gx = call_out(c, 0, d, 4, shape);
  ConvShape s = shape_of(c, gx, w->shape, g->shape + 2);
  scratch(c, &s, CONV_DX, d);
}

static const char *dx_run(Call *c) {
  const Tensor *g = c->x[0], *w = c->x[1], *b = c->nx > 2 ? c->x[2] : NULL;
  Tensor *gx = c->y[0];
  if (gx->numel == 0) return NULL;
  if (g->numel == 0) {
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
  if (c->want[0]) gx[0] = forward(c, gy[0], c->x[1]);
  if (c->want[1]) gx[1] = to_w(c, gy[0], c->x[0], c->x[1], NULL);
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
  if (ggw) gx[1] = forward(c, c->x[0], ggw);
  if (!ggb) return;
  int64_t shape[4] = {1, ggb->shape[0], 1, 1};
  Tensor *spread = t_expand(t_reshape(ggb, 4, shape), 4, c->x[1]->shape);
  gx[1] = gx[1] ? t_add(gx[1], spread) : spread;
}

/* ---- conv_transpose2d: x [N,C,H,W], weight [C,O/g,kh,kw] -> [N,O,oh,ow] -------------------------------- */

enum { OUTPUT_PADDING = SIZE };

static void transpose_infer(Call *c) {
  const Tensor *x = c->x[0], *w = c->x[1];
  /* from the order users know (output_padding third, dilation last) to that of the set */
  Attr output_padding = c->attr[DILATION];
  c->attr[DILATION] = c->attr[OUTPUT_PADDING];
  c->attr[OUTPUT_PADDING] = output_padding;
  check_ranks(c, x, w);
  check_attrs(c);
  if (x->shape[1] != w->shape[0]) {
    t_fail("conv_transpose2d: input has %lld channels %s but weight %s wants %lld", LL(x->shape[1]),
           t_shape_str(x), t_shape_str(w), LL(w->shape[0]));
  }
  if (w->shape[0] % c->attr[GROUPS].i != 0) {
    t_fail("conv_transpose2d: %lld input channels do not divide into %lld groups", LL(w->shape[0]),
           LL(c->attr[GROUPS].i));
  }
  check_bias(c, c->x[2], w->shape[1] * c->attr[GROUPS].i);
  int64_t shape[4] = {x->shape[0], w->shape[1] * c->attr[GROUPS].i};
  for (int i = 0; i < 2; i++) {
    int64_t s = c->attr[STRIDE].v[i], d = c->attr[DILATION].v[i], op = c->attr[OUTPUT_PADDING].v[i];
    if (op < 0 || (op >= s && op >= d)) {
      t_fail("conv_transpose2d: output_padding %lld must be less than stride %lld or dilation %lld",
             LL(op), LL(s), LL(d));
    }
    shape[2 + i] =
        (x->shape[2 + i] - 1) * s - 2 * c->attr[PADDING].v[i] + d * (w->shape[2 + i] - 1) + op + 1;
    if (shape[2 + i] < 1) {
      t_fail("conv_transpose2d: input %s with padding %lld leaves no output", t_shape_str(x),
             LL(c->attr[PADDING].v[i]));
    }
  }
  DType d = want_floats(c);
  Tensor *y = call_out(c, 0, d, 4, shape);
  ConvShape s = shape_of(c, y, w->shape, x->shape + 2);
  scratch(c, &s, CONV_DX, d);
}

static void transpose_grad(Call *c, Tensor *const *gy, Tensor **gx) {
  if (c->want[0]) gx[0] = forward(c, gy[0], c->x[1]);
  if (c->want[1]) gx[1] = to_w(c, gy[0], c->x[0], c->x[1], NULL);
  if (c->want[2]) gx[2] = sum_to_bias(gy[0]);
}

#define ATTRS "stride: ints{2}=1, padding: ints{2}=0, dilation: ints{2}=1, groups: int=1"

static Op rows[] = {
    {.sig = "conv2d(input: tensor, weight: tensor, bias: tensor?, " ATTRS ") -> y: tensor",
     .doc = "Convolution (cross-correlation) in two dimensions. input: [N,C,H,W], weight: "
            "[O,C/groups,kh,kw], bias: [O] -> [N,O,oh,ow] with "
            "oh = (H + 2 padding - dilation (kh-1) - 1) // stride + 1.",
     .test = "{{randn(2,2,5,4), randn(3,2,3,3), randn(3)}, "
             "{randn(1,4,5,5), randn(4,2,2,3), nil, {stride = 2, padding = {1, 2}, groups = 2}}, "
             "{randn(2,1,6,6), randn(2,1,2,2), {dilation = 2}}}",
     .ref = "reference.conv2d",
     .flags = OP_CROSS,
     .save = SAVE_X(0) | SAVE_X(1),
     .infer = conv2d_infer,
     .run = conv2d_run,
     .grad = conv2d_grad},
    {.sig = "conv2d_dx(gy: tensor, weight: tensor, " ATTRS ", size: ints{2}=1) -> gx: tensor",
     .doc = "Gradient of conv2d for its input of height and width `size`.",
     .test = "{{randn(2,3,3,2), randn(3,2,3,3), {size = {5, 4}}}}",
     .flags = OP_CROSS | OP_HIDDEN,
     .save = SAVE_X(0) | SAVE_X(1),
     .infer = dx_infer,
     .run = dx_run,
     .grad = dx_grad},
    {.sig = "conv2d_dw(x: tensor, gy: tensor, " ATTRS ", size: ints{2}=1) "
            "-> gw: tensor, gb: tensor",
     .doc = "Gradients of conv2d for a weight of height and width `size`, and for its bias.",
     .test = "{{randn(2,2,5,4), randn(2,3,3,2), {size = 3}}}",
     .flags = OP_CROSS | OP_HIDDEN,
     .save = SAVE_X(0) | SAVE_X(1),
     .infer = dw_infer,
     .run = dw_run,
     .grad = dw_grad},
    {.sig = "conv_transpose2d(input: tensor, weight: tensor, bias: tensor?, stride: ints{2}=1, "
            "padding: ints{2}=0, output_padding: ints{2}=0, groups: int=1, dilation: ints{2}=1) "
            "-> y: tensor",
     .doc = "Transposed convolution: the gradient of conv2d for its input, as a forward pass. "
            "input: [N,C,H,W], weight: [C,O/groups,kh,kw], bias: [O] -> [N,O,oh,ow] with "
            "oh = (H-1) stride - 2 padding + dilation (kh-1) + output_padding + 1.",
     .test = "{{randn(2,3,3,2), randn(3,2,3,3), randn(2)}, "
             "{randn(1,4,3,3), randn(4,2,2,3), {stride = 2, padding = 1, output_padding = 1, "
             "groups = 2}}}",
     .ref = "reference.conv_transpose2d",
     .flags = OP_CROSS,
     .save = SAVE_X(0) | SAVE_X(1),
     .infer = transpose_infer,
     .run = dx_run,
     .grad = transpose_grad},
};

FAMILY(conv, rows);
