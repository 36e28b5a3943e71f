/* Likeness and distance of vectors, and products of two inputs. In plain ops. */
#include <math.h>

#include "../../calc.h"
#include "../../loop/iter.h"

#define LL(x) ((long long)(x))

static Tensor *floats(Tensor *x) { return dtype_is_float((DType)x->dtype) ? x : t_cast(x, T_F32); }

static Tensor *norm_of(Tensor *x, double p, int64_t dim, bool keepdim) {
  return t_call("norm", "xflb", x, p, 1, &dim, keepdim);
}

/* Both in their common shape. */
static void broadcast(Call *c, Tensor **a, Tensor **b) {
  if (t_same_shape(*a, *b)) return;
  int64_t shape[T_MAXDIM];
  int n = iter_broadcast(c, 0, 2, shape);
  *a = t_expand(*a, n, shape);
  *b = t_expand(*b, n, shape);
}

/* ---- directions ----------------------------------------------------------------------------------- */

static Tensor *at_least(Tensor *x, double low) { return t_call("clamp", "xx-", x, t_num(low)); }

static void normalize(Call *c) {
  Tensor *x = floats(c->x[0]);
  Tensor *length = norm_of(x, c->attr[0].f, c->attr[1].i, true);
  c->y[0] = t_div(x, at_least(length, c->attr[2].f));
}

/* sum(a b) / sqrt(max(sum(a^2), eps^2) max(sum(b^2), eps^2)) */
static void cosine_similarity(Call *c) {
  Tensor *a = floats(c->x[0]), *b = floats(c->x[1]);
  int64_t dim = c->attr[0].i;
  double eps = c->attr[1].f;
  broadcast(c, &a, &b);
  dim += a->ndim - c->x[0]->ndim; /* it arrives counted in the first input's */
  Tensor *dot = t_sum1(t_mul(a, b), (int)dim, false);
  Tensor *aa = t_sum1(t_square(a), (int)dim, false), *bb = t_sum1(t_square(b), (int)dim, false);
  Tensor *both = t_mul(at_least(aa, eps * eps), at_least(bb, eps * eps));
  c->y[0] = t_mul(dot, t_op1("rsqrt", both));
}

/* ---- distances ------------------------------------------------------------------------------------- */

static void pairwise_distance(Call *c) {
  Tensor *gap = t_addn(t_sub(floats(c->x[0]), floats(c->x[1])), c->attr[1].f);
  if (gap->ndim == 0) t_fail("pairwise_distance: the inputs have no dimensions; [N,D] is wanted");
  c->y[0] = norm_of(gap, c->attr[0].f, gap->ndim - 1, c->attr[2].i != 0);
}

static void check_p(Call *c, double p) {
  if (!(p >= 0)) t_fail("%s: p is %g; it is at least 0", call_name(c), p);
}

/* |a - b| by |a|^2 - 2 a b + |b|^2: [..., P, M], [..., R, M] -> [..., P, R]. A distance of 0 has the
   gradient 0. */
static Tensor *by_products(Tensor *a, Tensor *b) {
  Tensor *aa = t_sum1(t_square(a), a->ndim - 1, true);
  Tensor *bb = t_transpose(t_sum1(t_square(b), b->ndim - 1, true), b->ndim - 2, b->ndim - 1);
  Tensor *ab = t_matmul(a, t_transpose(b, b->ndim - 2, b->ndim - 1));
  Tensor *square = t_sub(t_add(aa, bb), t_muln(ab, 2)), *zero = t_num(0);
  Tensor *apart = t_gt(square, zero);
  return t_where(apart, t_sqrt(t_where(apart, square, t_num(1))), zero);
}

