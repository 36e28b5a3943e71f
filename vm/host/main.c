/* The program `lunette`: a stand-alone Lua with the tensor core built in.

   It takes lua's options, environment (LUA_INIT) and `arg`, and has lua's messages and exit codes:
   0, 1 after an error, and 130 when Ctrl-C came in while a script ran. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "lua.h"
#include "lauxlib.h"
#include "lualib.h"
#include "coroutine.h"
#include "../prompt/terminal/terminal.h"
#include "files.h"
#include "globals.h"
#include "hooks.h"
#include "interrupt.h"
#include "loader.h"
#include "memory.h"
#include "options.h"
#include "output.h"
#include "../prompt/console.h"
#include "../prompt/prompt.h"
#include "run.h"
#include "strings.h"
#include "tables.h"
#include "../../tensor/machine/team.h"
#include "version.h"

typedef struct {
  Options options;
  int argc;
  char **argv;
  const char *name; /* of the program, in messages */
  bool interrupted; /* Ctrl-C came in while something other than a prompt entry ran */
  bool good;
} Program;

/* Reports the error on top of the stack, if status says that there is one. */
static bool report(lua_State *L, Program *p, int status) {
  if (status == LUA_OK) return true;
  const char *message = lua_tostring(L, -1);
  run_message(p->name, message ? message : "(error object is not a string)");
  lua_pop(L, 1);
  return false;
}

/* Runs a chunk that a load of this status has pushed. */
static bool run_chunk(lua_State *L, Program *p, int status) {
  if (status == LUA_OK) status = run_call(L, 0, 0, &p->interrupted);
  return report(L, p, status);
}

static bool run_text(lua_State *L, Program *p, const char *text, const char *name) {
  return run_chunk(L, p, loader_text(L, text, strlen(text), name));
}

static bool run_init(lua_State *L, Program *p) {
  const char *name = "=LUA_INIT" LUA_VERSUFFIX;
  const char *init = getenv(name + 1);
  if (init == NULL) init = getenv((name = "=LUA_INIT") + 1);
  if (init == NULL) return true;
  if (init[0] == '@') return run_chunk(L, p, loader_file(L, init + 1));
  return run_text(L, p, init, name);
}

/* -l [name=]module */
static bool run_library(lua_State *L, Program *p, const char *of) {
  const char *module = strchr(of, '=');
  lua_getglobal(L, "require");
  lua_pushstring(L, module ? module + 1 : of);
  if (!report(L, p, run_call(L, 1, 1, &p->interrupted))) return false;
  lua_pushglobaltable(L);
  lua_pushlstring(L, of, module ? (size_t)(module - of) : strlen(of));
  lua_rotate(L, -3, -1);
  lua_settable(L, -3);
  lua_pop(L, 1);
  return true;
}

static bool run_steps(lua_State *L, Program *p) {
  for (int i = 0; i < p->options.nsteps; i++) {
    const Step *step = &p->options.steps[i];
    bool good = true;
    if (step->kind == 'W')
      lua_warning(L, "@on", 0);
    else if (step->kind == 'e')
      good = run_text(L, p, step->of, "=(command line)");
    else
      good = run_library(L, p, step->of);
    if (!good) return false;
  }
  return true;
}

/* Pushes what the table `arg` holds for the script; returns how many. */
static int push_arguments(lua_State *L) {
  if (lua_getglobal(L, "arg") != LUA_TTABLE) return luaL_error(L, "'arg' is not a table");
  int table = lua_gettop(L);
  int n = (int)luaL_len(L, table);
  luaL_checkstack(L, n + 3, "too many arguments to script");
  for (int i = 1; i <= n; i++) lua_rawgeti(L, table, i);
  lua_remove(L, table);
  return n;
}

/* lunette lint FILE...: there is no script of that name. */
static bool is_lint(const char *script) {
  return strcmp(script, "lint") == 0 && access(script, F_OK) != 0;
}

static bool run_script(lua_State *L, Program *p) {
  char **at = p->argv + p->options.script;
  if (is_lint(at[0])) {
    static const char lint[] =
        "require 'lunette' os.exit(require 'lunette.lint'.run(arg) == 0, true)";
    return run_text(L, p, lint, "=lint");
  }
  bool is_stdin = strcmp(at[0], "-") == 0 && strcmp(at[-1], "--") != 0;
  int status = loader_file(L, is_stdin ? NULL : at[0]);
  if (status == LUA_OK) {
    int n = push_arguments(L);
    status = run_call(L, n, 0, &p->interrupted);
  }
  return report(L, p, status);
}

