/* The caching allocator: size classes, the cache's bound, planted failures. */
#define _GNU_SOURCE
#include "mem.h"
#include "../watch/origin.h"

#include <malloc.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

MemStats mem_stats;
size_t mem_born_bytes, mem_full_bytes = (size_t)64 << 20;
int64_t mem_born_handles, mem_handles, mem_full_handles = MEM_FLOOR_HANDLES;
void (*mem_collect)(bool full);

/* ---- size classes: multiples of 64 up to 1 kB, then eight steps to a power of two ------------ */

enum {
  SMALL = 1024,
  CLASSES = SMALL / 64 + 8 * 40,
  SLAB = 1 << 16,      /* small blocks are cut from slabs of this size */
  SLAB_MOST = 4096,    /* the largest block that comes from a slab */
  MAP_LEAST = 1 << 20, /* from here on blocks are mapped, and can be given back */
  HUGE_LEAST = 4 << 20 /* and from here on they lie on huge pages */
};

/* What is kept for the next use, besides slabs: what lives and what is kept stay within the most that
   lived of late and SPARE. So a step of a training finds what the one before it used, however large,
   and what was needed once goes back to the system. */
#define SPARE ((size_t)256 << 20)
#define HUGE  ((size_t)2 << 20) /* bytes of a huge page */
enum { SPAN = 1 << 14 };        /* uses of the cache that are "of late", once or twice so many */
static size_t most_live[2];     /* in this span and in the one before */

typedef struct Free {
  struct Free *next;
} Free;

static Free *cache[CLASSES];
static uint64_t used_at[CLASSES], uses; /* when a class was last asked for */
static size_t kept;                     /* cached bytes that do not come from slabs */

typedef struct Slab {
  struct Slab *next;
  size_t cut;  /* bytes handed out as blocks */
  size_t idle; /* of those, what drop_slabs saw in the cache */
} Slab;

static char *slab_at, *slab_end; /* what is left of the newest */
static Slab *slabs;

static inline int class_of(size_t bytes, size_t *size) {
  if (bytes <= SMALL) {
    size_t units = bytes == 0 ? 1 : (bytes + 63) / 64;
    *size = units * 64;
    return (int)units - 1;
  }
  int exp = 63 - __builtin_clzll(bytes - 1); /* 2^exp < bytes <= 2^(exp+1) */
  size_t step = (size_t)1 << (exp - 3);
  size_t k = (bytes - 1 - ((size_t)1 << exp)) / step; /* 0..7 */
  *size = ((size_t)1 << exp) + (k + 1) * step;
  return SMALL / 64 + (exp - 10) * 8 + (int)k;
}

static void *from_slab(size_t size) {
  if ((size_t)(slab_end - slab_at) < size) {
    Slab *slab = aligned_alloc(64, SLAB);
    if (!slab) return NULL;
    *slab = (Slab){.next = slabs};
    slabs = slab;
    slab_at = (char *)slab + 64;
    slab_end = (char *)slab + SLAB;
    mem_stats.allocations++;
  }
  void *p = slab_at;
  slab_at += size;
  slabs->cut += size;
  return p;
}

static void *mapped(size_t size) {
  void *p = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  return p == MAP_FAILED ? NULL : p;
}

/* On huge pages: from the border of one on, what was mapped around that is given back. */
static void *mapped_huge(size_t size) {
  char *p = mapped(size + HUGE);
  if (!p) return NULL;
  size_t before = -(uintptr_t)p % HUGE;
  if (before > 0) munmap(p, before);
  munmap(p + before + size, HUGE - before);
  madvise(p + before, size, MADV_HUGEPAGE);
  return p + before;
}

static void *from_system(size_t size) {
#if !defined(__SANITIZE_ADDRESS__)
  if (size <= SLAB_MOST) return from_slab(size);
#else
  (void)from_slab;
#endif
  mem_stats.allocations++;
  if (size < MAP_LEAST) return aligned_alloc(64, size);
  return size < HUGE_LEAST ? mapped(size) : mapped_huge(size);
}

static void to_system(void *p, size_t size) {
  if (size < MAP_LEAST)
    free(p);
  else
    munmap(p, size);
}

/* ---- the cache ------------------------------------------------------------------------------- */

