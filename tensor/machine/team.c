/* The thread team: owns the worker threads, the hand-out of parts and the interrupt flag.

   A job is cut into pieces of one or more parts, and each thread has a range of pieces, so that a
   thread tends to meet the data it wrote in the job before. A thread takes pieces from the front
   of its own range, then from the back of the others'. A range is one 64-bit word, and whoever
   changes it owns the piece it took; the job cannot end before that piece is done, so the owner
   may read the job's fields. A worker that comes late finds nothing to take and misses the job:
   the caller never waits for a thread that sleeps. */
#define _GNU_SOURCE
#include "team.h"

#include <pthread.h>
#include <sched.h>
#include <time.h>

#include "../blas/gemm.h"

#define MOST_PIECES INT32_MAX
#define SPIN_IDLE   4000 /* looks for a new job before a worker sleeps: some 75 microseconds */
#define SPIN_JOIN   2000 /* looks for the end of the last pieces before the caller sleeps */
#define STACK_SIZE  (2u << 20) /* tiles of kernels take 300 kB; a race detector 800 kB for itself */
#define LATE        0.04       /* seconds that TEAM_CUT_LATE waits */
#define PIECE       (1 << 18)  /* steps of a serial loop between two looks at the flag */

atomic_int team_interrupt;

static _Thread_local int self;    /* this thread's index in the team */
static _Thread_local bool inside; /* is this thread running a part? */

typedef struct {
  _Alignas(64) _Atomic uint64_t word; /* first piece << 32 | end */
} Range;

static struct {
  /* the job: written by the caller before the ranges */
  TeamFn fn;
  void *job;
  int64_t parts, grain;
  Range range[TEAM_MAX];
  _Atomic int64_t open;    /* pieces that are not done */
  _Atomic uint64_t number; /* of the job: changes when there is work */
  atomic_int cut;          /* a TeamCut */
  atomic_bool was_cut;
  _Atomic double asked_at; /* when the flag was seen first, or 0 */
  /* the threads */
  pthread_mutex_t busy;         /* held by whoever's job the team does, and while it changes */
  pthread_mutex_t lock;         /* guards the two conditions */
  pthread_cond_t wake, done;    /* a new job or the end of the team; a job's last piece done */
  atomic_int sleepers, waiting; /* workers at `wake`; is the caller at `done`? */
  atomic_int threads;           /* threads in use, the caller included; 0: not asked yet */
  atomic_bool quit;             /* workers go home */
  int workers, spin_idle, spin_join;
  bool fork_handled;
  pthread_t worker[TEAM_MAX];
} team = {.busy = PTHREAD_MUTEX_INITIALIZER,
          .lock = PTHREAD_MUTEX_INITIALIZER,
          .wake = PTHREAD_COND_INITIALIZER,
          .done = PTHREAD_COND_INITIALIZER};

static inline void relax(void) {
#if defined(__x86_64__) || defined(__i386__)
  __builtin_ia32_pause();
#endif
}

static bool is_late(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  double now = (double)t.tv_sec + 1e-9 * (double)t.tv_nsec, first = 0;
  if (atomic_compare_exchange_strong(&team.asked_at, &first, now)) return false;
  return now > first + LATE;
}

bool team_cut(void) {
  if (!team_interrupt) return false;
  int cut = atomic_load_explicit(&team.cut, memory_order_relaxed);
  if (cut == TEAM_WHOLE || (cut == TEAM_CUT_LATE && !is_late())) return false;
  atomic_store(&team.was_cut, true);
  return true;
}

static void run_parts(TeamFn fn, void *job, int64_t from, int64_t to) {
  for (int64_t part = from; part < to && !team_cut(); part++) fn(job, part);
}

static void run_serially(int64_t parts, TeamFn fn, void *job) {
  bool nested = inside;
  inside = true;
  run_parts(fn, job, 0, parts);
  inside = nested;
}

