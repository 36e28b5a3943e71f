/* Owns the general weight gradient of convolution.

   gw[o, c, tap] sums gy[n, o, place] x[n, c, what the tap sees there] over images and places. gy is
   transposed a chunk at a time, so that the channels of a place lie together; a register tile then
   holds several c of one tap for a block of o, and runs over the places for which the tap lies
   inside x. The images are shared out to a fixed number of shares, added in order at the end. */
#include "impl.h"

#include "../../machine/team.h"

#define CHUNK_PLACES 256
#define LEAST_PLACES 48
#define MOST_SHARES  8

typedef struct {
  ConvWeights dw;
  int64_t from, to;      /* channels of a group in x and in gy */
  int64_t blocks, depth; /* blocks of `to`; from * kernel size */
  int64_t images, rows;  /* of one chunk */
  int64_t row_chunks, chunks, shares;
  real *sums;      /* [share][group][block][from][kh kw][block's channels] */
  real *bias;      /* [share][group][block][block's channels] */
  real *turned;    /* by thread: [images][rows][ow][BLOCK_MAX] */
  real *spare;     /* by thread: unused lanes */
  ConvStep *steps; /* by thread */
  int64_t turned_size, steps_size;
} Weights;

static void lay_out(Weights *q, ConvArena *arena) {
  const ConvShape *s = q->dw.s;
  q->from = s->c / s->groups;
  q->to = s->o / s->groups;
  q->blocks = conv_blocks(q->to);
  q->depth = q->from * s->kh * s->kw;
  int64_t rows = CHUNK_PLACES / s->ow;
  q->images = conv_images(s->n, s->oh * s->ow, LEAST_PLACES, CHUNK_PLACES);
  q->rows = rows < 1 ? 1 : rows < s->oh ? rows : s->oh;
  q->row_chunks = (s->oh + q->rows - 1) / q->rows;
  q->chunks = (s->n + q->images - 1) / q->images * q->row_chunks;
  q->shares = (MOST_SHARES - 1) / (s->groups * q->blocks) + 1;
  if (q->shares > q->chunks) q->shares = q->chunks;

  int64_t lanes = s->groups * conv_padded(q->to);
  q->sums = conv_take(arena, q->shares * lanes * q->depth, sizeof(real));
  q->bias = conv_take(arena, q->shares * lanes, sizeof(real));
  q->turned_size = q->images * q->rows * s->ow * BLOCK_MAX;
  q->turned = conv_take(arena, team_threads() * q->turned_size, sizeof(real));
  q->spare = conv_take(arena, team_threads() * BLOCK_MAX, sizeof(real));
  q->steps_size = q->rows * s->ow;
  q->steps = conv_take(arena, team_threads() * q->steps_size, sizeof(ConvStep));
}

/* One part: a block of channels of gy and a share of the chunks. */
typedef struct {
  const Weights *q;
  int64_t group, width;
  ConvBlock block;
  real *sums, *bias, *turned, *spare;
  ConvStep *steps;
  /* the chunk at hand */
  bool add;
  int64_t image, images, row, rows;
} Part;

/* Transposes the chunk's gy into turned [image][place][lane] and adds up its bias gradient. */
static void turn(Part *p) {
  const Weights *q = p->q;
  const ConvShape *s = q->dw.s;
  int64_t places = p->rows * s->ow, plane = s->oh * s->ow;
  if (p->block.count < p->width)
    memset(p->turned, 0, (size_t)(p->images * places * p->width) * sizeof(real));
  for (int64_t i = 0; i < p->images; i++) {
    int64_t channel = (p->image + i) * s->o + p->group * q->to + p->block.first;
    conv_flip(q->dw.gy + channel * plane + p->row * s->ow, plane, p->block.count, places,
              p->turned + i * places * p->width, p->width);
  }
  if (!q->dw.gbias) return;
  if (!p->add) memset(p->bias, 0, (size_t)p->width * sizeof(real));
  for (int64_t lane = 0; lane < p->width; lane += RL) {
    vr sum = vr_load(p->bias + lane);
    for (int64_t i = 0; i < p->images * places; i++)
      sum += vr_load(p->turned + i * p->width + lane);
    vr_store(p->bias + lane, sum);
  }
}

/* The outputs [*from, *to) of [low, high) whose input at kernel index k lies inside. */
static void clip(int64_t low, int64_t high, int64_t k, int64_t inputs, int64_t stride, int64_t pad,
                 int64_t dilation, int64_t *from, int64_t *to) {
  int64_t shift = k * dilation - pad; /* output i meets input i stride + shift */
  int64_t first = shift >= 0 ? 0 : (-shift + stride - 1) / stride;
  int64_t end = inputs - 1 - shift < 0 ? 0 : (inputs - 1 - shift) / stride + 1;
  *from = first > low ? first : low;
  *to = end < high ? end : high;
}

