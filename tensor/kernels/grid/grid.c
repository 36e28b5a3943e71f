/* The table of sampling; float32 in lanes or channel by channel. */
#define REAL float
#include "places.h"

static size_t room(const GridShape *s) { return grid_is_lanes(s) ? grid_lanes_room(s) : 0; }

static size_t no_room(const GridShape *s) {
  (void)s;
  return 0;
}

static void forward(const GridShape *s, const float *x, const float *grid, float *y, void *to) {
  GridJob job = {.s = s, .x = x, .grid = grid, .y = y, .room = to};
  (grid_is_lanes(s) ? grid_lanes : run_forward)(job);
}

static void input(const GridShape *s, const float *gy, const float *grid, float *gx, void *to) {
  GridJob job = {.s = s, .gy = gy, .grid = grid, .gx = gx, .room = to};
  (grid_is_lanes(s) ? grid_lanes_input : run_input)(job);
}

static void grid_of(const GridShape *s, const float *gy, const float *x, const float *grid,
                    float *ggrid, void *to) {
  GridJob job = {.s = s, .gy = gy, .x = x, .grid = grid, .ggrid = ggrid, .room = to};
  (grid_is_lanes(s) ? grid_lanes_grid : run_grid)(job);
}

const GridKernels AT_LEVEL(grid_kernels) = {.room_f32 = room,
                                            .room_f64 = no_room,
                                            .forward_f32 = forward,
                                            .forward_f64 = grid_forward_f64,
                                            .input_f32 = input,
                                            .input_f64 = grid_input_f64,
                                            .grid_f32 = grid_of,
                                            .grid_f64 = grid_grid_f64};
