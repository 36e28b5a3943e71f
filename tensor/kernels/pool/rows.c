/* Pooling of float32 planes row by row, every window of a row at once: for few planes, and for
   windows that are one place wide. */
#include "impl.h"

#include "../vec.h"

#include <math.h>

/* The parts [*from, *to) of a window that starts at `start` and lie in 0..in-1. */
static void inside(const PoolAxis *a, int64_t start, int64_t *from, int64_t *to) {
  *from = start >= 0 ? 0 : (-start + a->dilation - 1) / a->dilation;
  *to = start >= a->in ? 0 : (a->in - 1 - start) / a->dilation + 1;
  if (*to > a->kernel) *to = a->kernel;
}

/* The windows [*from, *to) whose part at `shift` from the first place of window 0 lies inside. */
static void outputs(const PoolAxis *a, int64_t shift, int64_t *from, int64_t *to) {
  *from = shift >= 0 ? 0 : (-shift + a->stride - 1) / a->stride;
  *to = shift >= a->in ? 0 : (a->in - 1 - shift) / a->stride + 1;
  if (*to > a->out) *to = a->out;
}

enum { SIDE = 4 }; /* vectors side by side */

/* n <= `vectors` VL windows that lie side by side at steps of 1, from place `at` on: `rows` rows that
   are `down` places apart, the parts of each as many places apart as the dilation. */
VEC void max_block(bool keep, int vectors, int64_t n, const PoolAxis *c, const float *x, int64_t at,
                   int64_t rows, int64_t down, float *y, int32_t *index) {
  const int64_t step = c->dilation, width = c->kernel * step;
  vf v[SIDE];
  vi p[SIDE], lanes;
  int64_t m[SIDE];
  for (int l = 0; l < VL; l++) lanes[l] = l;
  for (int k = 0; k < vectors; k++) {
    m[k] = vectors > 1 ? VL : n;
    v[k] = vf_load_part(x + at + k * VL, m[k]);
    p[k] = lanes + (int32_t)(at + k * VL);
  }
  for (int64_t a = 0; a < rows; a++, at += down)
    for (int64_t b = a == 0 ? step : 0; b < width; b += step)
      for (int k = 0; k < vectors; k++) {
        int64_t from = at + b + k * VL;
        vf_take_max(&v[k], &p[k], vf_load_part(x + from, m[k]), lanes + (int32_t)from);
      }
  for (int k = 0; k < vectors; k++) {
    vf_store_part(y + k * VL, v[k], m[k]);
    if (keep) vi_store_part(index + k * VL, p[k], m[k]);
  }
}

/* Parts `rows` of one row of windows, which begin at row `top`: those of `inner` lie inside from side
   to side, at steps of 1. */
VEC void max_inner(bool keep, const PoolShape *s, const float *x, int64_t top, PoolSpan rows,
                   PoolSpan inner, float *y, int32_t *index) {
  const PoolAxis *r = &s->axis[1], *c = &s->axis[2];
  const int64_t down = r->dilation * c->in, count = rows.to - rows.from;
  int64_t first = (top + rows.from * r->dilation) * c->in - c->pad, q = inner.from;
  for (; q + SIDE * VL <= inner.to; q += SIDE * VL)
    max_block(keep, SIDE, 0, c, x, first + q, count, down, y + q, keep ? index + q : NULL);
  for (; q < inner.to; q += VL) {
    int64_t n = inner.to - q < VL ? inner.to - q : VL;
    max_block(keep, 1, n, c, x, first + q, count, down, y + q, keep ? index + q : NULL);
  }
}

/* The same for any windows q of [from, to), part by part. */
VEC void max_outer(const PoolShape *s, const float *x, int64_t top, PoolSpan rows, int64_t from,
                   int64_t to, float *y, int32_t *index) {
  const PoolAxis *r = &s->axis[1], *c = &s->axis[2];
  for (int64_t q = from; q < to; q++) {
    y[q] = -INFINITY;
    if (!index) continue;
    index[q] = (int32_t)((top + rows.from * r->dilation) * c->in + pool_window(c, q).from);
  }
  for (int64_t a = rows.from; a < rows.to; a++)
    for (int64_t b = 0; b < c->kernel; b++) {
      int64_t first, last, shift = b * c->dilation - c->pad, row = (top + a * r->dilation) * c->in;
      outputs(c, shift, &first, &last);
      if (first < from) first = from;
      if (last > to) last = to;
      for (int64_t q = first; q < last; q++) {
        float v = x[row + q * c->stride + shift];
        bool better = v > y[q] || v != v;
        y[q] = better ? v : y[q];
        if (index) index[q] = better ? (int32_t)(row + q * c->stride + shift) : index[q];
      }
    }
}

