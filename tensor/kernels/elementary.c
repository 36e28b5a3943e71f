/* The loops over the functions of vmath.h and trig.h; see elementary.h. */
#include "elementary.h"

#include "trig.h"
#include "vmath.h"

#define ROW(name, expr)                                                                            \
  static void name##_row(int64_t n, const float *x, float *y) {                                    \
    _Pragma("GCC ivdep") for (int64_t i = 0; i < n; i++) y[i] = expr;                              \
  }

ROW(exp, exp_f32(x[i]))
ROW(expm1, expm1_f32(x[i]))
ROW(log, log_f32(x[i]))
ROW(log1p, log1p_f32(x[i]))
ROW(sqrt, sqrtf(x[i]))
ROW(rsqrt, rsqrt_f32(x[i]))
ROW(tanh, tanh_f32(x[i]))
ROW(sigmoid, sigmoid_f32(x[i]))
ROW(erf, erf_f32(x[i]))
ROW(softplus, softplus_f32(x[i]))
ROW(gelu, gelu_f32(x[i]))
ROW(gelu_grad, gelu_grad_f32(x[i]))
ROW(sin_far, sin_f32(x[i]))
ROW(cos_far, cos_f32(x[i]))
ROW(sin_near, sin_near(x[i]))
ROW(cos_near, cos_near(x[i]))

enum { TRIG_BLOCK = 512 };

/* The short reduction where it reaches, block by block; both give the same bits. */
static void trig_rows(int64_t n, const float *x, float *y, ElementaryFn near, ElementaryFn far) {
  for (int64_t i = 0; i < n; i += TRIG_BLOCK) {
    int64_t m = n - i < TRIG_BLOCK ? n - i : TRIG_BLOCK;
    uint32_t large = 0;
    for (int64_t j = 0; j < m; j++) large |= (f32_bits(x[i + j]) & 0x7fffffffu) >= 0x4c800000u;
    (large ? far : near)(m, x + i, y + i);
  }
}

static void sin_row(int64_t n, const float *x, float *y) {
  trig_rows(n, x, y, sin_near_row, sin_far_row);
}

static void cos_row(int64_t n, const float *x, float *y) {
  trig_rows(n, x, y, cos_near_row, cos_far_row);
}

static void pow_row(int64_t n, const float *x, const float *y, float *z) {
#pragma GCC ivdep
  for (int64_t i = 0; i < n; i++) z[i] = pow_f32(x[i], y[i]);
}

const ElementaryKernels AT_LEVEL(elementary_kernels) = {
    exp_row,  expm1_row,   log_row, log1p_row,    sqrt_row, rsqrt_row,     sin_row, cos_row,
    tanh_row, sigmoid_row, erf_row, softplus_row, gelu_row, gelu_grad_row, pow_row,
};
