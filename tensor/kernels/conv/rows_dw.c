/* Owns the weight gradient of depthwise convolutions of strides 1 and 2. Lanes run along a row of
   places; x is read in place, under masks at its sides. A register tile is a vector of places of
   some rows of gy; each row of x that they meet serves all of them. A channel's sums run through all
   images, one partial sum a lane. */
#include "impl.h"

#include "../../machine/team.h"

#define UNIT_WORK   (128 << 10)
#define MOST_TAPS   7 /* of a column of the kernel */
#define LEAST_PARTS 8

typedef struct {
  ConvWeights dw;
  ConvRowAxis y, x;
  int64_t taps, bundle; /* channels to a part */
  ConvBand *bands;
  ConvRowMask *mask;
  int64_t nbands;
  float *sums; /* by thread: [tap of x][tap of y][VL], then bias: [VL] */
} Weights;

static void lay_out(Weights *q, ConvArena *arena) {
  const ConvShape *s = q->dw.s;
  ConvPhase y = conv_phase(true, 0, s->oh, s->kh, s->sh, s->ph, s->dh);
  ConvPhase x = conv_phase(true, 0, s->ow, s->kw, s->sw, s->pw, s->dw);
  q->y = conv_row_axis(&y);
  q->x = conv_row_axis(&x);
  q->taps = s->kh * s->kw;
  q->bundle = UNIT_WORK / (s->n * s->oh * s->ow * q->taps) + 1;
  if (q->bundle > s->c / LEAST_PARTS) q->bundle = s->c / LEAST_PARTS;
  q->bands = conv_take(arena, s->oh, sizeof(ConvBand));
  q->mask = conv_take(arena, (s->ow + VL - 1) / VL * s->kw, sizeof(ConvRowMask));
  q->sums = conv_take(arena, team_threads() * (q->taps + 1) * VL, sizeof(float));
}

/* ---- the tile ---- */

typedef struct {
  const float *x; /* the first row met, column 0; it may lie outside */
  uint32_t inside;
  int64_t src_w;
  const ConvRowAxis *axis;
  const ConvRowMask *mask;
  const float *gy;
  float *sums, *bias; /* bias: or NULL */
} RowProduct;

/* The products of some rows of gy with every tap of a row of the kernel, column by column. */
VEC void sum_columns(const int rows, const int taps, const int step, const RowProduct *q, int64_t j,
                     const vf gy[ROWS_MOST]) {
  const ConvRowAxis *axis = q->axis;
  const ConvRowMask *mask = q->mask + j / VL * axis->taps, *end = mask + axis->taps;
  const float *from = q->x + j * step + axis->low;
  uint32_t inside = q->inside;
  for (float *sums = q->sums; mask < end; mask++, sums += taps * VL, from += axis->every) {
    ConvRowMask met = *mask;
    const float *row = from;
    vf acc[MOST_TAPS];
#pragma GCC unroll 7
    for (int a = 0; a < taps; a++) acc[a] = vf_load(sums + a * VL);
#pragma GCC unroll 19
    for (int r = 0; r < (rows - 1) * step + taps; r++, row += q->src_w) {
      if (!(inside >> r & 1)) continue;
      vf value = conv_row_load(step, row, met);
#pragma GCC unroll 7
      for (int i = 0; i < rows; i++)
        if (r - i * step >= 0 && r - i * step < taps)
          acc[r - i * step] = vf_fma(value, gy[i], acc[r - i * step]);
    }
#pragma GCC unroll 7
    for (int a = 0; a < taps; a++) vf_store(sums + a * VL, acc[a]);
  }
}

/* The same for a kernel of 3x3 whose columns lie side by side: all sums stay in registers. */
VEC void sum_square(const int rows, const int step, const RowProduct *q, int64_t j,
                    const vf gy[ROWS_MOST]) {
  const ConvRowMask *mask = q->mask + j / VL * 3;
  const float *row = q->x + j * step + q->axis->low;
  uint32_t inside = q->inside;
  ConvRowMask met[3] = {mask[0], mask[1], mask[2]};
  vf acc[9];
#pragma GCC unroll 9
  for (int t = 0; t < 9; t++) acc[t] = vf_load(q->sums + t * VL);
#pragma GCC unroll 15
  for (int r = 0; r < (rows - 1) * step + 3; r++, row += q->src_w) {
    if (!(inside >> r & 1)) continue;
    vf value[3];
    conv_row_load3(step, row, met, value);
#pragma GCC unroll 3
    for (int b = 0; b < 3; b++)
#pragma GCC unroll 7
      for (int i = 0; i < rows; i++)
        if (r - i * step >= 0 && r - i * step < 3)
          acc[b * 3 + r - i * step] = vf_fma(value[b], gy[i], acc[b * 3 + r - i * step]);
  }
#pragma GCC unroll 9
  for (int t = 0; t < 9; t++) vf_store(q->sums + t * VL, acc[t]);
}

