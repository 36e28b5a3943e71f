/* The prompt: the loop around reading (editor), remembering (history) and running (entry). */
#include "prompt.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "lauxlib.h"
#include "../host/interrupt.h"
#include "../host/version.h"
#include "ask.h"
#include "editor/editor.h"
#include "entry.h"
#include "terminal/terminal.h"

typedef struct Session {
  History *history; /* NULL when nobody types */
  char *text;       /* read last, from malloc */
  char *next;       /* to stand in the editor at the next entry, from malloc */
  const char *mark; /* what stands before an entry; NULL: the usual, or the user's choice */
  bool left;        /* prompt_leave was called */
  struct Session *outer;
} Session;

static Session *innermost;

void prompt_greet(long long threads, long long seed) {
  if (!terminal_is()) return;
  printf("Lunette %s \u00b7 Lua %s.%s \u00b7 %lld thread%s \u00b7 seed %lld \u00b7 "
         "?intro to start, ?name for help\n",
         LUNETTE_VERSION, LUA_VERSION_MAJOR, LUA_VERSION_MINOR, threads, threads == 1 ? "" : "s",
         seed);
}

/* Pushes the text of _PROMPT or _PROMPT2 (any value), or the usual one. */
static int push_prompt(lua_State *L) {
  bool first = lua_toboolean(L, 1);
  if (lua_getglobal(L, first ? "_PROMPT" : "_PROMPT2") == LUA_TNIL)
    lua_pushstring(L, first ? "> " : ">> ");
  else
    luaL_tolstring(L, -1, NULL);
  return 1;
}

static const char *prompt_text(lua_State *L, const Session *session, bool first) {
  if (session->mark != NULL && first) return session->mark;
  lua_pushcfunction(L, push_prompt);
  lua_pushboolean(L, first);
  bool good = lua_pcall(L, 1, 1, 0) == LUA_OK && lua_isstring(L, -1);
  return good ? lua_tostring(L, -1) : first ? "> " : ">> ";
}

/* Reads an entry, or one line of it where nothing is edited, and pushes it when there is one. */
static ReadStatus read_text(lua_State *L, Session *session, bool first) {
  size_t size;
  EditorAsks asks = {L, ask_whole, ask_complete};
  int top = lua_gettop(L);
  const char *prompt = prompt_text(L, session, first), *other = prompt_text(L, session, false);
  free(session->text);
  ReadStatus status = editor_read(prompt, other, first ? session->next : NULL, session->history,
                                  &asks, &session->text, &size);
  if (first) free(session->next);
  if (first) session->next = NULL;
  lua_settop(L, top);
  if (status == READ_ENTRY) lua_pushlstring(L, session->text, size);
  return status;
}

/* Reads one entry, of as many lines as it takes, and runs it. Returns whether there may be more. */
static bool handle_entry(lua_State *L, Session *session) {
  ReadStatus status = read_text(L, session, true);
  if (status != READ_ENTRY) return status != READ_END;
  int text = lua_gettop(L);
  for (;;) {
    size_t size;
    const char *entry = lua_tolstring(L, text, &size);
    if (ask_whole(L, entry, size)) break;
    status = read_text(L, session, false);
    if (status == READ_CANCELLED) return true;
    if (status == READ_END) break;
    lua_pushvalue(L, text);
    lua_pushliteral(L, "\n");
    lua_rotate(L, -3, -1);
    lua_concat(L, 3);
    lua_replace(L, text);
    lua_settop(L, text);
  }
  history_add(session->history, lua_tostring(L, text));
  entry_handle(L);
  return true;
}

/* handle_entry for lua_pcall: memory may run out at any step. */
static int protected_entry(lua_State *L) {
  Session *session = lua_touserdata(L, 1);
  lua_pushboolean(L, handle_entry(L, session));
  return 1;
}

/* Entries until the input ends or the session is left. */
static void run_entries(lua_State *L, Session *session) {
  bool more = true;
  session->outer = innermost;
  innermost = session;
  while (more && !session->left) {
    lua_settop(L, 0);
    lua_pushcfunction(L, protected_entry);
    lua_pushlightuserdata(L, session);
    if (lua_pcall(L, 1, 1, 0) == LUA_OK)
      more = lua_toboolean(L, -1);
    else
      entry_report(L);
  }
  innermost = session->outer;
  lua_settop(L, 0);
  free(session->text);
  free(session->next);
}

void prompt_run(lua_State *L, bool init) {
  Session session = {.history = NULL};
  interrupt_install(INTERRUPT_PROMPT);
  if (terminal_is()) session.history = history_open();
  ask_open(L);
  if (init && terminal_is()) entry_init(L);
  run_entries(L, &session);
  history_close(session.history);
  terminal_mode(TERMINAL_COOKED);
}

bool prompt_within(lua_State *L, const char *mark) {
  InterruptHeld held;
  if (innermost == NULL || !interrupt_hold(&held)) return false;
  Session session = {.history = innermost->history, .mark = mark};
  run_entries(L, &session);
  interrupt_go_on(&held);
  return true;
}

bool prompt_next(const char *text) {
  if (innermost == NULL || !terminal_able()) return false;
  free(innermost->next);
  innermost->next = strdup(text);
  return innermost->next != NULL;
}

void prompt_remember(const char *text) {
  if (innermost != NULL) history_add(innermost->history, text);
}

void prompt_leave(void) {
  if (innermost != NULL) innermost->left = true;
}
