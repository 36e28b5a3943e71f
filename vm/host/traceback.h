/* Tracebacks: which frames a reader sees. */
#ifndef LUNETTE_TRACEBACK_H
#define LUNETTE_TRACEBACK_H

#include <stddef.h>
#include "lua.h"

/* Pushes the message with the traceback of L from this level on. Frames of the library's Lua files
   are left out, with what they called in C; all else is as in Lua. */
void traceback_push(lua_State *L, const char *message, int level);

/* The size of a message without those frames at its end that say little about the user's code:
   those of C, and of the main chunk called `chunk` (an entry at the prompt). Without its traceback
   when there are no others. */
size_t traceback_trimmed(const char *message, size_t size, const char *chunk);

#endif