/* Takes a piece out of a range: -1 when it is empty. */
static int64_t take(Range *range, bool front) {
  uint64_t word = atomic_load_explicit(&range->word, memory_order_acquire);
  for (;;) {
    uint64_t first = word >> 32, end = word & UINT32_MAX;
    if (first >= end) return -1;
    uint64_t left = front ? (first + 1) << 32 | end : first << 32 | (end - 1);
    if (atomic_compare_exchange_weak(&range->word, &word, left))
      return (int64_t)(front ? first : end - 1);
  }
}

static void do_piece(int64_t piece) {
  int64_t from = piece * team.grain;
  int64_t to = from + team.grain < team.parts ? from + team.grain : team.parts;
  run_parts(team.fn, team.job, from, to);
  if (atomic_fetch_sub(&team.open, 1) == 1 && atomic_load(&team.waiting)) {
    pthread_mutex_lock(&team.lock);
    pthread_cond_signal(&team.done);
    pthread_mutex_unlock(&team.lock);
  }
}

/* Does pieces of the job at hand until none is left to take. */
static void do_pieces(void) {
  int ranges = atomic_load_explicit(&team.threads, memory_order_relaxed);
  for (int i = 0; i < ranges; i++) {
    Range *range = &team.range[(self + i) % ranges];
    for (int64_t piece; (piece = take(range, i == 0)) >= 0;) do_piece(piece);
  }
}

static bool worker_wanted(uint64_t seen) {
  return atomic_load(&team.number) != seen || atomic_load(&team.quit);
}

/* Waits for a job other than the one seen. */
static void idle(uint64_t seen) {
  for (int i = 0; i < team.spin_idle; i++) {
    if (worker_wanted(seen)) return;
    relax();
  }
  pthread_mutex_lock(&team.lock);
  atomic_fetch_add(&team.sleepers, 1);
  while (!worker_wanted(seen)) pthread_cond_wait(&team.wake, &team.lock);
  atomic_fetch_sub(&team.sleepers, 1);
  pthread_mutex_unlock(&team.lock);
}

static void *worker_main(void *index) {
  self = (int)(intptr_t)index;
  inside = true;
  while (!atomic_load(&team.quit)) {
    uint64_t seen = atomic_load(&team.number);
    do_pieces();
    idle(seen);
  }
  return NULL;
}

/* The caller's wait for pieces that workers still have in hand. */
static void join_job(void) {
  for (int i = 0; i < team.spin_join; i++) {
    if (atomic_load_explicit(&team.open, memory_order_acquire) == 0) return;
    relax();
  }
  pthread_mutex_lock(&team.lock);
  atomic_store(&team.waiting, 1);
  while (atomic_load(&team.open) != 0) pthread_cond_wait(&team.done, &team.lock);
  atomic_store(&team.waiting, 0);
  pthread_mutex_unlock(&team.lock);
}

static int processors(void) {
#ifdef __linux__
  cpu_set_t set;
  if (sched_getaffinity(0, sizeof set, &set) == 0) return CPU_COUNT(&set);
#endif
  return 1;
}

static void before_fork(void) {
  if (inside) return;
  pthread_mutex_lock(&team.busy);
  pthread_mutex_lock(&team.lock);
}

static void after_fork_parent(void) {
  if (inside) return;
  pthread_mutex_unlock(&team.lock);
  pthread_mutex_unlock(&team.busy);
}

/* The child has the calling thread alone: it forgets the workers and starts its own on need. */
static void after_fork_child(void) {
  pthread_mutex_init(&team.lock, NULL);
  pthread_mutex_init(&team.busy, NULL);
  pthread_cond_init(&team.wake, NULL);
  pthread_cond_init(&team.done, NULL);
  atomic_store(&team.sleepers, 0);
  atomic_store(&team.waiting, 0);
  team.workers = 0;
}

/* Starts workers up to the number in use; called with `busy` held. Signals are the host's: no
   worker takes one. If the system grants fewer threads, the caller does the rest. */
