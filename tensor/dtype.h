/* Element types: names, sizes, classes, promotion. */
#ifndef LUNETTE_DTYPE_H
#define LUNETTE_DTYPE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef enum DType {
  T_F32,
  T_F64,
  T_I64,
  T_I32,
  T_U8,
  T_BOOL,
  T_F16,  /* stored and converted, never computed with */
  T_BF16, /* likewise */
  T_DTYPES
} DType;

const char *dtype_name(DType d);             /* "float32" */
bool dtype_parse(const char *s, DType *out); /* also "float", "double", "long", "int", "byte" */
size_t dtype_size(DType d);                  /* bytes of an element */

static inline bool dtype_is_float(DType d) { return d == T_F32 || d == T_F64 || d >= T_F16; }
static inline bool dtype_is_int(DType d) { return d == T_I64 || d == T_I32 || d == T_U8; }

/* The type two operands compute in; the table is dtype.c's, printed by tensor.promotion(). */
DType dtype_promote(DType a, DType b);

#endif
