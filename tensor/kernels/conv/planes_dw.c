/* Owns the weight gradient of convolutions with few channels a group. Lanes run along the places
   of y; a register tile holds some channels of gy times some taps of shifted planes of x, as one
   partial sum a lane, through all images of a share. Shares are added in order at the end. */
#include "impl.h"

#include "../../machine/team.h"

#define PLANE_PLACES 2048
#define MOST_SHARES  8
#define UNIT_WORK    (128 << 10)

/* ---- the tile ---- */

#if VL == 16
#define CHANNELS 3 /* channels of gy in a tile */
#define TAPS     9 /* most taps of such a tile */
#else
#define CHANNELS 2
#define TAPS     4
#endif
#define SINGLE 9 /* most taps of a tile of one channel */

typedef struct {
  const float *gy; /* the tile's first channel */
  int64_t plane;   /* from one channel of gy to the next */
  const float *planes;
  const int64_t *at; /* of the tile's first tap */
  float *sums;       /* [channel][tap][VL], of the tile's first channel and tap */
  int64_t taps;      /* of a channel of sums */
  int64_t places;
} PlaneProduct;

VEC void tile(const int nc, const int nt, const PlaneProduct *q) {
  vf acc[CHANNELS][SINGLE];
  const float *x[SINGLE];
#pragma GCC unroll 10
  for (int t = 0; t < nt; t++) {
    x[t] = q->planes + q->at[t];
#pragma GCC unroll 4
    for (int c = 0; c < nc; c++) acc[c][t] = vf_load(q->sums + (c * q->taps + t) * VL);
  }
  int64_t p = 0;
  for (; p + VL <= q->places; p += VL) {
    vf gy[CHANNELS];
#pragma GCC unroll 4
    for (int c = 0; c < nc; c++) {
      gy[c] = vf_load(q->gy + c * q->plane + p);
      __builtin_prefetch(q->gy + (nc + c) * q->plane + p); /* the next tile's */
    }
#pragma GCC unroll 10
    for (int t = 0; t < nt; t++) {
      vf value = vf_keep(vf_load(x[t] + p));
#pragma GCC unroll 4
      for (int c = 0; c < nc; c++) acc[c][t] = vf_fma(gy[c], value, acc[c][t]);
    }
  }
  if (p < q->places) {
    vf gy[CHANNELS];
#pragma GCC unroll 4
    for (int c = 0; c < nc; c++) gy[c] = vf_load_part(q->gy + c * q->plane + p, q->places - p);
#pragma GCC unroll 10
    for (int t = 0; t < nt; t++) {
      vf value = vf_load_part(x[t] + p, q->places - p);
#pragma GCC unroll 4
      for (int c = 0; c < nc; c++) acc[c][t] = vf_fma(gy[c], value, acc[c][t]);
    }
  }
#pragma GCC unroll 10
  for (int t = 0; t < nt; t++)
#pragma GCC unroll 4
    for (int c = 0; c < nc; c++) vf_store(q->sums + (c * q->taps + t) * VL, acc[c][t]);
}

typedef void TileFn(const PlaneProduct *q);

#define ONE(nt)                                                                                    \
  static void one_##nt(const PlaneProduct *q) { tile(1, nt, q); }
#define MANY(nt)                                                                                   \
  static void many_##nt(const PlaneProduct *q) { tile(CHANNELS, nt, q); }
#define UP_TO_4(f) f(1) f(2) f(3) f(4)
#define UP_TO_9(f) UP_TO_4(f) f(5) f(6) f(7) f(8) f(9)

UP_TO_9(ONE)
#if VL == 16
UP_TO_9(MANY)
#else
UP_TO_4(MANY)
#endif

/* By the number of taps. */
static TileFn *const one[] = {NULL, one_1, one_2, one_3, one_4, one_5, one_6, one_7, one_8, one_9};
#if VL == 16
static TileFn *const many[] = {NULL,   many_1, many_2, many_3, many_4,
                               many_5, many_6, many_7, many_8, many_9};
