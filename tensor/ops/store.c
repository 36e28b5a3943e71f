/* Checks of values on their way into a tensor. */
#include "store.h"

#include <math.h>
#include <string.h>

#include "../cast.h"

static _Noreturn void misfit(const char *name, DType to, double v) {
  t_fail("%s%s%.14g does not fit %s %s tensor; x = x:%s() first", name ? name : "",
         name ? ": " : "", v, to == T_U8 ? "a" : "an", dtype_name(to),
         floor(v) == v ? "long" : "float");
}

static bool in_range(DType to, double v) {
  switch (to) {
  case T_U8: return v >= 0 && v <= 255;
  case T_I32: return v >= INT32_MIN && v <= INT32_MAX;
  case T_I64: return v >= -0x1p63 && v < 0x1p63;
  default: return true;
  }
}

static void check(const char *name, DType to, double v) {
  if (dtype_is_int(to) && (floor(v) != v || !in_range(to, v))) misfit(name, to, v);
}

void store_check_number(const char *name, DType to, const Attr *number) {
  check(name, to, number->tag == A_FLOAT ? number->f : (double)number->i);
}

void store_check(const char *name, DType to, const Tensor *value) {
  if (!dtype_is_int(to)) return;
  if (value->weak) {
    check(name, to, t_get(value, 0));
    return;
  }
  if (!dtype_is_float((DType)value->dtype)) return;
  int mark = t_mark();
  const Tensor *v = cast_copy(value, T_F64);
  for (int64_t i = 0; i < v->numel; i++) {
    double e = t_f64(v)[i];
    if (floor(e) != e) misfit(name, to, e);
  }
  t_leave(mark);
}

void store_number(Tensor *y, const Attr *number) {
  if (number->i == 0 && t_is_contiguous(y)) { /* all bits 0, of a float too */
    memset(t_data(y), 0, (size_t)y->numel * dtype_size((DType)y->dtype));
    return;
  }
  Storage st = {.data = (char *)&number->i};
  bool is_float = number->tag == A_FLOAT;
  if (is_float) st.data = (char *)&number->f;
  Tensor one = {.st = &st, .numel = 1, .dtype = is_float ? T_F64 : T_I64};
  cast_into(y, &one);
}
