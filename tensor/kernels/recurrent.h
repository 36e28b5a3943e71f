/* One step of a recurrent cell for one sample, pointwise part, forward and backward; H features.
   Hochreiter & Schmidhuber 1997 (LSTM), Cho and others 2014 (GRU), Elman 1990; gates in PyTorch's
   order. The sums of a step come from products done before.
     LSTM  i, f, o = sigmoid, g = tanh of their sums; c' = f c + i g; h' = o tanh(c')
     GRU   r, z = sigmoid(x + u), n = tanh(x + r u); h' = (1 - z) n + z h, x from the input, u from h
     RNN   h' = tanh or relu of the sum */
#ifndef LUNETTE_RECURRENT_H
#define LUNETTE_RECURRENT_H

#include "../machine/simd.h"

#include <stdbool.h>
#include <stdint.h>

/* Forward. sums: the gates' sums, the activated gates on return. h, c: the state, moved on.
   lstm  sums [4H], c_before: [H], c as it was
   gru   sums [3H], u: [3H] products with h; b: [3H] their bias, or NULL; u_n: [H], u of n on return
   rnn   sums [H] */
#define RECURRENT_STEPS(T, SUF)                                                                      \
  void (*lstm_##SUF)(int64_t H, T * sums, T * h, T * c, T * c_before);                               \
  void (*gru_##SUF)(int64_t H, T * sums, const T *u, const T *b, T *h, T *u_n);                      \
  void (*rnn_##SUF)(int64_t H, bool relu, T *sums, T *h);                                            \
  /* Backward. dh: gradient of h'; gs: gradient of the sums.                                       \
     lstm  dc: gradient of c', that of c on return                                                 \
     gru   gu: [3H] gradient of u; dh: dh z on return, what goes to h past the products */ \
  void (*lstm_back_##SUF)(int64_t H, const T *gates, const T *c_before, const T *dh, T *dc,          \
                          T *gs);                                                                    \
  void (*gru_back_##SUF)(int64_t H, const T *gates, const T *u_n, const T *h_before, T *dh, T *gs,   \
                         T *gu);                                                                     \
  void (*rnn_back_##SUF)(int64_t H, bool relu, const T *h, const T *dh, T *gs)

typedef struct RecurrentKernels {
  RECURRENT_STEPS(float, f32);
  RECURRENT_STEPS(double, f64);
} RecurrentKernels;

SIMD_FAMILY(RecurrentKernels, recurrent_kernels);

#endif
