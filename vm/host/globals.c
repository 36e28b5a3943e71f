/* The globals of the program. A metatable on _G finds the fields of the module "lunette" when they
   are first read, and from then on makes reading an undefined global an error with a suggestion.
   Before that, an undefined global is nil, as in Lua. */
#include "globals.h"

#include <stdbool.h>
#include <string.h>
#include "lauxlib.h"
#include "lualib.h"
#include "../lunette.h"
#include "loader.h"
#include "suggest.h"

#define STRICT    "lunette.strict"    /* registry: true from the first touch on */
#define DECLARED  "lunette.declared"  /* registry: name -> true, of those that may be nil */
#define SEARCHERS "lunette.searchers" /* registry: those of require */
#define REQUIRE   "lunette.require"   /* registry: Lua's own require, whatever the global says */

static bool is_name(const char *key) {
  for (int i = 0; lunette_names[i] != NULL; i++)
    if (strcmp(lunette_names[i], key) == 0) return true;
  return false;
}

static bool is_strict(lua_State *L) {
  bool strict = lua_getfield(L, LUA_REGISTRYINDEX, STRICT) == LUA_TBOOLEAN;
  lua_pop(L, 1);
  return strict;
}

static void set_strict(lua_State *L) {
  lua_pushboolean(L, 1);
  lua_setfield(L, LUA_REGISTRYINDEX, STRICT);
}

/* (module, name) -> module[name] */
static int get_field(lua_State *L) {
  lua_gettable(L, 1);
  return 1;
}

/* Pushes the field of the module, or nil when the module has no such field. */
static void push_field(lua_State *L, const char *name) {
  lua_getfield(L, LUA_REGISTRYINDEX, REQUIRE);
  lua_pushliteral(L, "lunette");
  lua_call(L, 1, 1);
  lua_pushcfunction(L, get_field);
  lua_insert(L, -2);
  lua_pushstring(L, name);
  if (lua_pcall(L, 2, 1, 0) == LUA_OK) return;
  const char *message = lua_tostring(L, -1); /* the module's own word for "no such field" */
  if (message == NULL || strstr(message, "has no field") == NULL) lua_error(L);
  lua_pushnil(L);
}

void globals_declare(lua_State *L, const char *name) {
  if (name == NULL) {
    lua_pushnil(L);
    lua_setfield(L, LUA_REGISTRYINDEX, DECLARED);
    return;
  }
  luaL_getsubtable(L, LUA_REGISTRYINDEX, DECLARED);
  lua_pushboolean(L, 1);
  lua_setfield(L, -2, name);
  lua_pop(L, 1);
}

static bool is_declared(lua_State *L, const char *name) {
  luaL_getsubtable(L, LUA_REGISTRYINDEX, DECLARED);
  bool declared = lua_getfield(L, -1, name) != LUA_TNIL;
  lua_pop(L, 2);
  return declared;
}

/* Is the code that reads the global held to strictness? C code asks whether a name is there, and
   installed libraries ask for names of other Lua versions. */
static bool must_define(lua_State *L, lua_Debug *ar) {
  if (!lua_getstack(L, 1, ar)) return false;
  lua_getinfo(L, "S", ar);
  return strcmp(ar->what, "C") != 0 && !loader_is_library(L, ar->source);
}

/* __index(globals, key) */
static int find_global(lua_State *L) {
  lua_Debug ar;
  const char *key = lua_type(L, 2) == LUA_TSTRING ? lua_tostring(L, 2) : NULL;
  if (key == NULL) return 0;
  if (is_name(key)) {
    push_field(L, key);
    if (!lua_isnil(L, -1)) {
      lua_pushvalue(L, 2);
      lua_pushvalue(L, -2);
      lua_rawset(L, 1);
      return 1;
    }
  }
  if (!is_strict(L) || is_declared(L, key) || !must_define(L, &ar)) return 0;
  luaL_where(L, 1);
  suggest_push(L, &ar, key, 1, lunette_names);
  lua_concat(L, 2);
  return lua_error(L);
}

/* package.preload.lunette */
static int open_module(lua_State *L) {
  int nargs = lua_gettop(L);
  lua_pushcfunction(L, luaopen_lunette);
  lua_insert(L, 1);
  lua_call(L, nargs, 1);
  set_strict(L);
  return 1;
}

/* A searcher of require: lunette.x is found by what require "lunette" puts before this one. */
static int search_toolkit(lua_State *L) {
  if (strncmp(luaL_checkstring(L, 1), "lunette.", 8) != 0) return 0;
  luaL_getsubtable(L, LUA_REGISTRYINDEX, LUA_LOADED_TABLE);
  if (lua_getfield(L, -1, "lunette") != LUA_TNIL) return 0;
  lua_getfield(L, LUA_REGISTRYINDEX, REQUIRE);
  lua_pushliteral(L, "lunette");
  lua_call(L, 1, 0);
  lua_getfield(L, LUA_REGISTRYINDEX, SEARCHERS);
  lua_rawgeti(L, -1, 2);
  lua_pushvalue(L, 1);
  lua_call(L, 1, 2);
  return 2;
}

/* Puts it before the searcher of Lua files. */
static void install_searcher(lua_State *L) {
  lua_getglobal(L, LUA_LOADLIBNAME);
  lua_getfield(L, -1, "searchers");
  lua_pushvalue(L, -1);
  lua_setfield(L, LUA_REGISTRYINDEX, SEARCHERS);
  for (lua_Integer i = luaL_len(L, -1); i >= 2; i--) {
    lua_rawgeti(L, -1, i);
    lua_rawseti(L, -2, i + 1);
  }
  lua_pushcfunction(L, search_toolkit);
  lua_rawseti(L, -2, 2);
  lua_pop(L, 2);
}

/* Registry "lunette.globals": Lua's own names as they are now, for the library's files. */
static void keep_globals(lua_State *L) {
  lua_newtable(L);
  lua_pushglobaltable(L);
  lua_pushnil(L);
  while (lua_next(L, -2)) {
    lua_pushvalue(L, -2);
    lua_insert(L, -2);
    lua_rawset(L, -5);
  }
  lua_pop(L, 1);
  lua_setfield(L, LUA_REGISTRYINDEX, "lunette.globals");
}

void globals_install(lua_State *L) {
  keep_globals(L);
  lua_getglobal(L, "require");
  lua_setfield(L, LUA_REGISTRYINDEX, REQUIRE);
  install_searcher(L);
  luaL_getsubtable(L, LUA_REGISTRYINDEX, LUA_PRELOAD_TABLE);
  lua_pushcfunction(L, open_module);
  lua_setfield(L, -2, "lunette");
  lua_pushglobaltable(L);
  lua_createtable(L, 0, 1);
  lua_pushcfunction(L, find_global);
  lua_setfield(L, -2, "__index");
  lua_setmetatable(L, -2);
  lua_pop(L, 2);
}
