/* Sampling of float32 with a channel in each lane of a vector: the weights of a place serve VL
   channels at once, and its neighbours are whole vectors. The planes of a group of VL channels are
   turned into vectors, one for each place, behind a vector of zeros that stands for what lies
   outside. */
#define REAL float
#include "neighbours.h"

#include "../vec.h"

static int64_t groups_of(const GridShape *s) { return (s->channels + VL - 1) / VL; }
static int64_t tiles_of(const GridShape *s) { return (s->places + TILE - 1) / TILE; }

/* Numbers of a group's vectors. */
static int64_t turned_size(const GridShape *s) { return (1 + grid_plane(s)) * VL; }

bool grid_is_lanes(const GridShape *s) {
  return s->channels * 4 >= VL && s->places * 4 >= grid_plane(s);
}

/* All groups turned, or one for each thread. */
size_t grid_lanes_room(const GridShape *s) {
  int64_t all = s->samples * groups_of(s), each = team_threads();
  return (size_t)((all > each ? all : each) * turned_size(s)) * sizeof(float);
}

/* Lane l of v[i] = number i of line l, the lines `stride` apart; 0 in lanes from `lanes` on, i < n. */
VEC void turn(const float *from, int64_t stride, int64_t lanes, int64_t n, vf v[VL]) {
  for (int l = 0; l < VL; l++) v[l] = l < lanes ? vf_load_part(from + l * stride, n) : (vf){0};
  vf_transpose(v);
}

/* The way back. */
VEC void turn_back(vf v[VL], float *to, int64_t stride, int64_t lanes, int64_t n) {
  vf_transpose(v);
  for (int l = 0; l < lanes; l++) vf_store_part(to + l * stride, v[l], n);
}

VEC int64_t lanes_of(const GridShape *s, int64_t group) {
  int64_t left = s->channels - group * VL;
  return left < VL ? left : VL;
}

VEC const float *line(const void *x, const GridShape *s, int64_t n, int64_t group, int64_t size) {
  return (const float *)x + (n * s->channels + group * VL) * size;
}

/* ---- turning ------------------------------------------------------------------------------------ */

/* Units: groups of each sample. */
static void turn_part(void *job, int64_t part) {
  const GridJob *j = job;
  const GridShape *s = j->s;
  const int64_t groups = groups_of(s), plane = grid_plane(s);
  for (int64_t u = part * j->bundle, end = grid_end(j, part); u < end; u++) {
    int64_t lanes = lanes_of(s, u % groups);
    const float *x = line(j->x, s, u / groups, u % groups, plane);
    float *to = (float *)j->room + u * turned_size(s);
    vf_store(to, (vf){0});
    to += VL;
    for (int64_t i = 0; i < plane; i += VL) {
      int64_t n = plane - i < VL ? plane - i : VL;
      vf v[VL];
      turn(x + i, plane, lanes, n, v);
      for (int l = 0; l < n; l++) vf_store(to + (i + l) * VL, v[l]);
    }
  }
}

static void turn_all(GridJob *job) {
  const GridShape *s = job->s;
  grid_run(turn_part, job, s->samples * groups_of(s), turned_size(s));
}

/* ---- forward -------------------------------------------------------------------------------------- */

/* VL places of the tile from i on: y[place] = the sum of their neighbours. */
VEC void sample(int count, const Neighbours *t, int64_t i, const float *turned, vf y[VL]) {
  turned += VL;
  for (int l = 0; l < VL; l++) {
    vf sum = {0};
    for (int k = 0; k < count; k++)
      sum = vf_fma(vf_all(t->w[k][i + l]), vf_load(turned + (int64_t)t->at[k][i + l] * VL), sum);
    y[l] = sum;
  }
}

/* Units: tiles of each sample. */
static void forward_part(void *job, int64_t part) {
  const GridJob *j = job;
  const GridShape *s = j->s;
  const int64_t tiles = tiles_of(s), groups = groups_of(s);
  Neighbours t;
  for (int64_t u = part * j->bundle, end = grid_end(j, part); u < end; u++) {
    int64_t n = u / tiles, from = u % tiles * TILE, m = s->places - from;
    if (m > TILE) m = TILE;
    neighbours_of(s, m, (const float *)j->grid + (n * s->places + from) * s->nd, &t);
    for (int64_t g = 0; g < groups; g++) {
      const float *turned = (const float *)j->room + (n * groups + g) * turned_size(s);
      float *y = (float *)line(j->y, s, n, g, s->places) + from;
      for (int64_t i = 0; i < m; i += VL) {
        vf v[VL];
        switch (t.count) {
        case 1: sample(1, &t, i, turned, v); break;
        case 4: sample(4, &t, i, turned, v); break;
        case 8: sample(8, &t, i, turned, v); break;
        default: sample(16, &t, i, turned, v);
        }
        turn_back(v, y + i, s->places, lanes_of(s, g), m - i < VL ? m - i : VL);
      }
    }
  }
}

static int64_t tile_work(const GridShape *s) { return TILE * (groups_of(s) + 1) * VL; }

void grid_lanes(GridJob job) {
  turn_all(&job);
  grid_run(forward_part, &job, job.s->samples * tiles_of(job.s), tile_work(job.s));
}

/* ---- gradient of the grid ------------------------------------------------------------------------ */

