/* The functions of Lua's string library that may run for long. */
#ifndef LUNETTE_STRINGS_H
#define LUNETTE_STRINGS_H

#include "lua.h"

/* Puts find, match, gmatch, gsub and rep into the open library `string`; all else in it stays. */
void strings_install(lua_State *L);

#endif
