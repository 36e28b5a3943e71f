/* Maxima in windows, with their places; adaptive ones; and the way back, max_unpool. */
#include "../../calc.h"
#include "../../tape/tape.h"
#include "pool.h"

enum { KERNEL, STRIDE, PADDING, DILATION, CEIL, RETURN };

/* ---- max_pool ------------------------------------------------------------------------------------- */

/* c->y: the maxima and, where kept, their places. */
static void maxima(Call *c, const Pool *p, bool keep) {
  Call r;
  Tensor *x = pool_floats(c->x[0]);
  bool record = tape_on && tape_tracks(x);
  t_call_into(&r, "max_windows", "xllllbb", x, p->nd, p->kernel, p->nd, p->stride, p->nd,
              p->padding, p->nd, p->dilation, p->ceil, keep || record);
  c->y[0] = r.y[0];
  if (keep) c->y[1] = t_op2("add", t_cast(r.y[1], T_I64), t_scalar_int(T_BASE, T_I64));
}

static void max_pool(Call *c, int nd) {
  Pool p = pool_windows(c, nd, KERNEL, DILATION, c->attr[CEIL].i != 0);
  maxima(c, &p, c->attr[RETURN].i != 0);
}

static void max_pool1d(Call *c) { max_pool(c, 1); }
static void max_pool2d(Call *c) { max_pool(c, 2); }
static void max_pool3d(Call *c) { max_pool(c, 3); }

static void adaptive_max(Call *c, int nd) {
  Pool p = pool_adaptive(c, nd, 0);
  maxima(c, &p, c->attr[1].i != 0);
}

static void adaptive_max1d(Call *c) { adaptive_max(c, 1); }
static void adaptive_max2d(Call *c) { adaptive_max(c, 2); }
static void adaptive_max3d(Call *c) { adaptive_max(c, 3); }

/* ---- max_unpool ----------------------------------------------------------------------------------- */

static void max_unpool(Call *c, int nd) {
  Tensor *x = c->x[0], *places = c->x[1];
  const Attr *size = &c->attr[3];
  pool_check_rank(c, x, nd);
  if (!t_same_shape(x, places)) {
    t_fail("%s: the indices are %s; they have the input's shape %s", call_name(c),
           t_shape_str(places), t_shape_str(x));
  }
  if (size->tag != A_NONE && size->n != nd && size->n != x->ndim) {
    t_fail("%s: output_size has %d numbers; %d are wanted", call_name(c), size->n, nd);
  }
  int64_t out[3], shape[2] = {1, 1};
  for (int i = 0; i < nd; i++) {
    int64_t k = c->attr[KERNEL].v[i];
    int64_t s = attr_given(c, STRIDE) ? c->attr[STRIDE].v[i] : k;
    out[i] = (x->shape[x->ndim - nd + i] - 1) * s - 2 * c->attr[PADDING].v[i] + k;
    if (size->tag != A_NONE) out[i] = size->v[size->n - nd + i];
    if (out[i] < 1) t_fail("%s: the output's size would be %lld", call_name(c), (long long)out[i]);
    if (__builtin_mul_overflow(shape[1], out[i], &shape[1])) {
      t_fail("%s: the output is too large", call_name(c));
    }
  }
  for (int d = 0; d < x->ndim - nd; d++) shape[0] *= x->shape[d];
  x = pool_floats(x);
  const int64_t flat[2] = {shape[0], shape[0] ? x->numel / shape[0] : 0};
  Tensor *y = t_call("scatter", "xxxi", t_nothing((DType)x->dtype, 2, shape),
                     t_reshape(places, 2, flat), t_reshape(x, 2, flat), (int64_t)1);
  c->y[0] = pool_shaped(y, x, nd, out);
}

static void max_unpool1d(Call *c) { max_unpool(c, 1); }
static void max_unpool2d(Call *c) { max_unpool(c, 2); }
static void max_unpool3d(Call *c) { max_unpool(c, 3); }

/* ---- rows ----------------------------------------------------------------------------------------- */

#define MAX(n)                                                                                     \
  "(input: tensor, kernel_size: ints{" n "}, stride: ints{" n "}?, padding: ints{" n "}=0, "       \
  "dilation: ints{" n "}=1, ceil_mode: bool=false, return_indices: bool=false) -> y: tensor, "     \
  "indices: index"
#define ADAPTIVE(n)                                                                                \
  "(input: tensor, output_size: ints{" n "}, return_indices: bool=false) -> y: tensor, "           \
  "indices: index"
#define UNPOOL(n)                                                                                  \
  "(input: tensor, indices: index, kernel_size: ints{" n "}, stride: ints{" n "}?, "               \
  "padding: ints{" n "}=0, output_size: ints?) -> y: tensor"
#define INDICES                                                                                    \
  " With return_indices the places of the maxima follow, from 1 through each plane in row-major "  \
  "order."

