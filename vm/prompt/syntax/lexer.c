/* Lua 5.4's lexical rules (reference manual, section 3.1), kept going over errors. */
#include "lexer.h"

#include <ctype.h>
#include <string.h>

static const char *const keywords[] = {
    "and",      "break",  "do",   "else", "elseif", "end",   "false", "for",
    "function", "goto",   "if",   "in",   "local",  "nil",   "not",   "or",
    "repeat",   "return", "then", "true", "until",  "while",
};

static bool is_name_byte(unsigned char c) { return c == '_' || isalnum(c); }

static int byte_at(const Lexer *x, size_t at) {
  return at < x->size ? (unsigned char)x->text[at] : -1;
}

bool lexer_is(const Lexer *lexer, Token token, const char *word) {
  size_t size = strlen(word);
  return token.to - token.from == size && memcmp(lexer->text + token.from, word, size) == 0;
}

/* How many signs '=' a long bracket that opens at `at` has; -1 if none does. */
static int long_level(const Lexer *x, size_t at) {
  size_t signs = at + 1;
  if (byte_at(x, at) != '[') return -1;
  while (byte_at(x, signs) == '=') signs++;
  return byte_at(x, signs) == '[' ? (int)(signs - at - 1) : -1;
}

/* Past the long bracket that opens at `at`; *open if the text ends before it closes. */
static size_t skip_long(const Lexer *x, size_t at, int level, bool *open) {
  for (at += (size_t)level + 2; at < x->size; at++) {
    if (x->text[at] != ']') continue;
    size_t signs = at + 1;
    while (byte_at(x, signs) == '=') signs++;
    if (signs - at - 1 == (size_t)level && byte_at(x, signs) == ']') return signs + 1;
  }
  *open = true;
  return x->size;
}

static size_t skip_string(const Lexer *x, size_t at, bool *open) {
  char quote = x->text[at++];
  for (; at < x->size; at++) {
    char c = x->text[at];
    if (c == quote) return at + 1;
    if (c == '\n') break;
    if (c != '\\') continue;
    at++;
    if (byte_at(x, at) != 'z') continue; /* \z skips blanks, ends of lines too */
    while (at + 1 < x->size && isspace((unsigned char)x->text[at + 1])) at++;
  }
  *open = true;
  return at < x->size ? at : x->size;
}

static size_t skip_comment(const Lexer *x, size_t at, bool *open) {
  int level = long_level(x, at + 2);
  if (level >= 0) return skip_long(x, at + 2, level, open);
  while (at < x->size && x->text[at] != '\n') at++;
  return at;
}

static size_t skip_number(const Lexer *x, size_t at) {
  bool hexadecimal = x->text[at] == '0' && tolower(byte_at(x, at + 1)) == 'x';
  if (hexadecimal) at += 2;
  for (; at < x->size; at++) {
    int c = tolower((unsigned char)x->text[at]);
    if (is_name_byte((unsigned char)c) || c == '.') {
      bool exponent = c == (hexadecimal ? 'p' : 'e');
      int sign = byte_at(x, at + 1);
      if (exponent && (sign == '+' || sign == '-')) at++;
    } else {
      break;
    }
  }
  return at;
}

static size_t skip_symbol(const Lexer *x, size_t at) {
  static const char *const longer[] = {"...", "<<", ">>", "//", "==", "~=", "<=", ">=", "::", ".."};
  for (size_t i = 0; i < sizeof longer / sizeof *longer; i++) {
    size_t n = strlen(longer[i]);
    if (x->size - at >= n && memcmp(x->text + at, longer[i], n) == 0) return at + n;
  }
  return at + 1;
}

static bool is_keyword(const Lexer *x, Token t) {
  for (size_t i = 0; i < sizeof keywords / sizeof *keywords; i++) {
    if (lexer_is(x, t, keywords[i])) return true;
  }
  return false;
}

Token lexer_next(Lexer *x) {
  while (x->at < x->size && isspace((unsigned char)x->text[x->at])) x->at++;
  Token t = {TOKEN_END, x->at, x->at, false};
  if (x->at >= x->size) return t;
  unsigned char c = (unsigned char)x->text[t.from];
  int level = long_level(x, t.from);
  if (c == '-' && byte_at(x, t.from + 1) == '-') {
    t.kind = TOKEN_COMMENT;
    t.to = skip_comment(x, t.from, &t.open);
  } else if (level >= 0) {
    t.kind = TOKEN_STRING;
    t.to = skip_long(x, t.from, level, &t.open);
  } else if (c == '"' || c == '\'') {
    t.kind = TOKEN_STRING;
    t.to = skip_string(x, t.from, &t.open);
  } else if (isdigit(c) ||
             (c == '.' && byte_at(x, t.from + 1) >= '0' && byte_at(x, t.from + 1) <= '9')) {
    t.kind = TOKEN_NUMBER;
    t.to = skip_number(x, t.from);
  } else if (is_name_byte(c)) {
    while (t.to < x->size && is_name_byte((unsigned char)x->text[t.to])) t.to++;
    t.kind = is_keyword(x, t) ? TOKEN_KEYWORD : TOKEN_NAME;
  } else {
    t.kind = strchr("+-*/%^#&~|<>=(){}[];:,.", c) != NULL && c != '\0' ? TOKEN_SYMBOL : TOKEN_WRONG;
    t.to = t.kind == TOKEN_SYMBOL ? skip_symbol(x, t.from) : t.from + 1;
  }
  x->at = t.to;
  return t;
}

int lexer_nesting(const Lexer *x, Token t, bool *middle) {
  static const char *const opening[] = {"do", "then", "function", "repeat", "(", "[", "{"},
                           *const closing[] = {"end", "until", ")", "]", "}"};
  *middle = false;
  if (t.kind != TOKEN_KEYWORD && t.kind != TOKEN_SYMBOL) return 0;
  if (lexer_is(x, t, "else") || lexer_is(x, t, "elseif")) *middle = true;
  if (lexer_is(x, t, "else")) return 0;
  if (lexer_is(x, t, "elseif")) return -1; /* its `then` opens again */
  for (size_t i = 0; i < sizeof opening / sizeof *opening; i++) {
    if (lexer_is(x, t, opening[i])) return 1;
  }
  for (size_t i = 0; i < sizeof closing / sizeof *closing; i++) {
    if (lexer_is(x, t, closing[i])) return -1;
  }
  return 0;
}
