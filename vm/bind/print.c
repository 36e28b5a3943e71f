/* How tensors print: a header with type and shape, then aligned columns of one scale; of large
   tensors the corners. */
#include "bind.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "../../tensor/tape/tape.h"

/* Of more elements than MANY, EDGE show at each end of a dimension; so do the columns of a matrix that
   is wider than a line. A vector goes on in the next line. */
enum { EDGE = 3, MANY = 400, NARROW = 30, WIDE = 160, GAP = 5 };

static int line = 100; /* columns */

static int precision = 4; /* most decimals; a script may choose */

typedef struct Style {
  bool floats, boolean;
  int decimals, width, power; /* power: all are printed divided by 10^power */
  bool exponents;             /* 1.2346e+08 */
  bool cut, wide;             /* corners only; the first and last columns only */
  int edge;                   /* how many of these columns, 0: EDGE */
} Style;

/* ---- which elements show ----------------------------------------------------------------------------- */

static bool has_gap(const Style *s, const Tensor *x, int d) {
  return x->shape[d] > 2 * EDGE + 1 && (s->cut || (s->wide && d == x->ndim - 1));
}

static int edge_of(const Style *s, const Tensor *x, int d) {
  return d == x->ndim - 1 && s->edge > 0 ? s->edge : EDGE;
}

/* Positions shown in dimension d: returns how many; -1 stands for the gap. */
static int shown(const Style *s, const Tensor *x, int d, int64_t *at) {
  int k = 0, edge = edge_of(s, x, d);
  int64_t n = x->shape[d];
  if (!has_gap(s, x, d)) {
    for (int64_t i = 0; i < n; i++) at[k++] = i;
    return k;
  }
  for (int i = 0; i < edge; i++) at[k++] = i;
  at[k++] = -1;
  for (int64_t i = n - edge; i < n; i++) at[k++] = i;
  return k;
}

typedef void (*Visit)(Style *s, const Tensor *x, int64_t at);

static void each(Style *s, const Tensor *x, int d, int64_t at, Visit visit) {
  if (d == x->ndim) {
    visit(s, x, at);
    return;
  }
  int64_t n = x->shape[d];
  for (int64_t i = 0; i < n; i++) {
    if (i == EDGE && has_gap(s, x, d)) i = n - EDGE;
    each(s, x, d + 1, at + i * x->stride[d], visit);
  }
}

/* ---- style ---------------------------------------------------------------------------------------------- */

static double largest, smallest; /* magnitudes of the finite, non-zero elements shown */

static void measure(Style *s, const Tensor *x, int64_t at) {
  (void)s;
  double v = fabs(t_get(x, at));
  if (!isfinite(v) || v == 0) return;
  if (v > largest) largest = v;
  if (v < smallest) smallest = v;
}

static void need_decimals(Style *s, const Tensor *x, int64_t at) {
  double v = t_get(x, at) / pow(10, s->power);
  if (!isfinite(v)) return;
  double tolerance = precision > 4 && x->dtype == T_F64 ? 1e-14 : 2e-6;
  while (s->decimals < precision) {
    double scaled = fabs(v) * pow(10, s->decimals);
    double error = fabs(scaled - round(scaled));
    if (error <= tolerance * (scaled > 1 ? scaled : 1)) return;
    s->decimals++;
  }
}

static int element(const Style *s, const Tensor *x, int64_t at, char *out, size_t room) {
  if (s->boolean) return snprintf(out, room, "%s", t_get_int(x, at) ? "true" : "false");
  if (!s->floats) return snprintf(out, room, "%lld", (long long)t_get_int(x, at));
  double v = t_get(x, at);
  if (isnan(v)) return snprintf(out, room, "nan");
  if (isinf(v)) return snprintf(out, room, v > 0 ? "inf" : "-inf");
  if (s->exponents) return snprintf(out, room, "%.*e", precision, v);
  return snprintf(out, room, "%.*f", s->decimals, v / pow(10, s->power));
}

static void measure_width(Style *s, const Tensor *x, int64_t at) {
  char text[512];
  int n = element(s, x, at, text, sizeof text);
  if (n > s->width) s->width = n;
}

static Style style_of(const Tensor *x) {
  Style s = {
      .floats = dtype_is_float((DType)x->dtype), .boolean = x->dtype == T_BOOL, .decimals = 1};
  s.cut = x->numel > MANY;
  if (s.floats) {
    largest = 0;
    smallest = INFINITY;
    each(&s, x, 0, 0, measure);
    bool far = largest >= 1e5 || (largest > 0 && largest < 1e-2);
    double unseen = pow(10, -precision) * largest;
    if (far && smallest < unseen)
      s.exponents = true; /* one scale would show the small ones as 0 */
    else if (far)
      s.power = (int)floor(log10(largest));
    else if (largest > 0 && smallest < unseen)
      s.decimals = precision;
    each(&s, x, 0, 0, need_decimals);
  }
  each(&s, x, 0, 0, measure_width);
  for (s.edge = EDGE; s.edge > 1 && 2 * s.edge * (s.width + 2) + GAP > line;) s.edge--;
  s.wide = x->ndim > 1 && x->shape[x->ndim - 1] * (s.width + 2) > line;
  return s;
}

