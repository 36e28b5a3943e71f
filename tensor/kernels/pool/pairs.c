/* Maxima of float32 in windows of 2 by 2 or 1 by 2 side by side, and their gradient: two vectors of
   a row make one of even and one of odd places. */
#include "impl.h"

#include "../vec.h"

/* Windows of 2 side by side. */
static bool side_by_side(const PoolAxis *a) {
  return a->kernel == 2 && a->stride == 2 && a->pad == 0 && a->dilation == 1 && 2 * a->out <= a->in;
}

static bool alone(const PoolAxis *a) { return a->in == 1 && a->out == 1; }

/* Rows of windows each one row high. */
static bool is_flat(const PoolShape *s) {
  const PoolAxis *r = &s->axis[1];
  return r->kernel == 1 && r->stride == 1 && r->pad == 0;
}

bool pool_is_pairs(const PoolShape *s, enum PoolPass pass) {
  const PoolAxis *a = s->axis;
  if (!alone(&a[0]) || !side_by_side(&a[2])) return false;
  return side_by_side(&a[1]) ? pass <= POOL_MAX_BACK : is_flat(s) && pass == POOL_MAX;
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
  vf_take_max(&best.value, &best.place, value, place);
  return best;
}

/* The same where some may be NaN. */
static __attribute__((noinline)) Best best_with_nan(vf a, vf b, vf c, vf d, vi p, int32_t w) {
  Best best = later((Best){a, p}, b, p + 1);
  return later(later(best, c, p + w), d, p + w + 1);
}

static void max_two(const PoolShape *s, const float *x, float *y, int32_t *index) {
  const int64_t oh = s->axis[1].out, ow = s->axis[2].out;
  const int32_t w = (int32_t)s->axis[2].in;
  for (int64_t q = 0; q < ow; q += VL) {
    int64_t n = at_most(ow - q, VL), left = at_most(2 * n, VL), right = 2 * n - left;
    const float *top = x + 2 * q;
    vi place = 2 * lanes() + (int32_t)(2 * q);
    for (int64_t i = 0, to = q; i < oh; i++, to += ow, top += 2 * w, place += 2 * w) {
      const float *low = top + w;
      vf l = vf_load_part(top, left), r = vf_load_part(top + left, right);
      vf a = vf_even(l, r), b = vf_odd(l, r);
      l = vf_load_part(low, left), r = vf_load_part(low + left, right);
      vf c = vf_even(l, r), d = vf_odd(l, r), sum = (a + b) + (c + d);
      Best best = best_of(a, b, c, d, place, w);
      if (__builtin_expect(vi_any(sum != sum), 0)) best = best_with_nan(a, b, c, d, place, w);
      vf_store_part(y + to, best.value, n);
      if (index) vi_store_part(index + to, best.place, n);
    }
  }
}

/* Windows of 1x2. */
static void max_flat(const PoolShape *s, const float *x, float *y, int32_t *index) {
  const int64_t oh = s->axis[1].out, ow = s->axis[2].out, w = s->axis[2].in;
  for (int64_t i = 0; i < oh; i++, x += w, y += ow) {
    for (int64_t q = 0; q < ow; q += VL) {
      int64_t n = at_most(ow - q, VL), left = at_most(2 * n, VL);
      vf l = vf_load_part(x + 2 * q, left), r = vf_load_part(x + 2 * q + left, 2 * n - left);
      vi place = 2 * lanes() + (int32_t)(i * w + 2 * q);
      Best best = later((Best){vf_even(l, r), place}, vf_odd(l, r), place + 1);
      vf_store_part(y + q, best.value, n);
      if (index) vi_store_part(index + i * ow + q, best.place, n);
    }
  }
}

/* gx of one plane for 2x2 windows: each gy goes to one of its window's four places. */
static void max_back_two(const PoolShape *s, const float *gy, const int32_t *index, float *gx) {
  const int64_t oh = s->axis[1].out, ow = s->axis[2].out;
  const int32_t w = (int32_t)s->axis[2].in;
  for (int64_t q = 0; q < ow; q += VL) {
    int64_t n = at_most(ow - q, VL), left = at_most(2 * n, VL), right = 2 * n - left;
    float *top = gx + 2 * q;
    vi first = 2 * lanes() + (int32_t)(2 * q);
    for (int64_t i = 0, from = q; i < oh; i++, from += ow, top += 2 * w, first += 2 * w) {
      vf g = vf_load_part(gy + from, n), none = {0};
      vi place = vi_load_part(index + from, n) - first;
      vf a = vf_select(place == 0, g, none), b = vf_select(place == 1, g, none);
      vf c = vf_select(place == w, g, none), d = vf_select(place == w + 1, g, none);
      vf_store_part(top, vf_zip_low(a, b), left);
      vf_store_part(top + w, vf_zip_low(c, d), left);
      if (right == 0) continue;
      vf_store_part(top + VL, vf_zip_high(a, b), right);
      vf_store_part(top + VL + w, vf_zip_high(c, d), right);
    }
  }
  for (int64_t x = 2 * ow; x < w; x++)
    for (int64_t i = 0; i < 2 * oh; i++) gx[i * w + x] = 0;
  int64_t rest = (s->axis[1].in - 2 * oh) * w;
  if (rest > 0) memset(gx + 2 * oh * w, 0, (size_t)rest * sizeof(float));
}

void pool_pairs(const PoolJob *p, const float *in, float *out, const int32_t *index,
                int32_t *found) {
  if (p->pass == POOL_MAX_BACK)
    max_back_two(p->s, in, index, out);
  else if (is_flat(p->s))
    max_flat(p->s, in, out, found);
  else
    max_two(p->s, in, out, found);
}
