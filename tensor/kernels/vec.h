/* Vectors of floats at the level's natural width, for kernels that keep tiles in registers.
   GCC's vector extension does arithmetic; this file adds what it lacks. */
#ifndef LUNETTE_VEC_H
#define LUNETTE_VEC_H

#include "../machine/simd.h"

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#if defined(__AVX512F__) || defined(__FMA__)
#include <immintrin.h>
#endif

#if defined(__AVX512F__)
#define VL 16
#elif defined(__AVX__)
#define VL 8
#else
#define VL 4
#endif

#define VEC static inline __attribute__((always_inline, unused))

typedef float vf __attribute__((vector_size(4 * VL)));
typedef int32_t vi __attribute__((vector_size(4 * VL)));

VEC vf vf_load(const float *p) {
  vf v;
  memcpy(&v, p, sizeof v);
  return v;
}

VEC void vf_store(float *p, vf v) { memcpy(p, &v, sizeof v); }

VEC vf vf_all(float x) { return x - (vf){0}; }

/* v in a register: without it GCC may load an operand of several instructions several times. */
VEC vf vf_keep(vf v) {
#if defined(__AVX512F__)
  __asm__("" : "+v"(v));
#elif SIMD_X86
  __asm__("" : "+x"(v));
#endif
  return v;
}

/* The first n lanes, 0 <= n <= VL: the others load as 0 and are not stored. */
#if defined(__AVX512F__)
VEC vf vf_load_part(const float *p, int64_t n) {
  return (vf)_mm512_maskz_loadu_ps((__mmask16)((1u << n) - 1), p);
}

VEC void vf_store_part(float *p, vf v, int64_t n) {
  _mm512_mask_storeu_ps(p, (__mmask16)((1u << n) - 1), (__m512)v);
}
#else
VEC vf vf_load_part(const float *p, int64_t n) {
  if (n == VL) return vf_load(p);
  vf v = {0};
  for (int i = 0; i < VL; i++)
    if (i < n) v[i] = p[i];
  return v;
}

VEC void vf_store_part(float *p, vf v, int64_t n) {
  if (n == VL) {
    vf_store(p, v);
    return;
  }
  for (int i = 0; i < VL; i++)
    if (i < n) p[i] = v[i];
}
#endif

/* The first n lanes of v, zeros in the others. */
VEC vf vf_first(int64_t n, vf v) {
#if defined(__AVX512F__)
  return (vf)_mm512_maskz_mov_ps((__mmask16)((1u << n) - 1), (__m512)v);
#else
  for (int i = 0; i < VL; i++)
    if (i >= n) v[i] = 0;
  return v;
#endif
}

VEC vi vi_load_part(const int32_t *p, int64_t n) {
  vi v = {0};
#if defined(__AVX512F__)
  v = (vi)_mm512_maskz_loadu_epi32((__mmask16)((1u << n) - 1), p);
#else
  if (n == VL)
    memcpy(&v, p, sizeof v);
  else
    for (int i = 0; i < VL; i++)
      if (i < n) v[i] = p[i];
#endif
  return v;
}

VEC void vi_store_part(int32_t *p, vi v, int64_t n) {
#if defined(__AVX512F__)
  _mm512_mask_storeu_epi32(p, (__mmask16)((1u << n) - 1), (__m512i)v);
#else
  if (n == VL)
    memcpy(p, &v, sizeof v);
  else
    for (int i = 0; i < VL; i++)
      if (i < n) p[i] = v[i];
#endif
}

/* a b + c, in one rounding where the level has the instruction. */
VEC vf vf_fma(vf a, vf b, vf c) {
#if defined(__AVX512F__)
  return (vf)_mm512_fmadd_ps((__m512)a, (__m512)b, (__m512)c);
#elif defined(__FMA__)
  return (vf)_mm256_fmadd_ps((__m256)a, (__m256)b, (__m256)c);
#else
  return a * b + c;
#endif
}

/* Where the mask is set (all bits of a lane) a, else b. */
VEC vf vf_select(vi mask, vf a, vf b) { return (vf)((mask & (vi)a) | (~mask & (vi)b)); }

VEC bool vi_any(vi mask) {
#if defined(__AVX512F__)
  return _mm512_test_epi32_mask((__m512i)mask, (__m512i)mask) != 0;
#else
  int64_t halves[VL / 2], any = 0;
  memcpy(halves, &mask, sizeof halves);
  for (int i = 0; i < VL / 2; i++) any |= halves[i];
  return any != 0;
#endif
}

