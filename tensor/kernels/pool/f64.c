/* Owns the pooling kernels for float64: plain loops over windows. */
#include "impl.h"

#include <math.h>
#include <string.h>

/* A window of a plane: along each axis the places of `span` at steps of `step`. */
typedef struct {
  PoolSpan span[3];
  int64_t step[3], h, w;
} Window;

static int64_t place(const Window *w, int64_t a, int64_t b, int64_t c) {
  return (a * w->h + b) * w->w + c;
}

/* x over the places of a window, in row-major order. */
#define EACH_PLACE(w, x)                                                                           \
  for (int64_t a = (w)->span[0].from; a < (w)->span[0].to; a += (w)->step[0])                      \
    for (int64_t b = (w)->span[1].from; b < (w)->span[1].to; b += (w)->step[1])                    \
      for (int64_t c = (w)->span[2].from, x = place(w, a, b, c); c < (w)->span[2].to;              \
           c += (w)->step[2], x = place(w, a, b, c))

static double window_max(const double *x, const Window *w, int32_t *index) {
  double most = -INFINITY;
  int64_t best = place(w, w->span[0].from, w->span[1].from, w->span[2].from);
  EACH_PLACE(w, i) {
    if (!(x[i] > most || isnan(x[i]))) continue;
    most = x[i];
    best = i;
  }
  if (index) *index = (int32_t)best;
  return most;
}

static double window_sum(const double *x, const Window *w) {
  double sum = 0;
  EACH_PLACE(w, i) sum += x[i];
  return sum;
}

static void window_add(double *gx, const Window *w, double g) { EACH_PLACE(w, i) gx[i] += g; }

/* Window (k, i, j) is number n of the plane. */
static void one(const PoolJob *p, const Window *w, const double *in, double *out, int64_t plane,
                int64_t n, double count) {
  int64_t at = plane * pool_outside(p->s) + n;
  switch (p->pass) {
  case POOL_MAX: out[n] = window_max(in, w, p->new_index ? p->new_index + at : NULL); break;
  case POOL_MAX_BACK: out[p->index[at]] += in[n]; break;
  case POOL_GATHER: out[n] = in[p->index[at]]; break;
  case POOL_AVG: out[n] = window_sum(in, w) / count; break;
  case POOL_AVG_BACK: window_add(out, w, in[n] / count); break;
  }
}

static void plane_f64(const PoolJob *p, int64_t plane) {
  const PoolAxis *axis = p->s->axis;
  int64_t inside = pool_inside(p->s), outside = pool_outside(p->s), n = 0;
  bool back = p->pass == POOL_MAX_BACK || p->pass == POOL_AVG_BACK;
  const double *in = (const double *)p->in + plane * (back ? outside : inside);
  double *out = (double *)p->out + plane * (back ? inside : outside);
  if (back) memset(out, 0, (size_t)inside * sizeof(double));
  Window w = {.h = axis[1].in, .w = axis[2].in};
  for (int a = 0; a < 3; a++) w.step[a] = axis[a].stride == 0 ? 1 : axis[a].dilation;
  for (int64_t k = 0; k < axis[0].out; k++) {
    w.span[0] = pool_window(&axis[0], k);
    for (int64_t i = 0; i < axis[1].out; i++) {
      w.span[1] = pool_window(&axis[1], i);
      for (int64_t j = 0; j < axis[2].out; j++, n++) {
        w.span[2] = pool_window(&axis[2], j);
        one(p, &w, in, out, plane, n, (double)pool_count(p->s, k, i, j));
      }
    }
  }
}

static void part_f64(void *job, int64_t part) {
  const PoolJob *p = job;
  int64_t from = part * p->bundle, most = p->s->planes;
  int64_t to = from + p->bundle < most ? from + p->bundle : most;
  for (int64_t plane = from; plane < to; plane++) plane_f64(p, plane);
}

void pool_max_f64(const PoolShape *s, const double *x, double *y, int32_t *index) {
  pool_run(part_f64, (PoolJob){.s = s, .pass = POOL_MAX, .in = x, .out = y, .new_index = index});
}

void pool_max_back_f64(const PoolShape *s, const double *gy, const int32_t *index, double *gx) {
  pool_run(part_f64, (PoolJob){.s = s, .pass = POOL_MAX_BACK, .in = gy, .out = gx, .index = index});
}

void pool_gather_f64(const PoolShape *s, const double *x, const int32_t *index, double *y) {
  pool_run(part_f64, (PoolJob){.s = s, .pass = POOL_GATHER, .in = x, .out = y, .index = index});
}

void pool_avg_f64(const PoolShape *s, const double *x, double *y) {
  pool_run(part_f64, (PoolJob){.s = s, .pass = POOL_AVG, .in = x, .out = y});
}

void pool_avg_back_f64(const PoolShape *s, const double *gy, double *gx) {
  pool_run(part_f64, (PoolJob){.s = s, .pass = POOL_AVG_BACK, .in = gy, .out = gx});
}
