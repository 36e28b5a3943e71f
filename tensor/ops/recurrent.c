/* LSTM over whole sequences, one layer in one direction: the input product for all steps at once,
   then one fused pass a step; both ways. `compose` says the same in plain ops. */
#include "../kernels/lstm.h"

#include "../calc.h"
#include "../gemm.h"

#include <string.h>

/* Inputs of lstm. x: [B,T,I]  h0, c0: [B,H] or absent  w_ih: [4H,I]  w_hh: [4H,H]  biases: [4H] or
   absent. Outputs: out [B,T,H], h and c [B,H]; hidden: gates [B,T,4H], cells [B,T,H], and the
   initial states as the steps read them [2,B,H]. */
enum { X, H0, C0, W_IH, W_HH, B_IH, B_HH, INPUTS };
enum { OUT, H_LAST, C_LAST, GATES, CELLS, START };

#define LL(x) ((long long)(x))

typedef struct Sizes {
  int64_t B, T, I, H;
} Sizes;

static Sizes sizes_of(const Tensor *x, const Tensor *w_hh) {
  return (Sizes){x->shape[0], x->shape[1], x->shape[2], w_hh->shape[1]};
}

static void check(Call *c) {
  const Tensor *x = c->x[X], *wi = c->x[W_IH], *wh = c->x[W_HH];
  if (x->ndim != 3) {
    t_fail("lstm: input is %s; [batch, time, features] is wanted", t_shape_str(x));
  }
  if (wh->ndim != 2 || wh->shape[0] != 4 * wh->shape[1]) {
    t_fail("lstm: w_hh is %s; [4 hidden, hidden] is wanted", t_shape_str(wh));
  }
  if (wi->ndim != 2 || wi->shape[0] != wh->shape[0] || wi->shape[1] != x->shape[2]) {
    t_fail("lstm: w_ih is %s; [%lld,%lld] is wanted for input %s", t_shape_str(wi),
           LL(wh->shape[0]), LL(x->shape[2]), t_shape_str(x));
  }
  for (int i = H0; i <= C0; i++) {
    const Tensor *s = c->x[i];
    if (s && (s->ndim != 2 || s->shape[0] != x->shape[0] || s->shape[1] != wh->shape[1])) {
      t_fail("lstm: the initial state is %s; [%lld,%lld] is wanted", t_shape_str(s),
             LL(x->shape[0]), LL(wh->shape[1]));
    }
  }
  for (int i = B_IH; i <= B_HH; i++) {
    const Tensor *b = c->x[i];
    if (b && (b->ndim != 1 || b->shape[0] != wh->shape[0])) {
      t_fail("lstm: a bias is %s; [%lld] is wanted", t_shape_str(b), LL(wh->shape[0]));
    }
  }
}

static void infer(Call *c) {
  check(c);
  DType d = call_promote(c, 0, INPUTS);
  if (!dtype_is_float(d)) d = T_F32;
  for (int i = 0; i < INPUTS; i++) {
    if (c->x[i]) call_want(c, i, d);
  }
  Sizes s = sizes_of(c->x[X], c->x[W_HH]);
  const int64_t out[3] = {s.B, s.T, s.H}, state[2] = {s.B, s.H}, gates[3] = {s.B, s.T, 4 * s.H};
  const int64_t start[3] = {2, s.B, s.H};
  call_out(c, OUT, d, 3, out);
  call_out(c, H_LAST, d, 2, state);
  call_out(c, C_LAST, d, 2, state);
  call_hidden(c, d, 3, gates);
  call_hidden(c, d, 3, out);
  call_hidden(c, d, 3, start);
  call_scratch(c, gemm_scratch(s.B * s.T, 4 * s.H, s.I, dtype_size(d)));
}

/* c = op(a) op(b) + beta c in the type of the call, shared out to the team or not. */
typedef struct Product {
  bool f32;
  void *scratch; /* NULL: on this thread */
} Product;

static void times(Product p, bool ta, bool tb, int64_t m, int64_t n, int64_t k, const void *a,
                  int64_t lda, const void *b, int64_t ldb, double beta, void *y, int64_t ldy) {
  if (m == 0 || n == 0) return;
  if (p.f32)
    gemm_team_f32(ta, tb, m, n, k, a, lda, b, ldb, (float)beta, y, ldy, p.scratch);
  else
    gemm_team_f64(ta, tb, m, n, k, a, lda, b, ldb, beta, y, ldy, p.scratch);
}

