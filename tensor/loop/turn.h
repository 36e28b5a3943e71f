/* Short rows turned into columns, so that the lanes of a vector are full where loops go along rows. */
#ifndef LUNETTE_TURN_H
#define LUNETTE_TURN_H

#include "../kernels/convert.h"

#include <stdbool.h>

enum {
  TURN_SHORT = 32, /* most values of a row that is turned */
  TURN_ROWS = 64,  /* rows that are turned at a time */
  TURN_ROOM = TURN_SHORT * TURN_ROWS
};

/* Are these rows of n values to be turned? */
static inline bool turn_pays(int64_t rows, int64_t n) {
  return n <= TURN_SHORT && rows >= TURN_ROWS;
}

/* [rows, columns] of elements of `size` bytes, turned: rows of `from` are from_row elements apart, those
   of `to`, which are its columns, to_row. */
static inline void turn(size_t size, int64_t rows, int64_t columns, const void *from,
                        int64_t from_row, void *to, int64_t to_row) {
  const CopyBlock *block = SIMD_PICK(convert_kernels)->block;
  block[__builtin_ctzl(size)](columns, rows, to, to_row, 1, from, 1, from_row);
}

#endif
