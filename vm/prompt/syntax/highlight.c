/* Colours and indentation of Lua, from its tokens. */
#include "highlight.h"

#include <string.h>
#include "lexer.h"
#include "../terminal/screen.h"

#define INDENT 2

/* ---- brackets -------------------------------------------------------------------------------------- */

static bool is_bracket(char c) { return c != '\0' && strchr("()[]{}", c) != NULL; }

static char partner(char c) {
  static const char pairs[] = "()[]{}";
  return pairs[(size_t)(strchr(pairs, c) - pairs) ^ 1];
}

/* Is there a bracket token at `at`? */
static bool bracket_at(const Text *text, size_t at) {
  Lexer x = lexer_start(text->bytes, text->size);
  Token t;
  if (at >= text->size || !is_bracket(text->bytes[at])) return false;
  while ((t = lexer_next(&x)).kind != TOKEN_END && t.from < at) {}
  return t.from == at && t.kind == TOKEN_SYMBOL;
}

/* Where the bracket at `at` has its partner; `at` if nowhere. */
static size_t partner_of(const Text *text, size_t at) {
  Lexer x = lexer_start(text->bytes, text->size);
  char mine = text->bytes[at], other = partner(mine);
  bool forward = mine == '(' || mine == '[' || mine == '{';
  size_t found = at;
  size_t waiting[256]; /* forward: unused; backward: the openers before `at` */
  int depth = 0;
  for (Token t; (t = lexer_next(&x)).kind != TOKEN_END;) {
    if (t.kind != TOKEN_SYMBOL || t.to - t.from != 1) continue;
    char c = text->bytes[t.from];
    if (forward && t.from >= at) {
      if (c == mine) depth++;
      if (c == other && --depth == 0) return t.from;
    } else if (!forward && t.from <= at) {
      if (c == other && depth < 256) waiting[depth++] = t.from;
      if (c == mine && depth > 0) found = waiting[--depth];
      if (t.from == at) return depth >= 0 && found != at ? found : at;
    }
  }
  return at;
}

/* The bracket at the cursor, or before it, and its partner; false when there are none. */
static bool find_pair(const Text *text, size_t *at, size_t *other) {
  *at = text->cursor;
  if (!bracket_at(text, *at)) {
    if (*at == 0 || !bracket_at(text, *at - 1)) return false;
    --*at;
  }
  *other = partner_of(text, *at);
  return *other != *at;
}

static void mark_pair(const Text *text, unsigned char *colors) {
  size_t at, other;
  if (find_pair(text, &at, &other)) colors[at] = colors[other] = COLOR_MATCH;
}

size_t highlight_partner(const Text *text) {
  size_t at, other;
  return find_pair(text, &at, &other) ? other : text->cursor;
}

/* ---- colours --------------------------------------------------------------------------------------- */

static bool is_called(const Text *text, size_t after) {
  while (after < text->size && text->bytes[after] == ' ') after++;
  return after < text->size && strchr("({\"'", text->bytes[after]) != NULL;
}

static Color color_of(const Text *text, Token t) {
  switch (t.kind) {
  case TOKEN_KEYWORD: return COLOR_KEYWORD;
  case TOKEN_STRING: return COLOR_STRING;
  case TOKEN_NUMBER: return COLOR_NUMBER;
  case TOKEN_COMMENT: return COLOR_COMMENT;
  case TOKEN_WRONG: return COLOR_WRONG;
  case TOKEN_NAME: return is_called(text, t.to) ? COLOR_CALL : COLOR_NONE;
  default: return COLOR_NONE;
  }
}

/* The marks of a command, which are no Lua: ?x, x?, %name; a line after ! is the shell's. */
static void mark_command(const Text *text, unsigned char *colors) {
  const char *bytes = text->bytes;
  size_t end = text->size, n = 0;
  if (end == 0) return;
  if (bytes[0] == '!') {
    memset(colors, COLOR_NONE, end);
    n = 1;
  } else if (bytes[0] == '?') {
    n = strspn(bytes, "?");
  } else if (bytes[0] == '%') {
    n = strcspn(bytes, " \n");
  }
  memset(colors, COLOR_KEYWORD, n);
  while (end > 0 && bytes[end - 1] == ' ') end--;
  for (; end > n && bytes[end - 1] == '?' && colors[end - 1] == COLOR_WRONG; end--)
    colors[end - 1] = COLOR_KEYWORD;
}

void highlight(const Text *text, unsigned char *colors, bool pair) {
  Lexer x = lexer_start(text->bytes, text->size);
  memset(colors, COLOR_NONE, text->size);
  for (Token t; (t = lexer_next(&x)).kind != TOKEN_END;) {
    memset(colors + t.from, color_of(text, t), t.to - t.from);
  }
  mark_command(text, colors);
  if (pair) mark_pair(text, colors);
}

/* ---- indentation ----------------------------------------------------------------------------------- */

int highlight_indent(const Text *text, size_t at) {
  size_t end = text_line_start(text, at), line = 0;
  Lexer x = lexer_start(text->bytes, end);
  int depth = 0, here = 0; /* here: what this line opens, at most one step however many brackets */
  bool middle;
  for (Token t; (t = lexer_next(&x)).kind != TOKEN_END;) {
    if (t.open && text->bytes[t.from] != '"' && text->bytes[t.from] != '\'') return -1;
    if (text_line_start(text, t.from) != line) {
      depth += here > 0 ? 1 : here < 0 ? -1 : 0;
      here = 0;
      line = text_line_start(text, t.from);
    }
    here += lexer_nesting(&x, t, &middle);
  }
  depth += here > 0 ? 1 : here < 0 ? -1 : 0;
  return depth > 0 ? INDENT * depth : 0;
}

int highlight_closes(const Text *text) {
  size_t start = text_line_start(text, text->cursor);
  Lexer x = lexer_start(text->bytes, text->cursor);
  bool middle;
  x.at = start;
  Token t = lexer_next(&x);
  if (t.kind == TOKEN_END || t.to != text->cursor) return 0;
  return lexer_nesting(&x, t, &middle) < 0 || middle;
}
