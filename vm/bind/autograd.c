/* Gradients from Lua: backward, grad, leaves. */
#include "bind.h"

#include <stdlib.h>
#include <string.h>

#include "../../tensor/birth.h"
#include "../../tensor/calc.h"
#include "../../tensor/cast.h"
#include "../../tensor/mem.h"
#include "../../tensor/tape.h"

/* ---- options --------------------------------------------------------------------------------------------- */

static WalkOptions walk_options(lua_State *L, int i, const char *where) {
  WalkOptions o = {0};
  if (lua_isnoneornil(L, i)) return o;
  luaL_checktype(L, i, LUA_TTABLE);
  lua_pushnil(L);
  while (lua_next(L, i)) {
    const char *key = lua_type(L, -2) == LUA_TSTRING ? lua_tostring(L, -2) : "?";
    if (strcmp(key, "retain_graph") == 0)
      o.retain_graph = lua_toboolean(L, -1);
    else if (strcmp(key, "create_graph") == 0)
      o.create_graph = lua_toboolean(L, -1);
    else if (strcmp(key, "gradient") != 0 && strcmp(key, "grad_outputs") != 0 &&
             strcmp(key, "allow_unused") != 0) {
      luaL_error(L, "%s: unknown option '%s' (retain_graph, create_graph)", where, key);
    }
    lua_pop(L, 1);
  }
  return o;
}

/* ---- backward --------------------------------------------------------------------------------------------- */

typedef struct Found {
  Tensor *leaf, *g;
} Found;

typedef struct Backward {
  lua_State *L;
  Tensor *y, *gy;
  WalkOptions options;
} Backward;

/* Gradients of the walk that just ended; their shares are births. Never freed, only reused. */
static Found *found;
static int found_n, found_room;

static void leaf_seen(Tensor *leaf, Tensor *g, void *arg) {
  (void)arg;
  if (found_n == found_room) {
    int room = found_room * 2 + 64;
    Found *list = mem_should_fail() ? NULL : realloc(found, (size_t)room * sizeof *list);
    if (!list) t_fail("out of memory: backward cannot list its leaves");
    found = list;
    found_room = room;
  }
  birth_reserve(2);
  birth_add(t_retain(g));
  birth_add(t_retain(leaf));
  found[found_n++] = (Found){leaf, g};
}

static void backward(void *arg) {
  Backward *b = arg;
  found_n = 0;
  tape_grad(1, &b->y, b->gy ? &b->gy : NULL, -1, NULL, NULL, b->options, leaf_seen, NULL);
}

typedef struct Sum {
  Tensor *old, *g, *y;
  bool record;
} Sum;

static void sum(void *arg) {
  Sum *s = arg;
  bool in_place = !s->record && s->old->dtype == s->g->dtype && !tape_tracks(s->old);
  if (!in_place) {
    s->y = t_add(s->old, s->g);
    return;
  }
  t_add_into(s->old, s->g);
  s->old->st->version++;
  s->old->st->writer = "backward";
  s->y = NULL;
}

/* Leaves the userdata of the leaf's new gradient on the stack, or nil when it was added in place. */
static void merged(lua_State *L, int leaf, Tensor *g, bool record) {
  lua_getiuservalue(L, leaf, 1);
  if (lua_isnil(L, -1)) {
    lua_pop(L, 1);
    handle_push(L, g);
    handle_keep(L, -1);
    return;
  }
  Sum s = {.old = handle_check(L, -1, "grad"), .g = g, .record = record};
  lua_pop(L, 1);
  if (!t_try(sum, &s)) luaL_error(L, "%s", t_message() ? t_message() : "backward failed");
  if (s.y) {
    handle_push(L, s.y);
    handle_keep(L, -1);
  } else {
    lua_pushnil(L);
  }
}

static void deliver(lua_State *L, bool record) {
  int base = lua_gettop(L);
  int n = found_n;
  lua_createtable(L, n, 0); /* the new gradients, before any leaf changes */
  for (int i = 0; i < n; i++) {
    if (!handle_find(L, found[i].leaf)) {
      lua_pop(L, 1);
      continue;
    }
    merged(L, base + 2, found[i].g, record);
    lua_rawseti(L, base + 1, i + 1);
    lua_settop(L, base + 1);
  }
  for (int i = 0; i < n; i++) {
    lua_rawgeti(L, base + 1, i + 1);
    if (handle_is(L, -1) && handle_find(L, found[i].leaf)) {
      lua_pushvalue(L, -2);
      lua_setiuservalue(L, -2, 1);
    }
    lua_settop(L, base + 1);
  }
  lua_settop(L, base);
}

