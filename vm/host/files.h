/* Reading and writing much at once, so that Ctrl-C stops it. */
#ifndef LUNETTE_FILES_H
#define LUNETTE_FILES_H

#include "lua.h"

/* Takes the place of `read` and `write` of files, and of io.read and io.write. */
void files_install(lua_State *L);

#endif
