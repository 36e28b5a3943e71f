/* Recurrent cells over whole sequences, one layer in one direction: what lstm, gru and rnn share.
     x: [B,T,I]   h0, c0: [B,H] or absent   w_ih: [kH,I]   w_hh: [kH,H]   biases: [kH] or absent
     lengths: [B] or absent: sample b has the steps 1..lengths[b]; the output is 0 after them
   with k = 4, 3, 1 gates. In reverse the steps run from the last to the first. */
#ifndef LUNETTE_OPS_SEQUENCE_H
#define LUNETTE_OPS_SEQUENCE_H

#include "../../op.h"

typedef enum CellKind { CELL_LSTM, CELL_GRU, CELL_RNN } CellKind;

/* Where a row has them among its inputs; -1: not at all. */
typedef struct CellInputs {
  int x, h0, c0, w_ih, w_hh, b_ih, b_hh, lengths, n;
} CellInputs;

/* What a call is about, forward and backward. */
typedef struct Sequence {
  CellKind kind;
  bool reverse, relu;
  int64_t B, T, I, H, k;
  const int64_t *lengths; /* [B] or NULL */
  Tensor *x, *h0, *c0, *w_ih, *w_hh, *b_ih, *b_hh;
  /* out: [B,T,H], h, c: [B,H]. For the gradient: gates [B,T,kH], activated (LSTM, GRU); before
     [B,T,H], h before each step; extra [B,T,H]: c before each step (LSTM), u of n (GRU). */
  Tensor *out, *h, *c, *gates, *before, *extra;
  void *bias;    /* [kH], forward: of the sums from the input */
  void *scratch; /* products: [B,kH] forward, [B,H] backward */
  float *packed; /* w_hh for the products with the state, or NULL: as it is */
} Sequence;

CellInputs cell_inputs(CellKind kind);
int cell_gates(CellKind kind);

void sequence_infer(Call *c, CellKind kind, bool reverse, bool relu);
const char *sequence_run(Call *c);
void sequence_grad(Call *c, Tensor *const *gy, Tensor **gx, CellKind kind, Attr reverse, Attr relu);
void sequence_compose(Call *c, CellKind kind, bool reverse, bool relu);

/* The hidden row of a gradient: inputs g_out, g_h, g_c, then out, gates, before, extra, w_hh,
   lengths, absent where the kind has none; attributes reverse, relu. Outputs: gs [B,T,kH], the
   gradient of the sums; gu the same of u (GRU); those of h0 and c0. */
void sequence_back_infer(Call *c, CellKind kind, bool reverse, bool relu);
const char *sequence_back_run(Call *c);

#endif