static void max_plane(const PoolShape *s, const float *x, float *y, int32_t *index) {
  const PoolAxis *r = &s->axis[1], *c = &s->axis[2];
  int64_t end = c->in + c->pad - c->dilation * (c->kernel - 1);
  PoolSpan inner = {c->pad, end < c->out ? end : c->out};
  if (c->stride != 1 || inner.from >= inner.to) inner = (PoolSpan){0, 0};
  for (int64_t i = 0; i < r->out; i++, y += c->out) {
    PoolSpan rows;
    int64_t top = i * r->stride - r->pad;
    inside(r, top, &rows.from, &rows.to);
    if (rows.from >= rows.to) rows = (PoolSpan){0, 0}, top = 0;
    PoolSpan whole = rows.from < rows.to ? inner : (PoolSpan){0, 0};
    if (index)
      max_inner(true, s, x, top, rows, whole, y, index);
    else
      max_inner(false, s, x, top, rows, whole, y, NULL);
    max_outer(s, x, top, rows, 0, whole.from, y, index);
    max_outer(s, x, top, rows, whole.to, c->out, y, index);
    if (index) index += c->out;
  }
}

/* y[q] = x[q] over what window first + q of row i counts, q < n; y may be x. Windows that lie inside
   count the same. */
static void divide(const PoolShape *s, int64_t i, int64_t first, int64_t n, const float *x,
                   float *y) {
  const PoolAxis *c = &s->axis[2];
  int64_t from = (c->pad + c->stride - 1) / c->stride - first, room = c->in + c->pad - c->kernel;
  int64_t to = room < 0 ? 0 : room / c->stride + 1 - first;
  from = from < 0 ? 0 : from < n ? from : n;
  to = to < from ? from : to < n ? to : n;
  for (int64_t q = 0; q < from; q++) y[q] = x[q] / (float)pool_count(s, 0, i, first + q);
  for (int64_t q = to; q < n; q++) y[q] = x[q] / (float)pool_count(s, 0, i, first + q);
  float count = (float)pool_count(s, 0, i, first + from);
  for (int64_t q = from; q < to; q++) y[q] = x[q] / count;
}

static void avg_plane(const PoolShape *s, const float *x, float *y) {
  const PoolAxis *r = &s->axis[1], *c = &s->axis[2];
  for (int64_t i = 0; i < r->out; i++, y += c->out) {
    PoolSpan rows = pool_window(r, i);
    for (int64_t q = 0; q < c->out; q++) y[q] = 0;
    for (int64_t a = rows.from; a < rows.to; a++) {
      const float *row = x + a * c->in;
      for (int64_t b = 0; b < c->kernel; b++) {
        int64_t from, to, shift = b - c->pad;
        outputs(c, shift, &from, &to);
        for (int64_t q = from; q < to; q++) y[q] += row[q * c->stride + shift];
      }
    }
    divide(s, i, 0, c->out, y, y);
  }
}

enum { PIECE = 256 };

/* Windows first..first+n-1 of row i, n <= PIECE, give back. */
static void give(const PoolShape *s, int64_t i, int64_t first, int64_t n, const float *gy,
                 float *gx) {
  const PoolAxis *c = &s->axis[2];
  PoolSpan rows = pool_window(&s->axis[1], i);
  float g[PIECE];
  divide(s, i, first, n, gy, g);
  for (int64_t a = rows.from; a < rows.to; a++) {
    float *row = gx + a * c->in;
    for (int64_t b = 0; b < c->kernel; b++) {
      int64_t from, to, shift = b - c->pad;
      outputs(c, shift, &from, &to);
      if (from < first) from = first;
      if (to > first + n) to = first + n;
      for (int64_t q = from; q < to; q++) row[q * c->stride + shift] += g[q - first];
    }
  }
}

static void avg_back_plane(const PoolShape *s, const float *gy, float *gx) {
  int64_t out = s->axis[2].out;
  memset(gx, 0, (size_t)pool_inside(s) * sizeof *gx);
  for (int64_t i = 0; i < s->axis[1].out; i++, gy += out) {
    for (int64_t q = 0; q < out; q += PIECE) {
      give(s, i, q, out - q < PIECE ? out - q : PIECE, gy + q, gx);
    }
  }
}

bool pool_is_rows(const PoolShape *s, enum PoolPass pass) {
  const PoolAxis *d = &s->axis[0], *r = &s->axis[1], *c = &s->axis[2];
  if (d->in > 1 || d->out > 1 || r->stride == 0 || c->stride == 0 || c->out < VL) return false;
  bool narrow = c->kernel == 1 && c->stride == 1;
  bool dense = pass == POOL_MAX && r->kernel == 1 && c->stride == 1;
  return narrow || dense || s->planes * 4 <= VL;
}

void pool_rows(const PoolJob *p, const float *in, float *out, int32_t *found) {
  if (p->pass == POOL_MAX)
    max_plane(p->s, in, out, found);
  else if (p->pass == POOL_AVG)
    avg_plane(p->s, in, out);
  else
    avg_back_plane(p->s, in, out);
}
