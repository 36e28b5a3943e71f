/* Owns the general forward pass and input gradient of convolution.

   Both read one tensor in place and write sums of products with packed weights: forward, a place of
   y gathers from x; dx, a place of gx gathers from gy. Places are taken class by class (see
   ConvAxis), a register tile of them at a time for one block of result channels. Their sums are
   collected place by place in a buffer that stays in cache and are transposed into the result. */
#include "impl.h"

#include "../../machine/team.h"

#define PART_PLACES  512 /* places of the result in one part, about */
#define LEAST_PLACES 48
#define PACKED_PART  (64 << 10) /* floats of packed weights in use at a time: 256 KB */

typedef struct {
  ConvJob job;
  int64_t from, to;         /* channels of a group in src and in dst */
  int64_t src_w, src_plane; /* of src: row and plane */
  int64_t dst_h, dst_w;
  int64_t blocks, depth; /* blocks of `to`; products in one sum: from * kernel size */
  int64_t images, rows;  /* of one part */
  int64_t image_parts, row_parts;
  bool blocks_first; /* do the parts of the same places come one after the other? */
  bool stream;       /* is the result large? */
  ConvAxis y, x;
  real *packed;    /* [groups][blocks][from][kh kw][block's channels] */
  real *buffer;    /* by thread: [images][rows][dst_w][BLOCK_MAX], one row more for unused lanes */
  ConvStep *steps; /* by thread */
  int64_t buffer_size, steps_size;
} Gather;

static void lay_out(Gather *g, ConvArena *arena) {
  const ConvShape *s = g->job.s;
  int64_t taps = s->kh * s->kw;
  g->from = (g->job.forward ? s->c : s->o) / s->groups;
  g->to = (g->job.forward ? s->o : s->c) / s->groups;
  g->src_w = g->job.forward ? s->w : s->ow;
  g->src_plane = g->job.forward ? s->h * s->w : s->oh * s->ow;
  g->dst_h = g->job.forward ? s->oh : s->h;
  g->dst_w = g->job.forward ? s->ow : s->w;
  g->blocks = conv_narrow_blocks(g->to, taps);
  g->depth = g->from * taps;

  g->images = conv_images(s->n, g->dst_h * g->dst_w, LEAST_PLACES, PART_PLACES);
  g->image_parts = (s->n + g->images - 1) / g->images;
  int64_t rows = PART_PLACES / g->dst_w;
  g->row_parts = rows < 1 ? g->dst_h : (g->dst_h + rows - 1) / rows;
  g->rows = (g->dst_h + g->row_parts - 1) / g->row_parts;
  g->row_parts = (g->dst_h + g->rows - 1) / g->rows;
  /* What is read again and again: the weights for other places, or src for other blocks. */
  double weights = (double)(g->to * g->depth), src = (double)(s->n * g->from * g->src_plane);
  g->blocks_first =
      weights * (double)(g->image_parts * g->row_parts) + src < src * (double)g->blocks + weights;

  int64_t size = s->n * s->groups * g->to * g->dst_h * g->dst_w;
  g->stream = conv_streams(size, g->rows * g->dst_w, g->job.dst) &&
              conv_streams(size, g->dst_h * g->dst_w, g->job.dst);

  conv_axis_take(&g->y, g->dst_h, arena);
  conv_axis_take(&g->x, g->dst_w, arena);
  g->packed = conv_take(arena, s->groups * conv_padded(g->to) * g->depth, sizeof(real));
  g->buffer_size = (g->images * g->rows * g->dst_w + 1) * BLOCK_MAX;
  g->buffer = conv_take(arena, team_threads() * g->buffer_size, sizeof(real));
  g->steps_size = taps > g->from ? taps : g->from;
  g->steps = conv_take(arena, team_threads() * g->steps_size, sizeof(ConvStep));
}

