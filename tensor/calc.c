/* The calculus: typed ways to call rows from C. */
#include "calc.h"

#include <stdarg.h>
#include <string.h>

#include "loop/cast.h"
#include "loop/copy.h"
#include "loop/iter.h"

/* Each caller keeps the row it looked up. */
#define ROW(name)                                                                                  \
  static const Op *op;                                                                             \
  if (!op) op = op_need(name);                                                                     \
  Call c;                                                                                          \
  call_begin(&c, op)

static Tensor *apply(Call *c) {
  op_apply(c);
  return c->y[0];
}

static Tensor *one(const Op *op, Tensor *x) {
  Call c;
  call_begin(&c, op);
  c.x[0] = x;
  return apply(&c);
}

static Tensor *two(const Op *op, Tensor *a, Tensor *b) {
  Call c;
  call_begin(&c, op);
  c.x[0] = a;
  c.x[1] = b;
  return apply(&c);
}

#define UNARY(cname, name)                                                                         \
  Tensor *cname(Tensor *x) {                                                                       \
    static const Op *op;                                                                           \
    if (!op) op = op_need(name);                                                                   \
    return one(op, x);                                                                             \
  }
#define BINARY(cname, name)                                                                        \
  Tensor *cname(Tensor *a, Tensor *b) {                                                            \
    static const Op *op;                                                                           \
    if (!op) op = op_need(name);                                                                   \
    return two(op, a, b);                                                                          \
  }

UNARY(t_neg, "neg")
UNARY(t_square, "square")
UNARY(t_exp, "exp")
UNARY(t_log, "log")
UNARY(t_sqrt, "sqrt")
UNARY(t_tanh, "tanh")
UNARY(t_sigmoid, "sigmoid")
UNARY(t_abs, "abs")
UNARY(t_sign, "sign")
UNARY(t_sum_all, "sum")
BINARY(t_add, "add")
BINARY(t_sub, "sub")
BINARY(t_mul, "mul")
BINARY(t_div, "div")
BINARY(t_eq, "eq")
BINARY(t_gt, "gt")
BINARY(t_ge, "ge")
BINARY(t_lt, "lt")
BINARY(t_matmul, "matmul")

Tensor *t_op1(const char *name, Tensor *x) { return one(op_need(name), x); }

Tensor *t_op2(const char *name, Tensor *a, Tensor *b) { return two(op_need(name), a, b); }

Tensor *t_op3(const char *name, Tensor *a, Tensor *b, Tensor *d) {
  Call c;
  call_begin(&c, op_need(name));
  c.x[0] = a;
  c.x[1] = b;
  c.x[2] = d;
  return apply(&c);
}

static void call_with(Call *c, const char *name, const char *kinds, va_list args) {
  int x = 0, at = 0;
  call_begin(c, op_need(name));
  for (; *kinds; kinds++) {
    if (*kinds == 'x') {
      c->x[x++] = va_arg(args, Tensor *);
      continue;
    }
    Attr *a = &c->attr[at++];
    switch (*kinds) {
    case 'a': *a = *va_arg(args, const Attr *); break;
    case 'i': *a = attr_of_int(va_arg(args, int64_t)); break;
    case 'f': *a = attr_of_float(va_arg(args, double)); break;
    case 'b': *a = attr_of_bool(va_arg(args, int)); break;
    case 'c': *a = (Attr){.tag = A_CHOICE, .i = va_arg(args, int)}; break;
    case 'l': {
      int n = va_arg(args, int);
      *a = attr_of_ints(n, va_arg(args, const int64_t *));
      break;
    }
    default: break;
    }
  }
  op_apply(c);
}

void t_call_into(Call *c, const char *name, const char *kinds, ...) {
  va_list args;
  va_start(args, kinds);
  call_with(c, name, kinds, args);
  va_end(args);
}

Tensor *t_call(const char *name, const char *kinds, ...) {
  Call c;
  va_list args;
  va_start(args, kinds);
  call_with(&c, name, kinds, args);
  va_end(args);
  return c.y[0];
}

Tensor *t_num(double v) {
  Tensor *x = t_scalar(v, T_F64);
  x->weak = true;
  return x;
}

Tensor *t_addn(Tensor *x, double v) { return t_add(x, t_num(v)); }
Tensor *t_muln(Tensor *x, double v) { return t_mul(x, t_num(v)); }
Tensor *t_rsubn(double v, Tensor *x) { return t_sub(t_num(v), x); }
Tensor *t_pown(Tensor *x, double e) { return t_op2("pow", x, t_num(e)); }
Tensor *t_where(Tensor *mask, Tensor *a, Tensor *b) { return t_op3("where", mask, a, b); }

Tensor *t_sum(Tensor *x, int n, const int64_t *dims, bool keepdim) {
  ROW("sum");
  c.x[0] = x;
  c.attr[0] = attr_of_ints(n, dims);
  c.attr[1] = attr_of_bool(keepdim);
  return apply(&c);
}

