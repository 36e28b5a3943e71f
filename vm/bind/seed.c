/* Seeds and random streams. The seed in force when nobody chose one is 1. */
#include "bind.h"

#include <string.h>
#include <time.h>

#include "../../tensor/random.h"

static const char *const streams[] = {"user", "init", "data", "dropout", NULL};

/* manual_seed(n): every stream starts again, and Lua's own math.random too. */
static int l_manual_seed(lua_State *L) {
  int is;
  lua_Integer n = lua_tointegerx(L, 1, &is);
  if (lua_isnoneornil(L, 1)) return luaL_error(L, "manual_seed: the number is missing");
  if (!is) {
    return luaL_error(L, "manual_seed: a whole number is wanted, got %s",
                      luaL_tolstring(L, 1, NULL));
  }
  rng_seed(n);
  lua_getglobal(L, "math");
  if (lua_istable(L, -1) && lua_getfield(L, -1, "randomseed") == LUA_TFUNCTION) {
    lua_pushinteger(L, n);
    lua_call(L, 1, 0);
  }
  return 0;
}

static int l_initial_seed(lua_State *L) {
  lua_pushinteger(L, rng_seed_in_force());
  return 1;
}

/* with_stream(name, f, ...): what f draws comes from that stream. */
static int finish(lua_State *L, int status, lua_KContext before) {
  rng_use((RngStream)before);
  if (status != LUA_OK && status != LUA_YIELD) return lua_error(L);
  return lua_gettop(L) - 1;
}

static int l_with_stream(lua_State *L) {
  int stream = luaL_checkoption(L, 1, NULL, streams);
  luaL_checktype(L, 2, LUA_TFUNCTION);
  lua_KContext before = rng_use((RngStream)stream);
  int status = lua_pcallk(L, lua_gettop(L) - 2, LUA_MULTRET, 0, before, finish);
  return finish(L, status, before);
}

/* get_rng_state() gives a list of integers, set_rng_state(list) goes back to it. */
static int l_get_state(lua_State *L) {
  int64_t state[RNG_STATE];
  rng_save(state);
  lua_createtable(L, RNG_STATE, 0);
  for (int i = 0; i < RNG_STATE; i++) {
    lua_pushinteger(L, state[i]);
    lua_rawseti(L, -2, i + 1);
  }
  return 1;
}

static int l_set_state(lua_State *L) {
  int64_t state[RNG_STATE];
  if (!lua_istable(L, 1)) {
    return luaL_error(L, "set_rng_state: takes what get_rng_state gave, got %s",
                      luaL_typename(L, 1));
  }
  for (int i = 0; i < RNG_STATE; i++) {
    int is;
    lua_rawgeti(L, 1, i + 1);
    state[i] = lua_tointegerx(L, -1, &is);
    if (!is || (i > 0 && state[i] < 0)) {
      return luaL_error(L, "set_rng_state: not a state that get_rng_state gave");
    }
    lua_pop(L, 1);
  }
  rng_load(state);
  return 0;
}

static const Function functions[] = {
    {"manual_seed", l_manual_seed,
     "tensor.manual_seed(n): all random numbers start again from n, those of math.random too.\n"
     "example:\n"
     "  tensor.manual_seed(7) a = tensor.rand(3)\n"
     "  tensor.manual_seed(7) b = tensor.rand(3)\n"
     "  a:equal(b) --> true"},
    {"initial_seed", l_initial_seed,
     "tensor.initial_seed(): the seed in force.\n"
     "example:\n"
     "  tensor.manual_seed(7)\n"
     "  tensor.initial_seed() --> 7"},
    {"with_stream", l_with_stream,
     "tensor.with_stream(name, f, ...): calls f(...), whose random numbers come from a stream of "
     "their\n"
     "own: \"user\", \"init\", \"data\" or \"dropout\"; the others go on as if nothing was drawn.\n"
     "example:\n"
     "  a = tensor.rand(3)\n"
     "  tensor.manual_seed(1) other = tensor.with_stream(\"data\", tensor.rand, 3)\n"
     "  tensor.rand(3):equal(a) --> true"},
    {"get_rng_state", l_get_state,
     "tensor.get_rng_state(): where the random streams are, as a list for set_rng_state.\n"
     "example:\n"
     "  state, a = tensor.get_rng_state(), tensor.rand(3)\n"
     "  tensor.set_rng_state(state)\n"
     "  tensor.rand(3):equal(a) --> true"},
    {"set_rng_state", l_set_state,
     "tensor.set_rng_state(state): the random streams go on from what get_rng_state gave.\n"
     "example:\n"
     "  state, a = tensor.get_rng_state(), tensor.rand(3)\n"
     "  tensor.set_rng_state(state)\n"
     "  tensor.rand(3):equal(a) --> true"},
    {NULL, NULL, NULL}};

/* The program's --seed reaches us through the registry. */
static lua_Integer chosen_seed(lua_State *L) {
  lua_Integer seed = 1;
  if (lua_getfield(L, LUA_REGISTRYINDEX, "lunette.seed") == LUA_TNUMBER)
    seed = lua_tointeger(L, -1);
  lua_pop(L, 1);
  return seed;
}

void seed_open(lua_State *L, int lib) {
  lua_pushvalue(L, lib);
  functions_set(L, lib, 0, functions);
  lua_getfield(L, -1, "manual_seed");
  lua_pushinteger(L, chosen_seed(L));
  lua_call(L, 1, 0);
  lua_pop(L, 1);
}
