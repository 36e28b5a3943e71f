/* Images and volumes of another size, and channels rearranged into places. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "../../calc.h"

#define LL(x) ((long long)(x))

/* ---- interpolate ---------------------------------------------------------------------------------- */

enum { SIZE, FACTOR, MODE, ALIGN, RECOMPUTE };
enum { NEAREST, LINEAR, BILINEAR, BICUBIC, TRILINEAR, AREA, EXACT };

typedef struct Resize {
  int nd;
  int64_t out[3];
  double scale[3]; /* as given, or 0 */
} Resize;

static int64_t scaled(Call *c, int64_t in, double factor) {
  double n = floor((double)in * factor);
  if (n >= 1 && n < 0x1p40) return (int64_t)n;
  t_fail("%s: scale_factor %g makes %lld to %g; at least 1 is wanted", call_name(c), factor, LL(in),
         n);
}

/* size and factor: attributes, one of which is given. */
static Resize read_resize(Call *c, const Attr *size, const Attr *factor, bool recompute) {
  const Tensor *x = c->x[0];
  if (x->ndim < 3 || x->ndim > 5) {
    t_fail("%s: input is %s; [N,C,L], [N,C,H,W] or [N,C,D,H,W] is wanted", call_name(c),
           t_shape_str(x));
  }
  Resize r = {.nd = x->ndim - 2};
  if ((size->tag == A_NONE) == (factor->tag == A_NONE)) {
    t_fail("%s: size or scale_factor is wanted, one of the two", call_name(c));
  }
  int n = size->tag == A_NONE ? factor->n : size->n;
  if (n != 1 && n != r.nd) {
    t_fail("%s: %d sizes are given for %d dimensions of %s", call_name(c), n, r.nd, t_shape_str(x));
  }
  for (int i = 0; i < r.nd; i++) {
    int64_t in = x->shape[2 + i];
    if (in < 1 && x->shape[0] > 0) {
      t_fail("%s: input %s has nothing in it", call_name(c), t_shape_str(x));
    }
    if (size->tag == A_NONE) {
      r.scale[i] = recompute ? 0 : factor->fv[n == 1 ? 0 : i];
      r.out[i] = scaled(c, in, factor->fv[n == 1 ? 0 : i]);
    } else {
      r.out[i] = size->v[n == 1 ? 0 : i];
      if (r.out[i] < 1) t_fail("%s: size %lld; it is at least 1", call_name(c), LL(r.out[i]));
    }
  }
  return r;
}

/* Dimensions that shrink come first, the outermost before the others; then those that grow, the
   innermost first: so little is read and made on the way. */
static int order_of(const Tensor *x, const Resize *r, int *order) {
  int n = 0;
  for (int i = 0; i < r->nd; i++) {
    if (r->out[i] < x->shape[2 + i]) order[n++] = i;
  }
  for (int i = r->nd - 1; i >= 0; i--) {
    if (r->out[i] > x->shape[2 + i] || (r->out[i] == x->shape[2 + i] && r->scale[i] != 0))
      order[n++] = i;
  }
  return n;
}

/* Kinds: the choices of resample. */
static bool picks(int kind) { return kind < 2; }

/* Values of the dimension, as they are: the resampled positions pick them. */
static Tensor *pick(Tensor *x, int64_t dim, int64_t n, int kind, double scale) {
  Attr d = {.tag = A_DTYPE, .i = T_F64};
  Tensor *all = t_call("arange", "ii-a", (int64_t)T_BASE, x->shape[dim] - 1 + T_BASE, &d);
  Tensor *from = t_call("resample", "xiicbf", all, (int64_t)0, n, kind, 0, scale);
  return t_call("index_select", "xix", x, dim, t_cast(from, T_I64));
}

static Tensor *resize(Tensor *x, const Resize *r, int kind, bool align) {
  int order[3], n = order_of(x, r, order);
  bool picked = picks(kind) && !dtype_is_float((DType)x->dtype);
  if (!picked && !dtype_is_float((DType)x->dtype)) x = t_cast(x, T_F32);
  for (int k = 0; k < n; k++) {
    int i = order[k];
    int64_t dim = 2 + i;
    x = picked ? pick(x, dim, r->out[i], kind, r->scale[i])
               : t_call("resample", "xiicbf", x, dim, r->out[i], kind, align, r->scale[i]);
  }
  return x;
}

static Tensor *by_area(Tensor *x, const Resize *r) {
  char name[32];
  snprintf(name, sizeof name, "adaptive_avg_pool%dd", r->nd);
  return t_call(name, "xl", x, r->nd, r->out);
}

