/* Strided copies. Dimensions are put into the order of y's memory and joined where both sides walk
   them as one; then rows are copied, or, where x's memory runs along another dimension than y's,
   tiles small enough for the nearest cache. */
#include "copy.h"

#include <string.h>

#include "../kernels/convert.h"
#include "../machine/team.h"

enum {
  GRAIN = 1 << 15, /* elements of a part */
  TILE = 32,       /* rows of a tile */
  WIDTH = 256,     /* and its columns: long runs are written */
  PAGE = 4096,
  ZEROS = 1 << 19 /* bytes of a part that clears */
};

typedef struct Dim {
  int64_t n, y, x; /* size, strides */
} Dim;

typedef struct Plan {
  CopyBlock block;
  char *y;
  const char *x;
  int64_t size;      /* bytes of an element */
  Dim along, across; /* columns and rows of a block; along is the last dimension of y's memory */
  bool tiled;
  int64_t piece; /* a unit is this many rows or, when there is only one, columns */
  int ndim;      /* the loops over units; the last one is over the pieces */
  Dim dim[T_MAXDIM];
  int64_t units, per_part;
} Plan;

/* ---- planning --------------------------------------------------------------------------------- */

static int64_t magnitude(int64_t v) { return v < 0 ? -v : v; }

/* The dimensions that are more than 1 long, the largest step of y first. */
static int list_dims(const Tensor *y, const Tensor *x, Dim *dim) {
  int n = 0, lead = y->ndim - x->ndim;
  for (int d = 0; d < y->ndim; d++) {
    if (y->shape[d] == 1) continue;
    bool here = d >= lead && x->shape[d - lead] != 1;
    Dim new = {y->shape[d], y->stride[d], here ? x->stride[d - lead] : 0};
    int at = n++;
    for (; at > 0 && magnitude(dim[at - 1].y) < magnitude(new.y); at--) dim[at] = dim[at - 1];
    dim[at] = new;
  }
  return n;
}

static int join(Dim *dim, int n) {
  int kept = 0;
  for (int d = 0; d < n; d++) {
    Dim *last = &dim[kept - 1];
    if (kept > 0 && last->y == dim[d].y * dim[d].n && last->x == dim[d].x * dim[d].n)
      *last = (Dim){last->n * dim[d].n, dim[d].y, dim[d].x};
    else
      dim[kept++] = dim[d];
  }
  return kept;
}

/* Which dimension x's memory runs along, when that is another than the last. */
static int other_run(const Dim *dim, int n) {
  int best = n - 1;
  for (int d = 0; d < n; d++) {
    bool shorter = magnitude(dim[d].x) < magnitude(dim[best].x);
    if (dim[d].x != 0 && dim[d].n >= 4 && dim[best].x != 0 && shorter) best = d;
  }
  return best;
}

static void plan(Plan *p, const Tensor *y, const Tensor *x) {
  Dim dim[T_MAXDIM];
  int n = join(dim, list_dims(y, x, dim));
  int run = n > 1 ? other_run(dim, n) : -1;
  p->tiled = run >= 0 && run != n - 1;
  int rows = p->tiled ? run : n - 2;
  p->along = n > 0 ? dim[n - 1] : (Dim){1, 1, 1};
  p->across = rows >= 0 ? dim[rows] : (Dim){1, 0, 0};
  p->ndim = 0;
  p->units = 1;
  for (int d = 0; d < n - 1; d++) {
    if (d == rows) continue;
    p->dim[p->ndim++] = dim[d];
    p->units *= dim[d].n;
  }
  const Dim *cut = p->across.n == 1 ? &p->along : &p->across;
  int64_t width = p->across.n == 1 ? 1 : p->along.n;
  p->piece = p->tiled ? TILE : (GRAIN + width - 1) / width;
  int64_t pieces = (cut->n + p->piece - 1) / p->piece;
  p->dim[p->ndim++] = (Dim){pieces, p->piece * cut->y, p->piece * cut->x};
  p->units *= pieces;
  int64_t each = (cut->n < p->piece ? cut->n : p->piece) * width;
  p->per_part = (GRAIN + each - 1) / each;
}

