/* Entries at the prompt: from text to values on the screen. Nothing here reads input. */
#include "entry.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include "lauxlib.h"
#include "hints.h"
#include "interrupt.h"
#include "output.h"
#include "run.h"
#include "show.h"
#include "traceback.h"

#define CHUNK "stdin" /* the name of an entry in messages, as in lua */

static bool ends_with(const char *text, size_t size, const char *tail) {
  size_t n = strlen(tail);
  return size >= n && strcmp(text + size - n, tail) == 0;
}

/* Does the message on top of the stack complain about the end of the text? */
static bool is_open(lua_State *L, int status) {
  size_t size;
  const char *message = lua_tolstring(L, -1, &size);
  return status == LUA_ERRSYNTAX && ends_with(message, size, "<eof>");
}

typedef struct {
  const char *text, *end;
  const char *next; /* the first byte not read yet */
} Bytes;

static const char *read_byte(lua_State *L, void *data, size_t *size) {
  Bytes *bytes = data;
  (void)L;
  *size = bytes->next < bytes->end;
  return bytes->next < bytes->end ? bytes->next++ : NULL;
}

/* How far the parser gets into a text that it refuses. */
static size_t parsed(lua_State *L, const char *text, size_t size) {
  Bytes bytes = {text, text + size, text};
  lua_load(L, read_byte, &bytes, "=" CHUNK, "t");
  lua_pop(L, 1);
  return (size_t)(bytes.next - text);
}

EntryState entry_compile(lua_State *L, const char *text, size_t size) {
  static const char prefix[] = "return ";
  size_t whole;
  int top = lua_gettop(L);
  if (text[0] == '=') { /* Lua's old way to ask for a value */
    text++;
    size--;
  }
  lua_pushstring(L, prefix);
  lua_pushlstring(L, text, size);
  lua_concat(L, 2);
  const char *expression = lua_tolstring(L, top + 1, &whole);
  int status = luaL_loadbufferx(L, expression, whole, "=" CHUNK, "t");
  bool open = is_open(L, status);
  if (status != LUA_OK) {
    status = luaL_loadbufferx(L, text, size, "=" CHUNK, "t");
    open = open || is_open(L, status);
    bool worse = status != LUA_OK &&
                 parsed(L, text, size) + sizeof prefix - 1 < parsed(L, expression, whole);
    if (worse) lua_pop(L, 1); /* what is wrong with the expression says more */
  }
  lua_replace(L, top + 1);
  lua_settop(L, top + 1);
  if (status == LUA_OK) return ENTRY_READY;
  if (open && !hints_is_hopeless(L, text, size)) return ENTRY_OPEN;
  hints_add(L, text, size);
  return ENTRY_WRONG;
}

void entry_report(lua_State *L) {
  size_t size;
  const char *message = luaL_tolstring(L, -1, &size);
  size = traceback_trimmed(message, size, CHUNK);
  while (strncmp(message, CHUNK ":1: ", sizeof CHUNK + 3) == 0) {
    message += sizeof CHUNK + 3;
    size -= sizeof CHUNK + 3;
  }
  fflush(stdout);
  fputs("error: ", stderr);
  fwrite(message, 1, size, stderr);
  fputc('\n', stderr);
  fflush(stderr);
  lua_pop(L, 2);
}

/* Shows the values above `base`: by the user's own print if there is one, else by ours. */
static void show_values(lua_State *L, int base) {
  int n = lua_gettop(L) - base;
  if (n == 0) return;
  luaL_checkstack(L, n + 4, "too many values to show");
  lua_pushglobaltable(L);
  lua_pushliteral(L, "print");
  lua_rawget(L, -2);
  lua_remove(L, -2);
  bool own = !output_is_print(L, -1);
  if (own) {
    for (int i = 1; i <= n; i++) lua_pushvalue(L, base + i);
    interrupt_start(L);
    int status = lua_pcall(L, n, 0, 0);
    interrupt_land();
    if (status == LUA_OK) return;
    lua_pushfstring(L, "error calling 'print' (%s)", lua_tostring(L, -1));
    run_message(NULL, lua_tostring(L, -1));
  }
  lua_settop(L, base + n);
  lua_pushcfunction(L, show_print);
  lua_insert(L, base + 1);
  if (run_call(L, n, 0, NULL) != LUA_OK) entry_report(L);
}

void entry_run(lua_State *L) {
  int base = lua_gettop(L) - 1;
  bool interrupted = false;
  int status = run_call(L, 0, LUA_MULTRET, &interrupted);
  if (interrupted && isatty(STDOUT_FILENO)) putchar('\n'); /* the terminal has written ^C */
  if (status == LUA_OK)
    show_values(L, base);
  else
    entry_report(L);
  lua_settop(L, base);
}