static void interpolate(Call *c) {
  static const int kinds[7] = {0, 2, 2, 3, 2, 0, 1}, ranks[7] = {0, 1, 2, 2, 3, 0, 0};
  static const char *const names[4] = {"", "linear", "bilinear or bicubic", "trilinear"};
  int64_t mode = c->attr[MODE].i;
  Resize r = read_resize(c, &c->attr[SIZE], &c->attr[FACTOR],
                         attr_given(c, RECOMPUTE) && c->attr[RECOMPUTE].i);
  if (ranks[mode] && ranks[mode] != r.nd) {
    t_fail("interpolate: %s is for %d dimensions after the channels, input %s has %d; %s is for "
           "those",
           names[ranks[mode]], ranks[mode], t_shape_str(c->x[0]), r.nd, names[r.nd]);
  }
  if (!ranks[mode] && attr_given(c, ALIGN)) {
    t_fail("interpolate: align_corners goes with linear, bilinear, bicubic and trilinear");
  }
  bool align = attr_given(c, ALIGN) && c->attr[ALIGN].i;
  c->y[0] = mode == AREA ? by_area(c->x[0], &r) : resize(c->x[0], &r, kinds[mode], align);
}

static void upsample_nearest(Call *c) {
  Resize r = read_resize(c, &c->attr[0], &c->attr[1], false);
  c->y[0] = resize(c->x[0], &r, 0, false);
}

static void upsample_bilinear(Call *c) {
  Resize r = read_resize(c, &c->attr[0], &c->attr[1], false);
  if (r.nd != 2) {
    t_fail("upsample_bilinear: input is %s; [N,C,H,W] is wanted", t_shape_str(c->x[0]));
  }
  c->y[0] = resize(c->x[0], &r, 2, true);
}

/* ---- channels and places -------------------------------------------------------------------------- */

/* x: [..., C r r, H, W] -> [..., C, H r, W r]; Shi and others 2016, arXiv:1609.05158 */
static void pixel_shuffle(Call *c) {
  Tensor *x = c->x[0];
  int64_t r = c->attr[0].i, n = x->ndim;
  if (n < 3 || r < 1 || r > 1 << 20 || x->shape[n - 3] % (r * r) != 0) {
    t_fail("pixel_shuffle: input is %s; [..., C,H,W] with C a multiple of upscale_factor^2 is "
           "wanted, upscale_factor is %lld",
           t_shape_str(x), LL(r));
  }
  int64_t shape[T_MAXDIM], order[T_MAXDIM], lead = n - 3;
  if (lead + 5 > T_MAXDIM)
    t_fail("pixel_shuffle: input %s has too many dimensions", t_shape_str(x));
  for (int64_t d = 0; d < lead; d++) {
    shape[d] = x->shape[d];
    order[d] = d;
  }
  int64_t h = x->shape[n - 2], w = x->shape[n - 1], channels = x->shape[n - 3] / (r * r);
  memcpy(shape + lead, (int64_t[]){channels, r, r, h, w}, 5 * sizeof *shape);
  memcpy(order + lead, (int64_t[]){lead, lead + 3, lead + 1, lead + 4, lead + 2},
         5 * sizeof *order);
  Tensor *y = t_permute(t_reshape(x, (int)lead + 5, shape), order);
  memcpy(shape + lead, (int64_t[]){channels, h * r, w * r}, 3 * sizeof *shape);
  c->y[0] = t_reshape(y, (int)n, shape);
}

static void pixel_unshuffle(Call *c) {
  Tensor *x = c->x[0];
  int64_t r = c->attr[0].i, n = x->ndim;
  if (n < 3 || r < 1 || r > 1 << 20 || x->shape[n - 2] % r != 0 || x->shape[n - 1] % r != 0) {
    t_fail("pixel_unshuffle: input is %s; [..., C,H,W] with H and W multiples of downscale_factor "
           "is wanted, downscale_factor is %lld",
           t_shape_str(x), LL(r));
  }
  int64_t shape[T_MAXDIM], order[T_MAXDIM], lead = n - 3;
  if (lead + 5 > T_MAXDIM) {
    t_fail("pixel_unshuffle: input %s has too many dimensions", t_shape_str(x));
  }
  for (int64_t d = 0; d < lead; d++) {
    shape[d] = x->shape[d];
    order[d] = d;
  }
  int64_t h = x->shape[n - 2] / r, w = x->shape[n - 1] / r, channels = x->shape[n - 3];
  memcpy(shape + lead, (int64_t[]){channels, h, r, w, r}, 5 * sizeof *shape);
  memcpy(order + lead, (int64_t[]){lead, lead + 2, lead + 4, lead + 1, lead + 3},
         5 * sizeof *order);
  Tensor *y = t_permute(t_reshape(x, (int)lead + 5, shape), order);
  memcpy(shape + lead, (int64_t[]){channels * r * r, h, w}, 3 * sizeof *shape);
  c->y[0] = t_reshape(y, (int)n, shape);
}

static void channel_shuffle(Call *c) {
  Tensor *x = c->x[0];
  int64_t groups = c->attr[0].i;
  if (x->ndim < 3 || groups < 1 || x->shape[1] % groups != 0) {
    t_fail("channel_shuffle: input is %s; [N,C,...] with C a multiple of groups is wanted, groups "
           "is %lld",
           t_shape_str(x), LL(groups));
  }
  int64_t split[3] = {x->shape[0], groups, x->shape[1] / groups}, shape[T_MAXDIM + 1];
  memcpy(shape, split, sizeof split);
  if (x->ndim == T_MAXDIM)
    t_fail("channel_shuffle: input %s has too many dimensions", t_shape_str(x));
  memcpy(shape + 3, x->shape + 2, (size_t)(x->ndim - 2) * sizeof *shape);
  c->y[0] = t_reshape(t_transpose(t_reshape(x, x->ndim + 1, shape), 1, 2), x->ndim, x->shape);
}

