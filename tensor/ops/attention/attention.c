/* Scaled dot-product attention: the public row, which checks and brings batches into one dimension,
   the hidden rows of blocks.c, and the same in plain ops. */
#include "attention.h"

#include <math.h>
#include <string.h>

#include "../../calc.h"
#include "../../tape/tape.h"
#include "../random/draw.h"

/* ---- in plain ops ------------------------------------------------------------------------------------ */

/* 0 where key j <= query i, else -inf: [L,S] */
static Tensor *causal_mask(int64_t L, int64_t S, DType d) {
  const int64_t shape[2] = {L, S};
  Tensor *m = t_zeros(d, 2, shape);
  for (int64_t i = 0; i < L; i++) {
    for (int64_t j = i + 1; j < S; j++) t_set(m, i * S + j, -INFINITY);
  }
  return m;
}

void attention_compose(Call *c) {
  Tensor *q = c->x[Q], *k = c->x[K];
  Tensor *s = t_muln(t_matmul(q, t_transpose(k, 1, 2)), c->attr[SCALE].f);
  if (c->x[MASK]) s = t_add(s, c->x[MASK]);
  if (c->attr[CAUSAL].i) s = t_add(s, causal_mask(q->shape[1], k->shape[1], (DType)s->dtype));
  Tensor *p = t_call("softmax", "xi", s, (int64_t)2);
  if (c->x[KEEP]) p = t_mul(p, t_muln(t_cast(c->x[KEEP], (DType)p->dtype), c->attr[SHARE].f));
  c->y[0] = t_matmul(p, c->x[V]);
}

/* ---- the public row ---------------------------------------------------------------------------------- */

enum { DROPOUT, IS_CAUSAL, GIVEN_SCALE };

static void check(Call *c) {
  const Tensor *q = c->x[0], *k = c->x[1], *v = c->x[2];
  bool fits = q->ndim >= 2 && k->ndim == q->ndim && v->ndim == q->ndim;
  for (int d = 0; fits && d < q->ndim - 2; d++) {
    fits = k->shape[d] == q->shape[d] && v->shape[d] == q->shape[d];
  }
  int n = q->ndim;
  if (!fits || k->shape[n - 1] != q->shape[n - 1] || k->shape[n - 2] != v->shape[n - 2]) {
    t_fail("scaled_dot_product_attention: query %s, key %s and value %s; [...,L,E], [...,S,E] and "
           "[...,S,F] are wanted",
           t_shape_str(q), t_shape_str(k), t_shape_str(v));
  }
  if (c->attr[IS_CAUSAL].i && c->x[3]) {
    t_fail(
        "scaled_dot_product_attention: attn_mask and is_causal are given; the mask alone can say "
        "both");
  }
  double p = c->attr[DROPOUT].f;
  if (!(p >= 0 && p <= 1)) {
    t_fail("scaled_dot_product_attention: dropout_p is %g; it is a probability from 0 to 1", p);
  }
}

/* Where true, 0, else -inf; floats as they are. In the shape [B or 1, L or 1, S]. */
static Tensor *mask_of(Call *c, Tensor *m, DType d) {
  const Tensor *q = c->x[0], *k = c->x[1];
  int64_t shape[T_MAXDIM], S = k->shape[k->ndim - 2], batch = 1;
  int n = q->ndim, lead = n - m->ndim;
  bool fits = lead >= 0, one = true;
  for (int i = 0; i < n; i++) {
    int64_t full = i == n - 1 ? S : q->shape[i], own = i < lead || !fits ? 1 : m->shape[i - lead];
    fits = fits && (own == 1 || own == full);
    shape[i] = own;
    if (i < n - 2) one = one && own == 1;
  }
  if (!fits) {
    t_fail("scaled_dot_product_attention: attn_mask is %s; it broadcasts to [...,L,S] of query %s "
           "and key %s",
           t_shape_str(m), t_shape_str(q), t_shape_str(k));
  }
  if (!dtype_is_float((DType)m->dtype)) {
    Tensor *none = t_fill(t_new(d, 0, NULL), -INFINITY), *all = t_zeros(d, 0, NULL);
    m = t_where(t_cast(m, T_BOOL), all, none);
  }
  for (int i = 0; i < n - 2; i++) {
    if (!one) shape[i] = q->shape[i];
    batch *= shape[i];
  }
  shape[n - 1] = S;
  const int64_t flat[3] = {batch, shape[n - 2], S};
  return t_reshape(t_expand(m, n, shape), 3, flat);
}

static Tensor *flat(Tensor *x, int64_t batch, DType d) {
  const int64_t shape[3] = {batch, x->shape[x->ndim - 2], x->shape[x->ndim - 1]};
  return t_reshape(x->dtype == d ? x : t_cast(x, d), 3, shape);
}

