/* The pointwise part of one LSTM step for a batch (Hochreiter & Schmidhuber 1997; gates in
   PyTorch's order i, f, g, o). Rows are ld apart; H features.
     c = f c0 + i g    h = o tanh(c)    with i, f, o = sigmoid, g = tanh of their sums */
#ifndef LUNETTE_LSTM_H
#define LUNETTE_LSTM_H

#include "../simd.h"

#include <stdint.h>

/* gates: [B,4H], the sums on entry, the activated gates on return. c0: [B,H]. */
#define LSTM_STEP(T)                                                                               \
  int64_t B, int64_t H, T *gates, int64_t ldg, const T *c0, int64_t ldc0, T *c, int64_t ldc, T *h, \
      int64_t ldh
/* gh: [B,H] gradient of h; gc: [B,H] (ld H) gradient of c from the step after, on return that of
   c0. gates: activated; gsum: [B,4H] gradient of the sums. */
#define LSTM_BACK(T)                                                                               \
  int64_t B, int64_t H, const T *gates, int64_t ldg, const T *c0, int64_t ldc0, const T *c,        \
      int64_t ldc, const T *gh, int64_t ldgh, T *gc, T *gsum, int64_t ldgs

typedef struct LstmKernels {
  void (*step_f32)(LSTM_STEP(float));
  void (*step_f64)(LSTM_STEP(double));
  void (*back_f32)(LSTM_BACK(float));
  void (*back_f64)(LSTM_BACK(double));
} LstmKernels;

SIMD_FAMILY(LstmKernels, lstm_kernels);

#endif
