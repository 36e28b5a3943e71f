/* Repairs for a name that is not defined. */
#ifndef LUNETTE_SUGGEST_H
#define LUNETTE_SUGGEST_H

#include "lua.h"

/* Pushes the message for `name`, which the running function of `ar` read as a global. `extra` is a
   NULL-terminated list of names that are known besides the globals and that function's variables.
   The table of globals is at index `globals`. */
void suggest_push(lua_State *L, lua_Debug *ar, const char *name, int globals,
                  const char *const *extra);

#endif
