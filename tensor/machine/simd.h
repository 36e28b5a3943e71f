/* SIMD levels. Files of kernels are compiled once per level with -DLEVEL=base|v2|v3|v4 and export
   one table of functions per family, named by AT_LEVEL(family); SIMD_PICK(family) answers the table
   of the level in force. LUNETTE_SIMD=base|v2|v3|v4 pins a level (at most what the machine has). */
#ifndef LUNETTE_SIMD_H
#define LUNETTE_SIMD_H

#if defined(__x86_64__)
#define SIMD_X86 1
#else
#define SIMD_X86 0
#endif

#ifdef LEVEL
#define SIMD_JOIN_(name, level) name##_##level
#define SIMD_JOIN(name, level)  SIMD_JOIN_(name, level)
#define AT_LEVEL(name)          SIMD_JOIN(name, LEVEL)
#endif

enum { SIMD_BASE, SIMD_V2, SIMD_V3, SIMD_V4, SIMD_LEVELS };

/* The level in force, the same for the whole run: found when the program starts. */
extern int simd_found;
static inline int simd_level(void) { return simd_found; }
const char *simd_name(int level);

/* In a header: SIMD_FAMILY(Type, family) declares the tables of every level. With SIMD_ONE there is
   one, base, compiled for whatever machine the build names. */
#if SIMD_X86 && !defined(SIMD_ONE)
#define SIMD_FAMILY(Type, family)                                                                  \
  extern const Type family##_base, family##_v2, family##_v3, family##_v4
#define SIMD_PICK(family)                                                                          \
  (simd_level() == SIMD_V4   ? &family##_v4                                                        \
   : simd_level() == SIMD_V3 ? &family##_v3                                                        \
   : simd_level() == SIMD_V2 ? &family##_v2                                                        \
                             : &family##_base)
#else
#define SIMD_FAMILY(Type, family) extern const Type family##_base
#define SIMD_PICK(family)         (&family##_base)
#endif

/* One rounding where the level has the instruction; two elsewhere (libm's fma in software would
   cost 20x). Bits are promised per level. */
#ifdef __FMA__
#define FMA(a, b, c)  __builtin_fma(a, b, c)
#define FMAF(a, b, c) __builtin_fmaf(a, b, c)
#else
#define FMA(a, b, c)  ((a) * (b) + (c))
#define FMAF(a, b, c) ((a) * (b) + (c))
#endif

#endif
