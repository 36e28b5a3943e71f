/* table.sort, concat and move that Ctrl-C stops. */
#ifndef LUNETTE_TABLES_H
#define LUNETTE_TABLES_H

#include "lua.h"

void tables_install(lua_State *L);

#endif
