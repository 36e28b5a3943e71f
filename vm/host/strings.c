/* string.find, match, gmatch, gsub and rep, as the Lua manual defines them, so that Ctrl-C stops
   them. */
#include "strings.h"

#include <ctype.h>
#include <stdbool.h>
#include <limits.h>
#include <string.h>
#include "lauxlib.h"
#include "lualib.h"
#include "interrupt.h"
#include "pattern.h"

#define LONGEST    ((size_t)INT_MAX) /* bytes that rep makes */
#define FILL_BLOCK ((size_t)1 << 20) /* bytes that are copied between two looks at Ctrl-C's flag */

/* A start position as arguments give it becomes an offset, 0 or more; it may lie past the end. */
static size_t check_start(lua_State *L, int arg, size_t size) {
  lua_Integer at = luaL_optinteger(L, arg, 1);
  if (at > 0) return (size_t)at - 1;
  if (at == 0 || at < -(lua_Integer)size) return 0;
  return size + (size_t)at;
}

/* Searches from s on for the next match of p at an end other than `except`, at s alone if anchored.
   Returns its end, and in *from its start; NULL when there is none. */
static const char *find_next(Search *m, const char *s, const char *p, const char *except,
                             bool anchored, const char **from) {
  for (; s <= m->end; s++) {
    m->ncaptures = 0;
    const char *end = pattern_match(m, s, p);
    if (end != NULL && end != except) {
      *from = s;
      return end;
    }
    if (anchored) break;
  }
  return NULL;
}

/* The text of capture i (from 0) of the match from s to e; the match itself when the pattern has no
   captures. *size is CAPTURE_POSITION for a place. */
static const char *get_capture(const Search *m, int i, const char *s, const char *e,
                               ptrdiff_t *size) {
  if (i >= m->ncaptures) {
    if (i != 0) luaL_error(m->L, "invalid capture index %%%d", i + 1);
    *size = e - s;
    return s;
  }
  *size = m->captures[i].size;
  if (*size == CAPTURE_OPEN) luaL_error(m->L, "unfinished capture");
  return m->captures[i].at;
}

static void push_capture(const Search *m, int i, const char *s, const char *e) {
  ptrdiff_t size;
  const char *text = get_capture(m, i, s, e, &size);
  if (size == CAPTURE_POSITION)
    lua_pushinteger(m->L, text - m->start + 1);
  else
    lua_pushlstring(m->L, text, (size_t)size);
}

/* Pushes all captures, or the whole match when there are none and s is given. Returns how many. */
static int push_captures(const Search *m, const char *s, const char *e) {
  int n = m->ncaptures == 0 && s != NULL ? 1 : m->ncaptures;
  luaL_checkstack(m->L, n, "too many captures");
  for (int i = 0; i < n; i++) push_capture(m, i, s, e);
  return n;
}

/* Has the pattern no character with a meaning of its own? */
static bool is_plain(const char *pattern, size_t size) {
  static const char special[] = "^$*+?.([%-";
  for (size_t i = 0; i < size; i++)
    if (memchr(special, pattern[i], sizeof special - 1) != NULL) return false;
  return true;
}

/* Looks for `what`, of `length` bytes, in the subject from s on. */
static const char *find_text(Search *m, const char *s, const char *what, size_t length) {
  if (length == 0) return s;
  while ((size_t)(m->end - s) >= length) {
    s = memchr(s, what[0], (size_t)(m->end - s) - (length - 1));
    if (s == NULL || memcmp(s, what, length) == 0) return s;
    pattern_count(m, length);
    s++;
  }
  return NULL;
}

/* find and match */
static int search(lua_State *L, bool find) {
  Search m;
  size_t size, length;
  const char *from, *text = luaL_checklstring(L, 1, &size);
  const char *p = luaL_checklstring(L, 2, &length), *pattern_end = p + length;
  size_t start = check_start(L, 3, size);
  if (start > size) {
    luaL_pushfail(L);
    return 1;
  }
  const char *end;
  bool plain = find && (lua_toboolean(L, 4) || is_plain(p, length));
  bool anchored = !plain && *p == '^';
  pattern_prepare(&m, L, text, size, pattern_end);
  if (plain) {
    from = find_text(&m, text + start, p, length);
    end = from == NULL ? NULL : from + length;
  } else {
    end = find_next(&m, text + start, p + anchored, NULL, anchored, &from);
  }
  if (end == NULL) {
    luaL_pushfail(L);
    return 1;
  }
  if (!find) return push_captures(&m, from, end);
  lua_pushinteger(L, from - text + 1);
  lua_pushinteger(L, end - text);
  return 2 + push_captures(&m, NULL, NULL);
}

static int string_find(lua_State *L) { return search(L, true); }

static int string_match(lua_State *L) { return search(L, false); }

/* What an iterator of gmatch keeps in its third upvalue. */
typedef struct {
  Search m;
  const char *p;
  const char *next; /* where the search goes on */
  const char *last; /* where the last match ended; no other ends there */
} Matches;

static int next_match(lua_State *L) {
  Matches *g = lua_touserdata(L, lua_upvalueindex(3));
  const char *from;
  pattern_prepare(&g->m, L, g->m.start, (size_t)(g->m.end - g->m.start), g->m.pattern_end);
  const char *end = find_next(&g->m, g->next, g->p, g->last, false, &from);
  if (end == NULL) return 0;
  g->next = g->last = end;
  return push_captures(&g->m, from, end);
}

