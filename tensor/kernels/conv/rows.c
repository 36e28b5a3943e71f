/* Owns the forward pass and input gradient of depthwise convolutions of strides 1 and 2. Lanes run
   along a row of places and read the source in place, under masks at its sides. A register tile is a
   vector of places of some rows, which share the rows of the source that they meet. dx with a stride
   goes phase by phase; the two phases of a row are laced when they are stored. */
#include "impl.h"

#include "../../machine/team.h"

#define UNIT_WORK  (128 << 10) /* multiplications that are worth a part */
#define MOST_TAPS  7           /* of a column of the kernel */
#define PACK_PART  64          /* channels to a part */
#define MOST_PHASE 2

typedef struct {
  ConvJob job;
  int64_t src_h, src_w, dst_h, dst_w, taps;
  int phases; /* along either axis */
  ConvRowAxis y[MOST_PHASE], x[MOST_PHASE];
  int64_t planes, bundle;
  ConvBand *bands[MOST_PHASE];
  ConvRowMask *mask[MOST_PHASE]; /* of the phases of x */
  int64_t nbands[MOST_PHASE];
  float *packed; /* [channel][phase of y][phase of x][tap of x][tap of y] */
  float *plane;  /* by thread: a plane of a large dst, or NULL */
} Rows;

static void find_axes(Rows *g) {
  const ConvShape *s = g->job.s;
  bool forward = g->job.forward;
  g->src_h = forward ? s->h : s->oh;
  g->src_w = forward ? s->w : s->ow;
  g->dst_h = forward ? s->oh : s->h;
  g->dst_w = forward ? s->ow : s->w;
  g->taps = s->kh * s->kw;
  g->phases = forward ? 1 : (int)s->sh;
  for (int i = 0; i < g->phases; i++) {
    ConvPhase y = conv_phase(forward, i, g->dst_h, s->kh, s->sh, s->ph, s->dh);
    ConvPhase x = conv_phase(forward, i, g->dst_w, s->kw, s->sw, s->pw, s->dw);
    g->y[i] = conv_row_axis(&y);
    g->x[i] = conv_row_axis(&x);
  }
}

static void lay_out(Rows *g, ConvArena *arena) {
  const ConvShape *s = g->job.s;
  find_axes(g);
  g->planes = s->n * s->c;
  g->bundle = UNIT_WORK / (s->oh * s->ow * g->taps) + 1;
  for (int i = 0; i < g->phases; i++) {
    g->bands[i] = conv_take(arena, g->y[i].count, sizeof(ConvBand));
    g->mask[i] = conv_take(arena, (g->x[i].count + VL - 1) / VL * s->kw, sizeof(ConvRowMask));
  }
  g->packed = conv_take(arena, s->c * g->taps, sizeof(float));
  int64_t size = g->dst_h * g->dst_w;
  if (g->planes * size >= CONV_LARGE)
    g->plane = conv_take(arena, team_threads() * conv_padded(size), sizeof(float));
}

/* ---- the tile ---- */

typedef struct {
  const float *src; /* the first row met, column 0; it may lie outside */
  uint32_t inside;  /* has a bit for each row from there */
  int64_t src_w;
  const ConvRowAxis *x; /* each phase of x */
  ConvRowMask *const *mask;
  const float *weight; /* of the first phase, then of the second */
  float bias;
  bool relu;
  float *dst;             /* the first row */
  int64_t dst_w, between; /* from row to row */
} RowSum;

/* Adds one phase of x up for places [j, j + VL) of the rows. */
VEC void sum_phase(const int rows, const int taps, const int step, const RowSum *q, const int phase,
                   int64_t j, vf acc[ROWS_MOST]) {
  const ConvRowAxis *x = q->x + phase;
  const ConvRowMask *mask = q->mask[phase] + j / VL * x->taps, *end = mask + x->taps;
  const float *weight = q->weight + phase * q->x[0].taps * taps;
  const float *from = q->src + j * step + x->low;
  uint32_t inside = q->inside;
  for (; mask < end; mask++, weight += taps, from += x->every) {
    ConvRowMask met = *mask;
    const float *row = from;
    vf w[MOST_TAPS];
#pragma GCC unroll 7
    for (int a = 0; a < taps; a++) w[a] = vf_all(weight[a]);
#pragma GCC unroll 19
    for (int r = 0; r < (rows - 1) * step + taps; r++, row += q->src_w) {
      if (!(inside >> r & 1)) continue;
      vf value = conv_row_load(step, row, met);
#pragma GCC unroll 7
      for (int i = 0; i < rows; i++)
        if (r - i * step >= 0 && r - i * step < taps)
          acc[i] = vf_fma(value, w[r - i * step], acc[i]);
    }
  }
}

