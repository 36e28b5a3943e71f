/* What tensors tell of themselves: fields (shape, dtype, grad, ...) and methods about shape. */
#include "bind.h"

#include "../../tensor/calc.h"
#include "../../tensor/tape/tape.h"

/* ---- fields ------------------------------------------------------------------------------------------- */

static int f_shape(lua_State *L) {
  const Tensor x = *handle_check(L, 1, "shape");
  lua_createtable(L, x.ndim, 0);
  for (int d = 0; d < x.ndim; d++) {
    lua_pushinteger(L, x.shape[d]);
    lua_rawseti(L, -2, d + 1);
  }
  list_wrap(L);
  return 1;
}

static int f_dtype(lua_State *L) {
  lua_pushstring(L, dtype_name((DType)handle_check(L, 1, "dtype")->dtype));
  return 1;
}

static int f_ndim(lua_State *L) {
  lua_pushinteger(L, handle_check(L, 1, "ndim")->ndim);
  return 1;
}

static int f_requires_grad(lua_State *L) {
  lua_pushboolean(L, tape_tracks(handle_check(L, 1, "requires_grad")));
  return 1;
}

static int f_is_leaf(lua_State *L) {
  Tensor *x = handle_check(L, 1, "is_leaf");
  lua_pushboolean(L, !tape_tracks(x) || x->requires_grad);
  return 1;
}

static int f_grad(lua_State *L) {
  handle_check(L, 1, "grad");
  lua_getiuservalue(L, 1, 1);
  return 1;
}

/* Views with dimensions turned around: all of them, or the last two. */
typedef struct Turn {
  lua_State *L;
  Tensor *y;
  bool all;
} Turn;

static void turn(void *arg) {
  Turn *j = arg;
  Tensor *x = handle_at(j->L, 1);
  int64_t order[T_MAXDIM];
  int n = x->ndim, first = j->all ? 0 : n - 2;
  if (n == 1 && !j->all) t_fail("mT: x is %s; it turns matrices", t_shape_str(x));
  for (int d = 0; d < n; d++) order[d] = d < first ? d : n - 1 - (d - first);
  j->y = t_permute(x, order);
}

static int push_turned(lua_State *L, const char *name, bool all) {
  Turn j = {.L = L, .all = all};
  handle_check(L, 1, name);
  enter(L, turn, &j);
  handle_push(L, j.y);
  enter_end(L);
  return 1;
}

static int f_T(lua_State *L) { return push_turned(L, "T", true); }
static int f_mT(lua_State *L) { return push_turned(L, "mT", false); }

static const Function fields[] = {
    {"shape", f_shape,
     "x.shape: the sizes of all dimensions, a list; x.shape[-1] is the last.\n"
     "example: tensor.zeros(2, 3).shape --> {2, 3}"},
    {"dtype", f_dtype,
     "x.dtype: the name of the type of its elements; x:to(name) converts.\n"
     "example: tensor{1, 2}.dtype, tensor{0.5}.dtype --> int64  float32"},
    {"ndim", f_ndim,
     "x.ndim: the number of dimensions.\n"
     "example: tensor.zeros(2, 3).ndim --> 2"},
    {"requires_grad", f_requires_grad,
     "x.requires_grad: does what is computed from it record gradients? x:requires_grad_() asks for "
     "it.\n"
     "example:\n"
     "  x = tensor({1.0}, {requires_grad = true})\n"
     "  x.requires_grad, (2 * x).requires_grad, x:detach().requires_grad --> true  true  false"},
    {"is_leaf", f_is_leaf,
     "x.is_leaf: was it made, not computed from tensors that require gradients? Leaves get .grad.\n"
     "example:\n"
     "  x = tensor({1.0}, {requires_grad = true})\n"
     "  x.is_leaf, (2 * x).is_leaf --> true  false"},
    {"grad", f_grad,
     "x.grad: the gradient of a leaf, the sum of what backward found; nil before, and after x.grad "
     "= "
     "nil.\n"
     "example:\n"
     "  x = tensor({1.0, 2.0}, {requires_grad = true})\n"
     "  (x * x):sum():backward()\n"
     "  x.grad --> float32 [2]  2.0  4.0"},
    {"T", f_T,
     "x.T: a view with the dimensions in reverse order: the transposed matrix.\n"
     "example:\n"
     "  tensor{{1, 2}, {3, 4}}.T --> int64 [2,2]\n"
     "    1  3\n"
     "    2  4"},
    {"mT", f_mT,
     "x.mT: a view with the last two dimensions exchanged: every matrix of a batch transposed.\n"
     "example: tensor.zeros(5, 2, 3).mT.shape --> {5, 3, 2}"},
    {"mH", f_mT,
     "x.mH: the same as x.mT, since numbers are real.\n"
     "example: tensor.zeros(5, 2, 3).mH.shape --> {5, 3, 2}"},
    {"H", f_mT,
     "x.H: the same as x.mT, since numbers are real.\n"
     "example: tensor.zeros(2, 3).H.shape --> {3, 2}"},
    {NULL, NULL, NULL}};