/* ---- text -------------------------------------------------------------------------------------------------- */

static void add_row(luaL_Buffer *b, const Style *s, const Tensor *x, int64_t at) {
  int64_t pos[MANY + 1];
  int n = shown(s, x, x->ndim - 1, pos), fit = line / (s->width + 2);
  bool whole = !has_gap(s, x, x->ndim - 1); /* may go on in the next line */
  for (int i = 0; i < n; i++) {
    char text[512];
    if (whole && i > 0 && i % (fit > 0 ? fit : 1) == 0) luaL_addchar(b, '\n');
    if (pos[i] < 0) {
      luaL_addstring(b, "  ...");
      continue;
    }
    int w = element(s, x, at + pos[i] * x->stride[x->ndim - 1], text, sizeof text);
    for (int k = w; k < s->width + 2; k++) luaL_addchar(b, ' ');
    luaL_addlstring(b, text, (size_t)w);
  }
}

static void add_block(luaL_Buffer *b, const Style *s, const Tensor *x, int d, int64_t at) {
  if (d == x->ndim - 1) {
    luaL_addchar(b, '\n');
    add_row(b, s, x, at);
    return;
  }
  int64_t pos[MANY + 1];
  int n = shown(s, x, d, pos);
  for (int i = 0; i < n; i++) {
    if (i > 0 && x->ndim - d > 2) luaL_addchar(b, '\n');
    if (pos[i] < 0)
      luaL_addstring(b, "\n  ...");
    else
      add_block(b, s, x, d + 1, at + pos[i] * x->stride[d]);
  }
}

static void add_single(luaL_Buffer *b, const Tensor *x) {
  char text[64];
  if (x->dtype == T_BOOL)
    snprintf(text, sizeof text, "%s", t_get_int(x, 0) ? "true" : "false");
  else if (!dtype_is_float((DType)x->dtype)) {
    snprintf(text, sizeof text, "%lld", (long long)t_get_int(x, 0));
  } else {
    double v = t_get(x, 0), a = fabs(v);
    bool plain = a == 0 || (a >= 1e-3 && a < 1e6) || !isfinite(v);
    Style s = {.decimals = 1, .power = plain ? 0 : (int)floor(log10(a))};
    need_decimals(&s, x, 0);
    snprintf(text, sizeof text, plain ? "%.*f" : "%.*e", s.decimals, v);
    if (isnan(v)) strcpy(text, "nan"); /* without a sign */
  }
  luaL_addstring(b, text);
}

static int l_tostring(lua_State *L) {
  const Handle *h = handle_is(L, 1) ? lua_touserdata(L, 1) : NULL;
  if (h && !h->t) {
    lua_pushliteral(L, "tensor (released by its scope)");
    return 1;
  }
  Tensor *x = enter_hold(L, 1, "tostring");
  luaL_Buffer b;
  luaL_buffinit(L, &b);
  if (x->ndim == 0) {
    add_single(&b, x);
  } else {
    luaL_addstring(&b, dtype_name((DType)x->dtype));
    luaL_addchar(&b, ' ');
    luaL_addstring(&b, t_shape_str(x));
    Style s = x->numel > 0 ? style_of(x) : (Style){0};
    if (s.power) {
      char text[32];
      snprintf(text, sizeof text, " x 1e%d", s.power);
      luaL_addstring(&b, text);
    }
    if (tape_tracks(x)) luaL_addstring(&b, " requires_grad");
    if (x->numel > 0) add_block(&b, &s, x, 0, 0);
  }
  if (x->ndim == 0 && tape_tracks(x)) luaL_addstring(&b, " requires_grad");
  luaL_pushresult(&b);
  enter_end(L);
  return 1;
}

/* print_width(columns): how wide a line may be, 30 to 160. */
int print_width(lua_State *L) {
  lua_Integer n = luaL_checkinteger(L, 1);
  line = n < NARROW ? NARROW : n > WIDE ? WIDE : (int)n;
  return 0;
}

static int l_concat(lua_State *L) {
  luaL_tolstring(L, 1, NULL);
  luaL_tolstring(L, 2, NULL);
  lua_concat(L, 2);
  return 1;
}

/* print_precision(n) -> before: the most decimals that tensors show; without n it is only told. */
static int l_precision(lua_State *L) {
  lua_Integer n = luaL_optinteger(L, 1, precision);
  luaL_argcheck(L, n >= 1 && n <= 16, 1, "from 1 to 16 decimals");
  lua_pushinteger(L, precision);
  precision = (int)n;
  return 1;
}

void print_precision_open(lua_State *L) {
  lua_pushcfunction(L, l_precision);
  lua_setfield(L, -2, "print_precision");
}

void print_open(lua_State *L, int meta) {
  lua_pushcfunction(L, l_tostring);
  lua_setfield(L, meta, "__tostring");
  lua_pushcfunction(L, l_concat);
  lua_setfield(L, meta, "__concat");
}
