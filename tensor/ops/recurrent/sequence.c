/* Recurrent cells over whole sequences: the input product for all steps at once, then for each step
   one product and one fused pass. Samples are shared out to the team, so threads never wait for each
   other between steps. */
#include "sequence.h"

#include <string.h>

#include "../../calc.h"
#include "../../loop/cast.h"
#include "../../blas/gemm.h"
#include "../../kernels/packed.h"
#include "../../kernels/recurrent.h"
#include "../../machine/team.h"

#define LL(x) ((long long)(x))

CellInputs cell_inputs(CellKind kind) {
  if (kind == CELL_LSTM) return (CellInputs){0, 1, 2, 3, 4, 5, 6, 7, 8};
  return (CellInputs){0, 1, -1, 2, 3, 4, 5, 6, 7};
}

int cell_gates(CellKind kind) { return kind == CELL_LSTM ? 4 : kind == CELL_GRU ? 3 : 1; }

static Tensor *input(const Call *c, int i) { return i < 0 ? NULL : c->x[i]; }

/* ---- checks ---------------------------------------------------------------------------------------- */

static void check_state(Call *c, const Tensor *s, int64_t B, int64_t H) {
  if (!s || (s->ndim == 2 && s->shape[0] == B && s->shape[1] == H)) return;
  t_fail("%s: the initial state is %s; [%lld,%lld] is wanted", call_name(c), t_shape_str(s), LL(B),
         LL(H));
}

static void check_shapes(Call *c, CellInputs at, int k) {
  const Tensor *x = c->x[at.x], *wi = c->x[at.w_ih], *wh = c->x[at.w_hh];
  if (x->ndim != 3) {
    t_fail("%s: input is %s; [batch, time, features] is wanted", call_name(c), t_shape_str(x));
  }
  if (wh->ndim != 2 || wh->shape[0] % k != 0 || wh->shape[0] / k != wh->shape[1]) {
    t_fail("%s: w_hh is %s; [%d hidden, hidden] is wanted", call_name(c), t_shape_str(wh), k);
  }
  if (wi->ndim != 2 || wi->shape[0] != wh->shape[0] || wi->shape[1] != x->shape[2]) {
    t_fail("%s: w_ih is %s; [%lld,%lld] is wanted for input %s", call_name(c), t_shape_str(wi),
           LL(wh->shape[0]), LL(x->shape[2]), t_shape_str(x));
  }
  check_state(c, input(c, at.h0), x->shape[0], wh->shape[1]);
  check_state(c, input(c, at.c0), x->shape[0], wh->shape[1]);
  for (int i = at.b_ih; i <= at.b_hh; i++) {
    const Tensor *b = c->x[i];
    if (b && (b->ndim != 1 || b->shape[0] != wh->shape[0])) {
      t_fail("%s: a bias is %s; [%lld] is wanted", call_name(c), t_shape_str(b), LL(wh->shape[0]));
    }
  }
}

/* [B] of int64, each 0..T, or NULL. */
static const int64_t *read_lengths(Call *c, const Tensor *lengths, int64_t B, int64_t T) {
  if (!lengths) return NULL;
  if (lengths->ndim != 1 || lengths->shape[0] != B || dtype_is_float((DType)lengths->dtype)) {
    t_fail("%s: lengths are %s %s; %lld integers are wanted, one for each sample", call_name(c),
           dtype_name((DType)lengths->dtype), t_shape_str(lengths), LL(B));
  }
  const int64_t *n = t_i64(cast_copy(lengths, T_I64));
  for (int64_t b = 0; b < B; b++) {
    if (n[b] >= 0 && n[b] <= T) continue;
    t_fail("%s: the length of sample %lld is %lld; the input has %lld steps", call_name(c),
           LL(b) + 1, LL(n[b]), LL(T));
  }
  return n;
}

/* ---- parts ----------------------------------------------------------------------------------------- */

static char *at(const Tensor *x, int64_t i) {
  return (char *)t_data(x) + i * (int64_t)dtype_size((DType)x->dtype);
}

