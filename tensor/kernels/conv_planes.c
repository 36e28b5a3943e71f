/* Owns the forward pass and input gradient of convolutions with few channels a group (depthwise
   ones, a first layer's image, a last layer's). Lanes run along the places of a plane, read from
   shifted copies (see ConvShift); a register tile holds some channels of the result. dx with a
   stride goes phase by phase, each a convolution of stride 1 with some of the taps. */
#include "conv_impl.h"

#include "../team.h"

#define PLANE_PLACES 2048        /* places of the result in one part, about */
#define SHIFT_PART   (32 << 10)  /* floats of shifted planes at a time, about: 128 KB */
#define UNIT_WORK    (128 << 10) /* multiplications that are worth a part */

/* ---- the tile ---- */

#define CHANNELS 4 /* most channels of the result in a tile */
#define VECTORS  12

typedef struct {
  const float *planes, *weight; /* weight: [tap][channels of the tile] */
  const int64_t *at;
  int64_t taps;
  const float *bias; /* of the tile's channels, or NULL */
  bool add, relu;
  float *out;
  int64_t plane; /* from one channel of out to the next */
} PlaneSum;

/* Places [p, p + vectors VL) of nc channels; of the last vector the first `last` places. */
VEC void tile(const int nc, const int vectors, const PlaneSum *sum, int64_t p, int64_t last) {
  vf acc[CHANNELS][VECTORS];
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
    vf weight[CHANNELS];
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

#if VL == 16
#define WIDE   6  /* vectors of a tile of CHANNELS channels */
#define NARROW 12 /* of a tile of one */
#else
#define WIDE   2
#define NARROW 8
#endif

#define TILE(nc, vectors)                                                                          \
  static void tile_##nc##x##vectors(const PlaneSum *sum, int64_t p, int64_t last) {                \
    tile(nc, vectors, sum, p, last);                                                               \
  }
#if VL == 16
TILE(4, 6)
TILE(4, 3)
TILE(1, 12)
TILE(1, 6)
#define WIDE_TILE   tile_4x6
#define WIDE_HALF   tile_4x3
#define NARROW_TILE tile_1x12
#define NARROW_HALF tile_1x6
#else
TILE(4, 2)
TILE(1, 8)
TILE(1, 4)
#define WIDE_TILE   tile_4x2
#define WIDE_HALF   tile_4x1
#define NARROW_TILE tile_1x8
#define NARROW_HALF tile_1x4
#endif
TILE(4, 1)
TILE(1, 1)

/* All places of nc channels, nc being CHANNELS or 1. */
static void sum_plane(const PlaneSum *sum, int nc, int64_t places) {
  bool wide = nc == CHANNELS;
  int64_t vectors = (places + VL - 1) / VL, full = wide ? WIDE : NARROW, half = full / 2;
  for (int64_t v = 0; v < vectors;) {
    int64_t left = vectors - v, take = left >= full ? full : left >= half ? half : 1;
    int64_t last = v + take == vectors ? places - (vectors - 1) * VL : VL;
    if (take == full)
      (wide ? WIDE_TILE : NARROW_TILE)(sum, v * VL, last);
    else if (take == half)
      (wide ? WIDE_HALF : NARROW_HALF)(sum, v * VL, last);
    else
      (wide ? tile_4x1 : tile_1x1)(sum, v * VL, last);
    v += take;
  }
}

/* ---- the pass ---- */

typedef struct {
  const ConvShape *s;
  bool forward, relu;
  const float *src, *weight, *bias;
  float *dst;
  int64_t from, to; /* channels of a group in src and in dst */
  int64_t src_h, src_w, dst_h, dst_w;
  int64_t phases_y, phases_x;
  int64_t rows, row_parts; /* places along y of a phase in one part */
  int64_t chunk;           /* channels of src at a time */
  int64_t units, bundle;   /* (image, group, row part); so many to a part of the team's job */
  /* by thread */
  float *planes, *packed, *result;
  int64_t *at;
  int64_t planes_size, packed_size, result_size, at_size;
} Planes;

