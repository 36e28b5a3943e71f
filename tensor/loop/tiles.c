/* Pointwise loops over operands of which some lie along another dimension than the output: sums of
   transposed matrices. The loop runs along the dimension in which fewer operands need turning; those
   are turned tile by tile, through buffers that stay in the nearest cache. */
#include "cast.h"
#include "../kernels/convert.h"
#include "plan.h"
#include "../machine/team.h"

enum {
  LEAST = 1 << 12, /* elements from where tiles pay */
  TILE = 1 << 12,  /* most elements of a tile */
  WIDTH = 256,     /* elements of a row of a tile, more where there are few rows */
  SQUARE = 64,     /* the same where the output is turned */
  SHORT = 4,       /* a dimension of fewer is not worth turning */
  ROW = 64,        /* rows from here on are worth a run of the loop of their own */
  LONG_ROW = 512   /* and from here on more than that: run_rows in iter.c */
};

typedef struct Tiles {
  const Plan *p;
  int along, across;     /* dimensions: of a tile's rows, and from row to row */
  int64_t width, height; /* of a tile: elements of a row, rows */
  int64_t tiles, per_part;
} Tiles;

/* ---- planning --------------------------------------------------------------------------------- */

static int64_t magnitude(int64_t v) { return v < 0 ? -v : v; }

/* Does o's memory run along d rather than along e? */
static bool runs_along(const Operand *o, int d, int e) {
  return o->stride[d] && o->stride[e] && magnitude(o->stride[d]) < magnitude(o->stride[e]);
}

/* The dimension along which the first input runs that does not run along the last; or -1. */
static int crossing(const Plan *p) {
  int last = p->ndim - 1, found = -1;
  for (int i = 0; i < p->nx && found < 0; i++) {
    for (int d = 0; d < last; d++) {
      int than = found < 0 ? last : found;
      if (p->shape[d] >= SHORT && runs_along(&p->x[i], d, than)) found = d;
    }
  }
  return found;
}

static int64_t pieces(int64_t n, int64_t of) { return (n + of - 1) / of; }
static int64_t least(int64_t a, int64_t b) { return a < b ? a : b; }

/* Are there many rows of middle length, and not all of memory dense? */
static bool has_rows(const Plan *p) {
  int last = p->ndim - 1;
  bool gaps = !p->y.dense;
  for (int i = 0; i < p->nx; i++) gaps = gaps || (!p->x[i].dense && !p->x[i].constant);
  return gaps && last > 0 && p->shape[last] >= ROW && p->shape[last] < LONG_ROW;
}

static bool plan(Tiles *t, const Plan *p) {
  int last = p->ndim - 1, other = crossing(p), turned = 0, turned_there = 1;
  if (other < 0 && has_rows(p)) other = last - 1;
  if (other < 0 || p->numel < LEAST || p->shape[last] < SHORT) return false;
  for (int i = 0; i < p->nx; i++) {
    turned += runs_along(&p->x[i], other, last);
    turned_there += runs_along(&p->x[i], last, other);
  }
  t->p = p;
  t->along = turned_there < turned ? other : last;
  t->across = t->along == last ? other : last;
  int64_t n = p->shape[t->along], rows = p->shape[t->across];
  t->width = least(n, turned == 0 ? LONG_ROW : t->along == last ? WIDTH : SQUARE);
  t->height = least(rows, TILE / t->width);
  t->width = least(n, TILE / t->height);
  t->tiles = p->numel / (n * rows) * pieces(n, t->width) * pieces(rows, t->height);
  t->per_part = pieces(PLAN_GRAIN, t->width * t->height);
  return true;
}

/* ---- one tile --------------------------------------------------------------------------------- */

/* What the loop is handed of an operand: `at`, `step` bytes further for each row. */
typedef struct Piece {
  char *there, *at;
  int64_t step;
} Piece;

typedef struct Buffers {
  _Alignas(64) char x[ITER_IN + 1][TILE * PLAN_WIDE], raw[TILE * PLAN_WIDE];
} Buffers;

static CopyBlock block_of(const Operand *o) {
  return SIMD_PICK(convert_kernels)->block[__builtin_ctzl((size_t)o->size)];
}

/* rows x n elements of o into a buffer of type `as`, row after row. */
static void gather(const Tiles *t, const Operand *o, const char *there, int64_t rows, int64_t n,
                   char *buffer, DType as, char *raw) {
  char *to = o->dtype == as ? buffer : raw;
  block_of(o)(rows, n, to, n, 1, there, o->stride[t->across], o->stride[t->along]);
  if (to == raw) cast_run(rows * n, raw, o->dtype, 1, buffer, as, 1);
}