static size_t size_of_class(int k) {
  if (k < SMALL / 64) return (size_t)(k + 1) * 64;
  int octave = (k - SMALL / 64) / 8, step = (k - SMALL / 64) % 8;
  return ((size_t)1 << (10 + octave)) + (size_t)(step + 1) * ((size_t)1 << (7 + octave));
}

/* Gives cached blocks of a class back to the system, at least `bytes` of them or all. */
static void give_back(int k, size_t bytes) {
  size_t size = size_of_class(k), given = 0;
  while (cache[k] && given < bytes) {
    Free *block = cache[k];
    cache[k] = block->next;
    to_system(block, size);
    given += size;
  }
  mem_stats.cached -= given;
  kept -= given;
}

/* ---- slabs that hold nothing --------------------------------------------------------------------- */

static int by_place(const void *a, const void *b) {
  const Slab *x = *(Slab *const *)a, *y = *(Slab *const *)b;
  return (x > y) - (x < y);
}

/* The slab that a block was cut from; list: n slabs, rising. */
static Slab *slab_of(Slab *const *list, size_t n, const void *block) {
  size_t lo = 0;
  while (n - lo > 1) {
    size_t mid = lo + (n - lo) / 2;
    if ((const void *)list[mid] <= block)
      lo = mid;
    else
      n = mid;
  }
  return list[lo];
}

/* Takes the blocks of idle slabs out of the cache. */
static void forget_blocks(Slab *const *list, size_t n, int k) {
  for (Free **link = &cache[k]; *link;) {
    const Slab *slab = slab_of(list, n, *link);
    if (slab->idle == slab->cut) {
      *link = (*link)->next;
      mem_stats.cached -= size_of_class(k);
    } else {
      link = &(*link)->next;
    }
  }
}

/* Gives the slabs whose blocks are all in the cache back to the system: after a burst of small tensors
   nothing else would find room. Looks at every small block of the cache. */
static void drop_slabs(void) {
  size_t n = 0, at = 0;
  for (Slab *s = slabs; s; s = s->next) n++;
  Slab **list = n > 0 ? malloc(n * sizeof *list) : NULL;
  if (!list) return;
  for (Slab *s = slabs; s; s = s->next) list[at++] = s, s->idle = 0;
  qsort(list, n, sizeof *list, by_place);
  int classes = 0;
  for (; size_of_class(classes) <= SLAB_MOST; classes++) {
    for (Free *b = cache[classes]; b; b = b->next) {
      slab_of(list, n, b)->idle += size_of_class(classes);
    }
  }
  for (int k = 0; k < classes; k++) forget_blocks(list, n, k);
  free(list);
  for (Slab **link = &slabs; *link;) {
    Slab *s = *link;
    if (s->idle < s->cut) {
      link = &s->next;
      continue;
    }
    if ((char *)s + SLAB == slab_end) slab_at = slab_end = NULL;
    *link = s->next;
    free(s);
  }
  malloc_trim(0);
}

static void drop_cache(void) {
  for (int k = 0; k < CLASSES; k++) {
    if (size_of_class(k) > SLAB_MOST) give_back(k, SIZE_MAX);
  }
  drop_slabs();
}

/* The class with cached blocks that was asked for longest ago, or -1; slabs stay. */
static int oldest_class(void) {
  int oldest = -1;
  for (int k = CLASSES - 1; k >= 0 && size_of_class(k) > SLAB_MOST; k--) {
    if (cache[k] && (oldest < 0 || used_at[k] < used_at[oldest])) oldest = k;
  }
  return oldest;
}

/* Bytes to keep now: SPARE and what lived of late and does not live now, but no more than a quarter
   of the limit. */
static size_t cache_most(void) {
  size_t late = most_live[0] > most_live[1] ? most_live[0] : most_live[1];
  size_t most = late - mem_stats.live + SPARE, quarter = mem_limit() / 4;
  return most > SPARE && most > quarter ? (quarter > SPARE ? quarter : SPARE) : most;
}

void mem_rest(void) {
  most_live[0] = most_live[1] = mem_stats.live;
  size_t most = cache_most();
  while (kept > most) give_back(oldest_class(), kept - most);
  if (mem_stats.cached - kept > SPARE) drop_slabs();
}

/* Puts a block into the cache; what was of use longest ago makes room for it. */
static void keep(void *p, int k, size_t size) {
  if (size > SLAB_MOST) {
    size_t most = cache_most();
    if (size > most) {
      to_system(p, size);
      return;
    }
    while (kept + size > most) give_back(oldest_class(), kept + size - most);
    kept += size;
  }
  Free *block = p;
  block->next = cache[k];
  cache[k] = block;
  mem_stats.cached += size;
}

