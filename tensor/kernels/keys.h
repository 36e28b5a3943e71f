/* Values as entries that sort by their bits: a key, an unsigned integer that orders as the values
   do (NaN above every number, -0 as 0; complemented for falling order), and the place the value
   came from, so that no two entries are equal and every order of them is stable.

     narrow   key << 32 | place; types of up to 4 bytes, fewer than 2^32 places
     wide     key and place in 64 bits each; every type */
#ifndef LUNETTE_KEYS_H
#define LUNETTE_KEYS_H

#include "../dtype.h"
#include "../machine/simd.h"

typedef struct WideEntry {
  uint64_t key, at;
} WideEntry;

typedef struct KeyLoops {
  /* Entries of x[0..n-1], places counted from `at`; flip is all ones for falling order, else 0.
     True when every value can be had back from its key (no NaN, no -0). */
  bool (*narrow[T_F16])(int64_t n, const void *x, uint64_t at, uint64_t flip, uint64_t *e);
  bool (*wide[T_F16])(int64_t n, const void *x, uint64_t at, uint64_t flip, WideEntry *e);
  /* The values back from the keys. */
  void (*narrow_back[T_F16])(int64_t n, const uint64_t *e, uint64_t flip, void *y);
  void (*wide_back[T_F16])(int64_t n, const WideEntry *e, uint64_t flip, void *y);
  /* The first of e[from..n-1] below limit, or n. */
  int64_t (*narrow_below)(int64_t from, int64_t n, const uint64_t *e, uint64_t limit);
} KeyLoops;

SIMD_FAMILY(KeyLoops, key_loops);

#endif
