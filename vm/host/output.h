/* The standard output: writing to it fails with an error, never with a signal or in silence. */
#ifndef LUNETTE_OUTPUT_H
#define LUNETTE_OUTPUT_H

#include <stdbool.h>
#include "lua.h"

/* From here on a closed pipe and a file over its limit make write fail, in this process only. */
void output_ignore_signals(void);

/* Sets the global `print`. */
void output_install(lua_State *L);

/* Writes out what is buffered; false, with errno set, when anything written so far was lost. */
bool output_finish(void);

#endif
