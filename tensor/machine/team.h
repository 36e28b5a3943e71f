/* The thread team and the interrupt flag.
   A job is cut into parts by its shapes alone, never by the number of threads; parts run in any
   order on any thread and each writes only its own piece. So the bits do not depend on threads.
   Errors are never raised inside a part. */
#ifndef LUNETTE_TEAM_H
#define LUNETTE_TEAM_H

#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define TEAM_MAX 64 /* most threads a team has */

/* Set by the host's signal handler; cleared by whoever reports the interrupt. Atomic and lock-free:
   handlers may write it and workers read it. */
extern atomic_int team_interrupt;

typedef void (*TeamFn)(void *job, int64_t part);

/* Runs fn(job, 0..parts-1) and returns when all are done; the caller works too. Called from inside
   a part it runs serially. When the job may be cut (team_set_cut) and the interrupt flag is up, the
   remaining parts are dropped and team_was_cut() answers true. */
void team_run(int64_t parts, TeamFn fn, void *job);

int team_threads(void);       /* threads in use, the caller included */
void team_set_threads(int n); /* 1..TEAM_MAX; 0 means one per processor this process may use */
int team_self(void);          /* 0..team_threads()-1: which thread this is; indexes scratch */

/* May jobs be dropped half way? At once, or when the flag has been up for a while: so that what is
   short is whole, and what is long ends all the same. */
typedef enum { TEAM_WHOLE, TEAM_CUT_LATE, TEAM_CUT } TeamCut;
TeamCut
team_set_cut(TeamCut when); /* returns what was in force; clears was_cut when the flag is down */
bool team_was_cut(void);
/* For long loops outside of parts, to be asked now and then: is the op to end here? */
bool team_cut(void);
/* The end of the next piece of such a loop, from `at` to n; `at` when it is over or to end here:
   for (int64_t at = 0, end; (end = team_piece(at, n)) > at; at = end) */
int64_t team_piece(int64_t at, int64_t n);

#endif
