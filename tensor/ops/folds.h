/* The ways of folding, per type of value. */
#ifndef LUNETTE_FOLDS_H
#define LUNETTE_FOLDS_H

#include "fold.h"

typedef enum FoldKind {
  FOLD_SUM,     /* flag: divided by the count */
  FOLD_PROD,    /*                                                   floats and int64 */
  FOLD_MAX,     /* the first largest and its position; NaN wins */
  FOLD_MIN,     /* */
  FOLD_MOMENTS, /* variance with correction p; flag: its root             floats only */
  FOLD_LOGSUM,  /* log of the sum of exponentials                         floats only */
  FOLD_SQUARES, /* root of the sum of squares                             floats only */
  FOLD_ABS,     /* sum of absolute values                                 floats only */
  FOLD_POWERS,  /* p-th root of the sum of |x|^p                          floats only */
  FOLD_MAXABS,  /* largest and smallest absolute value                    floats only */
  FOLD_MINABS,
  FOLD_ANY, /* of bool */
  FOLD_ALL,
  FOLD_KINDS
} FoldKind;

/* Values of type `in`; bool is read as uint8. */
const Fold *fold_of(FoldKind kind, DType in);

#endif
