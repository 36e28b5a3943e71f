/* The recursions of connectionist temporal classification, Graves and others 2006, with the places in
   lanes: rows are padded by places that no path takes. */
#include "ctc.h"

#include "math/vmath.h"

typedef struct {
  int64_t size;              /* of a row: count rounded up */
  double *now, *next;        /* two numbers before and behind a row are minus infinity */
  double *skip, *e, *shares; /* may a path step over the place before: 0 or minus infinity */
} Rows;

static Rows rows_of(const CtcSequence *q) {
  const int64_t size = (q->count + CTC_LANES - 1) / CTC_LANES * CTC_LANES,
                whole = size + 2 + CTC_LANES;
  Rows r = {size,
            q->room + 2,
            q->room + whole + 2,
            q->room + 2 * whole,
            q->room + 3 * whole,
            q->room + 4 * whole};
  for (int64_t i = 0; i < CTC_ROWS * whole; i++) q->room[i] = -INFINITY;
  for (int64_t s = 3; s < q->count; s += 2)
    if (q->places[s] != q->places[s - 2]) r.skip[s] = 0;
  return r;
}

/* The log probabilities of the places' classes at step t. */
static void emitted(const CtcSequence *q, int64_t t, double *restrict e) {
  const int64_t from = t * q->step - q->base;
  if (q->single)
    for (int64_t s = 0; s < q->count; s++) e[s] = ((const float *)q->p)[from + q->places[s]];
  else
    for (int64_t s = 0; s < q->count; s++) e[s] = ((const double *)q->p)[from + q->places[s]];
}

/* The logarithm of the sum of three numbers whose logarithms these are; a NaN is kept. */
VMATH double log_add(double a, double b, double c) {
  double low = a > b ? b : a, high = a > b ? a : b;
  double other = high > c ? c : high, top = high > c ? high : c;
  double from = top == -INFINITY ? 0 : top;
  return top + log_f64(1 + exp_f64(low - from) + exp_f64(other - from));
}

/* y[s]: from place s, the one before and, where it may be stepped over, the one before that. */
static void step_on(int64_t n, const double *restrict a, const double *restrict skip,
                    const double *restrict e, double *restrict y) {
  for (int64_t k = 0; k < n; k += CTC_LANES)
    for (int64_t s = k; s < k + CTC_LANES; s++)
      y[s] = log_add(a[s], a[s - 1], a[s - 2] + skip[s]) + e[s];
}

/* The same from the places behind. */
static void step_back(int64_t n, const double *restrict a, const double *restrict skip,
                      double *restrict y) {
  for (int64_t k = 0; k < n; k += CTC_LANES)
    for (int64_t s = k; s < k + CTC_LANES; s++)
      y[s] = log_add(a[s], a[s + 1], a[s + 2] + skip[s + 2]);
}

/* The shares of step t to the classes of their places. */
static void give(const CtcSequence *q, int64_t t, const double *shares, void *gx) {
  const int64_t from = t * q->step - q->base;
  if (q->single)
    for (int64_t s = 0; s < q->count; s++) ((float *)gx)[from + q->places[s]] += (float)shares[s];
  else
    for (int64_t s = 0; s < q->count; s++) ((double *)gx)[from + q->places[s]] += shares[s];
}

static void change(double **a, double **b) {
  double *other = *a;
  *a = *b;
  *b = other;
}

static double forward(const CtcSequence *q, double *alpha) {
  const int64_t S = q->count, T = q->steps;
  if (T == 0) return S == 1 ? 0 : INFINITY;
  Rows r = rows_of(q);
  emitted(q, 0, r.e);
  for (int64_t s = 0; s < S && s < 2; s++) r.now[s] = r.e[s];
  memcpy(alpha, r.now, (size_t)S * sizeof *alpha);
  for (int64_t t = 1; t < T; t++) {
    emitted(q, t, r.e);
    step_on(r.size, r.now, r.skip, r.e, r.next);
    memcpy(alpha + t * q->row, r.next, (size_t)S * sizeof *alpha);
    change(&r.now, &r.next);
  }
  return -log_add(r.now[S - 1], S > 1 ? r.now[S - 2] : -INFINITY, -INFINITY);
}

/* beta without the emission of its own step; the places' shares go to gx as it moves back. */
static void backward(const CtcSequence *q, const double *alpha, double loss, double scale,
                     void *gx) {
  const int64_t S = q->count, T = q->steps;
  Rows r = rows_of(q);
  for (int64_t t = T - 1; t >= 0; t--) {
    if (t == T - 1) {
      for (int64_t s = S > 1 ? S - 2 : 0; s < S; s++) r.now[s] = 0;
    } else {
      emitted(q, t + 1, r.e);
      for (int64_t s = 0; s < r.size; s++) r.next[s] += r.e[s];
      step_back(r.size, r.next, r.skip, r.now);
    }
    const double *a = alpha + t * q->row;
    for (int64_t s = 0; s < S; s++) r.shares[s] = a[s];
    for (int64_t k = 0; k < r.size; k += CTC_LANES)
      for (int64_t s = k; s < k + CTC_LANES; s++)
        r.shares[s] = scale * exp_f64(r.shares[s] + r.now[s] + loss);
    give(q, t, r.shares, gx);
    change(&r.now, &r.next);
  }
}

const CtcKernels AT_LEVEL(ctc_kernels) = {forward, backward};
