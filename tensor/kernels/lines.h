/* Single elements moved by positions: the loops of gather and scatter. */
#ifndef LUNETTE_KERNELS_LINES_H
#define LUNETTE_KERNELS_LINES_H

#include "../dtype.h"
#include "../machine/simd.h"

#include <stdbool.h>
#include <stdint.h>

/* What positions stand for: p is the place (p - base) * stride, and p - base is below size. Loops
   that are given a reach answer false, at the first position that lies outside. */
typedef struct Reach {
  int64_t base, stride;
  uint64_t size; /* UINT64_MAX where positions are known to fit */
} Reach;

/* Moves n elements along the last dimension: values v[0..n-1]; the tensor's elements are t + i*step +
   the place of at[i]. vstep is 0 when one value serves all. */
typedef bool (*Move)(int64_t n, void *t, int64_t step, const Reach *reach, const int64_t *at,
                     void *v, int64_t vstep);

/* How a value meets what is there; in the order of scatter_reduce's choices. */
enum { LINES_SUM, LINES_PROD, LINES_MEAN, LINES_AMAX, LINES_AMIN, LINES_KINDS };

typedef struct LineLoops {
  /* For elements of 1, 2, 4, 8 bytes: at log2(bytes). */
  Move gather[4], set[4];
  Move combine[LINES_KINDS][T_F16]; /* MEAN adds; NaN is more than any number, and less */
} LineLoops;
SIMD_FAMILY(LineLoops, line_loops);

#endif
