/* The neighbours that a place is made of, and their weights, for a tile of places at a time: in loops
   that vectorise. REAL: float or double, defined by the file that includes this one. */
#include "impl.h"

#include <math.h>

enum { TILE = 64, MOST = 16 };

/* Along one axis; at: -1 outside; slope: the weight's derivative for the grid's coordinate. */
typedef struct {
  int32_t at[4][TILE];
  REAL w[4][TILE], slope[4][TILE];
} Line;

/* n[]: neighbours along each axis; count of them in all, at `at` in the plane or -1. */
typedef struct {
  int n[3], count;
  Line line[3];
  int32_t at[MOST][TILE];
  REAL w[MOST][TILE];
} Neighbours;

static inline REAL real_floor(REAL x) { return sizeof x == 4 ? floorf((float)x) : floor(x); }
static inline REAL real_round(REAL x) { return sizeof x == 4 ? rintf((float)x) : rint(x); }

/* The index of a whole number, -1 outside of 0..n-1 and for NaN. */
static inline int32_t index_of(REAL p, int32_t n) {
  p = p >= -1 ? p : -1;
  p = p < (1 << 30) ? p : (1 << 30);
  int32_t i = (int32_t)p;
  return i < n ? i : -1;
}

/* Folded at the edges low and low + span; *turn: the derivative. */
static inline REAL reflected(REAL p, REAL low, REAL span, REAL *turn) {
  REAL from = p - low, away = from < 0 ? -from : from, sign = from < 0 ? -1 : 1;
  REAL folds = real_floor(away / span), rest = away - folds * span;
  bool below = rest < 0, over = rest >= span; /* the quotient was rounded */
  folds = below ? folds - 1 : over ? folds + 1 : folds;
  rest = below ? rest + span : over ? rest - span : rest;
  bool odd = folds - 2 * real_floor(folds / 2) > (REAL)0.5;
  *turn = odd ? -sign : sign;
  return (odd ? span - rest : rest) + low;
}

/* Places p kept inside as the padding says, in 0..n-1; f: times the derivative, which is 0 at the
   edges. */
static void settle(const GridShape *s, int64_t n, REAL *restrict p, REAL *restrict f) {
  const REAL last = (REAL)(n - 1), low = s->align ? 0 : (REAL)-0.5,
             span = s->align ? last : (REAL)n;
  if (s->padding == GRID_ZEROS) return;
  if (s->padding == GRID_REFLECTION) {
    for (int i = 0; i < TILE && span > 0; i++) {
      REAL turn;
      p[i] = reflected(p[i], low, span, &turn);
      f[i] *= turn;
    }
  }
  for (int i = 0; i < TILE; i++) {
    bool under = p[i] <= 0, over = p[i] >= last;
    f[i] = under || over ? 0 : f[i];
    p[i] = under ? 0 : over ? last : p[i];
  }
}

static void line_linear(int32_t n, const REAL *restrict p, const REAL *restrict f,
                        Line *restrict o) {
  for (int i = 0; i < TILE; i++) {
    REAL low = real_floor(p[i]), rest = p[i] - low;
    o->at[0][i] = index_of(low, n);
    o->at[1][i] = index_of(low + 1, n);
    o->w[0][i] = 1 - rest;
    o->w[1][i] = rest;
    o->slope[0][i] = -f[i];
    o->slope[1][i] = f[i];
  }
}

/* Keys 1981 with a = -0.75, the neighbours at -1, 0, 1 and 2. */
static void line_cubic(const GridShape *s, int32_t n, const REAL *restrict p,
                       const REAL *restrict f, Line *restrict o) {
  const REAL a = (REAL)-0.75;
  for (int k = 0; k < 4; k++) {
    REAL q[TILE], unused[TILE];
    for (int i = 0; i < TILE; i++) {
      REAL low = real_floor(p[i]), rest = p[i] - low;
      REAL t = k < 2 ? rest + (1 - k) : (k - 1) - rest, side = k < 2 ? f[i] : -f[i];
      bool inner = k == 1 || k == 2;
      o->w[k][i] =
          inner ? ((a + 2) * t - (a + 3)) * t * t + 1 : ((a * t - 5 * a) * t + 8 * a) * t - 4 * a;
      o->slope[k][i] =
          side * (inner ? (3 * (a + 2) * t - 2 * (a + 3)) * t : (3 * a * t - 10 * a) * t + 8 * a);
      q[i] = low + (k - 1);
      unused[i] = 0;
    }
    settle(s, n, q, unused);
    for (int i = 0; i < TILE; i++) o->at[k][i] = index_of(real_round(q[i]), n);
  }
}

