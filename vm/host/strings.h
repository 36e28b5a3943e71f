/* The searching functions of Lua's string library. */
#ifndef LUNETTE_STRINGS_H
#define LUNETTE_STRINGS_H

#include "lua.h"

/* Puts find, match, gmatch and gsub into the open library `string`; all else in it stays. */
void strings_install(lua_State *L);

#endif