/* y:backward(gradient?, options?) */
static int l_backward(lua_State *L) {
  Backward b = {.L = L, .y = handle_check(L, 1, "backward")};
  int options = 2;
  if (lua_gettop(L) >= 2 && !lua_istable(L, 2)) {
    if (!lua_isnil(L, 2)) b.gy = handle_check(L, 2, "backward");
    options = 3;
  }
  b.options = walk_options(L, options, "backward");
  enter(L, backward, &b);
  deliver(L, b.options.create_graph);
  enter_end(L);
  return 0;
}

/* ---- tensor.grad(y, x, {grad_outputs=, create_graph=, retain_graph=}) -------------------------------------- */

enum { MOST = 256 };

typedef struct Grad {
  int ny, nx;
  bool has_gy;
  Tensor *y[MOST], *gy[MOST], *x[MOST], *gx[MOST];
  WalkOptions options;
} Grad;

static int read_tensors(lua_State *L, int i, Tensor **out, const char *what) {
  if (handle_is(L, i)) {
    out[0] = handle_check(L, i, "grad");
    return 1;
  }
  if (!lua_istable(L, i)) {
    return luaL_error(L, "grad: %s is a tensor or a list of tensors, got %s", what,
                      luaL_typename(L, i));
  }
  int n = (int)lua_rawlen(L, i);
  if (n > MOST) return luaL_error(L, "grad: at most %d tensors", MOST);
  for (int k = 0; k < n; k++) {
    lua_rawgeti(L, i, k + 1);
    out[k] = handle_check(L, lua_gettop(L), "grad");
    lua_pop(L, 1);
  }
  return n;
}

static void grad(void *arg) {
  Grad *g = arg;
  tape_grad(g->ny, g->y, g->has_gy ? g->gy : NULL, g->nx, g->x, g->gx, g->options, NULL, NULL);
}

static int l_grad(lua_State *L) {
  Grad g = {0};
  g.ny = read_tensors(L, 1, g.y, "the first argument");
  g.nx = read_tensors(L, 2, g.x, "the second argument");
  g.options = walk_options(L, 3, "grad");
  if (lua_istable(L, 3)) {
    lua_getfield(L, 3, "grad_outputs");
    if (!lua_isnil(L, -1)) {
      g.has_gy = true;
      if (read_tensors(L, lua_gettop(L), g.gy, "grad_outputs") != g.ny) {
        return luaL_error(L, "grad: grad_outputs has another length than the outputs");
      }
    }
    lua_pop(L, 1);
  }
  for (int i = 0; i < g.nx; i++) {
    if (!tape_tracks(g.x[i])) {
      return luaL_error(L, "grad: input %d does not record gradients; x:requires_grad_() first",
                        i + 1);
    }
  }
  enter(L, grad, &g);
  bool list = lua_istable(L, 2);
  if (list) lua_createtable(L, g.nx, 0);
  for (int i = 0; i < g.nx; i++) {
    if (g.gx[i])
      handle_push(L, g.gx[i]);
    else if (list)
      lua_pushboolean(L, false);
    else
      lua_pushnil(L);
    if (list) lua_rawseti(L, -2, i + 1);
  }
  enter_end(L);
  return 1;
}

/* ---- leaves -------------------------------------------------------------------------------------------------- */

typedef struct Leaf {
  Tensor *x, *y;
  bool on;
} Leaf;

static void set_leaf(void *arg) {
  Leaf *l = arg;
  tape_set_leaf(l->x, l->on);
}

static int l_requires_grad(lua_State *L) {
  Leaf l = {.x = handle_check(L, 1, "requires_grad_"),
            .on = lua_isnone(L, 2) || lua_toboolean(L, 2)};
  enter(L, set_leaf, &l);
  handle_register(L, 1);
  lua_settop(L, 1);
  return 1;
}

static void detach(void *arg) {
  Leaf *l = arg;
  l->y = t_alias(l->x);
}

static int l_detach(lua_State *L) {
  Leaf l = {.x = handle_check(L, 1, "detach")};
  enter(L, detach, &l);
  handle_push(L, l.y);
  enter_end(L);
  return 1;
}

static int l_detach_(lua_State *L) {
  tape_forget(handle_check(L, 1, "detach_"));
  lua_settop(L, 1);
  return 1;
}

void autograd_open(lua_State *L, int lib, int methods) {
  static const luaL_Reg both[] = {{"backward", l_backward},
                                  {"detach", l_detach},
                                  {"detach_", l_detach_},
                                  {"requires_grad_", l_requires_grad},
                                  {NULL, NULL}};
  lua_pushvalue(L, methods);
  luaL_setfuncs(L, both, 0);
  lua_pop(L, 1);
  lua_pushvalue(L, lib);
  luaL_setfuncs(L, both, 0);
  lua_pushcfunction(L, l_grad);
  lua_setfield(L, -2, "grad");
  lua_pop(L, 1);
}
