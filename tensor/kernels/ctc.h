/* Sums over all alignments of a label sequence (ops/loss/ctc.c), one sequence at a time, in logarithms
   of float64; log probabilities and their gradient are float32 or float64. */
#ifndef LUNETTE_CTC_H
#define LUNETTE_CTC_H

#include "../machine/simd.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Places s < count of l', labels with blanks between them; class places[s] - base. At step t < steps
   class c has log probability p[t step + c]; alpha[t row + s]. room: CTC_ROOM(count) numbers. */
typedef struct {
  int64_t steps, count, step, row, base;
  bool single; /* p, gx: float32 */
  const void *p;
  const int64_t *places;
  double *room;
} CtcSequence;

enum { CTC_LANES = 8, CTC_ROWS = 5 };
#define CTC_ROOM(count) ((size_t)CTC_ROWS * ((size_t)(count) + 2 * CTC_LANES + 2))

typedef struct {
  /* Fills alpha; the loss: minus the log probability of all. */
  double (*forward)(const CtcSequence *q, double *alpha);
  /* gx[t step + c] += scale times the probability of being in a place of class c at step t. */
  void (*backward)(const CtcSequence *q, const double *alpha, double loss, double scale, void *gx);
} CtcKernels;

SIMD_FAMILY(CtcKernels, ctc_kernels);

#endif
