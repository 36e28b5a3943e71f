/* Owns the pooling kernels for float32 and the table of one SIMD level. */
#include "pool_impl.h"

#include "../team.h"
#include "vec.h"

#include <math.h>

/* ---- maximum ---- */

/* Window (a, b) of one output row: outputs q of [from, to) meet row[q step + shift], at `place`s of
   the plane counted from the row's first. */
VEC void max_row(float *y, int32_t *index, const float *row, int64_t from, int64_t to, int64_t step,
                 int64_t shift, int32_t place) {
  for (int64_t q = from; q < to; q++) {
    float v = row[q * step + shift];
    bool better = v > y[q] || v != v;
    y[q] = better ? v : y[q];
    index[q] = better ? place + (int32_t)(q * step + shift) : index[q];
  }
}

static void max_plane(const PoolShape *s, const float *x, float *y, int32_t *index) {
  for (int64_t i = 0; i < s->oh; i++, y += s->ow, index += s->ow) {
    int64_t a0, a1;
    pool_inside(i * s->sh - s->ph, s->h, s->kh, s->dh, &a0, &a1);
    int64_t top = i * s->sh - s->ph;
    for (int64_t q = 0; q < s->ow; q++) {
      int64_t left = q * s->sw - s->pw, b = left >= 0 ? 0 : (-left + s->dw - 1) / s->dw;
      y[q] = -INFINITY;
      index[q] = (int32_t)((top + a0 * s->dh) * s->w + left + b * s->dw);
    }
    for (int64_t a = a0; a < a1; a++)
      for (int64_t b = 0; b < s->kw; b++) {
        int64_t from, to, row = top + a * s->dh;
        pool_outputs(s->ow, b * s->dw - s->pw, s->w, s->sw, &from, &to);
        max_row(y, index, x + row * s->w, from, to, s->sw, b * s->dw - s->pw,
                (int32_t)(row * s->w));
      }
  }
}

/* Windows of 2 side by side in a row. */
static bool is_pair(const PoolShape *s) {
  return s->kw == 2 && s->sw == 2 && s->pw == 0 && s->dw == 1 && 2 * s->ow <= s->w;
}

/* Windows of 2x2 side by side. */
static bool is_two(const PoolShape *s) {
  return is_pair(s) && s->kh == 2 && s->sh == 2 && s->ph == 0 && s->dh == 1 && 2 * s->oh <= s->h;
}

static bool is_flat(const PoolShape *s) {
  return is_pair(s) && s->kh == 1 && s->sh == 1 && s->ph == 0;
}

VEC vi lanes(void) {
  vi v;
  for (int i = 0; i < VL; i++) v[i] = i;
  return v;
}

VEC int64_t at_most(int64_t n, int64_t most) { return n < 0 ? 0 : n < most ? n : most; }

/* The maximum of a, b, c, d lane by lane, and where it stands: at p, p + 1, p + w or p + w + 1. */
typedef struct {
  vf value;
  vi place;
} Best;

VEC Best best_of(vf a, vf b, vf c, vf d, vi p, int32_t w) {
  vi right = b > a, low_right = d > c;
  vf top = vf_select(right, b, a), low = vf_select(low_right, d, c);
  vi down = low > top, top_place = p - right, low_place = p + w - low_right;
  return (Best){vf_select(down, low, top), (down & low_place) | (~down & top_place)};
}

VEC Best later(Best best, vf value, vi place) {
  vi wins = (value > best.value) | (value != value);
  return (Best){vf_select(wins, value, best.value), (wins & place) | (~wins & best.place)};
}

/* The same where some may be NaN. */
static __attribute__((noinline)) Best best_with_nan(vf a, vf b, vf c, vf d, vi p, int32_t w) {
  Best best = later((Best){a, p}, b, p + 1);
  return later(later(best, c, p + w), d, p + w + 1);
}

static void max_two(const PoolShape *s, const float *x, float *y, int32_t *index) {
  int32_t w = (int32_t)s->w;
  for (int64_t q = 0; q < s->ow; q += VL) {
    int64_t n = at_most(s->ow - q, VL), left = at_most(2 * n, VL), right = 2 * n - left;
    const float *top = x + 2 * q;
    vi place = 2 * lanes() + (int32_t)(2 * q);
    for (int64_t i = 0, to = q; i < s->oh; i++, to += s->ow, top += 2 * s->w, place += 2 * w) {
      const float *low = top + s->w;
      vf l = vf_load_part(top, left), r = vf_load_part(top + left, right);
      vf a = vf_even(l, r), b = vf_odd(l, r);
      l = vf_load_part(low, left), r = vf_load_part(low + left, right);
      vf c = vf_even(l, r), d = vf_odd(l, r), sum = (a + b) + (c + d);
      Best best = best_of(a, b, c, d, place, w);
      if (__builtin_expect(vi_any(sum != sum), 0)) best = best_with_nan(a, b, c, d, place, w);
      vf_store_part(y + to, best.value, n);
      vi_store_part(index + to, best.place, n);
    }
  }
}

