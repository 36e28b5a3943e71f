/* The pointwise part of attention on a block of scores, on one thread: softmax that can go on over
   further blocks of keys, and its way back. */
#ifndef LUNETTE_ATTENTION_H
#define LUNETTE_ATTENTION_H

#include "../machine/simd.h"

#include <stdbool.h>
#include <stdint.h>

/* A block of scores s: [rows, n], rows ld apart. Row r sees its first n keys, or, if causal, those
   before visible + r. mask: added to the scaled scores, or NULL. keep: 0 or 1 for each probability,
   and what is kept is multiplied by share; or NULL. */
typedef struct Scores {
  int64_t rows, n, ld;
  double scale, share;
  bool causal;
  int64_t visible;
  const void *mask;
  int64_t ld_mask;
  const uint8_t *keep;
  int64_t ld_keep;
} Scores;

typedef struct AttentionKernels {
  /* s becomes exp(scale s + mask - top), kept; top and sum, over all blocks so far, move on, and
     old: [rows] is by how much what was summed before shrinks: exp(top before - top now). */
  void (*forward_f32)(const Scores *b, float *s, float *top, float *sum, float *old);
  void (*forward_f64)(const Scores *b, double *s, double *top, double *sum, double *old);
  /* With p = exp(scale s + mask - lse): s becomes p, kept; dp the gradient of the scores,
     scale p (dp kept - delta). lse, delta: [rows] */
  void (*backward_f32)(const Scores *b, float *s, float *dp, const float *lse, const float *delta);
  void (*backward_f64)(const Scores *b, double *s, double *dp, const double *lse,
                       const double *delta);
} AttentionKernels;

SIMD_FAMILY(AttentionKernels, attention_kernels);

#endif
