/* Between Lua values and tensors: tensor{...}, tolist, item. */
#include "bind.h"

#include <string.h>

#include "../../tensor/loop/cast.h"
#include "../../tensor/store.h"
#include "../../tensor/tape/tape.h"

/* ---- tensor{...} ---------------------------------------------------------------------------------- */

typedef struct Build {
  lua_State *L;
  int ndim;
  int64_t shape[T_MAXDIM];
  bool fraction, number, boolean; /* seen */
  bool has_dtype, requires_grad;
  DType dtype;
  Tensor *y;
  int64_t at;
} Build;

static _Noreturn void not_a_number(lua_State *L, int i) {
  if (lua_isnil(L, i) && i == 1)
    t_fail("tensor: got nil; a number or a table of numbers is wanted");
  if (lua_isnil(L, i)) t_fail("tensor: a list has a hole (nil)");
  if (lua_type(L, i) == LUA_TSTRING) {
    t_fail("tensor: got the string \"%.40s\"%s", lua_tostring(L, i),
           "; [[...]] is a long string in Lua, a matrix is {{1, 2}, {3, 4}}");
  }
  t_fail("tensor: elements are numbers or booleans, got %s", lua_typename(L, lua_type(L, i)));
}

/* Called for every element of a list. */
static void poll(void) {
  static unsigned calls;
  if ((++calls & 0xffff) == 0) t_poll();
}

static void see(Build *b, int i) {
  lua_State *L = b->L;
  int type = lua_type(L, i);
  if (type == LUA_TBOOLEAN)
    b->boolean = true;
  else if (type != LUA_TNUMBER)
    not_a_number(L, i);
  else {
    b->number = true;
    if (!lua_isinteger(L, i)) b->fraction = true;
  }
}

/* A list of n has neither names nor holes. In a plain one nothing comes after element n. */
static void check_list(lua_State *L, int i, int64_t n) {
  lua_pushnil(L);
  if (n > 0) {
    lua_pop(L, 1);
    lua_pushinteger(L, n);
  }
  if (!lua_next(L, i)) return;
  lua_pop(L, 2);
  int64_t seen = 0;
  lua_pushnil(L);
  while (lua_next(L, i)) {
    if (lua_type(L, -2) == LUA_TSTRING) {
      t_fail("tensor: the name '%.40s' stands among the elements; options go into a table of their "
             "own: tensor({1, 2}, {dtype = \"float64\"})",
             lua_tostring(L, -2));
    }
    seen++;
    poll();
    lua_pop(L, 1);
  }
  if (seen != n) t_fail("tensor: a list has a hole: element %lld is nil", (long long)n + 1);
}

/* Shape by the first elements, then every list is held against it. Lists of tensors count as
   deeper lists. */
static void measure(Build *b, int i, int depth) {
  lua_State *L = b->L;
  Tensor *t = handle_at(L, i);
  int rank = t ? t->ndim : lua_type(L, i) == LUA_TTABLE ? -1 : 0;
  if (depth == 0 && lua_isnil(L, i)) {
    t_fail("tensor: got nil (a misspelt name?); a number or a table of numbers is wanted");
  }
  if (rank == 0 && !t) {
    if (b->ndim < 0) b->ndim = depth;
    if (b->ndim != depth) t_fail("tensor: lists of different depth stand side by side");
    see(b, i);
    poll();
    return;
  }
  if (t) {
    if (b->ndim < 0) {
      b->ndim = depth + t->ndim;
      if (b->ndim > T_MAXDIM) t_fail("tensor: lists are nested too deep (%d)", b->ndim);
      for (int d = 0; d < t->ndim; d++) b->shape[depth + d] = t->shape[d];
    }
    bool fits = b->ndim == depth + t->ndim;
    for (int d = 0; fits && d < t->ndim; d++) fits = b->shape[depth + d] == t->shape[d];
    if (!fits) t_fail("tensor: the tensors in the list differ in shape; they must agree");
    if (dtype_is_float((DType)t->dtype)) b->fraction = true;
    if (t->dtype == T_BOOL)
      b->boolean = true;
    else
      b->number = true;
    return;
  }
  if (depth == T_MAXDIM) t_fail("tensor: lists are nested too deep (%d)", depth + 1);
  int64_t n = (int64_t)lua_rawlen(L, i);
  if (b->ndim < 0 && b->shape[depth] < 0) b->shape[depth] = n;
  if (b->ndim >= 0 && depth >= b->ndim) {
    t_fail("tensor: lists of different depth stand side by side");
  }
  if (b->shape[depth] != n) {
    t_fail("tensor: rows differ in length: %lld and %lld at depth %d", (long long)b->shape[depth],
           (long long)n, depth + 1);
  }
  if (!lua_checkstack(L, 6)) t_fail("tensor: lists are nested too deep");
  check_list(L, i, n);
  for (int64_t k = 1; k <= n; k++) {
    lua_rawgeti(L, i, k);
    measure(b, lua_gettop(L), depth + 1);
    lua_pop(L, 1);
  }
  if (n == 0 && b->ndim < 0) b->ndim = depth + 1;
}

