/* Lists: plain tables with a metatable, for shapes, histories and the like. Negative positions
   count from the end; 0 and places beyond the end are errors; they compare, print and may be
   called for a copy of themselves. */
#include "bind.h"

#define LIST_META "lunette.list"

void list_wrap(lua_State *L) {
  luaL_getmetatable(L, LIST_META);
  lua_setmetatable(L, -2);
}

/* Called for what is not in the table: one past the end is nil, as loops expect. */
static int l_index(lua_State *L) {
  luaL_checktype(L, 1, LUA_TTABLE);
  lua_Integer n = (lua_Integer)lua_rawlen(L, 1);
  if (!lua_isinteger(L, 2)) {
    lua_pushnil(L);
    return 1;
  }
  lua_Integer i = lua_tointeger(L, 2);
  if (i == n + 1) {
    lua_pushnil(L);
    return 1;
  }
  if (i >= 0 || i < -n) {
    return luaL_error(L, "position %I of a list of %I; positions count from 1, -1 is the last", i,
                      n);
  }
  lua_rawgeti(L, 1, n + 1 + i);
  return 1;
}

static int l_eq(lua_State *L) {
  bool same = lua_istable(L, 1) && lua_istable(L, 2) && lua_rawlen(L, 1) == lua_rawlen(L, 2);
  lua_Integer n = same ? (lua_Integer)lua_rawlen(L, 1) : 0;
  for (lua_Integer i = 1; same && i <= n; i++) {
    lua_rawgeti(L, 1, i);
    lua_rawgeti(L, 2, i);
    same = lua_compare(L, -1, -2, LUA_OPEQ);
    lua_pop(L, 2);
  }
  lua_pushboolean(L, same);
  return 1;
}

static int l_tostring(lua_State *L) {
  luaL_Buffer b;
  luaL_checktype(L, 1, LUA_TTABLE);
  lua_Integer n = (lua_Integer)lua_rawlen(L, 1);
  luaL_buffinit(L, &b);
  luaL_addchar(&b, '{');
  for (lua_Integer i = 1; i <= n; i++) {
    if (i > 1) luaL_addstring(&b, ", ");
    lua_rawgeti(L, 1, i);
    luaL_tolstring(L, -1, NULL);
    lua_remove(L, -2);
    luaL_addvalue(&b);
  }
  luaL_addchar(&b, '}');
  luaL_pushresult(&b);
  return 1;
}

static int l_concat(lua_State *L) {
  luaL_tolstring(L, 1, NULL);
  luaL_tolstring(L, 2, NULL);
  lua_concat(L, 2);
  return 1;
}

static int l_call(lua_State *L) {
  lua_settop(L, 1);
  return 1;
}

static int l_list(lua_State *L) {
  luaL_checktype(L, 1, LUA_TTABLE);
  lua_settop(L, 1);
  list_wrap(L);
  return 1;
}

static const Function functions[] = {
    {"list", l_list,
     "tensor.list(t): the table t as a list like x.shape: it prints what it holds, equals another "
     "list\n"
     "of the same values, t[-1] is its last element, and a place beyond its ends is an error.\n"
     "example: tensor.list{2, 3} == tensor.zeros(2, 3).shape --> true"},
    {NULL, NULL, NULL}};

void list_open(lua_State *L, int lib) {
  static const luaL_Reg meta[] = {{"__index", l_index},       {"__eq", l_eq},
                                  {"__tostring", l_tostring}, {"__concat", l_concat},
                                  {"__call", l_call},         {NULL, NULL}};
  luaL_newmetatable(L, LIST_META);
  luaL_setfuncs(L, meta, 0);
  lua_pop(L, 1);
  functions_set(L, lib, 0, functions);
}
