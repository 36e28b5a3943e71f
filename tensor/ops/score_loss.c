/* Cross-entropy of rows in one pass, and its gradient: input [M,C], target [M] of checked classes.

   With lse = log(sum(exp(x))), w the weights (or ones), s the smoothing and W = sum(w), the loss of
   a row with class t is (1 - s) w[t] (lse - x[t]) + s/C sum_c w[c] (lse - x[c]). Hidden outputs:
   lse: [M], and total: the sum of w[t] that the mean divides by. */
#include <math.h>
#include <string.h>

#include "../calc.h"
#include "../kernels/elementary.h"
#include "../team.h"
#include "loss.h"

enum { BLOCK = 512, GRAIN = 1 << 15 }; /* classes at a time; scores of a part */

typedef struct Scores {
  const Call *c;
  const Tensor *x, *t, *w;
  int64_t rows, classes, group; /* rows of a part */
  double smoothing, all_weights;
  /* forward */
  Tensor *lse, *loss; /* loss: NULL where it is reduced */
  double *part;       /* then its sum over each part */
  /* backward */
  const Tensor *g;
  Tensor *dx;
  double scale;
} Scores;

static int64_t least(int64_t a, int64_t b) { return a < b ? a : b; }

static double weight_of(const Scores *s, int64_t class) { return s->w ? t_get(s->w, class) : 1; }

static void scores_begin(Scores *s, Call *c, const Tensor *x, const Tensor *t, const Tensor *w) {
  *s = (Scores){.c = c, .x = x, .t = t, .w = w, .rows = x->shape[0], .classes = x->shape[1]};
  s->smoothing = attr_float(c, A_SMOOTHING, 0);
  s->group = GRAIN / (s->classes > 0 ? s->classes : 1);
  if (s->group < 1) s->group = 1;
  s->all_weights = w ? 0 : (double)s->classes;
  for (int64_t k = 0; w && k < s->classes; k++) s->all_weights += t_get(w, k);
}

static int64_t parts_of(int64_t rows, int64_t group) { return (rows + group - 1) / group; }

void score_loss_infer(Call *c) {
  DType d = call_promote(c, 0, 1);
  if (!dtype_is_float(d)) d = T_F32;
  call_want(c, 0, d);
  call_want(c, 1, T_I64);
  if (c->x[2]) call_want(c, 2, d);
  int64_t m = c->x[0]->shape[0];
  bool whole = c->attr[A_REDUCTION].i != LOSS_NONE;
  call_out(c, 0, d, whole ? 0 : 1, &m);
  call_hidden(c, d, 1, &m);
  call_hidden(c, T_F64, 0, NULL);
  Scores s;
  scores_begin(&s, c, c->x[0], c->x[1], NULL);
  call_scratch(c, (size_t)(parts_of(m, s.group) + 1) * sizeof(double));
}

static double lse_f32(int64_t n, const float *x) {
  float max = -INFINITY, e[BLOCK];
  for (int64_t i = 0; i < n; i++) max = x[i] > max || x[i] != x[i] ? x[i] : max;
  if (max == -INFINITY) return (double)max;
  double sum = 0;
  for (int64_t i = 0; i < n; i += BLOCK) {
    int64_t m = least(n - i, BLOCK);
    for (int64_t k = 0; k < m; k++) e[k] = x[i + k] - max;
    SIMD_PICK(elementary_kernels)->exp(m, e, e);
    for (int64_t k = 0; k < m; k++) sum += (double)e[k];
  }
  return (double)max + log(sum);
}

static double lse_f64(int64_t n, const double *x) {
  double max = -INFINITY, sum = 0;
  for (int64_t i = 0; i < n; i++) max = x[i] > max || x[i] != x[i] ? x[i] : max;
  if (max == -INFINITY) return max;
  for (int64_t i = 0; i < n; i++) sum += exp(x[i] - max);
  return max + log(sum);
}

/* sum_c w[c] (lse - x[c]) / C */
static double smooth_part(const Scores *s, int64_t row, double lse) {
  const float *x32 = t_f32(s->x) + row * s->classes;
  const double *x64 = t_f64(s->x) + row * s->classes;
  bool single = s->x->dtype == T_F32;
  double sum = 0;
  for (int64_t k = 0; k < s->classes; k++) {
    sum += weight_of(s, k) * (lse - (single ? (double)x32[k] : x64[k]));
  }
  return sum / (double)s->classes;
}

static void forward_part(void *job, int64_t k) {
  const Scores *s = job;
  double sum = 0;
  int64_t n = s->classes, end = least((k + 1) * s->group, s->rows);
  for (int64_t row = k * s->group; row < end; row++) {
    bool single = s->x->dtype == T_F32;
    double lse = single ? lse_f32(n, t_f32(s->x) + row * n) : lse_f64(n, t_f64(s->x) + row * n);
    t_set(s->lse, row, lse);
    int64_t t = t_i64(s->t)[row];
    double loss = 0;
    if (class_counts(s->c, t)) {
      int64_t class = t - T_BASE;
      loss = weight_of(s, class) * (lse - t_get(s->x, row * n + class));
      if (s->smoothing > 0) {
        loss = (1 - s->smoothing) * loss + s->smoothing * smooth_part(s, row, lse);
      }
    }
    if (s->loss) t_set(s->loss, row, loss);
    sum += loss;
  }
  s->part[k] = sum;
}