/* arg: the script at 0, its arguments from 1, what stands before it below 0. */
static void set_arg(lua_State *L, const Program *p) {
  int zero = p->options.script < p->argc ? p->options.script : 0;
  lua_createtable(L, p->argc - zero, zero + 1);
  for (int i = 0; i < p->argc; i++) {
    lua_pushstring(L, p->argv[i]);
    lua_rawseti(L, -2, i - zero);
  }
  lua_setglobal(L, "arg");
}

/* What options say is left in the registry, for luaopen_lunette: "lunette.threads" and
   "lunette.seed", integers, absent when not given. */
static void set_registry(lua_State *L, const char *field, long long value) {
  lua_pushinteger(L, (lua_Integer)value);
  lua_setfield(L, LUA_REGISTRYINDEX, field);
}

/* Everything that scripts find. */
static void open_state(lua_State *L, const Program *p) {
  const Options *o = &p->options;
  if (o->ignore_environment) {
    lua_pushboolean(L, 1);
    lua_setfield(L, LUA_REGISTRYINDEX, "LUA_NOENV"); /* read by the library `package` */
  }
  luaL_openlibs(L);
  hooks_find(L);
  output_install(L);
  files_install(L);
  loader_install(L, o->allow_binary);
  coroutine_install(L);
  strings_install(L);
  tables_install(L);
  globals_install(L);
  console_install(L);
  if (o->threads > 0) set_registry(L, "lunette.threads", o->threads);
  if (o->seed >= 0) set_registry(L, "lunette.seed", o->seed);
  set_arg(L, p);
  lua_gc(L, LUA_GCGEN, 0, 0); /* as stock lua: young collections find dead tensors cheaply */
}

static void show_version(void) {
  printf("Lunette %s  %s\n", LUNETTE_VERSION, LUA_COPYRIGHT);
  fflush(stdout);
}

static void run_prompt(lua_State *L, const Program *p) {
  const Options *o = &p->options;
  prompt_greet(o->threads > 0 ? o->threads : team_threads(), o->seed >= 0 ? o->seed : 1);
  prompt_run(L, !o->no_init && !o->ignore_environment);
}

/* The program, as a Lua function: (Program) -> nothing. */
static int run_program(lua_State *L) {
  Program *p = lua_touserdata(L, 1);
  const Options *o = &p->options;
  bool has_script = o->script < p->argc;
  luaL_checkversion(L);
  if (o->version || (o->interactive && !terminal_is())) show_version();
  open_state(L, p);
  interrupt_install(INTERRUPT_SCRIPT);
  if (!o->ignore_environment && !run_init(L, p)) return 0;
  if (!run_steps(L, p)) return 0;
  p->good = !has_script || run_script(L, p);
  if (o->interactive && (p->good || terminal_is())) {
    run_prompt(L, p);
  } else if (!has_script && !o->has_code && !o->version) {
    if (isatty(STDIN_FILENO))
      run_prompt(L, p);
    else
      p->good = run_chunk(L, p, loader_file(L, NULL));
  }
  return 0;
}

/* Options that are all there is to do. Returns whether there was one. */
static bool run_only(Program *p) {
  const Options *o = &p->options;
  if (o->bad != 0) {
    fprintf(stderr, "%s: ", p->name);
    fprintf(stderr, o->reason, p->argv[o->bad]);
    fprintf(stderr, "\n");
    fprintf(stderr, options_usage, p->name);
    return true;
  }
  if (o->only_help) printf(options_usage, p->name);
  if (o->only_version) show_version();
  p->good = o->only_help || o->only_version;
  return p->good;
}

static void run_state(Program *p) {
  lua_State *L = memory_state();
  if (L == NULL) {
    run_message(p->name, "cannot create state: not enough memory");
    return;
  }
  lua_pushcfunction(L, run_program);
  lua_pushlightuserdata(L, p);
  bool good = report(L, p, lua_pcall(L, 1, 0, 0));
  p->good = p->good && good;
  lua_close(L);
}

int main(int argc, char **argv) {
  Program p = {.argc = argc, .argv = argv, .name = "lunette"};
  if (argc > 0 && argv[0][0] != '\0') p.name = argv[0];
  output_ignore_signals();
  if (!options_read(&p.options, argc, argv)) {
    run_message(p.name, "not enough memory");
    return EXIT_FAILURE;
  }
  if (!run_only(&p)) run_state(&p);
  options_free(&p.options);
  if (!output_finish() && p.good) {
    fprintf(stderr, "%s: cannot write to the standard output: %s\n", p.name, strerror(errno));
    p.good = false;
  }
  if (p.interrupted) return EXIT_INTERRUPTED;
  return p.good ? EXIT_SUCCESS : EXIT_FAILURE;
}