/* ---- rows ----------------------------------------------------------------------------------------- */

static Op rows[] = {
    {.sig = "interpolate(input: tensor, size: ints?, scale_factor: floats?, mode: "
            "string{nearest|linear|bilinear|bicubic|trilinear|area|nearest-exact}=nearest, "
            "align_corners: bool?, recompute_scale_factor: bool?) -> y: tensor",
     .doc =
         "Sequences [N,C,L], images [N,C,H,W] or volumes [N,C,D,H,W] of another size: size, or "
         "the input's times scale_factor, rounded down; one number stands for all dimensions. "
         "linear, bilinear and bicubic, trilinear are for one, two and three of them. "
         "align_corners puts the centres of the corners over each other, not their edges. "
         "bicubic: Keys 1981 with a = -0.75. nearest keeps the type of integers, the others make "
         "them float32.",
     .example = "tensor{{{1, 3}}}:interpolate(4) --> int64 [1,1,4]  1  1  3  3",
     .test = "{{randn(1,2,4), 7}, {ints(1,2,3,4), {5, 2}}, {randn(1,2,3,4), {scale_factor = 1.7, "
             "mode = 'bilinear'}}, "
             "{randn(1,1,4,3), {6, 2}, {mode = 'bicubic', align_corners = true}}, "
             "{randn(1,2,3,5), {2, 3}, {mode = 'area'}}, {randn(1,1,2,3,2), 4, {mode = "
             "'trilinear'}}, {randn(1,1,5), 3, {mode = 'nearest-exact'}}, {randn(1,2,3), "
             "{scale_factor = {2}, mode = 'linear', recompute_scale_factor = true}}}",
     .ref = "reference.interpolate",
     .compose = interpolate},
    {.sig = "upsample_nearest(input: tensor, size: ints?, scale_factor: floats?) -> y: tensor",
     .doc = "interpolate with mode nearest.",
     .example = "tensor{{{1, 3}}}:upsample_nearest(4) --> int64 [1,1,4]  1  1  3  3",
     .test = "{{randn(1,2,3,2), 4}, {randn(1,2,3), {scale_factor = 2}}}",
     .ref = "reference.upsample_nearest",
     .compose = upsample_nearest},
    {.sig = "upsample_bilinear(input: tensor, size: ints?, scale_factor: floats?) -> y: tensor",
     .doc = "interpolate with mode bilinear and align_corners.",
     .example = "tensor{{{{1, 3}}}}:upsample_bilinear({1, 3}) --> float32 [1,1,1,3]  1.0  2.0  3.0",
     .test = "{{randn(1,2,3,2), 4}, {randn(1,1,3,3), {scale_factor = 1.7}}}",
     .ref = "reference.upsample_bilinear",
     .compose = upsample_bilinear},
    {.sig = "pixel_shuffle(input: tensor, upscale_factor: int) -> y: tensor",
     .doc = "Channels become places: [..., C r r, H, W] -> [..., C, H r, W r], r the "
            "upscale_factor. Shi and others 2016, arXiv:1609.05158.",
     .example = "tensor.arange(4):view(4, 1, 1):pixel_shuffle(2) --> int64 [1,2,2]\n"
                "  1  2\n"
                "  3  4",
     .test = "{{randn(1,8,2,3), 2}, {randn(4,1,2), 2}}",
     .ref = "reference.pixel_shuffle",
     .compose = pixel_shuffle},
    {.sig = "pixel_unshuffle(input: tensor, downscale_factor: int) -> y: tensor",
     .doc = "Places become channels, the inverse of pixel_shuffle: [..., C, H r, W r] -> "
            "[..., C r r, H, W].",
     .example = "tensor{{{1, 2}, {3, 4}}}:pixel_unshuffle(2) --> int64 [4,1,1]\n"
                "  1\n"
                "\n"
                "  2\n"
                "\n"
                "  3\n"
                "\n"
                "  4",
     .test = "{{randn(1,2,4,6), 2}, {randn(1,3,3), 3}}",
     .ref = "reference.pixel_unshuffle",
     .compose = pixel_unshuffle},
    {.sig = "channel_shuffle(input: tensor, groups: int) -> y: tensor",
     .doc = "Channels in groups change to groups in channels: [N, groups k, ...] -> "
            "[N, k groups, ...]. Zhang and others 2017, arXiv:1707.01083.",
     .example =
         "tensor.arange(4):view(1, 4, 1):channel_shuffle(2):flatten() --> int64 [4]  1  3  2  4",
     .test = "{{randn(1,6,2), 3}, {randn(2,4,1,2), 2}}",
     .ref = "reference.channel_shuffle",
     .compose = channel_shuffle},
};

FAMILY_PART(vision, interpolate, rows);
