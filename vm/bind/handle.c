/* Handles: the userdata through which Lua holds tensors. */
#include "bind.h"

#include <stdio.h>

#include "../../tensor/birth.h"
#include "../../tensor/machine/mem.h"
#include "../../tensor/watch/origin.h"

static const char live_key; /* registry: weak table from tensors (as light userdata) to userdata */

/* The metatable of tensors in the state opened last, as lua_topointer has it: tables that live are told
   apart by it. The registry has that of every state. */
static const void *meta_seen;

static bool is_meta(lua_State *L, int i) {
  if (lua_topointer(L, i) == meta_seen) return true;
  lua_rawgetp(L, LUA_REGISTRYINDEX, TENSOR_META);
  bool is = lua_rawequal(L, -1, i - 1);
  lua_pop(L, 1);
  return is;
}

/* Our functions carry it as their first upvalue. */
static void push_meta(lua_State *L) {
  if (lua_topointer(L, lua_upvalueindex(1)) == meta_seen)
    lua_pushvalue(L, lua_upvalueindex(1));
  else
    lua_rawgetp(L, LUA_REGISTRYINDEX, TENSOR_META);
}

static Handle *to_handle(lua_State *L, int i) {
  Handle *h = lua_touserdata(L, i);
  if (!h || lua_type(L, i) != LUA_TUSERDATA || !lua_getmetatable(L, i)) return NULL;
  bool is = is_meta(L, -1);
  lua_pop(L, 1);
  return is ? h : NULL;
}

bool handle_is(lua_State *L, int i) { return to_handle(L, i) != NULL; }

Tensor *handle_at(lua_State *L, int i) {
  Handle *h = to_handle(L, i);
  if (h && !h->t) {
    t_fail("this tensor was released by the scope that closed at line %d; scope:keep(t) keeps it",
           h->closed_line);
  }
  if (!h) return NULL;
  return birth_hold(h->t);
}

Tensor *handle_check(lua_State *L, int i, const char *where) {
  Handle *h = to_handle(L, i);
  if (!h) {
    luaL_error(L, "%s: a tensor is wanted, got %s", where, luaL_typename(L, i));
    return NULL;
  }
  if (!h->t) {
    luaL_error(L,
               "%s: this tensor was released by the scope that closed at line %d; scope:keep(t) "
               "keeps it",
               where, h->closed_line);
  }
  return h->t;
}

bool handle_find(lua_State *L, Tensor *x) {
  lua_rawgetp(L, LUA_REGISTRYINDEX, &live_key);
  lua_rawgetp(L, -1, x);
  lua_remove(L, -2);
  const Handle *h = lua_touserdata(L, -1);
  return h && h->t == x; /* a closed handle may have stood for another tensor at this place */
}

void handle_register(lua_State *L, int i) {
  i = lua_absindex(L, i);
  Handle *h = lua_touserdata(L, i);
  lua_rawgetp(L, LUA_REGISTRYINDEX, &live_key);
  lua_pushvalue(L, i);
  lua_rawsetp(L, -2, h->t);
  lua_pop(L, 1);
}

/* Data that is new and large gets the user's line. */
static void note_origin(lua_State *L, const Tensor *x) {
  char text[LUA_IDSIZE + 16];
  lua_Debug ar;
  if (!x->st || x->st->bytes < ORIGIN_LEAST || x->st->origin || !place_find(L, 1, &ar)) return;
  snprintf(text, sizeof text, "%s:%d", ar.short_src, ar.currentline);
  origin_set(x->st, text);
}

void handle_push(lua_State *L, Tensor *x) {
  if (x->handle) {
    int top = lua_gettop(L);
    for (int i = 1; i <= top; i++) {
      if (lua_touserdata(L, i) == x->handle) {
        lua_pushvalue(L, i);
        return;
      }
    }
    if (handle_find(L, x)) return;
    lua_pop(L, 1);
  }
  Handle *h = lua_newuserdatauv(L, sizeof *h, 1);
  *h = (Handle){0};
  push_meta(L);
  lua_setmetatable(L, -2);
  h->t = t_retain(x);
  if (!x->handle) x->handle = h;
  mem_handles++;
  mem_born_handles++;
  scope_birth(L, h);
  if (origin_on) note_origin(L, x);
  enter_stress(L);
  if (x->requires_grad) handle_register(L, -1);
}

void handle_keep(lua_State *L, int i) {
  Handle *h = to_handle(L, i);
  if (h) h->kept = true;
}

static void unlink_handle(Handle *h) {
  if (h->prev) h->prev->next = h->next;
  if (h->next) h->next->prev = h->prev;
  h->prev = h->next = NULL;
}

/* Scripts reach it through the metatable, with anything as argument. Upvalue: the metatable. */
static int gc(lua_State *L) {
  Handle *h = to_handle(L, 1);
  if (!h || !h->t) return 0;
  Tensor *x = h->t;
  h->t = NULL;
  mem_handles--;
  unlink_handle(h);
  if (x->handle == h) x->handle = NULL;
  t_free(x);
  return 0;
}

void handle_open(lua_State *L) {
  lua_newtable(L);
  lua_newtable(L);
  lua_pushliteral(L, "v");
  lua_setfield(L, -2, "__mode");
  lua_setmetatable(L, -2);
  lua_rawsetp(L, LUA_REGISTRYINDEX, &live_key);
  lua_newtable(L); /* the metatable */
  lua_pushvalue(L, -1);
  lua_pushcclosure(L, gc, 1);
  lua_setfield(L, -2, "__gc");
  lua_pushliteral(L, "tensor");
  lua_setfield(L, -2, "__name");
  meta_seen = lua_topointer(L, -1);
  lua_pushvalue(L, -1);
  lua_rawsetp(L, LUA_REGISTRYINDEX, TENSOR_META);
}
