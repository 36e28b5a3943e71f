/* The text under edit: UTF-8 bytes and a cursor that stands between characters as a reader counts
   them (a letter with its accents is one), with undo and redo. Positions are byte offsets. */
#ifndef LUNETTE_TEXT_H
#define LUNETTE_TEXT_H

#include <stdbool.h>
#include <stddef.h>

typedef struct Edit Edit;

typedef struct {
  char *bytes; /* size bytes and a zero; never NULL after text_init */
  size_t size, room, cursor;
  Edit *edits; /* what was done, and after `done` what was undone */
  size_t nedits, done, edits_room;
  bool grouping; /* the next typed character joins the last edit */
} Text;

bool text_init(Text *text); /* false when memory is short, here and below: nothing has changed */
void text_free(Text *text);

/* Puts n bytes into the place of from..to-1; the cursor goes behind them. One step for undo. */
bool text_replace(Text *text, size_t from, size_t to, const char *bytes, size_t n);
bool text_insert(Text *text, const char *bytes, size_t n); /* at the cursor */
bool text_set(Text *text, const char *bytes);              /* all of it */
/* Characters typed in a row are one step; a move of the cursor or another edit ends the row. */
bool text_type(Text *text, const char *bytes, size_t n);
void text_end_group(Text *text);
bool text_undo(Text *text); /* false when there is nothing to undo; text_redo alike */
bool text_redo(Text *text);

/* Where the cursor would stand one character, word or line further on or back. */
size_t text_next(const Text *text, size_t at);
size_t text_previous(const Text *text, size_t at);
size_t text_next_word(const Text *text, size_t at);
size_t text_previous_word(const Text *text, size_t at);
size_t text_line_start(const Text *text, size_t at);
size_t text_line_end(const Text *text, size_t at);
/* The same place in the line above or below: the character in column `column` of the screen, or the
   line's end. `at` itself when there is no such line. */
size_t text_line_above(const Text *text, size_t at, int column);
size_t text_line_below(const Text *text, size_t at, int column);
int text_column(const Text *text, size_t at); /* columns from the start of the line */

/* The code point at `at` in size bytes, and in *length how many bytes it takes (1 where the bytes are
   not UTF-8, with U+FFFD as result). */
int text_code(const char *bytes, size_t size, size_t at, size_t *length);
/* Past the character that starts at `at`. */
size_t text_character(const char *bytes, size_t size, size_t at);

enum { TEXT_TAB = 4, TEXT_SHOWN = 64 };
/* What the character at..end-1 looks like in column `column`: bytes in `shown` (room for TEXT_SHOWN),
   columns as result. Control characters are shown as ^X. */
int text_shown(const char *bytes, size_t at, size_t end, int column, char *shown);

#endif
