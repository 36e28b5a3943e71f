/* What the toolkits need and users do not: the width of a terminal, folders, keeping a tensor past the
   scopes that it was born in. Fields of the core's table, not of the tensor library. */
#include "bind.h"

#include <errno.h>
#include <limits.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

/* terminal(fd): its width in columns, or nil when the file is no terminal. */
static int l_terminal(lua_State *L) {
  int fd = (int)luaL_checkinteger(L, 1);
  struct winsize size;
  if (!isatty(fd)) {
    lua_pushnil(L);
  } else {
    bool known = ioctl(fd, TIOCGWINSZ, &size) == 0 && size.ws_col > 0;
    lua_pushinteger(L, known ? size.ws_col : 80);
  }
  return 1;
}

/* make_folder(path): makes it with those above it; nil and the reason when that cannot be. */
static int l_make_folder(lua_State *L) {
  size_t n;
  const char *given = luaL_checklstring(L, 1, &n);
  char path[PATH_MAX];
  struct stat about;
  luaL_argcheck(L, n > 0 && n < sizeof path, 1, "no name of a folder");
  memcpy(path, given, n + 1);
  for (char *at = path + 1;; at++) {
    char c = *at;
    if (c != '/' && c != 0) continue;
    *at = 0;
    if (mkdir(path, 0777) != 0 && (errno != EEXIST || c == 0) &&
        !(stat(path, &about) == 0 && S_ISDIR(about.st_mode))) {
      lua_pushnil(L);
      lua_pushfstring(L, "%s: %s", path, strerror(errno == EEXIST ? ENOTDIR : errno));
      return 2;
    }
    *at = c;
    if (c == 0) break;
  }
  lua_pushboolean(L, 1);
  return 1;
}

/* keep(t): scopes leave its handle alone from now on; returns t. */
static int l_keep(lua_State *L) {
  handle_check(L, 1, "keep");
  handle_keep(L, 1);
  lua_settop(L, 1);
  return 1;
}

void machine_open(lua_State *L) {
  static const luaL_Reg functions[] = {{"terminal", l_terminal},
                                       {"make_folder", l_make_folder},
                                       {"keep", l_keep},
                                       {"print_width", print_width},
                                       {NULL, NULL}};
  luaL_setfuncs(L, functions, 0);
}