static char *at(const Tensor *x, int64_t i) {
  return (char *)t_data(x) + i * (int64_t)dtype_size((DType)x->dtype);
}

static void set_bias(Tensor *gates, const Tensor *a, const Tensor *b, int64_t n) {
  int64_t rows = gates->numel / n;
  for (int64_t k = 0; k < n; k++) {
    double v = (a ? t_get(a, k) : 0) + (b ? t_get(b, k) : 0);
    t_set(gates, k, v);
  }
  size_t bytes = (size_t)n * dtype_size((DType)gates->dtype);
  for (int64_t r = 1; r < rows; r++) memcpy(at(gates, r * n), t_data(gates), bytes);
}

static void set_start(Tensor *start, const Tensor *h0, const Tensor *c0) {
  size_t bytes = start->st->bytes / 2;
  char *p = start->st->data;
  if (h0)
    memcpy(p, t_data(h0), bytes);
  else
    memset(p, 0, bytes);
  if (c0)
    memcpy(p + bytes, t_data(c0), bytes);
  else
    memset(p + bytes, 0, bytes);
}

static void keep_last(const Tensor *all, Tensor *last, const Tensor *start, int half, Sizes s) {
  size_t row = (size_t)s.H * dtype_size((DType)last->dtype);
  for (int64_t b = 0; b < s.B; b++) {
    const char *from =
        s.T > 0 ? at(all, (b * s.T + s.T - 1) * s.H) : at(start, (half * s.B + b) * s.H);
    memcpy(at(last, b * s.H), from, row);
  }
}

static const char *run(Call *c) {
  Sizes s = sizes_of(c->x[X], c->x[W_HH]);
  Tensor *out = c->y[OUT], *gates = c->y[GATES], *cells = c->y[CELLS], *start = c->y[START];
  bool f32 = out->dtype == T_F32;
  const LstmKernels *k = SIMD_PICK(lstm_kernels);
  int64_t G = 4 * s.H;
  set_start(start, c->x[H0], c->x[C0]);
  if (gates->numel > 0) {
    set_bias(gates, c->x[B_IH], c->x[B_HH], G);
    times((Product){f32, c->scratch}, false, true, s.B * s.T, G, s.I, t_data(c->x[X]), s.I,
          t_data(c->x[W_IH]), s.I, 1, t_data(gates), G);
  }
  for (int64_t t = 0; t < s.T; t++) {
    const char *h = t ? at(out, (t - 1) * s.H) : t_data(start);
    const char *cell = t ? at(cells, (t - 1) * s.H) : at(start, s.B * s.H);
    int64_t ld = t ? s.T * s.H : s.H;
    char *g = at(gates, t * G);
    if (f32) {
      gemm_f32(false, true, s.B, G, s.H, (const float *)h, ld, t_f32(c->x[W_HH]), s.H, 1,
               (float *)g, s.T * G);
      k->step_f32(s.B, s.H, (float *)g, s.T * G, (const float *)cell, ld,
                  (float *)at(cells, t * s.H), s.T * s.H, (float *)at(out, t * s.H), s.T * s.H);
    } else {
      gemm_f64(false, true, s.B, G, s.H, (const double *)h, ld, t_f64(c->x[W_HH]), s.H, 1,
               (double *)g, s.T * G);
      k->step_f64(s.B, s.H, (double *)g, s.T * G, (const double *)cell, ld,
                  (double *)at(cells, t * s.H), s.T * s.H, (double *)at(out, t * s.H), s.T * s.H);
    }
  }
  keep_last(out, c->y[H_LAST], start, 0, s);
  keep_last(cells, c->y[C_LAST], start, 1, s);
  return NULL;
}

/* ---- gradient: one hidden row that walks the steps backwards ------------------------------------------ */

/* Inputs: gradients of out, h, c (absent ones are zero), then out, gates, cells, start, w_hh.
   Outputs: gsum [B,T,4H], the gradient of the gates' sums, and those of h0 and c0; the products
   that remain are plain ops. */
enum { G_OUT, G_H, G_C, S_OUT, S_GATES, S_CELLS, S_START, S_W_HH };

