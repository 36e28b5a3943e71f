/* Filling tensors with random numbers, in parts that depend on nothing but the element's place. */
#ifndef LUNETTE_DRAW_H
#define LUNETTE_DRAW_H

#include "../../op.h"
#include "../../random.h"

typedef enum DrawKind {
  DRAW_UNIFORM, /* in [a, b) */
  DRAW_NORMAL,  /* mean a, standard deviation b */
  DRAW_YES,     /* uint8: 1 with probability a, else 0 */
  DRAW_WHOLE    /* int64: low + 0..range-1; range 0 is all of 2^64 */
} DrawKind;

typedef struct Fill {
  DrawKind kind;
  RandomKey key;
  double a, b;
  int64_t low;
  uint64_t range;
  Tensor *to; /* contiguous: float32 or float64, uint8, int64 */
} Fill;

/* Elements of fill->to. */
void draw_fill(const Fill *fill);
/* 64 random bits each: elements first, first + 1, ... of a draw. */
void draw_bits(const RandomKey *key, int64_t first, int64_t n, uint64_t *out);
/* A whole number below n (not 0), and one in [0, 1), from 64 random bits. */
static inline uint64_t draw_below(uint64_t bits, uint64_t n) {
  return (uint64_t)(((unsigned __int128)bits * n) >> 64);
}
static inline double draw_unit(uint64_t bits) { return (double)(bits >> 11) * 0x1p-53; }

#endif
