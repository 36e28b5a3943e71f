/* Lua calls no hooks in finalizers, in hooks, and in the message handlers of errors that hooks raise;
   an endless one of these could not be stopped. The switch is a byte of lua_State, `allowhook`, for
   which the API has no function: it stands behind `status` in all of Lua 5.4. Before it is relied on, it
   is watched: 1 outside of a hook, 0 inside. */
#include "hooks.h"

#include <stdbool.h>
#include <stddef.h>

/* How the struct begins. */
typedef struct {
  void *next;
  unsigned char type, marked, status, allowed;
} Head;

static bool found, seen_off;

static void watch(lua_State *L, lua_Debug *ar) {
  (void)ar;
  seen_off = ((Head *)(void *)L)->allowed == 0;
}

static int nothing(lua_State *L) {
  (void)L;
  return 0;
}

void hooks_find(lua_State *L) {
  const volatile Head *head = (const volatile Head *)(void *)L;
  lua_Hook before = lua_gethook(L);
  int mask = lua_gethookmask(L), count = lua_gethookcount(L);
  bool on = head->allowed == 1 && head->type == LUA_TTHREAD && head->status == LUA_OK;
  lua_sethook(L, watch, LUA_MASKCALL, 0);
  lua_pushcfunction(L, nothing);
  lua_call(L, 0, 0);
  lua_sethook(L, before, mask, count);
  found = on && seen_off && head->allowed == 1;
}

void hooks_allow(lua_State *L) {
  if (found) ((volatile Head *)(void *)L)->allowed = 1;
}
