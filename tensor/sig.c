/* The signature parser.

     name(x: tensor, dim: dim?, keepdim: bool=false) -> values: tensor, indices: index

   Kinds: tensor index class list tensors scalar int ints ints{n} ints{n|a|b} sizes dim newdim dims
   pairs pos bool float float{a|b} floats string{a|b} text dtype. A question mark makes a parameter
   optional (absent), =value gives a default: a number, true, false, a choice, a type's name, or a
   bracketed list [1,1]. */
#include "sig.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct Cursor {
  const char *at, *sig;
} Cursor;

/* A row that cannot be parsed is a mistake of the programmer's, found by the first run. */
static _Noreturn void bad(const Cursor *p, const char *what) {
  fprintf(stderr, "lunette: signature \"%s\": %s at \"%s\"\n", p->sig, what, p->at);
  abort();
}

static bool take(Cursor *p, const char *text) {
  while (*p->at == ' ' || *p->at == '\n') p->at++;
  size_t n = strlen(text);
  if (strncmp(p->at, text, n) != 0) return false;
  p->at += n;
  return true;
}

#define LETTERS "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ_0123456789-"

static void word_of(Cursor *p, const char *letters, char *out, size_t room) {
  while (*p->at == ' ' || *p->at == '\n') p->at++;
  size_t n = strspn(p->at, letters);
  if (n == 0 || n >= room) bad(p, "a name is missing or too long");
  memcpy(out, p->at, n);
  out[n] = 0;
  p->at += n;
}

static void word(Cursor *p, char *out, size_t room) { word_of(p, LETTERS, out, room); }

static const struct {
  const char *name;
  Kind kind;
} kinds[] = {
    {"tensor", K_TENSOR},   {"index", K_INDEX},   {"class", K_CLASS},   {"list", K_LIST},
    {"tensors", K_TENSORS}, {"scalar", K_SCALAR}, {"int", K_INT},       {"ints", K_INTS},
    {"sizes", K_SIZES},     {"dim", K_DIM},       {"newdim", K_NEWDIM}, {"dims", K_DIMS},
    {"pos", K_POS},         {"bool", K_BOOL},     {"float", K_FLOAT},   {"string", K_CHOICE},
    {"dtype", K_DTYPE},     {"floats", K_FLOATS}, {"text", K_TEXT},     {"pairs", K_PAIRS},
};

/* Copies to memory of just the size, which is there for good: all rows are parsed when the program
   starts, and pages that are touched cost more than the parsing. */
static void *settle(const void *from, size_t bytes) {
  void *to = malloc(bytes);
  if (!to && bytes > 0) abort();
  if (bytes > 0) memcpy(to, from, bytes);
  return to;
}

/* a|b|c} */
static void parse_choices(Cursor *p, Param *q) {
  char found[SIG_CHOICES][SIG_WORD];
  do {
    if (q->nchoices == SIG_CHOICES) bad(p, "too many choices");
    word(p, found[q->nchoices++], SIG_WORD);
  } while (take(p, "|"));
  if (!take(p, "}")) bad(p, "} expected");
  q->choices = settle(found, (size_t)q->nchoices * SIG_WORD);
}

static bool take_choices(Cursor *p, Kind kind) {
  bool open = (kind == K_CHOICE || kind == K_FLOAT) && take(p, "{");
  if (kind == K_CHOICE && !open) bad(p, "{ expected");
  return open;
}

static void parse_kind(Cursor *p, Param *q) {
  char name[24];
  word(p, name, sizeof name);
  for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
    if (strcmp(name, kinds[i].name) != 0) continue;
    q->kind = kinds[i].kind;
    q->is_x = q->kind <= K_TENSORS;
    if (q->kind == K_INTS && take(p, "{")) {
      q->fixed = (int)strtol(p->at, (char **)&p->at, 10);
      if (take(p, "|"))
        parse_choices(p, q);
      else if (!take(p, "}"))
        bad(p, "} expected");
    }
    if (take_choices(p, q->kind)) parse_choices(p, q);
    return;
  }
  bad(p, "unknown kind");
}

static Attr parse_number(Cursor *p) {
  char *end;
  double f = strtod(p->at, &end);
  if (end == p->at) bad(p, "a default is expected");
  bool whole = strcspn(p->at, ".eEin") >= (size_t)(end - p->at);
  Attr a = whole ? attr_of_int(strtoll(p->at, NULL, 10)) : attr_of_float(f);
  p->at = end;
  return a;
}

/* Does a number in digits come next, no name? */
static bool number_next(const Cursor *p) { return *p->at && strchr("-+.0123456789", *p->at); }

