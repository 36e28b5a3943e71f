/* Sparse linear maps along one dimension; see resample.h. */
#include "resample.h"

#include "vec.h"

static inline double weight(const Taps *t, int64_t k) { return t->weight ? t->weight[k] : 1; }

/* ---- any sizes ------------------------------------------------------------------------------------ */

/* Outputs from..to-1 of a line without neighbours; and of lines of n neighbours. */
#define PLAIN(name, T)                                                                             \
  static void name##_single(const Taps *t, int64_t from, int64_t to, const T *x, T *y) {           \
    for (int64_t i = from; i < to && t->nearest; i++) y[i] = x[t->index[i]];                       \
    for (int64_t i = from; i < to && !t->nearest; i++) {                                           \
      T sum = 0;                                                                                   \
      for (int64_t k = t->first[i]; k < t->first[i + 1]; k++)                                      \
        sum += (T)weight(t, k) * x[t->index[k]];                                                   \
      y[i] = sum;                                                                                  \
    }                                                                                              \
  }                                                                                                \
  static void name##_lines(const Taps *t, const T *x, T *y) {                                      \
    int64_t n = t->inner;                                                                          \
    for (int64_t i = 0; i < t->out; i++) {                                                         \
      T *restrict o = y + i * n;                                                                   \
      int64_t from = t->first[i], to = t->first[i + 1];                                            \
      if (from == to) memset(o, 0, (size_t)n * sizeof *o);                                         \
      if (t->nearest) memcpy(o, x + t->index[i] * n, (size_t)n * sizeof *o);                       \
      for (int64_t k = from; k < to && !t->nearest; k++) {                                         \
        const T *restrict v = x + t->index[k] * n;                                                 \
        T w = (T)weight(t, k);                                                                     \
        if (k == from) {                                                                           \
          for (int64_t j = 0; j < n; j++) o[j] = w * v[j];                                         \
        } else {                                                                                   \
          for (int64_t j = 0; j < n; j++) o[j] += w * v[j];                                        \
        }                                                                                          \
      }                                                                                            \
    }                                                                                              \
  }
PLAIN(plain_f64, double)
PLAIN(plain_f32, float)

static void apply_f64(const Taps *t, int64_t outer, const double *x, double *y) {
  for (int64_t o = 0; o < outer; o++, x += t->in * t->inner, y += t->out * t->inner) {
    if (t->inner == 1)
      plain_f64_single(t, 0, t->out, x, y);
    else
      plain_f64_lines(t, x, y);
  }
}

/* ---- neighbours in lanes ---------------------------------------------------------------------------- */

enum { WIDE = 8 }; /* vectors of neighbours that stay in registers */

/* Output i of `vectors` vectors of neighbours, the last of them of `n` lanes. */
VEC void block(int vectors, const Taps *t, int64_t i, int64_t n, const float *x, float *y) {
  vf sum[WIDE];
  for (int j = 0; j < vectors; j++) sum[j] = (vf){0};
  for (int64_t k = t->first[i]; k < t->first[i + 1]; k++) {
    const float *v = x + t->index[k] * t->inner;
    vf w = vf_all((float)weight(t, k));
    for (int j = 0; j < vectors - 1; j++) sum[j] = vf_fma(w, vf_load(v + j * VL), sum[j]);
    sum[vectors - 1] = vf_fma(w, vf_load_part(v + (vectors - 1) * VL, n), sum[vectors - 1]);
  }
  for (int j = 0; j < vectors - 1; j++) vf_store(y + j * VL, sum[j]);
  vf_store_part(y + (vectors - 1) * VL, sum[vectors - 1], n);
}

static void line_f32(const Taps *t, int64_t i, const float *x, float *y) {
  const int64_t n = t->inner;
  for (int64_t j = 0, step; j < n; j += step * VL) {
    int64_t rest = (n - j + VL - 1) / VL;
    step = rest >= WIDE ? WIDE : rest >= 4 ? 4 : rest >= 2 ? 2 : 1;
    int64_t last = n - j - (step - 1) * VL;
    if (last > VL) last = VL;
    switch (step) {
    case WIDE: block(WIDE, t, i, last, x + j, y + j); break;
    case 4: block(4, t, i, last, x + j, y + j); break;
    case 2: block(2, t, i, last, x + j, y + j); break;
    default: block(1, t, i, last, x + j, y + j);
    }
  }
}

/* Where most outputs have no taps, as in a large table of which few rows are read, all are cleared
   at once: that is faster than one by one. */
static void lines_f32(const Taps *t, const float *x, float *y) {
  const int64_t n = t->inner;
  const bool few = 2 * (t->first[t->out] - t->first[0]) < t->out;
  if (few) memset(y, 0, (size_t)(t->out * n) * sizeof *y);
  for (int64_t i = 0; i < t->out; i++)
    if (!few || t->first[i] < t->first[i + 1]) line_f32(t, i, x, y + i * n);
}