#else
static TileFn *const many[] = {NULL, many_1, many_2, many_3, many_4};
#endif

/* sums += gy x for all channels of gy and all taps: some taps stay in cache for all channels. */
static void product(PlaneProduct q, int64_t channels, int64_t taps) {
  int64_t tiles = (taps + TAPS - 1) / TAPS;
  for (int64_t i = 0; i < tiles; i++) {
    int64_t from = taps * i / tiles, count = taps * (i + 1) / tiles - from;
    for (int64_t c = 0, nc; c < channels; c += nc) {
      nc = channels - c >= CHANNELS ? CHANNELS : 1;
      PlaneProduct tile = q;
      tile.gy += c * q.plane;
      tile.at += from;
      tile.sums += (c * taps + from) * VL;
      (nc == 1 ? one : many)[count](&tile);
    }
  }
}

/* lanes += n numbers, by lane. */
static void add_run(float *lanes, const float *x, int64_t n) {
  vf sum[4] = {vf_load(lanes)};
  int64_t i = 0;
  for (; i + 4 * VL <= n; i += 4 * VL)
    for (int k = 0; k < 4; k++) sum[k] += vf_load(x + i + k * VL);
  for (; i < n; i += VL) sum[0] += vf_load_part(x + i, n - i < VL ? n - i : VL);
  vf_store(lanes, (sum[0] + sum[1]) + (sum[2] + sum[3]));
}

/* ---- the pass ---- */

typedef struct {
  ConvWeights dw;
  int64_t from, to, depth;        /* channels of a group in x and in gy; from * kernel size */
  int64_t rows, row_parts, chunk; /* places along y and channels of x at a time */
  int64_t units, shares, bundle;  /* (image, row part); groups to a part of the team's job */
  float *sums;                    /* [share][o][depth] */
  float *bias;                    /* [share][o] */
  float *planes, *lanes;          /* by thread; lanes: [to][depth of a chunk][VL], then
                                       bias: [to][VL] */
  ConvShift shift;
  int64_t planes_size, lanes_size;
} Weights;

static void lay_out(Weights *q, ConvArena *arena) {
  const ConvShape *s = q->dw.s;
  int64_t threads = team_threads();
  q->from = s->c / s->groups;
  q->to = s->o / s->groups;
  q->depth = q->from * s->kh * s->kw;
  q->rows = PLANE_PLACES / s->ow < 1 ? 1 : PLANE_PLACES / s->ow;
  q->row_parts = (s->oh + q->rows - 1) / q->rows;
  q->rows = (s->oh + q->row_parts - 1) / q->row_parts;
  q->row_parts = (s->oh + q->rows - 1) / q->rows;
  q->units = s->n * q->row_parts;
  q->shares = (MOST_SHARES - 1) / s->groups + 1;
  if (q->shares > q->units) q->shares = q->units;
  double work = (double)(q->units * q->rows * s->ow) * (double)(q->to * q->depth);
  q->bundle = work < UNIT_WORK ? (int64_t)(UNIT_WORK / work) + 1 : 1;

  ConvShift *k = &q->shift;
  *k = (ConvShift){.src_h = s->h, .src_w = s->w, .rows = q->rows, .channels = 1};
  k->y = conv_phase(true, 0, s->oh, s->kh, s->sh, s->ph, s->dh);
  k->x = conv_phase(true, 0, s->ow, s->kw, s->sw, s->pw, s->dw);
  k->layout = CONV_COLUMNS;
  conv_shift_reach(k);
  q->chunk = conv_shift_chunk(k);
  if (q->chunk > q->from) q->chunk = q->from;
  k->channels = q->chunk;
  q->planes_size = conv_shift_size(k);
  int64_t taps = q->chunk * s->kh * s->kw;
  q->lanes_size = q->to * (taps + 1) * VL;
  q->sums = conv_take(arena, q->shares * s->o * q->depth, sizeof(float));
  q->bias = conv_take(arena, q->shares * s->o, sizeof(float));
  q->planes = conv_take(arena, threads * q->planes_size, sizeof(float));
  q->lanes = conv_take(arena, threads * q->lanes_size, sizeof(float));
  k->at = conv_take(arena, taps, sizeof(int64_t));
}

