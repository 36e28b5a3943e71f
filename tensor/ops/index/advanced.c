/* Indexing with tensors: x[{a, {}, b}] and its assignment.

   Inputs are x (and the values), then one index per dimension of x from the first on: positions, a
   mask (which stands for as many dimensions as it has), or absent for all positions. Indices
   broadcast against each other; their common shape takes the place of the dimensions they index
   when these are neighbours, else it comes first. */
#include <string.h>

#include "../../calc.h"
#include "../../loop/cast.h"
#include "../../expect.h"
#include "../../store.h"
#include "../../machine/team.h"
#include "../shape/window.h"
#include "index.h"
#include "pick.h"

enum { GRAIN = 1 << 15 }; /* elements of a part */

typedef struct Chosen {
  int n, dim[T_MAXDIM];   /* the indexed dimensions of x, rising */
  Positions at[T_MAXDIM]; /* checked */
} Chosen;

typedef struct Plan {
  Pick pick;
  Tensor *values; /* of index_put: in y's type, expanded */
} Plan;

/* ---- reading the indices ----------------------------------------------------------------------- */

static void check_dim(const Call *c, int dim, const Tensor *x) {
  if (dim < x->ndim) return;
  t_fail("%s: more indices than x, which is %s, has dimensions", call_name(c), t_shape_str(x));
}

/* A mask is the list of positions where it holds, in as many dimensions as it has. */
static void choose_mask(const Call *c, Chosen *k, int dim, const Tensor *mask, const Tensor *x) {
  bool fits = mask->ndim > 0 && dim + mask->ndim <= x->ndim;
  for (int d = 0; fits && d < mask->ndim; d++) fits = mask->shape[d] == x->shape[dim + d];
  if (!fits) {
    t_fail("%s: a mask of shape %s at dimension %d of x, which is %s; its sizes must be those of x",
           call_name(c), t_shape_str(mask), dim + 1, t_shape_str(x));
  }
  Tensor *all = mask_positions(mask);
  Window w = window_of(all);
  for (int d = 0; d < mask->ndim; d++) {
    Window column = w;
    window_cut(&column, 1, d, 1, 1);
    window_drop_dim(&column, 1);
    Tensor one = window_tensor(all, &column);
    k->dim[k->n] = dim + d;
    k->at[k->n++] = (Positions){cast_copy(&one, T_I64), 0, UINT64_MAX};
  }
}

/* The indices c->x[first..] of x. */
static Chosen read_indices(const Call *c, int first, const Tensor *x) {
  Chosen k = {0};
  int dim = 0;
  for (int i = first; i < c->nx; i++) {
    const Tensor *index = c->x[i];
    check_dim(c, dim, x);
    if (index && index->dtype == T_BOOL) {
      choose_mask(c, &k, dim, index, x);
      dim += index->ndim;
      continue;
    }
    if (index) {
      k.dim[k.n] = dim;
      k.at[k.n++] = pick_checked(c, index, x, dim, PICK_FROM_END);
    }
    dim++;
  }
  return k;
}

static int common_shape(const Call *c, const Chosen *k, int64_t *shape) {
  int ndim = 0;
  for (int i = 0; i < k->n; i++) {
    if (k->at[i].at->ndim > ndim) ndim = k->at[i].at->ndim;
  }
  for (int d = 0; d < ndim; d++) shape[d] = 1;
  for (int i = 0; i < k->n; i++) {
    const Tensor *at = k->at[i].at;
    for (int d = 0; d < at->ndim; d++) {
      int64_t *s = &shape[ndim - at->ndim + d];
      if (*s == 1) *s = at->shape[d];
      if (at->shape[d] == 1 || at->shape[d] == *s) continue;
      t_fail("%s: indices of shapes %s and %s do not go together; they broadcast, so sizes must be "
             "equal or 1",
             call_name(c), t_shape_str(k->at[0].at), t_shape_str(at));
    }
  }
  return ndim;
}

typedef struct Places {
  int64_t *places, n, base, stride;
  const int64_t *at;
} Places;

static void places_part(void *job, int64_t part) {
  const Places *p = job;
  int64_t i = part * GRAIN, end = i + GRAIN < p->n ? i + GRAIN : p->n;
  for (; i < end; i++) p->places[i] += (p->at[i] - p->base) * p->stride;
}

/* Adds the places that positions along a dimension stand for, expanded to the common shape. */
static void add_places(int64_t *places, int64_t n, const Positions *positions, const Window *common,
                       int64_t stride) {
  const Tensor *at = positions->at;
  Window w = *common;
  int lead = common->ndim - at->ndim;
  for (int d = 0; d < w.ndim; d++) {
    w.stride[d] = d < lead || at->shape[d - lead] == 1 ? 0 : at->stride[d - lead];
  }
  Tensor seen = window_tensor(at, &w);
  const Tensor *all = t_is_contiguous(&seen) ? &seen : cast_copy(&seen, T_I64);
  Places p = {places, n, positions->base, stride, t_i64(all)};
  team_run((n + GRAIN - 1) / GRAIN, places_part, &p);
}

