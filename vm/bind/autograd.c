/* Gradients from Lua: backward, grad, leaves. */
#include "bind.h"

#include <string.h>

#include "../../tensor/birth.h"
#include "../../tensor/calc.h"
#include "../../tensor/tape/tape.h"

/* ---- options --------------------------------------------------------------------------------------------- */

static WalkOptions walk_options(lua_State *L, int i, const char *where) {
  WalkOptions o = {0};
  if (lua_isnoneornil(L, i)) return o;
  if (!lua_istable(L, i)) {
    luaL_error(L, "%s: options are a table, {retain_graph = true}; got %s", where,
               luaL_typename(L, i));
  }
  lua_pushnil(L);
  while (lua_next(L, i)) {
    const char *key = lua_type(L, -2) == LUA_TSTRING ? lua_tostring(L, -2) : "?";
    if (strcmp(key, "retain_graph") == 0)
      o.retain_graph = lua_toboolean(L, -1);
    else if (strcmp(key, "create_graph") == 0)
      o.create_graph = lua_toboolean(L, -1);
    else if (strcmp(key, "stop_at_inputs") == 0)
      o.stop_at_inputs = lua_toboolean(L, -1);
    else if (strcmp(key, "gradient") != 0 && strcmp(key, "grad_outputs") != 0 &&
             strcmp(key, "allow_unused") != 0) {
      luaL_error(L, "%s: unknown option '%s' (retain_graph, create_graph, stop_at_inputs)", where,
                 key);
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
  bool has_gy;
  WalkOptions options;
  Found *found; /* the leaves' gradients; the list and what is in it are births */
  int n, room;
} Backward;

static void leaf_seen(Tensor *leaf, Tensor *g, void *arg) {
  Backward *b = arg;
  if (b->n == b->room) {
    b->room = b->room * 2 + 64;
    int64_t bytes = b->room * (int64_t)sizeof *b->found;
    Found *list = t_data(t_new(T_U8, 1, &bytes));
    if (b->n > 0) memcpy(list, b->found, (size_t)b->n * sizeof *list);
    b->found = list;
  }
  birth_reserve(2);
  birth_add(t_retain(g));
  birth_add(t_retain(leaf));
  b->found[b->n++] = (Found){leaf, g};
}

static void backward(void *arg) {
  Backward *b = arg;
  b->y = handle_at(b->L, 1);
  if (b->has_gy) b->gy = handle_at(b->L, 2);
  tape_grad(1, &b->y, b->gy ? &b->gy : NULL, -1, NULL, NULL, b->options, leaf_seen, b);
}

typedef struct Sum {
  lua_State *L;
  int old; /* place of the gradient that is there */
  Tensor *g, *y;
} Sum;

static void sum(void *arg) {
  Sum *s = arg;
  s->y = t_add(handle_at(s->L, s->old), s->g);
}

/* Can a gradient be added into the one that a leaf has? */
static bool adds_in_place(const Backward *b, Tensor *old, const Tensor *g) {
  return !b->options.create_graph && old->dtype == g->dtype && t_same_shape(old, g) &&
         !tape_tracks(old) && !t_overlaps_itself(old);
}

static void add_in_place(Tensor *old, const Tensor *g) {
  t_add_into(old, g);
  old->st->version++;
  old->st->writer = "backward";
}

/* All that can fail: leaves the userdata of the leaf's new gradient on the stack, or true when it
   will be added to the old one. */
static void make_gradient(lua_State *L, const Backward *b, int leaf, Tensor *g) {
  lua_getiuservalue(L, leaf, 1);
  if (!lua_isnil(L, -1)) {
    Sum s = {.L = L, .old = lua_gettop(L), .g = g};
    if (adds_in_place(b, handle_check(L, s.old, "grad"), g)) {
      lua_pushboolean(L, true);
      return;
    }
    if (!t_try(sum, &s)) luaL_error(L, "%s", t_message() ? t_message() : "backward failed");
    g = s.y;
  }
  handle_push(L, g);
  handle_keep(L, -1);
}

/* The place of the leaf's userdata on the stack, or 0 when it is gone. */
static int leaf_at(lua_State *L, Tensor *leaf) {
  if (handle_find(L, leaf)) return lua_gettop(L);
  lua_pop(L, 1);
  return 0;
}

/* First every new gradient is made, then all leaves get theirs. */
static void deliver(lua_State *L, const Backward *b) {
  int base = lua_gettop(L);
  lua_createtable(L, b->n, 0);
  for (int i = 0; i < b->n; i++) {
    int leaf = leaf_at(L, b->found[i].leaf);
    if (!leaf) continue;
    make_gradient(L, b, leaf, b->found[i].g);
    lua_rawseti(L, base + 1, i + 1);
    lua_settop(L, base + 1);
  }
  for (int i = 0; i < b->n; i++) {
    lua_rawgeti(L, base + 1, i + 1);
    int leaf = lua_isnil(L, -1) ? 0 : leaf_at(L, b->found[i].leaf);
    if (leaf && handle_is(L, base + 2)) {
      lua_pushvalue(L, base + 2);
      lua_setiuservalue(L, leaf, 1);
    } else if (leaf) {
      lua_getiuservalue(L, leaf, 1);
      Tensor *old = handle_is(L, -1) ? handle_check(L, lua_gettop(L), "grad") : NULL;
      if (old) add_in_place(old, b->found[i].g);
    }
    lua_settop(L, base + 1);
  }
  lua_settop(L, base);
}

/* y:backward(gradient?, options?) */
static int l_backward(lua_State *L) {
  Backward b = {.L = L};
  int options = 2;
  handle_check(L, 1, "backward");
  if (lua_gettop(L) >= 2 && !lua_istable(L, 2)) {
    b.has_gy = !lua_isnil(L, 2);
    if (b.has_gy) handle_check(L, 2, "backward");
    options = 3;
  }
  b.options = walk_options(L, options, "backward");
  enter(L, backward, &b);
  deliver(L, &b);
  enter_end(L);
  return 0;
}

/* ---- tensor.grad ------------------------------------------------------------------------------------------ */

enum { MOST = 256 };

typedef struct Grad {
  lua_State *L;
  int ny, nx;
  Tensor *y[MOST], *gy[MOST], *x[MOST], *gx[MOST];
  WalkOptions options;
} Grad;

static int read_tensors(lua_State *L, int i, Tensor **out, const char *what) {
  out[0] = handle_at(L, i);
  if (out[0]) return 1;
  if (lua_type(L, i) != LUA_TTABLE) {
    t_fail("grad: %s is a tensor or a list of tensors, got %s", what, luaL_typename(L, i));
  }
  lua_Unsigned n = lua_rawlen(L, i);
  if (n > MOST) t_fail("grad: at most %d tensors", MOST);
  for (int k = 0; k < (int)n; k++) {
    lua_rawgeti(L, i, k + 1);
    out[k] = handle_at(L, lua_gettop(L));
    if (!out[k]) {
      t_fail("grad: element %d of %s is %s; a tensor is wanted", k + 1, what, luaL_typename(L, -1));
    }
    lua_pop(L, 1);
  }
  return (int)n;
}

/* Stack: y, x, options, the gradients of y or nil, allow_unused. */
static void grad(void *arg) {
  Grad *g = arg;
  lua_State *L = g->L;
  g->ny = read_tensors(L, 1, g->y, "the first argument");
  g->nx = read_tensors(L, 2, g->x, "the second argument");
  bool has_gy = !lua_isnil(L, 4);
  if (has_gy && read_tensors(L, 4, g->gy, "grad_outputs") != g->ny) {
    t_fail("grad: grad_outputs has another length than the outputs");
  }
  for (int i = 0; i < g->nx; i++) {
    if (!tape_tracks(g->x[i])) {
      t_fail("grad: input %d does not record gradients; x:requires_grad_() first", i + 1);
    }
  }
  tape_grad(g->ny, g->y, has_gy ? g->gy : NULL, g->nx, g->x, g->gx, g->options, NULL, NULL);
  for (int i = 0; i < g->nx && !lua_toboolean(L, 5); i++) {
    if (!g->gx[i]) {
      t_fail("grad: the result does not depend on input %d; with {allow_unused = true} its "
             "gradient is "
             "nil (false in a list)",
             i + 1);
    }
  }
}

/* Is value i a tensor or a list of some: gradients, where options may stand too? */
static bool is_gradients(lua_State *L, int i) {
  return handle_is(L, i) || (lua_istable(L, i) && lua_rawlen(L, i) > 0);
}

/* grad(y, x, grad_outputs?, options?) */
static int l_grad(lua_State *L) {
  Grad g = {.L = L};
  if (lua_gettop(L) > 3 || is_gradients(L, 3)) {
    lua_settop(L, 4);
    lua_insert(L, 3); /* y, x, options, gradients */
  } else {
    lua_settop(L, 3);
    lua_pushnil(L);
  }
  g.options = walk_options(L, 3, "grad");
  lua_pushnil(L);
  if (lua_istable(L, 3)) {
    if (lua_isnil(L, 4)) {
      lua_getfield(L, 3, "grad_outputs");
      lua_replace(L, 4);
    }
    lua_getfield(L, 3, "allow_unused");
    lua_replace(L, 5);
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
  lua_State *L;
  Tensor *y;
  bool on;
} Leaf;

static void set_leaf(void *arg) {
  Leaf *l = arg;
  tape_set_leaf(handle_at(l->L, 1), l->on);
}

static int l_requires_grad(lua_State *L) {
  Leaf l = {.L = L, .on = lua_isnone(L, 2) || lua_toboolean(L, 2)};
  handle_check(L, 1, "requires_grad_");
  handle_register(L, 1); /* first, since it can fail */
  enter(L, set_leaf, &l);
  enter_end(L);
  lua_settop(L, 1);
  return 1;
}

static void detach(void *arg) {
  Leaf *l = arg;
  l->y = t_alias(handle_at(l->L, 1));
}

static int l_detach(lua_State *L) {
  Leaf l = {.L = L};
  handle_check(L, 1, "detach");
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

static const Function both[] = {
    {"backward", l_backward,
     "y:backward(gradient, {retain_graph = false, create_graph = false}): adds dy/dx to x.grad of\n"
     "every leaf x that y depends on and that requires gradients. y has one element, unless a "
     "gradient\n"
     "of its shape is given, which the derivatives are multiplied by. The graph is let go, unless\n"
     "retain_graph keeps it for another walk; create_graph records the walk, for second "
     "derivatives.\n"
     "example:\n"
     "  x = tensor({1, 2, 3}, {dtype = \"float32\", requires_grad = true})\n"
     "  (x * x):sum():backward()\n"
     "  x.grad --> float32 [3]  2.0  4.0  6.0"},
    {"detach", l_detach,
     "x:detach(): the same memory without history: what is computed from it sends no gradient to "
     "x.\n"
     "example:\n"
     "  x = tensor({2.0}, {requires_grad = true})\n"
     "  (x * x:detach()):sum():backward()\n"
     "  x.grad --> float32 [1]  2.0"},
    {"detach_", l_detach_,
     "x:detach_(): x itself forgets its history and becomes a leaf. Returns x.\n"
     "example:\n"
     "  x = tensor({2.0}, {requires_grad = true}) * 3\n"
     "  x.is_leaf, x:detach_().is_leaf --> false  true"},
    {"requires_grad_", l_requires_grad,
     "x:requires_grad_(on): gradients of x are computed from now on, or no longer, with on = "
     "false.\n"
     "Returns x.\n"
     "example: tensor{1.0, 2.0}:requires_grad_().requires_grad --> true"},
    {NULL, NULL, NULL}};

static const Function functions[] = {
    {"grad", l_grad,
     "tensor.grad(outputs, inputs, grad_outputs, {retain_graph =, create_graph = false,\n"
     "allow_unused = false}): the gradients of the outputs for the inputs (a tensor or a list "
     "each) as\n"
     "results; no .grad is touched. grad_outputs: what outputs of several elements are weighted "
     "by.\n"
     "create_graph records the gradients, for second derivatives. An input that the outputs do "
     "not\n"
     "depend on is an error, unless allow_unused: then its gradient is nil, or false in a list.\n"
     "example:\n"
     "  x = tensor({3.0}, {requires_grad = true})\n"
     "  slope = tensor.grad((x ^ 3):sum(), x, {create_graph = true})\n"
     "  slope:item() --> 27.0\n"
     "  tensor.grad(slope:sum(), x):item() --> 18.0"},
    {NULL, NULL, NULL}};

void autograd_open(lua_State *L, int lib, int methods) {
  functions_set(L, methods, 0, both);
  functions_set(L, lib, 0, both);
  functions_set(L, lib, 0, functions);
}
