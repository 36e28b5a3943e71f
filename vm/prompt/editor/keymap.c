/* What each key does.

   Moves: arrows, Home, End, Ctrl-A E B F; by words with Ctrl or Alt and an arrow, Alt-B F.
   Up and Down go through the lines of the entry, and beyond its first and last through the history:
   the entries that begin as the text does. Ctrl-P N: the same. Ctrl-R searches.
   Cuts, to a ring: Ctrl-K U W, Alt-D, Alt-Backspace; Ctrl-Y puts back, Alt-Y takes an older one.
   ESC and then a key is Alt with it. Ctrl-_ undoes (also Ctrl-X Ctrl-U), Alt-_ does again. Tab completes; at the start of a line it
   indents. Enter runs a whole entry and adds a line to another; Alt-Enter always adds one.
   Right at the end of the text takes the suggestion, Alt-F a word of it.
   Ctrl-L clears the screen, Ctrl-C drops the entry, Ctrl-D on an empty one ends, Ctrl-Z stops. */
#include <stdlib.h>
#include <string.h>
#include "../syntax/highlight.h"
#include "state.h"
#include "../terminal/terminal.h"

KillRing kill_ring;

static const char blanks[] = "                                                                ";

/* ---- cutting and putting back ---------------------------------------------------------------------- */

/* Puts bytes on the ring; to the newest one when the key before cut too. */
static void keep_kill(Editor *e, const char *bytes, size_t n, bool before) {
  char *old = e->before == DID_KILL && kill_ring.nkills > 0 ? kill_ring.kills[0] : NULL;
  size_t kept = old == NULL ? 0 : strlen(old);
  char *kill = malloc(kept + n + 1);
  if (kill == NULL) return;
  if (old != NULL) memcpy(kill + (before ? n : 0), old, kept);
  memcpy(kill + (before ? 0 : kept), bytes, n);
  kill[kept + n] = '\0';
  if (old != NULL) {
    free(old);
  } else {
    if (kill_ring.nkills == KILLS) free(kill_ring.kills[--kill_ring.nkills]);
    memmove(kill_ring.kills + 1, kill_ring.kills, (size_t)kill_ring.nkills * sizeof(char *));
    kill_ring.nkills++;
  }
  kill_ring.kills[0] = kill;
}

static void cut(Editor *e, size_t from, size_t to) {
  if (from == to) return;
  keep_kill(e, e->text.bytes + from, to - from, to == e->text.cursor);
  text_replace(&e->text, from, to, "", 0);
  e->did = DID_KILL;
}

static void yank(Editor *e) {
  if (kill_ring.nkills == 0) return;
  e->yank_from = e->text.cursor;
  e->yank = 0;
  text_insert(&e->text, kill_ring.kills[0], strlen(kill_ring.kills[0]));
  e->did = DID_YANK;
}

static void yank_older(Editor *e, Did before) {
  if (before != DID_YANK || kill_ring.nkills == 0) return;
  e->yank = (e->yank + 1) % kill_ring.nkills;
  const char *kill = kill_ring.kills[e->yank];
  text_replace(&e->text, e->yank_from, e->text.cursor, kill, strlen(kill));
  e->did = DID_YANK;
}

/* ---- lines ----------------------------------------------------------------------------------------- */

static void new_line(Editor *e) {
  Text *t = &e->text;
  size_t end = t->cursor;
  while (t->cursor > 0 && t->bytes[t->cursor - 1] == ' ')
    t->cursor--; /* blanks at the line's end */
  text_replace(t, t->cursor, end, "\n", 1);
  if (input_waiting())
    return; /* pasted by a terminal that does not say so: its blanks come along */
  int indent = highlight_indent(t, t->cursor);
  if (indent > (int)sizeof blanks - 1) indent = (int)sizeof blanks - 1;
  if (indent > 0) text_insert(t, blanks, (size_t)indent);
}

/* A line that holds just `end`, `}`, `else` and the like stands one step further left. */
static void outdent(Editor *e) {
  Text *t = &e->text;
  size_t start = text_line_start(t, t->cursor);
  int inside = highlight_indent(t, t->cursor);
  if (inside < 2 || !highlight_closes(t)) return;
  size_t have = strspn(t->bytes + start, " "), cursor = t->cursor;
  if (have != (size_t)inside) return;
  text_replace(t, start, start + 2, "", 0);
  t->cursor = cursor - 2;
}

static void submit(Editor *e, ReadStatus status) {
  e->ended = true;
  e->status = status;
}

