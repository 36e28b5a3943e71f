/* Steps of recurrent cells; recurrent.h states the formulas. */
#include "recurrent.h"

#include "math/vmath.h"

#define KERNELS(T, SUF)                                                                            \
  static void lstm_##SUF(int64_t H, T *restrict i, T *restrict h, T *restrict c,                   \
                         T *restrict c_before) {                                                   \
    T *restrict f = i + H, *restrict g = f + H, *restrict o = g + H;                               \
    for (int64_t k = 0; k < 2 * H; k++) i[k] = m_sigmoid(i[k]);                                    \
    for (int64_t k = 0; k < H; k++) g[k] = m_tanh(g[k]);                                           \
    for (int64_t k = 0; k < H; k++) o[k] = m_sigmoid(o[k]);                                        \
    for (int64_t k = 0; k < H; k++) {                                                              \
      c_before[k] = c[k];                                                                          \
      c[k] = f[k] * c[k] + i[k] * g[k];                                                            \
    }                                                                                              \
    for (int64_t k = 0; k < H; k++) h[k] = o[k] * m_tanh(c[k]);                                    \
  }                                                                                                \
                                                                                                   \
  static void gru_##SUF(int64_t H, T *restrict r, const T *restrict u, const T *restrict b,        \
                        T *restrict h, T *restrict u_n) {                                          \
    T *restrict z = r + H, *restrict n = z + H;                                                    \
    for (int64_t k = 0; k < 2 * H; k++) r[k] = m_sigmoid(r[k] + u[k] + (b ? b[k] : 0));            \
    for (int64_t k = 0; k < H; k++) u_n[k] = u[2 * H + k] + (b ? b[2 * H + k] : 0);                \
    for (int64_t k = 0; k < H; k++) n[k] = m_tanh(n[k] + r[k] * u_n[k]);                           \
    for (int64_t k = 0; k < H; k++) h[k] = n[k] + z[k] * (h[k] - n[k]);                            \
  }                                                                                                \
                                                                                                   \
  static void rnn_##SUF(int64_t H, bool relu, T *restrict s, T *restrict h) {                      \
    if (relu) {                                                                                    \
      for (int64_t k = 0; k < H; k++) h[k] = s[k] = s[k] > 0 || s[k] != s[k] ? s[k] : 0;           \
    } else {                                                                                       \
      for (int64_t k = 0; k < H; k++) h[k] = s[k] = m_tanh(s[k]);                                  \
    }                                                                                              \
  }                                                                                                \
                                                                                                   \
  static void lstm_back_##SUF(int64_t H, const T *restrict i, const T *restrict before,            \
                              const T *restrict dh, T *restrict dc, T *restrict gs) {              \
    const T *restrict f = i + H, *restrict g = f + H, *restrict o = g + H;                         \
    T *restrict df = gs + H, *restrict dg = df + H, *restrict dout = dg + H;                       \
    _Pragma("GCC ivdep") for (int64_t k = 0; k < H; k++) {                                         \
      T t = m_tanh(f[k] * before[k] + i[k] * g[k]), d = dc[k] + dh[k] * o[k] * (1 - t * t);        \
      dout[k] = dh[k] * t * o[k] * (1 - o[k]);                                                     \
      gs[k] = d * g[k] * i[k] * (1 - i[k]);                                                        \
      df[k] = d * before[k] * f[k] * (1 - f[k]);                                                   \
      dg[k] = d * i[k] * (1 - g[k] * g[k]);                                                        \
      dc[k] = d * f[k];                                                                            \
    }                                                                                              \
  }                                                                                                \
                                                                                                   \
  static void gru_back_##SUF(int64_t H, const T *restrict r, const T *restrict u_n,                \
                             const T *restrict before, T *restrict dh, T *restrict gs,             \
                             T *restrict gu) {                                                     \
    const T *restrict z = r + H, *restrict n = z + H;                                              \
    _Pragma("GCC ivdep") for (int64_t k = 0; k < H; k++) {                                         \
      T dn = dh[k] * (1 - z[k]) * (1 - n[k] * n[k]);                                               \
      T dr = dn * u_n[k] * r[k] * (1 - r[k]);                                                      \
      T dz = dh[k] * (before[k] - n[k]) * z[k] * (1 - z[k]);                                       \
      gs[k] = gu[k] = dr;                                                                          \
      gs[H + k] = gu[H + k] = dz;                                                                  \
      gs[2 * H + k] = dn;                                                                          \
      gu[2 * H + k] = dn * r[k];                                                                   \
      dh[k] *= z[k];                                                                               \
    }                                                                                              \
  }                                                                                                \
                                                                                                   \
  static void rnn_back_##SUF(int64_t H, bool relu, const T *restrict h, const T *restrict dh,      \
                             T *restrict gs) {                                                     \
    if (relu) {                                                                                    \
      for (int64_t k = 0; k < H; k++) gs[k] = h[k] > 0 ? dh[k] : 0;                                \
    } else {                                                                                       \
      for (int64_t k = 0; k < H; k++) gs[k] = dh[k] * (1 - h[k] * h[k]);                           \
    }                                                                                              \
  }

KERNELS(float, f32)
KERNELS(double, f64)

const RecurrentKernels AT_LEVEL(recurrent_kernels) = {
    lstm_f32, gru_f32, rnn_f32, lstm_back_f32, gru_back_f32, rnn_back_f32,
    lstm_f64, gru_f64, rnn_f64, lstm_back_f64, gru_back_f64, rnn_back_f64};
