/* Owns the convolution of float64: the choice between the general ways and a sweep of results row by
   row, tap by tap, which suits single channels of a group. */
#define REAL_64
#include "impl.h"

#include "../../machine/team.h"

typedef struct {
  const ConvShape *s;
  const double *in, *other; /* forward: x, weight; dx: gy, weight; dw: x, gy */
  const double *bias;
  double *out, *sum; /* sum: gbias */
  bool relu;
} Job;

/* The places (i, j) of y for which one kernel element lies inside x: there it meets
   (i sh + down, j sw + right). */
typedef struct {
  int64_t i0, i1, j0, j1, down, right;
} Overlap;

static void reach(int64_t k, int64_t inputs, int64_t outputs, int64_t stride, int64_t pad,
                  int64_t dilation, int64_t *from, int64_t *to, int64_t *shift) {
  *shift = k * dilation - pad;
  *from = *shift >= 0 ? 0 : (-*shift + stride - 1) / stride;
  *to = *shift >= inputs ? 0 : (inputs - 1 - *shift) / stride + 1;
  if (*to > outputs) *to = outputs;
}

static Overlap overlap(const ConvShape *s, int64_t tap) {
  Overlap v;
  reach(tap / s->kw, s->h, s->oh, s->sh, s->ph, s->dh, &v.i0, &v.i1, &v.down);
  reach(tap % s->kw, s->w, s->ow, s->sw, s->pw, s->dw, &v.j0, &v.j1, &v.right);
  return v;
}

static void fill(double *to, int64_t n, double value) {
  for (int64_t i = 0; i < n; i++) to[i] = value;
}

/* One plane of y: part = (image, channel of y). */
static void forward_part(void *job, int64_t part) {
  const Job *q = job;
  const ConvShape *s = q->s;
  int64_t o = part % s->o, image = part / s->o, from = s->c / s->groups;
  int64_t first = o / (s->o / s->groups) * from, taps = s->kh * s->kw;
  double *y = q->out + part * s->oh * s->ow;
  fill(y, s->oh * s->ow, q->bias ? q->bias[o] : 0);
  for (int64_t c = 0; c < from; c++)
    for (int64_t t = 0; t < taps; t++) {
      double w = q->other[(o * from + c) * taps + t];
      const double *x = q->in + (image * s->c + first + c) * s->h * s->w;
      Overlap v = overlap(s, t);
      for (int64_t i = v.i0; i < v.i1; i++)
        for (int64_t j = v.j0; j < v.j1; j++)
          y[i * s->ow + j] += w * x[(i * s->sh + v.down) * s->w + j * s->sw + v.right];
    }
  for (int64_t i = 0; q->relu && i < s->oh * s->ow; i++)
    if (y[i] < 0) y[i] = 0;
}

/* One plane of gx: part = (image, channel of x). */
static void dx_part(void *job, int64_t part) {
  const Job *q = job;
  const ConvShape *s = q->s;
  int64_t c = part % s->c, image = part / s->c, from = s->c / s->groups, to = s->o / s->groups;
  int64_t first = c / from * to, taps = s->kh * s->kw;
  double *gx = q->out + part * s->h * s->w;
  fill(gx, s->h * s->w, q->bias ? q->bias[c] : 0);
  for (int64_t o = first; o < first + to; o++)
    for (int64_t t = 0; t < taps; t++) {
      double w = q->other[(o * from + c % from) * taps + t];
      const double *gy = q->in + (image * s->o + o) * s->oh * s->ow;
      Overlap v = overlap(s, t);
      for (int64_t i = v.i0; i < v.i1; i++)
        for (int64_t j = v.j0; j < v.j1; j++)
          gx[(i * s->sh + v.down) * s->w + j * s->sw + v.right] += w * gy[i * s->ow + j];
    }
}

#define SUMS 4 /* side by side, for no sum waits for itself then */

