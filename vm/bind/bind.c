/* One function serves every op. */
#include "bind.h"

#include "../../tensor/tape/tape.h"

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
int bind_watch(lua_State *L) {
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

void bind_push_op(lua_State *L, int meta, const Op *op, bool inplace) {
  lua_pushvalue(L, meta);
  lua_pushlightuserdata(L, (void *)op);
  lua_pushboolean(L, inplace);
  lua_pushcclosure(L, l_op, 3);
}
