/* The matcher of Lua's string patterns, as the manual describes them, by backtracking. It is the
   program's own because a search may take time that grows with a power of the subject's length:
   this one looks at the interrupt flag as it goes. */
#include "pattern.h"

#include <ctype.h>
#include <stdbool.h>
#include <string.h>
#include "lauxlib.h"
#include "interrupt.h"

#define DEEPEST 200 /* recursion of pattern_match; bounds the C stack it takes */
#define ESCAPE  '%'

void pattern_prepare(Search *m, lua_State *L, const char *subject, size_t size,
                     const char *pattern_end) {
  m->L = L;
  m->start = subject;
  m->end = subject + size;
  m->pattern_end = pattern_end;
  m->depth = DEEPEST;
  m->work = 0;
  m->ncaptures = 0;
}

void pattern_look(Search *m) {
  m->work = 0;
  interrupt_check(m->L);
}

/* Items of one character: a letter, '.', %class, [set] */

/* Where the item at p ends (and its suffix may stand). */
static const char *item_end(Search *m, const char *p) {
  if (*p == ESCAPE) {
    if (p + 1 == m->pattern_end) luaL_error(m->L, "malformed pattern (ends with '%%')");
    return p + 2;
  }
  if (*p != '[') return p + 1;
  p += p[1] == '^' ? 2 : 1;
  do { /* a ']' in first place stands for itself */
    if (p >= m->pattern_end) luaL_error(m->L, "malformed pattern (missing ']')");
    p += *p == ESCAPE && p + 1 < m->pattern_end ? 2 : 1;
  } while (*p != ']' || p >= m->pattern_end);
  return p + 1;
}

/* Does character c belong to the class that the letter names? */
static bool in_class(int c, int letter) {
  bool in;
  switch (tolower(letter)) {
  case 'a': in = isalpha(c) != 0; break;
  case 'c': in = iscntrl(c) != 0; break;
  case 'd': in = isdigit(c) != 0; break;
  case 'g': in = isgraph(c) != 0; break;
  case 'l': in = islower(c) != 0; break;
  case 'p': in = ispunct(c) != 0; break;
  case 's': in = isspace(c) != 0; break;
  case 'u': in = isupper(c) != 0; break;
  case 'w': in = isalnum(c) != 0; break;
  case 'x': in = isxdigit(c) != 0; break;
  case 'z': in = c == 0; break;
  default: return letter == c;
  }
  return isupper(letter) ? !in : in;
}

static int code(const char *p) { return (unsigned char)*p; }

/* Does c belong to the set "[...]" between p and its last character, the ']'? */
static bool in_set(int c, const char *p, const char *last) {
  bool found = true;
  p++;
  if (*p == '^') {
    found = false;
    p++;
  }
  while (p < last) {
    if (*p == ESCAPE) {
      if (in_class(c, code(p + 1))) return found;
      p += 2;
    } else if (p[1] == '-' && p + 2 < last) {
      if (code(p) <= c && c <= code(p + 2)) return found;
      p += 3;
    } else {
      if (code(p) == c) return found;
      p++;
    }
  }
  return !found;
}

/* Does the character at s fit the item from p to ep? The work is the item's length, for a set. */
static bool fits(Search *m, const char *s, const char *p, const char *ep) {
  if (s >= m->end) return false;
  pattern_count(m, (size_t)(ep - p));
  switch (*p) {
  case '.': return true;
  case ESCAPE: return in_class(code(s), code(p + 1));
  case '[': return in_set(code(s), p, ep - 1);
  default: return *p == *s;
  }
}

/* As many repetitions as possible, then fewer, until the rest matches. */
static const char *match_most(Search *m, const char *s, const char *p, const char *ep) {
  const char *t = s;
  while (fits(m, t, p, ep)) t++;
  for (;; t--) {
    const char *end = pattern_match(m, t, ep + 1);
    if (end != NULL) return end;
    if (t == s) return NULL;
  }
}

/* No repetition, then more, until the rest matches. */
static const char *match_least(Search *m, const char *s, const char *p, const char *ep) {
  for (;; s++) {
    const char *end = pattern_match(m, s, ep + 1);
    if (end != NULL) return end;
    if (!fits(m, s, p, ep)) return NULL;
  }
}

/* %bxy; p points at x */
static const char *match_balanced(Search *m, const char *s, const char *p) {
  if (m->pattern_end - p < 2) luaL_error(m->L, "malformed pattern (missing arguments to '%%b')");
  if (s >= m->end || *s != p[0]) return NULL;
  int level = 1;
  for (s++; s < m->end; s++) {
    pattern_count(m, 1);
    if (*s == p[1]) {
      if (--level == 0) break;
    } else if (*s == p[0]) {
      level++;
    }
  }
  return s < m->end ? s + 1 : NULL;
}

