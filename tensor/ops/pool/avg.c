/* Means in windows, adaptive ones, and power means (lp_pool). */
#include "../../calc.h"
#include "pool.h"

enum { KERNEL, STRIDE, PADDING, CEIL, PADDED, DIVISOR };

/* ---- over planes ------------------------------------------------------------------------------------ */

Tensor *pool_average(Tensor *x, const Pool *p, bool padded) {
  int64_t w[3][2] = {{1, 0}, {1, 0}, {0, 0}};
  const int64_t *from[3] = {p->kernel, p->stride, p->padding};
  for (int k = 0; k < 3; k++) {
    if (p->nd == 2) w[k][0] = from[k][0];
    w[k][1] = from[k][p->nd - 1];
  }
  Tensor *planes = p->nd == 1 ? t_unsqueeze(x, x->ndim - 1) : x;
  Tensor *y = t_call("avg_planes", "xlllbb", planes, 2, w[0], 2, w[1], 2, w[2], p->ceil, padded);
  return p->nd == 1 ? t_squeeze(y, x->ndim - 1) : y;
}

/* The mean over windows in depth of means over planes: what is counted is a product too. */
static Tensor *average3d(Tensor *x, const Pool *p, bool padded) {
  Pool flat = *p, depth = *p;
  flat.nd = 2;
  depth.nd = 2;
  int64_t n = x->shape[x->ndim - 3];
  for (int i = 0; i < 2; i++) {
    flat.kernel[i] = p->kernel[1 + i];
    flat.stride[i] = p->stride[1 + i];
    flat.padding[i] = p->padding[1 + i];
  }
  depth.kernel[1] = depth.stride[1] = 1;
  depth.padding[1] = 0;
  Tensor *y = pool_average(x, &flat, padded);
  const int64_t sizes[2] = {n, p->out[1] * p->out[2]};
  Tensor *sheets = pool_planes(y, 3);
  const int64_t shape[3] = {sheets->shape[0], sizes[0], sizes[1]};
  return pool_shaped(pool_average(t_reshape(sheets, 3, shape), &depth, padded), x, 3, p->out);
}

/* ---- avg_pool --------------------------------------------------------------------------------------- */

static int64_t counted(const Pool *p, int d, int64_t i, int64_t in, bool padded) {
  int64_t start = i * p->stride[d] - p->padding[d], end = start + p->kernel[d];
  if (end > in + p->padding[d]) end = in + p->padding[d];
  if (!padded && start < 0) start = 0;
  if (!padded && end > in) end = in;
  return end - start;
}

/* How many places each window counts, over a divisor, in the windows' shape. */
static Tensor *counts_over(const Tensor *x, const Pool *p, bool padded, double divisor) {
  Tensor *t = t_new(T_F64, p->nd, p->out);
  for (int64_t i = 0; i < t->numel; i++) {
    int64_t rest = i;
    double n = 1;
    for (int d = p->nd - 1; d >= 0; d--) {
      n *= (double)counted(p, d, rest % p->out[d], x->shape[x->ndim - p->nd + d], padded);
      rest /= p->out[d];
    }
    t_set(t, i, n / divisor);
  }
  return t_cast(t, (DType)x->dtype);
}

static void avg_pool(Call *c, int nd) {
  Pool p = pool_windows(c, nd, KERNEL, POOL_DENSE, c->attr[CEIL].i != 0);
  Tensor *x = pool_floats(c->x[0]);
  bool padded = c->attr[PADDED].i != 0;
  Tensor *y = nd == 3 ? average3d(x, &p, padded) : pool_average(x, &p, padded);
  if (nd > 1 && attr_given(c, DIVISOR)) {
    if (c->attr[DIVISOR].i == 0) t_fail("%s: divisor_override is 0", call_name(c));
    y = t_mul(y, counts_over(x, &p, padded, (double)c->attr[DIVISOR].i));
  }
  c->y[0] = y;
}

static void avg_pool1d(Call *c) { avg_pool(c, 1); }
static void avg_pool2d(Call *c) { avg_pool(c, 2); }
static void avg_pool3d(Call *c) { avg_pool(c, 3); }

/* ---- adaptive ------------------------------------------------------------------------------------- */

