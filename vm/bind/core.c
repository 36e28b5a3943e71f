/* The core as a table, `lunette.core`: from the catalogue it makes the functions of the library, the
   methods of tensors and a description of every row. */
#include "bind.h"

#include <string.h>

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
  bind_push_op(L, t->meta, op, inplace);
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
      bind_push_op(L, t->meta, op, false);
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
    bind_push_op(L, meta, op, false);
    if (strcmp(operators[i].event, "__unm") == 0) lua_pushcclosure(L, l_one, 1);
    lua_setfield(L, meta, operators[i].event);
  }
  const Op *not = op_find("bitwise_not");
  if (not ) {
    bind_push_op(L, meta, not, false);
    lua_pushcclosure(L, l_one, 1);
    lua_setfield(L, meta, "__bnot");
  }
}

/* What help and the tests read: a table per row. */

#define TEXT(key, value) (lua_pushstring(L, value), lua_setfield(L, -2, key))
#define FLAG(key, value) (lua_pushboolean(L, (value) != 0), lua_setfield(L, -2, key))

static void push_params(lua_State *L, const Sig *s) {
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
}

static void push_row(lua_State *L, const Op *op) {
  const Sig *s = op_sig(op);
  lua_createtable(L, 0, 24);
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
  push_params(L, s);
  lua_setfield(L, -2, "params");
}

static int l_ops(lua_State *L) {
  lua_createtable(L, op_count(), 0);
  for (int i = 0; i < op_count(); i++) {
    push_row(L, op_at(i));
    lua_rawseti(L, -2, i + 1);
  }
  return 1;
}

/* Pushes a new table; its place. */
static int new_table(lua_State *L) {
  lua_newtable(L);
  return lua_gettop(L);
}

static void push_values(lua_State *L, const Tables *t) {
  const struct {
    const char *name;
    int place;
  } tables[] = {{"tensor", t->lib},          {"hidden", t->hidden},
                {"functions", t->functions}, {"namespaces", t->namespaces},
                {"methods", t->methods},     {"meta", t->meta}};
  lua_createtable(L, 0, 24);
  for (size_t i = 0; i < sizeof tables / sizeof *tables; i++) {
    lua_pushvalue(L, tables[i].place);
    lua_setfield(L, -2, tables[i].name);
  }
  functions_texts(L);
  lua_setfield(L, -2, "texts");
  lua_pushcfunction(L, l_ops);
  lua_setfield(L, -2, "ops");
  lua_pushcfunction(L, bind_watch);
  lua_setfield(L, -2, "watch");
}

/* What the other files add to the library, to the metatable and to the methods. */
static void open_library(lua_State *L, const Tables *t) {
  list_open(L, t->lib);
  construct_open(L, t->lib, t->methods);
  index_open(L, t->lib, t->meta, t->methods);
  print_open(L, t->meta);
  compare_open(L, t->meta);
  autograd_open(L, t->lib, t->methods);
  scope_open(L, t->lib);
  state_open(L, t->lib);
  seed_open(L, t->lib);
  files_open(L, t->lib);
}

/* What they add to the core's table, on the top of the stack. */
static void open_core(lua_State *L, const Tables *t) {
  suggest_open(L);
  machine_open(L);
  print_precision_open(L);
  profile_open(L);
  memory_open(L);
  place_open(L);
  archive_open(L);
  record_open(L, t->lib);
}

/* The core as a table: `tensor` (functions), `ops`, `hidden`, `functions` (all ops but the hidden ones,
   by their full names), `namespaces` (tables of tensor), `texts` (help on functions that are no ops), and
   what the other files add. */
int luaopen_lunette_core(lua_State *L) {
  luaL_checkversion(L);
  luaL_checkstack(L, 2 * LUA_MINSTACK, NULL);
  functions_open(L);
  handle_open(L);
  Tables t = {.meta = lua_gettop(L)};
  enter_open(L);
  t.methods = new_table(L);
  t.lib = new_table(L);
  t.hidden = new_table(L);
  t.functions = new_table(L);
  t.namespaces = new_table(L);
  t.trusting = new_table(L);
  set_all(L, &t);
  set_operators(L, t.meta);
  open_library(L, &t);
  testing_open(L, t.trusting);
  push_values(L, &t);
  open_core(L, &t);
  return 1;
}
