/* Owns the layouts of source planes that let lanes run along places of the result. */
#include "impl.h"

#define COPIED_PART (32 << 10) /* floats of copied planes at a time, about: 128 KB */
#define CACHED_PART (6 << 10)  /* floats that a tile meets of planes in place, about: 24 KB */

static int64_t floor_div(int64_t a, int64_t b) { return a >= 0 ? a / b : -((-a + b - 1) / b); }

static ConvReach reach(const ConvPhase *phase, int64_t count) {
  if (phase->taps == 0) return (ConvReach){0, count};
  int64_t first = phase->offset, last = first + (phase->taps - 1) * phase->shift;
  int64_t least = first < last ? first : last, most = first < last ? last : first;
  int64_t low = floor_div(least, phase->step);
  return (ConvReach){low, floor_div(most, phase->step) - low + count};
}

void conv_shift_reach(ConvShift *k) {
  k->rows_met = reach(&k->y, k->rows);
  k->cols_met = reach(&k->x, k->x.count);
}

int64_t conv_shift_pitch(const ConvShift *k) {
  return k->layout == CONV_WIDE ? k->cols_met.height : k->x.count;
}

/* Floats from one channel to the next. */
static int64_t channel_size(const ConvShift *k) {
  if (k->layout == CONV_IN_PLACE) return k->src_h * k->src_w;
  if (k->layout == CONV_WIDE) return k->rows_met.height * k->cols_met.height;
  return k->x.taps * k->y.step * k->rows_met.height * k->x.count;
}

int64_t conv_shift_chunk(const ConvShift *k) {
  if (k->layout != CONV_IN_PLACE) {
    ConvShift one = *k;
    one.channels = 1;
    return COPIED_PART / conv_shift_size(&one) + 1;
  }
  int64_t halo = (k->rows_met.height - k->rows) * k->src_w + k->cols_met.height - k->x.count;
  return CACHED_PART / (6 * VL + halo) + 1;
}

int64_t conv_shift_size(const ConvShift *k) {
  if (k->layout == CONV_IN_PLACE) return 0;
  return k->channels * channel_size(k) + 2 * VL;
}

int64_t conv_shift_vectors(const ConvShift *k) { return (k->rows * k->x.count + VL - 1) / VL; }

int64_t conv_shift_masks(const ConvShift *k) {
  if (k->layout != CONV_IN_PLACE) return 0;
  return (k->y.count + k->rows - 1) / k->rows * k->y.taps * k->x.taps * conv_shift_vectors(k);
}

/* Where tap (i, j) of the first channel stands. */
static int64_t tap_at(const ConvShift *k, int64_t i, int64_t j) {
  int64_t y = k->y.offset + i * k->y.shift, x = k->x.offset + j * k->x.shift;
  if (k->layout == CONV_IN_PLACE) return y * k->src_w + x;
  int64_t pitch = conv_shift_pitch(k), plane = k->rows_met.height * pitch;
  int64_t down = floor_div(y, k->y.step), residue = y - down * k->y.step;
  int64_t row = (down - k->rows_met.low) * pitch;
  if (k->layout == CONV_WIDE) return row + x - k->cols_met.low;
  return row + (j * k->y.step + residue) * plane;
}

/* Sets the bits [from, end) of words of VL bits. */
static void set_bits(uint16_t *words, int64_t from, int64_t end) {
  while (from < end) {
    int64_t first = from % VL, n = end - from < VL - first ? end - from : VL - first;
    words[from / VL] |= (uint16_t)(((1u << n) - 1) << first);
    from += n;
  }
}

/* The masks of one tap for the rows from `row` on. */
static void mask_tap(const ConvShift *k, int64_t row, int64_t i, int64_t j, uint16_t *words) {
  int64_t right = k->x.offset + j * k->x.shift, down = k->y.offset + i * k->y.shift;
  int64_t from = right < 0 ? -right : 0, end = right > 0 ? k->src_w - right : k->src_w;
  int64_t rows = k->y.count - row < k->rows ? k->y.count - row : k->rows;
  for (int64_t q = 0; q < rows; q++) {
    bool inside = row + q + down >= 0 && row + q + down < k->src_h;
    if (inside) set_bits(words, q * k->x.count + from, q * k->x.count + end);
  }
}

