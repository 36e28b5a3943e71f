/* What the files of products share. */
#ifndef LUNETTE_PRODUCTS_H
#define LUNETTE_PRODUCTS_H

#include "linalg.h"

/* Sums of products over n pairs of dimensions of equal sizes; then the others of a, then of b. */
Tensor *la_contract(Tensor *a, int n, const int64_t *da, Tensor *b, const int64_t *db);

void einsum_compose(Call *c);

#endif
