/* Attention by blocks of queries and keys, which stay in the cache: Dao and others 2022,
   arXiv:2205.14135. Forward a part is a block of queries, backward a whole batch entry; the blocks
   are cut by shape alone. */
#include "../../kernels/attention.h"

#include <math.h>
#include <string.h>

#include "../../calc.h"
#include "../../blas/gemm.h"
#include "../../machine/team.h"
#include "attention.h"

enum { QUERIES = 64, KEYS = 256 }; /* of a block */

/* A call of either way, sizes in elements. */
typedef struct Job {
  bool f32, causal;
  int64_t B, L, S, E, F, blocks; /* blocks of queries in a batch entry */
  double scale, share;
  const Tensor *q, *k, *v, *mask, *keep, *y, *lse, *g;
  Tensor *out, *gq, *gk, *gv;
  char *scratch;
  size_t room; /* bytes of scratch for a thread */
} Job;

static Job job_of(const Call *c, const Tensor *q, const Tensor *k, const Tensor *v) {
  Job j = {.q = q, .k = k, .v = v, .f32 = q->dtype == T_F32, .causal = c->attr[CAUSAL].i != 0};
  j.B = q->shape[0], j.L = q->shape[1], j.E = q->shape[2], j.S = k->shape[1], j.F = v->shape[2];
  j.scale = c->attr[SCALE].f, j.share = c->attr[SHARE].f;
  j.blocks = (j.L + QUERIES - 1) / QUERIES;
  return j;
}

static char *at(const Tensor *x, int64_t i) {
  return (char *)t_data(x) + i * (int64_t)dtype_size((DType)x->dtype);
}

static void product(const Job *j, bool ta, bool tb, int64_t m, int64_t n, int64_t k, const void *a,
                    int64_t lda, const void *b, int64_t ldb, double beta, void *y, int64_t ldy) {
  if (j->f32)
    gemm_f32(ta, tb, m, n, k, a, lda, b, ldb, (float)beta, y, ldy);
  else
    gemm_f64(ta, tb, m, n, k, a, lda, b, ldb, beta, y, ldy);
}

static int64_t least(int64_t a, int64_t b) { return a < b ? a : b; }

/* The block of scores of queries from i and keys from `from` of batch entry b. */
static Scores scores_of(const Job *j, int64_t b, int64_t i, int64_t rows, int64_t from, int64_t n) {
  Scores s = {.rows = rows, .n = n, .ld = KEYS, .scale = j->scale, .share = j->share};
  s.causal = j->causal;
  s.visible = i - from + 1;
  if (j->mask) {
    const Tensor *m = j->mask;
    int64_t row = m->shape[1] > 1 ? i : 0, entry = m->shape[0] > 1 ? b : 0;
    s.mask = at(m, (entry * m->shape[1] + row) * j->S + from);
    s.ld_mask = m->shape[1] > 1 ? j->S : 0;
  }
  if (j->keep) {
    s.keep = (const uint8_t *)t_data(j->keep) + (b * j->L + i) * j->S + from;
    s.ld_keep = j->S;
  }
  return s;
}

/* How many keys the queries up to `last` see. */
static int64_t keys_of(const Job *j, int64_t last) {
  return j->causal ? least(j->S, last + 1) : j->S;
}

/* ---- forward --------------------------------------------------------------------------------------- */

void attention_infer(Call *c) {
  DType d = call_promote(c, Q, V + 1);
  for (int i = Q; i <= V; i++) call_want(c, i, d);
  if (c->x[MASK]) call_want(c, MASK, d);
  if (c->x[KEEP]) call_want(c, KEEP, T_U8);
  const int64_t *q = c->x[Q]->shape, shape[3] = {q[0], q[1], c->x[V]->shape[2]};
  call_out(c, 0, d, 3, shape);
  call_hidden(c, d, 2, shape);
  size_t row = (KEYS + 4) * dtype_size(d);
  call_scratch(c, (size_t)team_threads() * QUERIES * row);
}

