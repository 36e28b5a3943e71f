/* One function serves every op; from the catalogue it makes the functions of the library and the
   methods of tensors. */
#include "bind.h"

#include <string.h>

#include "../../tensor/tape.h"

typedef struct Job {
  lua_State *L;
  const Op *op;
  bool inplace;
  Call c;
} Job;

static void job_run(void *arg) {
  Job *j = arg;
  args_read(j->L, j->op, j->inplace, &j->c);
  if (j->op->expects) j->op->expects(&j->c);
  op_apply(&j->c);
}

void bind_push_result(lua_State *L, Tensor *y, bool as_tensor) {
  bool plain = !as_tensor && y->ndim == 0 && !dtype_is_float((DType)y->dtype) && !y->handle;
  if (!plain)
    handle_push(L, y);
  else if (y->dtype == T_BOOL)
    lua_pushboolean(L, (int)t_get_int(y, 0));
  else
    lua_pushinteger(L, t_get_int(y, 0));
}

static void push_list(lua_State *L, const Call *c) {
  lua_createtable(L, c->ny, 0);
  for (int i = 0; i < c->ny; i++) {
    handle_push(L, c->y[i]);
    lua_rawseti(L, -2, i + 1);
  }
}

/* ---- watching calls: for tools that look for the op to blame --------------------------------- */

static bool watching;
static const char watcher_key; /* registry: the function that is told */

/* watch(f): f(name, in place?, arguments...) is called before every op that Lua calls; nil ends. */
static int l_watch(lua_State *L) {
  watching = !lua_isnoneornil(L, 1);
  lua_settop(L, 1);
  lua_rawsetp(L, LUA_REGISTRYINDEX, &watcher_key);
  return 0;
}

/* What the watcher itself calls is not watched. */
static void tell_watcher(lua_State *L, const Op *op, bool inplace) {
  int top = lua_gettop(L);
  luaL_checkstack(L, top + 4, NULL);
  watching = false;
  lua_rawgetp(L, LUA_REGISTRYINDEX, &watcher_key);
  lua_pushstring(L, op_sig(op)->name);
  lua_pushboolean(L, inplace);
  for (int i = 1; i <= top; i++) lua_pushvalue(L, i);
  int status = lua_pcall(L, top + 2, 0, 0);
  watching = true;
  if (status != LUA_OK) lua_error(L);
}

/* Upvalues: the metatable of tensors, the row, in place? */
static int l_op(lua_State *L) {
  Job j;
  j.L = L;
  j.op = lua_touserdata(L, lua_upvalueindex(2));
  j.inplace = lua_toboolean(L, lua_upvalueindex(3));
  if (watching) tell_watcher(L, j.op, j.inplace);
  enter(L, job_run, &j);
  const Call *c = &j.c;
  const Sig *s = op_sig(j.op);
  int top = lua_gettop(L), n = 0;
  if (c->list) {
    push_list(L, c);
    n = 1;
  } else {
    bool as_tensor = c->inplace || (j.op->flags & OP_TENSOR);
    for (int i = 0; i < s->nresults; i++) {
      if (!c->y[i]) continue;
      bind_push_result(L, c->y[i], as_tensor);
      n++;
    }
  }
  if ((j.op->flags & OP_FUNCTION) && top > 0 && args_option_bool(L, top, "requires_grad")) {
    if (!dtype_is_float((DType)c->y[0]->dtype)) {
      return luaL_error(L, "%s: requires_grad needs a float type, not %s", s->name,
                        dtype_name((DType)c->y[0]->dtype));
    }
    handle_register(L, top + 1);
    c->y[0]->requires_grad = true;
  }
  enter_end(L);
  return n;
}

static void push_op(lua_State *L, int meta, const Op *op, bool inplace) {
  lua_pushvalue(L, meta);
  lua_pushlightuserdata(L, (void *)op);
  lua_pushboolean(L, inplace);
  lua_pushcclosure(L, l_op, 3);
}

/* Where functions go: stack positions of tables. */
typedef struct Tables {
  int meta, lib, methods, hidden, functions, namespaces, trusting;
} Tables;

/* Pushes lib's table for names that begin with name[0..n-1] and a dot. */
static void push_namespace(lua_State *L, const Tables *t, const char *name, size_t n) {
  lua_pushlstring(L, name, n);
  lua_pushvalue(L, -1);
  if (lua_rawget(L, t->namespaces) == LUA_TNIL) {
    lua_pop(L, 1);
    lua_newtable(L);
    lua_pushvalue(L, -2);
    lua_pushvalue(L, -2);
    lua_rawset(L, t->namespaces);
    lua_pushvalue(L, -2);
    lua_pushvalue(L, -2);
    lua_rawset(L, t->lib);
  }
  lua_remove(L, -2);
}