static Op rows[] = {
    {.sig = "max_pool1d" MAX("1"),
     .doc = "The maximum in windows of sequences. input: [N,C,L] or [C,L]; see max_pool2d.",
     .example = "tensor{{1, 5, 2, 3}}:max_pool1d(2) --> float32 [1,2]  5.0  3.0",
     .test = "{{randn(2,2,5), 2}, {randn(2,7), 3, {stride = 2, padding = 1, ceil_mode = true, "
             "return_indices = true}}, {randn(1,1,6), 2, {stride = 1, dilation = 2}}}",
     .ref = "reference.max_pool1d",
     .compose = max_pool1d},
    {.sig = "max_pool2d" MAX("2"),
     .doc = "The maximum in windows of images. input: [N,C,H,W] or [C,H,W]; stride defaults to "
            "kernel_size. Of equal values the first counts; NaN counts as the greatest." INDICES,
     .example = "tensor.arange(16):view(1, 4, 4):max_pool2d(2) --> float32 [1,2,2]\n"
                "   6.0   8.0\n"
                "  14.0  16.0",
     .test = "{{randn(2,2,4,5), 2}, {randn(1,2,5,5), 3, {stride = 2, padding = 1, return_indices "
             "= true}}, {randn(1,1,6,5), 2, {stride = 1, dilation = 2}}, "
             "{randn(2,5,5), 2, {ceil_mode = true}}}",
     .ref = "reference.max_pool2d",
     .compose = max_pool2d},
    {.sig = "max_pool3d" MAX("3"),
     .doc = "The maximum in windows of volumes. input: [N,C,D,H,W] or [C,D,H,W]; see max_pool2d.",
     .example = "tensor.arange(8):view(1, 2, 2, 2):max_pool3d(2):item() --> 8.0",
     .test = "{{randn(1,2,2,4,3), 2}, {randn(1,3,4,5), 2, {stride = {1, 2, 2}, padding = 1, "
             "ceil_mode = true, return_indices = true}}, {randn(1,1,3,4,3), 2, {stride = 1, "
             "dilation = {2, 1, 2}}}}",
     .ref = "reference.max_pool3d",
     .compose = max_pool3d},
    {.sig = "adaptive_max_pool1d" ADAPTIVE("1"),
     .doc = "The maximum in output_size windows of sequences. input: [N,C,L] or [C,L]; see "
            "adaptive_max_pool2d.",
     .example = "tensor{{1, 5, 2, 3}}:adaptive_max_pool1d(2) --> float32 [1,2]  5.0  3.0",
     .test = "{{randn(1,2,7), 3}, {randn(2,4), 2, true}}",
     .ref = "reference.adaptive_max_pool1d",
     .compose = adaptive_max1d},
    {.sig = "adaptive_max_pool2d" ADAPTIVE("2"),
     .doc = "The maximum in as many windows as output_size says, -1 for the input's size. input: "
            "[N,C,H,W] or [C,H,W]; window i of n over a size of L is floor(i L / n) to "
            "ceil((i+1) L / n), i from 0." INDICES,
     .example = "tensor.arange(16):view(1, 4, 4):adaptive_max_pool2d(2) --> float32 [1,2,2]\n"
                "   6.0   8.0\n"
                "  14.0  16.0",
     .test = "{{randn(1,2,5,4), {2, 3}}, {randn(2,3,4), {-1, 2}, true}}",
     .ref = "reference.adaptive_max_pool2d",
     .compose = adaptive_max2d},
    {.sig = "adaptive_max_pool3d" ADAPTIVE("3"),
     .doc = "The maximum in output_size windows of volumes. input: [N,C,D,H,W] or [C,D,H,W]; see "
            "adaptive_max_pool2d.",
     .example = "tensor.arange(8):view(1, 2, 2, 2):adaptive_max_pool3d(1):item() --> 8.0",
     .test = "{{randn(1,2,3,4,3), {2, 3, 2}}, {randn(1,3,4,2), 1, true}}",
     .ref = "reference.adaptive_max_pool3d",
     .compose = adaptive_max3d},
    {.sig = "max_unpool1d" UNPOOL("1"),
     .doc = "Puts maxima back to their places, zeros elsewhere; see max_unpool2d.",
     .example = "y, places = tensor{{1, 5, 2, 3}}:max_pool1d(2, {return_indices = true})\n"
                "y:max_unpool1d(places, 2) --> float32 [1,4]  0.0  5.0  0.0  3.0",
     .test = "{{randn(1,2,3), tensor{{{1,4,5},{2,3,6}}}, 2}}",
     .ref = "reference.max_unpool1d",
     .compose = max_unpool1d},
    {.sig = "max_unpool2d" UNPOOL("2"),
     .doc = "Puts what max_pool2d with return_indices gave back to its places, zeros elsewhere. "
            "input and indices: [N,C,H,W] or [C,H,W]; the output's height is (H - 1) stride - 2 "
            "padding + kernel_size, unless output_size says it.",
     .example = "y, places = tensor{{{1, 2}, {4, 3}}}:max_pool2d(2, {return_indices = true})\n"
                "y:max_unpool2d(places, 2) --> float32 [1,2,2]\n"
                "  0.0  0.0\n"
                "  4.0  0.0",
     .test = "{{randn(1,1,2,2), tensor{{{{1,4},{9,16}}}}, 2}, {randn(1,1,2), tensor{{{3,7}}}, 2, "
             "{output_size = {3, 4}}}}",
     .ref = "reference.max_unpool2d",
     .compose = max_unpool2d},
    {.sig = "max_unpool3d" UNPOOL("3"),
     .doc = "Puts maxima of volumes back to their places, zeros elsewhere; see max_unpool2d.",
     .example =
         "y, places = tensor.arange(8):view(1, 1, 2, 2, 2):max_pool3d(2, {return_indices = true})\n"
         "y:max_unpool3d(places, 2)[{1, 1, 2}] --> float32 [2,2]\n"
         "  0.0  0.0\n"
         "  0.0  8.0",
     .test = "{{randn(1,1,1,2,1), tensor{{{{{2},{12}}}}}, 2}}",
     .ref = "reference.max_unpool3d",
     .compose = max_unpool3d},
};

FAMILY_PART(pool, max_pool, rows);
