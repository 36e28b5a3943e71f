/* The binding: what its files share. One function (op.c's row, bind.c's l_op) serves every op.

   Rules. Lua code may raise through C; so nothing that owns C memory lives across a Lua call but
   tensors in the birth list (enter.c says how long they live). Arguments are read inside t_try with
   Lua functions that cannot raise, so a bad argument is a t_fail like any. */
#ifndef LUNETTE_BIND_H
#define LUNETTE_BIND_H

#include <lauxlib.h>
#include <lua.h>

#include "../../tensor/op.h"

/* ---- handles (handle.c): a userdata that holds one share of a tensor ---------------------------- */

typedef struct Handle {
  Tensor *t;                  /* NULL: closed */
  struct Handle *prev, *next; /* among those born in the same scope, or NULL */
  int closed_line;            /* of the scope that closed it */
  bool kept;                  /* scopes leave it alone */
} Handle;

#define TENSOR_META "lunette.tensor"

/* The tensor at a stack place, or NULL when there is none. A closed handle fails, with the line of
   its scope. For use inside t_try. The open window holds a share: a finalizer that closes the handle
   meanwhile does no harm. */
Tensor *handle_at(lua_State *L, int i);
bool handle_is(lua_State *L, int i);
/* The same outside of t_try: raises Lua errors, and holds nothing: the tensor is sure until Lua
   allocates next. where begins the message. */
Tensor *handle_check(lua_State *L, int i, const char *where);
/* Pushes the tensor's userdata: the one it has when it can be found (among the arguments, or as a
   leaf), else a new one. May raise. */
void handle_push(lua_State *L, Tensor *x);
/* Makes the userdata at i findable from its tensor: leaves need it for .grad. */
void handle_register(lua_State *L, int i);
/* Pushes the registered userdata of x or nil; never raises. */
bool handle_find(lua_State *L, Tensor *x);
void handle_open(lua_State *L);
void handle_keep(lua_State *L, int i); /* scopes leave it alone from now on */

/* ---- entering the core (enter.c) ---------------------------------------------------------------- */

/* Runs fn(arg) in the core: collects when due, clears what an earlier error left, sets the tape to
   the mode of this coroutine. Raises the failure as a Lua error. Births stay until enter_end. */
void enter(lua_State *L, void (*fn)(void *), void *arg);
void enter_end(lua_State *L);
/* The tensor at a stack place, held until enter_end, for what reads it while Lua allocates: a
   finalizer may close its handle. Raises when there is none. */
Tensor *enter_hold(lua_State *L, int i, const char *where);
/* For long loops outside of the core: raises the error that Ctrl-C asks for, when it does. */
void enter_poll(lua_State *L);
/* Calls the function below nargs arguments from inside the core; fails with Lua's own error. */
void enter_callback(lua_State *L, int nargs, int nresults);
lua_State *enter_state(void); /* the state that the core was entered from; for callbacks */
void enter_open(lua_State *L);
/* Wherever Lua might collect: a full collection, in a program built with -DLUNETTE_STRESS that finds
   LUNETTE_STRESS in its environment. */
#ifdef LUNETTE_STRESS
void enter_stress(lua_State *L);
#else
static inline void enter_stress(lua_State *L) { (void)L; }
#endif

/* ---- the user's place (place.c) ------------------------------------------------------------------- */

void place_set_root(const char *folder); /* the folder that holds nn/ and scripts/ */
/* Is the chunk with this source (lua_Debug's `source`) one of the library's files there? */
bool place_is_library(const char *source);
/* The innermost Lua function that is the user's ("Sl"), from a level of the stack on (1: the caller of
   the C function that runs); false when there is none. */
bool place_find(lua_State *L, int level, lua_Debug *ar);
void place_push(lua_State *L, int level); /* "file:line: " of it, or "" */
void place_open(lua_State *L);            /* adds to the core's table, on the top of the stack */

/* ---- arguments (args.c) -------------------------------------------------------------------------- */

/* Fills the call from the arguments on the stack (1..top), by op's signature; inside t_try. With
   function false the call is a method's and the first argument its tensor. */
