/* All distances between two sets of vectors, and of all pairs of one set, each in one pass. */
#include <string.h>

#include "../../calc.h"
#include "../../kernels/distance.h"
#include "../../machine/team.h"

enum { BLOCK = 16 };   /* vectors of a part */
enum { PLACES = 256 }; /* partners of a block of pairs that are found at a time */
enum { P = 0 };        /* the attribute */

typedef struct Job {
  const DistanceOps *ops;
  double p;
  int64_t rows, others, m, blocks; /* a: [.., rows, m], b: [.., others, m]; blocks of rows */
  size_t size;
  const char *a, *b, *g;
  char *y, *ga, *weights; /* weights: [.., rows, others] */
} Job;

static int64_t blocks_of(int64_t rows) { return (rows + BLOCK - 1) / BLOCK; }

static Job job_of(const Call *c, const Tensor *a, const Tensor *b) {
  Job j = {.p = c->attr[P].f,
           .rows = a->shape[a->ndim - 2],
           .others = b->shape[b->ndim - 2],
           .m = a->shape[a->ndim - 1],
           .size = dtype_size((DType)a->dtype),
           .a = t_data(a),
           .b = t_data(b)};
  j.ops = SIMD_PICK(distance_kernels)->of[a->dtype];
  j.blocks = blocks_of(j.rows);
  return j;
}

static char *at(const char *x, int64_t i, size_t size) { return (char *)x + (size_t)i * size; }

/* ---- two sets: a [B,P,M], b [B,R,M] -> [B,P,R] -------------------------------------------------------- */

static void infer(Call *c) {
  const int64_t shape[3] = {c->x[0]->shape[0], c->x[0]->shape[1], c->x[1]->shape[1]};
  DType d = call_promote(c, 0, 2);
  call_want(c, 0, d);
  call_want(c, 1, d);
  call_out(c, 0, d, 3, shape);
}

static void part(void *job, int64_t k) {
  const Job *j = job;
  int64_t batch = k / j->blocks, from = k % j->blocks * BLOCK, row = batch * j->rows + from;
  int64_t rows = j->rows - from < BLOCK ? j->rows - from : BLOCK;
  j->ops->forward(j->p, j->m, rows, at(j->a, row * j->m, j->size), j->others,
                  at(j->b, batch * j->others * j->m, j->size), at(j->y, row * j->others, j->size),
                  j->others);
}

static const char *run(Call *c) {
  if (c->y[0]->numel == 0) return NULL;
  Job j = job_of(c, c->x[0], c->x[1]);
  j.y = t_data(c->y[0]);
  team_run(c->x[0]->shape[0] * j.blocks, part, &j);
  return NULL;
}

/* The gradient for a; that for b is the same with the sets exchanged. */
static void grad(Call *c, Tensor *const *gy, Tensor **gx) {
  Tensor *g = gy[0], *y = c->y[0];
  double p = c->attr[P].f;
  if (c->want[0]) gx[0] = t_call("distances_dx", "xxxxf", g, c->x[0], c->x[1], y, p);
  if (c->want[1]) {
    gx[1] = t_call("distances_dx", "xxxxf", t_transpose(g, 1, 2), c->x[1], c->x[0],
                   t_transpose(y, 1, 2), p);
  }
}

static Tensor *norms(Tensor *gap, double p) {
  const int64_t dim = gap->ndim - 1;
  return t_call("norm", "xflb", gap, p, 1, &dim, false);
}

static void compose(Call *c) {
  c->y[0] = norms(t_sub(t_unsqueeze(c->x[0], 2), t_unsqueeze(c->x[1], 1)), c->attr[P].f);
}

/* ---- its gradient: inputs g, a, b, y ----------------------------------------------------------------- */

static void dx_infer(Call *c) {
  for (int i = 0; i < 4; i++) call_contiguous(c, i);
  call_out(c, 0, (DType)c->x[1]->dtype, 3, c->x[1]->shape);
  call_scratch(c, (size_t)(c->x[0]->numel + 1) * dtype_size((DType)c->x[0]->dtype));
}

