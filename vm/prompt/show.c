/* The printer of the prompt. A table without a __tostring of its own is shown one level deep, list
   first, then the named fields in alphabetical order: {1, 2, name = "x", ... 5 more}. */
#include "show.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "lauxlib.h"

#define MOST_ITEMS 12   /* shown of a list, and of the named fields */
#define MOST_NAMES 4096 /* fields looked at to find the first ones */
#define LONGEST    60   /* bytes of an item */

static bool is_plain_table(lua_State *L, int i) {
  if (lua_type(L, i) != LUA_TTABLE) return false;
  if (luaL_getmetafield(L, i, "__tostring") == LUA_TNIL) return true;
  lua_pop(L, 1);
  return false;
}

static void add_quoted(luaL_Buffer *b, const char *text, size_t size) {
  luaL_addchar(b, '"');
  for (size_t i = 0; i < size && i < LONGEST; i++) {
    unsigned char c = (unsigned char)text[i];
    if (c == '"' || c == '\\') luaL_addchar(b, '\\');
    if (c == '\n')
      luaL_addstring(b, "\\n");
    else
      luaL_addchar(b, c < 32 || c == 127 ? '?' : (char)c);
  }
  luaL_addstring(b, size > LONGEST ? "...\"" : "\"");
}

/* Appends the value at index i, as it appears inside of a table. */
static void add_item(lua_State *L, luaL_Buffer *b, int i) {
  size_t size;
  if (lua_type(L, i) == LUA_TSTRING) {
    const char *text = lua_tolstring(L, i, &size);
    add_quoted(b, text, size);
  } else if (is_plain_table(L, i)) {
    lua_pushnil(L);
    bool some = lua_next(L, i) != 0;
    if (some) lua_pop(L, 2);
    luaL_addstring(b, some ? "{...}" : "{}");
  } else {
    char line[LONGEST + 1]; /* the buffer wants the top of the stack, so the text is copied */
    const char *text = luaL_tolstring(L, i, &size);
    size_t n = strcspn(text, "\n"); /* the first line of a tensor or a model says what it is */
    bool brief = n <= LONGEST;
    if (brief) memcpy(line, text, n);
    lua_pop(L, 1);
    if (brief)
      luaL_addlstring(b, line, n);
    else
      luaL_addstring(b, luaL_typename(L, i));
  }
}

static int compare_names(const void *a, const void *b) {
  return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* Appends the list part; returns how many items it has. Items are at index `item` for a while. */
static lua_Integer add_list(lua_State *L, luaL_Buffer *b, int table, int item) {
  lua_Integer n = (lua_Integer)lua_rawlen(L, table);
  for (lua_Integer k = 1; k <= n && k <= MOST_ITEMS; k++) {
    if (k > 1) luaL_addstring(b, ", ");
    lua_rawgeti(L, table, k);
    lua_replace(L, item);
    add_item(L, b, item);
  }
  if (n > MOST_ITEMS) {
    lua_pushfstring(L, ", ... %I more", n - MOST_ITEMS);
    luaL_addvalue(b);
  }
  return n;
}

/* Collects the names of the string keys into names[MOST_NAMES]; *others counts the keys that are
   neither names nor in the list 1..n. */
static int collect_names(lua_State *L, int table, lua_Integer n, const char **names, int *others) {
  int count = 0;
  lua_pushnil(L);
  while (lua_next(L, table)) {
    lua_pop(L, 1);
    bool in_list = lua_isinteger(L, -1) && lua_tointeger(L, -1) >= 1 && lua_tointeger(L, -1) <= n;
    if (lua_type(L, -1) == LUA_TSTRING && count < MOST_NAMES)
      names[count++] = lua_tostring(L, -1); /* the table holds on to it */
    else if (!in_list)
      (*others)++;
  }
  qsort(names, (size_t)count, sizeof *names, compare_names);
  return count;
}

/* Pushes the text of the plain table at index `table`. */
static void push_table(lua_State *L, int table) {
  luaL_Buffer b;
  int others = 0;
  luaL_checkstack(L, 12, NULL);
  const char **names = lua_newuserdatauv(L, MOST_NAMES * sizeof *names, 0);
  lua_Integer n = (lua_Integer)lua_rawlen(L, table);
  int count = collect_names(L, table, n, names, &others);
  lua_pushnil(L);
  int item = lua_gettop(L);
  luaL_buffinit(L, &b);
  luaL_addchar(&b, '{');
  bool some = add_list(L, &b, table, item) > 0;
  for (int k = 0; k < count && k < MOST_ITEMS; k++) {
    if (some) luaL_addstring(&b, ", ");
    some = true;
    luaL_addstring(&b, names[k]);
    luaL_addstring(&b, " = ");
    lua_pushstring(L, names[k]);
    lua_rawget(L, table);
    lua_replace(L, item);
    add_item(L, &b, item);
  }
  if (count > MOST_ITEMS) others += count - MOST_ITEMS;
  if (others > 0) {
    lua_pushfstring(L, some ? ", ... %d more" : "... %d more", others);
    luaL_addvalue(&b);
  }
  luaL_addchar(&b, '}');
  luaL_pushresult(&b);
  lua_replace(L, item);
  lua_settop(L, item);
  lua_remove(L, item - 1);
}

int show_print(lua_State *L) {
  int n = lua_gettop(L);
  for (int i = 1; i <= n; i++) {
    size_t size;
    if (is_plain_table(L, i))
      push_table(L, i);
    else
      luaL_tolstring(L, i, NULL);
    const char *text = lua_tolstring(L, -1, &size);
    if (i > 1) putchar('\t');
    fwrite(text, 1, size, stdout);
    lua_pop(L, 1);
  }
  putchar('\n');
  fflush(stdout);
  return 0;
}
