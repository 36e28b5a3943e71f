/* Sampling channel by channel, for REAL numbers (see neighbours.h): a place after the other. */
#include "neighbours.h"

#include <string.h>

static int64_t tiles_of(const GridShape *s) { return (s->places + TILE - 1) / TILE; }

static int64_t tile_size(const GridShape *s, int64_t tile) {
  int64_t left = s->places - tile * TILE;
  return left < TILE ? left : TILE;
}

/* A place that lies inside. Loads and stores one by one are faster than vectors of them: the compiler
   is kept from making those. */
static inline int64_t nearest_inside(int32_t at) {
  int64_t i = at < 0 ? 0 : at;
  __asm__("" : "+r"(i));
  return i;
}

/* v[i] = x at places at[i], 0 where that is outside. */
static void fetch(const int32_t *restrict at, const REAL *restrict x, REAL *restrict v) {
  for (int i = 0; i < TILE; i++) v[i] = x[nearest_inside(at[i])];
  for (int i = 0; i < TILE; i++) v[i] = at[i] < 0 ? 0 : v[i];
}

/* x at places at[i], i < m, takes w[i] g[i]. */
static void give(int64_t m, const int32_t *restrict at, const REAL *restrict w,
                 const REAL *restrict g, REAL *restrict x) {
  REAL v[TILE] = {0};
  for (int64_t i = 0; i < m; i++) v[i] = at[i] < 0 ? 0 : w[i] * g[i];
  for (int64_t i = 0; i < m; i++) x[nearest_inside(at[i])] += v[i];
}

/* Units: the tiles of each sample. */
static void forward_part(void *job, int64_t part) {
  const GridJob *j = job;
  const GridShape *s = j->s;
  const int64_t tiles = tiles_of(s), plane = grid_plane(s);
  Neighbours t;
  for (int64_t u = part * j->bundle, end = grid_end(j, part); u < end; u++) {
    int64_t n = u / tiles, tile = u % tiles, from = tile * TILE, m = tile_size(s, tile);
    neighbours_of(s, m, (const REAL *)j->grid + (n * s->places + from) * s->nd, &t);
    for (int64_t c = n * s->channels; c < (n + 1) * s->channels; c++) {
      REAL sum[TILE] = {0}, v[TILE];
      for (int k = 0; k < t.count; k++) {
        fetch(t.at[k], (const REAL *)j->x + c * plane, v);
        for (int i = 0; i < TILE; i++) sum[i] += t.w[k][i] * v[i];
      }
      memcpy((REAL *)j->y + c * s->places + from, sum, (size_t)m * sizeof *sum);
    }
  }
}

static void grid_part(void *job, int64_t part) {
  const GridJob *j = job;
  const GridShape *s = j->s;
  const int64_t tiles = tiles_of(s), plane = grid_plane(s);
  Neighbours t;
  for (int64_t u = part * j->bundle, end = grid_end(j, part); u < end; u++) {
    int64_t n = u / tiles, tile = u % tiles, from = tile * TILE, m = tile_size(s, tile);
    REAL sums[MOST][TILE] = {{0}};
    neighbours_of(s, m, (const REAL *)j->grid + (n * s->places + from) * s->nd, &t);
    for (int64_t c = n * s->channels; c < (n + 1) * s->channels; c++) {
      REAL g[TILE] = {0}, v[TILE];
      memcpy(g, (const REAL *)j->gy + c * s->places + from, (size_t)m * sizeof *g);
      for (int k = 0; k < t.count; k++) {
        fetch(t.at[k], (const REAL *)j->x + c * plane, v);
        for (int i = 0; i < TILE; i++) sums[k][i] += g[i] * v[i];
      }
    }
    slopes_of(s, &t, m, (const REAL(*)[TILE])sums,
              (REAL *)j->ggrid + (n * s->places + from) * s->nd);
  }
}

/* Blocks of channels that share the weights: one of a sample where there are several samples. */
static int64_t blocks_of(const GridShape *s) {
  int64_t most = s->samples >= 4 ? 1 : 4;
  return s->channels < most ? s->channels : most;
}

/* Units: blocks of channels of each sample. */
static void input_part(void *job, int64_t part) {
  const GridJob *j = job;
  const GridShape *s = j->s;
  const int64_t plane = grid_plane(s), blocks = blocks_of(s);
  Neighbours t;
  for (int64_t u = part * j->bundle, end = grid_end(j, part); u < end; u++) {
    int64_t n = u / blocks, block = u % blocks;
    int64_t low = block * s->channels / blocks, high = (block + 1) * s->channels / blocks;
    REAL *gx = (REAL *)j->gx + n * s->channels * plane;
    const REAL *gy = (const REAL *)j->gy + n * s->channels * s->places;
    memset(gx + low * plane, 0, (size_t)((high - low) * plane) * sizeof *gx);
    for (int64_t from = 0; from < s->places; from += TILE) {
      int64_t m = tile_size(s, from / TILE);
      neighbours_of(s, m, (const REAL *)j->grid + (n * s->places + from) * s->nd, &t);
      for (int64_t c = low; c < high; c++)
        for (int k = 0; k < t.count; k++)
          give(m, t.at[k], t.w[k], gy + c * s->places + from, gx + c * plane);
    }
  }
}

static int64_t neighbours(const GridShape *s) {
  return s->mode == GRID_LINEAR ? 1 << s->nd : s->mode == GRID_CUBIC ? MOST : 1;
}

/* Numbers that a tile, or a plane's gradient, reads. */
static int64_t tile_work(const GridShape *s) { return TILE * (s->channels + 2) * neighbours(s); }
static int64_t plane_work(const GridShape *s) { return grid_plane(s) + s->places * neighbours(s); }

static void run_forward(GridJob job) {
  grid_run(forward_part, &job, job.s->samples * tiles_of(job.s), tile_work(job.s));
}
static void run_grid(GridJob job) {
  grid_run(grid_part, &job, job.s->samples * tiles_of(job.s), tile_work(job.s));
}
static void run_input(GridJob job) {
  const GridShape *s = job.s;
  if (s->channels == 0) return;
  int64_t blocks = blocks_of(s);
  grid_run(input_part, &job, s->samples * blocks, s->channels / blocks * plane_work(s));
}
