/* The module lunette.console: what the prompt's toolkit in Lua needs of the prompt in C. */
#ifndef LUNETTE_CONSOLE_H
#define LUNETTE_CONSOLE_H

#include "lua.h"

int console_open(lua_State *L);

#endif
