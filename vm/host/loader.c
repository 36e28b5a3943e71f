/* Loading of Lua code. Lua's virtual machine trusts a precompiled chunk, and a crafted one can
   crash it; so `load`, `loadfile`, `dofile`, `require` and script arguments take text only, and the
   message names the option that lifts the rule. Otherwise the functions are those of the manual. */
#include "loader.h"

#include <string.h>
#include "lauxlib.h"
#include "lualib.h"
#include "hints.h"

#define LIBRARIES   "lunette.libraries" /* registry: source name -> true */
#define READER_SLOT 5                   /* where `load` keeps the piece being parsed */

static bool binary_allowed;

/* What the parser is told for the mode that the user asked for (NULL: any). */
static const char *effective_mode(const char *mode) {
  if (binary_allowed) return mode;
  return mode == NULL || strchr(mode, 't') != NULL ? "t" : "";
}

/* After a load: a refusal speaks of the mode that the user gave, or names the file (NULL: it was
   none) and the option. */
static int explain_refusal(lua_State *L, int status, const char *mode, const char *path) {
  static const char refused[] = "attempt to load a binary chunk (mode is '";
  static const char refused_text[] = "attempt to load a text chunk (mode is '')";
  if (status != LUA_ERRSYNTAX || binary_allowed) return status;
  const char *message = lua_tostring(L, -1);
  const char *at = message ? strstr(message, refused) : NULL;
  if (at != NULL && (mode == NULL || strchr(mode, 'b') != NULL)) {
    lua_pushfstring(L, path != NULL ? "%s: " : "", path);
    lua_pushliteral(L, "attempt to load a binary chunk (only text is loaded; "
                       "start lunette with --allow-binary to permit it)");
  } else if ((at = message ? strstr(message, refused_text) : NULL) != NULL) {
    lua_pushlstring(L, message, (size_t)(at - message));
    lua_pushfstring(L, "attempt to load a text chunk (mode is '%s')", mode);
  } else {
    return status;
  }
  lua_concat(L, 2);
  lua_remove(L, -2);
  return status;
}

static int load_file(lua_State *L, const char *path, const char *mode) {
  return explain_refusal(L, luaL_loadfilex(L, path, effective_mode(mode)), mode, path);
}

int loader_file(lua_State *L, const char *path) {
  int status = load_file(L, path, NULL);
  if (status == LUA_ERRSYNTAX && path != NULL) hints_add_file(L, path);
  return status;
}

int loader_text(lua_State *L, const char *text, size_t size, const char *name) {
  int status = luaL_loadbufferx(L, text, size, name, effective_mode(NULL));
  explain_refusal(L, status, NULL, NULL);
  if (status == LUA_ERRSYNTAX) hints_add(L, text, size);
  return status;
}

/* The results of load and loadfile; env is the stack index of the environment, 0 for the usual. */
static int loaded(lua_State *L, int status, int env) {
  if (status != LUA_OK) {
    luaL_pushfail(L);
    lua_insert(L, -2);
    return 2;
  }
  if (env != 0) {
    lua_pushvalue(L, env);
    if (lua_setupvalue(L, -2, 1) == NULL) lua_pop(L, 1);
  }
  return 1;
}

/* Calls the function at index 1 for the next piece of a chunk. */
static const char *read_piece(lua_State *L, void *unused, size_t *size) {
  (void)unused;
  luaL_checkstack(L, 2, "too many nested functions");
  lua_pushvalue(L, 1);
  lua_call(L, 0, 1);
  if (lua_isnil(L, -1)) {
    lua_pop(L, 1);
    *size = 0;
    return NULL;
  }
  if (!lua_isstring(L, -1)) luaL_error(L, "reader function must return a string");
  lua_replace(L, READER_SLOT); /* the parser owns the top of the stack */
  return lua_tolstring(L, READER_SLOT, size);
}

