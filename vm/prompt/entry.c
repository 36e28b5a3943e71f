/* Entries at the prompt: compiled here, run, and handed to the toolkit in Lua (scripts/prompt), which
   reads commands and shows values and errors. Nothing here reads input. */
#include "entry.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include "lauxlib.h"
#include "../host/hints.h"
#include "../host/interrupt.h"
#include "../host/run.h"
#include "ask.h"

#define CHUNK "stdin" /* the name of an entry in messages, as in lua, where there is no toolkit */

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
  lua_load(L, read_byte, &bytes, "=", "t");
  lua_pop(L, 1);
  return (size_t)(bytes.next - text);
}

EntryState entry_compile(lua_State *L, const char *text, size_t size, const char *name) {
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
  name = lua_pushfstring(L, "=%s", name);
  int status = luaL_loadbufferx(L, expression, whole, name, "t");
  bool open = is_open(L, status);
  if (status != LUA_OK) {
    status = luaL_loadbufferx(L, text, size, name, "t");
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
  fflush(stdout);
  fputs("error: ", stderr);
  fwrite(message, 1, size, stderr);
  fputc('\n', stderr);
  fflush(stderr);
  lua_pop(L, 2);
}

/* Without the toolkit: the chunk on top of the stack runs, and its values are printed. */
static void run_plain(lua_State *L) {
  int base = lua_gettop(L) - 1;
  if (run_call(L, 0, LUA_MULTRET, NULL) != LUA_OK) {
    entry_report(L);
  } else if (lua_gettop(L) > base) {
    lua_getglobal(L, "print");
    lua_insert(L, base + 1);
    if (run_call(L, lua_gettop(L) - base - 1, 0, NULL) != LUA_OK) entry_report(L);
  }
  lua_settop(L, base);
}

/* Calls the toolkit's function `name` with the nargs values on top of the stack. */
static bool call_toolkit(lua_State *L, const char *name, int nargs, int nresults) {
  if (!ask_push(L, name)) {
    lua_pop(L, nargs);
    return false;
  }
  lua_insert(L, -1 - nargs);
  if (run_call(L, nargs, nresults, NULL) == LUA_OK) return true;
  entry_report(L);
  return false;
}

/* Runs the chunk on top of the stack; an error goes through the toolkit's `caught` while its frames
   stand, and what that returns to `report`. Without memory it is a message only. */
static void run_shown(lua_State *L) {
  int chunk = lua_gettop(L);
  if (!ask_push(L, "caught")) return;
  lua_insert(L, chunk);
  interrupt_start(L);
  int status = lua_pcall(L, 0, LUA_MULTRET, chunk);
  run_explain(L, status, interrupt_land());
  lua_remove(L, chunk);
  call_toolkit(L, status == LUA_OK ? "show" : "report", lua_gettop(L) - chunk + 1, 0);
}

void entry_handle(lua_State *L) {
  int base = lua_gettop(L) - 1;
  luaL_checkstack(L, 20, NULL);
  if (!ask_push(L, "prepare")) {
    size_t size;
    const char *text = lua_tolstring(L, -1, &size);
    if (entry_compile(L, text, size, CHUNK) == ENTRY_READY)
      run_plain(L);
    else
      entry_report(L);
  } else {
    lua_pop(L, 1);
    if (call_toolkit(L, "prepare", 1, 1) && lua_isfunction(L, -1)) run_shown(L);
  }
  lua_settop(L, base);
}

void entry_init(lua_State *L) {
  int base = lua_gettop(L);
  if (call_toolkit(L, "init", 0, 1) && lua_isfunction(L, -1)) run_shown(L);
  lua_settop(L, base);
}

EntryState entry_state(lua_State *L, const char *text, size_t size) {
  if (size > 0 && (text[0] == '?' || text[0] == '!' || text[0] == '%')) return ENTRY_READY;
  int top = lua_gettop(L);
  EntryState state = entry_compile(L, text, size, CHUNK);
  lua_settop(L, top);
  return state;
}