static void back_part(void *job, int64_t k) {
  const Job *j = job;
  int64_t batch = k / j->blocks, from = k % j->blocks * BLOCK;
  int64_t to = j->rows - from < BLOCK ? j->rows : from + BLOCK;
  for (int64_t i = batch * j->rows + from; i < batch * j->rows + to; i++) {
    char *w = at(j->weights, i * j->others, j->size), *y = at(j->y, i * j->others, j->size);
    j->ops->weights(j->p, j->others, at(j->g, i * j->others, j->size), y, w);
    j->ops->back(j->p, j->m, at(j->a, i * j->m, j->size), j->others,
                 at(j->b, batch * j->others * j->m, j->size), w, y, at(j->ga, i * j->m, j->size));
  }
}

static const char *dx_run(Call *c) {
  if (c->y[0]->numel == 0) return NULL;
  Job j = job_of(c, c->x[1], c->x[2]);
  j.g = t_data(c->x[0]);
  j.y = t_data(c->x[3]);
  j.ga = t_data(c->y[0]);
  j.weights = c->scratch;
  team_run(c->x[1]->shape[0] * j.blocks, back_part, &j);
  return NULL;
}

/* ---- pairs of one set: [N,M] -> [N (N-1) / 2] ---------------------------------------------------------- */

static void pairs_infer(Call *c) {
  int64_t n = c->x[0]->shape[0], count = n * (n - 1) / 2;
  DType d = call_promote(c, 0, 1);
  call_contiguous(c, 0);
  call_out(c, 0, d, 1, &count);
}

/* Where the pairs (i, i + 1), (i, i + 2), ... begin. */
static int64_t first_pair(int64_t n, int64_t i) { return i * n - i * (i + 1) / 2; }

static void pairs_part(void *job, int64_t k) {
  const Job *j = job;
  int64_t n = j->rows, from = k * BLOCK, rows = n - from < BLOCK ? n - from : BLOCK;
  double own[BLOCK * PLACES];
  for (int64_t b = from + 1; b < n; b += PLACES) {
    int64_t count = n - b < PLACES ? n - b : PLACES;
    j->ops->forward(j->p, j->m, rows, at(j->a, from * j->m, j->size), count,
                    at(j->a, b * j->m, j->size), own, PLACES);
    for (int64_t i = from; i < from + rows; i++) {
      int64_t first = b > i ? b : i + 1;
      if (first >= b + count) continue;
      memcpy(at(j->y, first_pair(n, i) + first - i - 1, j->size),
             at((char *)own, (i - from) * PLACES + first - b, j->size),
             (size_t)(b + count - first) * j->size);
    }
  }
}

static const char *pairs_run(Call *c) {
  if (c->y[0]->numel == 0) return NULL;
  Job j = job_of(c, c->x[0], c->x[0]);
  j.y = t_data(c->y[0]);
  team_run(j.blocks, pairs_part, &j);
  return NULL;
}

static void pairs_grad(Call *c, Tensor *const *gy, Tensor **gx) {
  gx[0] = t_call("pair_distances_dx", "xxxf", gy[0], c->x[0], c->y[0], c->attr[P].f);
}

/* The pairs (i, j), i < j, of n: two lists of positions. */
static void pairs_of(int64_t n, Tensor **first, Tensor **second) {
  int64_t count = n * (n - 1) / 2, k = 0;
  *first = t_new(T_I64, 1, &count);
  *second = t_new(T_I64, 1, &count);
  for (int64_t i = 0; i < n; i++) {
    for (int64_t j = i + 1; j < n; j++, k++) {
      t_i64(*first)[k] = i + T_BASE;
      t_i64(*second)[k] = j + T_BASE;
    }
  }
}

static void pairs_compose(Call *c) {
  Tensor *x = c->x[0], *first, *second;
  pairs_of(x->shape[0], &first, &second);
  Tensor *a = t_call("index_select", "xxi", x, first, (int64_t)0);
  c->y[0] = norms(t_sub(a, t_call("index_select", "xxi", x, second, (int64_t)0)), c->attr[P].f);
}

/* ---- its gradient: inputs g, x, y -------------------------------------------------------------------- */

static void pairs_dx_infer(Call *c) {
  const Tensor *x = c->x[1];
  size_t square = (size_t)(x->shape[0] * x->shape[0]);
  for (int i = 0; i < 3; i++) call_contiguous(c, i);
  call_out(c, 0, (DType)x->dtype, 2, x->shape);
  call_scratch(c, (3 * square + 1) * dtype_size((DType)x->dtype));
}

