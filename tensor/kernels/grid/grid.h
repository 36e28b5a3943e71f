/* Sampling of planes and volumes at places that a grid names, by weights of their neighbours.
   x, gx: [samples, channels, plane]; grid, ggrid: [samples, places, nd], in -1..1, the coordinate
   along the width first; y, gy: [samples, channels, places].
   Parts are cut by shape alone: the bits do not depend on threads. */
#ifndef LUNETTE_GRID_H
#define LUNETTE_GRID_H

#include "../../machine/simd.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { GRID_LINEAR, GRID_NEAREST, GRID_CUBIC };
enum { GRID_ZEROS, GRID_BORDER, GRID_REFLECTION };

typedef struct {
  int nd, mode, padding; /* 2 or 3; GRID_CUBIC: 2 */
  bool align;            /* -1 and 1 are the centres of the corners, not their edges */
  int64_t samples, channels, places;
  int64_t size[3]; /* depth, height, width; depth 1 where nd is 2 */
} GridShape;

static inline int64_t grid_plane(const GridShape *s) {
  return s->size[0] * s->size[1] * s->size[2];
}

/* Sizes of the plane are at least 1, their product at most GRID_PLANE; no other size is 0 but that of
   the channels. room(s): bytes for the pass with the most; the others take them as `room`. */
#define GRID_PLANE ((int64_t)1 << 30)
typedef struct {
  size_t (*room_f32)(const GridShape *s);
  size_t (*room_f64)(const GridShape *s);
  void (*forward_f32)(const GridShape *s, const float *x, const float *grid, float *y, void *room);
  void (*forward_f64)(const GridShape *s, const double *x, const double *grid, double *y,
                      void *room);
  /* gx, ggrid are written whole */
  void (*input_f32)(const GridShape *s, const float *gy, const float *grid, float *gx, void *room);
  void (*input_f64)(const GridShape *s, const double *gy, const double *grid, double *gx,
                    void *room);
  void (*grid_f32)(const GridShape *s, const float *gy, const float *x, const float *grid,
                   float *ggrid, void *room);
  void (*grid_f64)(const GridShape *s, const double *gy, const double *x, const double *grid,
                   double *ggrid, void *room);
} GridKernels;

SIMD_FAMILY(GridKernels, grid_kernels);

#endif
