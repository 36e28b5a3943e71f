/* The module lunette.console: what the prompt's toolkit in Lua needs of the prompt in C. */
#ifndef LUNETTE_CONSOLE_H
#define LUNETTE_CONSOLE_H

#include "lua.h"

/* Makes require "lunette.console" work. */
void console_install(lua_State *L);

#endif
