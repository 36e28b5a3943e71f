/* Owns the axes of depthwise convolutions by rows and their cut into bands. */
#include "impl.h"

ConvRowAxis conv_row_axis(const ConvPhase *k) {
  ConvRowAxis a = {.first = k->first, .between = k->every, .count = k->count, .step = k->step};
  int64_t back = k->shift < 0 ? k->taps - 1 : 0;
  a.taps = k->taps;
  a.low = k->offset + back * k->shift;
  a.every = k->shift < 0 ? -k->shift : k->shift;
  a.tap = k->tap + back * k->tapstep;
  a.tapstep = k->shift < 0 ? -k->tapstep : k->tapstep;
  return a;
}

int64_t conv_bands(const ConvRowAxis *y, int64_t height, ConvBand *bands) {
  int64_t n = 0;
  for (int64_t row = 0, left; (left = y->count - row) > 0; n++) {
    ConvBand *band = &bands[n];
    band->rows = left >= ROWS_MOST ? ROWS_MOST : left >= 4 ? 4 : left >= 2 ? 2 : 1;
    band->row = row;
    band->from = row * y->step + y->low;
    band->inside = 0;
    for (int64_t r = 0; r < (band->rows - 1) * y->step + y->taps; r++)
      band->inside |= (uint32_t)(band->from + r >= 0 && band->from + r < height) << r;
    row += band->rows;
  }
  return n;
}

void conv_row_masks(const ConvRowAxis *x, int64_t columns, bool strict, ConvRowMask *masks) {
  for (int64_t j = 0; j < x->count; j += VL)
    for (int64_t b = 0; b < x->taps; b++) {
      int64_t at = j * x->step + x->low + b * x->every, end = columns;
      int64_t last = at + (x->count - j) * x->step;
      if (strict && last < end) end = last;
      *masks++ = (ConvRowMask){vm_range(-at, end - at), vm_range(-at - VL, end - at - VL)};
    }
}
