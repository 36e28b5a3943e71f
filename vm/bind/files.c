/* Arrays and images to and from files. read_idx, read_npy, write_npy, read_image and write_image
   are functions of the library; read_archive and write_archive, fields of the core's table, are
   what tensor.load and tensor.save (scripts/files.lua) stand on. */
#include "bind.h"

#include <string.h>

#include "../../tensor/files/files.h"

typedef struct Job {
  lua_State *L;
  const char *where;
  Tensor *result;
  Archive archive;
} Job;

/* ---- arguments; inside t_try -------------------------------------------------------------------- */

/* The text at a stack place. It stays valid while the value is on the stack or in its table. */
static const char *text_at(const Job *j, int i, const char *what) {
  lua_State *L = j->L;
  size_t n;
  if (lua_type(L, i) != LUA_TSTRING) {
    t_fail("%s: %s is %s; a string is wanted", j->where, what,
           lua_type(L, i) <= 0 ? "missing" : lua_typename(L, lua_type(L, i)));
  }
  const char *s = lua_tolstring(L, i, &n);
  if (strlen(s) != n) t_fail("%s: %s has a zero byte in it", j->where, what);
  return s;
}

static const char *path_at(const Job *j) {
  const char *path = text_at(j, 1, "the file's name");
  if (!*path) t_fail("%s: the file's name is empty", j->where);
  return path;
}

static void no_more_than(const Job *j, int n, const char *usage) {
  if (lua_gettop(j->L) > n) t_fail("%s: too many arguments; %s", j->where, usage);
}

static Tensor *tensor_at(const Job *j, int i, const char *what) {
  Tensor *x = handle_at(j->L, i);
  if (!x) {
    t_fail("%s: %s is %s; a tensor is wanted", j->where, what,
           lua_type(j->L, i) <= 0 ? "missing" : lua_typename(j->L, lua_type(j->L, i)));
  }
  return x;
}

/* ---- one tensor --------------------------------------------------------------------------------- */

static void idx_job(void *arg) {
  Job *j = arg;
  no_more_than(j, 1, "read_idx(path)");
  j->result = idx_read(path_at(j));
}

static void read_npy_job(void *arg) {
  Job *j = arg;
  no_more_than(j, 1, "read_npy(path)");
  j->result = npy_read(path_at(j));
}

static void write_npy_job(void *arg) {
  Job *j = arg;
  no_more_than(j, 2, "write_npy(path, x)");
  npy_write(path_at(j), tensor_at(j, 2, "the second argument"));
}

static int channels_option(const Job *j) {
  lua_State *L = j->L;
  int channels = 0;
  if (lua_isnoneornil(L, 2)) return 0;
  if (lua_type(L, 2) != LUA_TTABLE) {
    t_fail("read_image: the second argument is an option table: {channels = 3}");
  }
  lua_pushnil(L);
  while (lua_next(L, 2)) {
    const char *key = lua_type(L, -2) == LUA_TSTRING ? lua_tostring(L, -2) : "?";
    if (strcmp(key, "channels") != 0) {
      t_fail("read_image: unknown option '%.40s'; the option is channels", key);
    }
    int is;
    lua_Integer n = lua_tointegerx(L, -1, &is);
    if (!is || n < 1 || n > 4 || n == 2) {
      t_fail("read_image: channels is 1 (grey), 3 (colour) or 4 (with opacity)");
    }
    channels = (int)n;
    lua_pop(L, 1);
  }
  return channels;
}

static void read_image_job(void *arg) {
  Job *j = arg;
  no_more_than(j, 2, "read_image(path, {channels = 3})");
  const char *path = path_at(j);
  j->result = image_read(path, channels_option(j));
}

static void write_image_job(void *arg) {
  Job *j = arg;
  no_more_than(j, 2, "write_image(path, x)");
  const char *path = path_at(j);
  image_write(path, tensor_at(j, 2, "the second argument"));
}

static int run(lua_State *L, const char *where, void (*job)(void *)) {
  Job j = {.L = L, .where = where};
  enter(L, job, &j);
  if (j.result) handle_push(L, j.result);
  enter_end(L);
  return j.result ? 1 : 0;
}

static int l_read_idx(lua_State *L) { return run(L, "read_idx", idx_job); }
static int l_read_npy(lua_State *L) { return run(L, "read_npy", read_npy_job); }
static int l_write_npy(lua_State *L) { return run(L, "write_npy", write_npy_job); }
static int l_read_image(lua_State *L) { return run(L, "read_image", read_image_job); }
static int l_write_image(lua_State *L) { return run(L, "write_image", write_image_job); }

/* ---- archives ------------------------------------------------------------------------------------ */

static void read_archive_job(void *arg) {
  Job *j = arg;
  safetensors_read(path_at(j), &j->archive);
}

/* read_archive(path): a list of {name, tensor} and a list of {key, value}, as they stand in the
   file. */
