/* Ctrl-C in the program: how running Lua code is stopped, wherever it runs. */
#ifndef LUNETTE_INTERRUPT_H
#define LUNETTE_INTERRUPT_H

#include <stdbool.h>
#include "lua.h"

typedef enum {
  INTERRUPT_SCRIPT, /* a second signal before the landing ends the process */
  INTERRUPT_PROMPT  /* the process ends only when C code has not come back for a while */
} InterruptMode;

/* Takes SIGINT over for the rest of the process; to be called from the thread that runs Lua. */
void interrupt_install(InterruptMode mode);

/* Code that runs in L between the two can be stopped. `interrupt_land` answers whether a signal
   came in between, and ends the interruption: flag down, hooks off. Not to be nested. */
void interrupt_start(lua_State *L);
bool interrupt_land(void);

/* Has a signal come in outside of running code (while a line is read)? Asking takes it back. */
bool interrupt_taken(void);

/* For C functions that may run for long: raises the error that Ctrl-C asks for, if it does. */
void interrupt_check(lua_State *L);

/* Would it? */
bool interrupt_is_due(void);

/* Code that can hold still by itself, between two steps, says so: then Ctrl-C raises nothing but sets
   the flag that `interrupt_pause_asked` reads and takes back. A second one, half a second later,
   stops as everywhere; what was asked for and never read stops at the end (on is false, drop too).
   Returns what was set before. */
bool interrupt_pausable(bool on, bool drop);
bool interrupt_pause_asked(void);

/* As a Ctrl-C that nothing takes for a question. */
void interrupt_ask(void);

/* Between the two other code may be run by itself, with starts and landings of its own, inside of
   code that runs. False: an interruption is under way, nothing was held. */
typedef struct InterruptHeld InterruptHeld;
bool interrupt_hold(InterruptHeld *held);
void interrupt_go_on(const InterruptHeld *held);

/* Coroutines: code that runs in `co` until the matching leave belongs to the chain that Ctrl-C
   stops. A link lives in the C frame that does the resume. */
typedef struct InterruptLink InterruptLink;
struct InterruptLink {
  lua_State *L;
  InterruptLink *prev;
  lua_Hook hook; /* what the user had set, while ours is armed */
  int mask, count;
  volatile bool armed;
};
struct InterruptHeld {
  InterruptLink *newest, root;
  bool pausable;
};
void interrupt_enter(InterruptLink *link, lua_State *co);
void interrupt_leave(InterruptLink *link);

#endif
