/* What the files of this family share besides rows.h. NaN counts as greater than every number. */
#ifndef LUNETTE_ORDER_H
#define LUNETTE_ORDER_H

#include "../../op.h"

/* g of values at `indices` along dim (which they may lack: dropped), put back where in x[0] they
   came from. */
Tensor *order_sent_back(Call *c, Tensor *g, Tensor *indices, int64_t dim, bool dropped);

#endif
