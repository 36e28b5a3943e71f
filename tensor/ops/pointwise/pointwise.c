/* The shape rules and runs that the families of pointwise ops share; see unary.h and binary.h. */
#ifndef LEVEL

#include "unary.h"

#include "binary.h"

/* ---- one tensor ---------------------------------------------------------------------------------- */

static DType computed(Call *c, const IterLoop loops[T_F16]) {
  DType d = call_promote(c, 0, 1);
  if (d == T_BOOL && !loops[T_BOOL]) d = T_I64;
  return loops[d] ? d : T_F32;
}

void unary_infer(Call *c, const IterLoop loops[T_F16]) {
  c->dtype = computed(c, loops);
  call_out(c, 0, c->dtype, c->x[0]->ndim, c->x[0]->shape);
}

/* Without its fraction; the nearest of an int64 where it is larger. */
static int64_t whole_number(double v) {
  return v != v ? 0 : v >= 0x1p63 ? INT64_MAX : v < -0x1p63 ? INT64_MIN : (int64_t)v;
}

Numbers unary_numbers(const Call *c) {
  Numbers numbers = {.f = {NAN, NAN, NAN}};
  const int n = op_sig(c->op)->nattr;
  for (int i = 0; i < n && i < NUMBERS_MAX; i++) {
    const Attr *a = &c->attr[i];
    bool given = a->tag != A_NONE;
    numbers.f[i] = !given ? NAN : a->tag == A_FLOAT ? a->f : (double)a->i;
    numbers.i[i] = !given ? 0 : a->tag == A_FLOAT ? whole_number(a->f) : a->i;
  }
  return numbers;
}

const char *unary_run(Call *c, const IterLoop loops[T_F16]) {
  Numbers numbers = unary_numbers(c);
  iter_map(loops[c->dtype], &numbers, c->y[0], c->dtype, 1, c->x, c->dtype);
  return NULL;
}

void unary_mask_infer(Call *c, const IterLoop loops[T_F16]) {
  c->dtype = computed(c, loops);
  call_out(c, 0, T_BOOL, c->x[0]->ndim, c->x[0]->shape);
}

const char *unary_mask_run(Call *c, const IterLoop loops[T_F16]) {
  Numbers numbers = unary_numbers(c);
  iter_map(loops[c->dtype], &numbers, c->y[0], T_BOOL, 1, c->x, c->dtype);
  return NULL;
}

void unary_slope_infer(Call *c, const IterLoop loops[T_F16]) {
  (void)loops;
  c->dtype = call_promote(c, 0, 2) == T_F64 ? T_F64 : T_F32;
  call_out(c, 0, c->dtype, c->x[1]->ndim, c->x[1]->shape);
}

const char *unary_slope_run(Call *c, const IterLoop loops[T_F16]) {
  Numbers numbers = unary_numbers(c);
  iter_map(loops[c->dtype], &numbers, c->y[0], c->dtype, 2, c->x, c->dtype);
  return NULL;
}

/* ---- two tensors --------------------------------------------------------------------------------- */

DType binary_type(Call *c, const IterLoop loops[T_F16]) {
  DType d = call_promote(c, 0, 2);
  if (loops[d]) return d;
  if (d == T_BOOL && loops[T_I64]) return T_I64;
  if (dtype_is_float(d)) {
    t_fail("%s: works on integers and masks, not on %s", call_name(c), dtype_name(d));
  }
  return T_F32;
}

void binary_infer(Call *c, const IterLoop loops[T_F16], bool mask) {
  c->dtype = binary_type(c, loops);
  int64_t shape[T_MAXDIM];
  int ndim = iter_broadcast(c, 0, 2, shape);
  call_out(c, 0, mask ? T_BOOL : c->dtype, ndim, shape);
}

const char *binary_run(Call *c, const IterLoop loops[T_F16], bool mask) {
  Numbers numbers = unary_numbers(c);
  DType d = c->dtype;
  iter_map(loops[d], &numbers, c->y[0], mask ? T_BOOL : d, 2, c->x, d);
  return NULL;
}

#endif
