/* Reading and writing through brackets, fields and methods. */
#include <ctype.h>
#include <string.h>

#include "index.h"
#include "../../tensor/calc.h"
#include "../../tensor/machine/mem.h"
#include "../../tensor/tape/tape.h"

/* ---- from items to ops --------------------------------------------------------------------------- */

/* What to write where two positions were given, and a range of rows may have been meant. */
static const char *perhaps_range(const Index *index, const Tensor *x) {
  static _Thread_local char text[96];
  const Item *a = &index->item[0], *b = &index->item[1];
  bool likely = index->n == 2 && a->kind == I_AT && b->kind == I_AT && a->start > 0 &&
                a->start <= b->start && b->start <= x->shape[0];
  if (!likely) return "";
  snprintf(text, sizeof text, "; positions %lld to %lld of the first are x[{{%lld, %lld}}]",
           (long long)a->start, (long long)b->start, (long long)a->start, (long long)b->start);
  return text;
}

static void out_of_range(const Index *index, int64_t i, int d, const Tensor *x) {
  if (i == 0) {
    t_fail("index 0 in dimension %d: positions count from 1 (the last is -1); x is %s", d + 1,
           t_shape_str(x));
  }
  if (x->shape[d] == 0) {
    t_fail("index %lld in dimension %d: x is %s, it has no elements there", (long long)i, d + 1,
           t_shape_str(x));
  }
  t_fail("index %lld in dimension %d: x is %s, so 1..%lld or -%lld..-1%s", (long long)i, d + 1,
         t_shape_str(x), (long long)x->shape[d], (long long)x->shape[d], perhaps_range(index, x));
}

static int64_t resolve(const Index *index, int64_t i, int d, const Tensor *x) {
  int64_t n = x->shape[d], at = i > 0 ? i - 1 : i + n;
  if (i == 0 || at < 0 || at >= n) out_of_range(index, i, d, x);
  return at;
}

/* A range's start and count; ends beyond the last are cut, as slices of strings are. */
static void resolve_range(const Item *it, int d, const Tensor *x, int64_t *start, int64_t *count) {
  int64_t n = x->shape[d];
  if (it->step <= 0) {
    t_fail("range in dimension %d: the step is %lld; steps are positive, x:flip(%d) reverses",
           d + 1, (long long)it->step, d + 1);
  }
  if (it->start == 0 || (it->has_stop && it->stop == 0)) {
    t_fail("range in dimension %d: positions count from 1 (the last is -1), and both ends are "
           "included",
           d + 1);
  }
  int64_t a = it->start > 0 ? it->start - 1 : it->start + n;
  int64_t b = !it->has_stop ? n - 1 : it->stop > 0 ? it->stop - 1 : it->stop + n;
  if (a < 0) a = 0;
  if (b > n - 1) b = n - 1;
  *start = a > n ? n : a;
  *count = b < a ? 0 : (b - a) / it->step + 1;
}

typedef struct Plan {
  Attr start, count, step, drop;
  Tensor *pick[T_MAXDIM];  /* by dimension of the result of the basic part */
  int ndim;                /* of that result */
  bool picks, basic, full; /* full: every dimension by an integer */
  int64_t offset;          /* then: the element */
} Plan;

static int width(const Item *it) {
  if (it->kind == I_REST) return 0;
  return it->kind == I_PICK && it->pick->dtype == T_BOOL ? it->pick->ndim : 1;
}

static void plan_all(Plan *p, const Tensor *x, int d) {
  p->start.v[d] = 0;
  p->count.v[d] = x->shape[d];
  p->step.v[d] = 1;
  p->drop.v[d] = 0;
}

static void plan_make(Plan *p, const Tensor *x, const Index *index) {
  memset(p, 0, sizeof *p);
  p->start.tag = p->count.tag = p->step.tag = p->drop.tag = A_INTS;
  p->start.n = p->count.n = p->step.n = p->drop.n = x->ndim;
  int used = 0, d = 0;
  for (int i = 0; i < index->n; i++) used += width(&index->item[i]);
  if (used > x->ndim) {
    t_fail("an index of %d parts for a tensor %s of %d dimension%s%s", used, t_shape_str(x),
           x->ndim, x->ndim == 1 ? "" : "s", x->ndim == 1 ? perhaps_range(index, x) : "");
  }
  p->full = used == x->ndim;
  p->offset = 0;
  bool rest = false;
  for (int i = 0; i < index->n; i++) {
    const Item *it = &index->item[i];
    if (it->kind == I_REST) {
      if (rest) t_fail("an index has at most one \"...\"");
      rest = true;
      for (int k = 0; k < x->ndim - used; k++, p->ndim++) plan_all(p, x, d++);
      continue;
    }
    plan_all(p, x, d < x->ndim ? d : 0);
    if (it->kind == I_AT) {
      p->start.v[d] = resolve(index, it->start, d, x);
      p->count.v[d] = 1;
      p->drop.v[d] = 1;
      p->offset += p->start.v[d] * x->stride[d];
      p->basic = true;
    } else if (it->kind == I_PICK) {
      if (width(it) == 0) {
        t_fail("a mask without dimensions picks nothing; x:eq(v) makes a mask of the shape of x");
      }
      p->full = false;
      p->picks = true;
      p->pick[p->ndim] = it->pick;
      for (int k = 0; k < width(it); k++) plan_all(p, x, d + k);
      p->ndim += width(it);
      d += width(it) - 1;
    } else {
      p->full = false;
      if (it->kind == I_RANGE) {
        resolve_range(it, d, x, &p->start.v[d], &p->count.v[d]);
        p->step.v[d] = it->step;
        p->basic = true;
      }
      p->ndim++;
    }
    d++;
  }
  for (; d < x->ndim; d++, p->ndim++) plan_all(p, x, d);
}

