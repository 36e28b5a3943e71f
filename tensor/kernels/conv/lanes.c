/* Owns the forward pass and input gradient of depthwise convolutions with many channels. Each lane
   is a channel: planes are transposed a block of VL channels at a time, and each place sums the taps
   it sees (see ConvAxis), several neighbours of one class at once. */
#include "impl.h"

#include "../../machine/team.h"

#define PART_PLACES 1024 /* places of src and dst in one part, about: 2 x 64 KB at 16 lanes */

typedef struct {
  ConvJob job;
  int64_t src_h, src_w, dst_h, dst_w;
  int64_t blocks, rows, row_parts;
  ConvAxis y, x;
  float *packed;   /* [block][kh kw][VL] */
  float *in, *out; /* by thread: [row of src][src_w][VL], [row of the part][dst_w][VL] */
  int64_t in_size, out_size;
} Lanes;

static void lay_out(Lanes *g, ConvArena *arena) {
  const ConvShape *s = g->job.s;
  int64_t threads = team_threads();
  g->src_h = g->job.forward ? s->h : s->oh;
  g->src_w = g->job.forward ? s->w : s->ow;
  g->dst_h = g->job.forward ? s->oh : s->h;
  g->dst_w = g->job.forward ? s->ow : s->w;
  g->blocks = (s->c + VL - 1) / VL;
  int64_t stride = g->job.forward ? s->sh : 1, wide = g->src_w * stride;
  g->rows = PART_PLACES / (wide > g->dst_w ? wide : g->dst_w);
  if (g->rows < 1) g->rows = 1;
  g->row_parts = (g->dst_h + g->rows - 1) / g->rows;
  g->rows = (g->dst_h + g->row_parts - 1) / g->row_parts;
  g->row_parts = (g->dst_h + g->rows - 1) / g->rows;
  int64_t met = (g->rows - 1) * stride + (s->kh - 1) * s->dh + 1; /* no part meets more rows */
  if (met > g->src_h) met = g->src_h;

  conv_axis_take(&g->y, g->dst_h, arena);
  conv_axis_take(&g->x, g->dst_w, arena);
  g->packed = conv_take(arena, g->blocks * s->kh * s->kw * VL, sizeof(float));
  g->in_size = met * g->src_w * VL;
  g->out_size = g->rows * g->dst_w * VL;
  g->in = conv_take(arena, threads * g->in_size, sizeof(float));
  g->out = conv_take(arena, threads * g->out_size, sizeof(float));
}

/* ---- the tile ---- */

/* The taps of a pair of classes, and where they find weights and, from place to place, numbers. */
typedef struct {
  const float *weight, *from;
  float *to;
  int64_t rows, cols;             /* taps */
  int64_t weight_row, weight_col; /* from tap to tap */
  int64_t from_row, from_col;
  int64_t from_step, to_step; /* from place to place */
} LaneSum;

VEC void tile(const int width, const LaneSum *sum, int64_t j) {
  vf acc[8];
  const float *from[8];
#pragma GCC unroll 8
  for (int i = 0; i < width; i++) {
    acc[i] = (vf){0};
    from[i] = sum->from + (j + i) * sum->from_step;
  }
  for (int64_t a = 0; a < sum->rows; a++) {
    const float *weight = sum->weight + a * sum->weight_row;
    int64_t at = a * sum->from_row;
    for (int64_t b = 0; b < sum->cols; b++, weight += sum->weight_col, at += sum->from_col) {
      vf w = vf_load(weight);
#pragma GCC unroll 8
      for (int i = 0; i < width; i++) acc[i] = vf_fma(vf_load(from[i] + at), w, acc[i]);
    }
  }
#pragma GCC unroll 8
  for (int i = 0; i < width; i++) vf_store(sum->to + (j + i) * sum->to_step, acc[i]);
}

static void sum_run(const LaneSum *sum, int64_t places) {
  int64_t j = 0;
  for (; j + 8 <= places; j += 8) tile(8, sum, j);
  for (; j + 4 <= places; j += 4) tile(4, sum, j);
  for (; j + 2 <= places; j += 2) tile(2, sum, j);
  if (j < places) tile(1, sum, j);
}

/* ---- the pass ---- */