/* Each with each, where the sizes before the vectors broadcast. */
static Tensor *in_batches(Tensor *a, Tensor *b, double p) {
  int64_t shape[T_MAXDIM], rows = a->shape[a->ndim - 2], others = b->shape[b->ndim - 2];
  int64_t m = a->shape[a->ndim - 1], n = a->ndim > b->ndim ? a->ndim : b->ndim, batch = 1;
  for (int64_t d = 0; d < n - 2; d++) {
    int64_t i = d - (n - a->ndim), k = d - (n - b->ndim);
    int64_t left = i < 0 ? 1 : a->shape[i], right = k < 0 ? 1 : b->shape[k];
    if (left != right && left != 1 && right != 1) {
      t_fail("cdist: x1 %s and x2 %s: the sizes before the vectors do not broadcast",
             t_shape_str(a), t_shape_str(b));
    }
    batch *= shape[d] = left == 1 ? right : left;
  }
  Tensor *set[2] = {a, b};
  const int64_t size[2] = {rows, others};
  for (int i = 0; i < 2; i++) {
    shape[n - 2] = size[i];
    shape[n - 1] = m;
    if (set[i]->ndim < n || batch != 1) set[i] = t_expand(set[i], (int)n, shape);
    set[i] = t_reshape(set[i], 3, (int64_t[]){batch, size[i], m});
  }
  shape[n - 2] = rows;
  shape[n - 1] = others;
  return t_reshape(t_call("distances", "xxf", set[0], set[1], p), (int)n, shape);
}

static void cdist(Call *c) {
  enum { MANY = 25 }; /* vectors from which products pay */
  Tensor *a = floats(c->x[0]), *b = floats(c->x[1]);
  double p = c->attr[0].f;
  check_p(c, p);
  if (a->ndim < 2 || b->ndim < 2 || a->shape[a->ndim - 1] != b->shape[b->ndim - 1]) {
    t_fail("cdist: x1 is %s and x2 %s; [..., P, M] and [..., R, M] are wanted", t_shape_str(a),
           t_shape_str(b));
  }
  int64_t rows = a->shape[a->ndim - 2], others = b->shape[b->ndim - 2], mode = c->attr[1].i;
  bool many = rows > MANY || others > MANY;
  c->y[0] = p == 2 && (mode == 1 || (mode == 0 && many)) ? by_products(a, b) : in_batches(a, b, p);
}

static void pdist(Call *c) {
  Tensor *x = floats(c->x[0]);
  check_p(c, c->attr[0].f);
  if (x->ndim != 2) t_fail("pdist: input is %s; [N,M] is wanted", t_shape_str(x));
  c->y[0] = t_call("pair_distances", "xf", x, c->attr[0].f);
}

/* ---- bilinear: y[o] = a' W[o] b + bias[o] ----------------------------------------------------------- */

static void bilinear(Call *c) {
  Tensor *a = c->x[0], *b = c->x[1], *w = c->x[2], *bias = c->x[3];
  bool fits = a->ndim > 0 && a->ndim == b->ndim && w->ndim == 3 &&
              w->shape[1] == a->shape[a->ndim - 1] && w->shape[2] == b->shape[b->ndim - 1] &&
              (!bias || (bias->ndim == 1 && bias->shape[0] == w->shape[0]));
  for (int d = 0; fits && d < a->ndim - 1; d++) fits = a->shape[d] == b->shape[d];
  if (!fits) {
    t_fail("bilinear: inputs %s and %s with weight %s%s%s; [..., I], [..., J], [O,I,J] and [O] are "
           "wanted",
           t_shape_str(a), t_shape_str(b), t_shape_str(w), bias ? " and bias " : "",
           bias ? t_shape_str(bias) : "");
  }
  int64_t I = w->shape[1], J = w->shape[2], O = w->shape[0], n = 1, shape[T_MAXDIM];
  for (int d = 0; d < a->ndim - 1; d++) n *= shape[d] = a->shape[d];
  shape[a->ndim - 1] = O;
  a = floats(t_reshape(a, 2, (int64_t[]){n, I}));
  b = floats(t_reshape(b, 2, (int64_t[]){n, J}));
  /* a W for all outputs at once, [n, O, J], then the dot products with b */
  Tensor *flat = t_reshape(t_permute(w, (int64_t[]){1, 0, 2}), 2, (int64_t[]){I, O * J});
  Tensor *aw = t_reshape(t_matmul(a, flat), 3, (int64_t[]){n, O, J});
  Tensor *y = t_squeeze(t_matmul(aw, t_unsqueeze(b, 2)), 2);
  if (bias) y = t_add(y, bias);
  c->y[0] = t_reshape(y, c->x[0]->ndim, shape);
}

