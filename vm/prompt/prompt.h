/* The prompt: reads entries and has them run, until the end of the input. */
#ifndef LUNETTE_PROMPT_H
#define LUNETTE_PROMPT_H

#include "lua.h"

/* The line that greets on a terminal; nothing is written elsewhere. */
void prompt_greet(long long threads, long long seed);

/* Returns when the input ends. No error of an entry leaves it. */
void prompt_run(lua_State *L);

#endif
