/* The ways of folding, per type of value. */
#ifndef LUNETTE_FOLD_KINDS_H
#define LUNETTE_FOLD_KINDS_H

#include "fold.h"

typedef enum FoldKind {
  FOLD_SUM,     /* flag: divided by the count */
  FOLD_NUMBERS, /* the sum of what is not NaN */
  FOLD_PROD,
  FOLD_COUNT, /* how many are not 0 */
  FOLD_ANY,   /* is any not 0? */
  FOLD_ALL,
  FOLD_MAX, /* the first largest and its position; NaN wins */
  FOLD_MIN,
  FOLD_TOP, /* the largest alone; NaN wins */
  FOLD_BOTTOM,
  /* floats only: */
  FOLD_MOMENTS, /* variance with correction p; flag: its root */
  FOLD_LOGSUM,  /* log of the sum of exponentials */
  FOLD_SQUARES, /* root of the sum of squares */
  FOLD_ABS,     /* sum of absolute values */
  FOLD_MAXABS,  /* largest and smallest absolute value */
  FOLD_MINABS,
  FOLD_POWERS, /* p-th root of the sum of |x|^p */
  FOLD_KINDS
} FoldKind;

/* Values of type `in`. */
const Fold *fold_of(FoldKind kind, DType in);

#endif
