/* Where in the user's code: messages and tracebacks step over the library's own Lua files, so that
   they never point into a file that their reader did not write. */
#include <limits.h>
#include <stdio.h>
#include <string.h>

#include "bind.h"

static char root[PATH_MAX + 2]; /* "@", the folder that holds nn/ and scripts/, "/" */

void place_set_root(const char *folder) { snprintf(root, sizeof root, "@%s/", folder); }

bool place_is_library(const char *source) {
  size_t n = strlen(root);
  if (n == 0 || strncmp(source, root, n) != 0) return false;
  return strncmp(source + n, "nn/", 3) == 0 || strncmp(source + n, "scripts/", 8) == 0;
}

bool place_find(lua_State *L, int level, lua_Debug *ar) {
  for (; lua_getstack(L, level, ar); level++) {
    lua_getinfo(L, "Sl", ar);
    if (ar->currentline > 0 && !place_is_library(ar->source)) return true;
  }
  return false;
}

void place_push(lua_State *L, int level) {
  lua_Debug ar;
  if (place_find(L, level, &ar))
    lua_pushfstring(L, "%s:%d: ", ar.short_src, ar.currentline);
  else
    lua_pushliteral(L, "");
}

/* is_library(source): is this, as debug.getinfo gives it, a file of the library? */
static int l_is_library(lua_State *L) {
  lua_pushboolean(L, place_is_library(luaL_checkstring(L, 1)));
  return 1;
}

void place_open(lua_State *L) {
  lua_pushcfunction(L, l_is_library);
  lua_setfield(L, -2, "is_library");
}
