/* Conversions between element types. */
#include "../loop/cast.h"

#include "../calc.h"

static void convert(Call *c, DType to) {
  Tensor *x = c->x[0];
  if (x->dtype == to && !x->weak) {
    c->y[0] = x; /* nothing to do */
    return;
  }
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

/*   name   type   value in terms of a float64   doc   example */
#define TYPES(TYPE)                                                                                \
  TYPE(float, T_F32, "x", "To float32.", "tensor{1, 2}:float() --> float32 [2]  1.0  2.0")         \
  TYPE(double, T_F64, "x", "To float64.", "tensor{1, 2}:double() --> float64 [2]  1.0  2.0")       \
  TYPE(long, T_I64, "x < 0 and math.ceil(x) or math.floor(x)", "To int64; fractions are cut off.", \
       "tensor{1.7, -1.7}:long() --> int64 [2]  1  -1")                                            \
  TYPE(int, T_I32, "x < 0 and math.ceil(x) or math.floor(x)", "To int32; fractions are cut off.",  \
       "tensor{1.7, -1.7}:int() --> int32 [2]  1  -1")                                             \
  TYPE(byte, T_U8, "math.floor(x < 0 and -x or x)",                                                \
       "To uint8, 0 to 255; fractions are cut off, and larger values keep their last eight bits.", \
       "tensor{1.9, 255.0, 256.0}:byte() --> uint8 [3]  1  255  0")                                \
  TYPE(bool, T_BOOL, "x ~= 0", "To bool: where x is not 0.",                                       \
       "tensor{0, 3}:bool() --> bool [2]  false  true")                                            \
  TYPE(half, T_F16, "x", "To float16, which is stored and converted, not computed with.",          \
       "tensor{2049.0}:half():float() --> float32 [1]  2048.0")                                    \
  TYPE(bfloat16, T_BF16, "x", "To bfloat16, which is stored and converted, not computed with.",    \
       "tensor{257.0}:bfloat16():float() --> float32 [1]  256.0")

#define INFER(name, type, ...)                                                                     \
  static void name##_infer(Call *c) { convert(c, type); }
TYPES(INFER)

#define ROW(name, type, value, text, shown)                                                        \
  {.sig = #name "(x: tensor) -> y: tensor",                                                        \
   .doc = text,                                                                                    \
   .example = shown,                                                                               \
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
     .example = "tensor{1, 2}:type_as(tensor{0.5}) --> float32 [2]  1.0  2.0",
     .test = "{{randn(2,3), randn(1)}, {ints(2,3), ints(1)}}",
     .ref = "reference.to",
     .compose = type_as},
    TYPES(ROW)};

FAMILY(cast, rows);
