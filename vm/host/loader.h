/* Which chunks may be loaded: text only, unless the program was started with --allow-binary. */
#ifndef LUNETTE_LOADER_H
#define LUNETTE_LOADER_H

#include <stdbool.h>
#include <stddef.h>
#include "lua.h"

/* Sets the rule for this process, and the functions load, loadfile, dofile and the searcher of
   require for Lua files accordingly. The standard libraries must be open. */
void loader_install(lua_State *L, bool allow_binary);

/* As luaL_loadfile and luaL_loadbuffer, under the rule, with hints below syntax errors. path NULL
   is the standard input. */
int loader_file(lua_State *L, const char *path);
int loader_text(lua_State *L, const char *text, size_t size, const char *name);

/* Was the chunk with this source name (lua_Debug's `source`) found by require under an absolute
   path, as installed libraries are? */
bool loader_is_library(lua_State *L, const char *source);

#endif
