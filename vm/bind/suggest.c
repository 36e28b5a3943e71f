/* "Did you mean": the known name that is nearest to a wrong one. */
#include "bind.h"

#include <ctype.h>
#include <string.h>

enum {
  LONGEST = 64, /* of a name that is compared */
  PREFIX = 1000 /* a name that only begins like the wrong one comes after all that resemble it */
};

/* Without case, underscores and dashes: batchSize is close to batch_size. Returns the length, or -1
   when the name is too long. */
static int plain(const char *name, char *out) {
  int n = 0;
  for (; *name; name++) {
    if (*name == '_' || *name == '-') continue;
    if (n == LONGEST) return -1;
    out[n++] = (char)tolower((unsigned char)*name);
  }
  return n;
}

/* Edits between two words; neighbouring letters exchanged count as one. */
static int distance(const char *a, int la, const char *b, int lb) {
  int rows[3][LONGEST + 1];
  int *before = rows[0], *above = rows[1], *row = rows[2];
  for (int j = 0; j <= lb; j++) above[j] = j;
  for (int i = 1; i <= la; i++) {
    row[0] = i;
    for (int j = 1; j <= lb; j++) {
      int best = above[j - 1] + (a[i - 1] != b[j - 1]);
      if (above[j] + 1 < best) best = above[j] + 1;
      if (row[j - 1] + 1 < best) best = row[j - 1] + 1;
      bool swapped = i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1];
      if (swapped && before[j - 2] + 1 < best) best = before[j - 2] + 1;
      row[j] = best;
    }
    int *spare = before;
    before = above;
    above = row;
    row = spare;
  }
  return above[lb];
}

void suggest_consider(Suggestion *s, const char *name) {
  char wrong[LONGEST], have[LONGEST];
  int nwrong = plain(s->wrong, wrong), nhave = plain(name, have);
  if (nwrong < 0 || nhave <= 0 || strlen(name) >= sizeof s->name) return;
  int d = distance(wrong, nwrong, have, nhave), most = nhave / 3 > 1 ? nhave / 3 : 1;
  if (d > most) {
    if (nwrong < 3 || nhave < nwrong || memcmp(wrong, have, (size_t)nwrong) != 0) return;
    d = PREFIX + nhave;
  }
  d = 2 * d + (name[0] != s->wrong[0]); /* softmax rather than Softmax for sofmax */
  bool first = s->name[0] == 0, nearer = d < s->distance;
  if (!first && !nearer && (d > s->distance || strcmp(name, s->name) >= 0)) return;
  s->distance = d;
  strcpy(s->name, name);
}

void suggest_from_keys(Suggestion *s, lua_State *L, int table) {
  lua_pushnil(L);
  while (lua_next(L, table)) {
    if (lua_type(L, -2) == LUA_TSTRING) suggest_consider(s, lua_tostring(L, -2));
    lua_pop(L, 1);
  }
}

/* suggest(name, list): the entry of a list of names that is nearest to name, or nil. */
static int l_suggest(lua_State *L) {
  Suggestion s = {.wrong = lua_type(L, 1) == LUA_TSTRING ? lua_tostring(L, 1) : ""};
  luaL_checktype(L, 2, LUA_TTABLE);
  int n = (int)lua_rawlen(L, 2);
  for (int i = 1; i <= n; i++) {
    if (lua_rawgeti(L, 2, i) == LUA_TSTRING) suggest_consider(&s, lua_tostring(L, -1));
    lua_pop(L, 1);
  }
  if (s.name[0])
    lua_pushstring(L, s.name);
  else
    lua_pushnil(L);
  return 1;
}

void suggest_open(lua_State *L) {
  lua_pushcfunction(L, l_suggest);
  lua_setfield(L, -2, "suggest");
}