void conv_shift_list(const ConvShift *k) {
  int64_t n = 0, taps = k->y.taps * k->x.taps, vectors = conv_shift_vectors(k);
  for (int64_t i = 0; i < k->y.taps; i++)
    for (int64_t j = 0; j < k->x.taps; j++) k->at[n++] = tap_at(k, i, j);
  for (; n < k->channels * taps; n++) k->at[n] = k->at[n - taps] + channel_size(k);
  if (k->layout != CONV_IN_PLACE) return;
  memset(k->mask, 0, (size_t)conv_shift_masks(k) * sizeof *k->mask);
  uint16_t *words = k->mask;
  for (int64_t row = 0; row < k->y.count; row += k->rows)
    for (int64_t i = 0; i < k->y.taps; i++)
      for (int64_t j = 0; j < k->x.taps; j++, words += vectors) mask_tap(k, row, i, j, words);
}

/* Copies the part of src that is met into `pad` and writes zeros around it. Rows are written in
   order and may run over their end by less than a vector. The steps are 1. */
static void border(const ConvShift *k, int64_t row, const float *src, float *pad) {
  int64_t pitch = k->cols_met.height, left = k->cols_met.low, from = left < 0 ? 0 : left;
  int64_t end = left + pitch, count = (end < k->src_w ? end : k->src_w) - from;
  int64_t top = row + k->rows_met.low, bottom = top + k->rows_met.height;
  for (int64_t y = top; y < bottom; y++, pad += pitch) {
    bool inside = y >= 0 && y < k->src_h && count > 0;
    if (!inside || count < pitch)
      for (int64_t i = 0; i < pitch; i += VL) vf_store(pad + i, (vf){0});
    if (!inside) continue;
    const float *in = src + y * k->src_w + from;
    float *to = pad + from - left;
    int64_t i = 0;
    for (; i + VL <= count; i += VL) vf_store(to + i, vf_load(in + i));
    if (i < count) vf_store(to + i, vf_load_part(in + i, count - i));
  }
}

/* One vector of places of every row of a copy: dst[i, 0..left) is what stands in src from column `at`
   on, in so many steps, of row y and those that follow. */
VEC void shift_vector(const int step, const ConvShift *k, const float *src, int64_t y, int64_t at,
                      int64_t left, float *dst) {
  int64_t end = k->src_w - at;
  bool whole = at >= 0 && end >= step * VL;
  ConvRowMask met = {vm_range(-at, end), vm_range(-at - VL, end - VL)};
  vm lanes = vm_range(0, left);
  for (int64_t i = 0; i < k->rows_met.height; i++, y += k->y.step, dst += k->x.count) {
    const float *from = src + y * k->src_w + at;
    vf v = {0};
    if (y >= 0 && y < k->src_h && !whole)
      v = conv_row_load(step, from, met);
    else if (y >= 0 && y < k->src_h)
      v = step == 1 ? vf_load(from) : vf_even(vf_load(from), vf_load(from + VL));
    if (left >= VL)
      vf_store(dst, v);
    else
      vf_store_lanes(dst, v, lanes);
  }
}

/* The same for any step, place by place. */
static void shift_places(const ConvShift *k, const float *src, int64_t y, int64_t at, int64_t left,
                         float *dst) {
  for (int64_t i = 0; i < k->rows_met.height; i++, y += k->y.step, dst += k->x.count)
    for (int64_t q = 0; q < left && q < VL; q++) {
      int64_t x = at + q * k->x.step;
      bool inside = y >= 0 && y < k->src_h && x >= 0 && x < k->src_w;
      dst[q] = inside ? src[y * k->src_w + x] : 0;
    }
}

/* The copies of one channel, one for each kernel column and residue of rows. */
static void fill_columns(const ConvShift *k, int64_t row, const float *src, float *dst) {
  int64_t count = k->x.count, step = k->x.step;
  for (int64_t j = 0; j < k->x.taps; j++)
    for (int64_t residue = 0; residue < k->y.step; residue++, dst += k->rows_met.height * count) {
      int64_t y = (row + k->rows_met.low) * k->y.step + residue, at = k->x.offset + j * k->x.shift;
      for (int64_t q = 0; q < count; q += VL) {
        if (step == 1)
          shift_vector(1, k, src, y, at + q, count - q, dst + q);
        else if (step == 2)
          shift_vector(2, k, src, y, at + 2 * q, count - q, dst + q);
        else
          shift_places(k, src, y, at + q * step, count - q, dst + q);
      }
    }
}

const float *conv_shift_fill(const ConvShift *k, int64_t row, const float *src, float *memory) {
  if (k->layout == CONV_IN_PLACE) return src + row * k->src_w;
  float *planes = memory;
  for (int64_t c = 0; c < k->channels; c++, src += k->src_h * k->src_w, planes += channel_size(k))
    if (k->layout == CONV_WIDE)
      border(k, row, src, planes);
    else
      fill_columns(k, row, src, planes);
  return memory;
}