/* Packs the weights of one group and block: row (channel of src, tap), lanes channels of dst. */
static void pack_part(void *job, int64_t part) {
  const Gather *g = job;
  int64_t group = part / g->blocks, taps = g->job.s->kh * g->job.s->kw;
  ConvBlock block = conv_block(g->to, g->blocks, part % g->blocks);
  int64_t width = block.vn * RL;
  real *out = g->packed + (group * conv_padded(g->to) + block.first) * g->depth;
  if (block.count < width) memset(out, 0, (size_t)(g->depth * width) * sizeof(real));
  if (g->job.forward) {
    const real *w = g->job.weight + (group * g->to + block.first) * g->depth;
    conv_flip(w, g->depth, block.count, g->depth, out, width);
    return;
  }
  for (int64_t o = 0; o < g->from; o++) {
    const real *w = g->job.weight + ((group * g->from + o) * g->to + block.first) * taps;
    if (taps == 1)
      memcpy(out + o * width, w, (size_t)block.count * sizeof(real));
    else
      conv_flip(w, taps, block.count, taps, out + o * taps * width, width);
  }
}

/* One part's share of the work: a block of channels over some images and rows. */
typedef struct {
  const Gather *g;
  ConvBlock block;
  int64_t image, images, row, rows;
  const real *src;    /* this group's first plane in the part's first image */
  const real *packed; /* this block's */
  real *buffer;
  ConvStep *steps;
} Part;

/* Adds `sum` up for the places of one pair of classes, of which y_count rows lie in the part. */
static void sum_class(const Part *p, int64_t y_first, int64_t y_count, const ConvClass *cx,
                      const ConvSum *sum) {
  const Gather *g = p->g;
  int64_t image_stride = (g->job.forward ? g->job.s->c : g->job.s->o) * g->src_plane;
  const int64_t *ys = g->y.place + y_first, *xs = g->x.place + cx->first;
  int64_t left = p->images * y_count * cx->count, image = 0, i = 0, j = 0;
  real *spare = p->buffer + p->images * p->rows * g->dst_w * BLOCK_MAX;
  int64_t width = p->block.vn * RL;
  while (left > 0) {
    ConvTile tile = conv_tile(p->block.vn, left);
    const real *from[TILE_MAX];
    real *out[TILE_MAX];
    for (int t = 0; t < tile.width; t++) {
      if (t >= left) {
        from[t] = from[0];
        out[t] = spare;
        continue;
      }
      int64_t y = ys[i], x = xs[j];
      from[t] = p->src + image * image_stride + g->y.base[y] * g->src_w + g->x.base[x];
      out[t] = p->buffer + ((image * p->rows + y - p->row) * g->dst_w + x) * width;
      if (++j == cx->count) {
        j = 0;
        if (++i == y_count) i = 0, image++;
      }
    }
    tile.run(sum, from, out);
    left -= tile.width;
  }
}

/* The steps of a pair of classes: over taps for one channel, or over channels when there is one
   tap. Answers their number. */
static int64_t list_steps(const Part *p, const ConvClass *cy, const ConvClass *cx, int64_t from) {
  const Gather *g = p->g;
  int64_t width = p->block.vn * RL, kw = g->job.s->kw, taps = g->job.s->kh * kw, n = 0;
  if (cy->taps * cx->taps == 1) {
    int64_t a = (cy->tap * kw + cx->tap) * width;
    for (; n < from; n++) p->steps[n] = (ConvStep){n * g->src_plane, n * taps * width + a};
    return n;
  }
  for (int64_t i = 0; i < cy->taps; i++)
    for (int64_t j = 0; j < cx->taps; j++) {
      int64_t tap = (cy->tap + i * g->y.tapstep) * kw + cx->tap + j * g->x.tapstep;
      p->steps[n++] = (ConvStep){i * cy->shift * g->src_w + j * cx->shift, tap * width};
    }
  return n;
}

