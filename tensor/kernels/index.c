/* Loops of the index family: adding rows, choosing by a mask. */
#include "index.h"

static void add_f32(int64_t n, float *restrict y, const float *restrict v, float alpha) {
  for (int64_t i = 0; i < n; i++) y[i] += alpha * v[i];
}

static void add_f64(int64_t n, double *restrict y, const double *restrict v, double alpha) {
  for (int64_t i = 0; i < n; i++) y[i] += alpha * v[i];
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

#define PICK_OF(a, b)                                                                              \
  _Pragma("GCC ivdep") for (int64_t i = 0; i < n; i++) o[i] = mask[i] ? (a) : (b)
#define CHOOSE(T)                                                                                  \
  static void choose_##T(int64_t n, void *y, const uint8_t *mask, const void *a, int64_t a_step,   \
                         const void *b, int64_t b_step) {                                          \
    const T *p = a, *q = b, first_p = *p, first_q = *q;                                            \
    T *o = y;                                                                                      \
    if (a_step && b_step)                                                                          \
      PICK_OF(p[i], q[i]);                                                                         \
    else if (a_step)                                                                               \
      PICK_OF(p[i], first_q);                                                                      \
    else if (b_step)                                                                               \
      PICK_OF(first_p, q[i]);                                                                      \
    else                                                                                           \
      PICK_OF(first_p, first_q);                                                                   \
  }
CHOOSE(uint8_t)
CHOOSE(uint16_t)
CHOOSE(uint32_t)
CHOOSE(uint64_t)

static bool within(int64_t n, const int64_t *p, int64_t size) {
  uint64_t outside = 0;
  for (int64_t i = 0; i < n; i++) outside |= (uint64_t)p[i] - 1 >= (uint64_t)size;
  return !outside;
}

const IndexLoops AT_LEVEL(index_loops) = {
    .add_f32 = add_f32,
    .add_f64 = add_f64,
    .within = within,
    .choose = {choose_uint8_t, choose_uint16_t, choose_uint32_t, choose_uint64_t},
    .where = {where_uint8_t, where_uint16_t, where_uint32_t, where_uint64_t},
};
