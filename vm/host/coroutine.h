/* The functions of Lua's coroutine library through which code starts to run. */
#ifndef LUNETTE_COROUTINE_H
#define LUNETTE_COROUTINE_H

#include "lua.h"

/* Puts resume, wrap and close into the open library `coroutine`; all else in it stays. */
void coroutine_install(lua_State *L);

#endif