/* ---- running ---------------------------------------------------------------------------------- */

static void block(const Plan *p, int64_t rows, int64_t columns, char *y, const char *x) {
  p->block(rows, columns, y, p->across.y, p->along.y, x, p->across.x, p->along.x);
}

static void tiles(const Plan *p, int64_t rows, char *y, const char *x) {
  int64_t size = p->size * WIDTH;
  for (int64_t j = 0; j < p->along.n; j += WIDTH) {
    block(p, rows, p->along.n - j < WIDTH ? p->along.n - j : WIDTH, y, x);
    y += p->along.y * size;
    x += p->along.x * size;
  }
}

static void unit(const Plan *p, int64_t piece, char *y, const char *x) {
  bool one = p->across.n == 1;
  int64_t rest = (one ? p->along.n : p->across.n) - piece * p->piece;
  int64_t n = rest < p->piece ? rest : p->piece;
  if (p->tiled)
    tiles(p, n, y, x);
  else
    block(p, one ? 1 : n, one ? n : p->along.n, y, x);
}

static void part(void *job, int64_t i) {
  const Plan *p = job;
  int64_t u = i * p->per_part, left = p->units - u < p->per_part ? p->units - u : p->per_part;
  int64_t at[T_MAXDIM], y = 0, x = 0;
  int last = p->ndim - 1;
  for (int d = last; d >= 0; d--) {
    at[d] = u % p->dim[d].n;
    u /= p->dim[d].n;
    y += at[d] * p->dim[d].y;
    x += at[d] * p->dim[d].x;
  }
  for (; left > 0; left--) {
    unit(p, at[last], p->y + y * p->size, p->x + x * p->size);
    for (int d = last; d >= 0; d--) {
      y += p->dim[d].y;
      x += p->dim[d].x;
      if (++at[d] < p->dim[d].n) break;
      y -= p->dim[d].n * p->dim[d].y;
      x -= p->dim[d].n * p->dim[d].x;
      at[d] = 0;
    }
  }
}

void copy_into(Tensor *y, const Tensor *x) {
  size_t size = dtype_size((DType)y->dtype);
  if (y->numel == 0) return;
  if (y->numel <= GRAIN && x->numel == y->numel && t_is_contiguous(x) && t_is_contiguous(y)) {
    memcpy(t_data(y), t_data(x), (size_t)y->numel * size);
    return;
  }
  Plan p = {.y = t_data(y), .x = t_data(x), .size = (int64_t)size};
  p.block = SIMD_PICK(convert_kernels)->block[__builtin_ctzl(size)];
  plan(&p, y, x);
  team_run((p.units + p.per_part - 1) / p.per_part, part, &p);
}

typedef struct Zeros {
  char *to;
  size_t bytes;
} Zeros;

static void zeros_part(void *job, int64_t i) {
  const Zeros *z = job;
  size_t at = (size_t)i * ZEROS, left = z->bytes - at;
  memset(z->to + at, 0, left < ZEROS ? left : ZEROS);
}

void copy_zeros(void *to, size_t bytes) {
  Zeros z = {to, bytes};
  if (bytes <= ZEROS)
    memset(to, 0, bytes);
  else
    team_run((int64_t)((bytes - 1) / ZEROS + 1), zeros_part, &z);
}

static void claim_part(void *job, int64_t i) {
  const Zeros *z = job;
  size_t end = ((size_t)i + 1) * ZEROS;
  for (size_t at = (size_t)i * ZEROS; at < end && at < z->bytes; at += PAGE)
    ((volatile char *)z->to)[at] = 0;
}

void copy_claim(void *to, size_t bytes) {
  Zeros z = {to, bytes};
  team_run((int64_t)((bytes + ZEROS - 1) / ZEROS), claim_part, &z);
}