/* Samples are cut by their number alone; each part has enough of them for its products. */
static int64_t parts_of(int64_t B) { return B < 8 ? 1 : B < 128 ? 2 : B < 512 ? 4 : 8; }

typedef struct Range {
  int64_t from, to;
} Range;

static Range range_of(const Sequence *s, int64_t part) {
  int64_t parts = parts_of(s->B);
  return (Range){part * s->B / parts, (part + 1) * s->B / parts};
}

static bool active(const Sequence *s, int64_t b, int64_t t) {
  return !s->lengths || t < s->lengths[b];
}

/* ---- products with the state ------------------------------------------------------------------------ */

/* w_hh is [kH,H]: forward the state [.,H] meets its transpose, backward the sums [.,kH] meet it. */
typedef struct Weights {
  int64_t rows, columns, row, column; /* as op(b) of the product; steps from row to row, ... */
} Weights;

static Weights weights_of(const Sequence *s, bool back) {
  int64_t H = s->H, n = s->k * H;
  return back ? (Weights){n, H, H, 1} : (Weights){H, n, 1, H};
}

/* Bytes of w_hh packed; 0 where BLAS takes it as it is: one row, or few steps to earn the packing. */
static size_t packed_bytes(const Sequence *s, bool back, DType d) {
  if (d != T_F32 || s->B < 2 || s->T < 4) return 0;
  Weights w = weights_of(s, back);
  int64_t width = SIMD_PICK(packed_product)->width;
  return (size_t)((w.columns + width - 1) / width * width * w.rows) * sizeof(float);
}

enum { PANELS = 8 }; /* of a part of the packing */

typedef struct Packing {
  const Sequence *s;
  Weights w;
  int64_t panels;
} Packing;

static void pack_part(void *job, int64_t part) {
  const Packing *p = job;
  int64_t from = part * PANELS, to = from + PANELS < p->panels ? from + PANELS : p->panels;
  SIMD_PICK(packed_product)
      ->pack(from, to, p->w.columns, p->w.rows, t_f32(p->s->w_hh), p->w.row, p->w.column,
             p->s->packed);
}

static void pack_weights(const Sequence *s, bool back) {
  if (!s->packed) return;
  Packing p = {.s = s, .w = weights_of(s, back)};
  int width = SIMD_PICK(packed_product)->width;
  p.panels = (p.w.columns + width - 1) / width;
  team_run((p.panels + PANELS - 1) / PANELS, pack_part, &p);
}

/* y [m,.] = a [m,.] op(w_hh), or y + that, on this thread; rows lda and ldy apart. */
static void state_product(const Sequence *s, bool back, int64_t m, const void *a, int64_t lda,
                          bool add, void *y, int64_t ldy) {
  Weights w = weights_of(s, back);
  if (s->packed)
    SIMD_PICK(packed_product)->product(m, w.columns, w.rows, a, lda, s->packed, add, y, ldy);
  else if (s->w_hh->dtype == T_F32)
    gemm_f32(false, !back, m, w.columns, w.rows, a, lda, t_f32(s->w_hh), s->H, add, y, ldy);
  else
    gemm_f64(false, !back, m, w.columns, w.rows, a, lda, t_f64(s->w_hh), s->H, add, y, ldy);
}

static void zero(const Tensor *x, int64_t from, int64_t n) {
  memset(at(x, from), 0, (size_t)n * dtype_size((DType)x->dtype));
}

static void copy(const Tensor *y, int64_t to, const Tensor *x, int64_t from, int64_t n) {
  memcpy(at(y, to), at(x, from), (size_t)n * dtype_size((DType)x->dtype));
}

/* ---- forward --------------------------------------------------------------------------------------- */

