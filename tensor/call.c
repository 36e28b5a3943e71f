/* Calls: from filled-in arguments to results and a record on the tape. */
#include <string.h>

#include "watch/anomaly.h"
#include "calc.h"
#include "loop/cast.h"
#include "machine/mem.h"
#include "op.h"
#include "watch/profile.h"
#include "tape/tape.h"
#include "machine/team.h"

Attr attr_of_ints(int n, const int64_t *v) {
  Attr a = {.tag = A_INTS, .n = (uint8_t)n};
  if (n > 0) memcpy(a.v, v, (size_t)n * sizeof *v);
  return a;
}

void call_begin(Call *c, const Op *op) {
  const Sig *s = op_sig(op);
  c->op = op;
  c->inplace = (op->flags & OP_ONLY_INPLACE) != 0;
  c->scratch = NULL;
  c->gathered = NULL;
  c->ny = s->nresults;
  for (int i = 0; i < s->nparams; i++) {
    if (!s->param[i].is_x) c->attr[s->param[i].slot] = s->param[i].value;
  }
  call_inputs(c, s->nx);
  c->y = c->y_few;
  c->list = c->lone = false;
  for (int i = 0; i < CALL_Y; i++) c->y[i] = NULL;
}

/* Raw memory that lives as long as the open birth scope. */
static void *scoped(size_t bytes) {
  int64_t n = (int64_t)bytes;
  return t_new(T_U8, 1, &n)->st->data;
}

void call_inputs(Call *c, int n) {
  c->nx = n;
  c->x = n <= CALL_X ? c->x_few : scoped((size_t)n * sizeof *c->x);
  c->want = n <= CALL_X ? c->want_few : scoped((size_t)n * sizeof *c->want);
  for (int i = 0; i < n; i++) {
    c->x[i] = NULL;
    c->want[i] = false;
  }
}

void call_results(Call *c, int n) {
  c->ny = n;
  c->list = true;
  c->y = n <= CALL_Y ? c->y_few : scoped((size_t)n * sizeof *c->y);
}

void call_scratch(Call *c, size_t bytes) { c->scratch = bytes ? scoped(bytes) : NULL; }

/* ---- outputs ---------------------------------------------------------------------------------- */

/* Does a result of that type and shape fit the tensor x that a call writes to? */
static void check_fits(const Call *c, const Tensor *x, DType dtype, int ndim,
                       const int64_t *shape) {
  bool same = x->ndim == ndim;
  for (int d = 0; same && d < ndim; d++) same = x->shape[d] == shape[d];
  if (!same) {
    t_fail("%s: the result is %s but the tensor written to is %s; use %s, which makes a new one",
           op_sig(c->op)->written, t_dims_str(ndim, shape), t_shape_str(x), call_name(c));
  }
  bool fits = x->dtype == dtype || dtype_is_float((DType)x->dtype) ||
              (dtype_is_int(dtype) && dtype_is_int((DType)x->dtype)) || dtype == T_BOOL;
  if (!fits) {
    t_fail("%s: the result is %s and does not fit a tensor of %s; x = x:%s() first",
           op_sig(c->op)->written, dtype_name(dtype), dtype_name((DType)x->dtype),
           dtype == T_F64 ? "double" : "float");
  }
}

Tensor *call_out(Call *c, int i, DType dtype, int ndim, const int64_t *shape) {
  if (i == 0 && c->inplace) {
    check_fits(c, c->y[0], dtype, ndim, shape);
    return c->y[0];
  }
  return c->y[i] = t_new(dtype, ndim, shape);
}

Tensor *call_hidden(Call *c, DType dtype, int ndim, const int64_t *shape) {
  return c->y[c->ny++] = t_new(dtype, ndim, shape);
}

void call_view(Call *c, int ndim, const int64_t *shape, const int64_t *stride, int64_t offset) {
  c->y[0] = t_view(c->x[0], ndim, shape, stride, offset);
}

