/* What happens to an entry at the prompt once it has been read: compiled, run, shown. */
#ifndef LUNETTE_ENTRY_H
#define LUNETTE_ENTRY_H

#include <stddef.h>
#include "lua.h"

typedef enum {
  ENTRY_READY, /* a function is pushed */
  ENTRY_OPEN,  /* the entry goes on in the next line; the message is pushed in case it does not */
  ENTRY_WRONG  /* a message is pushed */
} EntryState;

/* Compiles an entry: as an expression whose values are wanted, else as statements. `name` stands in
   messages. */
EntryState entry_compile(lua_State *L, const char *text, size_t size, const char *name);

/* The state alone; pushes nothing. What begins as a command does is whole. */
EntryState entry_state(lua_State *L, const char *text, size_t size);

/* Runs the text on top of the stack and has its values shown, or its error; pops it. Where the
   toolkit is missing values are printed and errors reported plainly. */
void entry_handle(lua_State *L);

/* Runs the user's init.lua, if there is one; its errors are reported as an entry's are. */
void entry_init(lua_State *L);

/* Writes the message on top of the stack as it is and pops it. */
void entry_report(lua_State *L);

#endif