static void sum_tap(const Part *p, int64_t a, int64_t b) {
  const Weights *q = p->q;
  const ConvShape *s = q->dw.s;
  int64_t y0, y1, x0, x1, steps = 0, plane = s->h * s->w, taps = s->kh * s->kw;
  clip(p->row, p->row + p->rows, a, s->h, s->sh, s->ph, s->dh, &y0, &y1);
  clip(0, s->ow, b, s->w, s->sw, s->pw, s->dw, &x0, &x1);
  for (int64_t y = y0; y < y1; y++)
    for (int64_t x = x0; x < x1; x++) {
      int64_t iy = y * s->sh - s->ph + a * s->dh, ix = x * s->sw - s->pw + b * s->dw;
      p->steps[steps++] = (ConvStep){iy * s->w + ix, ((y - p->row) * s->ow + x) * p->width};
    }
  ConvSum sum = {p->turned, p->steps, steps, p->images, s->c * plane, p->rows * s->ow * p->width,
                 p->add};
  const real *src = q->dw.x + (p->image * s->c + p->group * q->from) * plane;
  real *dst = p->sums + (a * s->kw + b) * p->width;
  for (int64_t c = 0; c < q->from;) {
    ConvTile tile = conv_tile(p->block.vn, q->from - c);
    const real *from[TILE_MAX];
    real *out[TILE_MAX];
    for (int t = 0; t < tile.width; t++) {
      bool used = c + t < q->from;
      from[t] = src + (used ? c + t : c) * plane;
      out[t] = used ? dst + (c + t) * taps * p->width : p->spare;
    }
    tile.run(&sum, from, out);
    c += tile.width;
  }
}

static void weights_part(void *job, int64_t part) {
  const Weights *q = job;
  const ConvShape *s = q->dw.s;
  int64_t share = part % q->shares, rest = part / q->shares;
  int64_t lanes = s->groups * conv_padded(q->to);
  Part p = {
      .q = q, .group = rest / q->blocks, .block = conv_block(q->to, q->blocks, rest % q->blocks)};
  int64_t lane = share * lanes + p.group * conv_padded(q->to) + p.block.first;
  p.width = p.block.vn * RL;
  p.sums = q->sums + lane * q->depth;
  p.bias = q->bias + lane;
  p.turned = q->turned + team_self() * q->turned_size;
  p.spare = q->spare + team_self() * BLOCK_MAX;
  p.steps = q->steps + team_self() * q->steps_size;
  memset(p.spare, 0, BLOCK_MAX * sizeof(real));
  int64_t from = q->chunks * share / q->shares, to = q->chunks * (share + 1) / q->shares;
  for (int64_t chunk = from; chunk < to; chunk++) {
    p.add = chunk > from;
    p.image = chunk / q->row_chunks * q->images;
    p.images = s->n - p.image < q->images ? s->n - p.image : q->images;
    p.row = chunk % q->row_chunks * q->rows;
    p.rows = s->oh - p.row < q->rows ? s->oh - p.row : q->rows;
    turn(&p);
    for (int64_t a = 0; a < s->kh; a++)
      for (int64_t b = 0; b < s->kw; b++) sum_tap(&p, a, b);
  }
}

/* Adds the shares of one block in order and transposes the sum into gw. */
static void finish_part(void *job, int64_t part) {
  const Weights *q = job;
  const ConvShape *s = q->dw.s;
  int64_t group = part / q->blocks, lanes = s->groups * conv_padded(q->to);
  ConvBlock block = conv_block(q->to, q->blocks, part % q->blocks);
  int64_t lane = group * conv_padded(q->to) + block.first, width = block.vn * RL;
  int64_t channel = group * q->to + block.first;
  real *sums = q->sums + lane * q->depth, *bias = q->bias + lane;
  for (int64_t share = 1; share < q->shares; share++) {
    const real *more = sums + share * lanes * q->depth;
    for (int64_t i = 0; i < q->depth * width; i++) sums[i] += more[i];
    for (int64_t i = 0; q->dw.gbias && i < width; i++) bias[i] += bias[share * lanes + i];
  }
  conv_flip(sums, width, q->depth, block.count, q->dw.gw + channel * q->depth, q->depth);
  if (q->dw.gbias) memcpy(q->dw.gbias + channel, bias, (size_t)block.count * sizeof(real));
}

size_t conv_weights_size(const ConvWeights *dw) {
  Weights q = {.dw = *dw};
  ConvArena arena = {NULL, 0};
  lay_out(&q, &arena);
  return arena.used;
}

void conv_weights(const ConvWeights *dw, void *scratch) {
  const ConvShape *s = dw->s;
  Weights q = {.dw = *dw};
  ConvArena arena = {scratch, 0};
  lay_out(&q, &arena);
  team_run(s->groups * q.blocks * q.shares, weights_part, &q);
  team_run(s->groups * q.blocks, finish_part, &q);
}
