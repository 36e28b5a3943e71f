/* LSTM steps; lstm.h states the formulas. */
#include "lstm.h"

#include "vmath.h"

#define STEP(name, T)                                                                              \
  static void name(LSTM_STEP(T)) {                                                                 \
    for (int64_t b = 0; b < B; b++) {                                                              \
      T *restrict i = gates + b * ldg, *restrict f = i + H, *restrict g = f + H,                   \
                  *restrict o = g + H;                                                             \
      const T *restrict before = c0 + b * ldc0;                                                    \
      T *restrict cell = c + b * ldc, *restrict out = h + b * ldh;                                 \
      for (int64_t k = 0; k < H; k++) i[k] = m_sigmoid(i[k]);                                      \
      for (int64_t k = 0; k < H; k++) f[k] = m_sigmoid(f[k]);                                      \
      for (int64_t k = 0; k < H; k++) g[k] = m_tanh(g[k]);                                         \
      for (int64_t k = 0; k < H; k++) o[k] = m_sigmoid(o[k]);                                      \
      for (int64_t k = 0; k < H; k++) cell[k] = f[k] * before[k] + i[k] * g[k];                    \
      for (int64_t k = 0; k < H; k++) out[k] = o[k] * m_tanh(cell[k]);                             \
    }                                                                                              \
  }
STEP(step_f32, float)
STEP(step_f64, double)

#define BACK(name, T)                                                                              \
  static void name(LSTM_BACK(T)) {                                                                 \
    for (int64_t b = 0; b < B; b++) {                                                              \
      const T *restrict i = gates + b * ldg, *restrict f = i + H, *restrict g = f + H,             \
                        *restrict o = g + H;                                                       \
      const T *restrict before = c0 + b * ldc0, *restrict cell = c + b * ldc,                      \
                        *restrict dh = gh + b * ldgh;                                              \
      T *restrict dc = gc + b * H, *restrict di = gsum + b * ldgs, *restrict df = di + H,          \
                  *restrict dg = df + H, *restrict dout = dg + H;                                  \
      _Pragma("GCC ivdep") for (int64_t k = 0; k < H; k++) {                                       \
        T t = m_tanh(cell[k]), d = dc[k] + dh[k] * o[k] * (1 - t * t);                             \
        dout[k] = dh[k] * t * o[k] * (1 - o[k]);                                                   \
        di[k] = d * g[k] * i[k] * (1 - i[k]);                                                      \
        df[k] = d * before[k] * f[k] * (1 - f[k]);                                                 \
        dg[k] = d * i[k] * (1 - g[k] * g[k]);                                                      \
        dc[k] = d * f[k];                                                                          \
      }                                                                                            \
    }                                                                                              \
  }
BACK(back_f32, float)
BACK(back_f64, double)

const LstmKernels AT_LEVEL(lstm_kernels) = {step_f32, step_f64, back_f32, back_f64};