const char *score_loss_run(Call *c) {
  Scores s;
  scores_begin(&s, c, c->x[0], c->x[1], c->x[2]);
  int64_t reduction = c->attr[A_REDUCTION].i, parts = parts_of(s.rows, s.group);
  s.lse = c->y[1];
  s.loss = reduction == LOSS_NONE ? c->y[0] : NULL;
  s.part = c->scratch;
  team_run(parts, forward_part, &s);
  double total = 0, sum = 0;
  for (int64_t i = 0; i < s.rows; i++) {
    int64_t t = t_i64(s.t)[i];
    if (class_counts(c, t)) total += weight_of(&s, t - T_BASE);
  }
  t_set(c->y[2], 0, total);
  if (s.loss) return NULL;
  for (int64_t i = 0; i < parts; i++) sum += s.part[i];
  t_set(c->y[0], 0, reduction == LOSS_MEAN ? sum / total : sum);
  return NULL;
}

/* ---- its gradient ------------------------------------------------------------------------------------

   dx[c] = g ((1 - s) w[t] + s/C W) p[c] - g (1 - s) w[t] [c = t] - g s/C w[c], p = exp(x - lse) */

void score_loss_grad(Call *c, Tensor *const *gy, Tensor **gx) {
  Call d;
  call_begin(&d, op_find("score_loss_dx"));
  d.x[0] = gy[0];
  for (int i = 0; i < 3; i++) d.x[1 + i] = c->x[i];
  d.x[4] = c->y[1];
  d.x[5] = c->y[2];
  memcpy(d.attr, c->attr, 3 * sizeof *d.attr);
  op_apply(&d);
  gx[0] = d.y[0];
}

void score_loss_dx_infer(Call *c) {
  DType d = (DType)c->x[1]->dtype;
  call_want(c, 0, d);
  call_want(c, 2, T_I64);
  for (int i = 1; i <= 5; i++) {
    if (c->x[i]) call_contiguous(c, i);
  }
  call_out(c, 0, d, 2, c->x[1]->shape);
}

/* y = scale exp(x - lse) */
static void scaled_exps(const Scores *s, int64_t row, double scale) {
  int64_t n = s->classes, at = row * n;
  double lse = t_get(s->lse, row);
  if (s->x->dtype == T_F32) {
    const float *x = t_f32(s->x) + at, shift = (float)lse, factor = (float)scale;
    float *y = t_f32(s->dx) + at;
    for (int64_t k = 0; k < n; k++) y[k] = x[k] - shift;
    SIMD_PICK(elementary_kernels)->exp(n, y, y);
    for (int64_t k = 0; k < n; k++) y[k] *= factor;
  } else {
    const double *x = t_f64(s->x) + at;
    double *y = t_f64(s->dx) + at;
    for (int64_t k = 0; k < n; k++) y[k] = scale * exp(x[k] - lse);
  }
}

/* y -= g w */
static void take_even(const Scores *s, int64_t row, double g) {
  float *y32 = t_f32(s->dx) + row * s->classes;
  double *y64 = t_f64(s->dx) + row * s->classes;
  bool single = s->dx->dtype == T_F32;
  for (int64_t k = 0; k < s->classes; k++) {
    double take = g * weight_of(s, k);
    if (single)
      y32[k] -= (float)take;
    else
      y64[k] -= take;
  }
}

static void backward_part(void *job, int64_t k) {
  const Scores *s = job;
  int64_t n = s->classes, end = least((k + 1) * s->group, s->rows);
  size_t size = dtype_size((DType)s->x->dtype);
  for (int64_t row = k * s->group; row < end; row++) {
    int64_t class = t_i64(s->t)[row] - T_BASE;
    if (!class_counts(s->c, class + T_BASE)) {
      memset((char *)t_data(s->dx) + (size_t)(row * n) * size, 0, (size_t)n * size);
      continue;
    }
    double g = t_get(s->g, s->g->numel > 1 ? row : 0) * s->scale, even = s->smoothing / (double)n;
    double right = (1 - s->smoothing) * weight_of(s, class);
    scaled_exps(s, row, g * (right + even * s->all_weights));
    t_set(s->dx, row * n + class, t_get(s->dx, row * n + class) - g * right);
    if (even > 0) take_even(s, row, g * even);
  }
}

const char *score_loss_dx_run(Call *c) {
  Scores s;
  scores_begin(&s, c, c->x[1], c->x[2], c->x[3]);
  s.g = c->x[0];
  s.lse = c->x[4];
  s.dx = c->y[0];
  s.scale = c->attr[A_REDUCTION].i == LOSS_MEAN ? 1 / t_get(c->x[5], 0) : 1;
  team_run(parts_of(s.rows, s.group), backward_part, &s);
  return NULL;
}
