/* Filling with random numbers. */
#include "draw.h"

#include "../../kernels/random.h"
#include "../../machine/team.h"

enum { GRAIN = 1 << 14 }; /* elements of a part */

void draw_bits(const RandomKey *key, int64_t first, int64_t n, uint64_t *out) {
  SIMD_PICK(random_kernels)->integers(key, first, n, 0, 0, (int64_t *)out);
}

static void part(void *job, int64_t i) {
  const Fill *f = job;
  const RandomKernels *k = SIMD_PICK(random_kernels);
  int64_t at = i * GRAIN, n = f->to->numel - at < GRAIN ? f->to->numel - at : GRAIN;
  void *y = (char *)t_data(f->to) + at * (int64_t)dtype_size((DType)f->to->dtype);
  bool wide = f->to->dtype == T_F64;
  switch (f->kind) {
  case DRAW_UNIFORM:
    if (wide)
      k->uniform_f64(&f->key, at, n, f->a, f->b, y);
    else
      k->uniform_f32(&f->key, at, n, f->a, f->b, y);
    break;
  case DRAW_NORMAL:
    if (wide)
      k->normal_f64(&f->key, at, n, f->a, f->b, y);
    else
      k->normal_f32(&f->key, at, n, f->a, f->b, y);
    break;
  case DRAW_YES: k->bernoulli(&f->key, at, n, f->a, y); break;
  case DRAW_WHOLE: k->integers(&f->key, at, n, f->low, f->range, y); break;
  }
}

void draw_fill(const Fill *f) {
  if (f->to->numel == 0) return;
  team_run((f->to->numel + GRAIN - 1) / GRAIN, part, (void *)f);
}
