/* For the suite alone: allocations that fail, wrong gradients, rows that trust their callers. These can
   break the process as functions of the debug library can, and stand where that library alone leads:
   debug.getregistry()["lunette.testing"]. */
#include "bind.h"

#include "../../tensor/calc.h"
#include "../../tensor/machine/mem.h"

/* fail_at(n, forever): the nth allocation from now fails; returns how many there were. */
static int l_fail_at(lua_State *L) {
  lua_pushinteger(L, mem_fail_at(luaL_optinteger(L, 1, 0), lua_toboolean(L, 2)));
  return 1;
}

static lua_Alloc plain_alloc;
static void *plain_ud;

/* Lua's own allocations count and fail like the core's. */
static void *failing_alloc(void *ud, void *block, size_t old, size_t size) {
  (void)ud;
  if (size > (block ? old : 0) && mem_should_fail()) return NULL;
  return plain_alloc(plain_ud, block, old, size);
}

static int l_fail_lua_too(lua_State *L) {
  if (lua_toboolean(L, 1) && !plain_alloc) {
    plain_alloc = lua_getallocf(L, &plain_ud);
    lua_setallocf(L, failing_alloc, NULL);
  } else if (!lua_toboolean(L, 1) && plain_alloc) {
    lua_setallocf(L, plain_alloc, plain_ud);
    plain_alloc = NULL;
  }
  return 0;
}

/* plant(name): makes the gradient of an op wrong by a thousandth, or right again. */
static void (*right_grad)(Call *c, Tensor *const *gy, Tensor **gx);

static void wrong_grad(Call *c, Tensor *const *gy, Tensor **gx) {
  right_grad(c, gy, gx);
  if (gx[0]) gx[0] = t_muln(gx[0], 1.001);
}

static int l_plant(lua_State *L) {
  Op *op = (Op *)op_find(luaL_checkstring(L, 1));
  if (!op || !op->grad) return luaL_error(L, "plant: no such gradient");
  if (op->grad == wrong_grad) {
    op->grad = right_grad;
  } else {
    right_grad = op->grad;
    op->grad = wrong_grad;
  }
  return 0;
}

/* composed(name, ...): the row's composed form, the reference of fused ops. It is not held against what
   the row expects where it expects nothing in writing. */
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

void testing_open(lua_State *L, int rows) {
  static const luaL_Reg functions[] = {{"fail_at", l_fail_at},
                                       {"fail_lua_too", l_fail_lua_too},
                                       {"plant", l_plant},
                                       {"composed", l_composed},
                                       {NULL, NULL}};
  luaL_newlib(L, functions);
  lua_pushvalue(L, rows);
  lua_setfield(L, -2, "rows");
  lua_setfield(L, LUA_REGISTRYINDEX, "lunette.testing");
}
