/* The plan of a pointwise loop nest: its operands as strides over the joined dimensions of the output.
   iter.c makes it and runs it row by row; tiles.c runs it where memory is crossed. Reductions read by it. */
#ifndef LUNETTE_PLAN_H
#define LUNETTE_PLAN_H

#include "iter.h"

enum {
  PLAN_GRAIN = 1 << 15, /* elements of a part: what one thread does at a time */
  PLAN_WIDE = 8         /* bytes of the widest type */
};

typedef struct Operand {
  char *data;
  DType dtype;
  int64_t size;  /* bytes of an element */
  bool dense;    /* element i of the output is element i here */
  bool constant; /* one element for all */
  int64_t stride[T_MAXDIM];
} Operand;

typedef struct Plan {
  IterLoop loop;
  const void *arg;
  int nx, ndim;
  int64_t run; /* of run_rows, or 0 */
  DType in, out;
  int64_t numel, shape[T_MAXDIM]; /* in the order of y's memory */
  Operand y, x[ITER_IN];
} Plan;

/* For reading x in the order of its positions, where it does not lie so or is of another type: a plan
   for x, and n elements from position `at` on, as type `as`, into a buffer. */
void plan_reader(Plan *p, const Tensor *x, DType as);
void plan_read(const Plan *p, int64_t at, int64_t n, void *buffer);

/* Runs p in tiles where the memory of an input runs along another dimension than y's, so that each
   side is read and written in whole cache lines; false, and nothing is done, where none does. */
bool tiles_map(const Plan *p);

#endif
