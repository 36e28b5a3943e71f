/* The profile: how often each op ran and how long, with backward's ops, while it is on. */
#ifndef LUNETTE_PROFILE_H
#define LUNETTE_PROFILE_H

#include "../op.h"

extern bool profile_on;

/* Sets the counts in all rows to zero and starts, or stops. */
void profile_set(bool on);
/* Applies a call, timed. */
void profile_apply(Call *c, void (*apply)(Call *));

/* Calls of ops that a failure left never end; whoever lands puts back what it found. */
struct ProfileFrame *profile_mark(void);
void profile_back(struct ProfileFrame *mark);

double profile_now(void); /* seconds */

#endif
