/* What the toolkits need and users do not: the width of a terminal, keeping a tensor past the scopes
   that it was born in. Fields of the core's table, not of the tensor library. */
#include "bind.h"

#include <sys/ioctl.h>
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

/* keep(t): scopes leave its handle alone from now on; returns t. */
static int l_keep(lua_State *L) {
  handle_check(L, 1, "keep");
  handle_keep(L, 1);
  lua_settop(L, 1);
  return 1;
}

void machine_open(lua_State *L) {
  static const luaL_Reg functions[] = {{"terminal", l_terminal}, {"keep", l_keep}, {NULL, NULL}};
  luaL_setfuncs(L, functions, 0);
}
