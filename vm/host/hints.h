/* Hints below a syntax error, for habits that other languages leave. */
#ifndef LUNETTE_HINTS_H
#define LUNETTE_HINTS_H

#include <stdbool.h>
#include <stddef.h>
#include "lua.h"

/* The message of a failed load is on top of the stack: adds a line with a hint to it, when the line
   of the text that it complains about looks like another language's. */
void hints_add(lua_State *L, const char *text, size_t size);

/* The same for the text of a file; nothing when it cannot be read. */
void hints_add_file(lua_State *L, const char *path);

/* The message complains about the end of an entry: does the entry begin a block of Python's, which
   no further line could make Lua of? */
bool hints_is_hopeless(lua_State *L, const char *text, size_t size);

#endif
