/* The text under edit. Every change is one replacement, so undoing it is another. */
#include "text.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <utf8proc.h>

#define MOST_EDITS 1000 /* kept for undo */

/* At `at`, `removed` bytes stood where `added` bytes stand now; both are in bytes, one after the other. */
struct Edit {
  size_t at, removed, added, cursor; /* cursor: where it stood before */
  char *bytes;
};

bool text_init(Text *text) {
  *text = (Text){.room = 256};
  text->bytes = calloc(1, text->room);
  return text->bytes != NULL;
}

static void drop_edits(Text *text, size_t from) {
  for (size_t i = from; i < text->nedits; i++) free(text->edits[i].bytes);
  text->nedits = from;
}

void text_free(Text *text) {
  drop_edits(text, 0);
  free(text->edits);
  free(text->bytes);
  *text = (Text){.bytes = NULL};
}

/* ---- changing ------------------------------------------------------------------------------------ */

static bool reserve(Text *text, size_t more) {
  if (text->size + more < text->room) return true;
  size_t room = 2 * (text->size + more) + 1;
  char *bytes = realloc(text->bytes, room);
  if (bytes == NULL) return false;
  text->bytes = bytes;
  text->room = room;
  return true;
}

/* There is room. */
static void put(Text *text, size_t at, size_t removed, const char *bytes, size_t n) {
  char *here = text->bytes + at;
  memmove(here + n, here + removed, text->size - at - removed + 1);
  if (n > 0) memcpy(here, bytes, n);
  text->size += n - removed;
  text->cursor = at + n;
}

/* Room for one more edit, after dropping what was undone and, of too many, the oldest. */
static bool reserve_edit(Text *text) {
  drop_edits(text, text->done);
  if (text->nedits == MOST_EDITS) {
    free(text->edits[0].bytes);
    memmove(text->edits, text->edits + 1, --text->nedits * sizeof *text->edits);
    text->done = text->nedits;
  }
  if (text->nedits < text->edits_room) return true;
  size_t room = 2 * text->edits_room + 16;
  Edit *edits = realloc(text->edits, room * sizeof *edits);
  if (edits == NULL) return false;
  text->edits = edits;
  text->edits_room = room;
  return true;
}

bool text_replace(Text *text, size_t from, size_t to, const char *bytes, size_t n) {
  size_t removed = to - from;
  if (removed == 0 && n == 0) return true;
  if (!reserve_edit(text) || !reserve(text, n)) return false;
  Edit edit = {from, removed, n, text->cursor, malloc(removed + n)};
  if (edit.bytes == NULL) return false;
  memcpy(edit.bytes, text->bytes + from, removed);
  if (n > 0) memcpy(edit.bytes + removed, bytes, n);
  put(text, from, removed, edit.bytes + removed, n);
  text->edits[text->nedits++] = edit;
  text->done = text->nedits;
  text->grouping = false;
  return true;
}

bool text_insert(Text *text, const char *bytes, size_t n) {
  return text_replace(text, text->cursor, text->cursor, bytes, n);
}

bool text_set(Text *text, const char *bytes) {
  return text_replace(text, 0, text->size, bytes, strlen(bytes));
}

bool text_type(Text *text, const char *bytes, size_t n) {
  Edit *last = text->done > 0 ? &text->edits[text->done - 1] : NULL;
  if (!text->grouping || text->done != text->nedits || last == NULL || last->removed > 0 ||
      last->at + last->added != text->cursor) {
    if (!text_insert(text, bytes, n)) return false;
    text->grouping = true;
    return true;
  }
  if (!reserve(text, n)) return false;
  char *joined = realloc(last->bytes, last->added + n);
  if (joined == NULL) return false;
  memcpy(joined + last->added, bytes, n);
  put(text, text->cursor, 0, bytes, n);
  last->bytes = joined;
  last->added += n;
  return true;
}

void text_end_group(Text *text) { text->grouping = false; }

bool text_undo(Text *text) {
  if (text->done == 0) return false;
  Edit *edit = &text->edits[text->done - 1];
  if (!reserve(text, edit->removed)) return false;
  put(text, edit->at, edit->added, edit->bytes, edit->removed);
  text->cursor = edit->cursor;
  text->done--;
  text->grouping = false;
  return true;
}

bool text_redo(Text *text) {
  if (text->done == text->nedits) return false;
  Edit *edit = &text->edits[text->done];
  if (!reserve(text, edit->added)) return false;
  put(text, edit->at, edit->removed, edit->bytes + edit->removed, edit->added);
  text->done++;
  text->grouping = false;
  return true;
}

