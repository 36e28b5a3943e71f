/* Differentiable functions of Lua's and hooks: what the tape calls back, and how it gets it. The
   library's Lua code (scripts/autograd) builds on the functions here, which check only what the
   core needs. */
#include "bind.h"

#include <stdio.h>
#include <string.h>

#include "../../tensor/watch/anomaly.h"
#include "../../tensor/birth.h"
#include "../../tensor/machine/mem.h"
#include "../../tensor/tape/tape.h"

/* A Lua function that a node owns. Nodes die where Lua must not be called: the dead wait in a list
   until the core is entered next. */
typedef struct Host {
  int ref; /* in the registry */
  struct Host *next;
} Host;

static Host *dead;
bool record_dead;

static void bury(void *host) {
  Host *h = host;
  h->next = dead;
  dead = h;
  record_dead = true;
}

void record_sweep(lua_State *L) {
  while (dead) {
    Host *h = dead;
    dead = h->next;
    luaL_unref(L, LUA_REGISTRYINDEX, h->ref);
    mem_free(h, sizeof *h);
  }
  record_dead = false;
}

static Host *new_host(void) {
  Host *h = mem_alloc(sizeof *h);
  *h = (Host){.ref = LUA_NOREF};
  return h;
}

/* ---- recording ------------------------------------------------------------------------------------ */

enum { MOST = 256 };

typedef struct Record {
  lua_State *L;
  Tensor *in[MOST], *out[MOST];
  int nx, ny;
  Host *host;
} Record;

/* The tensors of the list at stack place i, held until enter_end; inside t_try. */
static int read_list(lua_State *L, int i, Tensor **list, const char *what) {
  lua_Unsigned n = lua_rawlen(L, i);
  if (n > MOST) t_fail("a function of at most %d %s, not %llu", MOST, what, (unsigned long long)n);
  for (int k = 0; k < (int)n; k++) {
    lua_rawgeti(L, i, k + 1);
    list[k] = handle_at(L, lua_gettop(L));
    if (!list[k]) t_fail("%s: a tensor is wanted, got %s", what, luaL_typename(L, -1));
    lua_pop(L, 1);
  }
  return (int)n;
}

static void record(void *arg) {
  Record *r = arg;
  bool tracked = false;
  r->nx = read_list(r->L, 1, r->in, "inputs");
  r->ny = read_list(r->L, 2, r->out, "results");
  for (int i = 0; i < r->nx; i++) tracked = tracked || tape_tracks(r->in[i]);
  if (!tracked || !tape_on) return;
  for (int i = 0; i < r->ny; i++) {
    if (tape_tracks(r->out[i])) {
      t_fail("record: result %d has a history already; x:detach() has none", i + 1);
    }
  }
  static Host *spare; /* of a call that failed */
  if (!spare) spare = new_host();
  tape_record_host(r->nx, r->in, r->ny, r->out, spare);
  r->host = spare;
  spare = NULL;
}

/* record(inputs, outputs, backward): the outputs, which have no history, depend on the inputs from
   now on. backward(create_graph, node, g1, g2, ...) gets the outputs' gradients, nil for zero, and
   gives one for each input, nil for none. False where nothing is recorded. */
static int l_record(lua_State *L) {
  luaL_checktype(L, 1, LUA_TTABLE);
  luaL_checktype(L, 2, LUA_TTABLE);
  luaL_checktype(L, 3, LUA_TFUNCTION);
  Record *r = lua_newuserdatauv(L, sizeof *r, 0); /* too large for the C stack */
  memset(r, 0, sizeof *r);
  r->L = L;
  enter(L, record, r);
  enter_end(L);
  lua_pushboolean(L, r->host != NULL);
  if (r->host) {
    lua_pushvalue(L, 3);
    r->host->ref = luaL_ref(L, LUA_REGISTRYINDEX);
  }
  return 1;
}

/* ---- the gradient ---------------------------------------------------------------------------------- */

typedef struct Backward {
  Node *n;
  Tensor **gx;
} Backward;

/* How a backward function knows its node: a userdata with the pointer, NULL once it has returned. */
#define NODE_META "lunette.node"

static Node **push_node(lua_State *L, Node *n) {
  Node **box = lua_newuserdatauv(L, sizeof *box, 0);
  *box = n;
  luaL_setmetatable(L, NODE_META);
  return box;
}

static void check_gradient(lua_State *L, const Node *n, int i, int at) {
  const Tensor *g = handle_check(L, at, "backward"), *x = n->x[i].t;
  if (!t_same_shape(g, x)) {
    luaL_error(L, "backward: the gradient of input %d has shape %s, the input %s", i + 1,
               t_shape_str(g), t_shape_str(x));
  }
  if (!dtype_is_float((DType)g->dtype)) {
    luaL_error(L, "backward: the gradient of input %d is %s; a float type is wanted", i + 1,
               dtype_name((DType)g->dtype));
  }
}

