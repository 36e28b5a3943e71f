/* The calculus: ops as C functions, for gradient rules and for programs in C. Results are born in
   the open scope and recorded like any call. Dimensions count from 0 here. Any other op is called
   by name: t_op1..t_op3 for ops without attributes, t_call for all. */
#ifndef LUNETTE_CALC_H
#define LUNETTE_CALC_H

#include "op.h"

Tensor *t_op1(const char *name, Tensor *x);
Tensor *t_op2(const char *name, Tensor *a, Tensor *b);
Tensor *t_op3(const char *name, Tensor *a, Tensor *b, Tensor *c);

/* Any op, with attributes. A letter of `kinds` for each argument that follows, inputs first:
     x  Tensor *, or NULL for an absent one     i  int64_t     f  double
     b  int, a bool                             c  int, the position of a choice
     l  int n, const int64_t *v: a list         a  const Attr *, of another call
     -  nothing is read: the default stands
   t_call_into keeps the call, for ops with several outputs. */
Tensor *t_call(const char *name, const char *kinds, ...);
void t_call_into(Call *c, const char *name, const char *kinds, ...);

/* A number as an operand: weak, so it never decides a type. */
Tensor *t_num(double v);

Tensor *t_add(Tensor *a, Tensor *b);
Tensor *t_sub(Tensor *a, Tensor *b);
Tensor *t_mul(Tensor *a, Tensor *b);
Tensor *t_div(Tensor *a, Tensor *b);
Tensor *t_neg(Tensor *x);
Tensor *t_addn(Tensor *x, double v);  /* x + v */
Tensor *t_muln(Tensor *x, double v);  /* x * v */
Tensor *t_rsubn(double v, Tensor *x); /* v - x */
Tensor *t_pown(Tensor *x, double e);
Tensor *t_square(Tensor *x);
Tensor *t_exp(Tensor *x);
Tensor *t_log(Tensor *x);
Tensor *t_sqrt(Tensor *x);
Tensor *t_tanh(Tensor *x);
Tensor *t_sigmoid(Tensor *x);
Tensor *t_abs(Tensor *x);
Tensor *t_sign(Tensor *x);
Tensor *t_eq(Tensor *a, Tensor *b);
Tensor *t_gt(Tensor *a, Tensor *b);
Tensor *t_ge(Tensor *a, Tensor *b);
Tensor *t_lt(Tensor *a, Tensor *b);
Tensor *t_where(Tensor *mask, Tensor *a, Tensor *b);
Tensor *t_matmul(Tensor *a, Tensor *b);
Tensor *t_sum_all(Tensor *x);
Tensor *t_sum(Tensor *x, int n, const int64_t *dims, bool keepdim);
Tensor *t_sum1(Tensor *x, int dim, bool keepdim);
Tensor *t_mean1(Tensor *x, int dim, bool keepdim);
Tensor *t_sum_to(Tensor *x, int ndim, const int64_t *shape); /* undoes broadcasting */
Tensor *t_reshape(Tensor *x, int ndim, const int64_t *shape);
Tensor *t_expand(Tensor *x, int ndim, const int64_t *shape);
Tensor *t_transpose(Tensor *x, int a, int b);
Tensor *t_permute(Tensor *x, const int64_t *order);
Tensor *t_unsqueeze(Tensor *x, int dim);
Tensor *t_squeeze(Tensor *x, int dim);
Tensor *t_narrow(Tensor *x, int dim, int64_t start, int64_t length); /* start from 0 */
Tensor *t_select(Tensor *x, int dim, int64_t i);                     /* i from 0 */
Tensor *t_cat(int n, Tensor *const *x, int dim);
Tensor *t_cast(Tensor *x, DType dtype);
Tensor *t_zeros(DType dtype, int ndim, const int64_t *shape);
Tensor *t_zeros_like(Tensor *x);
/* Zeros without memory of their own, for ops that copy this input before they write. */
Tensor *t_nothing(DType dtype, int ndim, const int64_t *shape);

/* Not recorded. */
Tensor *t_fill(Tensor *x, double v);         /* every element of a fresh tensor; returns x */
void t_add_into(Tensor *x, const Tensor *g); /* x += g; same shape and type */

#endif