void sequence_infer(Call *c, CellKind kind, bool reverse, bool relu) {
  CellInputs in = cell_inputs(kind);
  int k = cell_gates(kind);
  check_shapes(c, in, k);
  DType d = call_promote(c, 0, in.lengths);
  if (!dtype_is_float(d)) d = T_F32;
  for (int i = 0; i < in.lengths; i++) {
    if (c->x[i]) call_want(c, i, d);
  }
  Tensor *x = c->x[in.x];
  Sequence s = {.kind = kind, .reverse = reverse, .relu = relu, .x = x, .k = k};
  s.B = x->shape[0], s.T = x->shape[1], s.I = x->shape[2], s.H = c->x[in.w_hh]->shape[1];
  s.lengths = read_lengths(c, c->x[in.lengths], s.B, s.T);
  s.h0 = c->x[in.h0], s.c0 = input(c, in.c0), s.w_ih = c->x[in.w_ih], s.w_hh = c->x[in.w_hh];
  s.b_ih = c->x[in.b_ih], s.b_hh = c->x[in.b_hh];
  const int64_t out[3] = {s.B, s.T, s.H}, state[2] = {s.B, s.H}, gates[3] = {s.B, s.T, k * s.H};
  s.out = call_out(c, 0, d, 3, out);
  s.h = call_out(c, 1, d, 2, state);
  if (kind == CELL_LSTM) s.c = call_out(c, 2, d, 2, state);
  s.gates = call_hidden(c, d, 3, gates);
  s.before = call_hidden(c, d, 3, out);
  if (kind != CELL_RNN) s.extra = call_hidden(c, d, 3, out);
  size_t size = dtype_size(d), panels = gemm_scratch(s.B * s.T, k * s.H, s.I, size);
  size_t u = (size_t)(s.B * k * s.H) * size, packed = packed_bytes(&s, false, d);
  size_t bias = ((size_t)(k * s.H) * size + 63) / 64 * 64;
  call_scratch(c, sizeof s + 64 + bias + packed + (panels > u ? panels : u));
  char *room = (char *)c->scratch + (sizeof s + 63) / 64 * 64;
  s.bias = room;
  room += bias;
  s.packed = packed ? (float *)room : NULL;
  s.scratch = room + packed;
  *(Sequence *)c->scratch = s;
}

/* The gates' sums from the input, for all steps at once. The hidden bias joins them, but for GRU. */
static void input_sums(const Sequence *s) {
  int64_t n = s->k * s->H, rows = s->B * s->T;
  for (int64_t i = 0; i < n; i++) {
    double b = s->b_ih ? t_get(s->b_ih, i) : 0;
    if (s->b_hh && s->kind != CELL_GRU) b += t_get(s->b_hh, i);
    if (s->gates->dtype == T_F32)
      ((float *)s->bias)[i] = (float)b;
    else
      ((double *)s->bias)[i] = b;
  }
  if (s->gates->dtype == T_F32)
    gemm_team_f32(false, true, rows, n, s->I, t_f32(s->x), s->I, t_f32(s->w_ih), s->I, s->bias,
                  t_f32(s->gates), n, s->scratch);
  else
    gemm_team_f64(false, true, rows, n, s->I, t_f64(s->x), s->I, t_f64(s->w_ih), s->I, s->bias,
                  t_f64(s->gates), n, s->scratch);
}

/* One sample's step; u: its products with the state (GRU). */
#define STEP(SUF, T_)                                                                              \
  static void step_##SUF(const Sequence *s, int64_t b, int64_t t, T_ *u) {                         \
    const RecurrentKernels *f = SIMD_PICK(recurrent_kernels);                                      \
    int64_t row = b * s->T + t, H = s->H;                                                          \
    T_ *sums = t_##SUF(s->gates) + row * s->k * H, *h = t_##SUF(s->h) + b * H;                     \
    T_ *extra = s->extra ? t_##SUF(s->extra) + row * H : NULL;                                     \
    if (s->kind == CELL_LSTM)                                                                      \
      f->lstm_##SUF(H, sums, h, t_##SUF(s->c) + b * H, extra);                                     \
    else if (s->kind == CELL_GRU)                                                                  \
      f->gru_##SUF(H, sums, u, s->b_hh ? t_##SUF(s->b_hh) : NULL, h, extra);                       \
    else                                                                                           \
      f->rnn_##SUF(H, s->relu, sums, h);                                                           \
  }
