/* What the files of pooling share: windows, jobs and the passes of each file. */
#ifndef LUNETTE_POOL_IMPL_H
#define LUNETTE_POOL_IMPL_H

#include "pool.h"

#include "../../machine/team.h"

/* Places from, from + step ... below to. */
typedef struct {
  int64_t from, to;
} PoolSpan;

/* The places of window i inside 0..in-1, at steps of the dilation; where there is none the span is
   empty and begins inside. */
static inline PoolSpan pool_window(const PoolAxis *a, int64_t i) {
  if (a->stride == 0)
    return (PoolSpan){i * a->in / a->out, ((i + 1) * a->in + a->out - 1) / a->out};
  int64_t from = i * a->stride - a->pad, to = from + (a->kernel - 1) * a->dilation + 1;
  if (from < 0) from = a->dilation == 1 ? 0 : (from % a->dilation + a->dilation) % a->dilation;
  if (to > a->in) to = a->in;
  return from < to ? (PoolSpan){from, to} : (PoolSpan){0, 0};
}

/* The windows that count place x, without dilation: a run. */
static inline PoolSpan pool_owners(const PoolAxis *a, int64_t x) {
  if (a->stride == 0) return (PoolSpan){x * a->out / a->in, ((x + 1) * a->out + a->in - 1) / a->in};
  int64_t first = x + a->pad - a->kernel + 1, last = (x + a->pad) / a->stride + 1;
  int64_t from = first <= 0 ? 0 : (first + a->stride - 1) / a->stride;
  int64_t to = last < a->out ? last : a->out;
  return from < to ? (PoolSpan){from, to} : (PoolSpan){0, 0};
}

/* How many places the average of window i counts along the axis. */
static inline int64_t pool_counted(const PoolShape *s, const PoolAxis *a, int64_t i) {
  if (!s->padded || a->stride == 0) {
    PoolSpan w = pool_window(a, i);
    return w.to - w.from;
  }
  int64_t from = i * a->stride - a->pad, to = from + a->kernel, end = a->in + a->pad;
  return (to < end ? to : end) - from;
}

/* What the sum of window (k, i, j) is divided by. */
static inline int64_t pool_count(const PoolShape *s, int64_t k, int64_t i, int64_t j) {
  const PoolAxis *a = s->axis;
  if (s->divisor) return s->divisor;
  return pool_counted(s, &a[0], k) * pool_counted(s, &a[1], i) * pool_counted(s, &a[2], j);
}

static inline int64_t pool_inside(const PoolShape *s) {
  return s->axis[0].in * s->axis[1].in * s->axis[2].in;
}

static inline int64_t pool_outside(const PoolShape *s) {
  return s->axis[0].out * s->axis[1].out * s->axis[2].out;
}

enum PoolPass { POOL_MAX, POOL_MAX_BACK, POOL_GATHER, POOL_AVG, POOL_AVG_BACK };

typedef struct {
  const PoolShape *s;
  enum PoolPass pass;
  const void *in;
  void *out;
  const int32_t *index;
  int32_t *new_index;
  int64_t bundle; /* planes in a part */
} PoolJob;

#define POOL_PART (64 << 10) /* places of x in a part, about */

/* Parts of whole planes. */
static inline void pool_run(TeamFn part, PoolJob job) {
  int64_t plane = pool_inside(job.s);
  job.bundle = plane < POOL_PART ? POOL_PART / plane : 1;
  team_run((job.s->planes + job.bundle - 1) / job.bundle, part, &job);
}

#define pool_lanes        AT_LEVEL(pool_lanes)
#define pool_is_whole     AT_LEVEL(pool_is_whole)
#define pool_whole        AT_LEVEL(pool_whole)
#define pool_is_pairs     AT_LEVEL(pool_is_pairs)
#define pool_pairs        AT_LEVEL(pool_pairs)
#define pool_is_rows      AT_LEVEL(pool_is_rows)
#define pool_rows         AT_LEVEL(pool_rows)
#define pool_max_f64      AT_LEVEL(pool_max_f64)
#define pool_max_back_f64 AT_LEVEL(pool_max_back_f64)
#define pool_gather_f64   AT_LEVEL(pool_gather_f64)
#define pool_avg_f64      AT_LEVEL(pool_avg_f64)
#define pool_avg_back_f64 AT_LEVEL(pool_avg_back_f64)

/* float32: any windows, a plane in each lane; POOL_MAX, POOL_AVG and POOL_AVG_BACK. */
void pool_lanes(PoolJob job);
/* float32: one window over all of a plane; POOL_AVG and POOL_AVG_BACK. */
bool pool_is_whole(const PoolShape *s);
void pool_whole(PoolJob job);
/* Maxima of windows of 2 by 2 or 1 by 2 side by side: one plane, POOL_MAX or POOL_MAX_BACK. */
bool pool_is_pairs(const PoolShape *s, enum PoolPass pass);
void pool_pairs(const PoolJob *p, const float *in, float *out, const int32_t *index,
                int32_t *found);
/* One plane row by row, for few planes, windows without width and maxima of sequences in steps of
   1; POOL_MAX, POOL_AVG and POOL_AVG_BACK. */
bool pool_is_rows(const PoolShape *s, enum PoolPass pass);
void pool_rows(const PoolJob *p, const float *in, float *out, int32_t *found);

void pool_max_f64(const PoolShape *s, const double *x, double *y, int32_t *index);
void pool_max_back_f64(const PoolShape *s, const double *gy, const int32_t *index, double *gx);
void pool_gather_f64(const PoolShape *s, const double *x, const int32_t *index, double *y);
void pool_avg_f64(const PoolShape *s, const double *x, double *y);
void pool_avg_back_f64(const PoolShape *s, const double *gy, double *gx);

#endif
