/* Origins: the lines of the host's program where the large data that lives was made. */
#ifndef LUNETTE_ORIGIN_H
#define LUNETTE_ORIGIN_H

#include <stdbool.h>

#include "../tensor.h"

typedef struct Origin {
  char text[80];        /* "file:line" */
  int64_t count, bytes; /* of the storages from there that live; an origin without any is free */
} Origin;

/* Data of less than this has no origin: what is made often shall cost nothing. Bytes. */
enum { ORIGIN_LEAST = 1 << 17 };

extern bool origin_on; /* does the host note them? */

void origin_set(Storage *st, const char *text); /* once; keeps no origin when too many are in use */
void origin_release(const Storage *st);         /* the storage dies */

int origin_count(void); /* of places to look at, in use or not */
const Origin *origin_at(int i);

#endif
