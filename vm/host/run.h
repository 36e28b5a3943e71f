/* How a chunk is run: a protected call that Ctrl-C can stop, with a traceback for its errors. */
#ifndef LUNETTE_RUN_H
#define LUNETTE_RUN_H

#include <stdbool.h>
#include "lua.h"

#define EXIT_INTERRUPTED 130 /* 128 + SIGINT, as shells count */

/* As lua_pcall without message handler: the error is a string with a traceback, or the object's own
   text. *interrupted (may be NULL) is set when a Ctrl-C came in, caught by the chunk or not. */
int run_call(lua_State *L, int nargs, int nresults, bool *interrupted);

/* Writes "name: message" to the standard error output; without the name when it is NULL. */
void run_message(const char *name, const char *message);

/* Puts words that say more in the place of the message of a call that ended with this status; `stopped`:
   after Ctrl-C, which may have stopped the message handler too. */
void run_explain(lua_State *L, int status, bool stopped);

#endif