static void parse_default(Cursor *p, Param *q) {
  q->optional = true;
  if (take(p, "true"))
    q->value = attr_of_bool(true);
  else if (take(p, "false"))
    q->value = attr_of_bool(false);
  else if (take(p, "[")) {
    q->value = (Attr){.tag = A_INTS};
    do { q->value.v[q->value.n++] = parse_number(p).i; } while (take(p, ","));
    if (!take(p, "]")) bad(p, "] expected");
  } else if (q->kind == K_CHOICE || (q->nchoices && !number_next(p))) {
    char name[40];
    word(p, name, sizeof name);
    for (int i = 0; i < q->nchoices; i++) {
      if (strcmp(name, q->choices[i]) == 0) q->value = (Attr){.tag = A_CHOICE, .i = i};
    }
    if (q->value.tag == A_NONE) bad(p, "the default is none of the choices");
  } else if (q->kind == K_DTYPE) {
    char name[24];
    DType d;
    word(p, name, sizeof name);
    if (!dtype_parse(name, &d)) bad(p, "unknown type");
    q->value = (Attr){.tag = A_DTYPE, .i = d};
  } else {
    q->value = parse_number(p);
    if (q->kind == K_FLOAT && q->value.tag == A_INT) q->value = attr_of_float((double)q->value.i);
    q->weak_value = q->kind == K_TENSOR || q->kind == K_LIST;
    if (q->kind == K_INTS || q->kind == K_SIZES) {
      int64_t v = q->value.i;
      q->value = attr_of_ints(1, &v);
      for (; q->value.n < q->fixed; q->value.n++) q->value.v[q->value.n] = v;
    }
  }
}

static void parse_params(Cursor *p, Sig *s) {
  static Param room[SIG_PARAMS];
  s->param = NULL;
  if (take(p, ")")) return;
  s->param = room;
  do {
    if (s->nparams == SIG_PARAMS) bad(p, "too many parameters");
    Param *q = &s->param[s->nparams++];
    *q = (Param){.slot = 0};
    word(p, q->name, sizeof q->name);
    if (!take(p, ":")) bad(p, ": expected");
    parse_kind(p, q);
    q->slot = q->is_x ? s->nx++ : s->nattr++;
    if (q->kind == K_TENSORS) s->list = true;
    if (take(p, "?"))
      q->optional = true;
    else if (take(p, "="))
      parse_default(p, q);
  } while (take(p, ","));
  if (!take(p, ")")) bad(p, ") expected");
  for (int i = 0, slot = 0; s->list && i < s->nparams; i++) { /* the list comes last */
    Param *q = &s->param[i];
    if (q->is_x) q->slot = q->kind == K_TENSORS ? s->nx - 1 : slot++;
  }
  s->param = settle(room, (size_t)s->nparams * sizeof *room);
  if (s->nattr > CALL_ATTR || s->nx > CALL_X) bad(p, "too many parameters");
}

/* Does a call that gives tensors only need nothing but the defaults as they stand? */
static bool defaults_stand(const Sig *s) {
  for (int i = 0; i < s->nparams; i++) {
    const Param *p = &s->param[i];
    bool counted = p->kind == K_DIM || p->kind == K_NEWDIM || p->kind == K_DIMS || p->kind == K_POS;
    if (counted && p->value.tag != A_NONE) return false;
    if (!p->is_x && !p->optional) return false;
    if (p->weak_value) return false;
  }
  return !s->list;
}

void sig_parse(const char *text, Sig *s) {
  Cursor p = {text, text};
  memset(s, 0, sizeof *s);
  word_of(&p, LETTERS ".", s->name, sizeof s->name);
  size_t n = strlen(s->name);
  snprintf(s->written, sizeof s->written, s->name[n - 1] == '_' ? "%s" : "%s_", s->name);
  if (!take(&p, "(")) bad(&p, "( expected");
  parse_params(&p, s);
  if (!take(&p, "->")) bad(&p, "-> expected");
  do {
    if (s->nresults == SIG_RESULTS) bad(&p, "too many results");
    Param q = {0};
    word(&p, s->result[s->nresults], sizeof s->result[0]);
    if (!take(&p, ":")) bad(&p, ": expected");
    parse_kind(&p, &q);
    s->result_kind[s->nresults] = q.kind;
    if (q.kind == K_TENSORS) s->result_list = true;
    s->nresults++;
  } while (take(&p, ","));
  if (*p.at) bad(&p, "surplus text");
  s->simple = defaults_stand(s);
}