STEP(f32, float)
STEP(f64, double)

static void rest(const Sequence *s, int64_t row) {
  zero(s->out, row * s->H, s->H);
  zero(s->before, row * s->H, s->H);
  zero(s->gates, row * s->k * s->H, s->k * s->H);
  if (s->extra) zero(s->extra, row * s->H, s->H);
}

static void start(const Tensor *state, const Tensor *given, Range r, int64_t H) {
  if (!state) return;
  if (given)
    copy(state, r.from * H, given, r.from * H, (r.to - r.from) * H);
  else
    zero(state, r.from * H, (r.to - r.from) * H);
}

static void forward_part(void *job, int64_t part) {
  const Sequence *s = job;
  Range r = range_of(s, part);
  bool f32 = s->out->dtype == T_F32, apart = s->kind == CELL_GRU;
  int64_t H = s->H, n = s->k * H, size = f32 ? 4 : 8;
  start(s->h, s->h0, r, H);
  start(s->c, s->c0, r, H);
  char *u = (char *)s->scratch + r.from * n * size;
  for (int64_t i = 0; i < s->T; i++) {
    int64_t t = s->reverse ? s->T - 1 - i : i;
    const void *h = at(s->h, r.from * H);
    if (apart)
      state_product(s, false, r.to - r.from, h, H, false, u, n);
    else
      state_product(s, false, r.to - r.from, h, H, true, at(s->gates, (r.from * s->T + t) * n),
                    s->T * n);
    for (int64_t b = r.from; b < r.to; b++) {
      int64_t row = b * s->T + t;
      if (!active(s, b, t)) {
        rest(s, row);
        continue;
      }
      copy(s->before, row * H, s->h, b * H, H);
      if (f32)
        step_f32(s, b, t, (float *)u + (b - r.from) * n);
      else
        step_f64(s, b, t, (double *)u + (b - r.from) * n);
      copy(s->out, row * H, s->h, b * H, H);
    }
  }
}

const char *sequence_run(Call *c) {
  Sequence *s = c->scratch;
  if (s->B == 0 || s->H == 0) return NULL;
  if (s->T > 0) input_sums(s);
  pack_weights(s, false);
  team_run(parts_of(s->B), forward_part, s);
  return NULL;
}

/* ---- gradient: the steps backwards ------------------------------------------------------------------- */

enum { G_OUT, G_H, G_C, S_GATES, S_BEFORE, S_EXTRA, S_W_HH, S_LENGTHS };

typedef struct Back {
  Sequence s; /* h, c: gradients of the states, moved on; out: that of the output, or NULL */
  const Tensor *g_h, *g_c;
  Tensor *gs, *gu;
} Back;

void sequence_back_infer(Call *c, CellKind kind, bool reverse, bool relu) {
  DType d = (DType)c->x[S_GATES]->dtype;
  for (int i = 0; i < S_LENGTHS; i++) {
    if (c->x[i]) call_want(c, i, d);
  }
  const Tensor *gates = c->x[S_GATES];
  Back k = {.s = {.kind = kind, .reverse = reverse, .relu = relu, .k = cell_gates(kind)}};
  Sequence *s = &k.s;
  s->B = gates->shape[0], s->T = gates->shape[1], s->H = gates->shape[2] / s->k;
  s->lengths = read_lengths(c, c->x[S_LENGTHS], s->B, s->T);
  s->gates = c->x[S_GATES], s->before = c->x[S_BEFORE], s->extra = c->x[S_EXTRA];
  s->w_hh = c->x[S_W_HH], s->out = c->x[G_OUT];
  k.g_h = c->x[G_H], k.g_c = c->x[G_C];
  const int64_t state[2] = {s->B, s->H};
  k.gs = call_out(c, 0, d, 3, gates->shape);
  s->h = call_out(c, 1, d, 2, state);
  if (kind == CELL_LSTM) s->c = call_out(c, 2, d, 2, state);
  if (kind == CELL_GRU) k.gu = call_out(c, 2, d, 3, gates->shape);
  size_t packed = packed_bytes(s, true, d);
  call_scratch(c, sizeof k + 64 + packed + (size_t)(s->B * s->H) * dtype_size(d));
  char *room = (char *)c->scratch + (sizeof k + 63) / 64 * 64;
  s->packed = packed ? (float *)room : NULL;
  s->scratch = room + packed;
  *(Back *)c->scratch = k;
}