static void scatter(const Tiles *t, const Operand *o, char *there, int64_t rows, int64_t n,
                    const char *buffer, DType from, char *raw) {
  if (o->dtype != from) {
    cast_run(rows * n, buffer, from, 1, raw, o->dtype, 1);
    buffer = raw;
  }
  block_of(o)(n, rows, there, o->stride[t->along], o->stride[t->across], buffer, 1, n);
}

static bool is_direct(const Tiles *t, const Operand *o, DType as) {
  return o->dtype == as && o->stride[t->along] == 1;
}

static void take(const Tiles *t, const Operand *o, Piece *piece, int64_t rows, int64_t n,
                 char *buffer, char *raw) {
  DType in = t->p->in;
  piece->at = buffer;
  piece->step = 0;
  if (is_direct(t, o, in)) {
    piece->at = piece->there;
    piece->step = o->stride[t->across] * o->size;
  } else if (o->stride[t->along]) {
    gather(t, o, piece->there, rows, n, buffer, in, raw);
    piece->step = n * (int64_t)dtype_size(in);
  }
}

/* Is the tile one run of the loop? */
static bool is_flat(const Tiles *t, const Piece *x, const Piece *y, int64_t n) {
  const Plan *p = t->p;
  bool flat = y->step == n * (int64_t)dtype_size(p->out);
  for (int i = 0; i < p->nx; i++) {
    flat = flat && (p->x[i].constant || x[i].step == n * (int64_t)dtype_size(p->in));
  }
  return flat;
}

static void loop(const Tiles *t, const Piece *x, const Piece *y, int64_t rows, int64_t n) {
  const Plan *p = t->p;
  const void *in[ITER_IN];
  bool flat = is_flat(t, x, y, n);
  if (flat) n *= rows, rows = 1;
  for (int64_t r = 0; r < rows; r++) {
    for (int i = 0; i < p->nx; i++) {
      const Operand *o = &p->x[i];
      int64_t down = o->stride[t->across];
      in[i] = x[i].at + r * x[i].step;
      if (!o->stride[t->along] && (r == 0 || down)) /* one value a row */
        cast_run(n, x[i].there + r * down * o->size, o->dtype, 0, x[i].at, p->in, 1);
    }
    p->loop(n, y->at + r * y->step, in, p->arg);
  }
}

static void tile(const Tiles *t, Piece *x, Piece *y, int64_t rows, int64_t n, Buffers *b) {
  const Plan *p = t->p;
  for (int i = 0; i < p->nx; i++) take(t, &p->x[i], &x[i], rows, n, b->x[i], b->raw);
  bool direct = is_direct(t, &p->y, p->out);
  y->at = direct ? y->there : b->x[ITER_IN];
  y->step = direct ? p->y.stride[t->across] * p->y.size : n * (int64_t)dtype_size(p->out);
  loop(t, x, y, rows, n);
  if (!direct) scatter(t, &p->y, y->there, rows, n, y->at, p->out, b->raw);
}

/* ---- all of them ------------------------------------------------------------------------------ */

/* Where tile k begins, as an index over the plan's dimensions. */
static void place_of(const Tiles *t, int64_t k, int64_t *index) {
  const Plan *p = t->p;
  for (int d = p->ndim - 1; d >= 0; d--) {
    int64_t size = d == t->along ? t->width : d == t->across ? t->height : 1;
    int64_t n = pieces(p->shape[d], size);
    index[d] = k % n * size;
    k /= n;
  }
}

static char *at_index(const Plan *p, const Operand *o, const int64_t *index) {
  int64_t offset = 0;
  for (int d = 0; d < p->ndim; d++) offset += index[d] * o->stride[d];
  return o->data + offset * o->size;
}

static void part(void *job, int64_t i) {
  const Tiles *t = job;
  const Plan *p = t->p;
  Buffers buffers;
  Piece x[ITER_IN], y;
  int64_t index[T_MAXDIM], end = least(t->tiles, (i + 1) * t->per_part);
  for (int64_t k = i * t->per_part; k < end; k++) {
    place_of(t, k, index);
    for (int j = 0; j < p->nx; j++) x[j].there = at_index(p, &p->x[j], index);
    y.there = at_index(p, &p->y, index);
    int64_t rows = least(t->height, p->shape[t->across] - index[t->across]);
    tile(t, x, &y, rows, least(t->width, p->shape[t->along] - index[t->along]), &buffers);
  }
}

bool tiles_map(const Plan *p) {
  Tiles t;
  if (!plan(&t, p)) return false;
  team_run(pieces(t.tiles, t.per_part), part, &t);
  return true;
}