/* Windows of one size side by side, where the sizes divide. */
static bool regular(const Tensor *x, int nd, const int64_t *size, Pool *p) {
  *p = (Pool){.nd = nd};
  for (int i = 0; i < nd; i++) {
    int64_t in = x->shape[x->ndim - nd + i];
    if (size[i] < 1 || in % size[i] != 0) return false;
    p->kernel[i] = p->stride[i] = in / size[i];
    p->out[i] = size[i];
  }
  return true;
}

static Tensor *adaptive(Tensor *x, int nd, const int64_t *size) {
  Pool p;
  int64_t dims[3], ones = 0;
  for (int i = 0; i < nd; i++) {
    dims[i] = x->ndim - nd + i;
    ones += size[i] == 1;
  }
  if (ones == nd) return t_call("mean", "xlb", x, nd, dims, true);
  if (nd < 3 && regular(x, nd, size, &p)) return pool_average(x, &p, true);
  for (int i = nd - 1; i >= 0; i--) {
    if (x->shape[dims[i]] == size[i]) continue;
    x = t_call("resample", "xiicbf", x, dims[i], size[i], 0, false, 0.0);
  }
  return x;
}

static void adaptive_avg(Call *c, int nd) {
  int64_t size[3];
  pool_adaptive_sizes(c, nd, 0, size);
  c->y[0] = adaptive(pool_floats(c->x[0]), nd, size);
}

static void adaptive_avg1d(Call *c) { adaptive_avg(c, 1); }
static void adaptive_avg2d(Call *c) { adaptive_avg(c, 2); }
static void adaptive_avg3d(Call *c) { adaptive_avg(c, 3); }

/* ---- lp_pool: (sum of x^p over the window)^(1/p) ----------------------------------------------------- */

static void lp_pool(Call *c, int nd) {
  double e = c->attr[0].f;
  Pool p = pool_windows(c, nd, 1, POOL_BARE, c->attr[3].i != 0);
  int64_t count = p.kernel[0] * (nd == 2 ? p.kernel[1] : 1);
  Tensor *mean = pool_average(t_pown(pool_floats(c->x[0]), e), &p, true);
  c->y[0] = t_pown(t_muln(mean, (double)count), 1 / e);
}

static void lp_pool1d(Call *c) { lp_pool(c, 1); }
static void lp_pool2d(Call *c) { lp_pool(c, 2); }

/* ---- rows ----------------------------------------------------------------------------------------- */

#define AVG(n)                                                                                     \
  "(input: tensor, kernel_size: ints{" n "}, stride: ints{" n "}?, padding: ints{" n "}=0, "       \
  "ceil_mode: bool=false, count_include_pad: bool=true"
#define ADAPTIVE(n) "(input: tensor, output_size: ints{" n "}) -> y: tensor"
#define LP(n)                                                                                      \
  "(input: tensor, norm_type: float, kernel_size: ints{" n "}, stride: ints{" n "}?, "             \
  "ceil_mode: bool=false) -> y: tensor"

