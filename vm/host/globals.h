/* The names that the program adds to Lua's globals, and strictness about names nobody defined. */
#ifndef LUNETTE_GLOBALS_H
#define LUNETTE_GLOBALS_H

#include "lua.h"

/* Makes require "lunette" work, and its fields global names that are looked up when first read.
   Until one is, or the module is required, the globals behave as Lua's. */
void globals_install(lua_State *L);

/* From now on reading the global of that name is no error where it is nil.
   NULL: of none. */
void globals_declare(lua_State *L, const char *name);

#endif
