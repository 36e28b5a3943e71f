/* The options: those of lua, with its rules and messages, and a few with long names. */
#include "options.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include "../../tensor/machine/team.h"

const char options_usage[] =
    "usage: %s [options] [script [args]]\n"
    "Runs a Lua script with tensors and neural networks at hand; without one, opens a prompt.\n"
    "Available options are:\n"
    "  -e stat   execute string 'stat'\n"
    "  -i        enter interactive mode after executing 'script'\n"
    "  -l mod    require library 'mod' into global 'mod'\n"
    "  -l g=mod  require library 'mod' into global 'g'\n"
    "  -v        show version information\n"
    "  -E        ignore environment variables, and the prompt's init.lua\n"
    "  -W        turn warnings on\n"
    "  --        stop handling options\n"
    "  -         stop handling options and execute stdin\n"
    "  --threads N      compute with N threads (results do not depend on N)\n"
    "  --seed N         seed of all random numbers (1 by default; 'random' for another each time)\n"
    "  --no-init        do not run ~/.config/lunette/init.lua at the start of a prompt\n"
    "  --allow-binary   load precompiled Lua code too (a crafted file can crash the program)\n"
    "  --version        show version information and exit\n"
    "  --help           show this list and exit\n";

static const char unrecognized[] = "unrecognized option '%s'";
static const char needs_argument[] = "'%s' needs argument";

static void fail(Options *o, int i, const char *reason) {
  o->bad = i;
  o->reason = reason;
}

/* A whole number from `low` to `high`; false when text is none. */
static bool read_number(const char *text, long long low, long long high, long long *number) {
  char *end;
  errno = 0;
  *number = strtoll(text, &end, 10);
  return errno == 0 && end != text && *end == '\0' && *number >= low && *number <= high;
}

/* A seed short enough to be typed again. */
static long long random_seed(void) {
  unsigned int bits = 0;
  if (getrandom(&bits, sizeof bits, 0) != sizeof bits) bits = 1;
  return bits % 1000000000u;
}

static void read_threads(Options *o, int i, const char *text) {
  static const char wrong[] = "'--threads' wants a whole number from 1 to 64, not '%s'";
  _Static_assert(TEAM_MAX == 64, "the message names the most threads");
  if (!read_number(text, 1, TEAM_MAX, &o->threads)) fail(o, i, wrong);
}

static void read_seed(Options *o, int i, const char *text) {
  static const char wrong[] = "'--seed' wants a whole number from 0 on, or 'random', not '%s'";
  if (strcmp(text, "random") == 0)
    o->seed = random_seed();
  else if (!read_number(text, 0, 0x7fffffffffffffffLL, &o->seed))
    fail(o, i, wrong);
}

/* An option with a long name, at argv[i]; returns the index of its last part. */
static int read_long(Options *o, char **argv, int i) {
  static const struct {
    const char *name;
    void (*read)(Options *o, int i, const char *text);
  } valued[] = {{"--threads", read_threads}, {"--seed", read_seed}};
  const char *option = argv[i];
  if (strcmp(option, "--allow-binary") == 0) {
    o->allow_binary = true;
  } else if (strcmp(option, "--no-init") == 0) {
    o->no_init = true;
  } else if (strcmp(option, "--version") == 0) {
    o->only_version = true;
  } else if (strcmp(option, "--help") == 0) {
    o->only_help = true;
  } else {
    for (size_t k = 0; k < sizeof valued / sizeof valued[0]; k++) {
      size_t n = strlen(valued[k].name);
      if (strncmp(option, valued[k].name, n) != 0) continue;
      if (option[n] == '=') {
        valued[k].read(o, i, option + n + 1);
        return i;
      }
      if (option[n] != '\0') continue;
      if (argv[i + 1] == NULL)
        fail(o, i, needs_argument);
      else
        valued[k].read(o, i + 1, argv[i + 1]);
      return i + 1;
    }
    fail(o, i, unrecognized);
  }
  return i;
}

/* An option of one letter, at argv[i]; returns the index of its last part. */
static int read_short(Options *o, char **argv, int i) {
  const char *rest = argv[i] + 2;
  char letter = argv[i][1];
  if (letter == 'e' || letter == 'l') {
    if (*rest == '\0') {
      rest = argv[i + 1];
      if (rest == NULL || rest[0] == '-') {
        fail(o, i, needs_argument);
        return i;
      }
      i++;
    }
    o->has_code |= letter == 'e';
    o->steps[o->nsteps++] = (Step){letter, rest};
    return i;
  }
  if (*rest != '\0' || strchr("iWvE", letter) == NULL) {
    fail(o, i, unrecognized);
    return i;
  }
  if (letter == 'W') o->steps[o->nsteps++] = (Step){'W', NULL};
  if (letter == 'E') o->ignore_environment = true;
  if (letter == 'i') o->interactive = true;
  if (letter == 'v') o->version = true;
  return i;
}

bool options_read(Options *options, int argc, char **argv) {
  *options = (Options){.seed = -1, .script = argc};
  options->steps = calloc((size_t)argc + 1, sizeof *options->steps);
  if (options->steps == NULL) return false;
  int i = 1;
  for (; i < argc && options->bad == 0; i++) {
    const char *arg = argv[i];
    if (arg[0] != '-' || arg[1] == '\0') break; /* a script, or '-' */
    if (strcmp(arg, "--") == 0) {
      i++;
      break;
    }
    i = arg[1] == '-' ? read_long(options, argv, i) : read_short(options, argv, i);
  }
  if (options->bad == 0) options->script = i < argc ? i : argc;
  return true;
}

void options_free(Options *options) { free(options->steps); }