/* One row of the result for one class of columns; `low` is the first row of src in `in`. */
static void sum_class(const Lanes *g, int64_t y, int64_t low, const ConvClass *cx, const float *in,
                      const float *packed, float *out) {
  const ConvClass *cy = &g->y.class[g->y.of[y]];
  const int64_t *places = g->x.place + cx->first;
  if (cy->taps * cx->taps == 0) { /* such places may lie on both sides */
    for (int64_t i = 0; i < cx->count; i++) vf_store(out + places[i] * VL, (vf){0});
    return;
  }
  int64_t kw = g->job.s->kw, first = places[0], second = cx->count > 1 ? places[1] : first;
  LaneSum sum = {.rows = cy->taps, .cols = cx->taps};
  sum.weight = packed + (cy->tap * kw + cx->tap) * VL;
  sum.weight_row = g->y.tapstep * kw * VL;
  sum.weight_col = g->x.tapstep * VL;
  sum.from = in + ((g->y.base[y] - low) * g->src_w + g->x.base[first]) * VL;
  sum.from_row = cy->shift * g->src_w * VL;
  sum.from_col = cx->shift * VL;
  sum.from_step = (g->x.base[second] - g->x.base[first]) * VL;
  sum.to = out + first * VL;
  sum.to_step = (second - first) * VL;
  sum_run(&sum, cx->count);
}

/* The rows [*low, *high) of src that rows [from, to) of the result meet. */
static void rows_met(const Lanes *g, int64_t from, int64_t to, int64_t *low, int64_t *high) {
  *low = g->src_h;
  *high = 0;
  for (int64_t y = from; y < to; y++) {
    const ConvClass *k = &g->y.class[g->y.of[y]];
    if (k->taps == 0) continue;
    int64_t first = g->y.base[y], last = first + (k->taps - 1) * k->shift;
    int64_t least = first < last ? first : last, most = first < last ? last : first;
    if (least < *low) *low = least;
    if (most >= *high) *high = most + 1;
  }
}

static void lanes_part(void *job, int64_t part) {
  const Lanes *g = job;
  const ConvShape *s = g->job.s;
  int64_t row = part % g->row_parts * g->rows, rest = part / g->row_parts;
  int64_t block = rest % g->blocks, image = rest / g->blocks, channel = block * VL;
  int64_t count = s->c - channel < VL ? s->c - channel : VL;
  int64_t end = row + g->rows < g->dst_h ? row + g->rows : g->dst_h, low, high;
  float *in = g->in + team_self() * g->in_size, *out = g->out + team_self() * g->out_size;
  rows_met(g, row, end, &low, &high);
  int64_t run = (high - low) * g->src_w, plane = g->src_h * g->src_w;
  if (run > 0) {
    if (count < VL) memset(in, 0, (size_t)(run * VL) * sizeof(float));
    conv_flip(g->job.src + (image * s->c + channel) * plane + low * g->src_w, plane, count, run, in,
              VL);
  }
  for (int64_t y = row; y < end; y++)
    for (int64_t k = 0; k < g->x.classes; k++)
      sum_class(g, y, low, &g->x.class[k], in, g -> packed + block * s -> kh * s -> kw *VL,
                out + (y - row) * g -> dst_w *VL);
  conv_flip_out(out, VL, (end - row) * g->dst_w, count, g->job.bias ? g->job.bias + channel : NULL,
                g->job.relu, false,
                g->job.dst + ((image * s->c + channel) * g->dst_h + row) * g->dst_w,
                g->dst_h * g->dst_w);
}

size_t conv_lanes_size(const ConvJob *job) {
  Lanes g = {.job = *job};
  ConvArena arena = {NULL, 0};
  lay_out(&g, &arena);
  return arena.used;
}

void conv_lanes(const ConvJob *job, void *scratch) {
  const ConvShape *s = job->s;
  Lanes g = {.job = *job};
  ConvArena arena = {scratch, 0};
  lay_out(&g, &arena);
  conv_axis_fill(&g.y, job->forward, s->h, s->oh, s->kh, s->sh, s->ph, s->dh);
  conv_axis_fill(&g.x, job->forward, s->w, s->ow, s->kw, s->sw, s->pw, s->dw);
  int64_t taps = s->kh * s->kw;
  memset(g.packed, 0, (size_t)(g.blocks * taps * VL) * sizeof(float));
  for (int64_t b = 0; b < g.blocks; b++)
    conv_flip(job->weight + b * VL * taps, taps, s->c - b * VL < VL ? s->c - b * VL : VL, taps,
              g.packed + b * taps * VL, VL);
  team_run(s->n * g.blocks * g.row_parts, lanes_part, &g);
}