static Op rows[] = {
    {.sig = "normalize(input: tensor, p: float=2, dim: dim=2, eps: float=1e-12) -> y: tensor",
     .doc = "Vectors along dim divided by their p-norm, at least eps.",
     .example = "tensor{{3, 4}}:normalize() --> float32 [1,2]  0.6  0.8",
     .test = "{{randn(2,3)}, {randn(2,3,2), 1, 3}, {randn(3), {p = 3, dim = 1}}}",
     .ref = "reference.normalize",
     .compose = normalize},
    {.sig = "cosine_similarity(x1: tensor, x2: tensor, dim: dim=2, eps: float=1e-8) -> y: tensor",
     .doc = "The cosine of the angle between vectors along dim, which broadcast; their lengths "
            "count at least eps.",
     .example = "tensor{{1.0, 0.0}}:cosine_similarity(tensor{{3.0, 3.0}}) --> float32 [1]  0.7071",
     .test = "{{randn(2,3), randn(2,3)}, {randn(1,3,2), randn(2,1,2), {dim = -1}}, {randn(1,2), "
             "randn(2,3,2), {dim = -2}}, {randn(3), "
             "randn(3), 1}}",
     .ref = "reference.cosine_similarity",
     .compose = cosine_similarity},
    {.sig = "pairwise_distance(x1: tensor, x2: tensor, p: float=2, eps: float=1e-6, keepdim: "
            "bool=false) -> y: tensor",
     .doc = "The p-norm of x1 - x2 + eps over the last dimension: the distance of each vector of "
            "x1 to its partner in x2.",
     .example =
         "x = tensor{{0.0, 0.0}, {1.0, 1.0}}\n"
         "x:pairwise_distance(tensor{{3.0, 4.0}, {1.0, 3.0}}, {eps = 0}) --> float32 [2]  5.0  2.0",
     .test = "{{randn(2,3), randn(2,3)}, {randn(3), randn(2,3), {p = 1, keepdim = true}}}",
     .ref = "reference.pairwise_distance",
     .compose = pairwise_distance},
    {.sig = "cdist(x1: tensor, x2: tensor, p: float=2, compute_mode: "
            "string{use_mm_for_euclid_dist_if_necessary|use_mm_for_euclid_dist|"
            "donot_use_mm_for_euclid_dist}=use_mm_for_euclid_dist_if_necessary) -> y: tensor",
     .doc = "The distances of all vectors of x1 to all of x2, by the p-norm: [..., P, M] and "
            "[..., R, M] -> [..., P, R]. Euclidean ones of more than 25 vectors are found by "
            "products if they are long, which loses digits where vectors are close; compute_mode "
            "decides "
            "otherwise.",
     .example = "tensor{{0, 0}}:cdist(tensor{{3, 4}, {0, 1}}) --> float32 [1,2]  5.0  1.0",
     .test = "{{randn(2,3), randn(4,3)}, {randn(2,2,3), randn(1,3,3), 1}, {randn(3,2), "
             "randn(2,2), {compute_mode = 'use_mm_for_euclid_dist'}}, {randn(2,3), randn(2,3), 3}}",
     .ref = "reference.cdist",
     .compose = cdist},
    {.sig = "pdist(input: tensor, p: float=2) -> y: tensor",
     .doc = "The distances of all pairs of rows by the p-norm: [N,M] -> [N (N-1) / 2], row 1 with "
            "2, 3, ..., then 2 with 3, ...",
     .example = "tensor{{0.0, 0.0}, {3.0, 4.0}, {0.0, 8.0}}:pdist() --> float32 [3]  5.0  8.0  5.0",
     .test = "{{randn(4,3)}, {randn(3,2), 1}}",
     .ref = "reference.pdist",
     .compose = pdist},
    {.sig = "bilinear(input1: tensor, input2: tensor, weight: tensor, bias: tensor?) -> y: tensor",
     .doc = "input1' weight[o] input2 + bias[o] for every output o: [..., I], [..., J], [O,I,J], "
            "[O] -> [..., O].",
     .example = "tensor{{1.0, 2.0}}:bilinear(tensor{{3.0, 4.0}}, tensor{{{1.0, 0.0}, {0.0, 1.0}}}) "
                "--> float32 [1,1]  11.0",
     .test = "{{randn(3,2), randn(3,4), randn(2,2,4), randn(2)}, {randn(3), randn(2), "
             "randn(2,3,2)}}",
     .ref = "reference.bilinear",
     .flags = OP_WHOLE,
     .compose = bilinear},
};

FAMILY(distance, rows);
