/* The rows of the recurrent cells, their gradients and their composed forms; the work is done in
   sequence.c. */
#include "../../calc.h"
#include "sequence.h"

/* ---- gradient ---------------------------------------------------------------------------------------- */

static Tensor *flat(Tensor *x) { /* [B,T,n] -> [BT,n] */
  const int64_t shape[2] = {x->shape[0] * x->shape[1], x->shape[2]};
  return t_reshape(x, 2, shape);
}

void sequence_grad(Call *c, Tensor *const *gy, Tensor **gx, CellKind kind, Attr reverse,
                   Attr relu) {
  static const char *const rows[3] = {"lstm_back", "gru_back", "rnn_back"};
  CellInputs in = cell_inputs(kind);
  int saved = kind == CELL_LSTM ? 3 : 2; /* the first hidden output */
  Call r;
  call_begin(&r, op_need(rows[kind]));
  r.x[0] = gy[0];
  r.x[1] = gy[1];
  r.x[2] = kind == CELL_LSTM ? gy[2] : NULL;
  r.x[3] = c->y[saved];
  r.x[4] = c->y[saved + 1];
  r.x[5] = kind == CELL_RNN ? NULL : c->y[saved + 2];
  r.x[6] = c->x[in.w_hh];
  r.x[7] = c->x[in.lengths];
  r.attr[0] = reverse;
  r.attr[1] = relu;
  op_apply(&r);
  Tensor *gs = flat(r.y[0]), *gu = kind == CELL_GRU ? flat(r.y[2]) : gs, *x = c->x[in.x];
  if (c->want[in.x]) gx[in.x] = t_reshape(t_op2("mm", gs, c->x[in.w_ih]), 3, x->shape);
  if (c->want[in.h0]) gx[in.h0] = r.y[1];
  if (in.c0 >= 0 && c->want[in.c0]) gx[in.c0] = r.y[2];
  if (c->want[in.w_ih]) gx[in.w_ih] = t_op2("mm", t_transpose(gs, 0, 1), flat(x));
  if (c->want[in.w_hh]) { gx[in.w_hh] = t_op2("mm", t_transpose(gu, 0, 1), flat(c->y[saved + 1])); }
  if (c->want[in.b_ih] || (c->want[in.b_hh] && gs == gu)) {
    Tensor *g = t_sum1(gs, 0, false);
    if (c->want[in.b_ih]) gx[in.b_ih] = g;
    if (c->want[in.b_hh] && gs == gu) gx[in.b_hh] = g;
  }
  if (c->want[in.b_hh] && gs != gu) gx[in.b_hh] = t_sum1(gu, 0, false);
}

/* ---- in plain ops ------------------------------------------------------------------------------------ */

typedef struct State {
  Tensor *h, *c;
} State;

static Tensor *gate(Tensor *sums, int64_t i, int64_t H) { return t_narrow(sums, 1, i * H, H); }

/* x: the sums from the input, u: from the state, [B,kH] both. */
static State next(CellKind kind, bool relu, Tensor *x, Tensor *u, State s, int64_t H) {
  if (kind == CELL_RNN) {
    Tensor *sum = t_add(x, u);
    return (State){relu ? t_op1("relu", sum) : t_tanh(sum), NULL};
  }
  if (kind == CELL_GRU) {
    Tensor *r = t_sigmoid(t_add(gate(x, 0, H), gate(u, 0, H)));
    Tensor *z = t_sigmoid(t_add(gate(x, 1, H), gate(u, 1, H)));
    Tensor *n = t_tanh(t_add(gate(x, 2, H), t_mul(r, gate(u, 2, H))));
    return (State){t_add(n, t_mul(z, t_sub(s.h, n))), NULL};
  }
  Tensor *g = t_add(x, u);
  Tensor *i = t_sigmoid(gate(g, 0, H)), *f = t_sigmoid(gate(g, 1, H));
  Tensor *n = t_tanh(gate(g, 2, H)), *o = t_sigmoid(gate(g, 3, H));
  Tensor *cell = t_add(t_mul(f, s.c), t_mul(i, n));
  return (State){t_mul(o, t_tanh(cell)), cell};
}

static Tensor *or_zeros(Tensor *given, const Tensor *x, int64_t H) {
  const int64_t shape[2] = {x->shape[0], H};
  return given ? given : t_zeros((DType)x->dtype, 2, shape);
}

/* Which samples have step t, from 0: [B,1], or NULL for all. */
static Tensor *having(Tensor *lengths, int64_t t) {
  return lengths ? t_unsqueeze(t_gt(lengths, t_scalar_int(t, T_I64)), 1) : NULL;
}

