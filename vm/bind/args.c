/* Arguments: from a Lua stack and a signature to a call. Everything here runs inside t_try and
   calls only those Lua functions that cannot raise. */
#include <math.h>
#include <string.h>

#include "bind.h"
#include "../../tensor/tape.h"

typedef struct Reader {
  lua_State *L;
  Call *c;
  const Sig *s;
  char name[48]; /* for messages */
  Tensor *many[8];
} Reader;

static const char *type_name(lua_State *L, int i) {
  return handle_is(L, i) ? "a tensor" : lua_typename(L, lua_type(L, i));
}

/* ---- numbers ----------------------------------------------------------------------------------- */

static bool whole(lua_State *L, int i, int64_t *out) {
  if (lua_type(L, i) != LUA_TNUMBER) return false;
  int is;
  *out = lua_tointegerx(L, i, &is); /* floats with a whole value count */
  return is;
}

static int64_t need_int(Reader *r, int i, const Param *p) {
  int64_t v;
  if (whole(r->L, i, &v)) return v;
  if (lua_type(r->L, i) == LUA_TNUMBER) {
    t_fail("%s: %s is %g; a whole number is wanted (// divides without a rest)", r->name, p->name,
           lua_tonumber(r->L, i));
  }
  t_fail("%s: %s wants a whole number, got %s", r->name, p->name, type_name(r->L, i));
}

int64_t args_dim(const char *where, int64_t given, int ndim) {
  if (given == 0) { t_fail("%s: dimension 0: dimensions count from 1 (the last is -1)", where); }
  int64_t d = given > 0 ? given - 1 : given + ndim;
  if (d < 0 || d >= ndim) {
    if (ndim == 0)
      t_fail("%s: dimension %lld of a tensor without dimensions", where, (long long)given);
    t_fail("%s: dimension %lld of a tensor with %d dimensions; they are 1..%d or -%d..-1", where,
           (long long)given, ndim, ndim, ndim);
  }
  return d;
}

static int ndim_of(Reader *r) {
  Tensor *x = r->c->nx > 0 ? r->c->x[0] : NULL;
  return x ? x->ndim : 0;
}

static int64_t dim_from(Reader *r, Kind kind, int64_t given) {
  int ndim = ndim_of(r) + (kind == K_NEWDIM);
  if (ndim == 0 && kind != K_NEWDIM && (given == 1 || given == -1)) return 0;
  return args_dim(r->name, given, ndim);
}

static int64_t pos_from(Reader *r, const Param *p, int64_t given) {
  if (given == 0) {
    t_fail("%s: %s is 0; positions count from 1 (the last is -1)", r->name, p->name);
  }
  return given > 0 ? given - 1 : given;
}

/* ---- lists ------------------------------------------------------------------------------------- */

static int list_length(Reader *r, int i, const Param *p) {
  lua_Unsigned n = lua_rawlen(r->L, i);
  if (n > 1u << 24) t_fail("%s: %s is a list of %llu", r->name, p->name, (unsigned long long)n);
  return (int)n;
}

static void add_int(Reader *r, const Param *p, Attr *a, int64_t v) {
  if (a->n == T_MAXDIM) t_fail("%s: %s has more than %d numbers", r->name, p->name, T_MAXDIM);
  a->v[a->n++] = p->kind == K_DIMS ? dim_from(r, K_DIM, v) : v;
}

static void read_int_list(Reader *r, int i, const Param *p, Attr *a) {
  lua_State *L = r->L;
  int n = list_length(r, i, p);
  for (int k = 1; k <= n; k++) {
    lua_rawgeti(L, i, k);
    if (lua_isnil(L, -1)) { t_fail("%s: %s has a hole: element %d is nil", r->name, p->name, k); }
    int64_t v;
    if (!whole(L, -1, &v)) {
      if (lua_type(L, -1) == LUA_TNUMBER) {
        t_fail("%s: %s %d is %g; sizes are whole numbers (// divides without a rest)", r->name,
               p->name, k, lua_tonumber(L, -1));
      }
      t_fail("%s: %s is a list of whole numbers; element %d is %s", r->name, p->name, k,
             type_name(L, -1));
    }
    lua_pop(L, 1);
    add_int(r, p, a, v);
  }
}