static void enter(Editor *e) {
  Text *t = &e->text;
  if (e->asks->whole(e->asks->owner, t->bytes, t->size))
    submit(e, READ_ENTRY);
  else
    new_line(e);
}

/* A row up or down inside of the text, at the column where the moves began; false at its border. */
static bool move_row(Editor *e, Did before, bool up) {
  Text *t = &e->text;
  if (before != DID_ROWS) e->column = text_column(t, t->cursor);
  size_t to =
      up ? text_line_above(t, t->cursor, e->column) : text_line_below(t, t->cursor, e->column);
  if (to == t->cursor) return false;
  t->cursor = to;
  e->did = DID_ROWS;
  return true;
}

static void go_row(Editor *e, Did before, bool up) {
  if (before != DID_HISTORY && move_row(e, before, up)) return;
  if (up)
    browse_older(e);
  else
    browse_newer(e);
  e->did = DID_HISTORY;
}

/* ---- typing ---------------------------------------------------------------------------------------- */

static bool starts_with(const char *line, const char *prefix) {
  return strncmp(line, prefix, strlen(prefix)) == 0;
}

/* What stands before an entry and before its further lines: here, in lua and within fit; in Python. */
static const char *const own_prompts[] = {"> ", ">> ", "fit> ", NULL};
static const char *const python_prompts[] = {">>> ", "... ", NULL};

/* The length of the prompt that a line begins with, 0 when it is none. Screens are copied without the
   blanks at the end of a line. */
static size_t prompt_length(const char *line, const char *const *prompts) {
  for (; *prompts != NULL; prompts++) {
    size_t n = strlen(*prompts) - 1;
    if (strncmp(line, *prompts, n) != 0) continue;
    if (line[n] == ' ') return n + 1;
    if (line[n] == '\n' || line[n] == '\0') return n;
  }
  return 0;
}

static const char *after_line(const char *line) {
  const char *end = strchr(line, '\n');
  return end == NULL ? line + strlen(line) : end + 1;
}

/* In place: of a session that was copied from the screen, what had been typed. Returns the size. */
static size_t strip_prompts(char *bytes, size_t size) {
  const char *line = bytes;
  while (starts_with(line, "$ lunette") || starts_with(line, "Lunette ")) line = after_line(line);
  const char *const *prompts =
      prompt_length(line, python_prompts) > 0 ? python_prompts : own_prompts;
  if (prompt_length(line, prompts) == 0) return size;
  char *to = bytes;
  for (const char *next; *line != '\0'; line = next) {
    size_t skip = prompt_length(line, prompts);
    next = after_line(line);
    if (skip == 0) continue; /* what the program had written */
    size_t n = (size_t)(next - line) - skip;
    memmove(to, line + skip, n);
    to += n;
  }
  return (size_t)(to - bytes);
}

static void paste(Editor *e, const char *bytes, size_t size) {
  char *own = malloc(size + 1);
  if (own == NULL) return;
  memcpy(own, bytes, size);
  own[size] = '\0';
  size = strip_prompts(own, size);
  if (size > 0 && own[size - 1] == '\n') size--;
  text_insert(&e->text, own, size);
  free(own);
}

static void accept(Editor *e, bool word) {
  const char *rest = browse_suggestion(e);
  if (rest == NULL) return;
  size_t from = e->text.size;
  char *copy = strdup(rest);
  if (copy == NULL) return;
  if (text_insert(&e->text, copy, strlen(copy)) && word) {
    size_t end = text_next_word(&e->text, from);
    text_replace(&e->text, end, e->text.size, "", 0);
  }
  free(copy);
}

static void move(Editor *e, size_t to) { e->text.cursor = to; }

static void right(Editor *e, bool word) {
  Text *t = &e->text;
  if (t->cursor == t->size)
    accept(e, word);
  else
    move(e, word ? text_next_word(t, t->cursor) : text_next(t, t->cursor));
}

/* ---- keys ------------------------------------------------------------------------------------------ */

static void stop(Editor *e) {
  editor_leave(e, "");
  terminal_stop();
  screen_start(e->screen);
}