/* Upvalue 1: the function of an op whose tensor comes second: x:polygamma(1). */
static int l_turned(lua_State *L) {
  if (lua_gettop(L) > 1) { /* the first two change places */
    lua_pushvalue(L, 1);
    lua_copy(L, 2, 1);
    lua_replace(L, 2);
  }
  lua_pushvalue(L, lua_upvalueindex(1));
  lua_insert(L, 1);
  lua_call(L, lua_gettop(L) - 1, LUA_MULTRET);
  return lua_gettop(L);
}

/* Pushes the method for the function on top of the stack: the tensor stands first. */
static void push_method(lua_State *L, const Op *op) {
  const Sig *s = op_sig(op);
  lua_pushvalue(L, -1);
  if (s->nparams > 1 && !s->param[0].is_x && s->param[1].is_x) lua_pushcclosure(L, l_turned, 1);
}

static void set_op(lua_State *L, const Tables *t, const Op *op, const char *name, bool inplace) {
  push_op(L, t->meta, op, inplace);
  lua_pushvalue(L, -1);
  lua_setfield(L, t->functions, name);
  const char *dot = strchr(name, '.');
  if (dot) {
    push_namespace(L, t, name, (size_t)(dot - name));
    lua_insert(L, -2);
    lua_setfield(L, -2, dot + 1);
    lua_pop(L, 1);
    return;
  }
  if (!(op->flags & OP_FUNCTION)) {
    push_method(L, op);
    lua_setfield(L, t->methods, name);
  }
  lua_setfield(L, t->lib, name);
}

/* Under a name, and where there is one the form that writes in place; name has room for its _. */
static void set_forms(lua_State *L, const Tables *t, const Op *op, char *name) {
  set_op(L, t, op, name, false);
  if (!(op->flags & OP_INPLACE) || strchr(name, '.')) return;
  strcat(name, "_");
  set_op(L, t, op, name, true);
}

static void set_all(lua_State *L, const Tables *t) {
  char name[64];
  for (int i = 0; i < op_count(); i++) {
    const Op *op = op_at(i);
    const Sig *s = op_sig(op);
    if (op->flags & OP_HIDDEN) {
      push_op(L, t->meta, op, false);
      lua_setfield(L, op->expects ? t->hidden : t->trusting, s->name);
      continue;
    }
    strcpy(name, s->name);
    set_forms(L, t, op, name);
    for (const char *a = op->aliases; a && *a;) {
      size_t n = strcspn(a, " ");
      memcpy(name, a, n);
      name[n] = 0;
      set_forms(L, t, op, name);
      a += n + (a[n] == ' ');
    }
  }
}

static const struct {
  const char *event, *op;
} operators[] = {
    {"__add", "add"},        {"__sub", "sub"},          {"__mul", "mul"},
    {"__div", "div"},        {"__pow", "pow"},          {"__idiv", "floor_divide"},
    {"__mod", "remainder"},  {"__unm", "neg"},          {"__band", "bitwise_and"},
    {"__bor", "bitwise_or"}, {"__bxor", "bitwise_xor"},
};

/* __unm and __bnot get their operand twice. */
static int l_one(lua_State *L) {
  lua_settop(L, 1);
  lua_pushvalue(L, lua_upvalueindex(1));
  lua_insert(L, 1);
  lua_call(L, 1, LUA_MULTRET);
  return lua_gettop(L);
}

static void set_operators(lua_State *L, int meta) {
  for (size_t i = 0; i < sizeof operators / sizeof *operators; i++) {
    const Op *op = op_find(operators[i].op);
    if (!op) continue;
    push_op(L, meta, op, false);
    if (strcmp(operators[i].event, "__unm") == 0) lua_pushcclosure(L, l_one, 1);
    lua_setfield(L, meta, operators[i].event);
  }
  const Op *not = op_find("bitwise_not");
  if (not ) {
    push_op(L, meta, not, false);
    lua_pushcclosure(L, l_one, 1);
    lua_setfield(L, meta, "__bnot");
  }
}

