/* Sampling at places that are computed: grid_sample, and affine_grid that computes them. The gradients
   of grid_sample are rows of their own; higher derivatives are those of its form in plain ops. */
#include "../../kernels/grid/grid.h"

#include <string.h>

#include "../../calc.h"
#include "grid.h"

/* ---- grid_sample: input [N,C,...], grid [N,...,nd] --------------------------------------------------- */

void grid_check(Call *c) {
  const Tensor *x = c->x[0], *g = c->x[1];
  int nd = x->ndim - 2;
  bool fits = (nd == 2 || nd == 3) && g->ndim == x->ndim && g->shape[0] == x->shape[0] &&
              g->shape[g->ndim - 1] == nd;
  for (int d = 2; fits && d < x->ndim; d++) fits = x->shape[d] > 0;
  if (!fits) {
    t_fail("grid_sample: input is %s and grid %s; [N,C,H,W] with [N,H',W',2], or [N,C,D,H,W] with "
           "[N,D',H',W',3], are wanted",
           t_shape_str(x), t_shape_str(g));
  }
  if (c->attr[GRID_MODE].i == GRID_CUBIC && nd != 2) {
    t_fail("grid_sample: bicubic is for images, input is %s", t_shape_str(x));
  }
}

/* size: of the nd dimensions of the input; grid: [N,...,nd] */
static GridShape shape_of(const Call *c, int64_t channels, const int64_t *size,
                          const Tensor *grid) {
  GridShape s = {.nd = grid->ndim - 2, .samples = grid->shape[0], .channels = channels};
  s.mode = (int)c->attr[GRID_MODE].i;
  s.padding = (int)c->attr[GRID_PADDING].i;
  s.align = attr_given(c, GRID_ALIGN) && c->attr[GRID_ALIGN].i;
  s.size[0] = s.places = 1;
  for (int d = 0; d < s.nd; d++) {
    s.size[3 - s.nd + d] = size[d];
    s.places *= grid->shape[1 + d];
  }
  return s;
}

static void make_room(Call *c, const GridShape *s, DType d) {
  const GridKernels *k = SIMD_PICK(grid_kernels);
  if (s->samples && s->channels && s->places)
    call_scratch(c, (d == T_F32 ? k->room_f32 : k->room_f64)(s));
}

/* All inputs become contiguous, of one type of floats. */
static DType of_one_type(Call *c, int n) {
  DType d = call_promote(c, 0, n);
  if (!dtype_is_float(d)) d = T_F32;
  for (int i = 0; i < n; i++) call_want(c, i, d);
  return d;
}

static void sample_infer(Call *c) {
  grid_check(c);
  DType d = of_one_type(c, 2);
  const Tensor *x = c->x[0], *g = c->x[1];
  GridShape s = shape_of(c, x->shape[1], x->shape + 2, g);
  int64_t shape[5] = {x->shape[0], x->shape[1]};
  if (grid_plane(&s) > GRID_PLANE) {
    t_fail("grid_sample: input is %s; a channel has at most 2^30 places", t_shape_str(x));
  }
  for (int i = 0; i < s.nd; i++) shape[2 + i] = g->shape[1 + i];
  call_out(c, 0, d, x->ndim, shape);
  make_room(c, &s, d);
}

static const char *sample_run(Call *c) {
  const Tensor *x = c->x[0], *g = c->x[1];
  Tensor *y = c->y[0];
  if (y->numel == 0) return NULL;
  GridShape s = shape_of(c, x->shape[1], x->shape + 2, g);
  const GridKernels *k = SIMD_PICK(grid_kernels);
  if (y->dtype == T_F32)
    k->forward_f32(&s, t_f32(x), t_f32(g), t_f32(y), c->scratch);
  else
    k->forward_f64(&s, t_f64(x), t_f64(g), t_f64(y), c->scratch);
  return NULL;
}

static void sample_grad(Call *c, Tensor *const *gy, Tensor **gx) {
  Tensor *x = c->x[0], *g = c->x[1];
  const Attr *mode = &c->attr[GRID_MODE], *padding = &c->attr[GRID_PADDING];
  const int align = attr_given(c, GRID_ALIGN) && c->attr[GRID_ALIGN].i;
  if (c->want[0]) {
    gx[0] = t_call("grid_sample_dx", "xxaabl", gy[0], g, mode, padding, align, x->ndim - 2,
                   x->shape + 2);
  }
  if (c->want[1]) {
    gx[1] = mode->i == GRID_NEAREST
                ? t_zeros_like(g)
                : t_call("grid_sample_dgrid", "xxxaab", gy[0], x, g, mode, padding, align);
  }
}