static int string_gmatch(lua_State *L) {
  size_t size, length;
  const char *text = luaL_checklstring(L, 1, &size);
  const char *p = luaL_checklstring(L, 2, &length);
  size_t start = check_start(L, 3, size);
  lua_settop(L, 2); /* the strings live as long as the iterator */
  Matches *g = lua_newuserdatauv(L, sizeof *g, 0);
  pattern_prepare(&g->m, L, text, size, p + length);
  g->p = p;
  g->next = text + (start > size ? size + 1 : start);
  g->last = NULL;
  lua_pushcclosure(L, next_match, 3);
  return 1;
}

/* gsub: the text of a replacement string, with its %0 to %9. */
static void add_string(const Search *m, luaL_Buffer *b, const char *s, const char *e) {
  size_t length;
  const char *r = lua_tolstring(m->L, 3, &length), *end = r + length;
  for (const char *escape; (escape = memchr(r, '%', (size_t)(end - r))) != NULL; r = escape + 2) {
    ptrdiff_t size;
    char c = escape[1];
    luaL_addlstring(b, r, (size_t)(escape - r));
    if (c == '%') {
      luaL_addchar(b, c);
    } else if (c == '0') {
      luaL_addlstring(b, s, (size_t)(e - s));
    } else if (isdigit((unsigned char)c)) {
      const char *text = get_capture(m, c - '1', s, e, &size);
      if (size == CAPTURE_POSITION) {
        lua_pushinteger(m->L, text - m->start + 1);
        luaL_addvalue(b);
      } else {
        luaL_addlstring(b, text, (size_t)size);
      }
    } else {
      luaL_error(m->L, "invalid use of '%c' in replacement string", '%');
    }
  }
  luaL_addlstring(b, r, (size_t)(end - r));
}

/* gsub: what stands for the match from s to e, by the argument 3 of this type. Returns whether it
   is other than the match. */
static bool add_replacement(const Search *m, luaL_Buffer *b, const char *s, const char *e,
                            int type) {
  lua_State *L = m->L;
  if (type == LUA_TFUNCTION) {
    lua_pushvalue(L, 3);
    lua_call(L, push_captures(m, s, e), 1);
  } else if (type == LUA_TTABLE) {
    push_capture(m, 0, s, e);
    lua_gettable(L, 3);
  } else {
    add_string(m, b, s, e);
    return true;
  }
  if (!lua_toboolean(L, -1)) {
    lua_pop(L, 1);
    luaL_addlstring(b, s, (size_t)(e - s));
    return false;
  }
  if (!lua_isstring(L, -1)) luaL_error(L, "invalid replacement value (a %s)", luaL_typename(L, -1));
  luaL_addvalue(b);
  return true;
}

static int string_gsub(lua_State *L) {
  Search m;
  luaL_Buffer b;
  size_t size, length;
  const char *s = luaL_checklstring(L, 1, &size), *from;
  const char *p = luaL_checklstring(L, 2, &length), *pattern_end = p + length, *last = NULL;
  int type = lua_type(L, 3);
  lua_Integer most = luaL_optinteger(L, 4, (lua_Integer)size + 1), n = 0;
  bool anchored = *p == '^', changed = false;
  luaL_argexpected(
      L, type == LUA_TNUMBER || type == LUA_TSTRING || type == LUA_TFUNCTION || type == LUA_TTABLE,
      3, "string/function/table");
  luaL_buffinit(L, &b);
  pattern_prepare(&m, L, s, size, pattern_end);
  while (n < most) {
    const char *end = find_next(&m, s, p + anchored, last, anchored, &from);
    if (end == NULL) break;
    n++;
    luaL_addlstring(&b, s, (size_t)(from - s));
    changed |= add_replacement(&m, &b, from, end, type);
    s = last = end;
    if (anchored) break;
  }
  if (changed) {
    luaL_addlstring(&b, s, (size_t)(m.end - s));
    luaL_pushresult(&b);
  } else {
    lua_pushvalue(L, 1);
  }
  lua_pushinteger(L, n);
  return 2;
}

/* Copies the first `unit` bytes of `to` over and over, until there are `total`. */
static void fill(lua_State *L, char *to, size_t unit, size_t total) {
  for (size_t done = unit; done < total;) {
    size_t n = done < FILL_BLOCK ? done : FILL_BLOCK / unit * unit;
    if (n == 0) n = unit;
    if (n > total - done) n = total - done;
    memcpy(to + done, to, n);
    done += n;
    interrupt_check(L);
  }
}

static int string_rep(lua_State *L) {
  size_t size, between;
  const char *text = luaL_checklstring(L, 1, &size);
  lua_Integer n = luaL_checkinteger(L, 2);
  const char *separator = luaL_optlstring(L, 3, "", &between);
  size_t unit = size + between;
  if (n <= 0 || unit == 0) {
    lua_pushliteral(L, "");
    return 1;
  }
  if (unit < size || unit > LONGEST / (size_t)n) return luaL_error(L, "resulting string too large");
  size_t total = unit * (size_t)n - between;
  luaL_Buffer b;
  char *to = luaL_buffinitsize(L, &b, total);
  memcpy(to, text, size);
  if (n > 1) memcpy(to + size, separator, between);
  fill(L, to, unit, total);
  luaL_pushresultsize(&b, total);
  return 1;
}

void strings_install(lua_State *L) {
  static const luaL_Reg functions[] = {{"find", string_find},     {"match", string_match},
                                       {"gmatch", string_gmatch}, {"gsub", string_gsub},
                                       {"rep", string_rep},       {NULL, NULL}};
  lua_getglobal(L, LUA_STRLIBNAME);
  luaL_setfuncs(L, functions, 0);
  lua_pop(L, 1);
}
