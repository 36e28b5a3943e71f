/* The rows of the terminal that an entry takes while it is typed, drawn with as few bytes as the
   change needs. */
#ifndef LUNETTE_SCREEN_H
#define LUNETTE_SCREEN_H

#include <stdbool.h>
#include <stddef.h>
#include "../editor/text.h"

typedef enum {
  COLOR_NONE,
  COLOR_KEYWORD,
  COLOR_STRING,
  COLOR_NUMBER,
  COLOR_COMMENT,
  COLOR_CALL,  /* a name that is called */
  COLOR_MATCH, /* the bracket at the cursor and its partner */
  COLOR_WRONG,
  COLOR_FAINT, /* suggestions */
  COLOR_MARKED /* the chosen item of a menu */
} Color;

typedef struct {
  const char *bytes;
  size_t size;
  Color color;
} Piece;

typedef struct {
  const char *first, *other; /* prompts of the first line and of the others */
  const Text *text;
  const unsigned char *colors; /* a Color for each byte of the text */
  const char *suggestion;      /* shown after the end of the text, or NULL */
  const Piece *below;          /* shown beneath: pieces, "\n" ends a row */
  int nbelow;
  bool colorful;
} View;

typedef struct Screen Screen;

Screen *screen_open(void); /* NULL when memory is short */
void screen_close(Screen *screen);
/* Starts at the left of a row of its own. */
void screen_start(Screen *screen);
void screen_draw(Screen *screen, const View *view);
/* Leaves the text as it stands, without suggestion and without what is below, and goes to the row
   after it. `mark` is written at the end of the text. */
void screen_finish(Screen *screen, const View *view, const char *mark);
/* Another size: what was drawn has been wrapped anew by the terminal. */
void screen_resized(Screen *screen);
void screen_clear(Screen *screen); /* the whole terminal */

/* Columns that a text takes in one row, with escapes (ESC [ ... letter) in it taking none. */
int screen_width(const char *bytes, size_t size);

#endif