void sequence_compose(Call *c, CellKind kind, bool reverse, bool relu) {
  CellInputs in = cell_inputs(kind);
  Tensor *x = c->x[in.x], *lengths = c->x[in.lengths];
  int64_t H = c->x[in.w_hh]->shape[1], T = x->shape[1];
  State s = {or_zeros(c->x[in.h0], x, H), NULL};
  if (kind == CELL_LSTM) s.c = or_zeros(c->x[in.c0], x, H);
  Tensor *sums = t_op3("linear", x, c->x[in.w_ih], c->x[in.b_ih]);
  int64_t bytes = (T > 0 ? T : 1) * (int64_t)sizeof(Tensor *);
  Tensor **steps = t_data(t_new(T_U8, 1, &bytes));
  for (int64_t i = 0; i < T; i++) {
    int64_t t = reverse ? T - 1 - i : i;
    Tensor *u = t_op3("linear", s.h, c->x[in.w_hh], c->x[in.b_hh]), *has = having(lengths, t);
    State now = next(kind, relu, t_select(sums, 1, t), u, s, H);
    steps[t] = t_unsqueeze(has ? t_where(has, now.h, t_num(0)) : now.h, 1);
    s.h = has ? t_where(has, now.h, s.h) : now.h;
    if (kind == CELL_LSTM) s.c = has ? t_where(has, now.c, s.c) : now.c;
  }
  const int64_t none[3] = {x->shape[0], 0, H};
  c->y[0] = T > 0 ? t_cat((int)T, steps, 1) : t_zeros((DType)x->dtype, 3, none);
  c->y[1] = s.h;
  if (kind == CELL_LSTM) c->y[2] = s.c;
}

/* ---- the three kinds ----------------------------------------------------------------------------------- */

static bool on(const Call *c, int i) { return c->attr[i].i != 0; }
static const Attr off = {.tag = A_BOOL};

static void lstm_infer(Call *c) { sequence_infer(c, CELL_LSTM, on(c, 0), false); }
static void lstm_grad(Call *c, Tensor *const *gy, Tensor **gx) {
  sequence_grad(c, gy, gx, CELL_LSTM, c->attr[0], off);
}
static void lstm_compose(Call *c) { sequence_compose(c, CELL_LSTM, on(c, 0), false); }
static void lstm_back_infer(Call *c) { sequence_back_infer(c, CELL_LSTM, on(c, 0), false); }

static void gru_infer(Call *c) { sequence_infer(c, CELL_GRU, on(c, 0), false); }
static void gru_grad(Call *c, Tensor *const *gy, Tensor **gx) {
  sequence_grad(c, gy, gx, CELL_GRU, c->attr[0], off);
}
static void gru_compose(Call *c) { sequence_compose(c, CELL_GRU, on(c, 0), false); }
static void gru_back_infer(Call *c) { sequence_back_infer(c, CELL_GRU, on(c, 0), false); }

static void rnn_infer(Call *c) { sequence_infer(c, CELL_RNN, on(c, 0), on(c, 1)); }
static void rnn_grad(Call *c, Tensor *const *gy, Tensor **gx) {
  sequence_grad(c, gy, gx, CELL_RNN, c->attr[0], attr_of_bool(on(c, 1)));
}
static void rnn_compose(Call *c) { sequence_compose(c, CELL_RNN, on(c, 0), on(c, 1)); }
static void rnn_back_infer(Call *c) { sequence_back_infer(c, CELL_RNN, on(c, 0), on(c, 1)); }

#define SEQUENCE                                                                                   \
  " x: [batch,time,in], biases: [k hidden] -> out: [batch,time,hidden] and the last state; "       \
  "initial "                                                                                       \
  "states [batch,hidden] are zeros when absent. lengths: how many steps each sample has; out is "  \
  "0 "                                                                                             \
  "after them. reverse runs from the last step to the first."
#define WEIGHTS "w_ih: tensor, w_hh: tensor, b_ih: tensor?, b_hh: tensor?, lengths: tensor?, "
#define BACK                                                                                       \
  "(g_out: tensor?, g_h: tensor?, g_c: tensor?, gates: tensor, before: tensor?, extra: tensor?, "  \
  "w_hh: tensor, lengths: tensor?, reverse: bool=false, relu: bool=false) -> g_sums: tensor, "     \
  "g_h0: tensor"
#define SAVED(first) (SAVE_XS | SAVE_Y(first) | SAVE_Y((first) + 1) | SAVE_Y((first) + 2))