/* Windows of 1x2. */
static void max_flat(const PoolShape *s, const float *x, float *y, int32_t *index) {
  for (int64_t i = 0; i < s->oh; i++, x += s->w, y += s->ow, index += s->ow) {
    for (int64_t q = 0; q < s->ow; q += VL) {
      int64_t n = at_most(s->ow - q, VL), left = at_most(2 * n, VL);
      vf l = vf_load_part(x + 2 * q, left), r = vf_load_part(x + 2 * q + left, 2 * n - left);
      vi place = 2 * lanes() + (int32_t)(i * s->w + 2 * q);
      Best best = later((Best){vf_even(l, r), place}, vf_odd(l, r), place + 1);
      vf_store_part(y + q, best.value, n);
      vi_store_part(index + q, best.place, n);
    }
  }
}

/* gx of one plane for 2x2 windows: each gy goes to one of its window's four places. */
static void max_back_two(const PoolShape *s, const float *gy, const int32_t *index, float *gx) {
  int32_t w = (int32_t)s->w;
  for (int64_t q = 0; q < s->ow; q += VL) {
    int64_t n = at_most(s->ow - q, VL), left = at_most(2 * n, VL), right = 2 * n - left;
    float *top = gx + 2 * q;
    vi first = 2 * lanes() + (int32_t)(2 * q);
    for (int64_t i = 0, from = q; i < s->oh; i++, from += s->ow, top += 2 * s->w, first += 2 * w) {
      vf g = vf_load_part(gy + from, n), none = {0};
      vi place = vi_load_part(index + from, n) - first;
      vf a = vf_select(place == 0, g, none), b = vf_select(place == 1, g, none);
      vf c = vf_select(place == w, g, none), d = vf_select(place == w + 1, g, none);
      vf_store_part(top, vf_zip_low(a, b), left);
      vf_store_part(top + s->w, vf_zip_low(c, d), left);
      if (right == 0) continue;
      vf_store_part(top + VL, vf_zip_high(a, b), right);
      vf_store_part(top + VL + s->w, vf_zip_high(c, d), right);
    }
  }
  for (int64_t x = 2 * s->ow; x < s->w; x++)
    for (int64_t i = 0; i < 2 * s->oh; i++) gx[i * s->w + x] = 0;
  int64_t rest = (s->h - 2 * s->oh) * s->w;
  if (rest > 0) memset(gx + 2 * s->oh * s->w, 0, (size_t)rest * sizeof(float));
}

static void max_back_plane(const PoolShape *s, const float *gy, const int32_t *index, float *gx) {
  memset(gx, 0, (size_t)(s->h * s->w) * sizeof(float));
  for (int64_t i = 0; i < s->oh * s->ow; i++) gx[index[i]] += gy[i];
}

/* ---- average ---- */

/* The windows in a row that lie inside the plane, all of one width: [*from, *to). */
static void whole_windows(const PoolShape *s, int64_t *from, int64_t *to) {
  *from = (s->pw + s->sw - 1) / s->sw;
  *to = s->w + s->pw < s->kw ? 0 : (s->w + s->pw - s->kw) / s->sw + 1;
  if (*to > s->ow) *to = s->ow;
  if (*from > *to) *from = *to;
}

/* y[0..n-1] = x over what the windows first..first+n-1 of row i count; y may be x. */
static void divide(const PoolShape *s, bool padded, int64_t i, int64_t first, int64_t n,
                   const float *x, float *y) {
  int64_t from, to;
  whole_windows(s, &from, &to);
  from = from < first ? 0 : from - first < n ? from - first : n;
  to = to - first < from ? from : to - first < n ? to - first : n;
  for (int64_t q = 0; q < from; q++) y[q] = x[q] / (float)pool_count(s, padded, i, first + q);
  for (int64_t q = to; q < n; q++) y[q] = x[q] / (float)pool_count(s, padded, i, first + q);
  if (from == to) return;
  float count = (float)pool_count(s, padded, i, first + from);
  for (int64_t q = from; q < to; q++) y[q] = x[q] / count;
}

/* y[q] += the pair of row at 2 q. */
static void add_pairs(int64_t n, const float *row, float *y) {
  for (int64_t q = 0; q < n; q += VL) {
    int64_t m = at_most(n - q, VL), left = at_most(2 * m, VL);
    vf l = vf_load_part(row + 2 * q, left), r = vf_load_part(row + 2 * q + left, 2 * m - left);
    vf_store_part(y + q, vf_load_part(y + q, m) + (vf_even(l, r) + vf_odd(l, r)), m);
  }
}

