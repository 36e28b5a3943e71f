/* Sliding windows: unfold as a view; patches of images as columns (im2col) and back (fold), for
   convolutions that are written as products. */
#include "../../calc.h"
#include "window.h"

/* ---- unfold: attributes dimension, size, step -------------------------------------------------------- */

static void unfold_carve(const Call *c, Window *w) {
  int dim = (int)c->attr[0].i;
  int64_t size = c->attr[1].i, step = c->attr[2].i;
  int64_t n = w->ndim ? w->shape[dim] : 1, stride = w->ndim ? w->stride[dim] : 1;
  if (size < 0 || size > n || step < 1) {
    t_fail("unfold: windows of %lld, %lld apart, in dimension %d of %s; they are at most %lld long "
           "and 1 or more apart",
           (long long)size, (long long)step, dim + 1, t_shape_str(c->x[0]), (long long)n);
  }
  if (w->ndim > 0) {
    w->shape[dim] = (n - size) / step + 1;
    w->stride[dim] = w->shape[dim] > 1 ? stride * step : stride;
  }
  window_insert_dim(w, w->ndim, size, stride);
}
static void unfold_infer(Call *c) { carve_infer(c, unfold_carve); }
static void unfold_grad(Call *c, Tensor *const *gy, Tensor **gx) {
  carve_grad(c, gy, gx, unfold_carve);
}

/* ---- as_strided and as_strided_scatter: attributes size, stride, storage_offset ---------------------------------------------- */

static Window strided_window(const Call *c, const Tensor *x) {
  const Attr *size = &c->attr[0], *stride = &c->attr[1];
  int64_t offset = c->attr[2].i, last = offset;
  bool empty = false, fits = size->n == stride->n && last >= 0;
  for (int d = 0; d < size->n && fits; d++) {
    int64_t reach = 0;
    fits = size->v[d] >= 0 && stride->v[d] >= 0 &&
           (size->v[d] == 0 || (!__builtin_mul_overflow(stride->v[d], size->v[d] - 1, &reach) &&
                                !__builtin_add_overflow(last, reach, &last)));
    empty = empty || size->v[d] == 0;
  }
  if (!fits || (!empty && last >= x->numel)) {
    t_fail("%s: sizes %s with strides %s from offset %lld in the %lld elements of x; both lists "
           "are of one length, without negative numbers, and stay within x",
           call_name(c), t_dims_str(size->n, size->v), t_dims_str(stride->n, stride->v),
           (long long)offset, (long long)x->numel);
  }
  Window w = {.ndim = size->n, .offset = empty ? 0 : offset};
  for (int d = 0; d < size->n; d++) {
    w.shape[d] = size->v[d];
    w.stride[d] = stride->v[d];
  }
  return w;
}

/* x with its elements in order from the beginning of its storage. */
static Tensor *in_order(Tensor *x) {
  return x->offset == 0 && t_is_contiguous(x) ? x : t_op1("clone", x);
}

static void as_strided(Call *c) {
  Window w = strided_window(c, c->x[0]);
  c->y[0] = window_get(in_order(c->x[0]), &w);
}

static void as_strided_scatter(Call *c) {
  Tensor *x = c->x[0], *src = c->x[1];
  Window w = strided_window(c, x);
  bool same = src->ndim == w.ndim;
  for (int d = 0; same && d < w.ndim; d++) same = src->shape[d] == w.shape[d];
  if (!same) {
    t_fail("as_strided_scatter: src is %s and size %s; they must be equal", t_shape_str(src),
           t_dims_str(w.ndim, w.shape));
  }
  c->y[0] = window_put(in_order(x), t_cast(src, (DType)x->dtype), &w);
}

/* ---- patches of images --------------------------------------------------------------------------------- */

typedef struct Patches {
  int64_t kernel[2], dilation[2], padding[2], stride[2];
  int64_t size[2], count[2]; /* of the padded image; how many windows fit */
} Patches;