/* ---- inputs ----------------------------------------------------------------------------------- */

void call_want(Call *c, int i, DType dtype) {
  Tensor *x = c->x[i];
  if (x->dtype != dtype || !t_is_contiguous(x)) c->x[i] = cast_copy(x, dtype);
}

void call_contiguous(Call *c, int i) { call_want(c, i, (DType)c->x[i]->dtype); }

/* 0: bool, 1: integers, 2: floats */
static int class_of(DType d) { return dtype_is_float(d) ? 2 : d == T_BOOL ? 0 : 1; }

DType call_promote(Call *c, int from, int to) {
  const Tensor *first = c->x[from];
  if (to - from == 2 && first && c->x[from + 1] && !first->weak && first->dtype < T_F16 &&
      first->dtype == c->x[from + 1]->dtype) {
    return (DType)first->dtype; /* the common case */
  }
  /* Three ranks decide in turn: tensors with dimensions, 0-d tensors, the host's numbers; a lower
     rank counts only where its class is higher. */
  int best[3] = {-1, -1, -1};
  for (int i = from; i < to; i++) {
    Tensor *x = c->x[i];
    if (!x) continue;
    if (x->dtype >= T_F16) {
      t_fail("%s: %s is stored, not computed with; x:float() converts", call_name(c),
             dtype_name((DType)x->dtype));
    }
    int rank = x->weak ? 2 : x->ndim == 0 ? 1 : 0;
    best[rank] = best[rank] < 0 ? x->dtype : (int)dtype_promote((DType)best[rank], x->dtype);
  }
  int d = best[0];
  for (int rank = 1; rank < 3; rank++) {
    if (best[rank] < 0) continue;
    DType own = (DType)best[rank];
    if (rank == 2 && own == T_F64) own = T_F32; /* a Lua float */
    if (d < 0)
      d = (int)own;
    else if (class_of(own) > class_of((DType)d))
      d = (int)own;
  }
  return d < 0 ? T_F32 : (DType)d;
}

/* ---- applying --------------------------------------------------------------------------------- */

static bool any_tracked(Call *c) {
  if (!tape_on) return false;
  /* what is written by an op without gradient still had a history */
  int n = !(c->op->flags & OP_CONST) ? c->nx : c->inplace ? 1 : 0;
  for (int i = 0; i < n; i++) {
    if (c->x[i] && tape_tracks(c->x[i])) return true;
  }
  return false;
}

/* What a write in place may not be. */
static void check_written(Call *c, bool tracked) {
  Tensor *x = c->x[0];
  const char *name = op_sig(c->op)->written;
  if (!x) t_fail("%s: the tensor to write to is missing", name);
  if (x->weak) t_fail("%s: a number cannot be written to", name);
  if (tracked && x->requires_grad) {
    t_fail("%s: this tensor is a leaf that records gradients; change it inside "
           "tensor.no_grad(function() ... end)",
           name);
  }
  if (tracked && x->base && x->base->requires_grad) {
    t_fail("%s: this is a view of a leaf that records gradients; change it inside "
           "tensor.no_grad(function() ... end)",
           name);
  }
  if (t_overlaps_itself(x)) {
    t_fail("%s: several elements of this expanded tensor share one place in memory; "
           "x = x:clone() first",
           name);
  }
  for (int i = 1; i < c->nx; i++) {
    if (c->x[i] && c->x[i] != x && t_overlaps(x, c->x[i])) {
      c->x[i] = cast_copy(c->x[i], (DType)c->x[i]->dtype);
    }
  }
}

/* Inputs that the gradient reads and the write destroys: it gets a copy of them. in: the inputs. */
static void keep_overwritten(Call *c, Tensor *const *in) {
  const Op *op = c->op;
  Tensor *copy = NULL;
  for (int i = 0; i < c->nx; i++) {
    if (in[i] != in[0] || !(op->save & SAVE_X(i < 15 ? i : 15))) continue;
    bool read = !(op->flags & OP_CROSS);
    for (int j = 0; !read && j < c->nx; j++) read = j != i && in[j] && tape_tracks(in[j]);
    if (!read) continue;
    if (!copy) copy = cast_copy(in[0], (DType)in[0]->dtype);
    c->x[i] = copy;
  }
}