/* Which probabilities stay: bytes, of the stream of dropout. */
static Tensor *drawn(int64_t batch, int64_t L, int64_t S, double p) {
  const int64_t shape[3] = {batch, L, S};
  Tensor *keep = t_new(T_U8, 3, shape);
  Fill f = {.kind = DRAW_YES, .a = 1 - p, .to = keep, .key = rng_next(RNG_DROPOUT)};
  draw_fill(&f);
  return keep;
}

static void attention(Call *c) {
  check(c);
  Tensor *q = c->x[0];
  int n = q->ndim;
  int64_t batch = 1, L = q->shape[n - 2], S = c->x[1]->shape[n - 2], E = q->shape[n - 1];
  for (int i = 0; i < n - 2; i++) batch *= q->shape[i];
  DType d = call_promote(c, 0, 3);
  if (!dtype_is_float(d)) d = T_F32;
  double p = c->attr[DROPOUT].f, own = E > 0 ? 1 / sqrt((double)E) : 1;
  Call r;
  call_begin(&r, op_need("attention"));
  for (int i = Q; i <= V; i++) r.x[i] = flat(c->x[i], batch, d);
  if (c->x[3]) r.x[MASK] = mask_of(c, c->x[3], d);
  if (p > 0) r.x[KEEP] = drawn(batch, L, S, p);
  r.attr[CAUSAL] = c->attr[IS_CAUSAL];
  r.attr[SCALE] = attr_of_float(attr_float(c, GIVEN_SCALE, own));
  r.attr[SHARE] = attr_of_float(p < 1 ? 1 / (1 - p) : 0);
  if (r.x[MASK] && tape_on && tape_tracks(r.x[MASK]))
    attention_compose(&r);
  else
    op_apply(&r);
  int64_t shape[T_MAXDIM];
  memcpy(shape, q->shape, sizeof shape);
  shape[n - 1] = c->x[2]->shape[n - 1];
  c->y[0] = t_reshape(r.y[0], n, shape);
}

#define HOW "is_causal: bool=false, scale: float=1, share: float=1"

static Op rows[] = {
    {.sig = "scaled_dot_product_attention(query: tensor, key: tensor, value: tensor, attn_mask: "
            "tensor?, dropout_p: float=0, is_causal: bool=false, scale: float?) -> y: tensor",
     .doc = "softmax(scale query key' + mask) value: each query's mean of the values, by how well "
            "the keys match. query: [...,L,E], key: [...,S,E], value: [...,S,F] -> [...,L,F]. "
            "attn_mask broadcasts to [...,L,S]: true where a key counts, or numbers to add; "
            "is_causal lets query i see the keys 1..i. dropout_p drops probabilities. scale is "
            "1 / sqrt(E) by default. Computed by blocks, without all scores in memory. Vaswani and "
            "others 2017, arXiv:1706.03762.",
     .example = "query, key, value = tensor.zeros(1, 2), tensor.zeros(2, 2), tensor{{1.0, 2.0}, "
                "{3.0, 4.0}}\n"
                "query:scaled_dot_product_attention(key, value) --> float32 [1,2]  2.0  3.0",
     .test = "{{randn(2,3,4), randn(2,5,4), randn(2,5,2)}, {randn(1,2,4,3), randn(1,2,4,3), "
             "randn(1,2,4,3), {is_causal = true}}, {randn(2,2,3), randn(2,3,3), randn(2,3,2), "
             "tensor{{true,false,true},{true,true,false}}, {scale = 0.3}}, {randn(2,2,3), "
             "randn(2,3,3), randn(2,3,2), randn(2,1,3)}, {randn(3,2), randn(4,2), randn(4,3), "
             "{dropout_p = 0.5}}}",
     .ref = "reference.attention",
     .flags = OP_RANDOM,
     .compose = attention},
    {.sig = "attention(q: tensor, k: tensor, v: tensor, mask: tensor?, keep: tensor?, " HOW
            ") -> y: tensor",
     .doc = "Attention of batches in one dimension.",
     .test = "{{randn(2,3,4), randn(2,5,4), randn(2,5,2)}, {randn(2,4,3), randn(2,4,3), "
             "randn(2,4,3), nil, nil, true, 0.5}, {randn(1,70,2), randn(1,300,2), randn(1,300,1), "
             "{is_causal = true}}}",
     .flags = OP_HIDDEN,
     .save = SAVE_XS | SAVE_Y(0) | SAVE_Y(1),
     .infer = attention_infer,
     .run = attention_run,
     .grad = attention_grad,
     .compose = attention_compose},
    {.sig = "attention_dx(g: tensor, q: tensor, k: tensor, v: tensor, y: tensor, lse: tensor, "
            "mask: tensor?, keep: tensor?, " HOW ") -> gq: tensor, gk: tensor, gv: tensor",
     .doc = "Gradients of attention for q, k and v.",
     .test = "{{randn(2,3,2), randn(2,3,4), randn(2,5,4), randn(2,5,2), randn(2,3,2), rand(2,3) + "
             "3}}",
     .flags = OP_HIDDEN | OP_CONST,
     .infer = attention_dx_infer,
     .run = attention_dx_run},
};

FAMILY(attention, rows);
