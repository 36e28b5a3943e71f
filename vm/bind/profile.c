/* Profiles: the time of every op, and of every line of the user's that enters the core. */
#include "../../tensor/watch/profile.h"

#include "bind.h"

static const char lines_key; /* registry: {[place] = {calls, seconds}} */
static double inner;         /* seconds of the entries made within the one that runs */

/* Adds to field i of the table on top. */
static void add(lua_State *L, int i, double amount) {
  lua_rawgeti(L, -1, i);
  lua_pushnumber(L, lua_tonumber(L, -1) + amount);
  lua_rawseti(L, -3, i);
  lua_pop(L, 1);
}

static void add_line(lua_State *L, double seconds) {
  int top = lua_gettop(L);
  luaL_checkstack(L, 8, NULL);
  lua_rawgetp(L, LUA_REGISTRYINDEX, &lines_key);
  place_push(L, 1);
  lua_pushvalue(L, -1);
  if (lua_rawget(L, top + 1) != LUA_TTABLE) {
    lua_pop(L, 1);
    lua_createtable(L, 2, 0);
    lua_pushvalue(L, -2);
    lua_pushvalue(L, -2);
    lua_rawset(L, top + 1);
  }
  add(L, 1, 1);
  add(L, 2, seconds);
  lua_settop(L, top);
}

bool profile_enter(lua_State *L, void (*fn)(void *), void *arg) {
  double outer = inner, start = profile_now();
  inner = 0;
  bool done = t_try(fn, arg);
  double took = profile_now() - start, own = took - inner;
  inner = outer + took;
  if (profile_on) add_line(L, own);
  return done;
}

/* A list of {name, calls, seconds} of the ops that ran. */
static void push_ops(lua_State *L) {
  lua_Integer n = 0;
  lua_newtable(L);
  for (int i = 0; i < op_count(); i++) {
    const Op *op = op_at(i);
    if (op->time.calls == 0) continue;
    lua_createtable(L, 3, 0);
    lua_pushstring(L, op_sig(op)->name);
    lua_rawseti(L, -2, 1);
    lua_pushinteger(L, op->time.calls);
    lua_rawseti(L, -2, 2);
    lua_pushnumber(L, op->time.seconds);
    lua_rawseti(L, -2, 3);
    lua_rawseti(L, -2, ++n);
  }
}

/* profile(true) starts to count. profile(false) stops and gives a list {name, calls, seconds} of ops,
   and a table {[place] = {calls, seconds}} of the user's lines ("file:line: "). */
static int l_profile(lua_State *L) {
  bool on = lua_toboolean(L, 1);
  profile_set(on);
  inner = 0;
  if (on) {
    lua_newtable(L);
    lua_rawsetp(L, LUA_REGISTRYINDEX, &lines_key);
    return 0;
  }
  push_ops(L);
  lua_rawgetp(L, LUA_REGISTRYINDEX, &lines_key);
  lua_pushnil(L);
  lua_rawsetp(L, LUA_REGISTRYINDEX, &lines_key);
  return 2;
}

void profile_open(lua_State *L) {
  lua_pushcfunction(L, l_profile);
  lua_setfield(L, -2, "profile");
}
