/* Arguments: one value of a Lua stack as a parameter wants it. Everything here runs inside t_try and
   calls only those Lua functions that cannot raise. */
#include <math.h>
#include <string.h>

#include "args.h"

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

int64_t args_int(Reader *r, int i, const Param *p) {
  int64_t v;
  if (whole(r->L, i, &v)) return v;
  Tensor *x = handle_at(r->L, i);
  if (x && x->numel == 1 && dtype_is_int((DType)x->dtype)) return t_get_int(x, 0);
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
    if (ndim == 1) {
      t_fail("%s: dimension %lld of a tensor with 1 dimension; it is 1 or -1", where,
             (long long)given);
    }
    t_fail("%s: dimension %lld of a tensor with %d dimensions; they are 1..%d or -%d..-1", where,
           (long long)given, ndim, ndim, ndim);
  }
  return d;
}

static int ndim_of(Reader *r) {
  Tensor *x = r->c->nx > 0 ? r->c->x[0] : NULL;
  return x ? x->ndim : 0;
}

int64_t args_dim_from(Reader *r, Kind kind, int64_t given) {
  int ndim = ndim_of(r) + (kind == K_NEWDIM);
  if (ndim == 0 && kind != K_NEWDIM && (given == 1 || given == -1)) return 0;
  return args_dim(r->name, given, ndim);
}

int64_t args_pos_from(Reader *r, const Param *p, int64_t given) {
  if (given == 0) {
    t_fail("%s: %s is 0; positions count from 1 (the last is -1)", r->name, p->name);
  }
  return given > 0 ? given - 1 : given;
}

/* ---- lists ------------------------------------------------------------------------------------- */

/* The length of a list, which has neither names nor holes. */
static int list_length(Reader *r, int i, const Param *p) {
  lua_State *L = r->L;
  lua_Unsigned n = lua_rawlen(L, i), seen = 0;
  if (n > 1u << 24) t_fail("%s: %s is a list of %llu", r->name, p->name, (unsigned long long)n);
  lua_pushnil(L);
  while (lua_next(L, i)) {
    if (lua_type(L, -2) == LUA_TSTRING) {
      t_fail("%s: the list %s has the name '%.40s' among its elements; options go into a table of "
             "their own, the last argument",
             r->name, p->name, lua_tostring(L, -2));
    }
    seen++;
    lua_pop(L, 1);
  }
  if (seen > n) t_fail("%s: %s has a hole: element %d is nil", r->name, p->name, (int)n + 1);
  return (int)n;
}

/* Strides, paddings, kernel sizes and the like: what ops add and multiply must not overflow. */
enum { INTS_MOST = INT32_MAX };

void args_add_int(Reader *r, const Param *p, Attr *a, int64_t v) {
  if (p->kind == K_INTS && (v > INTS_MOST || v < -INTS_MOST)) {
    t_fail("%s: %s is %lld; whole numbers up to %d are possible", r->name, p->name, (long long)v,
           INTS_MOST);
  }
  if (a->n == T_MAXDIM) t_fail("%s: %s has more than %d numbers", r->name, p->name, T_MAXDIM);
  a->v[a->n++] = p->kind == K_DIMS ? args_dim_from(r, K_DIM, v) : v;
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
    args_add_int(r, p, a, v);
  }
}

void args_fix_length(Reader *r, const Param *p, Attr *a) {
  if (p->fixed == 0) return;
  if (a->n == 0 && p->optional && p->value.tag == A_NONE) {
    a->tag = A_NONE; /* {} for one that may be absent */
    return;
  }
  if (a->n == 1) {
    while (a->n < p->fixed) {
      a->v[a->n] = a->v[0];
      a->n++;
    }
  }
  if (a->n != p->fixed) {
    t_fail("%s: %s wants one number or %d, got %d", r->name, p->name, p->fixed, a->n);
  }
  for (int k = 0; k < a->n; k++) { /* kernels multiply them by positions */
    if (a->v[k] < INT32_MIN || a->v[k] > INT32_MAX) {
      t_fail("%s: %s is %lld; numbers below 2^31 are wanted", r->name, p->name, (long long)a->v[k]);
    }
  }
}

/* ---- one parameter ----------------------------------------------------------------------------- */

