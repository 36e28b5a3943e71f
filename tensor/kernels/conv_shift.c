/* Owns the shifted copies of planes that let lanes run along places of the result. */
#include "conv_impl.h"

static int64_t floor_div(int64_t a, int64_t b) { return a >= 0 ? a / b : -((-a + b - 1) / b); }

/* The rows of planes: source row r of a residue r mod y.step stands at floor(r / y.step) - low. */
typedef struct {
  int64_t low, height;
} Rows;

static Rows rows_of(const ConvShift *k) {
  int64_t first = k->row * k->y.step + k->y.offset, last = first + (k->y.taps - 1) * k->y.shift;
  int64_t least = first < last ? first : last, most = first < last ? last : first;
  int64_t low = floor_div(least, k->y.step);
  return (Rows){low, floor_div(most, k->y.step) - low + k->rows};
}

int64_t conv_shift_size(const ConvShift *k) {
  if (k->y.taps == 0 || k->x.taps == 0) return VL;
  return k->channels * k->x.taps * k->y.step * rows_of(k).height * k->x.count + VL;
}

void conv_shift_list(const ConvShift *k) {
  Rows rows = rows_of(k);
  int64_t n = 0, plane = rows.height * k->x.count;
  for (int64_t c = 0; c < k->channels; c++)
    for (int64_t i = 0; i < k->y.taps; i++)
      for (int64_t j = 0; j < k->x.taps; j++) {
        int64_t first = k->row * k->y.step + k->y.offset + i * k->y.shift;
        int64_t at = floor_div(first, k->y.step), residue = first - at * k->y.step;
        k->at[n++] =
            ((c * k->x.taps + j) * k->y.step + residue) * plane + (at - rows.low) * k->x.count;
      }
}

static int64_t at_most(int64_t n, int64_t most) { return n < 0 ? 0 : n < most ? n : most; }

/* One row: dst[q] = row[q step + offset], 0 where that lies outside. Vectors may run past the row's
   end into what is written next. */
VEC void shift_row(const ConvShift *k, float *dst, const float *row, int64_t offset) {
  int64_t step = k->x.step, count = k->x.count, q = 0;
  int64_t from = offset >= 0 ? 0 : (-offset + step - 1) / step;
  for (; q < from && q < count; q++) dst[q] = 0;
  const float *src = row + offset + q * step;
  int64_t left = k->src_w - offset - q * step; /* numbers of the row from src on */
  if (step == 1)
    for (; q < count; q += VL, src += VL, left -= VL)
      vf_store(dst + q, left > 0 ? vf_load_part(src, at_most(left, VL)) : (vf){0});
  else if (step == 2)
    for (; q < count; q += VL, src += 2 * VL, left -= 2 * VL) {
      vf a = {0}, b = {0};
      if (left > 0) a = vf_load_part(src, at_most(left, VL));
      if (left > VL) b = vf_load_part(src + VL, at_most(left - VL, VL));
      vf_store(dst + q, vf_even(a, b));
    }
  else
    for (; q < count; q++, src += step, left -= step) dst[q] = left > 0 ? *src : 0;
}

void conv_shift_fill(const ConvShift *k, const float *src) {
  if (k->y.taps == 0 || k->x.taps == 0) return;
  Rows rows = rows_of(k);
  float *dst = k->planes;
  for (int64_t c = 0; c < k->channels; c++, src += k->src_h * k->src_w)
    for (int64_t j = 0; j < k->x.taps; j++)
      for (int64_t residue = 0; residue < k->y.step; residue++)
        for (int64_t i = 0; i < rows.height; i++, dst += k->x.count) {
          int64_t y = (rows.low + i) * k->y.step + residue;
          if (y >= 0 && y < k->src_h)
            shift_row(k, dst, src + y * k->src_w, k->x.offset + j * k->x.shift);
          else
            memset(dst, 0, (size_t)k->x.count * sizeof(float));
        }
}