static Tensor *basic(Tensor *x, const Plan *p) {
  static const Op *op;
  if (!op) op = op_need("index_basic");
  Call c;
  call_begin(&c, op);
  c.x[0] = x;
  c.attr[0] = p->start;
  c.attr[1] = p->count;
  c.attr[2] = p->step;
  c.attr[3] = p->drop;
  op_apply(&c);
  return c.y[0];
}

/* index: x, picks...; index_write: x, values, picks... */
static void advanced(Call *c, const char *name, Tensor *x, Tensor *values, const Plan *p) {
  call_begin(c, op_need(name));
  int lead = values ? 2 : 1, last = 0;
  for (int d = 0; d < p->ndim; d++) {
    if (p->pick[d]) last = d + 1;
  }
  int n = 0;
  for (int d = 0; d < last; d++) {
    n++;
    if (p->pick[d] && p->pick[d]->dtype == T_BOOL) d += p->pick[d]->ndim - 1;
  }
  call_inputs(c, lead + n);
  c->x[0] = x;
  if (values) c->x[1] = values;
  for (int d = 0, k = lead; d < last; d++, k++) {
    c->x[k] = p->pick[d];
    if (p->pick[d] && p->pick[d]->dtype == T_BOOL) d += p->pick[d]->ndim - 1;
  }
}

static const char ipairs_key; /* registry: the iterator of ipairs */

static void keep_iterator(lua_State *L) {
  if (lua_getglobal(L, "ipairs") == LUA_TFUNCTION) {
    lua_newtable(L);
    lua_call(L, 1, 1);
  }
  lua_rawsetp(L, LUA_REGISTRYINDEX, &ipairs_key);
}

/* ---- x[key] ---------------------------------------------------------------------------------------- */

typedef struct Job {
  lua_State *L;
  Tensor *x, *y, *value;
  int64_t at;  /* the element, when y is NULL */
  bool number; /* a value that is a number */
} Job;

static void read_job(void *arg) {
  Job *j = arg;
  j->x = handle_at(j->L, 1);
  Index index;
  index_read(j->L, 2, &index);
  Plan p;
  plan_make(&p, j->x, &index);
  if (p.full && !tape_tracks(j->x)) {
    j->at = p.offset;
    return;
  }
  j->y = p.basic || !p.picks ? basic(j->x, &p) : j->x;
  if (p.picks) {
    Call c;
    advanced(&c, "index", j->y, NULL, &p);
    op_apply(&c);
    j->y = c.y[0];
  }
}

static void push_element(lua_State *L, const Tensor *x, int64_t at) {
  if (dtype_is_float((DType)x->dtype))
    lua_pushnumber(L, t_get(x, at));
  else if (x->dtype == T_BOOL)
    lua_pushboolean(L, (int)t_get_int(x, at));
  else
    lua_pushinteger(L, t_get_int(x, at));
}

static int read_brackets(lua_State *L) {
  Job j = {.L = L};
  enter(L, read_job, &j);
  if (!j.y) {
    push_element(L, j.x, j.at);
    return 1;
  }
  handle_push(L, j.y);
  enter_end(L);
  return 1;
}

static bool is_identifier(const char *s) {
  if (!isalpha((unsigned char)*s) && *s != '_') return false;
  while (isalnum((unsigned char)*s) || *s == '_') s++;
  return *s == 0;
}

static int no_such(lua_State *L, const char *name) {
  const char *repair = suggest_method(name);
  if (repair) return luaL_error(L, "tensor has no method '%s'; %s", name, repair);
  Suggestion near = {.wrong = name};
  suggest_from_keys(&near, L, lua_upvalueindex(2));
  if (near.name[0]) {
    return luaL_error(L, "tensor has no method '%s'; did you mean %s?", name, near.name);
  }
  return luaL_error(L, "tensor has no method or field '%s'", name);
}

/* Are we asked by the iterator of ipairs? It wants nil behind the end. */
static bool asked_by_ipairs(lua_State *L) {
  lua_Debug ar;
  if (!lua_getstack(L, 1, &ar) || !lua_getinfo(L, "f", &ar)) return false;
  lua_rawgetp(L, LUA_REGISTRYINDEX, &ipairs_key);
  bool is = lua_rawequal(L, -1, -2);
  lua_pop(L, 2);
  return is;
}

