/* Drawing. An entry is laid out as rows of bytes, escapes included; rows equal to those on the
   screen are left alone. */
#include "screen.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "terminal.h"

static const char *const escapes[] = {
    [COLOR_NONE] = "",           [COLOR_KEYWORD] = "\033[35m", [COLOR_STRING] = "\033[32m",
    [COLOR_NUMBER] = "\033[36m", [COLOR_COMMENT] = "\033[90m", [COLOR_CALL] = "\033[34m",
    [COLOR_MATCH] = "\033[1;4m", [COLOR_WRONG] = "\033[31m",   [COLOR_FAINT] = "\033[90m",
    [COLOR_MARKED] = "\033[7m",
};

/* ---- rows ------------------------------------------------------------------------------------------ */

typedef struct {
  size_t start; /* in bytes */
  int width;    /* columns */
} Row;

typedef struct {
  char *bytes;
  size_t size, room;
  Row *rows;
  int n, rows_room;
  bool failed; /* memory is short: the frame is not drawn */
} Frame;

struct Screen {
  Frame shown, next;
  int row;    /* of the cursor, from the first row shown */
  int column; /* and where it stands in that row */
};

static void add_bytes(Frame *f, const char *bytes, size_t n) {
  if (n == 0) return;
  if (f->size + n > f->room) {
    size_t room = 2 * (f->size + n) + 1024;
    char *more = realloc(f->bytes, room);
    if (more == NULL) {
      f->failed = true;
      return;
    }
    f->bytes = more;
    f->room = room;
  }
  memcpy(f->bytes + f->size, bytes, n);
  f->size += n;
}

static void add_text(Frame *f, const char *text) { add_bytes(f, text, strlen(text)); }

static void add_row(Frame *f) {
  if (f->n == f->rows_room) {
    int room = 2 * f->rows_room + 32;
    Row *more = realloc(f->rows, (size_t)room * sizeof *more);
    if (more == NULL) {
      f->failed = true;
      return;
    }
    f->rows = more;
    f->rows_room = room;
  }
  f->rows[f->n++] = (Row){f->size, 0};
}

static const char *row_bytes(const Frame *f, int i, size_t *size) {
  size_t end = i + 1 < f->n ? f->rows[i + 1].start : f->size;
  *size = end - f->rows[i].start;
  return f->bytes + f->rows[i].start;
}

/* ---- layout ---------------------------------------------------------------------------------------- */

typedef struct {
  Frame *frame;
  int columns, column;
  Color color;
  bool colorful;
} Pen;

static void set_color(Pen *pen, Color color) {
  if (!pen->colorful || color == pen->color) return;
  if (pen->color != COLOR_NONE) add_text(pen->frame, "\033[0m");
  add_text(pen->frame, escapes[color]);
  pen->color = color;
}

/* Rows end without colour, so that each can be drawn alone. */
static void new_row(Pen *pen) {
  Color color = pen->color;
  set_color(pen, COLOR_NONE);
  add_row(pen->frame);
  pen->column = 0;
  set_color(pen, color);
}

static void write_shown(Pen *pen, const char *shown, int width) {
  if (pen->column + width > pen->columns) new_row(pen);
  add_text(pen->frame, shown);
  pen->column += width;
  if (!pen->frame->failed) pen->frame->rows[pen->frame->n - 1].width = pen->column;
}

/* The size of the escape at `at`, or 0. */
static size_t escape_size(const char *bytes, size_t size, size_t at) {
  if (bytes[at] != 27 || at + 1 >= size || bytes[at + 1] != '[') return 0;
  size_t end = at + 2;
  while (end < size && (unsigned char)bytes[end] < 64) end++;
  return end < size ? end + 1 - at : 0;
}

int screen_width(const char *bytes, size_t size) {
  char shown[TEXT_SHOWN];
  int width = 0;
  for (size_t at = 0, next; at < size; at = next) {
    size_t escape = escape_size(bytes, size, at);
    next = escape > 0 ? at + escape : text_character(bytes, size, at);
    if (escape == 0) width += text_shown(bytes, at, next, width, shown);
  }
  return width;
}

