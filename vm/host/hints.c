#include "hints.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include "lauxlib.h"
#include "pattern.h"

#define NAME "[%a_][%w_]*"
#define NO_BRACES                                                                                  \
  "blocks have no braces: they begin with then, do or function (...), and end with end"
#define WITHOUT_IMPORT                                                                             \
  "tensor, nn, optim, data, metrics and plot are there without import; another module m comes "    \
  "by: "                                                                                           \
  "local m = require \"m\""

/* In order: the first pattern found in the line tells. Patterns are Lua's; in the line the letters
   of strings are '_' and comments are blank. A hint with `near` wants that text behind "near" in
   the message, or in the message when it has the word itself. */
static const struct {
  const char *pattern, *near, *hint;
  bool block; /* begins a block, which no further line could make Lua of */
} hints[] = {
    {"^%s*def%s+" NAME, NULL, "a function is: function f(x) ... end", true},
    {"^%s*class%s+" NAME, NULL, "a class of layers is: local Net = nn.class \"Net\"", true},
    {"^%s*import%s+[%w_.]", NULL, WITHOUT_IMPORT, false},
    {"^%s*from%s+[%w_.]+%s+import", NULL, WITHOUT_IMPORT, false},
    {"^%s*for%s.-%sin%s+range%s*%(", NULL, "count with: for i = 1, n do ... end", true},
    {"^%s*for%s*%(", NULL, "count with: for i = 1, n do ... end", true},
    {"^%s*for%s.-%sin%s.*:%s*$", NULL, "a loop is: for i, x in ipairs(list) do ... end", true},
    {"^%s*for%s.-%sin%s.-:%s", NULL, "a loop is: for i, x in ipairs(list) do ... end", true},
    {"^%s*while%f[%s(].-:%s", NULL, "a loop is: while x do ... end, without a colon", true},
    {"^%s*while%f[%s(].*:%s*$", NULL, "a loop is: while x do ... end, without a colon", true},
    {"^%s*while%s*%(.*{%s*$", NULL, NO_BRACES, true},
    {"^%s*elif%f[%s(]", NULL, "elif is written: elseif x then", true},
    {"^%s*if%f[%s(].-:%s", NULL, "a condition is: if x then ... end, without a colon", true},
    {"^%s*if%f[%s(].*:%s*$", NULL, "a condition is: if x then ... end, without a colon", true},
    {"^%s*if%s*%(.*{%s*$", NULL, NO_BRACES, true},
    {"^%s*else%s*:", NULL, "else takes no colon; the block ends with: end", true},
    {"^%s*try%s*[:{]", NULL, "errors are caught by: local ok, message = pcall(f, x)", true},
    {"^%s*with%s.*:%s*$", NULL,
     "without recording of gradients: tensor.no_grad(function() ... end)", true},
    {"^%s*raise%s", NULL, "an error is raised by: error(\"message\")", false},
    {"^%s*pass%s*$", NULL, "an empty block needs nothing in it", false},
    {"^%s*del%s+" NAME, NULL, "a value is given up by: x = nil", false},
    {"^%s*let%s+" NAME, NULL, "a variable is: local x = 1", false},
    {"^%s*var%s+" NAME, NULL, "a variable is: local x = 1", false},
    {"^%s*const%s+" NAME, NULL, "a constant is: local x <const> = 1", false},
    {"^%s*print%s+[%w_]", NULL, "print takes parentheses: print(x)", false},
    {"^%s*assert%s+[%w_]", NULL, "assert takes parentheses: assert(x)", false},
    {"^%s*//", NULL, "a comment starts with --", false},
    {"^%s*/%*", NULL, "a comment starts with --", false},
    {"#", "#", "a comment starts with --; #x is the length of x", false},
    {"^%s*#", NULL, "a comment starts with --", false},
    {":%s*" NAME "%s*$", "function arguments expected near <eof>",
     "a method is called with parentheses, x:sum(); ?x:sum explains it", true},
    {"[^%s,=]%s+" NAME "[%w_.%[%]\"']*%s*$", "syntax error near <eof>",
     "a value stands alone: on a line of its own, or in print(x); several statements on a line may "
     "have ; between them",
     true},
    {"{", "{", NO_BRACES, false},
    {"^%s*}", "}", NO_BRACES, false},
    {"%f[%w_]lambda%f[^%w_]", NULL, "an unnamed function is: function(x) return x + 1 end", false},
    {"=>", NULL, "an unnamed function is: function(x) return x + 1 end", false},
    {"^%s*continue%s*$", NULL,
     "there is no continue; put the rest of the loop's body into "
     "if x then ... end, or write goto next and ::next:: at its end",
     false},
    {"[.:]repeat%f[^%w_]", NULL, "repeat is a word of Lua's own; the method is x:rep(2, 1)", false},
    {"[{,]%s*end%s*=", NULL, "end is a word of Lua's own; the option is called stop", false},
    {"%f[%w_]is%s+not%f[^%w_]", NULL, "compare with x ~= nil", false},
    {"%f[%w_]is%s+None", NULL, "compare with x == nil", false},
    {"%f[%w_]not%s+in%f[^%w_]", NULL, "is a key in a table: t[key] ~= nil", false},
    {"!=", NULL, "not equal is ~=", false},
    {"===", NULL, "equal is ==", false},
    {"!", "!", "not is written: not x", false},
    {"@", "@", "there is no @; the matrix product is x:matmul(y)", false},
    {"%*%*", NULL, "a power is x ^ 2", false},
    {"%+%+", NULL, "there is no ++; write x = x + 1", false},
    {"[%w_%])]%s*[-+*/%%]=", NULL,
     "there is no += and the like; write x = x + 1, or x:add_(1) to change a "
     "tensor in place",
     false},
    {"&&", NULL, "and is written: x and y", false},
    {"||", NULL, "or is written: x or y", false},
    {"=%s*[^=].-%sif%s.-%selse%s", "else", "a choice is: x and a or b", false},
    {"%?", "?", "a choice is: x and a or b", false},
    {"%[%s*:", NULL,
     "a range is x[\"2:3\"] or x[{{2, 3}}], all of a dimension x[\":, 1\"] or x[{{}, 1}]; "
     "positions count from 1, both ends are included",
     false},
    {"%[[^%[%]{}]*:[%s%d%-%],]", NULL,
     "a range is x[\"2:3\"] or x[{{2, 3}}]; positions count from 1, both "
     "ends are included",
     false},
    {"[%w_%])]%[[^%[%](){}]*,[^%[%](){}]*%]", NULL, "several indices go into a table: x[{1, 2}]",
     false},
    {"[=(]%s*%[[^%[=]", NULL, "a list is {1, 2, 3}", false},
    {"%f[%w_]return%s+%[[^%[=]", NULL, "a list is {1, 2, 3}", false},
    {"%([^(){}=]*" NAME "%s*=[^=]", "=", "arguments by name go into a table: f(x, {lr = 0.1})",
     false},
    {"[{,]%s*[\"'%w_][%w_]*[\"']?%s*:", ":", "fields of a table are {a = 1, [\"b c\"] = 2}", false},
};

