/* Pointwise ops of three tensors. Compiled once per SIMD level for the loops, once for the rows.
   A line is f(a, b, w) and the gradients for the three. */
#include "../../expect.h"
#include "unary.h"

/*   name  parameters  f(a, b, w)  gradients of a, b and w  test  reference  doc */
#define FLOATS(ROW)                                                                                \
  ROW(lerp, "x: tensor, stop: tensor, weight: tensor",                                             \
      w > -0.5f && w < 0.5f ? a + w * (b - a) : b - (b - a) * (1 - w), t_mul(g, t_rsubn(1, w)),    \
      t_mul(g, w), t_mul(g, t_sub(b, a)),                                                          \
      "{{randn(2,3), randn(2,3), 0.4}, {randn(2,3), randn(3), rand(2,1)}}", "x + z * (y - x)",     \
      "From x to stop by weight: x + weight (stop - x).",                                          \
      .example = "tensor{0, 10}:lerp(tensor{10, 20}, 0.25) --> float32 [2]   2.5  12.5")           \
  ROW(addcdiv, "x: tensor, tensor1: tensor, tensor2: tensor, value: scalar=1", a + A * (b / w), g, \
      by(c, t_div(g, w)), by(c, t_neg(t_div(t_mul(g, t_div(b, w)), w))),                           \
      "{{randn(2,3), randn(2,3), rand(3) + 0.5}, {randn(2,3), randn(3), rand(2,1) + 0.5, 3.5}}",   \
      "x + y / z * (w or 1)", "x + value tensor1 / tensor2.",                                      \
      .example = "tensor{1.0, 5.0}:addcdiv(tensor{6.0, 8.0}, tensor{2.0, 4.0}) --> float32 [2]  "  \
                 "4.0  7.0")                                                                       \
  ROW(prelu_dx, "g: tensor, x: tensor, weight: tensor", b > 0 ? a : a * w,                         \
      t_op3("prelu_dx", g, b, w), t_muln(g, 0), t_where(t_gt(b, t_num(0)), t_num(0), t_mul(g, a)), \
      "{{randn(2,3), randn(2,3), randn(2,3)}, {randn(2,3), randn(2,3), randn(3)}}",                \
      "y > 0 and x or x * z",                                                                      \
      "Gradient of prelu_pair's x: g where x is positive, weight g elsewhere.",                    \
      .flags = OP_HIDDEN, .expects = expect_no_more)
#define NUMBERS(ROW)                                                                               \
  ROW(addcmul, "x: tensor, tensor1: tensor, tensor2: tensor, value: scalar=1", a + A * b * w, g,   \
      by(c, t_mul(g, w)), by(c, t_mul(g, b)),                                                      \
      "{{randn(2,3), randn(2,3), randn(3)}, {randn(2,3), randn(3), randn(2,1), 3.5}}",             \
      "x + y * z * (w or 1)", "x + value tensor1 tensor2. Of integers value loses its fraction.",  \
      .example = "tensor{1, 2}:addcmul(tensor{3, 4}, tensor{5, 6}) --> int64 [2]  16  26")         \
  ROW(clamp, "x: tensor, min: tensor?, max: tensor?", LOWER(HIGHER(a, b), w),                      \
      t_where(within(a, b, w), g, t_num(0)), t_where(below(a, b, w), g, t_num(0)),                 \
      t_where(above(a, b, w), g, t_num(0)),                                                        \
      "{{randn(2,3), -0.5, 0.4}, {randn(2,3), nil, 0.3}, {randn(2,3), randn(3) - 0.5}, "           \
      "{randn(2,3), randn(3) - 0.5, randn(2,1)}}",                                                 \
      "reference.clamp(x, y, z)",                                                                  \
      "x, but not below min and not above max, which are numbers or tensors; max wins where it "   \
      "is the smaller. NaN stays; the gradient outside goes to the bound.",                        \
      .aliases = "clip", .infer = clamp_infer,                                                     \
      .example = "tensor{-3, 0, 3}:clamp(-1, 1) --> int64 [3]  -1   0   1")

/* NaN in either stays. */
#define HIGHER(a, b) (a < b || b != b ? b : a)
#define LOWER(a, b)  (a > b || b != b ? b : a)

enum {
#define NAME(name, ...) Z_##name,
  FLOATS(NAME) NUMBERS(NAME) Z_COUNT
#undef NAME
};

typedef struct TernaryLoops {
  IterLoop at[Z_COUNT][T_F16];
} TernaryLoops;
SIMD_FAMILY(TernaryLoops, ternary_loops);

#ifdef LEVEL

#define TRIPLE_LOOP(name, type, T, f)                                                              \
  static void loop_##name##_##type(int64_t n, void *out, const void *const *in, const void *arg) { \
    const Numbers *numbers = arg;                                                                  \
    const T A = NUMBER(T, 0);                                                                      \
    (void)A;                                                                                       \
    const T *p = in[0], *q = in[1], *r = in[2];                                                    \
    T *o = out;                                                                                    \
    _Pragma("GCC ivdep") for (int64_t i = 0; i < n; i++) {                                         \
      const T a = p[i], b = q[i], w = r[i];                                                        \
      o[i] = (T)(f);                                                                               \
    }                                                                                              \
  }