/* Rows from..to-1 of y [n,n]: the pairs' values on both sides of a diagonal of zeros. */
#define SQUARE(T)                                                                                  \
  static void square_##T(int64_t n, int64_t from, int64_t to, const void *pairs, void *y) {        \
    const T *p = pairs;                                                                            \
    T *out = y;                                                                                    \
    for (int64_t i = from; i < to; i++) {                                                          \
      out[i * n + i] = 0;                                                                          \
      memcpy(out + i * n + i + 1, p + first_pair(n, i), (size_t)(n - i - 1) * sizeof(T));          \
    }                                                                                              \
    for (int64_t k = 0; k < to; k++) {                                                             \
      int64_t first = first_pair(n, k) - k - 1;                                                    \
      for (int64_t i = from > k ? from : k + 1; i < to; i++) out[i * n + k] = p[first + i];        \
    }                                                                                              \
  }
SQUARE(uint32_t)
SQUARE(uint64_t)

typedef struct PairsBack {
  Job job;           /* its g and y: squares, of which each part makes its rows */
  const char *g, *y; /* of the pairs */
  char *g_rows;      /* job.g */
} PairsBack;

static void pairs_back_part(void *job, int64_t k) {
  PairsBack *b = job;
  const Job *j = &b->job;
  int64_t n = j->rows, from = k * BLOCK, to = n - from < BLOCK ? n : from + BLOCK;
  void (*square)(int64_t, int64_t, int64_t, const void *, void *) =
      j->size == 4 ? square_uint32_t : square_uint64_t;
  square(n, from, to, b->g, b->g_rows);
  square(n, from, to, b->y, j->y);
  back_part(&b->job, k);
}

static const char *pairs_dx_run(Call *c) {
  Tensor *gx = c->y[0];
  if (gx->numel == 0) return NULL;
  PairsBack b = {job_of(c, c->x[1], c->x[1]), t_data(c->x[0]), t_data(c->x[2]), NULL};
  Job *j = &b.job;
  int64_t square = j->rows * j->rows;
  j->weights = c->scratch;
  j->y = at(j->weights, square, j->size);
  j->g = b.g_rows = at(j->y, square, j->size);
  j->ga = t_data(gx);
  team_run(j->blocks, pairs_back_part, &b);
  return NULL;
}

static Op rows[] = {
    {.sig = "distances(x1: tensor, x2: tensor, p: float) -> y: tensor",
     .doc = "The distances of all vectors of x1 to all of x2: [B,P,M] and [B,R,M] -> [B,P,R].",
     .test = "{{randn(2,3,4), randn(2,2,4), 2}, {randn(1,2,3), randn(1,18,3), 1}, {randn(1,2,66), "
             "randn(1,3,66), 1}, {randn(1,2,66), randn(1,3,66), 2}, {randn(1,2,3), "
             "randn(1,3,3), 3}, {randn(1,2,70), randn(1,3,70), math.huge}, {randn(1,2,130), "
             "randn(1,2,130), 3.5}}",
     .ref = "reference.cdist",
     .flags = OP_HIDDEN,
     .save = SAVE_XS | SAVE_Y(0),
     .infer = infer,
     .run = run,
     .grad = grad,
     .compose = compose},
    {.sig = "distances_dx(g: tensor, x1: tensor, x2: tensor, y: tensor, p: float) -> gx: tensor",
     .doc = "Gradient of distances for x1.",
     .test = "{{randn(1,2,2), randn(1,2,3), randn(1,2,3), rand(1,2,2) + 0.5, 3}}",
     .flags = OP_HIDDEN | OP_CONST,
     .infer = dx_infer,
     .run = dx_run},
    {.sig = "pair_distances(x: tensor, p: float) -> y: tensor",
     .doc = "The distances of all pairs of vectors: [N,M] -> [N (N-1) / 2].",
     .test = "{{randn(4,3), 2}, {randn(18,2), 1}, {randn(3,2), 3}, {randn(1,2), 2}}",
     .ref = "reference.pdist",
     .flags = OP_HIDDEN,
     .save = SAVE_XS | SAVE_Y(0),
     .infer = pairs_infer,
     .run = pairs_run,
     .grad = pairs_grad,
     .compose = pairs_compose},
    {.sig = "pair_distances_dx(g: tensor, x: tensor, y: tensor, p: float) -> gx: tensor",
     .doc = "Gradient of pair_distances.",
     .test = "{{randn(3), randn(3,2), rand(3) + 0.5, 3}}",
     .flags = OP_HIDDEN | OP_CONST,
     .infer = pairs_dx_infer,
     .run = pairs_dx_run},
};

FAMILY_PART(distance, sets, rows);
