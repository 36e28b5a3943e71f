/* Conversions between element types. */
#include "../cast.h"

#include "../calc.h"
#include "../iter.h"

static void convert(Call *c, DType to) {
  Tensor *x = c->x[0];
  if (x->dtype == to && !x->weak) {
    c->y[0] = x; /* nothing to do */
    return;
  }
  iter_order(c, 0);
  call_out(c, 0, to, x->ndim, x->shape);
}

static const char *run(Call *c) {
  if (c->y[0] != c->x[0]) cast_into(c->y[0], c->x[0]);
  return NULL;
}

static void grad(Call *c, Tensor *const *gy, Tensor **gx) {
  gx[0] = t_cast(gy[0], (DType)c->x[0]->dtype);
}

static void to_infer(Call *c) { convert(c, (DType)c->attr[0].i); }

static void type_as(Call *c) { c->y[0] = t_cast(c->x[0], (DType)c->x[1]->dtype); }

/*   name   type   value in terms of a float64   doc */
#define TYPES(TYPE)                                                                                \
  TYPE(float, T_F32, "x", "To float32.")                                                           \
  TYPE(double, T_F64, "x", "To float64.")                                                          \
  TYPE(long, T_I64, "x < 0 and math.ceil(x) or math.floor(x)", "To int64; fractions are cut off.") \
  TYPE(int, T_I32, "x < 0 and math.ceil(x) or math.floor(x)", "To int32; fractions are cut off.")  \
  TYPE(byte, T_U8, "math.floor(x < 0 and -x or x)",                                                \
       "To uint8, 0 to 255; fractions are cut off, and larger values keep their last eight bits.") \
  TYPE(bool, T_BOOL, "x ~= 0", "To bool: where x is not 0.")                                       \
  TYPE(half, T_F16, "x", "To float16, which is stored and converted, not computed with.")          \
  TYPE(bfloat16, T_BF16, "x", "To bfloat16, which is stored and converted, not computed with.")

#define INFER(name, type, ...)                                                                     \
  static void name##_infer(Call *c) { convert(c, type); }
TYPES(INFER)

#define ROW(name, type, value, text)                                                               \
  {.sig = #name "(x: tensor) -> y: tensor",                                                        \
   .doc = text,                                                                                    \
   .test = "{{ints(2,3)}}",                                                                        \
   .ref = "each: " value,                                                                          \
   .infer = name##_infer,                                                                          \
   .run = run,                                                                                     \
   .grad = grad},

static Op rows[] = {
    {.sig = "to(x: tensor, dtype: dtype) -> y: tensor",
     .doc = "x in another element type, or x itself when it has that type. From floats to integers "
            "fractions are cut off. The gradient is converted back.",
     .example = "tensor{1.7, -1.7}:to(\"int64\") --> int64 [2]  1  -1",
     .test = "{{randn(2,3), \"float64\"}, {ints(2,3), \"float64\"}, {ints(2,3), \"uint8\"}}",
     .ref = "reference.to",
     .infer = to_infer,
     .run = run,
     .grad = grad},
    {.sig = "type_as(x: tensor, other: tensor) -> y: tensor",
     .doc = "x in the element type of other.",
     .test = "{{randn(2,3), randn(1)}, {ints(2,3), ints(1)}}",
     .ref = "reference.to",
     .compose = type_as},
    TYPES(ROW)};

FAMILY(cast, rows);
