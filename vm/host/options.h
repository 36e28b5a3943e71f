/* The command line of the program, taken apart before any Lua code runs. */
#ifndef LUNETTE_OPTIONS_H
#define LUNETTE_OPTIONS_H

#include <stdbool.h>

typedef struct {
  char kind;      /* 'e', 'l' or 'W', as on the command line */
  const char *of; /* the code, or [name=]module; NULL for W */
} Step;

typedef struct {
  bool interactive, version, ignore_environment, allow_binary;
  bool no_init;       /* --no-init */
  bool has_code;      /* some -e */
  bool only_version;  /* --version */
  bool only_help;     /* --help */
  long long threads;  /* 0: not given */
  long long seed;     /* -1: not given */
  int script;         /* index of the script in argv; argc when there is none */
  int bad;            /* index of an argument that is wrong, or 0 */
  const char *reason; /* what is wrong with it, with a %s for it */
  Step *steps;        /* in order; from malloc */
  int nsteps;
} Options;

/* False when memory is short. */
bool options_read(Options *options, int argc, char **argv);
void options_free(Options *options);

/* The usage of the program, as --help and a wrong option show it. */
extern const char options_usage[];

#endif
