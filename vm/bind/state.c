/* Settings and counts of the process: threads, memory, SIMD, the BLAS core. */
#include "bind.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

#include "../../tensor/calc.h"
#include "../../tensor/blas/gemm.h"
#include "../../tensor/machine/mem.h"
#include "../../tensor/watch/origin.h"
#include "../../tensor/machine/simd.h"
#include "../../tensor/machine/team.h"

static int l_threads(lua_State *L) {
  lua_pushinteger(L, team_threads());
  return 1;
}

static int l_set_threads(lua_State *L) {
  lua_Integer n = luaL_checkinteger(L, 1);
  if (n < 0 || n > TEAM_MAX) {
    return luaL_error(L, "set_num_threads: %I threads; 1..%d are possible, 0 is one per processor",
                      n, TEAM_MAX);
  }
  team_set_threads((int)n);
  return 0;
}

/* {bytes=, cached=, peak=, limit=, tensors=, handles=, allocations=} */
static int l_memory(lua_State *L) {
  lua_createtable(L, 0, 8);
  const struct {
    const char *name;
    lua_Integer value;
  } all[] = {{"bytes", (lua_Integer)mem_stats.live}, {"cached", (lua_Integer)mem_stats.cached},
             {"peak", (lua_Integer)mem_stats.peak},  {"limit", (lua_Integer)mem_limit()},
             {"tensors", mem_stats.tensors},         {"handles", mem_handles},
             {"allocations", mem_stats.allocations}};
  for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
    lua_pushinteger(L, all[i].value);
    lua_setfield(L, -2, all[i].name);
  }
  return 1;
}

/* origins(on): from now on the lines that make data of 128 kB or more are noted, or not. origins() gives
   a list {place, count, bytes} of the data that lives. */
static int l_origins(lua_State *L) {
  if (!lua_isnone(L, 1)) {
    origin_on = lua_toboolean(L, 1);
    return 0;
  }
  lua_Integer n = 0;
  lua_newtable(L);
  for (int i = 0; i < origin_count(); i++) {
    const Origin *o = origin_at(i);
    if (o->count == 0) continue;
    lua_createtable(L, 3, 0);
    lua_pushstring(L, o->text);
    lua_rawseti(L, -2, 1);
    lua_pushinteger(L, o->count);
    lua_rawseti(L, -2, 2);
    lua_pushinteger(L, o->bytes);
    lua_rawseti(L, -2, 3);
    lua_rawseti(L, -2, ++n);
  }
  return 1;
}

/* rest(): between two entries of the prompt cached memory goes back to the system. */
static int l_rest(lua_State *L) {
  (void)L;
  mem_rest();
  return 0;
}

void memory_open(lua_State *L) {
  lua_pushcfunction(L, l_origins);
  lua_setfield(L, -2, "origins");
  lua_pushcfunction(L, l_rest);
  lua_setfield(L, -2, "rest");
}

/* memory_limit() tells it in bytes, memory_limit(n) sets it; 0: 80% of what is free. */
static int l_memory_limit(lua_State *L) {
  if (!lua_isnoneornil(L, 1)) {
    lua_Number n = luaL_checknumber(L, 1);
    if (!(n >= 0 && n < 1e18)) return luaL_error(L, "memory_limit: %f bytes", n);
    mem_set_limit((size_t)n);
  }
  lua_pushinteger(L, (lua_Integer)mem_limit());
  return 1;
}

static int l_promotion(lua_State *L) {
  luaL_Buffer b;
  char cell[16];
  luaL_buffinit(L, &b);
  for (int row = -1; row < T_F16; row++) {
    for (int col = -1; col < T_F16; col++) {
      const char *s = row < 0 && col < 0 ? ""
                      : row < 0          ? dtype_name((DType)col)
                      : col < 0          ? dtype_name((DType)row)
                                         : dtype_name(dtype_promote((DType)row, (DType)col));
      memset(cell, ' ', sizeof cell);
      memcpy(cell, s, strlen(s));
      luaL_addlstring(&b, cell, 9);
    }
    luaL_addchar(&b, '\n');
  }
  luaL_addstring(&b, "A Lua integer never changes a tensor's class, a Lua float makes integers "
                     "float32; a tensor without dimensions counts only by its class.");
  luaL_pushresult(&b);
  return 1;
}

