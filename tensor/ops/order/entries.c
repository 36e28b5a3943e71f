/* Radix sort and radix selection of entries, merging for short rows. */
#include "entries.h"

#include <string.h>

#include "../../machine/team.h"

enum {
  DIGIT = 11, /* bits of a digit */
  BINS = 1 << DIGIT,
  SHORT = 640,     /* entries up to which merging is quicker than counting digits */
  RUN = 12,        /* entries that are sorted by insertion */
  CHUNK = 1 << 15, /* entries of a long row that a part counts and moves */
  COPY = 1 << 22   /* bytes that are copied between two looks at Ctrl-C's flag */
};

Entries entries_of(DType dtype, int64_t n, bool falling) {
  return (Entries){dtype, falling, dtype_size(dtype) > 4 || n > UINT32_MAX};
}

static size_t size_of(const Entries *k) { return k->wide ? sizeof(WideEntry) : sizeof(uint64_t); }

size_t entries_bytes(const Entries *k, int64_t n) { return (size_t)n * size_of(k); }

bool entries_make(const Entries *k, int64_t n, const void *x, int64_t at, void *e) {
  const KeyLoops *loops = SIMD_PICK(key_loops);
  uint64_t flip = k->falling ? UINT64_MAX : 0;
  bool told = true;
  for (int64_t i = 0, end; (end = team_piece(i, n)) > i; i = end) {
    const char *from = (const char *)x + (size_t)i * dtype_size(k->dtype);
    char *to = (char *)e + entries_bytes(k, i);
    uint64_t first = (uint64_t)(at + i);
    told &= k->wide ? loops->wide[k->dtype](end - i, from, first, flip, (void *)to)
                    : loops->narrow[k->dtype](end - i, from, first, flip, (void *)to);
  }
  return told;
}

/* ---- the two kinds ------------------------------------------------------------------------------- */

#define NARROW_BEFORE(a, b) ((a) < (b))
#define WIDE_BEFORE(a, b)   ((a).key < (b).key || ((a).key == (b).key && (a).at < (b).at))
#define NARROW_DIGIT(e, d)  ((e) >> (32 + DIGIT * (d)) & (BINS - 1))
#define WIDE_DIGIT(e, d)    ((e).key >> DIGIT * (d) & (BINS - 1))

static int digits_of(const Entries *k) {
  int bits = (int)(k->dtype == T_BOOL ? 1 : 8 * dtype_size(k->dtype));
  return (bits + DIGIT - 1) / DIGIT;
}

/* E: type of an entry. merge_: sorts a short row. count_: how many have each value of a digit.
   move_: moves entries to where their digits' next ones belong. pick_: those of one digit. */
#define KIND(kind, E, BEFORE, DIGIT_OF)                                                            \
  static void insert_##kind(int64_t n, E *e) {                                                     \
    for (int64_t i = 1; i < n; i++) {                                                              \
      E v = e[i];                                                                                  \
      int64_t j = i;                                                                               \
      for (; j > 0 && BEFORE(v, e[j - 1]); j--) e[j] = e[j - 1];                                   \
      e[j] = v;                                                                                    \
    }                                                                                              \
  }                                                                                                \
  static void merge_##kind(int64_t n, E *e, E *other) {                                            \
    E *from = e, *to = other, *swap;                                                               \
    for (int64_t i = 0; i < n; i += RUN) insert_##kind(n - i < RUN ? n - i : RUN, e + i);          \
    for (int64_t run = RUN; run < n; run *= 2, swap = from, from = to, to = swap) {                \
      for (int64_t lo = 0; lo < n; lo += 2 * run) {                                                \
        int64_t mid = lo + run < n ? lo + run : n, hi = lo + 2 * run < n ? lo + 2 * run : n;       \
        int64_t a = lo, b = mid, o = lo;                                                           \
        while (a < mid && b < hi) {                                                                \
          bool second = BEFORE(from[b], from[a]);                                                  \
          to[o++] = second ? from[b] : from[a];                                                    \
          b += second, a += !second;                                                               \
        }                                                                                          \
        memcpy(to + o, from + a, (size_t)(mid - a) * sizeof *to);                                  \
        memcpy(to + o + (mid - a), from + b, (size_t)(hi - b) * sizeof *to);                       \
      }                                                                                            \
    }                                                                                              \
    if (from != e) memcpy(e, from, (size_t)n * sizeof *e);                                         \
  }                                                                                                \
  static void count_##kind(int64_t n, const void *entries, int d, uint64_t *counts) {              \
    const E *e = entries;                                                                          \
    for (int64_t i = 0; i < n; i++) counts[DIGIT_OF(e[i], d)]++;                                   \
  }                                                                                                \
  static void move_##kind(int64_t n, const void *restrict from, int d, uint64_t *restrict next,    \
                          void *restrict into) {                                                   \
    const E *restrict e = from;                                                                    \
    E *restrict to = into;                                                                         \
    for (int64_t i = 0; i < n; i++) to[next[DIGIT_OF(e[i], d)]++] = e[i];                          \
  }                                                                                                \
  static int64_t pick_##kind(int64_t n, const void *from, int d, uint64_t digit, void *into) {     \
    const E *e = from;                                                                             \
    E *to = into;                                                                                  \
    int64_t m = 0;                                                                                 \
    for (int64_t i = 0; i < n; i++) {                                                              \
      E v = e[i];                                                                                  \
      if (DIGIT_OF(v, d) == digit) to[m++] = v;                                                    \
    }                                                                                              \
    return m;                                                                                      \
  }                                                                                                \
  static int64_t take_##kind(int64_t n, const E *e, E last, E *out) {                              \
    int64_t m = 0;                                                                                 \
    for (int64_t i = 0; i < n; i++) {                                                              \
      E v = e[i];                                                                                  \
      out[m] = v;                                                                                  \
      m += !BEFORE(last, v);                                                                       \
    }                                                                                              \
    return m;                                                                                      \
  }
