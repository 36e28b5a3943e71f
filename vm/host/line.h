/* A line of text under edit: UTF-8 bytes, and a cursor that stands between characters as a reader
   counts them (a letter with its accents is one). */
#ifndef LUNETTE_LINE_H
#define LUNETTE_LINE_H

#include <stdbool.h>
#include <stddef.h>

typedef struct {
  char *text; /* size bytes and a zero; from malloc, never NULL after line_init */
  size_t size, room;
  size_t cursor; /* a byte offset: 0..size */
} Line;

bool line_init(Line *line); /* false when memory is short, here and below */
void line_free(Line *line);
bool line_set(Line *line, const char *text); /* replaces all; the cursor goes to the end */
bool line_insert(Line *line, const char *bytes, size_t n);
void line_delete(Line *line, size_t from, size_t to); /* the cursor goes to `from` */

/* Where the cursor would stand one character, or one word, further on or back. */
size_t line_next(const Line *line, size_t at);
size_t line_previous(const Line *line, size_t at);
size_t line_next_word(const Line *line, size_t at);
size_t line_previous_word(const Line *line, size_t at);

/* The code point at `at` in size bytes of text, and in *length how many bytes it takes (1 where the
   text is not UTF-8, with U+FFFD as result). */
int line_code(const char *text, size_t size, size_t at, size_t *length);

/* What a code point looks like on the screen: bytes in `shown` (room for 8), columns as result.
   Control characters are shown as ^X, a newline as an arrow. */
int line_shown(int code, char *shown);

#endif
