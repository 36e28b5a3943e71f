#include "traceback.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include "lauxlib.h"
#include "../bind/bind.h"

#define HEAD  "\nstack traceback:\n"
#define C     "\t[C]:"
#define TAIL  "\t(...tail calls...)"
#define SKIPS "\t...\t(skipping "

static bool starts(const char *line, const char *end, const char *with) {
  size_t n = strlen(with);
  return (size_t)(end - line) >= n && memcmp(line, with, n) == 0;
}

static const char *end_of_line(const char *line, const char *end) {
  const char *at = memchr(line, '\n', (size_t)(end - line));
  return at != NULL ? at : end;
}

static bool is_library(lua_State *L, int level) {
  lua_Debug ar;
  if (!lua_getstack(L, level, &ar)) return false;
  lua_getinfo(L, "S", &ar);
  return place_is_library(ar.source);
}

/* Adds the frames of a traceback to b. Lines of C wait until it is known whose they are: those
   between library frames, and those around them, go with them. */
static void add_frames(lua_State *L, luaL_Buffer *b, const char *line, const char *end, int level) {
  const char *waiting = line; /* lines from here on are not added yet */
  bool library = false;       /* was the last frame that is not C's one of the library? */
  while (line < end) {
    const char *next = end_of_line(line, end);
    next += next < end;
    bool is_tail = starts(line, end, TAIL), is_c = starts(line, end, C);
    if (starts(line, end, SKIPS)) level += atoi(line + strlen(SKIPS)) - 1;
    if (!is_tail && !is_c) {
      const char *from = library ? line : waiting;
      library = is_library(L, level);
      if (!library) luaL_addlstring(b, from, (size_t)(next - from));
      waiting = next;
    }
    level += !is_tail;
    line = next;
  }
  if (!library) luaL_addlstring(b, waiting, (size_t)(end - waiting));
}

void traceback_push(lua_State *L, const char *message, int level) {
  luaL_Buffer b;
  size_t size;
  luaL_traceback(L, L, NULL, level);
  int text = lua_gettop(L);
  const char *all = lua_tolstring(L, text, &size);
  luaL_buffinit(L, &b);
  luaL_addstring(&b, message);
  luaL_addstring(&b, HEAD);
  const char *first = end_of_line(all, all + size);
  add_frames(L, &b, first + (first < all + size), all + size, level);
  luaL_pushresult(&b);
  lua_remove(L, text);
}
