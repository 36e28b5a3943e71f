/* Where the maxima of windows stand: hidden rows over volumes [P,D,H,W] of windows in three
   dimensions, by kernel or adaptive. The result, [P,M] for M windows, counts from T_BASE through each
   volume in row-major order. Of equal values the first counts, and NaN counts as greatest. */
#include "../../calc.h"
#include "../../team.h"
#include "pool.h"

/* Along one dimension: window i covers from[i], from[i] + step[0..], below to[i]. */
typedef struct Axis {
  int64_t n, step, *from, *to;
} Axis;

typedef struct Places {
  const Tensor *x;
  Tensor *y;
  Axis axis[3];
} Places;

static Places *places_of(Call *c, const int64_t *n) {
  int64_t windows = n[0] + n[1] + n[2];
  call_scratch(c, sizeof(Places) + (size_t)windows * 2 * sizeof(int64_t));
  Places *p = c->scratch;
  int64_t *room = (int64_t *)(p + 1), shape[2] = {c->x[0]->shape[0], 1};
  for (int a = 0; a < 3; a++) {
    p->axis[a] = (Axis){n[a], 1, room, room + n[a]};
    room += 2 * n[a];
    if (__builtin_mul_overflow(shape[1], n[a], &shape[1])) {
      t_fail("%s: the output is too large", call_name(c));
    }
  }
  call_contiguous(c, 0);
  p->x = c->x[0];
  p->y = call_out(c, 0, T_I64, 2, shape);
  return p;
}

static void window_places_infer(Call *c) {
  const int64_t *in = c->x[0]->shape + 1;
  int64_t n[3];
  for (int a = 0; a < 3; a++) {
    int64_t k = c->attr[0].v[a], s = c->attr[1].v[a], pad = c->attr[2].v[a];
    int64_t room = in[a] + 2 * pad - c->attr[3].v[a] * (k - 1) - 1;
    n[a] = room / s + 1;
    if (c->attr[4].i && room % s != 0 && n[a] * s < in[a] + pad) n[a]++;
  }
  Places *p = places_of(c, n);
  for (int a = 0; a < 3; a++) {
    Axis *w = &p->axis[a];
    w->step = c->attr[3].v[a];
    for (int64_t i = 0; i < w->n; i++) {
      int64_t start = i * c->attr[1].v[a] - c->attr[2].v[a];
      int64_t end = start + w->step * (c->attr[0].v[a] - 1) + 1;
      w->from[i] = start >= 0 ? start : start + (-start + w->step - 1) / w->step * w->step;
      w->to[i] = end < in[a] ? end : in[a];
    }
  }
}

static void adaptive_places_infer(Call *c) {
  const int64_t *in = c->x[0]->shape + 1;
  Places *p = places_of(c, c->attr[0].v);
  for (int a = 0; a < 3; a++) {
    for (int64_t i = 0; i < p->axis[a].n; i++) {
      p->axis[a].from[i] = i * in[a] / p->axis[a].n;
      p->axis[a].to[i] = ((i + 1) * in[a] + p->axis[a].n - 1) / p->axis[a].n;
    }
  }
}

#define LARGEST(name, T)                                                                           \
  static int64_t name(const Places *p, const T *x, int64_t i, int64_t j, int64_t k) {              \
    const Axis *d = &p->axis[0], *h = &p->axis[1], *w = &p->axis[2];                               \
    int64_t H = p->x->shape[2], W = p->x->shape[3];                                                \
    int64_t best = (d->from[i] * H + h->from[j]) * W + w->from[k];                                 \
    for (int64_t a = d->from[i]; a < d->to[i]; a += d->step) {                                     \
      for (int64_t b = h->from[j]; b < h->to[j]; b += h->step) {                                   \
        const T *row = x + (a * H + b) * W;                                                        \
        for (int64_t e = w->from[k]; e < w->to[k]; e += w->step) {                                 \
          if (row[e] > x[best] || row[e] != row[e]) best = row + e - x;                            \
        }                                                                                          \
      }                                                                                            \
    }                                                                                              \
    return best;                                                                                   \
  }
LARGEST(largest_f32, float)
LARGEST(largest_f64, double)

static void part(void *job, int64_t plane) {
  const Places *p = job;
  int64_t volume = p->x->numel / p->x->shape[0], *y = t_i64(p->y) + plane * p->y->shape[1];
  for (int64_t i = 0; i < p->axis[0].n; i++) {
    for (int64_t j = 0; j < p->axis[1].n; j++) {
      for (int64_t k = 0; k < p->axis[2].n; k++) {
        int64_t best = p->x->dtype == T_F32 ? largest_f32(p, t_f32(p->x) + plane * volume, i, j, k)
                                            : largest_f64(p, t_f64(p->x) + plane * volume, i, j, k);
        *y++ = best + T_BASE;
      }
    }
  }
}

static const char *run(Call *c) {
  if (c->y[0]->numel > 0) team_run(c->x[0]->shape[0], part, c->scratch);
  return NULL;
}

static Op rows[] = {
    {.sig = "window_places(x: tensor, kernel_size: ints{3}, stride: ints{3}, padding: ints{3}, "
            "dilation: ints{3}, ceil_mode: bool=false) -> places: index",
     .doc = "Places of the maxima in windows of volumes.",
     .test = "{{randn(2,3,4,3), {2,2,2}, {1,2,1}, {0,1,1}, {1,1,1}, true}}",
     .ref = "reference.window_places",
     .flags = OP_HIDDEN | OP_TRUSTS | OP_CONST,
     .infer = window_places_infer,
     .run = run},
    {.sig = "adaptive_places(x: tensor, size: ints{3}) -> places: index",
     .doc = "Places of the maxima in adaptive windows of volumes.",
     .test = "{{randn(2,3,4,3), {2,3,2}}}",
     .ref = "reference.adaptive_places",
     .flags = OP_HIDDEN | OP_TRUSTS | OP_CONST,
     .infer = adaptive_places_infer,
     .run = run},
};

FAMILY_PART(pool, places, rows);