static ConvPhase phase_y(const Planes *g, int64_t first) {
  return conv_phase(g->forward, first, g->dst_h, g->s->kh, g->s->sh, g->s->ph, g->s->dh);
}

static ConvPhase phase_x(const Planes *g, int64_t first) {
  return conv_phase(g->forward, first, g->dst_w, g->s->kw, g->s->sw, g->s->pw, g->s->dw);
}

static ConvShift shift_of(const Planes *g, int64_t phase, int64_t row, int64_t channels) {
  ConvShift shift = {.y = phase_y(g, phase / g->phases_x), .x = phase_x(g, phase % g->phases_x)};
  shift.src_h = g->src_h;
  shift.src_w = g->src_w;
  shift.row = row;
  shift.rows = shift.y.count - row < g->rows ? shift.y.count - row : g->rows;
  shift.channels = channels;
  return shift;
}

static void lay_out(Planes *g, ConvArena *arena) {
  const ConvShape *s = g->s;
  g->from = (g->forward ? s->c : s->o) / s->groups;
  g->to = (g->forward ? s->o : s->c) / s->groups;
  g->src_h = g->forward ? s->h : s->oh;
  g->src_w = g->forward ? s->w : s->ow;
  g->dst_h = g->forward ? s->oh : s->h;
  g->dst_w = g->forward ? s->ow : s->w;
  g->phases_y = g->forward ? 1 : s->sh;
  g->phases_x = g->forward ? 1 : s->sw;
  int64_t height = phase_y(g, 0).count, width = phase_x(g, 0).count;
  g->rows = PLANE_PLACES / width;
  if (g->rows < 1) g->rows = 1;
  g->row_parts = (height + g->rows - 1) / g->rows;
  g->rows = (height + g->row_parts - 1) / g->row_parts;
  g->row_parts = (height + g->rows - 1) / g->rows;

  g->planes_size = 0;
  for (int64_t phase = 0; phase < g->phases_y * g->phases_x; phase++) {
    ConvShift one = shift_of(g, phase, 0, 1);
    int64_t size = conv_shift_size(&one);
    if (size > g->planes_size) g->planes_size = size;
  }
  g->chunk = SHIFT_PART / g->planes_size + 1;
  if (g->chunk > g->from) g->chunk = g->from;
  g->planes_size *= g->chunk;
  g->units = s->n * s->groups * g->row_parts;
  double work = (double)(g->rows * width * g->phases_y * g->phases_x) *
                (double)(s->kh * s->kw * g->from * g->to) / (double)(g->phases_y * g->phases_x);
  g->bundle = work < UNIT_WORK ? (int64_t)(UNIT_WORK / work) + 1 : 1;

  int64_t taps = s->kh * s->kw * g->chunk, threads = team_threads();
  g->packed_size = taps * g->to;
  g->result_size = g->forward ? 0 : g->to * g->rows * width;
  g->at_size = taps;
  g->planes = conv_take(arena, threads * g->planes_size, sizeof(float));
  g->packed = conv_take(arena, threads * g->packed_size, sizeof(float));
  g->result = conv_take(arena, threads * g->result_size, sizeof(float));
  g->at = conv_take(arena, threads * g->at_size, sizeof(int64_t));
}

/* Packs the weights of `count` channels of src from `from` on: by tiles of channels of dst, of
   CHANNELS and then of one, [channel of src, tap row, tap column][channel of the tile]. */
static void pack(const Planes *g, const ConvShift *k, int64_t group, int64_t from, int64_t count,
                 float *out) {
  const ConvShape *s = g->s;
  int64_t taps = s->kh * s->kw;
  for (int64_t first = 0, nc; first < g->to; first += nc) {
    nc = g->to - first >= CHANNELS ? CHANNELS : 1;
    for (int64_t c = from; c < from + count; c++)
      for (int64_t i = 0; i < k->y.taps; i++)
        for (int64_t j = 0; j < k->x.taps; j++) {
          int64_t tap = (k->y.tap + i * k->y.tapstep) * s->kw + k->x.tap + j * k->x.tapstep;
          for (int64_t t = 0; t < nc; t++) {
            int64_t o = g->forward ? group * g->to + first + t : group * g->from + c;
            int64_t i_c = g->forward ? c : first + t, per = g->forward ? g->from : g->to;
            *out++ = g->weight[(o * per + i_c) * taps + tap];
          }
        }
  }
}