static Op rows[] = {
    {.sig = "avg_pool1d" AVG("1") ") -> y: tensor",
     .doc = "The average in windows of sequences. input: [N,C,L] or [C,L]; see avg_pool2d.",
     .example = "tensor{{1, 5, 2, 4}}:avg_pool1d(2) --> float32 [1,2]  3.0  3.0",
     .test = "{{randn(2,2,5), 2}, {randn(2,7), 3, {stride = 2, padding = 1, ceil_mode = true, "
             "count_include_pad = false}}}",
     .ref = "reference.avg_pool1d",
     .compose = avg_pool1d},
    {.sig = "avg_pool2d" AVG("2") ", divisor_override: int?) -> y: tensor",
     .doc = "The average in windows of images. input: [N,C,H,W] or [C,H,W]; stride defaults to "
            "kernel_size. count_include_pad lets padding count as zeros; sums are divided by "
            "divisor_override where given.",
     .example = "tensor.arange(16):view(1, 4, 4):avg_pool2d(2) --> float32 [1,2,2]\n"
                "   3.5   5.5\n"
                "  11.5  13.5",
     .test = "{{randn(2,2,4,5), 2}, {randn(1,2,5,5), 3, {stride = 2, padding = 1}}, "
             "{randn(1,2,5,5), 3, {stride = 2, padding = 1, count_include_pad = false}}, "
             "{randn(2,5,5), 2, {ceil_mode = true, padding = 1, divisor_override = 3}}}",
     .ref = "reference.avg_pool2d",
     .compose = avg_pool2d},
    {.sig = "avg_pool3d" AVG("3") ", divisor_override: int?) -> y: tensor",
     .doc = "The average in windows of volumes. input: [N,C,D,H,W] or [C,D,H,W]; see avg_pool2d.",
     .example = "tensor.arange(8):view(1, 2, 2, 2):avg_pool3d(2):item() --> 4.5",
     .test = "{{randn(1,2,2,4,3), 2}, {randn(1,3,4,5), 2, {stride = {1, 2, 2}, padding = 1, "
             "ceil_mode = true, count_include_pad = false}}, {randn(1,3,3,4), 2, {padding = 1, "
             "divisor_override = 2}}}",
     .ref = "reference.avg_pool3d",
     .compose = avg_pool3d},
    {.sig = "adaptive_avg_pool1d" ADAPTIVE("1"),
     .doc = "The average in output_size windows of sequences. input: [N,C,L] or [C,L]; see "
            "adaptive_avg_pool2d.",
     .example = "tensor{{1, 3, 5, 7}}:adaptive_avg_pool1d(2) --> float32 [1,2]  2.0  6.0",
     .test = "{{randn(1,2,7), 3}, {randn(2,4), 2}}",
     .ref = "reference.adaptive_avg_pool1d",
     .compose = adaptive_avg1d},
    {.sig = "adaptive_avg_pool2d" ADAPTIVE("2"),
     .doc = "The average in as many windows as output_size says, -1 for the input's size; 1 is the "
            "mean of all. input: [N,C,H,W] or [C,H,W]; windows as in adaptive_max_pool2d.",
     .example = "tensor.arange(16):view(1, 4, 4):adaptive_avg_pool2d(2) --> float32 [1,2,2]\n"
                "   3.5   5.5\n"
                "  11.5  13.5",
     .test = "{{randn(1,2,5,4), {2, 3}}, {randn(2,3,4), {-1, 2}}, {randn(2,3,4), 1}, "
             "{randn(1,2,4,6), {2, 3}}}",
     .ref = "reference.adaptive_avg_pool2d",
     .compose = adaptive_avg2d},
    {.sig = "adaptive_avg_pool3d" ADAPTIVE("3"),
     .doc = "The average in output_size windows of volumes. input: [N,C,D,H,W] or [C,D,H,W]; see "
            "adaptive_avg_pool2d.",
     .example = "tensor.arange(8):view(1, 2, 2, 2):adaptive_avg_pool3d(1):item() --> 4.5",
     .test = "{{randn(1,2,3,4,3), {2, 3, 2}}, {randn(1,3,4,2), 1}}",
     .ref = "reference.adaptive_avg_pool3d",
     .compose = adaptive_avg3d},
    {.sig = "lp_pool1d" LP("1"),
     .doc = "(Sum of x^norm_type over a window)^(1/norm_type). input: [N,C,L] or [C,L].",
     .example = "tensor{{3, 4, 6, 8}}:lp_pool1d(2, 2) --> float32 [1,2]  5.0  10.0",
     .test = "{{rand(1,2,5) + 0.5, 3, 2}, {rand(2,5) + 0.5, 1.5, 3, 2}}",
     .ref = "reference.lp_pool1d",
     .compose = lp_pool1d},
    {.sig = "lp_pool2d" LP("2"),
     .doc = "(Sum of x^norm_type over a window)^(1/norm_type). input: [N,C,H,W] or [C,H,W].",
     .example = "tensor{{{3, 4}, {0, 0}}}:lp_pool2d(2, 2):item() --> 5.0",
     .test = "{{rand(1,2,4,5) + 0.5, 2, 2}, {rand(2,3,5) + 0.5, 3, {2, 3}, 1}}",
     .ref = "reference.lp_pool2d",
     .compose = lp_pool2d},
};

FAMILY_PART(pool, avg_pool, rows);