/* Neighbours along an axis of m places, the first m of a tile; the others are place 0 of the grid. */
static int line_of(const GridShape *s, int axis, int64_t m, const REAL *grid, Line *o) {
  const int64_t n = s->size[axis];
  const REAL scale = (REAL)(s->align ? n - 1 : n) / 2;
  REAL p[TILE] = {0}, f[TILE];
  for (int64_t i = 0; i < m; i++) p[i] = grid[i * s->nd + 2 - axis];
  for (int i = 0; i < TILE; i++) {
    p[i] = s->align ? (p[i] + 1) * scale : ((p[i] + 1) * (REAL)n - 1) / 2;
    f[i] = scale;
  }
  if (s->mode != GRID_CUBIC) settle(s, n, p, f);
  if (s->mode == GRID_LINEAR) line_linear((int32_t)n, p, f, o);
  if (s->mode == GRID_CUBIC) line_cubic(s, (int32_t)n, p, f, o);
  for (int i = 0; i < TILE && s->mode == GRID_NEAREST; i++) {
    o->at[0][i] = index_of(real_round(p[i]), (int32_t)n);
    o->w[0][i] = 1;
    o->slope[0][i] = 0;
  }
  return s->mode == GRID_LINEAR ? 2 : s->mode == GRID_CUBIC ? 4 : 1;
}

/* An axis that is not there. */
static int line_absent(Line *o) {
  for (int i = 0; i < TILE; i++) {
    o->at[0][i] = 0;
    o->w[0][i] = 1;
    o->slope[0][i] = 0;
  }
  return 1;
}

/* The neighbours of m <= TILE places; grid: theirs. */
static void neighbours_of(const GridShape *s, int64_t m, const REAL *grid, Neighbours *t) {
  const int32_t high = (int32_t)s->size[1], wide = (int32_t)s->size[2];
  for (int a = 0; a < 3; a++) {
    t->n[a] = a < 3 - s->nd ? line_absent(&t->line[a]) : line_of(s, a, m, grid, &t->line[a]);
  }
  t->count = 0;
  for (int i = 0; i < t->n[0]; i++)
    for (int j = 0; j < t->n[1]; j++)
      for (int k = 0; k < t->n[2]; k++, t->count++) {
        const int32_t *a = t->line[0].at[i], *b = t->line[1].at[j], *c = t->line[2].at[k];
        const REAL *u = t->line[0].w[i], *v = t->line[1].w[j], *w = t->line[2].w[k];
        int32_t *restrict at = t->at[t->count];
        REAL *restrict weight = t->w[t->count];
        for (int x = 0; x < TILE; x++) {
          at[x] = (a[x] | b[x] | c[x]) < 0 ? -1 : (a[x] * high + b[x]) * wide + c[x];
          weight[x] = u[x] * v[x] * w[x];
        }
      }
}

/* ggrid of m places, from the sums over the channels of gy times each neighbour. */
static void slopes_of(const GridShape *s, const Neighbours *t, int64_t m, const REAL (*sums)[TILE],
                      REAL *ggrid) {
  for (int axis = 3 - s->nd; axis < 3; axis++) {
    REAL g[TILE] = {0};
    for (int n = 0; n < t->count; n++) {
      const int k[3] = {n / t->n[2] / t->n[1], n / t->n[2] % t->n[1], n % t->n[2]};
      const REAL *v[3];
      for (int a = 0; a < 3; a++) v[a] = a == axis ? t->line[a].slope[k[a]] : t->line[a].w[k[a]];
      for (int x = 0; x < TILE; x++) g[x] += sums[n][x] * (v[0][x] * v[1][x] * v[2][x]);
    }
    for (int64_t i = 0; i < m; i++) ggrid[i * s->nd + 2 - axis] = g[i];
  }
}