void args_read(lua_State *L, const Op *op, bool inplace, Call *c);
/* A dimension as the user counts (from 1 or from the end) to one from 0; ndim dimensions. */
int64_t args_dim(const char *where, int64_t given, int ndim);
bool args_is_options(lua_State *L, int i);
/* requires_grad among the options of a creating function: read by bind.c after the call. */
bool args_option_bool(lua_State *L, int i, const char *name);

/* ---- functions that are no ops (functions.c) ------------------------------------------------------ */

/* text is what help says: the call and what it does; then, after "example:", lines as typed at the
   prompt and what they print (see scripts/help/source.lua). */
typedef struct Function {
  const char *name;
  lua_CFunction call;
  const char *text;
} Function;

/* Sets the functions of a list, which ends with {NULL}, in the table at a stack place; their upvalue is
   the value at the place meta, or there is none where that is 0. */
void functions_set(lua_State *L, int table, int meta, const Function *list);
void functions_open(lua_State *L);
void functions_texts(lua_State *L); /* pushes the table function -> text */

/* ---- the rest ------------------------------------------------------------------------------------- */

int luaopen_lunette_core(lua_State *L);

void bind_push_result(lua_State *L, Tensor *y, bool as_tensor);
/* Pushes the function of an op; meta is the place of the tensor metatable. */
void bind_push_op(lua_State *L, int meta, const Op *op, bool inplace);
int bind_watch(lua_State *L); /* core.watch */
/* suggest.c: the known name nearest to a wrong one. Start from {.wrong = ...}, consider names one by
   one; name is empty while none is near. Of equals the one that begins alike, then the first in the
   alphabet, so that the order of a table does not matter. */
typedef struct Suggestion {
  const char *wrong;
  char name[64];
  int distance;
} Suggestion;
void suggest_consider(Suggestion *s, const char *name);
void suggest_from_keys(Suggestion *s, lua_State *L, int table);
void suggest_open(lua_State *L); /* adds to the core's table, on the top of the stack */
/* How we write what other libraries have as this method or field of a tensor, or NULL. */
const char *suggest_method(const char *name);
/* What to do about an option that other libraries have, or NULL. */
const char *suggest_option(const char *name);

/* Each adds its functions to the library table on the top of the stack; meta is the place of the
   tensor metatable, methods the place of the table of methods. */
void construct_open(lua_State *L, int lib, int methods);
bool construct_is_library(lua_State *L, int i); /* is this the library table itself? */
void index_open(lua_State *L, int lib, int meta, int methods);
void fields_open(lua_State *L, int lib, int meta, int methods); /* pushes the table of fields */
void print_open(lua_State *L, int meta);
void print_precision_open(lua_State *L); /* adds to the core's table, on the top of the stack */
int print_width(lua_State *L);
void compare_open(lua_State *L, int meta);
void autograd_open(lua_State *L, int lib, int methods);
void record_open(lua_State *L, int lib); /* adds to the core's table too, on the top of the stack */
/* Lets go of functions whose nodes have died; never raises. record_dead: are there any? */
void record_sweep(lua_State *L);
extern bool record_dead;
void state_open(lua_State *L, int lib);
void testing_open(lua_State *L, int rows); /* rows: the place of the table of those that trust */
void seed_open(lua_State *L, int lib);
void files_open(lua_State *L, int lib);
void archive_open(lua_State *L); /* adds to the core's table, on the top of the stack */
void machine_open(lua_State *L); /* adds to the core's table, on the top of the stack */
/* Runs fn as enter does, in t_try, and counts its time for the user's line; while profile_on. */
bool profile_enter(lua_State *L, void (*fn)(void *), void *arg);
void memory_open(lua_State *L);  /* adds to the core's table, on the top of the stack */
void profile_open(lua_State *L); /* adds to the core's table, on the top of the stack */
void list_open(lua_State *L, int lib);
void list_wrap(lua_State *L); /* the table on top becomes a list */
void scope_open(lua_State *L, int lib);
void scope_birth(lua_State *L, Handle *h);
bool scope_tape(lua_State *L); /* is recording on in this coroutine? */

#endif
