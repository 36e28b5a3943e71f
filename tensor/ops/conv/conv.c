/* Convolutions in one, two and three dimensions and their transposed forms. All come down to the
   hidden rows in two dimensions (convolve.c): one dimension is a height of 1; of three, the depth is
   gathered into the channels, [N,C,D,H,W] -> [N od, C kd, H, W]. */
#include "../../calc.h"
#include "../shape/window.h"

#define LL(x) ((long long)(x))

enum { STRIDE, PADDING, DILATION, GROUPS }; /* attributes of the convolutions */
enum { VALID, SAME };                       /* words for the padding */

/* A call's attributes in one order, a value for each of nd dimensions. */
typedef struct Conv {
  int nd;
  int64_t stride[3], padding[3], dilation[3], extra[3], groups; /* extra: output_padding */
} Conv;

/* ---- checks ------------------------------------------------------------------------------------- */

static void check_attrs(Call *c, const Conv *g) {
  for (int i = 0; i < g->nd; i++) {
    if (g->stride[i] < 1) {
      t_fail("%s: stride %lld; it is at least 1", call_name(c), LL(g->stride[i]));
    }
    if (g->dilation[i] < 1) {
      t_fail("%s: dilation %lld; it is at least 1", call_name(c), LL(g->dilation[i]));
    }
    if (g->padding[i] < 0) {
      t_fail("%s: padding %lld; it is not negative", call_name(c), LL(g->padding[i]));
    }
    if ((g->stride[i] | g->dilation[i] | g->padding[i]) >> 31) {
      t_fail("%s: stride, padding or dilation is larger than any input", call_name(c));
    }
  }
  if (g->groups < 1) t_fail("%s: groups %lld; it is at least 1", call_name(c), LL(g->groups));
  if (g->groups > INT32_MAX) {
    t_fail("%s: groups %lld are more than any input has channels", call_name(c), LL(g->groups));
  }
}

static void check_ranks(Call *c, int nd) {
  static const char *const inputs[3] = {"[N,C,L] or [C,L]", "[N,C,H,W] or [C,H,W]",
                                        "[N,C,D,H,W] or [C,D,H,W]"};
  static const char *const kernels[3] = {"k", "kh, kw", "kd, kh, kw"};
  const Tensor *x = c->x[0], *w = c->x[1];
  if (x->ndim != nd + 2 && x->ndim != nd + 1) {
    t_fail("%s: input is %s; %s is wanted", call_name(c), t_shape_str(x), inputs[nd - 1]);
  }
  if (w->ndim != nd + 2) {
    t_fail("%s: weight is %s; %d dimensions are wanted, [out, in/groups, %s]", call_name(c),
           t_shape_str(w), nd + 2, kernels[nd - 1]);
  }
  for (int d = 0; d < w->ndim; d++) {
    if (w->shape[d] < 1) {
      t_fail("%s: weight is %s; none of its sizes may be 0", call_name(c), t_shape_str(w));
    }
    if (w->shape[d] > INT32_MAX) {
      t_fail("%s: weight is %s; its sizes are at most %d", call_name(c), t_shape_str(w), INT32_MAX);
    }
  }
}

static void check_channels(Call *c, int64_t wanted, int64_t groups) {
  const Tensor *x = c->x[0], *w = c->x[1];
  int64_t channels = x->shape[x->ndim - w->ndim + 1];
  if (channels != wanted) {
    t_fail("%s: input has %lld channels %s but weight %s wants %lld (groups=%lld)", call_name(c),
           LL(channels), t_shape_str(x), t_shape_str(w), LL(wanted), LL(groups));
  }
  if (w->shape[0] % groups != 0) {
    t_fail("%s: %lld channels, the weight's first size, do not divide into %lld groups",
           call_name(c), LL(w->shape[0]), LL(groups));
  }
}

static void check_bias(Call *c, int64_t n) {
  const Tensor *b = c->x[2];
  if (b && (b->ndim != 1 || b->shape[0] != n)) {
    t_fail("%s: bias is %s; [%lld] is wanted, one per output channel", call_name(c), t_shape_str(b),
           LL(n));
  }
}

