/* Owns the table of pooling kernels of one SIMD level, and which passes serve what. */
#include "impl.h"

#include <string.h>

/* One plane of float32, where it stands: what the gradient of the maximum and its own read. */
static void back_plane(int64_t places, int64_t windows, const float *gy, const int32_t *index,
                       float *gx) {
  memset(gx, 0, (size_t)places * sizeof *gx);
  for (int64_t i = 0; i < windows; i++) gx[index[i]] += gy[i];
}

static void part(void *job, int64_t k) {
  const PoolJob *p = job;
  const PoolShape *s = p->s;
  int64_t from = k * p->bundle, to = from + p->bundle < s->planes ? from + p->bundle : s->planes;
  int64_t inside = pool_inside(s), outside = pool_outside(s);
  bool pairs = pool_is_pairs(s, p->pass),
       back = p->pass == POOL_MAX_BACK || p->pass == POOL_AVG_BACK;
  for (int64_t i = from; i < to; i++) {
    const float *in = (const float *)p->in + i * (back ? outside : inside);
    float *out = (float *)p->out + i * (back ? inside : outside);
    const int32_t *index = p->index ? p->index + i * outside : NULL;
    int32_t *found = p->new_index ? p->new_index + i * outside : NULL;
    if (p->pass == POOL_GATHER) {
      for (int64_t o = 0; o < outside; o++) out[o] = in[index[o]];
    } else if (pairs) {
      pool_pairs(p, in, out, index, found);
    } else if (p->pass == POOL_MAX_BACK) {
      back_plane(inside, outside, in, index, out);
    } else {
      pool_rows(p, in, out, found);
    }
  }
}

/* Maxima and averages, which lanes can make. */
static void windows(PoolJob job) {
  if (pool_is_whole(job.s) && job.pass != POOL_MAX)
    pool_whole(job);
  else if (pool_is_pairs(job.s, job.pass) || pool_is_rows(job.s, job.pass))
    pool_run(part, job);
  else
    pool_lanes(job);
}

static void max_forward(const PoolShape *s, const float *x, float *y, int32_t *index) {
  windows((PoolJob){.s = s, .pass = POOL_MAX, .in = x, .out = y, .new_index = index});
}

static void max_backward(const PoolShape *s, const float *gy, const int32_t *index, float *gx) {
  pool_run(part, (PoolJob){.s = s, .pass = POOL_MAX_BACK, .in = gy, .out = gx, .index = index});
}

static void max_gather(const PoolShape *s, const float *x, const int32_t *index, float *y) {
  pool_run(part, (PoolJob){.s = s, .pass = POOL_GATHER, .in = x, .out = y, .index = index});
}

static void avg_forward(const PoolShape *s, const float *x, float *y) {
  windows((PoolJob){.s = s, .pass = POOL_AVG, .in = x, .out = y});
}

static void avg_backward(const PoolShape *s, const float *gy, float *gx) {
  windows((PoolJob){.s = s, .pass = POOL_AVG_BACK, .in = gy, .out = gx});
}

const PoolKernels AT_LEVEL(pool_kernels) = {.max_forward_f32 = max_forward,
                                            .max_forward_f64 = pool_max_f64,
                                            .max_backward_f32 = max_backward,
                                            .max_backward_f64 = pool_max_back_f64,
                                            .max_gather_f32 = max_gather,
                                            .max_gather_f64 = pool_gather_f64,
                                            .avg_forward_f32 = avg_forward,
                                            .avg_forward_f64 = pool_avg_f64,
                                            .avg_backward_f32 = avg_backward,
                                            .avg_backward_f64 = pool_avg_back_f64};
