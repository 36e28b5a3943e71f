/* The average of float32 over all of each plane, and its gradient. */
#include "impl.h"

#include "../vec.h"

bool pool_is_whole(const PoolShape *s) {
  for (int a = 0; a < 3; a++) {
    PoolSpan w = s->axis[a].out == 1 ? pool_window(&s->axis[a], 0) : (PoolSpan){0, 0};
    if (w.to - w.from != s->axis[a].in) return false;
  }
  return true;
}

/* The sum of n numbers in each lane, in turn over four vectors. */
VEC vf sum_lanes(const float *x, int64_t n) {
  vf a = {0}, b = {0}, c = {0}, d = {0};
  int64_t i = 0;
  for (; i + 4 * VL <= n; i += 4 * VL) {
    a += vf_load(x + i), b += vf_load(x + i + VL);
    c += vf_load(x + i + 2 * VL), d += vf_load(x + i + 3 * VL);
  }
  for (; i + VL <= n; i += VL) a += vf_load(x + i);
  if (i < n) b += vf_load_part(x + i, n - i);
  return (a + b) + (c + d);
}

static void means(const PoolJob *p, int64_t from, int64_t to, int64_t n, float count) {
  const float *x = (const float *)p->in;
  for (int64_t plane = from; plane < to; plane += VL) {
    int64_t lanes = to - plane < VL ? to - plane : VL;
    vf r[VL], sum = {0};
    for (int l = 0; l < VL; l++) r[l] = sum_lanes(x + (plane + (l < lanes ? l : 0)) * n, n);
    vf_transpose(r);
    for (int l = 0; l < VL; l++) sum += r[l];
    vf_store_part((float *)p->out + plane, sum / vf_all(count), lanes);
  }
}

static void part(void *job, int64_t k) {
  const PoolJob *p = job;
  int64_t from = k * p->bundle, most = p->s->planes, n = pool_inside(p->s);
  int64_t to = from + p->bundle < most ? from + p->bundle : most;
  float count = (float)pool_count(p->s, 0, 0, 0);
  if (p->pass == POOL_AVG) {
    means(p, from, to, n, count);
    return;
  }
  for (int64_t plane = from; plane < to; plane++) {
    float g = ((const float *)p->in)[plane] / count, *gx = (float *)p->out + plane * n;
    for (int64_t i = 0; i < n; i++) gx[i] = g;
  }
}

void pool_whole(PoolJob job) { pool_run(part, job); }