static void back_infer(Call *c) {
  for (int i = 0; i < c->nx; i++) {
    if (c->x[i]) call_contiguous(c, i);
  }
  const Tensor *out = c->x[S_OUT];
  DType d = (DType)out->dtype;
  const int64_t state[2] = {out->shape[0], out->shape[2]};
  call_out(c, 0, d, 3, c->x[S_GATES]->shape);
  call_out(c, 1, d, 2, state);
  call_out(c, 2, d, 2, state);
}

static void add_rows(const Tensor *from, int64_t offset, int64_t ld, Tensor *to, Sizes s) {
  if (!from) return;
  for (int64_t b = 0; b < s.B; b++) {
    for (int64_t k = 0; k < s.H; k++) {
      if (to->dtype == T_F32)
        t_f32(to)[b * s.H + k] += t_f32(from)[offset + b * ld + k];
      else
        t_f64(to)[b * s.H + k] += t_f64(from)[offset + b * ld + k];
    }
  }
}

static const char *back_run(Call *c) {
  const Tensor *out = c->x[S_OUT], *gates = c->x[S_GATES], *cells = c->x[S_CELLS];
  const Tensor *start = c->x[S_START], *w = c->x[S_W_HH];
  Tensor *gsum = c->y[0], *gh = c->y[1], *gc = c->y[2];
  Sizes s = {out->shape[0], out->shape[1], 0, out->shape[2]};
  const LstmKernels *k = SIMD_PICK(lstm_kernels);
  int64_t G = 4 * s.H, TH = s.T * s.H;
  memset(gh->st->data, 0, gh->st->bytes);
  memset(gc->st->data, 0, gc->st->bytes);
  add_rows(c->x[G_H], 0, s.H, gh, s);
  add_rows(c->x[G_C], 0, s.H, gc, s);
  for (int64_t t = s.T - 1; t >= 0; t--) {
    add_rows(c->x[G_OUT], t * s.H, TH, gh, s);
    const char *c0 = t ? at(cells, (t - 1) * s.H) : at(start, s.B * s.H);
    int64_t ld = t ? TH : s.H;
    char *g = at(gates, t * G), *gs = at(gsum, t * G), *c1 = at(cells, t * s.H);
    if (out->dtype == T_F32) {
      k->back_f32(s.B, s.H, (float *)g, s.T * G, (const float *)c0, ld, (float *)c1, TH, t_f32(gh),
                  s.H, t_f32(gc), (float *)gs, s.T * G);
      gemm_f32(false, false, s.B, s.H, G, (float *)gs, s.T * G, t_f32(w), s.H, 0, t_f32(gh), s.H);
    } else {
      k->back_f64(s.B, s.H, (double *)g, s.T * G, (const double *)c0, ld, (double *)c1, TH,
                  t_f64(gh), s.H, t_f64(gc), (double *)gs, s.T * G);
      gemm_f64(false, false, s.B, s.H, G, (double *)gs, s.T * G, t_f64(w), s.H, 0, t_f64(gh), s.H);
    }
  }
  return NULL;
}

static Tensor *flat(Tensor *x) { /* [B,T,n] -> [BT,n] */
  const int64_t shape[2] = {x->shape[0] * x->shape[1], x->shape[2]};
  return t_reshape(x, 2, shape);
}

/* The hidden state before each step: [B,T,H]. */
static Tensor *states_before(Tensor *out, Tensor *start) {
  Tensor *first = t_unsqueeze(t_select(start, 0, 0), 1);
  if (out->shape[1] == 0) return out;
  Tensor *parts[2] = {first, t_narrow(out, 1, 0, out->shape[1] - 1)};
  return t_cat(2, parts, 1);
}

static void grad(Call *c, Tensor *const *gy, Tensor **gx) {
  Call r;
  call_begin(&r, op_need("lstm_back"));
  r.x[G_OUT] = gy[OUT];
  r.x[G_H] = gy[H_LAST];
  r.x[G_C] = gy[C_LAST];
  r.x[S_OUT] = c->y[OUT];
  r.x[S_GATES] = c->y[GATES];
  r.x[S_CELLS] = c->y[CELLS];
  r.x[S_START] = c->y[START];
  r.x[S_W_HH] = c->x[W_HH];
  op_apply(&r);
  Tensor *g = flat(r.y[0]), *gt = t_transpose(g, 0, 1);
  Tensor *x = c->x[X];
  if (c->want[X]) gx[X] = t_reshape(t_op2("mm", g, c->x[W_IH]), 3, x->shape);
  if (c->want[H0]) gx[H0] = r.y[1];
  if (c->want[C0]) gx[C0] = r.y[2];
  if (c->want[W_IH]) gx[W_IH] = t_op2("mm", gt, flat(x));
  if (c->want[W_HH]) gx[W_HH] = t_op2("mm", gt, flat(states_before(c->y[OUT], c->y[START])));
  if (!c->want[B_IH] && !c->want[B_HH]) return;
  Tensor *gb = t_sum1(g, 0, false);
  if (c->want[B_IH]) gx[B_IH] = gb;
  if (c->want[B_HH]) gx[B_HH] = gb;
}

