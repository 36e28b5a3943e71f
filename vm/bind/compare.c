/* a == b, a < b: one boolean, as Lua has it. */
#include "bind.h"

#include <math.h>

static bool equal(const Tensor *a, const Tensor *b, int d, int64_t i, int64_t j) {
  if (d == a->ndim) {
    bool floats = dtype_is_float((DType)a->dtype) || dtype_is_float((DType)b->dtype);
    return floats ? t_get(a, i) == t_get(b, j) : t_get_int(a, i) == t_get_int(b, j);
  }
  for (int64_t k = 0; k < a->shape[d]; k++) {
    if (!equal(a, b, d + 1, i + k * a->stride[d], j + k * b->stride[d])) return false;
  }
  return true;
}

/* Same shape and all values equal; NaN equals nothing. Lua asks only for different userdata. */
static int l_eq(lua_State *L) {
  if (!handle_is(L, 1) || !handle_is(L, 2)) {
    lua_pushboolean(L, 0);
    return 1;
  }
  Tensor *a = handle_check(L, 1, "=="), *b = handle_check(L, 2, "==");
  lua_pushboolean(L, t_same_shape(a, b) && equal(a, b, 0, 0, 0));
  return 1;
}

static double single(lua_State *L, int i, const char *op, const char *method) {
  if (lua_type(L, i) == LUA_TNUMBER) return lua_tonumber(L, i);
  Tensor *x = handle_check(L, i, op);
  if (x->numel != 1) {
    luaL_error(L, "%s compares single values, and this tensor is %s; for a mask write x:%s(y)", op,
               t_shape_str(x), method);
  }
  return t_get(x, 0);
}

static int l_lt(lua_State *L) {
  lua_pushboolean(L, single(L, 1, "<", "lt") < single(L, 2, "<", "lt"));
  return 1;
}

static int l_le(lua_State *L) {
  lua_pushboolean(L, single(L, 1, "<=", "le") <= single(L, 2, "<=", "le"));
  return 1;
}

void compare_open(lua_State *L, int meta) {
  lua_pushcfunction(L, l_eq);
  lua_setfield(L, meta, "__eq");
  lua_pushcfunction(L, l_lt);
  lua_setfield(L, meta, "__lt");
  lua_pushcfunction(L, l_le);
  lua_setfield(L, meta, "__le");
}