static int text_load(lua_State *L) {
  const char *mode = luaL_optstring(L, 3, NULL);
  int env = lua_isnone(L, 4) ? 0 : 4;
  size_t size;
  const char *text = lua_tolstring(L, 1, &size);
  int status;
  if (text != NULL) {
    const char *name = luaL_optstring(L, 2, text);
    status = luaL_loadbufferx(L, text, size, name, effective_mode(mode));
  } else {
    const char *name = luaL_optstring(L, 2, "=(load)");
    luaL_checktype(L, 1, LUA_TFUNCTION);
    lua_settop(L, READER_SLOT);
    status = lua_load(L, read_piece, NULL, name, effective_mode(mode));
  }
  return loaded(L, explain_refusal(L, status, mode, NULL), env);
}

static int text_loadfile(lua_State *L) {
  const char *path = luaL_optstring(L, 1, NULL);
  const char *mode = luaL_optstring(L, 2, NULL);
  int env = lua_isnone(L, 3) ? 0 : 3;
  return loaded(L, load_file(L, path, mode), env);
}

static int dofile_results(lua_State *L, int status, lua_KContext context) {
  (void)status;
  (void)context;
  return lua_gettop(L) - 1;
}

static int text_dofile(lua_State *L) {
  const char *path = luaL_optstring(L, 1, NULL);
  lua_settop(L, 1);
  if (loader_file(L, path) != LUA_OK) return lua_error(L);
  lua_callk(L, 0, LUA_MULTRET, 0, dofile_results);
  return dofile_results(L, LUA_OK, 0);
}

static void remember_library(lua_State *L, const char *path) {
  luaL_getsubtable(L, LUA_REGISTRYINDEX, LIBRARIES);
  lua_pushfstring(L, "@%s", path);
  lua_pushboolean(L, 1);
  lua_rawset(L, -3);
  lua_pop(L, 1);
}

bool loader_is_library(lua_State *L, const char *source) {
  luaL_getsubtable(L, LUA_REGISTRYINDEX, LIBRARIES);
  lua_pushstring(L, source);
  bool known = lua_rawget(L, -2) != LUA_TNIL;
  lua_pop(L, 2);
  return known;
}

/* The searcher of require for Lua files. Upvalues: `package`, `package.searchpath`. */
static int search_lua(lua_State *L) {
  const char *name = luaL_checkstring(L, 1);
  lua_settop(L, 1);
  lua_pushvalue(L, lua_upvalueindex(2));
  lua_pushvalue(L, 1);
  lua_getfield(L, lua_upvalueindex(1), "path");
  if (!lua_isstring(L, -1)) return luaL_error(L, "'package.path' must be a string");
  lua_call(L, 2, 2);
  if (lua_isnil(L, -2)) return 1; /* the list of places without such a file */
  lua_pop(L, 1);
  const char *path = lua_tostring(L, 2);
  if (loader_file(L, path) != LUA_OK)
    return luaL_error(L, "error loading module '%s' from file '%s':\n\t%s", name, path,
                      lua_tostring(L, -1));
  if (path[0] == '/') remember_library(L, path);
  lua_pushvalue(L, 2);
  return 2;
}

void loader_install(lua_State *L, bool allow_binary) {
  static const luaL_Reg functions[] = {
      {"load", text_load}, {"loadfile", text_loadfile}, {"dofile", text_dofile}, {NULL, NULL}};
  binary_allowed = allow_binary;
  if (!allow_binary) {
    lua_pushglobaltable(L);
    luaL_setfuncs(L, functions, 0);
    lua_pop(L, 1);
  }
  lua_getglobal(L, LUA_LOADLIBNAME);
  lua_getfield(L, -1, "searchers");
  lua_pushvalue(L, -2);
  lua_getfield(L, -3, "searchpath");
  lua_pushcclosure(L, search_lua, 2);
  lua_rawseti(L, -2, 2);
  lua_pop(L, 2);
}
