/* The prompt: reads entries and has them run, until the end of the input. */
#ifndef LUNETTE_PROMPT_H
#define LUNETTE_PROMPT_H

#include <stdbool.h>
#include "lua.h"

/* The line that greets on a terminal; nothing is written elsewhere. */
void prompt_greet(long long threads, long long seed);

/* Returns when the input ends. No error of an entry leaves it. init: on a terminal the user's init.lua
   runs first. */
void prompt_run(lua_State *L, bool init);

/* Inside of an entry that runs: another prompt, with the same history, until the input ends or
   prompt_leave is called. `mark` stands before its entries. The stack of L is emptied. False where
   there is no prompt or a Ctrl-C is under way. */
bool prompt_within(lua_State *L, const char *mark);

/* The text stands in the editor at the next entry. False where nothing is edited. */
bool prompt_next(const char *text);

/* Adds a text to the history, as an entry. */
void prompt_remember(const char *text);

/* Ends the innermost prompt after the entry that runs. */
void prompt_leave(void);

#endif