static void check_fits(Call *c, const Conv *g, const Tensor *x) {
  for (int i = 0; i < g->nd; i++) {
    int64_t k = c->x[1]->shape[2 + i], reach = g->dilation[i] * (k - 1) + 1, in = x->shape[2 + i];
    if (in + 2 * g->padding[i] >= reach && in > 0) continue;
    t_fail("%s: a kernel that spans %lld does not fit an input of %lld with padding %lld (input "
           "%s)",
           call_name(c), LL(reach), LL(in), LL(g->padding[i]), t_shape_str(c->x[0]));
  }
}

/* ---- padding ------------------------------------------------------------------------------------ */

/* Padding by a word becomes numbers; where a kernel of even reach needs one more on the far side,
   x gets it here. */
static Tensor *pad_by_word(Call *c, Conv *g, Tensor *x) {
  int64_t more[6] = {0};
  bool uneven = false;
  for (int i = 0; i < g->nd; i++) {
    int64_t total = g->dilation[i] * (c->x[1]->shape[2 + i] - 1);
    g->padding[i] = c->attr[PADDING].i == SAME ? total / 2 : 0;
    if (c->attr[PADDING].i != SAME) continue;
    if (g->stride[i] != 1) {
      t_fail("%s: padding \"same\" goes with stride 1 only; the stride is %lld", call_name(c),
             LL(g->stride[i]));
    }
    more[2 * (g->nd - 1 - i) + 1] = total % 2;
    uneven = uneven || total % 2;
  }
  return uneven ? t_call("pad", "xl", x, 2 * g->nd, more) : x;
}

/* ---- by planes ------------------------------------------------------------------------------------ */

/* The values of the last two dimensions, {1, v} for one dimension. */
static void last_two(const Conv *g, const int64_t *v, int64_t neutral, int64_t *out) {
  out[0] = g->nd == 1 ? neutral : v[g->nd - 2];
  out[1] = v[g->nd - 1];
}

typedef struct Planes {
  int64_t stride[2], padding[2], dilation[2];
} Planes;

static Planes planes_of(const Conv *g) {
  Planes p;
  last_two(g, g->stride, 1, p.stride);
  last_two(g, g->padding, 0, p.padding);
  last_two(g, g->dilation, 1, p.dilation);
  return p;
}

static Tensor *convolve(const Conv *g, Tensor *x, Tensor *w, Tensor *b) {
  Planes p = planes_of(g);
  return t_call("convolve2d", "xxxllli", x, w, b, 2, p.stride, 2, p.padding, 2, p.dilation,
                g->groups);
}

/* size: height and width of the result */
static Tensor *spread(const Conv *g, Tensor *x, Tensor *w, Tensor *b, const int64_t *size) {
  Planes p = planes_of(g);
  return t_call("convolve2d_dx", "xxxlllil", x, w, b, 2, p.stride, 2, p.padding, 2, p.dilation,
                g->groups, 2, size);
}

/* ---- depth ---------------------------------------------------------------------------------------- */

/* The steps of `kd` depths, dilated, over a contiguous [N,C,D,H,W]: [N,od,C,kd,H,W]. */
static Window depths(const Conv *g, int64_t n, int64_t c, int64_t d, int64_t h, int64_t w,
                     int64_t od, int64_t kd) {
  int64_t plane = h * w;
  return (Window){
      .ndim = 6,
      .shape = {n, od, c, kd, h, w},
      .stride = {c * d * plane, g->stride[0] * plane, d * plane, g->dilation[0] * plane, w, 1}};
}

/* [O,C,kd,kh,kw] -> [O,C kd,kh,kw] */
static Tensor *flat_kernel(Tensor *w) {
  const int64_t shape[4] = {w->shape[0], w->shape[1] * w->shape[2], w->shape[3], w->shape[4]};
  return t_reshape(w, 4, shape);
}

