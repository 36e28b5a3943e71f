/* Owns the register tile whose lanes run along the places of a plane. */
#include "impl.h"

#define VECTORS 12 /* most vectors of places in a tile */

/* Places [p, p + vectors VL) of nc channels; of the last vector the first `last` places. */
VEC void tile(const int nc, const int vectors, const ConvPlaneSum *sum, int64_t p, int64_t last) {
  vf acc[PLANE_CHANNELS][VECTORS];
#pragma GCC unroll 4
  for (int c = 0; c < nc; c++)
#pragma GCC unroll 12
    for (int v = 0; v < vectors; v++) {
      const float *old = sum->out + c * sum->plane + p + v * VL;
      acc[c][v] = sum->bias ? vf_all(sum->bias[c]) : (vf){0};
      if (!sum->add) continue;
      acc[c][v] += vf_load_part(old, v + 1 == vectors ? last : VL);
    }
  const float *x = sum->planes + p, *w = sum->weight;
  for (int64_t t = 0; t < sum->taps; t++, w += nc) {
    const float *at = x + sum->at[t];
    vf weight[PLANE_CHANNELS];
#pragma GCC unroll 4
    for (int c = 0; c < nc; c++) weight[c] = vf_all(w[c]);
#pragma GCC unroll 12
    for (int v = 0; v < vectors; v++) {
      vf value = vf_keep(vf_load(at + v * VL));
#pragma GCC unroll 4
      for (int c = 0; c < nc; c++) acc[c][v] = vf_fma(value, weight[c], acc[c][v]);
    }
  }
#pragma GCC unroll 4
  for (int c = 0; c < nc; c++)
#pragma GCC unroll 12
    for (int v = 0; v < vectors; v++) {
      float *to = sum->out + c * sum->plane + p + v * VL;
      vf value = sum->relu ? vf_select(acc[c][v] < 0, (vf){0}, acc[c][v]) : acc[c][v];
      vf_store_part(to, value, v + 1 == vectors ? last : VL);
    }
}

typedef void TileFn(const ConvPlaneSum *sum, int64_t p, int64_t last);

#define TILE(nc, vectors)                                                                          \
  static void tile_##nc##x##vectors(const ConvPlaneSum *sum, int64_t p, int64_t last) {            \
    tile(nc, vectors, sum, p, last);                                                               \
  }
#define ROW(nc, vectors) {nc, vectors, tile_##nc##x##vectors},
#if VL == 16
#define TILES(T)                                                                                   \
  T(4, 6) T(4, 4) T(4, 3) T(4, 2) T(4, 1) T(1, 12) T(1, 8) T(1, 6) T(1, 4) T(1, 3) T(1, 2) T(1, 1)
#else
#define TILES(T) T(4, 2) T(4, 1) T(1, 8) T(1, 6) T(1, 4) T(1, 3) T(1, 2) T(1, 1)
#endif

TILES(TILE)

/* In falling order of vectors for each number of channels. */
static const struct {
  int nc, vectors;
  TileFn *run;
} tiles[] = {TILES(ROW)};

/* The widest tile that does not pass an even share of the vectors that are left. */
static int pick(int nc, int64_t left) {
  int best = -1;
  int64_t each = left;
  for (int i = 0; i < (int)(sizeof tiles / sizeof *tiles); i++) {
    if (tiles[i].nc != nc) continue;
    if (best < 0) each = (left - 1) / ((left - 1) / tiles[i].vectors + 1) + 1;
    best = i;
    if (tiles[i].vectors <= each) break;
  }
  return best;
}

void conv_plane_sum(const ConvPlaneSum *sum, int nc, int64_t places) {
  int64_t vectors = (places + VL - 1) / VL;
  for (int64_t v = 0; v < vectors;) {
    int i = pick(nc, vectors - v);
    bool end = v + tiles[i].vectors == vectors;
    tiles[i].run(sum, v * VL, end ? places - (vectors - 1) * VL : VL);
    v += tiles[i].vectors;
  }
}
