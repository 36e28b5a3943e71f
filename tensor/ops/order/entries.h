/* Sorting and selecting entries (kernels/keys.h). The order of entries is total, so what comes out
   does not depend on how the work was cut. */
#ifndef LUNETTE_ENTRIES_H
#define LUNETTE_ENTRIES_H

#include "../../kernels/keys.h"
#include "../../op.h"

/* What the entries of a row are made of. */
typedef struct Entries {
  DType dtype;
  bool falling, wide;
} Entries;

Entries entries_of(DType dtype, int64_t n, bool falling);
size_t entries_bytes(const Entries *k, int64_t n);
/* Makes the entries of x[0..n-1], places from `at`; true when the keys tell the values. */
bool entries_make(const Entries *k, int64_t n, const void *x, int64_t at, void *e);
/* Sorts e; other: room for as many. */
void entries_sort(const Entries *k, int64_t n, void *e, void *other);
/* The same by the whole team, for long rows; counts: entries_counts(n) bytes. */
void entries_sort_long(const Entries *k, int64_t n, void *e, void *other, void *counts);
size_t entries_counts(int64_t n);
/* Writes the entry that stands at `rank` (from 0) in sorted order to found. e stays. */
void entries_select(const Entries *k, int64_t n, const void *e, int64_t rank, void *other,
                    void *found);
/* Copies those entries that come before or are `last`, in the order of e; out may be e. Returns how
   many. */
int64_t entries_take(const Entries *k, int64_t n, const void *e, const void *last, void *out);
/* Where entry i of e came from. */
int64_t entries_at(const Entries *k, const void *e, int64_t i);
/* Have entries i and j of e equal keys? */
bool entries_tie(const Entries *k, const void *e, int64_t i, int64_t j);
/* Of entries from..from+n-1: values (from the keys where told, else from x) and places + T_BASE;
   either may be NULL. y and indices are those of the whole row. */
void entries_values(const Entries *k, int64_t from, int64_t n, const void *e, bool told,
                    const void *x, void *y);
void entries_places(const Entries *k, int64_t from, int64_t n, const void *e, int64_t *indices);

#endif