static void avg_plane(const PoolShape *s, bool padded, const float *x, float *y) {
  bool pairs = is_pair(s);
  for (int64_t i = 0; i < s->oh; i++, y += s->ow) {
    int64_t a0, a1, top = i * s->sh - s->ph;
    pool_inside(top, s->h, s->kh, 1, &a0, &a1);
    for (int64_t q = 0; q < s->ow; q++) y[q] = 0;
    for (int64_t a = a0; a < a1; a++) {
      const float *row = x + (top + a) * s->w;
      if (pairs) add_pairs(s->ow, row, y);
      for (int64_t b = 0; b < s->kw && !pairs; b++) {
        int64_t from, to, shift = b - s->pw;
        pool_outputs(s->ow, shift, s->w, s->sw, &from, &to);
        for (int64_t q = from; q < to; q++) y[q] += row[q * s->sw + shift];
      }
    }
    divide(s, padded, i, 0, s->ow, y, y);
  }
}

/* Both places of pair q of row get g[q] more. */
static void give_pairs(int64_t n, const float *g, float *row) {
  for (int64_t q = 0; q < n; q += VL) {
    int64_t m = at_most(n - q, VL), left = at_most(2 * m, VL), right = 2 * m - left;
    vf v = vf_load_part(g + q, m);
    float *to = row + 2 * q;
    vf_store_part(to, vf_load_part(to, left) + vf_zip_low(v, v), left);
    if (right > 0) vf_store_part(to + VL, vf_load_part(to + VL, right) + vf_zip_high(v, v), right);
  }
}

enum { PIECE = 256 };

/* Windows first..first+n-1 of row i, n <= PIECE, give back. */
static void give_windows(const PoolShape *s, bool padded, int64_t i, int64_t first, int64_t n,
                         const float *gy, float *gx) {
  float g[PIECE];
  int64_t a0, a1, top = i * s->sh - s->ph;
  pool_inside(top, s->h, s->kh, 1, &a0, &a1);
  divide(s, padded, i, first, n, gy, g);
  for (int64_t a = a0; a < a1; a++) {
    float *row = gx + (top + a) * s->w;
    if (is_pair(s)) {
      give_pairs(n, g, row + 2 * first);
      continue;
    }
    for (int64_t b = 0; b < s->kw; b++) {
      int64_t from, to, shift = b - s->pw;
      pool_outputs(s->ow, shift, s->w, s->sw, &from, &to);
      if (from < first) from = first;
      if (to > first + n) to = first + n;
      for (int64_t q = from; q < to; q++) row[q * s->sw + shift] += g[q - first];
    }
  }
}

static void avg_back_plane(const PoolShape *s, bool padded, const float *gy, float *gx) {
  memset(gx, 0, (size_t)(s->h * s->w) * sizeof(float));
  for (int64_t i = 0; i < s->oh; i++, gy += s->ow) {
    for (int64_t q = 0; q < s->ow; q += PIECE)
      give_windows(s, padded, i, q, s->ow - q < PIECE ? s->ow - q : PIECE, gy + q, gx);
  }
}

/* ---- sharing out ---- */

static void part_f32(void *job, int64_t part) {
  const PoolJob *p = job;
  const PoolShape *s = p->s;
  int64_t from = part * p->bundle, to = from + p->bundle < s->planes ? from + p->bundle : s->planes;
  int64_t inside = s->h * s->w, outside = s->oh * s->ow;
  for (int64_t i = from; i < to; i++) {
    const float *in = p->in;
    float *out = p->out;
    const int32_t *index = p->index ? p->index + i * outside : NULL;
    switch (p->pass) {
    case POOL_MAX:
      (is_two(s)    ? max_two
       : is_flat(s) ? max_flat
                    : max_plane)(s, in + i * inside, out + i * outside, p->new_index + i * outside);
      break;
    case POOL_MAX_BACK:
      (is_two(s) ? max_back_two : max_back_plane)(s, in + i * outside, index, out + i * inside);
      break;
    case POOL_GATHER:
      for (int64_t k = 0; k < outside; k++) out[i * outside + k] = in[i * inside + index[k]];
      break;
    case POOL_AVG: avg_plane(s, p->padded, in + i * inside, out + i * outside); break;
    case POOL_AVG_BACK: avg_back_plane(s, p->padded, in + i * outside, out + i * inside); break;
    }
  }
}

static void max_forward(const PoolShape *s, const float *x, float *y, int32_t *index) {
  pool_run(part_f32, (PoolJob){.s = s, .pass = POOL_MAX, .in = x, .out = y, .new_index = index});
}

static void max_backward(const PoolShape *s, const float *gy, const int32_t *index, float *gx) {
  pool_run(part_f32, (PoolJob){.s = s, .pass = POOL_MAX_BACK, .in = gy, .out = gx, .index = index});
}

static void max_gather(const PoolShape *s, const float *x, const int32_t *index, float *y) {
  pool_run(part_f32, (PoolJob){.s = s, .pass = POOL_GATHER, .in = x, .out = y, .index = index});
}

static void avg_forward(const PoolShape *s, bool padded, const float *x, float *y) {
  pool_run(part_f32, (PoolJob){.s = s, .pass = POOL_AVG, .padded = padded, .in = x, .out = y});
}

static void avg_backward(const PoolShape *s, bool padded, const float *gy, float *gx) {
  pool_run(part_f32,
           (PoolJob){.s = s, .pass = POOL_AVG_BACK, .padded = padded, .in = gy, .out = gx});
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
