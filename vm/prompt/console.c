/* lunette.console: tokens, compiling, the terminal, folders. */
#define _GNU_SOURCE
#include "console.h"

#include <limits.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>
#include "lauxlib.h"
#include "../host/globals.h"
#include "../host/interrupt.h"
#include "../host/loader.h"
#include "entry.h"
#include "terminal/input.h"
#include "syntax/lexer.h"
#include "prompt.h"
#include "terminal/screen.h"
#include "terminal/terminal.h"

static const char *const kinds[] = {
    [TOKEN_NAME] = "name",     [TOKEN_KEYWORD] = "keyword", [TOKEN_NUMBER] = "number",
    [TOKEN_STRING] = "string", [TOKEN_COMMENT] = "comment", [TOKEN_SYMBOL] = "symbol",
    [TOKEN_WRONG] = "wrong",
};

static void push_token(lua_State *L, const Lexer *x, Token t) {
  bool middle;
  int nesting = lexer_nesting(x, t, &middle);
  lua_createtable(L, 0, 6);
  lua_pushstring(L, kinds[t.kind]);
  lua_setfield(L, -2, "kind");
  lua_pushlstring(L, x->text + t.from, t.to - t.from);
  lua_setfield(L, -2, "text");
  lua_pushinteger(L, (lua_Integer)t.from + 1);
  lua_setfield(L, -2, "from");
  lua_pushinteger(L, (lua_Integer)t.to);
  lua_setfield(L, -2, "to");
  lua_pushinteger(L, nesting);
  lua_setfield(L, -2, "nesting");
  if (t.open) {
    lua_pushboolean(L, 1);
    lua_setfield(L, -2, "open");
  }
}

/* tokens(text) -> a list of {kind, text, from, to, nesting, open}: positions in bytes from 1, both
   ends included; nesting 1 opens a block or bracket, -1 closes one; open: the text ends in it. */
static int tokens(lua_State *L) {
  size_t size;
  const char *text = luaL_checklstring(L, 1, &size);
  Lexer x = lexer_start(text, size);
  lua_Integer n = 0;
  lua_newtable(L);
  for (Token t; (t = lexer_next(&x)).kind != TOKEN_END;) {
    push_token(L, &x, t);
    lua_rawseti(L, -2, ++n);
  }
  return 1;
}

/* compile(text, name) -> a function, of an expression's values or of statements; or nil, a message,
   and whether the text is just not at its end yet. `name` stands in messages. */
static int compile(lua_State *L) {
  size_t size;
  const char *text = luaL_checklstring(L, 1, &size), *name = luaL_checkstring(L, 2);
  EntryState state = entry_compile(L, text, size, name);
  if (state == ENTRY_READY) return 1;
  lua_pushnil(L);
  lua_insert(L, -2);
  lua_pushboolean(L, state == ENTRY_OPEN);
  return 3;
}

/* declare(name): a variable of the session; where it is nil it is not undefined. declare(): forgets
   these. */
static int declare(lua_State *L) {
  globals_declare(L, luaL_optstring(L, 1, NULL));
  return 0;
}

/* terminal() -> does somebody type? */
static int is_terminal(lua_State *L) {
  lua_pushboolean(L, terminal_is());
  return 1;
}

static int columns(lua_State *L) {
  lua_pushinteger(L, terminal_columns());
  return 1;
}

/* rows() -> lines that fit; elsewhere than on a terminal any number does. */
static int rows(lua_State *L) {
  lua_pushinteger(L, terminal_is() ? terminal_rows() : INT_MAX);
  return 1;
}

/* colors() -> may escapes for colours be written? */
static int colors(lua_State *L) {
  lua_pushboolean(L, terminal_colors());
  return 1;
}

/* able() -> may escapes be written at all? */
static int able(lua_State *L) {
  lua_pushboolean(L, terminal_able());
  return 1;
}

/* cell() -> width and height of a character in pixels; nothing where the terminal does not say */
static int cell(lua_State *L) {
  int wide, high;
  if (!terminal_cell(&wide, &high)) return 0;
  lua_pushinteger(L, wide);
  lua_pushinteger(L, high);
  return 2;
}

/* ask(question, milliseconds) -> the terminal's answers (input_ask), "" when none came in time, or
   when what it says would be echoed */
