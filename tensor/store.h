/* What may be stored where: values written into a tensor of another type. */
#ifndef LUNETTE_STORE_H
#define LUNETTE_STORE_H

#include "op.h"

/* Both fail when a value has a fraction, or is a number out of range, and `to` is an integer type.
   name: of the op, or NULL for none. creates: the tensor is new, and another dtype the repair. */
void store_check(const char *name, DType to, const Tensor *value);
void store_check_number(const char *name, DType to, const Attr *number, bool creates);
/* Every element of y becomes the number, which fits. Allocates nothing. */
void store_number(Tensor *y, const Attr *number);

#endif
