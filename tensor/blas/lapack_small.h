/* Factors of small matrices, on which a call into OpenBLAS costs more than the work. Arguments and
   results as in lapack.h. */
#ifndef LUNETTE_LAPACK_SMALL_H
#define LUNETTE_LAPACK_SMALL_H

#include <stdbool.h>

#include "../dtype.h"

enum { LAPACK_SMALL = 12 }; /* most rows and columns */

int small_getrf(DType d, int m, int n, void *a, int *pivots);
int small_getri(DType d, int n, void *a, const int *pivots);
double small_gecon(DType d, int n, const void *a, double norm);
int small_potrf(DType d, bool upper, int n, void *a);
void small_trsm(DType d, bool upper, bool transposed, bool unit, int n, int k, const void *t,
                void *b, int ldb);

#endif
