/* Starts OpenBLAS: one thread, and a work buffer for each of ours set aside before it is needed. */
#define _GNU_SOURCE
#include <cblas.h>
#include <pthread.h>
#include <stdatomic.h>
#include <sys/mman.h>

#include "../machine/team.h"
#include "gemm.h"

/* OpenBLAS's own allocator of work buffers, exported though not in its header. */
extern void *blas_memory_alloc(int) __attribute__((weak));
extern void blas_memory_free(void *) __attribute__((weak));

#define BLAS_BUFFER ((size_t)128 << 20) /* address space of one work buffer, at most */

static pthread_mutex_t reserve_lock = PTHREAD_MUTEX_INITIALIZER;
static atomic_int reserved; /* buffers set aside so far */
static atomic_bool refused; /* the system does not grant the first buffers */

static bool system_grants(size_t bytes) {
  void *p = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (p == MAP_FAILED) return false;
  munmap(p, bytes);
  return true;
}

/* Holds n buffers at once, so that n of them exist, and gives them back to OpenBLAS. */
static void touch_buffers(int n) {
  void *held[TEAM_MAX];
  if (!blas_memory_alloc || !blas_memory_free) return;
  for (int i = 0; i < n; i++) held[i] = blas_memory_alloc(0);
  for (int i = n; i-- > 0;) blas_memory_free(held[i]);
}

void gemm_reserve(int threads) {
  if (threads > TEAM_MAX) threads = TEAM_MAX;
  pthread_mutex_lock(&reserve_lock);
  int have = atomic_load(&reserved);
  if (have < threads) {
    openblas_set_num_threads(1);
    if (system_grants((size_t)(threads - have) * BLAS_BUFFER))
      touch_buffers(threads);
    else
      atomic_store(&refused, true);
    atomic_store(&reserved, threads);
  }
  pthread_mutex_unlock(&reserve_lock);
}

bool gemm_ready(void) {
  if (atomic_load_explicit(&reserved, memory_order_acquire) == 0) gemm_reserve(1);
  return !atomic_load_explicit(&refused, memory_order_relaxed);
}

const char *gemm_core(void) { return openblas_get_corename(); }