/* What help and the tests read: a table per row. */
static int l_ops(lua_State *L) {
  lua_createtable(L, op_count(), 0);
  for (int i = 0; i < op_count(); i++) {
    const Op *op = op_at(i);
    const Sig *s = op_sig(op);
    lua_createtable(L, 0, 12);
#define TEXT(key, value) (lua_pushstring(L, value), lua_setfield(L, -2, key))
#define FLAG(key, value) (lua_pushboolean(L, (value) != 0), lua_setfield(L, -2, key))
    TEXT("name", s->name);
    TEXT("sig", op->sig);
    TEXT("doc", op->doc);
    TEXT("example", op->example);
    TEXT("test", op->test);
    TEXT("ref", op->ref);
    TEXT("aliases", op->aliases);
    TEXT("family", op_family(op));
    FLAG("inplace", op->flags & OP_INPLACE);
    FLAG("only_inplace", op->flags & OP_ONLY_INPLACE);
    FLAG("view", op->flags & OP_VIEW);
    FLAG("const", op->flags & OP_CONST);
    FLAG("hidden", op->flags & OP_HIDDEN);
    FLAG("is_function", op->flags & OP_FUNCTION);
    FLAG("random", op->flags & OP_RANDOM);
    FLAG("has_grad", op->grad);
    FLAG("has_compose", op->compose);
    FLAG("has_infer", op->infer);
    FLAG("result_list", s->result_list);
    lua_createtable(L, s->nparams, 0);
    for (int k = 0; k < s->nparams; k++) {
      const Param *p = &s->param[k];
      lua_createtable(L, 0, 3);
      TEXT("name", p->name);
      lua_pushinteger(L, p->kind);
      lua_setfield(L, -2, "kind");
      FLAG("optional", p->optional);
      lua_rawseti(L, -2, k + 1);
    }
    lua_setfield(L, -2, "params");
    lua_rawseti(L, -2, i + 1);
  }
  return 1;
}

/* Upvalue 1: the metatable. Runs the row's composed form: the reference of fused ops. */
typedef struct Composed {
  lua_State *L;
  const Op *op;
  Call c;
} Composed;

static void composed_run(void *arg) {
  Composed *j = arg;
  args_read(j->L, j->op, false, &j->c);
  if (j->op->expects) j->op->expects(&j->c);
  j->op->compose(&j->c);
}

static int l_composed(lua_State *L) {
  Composed j = {.L = L, .op = op_find(luaL_checkstring(L, 1))};
  if (!j.op || !j.op->compose) return luaL_error(L, "composed: no such row");
  lua_remove(L, 1);
  enter(L, composed_run, &j);
  int n = 0;
  for (int i = 0; i < op_sig(j.op)->nresults; i++) {
    if (!j.c.y[i]) continue;
    bind_push_result(L, j.c.y[i], false);
    n++;
  }
  enter_end(L);
  return n;
}

/* The core as a table: `tensor` (functions), `ops`, `hidden`, `functions` (all ops but the hidden ones,
   by their full names), `namespaces` (tables of tensor), `texts` (help on functions that are no ops), and
   what the other files add. */
int luaopen_lunette_core(lua_State *L) {
  luaL_checkversion(L);
  functions_open(L);
  handle_open(L);
  int meta = lua_gettop(L);
  enter_open(L);
  lua_newtable(L);
  int methods = lua_gettop(L);
  lua_newtable(L);
  int lib = lua_gettop(L);
  lua_newtable(L);
  int hidden = lua_gettop(L);
  lua_newtable(L);
  lua_newtable(L);
  lua_newtable(L);
  int trusting = hidden + 3;
  Tables tables = {meta, lib, methods, hidden, hidden + 1, hidden + 2, trusting};
  set_all(L, &tables);
  set_operators(L, meta);
  list_open(L, lib);
  construct_open(L, lib, methods);
  index_open(L, lib, meta, methods);
  print_open(L, meta);
  compare_open(L, meta);
  autograd_open(L, lib, methods);
  scope_open(L, lib);
  state_open(L, lib);
  lua_getfield(L, lib, "testing");
  lua_pushvalue(L, trusting);
  lua_setfield(L, -2, "rows");
  lua_pop(L, 1);
  seed_open(L, lib);
  files_open(L, lib);
  lua_createtable(L, 0, 8);
  lua_pushvalue(L, lib);
  lua_setfield(L, -2, "tensor");
  lua_pushvalue(L, hidden);
  lua_setfield(L, -2, "hidden");
  lua_pushvalue(L, tables.functions);
  lua_setfield(L, -2, "functions");
  lua_pushvalue(L, tables.namespaces);
  lua_setfield(L, -2, "namespaces");
  lua_pushvalue(L, methods);
  lua_setfield(L, -2, "methods");
  functions_texts(L);
  lua_setfield(L, -2, "texts");
  lua_pushvalue(L, meta);
  lua_setfield(L, -2, "meta");
  lua_pushcfunction(L, l_ops);
  lua_setfield(L, -2, "ops");
  lua_pushcfunction(L, l_watch);
  lua_setfield(L, -2, "watch");
  lua_pushcfunction(L, l_composed);
  lua_setfield(L, -2, "composed");
  suggest_open(L);
  machine_open(L);
  print_precision_open(L);
  profile_open(L);
  memory_open(L);
  place_open(L);
  archive_open(L);
  record_open(L, lib);
  return 1;
}