/* One phase of one (image, group, row part): sums into out, [to][places] with `plane` between. */
static void sum_phase(const Planes *g, ConvShift *k, const float *src, int64_t group, float *out,
                      int64_t plane) {
  int64_t places = k->rows * k->x.count;
  float *packed = g->packed + team_self() * g->packed_size;
  for (int64_t c = 0; c < g->from; c += g->chunk) {
    k->channels = g->from - c < g->chunk ? g->from - c : g->chunk;
    int64_t taps = k->channels * k->y.taps * k->x.taps;
    bool last = c + k->channels == g->from;
    conv_shift_list(k);
    conv_shift_fill(k, src + c * g->src_h * g->src_w);
    pack(g, k, group, c, k->channels, packed);
    PlaneSum sum = {.planes = k->planes, .at = k->at, .taps = taps, .add = c > 0, .plane = plane};
    sum.relu = g->relu && last;
    for (int64_t first = 0, nc; first < g->to; first += nc) {
      nc = g->to - first >= CHANNELS ? CHANNELS : 1;
      sum.weight = packed + first * taps;
      sum.bias = g->bias && last ? g->bias + group * g->to + first : NULL;
      sum.out = out + first * plane;
      sum_plane(&sum, (int)nc, places);
    }
  }
}

/* Spreads a phase's sums over its places of dst. */
static void spread(const Planes *g, const ConvShift *k, const float *result, float *dst) {
  for (int64_t c = 0; c < g->to; c++, dst += g->dst_h * g->dst_w)
    for (int64_t i = 0; i < k->rows; i++, result += k->x.count) {
      float *to = dst + (k->y.first + (k->row + i) * k->y.every) * g->dst_w + k->x.first;
      for (int64_t q = 0; q < k->x.count; q++) to[q * k->x.every] = result[q];
    }
}

static void do_unit(const Planes *g, int64_t unit) {
  int64_t row = unit % g->row_parts * g->rows, image_group = unit / g->row_parts;
  const float *src = g->src + image_group * g->from * g->src_h * g->src_w;
  int64_t plane = g->dst_h * g->dst_w, group = image_group % g->s->groups;
  float *dst = g->dst + image_group * g->to * plane;
  float *result = g->result + team_self() * g->result_size;
  bool direct = g->phases_y * g->phases_x == 1;
  for (int64_t phase = 0; phase < g->phases_y * g->phases_x; phase++) {
    ConvShift k = shift_of(g, phase, row, 0);
    if (k.rows <= 0 || k.x.count <= 0) continue;
    k.planes = g->planes + team_self() * g->planes_size;
    k.at = g->at + team_self() * g->at_size;
    if (direct) {
      sum_phase(g, &k, src, group, dst + row * g->dst_w, plane);
    } else {
      sum_phase(g, &k, src, group, result, k.rows * k.x.count);
      spread(g, &k, result, dst);
    }
  }
}

static void planes_part(void *job, int64_t part) {
  const Planes *g = job;
  int64_t from = part * g->bundle, to = from + g->bundle < g->units ? from + g->bundle : g->units;
  for (int64_t unit = from; unit < to; unit++) do_unit(g, unit);
}

size_t conv_planes_size(const ConvShape *s, bool forward) {
  Planes g = {.s = s, .forward = forward};
  ConvArena arena = {NULL, 0};
  lay_out(&g, &arena);
  return arena.used;
}

void conv_planes(const ConvShape *s, bool forward, const float *src, const float *weight,
                 const float *bias, bool relu, float *dst, void *scratch) {
  Planes g = {.s = s,
              .forward = forward,
              .relu = relu,
              .src = src,
              .weight = weight,
              .bias = bias,
              .dst = dst};
  ConvArena arena = {scratch, 0};
  lay_out(&g, &arena);
  team_run((g.units + g.bundle - 1) / g.bundle, planes_part, &g);
}
