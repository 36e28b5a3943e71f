/* The general forward pass and input gradient for float64. */
#define REAL_64
#include "gather.c"
