/* What the families of pointwise ops of one tensor share. In such a family a line of a table is a
   whole op; its file is compiled once per SIMD level for the loops (with LEVEL), once for the rows.

   Three numbers A, B and C may come with a call: the first values of its signature after the tensor,
   as floats in the loops of floats, as integers, without their fractions, in the others. */
#ifndef LUNETTE_UNARY_H
#define LUNETTE_UNARY_H

#include "../../loop/iter.h"
#include "../../kernels/math/vmath.h"
#include "../../machine/simd.h"

#include <math.h>

enum { NUMBERS_MAX = 3 };

typedef struct Numbers {
  double f[NUMBERS_MAX];
  int64_t i[NUMBERS_MAX];
} Numbers;

#ifdef LEVEL

#pragma GCC diagnostic ignored "-Wtype-limits" /* of uint8 */

/* A constant in x's type. */
#define AS(x, c) ((__typeof__((x) + 0))(c))

#define NUMBER(T, k)                                                                               \
  ((T) _Generic((T)0, float : numbers->f[k], double : numbers->f[k], default : numbers->i[k]))

/* o[i] = f(x, A, B, C). It may write over its input: no iteration reads what another wrote. */
#define LOOP(name, type, T, R, f)                                                                  \
  static void loop_##name##_##type(int64_t n, void *out, const void *const *in, const void *arg) { \
    const Numbers *numbers = arg;                                                                  \
    const T A = NUMBER(T, 0), B = NUMBER(T, 1), C = NUMBER(T, 2);                                  \
    (void)A, (void)B, (void)C;                                                                     \
    const T *a = in[0];                                                                            \
    R *o = out;                                                                                    \
    _Pragma("GCC ivdep") for (int64_t i = 0; i < n; i++) {                                         \
      const T x = a[i];                                                                            \
      o[i] = (R)(f);                                                                               \
    }                                                                                              \
  }
/* o[i] = f(g, x, A, B, C): the gradient of such an op, from the incoming one and its input. */
#define SLOPE_LOOP(name, type, T, f)                                                               \
  static void slope_##name##_##type(int64_t n, void *out, const void *const *in,                   \
                                    const void *arg) {                                             \
    const Numbers *numbers = arg;                                                                  \
    const T A = NUMBER(T, 0), B = NUMBER(T, 1), C = NUMBER(T, 2);                                  \
    (void)A, (void)B, (void)C;                                                                     \
    const T *a = in[0], *b = in[1];                                                                \
    T *o = out;                                                                                    \
    _Pragma("GCC ivdep") for (int64_t i = 0; i < n; i++) {                                         \
      const T g = a[i], x = b[i];                                                                  \
      o[i] = (T)(f);                                                                               \
    }                                                                                              \
  }

/* Loops of a line: in floats; in integers too; from any type to a mask. */
#define FLOAT_LOOPS(name, f, ...)                                                                  \
  LOOP(name, f32, float, float, f)                                                                 \
  LOOP(name, f64, double, double, f)
#define WHOLE_LOOPS(name, f)                                                                       \
  LOOP(name, i64, int64_t, int64_t, f)                                                             \
  LOOP(name, i32, int32_t, int32_t, f)                                                             \
  LOOP(name, u8, uint8_t, uint8_t, f)
#define NUMBER_LOOPS(name, f, ...)                                                                 \
  FLOAT_LOOPS(name, f)                                                                             \
  WHOLE_LOOPS(name, f)
#define MASK_LOOPS(name, f, ...)                                                                   \
  LOOP(name, f32, float, uint8_t, f)                                                               \
  LOOP(name, f64, double, uint8_t, f)                                                              \
  LOOP(name, i64, int64_t, uint8_t, f)                                                             \
  LOOP(name, i32, int32_t, uint8_t, f)                                                             \
  LOOP(name, u8, uint8_t, uint8_t, f)

/* The same in a family's table of loops. */
#define FLOAT_ENTRY(at, name) [at] = {loop_##name##_f32, loop_##name##_f64},
#define NUMBER_ENTRY(at, name)                                                                     \
  [at] = {loop_##name##_f32, loop_##name##_f64, loop_##name##_i64, loop_##name##_i32,              \
          loop_##name##_u8},
#define MASK_ENTRY(at, name)                                                                       \
  [at] = {loop_##name##_f32, loop_##name##_f64, loop_##name##_i64,                                 \
          loop_##name##_i32, loop_##name##_u8,  loop_##name##_u8},
#define SLOPE_ENTRY(at, name) [at] = {slope_##name##_f32, slope_##name##_f64},

#else

#include "../../calc.h"

/* Output of x's shape, in the type of the loop that serves: bools count as int64 where there is no
   loop for them, and integers as floats. */
void unary_infer(Call *c, const IterLoop loops[T_F16]);
const char *unary_run(Call *c, const IterLoop loops[T_F16]);
/* The same with a mask as output. */
void unary_mask_infer(Call *c, const IterLoop loops[T_F16]);
const char *unary_mask_run(Call *c, const IterLoop loops[T_F16]);
/* Of gradients: x[0] is the incoming one, x[1] the input; both of one shape. */
void unary_slope_infer(Call *c, const IterLoop loops[T_F16]);
const char *unary_slope_run(Call *c, const IterLoop loops[T_F16]);
/* The attributes of a call as the numbers of its loop. */
Numbers unary_numbers(const Call *c);

/* A family's own infer and run, which find its loops by the place of a row. */
#define UNARY_CALLS(table)                                                                         \
  static const IterLoop *loops_of(const Call *c) { return SIMD_PICK(table)->at[c->op - rows]; }    \
  static void infer(Call *c) { unary_infer(c, loops_of(c)); }                                      \
  static const char *run(Call *c) { return unary_run(c, loops_of(c)); }
#define UNARY_MASK_CALLS                                                                           \
  static void mask_infer(Call *c) { unary_mask_infer(c, loops_of(c)); }                            \
  static const char *mask_run(Call *c) { return unary_mask_run(c, loops_of(c)); }

/* The gradient of a line, in plain ops: g is the incoming one, x the input, y the output. */
#define UNARY_GRAD(name, gradient)                                                                 \
  static void name##_grad(Call *c, Tensor *const *gy, Tensor **gx) {                               \
    Tensor *g = gy[0], *x = c->x[0], *y = c->y[0];                                                 \
    (void)g, (void)x, (void)y;                                                                     \
    gx[0] = gradient;                                                                              \
  }

/* more: the rest of the signature's parameters, with a comma in front. */
#define UNARY_ROW(at, name, more, gradient, saves, inputs, value, text, ...)                       \
  [at] = {.sig = #name "(x: tensor" more ") -> y: tensor",                                         \
          .doc = text,                                                                             \
          .test = inputs,                                                                          \
          .ref = "each: " value,                                                                   \
          .flags = OP_INPLACE,                                                                     \
          .save = saves,                                                                           \
          .infer = infer,                                                                          \
          .run = run,                                                                              \
          .grad = gradient,                                                                        \
          __VA_ARGS__},
#define UNARY_MASK_ROW(at, name, inputs, value, text, ...)                                         \
  [at] = {.sig = #name "(x: tensor) -> mask: tensor",                                              \
          .doc = text,                                                                             \
          .test = inputs,                                                                          \
          .ref = "each: " value,                                                                   \
          .flags = OP_INPLACE | OP_CONST,                                                          \
          .infer = mask_infer,                                                                     \
          .run = mask_run,                                                                         \
          __VA_ARGS__},

#endif
#endif