/* ---- its gradients: inputs gy and grid; gy, input and grid -------------------------------------------- */

enum { SIZE = GRID_ALIGN + 1 };

static void dx_infer(Call *c) {
  DType d = of_one_type(c, 2);
  const Tensor *gy = c->x[0];
  const Attr *size = &c->attr[SIZE];
  int64_t shape[5] = {gy->shape[0], gy->shape[1]};
  GridShape s = shape_of(c, gy->shape[1], size->v, c->x[1]);
  for (int i = 0; i < size->n; i++) shape[2 + i] = size->v[i];
  call_out(c, 0, d, gy->ndim, shape);
  make_room(c, &s, d);
}

static const char *dx_run(Call *c) {
  const Tensor *gy = c->x[0], *g = c->x[1];
  Tensor *gx = c->y[0];
  if (gy->numel == 0) {
    t_fill(gx, 0);
    return NULL;
  }
  GridShape s = shape_of(c, gy->shape[1], c->attr[SIZE].v, g);
  const GridKernels *k = SIMD_PICK(grid_kernels);
  if (gx->dtype == T_F32)
    k->input_f32(&s, t_f32(gy), t_f32(g), t_f32(gx), c->scratch);
  else
    k->input_f64(&s, t_f64(gy), t_f64(g), t_f64(gx), c->scratch);
  return NULL;
}

static void dgrid_infer(Call *c) {
  DType d = of_one_type(c, 3);
  const Tensor *x = c->x[1], *g = c->x[2];
  GridShape s = shape_of(c, x->shape[1], x->shape + 2, g);
  call_out(c, 0, d, g->ndim, g->shape);
  make_room(c, &s, d);
}

static const char *dgrid_run(Call *c) {
  const Tensor *gy = c->x[0], *x = c->x[1], *g = c->x[2];
  Tensor *gg = c->y[0];
  if (gy->numel == 0) {
    t_fill(gg, 0);
    return NULL;
  }
  GridShape s = shape_of(c, x->shape[1], x->shape + 2, g);
  const GridKernels *k = SIMD_PICK(grid_kernels);
  if (gg->dtype == T_F32)
    k->grid_f32(&s, t_f32(gy), t_f32(x), t_f32(g), t_f32(gg), c->scratch);
  else
    k->grid_f64(&s, t_f64(gy), t_f64(x), t_f64(g), t_f64(gg), c->scratch);
  return NULL;
}

/* ---- affine_grid ---------------------------------------------------------------------------------- */

/* -1..1 in n steps, at the centres of n cells unless align. */
static double step_at(int64_t i, int64_t n, bool align) {
  if (align) return n > 1 ? 2.0 * (double)i / (double)(n - 1) - 1 : 0;
  return (2.0 * (double)i + 1) / (double)n - 1;
}

static void affine_grid(Call *c) {
  Tensor *theta = c->x[0];
  const Attr *size = &c->attr[0];
  int nd = size->n - 2;
  if ((nd != 2 && nd != 3) || theta->ndim != 3 || theta->shape[0] != size->v[0] ||
      theta->shape[1] != nd || theta->shape[2] != nd + 1) {
    t_fail("affine_grid: theta is %s and size has %d numbers; [N,2,3] with {N,C,H,W}, or [N,3,4] "
           "with {N,C,D,H,W}, are wanted",
           t_shape_str(theta), size->n);
  }
  int64_t base[2] = {1, nd + 1}, shape[5] = {size->v[0]};
  for (int d = 0; d < nd; d++) {
    shape[1 + d] = size->v[2 + d];
    if (shape[1 + d] < 0 || __builtin_mul_overflow(base[0], shape[1 + d], &base[0])) {
      t_fail("affine_grid: size %s is not that of a tensor", t_dims_str(size->n, size->v));
    }
  }
  shape[1 + nd] = nd;
  bool align = attr_given(c, 1) && c->attr[1].i;
  Tensor *points = t_new(T_F64, 2, base);
  for (int64_t i = 0; i < base[0]; i++) {
    int64_t rest = i;
    for (int d = nd - 1; d >= 0; d--) {
      t_set(points, i * (nd + 1) + nd - 1 - d, step_at(rest % shape[1 + d], shape[1 + d], align));
      rest /= shape[1 + d];
    }
    t_set(points, i * (nd + 1) + nd, 1);
  }
  DType d = dtype_is_float((DType)theta->dtype) ? (DType)theta->dtype : T_F32;
  c->y[0] = t_reshape(t_matmul(t_cast(points, d), t_transpose(theta, 1, 2)), nd + 2, shape);
}