static Tensor *convolve3d(const Conv *g, Tensor *x, Tensor *w, Tensor *b) {
  const int64_t pad[6] = {0, 0, 0, 0, g->padding[0], g->padding[0]}, order[5] = {0, 2, 1, 3, 4};
  if (g->padding[0] > 0) x = t_call("pad", "xl", x, 6, pad);
  int64_t n = x->shape[0], c = x->shape[1], d = x->shape[2], kd = w->shape[2];
  int64_t od = (d - g->dilation[0] * (kd - 1) - 1) / g->stride[0] + 1;
  if (!t_is_contiguous(x)) x = t_op1("contiguous", x);
  Window view = depths(g, n, c, d, x->shape[3], x->shape[4], od, kd);
  const int64_t planes[4] = {n * od, c * kd, x->shape[3], x->shape[4]};
  Tensor *y = convolve(g, t_reshape(window_get(x, &view), 4, planes), flat_kernel(w), b);
  const int64_t shape[5] = {n, od, y->shape[1], y->shape[2], y->shape[3]};
  return t_permute(t_reshape(y, 5, shape), order);
}

/* size: of the result */
static Tensor *spread3d(const Conv *g, Tensor *x, Tensor *w, Tensor *b, const int64_t *size) {
  const int64_t order[5] = {0, 2, 1, 3, 4};
  int64_t n = x->shape[0], d = x->shape[2], kd = w->shape[2], o = w->shape[1] * g->groups;
  const int64_t planes[4] = {n * d, x->shape[1], x->shape[3], x->shape[4]};
  Tensor *y = spread(g, t_reshape(t_permute(x, order), 4, planes), flat_kernel(w), NULL, size + 1);
  int64_t h = size[1], wide = size[2], whole = size[0] + 2 * g->padding[0];
  Window view = depths(g, n, o, whole, h, wide, d, kd);
  const int64_t full[5] = {n, o, whole, h, wide}, channels[4] = {o, 1, 1, 1};
  y = window_add(t_reshape(y, 6, view.shape), 5, full, &view);
  if (g->padding[0] > 0) y = t_narrow(y, 2, g->padding[0], size[0]);
  return b ? t_add(y, t_reshape(b, 4, channels)) : y;
}

/* ---- the public rows -------------------------------------------------------------------------------- */

static Tensor *floats(Tensor *x) { return dtype_is_float((DType)x->dtype) ? x : t_cast(x, T_F32); }

static void conv(Call *c, int nd) {
  check_ranks(c, nd);
  Conv g = {.nd = nd, .groups = c->attr[GROUPS].i};
  bool word = c->attr[PADDING].tag == A_CHOICE;
  for (int i = 0; i < nd; i++) {
    g.stride[i] = c->attr[STRIDE].v[i];
    g.padding[i] = word ? 0 : c->attr[PADDING].v[i];
    g.dilation[i] = c->attr[DILATION].v[i];
  }
  check_attrs(c, &g);
  Tensor *x = c->x[0], *w = c->x[1];
  check_channels(c, w->shape[1] * g.groups, g.groups);
  check_bias(c, w->shape[0]);
  bool single = x->ndim == nd + 1;
  if (single) x = t_unsqueeze(x, 0);
  if (word) x = pad_by_word(c, &g, x);
  check_fits(c, &g, x);
  Tensor *y;
  if (nd == 1)
    y = t_squeeze(convolve(&g, t_unsqueeze(x, 2), t_unsqueeze(w, 2), c->x[2]), 2);
  else if (nd == 2)
    y = convolve(&g, x, w, c->x[2]);
  else
    y = convolve3d(&g, floats(x), w, c->x[2]);
  c->y[0] = single ? t_squeeze(y, 0) : y;
}

/* Fills in the size of the result; x: [N,C,...] */
static void spread_size(Call *c, const Conv *g, const Tensor *x, int64_t *size) {
  for (int i = 0; i < g->nd; i++) {
    int64_t s = g->stride[i], d = g->dilation[i], more = g->extra[i];
    if (more < 0 || (more >= s && more >= d)) {
      t_fail("%s: output_padding %lld must be less than stride %lld or dilation %lld", call_name(c),
             LL(more), LL(s), LL(d));
    }
    size[i] =
        (x->shape[2 + i] - 1) * s - 2 * g->padding[i] + d * (c->x[1]->shape[2 + i] - 1) + more + 1;
    if (size[i] < 1 || x->shape[2 + i] < 1) {
      t_fail("%s: input %s with padding %lld leaves no output", call_name(c), t_shape_str(c->x[0]),
             LL(g->padding[i]));
    }
  }
}

