/* table.sort, concat and move, as the Lua manual defines them. They run for long on large tables
   without calling Lua, and so look at Ctrl-C's flag as they go. */
#include "tables.h"

#include <limits.h>
#include <stdbool.h>
#include "lauxlib.h"
#include "lualib.h"
#include "interrupt.h"

/* A table, or a value whose metatable has what the function uses. */
static void check_tablelike(lua_State *L, int arg, const char *const *events) {
  if (lua_type(L, arg) == LUA_TTABLE) return;
  bool able = lua_getmetatable(L, arg);
  int top = lua_gettop(L);
  for (int i = 0; able && events[i] != NULL; i++) {
    lua_pushstring(L, events[i]);
    able = lua_rawget(L, top) != LUA_TNIL;
    lua_pop(L, 1);
  }
  if (able)
    lua_pop(L, 1);
  else
    luaL_checktype(L, arg, LUA_TTABLE);
}

static const char *const reads[] = {"__index", NULL};
static const char *const writes[] = {"__newindex", NULL};
static const char *const lists[] = {"__index", "__len", NULL};
static const char *const sorts[] = {"__index", "__newindex", "__len", NULL};

/* ---- concat ---------------------------------------------------------------------------------- */

static void add_item(lua_State *L, luaL_Buffer *b, lua_Integer i) {
  interrupt_check(L);
  lua_geti(L, 1, i);
  if (!lua_isstring(L, -1))
    luaL_error(L, "invalid value (%s) at index %I in table for 'concat'", luaL_typename(L, -1),
               (LUAI_UACINT)i);
  luaL_addvalue(b);
}

static int table_concat(lua_State *L) {
  luaL_Buffer b;
  size_t size;
  check_tablelike(L, 1, lists);
  lua_Integer last = luaL_len(L, 1);
  const char *separator = luaL_optlstring(L, 2, "", &size);
  lua_Integer i = luaL_optinteger(L, 3, 1);
  last = luaL_optinteger(L, 4, last);
  luaL_buffinit(L, &b);
  for (; i < last; i++) {
    add_item(L, &b, i);
    luaL_addlstring(&b, separator, size);
  }
  if (i == last) add_item(L, &b, i);
  luaL_pushresult(&b);
  return 1;
}

/* ---- move ------------------------------------------------------------------------------------ */

static int table_move(lua_State *L) {
  lua_Integer from = luaL_checkinteger(L, 2), last = luaL_checkinteger(L, 3);
  lua_Integer to = luaL_checkinteger(L, 4);
  int other = lua_isnoneornil(L, 5) ? 1 : 5; /* where it goes */
  check_tablelike(L, 1, reads);
  check_tablelike(L, other, writes);
  if (last >= from) {
    luaL_argcheck(L, from > 0 || last < LUA_MAXINTEGER + from, 3, "too many elements to move");
    lua_Integer n = last - from + 1;
    luaL_argcheck(L, to <= LUA_MAXINTEGER - n + 1, 4, "destination wrap around");
    /* backwards where the place written next is still to be read */
    bool back = to > from && to <= last && (other == 1 || lua_compare(L, 1, other, LUA_OPEQ));
    for (lua_Integer k = 0; k < n; k++) {
      lua_Integer i = back ? n - 1 - k : k;
      interrupt_check(L);
      lua_geti(L, 1, from + i);
      lua_seti(L, other, to + i);
    }
  }
  lua_pushvalue(L, other);
  return 1;
}

/* ---- sort: quicksort by the median of three, after Sedgewick (1978) ---------------------------- */

/* Is the value at stack index a before that at b? Argument 2 is the order, nil for <. */
static bool is_before(lua_State *L, int a, int b) {
  interrupt_check(L);
  if (lua_isnil(L, 2)) return lua_compare(L, a, b, LUA_OPLT);
  lua_pushvalue(L, 2);
  lua_pushvalue(L, a - 1);
  lua_pushvalue(L, b - 2);
  lua_call(L, 2, 1);
  bool before = lua_toboolean(L, -1);
  lua_pop(L, 1);
  return before;
}

/* Puts items i and j, i before j in the table, in order. */
static void order(lua_State *L, lua_Integer i, lua_Integer j) {
  lua_geti(L, 1, i);
  lua_geti(L, 1, j);
  if (is_before(L, -1, -2)) {
    lua_seti(L, 1, i);
    lua_seti(L, 1, j);
  } else {
    lua_pop(L, 2);
  }
}

/* Of the items from low to high, whose ends and one at high - 1, on the stack's top too, are in order:
   brings those before it to the left and the others to the right. Pops it and returns its place. */
static lua_Integer partition(lua_State *L, lua_Integer low, lua_Integer high) {
  lua_Integer i = low, j = high - 1;
  for (;;) {
    while (lua_geti(L, 1, ++i), is_before(L, -1, -2)) {
      if (i == high - 1) luaL_error(L, "invalid order function for sorting");
      lua_pop(L, 1);
    }
    while (lua_geti(L, 1, --j), is_before(L, -3, -1)) {
      if (j < i) luaL_error(L, "invalid order function for sorting");
      lua_pop(L, 1);
    }
    if (j < i) break;
    lua_seti(L, 1, i);
    lua_seti(L, 1, j);
  }
  lua_pop(L, 1);            /* item j */
  lua_seti(L, 1, high - 1); /* item i goes where the middle one stood */
  lua_seti(L, 1, i);
  return i;
}

/* Where to look for a middle value: the middle, or near it in long parts, where an order that was
   made to meet the middle would cost squares. */
static lua_Integer middle(lua_Integer low, lua_Integer high, unsigned *chance) {
  lua_Integer half = (high - low) / 2;
  if (half < 50) return low + half;
  *chance = *chance * 1664525u + 1013904223u;
  return low + half / 2 + (lua_Integer)(*chance >> 1) % half;
}

static void sort(lua_State *L, lua_Integer low, lua_Integer high, unsigned chance) {
  while (low < high) {
    order(L, low, high);
    if (high - low == 1) return;
    lua_Integer m = middle(low, high, &chance);
    order(L, low, m);
    order(L, m, high);
    if (high - low == 2) return;
    lua_geti(L, 1, m);
    lua_pushvalue(L, -1);
    lua_geti(L, 1, high - 1);
    lua_seti(L, 1, m);
    lua_seti(L, 1, high - 1);
    lua_Integer at = partition(L, low, high);
    if (at - low < high - at) { /* the call gets the shorter part, so that the stack stays low */
      sort(L, low, at - 1, chance);
      low = at + 1;
    } else {
      sort(L, at + 1, high, chance);
      high = at - 1;
    }
  }
}

static int table_sort(lua_State *L) {
  check_tablelike(L, 1, sorts);
  lua_Integer n = luaL_len(L, 1);
  if (n < 2) return 0;
  luaL_argcheck(L, n < INT_MAX, 1, "array too big");
  if (!lua_isnoneornil(L, 2)) luaL_checktype(L, 2, LUA_TFUNCTION);
  lua_settop(L, 2);
  luaL_checkstack(L, 200, NULL);
  sort(L, 1, n, 1);
  return 0;
}

void tables_install(lua_State *L) {
  static const luaL_Reg functions[] = {
      {"concat", table_concat}, {"move", table_move}, {"sort", table_sort}, {NULL, NULL}};
  lua_getglobal(L, LUA_TABLIBNAME);
  luaL_setfuncs(L, functions, 0);
  lua_pop(L, 1);
}
