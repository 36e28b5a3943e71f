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

/* ---- what other libraries say ------------------------------------------------------------------ */

typedef struct Elsewhere {
  const char *name, *here;
} Elsewhere;

static const char *find(const Elsewhere *list, const char *name) {
  while (list->name && strcmp(list->name, name) != 0) list++;
  return list->here;
}

/* The name that an option of other libraries has here, or NULL. */
static const char *option_here(const char *name) {
  static const Elsewhere options[] = {
      {"learning_rate", "lr"},   {"n_epochs", "epochs"}, {"num_epochs", "epochs"},
      {"criterion", "loss"},     {"axis", "dim"},        {"filters", "out_channels"},
      {"units", "out_features"}, {"rate", "p"},          {"kernel", "kernel_size"},
      {"strides", "stride"},     {"legend", "label"},    {"use_bias", "bias"},
      {"type", "dtype"},         {NULL, NULL},
  };
  return find(options, name);
}

const char *suggest_option(const char *name) {
  static const Elsewhere options[] = {
      {"batch_first", "the batch comes first always, leave it out"},
      {"capturable", "every step is one fused pass, leave it out"},
      {"device", "computing is on the processor, leave it out"},
      {"differentiable", "every step is one fused pass, leave it out"},
      {"foreach", "every step is one fused pass, leave it out"},
      {"fused", "every step is one fused pass, leave it out"},
      {"generator", "tensor.manual_seed says which numbers are drawn"},
      {"inplace", "the form that writes in place ends in _, as x:relu_()"},
      {"layout", "there is one layout, leave it out"},
      {"memory_format", "there is one layout, leave it out"},
      {"non_blocking", "computing is on the processor, leave it out"},
      {"num_workers", "rows are read from memory, leave it out"},
      {"out", "results are new tensors; y:copy_(x) fills one that is there"},
      {"pin_memory", "computing is on the processor, leave it out"},
      {"reduce", "reduction is mean, sum or none"},
      {"size_average", "reduction is mean, sum or none"},
      {NULL, NULL},
  };
  return find(options, name);
}

const char *suggest_method(const char *name) {
  static const Elsewhere methods[] = {
      {"numpy", "x:tolist() gives a table of numbers"},
      {"cuda", "computing is on the processor, leave it out"},
      {"cpu", "computing is on the processor, leave it out"},
      {"device", "computing is on the processor"},
      {"is_cuda", "computing is on the processor"},
      {"is_floating_point", "x.dtype is the name of its type, float32 for example"},
      {"type", "x.dtype is the name of its type; x:to \"float32\" converts"},
      {"nelement", "x:numel() counts all elements"},
      {"ndimension", "x.ndim is the number of dimensions"},
      {"grad_fn", "x.is_leaf and x.requires_grad tell whether it has a history"},
      {"apply_", "ops take whole tensors: x:exp(); a table of numbers comes from x:tolist()"},
      {"map_", "ops take whole tensors: x + y; a table of numbers comes from x:tolist()"},
      {"new_tensor", "tensor({1, 2}, {dtype = x.dtype}) makes one"},
      {"squeeze_", "shapes do not change in place: x = x:squeeze()"},
      {"unsqueeze_", "shapes do not change in place: x = x:unsqueeze(1)"},
      {"transpose_", "shapes do not change in place: x = x:transpose(1, 2)"},
      {"t_", "shapes do not change in place: x = x:t()"},
      {"resize_", "shapes do not change in place: x = x:reshape(2, 3)"},
      {"append", "tensor.cat({x, y}) joins tensors"},
      {"concat", "tensor.cat({x, y}) joins tensors"},
      {"len", "#x is the first size, x:numel() counts all elements"},
      {"length", "#x is the first size, x:numel() counts all elements"},
      {"astype", "x:to \"float32\" converts"},
      {"float32", "x:float() or x:to \"float32\" converts"},
      {"float64", "x:double() or x:to \"float64\" converts"},
      {"int64", "x:long() or x:to \"int64\" converts"},
      {"data", "x:detach() is the tensor without its history"},
      {"values", "x:tolist() gives a table of numbers"},
      {"copy", "x:clone() copies"},
      {"get", "x[i] or x[{i, j}] reads an element"},
      {"set", "x[i] = v or x[{i, j}] = v writes an element"},
      {NULL, NULL},
  };
  return find(methods, name);
}

/* ---- the nearest ---------------------------------------------------------------------------------- */

void suggest_consider(Suggestion *s, const char *name) {
  char wrong[LONGEST], have[LONGEST];
  int nwrong = plain(s->wrong, wrong), nhave = plain(name, have);
  if (nwrong < 0 || nhave <= 0 || strlen(name) >= sizeof s->name) return;
  int d = distance(wrong, nwrong, have, nhave), most = nhave / 3 > 1 ? nhave / 3 : 1;
  const char *here = option_here(s->wrong);
  if (here && strcmp(here, name) == 0) d = 0;
  if (d > 0 && nwrong == 1) return; /* too many are near */
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

/* repair(option): what to do about an option that other libraries have, or nil. */
static int l_repair(lua_State *L) {
  lua_pushstring(L, suggest_option(luaL_checkstring(L, 1)));
  return 1;
}

void suggest_open(lua_State *L) {
  lua_pushcfunction(L, l_suggest);
  lua_setfield(L, -2, "suggest");
  lua_pushcfunction(L, l_repair);
  lua_setfield(L, -2, "repair");
}
