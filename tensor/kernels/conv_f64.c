/* Owns convolution in float64: rows of results swept tap by tap, for gradient checks and for those
   who want the digits. */
#include "conv_impl.h"

#include "../team.h"

typedef struct {
  const ConvShape *s;
  const double *in, *other; /* forward: x, weight; dx: gy, weight; dw: x, gy */
  const double *bias;
  double *out, *sum; /* sum: gbias */
  bool relu;
} Job;

/* The outputs [*from, *to) of `outputs` whose input at kernel index k lies inside, and where: output
   i meets input i stride + *shift. */
static void reach(int64_t k, int64_t inputs, int64_t outputs, int64_t stride, int64_t pad,
                  int64_t dilation, int64_t *from, int64_t *to, int64_t *shift) {
  *shift = k * dilation - pad;
  *from = *shift >= 0 ? 0 : (-*shift + stride - 1) / stride;
  *to = *shift >= inputs ? 0 : (inputs - 1 - *shift) / stride + 1;
  if (*to > outputs) *to = outputs;
}

/* What one kernel element does for a pair of planes; x: [h, w], y: [oh, ow]. */
enum { TO_Y, TO_X, TO_WEIGHT };

static void sweep(const ConvShape *s, int what, int64_t a, int64_t b, double *weight, double *x,
                  double *y) {
  int64_t i0, i1, j0, j1, down, right;
  reach(a, s->h, s->oh, s->sh, s->ph, s->dh, &i0, &i1, &down);
  reach(b, s->w, s->ow, s->sw, s->pw, s->dw, &j0, &j1, &right);
  double w = *weight, sum = 0;
  for (int64_t i = i0; i < i1; i++) {
    double *row = x + (i * s->sh + down) * s->w + right, *out = y + i * s->ow;
    if (what == TO_Y)
      for (int64_t j = j0; j < j1; j++) out[j] += w * row[j * s->sw];
    else if (what == TO_X)
      for (int64_t j = j0; j < j1; j++) row[j * s->sw] += w * out[j];
    else
      for (int64_t j = j0; j < j1; j++) sum += row[j * s->sw] * out[j];
  }
  if (what == TO_WEIGHT) *weight += sum;
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
      double *x = (double *)q->in + (image * s->c + first + c) * s->h * s->w;
      sweep(s, TO_Y, t / s->kw, t % s->kw, &w, x, y);
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
      double *gy = (double *)q->in + (image * s->o + o) * s->oh * s->ow;
      sweep(s, TO_X, t / s->kw, t % s->kw, &w, gx, gy);
    }
}

/* All of gw that belongs to one channel of y. */
static void dw_part(void *job, int64_t o) {
  const Job *q = job;
  const ConvShape *s = q->s;
  int64_t from = s->c / s->groups, first = o / (s->o / s->groups) * from, taps = s->kh * s->kw;
  double *gw = q->out + o * from * taps, sum = 0;
  fill(gw, from * taps, 0);
  for (int64_t image = 0; image < s->n; image++) {
    double *gy = (double *)q->other + (image * s->o + o) * s->oh * s->ow;
    for (int64_t i = 0; i < s->oh * s->ow; i++) sum += gy[i];
    for (int64_t c = 0; c < from; c++)
      for (int64_t t = 0; t < taps; t++) {
        double *x = (double *)q->in + (image * s->c + first + c) * s->h * s->w;
        sweep(s, TO_WEIGHT, t / s->kw, t % s->kw, gw + c * taps + t, x, gy);
      }
  }
  if (q->sum) q->sum[o] = sum;
}

void conv_forward_f64(const ConvShape *s, const double *x, const double *weight, const double *bias,
                      bool relu, double *y, void *scratch) {
  (void)scratch;
  Job q = {.s = s, .in = x, .other = weight, .bias = bias, .out = y, .relu = relu};
  team_run(s->n * s->o, forward_part, &q);
}

void conv_dx_f64(const ConvShape *s, const double *gy, const double *weight, const double *bias,
                 double *gx, void *scratch) {
  (void)scratch;
  Job q = {.s = s, .in = gy, .other = weight, .bias = bias, .out = gx};
  team_run(s->n * s->c, dx_part, &q);
}

void conv_dw_f64(const ConvShape *s, const double *x, const double *gy, double *gw, double *gbias,
                 void *scratch) {
  (void)scratch;
  Job q = {.s = s, .in = x, .other = gy, .out = gw, .sum = gbias};
  team_run(s->o, dw_part, &q);
}
