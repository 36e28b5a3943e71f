/* Drawing positions with given weights. */
#include <float.h>
#include <math.h>

#include "../../kernels/random.h"
#include "../../kernels/transforms.h"
#include "../../loop/cast.h"
#include "../../machine/team.h"
#include "draw.h"

enum { BLOCK = 32, RUN = 512, GRAIN = 1 << 14 };

typedef struct Weights {
  RandomKey key;
  int64_t rows, n, k; /* k samples of each row of n weights */
  double *w;          /* [rows, n]; without replacement it becomes the times of arrival */
  double *sums;       /* [rows, blocks] running sums over blocks of the weights; with replacement */
  int64_t *out;       /* [rows, k] */
} Weights;

static int64_t blocks_of(int64_t n) { return (n + BLOCK - 1) / BLOCK; }

/* ---- checks ----------------------------------------------------------------------------------- */

/* In four lanes. */
static double sum_of(const double *x, int64_t n) {
  double s0 = 0, s1 = 0, s2 = 0, s3 = 0;
  int64_t i = 0;
  for (; i + 4 <= n; i += 4) {
    s0 += x[i];
    s1 += x[i + 1];
    s2 += x[i + 2];
    s3 += x[i + 3];
  }
  for (; i < n; i++) s0 += x[i];
  return (s0 + s1) + (s2 + s3);
}

static void check_row(const Weights *m, int64_t row, bool replacement) {
  const double *w = m->w + row * m->n;
  int64_t some = 0, wrong = 0;
  for (int64_t i = 0; i < m->n; i++) {
    some += w[i] > 0;
    wrong += !((w[i] >= 0) & (w[i] <= 1e300));
  }
  for (int64_t i = 0; wrong && i < m->n; i++) {
    if (!(w[i] >= 0 && w[i] <= 1e300)) {
      t_fail(
          "multinomial: weight %g at position %lld of row %lld; weights are 0 or more, and finite",
          w[i], (long long)i + 1, (long long)row + 1);
    }
  }
  if (m->k > 0 && some == 0) {
    t_fail("multinomial: all weights of row %lld are 0", (long long)row + 1);
  }
  if (!(sum_of(w, m->n) < INFINITY))
    t_fail("multinomial: the weights of row %lld are too large to add up", (long long)row + 1);
  if (!replacement && m->k > some) {
    t_fail(
        "multinomial: %lld samples of row %lld, where only %lld weights are not 0; ask for fewer "
        "or give {replacement = true}",
        (long long)m->k, (long long)row + 1, (long long)some);
  }
}

/* Input: weights [n] or [rows, n]. Attributes: num_samples, replacement. */
static void multinomial_infer(Call *c) {
  const Tensor *x = c->x[0];
  int64_t k = c->attr[0].i, shape[2];
  bool replacement = attr_int(c, 1, false);
  if (x->ndim < 1 || x->ndim > 2) {
    t_fail("multinomial: the weights are %s; [n] or [rows, n] is wanted", t_shape_str(x));
  }
  if (k < 1) t_fail("multinomial: num_samples is %lld; it is at least 1", (long long)k);
  call_scratch(c, sizeof(Weights));
  Weights *m = c->scratch;
  *m = (Weights){.k = k, .n = x->shape[x->ndim - 1]};
  m->rows = x->ndim == 2 ? x->shape[0] : 1;
  m->w = t_f64(cast_copy(x, T_F64));
  for (int64_t row = 0; row < m->rows; row++) check_row(m, row, replacement);
  if (replacement) m->sums = t_f64(t_new(T_F64, 2, (int64_t[]){m->rows, blocks_of(m->n)}));
  shape[0] = m->rows;
  shape[x->ndim - 1] = k;
  m->out = t_i64(call_out(c, 0, T_I64, x->ndim, shape));
  m->key = rng_next(rng_in_use());
}

/* ---- with replacement: where a uniform number falls among the running sums --------------------- */

/* The first of n rising numbers that is above v; the last where none is. */
static int64_t first_above(const double *x, int64_t n, double v) {
  int64_t lo = 0, hi = n - 1;
  while (lo < hi) {
    int64_t mid = lo + (hi - lo) / 2;
    if (x[mid] > v)
      hi = mid;
    else
      lo = mid + 1;
  }
  return lo;
}

