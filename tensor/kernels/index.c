/* Loops of the index and random families: adding rows, choosing by a mask. */
#include "index.h"

static void add_f32(int64_t n, float *restrict y, const float *restrict v, float alpha) {
  for (int64_t i = 0; i < n; i++) y[i] += alpha * v[i];
}

static void add_f64(int64_t n, double *restrict y, const double *restrict v, double alpha) {
  for (int64_t i = 0; i < n; i++) y[i] += alpha * v[i];
}

static void keep_f32(int64_t n, const uint8_t *mask, const float *x, float *y, double scale) {
  const float by = (float)scale;
#pragma GCC ivdep
  for (int64_t i = 0; i < n; i++) {
    float v = x[i] * by;
    y[i] = mask[i] ? v : 0;
  }
}

static void keep_f64(int64_t n, const uint8_t *mask, const double *x, double *y, double scale) {
#pragma GCC ivdep
  for (int64_t i = 0; i < n; i++) {
    double v = x[i] * scale;
    y[i] = mask[i] ? v : 0;
  }
}

#define WHERE(T)                                                                                   \
  static void where_##T(int64_t n, void *y, const void *const *x, const void *arg) {               \
    const T *mask = x[0], *a = x[1], *b = x[2];                                                    \
    T *o = y;                                                                                      \
    (void)arg;                                                                                     \
    _Pragma("GCC ivdep") for (int64_t i = 0; i < n; i++) o[i] = mask[i] ? a[i] : b[i];             \
  }
WHERE(uint8_t)
WHERE(uint16_t)
WHERE(uint32_t)
WHERE(uint64_t)

const IndexLoops AT_LEVEL(index_loops) = {
    .add_f32 = add_f32,
    .add_f64 = add_f64,
    .keep_f32 = keep_f32,
    .keep_f64 = keep_f64,
    .where = {where_uint8_t, where_uint16_t, where_uint32_t, where_uint64_t},
};