Tensor *t_sum1(Tensor *x, int dim, bool keepdim) {
  int64_t d = dim;
  return t_sum(x, 1, &d, keepdim);
}

Tensor *t_mean1(Tensor *x, int dim, bool keepdim) {
  ROW("mean");
  c.x[0] = x;
  int64_t d = dim;
  c.attr[0] = attr_of_ints(1, &d);
  c.attr[1] = attr_of_bool(keepdim);
  return apply(&c);
}

Tensor *t_sum_to(Tensor *x, int ndim, const int64_t *shape) {
  int64_t dims[T_MAXDIM];
  int n = 0, lead = x->ndim - ndim;
  for (int d = 0; d < x->ndim; d++) {
    if (d < lead || (shape[d - lead] == 1 && x->shape[d] != 1)) dims[n++] = d;
  }
  Tensor *y = n ? t_sum(x, n, dims, true) : x;
  return lead ? t_reshape(y, ndim, shape) : y;
}

Tensor *t_reshape(Tensor *x, int ndim, const int64_t *shape) {
  ROW("reshape");
  c.x[0] = x;
  c.attr[0] = attr_of_ints(ndim, shape);
  return apply(&c);
}

Tensor *t_expand(Tensor *x, int ndim, const int64_t *shape) {
  ROW("expand");
  c.x[0] = x;
  c.attr[0] = attr_of_ints(ndim, shape);
  return apply(&c);
}

Tensor *t_permute(Tensor *x, const int64_t *order) {
  ROW("permute");
  c.x[0] = x;
  c.attr[0] = attr_of_ints(x->ndim, order);
  return apply(&c);
}

Tensor *t_transpose(Tensor *x, int a, int b) {
  ROW("transpose");
  c.x[0] = x;
  c.attr[0] = attr_of_int(a);
  c.attr[1] = attr_of_int(b);
  return apply(&c);
}

Tensor *t_unsqueeze(Tensor *x, int dim) {
  ROW("unsqueeze");
  c.x[0] = x;
  c.attr[0] = attr_of_int(dim);
  return apply(&c);
}

Tensor *t_squeeze(Tensor *x, int dim) {
  ROW("squeeze");
  int64_t d = dim;
  c.x[0] = x;
  c.attr[0] = attr_of_ints(1, &d);
  return apply(&c);
}

Tensor *t_narrow(Tensor *x, int dim, int64_t start, int64_t length) {
  ROW("narrow");
  c.x[0] = x;
  c.attr[0] = attr_of_int(dim);
  c.attr[1] = attr_of_int(start);
  c.attr[2] = attr_of_int(length);
  return apply(&c);
}

Tensor *t_select(Tensor *x, int dim, int64_t i) {
  ROW("select");
  c.x[0] = x;
  c.attr[0] = attr_of_int(dim);
  c.attr[1] = attr_of_int(i);
  return apply(&c);
}

Tensor *t_cat(int n, Tensor *const *x, int dim) {
  ROW("cat");
  call_inputs(&c, n);
  for (int i = 0; i < n; i++) c.x[i] = x[i];
  c.attr[0] = attr_of_int(dim);
  return apply(&c);
}

Tensor *t_cast(Tensor *x, DType dtype) {
  ROW("to");
  c.x[0] = x;
  c.attr[0] = (Attr){.tag = A_DTYPE, .i = dtype};
  return apply(&c);
}

Tensor *t_zeros(DType dtype, int ndim, const int64_t *shape) {
  Tensor *x = t_new(dtype, ndim, shape);
  copy_zeros(x->st->data, x->st->bytes);
  return x;
}

Tensor *t_zeros_like(Tensor *x) { return t_zeros((DType)x->dtype, x->ndim, x->shape); }

Tensor *t_nothing(DType dtype, int ndim, const int64_t *shape) {
  return t_expand(t_zeros(dtype, 0, NULL), ndim, shape);
}

Tensor *t_fill(Tensor *x, double v) {
  cast_into(x, t_scalar(v, (DType)x->dtype));
  return x;
}

/* ---- adding gradients --------------------------------------------------------------------------- */

static void add_f32(int64_t n, void *y, const void *const *x, const void *arg) {
  (void)arg;
  const float *a = x[0], *b = x[1];
  float *o = y;
  for (int64_t i = 0; i < n; i++) o[i] = a[i] + b[i];
}

static void add_f64(int64_t n, void *y, const void *const *x, const void *arg) {
  (void)arg;
  const double *a = x[0], *b = x[1];
  double *o = y;
  for (int64_t i = 0; i < n; i++) o[i] = a[i] + b[i];
}

void t_add_into(Tensor *x, const Tensor *g) {
  DType d = (DType)x->dtype;
  Tensor *in[2] = {x, (Tensor *)g};
  iter_map(d == T_F32 ? add_f32 : add_f64, NULL, x, d, 2, in, d);
}
