/* Lua's own switch for debug hooks. */
#ifndef LUNETTE_HOOKS_H
#define LUNETTE_HOOKS_H

#include "lua.h"

/* Learns where the switch is; to be called once, before the others, outside of hooks. */
void hooks_find(lua_State *L);

/* Lets hooks be called in what L runs now: a finalizer, or the message handler of an error that a
   hook has raised. Without effect where they are called already. Safe in a signal handler. */
void hooks_allow(lua_State *L);

#endif
