/* Reductions over any set of dimensions, in parts and an order that depend on shapes only.

   A Fold gathers values into accumulators: one per result, joined where a result's values were cut
   into chunks or lie in several groups of dimensions, and turned into results at the end.
   Neighbouring dimensions of one kind are seen as one, so that x is a row of groups that are kept or
   reduced by turns. Where x is not dense, or of another type, parts of it go through a buffer. */
#ifndef LUNETTE_FOLD_H
#define LUNETTE_FOLD_H

#include "../../kernels/reduce.h"
#include "../../op.h"

/* What a fold's functions may read besides values. */
typedef struct FoldArg {
  DType out;    /* type of the results */
  double count; /* values that go into each result */
  double p;     /* exponent of a norm; correction of a variance */
  bool flag;    /* the fold's own switch */
} FoldArg;

typedef struct Fold {
  ReduceKind kernel; /* how values go into accumulators: kernels/reduce.h */
  size_t size;       /* bytes of an accumulator */
  /* acc[i] takes in more[i], whose values come later. */
  void (*join)(int64_t width, void *acc, const void *more);
  /* Results from accumulators, which may be overwritten; y or indices is NULL where not wanted. */
  void (*finish)(int64_t width, void *acc, void *y, int64_t *indices, const FoldArg *arg);
  /* In place of the kernel, where there is none; as there. */
  void (*rows)(int64_t rows, int64_t n, const void *x, void *acc, const FoldArg *arg);
  void (*cols)(int64_t width, int64_t n, int64_t stride, const void *x, void *acc,
               const FoldArg *arg);
} Fold;

typedef enum FoldLie {
  FOLD_DENSE,    /* the groups follow one another in memory without gaps */
  FOLD_RUNS,     /* the last group does, each other has a stride */
  FOLD_SCATTERED /* neither, or of another type: through a buffer, in the order of positions */
} FoldLie;

/* The groups of x: sizes, outermost first, and whether they are reduced. */
typedef struct FoldShape {
  DType in; /* type that x is folded in */
  FoldLie lie;
  int n;
  bool reduced[T_MAXDIM + 2];
  int64_t size[T_MAXDIM + 2], stride[T_MAXDIM + 2]; /* strides: of runs */
} FoldShape;

/* reduced: bit d for dimension d. The groups follow x's memory where the kept dimensions keep their
   order there. */
void fold_shape(FoldShape *s, const Tensor *x, unsigned reduced, DType in);
/* Bytes of scratch that fold_run needs; 0 in the common cases. */
size_t fold_scratch(const FoldShape *s, size_t acc);
/* y or indices may be NULL. */
void fold_run(const Fold *f, const FoldShape *s, const Tensor *x, Tensor *y, Tensor *indices,
              const FoldArg *arg, void *scratch);

/* Dimensions of a call's dims attribute as bits: absent or empty means all. Fails on repeats. */
unsigned fold_dims(Call *c, int attr);
unsigned fold_dim(Call *c, int attr); /* of a dim attribute: absent means all */
/* Shape of the result; returns its number of dimensions. */
int fold_result(const Tensor *x, unsigned reduced, bool keepdim, int64_t *shape);
/* How many values go into a result. */
int64_t fold_count(const Tensor *x, unsigned reduced);

#endif
