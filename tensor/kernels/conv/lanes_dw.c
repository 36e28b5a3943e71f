/* Owns the weight gradient of depthwise convolutions with many channels. Each lane is a channel: x
   and gy are transposed a block of VL channels and some rows at a time, and each tap sums gy x over
   the places where it lies inside x. Shares of the images are added in order at the end. */
#include "impl.h"

#include "../../machine/team.h"

#define PART_PLACES 384
#define MOST_SHARES 8

typedef struct {
  ConvWeights dw;
  int64_t blocks, rows, row_parts, units, shares; /* units: (image, row part) */
  float *sums;        /* [share][block][kh kw + 1][VL]; the last row is the bias */
  float *in, *turned; /* by thread: [row of x][w][VL], [row of gy][ow][VL] */
  int64_t in_size, turned_size;
} Weights;

static void lay_out(Weights *q, ConvArena *arena) {
  const ConvShape *s = q->dw.s;
  int64_t threads = team_threads(), wide = s->w * s->sh > s->ow ? s->w * s->sh : s->ow;
  q->blocks = (s->c + VL - 1) / VL;
  q->rows = PART_PLACES / wide < 1 ? 1 : PART_PLACES / wide;
  q->row_parts = (s->oh + q->rows - 1) / q->rows;
  q->rows = (s->oh + q->row_parts - 1) / q->row_parts;
  q->row_parts = (s->oh + q->rows - 1) / q->rows;
  q->units = s->n * q->row_parts;
  q->shares = (MOST_SHARES - 1) / q->blocks + 1;
  if (q->shares > q->units) q->shares = q->units;
  int64_t met = (q->rows - 1) * s->sh + (s->kh - 1) * s->dh + 1;
  if (met > s->h) met = s->h;
  q->sums = conv_take(arena, q->shares * q->blocks * (s->kh * s->kw + 1) * VL, sizeof(float));
  q->in_size = met * s->w * VL;
  q->turned_size = q->rows * s->ow * VL;
  q->in = conv_take(arena, threads * q->in_size, sizeof(float));
  q->turned = conv_take(arena, threads * q->turned_size, sizeof(float));
}

typedef struct {
  vf part[8];
} Sums;

/* Adds gy[i] x[i step] over n places to eight partial sums. */
VEC void dot(const float *gy, const float *x, int64_t step, int64_t n, Sums *sums) {
  int64_t i = 0;
  for (; i + 8 <= n; i += 8)
#pragma GCC unroll 8
    for (int k = 0; k < 8; k++)
      sums->part[k] =
          vf_fma(vf_load(gy + (i + k) * VL), vf_load(x + (i + k) * step * VL), sums->part[k]);
#pragma GCC unroll 8
  for (int k = 0; k < 7; k++)
    if (i + k < n)
      sums->part[k] =
          vf_fma(vf_load(gy + (i + k) * VL), vf_load(x + (i + k) * step * VL), sums->part[k]);
}

VEC vf total(const Sums *s) {
  return ((s->part[0] + s->part[1]) + (s->part[2] + s->part[3])) +
         ((s->part[4] + s->part[5]) + (s->part[6] + s->part[7]));
}

/* The outputs [*from, *to) of [low, high) whose input at kernel index k lies inside. */
static void clip(int64_t low, int64_t high, int64_t k, int64_t inputs, int64_t stride, int64_t pad,
                 int64_t dilation, int64_t *from, int64_t *to) {
  int64_t shift = k * dilation - pad;
  int64_t first = shift >= 0 ? 0 : (-shift + stride - 1) / stride;
  int64_t end = shift >= inputs ? 0 : (inputs - 1 - shift) / stride + 1;
  *from = first > low ? first : low;
  *to = end < high ? end : high;
}

