/* Running results along one dimension of x [outer, n, inner], on one thread. A tile is up to SCAN_TILE
   columns of one outer; where inner is 1, rows are up to SCAN_ROWS of them, one after the other. */
#ifndef LUNETTE_KERNELS_SCAN_H
#define LUNETTE_KERNELS_SCAN_H

#include <stdbool.h>

#include "../dtype.h"
#include "../machine/simd.h"

enum { SCAN_TILE = 256, SCAN_ROWS = 8 };

typedef enum ScanKind {
  SCAN_SUM,    /* floats in double, int64 wraps around */
  SCAN_PROD,   /* likewise */
  SCAN_LOGSUM, /* log of the sum of exponentials; floats */
  SCAN_BEST,   /* the largest (smallest) so far and the last place it stood at; NaN beats all */
  SCAN_RECUR,  /* y[i] = x[i] + a[i] y[i-1]; floats */
  SCAN_KINDS
} ScanKind;

typedef struct Scan {
  const char *x, *a; /* a: the recurrence's factors */
  char *y;
  int64_t *indices;
  bool back, least; /* from the end; the smallest instead of the largest */
  int64_t n, inner;
} Scan;

/* at: the first element; count: columns or rows. */
typedef void (*ScanFn)(const Scan *s, int64_t at, int64_t count);

typedef struct ScanLoops {
  ScanFn tile, rows;
  ScanFn row; /* one long row, or NULL: as rows */
} ScanLoops;

typedef struct ScanKernels {
  ScanLoops of[SCAN_KINDS][T_F16]; /* NULL where a kind has no such type */
} ScanKernels;
SIMD_FAMILY(ScanKernels, scan_kernels);

#endif
