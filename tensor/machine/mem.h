/* Memory: a caching allocator by size class, counts, the limit, and planted failures. */
#ifndef LUNETTE_MEM_H
#define LUNETTE_MEM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "../tensor.h"

/* Blocks are 64-byte aligned and come from the cache of their class when it has one. Both fail
   through t_fail. The size given back must be the size asked for. */
void *mem_alloc(size_t bytes);
void mem_free(void *block, size_t bytes);

Storage *storage_new(size_t bytes);
void storage_free(Storage *st); /* gives a share back */

typedef struct MemStats {
  size_t live, cached, peak, limit; /* bytes */
  int64_t tensors;                  /* Tensor structs alive */
  int64_t allocations;              /* asked of the system so far */
} MemStats;
extern MemStats mem_stats;

/* Between two pieces of work: gives cached memory back to the system but for 256 MB. */
void mem_rest(void);

/* The limit (limit.c): of tensors and cache, and what the system has. */
void mem_set_limit(size_t bytes); /* 0: 80% of what the machine or container has free */
size_t mem_limit(void);
bool mem_fits(size_t bytes);               /* may this be asked of the system? */
_Noreturn void mem_too_much(size_t bytes); /* fails with the reason */
/* What the host wants for itself (Lua's objects): the same limit, of at least 256 MB, counted apart.
   False: it must not. */
bool mem_host_grow(size_t bytes);
void mem_host_shrink(size_t bytes);

/* Pressure. A young collection is due when enough was born since the last look; a full one when what
   lives has grown by max(floor, what lived after the last full one). The host collects where
   mem_pressure() says so and tells what it did. */
extern size_t mem_born_bytes, mem_full_bytes;
extern int64_t mem_born_handles, mem_handles, mem_full_handles;
enum {
  MEM_YOUNG_BYTES = 3 << 20,
  MEM_YOUNG_HANDLES = 2000,
  MEM_FLOOR_HANDLES = 20000,
  MEM_AGED_HANDLES = 256
};
/* To be asked after a young collection in a backward, where little else is alive: have handles piled up
   that young collections no longer find, such as the loss of every step? A full one is due then. */
bool mem_aged(void);
static inline bool mem_wants_full(void) {
  return mem_stats.live > mem_full_bytes || mem_handles > mem_full_handles;
}
static inline bool mem_pressure(void) {
  return mem_born_bytes > MEM_YOUNG_BYTES || mem_born_handles > MEM_YOUNG_HANDLES ||
         mem_wants_full();
}
void mem_collected(bool full);
/* Set by the host: a young collection and, when that is not enough or `full`, a full one. Called
   where a collection is legal. */
extern void (*mem_collect)(bool full);

/* Tests: the nth allocation from now fails, once or from then on; 0 stops. Returns how many
   allocations there were since it was last set. */
int64_t mem_fail_at(int64_t n, bool forever);
bool mem_should_fail(void); /* counts one allocation of somebody else's (the host's) */

#endif
