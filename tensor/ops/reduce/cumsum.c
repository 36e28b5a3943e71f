/* Running sums along a dimension, from its beginning or from its end. */
#include "../../calc.h"
#include "../../team.h"
#include "reduce.h"

enum { CUM_TILE = 256 }; /* columns of a part */

typedef struct Cum {
  const char *x;
  char *y;
  DType dtype;
  bool back; /* from the end */
  int64_t n, inner, tiles;
} Cum;

#define CUMULATE(type, T, A)                                                                       \
  static void cum_##type(const Cum *j, int64_t at, int64_t width) {                                \
    A sum[CUM_TILE] = {0};                                                                         \
    for (int64_t r = 0; r < j->n; r++) {                                                           \
      int64_t row = at + (j->back ? j->n - 1 - r : r) * j->inner;                                  \
      for (int64_t i = 0; i < width; i++) {                                                        \
        sum[i] += (A)((const T *)j->x)[row + i];                                                   \
        ((T *)j->y)[row + i] = (T)sum[i];                                                          \
      }                                                                                            \
    }                                                                                              \
  }
CUMULATE(f32, float, double)
CUMULATE(f64, double, double)
CUMULATE(i64, int64_t, uint64_t)

static void cum_part(void *job, int64_t k) {
  const Cum *j = job;
  int64_t o = k / j->tiles, i = k % j->tiles * CUM_TILE;
  int64_t width = j->inner - i < CUM_TILE ? j->inner - i : CUM_TILE, at = o * j->n * j->inner + i;
  if (j->dtype == T_F32)
    cum_f32(j, at, width);
  else if (j->dtype == T_F64)
    cum_f64(j, at, width);
  else
    cum_i64(j, at, width);
}

static void cumsum_infer(Call *c) {
  DType d = reduce_type(c, 1, call_promote(c, 0, 1));
  if (!dtype_is_float(d)) d = T_I64;
  call_want(c, 0, d);
  call_out(c, 0, d, c->x[0]->ndim, c->x[0]->shape);
}

static const char *cumulate(Call *c, bool back) {
  Tensor *x = c->x[0];
  if (x->numel == 0) return NULL;
  int dim = (int)c->attr[0].i;
  Cum j = {.x = t_data(x), .y = t_data(c->y[0]), .dtype = (DType)x->dtype, .back = back};
  j.n = x->ndim ? x->shape[dim] : 1;
  j.inner = 1;
  for (int d = dim + 1; d < x->ndim; d++) j.inner *= x->shape[d];
  j.tiles = (j.inner + CUM_TILE - 1) / CUM_TILE;
  team_run(x->numel / (j.n * j.inner) * j.tiles, cum_part, &j);
  return NULL;
}

static const char *cumsum_run(Call *c) { return cumulate(c, false); }
static const char *cumsum_back_run(Call *c) { return cumulate(c, true); }

static void run_back(Call *c, const char *name, Tensor *g, Tensor **gx) {
  Call back;
  call_begin(&back, op_find(name));
  back.x[0] = g;
  back.attr[0] = c->attr[0];
  op_apply(&back);
  gx[0] = back.y[0];
}

static void cumsum_grad(Call *c, Tensor *const *gy, Tensor **gx) {
  run_back(c, "cumsum_back", gy[0], gx);
}
static void cumsum_back_grad(Call *c, Tensor *const *gy, Tensor **gx) {
  run_back(c, "cumsum", gy[0], gx);
}

/* ---- the rows ---------------------------------------------------------------------------------- */

static Op rows[] = {
    {.sig = "cumsum(x: tensor, dim: dim, dtype: dtype?) -> y: tensor",
     .doc = "Running sum along a dimension. Integers and masks are summed in int64.",
     .test = "{{randn(2,3), 2}, {randn(2,3,2), 1}, {randn(4), -1}, {ints(3,2), 1}}",
     .ref = "reference.cumsum",
     .infer = cumsum_infer,
     .run = cumsum_run,
     .grad = cumsum_grad},
    {.sig = "cumsum_back(x: tensor, dim: dim, dtype: dtype?) -> y: tensor",
     .doc = "Running sum along a dimension, from its end.",
     .test = "{{randn(2,3), 2}, {randn(2,3,2), 1}}",
     .ref = "reference.cumsum_back",
     .flags = OP_HIDDEN,
     .infer = cumsum_infer,
     .run = cumsum_back_run,
     .grad = cumsum_back_grad},
};

FAMILY_PART(reduce, cumsum, rows);