static void control(Editor *e, char letter, Did before) {
  Text *t = &e->text;
  switch (letter) {
  case 'A': move(e, text_line_start(t, t->cursor)); break;
  case 'E':
    if (t->cursor == t->size)
      accept(e, false);
    else
      move(e, text_line_end(t, t->cursor));
    break;
  case 'B': move(e, text_previous(t, t->cursor)); break;
  case 'F': right(e, false); break;
  case 'P': go_row(e, before, true); break;
  case 'N': go_row(e, before, false); break;
  case 'K': {
    size_t end = text_line_end(t, t->cursor);
    cut(e, t->cursor, end == t->cursor ? text_next(t, end) : end);
    break;
  }
  case 'U': cut(e, text_line_start(t, t->cursor), t->cursor); break;
  case 'W': cut(e, text_previous_word(t, t->cursor), t->cursor); break;
  case 'Y': yank(e); break;
  case '_': text_undo(t); break;
  case 'R': keymap_do(e, browse_search(e)); break;
  case ']': move(e, highlight_partner(t)); break;
  case 'L': screen_clear(e->screen); break;
  case 'C': submit(e, READ_CANCELLED); break;
  case 'D':
    if (t->size == 0)
      submit(e, READ_END);
    else
      text_replace(t, t->cursor, text_next(t, t->cursor), "", 0);
    break;
  case 'Z': stop(e); break;
  case 'X': {
    Key second = keys_read();
    if (second.kind == KEY_CONTROL && second.letter == 'U') text_undo(t);
    break;
  }
  default: break;
  }
}

static void alt(Editor *e, Key key, Did before) {
  Text *t = &e->text;
  switch (key.letter) {
  case 'b': move(e, text_previous_word(t, t->cursor)); break;
  case 'f': right(e, true); break;
  case 'd': cut(e, t->cursor, text_next_word(t, t->cursor)); break;
  case 'y': yank_older(e, before); break;
  case '_':
  case '/': text_redo(t); break;
  case '<': move(e, 0); break;
  case '>': move(e, t->size); break;
  case '\r':
  case '\n': new_line(e); break;
  default: /* ESC was typed by itself, and had no meaning */
    if (key.late && key.letter > ' ') text_type(t, &key.letter, 1);
  }
}

static void delete_key(Editor *e, bool forward, bool word) {
  Text *t = &e->text;
  size_t to = forward ? (word ? text_next_word(t, t->cursor) : text_next(t, t->cursor))
                      : (word ? text_previous_word(t, t->cursor) : text_previous(t, t->cursor));
  if (word)
    cut(e, forward ? t->cursor : to, forward ? to : t->cursor);
  else
    text_replace(t, forward ? t->cursor : to, forward ? to : t->cursor, "", 0);
}

static void tab(Editor *e) {
  Text *t = &e->text;
  size_t start = text_line_start(t, t->cursor);
  size_t filled = start + strspn(t->bytes + start, " \t");
  if (filled >= t->cursor || input_waiting()) /* a paste, as above */
    text_insert(t, blanks, 2);
  else
    keymap_do(e, menu_run(e));
}

void keymap_do(Editor *e, Key key) {
  Text *t = &e->text;
  Did before = e->before = e->did;
  size_t changes = t->done, size = t->size;
  e->did = DID_OTHER;
  if (key.kind != KEY_TEXT) text_end_group(t);
  switch (key.kind) {
  case KEY_TEXT:
    if (text_type(t, key.bytes, key.size)) outdent(e);
    break;
  case KEY_PASTE: paste(e, key.bytes, key.size); break;
  case KEY_CONTROL: control(e, key.letter, before); break;
  case KEY_ALT: alt(e, key, before); break;
  case KEY_ESCAPE:
    keys_escaped();
    e->did = before;
    break;
  case KEY_ENTER: enter(e); break;
  case KEY_TAB: tab(e); break;
  case KEY_BACKSPACE: delete_key(e, false, key.word); break;
  case KEY_DELETE: delete_key(e, true, key.word); break;
  case KEY_UP: go_row(e, before, true); break;
  case KEY_DOWN: go_row(e, before, false); break;
  case KEY_RIGHT: right(e, key.word); break;
  case KEY_LEFT:
    move(e, key.word ? text_previous_word(t, t->cursor) : text_previous(t, t->cursor));
    break;
  case KEY_HOME: move(e, text_line_start(t, t->cursor)); break;
  case KEY_END:
    if (t->cursor == t->size)
      accept(e, false);
    else
      move(e, text_line_end(t, t->cursor));
    break;
  case KEY_CHANGED: screen_resized(e->screen); break;
  case KEY_INTERRUPT: submit(e, READ_CANCELLED); break;
  case KEY_CLOSED: submit(e, READ_END); break;
  default: e->did = before; break;
  }
  if (e->did != DID_HISTORY && (t->done != changes || t->size != size)) browse_leave(e);
}
