/* Lua's string patterns: the matcher. */
#ifndef LUNETTE_PATTERN_H
#define LUNETTE_PATTERN_H

#include <stddef.h>
#include "lua.h"

#define MAX_CAPTURES 32

#define CAPTURE_OPEN     (-1) /* as a capture's size: its ')' has not been met */
#define CAPTURE_POSITION (-2) /* "()": a place, and no text */

typedef struct {
  lua_State *L;            /* whom errors are raised in */
  const char *start, *end; /* the subject; *end is zero */
  const char *pattern_end; /* *pattern_end is zero */
  int depth;               /* levels of recursion that are left */
  size_t work;             /* steps since the last look at the interrupt flag */
  int ncaptures;
  struct {
    const char *at;
    ptrdiff_t size;
  } captures[MAX_CAPTURES];
} Search;

/* To be called before the first search in the subject of `size` bytes. */
void pattern_prepare(Search *m, lua_State *L, const char *subject, size_t size,
                     const char *pattern_end);

/* Matches the pattern from `p` on with the subject from `s` on. Returns where the match ends, or
   NULL. Raises an error for a malformed pattern, and when Ctrl-C comes in. */
const char *pattern_match(Search *m, const char *s, const char *p);

/* Counts steps, so that Ctrl-C is heeded: a look at its flag takes place every millisecond or two. */
void pattern_look(Search *m);
static inline void pattern_count(Search *m, size_t steps) {
  m->work += steps;
  if (m->work >= 1 << 18) pattern_look(m);
}

#endif
