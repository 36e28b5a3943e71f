/* Births and failures: the list of shares that open scopes hold, and the one way out of an op. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "birth.h"
#include "machine/mem.h"
#include "tape/tape.h"
#include "machine/team.h"
#include "watch/profile.h"

/* ---- birth scopes: one growing list; a scope is a position in it ------------------------------ */

static Tensor **born;
static int born_count, born_room;

void birth_reserve(int n) {
  if (born_count + n <= born_room) return;
  int room = born_room * 2 + 256 + n;
  Tensor **list = mem_should_fail() ? NULL : realloc(born, (size_t)room * sizeof *list);
  if (!list) t_fail("out of memory: the list of %d new tensors cannot grow", born_count);
  born = list;
  born_room = room;
}

Tensor *birth_hold(Tensor *x) {
  if (born_count == born_room) birth_reserve(1);
  x->refs++;
  return born[born_count++] = x;
}

void birth_add(Tensor *x) { born[born_count++] = x; }

int t_mark(void) { return born_count; }

void t_leave(int mark) {
  while (born_count > mark) t_free(born[--born_count]);
}

/* ---- failing ---------------------------------------------------------------------------------- */

typedef struct Landing {
  jmp_buf jump;
  struct Landing *outer;
} Landing;

static Landing *landing;
static char message[1024];
static bool pending;

void t_fail(const char *format, ...) {
  va_list args;
  va_start(args, format);
  vsnprintf(message, sizeof message, format, args);
  va_end(args);
  if (team_interrupt && team_was_cut()) { /* it speaks of what was computed in part */
    team_interrupt = 0;                   /* reported here */
    strcpy(message, "interrupted!");
  }
  pending = false;
  if (!landing) {
    fprintf(stderr, "lunette: %s (outside of t_try)\n", message);
    abort();
  }
  _longjmp(landing->jump, 1);
}

void t_poll(void) {
  if (!team_interrupt) return;
  team_interrupt = 0; /* reported here */
  t_fail("interrupted!");
}

void t_fail_pending(void) {
  pending = true;
  _longjmp(landing->jump, 1);
}

void t_fail_again(void) { _longjmp(landing->jump, 1); }

bool t_try(void (*fn)(void *), void *arg) {
  Landing here;
  here.outer = landing;
  const int mark = born_count;
  const bool tape = tape_on;
  Node *const unfinished = tape_unfinished;
  struct ProfileFrame *const timed = profile_mark();
  landing = &here;
  if (_setjmp(here.jump) == 0) {
    fn(arg);
    landing = here.outer;
    return true;
  }
  landing = here.outer;
  tape_on = tape;
  profile_back(timed);
  team_set_cut(TEAM_WHOLE); /* an op may have been left half way */
  tape_drop_unfinished(unfinished);
  t_leave(mark);
  return false;
}

const char *t_message(void) { return pending ? NULL : message; }

void (*t_note)(const char *text);