/* Upvalues: the metatable, the methods, the fields (functions of the tensor). */
static int l_index(lua_State *L) {
  if (lua_type(L, 2) == LUA_TSTRING) {
    lua_pushvalue(L, 2);
    if (lua_rawget(L, lua_upvalueindex(2)) != LUA_TNIL) return 1;
    lua_pushvalue(L, 2);
    if (lua_rawget(L, lua_upvalueindex(3)) != LUA_TNIL) {
      lua_CFunction field = lua_tocfunction(L, -1);
      lua_settop(L, 1);
      return field(L); /* its upvalue, the metatable, is ours too */
    }
    const char *s = lua_tostring(L, 2);
    if (is_identifier(s)) return no_such(L, s);
    lua_settop(L, 2);
  } else if (lua_isinteger(L, 2)) {
    Tensor *x = handle_check(L, 1, "index");
    lua_Integer i = lua_tointeger(L, 2), n = x->ndim == 1 ? x->shape[0] : 0;
    if (i < 0) i += n + 1;
    if (i >= 1 && i <= n && !tape_tracks(x)) {
      push_element(L, x, (i - 1) * x->stride[0]);
      return 1;
    }
    if (x->ndim > 0 && lua_tointeger(L, 2) == x->shape[0] + 1 && asked_by_ipairs(L)) return 0;
  }
  handle_check(L, 1, "index");
  return read_brackets(L);
}

/* ---- x[key] = value ---------------------------------------------------------------------------------- */

/* What is to be stored; the ops that store check whether it fits. */
static Tensor *value_at(lua_State *L, int i) {
  Tensor *v = handle_at(L, i);
  if (v) return v;
  int type = lua_type(L, i);
  if (type == LUA_TNUMBER && !lua_isinteger(L, i)) {
    v = t_scalar(lua_tonumber(L, i), T_F64);
  } else if (type == LUA_TNUMBER) {
    v = t_scalar_int(lua_tointeger(L, i), T_I64);
  } else if (type == LUA_TBOOLEAN) {
    v = t_scalar_int(lua_toboolean(L, i), T_BOOL);
  } else {
    t_fail("a tensor takes numbers, booleans and tensors as elements, not %s; tensor{...} makes a "
           "tensor of a table",
           lua_typename(L, type));
  }
  v->weak = true;
  return v;
}

static void write_job(void *arg) {
  Job *j = arg;
  j->x = handle_at(j->L, 1);
  Index index;
  index_read(j->L, 2, &index);
  Plan p;
  plan_make(&p, j->x, &index);
  Tensor *value = value_at(j->L, 3);
  Tensor *y = p.basic || !p.picks ? basic(j->x, &p) : j->x;
  if (!p.picks) {
    t_op2("copy_", y, value);
    return;
  }
  Call c;
  advanced(&c, "index_write", y, value, &p);
  c.inplace = true;
  op_apply(&c);
}

static int set_field(lua_State *L, const char *name) {
  Handle *h = lua_touserdata(L, 1);
  if (strcmp(name, "grad") == 0) {
    if (lua_isnil(L, 3)) {
      lua_setiuservalue(L, 1, 1);
      return 0;
    }
    Tensor *g = handle_check(L, 3, "grad");
    if (!t_same_shape(g, h->t)) {
      return luaL_error(L, "grad: shape %s where the tensor has %s", t_shape_str(g),
                        t_shape_str(h->t));
    }
    handle_keep(L, 3);
    lua_setiuservalue(L, 1, 1);
    return 0;
  }
  if (strcmp(name, "requires_grad") == 0) {
    return luaL_error(L, "requires_grad is set by a method: x:requires_grad_()");
  }
  return luaL_error(L,
                    "tensor has no field '%s' that can be set; elements are set by position, "
                    "x[i] = v",
                    name);
}

static int l_newindex(lua_State *L) {
  handle_check(L, 1, "index");
  if (lua_type(L, 2) == LUA_TSTRING && is_identifier(lua_tostring(L, 2))) {
    return set_field(L, lua_tostring(L, 2));
  }
  Job j = {.L = L};
  enter(L, write_job, &j);
  enter_end(L);
  return 0;
}

static int l_call(lua_State *L) {
  return luaL_error(L,
                    "a tensor cannot be called; x[i] picks, ipairs(x) walks its rows, and fields "
                    "such as x.T and x.grad take no parentheses");
}

/* ---- opening ------------------------------------------------------------------------------------------ */

void index_open(lua_State *L, int lib, int meta, int methods) {
  keep_iterator(L);
  lua_pushvalue(L, meta);
  lua_pushvalue(L, methods);
  fields_open(L, lib, meta, methods);
  lua_pushcclosure(L, l_index, 3);
  lua_setfield(L, meta, "__index");
  lua_pushvalue(L, meta);
  lua_pushcclosure(L, l_newindex, 1);
  lua_setfield(L, meta, "__newindex");
  lua_pushcfunction(L, l_call);
  lua_setfield(L, meta, "__call");
}