static void fix_length(Reader *r, const Param *p, Attr *a) {
  if (p->fixed == 0) return;
  if (a->n == 1) {
    while (a->n < p->fixed) {
      a->v[a->n] = a->v[0];
      a->n++;
    }
  }
  if (a->n != p->fixed) {
    t_fail("%s: %s wants one number or %d, got %d", r->name, p->name, p->fixed, a->n);
  }
}

/* ---- one parameter ----------------------------------------------------------------------------- */

static Tensor *number_as_tensor(lua_State *L, int i) {
  Tensor *x;
  if (lua_type(L, i) == LUA_TBOOLEAN)
    x = t_scalar_int(lua_toboolean(L, i), T_BOOL);
  else if (lua_isinteger(L, i))
    x = t_scalar_int(lua_tointeger(L, i), T_I64);
  else
    x = t_scalar(lua_tonumber(L, i), T_F64);
  x->weak = true;
  return x;
}

static Tensor *read_tensor(Reader *r, int i, const Param *p) {
  lua_State *L = r->L;
  Tensor *x = handle_at(L, i);
  if (x) return x;
  int type = lua_type(L, i);
  if (type == LUA_TNUMBER || type == LUA_TBOOLEAN) return number_as_tensor(L, i);
  if (p->slot == 0 && p == &r->s->param[0]) {
    t_fail("%s: the first argument is %s, a tensor is wanted; methods take a colon: x:%s(...)",
           r->name, type_name(L, i), r->name);
  }
  if (type == LUA_TTABLE) {
    t_fail("%s: %s is a table; tensor{...} makes a tensor of it", r->name, p->name);
  }
  t_fail("%s: %s wants a tensor, got %s", r->name, p->name, type_name(L, i));
}

static void read_tensors(Reader *r, int i, const Param *p) {
  lua_State *L = r->L;
  if (lua_type(L, i) != LUA_TTABLE) {
    t_fail("%s: %s is a list of tensors: %s({a, b}, ...)", r->name, p->name, r->name);
  }
  int n = list_length(r, i, p);
  call_inputs(r->c, n);
  for (int k = 0; k < n; k++) {
    lua_rawgeti(L, i, k + 1);
    Tensor *x = handle_at(L, lua_gettop(L));
    if (!x && lua_isnil(L, -1)) t_fail("%s: element %d of the list is nil", r->name, k + 1);
    if (!x && lua_type(L, -1) == LUA_TNUMBER) x = number_as_tensor(L, lua_gettop(L));
    if (!x) {
      t_fail("%s: element %d of the list is %s, a tensor is wanted", r->name, k + 1,
             type_name(L, lua_gettop(L)));
    }
    r->c->x[k] = x;
    lua_pop(L, 1);
  }
}

static Attr read_choice(Reader *r, int i, const Param *p) {
  const char *s = lua_type(r->L, i) == LUA_TSTRING ? lua_tostring(r->L, i) : "";
  char all[256] = "";
  for (int k = 0; k < p->nchoices; k++) {
    if (strcmp(s, p->choices[k]) == 0) return (Attr){.tag = A_CHOICE, .i = k};
    strncat(all, k ? ", " : "", sizeof all - strlen(all) - 1);
    strncat(all, p->choices[k], sizeof all - strlen(all) - 1);
  }
  t_fail("%s: %s is one of %s; got %s", r->name, p->name, all,
         lua_type(r->L, i) == LUA_TSTRING ? s : type_name(r->L, i));
}