static int call_backward(lua_State *L) {
  Backward *b = lua_touserdata(L, 1);
  Node *n = b->n;
  luaL_checkstack(L, n->ny + n->nx + 4, NULL);
  Node **box = push_node(L, n);
  lua_rawgeti(L, LUA_REGISTRYINDEX, ((Host *)n->host)->ref);
  lua_pushboolean(L, tape_on);
  lua_pushvalue(L, 2);
  for (int i = 0; i < n->ny; i++) {
    if (n->g[i])
      handle_push(L, n->g[i]);
    else
      lua_pushnil(L);
  }
  int status = lua_pcall(L, n->ny + 2, n->nx, 0);
  *box = NULL;
  if (status != LUA_OK) return lua_error(L);
  for (int i = 0; i < n->nx; i++) {
    if (lua_toboolean(L, i + 3)) check_gradient(L, n, i, i + 3);
  }
  for (int i = 0; i < n->nx; i++) {
    if (lua_toboolean(L, i + 3)) b->gx[i] = t_retain(handle_check(L, i + 3, "backward"));
  }
  return 0;
}

static void host_grad(Node *n, Tensor **gx) {
  lua_State *L = enter_state();
  Backward b = {n, gx};
  birth_reserve(n->nx);
  lua_pushcfunction(L, call_backward);
  lua_pushlightuserdata(L, &b);
  enter_callback(L, 1, 0);
  for (int i = 0; i < n->nx; i++) {
    if (gx[i]) birth_add(gx[i]);
  }
}

/* ---- hooks ------------------------------------------------------------------------------------------ */

typedef struct Hook {
  Host *host;
  int slot;
  Tensor *g, *result;
} Hook;

static int call_hook(lua_State *L) {
  Hook *h = lua_touserdata(L, 1);
  lua_rawgeti(L, LUA_REGISTRYINDEX, h->host->ref);
  lua_pushboolean(L, tape_on);
  lua_pushinteger(L, h->slot + 1);
  handle_push(L, h->g);
  lua_call(L, 3, 1);
  h->result = t_retain(handle_check(L, -1, "register_hook"));
  return 0;
}

static Tensor *host_hook(void *hooks, int slot, Tensor *g) {
  lua_State *L = enter_state();
  Hook h = {hooks, slot, g, NULL};
  birth_reserve(1);
  lua_pushcfunction(L, call_hook);
  lua_pushlightuserdata(L, &h);
  enter_callback(L, 1, 0);
  birth_add(h.result);
  return h.result;
}

typedef struct Find {
  lua_State *L;
  Tensor *x;
  Node *node;
  Host *made;
} Find;

static void find_node(void *arg) {
  Find *f = arg;
  f->x = handle_at(f->L, 1);
  if (!tape_tracks(f->x)) {
    t_fail("register_hook: this tensor does not record gradients; x:requires_grad_() first");
  }
  f->node = tape_node(f->x);
  if (!f->node->hooks) f->node->hooks = f->made = new_host();
}

/* hooks(x, runner): the function runner(create_graph, slot, gradient) -> gradient that the producer
   of x calls with each of its gradients, the one given if it has none yet; and x's slot. */
static int l_hooks(lua_State *L) {
  Find f = {.L = L};
  handle_check(L, 1, "register_hook");
  luaL_checktype(L, 2, LUA_TFUNCTION);
  enter(L, find_node, &f);
  Host *h = f.node->hooks;
  if (f.made) {
    lua_pushvalue(L, 2);
    h->ref = luaL_ref(L, LUA_REGISTRYINDEX);
  }
  lua_rawgeti(L, LUA_REGISTRYINDEX, h->ref);
  lua_pushinteger(L, f.x->slot + 1);
  enter_end(L);
  return 2;
}

/* ---- parts ------------------------------------------------------------------------------------------- */

typedef struct Attach {
  lua_State *L;
  Tensor *y;
  Node *n;
  int i;
} Attach;

static void attach(void *arg) {
  Attach *a = arg;
  const Node *n = a->n;
  int i = a->i;
  a->y = t_alias(handle_at(a->L, 1));
  Node *from = i > 0 ? a->n : n->in[-i - 1].node;
  if (from) tape_continue(a->y, from, i > 0 ? i - 1 : n->in[-i - 1].slot);
}

/* attach(x, node, i): x with the history of result i of the node, of input -i where i is negative;
   the node is the one that a backward function is being called for. */
