/* The two forms of grid_sample: fused, and in plain ops. */
#ifndef LUNETTE_OPS_GRID_H
#define LUNETTE_OPS_GRID_H

#include "../../op.h"

/* Attributes of grid_sample; its modes and paddings are those of kernels/grid/grid.h, in that order. */
enum { GRID_MODE, GRID_PADDING, GRID_ALIGN };

/* Fails where images and places do not fit. */
void grid_check(Call *c);

void grid_sample_compose(Call *c);

#endif