/* Attributes from `at` on: kernel_size, dilation, padding, stride; of an image of that size. */
static Patches read_patches(const Call *c, int at, const int64_t *size) {
  Patches p;
  for (int i = 0; i < 2; i++) {
    p.kernel[i] = c->attr[at].v[i];
    p.dilation[i] = c->attr[at + 1].v[i];
    p.padding[i] = c->attr[at + 2].v[i];
    p.stride[i] = c->attr[at + 3].v[i];
    int64_t most = (int64_t)1 << 30;
    bool fine = p.kernel[i] > 0 && p.kernel[i] < most && p.dilation[i] > 0 &&
                p.dilation[i] < most && p.padding[i] >= 0 && p.padding[i] < most &&
                p.stride[i] > 0 && size[i] >= 0 && size[i] < most;
    if (!fine) {
      t_fail("%s: kernel_size, dilation and stride are 1 or more, padding and sizes 0 or more",
             call_name(c));
    }
    p.size[i] = size[i] + 2 * p.padding[i];
    int64_t reach = p.dilation[i] * (p.kernel[i] - 1) + 1;
    if (reach > p.size[i]) {
      t_fail("%s: a window of %lld with padding %lld does not fit dimension %d, whose size is %lld",
             call_name(c), (long long)reach, (long long)p.padding[i], i - 2, (long long)size[i]);
    }
    p.count[i] = (p.size[i] - reach) / p.stride[i] + 1;
  }
  return p;
}

/* [n, channels, kernel, kernel, count, count] over images [n, channels, size, size]. */
static Window window_of_patches(const Patches *p, int64_t n, int64_t channels) {
  int64_t row = p->size[1], image = p->size[0] * row;
  return (Window){
      .ndim = 6,
      .shape = {n, channels, p->kernel[0], p->kernel[1], p->count[0], p->count[1]},
      .stride = {channels * image, image, p->dilation[0] * row, p->dilation[1], p->stride[0] * row,
                 p->stride[1]},
  };
}

/* [N, C, H, W] of [C, H, W] too. */
static Tensor *as_batch(const Call *c, int ndim, bool *single) {
  Tensor *x = c->x[0];
  *single = x->ndim == ndim - 1;
  if (x->ndim != ndim && !*single) {
    t_fail("%s: x is %s; %d dimensions are wanted, or %d for a single one", call_name(c),
           t_shape_str(x), ndim, ndim - 1);
  }
  return *single ? t_unsqueeze(x, 0) : x;
}

static void im2col(Call *c) {
  bool single;
  Tensor *x = as_batch(c, 4, &single);
  int64_t n = x->shape[0], channels = x->shape[1];
  Patches p = read_patches(c, 0, &x->shape[2]);
  x = t_call("constant_pad_nd", "xl", x, 4,
             (int64_t[]){p.padding[1], p.padding[1], p.padding[0], p.padding[0]});
  Window w = window_of_patches(&p, n, channels);
  int64_t shape[3] = {n, channels * p.kernel[0] * p.kernel[1], p.count[0] * p.count[1]};
  Tensor *y = t_reshape(window_get(x, &w), 3, shape);
  c->y[0] = single ? t_reshape(y, 2, shape + 1) : y;
}

static void fold(Call *c) {
  bool single;
  Tensor *x = as_batch(c, 3, &single);
  Patches p = read_patches(c, 1, c->attr[0].v);
  int64_t n = x->shape[0], area = p.kernel[0] * p.kernel[1], channels = x->shape[1] / area;
  if (channels * area != x->shape[1] || x->shape[2] != p.count[0] * p.count[1]) {
    t_fail("fold: x is %s; for this kernel and output [N, C x %lld, %lld] is wanted",
           t_shape_str(c->x[0]), (long long)area, (long long)(p.count[0] * p.count[1]));
  }
  Window w = window_of_patches(&p, n, channels);
  int64_t shape[4] = {n, channels, p.size[0], p.size[1]};
  Tensor *y = window_add(t_reshape(x, 6, w.shape), 4, shape, &w);
  y = t_narrow(y, 2, p.padding[0], c->attr[0].v[0]);
  y = t_narrow(y, 3, p.padding[1], c->attr[0].v[1]);
  c->y[0] = t_op1("contiguous", single ? t_squeeze(y, 0) : y);
}

