/* The general weight gradient for float64. */
#define REAL_64
#include "weights.c"
