/* Entering the core: the landing point, collection, calls back into Lua. */
#include "bind.h"

#include <stdio.h>
#include <stdlib.h>

#include "../../tensor/machine/mem.h"
#include "../../tensor/watch/profile.h"
#include "../../tensor/tape/tape.h"
#include "../../tensor/machine/team.h"

static lua_State *inside;    /* whose stack a collection may use */
static const char error_key; /* registry: the Lua error that a callback left */

/* From its entry to enter_end a binding function's births are alive. Lua code can run meanwhile, in
   callbacks and in finalizers, which any allocation of Lua's may call; it enters again from deeper
   in the C stack. Where a function was left by an error its window stays: it is one that lies no
   higher than whoever enters next. (Stacks grow downwards.) */
typedef struct Window {
  uintptr_t frame;
  int mark; /* births from here on */
} Window;

enum { DEEPEST = 256 }; /* Lua allows 200 C calls within each other */

static Window windows[DEEPEST];
static int nwindows;

/* Ends the windows at the depth of `frame` and deeper. */
static void end_windows(uintptr_t frame) {
  while (nwindows > 0 && windows[nwindows - 1].frame <= frame) t_leave(windows[--nwindows].mark);
}

/* A young collection (in incremental mode: a step), then a full one if much still lives. The
   generational mode never finds tensors that have aged without the full one. */
static void collect(bool full) {
  if (!inside) return;
  bool tape = tape_on;
  lua_gc(inside, LUA_GCSTEP, 0);
  full = full || mem_wants_full();
  if (full) lua_gc(inside, LUA_GCCOLLECT);
  tape_on = tape;
  mem_collected(full);
}

#ifdef LUNETTE_STRESS
static bool stressed;

void enter_stress(lua_State *L) {
  if (stressed) lua_gc(L, LUA_GCCOLLECT);
}
#endif

__attribute__((noinline)) void enter(lua_State *L, void (*fn)(void *), void *arg) {
  uintptr_t frame = (uintptr_t)__builtin_frame_address(0);
  end_windows(frame);
  if (nwindows == DEEPEST) luaL_error(L, "calls into the core are nested too deeply");
  lua_State *outer = inside;
  inside = L;
  if (record_dead) record_sweep(L);
  if (mem_pressure()) collect(false);
  enter_stress(L);
  int mark = t_mark();
  windows[nwindows++] = (Window){frame, mark};
  tape_on = scope_tape(L);
  bool done = profile_on ? profile_enter(L, fn, arg) : t_try(fn, arg);
  inside = outer;
  if (done) return;
  end_windows(frame);
  const char *message = t_message();
  if (!message) {
    lua_rawgetp(L, LUA_REGISTRYINDEX, &error_key);
    lua_pushboolean(L, false); /* not nil: the place is kept */
    lua_rawsetp(L, LUA_REGISTRYINDEX, &error_key);
  } else {
    place_push(L, 1);
    lua_pushstring(L, message);
    lua_concat(L, 2);
  }
  lua_error(L);
}

__attribute__((noinline)) void enter_end(lua_State *L) {
  (void)L;
  end_windows((uintptr_t)__builtin_frame_address(0));
}

lua_State *enter_state(void) { return inside; }

typedef struct Held {
  lua_State *L;
  int i;
  Tensor *x;
} Held;

static void hold(void *arg) {
  Held *h = arg;
  h->x = handle_at(h->L, h->i);
}

Tensor *enter_hold(lua_State *L, int i, const char *where) {
  Held h = {.L = L, .i = i};
  handle_check(L, i, where);
  enter(L, hold, &h);
  return h.x;
}

void enter_poll(lua_State *L) {
  if (!team_interrupt) return;
  team_interrupt = 0; /* reported here */
  place_push(L, 1);
  lua_pushliteral(L, "interrupted!");
  lua_concat(L, 2);
  lua_error(L);
}

void enter_callback(lua_State *L, int nargs, int nresults) {
  int mark = t_mark(), open = nwindows;
  lua_State *outer = inside;
  bool tape = tape_on;
  int status = lua_pcall(L, nargs, nresults, 0);
  nwindows = open;
  t_leave(mark);
  inside = outer;
  tape_on = tape;
  if (status != LUA_OK) {
    lua_rawsetp(L, LUA_REGISTRYINDEX, &error_key);
    t_fail_pending();
  }
}

/* A note of the core's, on stderr with the user's place. */
static void note(const char *text) {
  lua_Debug ar;
  fflush(stdout);
  if (inside && place_find(inside, 1, &ar))
    fprintf(stderr, "note: %s:%d: %s\n", ar.short_src, ar.currentline, text);
  else
    fprintf(stderr, "note: %s\n", text);
}

void enter_open(lua_State *L) {
  t_note = note;
#ifdef LUNETTE_STRESS
  stressed = getenv("LUNETTE_STRESS") != NULL;
#endif
  lua_pushboolean(L, false); /* storing an error there will allocate nothing */
  lua_rawsetp(L, LUA_REGISTRYINDEX, &error_key);
  mem_collect = collect;
}