/* Where w is greater than *v, or NaN, w and its place q become *v and *p. */
VEC void vf_take_max(vf *v, vi *p, vf w, vi q) {
#if defined(__AVX512F__)
  __mmask16 wins = _mm512_cmp_ps_mask((__m512)w, (__m512)*v, _CMP_GT_OQ) |
                   _mm512_cmp_ps_mask((__m512)w, (__m512)w, _CMP_UNORD_Q);
  *v = (vf)_mm512_mask_mov_ps((__m512)*v, wins, (__m512)w);
  *p = (vi)_mm512_mask_mov_epi32((__m512i)*p, wins, (__m512i)q);
#else
  vi wins = (w > *v) | (w != w);
  *v = vf_select(wins, w, *v);
  *p = (wins & q) | (~wins & *p);
#endif
}

/* The lanes that step `bit` of a transposition takes from a pair of rows (a, b): where the lane's
   bit is clear low takes a's, high takes a's `bit` lanes on; elsewhere low takes b's `bit` lanes
   back, high takes b's. Lanes of b count from VL. */
#define LOW_(l, bit)       ((l) & (bit) ? VL + (l) - (bit) : (l))
#define HIGH_(l, bit)      ((l) & (bit) ? VL + (l) : (l) + (bit))
#define LANES4_(f, l, bit) f(l, bit), f((l) + 1, bit), f((l) + 2, bit), f((l) + 3, bit)
#if VL == 16
#define LANES_(f, bit)                                                                             \
  LANES4_(f, 0, bit), LANES4_(f, 4, bit), LANES4_(f, 8, bit), LANES4_(f, 12, bit)
#elif VL == 8
#define LANES_(f, bit) LANES4_(f, 0, bit), LANES4_(f, 4, bit)
#else
#define LANES_(f, bit) LANES4_(f, 0, bit)
#endif

#define TRANSPOSE_STEP_(r, bit)                                                                    \
  _Pragma("GCC unroll 16") for (int i_ = 0; i_ < VL; i_++) if (!(i_ & (bit))) {                    \
    vf low_ = __builtin_shuffle(r[i_], r[i_ + (bit)], (vi){LANES_(LOW_, bit)});                    \
    vf high_ = __builtin_shuffle(r[i_], r[i_ + (bit)], (vi){LANES_(HIGH_, bit)});                  \
    r[i_] = low_;                                                                                  \
    r[i_ + (bit)] = high_;                                                                         \
  }

/* Of the 2 VL numbers (a, b): those at even places, those at odd ones. */
#define EVEN_(l, bit) (2 * (l))
#define ODD_(l, bit)  (2 * (l) + 1)
VEC vf vf_even(vf a, vf b) { return __builtin_shuffle(a, b, (vi){LANES_(EVEN_, 0)}); }
VEC vf vf_odd(vf a, vf b) { return __builtin_shuffle(a, b, (vi){LANES_(ODD_, 0)}); }

/* The sum of all lanes: neighbours first. */
VEC float vf_sum(vf v) {
  for (int n = VL; n > 1; n /= 2) v = vf_even(v, v) + vf_odd(v, v);
  return v[0];
}

/* a and b taken in turn, a first: the first and the last VL of the 2 VL numbers. */
#define ZIP_LOW_(l, bit)  ((l) / 2 + ((l)&1) * VL)
#define ZIP_HIGH_(l, bit) (VL / 2 + (l) / 2 + ((l)&1) * VL)
VEC vf vf_zip_low(vf a, vf b) { return __builtin_shuffle(a, b, (vi){LANES_(ZIP_LOW_, 0)}); }
VEC vf vf_zip_high(vf a, vf b) { return __builtin_shuffle(a, b, (vi){LANES_(ZIP_HIGH_, 0)}); }

/* r[i][j] and r[j][i] change places. */
VEC void vf_transpose(vf r[VL]) {
  TRANSPOSE_STEP_(r, 1)
  TRANSPOSE_STEP_(r, 2)
#if VL >= 8
  TRANSPOSE_STEP_(r, 4)
#endif
#if VL >= 16
  TRANSPOSE_STEP_(r, 8)
#endif
}

#endif