static void gather_classes(const Part *p) {
  const Gather *g = p->g;
  int64_t width = p->block.vn * RL, taps = g->job.s->kh * g->job.s->kw;
  int64_t chunk = PACKED_PART / (taps * width);
  if (chunk < 8) chunk = 8;
  for (int64_t c = 0; c < g->from; c += chunk) {
    int64_t count = g->from - c < chunk ? g->from - c : chunk;
    for (int64_t k = 0; k < g->y.classes; k++) {
      const ConvClass *cy = &g->y.class[k];
      int64_t first = cy->first, end = cy->first + cy->count;
      while (first < end && g->y.place[first] < p->row) first++;
      while (end > first && g->y.place[end - 1] >= p->row + p->rows) end--;
      for (int64_t l = 0; l < g->x.classes && first < end; l++) {
        const ConvClass *cx = &g->x.class[l];
        bool one = cy->taps * cx->taps == 1;
        ConvSum sum = {p->packed + c * taps * width,
                       p->steps,
                       0,
                       one ? 1 : count,
                       g->src_plane,
                       taps * width,
                       c > 0};
        sum.nsteps = list_steps(p, cy, cx, count);
        Part shifted = *p;
        shifted.src += c * g->src_plane;
        sum_class(&shifted, first, end - first, cx, &sum);
      }
    }
  }
}

static void gather_part(void *job, int64_t part) {
  const Gather *g = job;
  int64_t places = g->row_parts * g->image_parts, n = g->job.s->n, rest = part / places, block;
  int64_t place = part % places;
  if (g->blocks_first) {
    block = part % g->blocks;
    place = part / g->blocks % places;
    rest = part / g->blocks / places;
  } else {
    block = rest % g->blocks;
    rest /= g->blocks;
  }
  int64_t row_part = place % g->row_parts, image_part = place / g->row_parts, group = rest;
  Part p = {.g = g, .block = conv_block(g->to, g->blocks, block)};
  p.image = image_part * g->images;
  p.images = n - p.image < g->images ? n - p.image : g->images;
  p.row = row_part * g->rows;
  p.rows = g->dst_h - p.row < g->rows ? g->dst_h - p.row : g->rows;
  p.src = g->job.src + (p.image * g->job.s->groups + group) * g->from * g->src_plane;
  p.packed = g->packed + (group * conv_padded(g->to) + p.block.first) * g->depth;
  p.buffer = g->buffer + team_self() * g->buffer_size;
  p.steps = g->steps + team_self() * g->steps_size;
  gather_classes(&p);

  int64_t channel = group * g->to + p.block.first, run = p.rows * g->dst_w;
  for (int64_t i = 0; i < p.images; i++) {
    int64_t plane = (p.image + i) * g->to * g->job.s->groups + channel;
    conv_flip_out(p.buffer + i * run * p.block.vn * RL, p.block.vn * RL, run, p.block.count,
                  g->job.bias ? g->job.bias + channel : NULL, g->job.relu, g->stream,
                  g->job.dst + (plane * g->dst_h + p.row) * g->dst_w, g->dst_h * g->dst_w);
  }
  if (g->stream) conv_streamed();
}

size_t conv_gather_size(const ConvJob *job) {
  Gather g = {.job = *job};
  ConvArena arena = {NULL, 0};
  lay_out(&g, &arena);
  return arena.used;
}

void conv_gather(const ConvJob *job, void *scratch) {
  const ConvShape *s = job->s;
  Gather g = {.job = *job};
  ConvArena arena = {scratch, 0};
  lay_out(&g, &arena);
  conv_axis_fill(&g.y, job->forward, s->h, s->oh, s->kh, s->sh, s->ph, s->dh);
  conv_axis_fill(&g.x, job->forward, s->w, s->ow, s->kw, s->sw, s->pw, s->dw);
  team_run(s->groups * g.blocks, pack_part, &g);
  team_run(s->groups * g.blocks * g.image_parts * g.row_parts, gather_part, &g);
}
