/* Ctrl-C in the program.

   The signal handler raises the flag that kernels poll (`team_interrupt`) and arms a debug hook on
   every Lua thread of the running resume chain, so that a coroutine, a loop around pcall and a C
   function that calls back into Lua are all stopped. An interruption has three stages:

     ASKED     the next Lua instruction raises "interrupted!", which a pcall may catch, as in lua
     GRACE     whoever caught it has a moment to tidy up, with neither flag nor hooks
     STOPPING  every Lua instruction raises, until the caller of `interrupt_start` is back

   Where code can pause by itself (interrupt_pausable), the first signal is a question to it only.

   Where Lua calls no hooks, in a finalizer or a message handler, they are let in after a moment.

   When a kernel was cut first, its error is the one of ASKED. The end of GRACE comes as the same
   signal from a timer, since Lua code may spend it in kernels. Only count hooks are used: a hook at
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
#include "hooks.h"
#include "../bind/bind.h"
#include "../../tensor/machine/team.h"

#define SCRIPT_GRACE  0.5  /* time to save what was reached */
#define PROMPT_GRACE  0.03 /* the prompt is to be back within a tenth of a second */
#define ASK_SECONDS   0.04 /* for a finalizer to end by itself */
#define PAUSE_SECONDS 0.5  /* for the step that runs; from then on another signal stops it */
#define STUCK_SECONDS 2.0  /* at the prompt: from then on another signal ends the process */

enum { IDLE, ASKED, GRACE, STOPPING };

static volatile sig_atomic_t stage = IDLE;
static volatile sig_atomic_t expired; /* the timer's signal came to another thread */
static volatile sig_atomic_t warned;  /* the user knows that the next Ctrl-C ends the process */
static volatile sig_atomic_t hurried; /* a message handler has had its time */
static volatile sig_atomic_t pausable, pause_asked;
static double asked_at;                /* seconds; written where `stage` leaves IDLE */
static InterruptLink *volatile newest; /* the chain of running threads, innermost first */
static InterruptLink root;
static InterruptMode mode;
static pthread_t lua_thread;
static timer_t timer;
static bool has_timer;

