/* What a reader of "x is not defined" wants to know next: the known name that differs least, or
   how Lua writes what another language calls by this name. */
#include "suggest.h"

#include <string.h>
#include "lauxlib.h"
#include "../bind/bind.h"

enum { SHORTEST = 3 }; /* shorter names resemble too many */

static const struct {
  const char *name, *repair;
} habits[] = {
    {"None", "Python's None is nil"},
    {"True", "Python's True is true"},
    {"False", "Python's False is false"},
    {"null", "Lua's null is nil"},
    {"undefined", "Lua's undefined is nil"},
    {"self", "self exists in a function declared with a colon: function Name:method(...)"},
    {"this", "Lua's this is self, in a function declared with a colon"},
    {"len", "the length of x is #x"},
    {"range", "count with: for i = 1, n do ... end"},
    {"enumerate", "write: for i, x in ipairs(list) do ... end"},
    {"torch", "what PyTorch has in torch is in tensor, layers are in nn"},
    {"np", "what NumPy does is in tensor"},
    {"numpy", "what NumPy does is in tensor"},
    {"plt", "plots are in plot"},
    {"f", "Python's f\"{x}\" is (\"%s\"):format(x)"},
    {"F", "functions of tensors are in tensor, and methods: x:relu()"},
    {"unpack", "in Lua 5.4 it is table.unpack"},
    {"loadstring", "in Lua 5.4 it is load"},
    {"setfenv", "Lua 5.4 has a variable _ENV instead"},
    {"getfenv", "Lua 5.4 has a variable _ENV instead"},
    {"str", "write tostring(x)"},
    {"int", "write x // 1, or math.tointeger(x)"},
    {"float", "write tonumber(x), or x + 0.0"},
    {"list", "a list is {1, 2, 3}"},
    {"dict", "a table by name is {a = 1, b = 2}"},
    {"isinstance", "write type(x) == \"number\""},
    {"def", "write: function name(...) ... end"},
    {"lambda", "write: function(x) return ... end"},
    {"elif", "Lua writes elseif"},
    {"import", "write: local m = require \"m\""},
    {"abs", "it is math.abs(x), or x:abs() for a tensor"},
    {"max", "it is math.max(a, b), or x:max() for a tensor"},
    {"min", "it is math.min(a, b), or x:min() for a tensor"},
    {"sqrt", "it is math.sqrt(x), or x:sqrt() for a tensor"},
    {"exp", "it is math.exp(x), or x:exp() for a tensor"},
    {"log", "it is math.log(x), or x:log() for a tensor"},
    {"pi", "it is math.pi"},
    {"exit", "Ctrl-D ends the prompt, os.exit() the program"},
    {"quit", "Ctrl-D ends the prompt, os.exit() the program"},
};

static void consider(Suggestion *best, const char *name) {
  if (name[0] == '(') return;                 /* "(for state)" and its like */
  if (strcmp(name, best->wrong) == 0) return; /* a field that this build lacks */
  suggest_consider(best, name);
}

static void consider_variables(lua_State *L, lua_Debug *ar, Suggestion *best) {
  const char *name;
  for (int i = 1; (name = lua_getlocal(L, ar, i)) != NULL; i++) {
    consider(best, name);
    lua_pop(L, 1);
  }
  lua_getinfo(L, "f", ar);
  for (int i = 1; (name = lua_getupvalue(L, -1, i)) != NULL; i++) {
    if (strcmp(name, "_ENV") != 0) consider(best, name);
    lua_pop(L, 1);
  }
  lua_pop(L, 1);
}

static void consider_globals(lua_State *L, int globals, Suggestion *best) {
  lua_pushnil(L);
  while (lua_next(L, globals)) {
    if (lua_type(L, -2) == LUA_TSTRING) consider(best, lua_tostring(L, -2));
    lua_pop(L, 1);
  }
}

void suggest_push(lua_State *L, lua_Debug *ar, const char *name, int globals,
                  const char *const *extra) {
  for (size_t i = 0; i < sizeof habits / sizeof habits[0]; i++) {
    if (strcmp(name, habits[i].name) == 0) {
      lua_pushfstring(L, "%s is not defined (%s)", name, habits[i].repair);
      return;
    }
  }
  Suggestion best = {.wrong = name};
  if (strlen(name) >= SHORTEST) {
    luaL_checkstack(L, 8, NULL);
    consider_variables(L, ar, &best);
    consider_globals(L, globals, &best);
    for (; *extra != NULL; extra++) consider(&best, *extra);
  }
  if (best.name[0] != '\0')
    lua_pushfstring(L, "%s is not defined; did you mean %s?", name, best.name);
  else
    lua_pushfstring(L, "%s is not defined", name);
}