static void transposed(Call *c, int nd) {
  enum { T_PADDING = 1, T_EXTRA, T_GROUPS, T_DILATION };
  check_ranks(c, nd);
  Conv g = {.nd = nd, .groups = c->attr[T_GROUPS].i};
  for (int i = 0; i < nd; i++) {
    g.stride[i] = c->attr[STRIDE].v[i];
    g.padding[i] = c->attr[T_PADDING].v[i];
    g.extra[i] = c->attr[T_EXTRA].v[i];
    g.dilation[i] = c->attr[T_DILATION].v[i];
  }
  check_attrs(c, &g);
  Tensor *x = c->x[0], *w = c->x[1], *b = c->x[2];
  check_channels(c, w->shape[0], g.groups);
  check_bias(c, w->shape[1] * g.groups);
  bool single = x->ndim == nd + 1;
  if (single) x = t_unsqueeze(x, 0);
  int64_t size[3] = {1, 1, 1};
  spread_size(c, &g, x, nd == 1 ? size + 1 : size);
  Tensor *y;
  if (nd == 1)
    y = t_squeeze(spread(&g, t_unsqueeze(x, 2), t_unsqueeze(w, 2), b, size), 2);
  else if (nd == 2)
    y = spread(&g, x, w, b, size);
  else
    y = spread3d(&g, floats(x), w, b, size);
  c->y[0] = single ? t_squeeze(y, 0) : y;
}

static void conv1d(Call *c) { conv(c, 1); }
static void conv2d(Call *c) { conv(c, 2); }
static void conv3d(Call *c) { conv(c, 3); }
static void transposed1d(Call *c) { transposed(c, 1); }
static void transposed2d(Call *c) { transposed(c, 2); }
static void transposed3d(Call *c) { transposed(c, 3); }

#define CONV(n)                                                                                    \
  "(input: tensor, weight: tensor, bias: tensor?, stride: ints{" n "}=1, "                         \
  "padding: ints{" n "|valid|same}=0, dilation: ints{" n "}=1, groups: int=1) -> y: tensor"
#define TRANSPOSED(n)                                                                              \
  "(input: tensor, weight: tensor, bias: tensor?, stride: ints{" n "}=1, padding: ints{" n "}=0, " \
  "output_padding: ints{" n "}=0, groups: int=1, dilation: ints{" n "}=1) -> y: tensor"
#define SIZES                                                                                      \
  "oh = (H + 2 padding - dilation (kh-1) - 1) // stride + 1. padding \"same\" keeps the size, at " \
  "stride 1; \"valid\" is none."

