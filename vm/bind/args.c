/* Arguments: from a Lua stack and a signature to a call. Everything here runs inside t_try and
   calls only those Lua functions that cannot raise. */
#include "args.h"

#include <string.h>

bool args_is_options(lua_State *L, int i) {
  if (lua_type(L, i) != LUA_TTABLE || lua_rawlen(L, i) > 0) return false;
  lua_pushnil(L);
  if (!lua_next(L, i)) return false;
  bool is = lua_type(L, -2) == LUA_TSTRING;
  lua_pop(L, 2);
  return is;
}

static int find_param(const Sig *s, const char *name) {
  for (int i = 0; i < s->nparams; i++) {
    if (strcmp(s->param[i].name, name) == 0) return i;
  }
  return -1;
}

static _Noreturn void unknown_option(Reader *r, const char *key) {
  const char *repair = suggest_option(key);
  if (repair) t_fail("%s: unknown option '%s'; %s", r->name, key, repair);
  char all[512] = "";
  Suggestion near = {.wrong = key};
  for (int i = 0; i < r->s->nparams; i++) {
    const char *name = r->s->param[i].name;
    suggest_consider(&near, name);
    strncat(all, i ? ", " : "", sizeof all - strlen(all) - 1);
    strncat(all, name, sizeof all - strlen(all) - 1);
  }
  t_fail("%s: unknown option '%s'%s%s%s (%s)", r->name, key, near.name[0] ? "; did you mean " : "",
         near.name, near.name[0] ? "?" : "", all);
}

static void read_options(Reader *r, int i, unsigned *given) {
  lua_State *L = r->L;
  bool creates = r->c->op->flags & OP_FUNCTION;
  /* tensors first: dimensions are read against them */
  for (int pass = 0; pass < 2; pass++) {
    lua_pushnil(L);
    while (lua_next(L, i)) {
      if (lua_type(L, -2) != LUA_TSTRING) {
        t_fail("%s: the option table mixes names and positions; put the positional values before "
               "it",
               r->name);
      }
      const char *key = lua_tostring(L, -2);
      int k = find_param(r->s, key);
      if (k < 0 && !(creates && strcmp(key, "requires_grad") == 0)) unknown_option(r, key);
      if (k >= 0 && r->s->param[k].is_x == (pass == 0)) {
        if (*given & 1u << k) t_fail("%s: %s is given twice", r->name, key);
        args_value(r, lua_gettop(L), &r->s->param[k]);
        *given |= 1u << k;
      }
      lua_pop(L, 1);
    }
  }
}

static bool takes_list(Kind k) {
  return k == K_TENSORS || k == K_LIST || k == K_INTS || k == K_SIZES || k == K_DIMS ||
         k == K_FLOATS;
}

/* May this parameter swallow the numbers that follow? */
static bool greedy(const Sig *s, int k) {
  Kind kind = s->param[k].kind;
  return kind == K_SIZES || ((kind == K_DIMS || kind == K_INTS) && k == s->nparams - 1);
}

/* Does a list here mean a later parameter, all before it being optional? randint(6, {2, 3}) */
static bool skips_to_list(const Sig *s, int k) {
  int at = k;
  while (at < s->nparams && s->param[at].optional && !takes_list(s->param[at].kind)) at++;
  return at > k && at < s->nparams && !s->param[at].optional && takes_list(s->param[at].kind);
}

/* Does a boolean here mean a later parameter, all before it being optional? x:var(false) */
static bool skips_to_bool(const Sig *s, int k) {
  int at = k;
  while (at < s->nparams && s->param[at].optional && !s->param[at].is_x &&
         s->param[at].kind != K_BOOL && s->param[at].kind != K_SCALAR) {
    at++;
  }
  return at > k && at < s->nparams && s->param[at].kind == K_BOOL;
}

static int read_greedy(Reader *r, int i, int top, const Param *p) {
  Attr *a = &r->c->attr[p->slot];
  *a = (Attr){.tag = A_INTS};
  while (i <= top && lua_type(r->L, i) == LUA_TNUMBER) args_add_int(r, p, a, args_int(r, i++, p));
  args_fix_length(r, p, a);
  return i;
}

static _Noreturn void surplus(const Reader *r, int top) {
  char all[512] = "";
  for (int k = 0; k < r->s->nparams; k++) {
    strncat(all, k ? ", " : "", sizeof all - strlen(all) - 1);
    strncat(all, r->s->param[k].name, sizeof all - strlen(all) - 1);
  }
  t_fail("%s: %d arguments given, it takes %d (%s)", r->name, top, r->s->nparams, all);
}

static _Noreturn void missing(const Reader *r, const Param *p, int top) {
  if (p == &r->s->param[0] && p->is_x && top == 0) {
    t_fail("%s: called without its tensor; methods take a colon: x:%s()", r->name, r->name);
  }
  t_fail("%s: %s is missing; the call is %s", r->name, p->name, r->c->op->sig);
}

