/* What makes tensors needs of the open birth scope. */
#ifndef LUNETTE_BIRTH_H
#define LUNETTE_BIRTH_H

#include "tensor.h"

void birth_reserve(int n);     /* room for n more; may fail */
Tensor *birth_hold(Tensor *x); /* the open scope takes a share of x; may fail; returns x */
void birth_add(Tensor *x);     /* the open scope takes over one share of x; room must be there */

#endif