/* Plans the pick from x (or into it); the shape of the values goes to result. */
static Pick plan(const Call *c, const Chosen *k, const Tensor *x, Window *result) {
  Window common = {.ndim = common_shape(c, k, common.shape)};
  Tensor rest = {.ndim = 0};
  for (int d = 0, i = 0; d < x->ndim; d++) {
    if (i < k->n && k->dim[i] == d) {
      i++;
      continue;
    }
    rest.shape[rest.ndim] = x->shape[d];
    rest.stride[rest.ndim++] = x->stride[d];
  }
  bool neighbours = k->n > 0 && k->dim[k->n - 1] - k->dim[0] == k->n - 1;
  int split = neighbours ? k->dim[0] : 0;
  if (rest.ndim + common.ndim > T_MAXDIM) {
    t_fail("%s: the result has more than %d dimensions", call_name(c), T_MAXDIM);
  }
  result->ndim = 0;
  for (int d = 0; d < split; d++) result->shape[result->ndim++] = rest.shape[d];
  for (int d = 0; d < common.ndim; d++) result->shape[result->ndim++] = common.shape[d];
  for (int d = split; d < rest.ndim; d++) result->shape[result->ndim++] = rest.shape[d];
  Pick p;
  p.pre = pick_offsets(&rest, 0, split, &p.npre, false);
  p.post = pick_offsets(&rest, split, rest.ndim, &p.npost, true);
  if (k->n == 1) { /* as they stand */
    const Positions *at = &k->at[0];
    p.nat = at->at->numel;
    p.at = t_i64(at->at);
    p.reach = (Reach){at->base, x->stride[k->dim[0]], at->size};
    return p;
  }
  Tensor *places = t_zeros(T_I64, common.ndim, common.shape);
  p.nat = places->numel;
  p.at = t_i64(places);
  p.reach = (Reach){0, 1, UINT64_MAX};
  for (int i = 0; i < k->n; i++) {
    add_places(t_i64(places), p.nat, &k->at[i], &common, x->stride[k->dim[i]]);
  }
  return p;
}

/* ---- index: inputs x, indices... ---------------------------------------------------------------- */

static void index_expects(const Call *c) { expect_count(c, 1); }

static void index_infer(Call *c) {
  const Tensor *x = c->x[0];
  Window result = {0};
  Chosen k = read_indices(c, 1, x);
  call_scratch(c, sizeof(Plan));
  Plan *p = c->scratch;
  p->pick = plan(c, &k, x, &result);
  call_out(c, 0, (DType)x->dtype, result.ndim, result.shape);
}

static const char *index_run(Call *c) {
  const Plan *p = c->scratch;
  pick_read(&p->pick, c->x[0], c->y[0]);
  return NULL;
}

Tensor *index_get(Tensor *x, int n, Tensor *const *indices) {
  Call f;
  call_begin(&f, op_find("index"));
  call_inputs(&f, 1 + n);
  f.x[0] = x;
  for (int i = 0; i < n; i++) f.x[1 + i] = indices[i];
  op_apply(&f);
  return f.y[0];
}

/* With the indices c->x[first..]. */
static Tensor *put(const Call *c, int first, Tensor *x, Tensor *values, bool accumulate,
                   bool inplace) {
  Call f;
  call_begin(&f, op_find("index_write"));
  call_inputs(&f, 2 + c->nx - first);
  f.x[0] = x;
  f.x[1] = values;
  for (int i = first; i < c->nx; i++) f.x[i - first + 2] = c->x[i];
  f.attr[0] = attr_of_bool(accumulate);
  f.inplace = inplace;
  op_apply(&f);
  return f.y[0];
}

static void index_grad(Call *c, Tensor *const *gy, Tensor **gx) {
  Tensor *g = pick_computed(gy[0]);
  gx[0] = put(c, 1, t_zeros((DType)g->dtype, c->x[0]->ndim, c->x[0]->shape), g, true, true);
}

/* ---- index_put: inputs x, values, indices... ----------------------------------------------------- */

static void check_values(const Tensor *values, const Window *result) {
  int lead = result->ndim - values->ndim;
  bool fits = lead >= 0;
  for (int d = 0; fits && d < values->ndim; d++) {
    fits = values->shape[d] == result->shape[d + lead] || values->shape[d] == 1;
  }
  if (!fits) {
    t_fail("values of shape %s do not fit the places indexed, which are %s", t_shape_str(values),
           t_dims_str(result->ndim, result->shape));
  }
}

static void index_put_expects(const Call *c) { expect_count(c, 2); }