/* What rows [row, end) of gy give to every tap; in holds x from row `low` on. */
static void sum_rows(const ConvShape *s, int64_t row, int64_t end, int64_t low, const float *in,
                     const float *turned, float *sums) {
  for (int64_t a = 0; a < s->kh; a++)
    for (int64_t b = 0; b < s->kw; b++, sums += VL) {
      int64_t y0, y1, x0, x1;
      clip(row, end, a, s->h, s->sh, s->ph, s->dh, &y0, &y1);
      clip(0, s->ow, b, s->w, s->sw, s->pw, s->dw, &x0, &x1);
      Sums tap = {{vf_load(sums)}};
      for (int64_t y = y0; y < y1; y++) {
        int64_t iy = y * s->sh - s->ph + a * s->dh - low, ix = x0 * s->sw - s->pw + b * s->dw;
        dot(turned + ((y - row) * s->ow + x0) * VL, in + (iy * s->w + ix) * VL, s->sw, x1 - x0,
            &tap);
      }
      vf_store(sums, total(&tap));
    }
  vf sum = vf_load(sums);
  for (int64_t i = 0; i < (end - row) * s->ow; i++) sum += vf_load(turned + i * VL);
  vf_store(sums, sum);
}

static void lanes_part(void *job, int64_t part) {
  const Weights *q = job;
  const ConvShape *s = q->dw.s;
  int64_t share = part % q->shares, channel = part / q->shares * VL, taps = s->kh * s->kw;
  int64_t count = s->c - channel < VL ? s->c - channel : VL;
  float *in = q->in + team_self() * q->in_size, *turned = q->turned + team_self() * q->turned_size;
  float *sums = q->sums + (share * q->blocks + part / q->shares) * (taps + 1) * VL;
  memset(sums, 0, (size_t)((taps + 1) * VL) * sizeof(float));
  if (count < VL) {
    memset(in, 0, (size_t)q->in_size * sizeof(float));
    memset(turned, 0, (size_t)q->turned_size * sizeof(float));
  }
  int64_t from = q->units * share / q->shares, to = q->units * (share + 1) / q->shares;
  for (int64_t unit = from; unit < to; unit++) {
    int64_t image = unit / q->row_parts, row = unit % q->row_parts * q->rows;
    int64_t end = row + q->rows < s->oh ? row + q->rows : s->oh;
    int64_t low = row * s->sh - s->ph, high = (end - 1) * s->sh - s->ph + (s->kh - 1) * s->dh + 1;
    if (low < 0) low = 0;
    if (high > s->h) high = s->h;
    if (high > low)
      conv_flip(q->dw.x + ((image * s->c + channel) * s->h + low) * s->w, s->h * s->w, count,
                (high - low) * s->w, in, VL);
    conv_flip(q->dw.gy + ((image * s->c + channel) * s->oh + row) * s->ow, s->oh * s->ow, count,
              (end - row) * s->ow, turned, VL);
    sum_rows(s, row, end, low, in, turned, sums);
  }
}

size_t conv_lanes_dw_size(const ConvWeights *dw) {
  Weights q = {.dw = *dw};
  ConvArena arena = {NULL, 0};
  lay_out(&q, &arena);
  return arena.used;
}

void conv_lanes_dw(const ConvWeights *dw, void *scratch) {
  const ConvShape *s = dw->s;
  Weights q = {.dw = *dw};
  ConvArena arena = {scratch, 0};
  lay_out(&q, &arena);
  team_run(q.blocks * q.shares, lanes_part, &q);
  int64_t taps = s->kh * s->kw, size = q.blocks * (taps + 1) * VL;
  for (int64_t share = 1; share < q.shares; share++)
    for (int64_t i = 0; i < size; i++) q.sums[i] += q.sums[share * size + i];
  for (int64_t b = 0; b < q.blocks; b++) {
    const float *sums = q.sums + b * (taps + 1) * VL;
    int64_t count = s->c - b * VL < VL ? s->c - b * VL : VL;
    conv_flip(sums, VL, taps, count, dw->gw + b * VL * taps, taps);
    if (dw->gbias) memcpy(dw->gbias + b * VL, sums + taps * VL, (size_t)count * sizeof(float));
  }
}
