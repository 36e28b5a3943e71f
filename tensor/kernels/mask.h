/* Sets of lanes: loads that give 0 elsewhere and touch no memory there, and stores. */
#ifndef LUNETTE_MASK_H
#define LUNETTE_MASK_H

#include "vec.h"

/* The lanes whose bit is set: the others load as 0, and their memory is not touched. */
VEC vf vf_load_bits(const float *p, uint16_t bits) {
#if defined(__AVX512F__)
  return (vf)_mm512_maskz_loadu_ps(bits, p);
#else
  vf v = {0};
  for (int i = 0; i < VL; i++)
    if (bits >> i & 1) v[i] = p[i];
  return v;
#endif
}

/* A set of lanes. */
#if defined(__AVX512F__)
typedef __mmask16 vm;
#else
typedef vi vm;
#endif

/* The lanes l with from <= l < end. */
VEC vm vm_range(int64_t from, int64_t end) {
  from = from < 0 ? 0 : from > VL ? VL : from;
  end = end < 0 ? 0 : end > VL ? VL : end;
#if defined(__AVX512F__)
  return (__mmask16)(((1u << end) - 1) & ~((1u << from) - 1));
#else
  vi lane;
  for (int i = 0; i < VL; i++) lane[i] = i;
  return (lane >= (vi){0} + (int32_t)from) & (lane < (vi){0} + (int32_t)end);
#endif
}

VEC vf vf_load_lanes(const float *p, vm lanes) {
#if defined(__AVX512F__)
  return (vf)_mm512_maskz_loadu_ps(lanes, p);
#elif defined(__AVX__)
  return (vf)_mm256_maskload_ps(p, (__m256i)lanes);
#else
  vf v = {0};
  for (int i = 0; i < VL; i++)
    if (lanes[i]) v[i] = p[i];
  return v;
#endif
}

VEC void vf_store_lanes(float *p, vf v, vm lanes) {
#if defined(__AVX512F__)
  _mm512_mask_storeu_ps(p, lanes, (__m512)v);
#elif defined(__AVX__)
  _mm256_maskstore_ps(p, (__m256i)lanes, (__m256)v);
#else
  for (int i = 0; i < VL; i++)
    if (lanes[i]) p[i] = v[i];
#endif
}

#endif