static void index_put_infer(Call *c) {
  Tensor *x = c->x[0];
  Window result = {0};
  if (attr_int(c, 0, false)) call_promote(c, 0, 1); /* computes */
  Chosen k = read_indices(c, 2, x);
  Tensor *y = call_out(c, 0, (DType)x->dtype, x->ndim, x->shape);
  call_scratch(c, sizeof(Plan));
  Plan *p = c->scratch;
  p->pick = plan(c, &k, y, &result);
  check_values(c->x[1], &result);
  store_check(NULL, (DType)y->dtype, c->x[1]);
  Tensor whole = window_tensor(y, &result); /* for its shape */
  if (t_same_shape(c->x[1], &whole)) {
    p->values = pick_values(c->x[1], y);
    return;
  }
  p->values = t_new((DType)y->dtype, result.ndim, result.shape);
  cast_into(p->values, c->x[1]);
}

static const char *index_put_run(Call *c) {
  const Plan *p = c->scratch;
  if (c->y[0] != c->x[0]) cast_into(c->y[0], c->x[0]);
  if (attr_int(c, 0, false))
    pick_add(&p->pick, c->y[0], p->values, 1);
  else
    pick_write(&p->pick, c->y[0], p->values);
  return NULL;
}

static void index_put_grad(Call *c, Tensor *const *gy, Tensor **gx) {
  bool accumulate = attr_int(c, 0, false);
  if (c->want[0]) gx[0] = accumulate ? gy[0] : put(c, 2, gy[0], t_num(0), false, false);
  if (c->want[1]) gx[1] = index_get(gy[0], c->nx - 2, c->x + 2);
}

/* Inputs: x, index: positions in all of x's elements as one row. */
static void take(Call *c) {
  Tensor *row = t_reshape(c->x[0], 1, &c->x[0]->numel);
  c->y[0] = index_get(row, 1, &c->x[1]);
}

/* ---- the rows ---------------------------------------------------------------------------------- */

/* What gradients read: the indices, not the values. */
#define INDICES(first) (SAVE_XS & ~((1u << (first)) - 1))

static Op rows[] = {
    {.sig = "index(tensors: tensors) -> y: tensor",
     .doc =
         "x[...] with tensors: x and an index per dimension, positions or a mask, absent for all "
         "positions. Negative positions count from the end. Indices broadcast; their shape takes "
         "the place of the dimensions they index if these are neighbours, else it comes first.",
     .test = "{{{randn(3,4), tensor{3,1,-1}}}, {{randn(3,4), tensor{1,2}, tensor{{2},{4}}}}}",
     .ref = "reference.index",
     .flags = OP_HIDDEN,
     .save = INDICES(1),
     .expects = index_expects,
     .infer = index_infer,
     .run = index_run,
     .grad = index_grad},
    {.sig = "index_write(tensors: tensors, accumulate: bool=false) -> y: tensor",
     .doc =
         "x[...] = values: x, values that broadcast to the places, then indices as for index. Of "
         "places named twice the later value stays; with accumulate values are added instead, in "
         "their order.",
     .test = "{{{randn(3,4), randn(2,4), tensor{3,1}}}, {{randn(3,4), randn(3), tensor{3,1,3}, "
             "tensor{1,2,1}}, true}}",
     .ref = "reference.index_write",
     .flags = OP_HIDDEN | OP_INPLACE,
     .save = INDICES(2),
     .expects = index_put_expects,
     .infer = index_put_infer,
     .run = index_put_run,
     .grad = index_put_grad},
    {.sig = "index_put(x: tensor, indices: tensors, values: tensor, accumulate: bool=false) -> y: "
            "tensor",
     .doc = "A copy of x after x[indices] = values: an index, positions or a mask, for each of the "
            "first dimensions. Of places named twice the later value stays; with accumulate values "
            "are added instead, in their order.",
     .example = "tensor{1, 2, 3}:index_put({tensor{3, 1}}, tensor{7, 8}) --> int64 [3]  8  2  7",
     .test =
         "{{randn(3,4), {tensor{3,1}}, randn(2,4)}, {randn(3,4), {tensor{3,1,3}, tensor{1,2,1}}, "
         "randn(3), true}, {randn(3), {tensor{true, false, true}}, 1.5}}",
     .ref = "reference.index_put",
     .flags = OP_INPLACE,
     .save = INDICES(2),
     .infer = index_put_infer,
     .run = index_put_run,
     .grad = index_put_grad},
    {.sig = "take(x: tensor, index: index) -> y: tensor",
     .doc = "Elements of x as one row of all of them, picked by position; negative positions count "
            "from the end. y has the shape of index.",
     .example = "tensor{{10, 20}, {30, 40}}:take(tensor{1, 4}) --> int64 [2]  10  40",
     .test = "{{randn(2,3), tensor{1,6,-2}}, {randn(3), tensor{{2,2}}}}",
     .ref = "reference.take",
     .compose = take},
};

FAMILY_PART(index, advanced, rows);
