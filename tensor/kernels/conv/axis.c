/* Owns the classes of places along one axis of a convolution. */
#include "impl.h"

void conv_axis_take(ConvAxis *axis, int64_t extent, ConvArena *arena) {
  axis->extent = extent;
  axis->class = conv_take(arena, extent, sizeof *axis->class);
  axis->place = conv_take(arena, extent, sizeof *axis->place);
  axis->base = conv_take(arena, extent, sizeof *axis->base);
  axis->of = conv_take(arena, extent, sizeof *axis->of);
}

static int64_t gcd(int64_t a, int64_t b) { return b == 0 ? a : gcd(b, a % b); }

typedef struct {
  int64_t taps, tap, base;
} Sight;

/* What output place p sees: inputs p stride - pad + k dilation for a run of kernel indices k. */
static Sight sight_of_output(int64_t p, int64_t inputs, int64_t kernel, int64_t stride, int64_t pad,
                             int64_t dilation) {
  int64_t start = p * stride - pad;
  int64_t from = start >= 0 ? 0 : (-start + dilation - 1) / dilation;
  int64_t to = start >= inputs ? 0 : (inputs - 1 - start) / dilation + 1;
  if (to > kernel) to = kernel;
  return (Sight){to > from ? to - from : 0, from, start + from * dilation};
}

/* What input place p sees: outputs (p + pad - k dilation) / stride where that is a whole number;
   kernel indices then are `tapstep` apart. */
static Sight sight_of_input(int64_t p, int64_t outputs, int64_t kernel, int64_t stride, int64_t pad,
                            int64_t dilation, int64_t tapstep) {
  Sight sight = {0, 0, 0};
  for (int64_t k = 0; k < kernel;) {
    int64_t at = p + pad - k * dilation;
    if (at < 0) break;
    bool hit = at % stride == 0 && at / stride < outputs;
    if (hit && sight.taps == 0) sight = (Sight){0, k, at / stride};
    if (hit) sight.taps++;
    k += sight.taps > 0 ? tapstep : 1;
  }
  return sight;
}

void conv_axis_fill(ConvAxis *axis, bool forward, int64_t inputs, int64_t outputs, int64_t kernel,
                    int64_t stride, int64_t pad, int64_t dilation) {
  axis->tapstep = forward ? 1 : stride / gcd(stride, dilation);
  axis->classes = 0;
  int64_t shift = forward ? dilation : -(axis->tapstep * dilation / stride);
  for (int64_t p = 0; p < axis->extent; p++) {
    Sight sight = forward
                      ? sight_of_output(p, inputs, kernel, stride, pad, dilation)
                      : sight_of_input(p, outputs, kernel, stride, pad, dilation, axis->tapstep);
    int64_t k = 0;
    while (k < axis->classes && (axis->class[k].taps != sight.taps ||
                                 (sight.taps > 0 && axis->class[k].tap != sight.tap)))
      k++;
    if (k == axis->classes)
      axis->class[axis->classes++] = (ConvClass){sight.taps, sight.tap, shift, 0, 0};
    axis->class[k].count++;
    axis->base[p] = sight.base;
    axis->of[p] = k;
  }
  for (int64_t k = 0, first = 0; k < axis->classes; k++) {
    axis->class[k].first = first;
    first += axis->class[k].count;
    axis->class[k].count = 0;
  }
  for (int64_t p = 0; p < axis->extent; p++) {
    ConvClass *class = &axis->class[axis->of[p]];
    axis->place[class->first + class->count++] = p;
  }
}

ConvPhase conv_phase(bool forward, int64_t first, int64_t extent, int64_t kernel, int64_t stride,
                     int64_t pad, int64_t dilation) {
  if (forward) return (ConvPhase){0, 1, extent, stride, kernel, 0, 1, -pad, dilation};
  int64_t every = gcd(stride, dilation), tap = 0;
  int64_t count = first < extent ? (extent - first - 1) / stride + 1 : 0;
  ConvPhase phase = {first, stride, count, 1, 0, 0, stride / every, 0, -(dilation / every)};
  while (tap < kernel && (first + pad - tap * dilation) % stride != 0) tap++;
  if (tap == kernel) return phase;
  phase.taps = (kernel - 1 - tap) / phase.tapstep + 1;
  phase.tap = tap;
  phase.offset = (first + pad - tap * dilation) / stride;
  return phase;
}
