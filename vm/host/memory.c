#include "memory.h"

#include <stdlib.h>
#include "../../tensor/mem.h"

/* As lua_Alloc asks. */
static void *allocate(void *unused, void *block, size_t before, size_t size) {
  (void)unused;
  if (block == NULL) before = 0; /* a kind of object then */
  if (size == 0) {
    free(block);
    mem_host_shrink(before);
    return NULL;
  }
  if (size > before && !mem_host_grow(size - before)) return NULL;
  void *moved = realloc(block, size);
  if (moved == NULL && size > before)
    mem_host_shrink(size - before);
  else if (size < before)
    mem_host_shrink(before - size);
  return moved;
}

void memory_install(lua_State *L) {
  size_t kb = (size_t)lua_gc(L, LUA_GCCOUNT), bytes = (size_t)lua_gc(L, LUA_GCCOUNTB);
  mem_host_grow(kb * 1024 + bytes);
  lua_setallocf(L, allocate, NULL);
}

void memory_explain(lua_State *L) {
  lua_pushfstring(L,
                  "not enough memory: Lua's objects reached the limit of %d MB, or what the system "
                  "has free; drop what is not needed (tensor.memory_limit tells and sets it)",
                  (int)(mem_limit() >> 20));
  lua_replace(L, -2);
}