/* The same for a kernel of 3x3 whose columns lie side by side: all its weights stay in registers. */
VEC void sum_square(const int rows, const int step, const RowSum *q, int64_t j, vf acc[ROWS_MOST]) {
  const ConvRowMask *mask = q->mask[0] + j / VL * 3;
  const float *row = q->src + j * step + q->x[0].low;
  uint32_t inside = q->inside;
  ConvRowMask met[3] = {mask[0], mask[1], mask[2]};
  vf w[9];
#pragma GCC unroll 9
  for (int t = 0; t < 9; t++) w[t] = vf_all(q->weight[t]);
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
          acc[i] = vf_fma(value[b], w[b * 3 + r - i * step], acc[i]);
  }
}

VEC vf clamped(const RowSum *q, vf v) { return q->relu ? vf_select(v < 0, (vf){0}, v) : v; }

VEC void tile(const int rows, const int taps, const int step, const int phases, const bool square,
              const RowSum *q, int64_t j) {
  vf acc[MOST_PHASE][ROWS_MOST];
  for (int k = 0; k < phases; k++) {
#pragma GCC unroll 7
    for (int i = 0; i < rows; i++) acc[k][i] = vf_all(q->bias);
    if (square)
      sum_square(rows, step, q, j, acc[k]);
    else
      sum_phase(rows, taps, step, q, k, j, acc[k]);
  }
  int64_t left = q->dst_w - j * phases;
  vm low = vm_range(0, left), high = vm_range(0, left - VL);
  float *to = q->dst + j * phases;
#pragma GCC unroll 7
  for (int i = 0; i < rows; i++, to += q->between) {
    if (phases == 1) {
      vf_store_lanes(to, clamped(q, acc[0][i]), low);
    } else {
      vf_store_lanes(to, vf_zip_low(acc[0][i], acc[1][i]), low);
      vf_store_lanes(to + VL, vf_zip_high(acc[0][i], acc[1][i]), high);
    }
  }
}

typedef void TileFn(const RowSum *q, int64_t j);

enum { NEAR, FAR, LACED }; /* steps of 1, of 2; two phases of step 1 */

#define TILE(rows, taps)                                                                           \
  static void near_##rows##x##taps(const RowSum *q, int64_t j) {                                   \
    tile(rows, taps, 1, 1, false, q, j);                                                           \
  }                                                                                                \
  static void far_##rows##x##taps(const RowSum *q, int64_t j) {                                    \
    tile(rows, taps, 2, 1, false, q, j);                                                           \
  }                                                                                                \
  static void laced_##rows##x##taps(const RowSum *q, int64_t j) {                                  \
    tile(rows, taps, 1, 2, false, q, j);                                                           \
  }
#define SQUARE(rows)                                                                               \
  static void near_square_##rows(const RowSum *q, int64_t j) { tile(rows, 3, 1, 1, true, q, j); }  \
  static void far_square_##rows(const RowSum *q, int64_t j) { tile(rows, 3, 2, 1, true, q, j); }
