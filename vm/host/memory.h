/* The memory of Lua's own objects. */
#ifndef LUNETTE_MEMORY_H
#define LUNETTE_MEMORY_H

#include "lua.h"

/* A new state whose objects are under the limit of memory: beyond it, and when the system has no
   more, allocation fails as an error of Lua's instead of ending the process. NULL without memory. */
lua_State *memory_state(void);

/* Makes the message on top of the stack, which says that memory is short, say what to do. */
void memory_explain(lua_State *L);

#endif