/* ---- the rows ---------------------------------------------------------------------------------- */

static Op rows[] = {
    {.sig = "unfold(x: tensor, dimension: dim, size: int, step: int) -> y: tensor",
     .doc = "A view with all windows of that size in a dimension, step apart: they take the "
            "dimension's place, and what is in them comes as a last dimension. (im2col takes "
            "patches of images.)",
     .example = "tensor.arange(4):unfold(1, 2, 1) --> int64 [3,2]\n"
                "  1  2\n"
                "  2  3\n"
                "  3  4",
     .test = "{{randn(5), 1, 3, 1}, {randn(2,5,2), 2, 2, 2}, {randn(3,2), -2, 1, 1}}",
     .ref = "reference.unfold",
     .flags = OP_VIEW,
     .infer = unfold_infer,
     .grad = unfold_grad},
    {.sig = "as_strided(x: tensor, size: ints, stride: ints, storage_offset: int=0) -> y: tensor",
     .doc = "The elements of x in any sizes and steps between them; storage_offset counts elements "
            "from x's first, from 0. Places may be shared. A view, but of a copy where x is a view "
            "itself.",
     .example = "tensor.arange(5):as_strided({3, 3}, {1, 1}) --> int64 [3,3]\n"
                "  1  2  3\n"
                "  2  3  4\n"
                "  3  4  5",
     .test =
         "{{randn(3,4), {2,3}, {4,1}, 1}, {randn(6), {3,2}, {1,2}}, {randn(4), {2,4}, {0,1}, 0}}",
     .ref = "reference.as_strided",
     .compose = as_strided},
    {.sig = "as_strided_scatter(x: tensor, src: tensor, size: ints, stride: ints, storage_offset: "
            "int=0) -> y: tensor",
     .doc = "A copy of x with the elements that as_strided shows replaced by src, which has that "
            "size. Of places named twice a later value stays.",
     .example = "tensor.zeros(4):as_strided_scatter(tensor{1, 2}, {2}, {3}) --> float32 [4]  1.0  "
                "0.0  0.0  2.0",
     .test = "{{randn(3,4), randn(2,3), {2,3}, {4,1}, 1}, {randn(6), randn(3,2), {3,2}, {1,3}}}",
     .ref = "reference.as_strided_scatter",
     .compose = as_strided_scatter},
    {.sig =
         "im2col(x: tensor, kernel_size: ints{2}, dilation: ints{2}=1, padding: ints{2}=0, stride: "
         "ints{2}=1) -> y: tensor",
     .doc = "The patches under a sliding window as columns: images [N, C, H, W] become [N, C x "
            "kernel area, windows]. PyTorch's nn.functional.unfold.",
     .example = "tensor.arange(6):view(1, 1, 2, 3):im2col(2) --> int64 [1,4,2]\n"
                "  1  2\n"
                "  2  3\n"
                "  4  5\n"
                "  5  6",
     .test = "{{randn(1,2,3,4), 2}, {randn(2,1,3,3), {2,1}, 1, {1,0}, {2,1}}, {randn(1,1,5,3), 2, "
             "{2,1}}}",
     .ref = "reference.im2col",
     .compose = im2col},
    {.sig = "fold(x: tensor, output_size: ints{2}, kernel_size: ints{2}, dilation: ints{2}=1, "
            "padding: "
            "ints{2}=0, stride: ints{2}=1) -> y: tensor",
     .aliases = "col2im",
     .doc =
         "The sum of patches at their places: columns [N, C x kernel area, windows] become images "
         "[N, C, H, W] of output_size. What im2col takes apart, values counted as often as "
         "windows saw them.",
     .example = "tensor.ones(1, 4, 2):fold({2, 3}, 2) --> float32 [1,1,2,3]\n"
                "  1.0  2.0  1.0\n"
                "  1.0  2.0  1.0",
     .test = "{{randn(1,8,6), {3,4}, 2}, {randn(1,2,6), {3,3}, {2,1}, 1, {1,0}, {2,1}}}",
     .ref = "reference.fold",
     .compose = fold},
};

FAMILY_PART(shape, patches, rows);
