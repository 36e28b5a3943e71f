/* Owns the choice of the SIMD level: what the processor has, lowered by LUNETTE_SIMD. */
#include "simd.h"

#include <stdlib.h>
#include <string.h>

static const char *const names[SIMD_LEVELS] = {"base", "v2", "v3", "v4"};

static int machine_level(void) {
#if SIMD_X86 && !defined(SIMD_ONE)
  __builtin_cpu_init();
  if (__builtin_cpu_supports("x86-64-v4")) return SIMD_V4;
  if (__builtin_cpu_supports("x86-64-v3")) return SIMD_V3;
  if (__builtin_cpu_supports("x86-64-v2")) return SIMD_V2;
#endif
  return SIMD_BASE;
}

int simd_found;

__attribute__((constructor)) static void find_level(void) {
  int machine = machine_level();
  const char *pin = getenv("LUNETTE_SIMD");
  simd_found = machine;
  for (int i = 0; pin && i <= machine; i++) {
    if (strcmp(pin, names[i]) == 0) simd_found = i;
  }
}

const char *simd_name(int level) {
  return level >= 0 && level < SIMD_LEVELS ? names[level] : "unknown";
}
