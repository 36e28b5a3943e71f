/* Checks of hidden rows' inputs, for callers that are not gradient rules. */
#include "expect.h"

static const char *input_name(const Call *c, int i) {
  const Sig *s = op_sig(c->op);
  for (int k = 0; k < s->nparams; k++) {
    if (s->param[k].is_x && s->param[k].slot == i) return s->param[k].name;
  }
  return "an input";
}

void expect_no_more(const Call *c) { (void)c; }

void expect_count(const Call *c, int least) {
  if (c->nx < least) t_fail("%s: a list of %d; at least %d are wanted", call_name(c), c->nx, least);
}

void expect_ndim(const Call *c, int i, int least, int most) {
  const Tensor *x = c->x[i];
  if (x->ndim < least || x->ndim > most) {
    t_fail("%s: %s is %s; %d to %d dimensions are wanted", call_name(c), input_name(c, i),
           t_shape_str(x), least, most);
  }
}

void expect_type(const Call *c, int i, DType dtype) {
  const Tensor *x = c->x[i];
  if (x && x->dtype != dtype) {
    t_fail("%s: %s is %s; %s is wanted", call_name(c), input_name(c, i),
           dtype_name((DType)x->dtype), dtype_name(dtype));
  }
}

void expect_floats(const Call *c) {
  const Tensor *first = NULL;
  for (int i = 0; i < c->nx; i++) {
    const Tensor *x = c->x[i];
    if (!x) continue;
    if (!first) first = x;
    if (x->dtype != first->dtype || (x->dtype != T_F32 && x->dtype != T_F64)) {
      t_fail("%s: %s is %s; float32 or float64 is wanted, the same for all", call_name(c),
             input_name(c, i), dtype_name((DType)x->dtype));
    }
  }
}

void expect_shape(const Call *c, int i, int ndim, const int64_t *shape) {
  const Tensor *x = c->x[i];
  if (!x) return;
  bool same = x->ndim == ndim;
  for (int d = 0; same && d < ndim; d++) same = x->shape[d] == shape[d];
  if (!same) {
    t_fail("%s: %s is %s; %s is wanted", call_name(c), input_name(c, i), t_shape_str(x),
           t_dims_str(ndim, shape));
  }
}

void expect_like(const Call *c, int i, int j) { expect_shape(c, i, c->x[j]->ndim, c->x[j]->shape); }

void expect_range(const Call *c, int i, int64_t from, int64_t to) {
  const Tensor *x = c->x[i];
  if (dtype_is_float((DType)x->dtype) || x->dtype == T_BOOL) expect_type(c, i, T_I64);
  for (int64_t n = 0; n < x->numel; n++) {
    int64_t at = 0, left = n;
    for (int d = x->ndim - 1; d >= 0; d--) {
      at += left % x->shape[d] * x->stride[d];
      left /= x->shape[d];
    }
    int64_t v = t_get_int(x, at);
    if (v < from || v > to) {
      t_fail("%s: %s holds %lld; %lld..%lld are wanted", call_name(c), input_name(c, i),
             (long long)v, (long long)from, (long long)to);
    }
  }
}
