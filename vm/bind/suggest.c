/* "Did you mean": the name in a table that is nearest to a wrong one. */
#include "bind.h"

#include <ctype.h>
#include <string.h>

/* Letters changed, dropped or added between short words, case aside; 99 when they are long. */
static int distance(const char *a, const char *b) {
  int row[33], la = (int)strlen(a), lb = (int)strlen(b);
  if (la > 32 || lb > 32) return 99;
  for (int j = 0; j <= lb; j++) row[j] = j;
  for (int i = 1; i <= la; i++) {
    int diagonal = row[0];
    row[0] = i;
    for (int j = 1; j <= lb; j++) {
      int above = row[j];
      bool same = tolower((unsigned char)a[i - 1]) == tolower((unsigned char)b[j - 1]);
      int best = diagonal + !same;
      if (above + 1 < best) best = above + 1;
      if (row[j - 1] + 1 < best) best = row[j - 1] + 1;
      diagonal = above;
      row[j] = best;
    }
  }
  return row[lb];
}

bool suggest_nearer(const char *wrong, const char *name, int *best) {
  int d = distance(wrong, name), limit = strlen(wrong) <= 3 ? 1 : strlen(wrong) <= 6 ? 2 : 3;
  if (d > limit || d >= *best) return false;
  *best = d;
  return true;
}

int bind_suggest(lua_State *L, const char *wrong, int table, char *out, size_t room) {
  int best = 99;
  lua_pushnil(L);
  while (lua_next(L, table)) {
    const char *name = lua_type(L, -2) == LUA_TSTRING ? lua_tostring(L, -2) : "";
    int before = best;
    bool tie = false;
    if (best < 99) { /* pairs has no order: of equals the first in the alphabet wins */
      int d = best + 1;
      tie = suggest_nearer(wrong, name, &d) && d == best && strcmp(name, out) < 0;
    }
    if (strlen(name) < room && (tie || suggest_nearer(wrong, name, &best)))
      strcpy(out, name);
    else
      best = before;
    lua_pop(L, 1);
  }
  return best < 99;
}
