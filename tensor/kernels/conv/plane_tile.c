/* Owns the register tile whose lanes run along the places of a plane. */
#include "impl.h"

#define VECTORS 12 /* most vectors of places in a tile */

/* What a tile does: channels from `first` on, places from p on; of its last vector `last` places. */
typedef struct {
  int64_t first, p, last;
} Spot;

VEC void tile(const int nc, const int vectors, const bool masked, const ConvPlaneSum *sum,
              Spot at) {
  vf acc[PLANE_CHANNELS][VECTORS];
  float *out = sum->out + at.first * sum->plane + at.p;
#pragma GCC unroll 4
  for (int c = 0; c < nc; c++)
#pragma GCC unroll 12
    for (int v = 0; v < vectors; v++) {
      const float *old = out + c * sum->plane + v * VL;
      acc[c][v] = sum->bias ? vf_all(sum->bias[at.first + c]) : (vf){0};
      if (!sum->add) continue;
      acc[c][v] += vf_load_part(old, v + 1 == vectors ? at.last : VL);
    }
  const float *x = sum->planes + at.p, *w = sum->weight + at.first * sum->taps;
  const uint16_t *masks = masked ? sum->mask + at.p / VL : NULL, *mask = masks;
  const uint16_t *end = masked ? masks + sum->mask_taps * sum->vectors : NULL;
  for (int64_t t = 0; t < sum->taps; t++, w += nc) {
    const float *from = x + sum->at[t];
    vf weight[PLANE_CHANNELS];
#pragma GCC unroll 4
    for (int c = 0; c < nc; c++) weight[c] = vf_all(w[c]);
#pragma GCC unroll 12
    for (int v = 0; v < vectors; v++) {
      bool part = VL == 16 && v + 1 == vectors; /* nothing is read past the places */
      vf value = masked ? vf_load_bits(from + v * VL, mask[v])
                 : part ? vf_load_part(from + v * VL, at.last)
                        : vf_load(from + v * VL);
      value = vf_keep(value);
#pragma GCC unroll 4
      for (int c = 0; c < nc; c++) acc[c][v] = vf_fma(value, weight[c], acc[c][v]);
    }
    if (masked && (mask += sum->vectors) == end) mask = masks;
  }
#pragma GCC unroll 4
  for (int c = 0; c < nc; c++)
#pragma GCC unroll 12
    for (int v = 0; v < vectors; v++) {
      vf value = sum->relu ? vf_select(acc[c][v] < 0, (vf){0}, acc[c][v]) : acc[c][v];
      float *to = out + c * sum->plane + v * VL;
      if (sum->stream && (v + 1 < vectors || at.last == VL))
        conv_stream(to, value);
      else
        vf_store_part(to, value, v + 1 == vectors ? at.last : VL);
    }
}

typedef void TileFn(const ConvPlaneSum *sum, Spot at);

#define TILE(nc, vectors)                                                                          \
  static void tile_##nc##x##vectors(const ConvPlaneSum *sum, Spot at) {                            \
    tile(nc, vectors, false, sum, at);                                                             \
  }                                                                                                \
  static void masked_##nc##x##vectors(const ConvPlaneSum *sum, Spot at) {                          \
    tile(nc, vectors, true, sum, at);                                                              \
  }
#define ROW(nc, vectors) [nc][vectors] = {tile_##nc##x##vectors, masked_##nc##x##vectors},
#if VL == 16
#define MANY        6 /* most vectors beside several channels */
#define UP_TO(T, c) T(c, 1) T(c, 2) T(c, 3) T(c, 4) T(c, 5) T(c, 6)
#define SINGLE(T)   UP_TO(T, 1) T(1, 7) T(1, 8) T(1, 9) T(1, 10) T(1, 11) T(1, 12)
#else
#define MANY        2
#define UP_TO(T, c) T(c, 1) T(c, 2)
#define SINGLE(T)                                                                                  \
  UP_TO(T, 1) T(1, 3) T(1, 4) T(1, 5) T(1, 6) T(1, 7) T(1, 8) T(1, 9) T(1, 10) T(1, 11) T(1, 12)
#endif
#define TILES(T) SINGLE(T) UP_TO(T, 2) UP_TO(T, 3) UP_TO(T, 4)

TILES(TILE)

/* By [channels][vectors][masked]. */
static TileFn *const tiles[PLANE_CHANNELS + 1][VECTORS + 1][2] = {TILES(ROW)};

void conv_plane_sum(const ConvPlaneSum *sum, int64_t channels, int64_t places) {
  int64_t vectors = (places + VL - 1) / VL, most = channels == 1 ? VECTORS : MANY;
  int64_t count = (vectors + most - 1) / most;
  for (int64_t i = 0; i < count; i++) {
    int64_t from = vectors * i / count, to = vectors * (i + 1) / count;
    Spot at = {0, from * VL, to == vectors ? places - (to - 1) * VL : VL};
    for (int64_t nc; at.first < channels; at.first += nc) {
      nc = conv_plane_channels(channels - at.first);
      tiles[nc][to - from][sum->mask != NULL](sum, at);
    }
  }
}
