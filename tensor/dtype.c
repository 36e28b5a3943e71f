/* Element types: names, sizes and the one promotion table. */
#include "dtype.h"

#include <string.h>

static const struct {
  const char *name, *alias;
  size_t size;
} types[T_DTYPES] = {
    [T_F32] = {"float32", "float", 4}, [T_F64] = {"float64", "double", 8},
    [T_I64] = {"int64", "long", 8},    [T_I32] = {"int32", "int", 4},
    [T_U8] = {"uint8", "byte", 1},     [T_BOOL] = {"bool", "boolean", 1},
    [T_F16] = {"float16", "half", 2},  [T_BF16] = {"bfloat16", "bfloat", 2},
};

const char *dtype_name(DType d) { return types[d].name; }

size_t dtype_size(DType d) { return types[d].size; }

bool dtype_parse(const char *s, DType *out) {
  for (int d = 0; d < T_DTYPES; d++) {
    if (strcmp(s, types[d].name) == 0 || strcmp(s, types[d].alias) == 0) {
      *out = (DType)d;
      return true;
    }
  }
  return false;
}

/* A higher class wins (bool < integers < floats); within a class the wider type does. The stored
   half types meet every other float at float32 or wider, and each other at float32. */
static const uint8_t promotion[T_DTYPES][T_DTYPES] = {
    /*             f32    f64    i64    i32    u8     bool   f16    bf16 */
    [T_F32] = {T_F32, T_F64, T_F32, T_F32, T_F32, T_F32, T_F32, T_F32},
    [T_F64] = {T_F64, T_F64, T_F64, T_F64, T_F64, T_F64, T_F64, T_F64},
    [T_I64] = {T_F32, T_F64, T_I64, T_I64, T_I64, T_I64, T_F16, T_BF16},
    [T_I32] = {T_F32, T_F64, T_I64, T_I32, T_I32, T_I32, T_F16, T_BF16},
    [T_U8] = {T_F32, T_F64, T_I64, T_I32, T_U8, T_U8, T_F16, T_BF16},
    [T_BOOL] = {T_F32, T_F64, T_I64, T_I32, T_U8, T_BOOL, T_F16, T_BF16},
    [T_F16] = {T_F32, T_F64, T_F16, T_F16, T_F16, T_F16, T_F16, T_F32},
    [T_BF16] = {T_F32, T_F64, T_BF16, T_BF16, T_BF16, T_BF16, T_F32, T_BF16},
};

DType dtype_promote(DType a, DType b) { return (DType)promotion[a][b]; }
