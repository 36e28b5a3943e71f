/* The text of a line under edit, and its width on the screen. */
#include "line.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <utf8proc.h>

bool line_init(Line *line) {
  *line = (Line){.room = 128};
  line->text = calloc(1, line->room);
  return line->text != NULL;
}

void line_free(Line *line) {
  free(line->text);
  line->text = NULL;
}

static bool reserve(Line *line, size_t more) {
  if (line->size + more < line->room) return true;
  size_t room = 2 * (line->size + more) + 1;
  char *text = realloc(line->text, room);
  if (text == NULL) return false;
  line->text = text;
  line->room = room;
  return true;
}

bool line_insert(Line *line, const char *bytes, size_t n) {
  if (!reserve(line, n)) return false;
  char *here = line->text + line->cursor;
  memmove(here + n, here, line->size - line->cursor + 1);
  memcpy(here, bytes, n);
  line->size += n;
  line->cursor += n;
  return true;
}

void line_delete(Line *line, size_t from, size_t to) {
  memmove(line->text + from, line->text + to, line->size - to + 1);
  line->size -= to - from;
  line->cursor = from;
}

bool line_set(Line *line, const char *text) {
  line_delete(line, 0, line->size);
  return line_insert(line, text, strlen(text));
}

int line_code(const char *text, size_t size, size_t at, size_t *length) {
  utf8proc_int32_t code;
  utf8proc_ssize_t n =
      utf8proc_iterate((const utf8proc_uint8_t *)text + at, (utf8proc_ssize_t)(size - at), &code);
  *length = n > 0 ? (size_t)n : 1;
  return n > 0 ? (int)code : 0xFFFD;
}

size_t line_next(const Line *line, size_t at) {
  utf8proc_int32_t state = 0;
  size_t length;
  if (at >= line->size) return line->size;
  int code = line_code(line->text, line->size, at, &length);
  for (at += length; at < line->size; at += length) {
    int next = line_code(line->text, line->size, at, &length);
    if (utf8proc_grapheme_break_stateful(code, next, &state)) break;
    code = next;
  }
  return at;
}

size_t line_previous(const Line *line, size_t at) {
  size_t here = 0, next;
  while ((next = line_next(line, here)) < at) here = next;
  return here;
}

static bool in_word(const Line *line, size_t at) {
  unsigned char c = (unsigned char)line->text[at];
  return c == '_' || c >= 0x80 || isalnum(c);
}

size_t line_next_word(const Line *line, size_t at) {
  while (at < line->size && !in_word(line, at)) at++;
  while (at < line->size && in_word(line, at)) at++;
  return at;
}

size_t line_previous_word(const Line *line, size_t at) {
  while (at > 0 && !in_word(line, at - 1)) at--;
  while (at > 0 && in_word(line, at - 1)) at--;
  return at;
}

int line_shown(int code, char *shown) {
  if (code == '\n') {
    strcpy(shown, "\u21b5");
    return 1;
  }
  if (code == '\t') {
    strcpy(shown, " ");
    return 1;
  }
  if (code < 32 || code == 127) {
    shown[0] = '^';
    shown[1] = (char)(code ^ 64);
    shown[2] = '\0';
    return 2;
  }
  if (code >= 0x80 && code < 0xA0) { /* control characters too, which terminals may obey */
    strcpy(shown, "?");
    return 1;
  }
  utf8proc_ssize_t n = utf8proc_encode_char(code, (utf8proc_uint8_t *)shown);
  shown[n] = '\0';
  return utf8proc_charwidth(code);
}