static int ask(lua_State *L) {
  char answer[512];
  const char *question = luaL_checkstring(L, 1);
  int milliseconds = (int)luaL_checkinteger(L, 2);
  size_t size = terminal_able() && terminal_quiet()
                    ? input_ask(question, milliseconds, answer, sizeof answer)
                    : 0;
  lua_pushlstring(L, answer, size);
  return 1;
}

/* width(text) -> columns that the text takes */
static int width(lua_State *L) {
  size_t size;
  const char *text = luaL_checklstring(L, 1, &size);
  lua_pushinteger(L, screen_width(text, size));
  return 1;
}

/* cooked(on): gives the terminal to code that reads lines, or takes it back. */
static int cooked(lua_State *L) {
  terminal_mode(lua_toboolean(L, 1) ? TERMINAL_COOKED : TERMINAL_RUN);
  return 0;
}

/* is_library(source): an installed file, as opposed to the user's own? */
static int is_library(lua_State *L) {
  lua_pushboolean(L, loader_is_library(L, luaL_checkstring(L, 1)));
  return 1;
}

/* prompt(mark): entries are read and run here, inside of what runs, until leave() or the end of the
   input. False where that cannot be. In a coroutine of its own, so that scopes and no_grad outside
   do not hold for them. */
static int prompt(lua_State *L) {
  char mark[64];
  snprintf(mark, sizeof mark, "%s", luaL_checkstring(L, 1));
  lua_pushboolean(L, prompt_within(L, mark));
  return 1;
}

/* leave(): the innermost prompt ends after this entry. */
static int leave(lua_State *L) {
  (void)L;
  prompt_leave();
  return 0;
}

/* pausable(on, drop) -> before; pause_asked() -> has Ctrl-C come in since?  See interrupt.h. */
static int pausable(lua_State *L) {
  lua_pushboolean(L, interrupt_pausable(lua_toboolean(L, 1), lua_toboolean(L, 2)));
  return 1;
}

/* interrupt(): stops what runs, as Ctrl-C does. */
static int interrupt(lua_State *L) {
  (void)L;
  interrupt_ask();
  return 0;
}

static int pause_asked(lua_State *L) {
  lua_pushboolean(L, interrupt_pause_asked());
  return 1;
}

/* edit(text) -> does it stand in the editor at the next entry? */
static int edit(lua_State *L) {
  lua_pushboolean(L, prompt_next(luaL_checkstring(L, 1)));
  return 1;
}

/* remember(text): the history has it as an entry. */
static int remember(lua_State *L) {
  prompt_remember(luaL_checkstring(L, 1));
  return 0;
}

/* folder() -> the working folder; folder(path) goes there: true, or nil and why not. */
static int folder(lua_State *L) {
  char path[PATH_MAX];
  if (!lua_isnoneornil(L, 1))
    return luaL_fileresult(L, chdir(luaL_checkstring(L, 1)) == 0, lua_tostring(L, 1));
  if (getcwd(path, sizeof path) == NULL) return luaL_fileresult(L, 0, "the working folder");
  lua_pushstring(L, path);
  return 1;
}

/* changed(path) -> when a file was last written, in seconds; nil when there is none. */
static int changed(lua_State *L) {
  struct stat info;
  if (stat(luaL_checkstring(L, 1), &info) != 0) return 0;
  lua_pushnumber(L, (double)info.st_mtim.tv_sec + 1e-9 * (double)info.st_mtim.tv_nsec);
  return 1;
}

static int open_module(lua_State *L) {
  static const luaL_Reg functions[] = {{"tokens", tokens},
                                       {"compile", compile},
                                       {"declare", declare},
                                       {"terminal", is_terminal},
                                       {"columns", columns},
                                       {"rows", rows},
                                       {"colors", colors},
                                       {"width", width},
                                       {"cooked", cooked},
                                       {"is_library", is_library},
                                       {"able", able},
                                       {"cell", cell},
                                       {"ask", ask},
                                       {"prompt", prompt},
                                       {"leave", leave},
                                       {"edit", edit},
                                       {"remember", remember},
                                       {"folder", folder},
                                       {"changed", changed},
                                       {"pausable", pausable},
                                       {"pause_asked", pause_asked},
                                       {"interrupt", interrupt},
                                       {NULL, NULL}};
  luaL_newlib(L, functions);
  return 1;
}

void console_install(lua_State *L) {
  luaL_getsubtable(L, LUA_REGISTRYINDEX, LUA_PRELOAD_TABLE);
  lua_pushcfunction(L, open_module);
  lua_setfield(L, -2, "lunette.console");
  lua_pop(L, 1);
}
