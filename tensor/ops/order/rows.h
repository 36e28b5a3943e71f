/* Ops along one dimension that look at a row of values as a whole: the rows of x are laid out one
   after another, and results find their way back to the dimension they belong to. */
#ifndef LUNETTE_ROWS_H
#define LUNETTE_ROWS_H

#include "entries.h"

typedef struct Rows {
  const Tensor *x;          /* contiguous, the dimension last */
  int64_t rows, n;          /* rows of n values, */
  int64_t m;                /* m results of each */
  Tensor *values, *indices; /* [rows, m]; NULL: not wanted */
  Entries k;
  char *space; /* for every thread */
  size_t each;
  int dim;
  Tensor *y_values, *y_indices; /* where results go in the end, if not where they are made */
} Rows;

enum {
  ROWS_VALUES = 1,
  ROWS_INDICES = 2, /* which results there are: y[0], y[1] */
  ROWS_DROP = 4     /* the dimension goes (m is 1) */
};

/* In infer: takes x[0] apart along dim (-1: all elements are one row) and makes the outputs, m
   along dim. Room for two copies of a row's entries. Returns what c->scratch holds. */
Rows *rows_infer(Call *c, int dim, int64_t m, unsigned results, bool falling);

/* Computes row `row`: space holds two times n entries. */
typedef void (*RowFn)(const Rows *r, int64_t row, void *space, const void *arg);
void rows_run(const Rows *r, RowFn fn, const void *arg);
/* After the last row: stand-ins go where they belong. */
void rows_end(const Rows *r);

/* The number of values along a dimension, 1 without dimensions. */
static inline int64_t rows_length(const Tensor *x, int dim) {
  return dim < 0 ? x->numel : x->ndim ? x->shape[dim] : 1;
}
static inline const char *rows_at(const Rows *r, int64_t row) {
  return (const char *)t_data(r->x) + (size_t)(row * r->n) * dtype_size((DType)r->x->dtype);
}

#endif
