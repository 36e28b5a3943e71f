/* What may be stored where: values written into a tensor of another type. */
#ifndef LUNETTE_STORE_H
#define LUNETTE_STORE_H

#include "../op.h"

/* Fails when value (a tensor or a number of the host's) has a fraction or, being a number, is out
   of range, and `to` is an integer type. name: of the op, or NULL for
   none. */
void store_check(const char *name, DType to, const Tensor *value);
/* Every element of y becomes the number, which fits. Allocates nothing. */
void store_number(Tensor *y, const Attr *number);
void store_check_number(const char *name, DType to, const Attr *number);

#endif