/* What was measured is held against once more: a finalizer may have changed a list since. */
static void store(Build *b, int i, int depth) {
  lua_State *L = b->L;
  Tensor *y = b->y, *t = handle_at(L, i);
  bool list = !t && lua_type(L, i) == LUA_TTABLE;
  if (b->at + (t ? t->numel : !list) > y->numel || depth + list > T_MAXDIM)
    t_fail("tensor: a list has changed while it was read");
  if (t) {
    int64_t stride[T_MAXDIM];
    t_strides(t->ndim, t->shape, stride);
    cast_into(t_view(y, t->ndim, t->shape, stride, b->at), t);
    b->at += t->numel;
  } else if (list) {
    int64_t n = (int64_t)lua_rawlen(L, i);
    for (int64_t k = 1; k <= n; k++) {
      lua_rawgeti(L, i, k);
      store(b, lua_gettop(L), depth + 1);
      lua_pop(L, 1);
      poll();
    }
  } else if (lua_type(L, i) == LUA_TBOOLEAN) {
    t_set_int(y, b->at++, lua_toboolean(L, i));
  } else if (lua_isinteger(L, i)) {
    Attr v = attr_of_int(lua_tointeger(L, i));
    if (y->dtype != T_I64) store_check_number("tensor", (DType)y->dtype, &v, true);
    t_set_int(y, b->at++, v.i);
  } else {
    Attr v = attr_of_float(lua_tonumber(L, i));
    store_check_number("tensor", (DType)y->dtype, &v, true);
    t_set(y, b->at++, v.f);
  }
}

static void read_build_options(Build *b, int i) {
  lua_State *L = b->L;
  lua_pushnil(L);
  while (lua_next(L, i)) {
    const char *key = lua_type(L, -2) == LUA_TSTRING ? lua_tostring(L, -2) : "";
    if (strcmp(key, "dtype") == 0) {
      const char *name = lua_type(L, -1) == LUA_TSTRING ? lua_tostring(L, -1) : "";
      if (!dtype_parse(name, &b->dtype)) {
        t_fail(
            "tensor: there is no type \"%s\"; float32, float64, int64, int32, uint8 and bool are",
            name);
      }
      b->has_dtype = true;
    } else if (strcmp(key, "requires_grad") == 0) {
      b->requires_grad = lua_toboolean(L, -1);
    } else {
      const char *repair = suggest_option(key);
      t_fail("tensor: unknown option '%s'; %s", key,
             repair ? repair : "it takes dtype and requires_grad");
    }
    lua_pop(L, 1);
  }
}

static void build(void *arg) {
  Build *b = arg;
  lua_State *L = b->L;
  int top = lua_gettop(L);
  if (top < 2 || top > 3) {
    t_fail("tensor: takes a number or a table of numbers, and options; "
           "tensor{{1, 2}, {3, 4}}, tensor({1, 2}, {dtype = \"float64\"})");
  }
  if (top == 3) {
    if (lua_type(L, 3) != LUA_TTABLE || lua_rawlen(L, 3) > 0) {
      t_fail("tensor: the second argument is an option table; rows go into one table: "
             "tensor{{1, 2}, {3, 4}}");
    }
    read_build_options(b, 3);
  }
  b->ndim = -1;
  for (int d = 0; d < T_MAXDIM; d++) b->shape[d] = -1;
  measure(b, 2, 0);
  DType d = b->has_dtype       ? b->dtype
            : b->requires_grad ? T_F32
            : b->fraction      ? T_F32
            : b->number        ? T_I64
            : b->boolean       ? T_BOOL
                               : T_F32;
  DType made = d >= T_F16 ? T_F32 : d;
  b->y = t_new(made, b->ndim, b->shape);
  store(b, 2, 0);
  if (d != made) b->y = cast_copy(b->y, d);
  if (b->requires_grad) tape_set_leaf(b->y, true);
}

/* The library table is called: its first argument is the table itself. */
static int l_construct(lua_State *L) {
  Build b = {.L = L};
  enter(L, build, &b);
  handle_push(L, b.y);
  enter_end(L);
  return 1;
}

