/* The loops over uniform and normal numbers; see transforms.h. The functions are those of vmath.h, which
   the pointwise ops use. */
#include "transforms.h"

#include "math/vmath.h"

/* f is an expression of u = y[i], of its type T and of a and b. */
#define LOOP(name, type, T, f)                                                                     \
  static void name##_##type(int64_t n, T *y, double a, double b) {                                 \
    (void)a, (void)b;                                                                              \
    _Pragma("GCC ivdep") for (int64_t i = 0; i < n; i++) {                                         \
      const T u = y[i];                                                                            \
      y[i] = (T)(f);                                                                               \
    }                                                                                              \
  }
#define LOOPS(name, f)                                                                             \
  LOOP(name, f32, float, f)                                                                        \
  LOOP(name, f64, double, f)

LOOPS(exponential, m_log1p(-u) * (__typeof__(u + 0))a)
/* In double for floats too: the tangent's poles are at the ends, and steps of u near 0 count. */
LOOPS(cauchy, a + b * tan(M_PI * ((double)u - 0.5)))
LOOPS(geometric, u == 0 ? 1 : ceil(m_log1p(-(double)u) / a))
LOOPS(log_normal, m_exp(u))

#define ENTRIES(type)                                                                              \
  { exponential_##type, cauchy_##type, geometric_##type, log_normal_##type }
const TransformLoops AT_LEVEL(transform_loops) = {.f32 = ENTRIES(f32), .f64 = ENTRIES(f64)};
