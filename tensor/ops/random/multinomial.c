/* Drawing positions with given weights. */
#include <math.h>

#include "../../loop/cast.h"
#include "draw.h"

typedef struct Weights {
  RandomKey key;
  int64_t rows, n, k; /* k samples of each row of n weights */
  const double *w;    /* [rows, n] */
  double *work;       /* [n] running sums, or the times of arrival */
  int64_t *place;     /* [n] a heap of positions */
  uint64_t *bits;     /* [n or k] */
} Weights;

/* ---- checks ----------------------------------------------------------------------------------- */

static void check_row(const Weights *m, int64_t row, bool replacement) {
  const double *w = m->w + row * m->n;
  double sum = 0;
  int64_t some = 0;
  for (int64_t i = 0; i < m->n; i++) {
    if (!(w[i] >= 0 && w[i] <= 1e300)) {
      t_fail(
          "multinomial: weight %g at position %lld of row %lld; weights are 0 or more, and finite",
          w[i], (long long)i + 1, (long long)row + 1);
    }
    sum += w[i];
    some += w[i] > 0;
  }
  if (m->k > 0 && some == 0) {
    t_fail("multinomial: all weights of row %lld are 0", (long long)row + 1);
  }
  if (!(sum < INFINITY))
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
  int64_t bits = replacement ? k : m->n;
  m->work = t_f64(t_new(T_F64, 1, &m->n));
  m->place = t_i64(t_new(T_I64, 1, &m->n));
  m->bits = (uint64_t *)t_i64(t_new(T_I64, 1, &bits));
  shape[0] = m->rows;
  shape[x->ndim - 1] = k;
  call_out(c, 0, T_I64, x->ndim, shape);
  m->key = rng_next(rng_in_use());
}

/* ---- with replacement: where a uniform number falls among the running sums --------------------- */

static void sample_again(const Weights *m, int64_t row, int64_t *out) {
  const double *w = m->w + row * m->n;
  double sum = 0;
  int64_t last = 0;
  for (int64_t i = 0; i < m->n; i++) {
    m->work[i] = sum += w[i];
    if (w[i] > 0) last = i;
  }
  draw_bits(&m->key, row * m->k, m->k, m->bits);
  for (int64_t s = 0; s < m->k; s++) {
    double v = draw_unit(m->bits[s]) * sum;
    int64_t lo = 0, hi = last;
    while (lo < hi) {
      int64_t mid = lo + (hi - lo) / 2;
      if (m->work[mid] > v)
        hi = mid;
      else
        lo = mid + 1;
    }
    out[s] = lo + T_BASE;
  }
}

/* ---- without: the first k arrivals of independent exponential clocks (Efraimidis & Spirakis 2006) */

static void sift_down(const double *time, int64_t *heap, int64_t n, int64_t i) {
  int64_t v = heap[i];
  for (int64_t child; (child = 2 * i + 1) < n; i = child) {
    if (child + 1 < n && time[heap[child + 1]] < time[heap[child]]) child++;
    if (time[heap[child]] >= time[v]) break;
    heap[i] = heap[child];
  }
  heap[i] = v;
}

static void sample_once(const Weights *m, int64_t row, int64_t *out) {
  const double *w = m->w + row * m->n;
  int64_t n = 0;
  draw_bits(&m->key, row * m->n, m->n, m->bits);
  for (int64_t i = 0; i < m->n; i++) {
    m->work[i] = -log(1 - draw_unit(m->bits[i])) / w[i];
    if (w[i] > 0) m->place[n++] = i;
  }
  for (int64_t i = n / 2 - 1; i >= 0; i--) sift_down(m->work, m->place, n, i);
  for (int64_t s = 0; s < m->k; s++) {
    out[s] = m->place[0] + T_BASE;
    m->place[0] = m->place[--n];
    if (n > 0) sift_down(m->work, m->place, n, 0);
  }
}

static const char *multinomial_run(Call *c) {
  const Weights *m = c->scratch;
  for (int64_t row = 0; row < m->rows; row++) {
    int64_t *out = t_i64(c->y[0]) + row * m->k;
    if (attr_int(c, 1, false))
      sample_again(m, row, out);
    else
      sample_once(m, row, out);
  }
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
