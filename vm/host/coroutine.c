/* coroutine.resume, wrap and close, as the Lua manual defines them, with one thing added: while
   code runs in a coroutine, the coroutine is part of the chain that Ctrl-C stops. */
#include "coroutine.h"

#include <stdbool.h>
#include <string.h>
#include "lauxlib.h"
#include "lualib.h"
#include "interrupt.h"

static lua_State *check_thread(lua_State *L) {
  lua_State *co = lua_tothread(L, 1);
  luaL_argexpected(L, co, 1, "thread");
  return co;
}

/* Moves the `nargs` values on top of L over and runs co. Leaves its results on L and returns how
   many, or leaves the error object and returns -1. */
static int run(lua_State *L, lua_State *co, int nargs) {
  InterruptLink link;
  int status, nresults;
  if (!lua_checkstack(co, nargs)) {
    lua_pushliteral(L, "too many arguments to resume");
    return -1;
  }
  lua_xmove(L, co, nargs);
  interrupt_enter(&link, co);
  status = lua_resume(co, L, nargs, &nresults);
  interrupt_leave(&link);
  if (status != LUA_OK && status != LUA_YIELD) {
    lua_xmove(co, L, 1);
    return -1;
  }
  if (!lua_checkstack(L, nresults + 1)) {
    lua_pop(co, nresults);
    lua_pushliteral(L, "too many results to resume");
    return -1;
  }
  lua_xmove(co, L, nresults);
  return nresults;
}

/* Runs the pending __close functions of co and makes it dead. */
static int finish(lua_State *co) {
  InterruptLink link;
  int status;
  interrupt_enter(&link, co);
  status = lua_resetthread(co);
  interrupt_leave(&link);
  return status;
}

static int co_resume(lua_State *L) {
  lua_State *co = check_thread(L);
  int n = run(L, co, lua_gettop(L) - 1);
  lua_pushboolean(L, n >= 0);
  if (n < 0) n = 1;
  lua_insert(L, -(n + 1));
  return n + 1;
}

/* Puts the place of the call before the message on top of the stack, as Lua does, unless it stands
   there: a chain of coroutines would name it once for each. */
static void add_place(lua_State *L) {
  luaL_where(L, 1);
  const char *place = lua_tostring(L, -1), *message = lua_tostring(L, -2);
  if (strncmp(message, place, strlen(place)) == 0) {
    lua_pop(L, 1);
    return;
  }
  lua_insert(L, -2);
  lua_concat(L, 2);
}

/* What coroutine.wrap returns; upvalue 1 is the coroutine. */
static int co_wrapped(lua_State *L) {
  lua_State *co = lua_tothread(L, lua_upvalueindex(1));
  int n = run(L, co, lua_gettop(L));
  if (n >= 0) return n;
  int status = lua_status(co);
  if (status != LUA_OK && status != LUA_YIELD) { /* the error came from inside */
    status = finish(co);
    lua_xmove(co, L, 1);
  }
  if (status != LUA_ERRMEM && lua_type(L, -1) == LUA_TSTRING) add_place(L);
  return lua_error(L);
}

static int co_wrap(lua_State *L) {
  luaL_checktype(L, 1, LUA_TFUNCTION);
  lua_State *co = lua_newthread(L);
  lua_pushvalue(L, 1);
  lua_xmove(L, co, 1);
  lua_pushcclosure(L, co_wrapped, 1);
  return 1;
}

/* Has co frames on its stack while it is neither suspended nor dead? */
static bool is_normal(lua_State *co) {
  lua_Debug ar;
  return lua_status(co) == LUA_OK && lua_getstack(co, 0, &ar) != 0;
}

static int co_close(lua_State *L) {
  lua_State *co = check_thread(L);
  if (co == L || is_normal(co))
    return luaL_error(L, "cannot close a %s coroutine", co == L ? "running" : "normal");
  if (finish(co) == LUA_OK) {
    lua_pushboolean(L, 1);
    return 1;
  }
  lua_pushboolean(L, 0);
  lua_xmove(co, L, 1);
  return 2;
}

void coroutine_install(lua_State *L) {
  static const luaL_Reg functions[] = {
      {"resume", co_resume}, {"wrap", co_wrap}, {"close", co_close}, {NULL, NULL}};
  lua_getglobal(L, LUA_COLIBNAME);
  luaL_setfuncs(L, functions, 0);
  lua_pop(L, 1);
}