/* sums[k][i ..] of VL places: gy times neighbour k, over all channels. */
VEC void dots(int count, const GridJob *j, const Neighbours *t, int64_t n, int64_t from, int64_t i,
              int64_t m, float (*sums)[TILE]) {
  const GridShape *s = j->s;
  const int64_t groups = groups_of(s);
  vf dot[MOST][VL];
  for (int k = 0; k < count; k++)
    for (int l = 0; l < VL; l++) dot[k][l] = (vf){0};
  for (int64_t g = 0; g < groups; g++) {
    const float *turned = (const float *)j->room + (n * groups + g) * turned_size(s) + VL;
    vf gy[VL];
    turn(line(j->gy, s, n, g, s->places) + from + i, s->places, lanes_of(s, g), m, gy);
    for (int l = 0; l < VL; l++)
      for (int k = 0; k < count; k++) {
        vf x = vf_load(turned + (int64_t)t->at[k][i + l] * VL);
        dot[k][l] = vf_fma(gy[l], x, dot[k][l]);
      }
  }
  for (int k = 0; k < count; k++) {
    vf sum = {0};
    vf_transpose(dot[k]);
    for (int l = 0; l < VL; l++) sum += dot[k][l];
    vf_store(sums[k] + i, sum);
  }
}

static void grid_part(void *job, int64_t part) {
  const GridJob *j = job;
  const GridShape *s = j->s;
  const int64_t tiles = tiles_of(s);
  Neighbours t;
  float sums[MOST][TILE] = {{0}};
  for (int64_t u = part * j->bundle, end = grid_end(j, part); u < end; u++) {
    int64_t n = u / tiles, from = u % tiles * TILE, place = n * s->places + from;
    int64_t m = s->places - from < TILE ? s->places - from : TILE;
    neighbours_of(s, m, (const float *)j->grid + place * s->nd, &t);
    for (int64_t i = 0; i < m; i += VL) {
      int64_t few = m - i < VL ? m - i : VL;
      switch (t.count) {
      case 1: dots(1, j, &t, n, from, i, few, sums); break;
      case 4: dots(4, j, &t, n, from, i, few, sums); break;
      case 8: dots(8, j, &t, n, from, i, few, sums); break;
      default: dots(16, j, &t, n, from, i, few, sums);
      }
    }
    slopes_of(s, &t, m, (const float(*)[TILE])sums, (float *)j->ggrid + place * s->nd);
  }
}

void grid_lanes_grid(GridJob job) {
  turn_all(&job);
  grid_run(grid_part, &job, job.s->samples * tiles_of(job.s), 2 * tile_work(job.s));
}

/* ---- gradient of the input ------------------------------------------------------------------------ */

/* VL places of the tile give back to their neighbours. */
VEC void give(int count, const Neighbours *t, int64_t i, int64_t m, const vf gy[VL],
              float *turned) {
  turned += VL;
  for (int l = 0; l < m; l++)
    for (int k = 0; k < count; k++) {
      float *to = turned + (int64_t)t->at[k][i + l] * VL;
      vf_store(to, vf_fma(vf_all(t->w[k][i + l]), gy[l], vf_load(to)));
    }
}

static void give_tile(const Neighbours *t, int64_t m, const float *gy, int64_t stride,
                      int64_t lanes, float *turned) {
  for (int64_t i = 0; i < m; i += VL) {
    int64_t few = m - i < VL ? m - i : VL;
    vf v[VL];
    turn(gy + i, stride, lanes, few, v);
    switch (t->count) {
    case 1: give(1, t, i, few, v, turned); break;
    case 4: give(4, t, i, few, v, turned); break;
    case 8: give(8, t, i, few, v, turned); break;
    default: give(16, t, i, few, v, turned);
    }
  }
}

/* Units: groups of each sample. */
static void input_part(void *job, int64_t part) {
  const GridJob *j = job;
  const GridShape *s = j->s;
  const int64_t groups = groups_of(s), plane = grid_plane(s), size = turned_size(s);
  float *turned = (float *)j->room + team_self() * size;
  Neighbours t;
  for (int64_t u = part * j->bundle, end = grid_end(j, part); u < end; u++) {
    int64_t n = u / groups, g = u % groups, lanes = lanes_of(s, g);
    memset(turned, 0, (size_t)size * sizeof *turned);
    for (int64_t from = 0; from < s->places; from += TILE) {
      int64_t m = s->places - from < TILE ? s->places - from : TILE;
      neighbours_of(s, m, (const float *)j->grid + (n * s->places + from) * s->nd, &t);
      give_tile(&t, m, line(j->gy, s, n, g, s->places) + from, s->places, lanes, turned);
    }
    float *gx = (float *)line(j->gx, s, n, g, plane);
    for (int64_t i = 0; i < plane; i += VL) {
      int64_t few = plane - i < VL ? plane - i : VL;
      vf v[VL];
      for (int l = 0; l < VL; l++) v[l] = vf_load(turned + (1 + i + (l < few ? l : 0)) * VL);
      turn_back(v, gx + i, plane, lanes, few);
    }
  }
}

void grid_lanes_input(GridJob job) {
  const GridShape *s = job.s;
  grid_run(input_part, &job, s->samples * groups_of(s), turned_size(s) + s->places * VL);
}