static Attr read_dtype(Reader *r, int i, const Param *p) {
  DType d;
  if (lua_type(r->L, i) != LUA_TSTRING) {
    t_fail("%s: %s is a name like \"float32\", got %s", r->name, p->name, type_name(r->L, i));
  }
  if (!dtype_parse(lua_tostring(r->L, i), &d)) {
    t_fail("%s: there is no type \"%s\"; float32, float64, int64, int32, uint8, bool, float16 and "
           "bfloat16 are",
           r->name, lua_tostring(r->L, i));
  }
  return (Attr){.tag = A_DTYPE, .i = d};
}

static Attr read_scalar(Reader *r, int i, const Param *p) {
  lua_State *L = r->L;
  if (lua_isinteger(L, i)) return attr_of_int(lua_tointeger(L, i));
  if (lua_type(L, i) == LUA_TNUMBER) return attr_of_float(lua_tonumber(L, i));
  if (lua_type(L, i) == LUA_TBOOLEAN) return attr_of_bool(lua_toboolean(L, i));
  Tensor *x = handle_at(L, i);
  if (x && x->numel == 1) {
    return dtype_is_float((DType)x->dtype) ? attr_of_float(t_get(x, 0))
                                           : attr_of_int(t_get_int(x, 0));
  }
  t_fail("%s: %s wants a number, got %s", r->name, p->name, type_name(L, i));
}

static void read_param(Reader *r, int i, const Param *p) {
  lua_State *L = r->L;
  if (p->kind == K_TENSORS) {
    read_tensors(r, i, p);
    return;
  }
  if (p->is_x) {
    r->c->x[p->slot] = read_tensor(r, i, p);
    return;
  }
  Attr *a = &r->c->attr[p->slot];
  switch (p->kind) {
  case K_INT: *a = attr_of_int(need_int(r, i, p)); break;
  case K_DIM:
  case K_NEWDIM: *a = attr_of_int(dim_from(r, p->kind, need_int(r, i, p))); break;
  case K_POS: *a = attr_of_int(pos_from(r, p, need_int(r, i, p))); break;
  case K_BOOL:
    if (lua_type(L, i) != LUA_TBOOLEAN) {
      t_fail("%s: %s wants true or false, got %s", r->name, p->name, type_name(L, i));
    }
    *a = attr_of_bool(lua_toboolean(L, i));
    break;
  case K_FLOAT: {
    Attr v = read_scalar(r, i, p);
    *a = v.tag == A_FLOAT ? v : attr_of_float((double)v.i);
    break;
  }
  case K_SCALAR: *a = read_scalar(r, i, p); break;
  case K_CHOICE: *a = read_choice(r, i, p); break;
  case K_DTYPE: *a = read_dtype(r, i, p); break;
  default: /* lists of whole numbers */
    *a = (Attr){.tag = A_INTS};
    if (lua_type(L, i) == LUA_TTABLE)
      read_int_list(r, i, p, a);
    else
      add_int(r, p, a, need_int(r, i, p));
    fix_length(r, p, a);
  }
}

/* ---- all parameters ---------------------------------------------------------------------------- */

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
  char all[512] = "";
  const char *near = NULL;
  int best = 99;
  for (int i = 0; i < r->s->nparams; i++) {
    const char *name = r->s->param[i].name;
    if (suggest_nearer(key, name, &best)) near = name;
    strncat(all, i ? ", " : "", sizeof all - strlen(all) - 1);
    strncat(all, name, sizeof all - strlen(all) - 1);
  }
  t_fail("%s: unknown option '%s'%s%s%s (%s)", r->name, key, near ? "; did you mean " : "",
         near ? near : "", near ? "?" : "", all);
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
        read_param(r, lua_gettop(L), &r->s->param[k]);
        *given |= 1u << k;
      }
      lua_pop(L, 1);
    }
  }
}

