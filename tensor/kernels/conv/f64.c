/* Owns convolution in float64: rows of results swept tap by tap, for gradient checks and for those
   who want the digits. */
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

/* All of gw that belongs to one channel of y. */
static void dw_part(void *job, int64_t o) {
  const Job *q = job;
  const ConvShape *s = q->s;
  int64_t from = s->c / s->groups, first = o / (s->o / s->groups) * from, taps = s->kh * s->kw;
  double *gw = q->out + o * from * taps, sum = 0;
  fill(gw, from * taps, 0);
  for (int64_t image = 0; image < s->n; image++) {
    const double *gy = q->other + (image * s->o + o) * s->oh * s->ow;
    for (int64_t i = 0; i < s->oh * s->ow; i++) sum += gy[i];
    for (int64_t c = 0; c < from; c++)
      for (int64_t t = 0; t < taps; t++) {
        const double *x = q->in + (image * s->c + first + c) * s->h * s->w;
        Overlap v = overlap(s, t);
        for (int64_t i = v.i0; i < v.i1; i++)
          for (int64_t j = v.j0; j < v.j1; j++)
            gw[c * taps + t] +=
                gy[i * s->ow + j] * x[(i * s->sh + v.down) * s->w + j * s->sw + v.right];
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
