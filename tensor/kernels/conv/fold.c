/* Owns the input gradient of convolutions with wide strides and few channels to write. Every place of
   gy is multiplied by all of the kernel, a convolution of 1x1 with a channel for each tap; then the
   terms are added where they belong, tap by tap in order. */
#include "impl.h"

#include "../../machine/team.h"

#define BATCH_TERMS (1 << 20) /* terms at a time, about: 4 MB */

typedef struct {
  ConvJob job;
  int64_t taps, images; /* images at a time */
  int64_t image;        /* the first of the batch at hand */
  float *terms;         /* [images][c][kh kw][oh ow] */
  char *inner;          /* scratch of the product */
} Fold;

/* The product for so many images. */
static ConvShape product_of(const Fold *g, int64_t images) {
  const ConvShape *s = g->job.s;
  return (ConvShape){.n = images,
                     .c = s->c * g->taps,
                     .h = s->oh,
                     .w = s->ow,
                     .o = s->o,
                     .kh = 1,
                     .kw = 1,
                     .oh = s->oh,
                     .ow = s->ow,
                     .sh = 1,
                     .sw = 1,
                     .dh = 1,
                     .dw = 1,
                     .groups = s->groups};
}

static size_t product_size(const Fold *g, int64_t images) {
  ConvShape s = product_of(g, images);
  return conv_sum_size(&(ConvJob){.s = &s});
}

static void lay_out(Fold *g, ConvArena *arena) {
  const ConvShape *s = g->job.s;
  g->taps = s->kh * s->kw;
  int64_t terms = s->c * g->taps * s->oh * s->ow;
  g->images = BATCH_TERMS / terms < s->n ? BATCH_TERMS / terms : s->n;
  if (g->images < 1) g->images = 1;
  g->terms = conv_take(arena, g->images * terms, sizeof(float));
  int64_t rest = s->n % g->images;
  size_t most = product_size(g, g->images), last = rest > 0 ? product_size(g, rest) : 0;
  g->inner = conv_take(arena, (int64_t)(last > most ? last : most), 1);
}

/* The outputs [*from, *to) whose input at kernel index k lies inside. */
static void clip(int64_t outputs, int64_t inputs, int64_t stride, int64_t shift, int64_t *from,
                 int64_t *to) {
  *from = shift >= 0 ? 0 : (-shift + stride - 1) / stride;
  int64_t end = shift >= inputs ? 0 : (inputs - 1 - shift) / stride + 1;
  *to = end < outputs ? end : outputs;
}

/* One plane of gx: part = (image of the batch, channel). */
static void fold_part(void *job, int64_t part) {
  const Fold *g = job;
  const ConvShape *s = g->job.s;
  float *gx = g->job.dst + (g->image * s->c + part) * s->h * s->w;
  const float *terms = g->terms + part * g->taps * s->oh * s->ow;
  float first = g->job.bias ? g->job.bias[part % s->c] : 0;
  for (int64_t i = 0; i < s->h * s->w; i++) gx[i] = first;
  for (int64_t a = 0; a < s->kh; a++)
    for (int64_t b = 0; b < s->kw; b++, terms += s->oh * s->ow) {
      int64_t i0, i1, j0, j1, down = a * s->dh - s->ph, right = b * s->dw - s->pw;
      clip(s->oh, s->h, s->sh, down, &i0, &i1);
      clip(s->ow, s->w, s->sw, right, &j0, &j1);
      for (int64_t i = i0; i < i1; i++) {
        float *to = gx + (i * s->sh + down) * s->w + right;
        for (int64_t j = j0; j < j1; j++) to[j * s->sw] += terms[i * s->ow + j];
      }
    }
}

size_t conv_fold_size(const ConvJob *job) {
  Fold g = {.job = *job};
  ConvArena arena = {NULL, 0};
  lay_out(&g, &arena);
  return arena.used;
}

void conv_fold(const ConvJob *job, void *scratch) {
  const ConvShape *s = job->s;
  Fold g = {.job = *job};
  ConvArena arena = {scratch, 0};
  lay_out(&g, &arena);
  for (; g.image < s->n; g.image += g.images) {
    int64_t images = s->n - g.image < g.images ? s->n - g.image : g.images;
    ConvShape product = product_of(&g, images);
    const float *gy = job->src + g.image * s->o * s->oh * s->ow;
    conv_sum(&(ConvJob){.s = &product, .src = gy, .weight = job->weight, .dst = g.terms}, g.inner);
    team_run(images * s->c, fold_part, &g);
  }
}
