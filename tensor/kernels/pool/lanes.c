/* Pooling of float32 with a plane in each lane of a vector: any windows in up to three dimensions.
   Lines of VL planes are read transposed; what the windows make of a line goes to the rows of
   windows that cover it, and what these make of a slice to the windows in depth. The gradient of an
   average is the same pass with the parts of places and windows exchanged. */
#include "impl.h"

#include "../vec.h"

#include <math.h>

enum { ROOM = 1024, LINE = 256 }; /* results of a tile; places or results of a line */

typedef enum { SUM, MAX, PLACES } Kind;

/* The pass in terms of what is read (in) and made (out). */
typedef struct {
  const PoolJob *job;
  bool back;
  int64_t in[3], out[3], step[3], inside, outside;
  int64_t tile[3], tiles[3]; /* results of a tile along each axis, and how many tiles */
  int64_t groups, bundle;    /* of VL planes; units of a group and a tile in a part */
} Plan;

/* Results at[] .. at[] + n[] - 1, what each reads along its axis, and the box of all that. */
typedef struct {
  int64_t at[3], n[3], from[3], to[3];
  bool holes; /* a window has no place inside */
  PoolSpan span[3][ROOM];
} Tile;

typedef struct {
  vf *v;
  vi *p; /* places, of PLACES */
} Cells;

/* ---- planes in lanes ---------------------------------------------------------------------------- */

/* to[i] = place at + i of each lane's plane, i < n; there is room for n rounded up to VL. */
VEC void load_run(const float *const *lane, int64_t at, int64_t n, vf *to) {
  for (int64_t i = 0; i < n; i += VL) {
    int64_t m = n - i < VL ? n - i : VL;
    vf r[VL];
    for (int l = 0; l < VL; l++) r[l] = vf_load_part(lane[l] + at + i, m);
    vf_transpose(r);
    for (int l = 0; l < VL; l++) to[i + l] = r[l];
  }
}

/* The way back for the first `lanes` planes, `stride` apart. */
VEC void store_run(float *to, int64_t stride, int64_t lanes, int64_t n, const vf *from) {
  for (int64_t i = 0; i < n; i += VL) {
    int64_t m = n - i < VL ? n - i : VL;
    vf r[VL];
    for (int l = 0; l < VL; l++) r[l] = from[i + (l < m ? l : 0)];
    vf_transpose(r);
    for (int l = 0; l < lanes; l++) vf_store_part(to + l * stride + i, r[l], m);
  }
}

/* ---- one axis ------------------------------------------------------------------------------------ */

VEC void join(Kind kind, vf *v, vi *p, vf w, vi q) {
  if (kind == SUM)
    *v += w;
  else
    vf_take_max(v, p, w, q);
}

VEC vi all_of(int64_t place) { return (int32_t)place - (vi){0}; }

/* What the tile's windows make of the line of places from..to-1; `first` is place 0's in the plane.
   *low counts the windows that ended before. */
VEC void along(Kind kind, const Tile *t, int64_t step, const vf *line, int64_t from, int64_t to,
               int64_t first, int64_t *low, Cells y) {
  while (*low < t->n[2] && t->span[2][*low].to <= from) ++*low;
  for (int64_t j = *low; j < t->n[2]; j++) {
    PoolSpan w = t->span[2][j];
    if (w.from >= to && w.from >= step) break; /* and so do all that follow */
    if (w.from >= to || w.to <= from) continue;
    int64_t x = w.from, end = w.to < to ? w.to : to;
    if (x < from) x += (from - x + step - 1) / step * step;
    bool new = x == w.from;
    vf v = new ? line[x - from] : y.v[j];
    vi p = kind != PLACES ? (vi){0} : new ? all_of(first + x) : y.p[j];
    for (x += new ? step : 0; x < end; x += step) {
      join(kind, &v, &p, line[x - from], all_of(first + x));
    }
    y.v[j] = v;
    if (kind == PLACES) y.p[j] = p;
  }
}

/* Gives n results at place `at` of the axis to the windows that cover it: y: [windows, n]. *low
   counts the windows that ended before. */