/* The products of one share of a group for channels [c, c + count) of x. */
static void sum_share(const Weights *q, int64_t group, int64_t share, int64_t c, int64_t count) {
  const ConvShape *s = q->dw.s;
  int64_t taps = count * s->kh * s->kw, plane = s->oh * s->ow;
  float *planes = q->planes + team_self() * q->planes_size;
  float *lanes = q->lanes + team_self() * q->lanes_size;
  float *bias = q->dw.gbias && c == 0 ? lanes + q->to * taps * VL : NULL;
  memset(lanes, 0, (size_t)(q->to * (taps + (bias ? 1 : 0)) * VL) * sizeof(float));
  ConvShift fill = q->shift;
  fill.channels = count;
  int64_t from = q->units * share / q->shares, to = q->units * (share + 1) / q->shares;
  for (int64_t unit = from; unit < to; unit++) {
    int64_t image = unit / q->row_parts, row = unit % q->row_parts * q->rows;
    int64_t rows = s->oh - row < q->rows ? s->oh - row : q->rows;
    conv_shift_fill(&fill, row, q->dw.x + (image * s->c + group * q->from + c) * s->h * s->w,
                    planes);
    PlaneProduct p = {.plane = plane, .planes = planes, .at = q->shift.at, .taps = taps};
    p.places = rows * s->ow;
    p.gy = q->dw.gy + (image * s->o + group * q->to) * plane + row * s->ow;
    p.sums = lanes;
    for (int64_t o = 0; bias && o < q->to; o++) add_run(bias + o * VL, p.gy + o * plane, p.places);
    product(p, q->to, taps);
  }
  float *sums = q->sums + (share * s->o + group * q->to) * q->depth + c * s->kh * s->kw;
  for (int64_t o = 0; o < q->to; o++)
    for (int64_t t = 0; t < taps; t++)
      sums[o * q->depth + t] = vf_sum(vf_load(lanes + (o * taps + t) * VL));
  for (int64_t o = 0; bias && o < q->to; o++)
    q->bias[share * s->o + group * q->to + o] = vf_sum(vf_load(bias + o * VL));
}

static void planes_part(void *job, int64_t part) {
  const Weights *q = job;
  int64_t share = part % q->shares, first = part / q->shares * q->bundle;
  int64_t end = first + q->bundle < q->dw.s->groups ? first + q->bundle : q->dw.s->groups;
  for (int64_t group = first; group < end; group++)
    for (int64_t c = 0; c < q->from; c += q->chunk)
      sum_share(q, group, share, c, q->from - c < q->chunk ? q->from - c : q->chunk);
}

size_t conv_planes_dw_size(const ConvWeights *dw) {
  Weights q = {.dw = *dw};
  ConvArena arena = {NULL, 0};
  lay_out(&q, &arena);
  return arena.used;
}

void conv_planes_dw(const ConvWeights *dw, void *scratch) {
  const ConvShape *s = dw->s;
  Weights q = {.dw = *dw};
  ConvArena arena = {scratch, 0};
  lay_out(&q, &arena);
  conv_shift_list(&q.shift);
  team_run((s->groups + q.bundle - 1) / q.bundle * q.shares, planes_part, &q);
  int64_t size = s->o * q.depth;
  for (int64_t share = 1; share < q.shares; share++) {
    for (int64_t i = 0; i < size; i++) q.sums[i] += q.sums[share * size + i];
    for (int64_t i = 0; dw->gbias && i < s->o; i++) q.bias[i] += q.bias[share * s->o + i];
  }
  memcpy(dw->gw, q.sums, (size_t)size * sizeof(float));
  if (dw->gbias) memcpy(dw->gbias, q.bias, (size_t)s->o * sizeof(float));
}
