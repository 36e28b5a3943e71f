/* How the prompt shows values. */
#ifndef LUNETTE_SHOW_H
#define LUNETTE_SHOW_H

#include "lua.h"

/* A C function for Lua: writes its arguments as print does, on one line with tabs between, except
   that a plain table shows what is in it. Looks up no global. */
int show_print(lua_State *L);

#endif