static bool takes_list(Kind k) {
  return k == K_TENSORS || k == K_INTS || k == K_SIZES || k == K_DIMS;
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

static int read_greedy(Reader *r, int i, int top, const Param *p) {
  Attr *a = &r->c->attr[p->slot];
  *a = (Attr){.tag = A_INTS};
  while (i <= top && lua_type(r->L, i) == LUA_TNUMBER) add_int(r, p, a, need_int(r, i++, p));
  fix_length(r, p, a);
  return i;
}

static void surplus(Reader *r, int i, int top) {
  (void)i;
  char all[512] = "";
  for (int k = 0; k < r->s->nparams; k++) {
    strncat(all, k ? ", " : "", sizeof all - strlen(all) - 1);
    strncat(all, r->s->param[k].name, sizeof all - strlen(all) - 1);
  }
  t_fail("%s: %d arguments given, it takes %d (%s)", r->name, top, r->s->nparams, all);
}

static void missing(Reader *r, const Param *p, int top) {
  if (p == &r->s->param[0] && p->is_x && top == 0) {
    t_fail("%s: called without its tensor; methods take a colon: x:%s()", r->name, r->name);
  }
  t_fail("%s: %s is missing; the call is %s", r->name, p->name, r->c->op->sig);
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
      x = number_as_tensor(r->L, i + 1);
    }
    r->c->x[i] = x;
  }
  for (int i = top; i < s->nparams; i++) {
    if (!s->param[i].optional) return false;
  }
  return true;
}

void args_read(lua_State *L, const Op *op, bool inplace, Call *c) {
  Reader r = {.L = L, .c = c, .s = op_sig(op)};
  const Sig *s = r.s;
  size_t n = strlen(s->name);
  memcpy(r.name, s->name, n);
  if (inplace && !(op->flags & OP_ONLY_INPLACE)) r.name[n++] = '_';
  r.name[n] = 0;
  call_begin(c, op);
  c->inplace = c->inplace || inplace;
  int top = lua_gettop(L), last = top;
  if (read_simple(&r, top)) return;
  unsigned given = 0;
  if (top > 0 && args_is_options(L, top))
    last = top - 1;
  else if (top > 1 && top > s->nparams && lua_type(L, top) == LUA_TTABLE)
    last = top - 1;
  int k = 0;
  for (int i = 1; i <= last; k++) {
    if (k >= s->nparams) surplus(&r, i, last);
    const Param *p = &s->param[k];
    if (lua_isnil(L, i)) {
      i++;
      continue;
    }
    if (lua_type(L, i) == LUA_TTABLE && skips_to_list(s, k)) continue;
    given |= 1u << k;
    if (greedy(s, k) && lua_type(L, i) == LUA_TNUMBER) {
      i = read_greedy(&r, i, last, p);
      continue;
    }
    if (lua_type(L, i) == LUA_TTABLE && !takes_list(p->kind) && lua_rawlen(L, i) == 0 &&
        i == last) {
      given &= ~(1u << k); /* {} where no list is wanted: no options */
      break;
    }
    read_param(&r, i++, p);
  }
  if (last < top) read_options(&r, top, &given);
  for (k = 0; k < s->nparams; k++) {
    const Param *p = &s->param[k];
    if (given & 1u << k) continue;
    if (!p->optional) missing(&r, p, top);
    if (p->weak_value) {
      bool is_int = p->value.tag == A_INT;
      c->x[p->slot] = is_int ? t_scalar_int(p->value.i, T_I64) : t_scalar(p->value.f, T_F64);
      c->x[p->slot]->weak = true;
    }
    Attr *a = p->is_x ? NULL : &c->attr[p->slot];
    if (a && a->tag == A_INT && (p->kind == K_DIM || p->kind == K_NEWDIM)) {
      a->i = dim_from(&r, p->kind, a->i);
    }
    if (a && a->tag == A_INT && p->kind == K_POS) a->i = pos_from(&r, p, a->i);
    if (a && a->tag == A_INTS && p->kind == K_DIMS) {
      for (int j = 0; j < a->n; j++) a->v[j] = dim_from(&r, K_DIM, a->v[j]);
    }
  }
}

bool args_option_bool(lua_State *L, int i, const char *name) {
  if (!args_is_options(L, i)) return false;
  lua_pushstring(L, name);
  lua_rawget(L, i);
  bool on = lua_toboolean(L, -1);
  lua_pop(L, 1);
  return on;
}
