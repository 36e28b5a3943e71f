/* The module `lunette`: finds its Lua files beside the program or library and runs scripts/init.lua,
   which builds the table that users see. */
#define _GNU_SOURCE
#include "../lunette.h"

#include <dlfcn.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "bind.h"

#ifndef LUNETTE_SHARE
#define LUNETTE_SHARE "/usr/local/share/lunette"
#endif

/* The folder of the file that this code was loaded from. */
static bool own_folder(char *out) {
  Dl_info info;
  char path[PATH_MAX];
  if (!dladdr((void *)(size_t)luaopen_lunette, &info) || !info.dli_fname) return false;
  const char *file = info.dli_fname;
  ssize_t n = readlink("/proc/self/exe", path, sizeof path - 1);
  char exe[PATH_MAX];
  if (n > 0) path[n] = 0;
  /* the program is named as it was called, without a folder perhaps */
  bool is_program = !strstr(file, ".so");
  if (is_program && n > 0)
    strcpy(exe, path);
  else if (!realpath(file, exe))
    return false;
  char *slash = strrchr(exe, '/');
  if (!slash) return false;
  *slash = 0;
  strcpy(out, exe);
  return true;
}

static bool has_scripts(const char *root) {
  char path[PATH_MAX + 32];
  snprintf(path, sizeof path, "%s/scripts/init.lua", root);
  return access(path, R_OK) == 0;
}

/* The folder that holds nn/ and scripts/. */
static bool find_root(char *root) {
  char folder[PATH_MAX];
  if (own_folder(folder)) {
    snprintf(root, PATH_MAX, "%.*s/..", PATH_MAX - 4, folder);
    if (has_scripts(root)) return true;
    snprintf(root, PATH_MAX, "%.*s/../..", PATH_MAX - 7, folder); /* a checking build: build/x/ */
    if (has_scripts(root)) return true;
    snprintf(root, PATH_MAX, "%.*s/../share/lunette", PATH_MAX - 20, folder);
    if (has_scripts(root)) return true;
  }
  snprintf(root, PATH_MAX, "%s", LUNETTE_SHARE);
  return has_scripts(root);
}

/* Where plot.so and its like are: beside us in a build tree, in lib/lunette when installed. */
static void set_library_path(lua_State *L) {
  char folder[PATH_MAX];
  if (!own_folder(folder)) strcpy(folder, ".");
  lua_pushfstring(L, "%s/?.so;%s/../lib/lunette/?.so;%s/../../../lunette/?.so", folder, folder,
                  folder);
  lua_setfield(L, -2, "library_path");
}

const char *const lunette_names[] = {"tensor", "nn",       "optim", "data", "metrics",
                                     "plot",   "progress", "help",  NULL};

static void set_names(lua_State *L) {
  lua_newtable(L);
  for (int i = 0; lunette_names[i] != NULL; i++) {
    lua_pushstring(L, lunette_names[i]);
    lua_rawseti(L, -2, i + 1);
  }
  lua_setfield(L, -2, "names");
}

int luaopen_lunette(lua_State *L) {
  char root[PATH_MAX], real[PATH_MAX];
  if (!find_root(root)) {
    return luaL_error(L,
                      "lunette: its Lua files (scripts/init.lua) are neither beside the program "
                      "nor in %s",
                      LUNETTE_SHARE);
  }
  if (!realpath(root, real)) strcpy(real, root);
  place_set_root(real);
  lua_pushfstring(L, "%s/scripts/init.lua", real);
  if (luaL_loadfilex(L, lua_tostring(L, -1), "t") != LUA_OK) return lua_error(L);
  lua_pushcfunction(L, luaopen_lunette_core);
  lua_call(L, 0, 1);
  set_library_path(L);
  set_names(L);
  lua_pushstring(L, real);
  lua_getfield(L, LUA_REGISTRYINDEX, "lunette.globals"); /* the program's; nil under stock Lua */
  lua_call(L, 3, 1);
  return 1;
}