/* sums += the products of n places of gy with those of x in so many steps. */
static void multiply_row(int64_t n, const double *gy, const double *x, int64_t step, vr *sums) {
  for (int64_t j = 0; j < n; j += SUMS * RL)
#pragma GCC unroll 4
    for (int k = 0; k < SUMS; k++) {
      int64_t at = j + k * RL, left = n - at;
      if (left <= 0) break;
      vr v = {0};
      if (step == 1)
        v = left >= RL ? vr_load(x + at) : vr_load_part(x + at, left);
      else
        for (int64_t l = 0; l < RL && l < left; l++) v[l] = x[(at + l) * step];
      vr g = left >= RL ? vr_load(gy + at) : vr_load_part(gy + at, left);
      sums[k] = vr_fma(g, v, sums[k]);
    }
}

/* gy times what one tap sees of x, summed over images. */
static double sum_tap(const Job *q, int64_t o, int64_t channel, int64_t tap) {
  const ConvShape *s = q->s;
  Overlap v = overlap(s, tap);
  vr sums[SUMS] = {{0}};
  for (int64_t image = 0; image < s->n; image++) {
    const double *gy = q->other + (image * s->o + o) * s->oh * s->ow + v.j0;
    const double *x = q->in + (image * s->c + channel) * s->h * s->w + v.j0 * s->sw + v.right;
    for (int64_t i = v.i0; i < v.i1 && v.j0 < v.j1; i++)
      multiply_row(v.j1 - v.j0, gy + i * s->ow, x + (i * s->sh + v.down) * s->w, s->sw, sums);
  }
  return vr_sum((sums[0] + sums[1]) + (sums[2] + sums[3]));
}

/* All of gw that belongs to one channel of y. */
static void dw_part(void *job, int64_t o) {
  const Job *q = job;
  const ConvShape *s = q->s;
  int64_t from = s->c / s->groups, first = o / (s->o / s->groups) * from, taps = s->kh * s->kw;
  double *gw = q->out + o * from * taps;
  for (int64_t c = 0; c < from; c++)
    for (int64_t t = 0; t < taps; t++) gw[c * taps + t] = sum_tap(q, o, first + c, t);
  if (!q->sum) return;
  vr sum = {0};
  for (int64_t image = 0; image < s->n; image++) {
    const double *gy = q->other + (image * s->o + o) * s->oh * s->ow;
    for (int64_t i = 0, n = s->oh * s->ow; i < n; i += RL)
      sum += vr_load_part(gy + i, n - i < RL ? n - i : RL);
  }
  q->sum[o] = vr_sum(sum);
}

/* ---- the choice ---- */

/* The general ways keep the channels of the result in lanes, which one alone would leave idle, and
   that of the weights wants several channels of x. */
static bool sweeps(const ConvShape *s, enum ConvPass pass) {
  if (pass == CONV_DW && s->c <= 2 * s->groups && s->sw == 1) return true;
  return (pass == CONV_DX ? s->c : s->o) == s->groups;
}

size_t conv_scratch_f64(const ConvShape *s, enum ConvPass pass) {
  if (sweeps(s, pass)) return 0;
  if (pass == CONV_DW) return conv_weights_size(&(ConvWeights){.s = s});
  return conv_gather_size(&(ConvJob){.s = s, .forward = pass == CONV_FORWARD});
}

void conv_forward_f64(const ConvShape *s, const double *x, const double *weight, const double *bias,
                      bool relu, double *y, void *scratch) {
  Job q = {.s = s, .in = x, .other = weight, .bias = bias, .out = y, .relu = relu};
  if (sweeps(s, CONV_FORWARD))
    team_run(s->n * s->o, forward_part, &q);
  else
    conv_gather(&(ConvJob){s, true, relu, x, weight, bias, y}, scratch);
}

void conv_dx_f64(const ConvShape *s, const double *gy, const double *weight, const double *bias,
                 double *gx, void *scratch) {
  Job q = {.s = s, .in = gy, .other = weight, .bias = bias, .out = gx};
  if (sweeps(s, CONV_DX))
    team_run(s->n * s->c, dx_part, &q);
  else
    conv_gather(&(ConvJob){s, false, false, gy, weight, bias, gx}, scratch);
}

void conv_dw_f64(const ConvShape *s, const double *x, const double *gy, double *gw, double *gbias,
                 void *scratch) {
  Job q = {.s = s, .in = x, .other = gy, .out = gw, .sum = gbias};
  if (sweeps(s, CONV_DW))
    team_run(s->o, dw_part, &q);
  else
    conv_weights(&(ConvWeights){s, x, gy, gw, gbias}, scratch);
}
