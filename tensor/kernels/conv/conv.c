/* Owns the table of convolution kernels of one SIMD level and the choice of the way. */
#include "impl.h"

/* What the lanes of a vector stand for: channels of the result, places, or groups (depthwise); ROWS
   is places of a row (depthwise). FOLD is for dx. */
typedef enum { CHANNELS, PLACES, GROUPS, ROWS, FOLD } Way;

#define SHORT_SUM  72 /* products in a sum for which turning the result costs more than masks */
#define MOST_TERMS 8  /* terms of a fold to one number of its result */

/* Do lanes along places that read in place beat lanes of channels? Where those would be idle, or sums
   are short; but not where vectors are cut short by the end of the plane, or parts are few. */
static bool in_place_pays(const ConvShape *s, int64_t from, int64_t to) {
  int64_t places = s->h * s->w, vectors = (places + VL - 1) / VL;
  if (VL < 16 || s->sh * s->sw > 1 || s->oh != s->h || s->ow != s->w) return false;
  if (10 * places < 9 * VL * vectors || s->n * s->groups * vectors < 48) return false;
  return to <= VL || from * s->kh * s->kw <= SHORT_SUM || 16 * to < 15 * conv_padded(to);
}

/* `from` and `to` are the channels of a group that are read and written. */
static Way way_of(const ConvShape *s, enum ConvPass pass) {
  int64_t from = s->c / s->groups, to = s->o / s->groups;
  bool depthwise = from == 1 && to == 1;
  if (depthwise && (pass == CONV_DW ? conv_rows_dw_fit(s) : conv_rows_fit(s, pass == CONV_FORWARD)))
    return ROWS;
  if (depthwise && 2 * s->groups >= VL) return GROUPS;
  if (pass == CONV_DW) return from <= 2 || 2 * to <= VL ? PLACES : CHANNELS;
  if (pass == CONV_DX) {
    bool few = 2 * from <= VL && s->kh * s->kw <= MOST_TERMS * s->sh * s->sw;
    if (s->sh * s->sw > CONV_PHASES) return few ? FOLD : CHANNELS;
    int64_t swap = from;
    from = to;
    to = swap;
  }
  if (in_place_pays(s, from, to)) return PLACES;
  return 2 * to <= VL || from * s->kh * s->kw <= 32 ? PLACES : CHANNELS;
}

static const struct {
  size_t (*sum_size)(const ConvJob *job);
  void (*sum)(const ConvJob *job, void *scratch);
  size_t (*dw_size)(const ConvWeights *dw);
  void (*dw)(const ConvWeights *dw, void *scratch);
} ways[] = {
    [CHANNELS] = {conv_gather_size, conv_gather, conv_weights_size, conv_weights},
    [PLACES] = {conv_planes_size, conv_planes, conv_planes_dw_size, conv_planes_dw},
    [FOLD] = {conv_fold_size, conv_fold, NULL, NULL},
    [ROWS] = {conv_rows_size, conv_rows, conv_rows_dw_size, conv_rows_dw},
    [GROUPS] = {conv_lanes_size, conv_lanes, conv_lanes_dw_size, conv_lanes_dw},
};

static Way way_of_sum(const ConvJob *job) {
  return way_of(job->s, job->forward ? CONV_FORWARD : CONV_DX);
}

size_t conv_sum_size(const ConvJob *job) { return ways[way_of_sum(job)].sum_size(job); }

void conv_sum(const ConvJob *job, void *scratch) { ways[way_of_sum(job)].sum(job, scratch); }

static size_t scratch(const ConvShape *s, enum ConvPass pass, size_t itemsize) {
  if (itemsize == sizeof(double)) return conv_scratch_f64(s, pass);
  if (pass == CONV_DW) return ways[way_of(s, pass)].dw_size(&(ConvWeights){.s = s});
  return conv_sum_size(&(ConvJob){.s = s, .forward = pass == CONV_FORWARD});
}

static void forward_f32(const ConvShape *s, const float *x, const float *weight, const float *bias,
                        bool relu, float *y, void *memory) {
  conv_sum(&(ConvJob){s, true, relu, x, weight, bias, y}, memory);
}

static void dx_f32(const ConvShape *s, const float *gy, const float *weight, const float *bias,
                   float *gx, void *memory) {
  conv_sum(&(ConvJob){s, false, false, gy, weight, bias, gx}, memory);
}

static void dw_f32(const ConvShape *s, const float *x, const float *gy, float *gw, float *gbias,
                   void *memory) {
  ConvWeights dw = {s, x, gy, gw, gbias};
  ways[way_of(s, CONV_DW)].dw(&dw, memory);
}

const ConvKernels AT_LEVEL(conv_kernels) = {.scratch = scratch,
                                            .forward_f32 = forward_f32,
                                            .dx_f32 = dx_f32,
                                            .dw_f32 = dw_f32,
                                            .forward_f64 = conv_forward_f64,
                                            .dx_f64 = conv_dx_f64,
                                            .dw_f64 = conv_dw_f64};