/* %f[set]; p points at the '['. Answers whether s is such a border. */
static bool at_frontier(Search *m, const char *s, const char *p, const char *ep) {
  pattern_count(m, (size_t)(ep - p));
  int before = s == m->start ? 0 : code(s - 1);
  return !in_set(before, p, ep - 1) && in_set(code(s), p, ep - 1);
}

/* Captures */

static const char *open_capture(Search *m, const char *s, const char *p, ptrdiff_t size) {
  if (m->ncaptures >= MAX_CAPTURES) luaL_error(m->L, "too many captures");
  m->captures[m->ncaptures].at = s;
  m->captures[m->ncaptures].size = size;
  m->ncaptures++;
  const char *end = pattern_match(m, s, p);
  if (end == NULL) m->ncaptures--;
  return end;
}

static const char *close_capture(Search *m, const char *s, const char *p) {
  int i = m->ncaptures - 1;
  while (i >= 0 && m->captures[i].size != CAPTURE_OPEN) i--;
  if (i < 0) luaL_error(m->L, "invalid pattern capture");
  m->captures[i].size = s - m->captures[i].at;
  const char *end = pattern_match(m, s, p);
  if (end == NULL) m->captures[i].size = CAPTURE_OPEN;
  return end;
}

/* %1 to %9: the text of an earlier capture again. */
static const char *match_again(Search *m, const char *s, int digit) {
  int i = digit - '1';
  if (i < 0 || i >= m->ncaptures || m->captures[i].size == CAPTURE_OPEN)
    luaL_error(m->L, "invalid capture index %%%d", i + 1);
  size_t size = (size_t)m->captures[i].size;
  if ((size_t)(m->end - s) < size || memcmp(m->captures[i].at, s, size) != 0) return NULL;
  pattern_count(m, size);
  return s + size;
}

/* Items that are more than one character, its suffix included. When there is one at *p, moves *s
   and *p past it and answers true; *s is NULL after a failure. An item that has matched all the
   rest of the pattern itself moves *p to the end. */
static bool match_special(Search *m, const char **s, const char **p) {
  const char *at = *p, *ep;
  switch (*at) {
  case '(':
    if (at[1] == ')')
      *s = open_capture(m, *s, at + 2, CAPTURE_POSITION);
    else
      *s = open_capture(m, *s, at + 1, CAPTURE_OPEN);
    break;
  case ')': *s = close_capture(m, *s, at + 1); break;
  case '$':
    if (at + 1 != m->pattern_end) return false;
    if (*s != m->end) *s = NULL;
    break;
  case ESCAPE:
    if (at[1] == 'b') {
      *s = match_balanced(m, *s, at + 2);
      *p = at + 4;
      return true;
    }
    if (at[1] == 'f') {
      if (at[2] != '[') luaL_error(m->L, "missing '[' after '%%f' in pattern");
      ep = item_end(m, at + 2);
      if (!at_frontier(m, *s, at + 2, ep)) *s = NULL;
      *p = ep;
      return true;
    }
    if (!isdigit(code(at + 1))) return false;
    *s = match_again(m, *s, code(at + 1));
    *p = at + 2;
    return true;
  default: return false;
  }
  *p = m->pattern_end;
  return true;
}

/* One item of one character, with its suffix; as match_special. Where the character does not fit an
   item that may be missing, the pattern goes on without recursion. */
static void match_item(Search *m, const char **s, const char **p) {
  const char *ep = item_end(m, *p), *end;
  if (!fits(m, *s, *p, ep)) {
    bool may_miss = *ep == '*' || *ep == '?' || *ep == '-';
    if (!may_miss) *s = NULL;
    *p = ep + may_miss;
    return;
  }
  switch (*ep) {
  case '?':
    end = pattern_match(m, *s + 1, ep + 1);
    *p = ep + 1;
    if (end == NULL) return;
    *s = end;
    break;
  case '*': *s = match_most(m, *s, *p, ep); break;
  case '+': *s = match_most(m, *s + 1, *p, ep); break;
  case '-': *s = match_least(m, *s, *p, ep); break;
  default:
    ++*s;
    *p = ep;
    return;
  }
  *p = m->pattern_end;
}

const char *pattern_match(Search *m, const char *s, const char *p) {
  if (m->depth-- == 0) luaL_error(m->L, "pattern too complex");
  pattern_count(m, 1);
  while (s != NULL && p != m->pattern_end)
    if (!match_special(m, &s, &p)) match_item(m, &s, &p);
  m->depth++;
  return s;
}