Tensor *args_number(lua_State *L, int i) {
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

bool args_number_does(const Op *op) { return op_sig(op)->nx > 1 || (op->flags & OP_INPLACE); }

static Tensor *read_tensor(Reader *r, int i, const Param *p) {
  lua_State *L = r->L;
  Tensor *x = handle_at(L, i);
  if (x) return x;
  int type = lua_type(L, i);
  bool number = type == LUA_TNUMBER || type == LUA_TBOOLEAN;
  if (number && args_number_does(r->c->op)) return args_number(L, i);
  if (p->slot == 0 && p == &r->s->param[0]) {
    t_fail("%s: the first argument is %s, a tensor is wanted; methods take a colon: x:%s(...)",
           r->name, type_name(L, i), r->name);
  }
  if (type == LUA_TTABLE) {
    t_fail("%s: %s is a table; tensor{...} makes a tensor of it", r->name, p->name);
  }
  t_fail("%s: %s wants a tensor, got %s", r->name, p->name, type_name(L, i));
}

/* A list of numbers as a tensor: int64, or float64 where one has a fraction. */
static Tensor *read_numbers(Reader *r, int i, const Param *p) {
  lua_State *L = r->L;
  int64_t n = list_length(r, i, p);
  bool fraction = false;
  for (int64_t k = 0; k < n; k++) {
    lua_rawgeti(L, i, k + 1);
    if (lua_type(L, -1) != LUA_TNUMBER) {
      t_fail("%s: %s is a list of numbers; element %d is %s", r->name, p->name, (int)k + 1,
             type_name(L, lua_gettop(L)));
    }
    fraction = fraction || !lua_isinteger(L, -1);
    lua_pop(L, 1);
  }
  Tensor *x = t_new(fraction ? T_F64 : T_I64, 1, &n);
  for (int64_t k = 0; k < n; k++) {
    lua_rawgeti(L, i, k + 1);
    if (fraction)
      t_set(x, k, lua_tonumber(L, -1));
    else
      t_set_int(x, k, lua_tointeger(L, -1));
    lua_pop(L, 1);
  }
  return x;
}

/* Room for n tensors of a list, after the other inputs. */
static Tensor **list_room(Reader *r, const Param *p, int n) {
  Tensor *others[CALL_X];
  memcpy(others, r->c->x, (size_t)p->slot * sizeof *others);
  call_inputs(r->c, p->slot + n);
  memcpy(r->c->x, others, (size_t)p->slot * sizeof *others);
  return r->c->x + p->slot;
}

static void read_tensors(Reader *r, int i, const Param *p) {
  lua_State *L = r->L;
  if (r->s->result_list) { /* a list comes of a list, one of one */
    Tensor *one = lua_type(L, i) == LUA_TNUMBER ? args_number(L, i) : handle_at(L, i);
    r->c->lone = one != NULL;
    if (one) {
      r->c->x[p->slot] = one;
      return;
    }
  }
  if (lua_type(L, i) != LUA_TTABLE) {
    t_fail("%s: %s is a list of tensors: %s({a, b}, ...)", r->name, p->name, r->name);
  }
  int n = list_length(r, i, p);
  Tensor **list = list_room(r, p, n);
  for (int k = 0; k < n; k++) {
    lua_rawgeti(L, i, k + 1);
    Tensor *x = handle_at(L, lua_gettop(L));
    if (!x && lua_isnil(L, -1)) t_fail("%s: element %d of the list is nil", r->name, k + 1);
    if (!x && lua_type(L, -1) == LUA_TNUMBER) x = args_number(L, lua_gettop(L));
    if (!x) {
      t_fail("%s: element %d of the list is %s, a tensor is wanted", r->name, k + 1,
             type_name(L, lua_gettop(L)));
    }
    list[k] = x;
    lua_pop(L, 1);
  }
}

int args_tensors(Reader *r, int i, int top, const Param *p) {
  int n = 0;
  while (i + n <= top && handle_at(r->L, i + n)) n++;
  Tensor **list = list_room(r, p, n);
  for (int k = 0; k < n; k++) list[k] = handle_at(r->L, i + k);
  r->c->lone = n == 1;
  return i + n;
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

static double float_of(Reader *r, int i, const Param *p) {
  Attr v = read_scalar(r, i, p);
  return v.tag == A_FLOAT ? v.f : (double)v.i;
}

static Attr read_floats(Reader *r, int i, const Param *p) {
  Attr a = {.tag = A_FLOATS};
  if (lua_type(r->L, i) != LUA_TTABLE) {
    a.fv[a.n++] = float_of(r, i, p);
    return a;
  }
  int n = list_length(r, i, p);
  if (n > T_MAXDIM) t_fail("%s: %s has more than %d numbers", r->name, p->name, T_MAXDIM);
  for (int k = 1; k <= n; k++) {
    lua_rawgeti(r->L, i, k);
    a.fv[a.n++] = float_of(r, lua_gettop(r->L), p);
    lua_pop(r->L, 1);
  }
  return a;
}

/* {{2, 3}, {1, 2}}: dimensions of the first tensor, and as many of the second. */
static Attr read_pairs(Reader *r, int i, const Param *p) {
  lua_State *L = r->L;
  if (lua_type(L, i) != LUA_TTABLE) return attr_of_int(args_int(r, i, p));
  Attr both = {.tag = A_INTS};
  int half = 0;
  for (int k = 1; k <= 2; k++) {
    Attr a = {.tag = A_INTS};
    lua_rawgeti(L, i, k);
    if (lua_type(L, -1) != LUA_TTABLE || lua_rawlen(L, i) != 2) {
      t_fail("%s: %s wants a count or two lists of dimensions: {{2, 3}, {1, 2}}", r->name, p->name);
    }
    read_int_list(r, lua_gettop(L), p, &a);
    lua_pop(L, 1);
    if (k == 2 && a.n != half) {
      t_fail("%s: %s has %d and %d dimensions; both lists need as many", r->name, p->name, half,
             a.n);
    }
    half = a.n;
    for (int j = 0; j < a.n; j++) {
      if (both.n == T_MAXDIM) t_fail("%s: %s names too many dimensions", r->name, p->name);
      Tensor *x = r->c->x[k - 1];
      both.v[both.n++] = args_dim(r->name, a.v[j], x ? x->ndim : 0);
    }
  }
  return both;
}

void args_value(Reader *r, int i, const Param *p) {
  lua_State *L = r->L;
  if (p->kind == K_TENSORS) {
    read_tensors(r, i, p);
    return;
  }
  if (p->kind == K_LIST && lua_type(L, i) == LUA_TTABLE) {
    r->c->x[p->slot] = read_numbers(r, i, p);
    return;
  }
  if (p->is_x) {
    r->c->x[p->slot] = read_tensor(r, i, p);
    return;
  }
  Attr *a = &r->c->attr[p->slot];
  switch (p->kind) {
  case K_INT: *a = attr_of_int(args_int(r, i, p)); break;
  case K_DIM:
  case K_NEWDIM: *a = attr_of_int(args_dim_from(r, p->kind, args_int(r, i, p))); break;
  case K_POS: *a = attr_of_int(args_pos_from(r, p, args_int(r, i, p))); break;
  case K_BOOL:
    if (lua_type(L, i) != LUA_TBOOLEAN) {
      t_fail("%s: %s wants true or false, got %s", r->name, p->name, type_name(L, i));
    }
    *a = attr_of_bool(lua_toboolean(L, i));
    break;
  case K_FLOAT:
    if (p->nchoices > 0 && lua_type(L, i) == LUA_TSTRING)
      *a = read_choice(r, i, p);
    else
      *a = attr_of_float(float_of(r, i, p));
    break;
  case K_FLOATS: *a = read_floats(r, i, p); break;
  case K_SCALAR: *a = read_scalar(r, i, p); break;
  case K_CHOICE: *a = read_choice(r, i, p); break;
  case K_DTYPE: *a = read_dtype(r, i, p); break;
  case K_PAIRS: *a = read_pairs(r, i, p); break;
  case K_TEXT:
    if (lua_type(L, i) != LUA_TSTRING) {
      t_fail("%s: %s wants a string, got %s", r->name, p->name, type_name(L, i));
    }
    *a = (Attr){.tag = A_TEXT, .s = lua_tostring(L, i)};
    break;
  default: /* lists of whole numbers */
    if (p->nchoices > 0 && lua_type(L, i) == LUA_TSTRING) {
      *a = read_choice(r, i, p);
      break;
    }
    *a = (Attr){.tag = A_INTS};
    if (lua_type(L, i) == LUA_TTABLE)
      read_int_list(r, i, p, a);
    else
      args_add_int(r, p, a, args_int(r, i, p));
    args_fix_length(r, p, a);
  }
}