static Op rows[] = {
    {.sig = "lstm(x: tensor, h0: tensor?, c0: tensor?, " WEIGHTS "reverse: bool=false) -> out: "
            "tensor, h: tensor, c: tensor",
     .doc = "Long short-term memory over whole sequences, one layer in one direction. w_ih: "
            "[4 hidden,in], w_hh: [4 hidden,hidden], gates in the order i, f, g, o." SEQUENCE
            " Hochreiter & Schmidhuber 1997.",
     .example = "x, c0 = tensor.zeros(1, 2, 1), tensor{{1.0}}\n"
                "out, h, c = x:lstm{h0 = tensor.zeros(1, 1), c0 = c0, w_ih = tensor.zeros(4, 1), "
                "w_hh = tensor.zeros(4, 1)}\n"
                "c --> float32 [1,1]  0.25",
     .test = "{{randn(2,3,2), randn(2,3), randn(2,3), randn(12,2), randn(12,3), randn(12), "
             "randn(12)}, {randn(1,2,3), nil, nil, randn(8,3), randn(8,2)}, {randn(3,4,2), "
             "randn(3,2), randn(3,2), randn(8,2), randn(8,2), randn(8), randn(8), tensor{2,4,1}}, "
             "{randn(2,3,2), nil, randn(2,2), randn(8,2), randn(8,2), randn(8), nil, tensor{2,3}, "
             "{reverse = true}}}",
     .ref = "reference.lstm",
     .save = SAVED(3),
     .infer = lstm_infer,
     .run = sequence_run,
     .grad = lstm_grad,
     .compose = lstm_compose},
    {.sig = "gru(x: tensor, h0: tensor?, " WEIGHTS "reverse: bool=false) -> out: tensor, h: tensor",
     .doc = "Gated recurrent units over whole sequences, one layer in one direction. w_ih: "
            "[3 hidden,in], w_hh: [3 hidden,hidden], gates in the order r, z, n." SEQUENCE
            " Cho and others 2014, arXiv:1406.1078.",
     .example =
         "x = tensor.zeros(1, 2, 1)\n"
         "out = x:gru{h0 = tensor{{1.0}}, w_ih = tensor.zeros(3, 1), w_hh = tensor.zeros(3, 1)}\n"
         "out:flatten() --> float32 [2]  0.50  0.25",
     .test = "{{randn(2,3,2), randn(2,3), randn(9,2), randn(9,3), randn(9), randn(9)}, "
             "{randn(1,2,3), nil, randn(6,3), randn(6,2)}, {randn(3,4,2), randn(3,2), randn(6,2), "
             "randn(6,2), randn(6), randn(6), tensor{2,4,1}}, {randn(2,3,2), randn(2,2), "
             "randn(6,2), randn(6,2), nil, randn(6), tensor{2,3}, {reverse = true}}}",
     .ref = "reference.gru",
     .save = SAVED(2),
     .infer = gru_infer,
     .run = sequence_run,
     .grad = gru_grad,
     .compose = gru_compose},
    {.sig = "rnn(x: tensor, h0: tensor?, " WEIGHTS "reverse: bool=false, nonlinearity: "
            "string{tanh|relu}=tanh) -> out: tensor, h: tensor",
     .doc = "A plain recurrent layer over whole sequences in one direction: h = tanh or relu of "
            "w_ih x + w_hh h + biases. w_ih: [hidden,in], w_hh: [hidden,hidden]." SEQUENCE
            " Elman 1990.",
     .example = "x = tensor{1.0, 2.0, 3.0}:view(1, 3, 1)\n"
                "out = x:rnn{w_ih = tensor{{1.0}}, w_hh = tensor{{1.0}}, nonlinearity = \"relu\"}\n"
                "out:flatten() --> float32 [3]  1.0  3.0  6.0",
     .test = "{{randn(2,3,2), randn(2,3), randn(3,2), randn(3,3), randn(3), randn(3)}, "
             "{randn(1,2,3), nil, randn(2,3), randn(2,2)}, {randn(3,4,2), randn(3,2), randn(2,2), "
             "randn(2,2), randn(2), randn(2), tensor{2,4,1}}, {randn(2,3,2), randn(2,2), "
             "randn(2,2), randn(2,2), nil, randn(2), tensor{2,3}, {reverse = true, nonlinearity = "
             "'relu'}}}",
     .ref = "reference.rnn",
     .save = SAVE_XS | SAVE_Y(2) | SAVE_Y(3),
     .infer = rnn_infer,
     .run = sequence_run,
     .grad = rnn_grad,
     .compose = rnn_compose},
    {.sig = "lstm_back" BACK ", g_c0: tensor",
     .doc = "Gradients of an LSTM's gate sums and initial states; lstm composes the rest.",
     .test = "{{randn(1,2,2), randn(1,2), nil, rand(1,2,8), randn(1,2,2), randn(1,2,2), "
             "randn(8,2)}}",
     .flags = OP_HIDDEN | OP_CONST,
     .infer = lstm_back_infer,
     .run = sequence_back_run},
    {.sig = "gru_back" BACK ", g_u: tensor",
     .doc = "Gradients of a GRU's gate sums and initial state; gru composes the rest.",
     .test = "{{randn(1,2,2), nil, nil, rand(1,2,6), randn(1,2,2), randn(1,2,2), randn(6,2)}}",
     .flags = OP_HIDDEN | OP_CONST,
     .infer = gru_back_infer,
     .run = sequence_back_run},
    {.sig = "rnn_back" BACK,
     .doc = "Gradients of a plain recurrent layer's sums and initial state; rnn composes the rest.",
     .test = "{{randn(1,2,2), randn(1,2), nil, rand(1,2,2), nil, nil, randn(2,2)}}",
     .flags = OP_HIDDEN | OP_CONST,
     .infer = rnn_back_infer,
     .run = sequence_back_run},
};

FAMILY(recurrent, rows);