#define FLOAT_TRIPLES(name, parameters, f, ...)                                                    \
  TRIPLE_LOOP(name, f32, float, f)                                                                 \
  TRIPLE_LOOP(name, f64, double, f)
#define NUMBER_TRIPLES(name, parameters, f, ...)                                                   \
  FLOAT_TRIPLES(name, parameters, f)                                                               \
  TRIPLE_LOOP(name, i64, int64_t, f)                                                               \
  TRIPLE_LOOP(name, i32, int32_t, f)                                                               \
  TRIPLE_LOOP(name, u8, uint8_t, f)
FLOATS(FLOAT_TRIPLES)
NUMBERS(NUMBER_TRIPLES)

#define FLOAT_LINE(name, ...)  FLOAT_ENTRY(Z_##name, name)
#define NUMBER_LINE(name, ...) NUMBER_ENTRY(Z_##name, name)
const TernaryLoops AT_LEVEL(ternary_loops) = {{FLOATS(FLOAT_LINE) NUMBERS(NUMBER_LINE)}};

#else

static Op rows[Z_COUNT];

/* The type of the result. */
static DType common(Call *c) {
  DType d = call_promote(c, 0, 3);
  if (d == T_BOOL) d = T_I64;
  return SIMD_PICK(ternary_loops)->at[c->op - rows][d] ? d : T_F32;
}

static void infer_in(Call *c, DType computed, DType result) {
  c->dtype = computed;
  int64_t shape[T_MAXDIM];
  int ndim = iter_broadcast(c, 0, 3, shape);
  call_out(c, 0, result, ndim, shape);
}

static void infer(Call *c) {
  DType d = common(c);
  infer_in(c, d, d);
}

static const char *run(Call *c) {
  const IterLoop *loops = SIMD_PICK(ternary_loops)->at[c->op - rows];
  Numbers numbers = unary_numbers(c);
  iter_map(loops[c->dtype], &numbers, c->y[0], c->dtype, 3, c->x, c->dtype);
  return NULL;
}

/* Integers are compared in int64, which holds all bounds. */
static void clamp_infer(Call *c) {
  if (!c->x[1] && !c->x[2]) t_fail("clamp: min and max are both missing; give one of them");
  DType d = common(c);
  bool whole = !dtype_is_float(d);
  infer_in(c, whole ? T_I64 : d, d);
  if (!c->x[1]) c->x[1] = whole ? t_scalar_int(INT64_MIN, T_I64) : t_scalar(-INFINITY, d);
  if (!c->x[2]) c->x[2] = whole ? t_scalar_int(INT64_MAX, T_I64) : t_scalar(INFINITY, d);
}

/* Masks of clamp; a bound may be absent. */
static Tensor *both(Tensor *p, Tensor *q) { return !p ? q : !q ? p : t_op2("logical_and", p, q); }
static Tensor *within(Tensor *x, Tensor *min, Tensor *max) {
  return both(min ? t_ge(x, min) : NULL, max ? t_op2("le", x, max) : NULL);
}
static Tensor *below(Tensor *x, Tensor *min, Tensor *max) {
  return both(t_lt(x, min), max ? t_lt(min, max) : NULL);
}
static Tensor *above(Tensor *x, Tensor *min, Tensor *max) {
  Tensor *over = t_gt(x, max);
  return min ? t_op2("logical_or", over, t_gt(min, max)) : over;
}

/* Times the attribute value. */
static Tensor *by(Call *c, Tensor *g) {
  double value = attr_float(c, 0, 1);
  return value == 1 ? g : t_muln(g, value);
}

#define GRAD(name, parameters, f, da, db, dw, ...)                                                 \
  static void name##_grad(Call *c, Tensor *const *gy, Tensor **gx) {                               \
    Tensor *g = gy[0], *a = c->x[0], *b = c->x[1], *w = c->x[2];                                   \
    (void)a, (void)b, (void)w;                                                                     \
    if (c->want[0]) gx[0] = da;                                                                    \
    if (c->want[1]) gx[1] = db;                                                                    \
    if (c->want[2]) gx[2] = dw;                                                                    \
  }
FLOATS(GRAD)
NUMBERS(GRAD)

#define LINE(name, parameters, f, da, db, dw, inputs, value, text, ...)                            \
  [Z_##name] = {.sig = #name "(" parameters ") -> y: tensor",                                      \
                .doc = text,                                                                       \
                .test = inputs,                                                                    \
                .ref = "each: " value,                                                             \
                .flags = OP_INPLACE,                                                               \
                .save = SAVE_X(0) | SAVE_X(1) | SAVE_X(2),                                         \
                .infer = infer,                                                                    \
                .run = run,                                                                        \
                .grad = name##_grad,                                                               \
                __VA_ARGS__},

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Woverride-init" /* a line's own fields */
static Op rows[Z_COUNT] = {FLOATS(LINE) NUMBERS(LINE)};
#pragma GCC diagnostic pop

FAMILY(ternary, rows);

#endif
