/* Owns the pooling kernels for float64: plain loops over windows. */
#include "pool_impl.h"

#include <math.h>
#include <string.h>

/* One window of an input plane: its rows a0..a1 and columns b0..b1, all inside. */
typedef struct {
  int64_t top, left, a0, a1, b0, b1;
} Window;

static Window window(const PoolShape *s, int64_t i, int64_t j) {
  Window w = {.top = i * s->sh - s->ph, .left = j * s->sw - s->pw};
  pool_inside(w.top, s->h, s->kh, s->dh, &w.a0, &w.a1);
  pool_inside(w.left, s->w, s->kw, s->dw, &w.b0, &w.b1);
  return w;
}

static double window_max(const PoolShape *s, const double *x, Window w, int32_t *index) {
  double most = -INFINITY;
  *index = (int32_t)((w.top + w.a0 * s->dh) * s->w + w.left + w.b0 * s->dw);
  for (int64_t a = w.a0; a < w.a1; a++)
    for (int64_t b = w.b0; b < w.b1; b++) {
      int64_t place = (w.top + a * s->dh) * s->w + w.left + b * s->dw;
      if (!(x[place] > most || isnan(x[place]))) continue;
      most = x[place];
      *index = (int32_t)place;
    }
  return most;
}

static double window_sum(const PoolShape *s, const double *x, Window w) {
  double sum = 0;
  for (int64_t a = w.a0; a < w.a1; a++)
    for (int64_t b = w.b0; b < w.b1; b++) sum += x[(w.top + a) * s->w + w.left + b];
  return sum;
}

static void window_add(const PoolShape *s, double *gx, Window w, double g) {
  for (int64_t a = w.a0; a < w.a1; a++)
    for (int64_t b = w.b0; b < w.b1; b++) gx[(w.top + a) * s->w + w.left + b] += g;
}

static void plane_f64(const PoolJob *p, int64_t plane) {
  const PoolShape *s = p->s;
  int64_t inside = s->h * s->w, outside = s->oh * s->ow;
  bool back = p->pass == POOL_MAX_BACK || p->pass == POOL_AVG_BACK;
  const double *in = (const double *)p->in + plane * (back ? outside : inside);
  double *out = (double *)p->out + plane * (back ? inside : outside);
  const int32_t *index = p->index ? p->index + plane * outside : NULL;
  if (back) memset(out, 0, (size_t)inside * sizeof(double));
  for (int64_t i = 0, k = 0; i < s->oh; i++)
    for (int64_t j = 0; j < s->ow; j++, k++) {
      Window w = window(s, i, j);
      switch (p->pass) {
      case POOL_MAX: out[k] = window_max(s, in, w, p->new_index + plane * outside + k); break;
      case POOL_MAX_BACK: out[index[k]] += in[k]; break;
      case POOL_GATHER: out[k] = in[index[k]]; break;
      case POOL_AVG: out[k] = window_sum(s, in, w) / (double)pool_count(s, p->padded, i, j); break;
      case POOL_AVG_BACK:
        window_add(s, out, w, in[k] / (double)pool_count(s, p->padded, i, j));
        break;
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

void pool_avg_f64(const PoolShape *s, bool padded, const double *x, double *y) {
  pool_run(part_f64, (PoolJob){.s = s, .pass = POOL_AVG, .padded = padded, .in = x, .out = y});
}

void pool_avg_back_f64(const PoolShape *s, bool padded, const double *gy, double *gx) {
  pool_run(part_f64,
           (PoolJob){.s = s, .pass = POOL_AVG_BACK, .padded = padded, .in = gy, .out = gx});
}