/* Fails when Ctrl-C has cut what was done so far. */
static void check_cut(void) {
  if (team_was_cut()) t_fail("interrupted!");
}

static void infer(Call *c) {
  c->op->infer(c);
  check_cut();
}

static void mark_written(Call *c) {
  c->y[0]->st->version++;
  c->y[0]->st->writer = op_sig(c->op)->written;
}

static void compute(Call *c) {
  const Op *op = c->op;
  if (!op->run) return;
  if (c->inplace) team_set_cut(TEAM_CUT_LATE);
  const char *problem = op->run(c);
  if (problem) t_fail("%s: %s", call_name(c), problem);
  if (c->inplace && team_was_cut()) {
    mark_written(c);
    team_interrupt = 0; /* reported here */
    t_fail("interrupted! %s has written a part of its values", op_sig(op)->written);
  }
  check_cut();
}

/* In place for rows that cannot write over their input: the result is made apart, of a copy of x where
   gradients may read it later, and written to x. */
static void apply_apart(Call *c, bool tracked) {
  Tensor *x = c->x[0], *kept = tracked ? t_op1("clone", x) : x;
  for (int i = 0; i < c->nx; i++) c->x[i] = c->x[i] == x ? kept : c->x[i];
  c->inplace = false;
  op_apply(c);
  Tensor *y = c->y[0];
  check_fits(c, x, (DType)y->dtype, y->ndim, y->shape);
  c->y[0] = t_op2("copy_", x, y);
  c->inplace = true;
}

static bool all_whole(const Call *c) {
  for (int i = 0; i < c->nx; i++) {
    if (c->x[i] && dtype_is_float((DType)c->x[i]->dtype)) return false;
  }
  return true;
}

static void apply_whole(Call *c) {
  for (int i = 0; i < c->nx; i++) {
    if (c->x[i]) c->x[i] = t_cast(c->x[i], T_F64);
  }
  op_apply(c);
  c->y[0] = t_cast(c->y[0], T_I64);
}

static void apply_row(Call *c) {
  const Op *op = c->op;
  if (op->flags & OP_WHOLE && all_whole(c)) {
    apply_whole(c);
    return;
  }
  bool apart = c->inplace && !(op->flags & OP_ONLY_INPLACE) && (!op->infer || op->flags & OP_APART);
  if (!op->infer && !apart) {
    op->compose(c);
    check_cut();
    return;
  }
  bool tracked = any_tracked(c);
  if (apart) {
    check_written(c, tracked);
    apply_apart(c, tracked);
    return;
  }
  if (!tracked && !c->inplace && !anomaly_on) {
    infer(c);
    compute(c);
    return;
  }
  Tensor *few[CALL_X], **in = c->nx <= CALL_X ? few : scoped((size_t)c->nx * sizeof *in);
  memcpy(in, c->x, (size_t)c->nx * sizeof *in);
  if (c->inplace) {
    check_written(c, tracked);
    c->y[0] = c->x[0];
    if (tracked) keep_overwritten(c, in);
  }
  infer(c);
  /* a conversion with nothing to do hands back its input */
  bool record = tracked && (c->inplace || c->y[0] != in[0]);
  Node *n = record ? tape_prepare(c, in) : NULL;
  compute(c);
  if (c->inplace) mark_written(c);
  if (n) tape_commit(c, n);
  if (anomaly_on) anomaly_forward(c);
}

static void apply(Call *c) {
  TeamCut before = team_set_cut(TEAM_CUT);
  apply_row(c);
  team_set_cut(before);
}

void op_apply(Call *c) {
  if (profile_on)
    profile_apply(c, apply);
  else
    apply(c);
}
