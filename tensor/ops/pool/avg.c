/* Means in windows, adaptive ones, and power means (lp_pool). */
#include "../../calc.h"
#include "pool.h"

enum { KERNEL, STRIDE, PADDING, CEIL, PADDED, DIVISOR };

/* ---- avg_pool --------------------------------------------------------------------------------------- */

static void avg_pool(Call *c, int nd) {
  Pool p = pool_windows(c, nd, KERNEL, POOL_DENSE, c->attr[CEIL].i != 0);
  bool given = nd > 1 && attr_given(c, DIVISOR);
  if (given && c->attr[DIVISOR].i == 0) t_fail("%s: divisor_override is 0", call_name(c));
  c->y[0] = pool_average(pool_floats(c->x[0]), &p, c->attr[PADDED].i != 0,
                         given ? c->attr[DIVISOR].i : 0);
}

static void avg_pool1d(Call *c) { avg_pool(c, 1); }
static void avg_pool2d(Call *c) { avg_pool(c, 2); }
static void avg_pool3d(Call *c) { avg_pool(c, 3); }

/* ---- adaptive ------------------------------------------------------------------------------------- */

static void adaptive_avg(Call *c, int nd) {
  Pool p = pool_adaptive(c, nd, 0);
  c->y[0] = pool_average(pool_floats(c->x[0]), &p, false, 0);
}

static void adaptive_avg1d(Call *c) { adaptive_avg(c, 1); }
static void adaptive_avg2d(Call *c) { adaptive_avg(c, 2); }
static void adaptive_avg3d(Call *c) { adaptive_avg(c, 3); }

/* ---- lp_pool: (sum of x^p over the window)^(1/p) ----------------------------------------------------- */

static void lp_pool(Call *c, int nd) {
  double e = c->attr[0].f;
  Pool p = pool_windows(c, nd, 1, POOL_BARE, c->attr[3].i != 0);
  Tensor *x = pool_floats(c->x[0]);
  c->y[0] = t_pown(pool_average(e == 2 ? t_square(x) : t_pown(x, e), &p, true, 1), 1 / e);
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