VEC void give(Kind kind, const Tile *t, int axis, int64_t step, int64_t at, int64_t *low, int64_t n,
              Cells x, Cells y) {
  const PoolSpan *span = t->span[axis];
  while (*low < t->n[axis] && span[*low].to <= at) ++*low;
  for (int64_t i = *low; i < t->n[axis]; i++) {
    if (at < span[i].from && span[i].from >= step) break; /* and so do all that follow */
    if (at < span[i].from || at >= span[i].to) continue;
    if (step > 1 && (at - span[i].from) % step != 0) continue;
    bool new = at == span[i].from;
    for (int64_t j = 0, k = i * n; j < n; j++, k++) {
      vf v = new ? x.v[j] : y.v[k];
      vi p = kind != PLACES ? (vi){0} : new ? x.p[j] : y.p[k];
      if (!new) join(kind, &v, &p, x.v[j], kind == PLACES ? x.p[j] : p);
      y.v[k] = v;
      if (kind == PLACES) y.p[k] = p;
    }
  }
}

/* What windows without places make. */
VEC void empty(Kind kind, int64_t n, Cells y) {
  for (int64_t i = 0; i < n; i++) {
    y.v[i] = vf_all(kind == SUM ? 0 : -INFINITY);
    y.p[i] = all_of(0);
  }
}

/* ---- a tile of a group ------------------------------------------------------------------------- */

/* Gradients of the means in windows at row (k, i), columns from j, by what each counts. */
VEC void share(const PoolShape *s, int64_t k, int64_t i, int64_t j, int64_t n, vf *g) {
  int64_t rows = pool_counted(s, &s->axis[0], k) * pool_counted(s, &s->axis[1], i);
  for (int64_t x = 0; x < n; x++) {
    int64_t count = s->divisor ? s->divisor : rows * pool_counted(s, &s->axis[2], j + x);
    g[x] /= vf_all((float)count);
  }
}

/* Slice `a` of the planes: y: [rows of windows, windows]. */
VEC void slice(Kind kind, const Plan *p, const Tile *t, const float *const *lane, int64_t a,
               Cells y) {
  vf line[LINE + VL], rest_v[LINE];
  vi rest_p[LINE];
  bool flat = p->in[1] == 1 && p->out[1] == 1;
  Cells row = flat ? y : (Cells){rest_v, rest_p};
  int64_t w = p->in[2], low = 0, have = 0, rows = 1;
  if (t->holes) empty(kind, t->n[2], row);
  if (w > 0 && w <= LINE && t->to[2] - t->from[2] == w) rows = LINE / w;
  for (int64_t b = t->from[1]; b < t->to[1]; b++) {
    int64_t first = (a * p->in[1] + b) * w, done = 0;
    for (int64_t c = t->from[2]; c < t->to[2]; c += LINE) {
      int64_t n = t->to[2] - c < LINE ? t->to[2] - c : LINE;
      if (have == 0) {
        have = rows < t->to[1] - b ? rows : t->to[1] - b;
        rows = have;
        load_run(lane, first + c, have > 1 ? have * w : n, line);
        for (int64_t r = 0; r < have && p->back; r++) {
          share(p->job->s, a, b + r, c, n, line + r * w);
        }
      }
      along(kind, t, p->step[2], line + (rows - have) * w, c, c + n, first, &done, row);
      have--;
    }
    if (!flat) give(kind, t, 1, p->step[1], b, &low, t->n[2], row, y);
  }
}

/* The results of the tile, [n[0], n[1], n[2]]: means by what they count. */
VEC void divide(const PoolShape *s, const Tile *t, vf *y) {
  for (int64_t k = 0; k < t->n[0]; k++)
    for (int64_t i = 0; i < t->n[1]; i++, y += t->n[2]) {
      share(s, t->at[0] + k, t->at[1] + i, t->at[2], t->n[2], y);
    }
}

VEC void store(const Plan *p, const Tile *t, int64_t plane, int64_t lanes, float *out,
               const vf *from) {
  bool whole = t->n[2] == p->out[2];
  int64_t run = whole ? t->n[1] * t->n[2] : t->n[2], runs = whole ? 1 : t->n[1];
  for (int64_t k = 0; k < t->n[0]; k++)
    for (int64_t i = 0; i < runs; i++, from += run) {
      int64_t at = ((t->at[0] + k) * p->out[1] + t->at[1] + i) * p->out[2] + t->at[2];
      store_run(out + plane * p->outside + at, p->outside, lanes, run, from);
    }
}