static int l_read_archive(lua_State *L) {
  Job j = {.L = L, .where = "load"};
  enter(L, read_archive_job, &j);
  const Archive *a = &j.archive;
  lua_settop(L, 1);
  lua_createtable(L, a->count < 1 << 30 ? (int)a->count : 0, 0);
  for (int64_t i = 0; i < a->count; i++) {
    lua_createtable(L, 2, 0);
    lua_pushstring(L, a->entry[i].name);
    lua_rawseti(L, -2, 1);
    handle_push(L, a->entry[i].t);
    lua_rawseti(L, -2, 2);
    lua_rawseti(L, -2, i + 1);
  }
  lua_newtable(L);
  for (int64_t i = 0; i < a->nnotes; i++) {
    lua_createtable(L, 2, 0);
    lua_pushstring(L, a->note[i].key);
    lua_rawseti(L, -2, 1);
    lua_pushstring(L, a->note[i].value);
    lua_rawseti(L, -2, 2);
    lua_rawseti(L, -2, i + 1);
  }
  enter_end(L);
  return 2;
}

/* Leaves the pair at list[i] as two values on the stack. */
static void push_pair(const Job *j, int list, int64_t i) {
  lua_State *L = j->L;
  if (lua_rawgeti(L, list, i) != LUA_TTABLE) {
    t_fail("%s: entry %lld of the list is no pair {name, value}", j->where, (long long)i);
  }
  lua_rawgeti(L, -1, 1);
  lua_rawgeti(L, -2, 2);
}

static int64_t list_length(const Job *j, int i) {
  if (lua_type(j->L, i) != LUA_TTABLE) t_fail("%s: argument %d is no list", j->where, i);
  return (int64_t)lua_rawlen(j->L, i);
}

/* What an allocation sets off (a collection, a finalizer of the script) may change the lists: texts
   are copied and tensors shared before they are used. */
static void write_archive_job(void *arg) {
  Job *j = arg;
  lua_State *L = j->L;
  const char *path = path_at(j);
  Archive a = {.count = list_length(j, 2), .nnotes = list_length(j, 3)};
  archive_room(&a);
  for (int64_t i = 0; i < a.count; i++) {
    push_pair(j, 2, i + 1);
    const char *name = text_at(j, -2, "the name of a tensor");
    a.entry[i].name = archive_text(name);
    a.entry[i].t = t_alias(tensor_at(j, -1, name));
    lua_pop(L, 3);
  }
  for (int64_t i = 0; i < a.nnotes; i++) {
    push_pair(j, 3, i + 1);
    const char *key = text_at(j, -2, "a key of the metadata");
    a.note[i].key = archive_text(key);
    a.note[i].value = archive_text(text_at(j, -1, key));
    lua_pop(L, 3);
  }
  safetensors_write(path, &a);
}

/* write_archive(path, list of {name, tensor}, list of {key, value}) */
static int l_write_archive(lua_State *L) { return run(L, "save", write_archive_job); }

/* ---- opening --------------------------------------------------------------------------------------- */

static const Function functions[] = {
    {"read_idx", l_read_idx,
     "tensor.read_idx(path): the array in an IDX file, gzipped or not, as MNIST comes in.\n"
     "example:\n"
     "  path = os.tmpname()\n"
     "  file = io.open(path, \"wb\")\n"
     "  file:write(\"\\0\\0\\8\\1\\0\\0\\0\\3\\7\\8\\9\"):close() --> true\n"
     "  tensor.read_idx(path) --> uint8 [3]  7  8  9"},
    {"read_npy", l_read_npy,
     "tensor.read_npy(path): the array in a file of NumPy's save.\n"
     "example:\n"
     "  path = os.tmpname()\n"
     "  tensor.write_npy(path, tensor{{1, 2}, {3, 4}})\n"
     "  tensor.read_npy(path) --> int64 [2,2]\n"
     "    1  2\n"
     "    3  4"},
    {"write_npy", l_write_npy,
     "tensor.write_npy(path, x): writes a file that NumPy's load reads.\n"
     "example:\n"
     "  path = os.tmpname()\n"
     "  tensor.write_npy(path, tensor{0.5, 1.5})\n"
     "  tensor.read_npy(path) --> float32 [2]  0.5  1.5"},
    {"read_image", l_read_image,
     "tensor.read_image(path, {channels =}): a PNG, JPEG or BMP as uint8 [C,H,W], with as many "
     "channels\n"
     "as the file has, or as are wanted: 1 grey, 3 colours, 4 with opacity.\n"
     "example:\n"
     "  path = os.tmpname() .. \".png\"\n"
     "  tensor.write_image(path, tensor.full({3, 2, 4}, 255, {dtype = \"uint8\"}))\n"
     "  tensor.read_image(path).shape, tensor.read_image(path, {channels = 1}).shape --> {3, 2, 4} "
     " {1, 2, 4}"},
    {"write_image", l_write_image,
     "tensor.write_image(path, x): x as a PNG or JPEG, by the name's ending. x: [C,H,W] or [H,W], "
     "uint8\n"
     "0..255, or floats 0..1; C is 1, 3 or 4.\n"
     "example:\n"
     "  path = os.tmpname() .. \".png\"\n"
     "  tensor.write_image(path, tensor{{0.0, 1.0}})\n"
     "  tensor.read_image(path) --> uint8 [1,1,2]  0  255"},
    {NULL, NULL, NULL}};

void files_open(lua_State *L, int lib) { functions_set(L, lib, 0, functions); }

void archive_open(lua_State *L) {
  static const luaL_Reg inner[] = {
      {"read_archive", l_read_archive}, {"write_archive", l_write_archive}, {NULL, NULL}};
  luaL_setfuncs(L, inner, 0);
}