/* Adds what places [j, j + VL) of the rows give. */
VEC void tile(const int rows, const int taps, const int step, const bool square,
              const RowProduct *q, int64_t j) {
  const ConvRowAxis *axis = q->axis;
  vm lanes = vm_range(0, axis->count - j);
  vf gy[ROWS_MOST];
#pragma GCC unroll 7
  for (int i = 0; i < rows; i++) gy[i] = vf_load_lanes(q->gy + i * axis->count + j, lanes);
  if (q->bias) {
    vf bias = vf_load(q->bias);
#pragma GCC unroll 7
    for (int i = 0; i < rows; i++) bias += gy[i];
    vf_store(q->bias, bias);
  }
  if (square)
    sum_square(rows, step, q, j, gy);
  else
    sum_columns(rows, taps, step, q, j, gy);
}

typedef void TileFn(const RowProduct *q, int64_t j);

#define TILE(rows, taps)                                                                           \
  static void near_##rows##x##taps(const RowProduct *q, int64_t j) {                               \
    tile(rows, taps, 1, false, q, j);                                                              \
  }                                                                                                \
  static void far_##rows##x##taps(const RowProduct *q, int64_t j) {                                \
    tile(rows, taps, 2, false, q, j);                                                              \
  }
#define SQUARE(rows)                                                                               \
  static void near_square_##rows(const RowProduct *q, int64_t j) { tile(rows, 3, 1, true, q, j); } \
  static void far_square_##rows(const RowProduct *q, int64_t j) { tile(rows, 3, 2, true, q, j); }
#define TILE_ROW(rows, taps) [rows][taps] = {near_##rows##x##taps, far_##rows##x##taps},
#define SQUARE_ROW(rows)     [rows] = {near_square_##rows, far_square_##rows},

ROW_TILES(TILE)
ROW_SQUARES(SQUARE)

/* By [rows][taps][step - 1]. */
static TileFn *const tiles[ROWS_MOST + 1][MOST_TAPS + 1][2] = {ROW_TILES(TILE_ROW)};
static TileFn *const squares[ROWS_MOST + 1][2] = {ROW_SQUARES(SQUARE_ROW)};

static TileFn *tile_of(const Weights *q, int rows) {
  bool square = q->y.taps == 3 && q->x.taps == 3 && q->x.every == 1;
  return (square ? squares[rows] : tiles[rows][q->y.taps])[q->y.step - 1];
}

bool conv_rows_dw_fit(const ConvShape *s) {
  if (VL < 8 || s->sh != s->sw || s->sh > 2 || s->dh > 1 || s->c < LEAST_PARTS) return false;
  return s->kh <= MOST_TAPS && tiles[1][s->kh][0];
}

/* ---- the pass ---- */

static void sum_plane(const Weights *q, const float *x, const float *gy, RowProduct *p) {
  const ConvShape *s = q->dw.s;
  for (const ConvBand *k = q->bands, *end = k + q->nbands; k < end; k++) {
    TileFn *run = tile_of(q, k->rows);
    p->inside = k->inside;
    p->x = x + k->from * s->w;
    p->gy = gy + k->row * s->ow;
    for (int64_t j = 0; j < s->ow; j += VL) run(p, j);
  }
}

static void rows_part(void *job, int64_t part) {
  const Weights *q = job;
  const ConvShape *s = q->dw.s;
  float *sums = q->sums + team_self() * (q->taps + 1) * VL, *bias = sums + q->taps * VL;
  RowProduct p = {.src_w = s->w, .axis = &q->x, .mask = q->mask, .sums = sums};
  p.bias = q->dw.gbias ? bias : NULL;
  int64_t end = (part + 1) * q->bundle < s->c ? (part + 1) * q->bundle : s->c;
  for (int64_t c = part * q->bundle; c < end; c++) {
    memset(sums, 0, (size_t)((q->taps + 1) * VL) * sizeof(float));
    for (int64_t image = 0; image < s->n; image++) {
      int64_t plane = image * s->c + c;
      sum_plane(q, q->dw.x + plane * s->h * s->w, q->dw.gy + plane * s->oh * s->ow, &p);
    }
    for (int64_t t = 0; t < q->taps; t++)
      q->dw.gw[c * q->taps + t % s->kh * s->kw + t / s->kh] = vf_sum(vf_load(sums + t * VL));
    if (q->dw.gbias) q->dw.gbias[c] = vf_sum(vf_load(bias));
  }
}

size_t conv_rows_dw_size(const ConvWeights *dw) {
  Weights q = {.dw = *dw};
  ConvArena arena = {NULL, 0};
  lay_out(&q, &arena);
  return arena.used;
}

void conv_rows_dw(const ConvWeights *dw, void *scratch) {
  Weights q = {.dw = *dw};
  ConvArena arena = {scratch, 0};
  lay_out(&q, &arena);
  q.nbands = conv_bands(&q.y, dw->s->h, q.bands);
  conv_row_masks(&q.x, dw->s->w, true, q.mask);
  team_run((dw->s->c + q.bundle - 1) / q.bundle, rows_part, &q);
}
