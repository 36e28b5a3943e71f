/* The entries typed at the prompt: a list in memory, and the file that keeps them over sessions. */
#ifndef LUNETTE_HISTORY_H
#define LUNETTE_HISTORY_H

#include <stddef.h>

typedef struct History History;

/* Reads the entries of earlier sessions and of those that still run; NULL only when memory is short.
   All functions here take NULL for an empty history that remembers nothing. */
History *history_open(void);
void history_close(History *h);

/* Adds an entry (which may have several lines) to the list and to the file. What is blank, or the
   same as the entry before, is left out. A file that cannot be written is no error. */
void history_add(History *h, const char *entry);

size_t history_count(const History *h);
const char *history_get(const History *h, size_t i); /* 0 is the oldest */

#endif
