/* Protected calls of chunks, for scripts, options and the prompt alike. */
#include "run.h"

#include <stdio.h>
#include "lauxlib.h"
#include "interrupt.h"
#include "memory.h"
#include "traceback.h"

/* The message handler: a string, or an object that has no text, gets a traceback. */
static int add_traceback(lua_State *L) {
  const char *message = lua_tostring(L, 1);
  if (message == NULL) {
    if (luaL_callmeta(L, 1, "__tostring") && lua_type(L, -1) == LUA_TSTRING) return 1;
    message = lua_pushfstring(L, "(error object is a %s value)", luaL_typename(L, 1));
  }
  traceback_push(L, message, 1);
  return 1;
}

void run_explain(lua_State *L, int status, bool stopped) {
  if (status == LUA_ERRMEM) memory_explain(L);
  if (status != LUA_ERRERR || !stopped) return;
  lua_pushliteral(L, "interrupted!");
  lua_replace(L, -2);
}

int run_call(lua_State *L, int nargs, int nresults, bool *interrupted) {
  int base = lua_gettop(L) - nargs;
  lua_pushcfunction(L, add_traceback);
  lua_insert(L, base);
  interrupt_start(L);
  int status = lua_pcall(L, nargs, nresults, base);
  bool stopped = interrupt_land();
  run_explain(L, status, stopped);
  lua_remove(L, base);
  if (stopped && interrupted != NULL) *interrupted = true;
  return status;
}

void run_message(const char *name, const char *message) {
  fflush(stdout);
  if (name != NULL) fprintf(stderr, "%s: ", name);
  fprintf(stderr, "%s\n", message);
  fflush(stderr);
}