static double seconds(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

/* Has the timer send its signal after so many seconds; 0 stops it. */
static void set_timer(double after) {
  struct itimerspec when = {.it_value = {.tv_nsec = (long)(after * 1e9)}};
  if (has_timer) timer_settime(timer, 0, &when, NULL);
}

/* Takes the hook off again. */
static void restore(InterruptLink *link) {
  if (!link->armed) return;
  link->armed = false;
  lua_sethook(link->L, link->hook, link->hook ? link->mask : 0, link->count);
}

/* Moves the interruption on and answers whether it is time to raise an error. */
static bool is_due(void) {
  if (stage != ASKED) return stage == STOPPING;
  bool unheard = team_interrupt != 0; /* else a kernel has raised its error already */
  if (!has_timer) {
    stage = STOPPING;
    return true;
  }
  team_interrupt = 0;
  stage = GRACE;
  for (InterruptLink *link = newest; link != NULL; link = link->prev) restore(link);
  set_timer(mode == INTERRUPT_PROMPT ? PROMPT_GRACE : SCRIPT_GRACE);
  return unheard;
}

/* Raises the error, with the user's place from this level of the stack on. */
static void raise_error(lua_State *L, int level) {
  place_push(L, level);
  lua_pushliteral(L, "interrupted!");
  lua_concat(L, 2);
  lua_error(L);
}

/* The hook. A thread may meet it long after the landing: a coroutine made meanwhile inherits it. */
static void stop(lua_State *L, lua_Debug *ar) {
  (void)ar;
  if (stage == IDLE || stage == GRACE) {
    lua_sethook(L, NULL, 0, 0);
  } else if (is_due()) {
    if (hurried)
      hooks_allow(L);
    else if (stage == STOPPING)
      set_timer(PROMPT_GRACE); /* for the message handler, which runs without hooks */
    raise_error(L, 0);
  }
}

void interrupt_check(lua_State *L) {
  if (stage != IDLE && is_due()) raise_error(L, 1);
}

bool interrupt_is_due(void) { return stage == ASKED || stage == STOPPING; }

/* Safe in a signal handler, as far as lua_sethook is (its authors use it so). */
static void arm(InterruptLink *link) {
  if (!link->armed) {
    link->hook = lua_gethook(link->L);
    link->mask = lua_gethookmask(link->L);
    link->count = lua_gethookcount(link->L);
    if (link->hook == stop) link->hook = NULL; /* inherited in an earlier interruption */
    link->armed = true;
  }
  lua_sethook(link->L, stop, LUA_MASKCOUNT, 1);
}

static void arm_all(void) {
  team_interrupt = 1;
  for (InterruptLink *link = newest; link != NULL; link = link->prev) arm(link);
}

/* Also where Lua runs without hooks. */
static void arm_everywhere(void) {
  for (InterruptLink *link = newest; link != NULL; link = link->prev) hooks_allow(link->L);
  arm_all();
}

static void begin(void) {
  asked_at = seconds();
  stage = ASKED;
  set_timer(ASK_SECONDS);
  arm_all();
}

static void end_process(int sig) {
  signal(sig, SIG_DFL);
  raise(sig);
}

/* A further signal while the interruption is under way. */
static void press_again(int sig) {
  static const char text[] =
      "\nStill inside a C function. Ctrl-C once more ends the program and what it "
      "holds.\n";
  if (mode == INTERRUPT_SCRIPT || (warned && newest != NULL)) {
    end_process(sig);
  } else if (newest != NULL) {
    stage = STOPPING;
    arm_everywhere();
    if (seconds() > asked_at + STUCK_SECONDS) {
      warned = 1;
      if (write(STDERR_FILENO, text, sizeof text - 1) < 0) warned = 2; /* nobody to tell */
    }
  }
}

/* A signal to code that pauses by itself; false when it has had its time. */
static bool ask_pause(void) {
  if (!pausable || stage != IDLE || newest == NULL) return false;
  if (pause_asked) return seconds() < asked_at + PAUSE_SECONDS;
  pause_asked = 1;
  asked_at = seconds();
  set_timer(PAUSE_SECONDS);
  return true;
}

static void on_timer(void) {
  static const char text[] = "\nThe step that runs ends first. Ctrl-C again stops at once.\n";
  if (stage != IDLE) {
    hurried = stage == STOPPING;
    if (stage == GRACE) stage = STOPPING;
    arm_everywhere();
  } else if (pause_asked && write(STDERR_FILENO, text, sizeof text - 1) < 0) {
    pause_asked = 1; /* nobody to tell */
  }
}

static void on_signal(int sig, siginfo_t *info, void *context) {
  int saved = errno;
  (void)context;
  if (info->si_code == SI_TIMER) expired = 1;
  if (!pthread_equal(pthread_self(), lua_thread)) {
    pthread_kill(lua_thread, sig); /* Lua's state may be touched from its own thread alone */
  } else if (expired) {
    expired = 0;
    on_timer();
  } else if (!ask_pause()) {
    if (stage != IDLE)
      press_again(sig);
    else
      begin();
  }
  errno = saved;
}

void interrupt_install(InterruptMode how) {
  struct sigaction action;
  struct sigevent event;
  mode = how;
  lua_thread = pthread_self();
  memset(&event, 0, sizeof event);
  event.sigev_notify = SIGEV_SIGNAL;
  event.sigev_signo = SIGINT;
  if (!has_timer) has_timer = timer_create(CLOCK_MONOTONIC, &event, &timer) == 0;
  memset(&action, 0, sizeof action);
  action.sa_sigaction = on_signal;
  action.sa_flags = SA_SIGINFO; /* and no SA_RESTART: a read that waits is to come back */
  sigemptyset(&action.sa_mask);
  sigaction(SIGINT, &action, NULL);
}

void interrupt_enter(InterruptLink *link, lua_State *co) {
  if (lua_gethook(co) == stop && stage == IDLE) lua_sethook(co, NULL, 0, 0);
  link->L = co;
  link->prev = newest;
  link->armed = false;
  atomic_signal_fence(memory_order_seq_cst);
  newest = link;
  if (stage == ASKED || stage == STOPPING) arm(link);
}

void interrupt_leave(InterruptLink *link) {
  newest = link->prev; /* from here on the handler leaves `link` alone */
  atomic_signal_fence(memory_order_seq_cst);
  restore(link);
}

void interrupt_start(lua_State *L) {
  stage = IDLE;
  pausable = pause_asked = 0;
  team_interrupt = 0;
  interrupt_enter(&root, L);
}

bool interrupt_land(void) {
  interrupt_leave(&root);
  newest = NULL;
  pausable = pause_asked = 0;
  return interrupt_taken();
}

void interrupt_ask(void) { begin(); }

bool interrupt_pausable(bool on, bool drop) {
  bool before = pausable;
  pausable = on;
  if (!on && interrupt_pause_asked() && !drop) interrupt_ask();
  return before;
}

bool interrupt_pause_asked(void) {
  if (!pause_asked) return false;
  pause_asked = 0;
  if (stage == IDLE) set_timer(0);
  return true;
}

static void block(sigset_t *before) {
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, SIGINT);
  pthread_sigmask(SIG_BLOCK, &set, before);
}

bool interrupt_hold(InterruptHeld *held) {
  sigset_t before;
  block(&before);
  bool idle = stage == IDLE;
  if (idle) {
    *held = (InterruptHeld){newest, root, pausable};
    newest = NULL;
    pausable = pause_asked = 0;
  }
  pthread_sigmask(SIG_SETMASK, &before, NULL);
  return idle;
}

void interrupt_go_on(const InterruptHeld *held) {
  sigset_t before;
  block(&before);
  interrupt_taken();
  root = held->root;
  newest = held->newest;
  pausable = held->pausable;
  pause_asked = 0;
  pthread_sigmask(SIG_SETMASK, &before, NULL);
}

bool interrupt_taken(void) {
  bool taken = stage != IDLE;
  if (taken) set_timer(0);
  stage = IDLE;
  warned = hurried = 0;
  team_interrupt = 0;
  return taken;
}