/* ---- back to Lua ------------------------------------------------------------------------------------ */

static void push_number(lua_State *L, const Tensor *x, int64_t at) {
  if (x->dtype == T_BOOL)
    lua_pushboolean(L, (int)t_get_int(x, at));
  else if (dtype_is_float((DType)x->dtype))
    lua_pushnumber(L, t_get(x, at));
  else
    lua_pushinteger(L, t_get_int(x, at));
}

static void push_nested(lua_State *L, const Tensor *x, int d, int64_t at) {
  static unsigned pushed;
  if (d == x->ndim) {
    if ((++pushed & 0xffff) == 0) enter_poll(L);
    push_number(L, x, at);
    return;
  }
  luaL_checkstack(L, 2, "tolist");
  lua_createtable(L, x->shape[d] < 1 << 30 ? (int)x->shape[d] : 0, 0);
  for (int64_t i = 0; i < x->shape[d]; i++) {
    push_nested(L, x, d + 1, at + i * x->stride[d]);
    lua_rawseti(L, -2, i + 1);
  }
}

static int l_tolist(lua_State *L) {
  Tensor *x = enter_hold(L, 1, "tolist");
  push_nested(L, x, 0, 0);
  enter_end(L);
  return 1;
}

static int l_item(lua_State *L) {
  Tensor *x = handle_check(L, 1, "item");
  if (x->numel != 1) {
    return luaL_error(L, "item: the tensor is %s; one with a single element is wanted",
                      t_shape_str(x));
  }
  push_number(L, x, 0);
  return 1;
}

static int l_is_tensor(lua_State *L) {
  lua_pushboolean(L, handle_is(L, 1));
  return 1;
}

/* Numbers and booleans answer :item() too, since results without dimensions may be either. */
static int l_plain_index(lua_State *L) {
  if (lua_type(L, 2) == LUA_TSTRING && strcmp(lua_tostring(L, 2), "item") == 0) {
    lua_pushvalue(L, lua_upvalueindex(1));
    return 1;
  }
  return luaL_error(L, "attempt to index a %s value (key '%s'); single values have only :item()",
                    luaL_typename(L, 1), luaL_tolstring(L, 2, NULL));
}

static int l_plain_item(lua_State *L) {
  lua_settop(L, 1);
  return 1;
}

static void set_plain_meta(lua_State *L) {
  if (lua_getmetatable(L, -1)) { /* somebody's own */
    lua_pop(L, 2);
    return;
  }
  lua_createtable(L, 0, 1);
  lua_pushcfunction(L, l_plain_item);
  lua_pushcclosure(L, l_plain_index, 1);
  lua_setfield(L, -2, "__index");
  lua_setmetatable(L, -2);
  lua_pop(L, 1);
}

static const char library_key; /* registry: the library table */

bool construct_is_library(lua_State *L, int i) {
  if (lua_type(L, i) != LUA_TTABLE) return false;
  lua_rawgetp(L, LUA_REGISTRYINDEX, &library_key);
  bool is = lua_rawequal(L, i, -1);
  lua_pop(L, 1);
  return is;
}

static const Function both[] = {
    {"tolist", l_tolist,
     "x:tolist(): the numbers as nested tables, or as one number where there is no dimension.\n"
     "example: tensor{{1, 2}, {3, 4}}:tolist()[2] --> {3, 4}"},
    {"item", l_item,
     "x:item(): the only element as a Lua number or boolean; an error where there are more.\n"
     "example: tensor{{2.5}}:item() --> 2.5"},
    {NULL, NULL, NULL}};
static const Function functions[] = {{"is_tensor", l_is_tensor,
                                      "tensor.is_tensor(value): is it a tensor?\n"
                                      "example: tensor.is_tensor(tensor{1}), tensor.is_tensor{1} "
                                      "--> true  false"},
                                     {NULL, NULL, NULL}};

void construct_open(lua_State *L, int lib, int methods) {
  functions_set(L, methods, 0, both);
  functions_set(L, lib, 0, both);
  functions_set(L, lib, 0, functions);
  lua_pushvalue(L, lib);
  lua_pushvalue(L, lib);
  lua_rawsetp(L, LUA_REGISTRYINDEX, &library_key);
  lua_pushinteger(L, 0);
  set_plain_meta(L);
  lua_pushboolean(L, 0);
  set_plain_meta(L);
  lua_createtable(L, 0, 2); /* the library's own metatable: lunette.lua adds to it */
  lua_pushcfunction(L, l_construct);
  lua_setfield(L, -2, "__call");
  lua_setmetatable(L, -2);
  lua_pop(L, 1);
}
