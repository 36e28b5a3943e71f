/* Indexing with tensors: x[{a, {}, b}] and its assignment.

   Inputs are x (and the values), then one index per dimension of x from the first on: positions, a
   mask (which stands for as many dimensions as it has), or absent for all positions. Indices
   broadcast against each other; their common shape takes the place of the dimensions they index
   when these are neighbours, else it comes first. */
#include <string.h>

#include "../calc.h"
#include "../cast.h"
#include "index.h"
#include "pick.h"
#include "store.h"

typedef struct Chosen {
  int n, dim[T_MAXDIM]; /* the indexed dimensions of x, rising */
  Tensor *at[T_MAXDIM]; /* their positions, int64 from 0 */
} Chosen;

/* ---- reading the indices ----------------------------------------------------------------------- */

static void add(const Call *c, Chosen *k, int dim, Tensor *at, const Tensor *x) {
  if (dim >= x->ndim) {
    t_fail("%s: more indices than the %d dimensions of x, which is %s", call_name(c), x->ndim,
           t_shape_str(x));
  }
  k->dim[k->n] = dim;
  k->at[k->n++] = at;
}

/* A mask is the list of positions where it holds, in as many dimensions as it has. */
static int add_mask(const Call *c, Chosen *k, int dim, const Tensor *mask, const Tensor *x) {
  bool fits = mask->ndim > 0 && dim + mask->ndim <= x->ndim;
  for (int d = 0; fits && d < mask->ndim; d++) fits = mask->shape[d] == x->shape[dim + d];
  if (!fits) {
    t_fail("%s: a mask of shape %s at dimension %d of x, which is %s; its sizes must be those of x",
           call_name(c), t_shape_str(mask), dim + 1, t_shape_str(x));
  }
  Tensor *all = mask_positions(mask);
  for (int d = 0; d < mask->ndim; d++) {
    Tensor *column = t_new(T_I64, 1, &all->shape[0]);
    for (int64_t i = 0; i < all->shape[0]; i++) {
      t_i64(column)[i] = t_i64(all)[i * all->ndim * 0 + i * mask->ndim + d];
    }
    add(c, k, dim + d, column, x);
  }
  return mask->ndim;
}

static Chosen read_indices(const Call *c, int first, const Tensor *x) {
  Chosen k = {0};
  int dim = 0;
  for (int i = first; i < c->nx; i++) {
    const Tensor *index = c->x[i];
    if (!index) {
      dim++;
    } else if (index->dtype == T_BOOL) {
      dim += add_mask(c, &k, dim, index, x);
    } else {
      if (dim >= x->ndim) add(c, &k, dim, NULL, x);
      add(c, &k, dim, pick_positions(c, index, x, dim, true), x);
      dim++;
    }
  }
  if (dim > x->ndim) add(c, &k, dim, NULL, x);
  return k;
}