/* ---- the line ------------------------------------------------------------------------------------ */

/* The end of a long bracket that opens at `at`, or NULL when none opens there. */
static char *long_bracket(char *at, char *end) {
  char *open = at + 1;
  while (open < end && *open == '=') open++;
  if (open >= end || *open != '[') return NULL;
  size_t level = (size_t)(open - at - 1);
  for (char *p = open + 1; p < end; p++) {
    if (*p != ']' || (size_t)(end - p) < level + 2 || p[level + 1] != ']') continue;
    size_t k = 1;
    while (k <= level && p[k] == '=') k++;
    if (k > level) return p + level + 2;
  }
  return end;
}

/* Fills up to `end`, but not over line ends, which count lines. Returns end. */
static char *fill(char *at, char *end, char with) {
  for (; at < end; at++) {
    if (*at != '\n') *at = with;
  }
  return end;
}

static char *end_of_string(char *at, char *end) {
  char quote = *at++;
  while (at < end && *at != quote && *at != '\n') at += *at == '\\' ? 2 : 1;
  return at < end ? at : end;
}

/* Takes what is no code out of a text: the letters of strings, and comments. */
static void mask(char *at, char *end) {
  while (at < end) {
    bool comment = *at == '-' && at + 1 < end && at[1] == '-';
    char *text = comment ? at + 2 : at;
    char *tail = text < end && *text == '[' ? long_bracket(text, end) : NULL;
    if (comment && tail == NULL) {
      tail = memchr(at, '\n', (size_t)(end - at));
      tail = tail == NULL ? end : tail;
    }
    if (tail != NULL) {
      at = fill(at, tail, comment ? ' ' : '_');
    } else if (*at == '"' || *at == '\'') {
      tail = end_of_string(at, end);
      at = fill(at + 1, tail, '_') + 1;
    } else {
      at++;
    }
  }
}

