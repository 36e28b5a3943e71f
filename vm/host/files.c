/* io.read, io.write and the methods of files, as the Lua manual defines them. Long strings, and all the
   rest of a file, go block by block, and Ctrl-C is looked at in between. What else is read, once the
   arguments have been checked here, is Lua's own work: its method stands in upvalue 1. */
#include "files.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdio_ext.h>
#include <string.h>
#include "lauxlib.h"
#include "lualib.h"
#include "interrupt.h"

#define BLOCK ((size_t)1 << 20) /* bytes between two looks */

/* The open file that is the first argument. */
static FILE *check_file(lua_State *L) {
  luaL_Stream *stream = luaL_checkudata(L, 1, LUA_FILEHANDLE);
  if (stream->closef == NULL) luaL_error(L, "attempt to use a closed file");
  return stream->f;
}

/* Puts the default file that io keeps under this name before the arguments. */
static FILE *push_default(lua_State *L, const char *kind) {
  lua_pushfstring(L, "_IO_%s", kind);
  lua_gettable(L, LUA_REGISTRYINDEX);
  lua_insert(L, 1);
  luaL_Stream *stream = lua_touserdata(L, 1);
  if (stream->closef == NULL) luaL_error(L, "default %s file is closed", kind);
  return stream->f;
}

/* The number of the argument that stands at the index, where that of the first after the file is `first`:
   1 or 2. The stack is made as the user's call has it, for the error to come. */
static int users_argument(lua_State *L, int index, int first) {
  if (first == 1) lua_remove(L, 1);
  return index - 2 + first;
}

/* ---- write --------------------------------------------------------------------------------------- */

/* What the reader of a pipe did not take is dropped after Ctrl-C: closing would wait for it again. */
static bool put(lua_State *L, FILE *f, const char *bytes, size_t size) {
  for (size_t done = 0; done < size;) {
    size_t n = size - done < BLOCK ? size - done : BLOCK;
    bool good = fwrite(bytes + done, 1, n, f) == n;
    int reason = errno;
    if (interrupt_is_due()) __fpurge(f);
    interrupt_check(L);
    errno = reason;
    if (!good) return false;
    done += n;
  }
  return true;
}

/* Writes the arguments from 2 on to the file at 1. */
static int write_all(lua_State *L, FILE *f, int first) {
  int n = lua_gettop(L);
  bool good = true;
  for (int i = 2; i <= n; i++) {
    if (lua_isinteger(L, i)) {
      good = fprintf(f, LUA_INTEGER_FMT, lua_tointeger(L, i)) > 0 && good;
    } else if (lua_type(L, i) == LUA_TNUMBER) {
      good = fprintf(f, LUA_NUMBER_FMT, lua_tonumber(L, i)) > 0 && good;
    } else {
      size_t size;
      if (lua_type(L, i) != LUA_TSTRING) luaL_typeerror(L, users_argument(L, i, first), "string");
      const char *bytes = lua_tolstring(L, i, &size);
      good = put(L, f, bytes, size) && good;
    }
  }
  if (!good) return luaL_fileresult(L, 0, NULL);
  lua_settop(L, 1);
  return 1;
}

static int file_write(lua_State *L) { return write_all(L, check_file(L), 2); }

static int io_write(lua_State *L) { return write_all(L, push_default(L, "output"), 1); }

/* ---- read ---------------------------------------------------------------------------------------- */

static const char *skip_star(const char *format) { return *format == '*' ? format + 1 : format; }

/* Is the argument at the index what `read` takes? If not: an error. */
static void check_format(lua_State *L, int index, int first) {
  if (lua_type(L, index) == LUA_TNUMBER) {
    if (!lua_isinteger(L, index)) luaL_checkinteger(L, users_argument(L, index, first));
    return;
  }
  if (lua_type(L, index) != LUA_TSTRING)
    luaL_typeerror(L, users_argument(L, index, first), "string");
  char letter = *skip_star(lua_tostring(L, index));
  if (letter == '\0' || strchr("nlLa", letter) == NULL)
    luaL_argerror(L, users_argument(L, index, first), "invalid format");
}

static bool wants_all(lua_State *L, int index) {
  return lua_type(L, index) == LUA_TSTRING && *skip_star(lua_tostring(L, index)) == 'a';
}

static int read_all(lua_State *L, FILE *f) {
  luaL_Buffer b;
  size_t n;
  clearerr(f);
  luaL_buffinit(L, &b);
  do {
    n = fread(luaL_prepbuffsize(&b, BLOCK), 1, BLOCK, f);
    luaL_addsize(&b, n);
    interrupt_check(L);
  } while (n == BLOCK);
  if (ferror(f)) return luaL_fileresult(L, 0, NULL);
  luaL_pushresult(&b);
  return 1;
}

/* Pushes what is read by the format at the index; returns the number of values, more than one after
   an error of the system. */
static int read_one(lua_State *L, FILE *f, int index) {
  if (wants_all(L, index)) return read_all(L, f);
  int top = lua_gettop(L);
  lua_pushvalue(L, lua_upvalueindex(1));
  lua_pushvalue(L, 1);
  lua_pushvalue(L, index);
  lua_call(L, 2, LUA_MULTRET);
  return lua_gettop(L) - top;
}

/* Reads from the file at 1 by the formats that follow, until one finds nothing. */
static int read_formats(lua_State *L, FILE *f, int first) {
  if (lua_gettop(L) == 1) lua_pushliteral(L, "l");
  int n = lua_gettop(L), got = 0;
  luaL_checkstack(L, n + LUA_MINSTACK, "too many arguments");
  for (int i = 2; i <= n; i++) {
    check_format(L, i, first);
    int values = read_one(L, f, i);
    if (values > 1) return values;
    got++;
    if (lua_isnil(L, -1)) break;
  }
  return got;
}

static int file_read(lua_State *L) { return read_formats(L, check_file(L), 2); }

static int io_read(lua_State *L) { return read_formats(L, push_default(L, "input"), 1); }

/* Puts the functions into the table at the index, with the value on top of the stack as upvalue. */
static void replace(lua_State *L, int table, const luaL_Reg *functions) {
  lua_pushvalue(L, table);
  lua_pushvalue(L, -2);
  luaL_setfuncs(L, functions, 1);
  lua_pop(L, 1);
}

void files_install(lua_State *L) {
  static const luaL_Reg defaults[] = {{"read", io_read}, {"write", io_write}, {NULL, NULL}};
  static const luaL_Reg methods[] = {{"read", file_read}, {"write", file_write}, {NULL, NULL}};
  int io = lua_gettop(L) + 1, index = io + 2;
  lua_getglobal(L, LUA_IOLIBNAME);
  luaL_getmetatable(L, LUA_FILEHANDLE);
  lua_getfield(L, -1, "__index");
  lua_getfield(L, -1, "read");
  replace(L, io, defaults);
  replace(L, index, methods);
  lua_settop(L, io - 1);
}
