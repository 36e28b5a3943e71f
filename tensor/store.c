/* Checks of values on their way into a tensor. */
#include "store.h"

#include <math.h>
#include <stdio.h>

#include "loop/cast.h"
#include "loop/copy.h"

static _Noreturn void misfit(const char *name, DType to, double v, bool creates) {
  bool whole = floor(v) == v;
  const char *wider = whole ? "int64" : "float32", *method = whole ? "long" : "float";
  char repair[48];
  snprintf(repair, sizeof repair, creates ? "{dtype = \"%s\"} would" : "x = x:%s() first",
           creates ? wider : method);
  t_fail("%s%s%.14g does not fit %s %s tensor; %s", name ? name : "", name ? ": " : "", v,
         to == T_U8 ? "a" : "an", dtype_name(to), repair);
}

static void check(const char *name, DType to, double v, bool creates) {
  bool fits = to == T_U8    ? v >= 0 && v <= 255
              : to == T_I32 ? v >= INT32_MIN && v <= INT32_MAX
                            : v >= -0x1p63 && v < 0x1p63;
  if (dtype_is_int(to) && (floor(v) != v || !fits)) misfit(name, to, v, creates);
}

static void check_int(const char *name, DType to, int64_t v, bool creates) {
  if (to != T_I64) check(name, to, (double)v, creates);
}

void store_check_number(const char *name, DType to, const Attr *number, bool creates) {
  if (number->tag == A_FLOAT)
    check(name, to, number->f, creates);
  else
    check_int(name, to, number->i, creates);
}

void store_check(const char *name, DType to, const Tensor *value) {
  if (!dtype_is_int(to)) return;
  bool is_float = dtype_is_float((DType)value->dtype);
  if (value->weak && is_float) check(name, to, t_get(value, 0), false);
  if (value->weak && !is_float) check_int(name, to, t_get_int(value, 0), false);
  if (value->weak || !is_float) return;
  int mark = t_mark();
  const Tensor *v = cast_copy(value, T_F64);
  for (int64_t i = 0; i < v->numel; i++) {
    double e = t_f64(v)[i];
    if (floor(e) != e) misfit(name, to, e, false);
  }
  t_leave(mark);
}

void store_number(Tensor *y, const Attr *number) {
  if (number->i == 0 && t_is_contiguous(y)) { /* all bits 0, of a float too */
    copy_zeros(t_data(y), (size_t)y->numel * dtype_size((DType)y->dtype));
    return;
  }
  Storage st = {.data = (char *)&number->i};
  bool is_float = number->tag == A_FLOAT;
  if (is_float) st.data = (char *)&number->f;
  Tensor one = {.st = &st, .numel = 1, .dtype = is_float ? T_F64 : T_I64};
  cast_into(y, &one);
}
