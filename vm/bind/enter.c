/* Entering the core: the landing point, collection, calls back into Lua. */
#include "bind.h"

#include "../../tensor/mem.h"
#include "../../tensor/tape.h"
#include "../../tensor/team.h"

int bind_floor;

static lua_State *inside;    /* whose stack a collection may use */
static const char error_key; /* registry: the Lua error that a callback left */

/* A full collection, in whatever mode the collector is. */
static void collect(void) {
  if (!inside) return;
  lua_gc(inside, LUA_GCCOLLECT);
  mem_collected(handle_count);
}

void enter(lua_State *L, void (*fn)(void *), void *arg) {
  lua_State *outer = inside;
  inside = L;
  if (mem_pressure()) collect();
  t_leave(bind_floor);
  tape_on = scope_tape(L);
  bool done = t_try(fn, arg);
  inside = outer;
  if (done) return;
  t_leave(bind_floor);
  const char *message = t_message();
  if (!message) {
    lua_rawgetp(L, LUA_REGISTRYINDEX, &error_key);
    lua_pushnil(L);
    lua_rawsetp(L, LUA_REGISTRYINDEX, &error_key);
  } else {
    luaL_where(L, 1);
    lua_pushstring(L, message);
    lua_concat(L, 2);
  }
  lua_error(L);
}

void enter_end(lua_State *L) {
  (void)L;
  t_leave(bind_floor);
}

void enter_callback(lua_State *L, int nargs, int nresults) {
  int floor = bind_floor;
  lua_State *outer = inside;
  bool tape = tape_on;
  bind_floor = t_mark();
  int status = lua_pcall(L, nargs, nresults, 0);
  t_leave(bind_floor);
  bind_floor = floor;
  inside = outer;
  tape_on = tape;
  if (status != LUA_OK) {
    lua_rawsetp(L, LUA_REGISTRYINDEX, &error_key);
    t_fail_pending();
  }
}

void enter_open(lua_State *L) {
  lua_pushnil(L); /* the place exists from now on: storing an error there allocates nothing */
  lua_rawsetp(L, LUA_REGISTRYINDEX, &error_key);
  lua_pushboolean(L, false);
  lua_rawsetp(L, LUA_REGISTRYINDEX, &error_key);
  mem_collect = collect;
}
