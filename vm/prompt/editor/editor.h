/* Reading an entry from the user: edited in place on a terminal, plainly elsewhere. */
#ifndef LUNETTE_EDITOR_H
#define LUNETTE_EDITOR_H

#include <stdbool.h>
#include <stddef.h>
#include "history.h"

typedef enum { READ_ENTRY, READ_CANCELLED, READ_END } ReadStatus;

/* What could stand in the place of from..cursor of the text. */
typedef struct {
  char *text, *kind, *doc; /* kind: a word; doc: a line, may be empty; all from malloc */
} Candidate;

typedef struct {
  Candidate *list; /* from malloc */
  size_t n, from;
} Candidates;

void candidates_free(Candidates *c);

/* What the editor asks of its owner. */
typedef struct {
  void *owner;
  /* Is this text a whole entry (or one that no line could mend)? */
  bool (*whole)(void *owner, const char *text, size_t size);
  Candidates (*complete)(void *owner, const char *text, size_t size, size_t cursor);
} EditorAsks;

/* Reads an entry of one or more lines. `first` and `other` are the prompts of its lines; `given` (may
   be NULL) stands in the editor at first. Without a
   terminal, or on a dumb one, reads one line and writes no escape; the caller asks for more.
   READ_ENTRY: *text, from malloc, holds *size bytes and a zero. READ_CANCELLED: Ctrl-C; READ_END:
   Ctrl-D or the end of the input. In both *text is NULL. */
ReadStatus editor_read(const char *first, const char *other, const char *given,
                       const History *history, const EditorAsks *asks, char **text, size_t *size);

#endif