/* Numbers stand beside tensors; an op of numbers alone is Lua's own arithmetic. */
static void need_tensor(Reader *r) {
  const Call *c = r->c;
  if (c->nx == 0 || !c->x[0] || !c->x[0]->weak || (c->op->flags & OP_FUNCTION) || r->s->list)
    return;
  for (int i = 1; i < c->nx; i++) {
    if (c->x[i] && !c->x[i]->weak) return;
  }
  t_fail("%s: only numbers are given; one argument at least is a tensor: tensor{...}", r->name);
}

/* The common call: tensors and numbers for exactly the leading tensor parameters. */
static bool read_simple(Reader *r, int top) {
  const Sig *s = r->s;
  if (!s->simple || top > s->nx) return false;
  for (int i = 0; i < top; i++) {
    if (!s->param[i].is_x) return false;
    Tensor *x = handle_at(r->L, i + 1);
    if (!x) {
      int type = lua_type(r->L, i + 1);
      if (type != LUA_TNUMBER && type != LUA_TBOOLEAN) return false;
      if (!args_number_does(r->c->op)) return false;
      x = args_number(r->L, i + 1);
    }
    r->c->x[i] = x;
  }
  for (int i = top; i < s->nparams; i++) {
    if (!s->param[i].optional) return false;
  }
  return true;
}

/* How many of `top` arguments stand at a position: all, or all before a table of options. */
static int positions(const Reader *r, int top) {
  bool options = top > 0 && args_is_options(r->L, top);
  bool extra = top > 1 && top > r->s->nparams && lua_type(r->L, top) == LUA_TTABLE;
  return options || extra ? top - 1 : top;
}

/* Is the argument at i meant for a later parameter than k? */
static bool skips(const Reader *r, int i, int k) {
  int type = lua_type(r->L, i);
  return (type == LUA_TTABLE && skips_to_list(r->s, k)) ||
         (type == LUA_TBOOLEAN && skips_to_bool(r->s, k));
}

/* Reads the arguments from i on that parameter k takes; the place after them. */
static int read_position(Reader *r, int i, int last, int k) {
  const Param *p = &r->s->param[k];
  bool takes_all = k == r->s->nparams - 1 || r->s->result_list;
  if (p->kind == K_TENSORS && takes_all && handle_at(r->L, i)) return args_tensors(r, i, last, p);
  if (greedy(r->s, k) && lua_type(r->L, i) == LUA_TNUMBER) return read_greedy(r, i, last, p);
  args_value(r, i, p);
  return i + 1;
}

/* Arguments 1 to last, by position; which parameters they are for. */
static unsigned read_positions(Reader *r, int last) {
  lua_State *L = r->L;
  unsigned given = 0;
  for (int i = 1, k = 0; i <= last; k++) {
    if (k >= r->s->nparams) surplus(r, last);
    if (lua_isnil(L, i)) {
      i++;
      continue;
    }
    if (skips(r, i, k)) continue;
    bool empty = lua_type(L, i) == LUA_TTABLE && lua_rawlen(L, i) == 0;
    if (empty && i == last && !takes_list(r->s->param[k].kind)) break; /* {}: no options */
    i = read_position(r, i, last, k);
    given |= 1u << k;
  }
  return given;
}

/* What a parameter that was not given stands for; dimensions count as those of the tensors read. */
static void read_default(Reader *r, const Param *p) {
  Call *c = r->c;
  if (p->weak_value) {
    bool is_int = p->value.tag == A_INT;
    c->x[p->slot] = is_int ? t_scalar_int(p->value.i, T_I64) : t_scalar(p->value.f, T_F64);
    c->x[p->slot]->weak = true;
  }
  if (p->is_x) return;
  Attr *a = &c->attr[p->slot];
  if (a->tag == A_INT && (p->kind == K_DIM || p->kind == K_NEWDIM))
    a->i = args_dim_from(r, p->kind, a->i);
  if (a->tag == A_INT && p->kind == K_POS) a->i = args_pos_from(r, p, a->i);
  for (int j = 0; a->tag == A_INTS && p->kind == K_DIMS && j < a->n; j++)
    a->v[j] = args_dim_from(r, K_DIM, a->v[j]);
}

void args_read(lua_State *L, const Op *op, bool inplace, Call *c) {
  Reader r = {.L = L, .c = c, .s = op_sig(op)};
  r.name = inplace ? r.s->written : r.s->name;
  call_begin(c, op);
  c->inplace = c->inplace || inplace;
  int top = lua_gettop(L);
  if (read_simple(&r, top)) {
    need_tensor(&r);
    return;
  }
  if (construct_is_library(L, 1)) {
    t_fail("%s: called with a colon; functions of the library take a dot: tensor.%s(...)", r.name,
           r.name);
  }
  int last = positions(&r, top);
  unsigned given = read_positions(&r, last);
  if (last < top) read_options(&r, top, &given);
  for (int k = 0; k < r.s->nparams; k++) {
    const Param *p = &r.s->param[k];
    if (given & 1u << k) continue;
    if (!p->optional) missing(&r, p, top);
    read_default(&r, p);
  }
  need_tensor(&r);
}

bool args_option_bool(lua_State *L, int i, const char *name) {
  if (!args_is_options(L, i)) return false;
  lua_pushstring(L, name);
  lua_rawget(L, i);
  bool on = lua_toboolean(L, -1);
  lua_pop(L, 1);
  return on;
}
