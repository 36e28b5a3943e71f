/* Owns the inner loops of convolution: the register tile and transposition. */
#include "impl.h"

/* ---- the tile ---- */

/* vn x width accumulators stay in registers, so both must be constants after inlining. */
VEC void tile(const int vn, const int width, const ConvSum *sum, const real *const *x,
              real *const *out) {
  vr acc[VN_MAX][TILE_MAX];
  const real *from[TILE_MAX];
  bool add = sum->add;
#pragma GCC unroll 16
  for (int j = 0; j < width; j++) {
    from[j] = x[j];
#pragma GCC unroll 4
    for (int v = 0; v < vn; v++) acc[v][j] = add ? vr_load(out[j] + v * RL) : (vr){0};
  }
  const real *a = sum->a;
  int64_t shift = 0;
  for (int64_t i = 0; i < sum->outer; i++, shift += sum->xouter, a += sum->aouter)
    for (const ConvStep *step = sum->steps, *end = step + sum->nsteps; step < end; step++) {
      const real *w = a + step->a;
      int64_t at = shift + step->x;
      vr weight[VN_MAX];
#pragma GCC unroll 4
      for (int v = 0; v < vn; v++) weight[v] = vr_load(w + v * RL);
#pragma GCC unroll 16
      for (int j = 0; j < width; j++) {
        vr value = vr_all(from[j][at]);
#pragma GCC unroll 4
        for (int v = 0; v < vn; v++) acc[v][j] = vr_fma(value, weight[v], acc[v][j]);
      }
    }
#pragma GCC unroll 16
  for (int j = 0; j < width; j++)
#pragma GCC unroll 4
    for (int v = 0; v < vn; v++) vr_store(out[j] + v * RL, acc[v][j]);
}

#define TILE(vn, width)                                                                            \
  static void tile_##vn##x##width(const ConvSum *sum, const real *const *x, real *const *out) {    \
    tile(vn, width, sum, x, out);                                                                  \
  }

#if VL == 16
#define TILES(T)                                                                                   \
  T(4, 6)                                                                                          \
  T(4, 4)                                                                                          \
  T(4, 2)                                                                                          \
  T(3, 9) T(3, 6) T(3, 3) T(2, 14) T(2, 10) T(2, 6) T(2, 3) T(1, 14) T(1, 10) T(1, 6) T(1, 3)
#else
#define TILES(T) T(2, 6) T(2, 4) T(2, 2) T(1, 10) T(1, 6) T(1, 3)
#endif

TILES(TILE)

/* In falling order of width for each vn. */
static const struct {
  int vn;
  ConvTile tile;
} tiles[] = {
#define ROW(vn, width) {vn, {width, tile_##vn##x##width}},
    TILES(ROW)};

ConvTile conv_tile(int vn, int64_t places) {
  ConvTile best = {0, NULL};
  int64_t each = places;
  for (size_t i = 0; i < sizeof tiles / sizeof *tiles; i++) {
    if (tiles[i].vn != vn) continue;
    int64_t width = tiles[i].tile.width;
    if (!best.run) each = (places - 1) / ((places - 1) / width + 1) + 1;
    if (!best.run || width >= each) best = tiles[i].tile;
  }
  return best;
}

/* ---- transposition ---- */

/* One block of at most RL x RL: nr rows of src, nc of its columns; only whole ones are streamed. */
VEC void flip_block(const real *src, int64_t src_ld, int nr, int nc, const real *bias, bool relu,
                    bool stream, real *dst, int64_t dst_ld) {
  vr add = bias ? vr_load_part(bias, nc) : (vr){0};
  vr r[RL];
#pragma GCC unroll 16
  for (int k = 0; k < RL; k++) {
    r[k] = k < nr ? vr_load_part(src + k * src_ld, nc) : (vr){0};
    if (bias) r[k] += add;
    if (relu) r[k] = vr_positive(r[k]);
  }
  vr_transpose(r);
#pragma GCC unroll 16
  for (int k = 0; k < RL; k++)
    if (stream)
      conv_stream(dst + k * dst_ld, r[k]);
    else if (k < nc)
      vr_store_part(dst + k * dst_ld, r[k], nr);
}

VEC void flip(const real *src, int64_t src_ld, int64_t rows, int64_t cols, const real *bias,
              bool relu, bool stream, real *dst, int64_t dst_ld) {
  for (int64_t j = 0; j < cols; j += RL) {
    int nc = cols - j < RL ? (int)(cols - j) : RL;
    const real *add = bias ? bias + j : NULL;
    for (int64_t i = 0; i < rows; i += RL) {
      int nr = rows - i < RL ? (int)(rows - i) : RL;
      const real *from = src + i * src_ld + j;
      real *to = dst + j * dst_ld + i;
      if (nr == RL && nc == RL && stream)
        flip_block(from, src_ld, RL, RL, add, relu, true, to, dst_ld);
      else if (nr == RL && nc == RL)
        flip_block(from, src_ld, RL, RL, add, relu, false, to, dst_ld);
      else
        flip_block(from, src_ld, nr, nc, add, relu, false, to, dst_ld);
    }
  }
}

void conv_flip(const real *src, int64_t src_ld, int64_t rows, int64_t cols, real *dst,
               int64_t dst_ld) {
  flip(src, src_ld, rows, cols, NULL, false, false, dst, dst_ld);
}

void conv_flip_out(const real *src, int64_t src_ld, int64_t rows, int64_t cols, const real *bias,
                   bool relu, bool stream, real *dst, int64_t dst_ld) {
  if (bias && relu)
    flip(src, src_ld, rows, cols, bias, true, stream, dst, dst_ld);
  else if (bias)
    flip(src, src_ld, rows, cols, bias, false, stream, dst, dst_ld);
  else
    flip(src, src_ld, rows, cols, NULL, relu, stream, dst, dst_ld);
}