#define HOW                                                                                        \
  "mode: string{bilinear|nearest|bicubic}=bilinear, "                                              \
  "padding_mode: string{zeros|border|reflection}=zeros, align_corners: bool?"

static Op rows[] = {
    {.sig = "grid_sample(input: tensor, grid: tensor, " HOW ") -> y: tensor",
     .doc = "The input at places that grid says: [N,C,H,W] at [N,H',W',2] -> [N,C,H',W'], or "
            "[N,C,D,H,W] at [N,D',H',W',3]. A place is (x, y), from -1 to 1 over the width and the "
            "height, between the edges of the corners, or their centres with align_corners. Places "
            "outside give zeros, the border's value, or what is reflected at the border.",
     .example = "x, grid = tensor{{{{10.0, 20.0, 30.0}}}}, tensor{{{{-1.0, 0.0}, {0.5, 0.0}}}}\n"
                "x:grid_sample(grid, {align_corners = true}) --> float32 [1,1,1,2]  10.0  25.0",
     .test = "{{randn(1,2,3,4), rand(1,2,3,2) * 1.8 - 0.9}, {randn(2,1,3,3), rand(2,2,2,2) * 3 - "
             "1.5, 'bilinear', 'border', true}, {randn(1,1,4,3), rand(1,2,2,2) * 3 - 1.5, "
             "'bilinear', 'reflection'}, {randn(2,5,4,4), rand(2,5,4,2) * 3 - 1.5, 'bicubic', "
             "'border'}, {randn(1,1,3,4), rand(1,2,2,2) * 2.4 - 1.2, 'nearest', "
             "'zeros'}, {randn(1,1,5,4), rand(1,2,2,2) * 2.4 - 1.2, 'bicubic', 'reflection', "
             "true}, {randn(1,1,2,3,2), rand(1,1,2,2,3) * 2 - 1}}",
     .ref = "reference.grid_sample",
     .save = SAVE_XS,
     .infer = sample_infer,
     .run = sample_run,
     .grad = sample_grad,
     .compose = grid_sample_compose},
    {.sig = "grid_sample_dx(gy: tensor, grid: tensor, " HOW ", size: ints=1) -> gx: tensor",
     .doc = "Gradient of grid_sample for an input of `size` after the channels.",
     .test = "{{randn(1,2,3,2), rand(1,3,2,2) * 2 - 1, {size = {3,4}}}, {randn(1,5,3,3), "
             "rand(1,3,3,2) * 3 - 1.5, 'bicubic', 'border', true, {5,4}}}",
     .flags = OP_HIDDEN | OP_CONST,
     .infer = dx_infer,
     .run = dx_run},
    {.sig = "grid_sample_dgrid(gy: tensor, input: tensor, grid: tensor, " HOW ") -> ggrid: tensor",
     .doc = "Gradient of grid_sample for its grid.",
     .test = "{{randn(1,2,3,2), randn(1,2,3,4), rand(1,3,2,2) * 2 - 1}}",
     .flags = OP_HIDDEN | OP_CONST,
     .infer = dgrid_infer,
     .run = dgrid_run},
    {.sig = "affine_grid(theta: tensor, size: ints, align_corners: bool?) -> grid: tensor",
     .doc = "The grid for grid_sample that moves an image of that size {N,C,H,W} by matrices "
            "[N,2,3], or a volume {N,C,D,H,W} by [N,3,4].",
     .example = "same = tensor{{{1.0, 0.0, 0.0}, {0.0, 1.0, 0.0}}}\n"
                "same:affine_grid({1, 1, 1, 2}, true) --> float32 [1,1,2,2]\n"
                "  -1.0   0.0\n"
                "   1.0   0.0",
     .test = "{{randn(2,2,3), {2,1,2,3}}, {randn(1,3,4), {1,1,2,1,2}, true}}",
     .ref = "reference.affine_grid",
     .compose = affine_grid},
};

FAMILY_PART(vision, grid, rows);
