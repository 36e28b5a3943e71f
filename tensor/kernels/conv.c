/* Owns the table of convolution kernels of one SIMD level and the choice of the way. */
#include "conv_impl.h"

/* Lanes along places win where lanes of channels would be mostly idle or the sums are short.
   `from` and `to` are the channels of a group that are read and written. */
static bool by_planes(const ConvShape *s, bool forward) {
  int64_t from = (forward ? s->c : s->o) / s->groups, to = (forward ? s->o : s->c) / s->groups;
  if (!forward && s->sh * s->sw > CONV_PHASES) return false;
  return 2 * to <= VL || from * s->kh * s->kw <= 16;
}

static bool weights_by_planes(const ConvShape *s) {
  return s->c / s->groups <= 2 || 2 * (s->o / s->groups) <= VL;
}

static size_t scratch(const ConvShape *s, enum ConvPass pass, size_t itemsize) {
  bool forward = pass == CONV_FORWARD;
  if (itemsize == sizeof(double)) return 0;
  if (pass == CONV_DW) return weights_by_planes(s) ? conv_planes_dw_size(s) : conv_weights_size(s);
  return by_planes(s, forward) ? conv_planes_size(s, forward) : conv_gather_size(s, forward);
}

static void forward_f32(const ConvShape *s, const float *x, const float *weight, const float *bias,
                        bool relu, float *y, void *memory) {
  (by_planes(s, true) ? conv_planes : conv_gather)(s, true, x, weight, bias, relu, y, memory);
}

static void dx_f32(const ConvShape *s, const float *gy, const float *weight, const float *bias,
                   float *gx, void *memory) {
  (by_planes(s, false) ? conv_planes : conv_gather)(s, false, gy, weight, bias, false, gx, memory);
}

static void dw_f32(const ConvShape *s, const float *x, const float *gy, float *gw, float *gbias,
                   void *memory) {
  (weights_by_planes(s) ? conv_planes_dw : conv_weights)(s, x, gy, gw, gbias, memory);
}

const ConvKernels AT_LEVEL(conv_kernels) = {.scratch = scratch,
                                            .forward_f32 = forward_f32,
                                            .dx_f32 = dx_f32,
                                            .dw_f32 = dw_f32,
                                            .forward_f64 = conv_forward_f64,
                                            .dx_f64 = conv_dx_f64,
                                            .dw_f64 = conv_dw_f64};