static int l_attach(lua_State *L) {
  Node **box = luaL_checkudata(L, 2, NODE_META);
  Attach a = {.L = L, .n = *box};
  lua_Integer i = luaL_checkinteger(L, 3);
  handle_check(L, 1, "attach");
  if (!a.n) return luaL_error(L, "attach: the backward function of this node has returned");
  luaL_argcheck(L, i != 0 && i <= a.n->ny && i >= -a.n->nx, 3, "no such input or result");
  a.i = (int)i;
  enter(L, attach, &a);
  handle_push(L, a.y);
  enter_end(L);
  return 1;
}

/* version(x) counts the writes to x's memory. */
static int l_version(lua_State *L) {
  lua_pushinteger(L, handle_check(L, 1, "version")->st->version);
  return 1;
}

typedef struct Leaves {
  lua_State *L;
  Tensor *y[MOST];
  int ny, n, room;
  Tensor **list; /* NULL: only count */
} Leaves;

static void leaf_seen(Tensor *leaf, void *arg) {
  Leaves *l = arg;
  if (l->list) {
    if (l->n == l->room) return; /* a finalizer changed the graph after the count */
    birth_reserve(1);
    birth_add(t_retain(leaf)); /* a node knows its leaf weakly, and Lua may collect meanwhile */
    l->list[l->n] = leaf;
  }
  l->n++;
}

static void find_leaves(void *arg) {
  Leaves *l = arg;
  l->n = 0;
  l->ny = read_list(l->L, 1, l->y, "leaves");
  tape_leaves(l->ny, l->y, leaf_seen, l);
}

/* leaves(list): the leaves that the tensors of the list depend on. */
static int l_leaves(lua_State *L) {
  luaL_checktype(L, 1, LUA_TTABLE);
  Leaves *l = lua_newuserdatauv(L, sizeof *l, 0);
  memset(l, 0, sizeof *l);
  l->L = L;
  enter(L, find_leaves, l);
  enter_end(L);
  l->room = l->n;
  l->list = lua_newuserdatauv(L, (size_t)l->room * sizeof *l->list + 1, 0);
  enter(L, find_leaves, l);
  lua_createtable(L, l->n, 0);
  for (int i = 0; i < l->n; i++) {
    handle_push(L, l->list[i]);
    lua_rawseti(L, -2, i + 1);
  }
  enter_end(L);
  return 1;
}

/* ---- anomalies --------------------------------------------------------------------------------------- */

static char *host_place(void) {
  lua_State *L = enter_state();
  lua_Debug ar;
  char text[LUA_IDSIZE + 24];
  for (int level = 0; L && lua_getstack(L, level, &ar); level++) {
    if (!lua_getinfo(L, "Sl", &ar) || ar.currentline <= 0 || place_is_library(ar.source)) continue;
    snprintf(text, sizeof text, "%s:%d", ar.short_src, ar.currentline);
    return strdup(text);
  }
  return NULL;
}

/* set_detect_anomaly(on): whether ops and gradients look for the first NaN or infinity. */
static int l_set_detect_anomaly(lua_State *L) {
  luaL_checktype(L, 1, LUA_TBOOLEAN);
  anomaly_on = lua_toboolean(L, 1);
  return 0;
}

static int l_is_anomaly_enabled(lua_State *L) {
  lua_pushboolean(L, anomaly_on);
  return 1;
}

static const Function library[] = {
    {"set_detect_anomaly", l_set_detect_anomaly,
     "tensor.set_detect_anomaly(on): whether ops and gradients look for the first NaN or infinity "
     "from\n"
     "now on; detect_anomaly does it for the time of a function.\n"
     "example:\n"
     "  tensor.set_detect_anomaly(true)\n"
     "  on = tensor.is_anomaly_enabled()\n"
     "  tensor.set_detect_anomaly(false)\n"
     "  on, tensor.is_anomaly_enabled() --> true  false"},
    {"is_anomaly_enabled", l_is_anomaly_enabled,
     "tensor.is_anomaly_enabled(): do ops look for NaN and infinities? See detect_anomaly.\n"
     "example: tensor.is_anomaly_enabled() --> false"},
    {NULL, NULL, NULL}};

static const luaL_Reg inner[] = {{"record", l_record},   {"hooks", l_hooks},   {"attach", l_attach},
                                 {"version", l_version}, {"leaves", l_leaves}, {NULL, NULL}};

void record_open(lua_State *L, int lib) {
  tape_host_grad = host_grad;
  tape_host_hook = host_hook;
  tape_host_free = bury;
  anomaly_host_place = host_place;
  luaL_newmetatable(L, NODE_META);
  lua_pop(L, 1);
  luaL_setfuncs(L, inner, 0);
  functions_set(L, lib, 0, library);
}
