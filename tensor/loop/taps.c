/* Sparse linear maps: turned about, and shared out to the team; see taps.h. */
#include "taps.h"

#include <string.h>

#include "../machine/team.h"

enum { GRAIN = 1 << 15 }; /* products of a part */

Taps taps_in(void *room, int64_t in, int64_t out, int64_t inner, int64_t taps) {
  int64_t *first = room, *index = first + out + 1;
  return (Taps){in, out, inner, first, index, (double *)(index + taps), false};
}

Taps taps_turned(const Taps *t, void *room) {
  const int64_t taps = t->first[t->out];
  Taps u = taps_in(room, t->out, t->in, t->inner, taps);
  if (!t->weight) u.weight = NULL;
  memset(u.first, 0, (size_t)(u.out + 1) * sizeof *u.first);
  for (int64_t k = 0; k < taps; k++) u.first[t->index[k] + 1]++;
  for (int64_t i = 0; i < u.out; i++) u.first[i + 1] += u.first[i];
  for (int64_t i = 0; i < t->out; i++)
    for (int64_t k = t->first[i]; k < t->first[i + 1]; k++) {
      int64_t at = u.first[t->index[k]]++;
      u.index[at] = i;
      if (t->weight) u.weight[at] = t->weight[k];
    }
  for (int64_t i = u.out; i > 0; i--) u.first[i] = u.first[i - 1];
  u.first[0] = 0;
  return u;
}

typedef struct Job {
  const Taps *taps;
  const Tensor *x;
  Tensor *y;
  int64_t lines, outputs; /* of a part: whole lines, or outputs of the only one */
  int64_t outer;
} Job;

static void part(void *job, int64_t k) {
  const Job *j = job;
  const ResampleKernels *f = SIMD_PICK(resample_kernels);
  Taps t = *j->taps;
  int64_t line = k * j->lines, from = k * j->outputs, n = 1;
  if (j->outputs) {
    t.first += from;
    t.out = t.out - from < j->outputs ? t.out - from : j->outputs;
  } else {
    n = j->outer - line < j->lines ? j->outer - line : j->lines;
  }
  int64_t x = line * t.in * t.inner, y = (line * t.out + from) * t.inner;
  if (j->y->dtype == T_F32)
    f->apply_f32(&t, n, t_f32(j->x) + x, t_f32(j->y) + y);
  else
    f->apply_f64(&t, n, t_f64(j->x) + x, t_f64(j->y) + y);
}

void taps_run(const Taps *t, const Tensor *x, Tensor *y) {
  if (y->numel == 0) return;
  Job j = {.taps = t, .x = x, .y = y, .outer = y->numel / (t->out * t->inner)};
  int64_t work = (t->first[t->out] + t->out) * t->inner, parts;
  if (j.outer == 1) {
    j.outputs = GRAIN / (work / t->out) + 1;
    parts = (t->out + j.outputs - 1) / j.outputs;
  } else {
    j.lines = GRAIN / work + 1;
    parts = (j.outer + j.lines - 1) / j.lines;
  }
  team_run(parts, part, &j);
}
