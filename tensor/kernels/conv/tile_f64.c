/* The inner loops of convolution for float64. */
#define REAL_64
#include "tile.c"