/* ---- characters ---------------------------------------------------------------------------------- */

int text_code(const char *bytes, size_t size, size_t at, size_t *length) {
  utf8proc_int32_t code;
  utf8proc_ssize_t n =
      utf8proc_iterate((const utf8proc_uint8_t *)bytes + at, (utf8proc_ssize_t)(size - at), &code);
  *length = n > 0 ? (size_t)n : 1;
  return n > 0 ? (int)code : 0xFFFD;
}

size_t text_character(const char *bytes, size_t size, size_t at) {
  if (at >= size) return size;
  bool plain = (unsigned char)bytes[at] < 0x80;
  if (plain && (at + 1 == size || (unsigned char)bytes[at + 1] < 0x80)) return at + 1;
  utf8proc_int32_t state = 0;
  size_t length;
  int code = text_code(bytes, size, at, &length);
  for (at += length; at < size; at += length) {
    int next = text_code(bytes, size, at, &length);
    if (utf8proc_grapheme_break_stateful(code, next, &state)) break;
    code = next;
  }
  return at;
}

int text_shown(const char *bytes, size_t at, size_t end, int column, char *shown) {
  size_t length;
  int code = text_code(bytes, end, at, &length), width = 0;
  if (code == '\t') {
    width = TEXT_TAB - column % TEXT_TAB;
    memset(shown, ' ', (size_t)width);
    shown[width] = '\0';
    return width;
  }
  if (code < 32 || code == 127) {
    memcpy(shown, (char[]){'^', (char)(code ^ 64), '\0'}, 3);
    return 2;
  }
  if (code < 0xA0 && code >= 0x80) { /* control characters too, which terminals may obey */
    memcpy(shown, "?", 2);
    return 1;
  }
  if (code == 0xFFFD || end - at >= TEXT_SHOWN) {
    memcpy(shown, "\xEF\xBF\xBD", 4);
    return 1;
  }
  memcpy(shown, bytes + at, end - at);
  shown[end - at] = '\0';
  for (; at < end; at += length) {
    int w = utf8proc_charwidth(code = text_code(bytes, end, at, &length));
    if (code == 0xFE0F) w = 2; /* asks for the picture, which is wide */
    if (w > width) width = w;
  }
  return width;
}

size_t text_next(const Text *text, size_t at) {
  return text_character(text->bytes, text->size, at);
}

size_t text_previous(const Text *text, size_t at) {
  if (at == 0) return 0;
  size_t here = text_line_start(text, at), next;
  if (here == at) return at - 1; /* the newline */
  while ((next = text_next(text, here)) < at) here = next;
  return here;
}

static bool in_word(const Text *text, size_t at) {
  unsigned char c = (unsigned char)text->bytes[at];
  return c == '_' || c >= 0x80 || isalnum(c);
}

size_t text_next_word(const Text *text, size_t at) {
  while (at < text->size && !in_word(text, at)) at++;
  while (at < text->size && in_word(text, at)) at++;
  return at;
}

size_t text_previous_word(const Text *text, size_t at) {
  while (at > 0 && !in_word(text, at - 1)) at--;
  while (at > 0 && in_word(text, at - 1)) at--;
  return at;
}

/* ---- lines --------------------------------------------------------------------------------------- */

size_t text_line_start(const Text *text, size_t at) {
  while (at > 0 && text->bytes[at - 1] != '\n') at--;
  return at;
}

size_t text_line_end(const Text *text, size_t at) {
  while (at < text->size && text->bytes[at] != '\n') at++;
  return at;
}

int text_column(const Text *text, size_t at) {
  char shown[TEXT_SHOWN];
  int column = 0;
  for (size_t i = text_line_start(text, at), next; i < at; i = next) {
    next = text_next(text, i);
    column += text_shown(text->bytes, i, next, column, shown);
  }
  return column;
}

static size_t at_column(const Text *text, size_t at, int column) {
  char shown[TEXT_SHOWN];
  int here = 0;
  while (at < text->size && text->bytes[at] != '\n') {
    size_t next = text_next(text, at);
    here += text_shown(text->bytes, at, next, here, shown);
    if (here > column) break;
    at = next;
  }
  return at;
}

size_t text_line_above(const Text *text, size_t at, int column) {
  size_t start = text_line_start(text, at);
  return start == 0 ? at : at_column(text, text_line_start(text, start - 1), column);
}

size_t text_line_below(const Text *text, size_t at, int column) {
  size_t end = text_line_end(text, at);
  return end == text->size ? at : at_column(text, end + 1, column);
}