static void write_prompt(Pen *pen, const char *prompt) {
  char shown[TEXT_SHOWN];
  size_t size = strlen(prompt);
  for (size_t at = 0, next; at < size; at = next) {
    size_t escape = escape_size(prompt, size, at);
    if (escape > 0) {
      next = at + escape;
      if (pen->colorful) add_bytes(pen->frame, prompt + at, escape);
    } else {
      next = text_character(prompt, size, at);
      write_shown(pen, shown, text_shown(prompt, at, next, pen->column, shown));
    }
  }
}

typedef struct {
  int row, column;
} Place;

static Place place_of(Pen *pen) {
  if (pen->column == pen->columns) new_row(pen);
  return (Place){pen->frame->n - 1, pen->column};
}

/* Lays the text out; returns where the cursor is. */
static Place write_text(Pen *pen, const View *view) {
  const Text *text = view->text;
  char shown[TEXT_SHOWN];
  Place cursor = {0, 0};
  int start = pen->column; /* of the line, for tabs */
  for (size_t at = 0, next;; at = next) {
    if (at == text->cursor) cursor = place_of(pen);
    if (at >= text->size) break;
    next = text_next(text, at);
    if (text->bytes[at] == '\n') {
      set_color(pen, COLOR_NONE);
      new_row(pen);
      write_prompt(pen, view->other);
      start = pen->column;
      continue;
    }
    set_color(pen, view->colors != NULL ? (Color)view->colors[at] : COLOR_NONE);
    int column = pen->column > start ? pen->column - start : 0;
    write_shown(pen, shown, text_shown(text->bytes, at, next, column, shown));
  }
  set_color(pen, COLOR_NONE);
  return cursor;
}

static void write_suggestion(Pen *pen, const View *view) {
  char shown[TEXT_SHOWN];
  const char *s = view->suggestion;
  size_t size = s == NULL ? 0 : strlen(s);
  set_color(pen, COLOR_FAINT);
  for (size_t at = 0, next; at < size; at = next) {
    next = text_character(s, size, at);
    if (s[at] == '\n') {
      set_color(pen, COLOR_NONE);
      new_row(pen);
      write_prompt(pen, view->other);
      set_color(pen, COLOR_FAINT);
    } else {
      write_shown(pen, shown, text_shown(s, at, next, 0, shown));
    }
  }
  set_color(pen, COLOR_NONE);
}

static void write_below(Pen *pen, const View *view) {
  char shown[TEXT_SHOWN];
  for (int i = 0; i < view->nbelow; i++) {
    const Piece *p = &view->below[i];
    set_color(pen, p->color);
    for (size_t at = 0, next; at < p->size; at = next) {
      next = text_character(p->bytes, p->size, at);
      if (p->bytes[at] == '\n') {
        set_color(pen, COLOR_NONE);
        new_row(pen);
        set_color(pen, p->color);
        continue;
      }
      int width = text_shown(p->bytes, at, next, pen->column, shown);
      if (pen->column + width < pen->columns) write_shown(pen, shown, width); /* else cut */
    }
  }
  set_color(pen, COLOR_NONE);
}

/* ---- to the terminal ------------------------------------------------------------------------------- */

/* Of all rows, those that fit: *from..*to-1, with the cursor's among them. */
static void choose_rows(int ntext, int nrows, int cursor, int height, int *from, int *to) {
  int below = nrows - ntext;
  if (below > height / 2) below = height / 2;
  int room = height - below; /* for the text */
  *from = ntext <= room || cursor < room - 1 ? 0 : cursor - room + 1;
  if (*from > ntext - room && ntext > room) *from = ntext - room;
  *to = ntext - *from < room ? ntext : *from + room;
  if (*to == ntext) *to += below;
}

static void move_rows(Frame *out, int rows) {
  char escape[24];
  if (rows == 0) return;
  snprintf(escape, sizeof escape, rows < 0 ? "\033[%dA" : "\033[%dB", rows < 0 ? -rows : rows);
  add_text(out, escape);
}

/* Keeps the rows from..to-1 of the frame only. */
static void cut_rows(Frame *f, int from, int to) {
  if (to < f->n) f->size = f->rows[to].start;
  memmove(f->rows, f->rows + from, (size_t)(to - from) * sizeof *f->rows);
  f->n = to - from;
}

static bool same_row(const Frame *a, const Frame *b, int i) {
  size_t size, other;
  if (i >= a->n || i >= b->n) return false;
  const char *x = row_bytes(a, i, &size), *y = row_bytes(b, i, &other);
  return size == other && (size == 0 || memcmp(x, y, size) == 0);
}

