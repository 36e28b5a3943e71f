/* Scopes of handles and of recording. Both belong to the coroutine that opened them. */
#include "bind.h"

#include "../../tensor/machine/mem.h"
#include "../../tensor/tape/tape.h"

#define SCOPE_META   "lunette.scope"
#define NO_GRAD_META "lunette.no_grad"

/* The userdata on top holds its coroutine, so that no other can come to stand at its address. */
static void own(lua_State *L) {
  lua_pushthread(L);
  lua_setiuservalue(L, -2, 1);
}

/* ---- tensor.scope() ----------------------------------------------------------------------------------- */

typedef struct Scope {
  Handle head; /* a ring of the handles born in it */
  lua_State *owner;
  struct Scope *outer;
  bool open;
} Scope;

static Scope *innermost; /* of all coroutines */

void scope_birth(lua_State *L, Handle *h) {
  for (Scope *s = innermost; s; s = s->outer) {
    if (s->owner != L) continue;
    h->prev = &s->head;
    h->next = s->head.next;
    if (h->next) h->next->prev = h;
    s->head.next = h;
    return;
  }
}

static void take_out(Scope *scope) {
  for (Scope **link = &innermost; *link; link = &(*link)->outer) {
    if (*link != scope) continue;
    *link = scope->outer;
    break;
  }
  scope->open = false;
}

static int current_line(lua_State *L) {
  lua_Debug ar;
  if (!lua_getstack(L, 1, &ar) || !lua_getinfo(L, "l", &ar)) return 0;
  return ar.currentline;
}

/* Closes every handle born in the scope but those kept; __gc only lets go of them. */
static int scope_close(lua_State *L) {
  Scope *s = luaL_testudata(L, 1, SCOPE_META);
  if (!s || !s->open) return 0;
  take_out(s);
  int line = current_line(L);
  Handle *h = s->head.next;
  s->head.next = NULL;
  while (h) {
    Handle *next = h->next;
    h->prev = h->next = NULL;
    if (!h->kept && h->t) {
      Tensor *x = h->t;
      h->t = NULL;
      h->closed_line = line;
      mem_handles--;
      if (x->handle == h) x->handle = NULL;
      t_free(x);
    }
    h = next;
  }
  return 0;
}

static int scope_gc(lua_State *L) {
  Scope *s = luaL_testudata(L, 1, SCOPE_META);
  if (!s || !s->open) return 0;
  take_out(s);
  for (Handle *h = s->head.next, *next; h; h = next) {
    next = h->next;
    h->prev = h->next = NULL;
  }
  s->head.next = NULL;
  return 0;
}

static int l_scope(lua_State *L) {
  Scope *s = lua_newuserdatauv(L, sizeof *s, 1);
  *s = (Scope){0};
  luaL_setmetatable(L, SCOPE_META);
  own(L);
  *s = (Scope){.owner = L, .outer = innermost, .open = true};
  innermost = s;
  return 1;
}

static int scope_keep(lua_State *L) {
  luaL_checkudata(L, 1, SCOPE_META);
  handle_check(L, 2, "keep");
  handle_keep(L, 2);
  lua_settop(L, 2);
  return 1;
}

/* ---- tensor.no_grad(f, ...) ------------------------------------------------------------------------------ */

typedef struct NoGrad {
  lua_State *owner;
  struct NoGrad *outer;
  bool open, on; /* on: recording, inside enable_grad */
} NoGrad;

static NoGrad *no_grads;

bool scope_tape(lua_State *L) {
  for (NoGrad *g = no_grads; g; g = g->outer) {
    if (g->owner == L) return g->on;
  }
  return true;
}

static int no_grad_close(lua_State *L) {
  NoGrad *g = luaL_testudata(L, 1, NO_GRAD_META);
  if (!g || !g->open) return 0;
  for (NoGrad **link = &no_grads; *link; link = &(*link)->outer) {
    if (*link != g) continue;
    *link = g->outer;
    break;
  }
  g->open = false;
  tape_on = scope_tape(L);
  return 0;
}

static int finish(lua_State *L, int status, lua_KContext base) {
  (void)status;
  int n = lua_gettop(L) - (int)base;
  lua_closeslot(L, (int)base);
  return n;
}

static int with_mode(lua_State *L, bool on, const char *name) {
  if (lua_type(L, 1) != LUA_TFUNCTION) {
    return luaL_error(L,
                      "%s: takes a function, tensor.%s(function() ... end), so that it cannot "
                      "be left on",
                      name, name);
  }
  NoGrad *g = lua_newuserdatauv(L, sizeof *g, 1);
  *g = (NoGrad){0};
  luaL_setmetatable(L, NO_GRAD_META);
  own(L);
  *g = (NoGrad){.owner = L, .outer = no_grads, .open = true, .on = on};
  no_grads = g;
  lua_insert(L, 1);
  lua_toclose(L, 1);
  lua_callk(L, lua_gettop(L) - 2, LUA_MULTRET, 1, finish);
  return finish(L, LUA_OK, 1);
}

static int l_no_grad(lua_State *L) { return with_mode(L, false, "no_grad"); }
static int l_enable_grad(lua_State *L) { return with_mode(L, true, "enable_grad"); }

static int l_is_grad_enabled(lua_State *L) {
  lua_pushboolean(L, scope_tape(L));
  return 1;
}

static const Function functions[] = {
    {"scope", l_scope,
     "local scope <close> = tensor.scope(): tensors born from here to the end of the block are let "
     "go\n"
     "there at once, without waiting for a collection, but for those that scope:keep(x) names.\n"
     "example:\n"
     "  do local scope <close> = tensor.scope(); kept = scope:keep(tensor.ones(2) + 1) end\n"
     "  kept --> float32 [2]  2.0  2.0"},
    {"no_grad", l_no_grad,
     "tensor.no_grad(f, ...): calls f(...) without recording, and returns what it returns.\n"
     "example:\n"
     "  x = tensor({1.0}, {requires_grad = true})\n"
     "  tensor.no_grad(function() return x * 2 end).requires_grad --> false"},
    {"enable_grad", l_enable_grad,
     "tensor.enable_grad(f, ...): calls f(...) with recording, inside of no_grad too.\n"
     "example: tensor.no_grad(tensor.enable_grad, tensor.is_grad_enabled) --> true"},
    {"is_grad_enabled", l_is_grad_enabled,
     "tensor.is_grad_enabled(): are computations recorded for gradients here?\n"
     "example: tensor.is_grad_enabled(), tensor.no_grad(tensor.is_grad_enabled) --> true  false"},
    {NULL, NULL, NULL}};

static void new_meta(lua_State *L, const char *name, lua_CFunction close, lua_CFunction gc) {
  luaL_newmetatable(L, name);
  lua_pushcfunction(L, close);
  lua_setfield(L, -2, "__close");
  lua_pushcfunction(L, gc);
  lua_setfield(L, -2, "__gc");
}

void scope_open(lua_State *L, int lib) {
  new_meta(L, SCOPE_META, scope_close, scope_gc);
  lua_createtable(L, 0, 1);
  lua_pushcfunction(L, scope_keep);
  lua_setfield(L, -2, "keep");
  lua_setfield(L, -2, "__index");
  new_meta(L, NO_GRAD_META, no_grad_close, no_grad_close);
  lua_pop(L, 2);
  functions_set(L, lib, 0, functions);
}
