/* What the files of pooling share: windows, jobs and the float64 passes. */
#ifndef LUNETTE_POOL_IMPL_H
#define LUNETTE_POOL_IMPL_H

#include "pool.h"

#include "../team.h"

/* The window indices [*from, *to) of a window that starts at `start` and lie in 0..extent-1. */
static inline void pool_inside(int64_t start, int64_t extent, int64_t kernel, int64_t dilation,
                               int64_t *from, int64_t *to) {
  *from = start >= 0 ? 0 : (-start + dilation - 1) / dilation;
  *to = start >= extent ? 0 : (extent - 1 - start) / dilation + 1;
  if (*to > kernel) *to = kernel;
}

/* The outputs [*from, *to) of `outputs` for which output step + shift lies in 0..extent-1. */
static inline void pool_outputs(int64_t outputs, int64_t shift, int64_t extent, int64_t step,
                                int64_t *from, int64_t *to) {
  *from = shift >= 0 ? 0 : (-shift + step - 1) / step;
  *to = shift >= extent ? 0 : (extent - 1 - shift) / step + 1;
  if (*to > outputs) *to = outputs;
}

static inline int64_t pool_extent(int64_t start, int64_t extent, int64_t kernel, int64_t pad,
                                  bool padded) {
  int64_t end = start + kernel < extent + pad ? start + kernel : extent + pad;
  if (!padded && start < 0) start = 0;
  if (!padded && end > extent) end = extent;
  return end - start;
}

/* What the sum of window (i, j) is divided by; without padding in it, places inside x. */
static inline int64_t pool_count(const PoolShape *s, bool padded, int64_t i, int64_t j) {
  return pool_extent(i * s->sh - s->ph, s->h, s->kh, s->ph, padded) *
         pool_extent(j * s->sw - s->pw, s->w, s->kw, s->pw, padded);
}

enum PoolPass { POOL_MAX, POOL_MAX_BACK, POOL_GATHER, POOL_AVG, POOL_AVG_BACK };

typedef struct {
  const PoolShape *s;
  enum PoolPass pass;
  bool padded;
  const void *in;
  void *out;
  const int32_t *index;
  int32_t *new_index;
  int64_t bundle; /* planes in a part */
} PoolJob;

#define POOL_PART (64 << 10) /* places of x in a part, about */

static inline void pool_run(TeamFn part, PoolJob job) {
  int64_t plane = job.s->h * job.s->w;
  job.bundle = plane < POOL_PART ? POOL_PART / plane : 1;
  team_run((job.s->planes + job.bundle - 1) / job.bundle, part, &job);
}

#define pool_max_f64      AT_LEVEL(pool_max_f64)
#define pool_max_back_f64 AT_LEVEL(pool_max_back_f64)
#define pool_gather_f64   AT_LEVEL(pool_gather_f64)
#define pool_avg_f64      AT_LEVEL(pool_avg_f64)
#define pool_avg_back_f64 AT_LEVEL(pool_avg_back_f64)
void pool_max_f64(const PoolShape *s, const double *x, double *y, int32_t *index);
void pool_max_back_f64(const PoolShape *s, const double *gy, const int32_t *index, double *gx);
void pool_gather_f64(const PoolShape *s, const double *x, const int32_t *index, double *y);
void pool_avg_f64(const PoolShape *s, bool padded, const double *x, double *y);
void pool_avg_back_f64(const PoolShape *s, bool padded, const double *gy, double *gx);

#endif
