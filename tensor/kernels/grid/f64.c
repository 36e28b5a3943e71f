/* Sampling of float64: channel by channel. */
#define REAL double
#include "places.h"

void grid_forward_f64(const GridShape *s, const double *x, const double *grid, double *y,
                      void *room) {
  (void)room;
  run_forward((GridJob){.s = s, .x = x, .grid = grid, .y = y});
}

void grid_input_f64(const GridShape *s, const double *gy, const double *grid, double *gx,
                    void *room) {
  (void)room;
  run_input((GridJob){.s = s, .gy = gy, .grid = grid, .gx = gx});
}

void grid_grid_f64(const GridShape *s, const double *gy, const double *x, const double *grid,
                   double *ggrid, void *room) {
  (void)room;
  run_grid((GridJob){.s = s, .gy = gy, .x = x, .grid = grid, .ggrid = ggrid});
}