/* The text's line of this number (from 1), or the last line before it that is not blank; returns
   false when there is none. */
static bool find_line(const char *text, size_t size, long number, const char **line,
                      size_t *length) {
  const char *at = text, *end = text + size;
  *line = NULL;
  for (long i = 1; i <= number && at < end; i++) {
    const char *next = memchr(at, '\n', (size_t)(end - at));
    next = next == NULL ? end : next;
    const char *word = at;
    while (word < next && isspace((unsigned char)*word)) word++;
    if (word < next) {
      *line = at;
      *length = (size_t)(next - at);
    }
    at = next + 1;
  }
  return *line != NULL;
}

/* ---- which hint ----------------------------------------------------------------------------------- */

static bool occurs(lua_State *L, const char *line, size_t length, const char *pattern) {
  Search m;
  bool anchored = *pattern == '^';
  for (const char *s = line; s <= line + length; s++) {
    pattern_prepare(&m, L, line, length, pattern + strlen(pattern));
    if (pattern_match(&m, s, pattern + anchored) != NULL) return true;
    if (anchored) return false;
  }
  return false;
}

static bool is_near(const char *message, const char *what) {
  if (strstr(what, " near ") != NULL) return strstr(message, what) != NULL;
  const char *near = strstr(message, " near '");
  return near != NULL && strncmp(near + strlen(" near '"), what, strlen(what)) == 0;
}

/* The number of the line in "name:12: what is wrong", 0 when there is none. */
static long line_number(const char *message) {
  for (const char *at = message; (at = strchr(at, ':')) != NULL; at++) {
    char *end;
    long number = isdigit((unsigned char)at[1]) ? strtol(at + 1, &end, 10) : 0;
    if (number > 0 && end[0] == ':' && end[1] == ' ') return number;
  }
  return 0;
}

/* (text, message) -> the hint and whether it is of a block; or nothing */
static int find_hint(lua_State *L) {
  size_t size, length;
  const char *text = lua_tolstring(L, 1, &size), *message = lua_tostring(L, 2), *line;
  char *code = lua_newuserdatauv(L, size + 1, 0);
  memcpy(code, text, size + 1);
  mask(code, code + size);
  long number = line_number(message);
  if (!find_line(code, size, number, &line, &length)) return 0;
  lua_pushlstring(L, line, length); /* the end of what patterns see is zero */
  line = lua_tostring(L, -1);
  for (size_t i = 0; i < sizeof hints / sizeof hints[0]; i++) {
    if (hints[i].near != NULL && !is_near(message, hints[i].near)) continue;
    if (!occurs(L, line, length, hints[i].pattern)) continue;
    lua_pushstring(L, hints[i].hint);
    lua_pushboolean(L, hints[i].block);
    return 2;
  }
  return 0;
}

/* Pushes the hint for the message on top of the stack, or something that is no string, and whether
   it is of a block. */
static void push_hint(lua_State *L, const char *text, size_t size) {
  lua_pushcfunction(L, find_hint);
  lua_pushlstring(L, text, size);
  lua_pushvalue(L, -3);
  if (lua_pcall(L, 2, 2, 0) == LUA_OK) return;
  lua_pop(L, 1); /* no memory, or Ctrl-C: the message stays as it is */
  lua_pushnil(L);
  lua_pushnil(L);
}

void hints_add(lua_State *L, const char *text, size_t size) {
  if (lua_type(L, -1) != LUA_TSTRING) return;
  push_hint(L, text, size);
  lua_pop(L, 1);
  if (!lua_isstring(L, -1)) {
    lua_pop(L, 1);
    return;
  }
  lua_pushliteral(L, "\n  hint: ");
  lua_insert(L, -2);
  lua_concat(L, 3);
}

void hints_add_file(lua_State *L, const char *path) {
  enum { MOST = 1 << 20 };
  struct stat about;
  if (stat(path, &about) != 0 || !S_ISREG(about.st_mode)) return; /* others are read only once */
  char *text = lua_newuserdatauv(L, MOST, 0);
  lua_insert(L, -2);
  FILE *file = fopen(path, "rb");
  size_t size = file != NULL ? fread(text, 1, MOST, file) : 0;
  if (file != NULL) fclose(file);
  hints_add(L, text, size);
  lua_remove(L, -2);
}

bool hints_is_hopeless(lua_State *L, const char *text, size_t size) {
  push_hint(L, text, size);
  bool hopeless = lua_toboolean(L, -1);
  lua_pop(L, 2);
  return hopeless;
}
