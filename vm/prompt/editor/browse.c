/* The history at hand: by prefix with the arrows, as a grey suggestion, by Ctrl-R. */
#include <stdlib.h>
#include <string.h>
#include "state.h"

static bool begins(const char *entry, const char *prefix, size_t n) {
  return strncmp(entry, prefix, n) == 0;
}

static size_t own_place(const Editor *e) { return history_count(e->history); }

void browse_leave(Editor *e) {
  free(e->own);
  e->own = NULL;
  e->shown = own_place(e);
}

static void show(Editor *e, size_t i, const char *text) {
  e->shown = i;
  text_set(&e->text, text);
  e->text.cursor = e->text.size;
}

void browse_older(Editor *e) {
  if (e->own == NULL) { /* what stands before the cursor is the prefix */
    e->own = strdup(e->text.bytes);
    e->prefix = e->text.cursor;
    e->shown = own_place(e);
    if (e->own == NULL) return;
  }
  for (size_t i = e->shown; i-- > 0;) {
    const char *entry = history_get(e->history, i);
    if (!begins(entry, e->own, e->prefix) || strcmp(entry, e->text.bytes) == 0) continue;
    show(e, i, entry);
    return;
  }
}

void browse_newer(Editor *e) {
  if (e->own == NULL) return;
  for (size_t i = e->shown + 1; i < own_place(e); i++) {
    const char *entry = history_get(e->history, i);
    if (!begins(entry, e->own, e->prefix) || strcmp(entry, e->text.bytes) == 0) continue;
    show(e, i, entry);
    return;
  }
  size_t prefix = e->prefix;
  show(e, own_place(e), e->own);
  e->text.cursor = prefix;
  browse_leave(e);
}

const char *browse_suggestion(const Editor *e) {
  const Text *t = &e->text;
  if (t->size == 0 || t->cursor != t->size || e->own != NULL) return NULL;
  for (size_t i = own_place(e); i-- > 0;) {
    const char *entry = history_get(e->history, i);
    if (begins(entry, t->bytes, t->size) && entry[t->size] != '\0') return entry + t->size;
  }
  return NULL;
}

/* ---- Ctrl-R ---------------------------------------------------------------------------------------- */

/* The newest entry before `from` that holds `what`; own_place if there is none. */
static size_t find_older(const Editor *e, size_t from, const char *what) {
  for (size_t i = from; i-- > 0;) {
    if (strstr(history_get(e->history, i), what) != NULL) return i;
  }
  return own_place(e);
}

static void draw_search(Editor *e, const char *what, bool found) {
  Piece below[] = {{found ? "search: " : "not found: ", found ? 8 : 11, COLOR_FAINT},
                   {what, strlen(what), COLOR_NONE}};
  e->view.below = below;
  e->view.nbelow = 2;
  if (!input_waiting()) editor_draw(e);
  e->view.nbelow = 0;
}

/* Shows entry i with the cursor where `what` is. */
static void show_found(Editor *e, size_t i, const char *what) {
  if (i == own_place(e)) return;
  const char *entry = history_get(e->history, i), *place = strstr(entry, what);
  show(e, i, entry);
  if (place != NULL) e->text.cursor = (size_t)(place - entry);
}

Key browse_search(Editor *e) {
  char what[256] = "";
  char *before = strdup(e->text.bytes);
  size_t n = 0, at = own_place(e), cursor = e->text.cursor;
  bool found = true;
  if (before == NULL) return (Key){.kind = KEY_NONE};
  Key key;
  for (;;) {
    draw_search(e, what, found);
    key = keys_read();
    size_t from = own_place(e);
    if (key.kind == KEY_TEXT && n + key.size < sizeof what) {
      memcpy(what + n, key.bytes, key.size);
      what[n += key.size] = '\0';
      from = at < own_place(e) ? at + 1 : at;
    } else if (key.kind == KEY_BACKSPACE && n > 0) {
      do n--;
      while (n > 0 && (what[n] & 0xC0) == 0x80);
      what[n] = '\0';
    } else if (key.kind == KEY_CONTROL && key.letter == 'R') {
      from = at;
    } else if (key.kind == KEY_CHANGED) {
      screen_resized(e->screen);
      continue;
    } else if (key.kind != KEY_NONE) {
      break;
    }
    size_t next = n == 0 ? own_place(e) : find_older(e, from, what);
    found = n == 0 || next < own_place(e);
    if (next < own_place(e)) at = next;
    show_found(e, next, what);
  }
  bool given_up = key.kind == KEY_ESCAPE ||
                  (key.kind == KEY_CONTROL && (key.letter == 'G' || key.letter == 'C'));
  if (given_up) {
    text_set(&e->text, before);
    e->text.cursor = cursor;
    key.kind = KEY_NONE;
  }
  free(before);
  browse_leave(e);
  return key;
}
