/* From the prompt to its toolkit in Lua and back. */
#include "ask.h"

#include <stdlib.h>
#include <string.h>
#include "lauxlib.h"
#include "../host/interrupt.h"
#include "entry.h"

#define TOOLKIT "lunette.prompt" /* registry: the module */

void ask_open(lua_State *L) {
  for (int i = 0; i < 2; i++) { /* the first makes the second known */
    lua_getglobal(L, "require");
    lua_pushstring(L, i == 0 ? "lunette" : TOOLKIT);
    if (lua_pcall(L, 1, 1, 0) != LUA_OK) {
      entry_report(L);
      break;
    }
    if (i == 1) lua_setfield(L, LUA_REGISTRYINDEX, TOOLKIT);
  }
  lua_settop(L, 0);
}

bool ask_push(lua_State *L, const char *name) {
  int top = lua_gettop(L);
  if (lua_getfield(L, LUA_REGISTRYINDEX, TOOLKIT) == LUA_TTABLE &&
      lua_getfield(L, top + 1, name) == LUA_TFUNCTION) {
    lua_remove(L, top + 1);
    return true;
  }
  lua_settop(L, top);
  return false;
}

bool ask_whole(void *owner, const char *text, size_t size) {
  lua_State *L = owner;
  int top = lua_gettop(L);
  if (size > 0 && text[0] == '%' && ask_push(L, "code")) { /* %time and the like take Lua */
    lua_pushlstring(L, text, size);
    if (lua_pcall(L, 1, 1, 0) == LUA_OK && lua_isstring(L, -1)) text = lua_tolstring(L, -1, &size);
  }
  bool whole = entry_state(L, text, size) != ENTRY_OPEN;
  lua_settop(L, top);
  return whole;
}

static char *field(lua_State *L, int item, int i) {
  lua_rawgeti(L, item, i);
  const char *text = lua_tostring(L, -1);
  char *copy = strdup(text == NULL ? "" : text);
  lua_pop(L, 1);
  return copy;
}

/* The list on top of the stack. */
static Candidates read_candidates(lua_State *L, size_t from) {
  size_t n = lua_rawlen(L, -1);
  Candidates c = {n == 0 ? NULL : calloc(n, sizeof *c.list), 0, from};
  if (c.list == NULL) return c;
  for (; c.n < n; c.n++) {
    Candidate *item = &c.list[c.n];
    lua_rawgeti(L, -1, (lua_Integer)c.n + 1);
    int at = lua_gettop(L);
    if (!lua_istable(L, at)) break;
    *item = (Candidate){field(L, at, 1), field(L, at, 2), field(L, at, 3)};
    lua_pop(L, 1);
    if (item->text != NULL && item->kind != NULL && item->doc != NULL) continue;
    c.n++;
    candidates_free(&c);
    return c;
  }
  return c;
}

/* complete(text, cursor) -> from, {{text, kind, doc}, ...}: byte positions from 1; the cursor stands
   after that many bytes. */
Candidates ask_complete(void *owner, const char *text, size_t size, size_t cursor) {
  lua_State *L = owner;
  int top = lua_gettop(L);
  Candidates c = {NULL, 0, 0};
  if (!ask_push(L, "complete")) return c;
  lua_pushlstring(L, text, size);
  lua_pushinteger(L, (lua_Integer)cursor);
  interrupt_start(L);
  int status = lua_pcall(L, 2, 2, 0); /* an error is no candidates */
  interrupt_land();
  if (status == LUA_OK && lua_istable(L, -1) && lua_isinteger(L, -2)) {
    lua_Integer from = lua_tointeger(L, -2);
    if (from >= 1 && (size_t)from <= cursor + 1) c = read_candidates(L, (size_t)from - 1);
  }
  lua_settop(L, top);
  return c;
}
