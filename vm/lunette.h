/* The module `lunette`: what the program preloads and stock Lua loads as lunette.so. */
#ifndef LUNETTE_H
#define LUNETTE_H

#include <lua.h>

int luaopen_lunette(lua_State *L);

/* The names that the module gives and the program has as globals, found when first read; ends with
   NULL. */
extern const char *const lunette_names[];

#endif