/* Brings the terminal from the frame shown to the next one, and the cursor to its place. */
static void update(Screen *s, Place cursor) {
  Frame out = {0};
  size_t size;
  int here = s->row;
  for (int i = 0; i < s->next.n; i++) {
    if (same_row(&s->shown, &s->next, i)) continue;
    int last = s->shown.n > 0 ? s->shown.n - 1 : 0; /* rows after it may not exist yet */
    if (i > last && here < last) move_rows(&out, last - here), here = last;
    if (i <= last || i <= here)
      move_rows(&out, i - here);
    else
      for (; here < i; here++) add_text(&out, "\n");
    here = i;
    const char *bytes = row_bytes(&s->next, i, &size);
    add_text(&out, "\r\033[K");
    add_bytes(&out, bytes, size);
    if (i > last) s->shown.n = i + 1; /* exists now; its bytes are not asked for again */
  }
  if (s->shown.n > s->next.n) {
    move_rows(&out, s->next.n - here);
    here = s->next.n;
    add_text(&out, "\r\033[J");
  }
  move_rows(&out, cursor.row - here);
  add_text(&out, "\r");
  if (cursor.column > 0) {
    char escape[24];
    snprintf(escape, sizeof escape, "\033[%dC", cursor.column);
    add_text(&out, escape);
  }
  if (!out.failed) terminal_put(out.bytes, out.size);
  free(out.bytes);
}

void screen_draw(Screen *s, const View *view) {
  s->next.size = 0;
  s->next.n = 0;
  s->next.failed = false;
  Pen pen = {&s->next, terminal_columns(), 0, COLOR_NONE, view->colorful};
  add_row(&s->next);
  if (s->next.failed) return;
  write_prompt(&pen, view->first);
  Place cursor = write_text(&pen, view);
  write_suggestion(&pen, view);
  int ntext = s->next.n, from, to;
  if (view->nbelow > 0) {
    new_row(&pen);
    write_below(&pen, view);
  }
  if (s->next.failed) return;
  choose_rows(ntext, s->next.n, cursor.row, terminal_rows(), &from, &to);
  cut_rows(&s->next, from, to);
  cursor.row -= from;
  update(s, cursor);
  Frame before = s->shown;
  s->shown = s->next;
  s->next = before;
  s->row = cursor.row;
  s->column = cursor.column;
}

void screen_finish(Screen *s, const View *view, const char *mark) {
  Text text = *view->text;
  View last = *view;
  text.cursor = text.size;
  last.text = &text;
  last.suggestion = NULL;
  last.nbelow = 0;
  screen_draw(s, &last);
  terminal_put(mark, strlen(mark));
  terminal_put("\r\n", 2);
  s->shown.n = 0;
  s->row = 0;
}

/* The terminal has broken the rows that are wider than it is now. */
void screen_resized(Screen *s) {
  int columns = terminal_columns(), above = s->shown.n > 0 ? s->column / columns : 0;
  for (int i = 0; i < s->row && i < s->shown.n; i++) {
    int width = s->shown.rows[i].width;
    above += width > columns ? (width - 1) / columns + 1 : 1;
  }
  char escape[32];
  int n = above > 0 ? snprintf(escape, sizeof escape, "\033[%dA\r\033[J", above)
                    : snprintf(escape, sizeof escape, "\r\033[J");
  terminal_put(escape, (size_t)n);
  s->shown.n = 0;
  s->row = 0;
}

void screen_clear(Screen *s) {
  terminal_put("\033[H\033[2J", 7);
  s->shown.n = 0;
  s->row = 0;
}

void screen_start(Screen *s) {
  char *blanks;
  int columns = terminal_columns();
  /* A row of blanks wraps to the next row unless the cursor stands in its first column. */
  if ((blanks = malloc((size_t)columns + 1)) != NULL) {
    memset(blanks, ' ', (size_t)columns);
    blanks[columns] = '\r';
    terminal_put(blanks, (size_t)columns + 1);
    free(blanks);
  }
  s->shown.n = 0;
  s->row = 0;
}

Screen *screen_open(void) { return calloc(1, sizeof(Screen)); }

void screen_close(Screen *s) {
  if (s == NULL) return;
  free(s->shown.bytes);
  free(s->shown.rows);
  free(s->next.bytes);
  free(s->next.rows);
  free(s);
}