static void sample_again(const Weights *m, int64_t row) {
  const int64_t blocks = blocks_of(m->n);
  const double *w = m->w + row * m->n;
  double *sums = m->sums + row * blocks, sum = 0;
  int64_t some = 1; /* blocks up to the last that holds a weight */
  for (int64_t b = 0; b < blocks; b++) {
    double here = sum_of(w + b * BLOCK, b + 1 < blocks ? BLOCK : m->n - b * BLOCK);
    sums[b] = sum += here;
    if (here > 0) some = b + 1;
  }
  uint64_t bits[RUN];
  for (int64_t s = 0; s < m->k; s++) {
    if (s % RUN == 0) draw_bits(&m->key, row * m->k + s, m->k - s < RUN ? m->k - s : RUN, bits);
    double v = draw_unit(bits[s % RUN]) * sum;
    int64_t b = first_above(sums, some, v), last = b * BLOCK, i = last;
    int64_t end = last + BLOCK < m->n ? last + BLOCK : m->n;
    double before = b ? sums[b - 1] : 0;
    for (; i < end && before <= v; i++) {
      before += w[i];
      if (w[i] > 0) last = i;
    }
    m->out[row * m->k + s] = last + T_BASE;
  }
}

/* ---- without: the first k arrivals of independent exponential clocks (Efraimidis & Spirakis 2006) */

static bool later(const double *time, int64_t a, int64_t b) {
  return time[a] > time[b] || (time[a] == time[b] && a > b);
}

/* heap: positions, the latest on top. */
static void sift_down(const double *time, int64_t *heap, int64_t n, int64_t i) {
  int64_t v = heap[i];
  for (int64_t child; (child = 2 * i + 1) < n; i = child) {
    if (child + 1 < n && later(time, heap[child + 1], heap[child])) child++;
    if (!later(time, heap[child], v)) break;
    heap[i] = heap[child];
  }
  heap[i] = v;
}

/* Weights become times; those of weight 0 never come. */
static void arrivals(const Weights *m, int64_t row) {
  const TransformLoops *loops = SIMD_PICK(transform_loops);
  const RandomKernels *random = SIMD_PICK(random_kernels);
  double *w = m->w + row * m->n, wait[RUN];
  for (int64_t from = 0; from < m->n; from += RUN) {
    int64_t n = m->n - from < RUN ? m->n - from : RUN;
    random->uniform_f64(&m->key, row * m->n + from, n, 0, 1, wait);
    loops->f64[TRANSFORM_EXPONENTIAL](n, wait, -1, 0);
    for (int64_t i = 0; i < n; i++)
      w[from + i] = w[from + i] > 0 ? fmin(wait[i] / w[from + i], DBL_MAX) : INFINITY;
  }
}

/* The earliest k so far are a heap in the row's own place of the result. */
static void sample_once(const Weights *m, int64_t row) {
  const double *time = m->w + row * m->n;
  int64_t *heap = m->out + row * m->k, n = m->k;
  arrivals(m, row);
  for (int64_t i = 0; i < n; i++) heap[i] = i;
  for (int64_t i = n / 2 - 1; i >= 0; i--) sift_down(time, heap, n, i);
  double latest = time[heap[0]];
  for (int64_t i = n; i < m->n; i++) {
    if (!(time[i] < latest)) continue;
    heap[0] = i;
    sift_down(time, heap, n, 0);
    latest = time[heap[0]];
  }
  while (n > 1) { /* in the order of arrival */
    int64_t last = heap[0];
    heap[0] = heap[--n];
    sift_down(time, heap, n, 0);
    heap[n] = last;
  }
  for (int64_t i = 0; i < m->k; i++) heap[i] += T_BASE;
}

/* ---- rows shared out ---------------------------------------------------------------------------- */

static int64_t rows_of_part(const Weights *m) { return GRAIN / (m->n + m->k) + 1; }

static void part(void *job, int64_t i) {
  const Weights *m = job;
  int64_t row = i * rows_of_part(m), end = row + rows_of_part(m);
  for (; row < end && row < m->rows; row++) (m->sums ? sample_again : sample_once)(m, row);
}

static const char *multinomial_run(Call *c) {
  Weights *m = c->scratch;
  team_run((m->rows + rows_of_part(m) - 1) / rows_of_part(m), part, m);
  return NULL;
}

/* ---- the rows ---------------------------------------------------------------------------------- */

static Op rows[] = {
    {.sig = "multinomial(x: tensor, num_samples: int, replacement: bool=false) -> positions: index",
     .doc = "Positions drawn with the weights in x, [n] or [rows, n], which need not add up to 1. "
            "Without replacement none comes twice. Weights are 0 or more.",
     .example = "tensor{0.0, 1.0, 0.0}:multinomial(1) --> int64 [1]  2",
     .test = "{{rand(5), 3}, {rand(2,4), 4}, {rand(2,3), 6, true}}",
     .ref = "reference.multinomial",
     .flags = OP_CONST | OP_RANDOM | OP_TENSOR,
     .infer = multinomial_infer,
     .run = multinomial_run},
};

FAMILY_PART(random, multinomial, rows);