static Tensor *zero_state(const Tensor *x, int64_t H) {
  const int64_t shape[2] = {x->shape[0], H};
  return t_zeros((DType)x->dtype, 2, shape);
}

static void compose(Call *c) {
  Tensor *x = c->x[X];
  int64_t H = c->x[W_HH]->shape[1];
  Tensor *h = c->x[H0] ? c->x[H0] : zero_state(x, H),
         *cell = c->x[C0] ? c->x[C0] : zero_state(x, H);
  Tensor *wh = t_transpose(c->x[W_HH], 0, 1), *sums = t_op3("linear", x, c->x[W_IH], c->x[B_IH]);
  if (c->x[B_HH]) sums = t_add(sums, c->x[B_HH]);
  int64_t T = x->shape[1];
  int64_t bytes = (T > 0 ? T : 1) * (int64_t)sizeof(Tensor *);
  Tensor **steps = t_data(t_new(T_U8, 1, &bytes));
  for (int64_t t = 0; t < T; t++) {
    Tensor *g = t_add(t_select(sums, 1, t), t_op2("mm", h, wh));
    Tensor *i = t_sigmoid(t_narrow(g, 1, 0, H)), *f = t_sigmoid(t_narrow(g, 1, H, H));
    Tensor *n = t_tanh(t_narrow(g, 1, 2 * H, H)), *o = t_sigmoid(t_narrow(g, 1, 3 * H, H));
    cell = t_add(t_mul(f, cell), t_mul(i, n));
    h = t_mul(o, t_tanh(cell));
    steps[t] = t_unsqueeze(h, 1);
  }
  const int64_t none[3] = {x->shape[0], 0, H};
  c->y[OUT] = T > 0 ? t_cat((int)T, steps, 1) : t_zeros((DType)x->dtype, 3, none);
  c->y[H_LAST] = h;
  c->y[C_LAST] = cell;
}

static Op rows[] = {
    {.sig = "lstm(x: tensor, h0: tensor?, c0: tensor?, w_ih: tensor, w_hh: tensor, "
            "b_ih: tensor?, b_hh: tensor?) -> out: tensor, h: tensor, c: tensor",
     .doc = "Long short-term memory over whole sequences, one layer in one direction. x: "
            "[batch,time,in], h0 and c0: [batch,hidden] (zeros when absent), w_ih: [4 hidden,in], "
            "w_hh: [4 hidden,hidden], biases: [4 hidden] -> out: [batch,time,hidden] and the last "
            "h and c. Gates in the order i, f, g, o. Hochreiter & Schmidhuber 1997.",
     .test = "{{randn(2,3,2), randn(2,3), randn(2,3), randn(12,2), randn(12,3), randn(12), "
             "randn(12)}, {randn(1,2,3), nil, nil, randn(8,3), randn(8,2)}}",
     .ref = "reference.lstm",
     .save = SAVE_XS | SAVE_Y(OUT) | SAVE_Y(GATES) | SAVE_Y(CELLS) | SAVE_Y(START),
     .infer = infer,
     .run = run,
     .grad = grad,
     .compose = compose},
    {.sig = "lstm_back(g_out: tensor?, g_h: tensor?, g_c: tensor?, out: tensor, gates: tensor, "
            "cells: tensor, start: tensor, w_hh: tensor) "
            "-> g_sums: tensor, g_h0: tensor, g_c0: tensor",
     .doc = "Gradients of an LSTM's gate sums and initial states; lstm composes the rest.",
     .test = "{{randn(1,2,2), randn(1,2), nil, randn(1,2,2), rand(1,2,8), randn(1,2,2), "
             "randn(2,1,2), randn(8,2)}}",
     .flags = OP_HIDDEN | OP_CONST,
     .infer = back_infer,
     .run = back_run},
};

FAMILY(recurrent, rows);