/* One sample's step: s->h holds the gradient of h' and gets what reaches h past the products. */
#define STEP_BACK(SUF, T_)                                                                         \
  static void step_back_##SUF(const Back *k, int64_t b, int64_t t) {                               \
    const RecurrentKernels *f = SIMD_PICK(recurrent_kernels);                                      \
    const Sequence *s = &k->s;                                                                     \
    int64_t row = b * s->T + t, H = s->H;                                                          \
    const T_ *gates = t_##SUF(s->gates) + row * s->k * H;                                          \
    const T_ *extra = s->extra ? t_##SUF(s->extra) + row * H : NULL;                               \
    T_ *gs = t_##SUF(k->gs) + row * s->k * H, *dh = t_##SUF(s->h) + b * H;                         \
    if (s->out) {                                                                                  \
      const T_ *g = t_##SUF(s->out) + row * H;                                                     \
      for (int64_t i = 0; i < H; i++) dh[i] += g[i];                                               \
    }                                                                                              \
    if (s->kind == CELL_GRU) {                                                                     \
      f->gru_back_##SUF(H, gates, extra, t_##SUF(s->before) + row * H, dh, gs,                     \
                        t_##SUF(k->gu) + row * s->k * H);                                          \
      return;                                                                                      \
    }                                                                                              \
    if (s->kind == CELL_LSTM)                                                                      \
      f->lstm_back_##SUF(H, gates, extra, dh, t_##SUF(s->c) + b * H, gs);                          \
    else                                                                                           \
      f->rnn_back_##SUF(H, s->relu, gates, dh, gs);                                                \
    memset(dh, 0, (size_t)H * sizeof *dh);                                                         \
  }                                                                                                \
  static void add_row_##SUF(const Sequence *s, int64_t b) {                                        \
    T_ *dh = t_##SUF(s->h) + b * s->H;                                                             \
    const T_ *more = (const T_ *)s->scratch + b * s->H;                                            \
    for (int64_t i = 0; i < s->H; i++) dh[i] += more[i];                                           \
  }
STEP_BACK(f32, float)
STEP_BACK(f64, double)

static void back_part(void *job, int64_t part) {
  const Back *k = job;
  const Sequence *s = &k->s;
  Range r = range_of(s, part);
  bool f32 = s->gates->dtype == T_F32;
  int64_t H = s->H, n = s->k * H;
  const Tensor *to_h = k->gu ? k->gu : k->gs;
  start(s->h, k->g_h, r, H);
  start(s->c, k->g_c, r, H);
  for (int64_t i = s->T - 1; i >= 0; i--) {
    int64_t t = s->reverse ? s->T - 1 - i : i;
    for (int64_t b = r.from; b < r.to; b++) {
      if (!active(s, b, t)) {
        zero(k->gs, (b * s->T + t) * n, n);
        if (k->gu) zero(k->gu, (b * s->T + t) * n, n);
      } else if (f32) {
        step_back_f32(k, b, t);
      } else {
        step_back_f64(k, b, t);
      }
    }
    state_product(s, true, r.to - r.from, at(to_h, (r.from * s->T + t) * n), s->T * n, false,
                  (char *)s->scratch + r.from * H * (f32 ? 4 : 8), H);
    for (int64_t b = r.from; b < r.to; b++) { /* a resting sample adds zeros */
      if (f32)
        add_row_f32(s, b);
      else
        add_row_f64(s, b);
    }
  }
}

const char *sequence_back_run(Call *c) {
  Back *k = c->scratch;
  if (k->s.B == 0 || k->s.H == 0) return NULL;
  pack_weights(&k->s, true);
  team_run(parts_of(k->s.B), back_part, k);
  return NULL;
}