static void start_workers(void) {
  int wanted = team_threads() - 1, alone = processors() <= wanted;
  if (!team.fork_handled) {
    pthread_atfork(before_fork, after_fork_parent, after_fork_child);
    team.fork_handled = true;
  }
  team.spin_idle = alone ? 0 : SPIN_IDLE;
  team.spin_join = alone ? 0 : SPIN_JOIN;
  gemm_reserve(wanted + 1);
  sigset_t all, old;
  sigfillset(&all);
  pthread_sigmask(SIG_BLOCK, &all, &old);
  pthread_attr_t attr;
  pthread_attr_init(&attr);
  pthread_attr_setstacksize(&attr, STACK_SIZE);
  while (team.workers < wanted) {
    intptr_t index = team.workers + 1;
    if (pthread_create(&team.worker[team.workers], &attr, worker_main, (void *)index) != 0) break;
    team.workers++;
  }
  pthread_attr_destroy(&attr);
  pthread_sigmask(SIG_SETMASK, &old, NULL);
}

static void stop_workers(void) {
  pthread_mutex_lock(&team.lock);
  atomic_store(&team.quit, true);
  pthread_cond_broadcast(&team.wake);
  pthread_mutex_unlock(&team.lock);
  for (int i = 0; i < team.workers; i++) pthread_join(team.worker[i], NULL);
  team.workers = 0;
  atomic_store(&team.quit, false);
}

/* Before this code goes away: at exit, or when a host closes the library it came in. */
__attribute__((destructor)) static void dismiss_workers(void) {
  if (inside || pthread_mutex_trylock(&team.busy) != 0) return;
  if (team.workers > 0) stop_workers();
  pthread_mutex_unlock(&team.busy);
}

/* Publishes a job and works on it until it is done; called with `busy` held. */
static void run_job(int64_t parts, TeamFn fn, void *job) {
  int threads = team_threads();
  team.fn = fn;
  team.job = job;
  team.parts = parts;
  team.grain = (parts - 1) / MOST_PIECES + 1;
  int64_t pieces = (parts - 1) / team.grain + 1;
  atomic_store(&team.open, pieces);
  for (int i = 0; i < threads; i++) {
    uint64_t first = (uint64_t)(pieces * i / threads), end = (uint64_t)(pieces * (i + 1) / threads);
    atomic_store_explicit(&team.range[i].word, first << 32 | end, memory_order_release);
  }
  atomic_fetch_add(&team.number, 1);
  if (atomic_load(&team.sleepers) > 0) {
    pthread_mutex_lock(&team.lock);
    pthread_cond_broadcast(&team.wake);
    pthread_mutex_unlock(&team.lock);
  }
  inside = true;
  do_pieces();
  join_job();
  inside = false;
}

void team_run(int64_t parts, TeamFn fn, void *job) {
  if (parts <= 1 || inside || team_threads() == 1 || pthread_mutex_trylock(&team.busy) != 0) {
    run_serially(parts, fn, job);
    return;
  }
  if (team.workers < team_threads() - 1) start_workers();
  run_job(parts, fn, job);
  pthread_mutex_unlock(&team.busy);
}

int team_threads(void) {
  int threads = atomic_load_explicit(&team.threads, memory_order_relaxed);
  if (threads == 0) {
    team_set_threads(0);
    threads = atomic_load_explicit(&team.threads, memory_order_relaxed);
  }
  return threads;
}

void team_set_threads(int n) {
  if (inside) return;
  if (n <= 0) n = processors();
  if (n > TEAM_MAX) n = TEAM_MAX;
  pthread_mutex_lock(&team.busy);
  if (team.workers > 0) stop_workers();
  atomic_store(&team.threads, n);
  pthread_mutex_unlock(&team.busy);
}

int team_self(void) { return self; }

TeamCut team_set_cut(TeamCut when) {
  if (!team_interrupt) {
    atomic_store_explicit(&team.was_cut, false, memory_order_relaxed);
    atomic_store_explicit(&team.asked_at, 0, memory_order_relaxed);
  }
  TeamCut before = (TeamCut)atomic_load_explicit(&team.cut, memory_order_relaxed);
  atomic_store_explicit(&team.cut, (int)when, memory_order_relaxed);
  return before;
}

bool team_was_cut(void) { return atomic_load_explicit(&team.was_cut, memory_order_relaxed); }

int64_t team_piece(int64_t at, int64_t n) {
  if (at >= n || team_cut()) return at;
  return n - at < PIECE ? n : at + PIECE;
}
