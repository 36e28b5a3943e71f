/* Reading index expressions: x[2], x[{2, {1, 3}, {}}], x["2:5, :, -1"], x[mask]. Inside t_try. */
#include <stdlib.h>
#include <string.h>

#include "index.h"

static Item *add(Index *out, ItemKind kind) {
  if (out->n == T_MAXDIM + 1) t_fail("an index has at most %d parts", T_MAXDIM);
  Item *item = &out->item[out->n++];
  *item = (Item){.kind = kind, .step = 1};
  return item;
}

static int64_t position(lua_State *L, int i) {
  int is;
  int64_t v = lua_tointegerx(L, i, &is);
  if (lua_type(L, i) != LUA_TNUMBER || !is) {
    if (lua_type(L, i) == LUA_TNUMBER) {
      t_fail("index %g is not a whole number (// divides without a rest)", lua_tonumber(L, i));
    }
    t_fail("an index is a whole number, a range {first, last}, {} for all, a tensor or a string; "
           "got %s",
           lua_typename(L, lua_type(L, i)));
  }
  return v;
}

/* {}: all; {a}: a, keeping the dimension; {a, b}, {a, b, step} */
static void read_range(lua_State *L, int i, Index *out) {
  int n = (int)lua_rawlen(L, i);
  if (n == 0) {
    add(out, I_ALL);
    return;
  }
  if (n > 3) t_fail("a range is {first, last} or {first, last, step}, not a list of %d", n);
  Item *item = add(out, I_RANGE);
  int64_t v[3] = {0, 0, 1};
  for (int k = 0; k < n; k++) {
    lua_rawgeti(L, i, k + 1);
    v[k] = position(L, lua_gettop(L));
    lua_pop(L, 1);
  }
  item->start = v[0];
  item->stop = n > 1 ? v[1] : v[0];
  item->has_stop = true;
  item->step = v[2];
}

static void read_table(lua_State *L, int i, Index *out) {
  int n = (int)lua_rawlen(L, i);
  for (int k = 1; k <= n; k++) {
    lua_rawgeti(L, i, k);
    int top = lua_gettop(L);
    Tensor *t = handle_at(L, top);
    if (t) {
      add(out, I_PICK)->pick = t;
    } else if (lua_type(L, top) == LUA_TTABLE) {
      read_range(L, top, out);
    } else if (lua_type(L, top) == LUA_TSTRING && strcmp(lua_tostring(L, top), "...") == 0) {
      add(out, I_REST);
    } else if (lua_isnil(L, top)) {
      t_fail("part %d of the index is nil", k);
    } else {
      add(out, I_AT)->start = position(L, top);
    }
    lua_pop(L, 1);
  }
}

/* ---- strings ----------------------------------------------------------------------------------- */

static const char *spaces(const char *s) { return s + strspn(s, " \t"); }

static bool number(const char **s, int64_t *out) {
  char *end;
  *s = spaces(*s);
  *out = strtoll(*s, &end, 10);
  bool found = end != *s;
  *s = spaces(end);
  return found;
}

static void string_item(const char **at, Index *out, const char *whole) {
  const char *s = spaces(*at);
  if (strncmp(s, "...", 3) == 0) {
    add(out, I_REST);
    *at = spaces(s + 3);
    return;
  }
  int64_t a = 0, b = 0, step = 1;
  bool has_a = number(&s, &a), has_b = false;
  if (*s != ':') {
    if (!has_a) t_fail("index \"%s\": a number, a range 2:5 or : is wanted at \"%s\"", whole, s);
    add(out, I_AT)->start = a;
    *at = s;
    return;
  }
  s++;
  has_b = number(&s, &b);
  if (*s == ':') {
    s++;
    if (!number(&s, &step)) t_fail("index \"%s\": the step after the second : is missing", whole);
  }
  if (has_a && a == 1 && !has_b && step == 1) {
    t_fail("index \"%s\": 1: is everything, since positions count from 1; write : for all, or 2: "
           "to leave out the first",
           whole);
  }
  if (has_b && b == -1 && !has_a) {
    t_fail("index \"%s\": :-1 is everything, since both ends are included; write : for all, or "
           ":-2 to leave out the last",
           whole);
  }
  Item *item = add(out, has_a || has_b || step != 1 ? I_RANGE : I_ALL);
  item->start = has_a ? a : 1;
  item->stop = b;
  item->has_stop = has_b;
  item->step = step;
  *at = s;
}

void index_read_string(const char *whole, Index *out) {
  const char *s = whole;
  for (;;) {
    string_item(&s, out, whole);
    if (*s == 0) return;
    if (*s != ',') t_fail("index \"%s\": a comma is wanted at \"%s\"", whole, s);
    s++;
  }
}

void index_read(lua_State *L, int i, Index *out) {
  out->n = 0;
  Tensor *t = handle_at(L, i);
  if (t) {
    add(out, I_PICK)->pick = t;
    return;
  }
  switch (lua_type(L, i)) {
  case LUA_TTABLE: read_table(L, i, out); break;
  case LUA_TSTRING: index_read_string(lua_tostring(L, i), out); break;
  default: add(out, I_AT)->start = position(L, i);
  }
}