VEC void group(Kind kind, const Plan *p, const Tile *t, int64_t plane) {
  vf room_v[ROOM + VL];
  vi room_p[ROOM + VL];
  const PoolJob *job = p->job;
  const float *lane[VL];
  int64_t left = job->s->planes - plane, lanes = left < VL ? left : VL, low = 0;
  for (int l = 0; l < VL; l++) {
    lane[l] = (const float *)job->in + (plane + (l < lanes ? l : 0)) * p->inside;
  }
  bool deep = p->in[0] > 1 || p->out[0] > 1;
  int64_t cells = t->n[1] * t->n[2], all = cells * t->n[0];
  Cells y = {room_v, room_p}, one = deep ? (Cells){room_v + all, room_p + all} : y;
  if (t->holes) empty(kind, all + (deep ? cells : 0), y);
  for (int64_t a = t->from[0]; a < t->to[0]; a++) {
    slice(kind, p, t, lane, a, one);
    if (deep) give(kind, t, 0, p->step[0], a, &low, cells, one, y);
  }
  if (kind == SUM && !p->back) divide(job->s, t, y.v);
  store(p, t, plane, lanes, job->out, y.v);
  if (kind == PLACES) store(p, t, plane, lanes, (float *)job->new_index, (const vf *)y.p);
}

static void sums(const Plan *p, const Tile *t, int64_t plane) { group(SUM, p, t, plane); }
static void maxima(const Plan *p, const Tile *t, int64_t plane) { group(MAX, p, t, plane); }
static void places(const Plan *p, const Tile *t, int64_t plane) { group(PLACES, p, t, plane); }

/* ---- sharing out ---------------------------------------------------------------------------------- */

static void tile_of(const Plan *p, int64_t k, Tile *t) {
  t->holes = false;
  for (int a = 2; a >= 0; k /= p->tiles[a], a--) {
    const PoolAxis *axis = &p->job->s->axis[a];
    t->at[a] = k % p->tiles[a] * p->tile[a];
    t->n[a] = p->out[a] - t->at[a] < p->tile[a] ? p->out[a] - t->at[a] : p->tile[a];
    t->from[a] = p->in[a];
    t->to[a] = 0;
    for (int64_t i = 0; i < t->n[a]; i++) {
      PoolSpan w = p->back ? pool_owners(axis, t->at[a] + i) : pool_window(axis, t->at[a] + i);
      t->span[a][i] = w;
      t->holes |= w.from == w.to;
      if (w.from == w.to) continue;
      if (w.from < t->from[a]) t->from[a] = w.from;
      if (w.to > t->to[a]) t->to[a] = w.to;
    }
  }
}

static void part(void *job, int64_t k) {
  const Plan *p = job;
  const PoolJob *j = p->job;
  int64_t units = p->groups * p->tiles[0] * p->tiles[1] * p->tiles[2];
  int64_t from = k * p->bundle, to = from + p->bundle < units ? from + p->bundle : units;
  Tile t;
  for (int64_t u = from; u < to; u++) {
    if (u == from || u % p->groups == 0) tile_of(p, u / p->groups, &t);
    (j->pass != POOL_MAX ? sums : j->new_index ? places : maxima)(p, &t, u % p->groups * VL);
  }
}

/* Tiles whose results find room, cut along the outermost axis first. */
static void cut(Plan *p) {
  int64_t *t = p->tile;
  bool deep = p->in[0] > 1 || p->out[0] > 1;
  for (int a = 0; a < 3; a++) t[a] = p->out[a] < ROOM ? p->out[a] : ROOM;
  if (t[2] > LINE) t[2] = LINE;
  while ((t[0] + deep) * t[1] * t[2] > ROOM) {
    int a = t[0] > 1 ? 0 : t[1] > 1 ? 1 : 2;
    t[a] = (t[a] + 1) / 2;
  }
  for (int a = 0; a < 3; a++) {
    p->tiles[a] = (p->out[a] + t[a] - 1) / t[a];
    t[a] = (p->out[a] + p->tiles[a] - 1) / p->tiles[a];
  }
}

void pool_lanes(PoolJob job) {
  const PoolShape *s = job.s;
  Plan p = {.job = &job, .back = job.pass == POOL_AVG_BACK, .inside = 1, .outside = 1};
  for (int a = 0; a < 3; a++) {
    const PoolAxis *axis = &s->axis[a];
    p.in[a] = p.back ? axis->out : axis->in;
    p.out[a] = p.back ? axis->in : axis->out;
    p.step[a] = p.back || axis->stride == 0 ? 1 : axis->dilation;
    p.inside *= p.in[a];
    p.outside *= p.out[a];
  }
  if (p.outside == 0) return;
  cut(&p);
  int64_t tiles = p.tiles[0] * p.tiles[1] * p.tiles[2];
  p.groups = (s->planes + VL - 1) / VL;
  int64_t places = VL * pool_inside(s) / tiles + 1; /* of a tile */
  p.bundle = places < POOL_PART / 2 ? POOL_PART / 2 / places : 1;
  team_run((p.groups * tiles + p.bundle - 1) / p.bundle, part, &p);
}
