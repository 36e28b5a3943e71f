/* What the prompt asks of Lua: its toolkit is the module lunette.prompt (scripts/prompt). */
#ifndef LUNETTE_ASK_H
#define LUNETTE_ASK_H

#include <stdbool.h>
#include <stddef.h>
#include "lua.h"
#include "editor/editor.h"

/* Loads the toolkit. Without it (a broken installation) the prompt is plain, and says why. */
void ask_open(lua_State *L);

/* Pushes the toolkit's function of that name and returns true; pushes nothing if there is none. */
bool ask_push(lua_State *L, const char *name);

/* EditorAsks; the owner is the lua_State. */
bool ask_whole(void *L, const char *text, size_t size);
Candidates ask_complete(void *L, const char *text, size_t size, size_t cursor);

#endif
