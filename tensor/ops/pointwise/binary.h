/* What the families of pointwise ops of two tensors share: the loops, table entries and rows that a
   line of a table becomes; see binary.c. Operands are broadcast and brought to their common type. */
#ifndef LUNETTE_BINARY_H
#define LUNETTE_BINARY_H

#include "unary.h"

#ifdef LEVEL

/* o[i] = f(a, b, A, B, C). */
#define PAIR_LOOP(name, type, T, R, f)                                                             \
  static void loop_##name##_##type(int64_t n, void *out, const void *const *in, const void *arg) { \
    const Numbers *numbers = arg;                                                                  \
    const T A = NUMBER(T, 0), B = NUMBER(T, 1), C = NUMBER(T, 2);                                  \
    (void)A, (void)B, (void)C;                                                                     \
    const T *p = in[0], *q = in[1];                                                                \
    R *o = out;                                                                                    \
    _Pragma("GCC ivdep") for (int64_t i = 0; i < n; i++) {                                         \
      const T a = p[i], b = q[i];                                                                  \
      o[i] = (R)(f);                                                                               \
    }                                                                                              \
  }
/* Loops of a line: floats; integers, whose order and signs count; sums and products, where integers
   wrap around and masks are computed as 0 and 1; from any type to a mask. */
#define FLOAT_PAIRS(name, f, ...)                                                                  \
  PAIR_LOOP(name, f32, float, float, f)                                                            \
  PAIR_LOOP(name, f64, double, double, f)
#define WHOLE_PAIRS(name, f, ...)                                                                  \
  PAIR_LOOP(name, i64, int64_t, int64_t, f)                                                        \
  PAIR_LOOP(name, i32, int32_t, int32_t, f)                                                        \
  PAIR_LOOP(name, u8, uint8_t, uint8_t, f)
#define NUMBER_PAIRS(name, f, ...)                                                                 \
  FLOAT_PAIRS(name, f)                                                                             \
  WHOLE_PAIRS(name, f)                                                                             \
  PAIR_LOOP(name, b, uint8_t, uint8_t, (f) != 0)
#define WRAPPED_PAIRS(name, f, ...)                                                                \
  FLOAT_PAIRS(name, f)                                                                             \
  PAIR_LOOP(name, i64, uint64_t, uint64_t, f)                                                      \
  PAIR_LOOP(name, i32, uint32_t, uint32_t, f)                                                      \
  PAIR_LOOP(name, u8, uint8_t, uint8_t, f)                                                         \
  PAIR_LOOP(name, b, uint8_t, uint8_t, (f) != 0)
#define MASK_PAIRS(name, f, ...)                                                                   \
  PAIR_LOOP(name, f32, float, uint8_t, f)                                                          \
  PAIR_LOOP(name, f64, double, uint8_t, f)                                                         \
  PAIR_LOOP(name, i64, int64_t, uint8_t, f)                                                        \
  PAIR_LOOP(name, i32, int32_t, uint8_t, f)                                                        \
  PAIR_LOOP(name, u8, uint8_t, uint8_t, f)

/* Entries of a family's table beside FLOAT_ENTRY, NUMBER_ENTRY and MASK_ENTRY. */
#define MASKED_ENTRY(at, name)                                                                     \
  [at] = {loop_##name##_f32, loop_##name##_f64, loop_##name##_i64,                                 \
          loop_##name##_i32, loop_##name##_u8,  loop_##name##_b},
#define WHOLE_ENTRY(at, name)                                                                      \
  [at] = {NULL, NULL, loop_##name##_i64, loop_##name##_i32, loop_##name##_u8},
#define BITS_ENTRY(at, name)                                                                       \
  [at] = {NULL, NULL, loop_##name##_i64, loop_##name##_i32, loop_##name##_u8, loop_##name##_u8},

#else

/* The type that the loops compute two operands in: their common one, or int64 for masks and float32
   for integers without a loop; fails where floats have none. */
DType binary_type(Call *c, const IterLoop loops[T_F16]);
/* Output of the broadcast shape, of that type (mask: of masks); notes it. */
void binary_infer(Call *c, const IterLoop loops[T_F16], bool mask);
const char *binary_run(Call *c, const IterLoop loops[T_F16], bool mask);

#define BINARY_CALLS(table)                                                                        \
  static const IterLoop *loops_of(const Call *c) { return SIMD_PICK(table)->at[c->op - rows]; }    \
  static void infer(Call *c) { binary_infer(c, loops_of(c), false); }                              \
  static const char *run(Call *c) { return binary_run(c, loops_of(c), false); }
#define BINARY_MASK_CALLS                                                                          \
  static void mask_infer(Call *c) { binary_infer(c, loops_of(c), true); }                          \
  static const char *mask_run(Call *c) { return binary_run(c, loops_of(c), true); }

/* The gradients of a line in plain ops, for a and for b: g is the incoming one, y the output. */
#define BINARY_GRAD(name, da, db)                                                                  \
  static void name##_grad(Call *c, Tensor *const *gy, Tensor **gx) {                               \
    Tensor *g = gy[0], *a = c->x[0], *b = c->x[1], *y = c->y[0];                                   \
    (void)g, (void)a, (void)b, (void)y;                                                            \
    if (c->want[0]) gx[0] = da;                                                                    \
    if (c->want[1]) gx[1] = db;                                                                    \
  }

/* more: the rest of the signature's parameters, with a comma in front. */
#define BINARY_ROW(at, name, more, gradient, saves, inputs, value, text, ...)                      \
  [at] = {.sig = #name "(x: tensor, y: tensor" more ") -> z: tensor",                              \
          .doc = text,                                                                             \
          .test = inputs,                                                                          \
          .ref = "each: " value,                                                                   \
          .flags = OP_INPLACE,                                                                     \
          .save = saves,                                                                           \
          .infer = infer,                                                                          \
          .run = run,                                                                              \
          .grad = gradient,                                                                        \
          __VA_ARGS__},
#define BINARY_MASK_ROW(at, name, more, inputs, value, text, ...)                                  \
  [at] = {.sig = #name "(x: tensor, y: tensor" more ") -> mask: tensor",                           \
          .doc = text,                                                                             \
          .test = inputs,                                                                          \
          .ref = "each: " value,                                                                   \
          .flags = OP_CONST | OP_INPLACE,                                                          \
          .infer = mask_infer,                                                                     \
          .run = mask_run,                                                                         \
          __VA_ARGS__},

/* Test inputs in the shapes that matter. */
#define PAIRS "{{randn(2,3), randn(2,3)}, {randn(2,3), randn(3)}, {randn(2,1), randn(1,3)}}"

#endif
#endif