/* hash(tensors): FNV-1a over the bytes of all, 64 bits in hexadecimal. */
static int l_hash(lua_State *L) {
  luaL_checktype(L, 1, LUA_TTABLE);
  uint64_t h = 14695981039346656037u;
  lua_Integer n = (lua_Integer)lua_rawlen(L, 1);
  for (lua_Integer i = 1; i <= n; i++) {
    lua_rawgeti(L, 1, i);
    Tensor *x = handle_check(L, lua_gettop(L), "hash");
    if (!t_is_contiguous(x)) {
      return luaL_error(L, "hash: tensor %I is not contiguous; x:contiguous() first", i);
    }
    const uint8_t *p = t_data(x);
    size_t bytes = (size_t)x->numel * dtype_size((DType)x->dtype);
    for (size_t k = 0; k < bytes; k++) {
      h = (h ^ p[k]) * 1099511628211u;
      if ((k & 0xfffff) == 0) enter_poll(L);
    }
    lua_pop(L, 1);
  }
  char text[17];
  snprintf(text, sizeof text, "%016llx", (unsigned long long)h);
  lua_pushstring(L, text);
  return 1;
}

/* Seconds on a clock that only goes forward. */
static int l_now(lua_State *L) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  lua_pushnumber(L, (double)t.tv_sec + (double)t.tv_nsec * 1e-9);
  return 1;
}

/* {simd=, blas=, threads=}: what the bits depend on beside the seed. */
static int l_build(lua_State *L) {
  lua_createtable(L, 0, 3);
  lua_pushstring(L, simd_name(simd_level()));
  lua_setfield(L, -2, "simd");
  lua_pushstring(L, gemm_core());
  lua_setfield(L, -2, "blas");
  lua_pushinteger(L, team_threads());
  lua_setfield(L, -2, "threads");
  return 1;
}

static const Function functions[] = {
    {"get_num_threads", l_threads,
     "tensor.get_num_threads(): with how many threads is computed.\n"
     "example: tensor.get_num_threads() >= 1 --> true"},
    {"set_num_threads", l_set_threads,
     "tensor.set_num_threads(n): compute with n threads, 0 for one per processor. Results do not\n"
     "depend on it, to the last bit.\n"
     "example:\n"
     "  before = tensor.get_num_threads()\n"
     "  tensor.set_num_threads(2)\n"
     "  now = tensor.get_num_threads()\n"
     "  tensor.set_num_threads(before)\n"
     "  now --> 2"},
    {"memory", l_memory,
     "tensor.memory(): the memory of tensors, a table of bytes in use, cached, peak and limit, and "
     "of\n"
     "the numbers of tensors, handles (Lua's hold on them) and allocations so far.\n"
     "example:\n"
     "  x = tensor.zeros(1000)\n"
     "  tensor.memory().bytes >= 4000 --> true"},
    {"memory_limit", l_memory_limit,
     "tensor.memory_limit(bytes): how much memory tensors may take; more is an error. 0 is 80% of "
     "what\n"
     "is free; without bytes the limit in force.\n"
     "example: tensor.memory_limit() == tensor.memory().limit --> true"},
    {"promotion", l_promotion,
     "tensor.promotion(): the table of types that two tensors are computed in, as text.\n"
     "example: tensor.promotion():find \"float32\" ~= nil --> true"},
    {"build", l_build,
     "tensor.build(): what bits depend on beside the seed: {simd =, blas =, threads =}.\n"
     "example: tensor.build().threads == tensor.get_num_threads() --> true"},
    {"hash", l_hash,
     "tensor.hash(list): a number in hexadecimal that stands for all bits of contiguous tensors\n"
     "(FNV-1a, 64 bits): equal hashes, equal runs.\n"
     "example: tensor.hash{tensor{1, 2}} == tensor.hash{tensor{1, 2}} --> true"},
    {"now", l_now,
     "tensor.now(): seconds on a clock that only goes forward, for measuring.\n"
     "example:\n"
     "  start = tensor.now()\n"
     "  tensor.now() >= start --> true"},
    {NULL, NULL, NULL}};

void state_open(lua_State *L, int lib) {
  lua_getfield(L, LUA_REGISTRYINDEX, "lunette.threads"); /* the program's --threads */
  if (lua_isinteger(L, -1)) team_set_threads((int)lua_tointeger(L, -1));
  lua_pop(L, 1);
  functions_set(L, lib, 0, functions);
}
