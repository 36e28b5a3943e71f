/* What the files of sampling share: jobs and how they are cut. */
#ifndef LUNETTE_GRID_IMPL_H
#define LUNETTE_GRID_IMPL_H

#include "grid.h"

#include "../../machine/team.h"

typedef struct {
  const GridShape *s;
  const void *x, *grid, *gy;
  void *y, *gx, *ggrid; /* the one that is wanted */
  void *room;
  int64_t units, bundle; /* how many units of work, and how many of them a part has */
} GridJob;

#define GRID_PART (64 << 10) /* numbers read or made in a part, about */

/* Runs `part` over the job's units, of `work` numbers each. */
static inline void grid_run(TeamFn part, GridJob *job, int64_t units, int64_t work) {
  job->units = units;
  job->bundle = work < GRID_PART ? GRID_PART / (work + 1) + 1 : 1;
  team_run((units + job->bundle - 1) / job->bundle, part, job);
}

/* The units of a part end before this one. */
static inline int64_t grid_end(const GridJob *j, int64_t part) {
  int64_t to = (part + 1) * j->bundle;
  return to < j->units ? to : j->units;
}

#define grid_is_lanes    AT_LEVEL(grid_is_lanes)
#define grid_lanes_room  AT_LEVEL(grid_lanes_room)
#define grid_lanes       AT_LEVEL(grid_lanes)
#define grid_lanes_input AT_LEVEL(grid_lanes_input)
#define grid_lanes_grid  AT_LEVEL(grid_lanes_grid)
#define grid_forward_f64 AT_LEVEL(grid_forward_f64)
#define grid_input_f64   AT_LEVEL(grid_input_f64)
#define grid_grid_f64    AT_LEVEL(grid_grid_f64)

/* float32 with a channel in each lane of a vector: for several channels and not too few places. */
bool grid_is_lanes(const GridShape *s);
size_t grid_lanes_room(const GridShape *s);
void grid_lanes(GridJob job);
void grid_lanes_input(GridJob job);
void grid_lanes_grid(GridJob job);

void grid_forward_f64(const GridShape *s, const double *x, const double *grid, double *y,
                      void *room);
void grid_input_f64(const GridShape *s, const double *gy, const double *grid, double *gx,
                    void *room);
void grid_grid_f64(const GridShape *s, const double *gy, const double *x, const double *grid,
                   double *ggrid, void *room);

#endif
