/* Functions of the library that are no ops: each comes with what help says about it. */
#include "bind.h"

static const char texts_key; /* registry: function -> text */

void functions_set(lua_State *L, int table, int meta, const Function *list) {
  lua_pushvalue(L, table);
  lua_rawgetp(L, LUA_REGISTRYINDEX, &texts_key);
  for (const Function *f = list; f->name; f++) {
    if (meta) lua_pushvalue(L, meta);
    lua_pushcclosure(L, f->call, meta ? 1 : 0);
    lua_pushvalue(L, -1);
    lua_pushstring(L, f->text);
    lua_rawset(L, -4);
    lua_setfield(L, -3, f->name);
  }
  lua_pop(L, 2);
}

void functions_open(lua_State *L) {
  lua_newtable(L);
  lua_rawsetp(L, LUA_REGISTRYINDEX, &texts_key);
}

void functions_texts(lua_State *L) { lua_rawgetp(L, LUA_REGISTRYINDEX, &texts_key); }