KIND(narrow, uint64_t, NARROW_BEFORE, NARROW_DIGIT)
KIND(wide, WideEntry, WIDE_BEFORE, WIDE_DIGIT)

static const void *entry(const Entries *k, const void *e, int64_t i) {
  return (const char *)e + (size_t)i * size_of(k);
}

static void count(const Entries *k, int64_t n, const void *e, int d, uint64_t *counts) {
  memset(counts, 0, BINS * sizeof *counts);
  for (int64_t i = 0, end; (end = team_piece(i, n)) > i; i = end)
    (k->wide ? count_wide : count_narrow)(end - i, entry(k, e, i), d, counts);
}

static void move(const Entries *k, int64_t n, const void *e, int d, uint64_t *next, void *to) {
  for (int64_t i = 0, end; (end = team_piece(i, n)) > i; i = end)
    (k->wide ? move_wide : move_narrow)(end - i, entry(k, e, i), d, next, to);
}

/* to may be e: what is picked never passes what is read. */
static int64_t pick(const Entries *k, int64_t n, const void *e, int d, uint64_t digit, void *to) {
  int64_t m = 0;
  for (int64_t i = 0, end; (end = team_piece(i, n)) > i; i = end)
    m += (k->wide ? pick_wide : pick_narrow)(end - i, entry(k, e, i), d, digit,
                                             (void *)entry(k, to, m));
  return m;
}

static void merge(const Entries *k, int64_t n, void *e, void *other) {
  if (k->wide)
    merge_wide(n, e, other);
  else
    merge_narrow(n, e, other);
}

/* ---- sorting: one digit after another, the lowest first ------------------------------------------ */

typedef struct Pass {
  const Entries *k;
  const char *from;
  char *to;
  int64_t n, chunks;
  int digit;
  uint64_t *counts; /* [chunks, BINS]: how many, then where the next one goes */
} Pass;

static int64_t chunk_length(const Pass *p, int64_t i) {
  return i < p->chunks - 1 ? CHUNK : p->n - i * CHUNK;
}

static void count_part(void *job, int64_t i) {
  const Pass *p = job;
  size_t at = (size_t)i * CHUNK * size_of(p->k);
  count(p->k, chunk_length(p, i), p->from + at, p->digit, p->counts + i * BINS);
}

static void move_part(void *job, int64_t i) {
  const Pass *p = job;
  size_t at = (size_t)i * CHUNK * size_of(p->k);
  move(p->k, chunk_length(p, i), p->from + at, p->digit, p->counts + i * BINS, p->to);
}

/* Counts into places, digit by digit and chunk by chunk; false when all have one digit. */
static bool place(uint64_t *counts, int64_t chunks, int64_t n) {
  uint64_t next = 0;
  for (int b = 0; b < BINS && !team_cut(); b++) {
    uint64_t first = next;
    for (int64_t i = 0; i < chunks; i++) {
      uint64_t here = counts[i * BINS + b];
      counts[i * BINS + b] = next;
      next += here;
    }
    if (next - first == (uint64_t)n) return false;
  }
  return true;
}

static int64_t chunks_of(int64_t n) { return (n + CHUNK - 1) / CHUNK; }

size_t entries_counts(int64_t n) { return (size_t)chunks_of(n) * BINS * sizeof(uint64_t); }

