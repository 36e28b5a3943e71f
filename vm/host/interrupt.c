/* Ctrl-C in the program.

   The signal handler raises the flag that kernels poll (`team_interrupt`) and arms a debug hook on
   every Lua thread of the running resume chain, so that a coroutine, a loop around pcall and a C
   function that calls back into Lua are all stopped. An interruption has three stages:

     ASKED     the next Lua instruction raises "interrupted!", which a pcall may catch, as in lua
     GRACE     whoever caught it has half a second to tidy up
     STOPPING  every Lua instruction raises, until the caller of `interrupt_start` is back

   When a kernel was cut first, its error is the one of ASKED. Only count hooks are used: a hook at
   calls would also keep __close functions written in C from doing their work. */
#include "interrupt.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include "lauxlib.h"
#include "../../tensor/team.h"

#define GRACE_SECONDS 0.5
#define GRACE_STEP    1000 /* Lua instructions between two looks at the clock */
#define STUCK_SECONDS 2.0  /* at the prompt: from then on another signal ends the process */

enum { IDLE, ASKED, GRACE, STOPPING };

static volatile sig_atomic_t stage = IDLE;
static volatile sig_atomic_t warned;   /* the user knows that the next Ctrl-C ends the process */
static double asked_at;                /* seconds; written where `stage` leaves IDLE */
static InterruptLink *volatile newest; /* the chain of running threads, innermost first */
static InterruptLink root;
static InterruptMode mode;
static pthread_t lua_thread;

static void set_hooks(int count);

static double seconds(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

/* Moves the interruption on and answers whether it is time to raise an error. */
static bool is_due(void) {
  if (stage == ASKED) {
    bool unheard = team_interrupt != 0; /* else a kernel has raised its error already */
    team_interrupt = 0;
    stage = GRACE;
    set_hooks(GRACE_STEP);
    return unheard;
  }
  if (stage == GRACE && seconds() > asked_at + GRACE_SECONDS) {
    stage = STOPPING;
    team_interrupt = 1;
    set_hooks(1);
  }
  return stage == STOPPING;
}

/* Raises the error, with the position of the function at this level of the stack. */
static void raise_error(lua_State *L, int level) {
  luaL_where(L, level);
  lua_pushliteral(L, "interrupted!");
  lua_concat(L, 2);
  lua_error(L);
}

/* The hook. A thread may meet it long after the landing: a coroutine made meanwhile inherits it. */
static void stop(lua_State *L, lua_Debug *ar) {
  (void)ar;
  if (stage == IDLE)
    lua_sethook(L, NULL, 0, 0);
  else if (is_due())
    raise_error(L, 0);
}

void interrupt_check(lua_State *L) {
  if (stage != IDLE && is_due()) raise_error(L, 1);
}

static void set_hooks(int count) {
  for (InterruptLink *link = newest; link != NULL; link = link->prev)
    lua_sethook(link->L, stop, LUA_MASKCOUNT, count);
}

/* Safe in a signal handler, as far as lua_sethook is (its authors use it so). */
static void arm(InterruptLink *link) {
  if (!link->armed) {
    link->hook = lua_gethook(link->L);
    link->mask = lua_gethookmask(link->L);
    link->count = lua_gethookcount(link->L);
    link->armed = true;
  }
  lua_sethook(link->L, stop, LUA_MASKCOUNT, stage == GRACE ? GRACE_STEP : 1);
}

static void restore(InterruptLink *link) {
  if (!link->armed) return;
  link->armed = false;
  if (link->hook == stop) link->hook = NULL; /* inherited in an earlier interruption */
  lua_sethook(link->L, link->hook, link->hook ? link->mask : 0, link->count);
}

static void end_process(int sig) {
  signal(sig, SIG_DFL);
  raise(sig);
}

/* A further signal while the interruption is under way. */
static void press_again(int sig) {
  static const char text[] =
      "\nStill inside a C function. Ctrl-C once more ends the program and what it holds.\n";
  if (mode == INTERRUPT_SCRIPT || (warned && newest != NULL)) {
    end_process(sig);
  } else if (newest != NULL) {
    stage = STOPPING;
    if (seconds() > asked_at + STUCK_SECONDS) {
      warned = 1;
      if (write(STDERR_FILENO, text, sizeof text - 1) < 0) warned = 2; /* nobody to tell */
    }
  }
}

static void on_signal(int sig) {
  int saved = errno;
  if (!pthread_equal(pthread_self(), lua_thread)) {
    pthread_kill(lua_thread, sig); /* Lua's state may be touched from its own thread alone */
    errno = saved;
    return;
  }
  team_interrupt = 1;
  if (stage == IDLE) {
    asked_at = seconds();
    stage = ASKED;
  } else {
    press_again(sig);
  }
  for (InterruptLink *link = newest; link != NULL; link = link->prev) arm(link);
  errno = saved;
}

void interrupt_install(InterruptMode how) {
  struct sigaction action;
  mode = how;
  lua_thread = pthread_self();
  memset(&action, 0, sizeof action);
  action.sa_handler = on_signal;
  sigemptyset(&action.sa_mask); /* no SA_RESTART: a read that waits is to come back */
  sigaction(SIGINT, &action, NULL);
}

void interrupt_enter(InterruptLink *link, lua_State *co) {
  if (lua_gethook(co) == stop && stage == IDLE) lua_sethook(co, NULL, 0, 0);
  link->L = co;
  link->prev = newest;
  link->armed = false;
  atomic_signal_fence(memory_order_seq_cst);
  newest = link;
  if (stage != IDLE) arm(link);
}

void interrupt_leave(InterruptLink *link) {
  newest = link->prev; /* from here on the handler leaves `link` alone */
  atomic_signal_fence(memory_order_seq_cst);
  restore(link);
}

void interrupt_start(lua_State *L) {
  stage = IDLE;
  team_interrupt = 0;
  interrupt_enter(&root, L);
}

bool interrupt_land(void) {
  interrupt_leave(&root);
  newest = NULL;
  return interrupt_taken();
}

bool interrupt_taken(void) {
  bool taken = stage != IDLE;
  stage = IDLE;
  warned = 0;
  team_interrupt = 0;
  return taken;
}