/* ---- methods about shape --------------------------------------------------------------------------------- */

static int m_size(lua_State *L) {
  Tensor *x = handle_check(L, 1, "size");
  if (lua_gettop(L) > 1) {
    lua_Integer d = luaL_checkinteger(L, 2);
    lua_Integer at = d > 0 ? d - 1 : d + x->ndim;
    if (d == 0 || at < 0 || at >= x->ndim) {
      return luaL_error(L, "size: dimension %I of a tensor with %d; they count from 1", d, x->ndim);
    }
    lua_pushinteger(L, x->shape[at]);
    return 1;
  }
  luaL_checkstack(L, x->ndim, "size");
  for (int d = 0; d < x->ndim; d++) lua_pushinteger(L, x->shape[d]);
  return x->ndim;
}

static int m_numel(lua_State *L) {
  lua_pushinteger(L, handle_check(L, 1, "numel")->numel);
  return 1;
}

static int m_is_contiguous(lua_State *L) {
  lua_pushboolean(L, t_is_contiguous(handle_check(L, 1, "is_contiguous")));
  return 1;
}

static int m_stride(lua_State *L) {
  const Tensor x = *handle_check(L, 1, "stride");
  lua_createtable(L, x.ndim, 0);
  for (int d = 0; d < x.ndim; d++) {
    lua_pushinteger(L, x.stride[d]);
    lua_rawseti(L, -2, d + 1);
  }
  list_wrap(L);
  return 1;
}

static int l_len(lua_State *L) {
  Tensor *x = handle_check(L, 1, "#");
  if (x->ndim == 0) return luaL_error(L, "#: a tensor without dimensions has no length");
  lua_pushinteger(L, x->shape[0]);
  return 1;
}

static const Function methods_here[] = {
    {"size", m_size,
     "x:size(dim): how many positions a dimension has; without dim all sizes, as results.\n"
     "example: tensor.zeros(2, 3):size(-1) --> 3"},
    {"numel", m_numel,
     "x:numel(): the number of elements.\n"
     "example: tensor.zeros(2, 3):numel() --> 6"},
    {"dim", f_ndim,
     "x:dim(): the number of dimensions; x.ndim is the same.\n"
     "example: tensor.zeros(2, 3):dim() --> 2"},
    {"is_contiguous", m_is_contiguous,
     "x:is_contiguous(): do the elements lie in memory in the order of their positions?\n"
     "example: tensor.zeros(2, 3):is_contiguous(), tensor.zeros(2, 3).T:is_contiguous() --> true  "
     "false"},
    {"stride", m_stride,
     "x:stride(): for each dimension, how many elements in memory lie between two neighbours.\n"
     "example: tensor.zeros(2, 3):stride() --> {3, 1}"},
    {NULL, NULL, NULL}};

void fields_open(lua_State *L, int lib, int meta, int methods) {
  functions_set(L, lib, meta, methods_here);
  functions_set(L, methods, meta, methods_here);
  lua_pushvalue(L, meta);
  lua_pushcclosure(L, l_len, 1);
  lua_setfield(L, meta, "__len");
  lua_newtable(L);
  functions_set(L, lua_gettop(L), meta, fields);
  lua_pushvalue(L, -1);
  lua_setfield(L, meta, "fields"); /* for help */
}
