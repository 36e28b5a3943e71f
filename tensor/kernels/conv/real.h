/* The numbers of the general ways: float, or double in the files that define REAL_64 first. A vector
   of them, vr, has RL lanes; its functions are those of vec.h. */
#ifndef LUNETTE_CONV_REAL_H
#define LUNETTE_CONV_REAL_H

#include "../vec.h"

#ifndef REAL_64

#define OF_REAL(name) AT_LEVEL(name)
#define RL            VL
typedef float real;
typedef vf vr;
#define vr_load       vf_load
#define vr_store      vf_store
#define vr_all        vf_all
#define vr_fma        vf_fma
#define vr_load_part  vf_load_part
#define vr_store_part vf_store_part
#define vr_transpose  vf_transpose

VEC vr vr_positive(vr v) { return vf_select(v < 0, (vr){0}, v); }

#else

#define OF_REAL(name) SIMD_JOIN(name##_f64, LEVEL)
#define RL            (VL / 2)
typedef double real;
typedef double vr __attribute__((vector_size(4 * VL)));
typedef int64_t vr_lanes __attribute__((vector_size(4 * VL)));

VEC vr vr_load(const double *p) {
  vr v;
  memcpy(&v, p, sizeof v);
  return v;
}

VEC void vr_store(double *p, vr v) { memcpy(p, &v, sizeof v); }

VEC vr vr_all(double x) { return x - (vr){0}; }

/* The first n lanes, 0 <= n <= RL. */
VEC vr vr_load_part(const double *p, int64_t n) {
#if defined(__AVX512F__)
  return (vr)_mm512_maskz_loadu_pd((__mmask8)((1u << n) - 1), p);
#else
  vr v = {0};
  for (int i = 0; i < RL; i++)
    if (i < n) v[i] = p[i];
  return v;
#endif
}

VEC void vr_store_part(double *p, vr v, int64_t n) {
#if defined(__AVX512F__)
  _mm512_mask_storeu_pd(p, (__mmask8)((1u << n) - 1), (__m512d)v);
#else
  for (int i = 0; i < RL; i++)
    if (i < n) p[i] = v[i];
#endif
}

VEC vr vr_fma(vr a, vr b, vr c) {
#if defined(__AVX512F__)
  return (vr)_mm512_fmadd_pd((__m512d)a, (__m512d)b, (__m512d)c);
#elif defined(__FMA__)
  return (vr)_mm256_fmadd_pd((__m256d)a, (__m256d)b, (__m256d)c);
#else
  return a * b + c;
#endif
}

VEC vr vr_positive(vr v) {
  vr_lanes negative = v < 0;
  return (vr)(~negative & (vr_lanes)v);
}

#define LOW_64_(l, bit)  ((l) & (bit) ? RL + (l) - (bit) : (l))
#define HIGH_64_(l, bit) ((l) & (bit) ? RL + (l) : (l) + (bit))
#if VL == 16
#define LANES_64_(f, bit) LANES4_(f, 0, bit), LANES4_(f, 4, bit)
#elif VL == 8
#define LANES_64_(f, bit) LANES4_(f, 0, bit)
#else
#define LANES_64_(f, bit) f(0, bit), f(1, bit)
#endif

/* r[i][j] and r[j][i] change places. */
VEC void vr_transpose(vr r[RL]) {
#define STEP(bit)                                                                                  \
  _Pragma("GCC unroll 8") for (int i = 0; i < RL; i++) if (!(i & (bit))) {                         \
    vr low = __builtin_shuffle(r[i], r[i + (bit)], (vr_lanes){LANES_64_(LOW_64_, bit)});           \
    vr high = __builtin_shuffle(r[i], r[i + (bit)], (vr_lanes){LANES_64_(HIGH_64_, bit)});         \
    r[i] = low;                                                                                    \
    r[i + (bit)] = high;                                                                           \
  }
  STEP(1)
#if VL >= 8
  STEP(2)
#endif
#if VL >= 16
  STEP(4)
#endif
#undef STEP
}

#endif

/* The sum of all lanes, from the first on. */
VEC real vr_sum(vr v) {
  real sum = 0;
  for (int i = 0; i < RL; i++) sum += v[i];
  return sum;
}

#endif