/* ---- outputs in lanes --------------------------------------------------------------------------------- */

enum { MOST = 16, FEW = 4 }; /* taps of an output; lines that are worth a plan */

/* VL outputs, or `lanes` of them, of lines without neighbours: vectors from place `base` of a line on,
   of have[] lanes inside it, from which tap k takes lane at[k], where it is on. */
typedef struct {
  int64_t base, lanes, have[4];
  int sources, count;
  vi at[MOST], on[MOST];
  vf w[MOST];
} Plan;

/* The plan of the outputs from i on; false where they have too many taps or these are too far apart. */
static bool plan_of(const Taps *t, int64_t i, Plan *p) {
  int64_t low = t->in, high = 0;
  p->lanes = t->out - i < VL ? t->out - i : VL;
  p->count = 0;
  for (int64_t l = 0; l < p->lanes; l++) {
    int64_t from = t->first[i + l], to = t->first[i + l + 1];
    if (to - from > MOST) return false;
    if (to - from > p->count) p->count = (int)(to - from);
    for (int64_t k = from; k < to; k++) {
      if (t->index[k] < low) low = t->index[k];
      if (t->index[k] >= high) high = t->index[k] + 1;
    }
  }
  if (high - low > 4 * VL) return false;
  p->sources = high - low > 2 * VL ? 4 : 2;
  p->base = low < t->in - p->sources * VL ? low : t->in - p->sources * VL;
  if (p->base < 0) p->base = 0;
  for (int s = 0; s < 4; s++) {
    int64_t left = t->in - p->base - s * VL;
    p->have[s] = left < 0 ? 0 : left < VL ? left : VL;
  }
  for (int k = 0; k < p->count; k++) {
    p->at[k] = p->on[k] = (vi){0};
    p->w[k] = (vf){0};
    for (int64_t l = 0; l < p->lanes; l++) {
      int64_t tap = t->first[i + l] + k;
      if (tap >= t->first[i + l + 1]) continue;
      p->at[k][l] = (int32_t)(t->index[tap] - p->base);
      p->on[k][l] = -1;
      p->w[k][l] = (float)weight(t, tap);
    }
  }
  return true;
}

/* The outputs of a plan in every line. `sources`, `count`: the plan's. */
VEC void carry_out(int sources, int count, const Plan *p, const Taps *t, int64_t outer,
                   const float *x, float *y) {
  for (int64_t o = 0; o < outer; o++, x += t->in, y += t->out) {
    vf v[4], sum = {0};
    for (int s = 0; s < sources; s++) v[s] = vf_load_part(x + p->base + s * VL, p->have[s]);
    for (int k = 0; k < count; k++) {
      vf a = __builtin_shuffle(v[0], v[1], p->at[k]);
      if (sources == 4) {
        a = vf_select(p->at[k] < 2 * VL, a, __builtin_shuffle(v[2], v[3], p->at[k]));
      }
      sum = vf_fma(p->w[k], (vf)((vi)a & p->on[k]), sum);
    }
    vf_store_part(y, sum, p->lanes);
  }
}

static void columns(const Taps *t, int64_t outer, const float *x, float *y) {
  Plan p;
  for (int64_t i = 0; i < t->out; i += VL) {
    if (!plan_of(t, i, &p)) {
      for (int64_t o = 0; o < outer; o++)
        plain_f32_single(t, i, i + p.lanes, x + o * t->in, y + o * t->out);
    } else if (p.sources == 4) {
      carry_out(4, p.count, &p, t, outer, x, y + i);
    } else {
      switch (p.count) {
      case 1: carry_out(2, 1, &p, t, outer, x, y + i); break;
      case 2: carry_out(2, 2, &p, t, outer, x, y + i); break;
      case 4: carry_out(2, 4, &p, t, outer, x, y + i); break;
      default: carry_out(2, p.count, &p, t, outer, x, y + i);
      }
    }
  }
}

static void apply_f32(const Taps *t, int64_t outer, const float *x, float *y) {
  if (t->inner == 1 && outer >= FEW && VL > 4) { /* where two vectors can be permuted as one */
    columns(t, outer, x, y);
    return;
  }
  for (int64_t o = 0; o < outer; o++, x += t->in * t->inner, y += t->out * t->inner) {
    if (t->inner == 1)
      plain_f32_single(t, 0, t->out, x, y);
    else if (t->nearest || (t->inner < VL && VL < 16)) /* parts of vectors are slow there */
      plain_f32_lines(t, x, y);
    else
      lines_f32(t, x, y);
  }
}

const ResampleKernels AT_LEVEL(resample_kernels) = {apply_f32, apply_f64};