/* What has been added up so far shrinks: y [rows,F] *= f [rows]; 1 / f where `over`. */
#define SCALE_ROWS(SUF, T)                                                                         \
  static void scale_rows_##SUF(int64_t rows, int64_t n, T *y, const T *f, bool over) {             \
    for (int64_t r = 0; r < rows; r++) {                                                           \
      T by = over ? 1 / f[r] : f[r];                                                               \
      for (int64_t i = 0; i < n; i++) y[r * n + i] *= by;                                          \
    }                                                                                              \
  }                                                                                                \
  static void begin_##SUF(int64_t rows, T *top, T *sum) {                                          \
    for (int64_t r = 0; r < rows; r++) {                                                           \
      top[r] = -(T)INFINITY;                                                                       \
      sum[r] = 0;                                                                                  \
    }                                                                                              \
  }                                                                                                \
  static void end_##SUF(int64_t rows, const T *top, const T *sum, T *lse) {                        \
    for (int64_t r = 0; r < rows; r++) lse[r] = top[r] + (T)log((double)sum[r]);                   \
  }
SCALE_ROWS(f32, float)
SCALE_ROWS(f64, double)

static void forward_part(void *job, int64_t part) {
  const Job *j = job;
  const AttentionKernels *f = SIMD_PICK(attention_kernels);
  int64_t b = part / j->blocks, i = part % j->blocks * QUERIES, rows = least(QUERIES, j->L - i);
  int64_t size = j->f32 ? 4 : 8, end = keys_of(j, i + rows - 1);
  char *s = j->scratch + (size_t)team_self() * j->room, *top = s + QUERIES * KEYS * size;
  char *sum = top + QUERIES * size, *old = sum + QUERIES * size;
  char *y = at(j->out, (b * j->L + i) * j->F);
  if (j->f32)
    begin_f32(rows, (float *)top, (float *)sum);
  else
    begin_f64(rows, (double *)top, (double *)sum);
  memset(y, 0, (size_t)(rows * j->F * size));
  for (int64_t from = 0; from < end; from += KEYS) {
    int64_t n = least(KEYS, end - from);
    Scores block = scores_of(j, b, i, rows, from, n);
    product(j, false, true, rows, n, j->E, at(j->q, (b * j->L + i) * j->E), j->E,
            at(j->k, (b * j->S + from) * j->E), j->E, 0, s, KEYS);
    if (j->f32) {
      f->forward_f32(&block, (float *)s, (float *)top, (float *)sum, (float *)old);
      if (from) scale_rows_f32(rows, j->F, (float *)y, (float *)old, false);
    } else {
      f->forward_f64(&block, (double *)s, (double *)top, (double *)sum, (double *)old);
      if (from) scale_rows_f64(rows, j->F, (double *)y, (double *)old, false);
    }
    product(j, false, false, rows, j->F, n, s, KEYS, at(j->v, (b * j->S + from) * j->F), j->F, 1, y,
            j->F);
  }
  if (j->f32) {
    scale_rows_f32(rows, j->F, (float *)y, (float *)sum, true);
    end_f32(rows, (float *)top, (float *)sum, (float *)at(j->lse, b * j->L + i));
  } else {
    scale_rows_f64(rows, j->F, (double *)y, (double *)sum, true);
    end_f64(rows, (double *)top, (double *)sum, (double *)at(j->lse, b * j->L + i));
  }
}

const char *attention_run(Call *c) {
  Job j = job_of(c, c->x[Q], c->x[K], c->x[V]);
  if (c->y[0]->numel == 0) return NULL;
  j.mask = c->x[MASK], j.keep = c->x[KEEP], j.out = c->y[0], j.lse = c->y[1];
  j.scratch = c->scratch;
  j.room = QUERIES * (KEYS + 4) * dtype_size((DType)j.q->dtype);
  team_run(j.B * j.blocks, forward_part, &j);
  return NULL;
}

/* ---- gradient ---------------------------------------------------------------------------------------- */

void attention_grad(Call *c, Tensor *const *gy, Tensor **gx) {
  Call r;
  t_call_into(&r, "attention_dx", "xxxxxxxxbff", gy[0], c->x[Q], c->x[K], c->x[V], c->y[0], c->y[1],
              c->x[MASK], c->x[KEEP], (int)c->attr[CAUSAL].i, c->attr[SCALE].f, c->attr[SHARE].f);
  for (int i = Q; i <= V; i++) {
    if (c->want[i]) gx[i] = r.y[i];
  }
}

enum { G, DQ, DK, DV, DY, DLSE, DMASK, DKEEP };