static Op rows[] = {
    {.sig = "conv1d" CONV("1"),
     .doc = "Convolution (cross-correlation) over sequences. input: [N,C,L] or [C,L], weight: "
            "[O,C/groups,k], bias: [O] -> [N,O,ol], with the sizes of conv2d.",
     .example = "tensor{{{1, 2, 4, 7}}}:conv1d(tensor{{{-1, 1}}}) --> int64 [1,1,3]  1  2  3",
     .test = "{{randn(2,2,5), randn(3,2,3), randn(3)}, {randn(1,4,6), randn(4,2,2), nil, {stride = "
             "2, padding = 1, groups = 2}}, {randn(2,2,6), randn(2,2,2), {padding = 'same', "
             "dilation = 3}}}",
     .ref = "reference.conv1d",
     .flags = OP_WHOLE,
     .compose = conv1d},
    {.sig = "conv2d" CONV("2"),
     .doc = "Convolution (cross-correlation) of images. input: [N,C,H,W] or [C,H,W], weight: "
            "[O,C/groups,kh,kw], bias: [O] -> [N,O,oh,ow] with " SIZES,
     .example =
         "tensor.arange(9):view(1, 1, 3, 3):conv2d(tensor.ones(1, 1, 2, 2)) --> float32 [1,1,2,2]\n"
         "  12.0  16.0\n"
         "  24.0  28.0",
     .test = "{{randn(2,2,5,4), randn(3,2,3,3), randn(3)}, "
             "{randn(1,4,5,5), randn(4,2,2,3), nil, {stride = 2, padding = {1, 2}, groups = 2}}, "
             "{randn(2,1,6,6), randn(2,1,2,2), {dilation = 2}}, "
             "{randn(1,2,4,3), randn(1,2,2,3), {padding = 'same'}}}",
     .ref = "reference.conv2d",
     .flags = OP_WHOLE,
     .compose = conv2d},
    {.sig = "conv3d" CONV("3"),
     .doc = "Convolution (cross-correlation) of volumes. input: [N,C,D,H,W] or [C,D,H,W], weight: "
            "[O,C/groups,kd,kh,kw], bias: [O] -> [N,O,od,oh,ow], with the sizes of conv2d.",
     .example =
         "tensor.arange(8):view(1, 1, 2, 2, 2):conv3d(tensor.ones(1, 1, 2, 2, 2)):item() --> 36.0",
     .test = "{{randn(1,2,3,3,4), randn(2,2,2,2,3), randn(2)}, {randn(1,2,4,3,3), "
             "randn(2,1,2,2,2), nil, {stride = {2, 1, 1}, padding = 1, groups = 2, dilation = {1, "
             "2, 1}}}, {randn(1,1,3,2,2), randn(1,1,2,1,1), {padding = 'same'}}}",
     .ref = "reference.conv3d",
     .flags = OP_WHOLE,
     .compose = conv3d},
    {.sig = "conv_transpose1d" TRANSPOSED("1"),
     .doc = "Transposed convolution over sequences. input: [N,C,L] or [C,L], weight: "
            "[C,O/groups,k], bias: [O] -> [N,O,ol], with the sizes of conv_transpose2d.",
     .example = "tensor{{{1, 2}}}:conv_transpose1d(tensor{{{1, 10}}}) --> int64 [1,1,3]  1  12  20",
     .test = "{{randn(2,3,3), randn(3,2,3), randn(2)}, {randn(1,4,3), randn(4,2,2), {stride = 2, "
             "padding = 1, output_padding = 1, groups = 2, dilation = 3}}}",
     .ref = "reference.conv_transpose1d",
     .flags = OP_WHOLE,
     .compose = transposed1d},
    {.sig = "conv_transpose2d" TRANSPOSED("2"),
     .doc = "Transposed convolution: the gradient of conv2d for its input, as a forward pass. "
            "input: [N,C,H,W] or [C,H,W], weight: [C,O/groups,kh,kw], bias: [O] -> [N,O,oh,ow] "
            "with oh = (H-1) stride - 2 padding + dilation (kh-1) + output_padding + 1.",
     .example = "tensor{{{{1, 2}}}}:conv_transpose2d(tensor.ones(1, 1, 2, 2), {stride = 2}) --> "
                "float32 [1,1,2,4]\n"
                "  1.0  1.0  2.0  2.0\n"
                "  1.0  1.0  2.0  2.0",
     .test = "{{randn(2,3,3,2), randn(3,2,3,3), randn(2)}, "
             "{randn(1,4,3,3), randn(4,2,2,3), {stride = 2, padding = 1, output_padding = 1, "
             "groups = 2}}}",
     .ref = "reference.conv_transpose2d",
     .flags = OP_WHOLE,
     .compose = transposed2d},
    {.sig = "conv_transpose3d" TRANSPOSED("3"),
     .doc = "Transposed convolution of volumes. input: [N,C,D,H,W] or [C,D,H,W], weight: "
            "[C,O/groups,kd,kh,kw], bias: [O] -> [N,O,od,oh,ow], with the sizes of "
            "conv_transpose2d.",
     .example = "x = tensor{1, 2}:view(1, 1, 1, 1, 2)\n"
                "x:conv_transpose3d(tensor.ones(1, 1, 1, 1, 2), {stride = 2}):flatten() --> "
                "float32 [4]  1.0  1.0  2.0  2.0",
     .test = "{{randn(1,2,2,2,2), randn(2,2,2,1,2), randn(2)}, {randn(1,2,2,3,2), "
             "randn(2,1,2,2,1), randn(2), {stride = {2, 1, 2}, padding = {1, 1, 0}, "
             "output_padding = {1, 0, 1}, groups = 2, dilation = {1, 2, 1}}}}",
     .ref = "reference.conv_transpose3d",
     .flags = OP_WHOLE,
     .compose = transposed3d},
};

FAMILY(conv, rows);
