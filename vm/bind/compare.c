/* a == b, a < b: one boolean, as Lua has it. */
#include "bind.h"

#include "../../tensor/calc.h"
#include "../../tensor/tape/tape.h"

typedef struct Pair {
  lua_State *L; /* the two stand at 1 and 2 */
  bool equal;
} Pair;

enum { PIECE = 1 << 20 }; /* elements compared at a time */

/* Unlike types are compared in float64, or as integers, which loses nothing of either. */
static bool equal_piece(Tensor *a, Tensor *b) {
  bool stored = a->dtype >= T_F16 || b->dtype >= T_F16;
  if (a->dtype != b->dtype || stored) {
    bool floats = dtype_is_float((DType)a->dtype) || dtype_is_float((DType)b->dtype);
    a = t_cast(a, floats ? T_F64 : T_I64);
    b = t_cast(b, floats ? T_F64 : T_I64);
  }
  return t_get_int(t_op1("all", t_eq(a, b)), 0) != 0;
}

/* By halves down to pieces: an expanded tensor may be larger than memory. */
static bool equal(Tensor *a, Tensor *b) {
  if (a->numel <= PIECE) return equal_piece(a, b);
  int mark = t_mark(), d = 0;
  while (a->shape[d] == 1) d++;
  int64_t half = a->shape[d] / 2, rest = a->shape[d] - half;
  bool same = equal(t_narrow(a, d, 0, half), t_narrow(b, d, 0, half)) &&
              equal(t_narrow(a, d, half, rest), t_narrow(b, d, half, rest));
  t_leave(mark);
  return same;
}

static void compare_values(void *arg) {
  Pair *p = arg;
  Tensor *a = handle_at(p->L, 1), *b = handle_at(p->L, 2);
  tape_on = false; /* for the rest of this call */
  p->equal = equal(a, b);
}

/* Same shape and all values equal; NaN equals nothing. Lua asks only for different userdata. */
static int l_eq(lua_State *L) {
  if (!handle_is(L, 1) || !handle_is(L, 2)) {
    lua_pushboolean(L, 0);
    return 1;
  }
  Pair p = {.L = L};
  if (t_same_shape(handle_check(L, 1, "=="), handle_check(L, 2, "=="))) {
    enter(L, compare_values, &p);
    enter_end(L);
  }
  lua_pushboolean(L, p.equal);
  return 1;
}

/* One of the two sides as a Lua number on top of the stack. Lua turns x > 2 into 2 < x. */
static void push_single(lua_State *L, int i, const char *less, const char *more) {
  if (lua_type(L, i) == LUA_TNUMBER) {
    lua_pushvalue(L, i);
    return;
  }
  Tensor *x = handle_check(L, i, "comparing");
  if (x->numel != 1) {
    bool with_number = lua_type(L, 3 - i) == LUA_TNUMBER;
    luaL_error(L,
               "comparing a %s tensor with %s gives one boolean in Lua, and wants a single value; "
               "for a mask write x:%s(y)",
               t_shape_str(x), with_number ? "a number" : "another", i == 1 ? less : more);
  }
  if (dtype_is_float((DType)x->dtype))
    lua_pushnumber(L, t_get(x, 0));
  else
    lua_pushinteger(L, t_get_int(x, 0));
}

static int ordered(lua_State *L, int op, const char *less, const char *more) {
  push_single(L, 1, less, more);
  push_single(L, 2, less, more);
  lua_pushboolean(L, lua_compare(L, -2, -1, op));
  return 1;
}

static int l_lt(lua_State *L) { return ordered(L, LUA_OPLT, "lt", "gt"); }

static int l_le(lua_State *L) { return ordered(L, LUA_OPLE, "le", "ge"); }

void compare_open(lua_State *L, int meta) {
  lua_pushcfunction(L, l_eq);
  lua_setfield(L, meta, "__eq");
  lua_pushcfunction(L, l_lt);
  lua_setfield(L, meta, "__lt");
  lua_pushcfunction(L, l_le);
  lua_setfield(L, meta, "__le");
}
