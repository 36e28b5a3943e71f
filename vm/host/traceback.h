/* Tracebacks: which frames a reader sees. */
#ifndef LUNETTE_TRACEBACK_H
#define LUNETTE_TRACEBACK_H

#include "lua.h"

/* Pushes the message with the traceback of L from this level on. Frames of the library's Lua files
   are left out, with what they called in C; all else is as in Lua. */
void traceback_push(lua_State *L, const char *message, int level);

#endif