/* A cached block, or NULL. */
static void *take(int k, size_t size) {
  if (size > SLAB_MOST) {
    used_at[k] = ++uses;
    if (uses % SPAN == 0) {
      most_live[1] = most_live[0];
      most_live[0] = mem_stats.live;
    }
  }
  Free *block = cache[k];
  if (!block) return NULL;
  cache[k] = block->next;
  mem_stats.cached -= size;
  if (size > SLAB_MOST) kept -= size;
  return block;
}

/* ---- planted failures ------------------------------------------------------------------------ */

static int64_t fail_count, fail_nth;
static bool fail_forever;

int64_t mem_fail_at(int64_t n, bool forever) {
  int64_t seen = fail_count;
  fail_count = 0;
  fail_nth = n;
  fail_forever = forever;
  return seen;
}

static inline bool should_fail(void) {
  fail_count++;
  return fail_nth > 0 && (fail_forever ? fail_count >= fail_nth : fail_count == fail_nth);
}

bool mem_should_fail(void) { return should_fail(); }

/* ---- blocks ---------------------------------------------------------------------------------- */

static void *fetch(size_t size) {
  for (int attempt = 0; attempt < 3; attempt++) {
    if (mem_fits(size)) {
      void *p = from_system(size);
      if (p) return p;
    }
    if (attempt == 0) drop_cache();
    if (attempt == 1 && mem_collect) {
      mem_collect(true);
      drop_cache();
    }
  }
  return NULL;
}

/* As mem_alloc, but answers NULL where that fails. */
static void *mem_try_alloc(size_t bytes) {
  if (should_fail() || bytes > (size_t)1 << 47) return NULL;
  size_t size;
  int k = class_of(bytes, &size);
  void *p = take(k, size);
  if (!p) p = fetch(size);
  if (!p) return NULL;
  mem_stats.live += size;
  if (mem_stats.live > most_live[0]) most_live[0] = mem_stats.live;
  if (mem_stats.live > mem_stats.peak) mem_stats.peak = mem_stats.live;
  return p;
}

void *mem_alloc(size_t bytes) {
  void *p = mem_try_alloc(bytes);
  if (!p) mem_too_much(bytes);
  return p;
}

void mem_free(void *p, size_t bytes) {
  size_t size;
  int k = class_of(bytes, &size);
  mem_stats.live -= size;
#if defined(__SANITIZE_ADDRESS__)
  (void)keep, (void)k;
  to_system(p, size); /* so that every late use is seen */
#else
  keep(p, k, size);
#endif
}

static int64_t settled_handles; /* that lived after the last full collection */

bool mem_aged(void) {
  return mem_handles > settled_handles + MEM_AGED_HANDLES + settled_handles / 4;
}

void mem_collected(bool full) {
  const size_t floor = (size_t)64 << 20;
  mem_born_bytes = 0;
  mem_born_handles = 0;
  if (!full) return;
  settled_handles = mem_handles;
  mem_full_bytes = mem_stats.live + (mem_stats.live > floor ? mem_stats.live : floor);
  mem_full_handles =
      mem_handles + (mem_handles > MEM_FLOOR_HANDLES ? mem_handles : MEM_FLOOR_HANDLES);
}

/* ---- storages -------------------------------------------------------------------------------- */

/* Small data stands behind its header in one block; large data in a block of its own. */
enum { TOGETHER = 1 << 14 };

Storage *storage_new(size_t bytes) {
  mem_born_bytes += bytes;
  Storage *st = mem_alloc(64 + (bytes <= TOGETHER ? bytes : 0));
  *st = (Storage){.data = (char *)st + 64, .bytes = bytes, .refs = 1};
  if (bytes > TOGETHER) {
    st->data = NULL;
    st->data = mem_try_alloc(bytes);
    if (!st->data) {
      mem_free(st, 64);
      mem_too_much(bytes);
    }
  }
  return st;
}

void storage_free(Storage *st) {
  if (--st->refs > 0) return;
  if (st->origin) origin_release(st);
  if (st->bytes <= TOGETHER) {
    mem_free(st, 64 + st->bytes);
  } else {
    mem_free(st->data, st->bytes);
    mem_free(st, 64);
  }
}