void attention_dx_infer(Call *c) {
  DType d = (DType)c->x[DQ]->dtype;
  for (int i = 0; i < c->nx; i++) {
    if (c->x[i]) call_want(c, i, i == DKEEP ? T_U8 : d);
  }
  for (int i = 0; i < 3; i++) call_out(c, i, d, 3, c->x[DQ + i]->shape);
  call_scratch(c, (size_t)team_threads() * QUERIES * (2 * KEYS + 1) * dtype_size(d));
}

/* delta[r] = g[r] . y[r] */
#define DOTS(SUF, T)                                                                               \
  static void dots_##SUF(int64_t rows, int64_t n, const T *g, const T *y, T *delta) {              \
    for (int64_t r = 0; r < rows; r++) {                                                           \
      double s = 0;                                                                                \
      for (int64_t i = 0; i < n; i++) s += (double)g[r * n + i] * (double)y[r * n + i];            \
      delta[r] = (T)s;                                                                             \
    }                                                                                              \
  }
DOTS(f32, float)
DOTS(f64, double)

static void back_block(const Job *j, int64_t b, int64_t i, char *s) {
  const AttentionKernels *f = SIMD_PICK(attention_kernels);
  int64_t rows = least(QUERIES, j->L - i), size = j->f32 ? 4 : 8, end = keys_of(j, i + rows - 1);
  char *dp = s + QUERIES * KEYS * size, *delta = dp + QUERIES * KEYS * size;
  const char *q = at(j->q, (b * j->L + i) * j->E), *lse = at(j->lse, b * j->L + i);
  const char *g = at(j->g, (b * j->L + i) * j->F), *y = at(j->y, (b * j->L + i) * j->F);
  if (j->f32)
    dots_f32(rows, j->F, (const float *)g, (const float *)y, (float *)delta);
  else
    dots_f64(rows, j->F, (const double *)g, (const double *)y, (double *)delta);
  for (int64_t from = 0; from < end; from += KEYS) {
    int64_t n = least(KEYS, end - from), ke = (b * j->S + from) * j->E,
            ve = (b * j->S + from) * j->F;
    Scores block = scores_of(j, b, i, rows, from, n);
    product(j, false, true, rows, n, j->E, q, j->E, at(j->k, ke), j->E, 0, s, KEYS);
    product(j, false, true, rows, n, j->F, g, j->F, at(j->v, ve), j->F, 0, dp, KEYS);
    if (j->f32)
      f->backward_f32(&block, (float *)s, (float *)dp, (const float *)lse, (float *)delta);
    else
      f->backward_f64(&block, (double *)s, (double *)dp, (const double *)lse, (double *)delta);
    product(j, true, false, n, j->F, rows, s, KEYS, g, j->F, 1, at(j->gv, ve), j->F);
    product(j, false, false, rows, j->E, n, dp, KEYS, at(j->k, ke), j->E, 1,
            at(j->gq, (b * j->L + i) * j->E), j->E);
    product(j, true, false, n, j->E, rows, dp, KEYS, q, j->E, 1, at(j->gk, ke), j->E);
  }
}

static void back_part(void *job, int64_t b) {
  const Job *j = job;
  size_t size = j->f32 ? 4 : 8;
  memset(at(j->gq, b * j->L * j->E), 0, (size_t)(j->L * j->E) * size);
  memset(at(j->gk, b * j->S * j->E), 0, (size_t)(j->S * j->E) * size);
  memset(at(j->gv, b * j->S * j->F), 0, (size_t)(j->S * j->F) * size);
  for (int64_t i = 0; i < j->L; i += QUERIES) {
    back_block(j, b, i, j->scratch + (size_t)team_self() * j->room);
  }
}

const char *attention_dx_run(Call *c) {
  Job j = job_of(c, c->x[DQ], c->x[DK], c->x[DV]);
  j.g = c->x[G], j.y = c->x[DY], j.lse = c->x[DLSE], j.mask = c->x[DMASK], j.keep = c->x[DKEEP];
  j.gq = c->y[0], j.gk = c->y[1], j.gv = c->y[2];
  j.scratch = c->scratch;
  j.room = QUERIES * (2 * KEYS + 1) * dtype_size((DType)j.q->dtype);
  if (j.B > 0) team_run(j.B, back_part, &j);
  return NULL;
}