void entries_sort_long(const Entries *k, int64_t n, void *e, void *other, void *counts) {
  Pass p = {.k = k, .from = e, .to = other, .n = n, .chunks = chunks_of(n), .counts = counts};
  for (int digits = digits_of(k); p.digit < digits; p.digit++) {
    team_run(p.chunks, count_part, &p);
    if (team_was_cut()) return;
    if (!place(counts, p.chunks, n)) continue;
    team_run(p.chunks, move_part, &p);
    char *swap = (char *)p.from;
    p.from = p.to;
    p.to = swap;
  }
  size_t bytes = p.from != (char *)e ? entries_bytes(k, n) : 0;
  for (size_t at = 0; at < bytes && !team_cut(); at += COPY)
    memcpy((char *)e + at, p.from + at, bytes - at < COPY ? bytes - at : COPY);
}

void entries_sort(const Entries *k, int64_t n, void *e, void *other) {
  uint64_t counts[BINS];
  if (n <= SHORT) {
    merge(k, n, e, other);
    return;
  }
  void *from = e, *to = other;
  for (int d = 0; d < digits_of(k); d++) {
    count(k, n, from, d, counts);
    if (team_was_cut()) return;
    if (!place(counts, 1, n)) continue;
    move(k, n, from, d, counts, to);
    void *swap = from;
    from = to;
    to = swap;
  }
  if (from != e) memcpy(e, from, entries_bytes(k, n));
}

/* ---- selecting: one digit after another, the highest first --------------------------------------- */

void entries_select(const Entries *k, int64_t n, const void *e, int64_t rank, void *other,
                    void *found) {
  uint64_t counts[BINS];
  const void *from = e;
  for (int d = digits_of(k) - 1; d >= 0 && n > SHORT; d--) {
    count(k, n, from, d, counts);
    uint64_t b = 0;
    if (team_was_cut()) return;
    while ((uint64_t)rank >= counts[b]) rank -= (int64_t)counts[b++];
    if (counts[b] == (uint64_t)n) continue;
    n = pick(k, n, from, d, b, other);
    from = other;
  }
  if (n <= SHORT && !team_was_cut()) { /* else all keys are equal, and places rise */
    char short_row[SHORT * sizeof(WideEntry)];
    if (from != other) memcpy(other, from, entries_bytes(k, n));
    merge(k, n, other, short_row);
    from = other;
  }
  if (!team_was_cut()) memcpy(found, entry(k, from, rank), size_of(k));
}

int64_t entries_take(const Entries *k, int64_t n, const void *e, const void *last, void *out) {
  return k->wide ? take_wide(n, e, *(const WideEntry *)last, out)
                 : take_narrow(n, e, *(const uint64_t *)last, out);
}

/* ---- reading ------------------------------------------------------------------------------------- */

int64_t entries_at(const Entries *k, const void *e, int64_t i) {
  return k->wide ? (int64_t)((const WideEntry *)e)[i].at
                 : (int64_t)(((const uint64_t *)e)[i] & UINT32_MAX);
}

static uint64_t key(const Entries *k, const void *e, int64_t i) {
  return k->wide ? ((const WideEntry *)e)[i].key : ((const uint64_t *)e)[i] >> 32;
}

bool entries_tie(const Entries *k, const void *e, int64_t i, int64_t j) {
  return key(k, e, i) == key(k, e, j);
}

#define FETCH(T)                                                                                   \
  static void fetch_##T(const Entries *k, int64_t n, const void *e, const T *x, T *y) {            \
    for (int64_t i = 0; i < n; i++) y[i] = x[entries_at(k, e, i)];                                 \
  }
FETCH(uint8_t)
FETCH(uint32_t)
FETCH(uint64_t)

void entries_values(const Entries *k, int64_t from, int64_t n, const void *e, bool told,
                    const void *x, void *y) {
  const KeyLoops *loops = SIMD_PICK(key_loops);
  uint64_t flip = k->falling ? UINT64_MAX : 0;
  size_t size = dtype_size(k->dtype);
  e = (const char *)e + (size_t)from * size_of(k);
  y = (char *)y + (size_t)from * size;
  if (told && k->wide)
    loops->wide_back[k->dtype](n, e, flip, y);
  else if (told)
    loops->narrow_back[k->dtype](n, e, flip, y);
  else if (size == 1)
    fetch_uint8_t(k, n, e, x, y);
  else if (size == 4)
    fetch_uint32_t(k, n, e, x, y);
  else
    fetch_uint64_t(k, n, e, x, y);
}

void entries_places(const Entries *k, int64_t from, int64_t n, const void *e, int64_t *indices) {
  e = (const char *)e + (size_t)from * size_of(k);
  for (int64_t i = 0; i < n; i++) indices[from + i] = entries_at(k, e, i) + T_BASE;
}
