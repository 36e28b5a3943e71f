/* Which dimensions are reduced, and how a tensor lies in memory for that. */
#include "fold.h"

enum { LONG = 64 }; /* values of a row that is worth a run of its own */

unsigned fold_dims(Call *c, int attr) {
  const Attr *a = &c->attr[attr];
  int ndim = c->x[0]->ndim;
  unsigned mask = 0;
  for (int i = 0; a->tag != A_NONE && i < a->n; i++) {
    unsigned bit = 1u << a->v[i];
    if (mask & bit) t_fail("%s: dimension %d is given twice", call_name(c), (int)a->v[i] + 1);
    mask |= bit;
  }
  return mask ? mask : (1u << ndim) - 1;
}

unsigned fold_dim(Call *c, int attr) {
  return attr_given(c, attr) ? 1u << c->attr[attr].i : (1u << c->x[0]->ndim) - 1;
}

int fold_result(const Tensor *x, unsigned reduced, bool keepdim, int64_t *shape) {
  int n = 0;
  for (int d = 0; d < x->ndim; d++) {
    if (!(reduced >> d & 1))
      shape[n++] = x->shape[d];
    else if (keepdim)
      shape[n++] = 1;
  }
  return n;
}

int64_t fold_count(const Tensor *x, unsigned reduced) {
  int64_t n = 1;
  for (int d = 0; d < x->ndim; d++) n *= reduced >> d & 1 ? x->shape[d] : 1;
  return n;
}

/* ---- groups ----------------------------------------------------------------------------------- */

/* Does dimension d lie within e in memory? What is repeated counts as outermost. */
static bool lies_within(const Tensor *x, int d, int e) {
  return x->stride[d] != 0 && (x->stride[e] == 0 || x->stride[e] > x->stride[d]);
}

/* x with its dimensions in the order of its memory (*seen, which shares x's data), where the kept
   ones keep theirs; false where they do not. *bits: the reduced dimensions of seen. */
static bool seen_in_memory(const Tensor *x, unsigned reduced, Tensor *seen, unsigned *bits) {
  int order[T_MAXDIM], n = 0, last_kept = -1;
  for (int d = 0; d < x->ndim; d++) {
    if (x->shape[d] == 1) continue;
    int at = n++;
    for (; at > 0 && lies_within(x, order[at - 1], d); at--) order[at] = order[at - 1];
    order[at] = d;
  }
  *bits = 0;
  *seen = *x;
  seen->ndim = (uint8_t)n;
  for (int i = 0; i < n; i++) {
    int d = order[i];
    bool kept = !(reduced >> d & 1);
    if (kept && d < last_kept) return false;
    if (kept) last_kept = d;
    if (!kept) *bits |= 1u << i;
    seen->shape[i] = x->shape[d];
    seen->stride[i] = x->stride[d];
  }
  return true;
}

/* Neighbours of one kind become a group; in_memory: only where memory runs on from one to the next. */
static void group(FoldShape *s, const Tensor *x, unsigned reduced, bool in_memory) {
  s->n = 0;
  for (int d = 0; d < x->ndim; d++) {
    bool r = reduced >> d & 1;
    int64_t n = x->shape[d], stride = x->stride[d];
    if (n == 1) continue;
    int last = s->n - 1;
    if (last >= 0 && s->reduced[last] == r && (!in_memory || s->stride[last] == stride * n)) {
      s->size[last] *= n;
    } else {
      s->reduced[++last] = r;
      s->size[last] = n;
      s->n++;
    }
    s->stride[last] = stride;
  }
}

/* Is the last group one run of memory, long enough that rows are folded where they lie? What is kept
   within what is reduced must be one group. */
static bool has_runs(const FoldShape *s) {
  int last = s->n - 1;
  if (last < 1 || s->stride[last] != 1 || s->size[last] < LONG) return false;
  return s->reduced[last] || s->reduced[last - 1];
}

void fold_shape(FoldShape *s, const Tensor *x, unsigned reduced, DType in) {
  Tensor seen;
  unsigned bits;
  bool ordered = seen_in_memory(x, reduced, &seen, &bits);
  s->in = in;
  s->lie = FOLD_SCATTERED;
  if (x->dtype == in && t_is_contiguous(x)) {
    s->lie = FOLD_DENSE;
  } else if (x->dtype == in && ordered) {
    group(s, &seen, bits, true);
    s->lie = t_is_contiguous(&seen) ? FOLD_DENSE : has_runs(s) ? FOLD_RUNS : FOLD_SCATTERED;
    if (s->lie != FOLD_SCATTERED) return;
  }
  group(s, x, reduced, false);
}
