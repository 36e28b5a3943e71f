/* Owns the table of convolution kernels of one SIMD level and the choice of the way. */
#include "impl.h"

/* What the lanes of a vector stand for: channels of the result, places, or groups (depthwise). */
typedef enum { CHANNELS, PLACES, GROUPS } Way;

/* Lanes along places win where lanes of channels would be mostly idle or the sums are short.
   `from` and `to` are the channels of a group that are read and written. */
static Way way_of(const ConvShape *s, enum ConvPass pass) {
  int64_t from = s->c / s->groups, to = s->o / s->groups;
  if (from == 1 && to == 1 && 2 * s->groups >= VL) return GROUPS;
  if (pass == CONV_DW) return from <= 2 || 2 * to <= VL ? PLACES : CHANNELS;
  if (pass == CONV_DX) {
    if (s->sh * s->sw > CONV_PHASES) return CHANNELS;
    int64_t swap = from;
    from = to;
    to = swap;
  }
  return 2 * to <= VL || from * s->kh * s->kw <= 16 ? PLACES : CHANNELS;
}

static size_t scratch(const ConvShape *s, enum ConvPass pass, size_t itemsize) {
  bool forward = pass == CONV_FORWARD, dw = pass == CONV_DW;
  if (itemsize == sizeof(double)) return 0;
  switch (way_of(s, pass)) {
  case GROUPS: return dw ? conv_lanes_dw_size(s) : conv_lanes_size(s, forward);
  case PLACES: return dw ? conv_planes_dw_size(s) : conv_planes_size(s, forward);
  default: return dw ? conv_weights_size(s) : conv_gather_size(s, forward);
  }
}

static void sum_f32(const ConvShape *s, bool forward, const float *src, const float *weight,
                    const float *bias, bool relu, float *dst, void *memory) {
  switch (way_of(s, forward ? CONV_FORWARD : CONV_DX)) {
  case GROUPS: conv_lanes(s, forward, src, weight, bias, relu, dst, memory); break;
  case PLACES: conv_planes(s, forward, src, weight, bias, relu, dst, memory); break;
  default: conv_gather(s, forward, src, weight, bias, relu, dst, memory);
  }
}

static void forward_f32(const ConvShape *s, const float *x, const float *weight, const float *bias,
                        bool relu, float *y, void *memory) {
  sum_f32(s, true, x, weight, bias, relu, y, memory);
}

static void dx_f32(const ConvShape *s, const float *gy, const float *weight, const float *bias,
                   float *gx, void *memory) {
  sum_f32(s, false, gy, weight, bias, false, gx, memory);
}

static void dw_f32(const ConvShape *s, const float *x, const float *gy, float *gw, float *gbias,
                   void *memory) {
  switch (way_of(s, CONV_DW)) {
  case GROUPS: conv_lanes_dw(s, x, gy, gw, gbias, memory); break;
  case PLACES: conv_planes_dw(s, x, gy, gw, gbias, memory); break;
  default: conv_weights(s, x, gy, gw, gbias, memory);
  }
}

const ConvKernels AT_LEVEL(conv_kernels) = {.scratch = scratch,
                                            .forward_f32 = forward_f32,
                                            .dx_f32 = dx_f32,
                                            .dw_f32 = dw_f32,
                                            .forward_f64 = conv_forward_f64,
                                            .dx_f64 = conv_dx_f64,
                                            .dw_f64 = conv_dw_f64};