#define TILE_ROW(rows, taps)                                                                       \
  [rows][taps] = {near_##rows##x##taps, far_##rows##x##taps, laced_##rows##x##taps},
#define SQUARE_ROW(rows) [rows] = {near_square_##rows, far_square_##rows},

ROW_TILES(TILE)
ROW_SQUARES(SQUARE)

static TileFn *const tiles[ROWS_MOST + 1][MOST_TAPS + 1][3] = {ROW_TILES(TILE_ROW)};
static TileFn *const squares[ROWS_MOST + 1][2] = {ROW_SQUARES(SQUARE_ROW)};

static TileFn *tile_of(const Rows *g, int rows, int64_t taps) {
  const ConvRowAxis *x = g->x;
  int kind = x->step == 2 ? FAR : g->phases == 2 ? LACED : NEAR;
  bool square = kind != LACED && taps == 3 && x->taps == 3 && x->every == 1;
  return square ? squares[rows][kind] : tiles[rows][taps][kind];
}

bool conv_rows_fit(const ConvShape *s, bool forward) {
  if (VL < 8 || s->sh != s->sw || s->sh > 2 || s->dh > 1 || s->n * s->c < 8) return false;
  Rows g = {.job = {.s = s, .forward = forward}};
  find_axes(&g);
  for (int i = 0; i < g.phases; i++) {
    int64_t taps = g.y[i].taps;
    if (taps < 1 || taps > MOST_TAPS || !tiles[1][taps][NEAR] || g.x[i].taps < 1) return false;
  }
  return true;
}

/* ---- the pass ---- */

static void pack_part(void *job, int64_t part) {
  const Rows *g = job;
  int64_t kw = g->job.s->kw, end = (part + 1) * PACK_PART;
  float *out = g->packed + part * PACK_PART * g->taps;
  for (int64_t c = part * PACK_PART; c < end && c < g->job.s->c; c++) {
    const float *weight = g->job.weight + c * g->taps;
    for (int k = 0; k < g->phases * g->phases; k++) {
      const ConvRowAxis *y = &g->y[k / g->phases], *x = &g->x[k % g->phases];
      for (int64_t j = 0; j < x->taps; j++)
        for (int64_t i = 0; i < y->taps; i++)
          *out++ = weight[(y->tap + i * y->tapstep) * kw + x->tap + j * x->tapstep];
    }
  }
}

/* The rows of one phase of a plane. */
static void do_phase(const Rows *g, int phase, const float *src, float *dst, RowSum *q) {
  const ConvRowAxis *y = &g->y[phase];
  int64_t columns = g->x[0].count;
  for (const ConvBand *k = g->bands[phase], *end = k + g->nbands[phase]; k < end; k++) {
    TileFn *run = tile_of(g, k->rows, y->taps);
    q->inside = k->inside;
    q->src = src + k->from * g->src_w;
    q->dst = dst + (y->first + k->row * y->between) * g->dst_w;
    for (int64_t j = 0; j < columns; j += VL) run(q, j);
  }
}

/* Writes a plane whose rows were made by turns in order, and past the caches: by turns, every line would
   be waited for. */
static void write_plane(const float *plane, int64_t n, float *dst) {
  int64_t i = -((int64_t)((uintptr_t)dst / sizeof(float))) & (VL - 1);
  if (i > n) i = n;
  vf_store_part(dst, vf_load_part(plane, i), i);
  for (; i + VL <= n; i += VL) conv_stream(dst + i, vf_load(plane + i));
  vf_store_part(dst + i, vf_load_part(plane + i, n - i), n - i);
}

static void rows_part(void *job, int64_t part) {
  const Rows *g = job;
  int64_t plane = part * g->bundle, c = plane % g->job.s->c;
  int64_t end = plane + g->bundle < g->planes ? plane + g->bundle : g->planes;
  int64_t size = g->dst_h * g->dst_w;
  const float *src = g->job.src + plane * g->src_h * g->src_w;
  float *dst = g->job.dst + plane * size;
  float *whole = g->plane ? g->plane + team_self() * conv_padded(size) : NULL;
  RowSum q = {.src_w = g->src_w, .x = g->x, .mask = g->mask};
  q.relu = g->job.relu;
  q.dst_w = g->dst_w;
  q.between = g->phases * g->dst_w;
  for (; plane < end; plane++) {
    q.weight = g->packed + c * g->taps;
    q.bias = g->job.bias ? g->job.bias[c] : 0;
    for (int i = 0; i < g->phases; i++) {
      do_phase(g, i, src, whole ? whole : dst, &q);
      q.weight += g->y[i].taps * g->job.s->kw;
    }
    if (whole) write_plane(whole, size, dst);
    src += g->src_h * g->src_w;
    dst += size;
    if (++c == g->job.s->c) c = 0;
  }
  if (whole) conv_streamed();
}

size_t conv_rows_size(const ConvJob *job) {
  Rows g = {.job = *job};
  ConvArena arena = {NULL, 0};
  lay_out(&g, &arena);
  return arena.used;
}

void conv_rows(const ConvJob *job, void *scratch) {
  Rows g = {.job = *job};
  ConvArena arena = {scratch, 0};
  lay_out(&g, &arena);
  for (int i = 0; i < g.phases; i++) {
    g.nbands[i] = conv_bands(&g.y[i], g.src_h, g.bands[i]);
    conv_row_masks(&g.x[i], g.src_w, false, g.mask[i]);
  }
  team_run((job->s->c + PACK_PART - 1) / PACK_PART, pack_part, &g);
  team_run((g.planes + g.bundle - 1) / g.bundle, rows_part, &g);
}
