/* See memory.h. */
#include "memory.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include "interrupt.h"
#include "../../tensor/machine/mem.h"

/* ---- small blocks: lists of free ones by size, cut from chunks that are never given back --------- */

enum { UNIT = 16, CHUNK = 1 << 16 };
enum { LAID_OUT = 1 << 23, PAGE = 1 << 12, HUGE_PAGE = 1 << 21 };
#if defined(__SANITIZE_ADDRESS__)
enum { SMALL = 0 }; /* so that every late use is seen */
#else
enum { SMALL = 256 };
#endif

typedef struct Free {
  struct Free *next;
} Free;

static Free *spare[SMALL / UNIT + 1];
static char *chunk_at, *chunk_end;
static size_t objects; /* small blocks in use: about as many as Lua has objects */

static size_t units(size_t size) { return (size + UNIT - 1) / UNIT; }

static bool was_interrupt; /* the reason of the last refusal */

/* Large pages make the first writes to a large block cheap. */
static void use_large_pages(char *block, size_t size) {
  uintptr_t first = ((uintptr_t)block + HUGE_PAGE - 1) / HUGE_PAGE * HUGE_PAGE;
  size_t before = first - (uintptr_t)block;
  madvise((void *)first, (size - before) / HUGE_PAGE * HUGE_PAGE, MADV_HUGEPAGE);
}

/* A large block is laid out by the system page by page when it is first written to, which Lua does in
   one go. So it is done here, where Ctrl-C is heard in between: NULL then. */
static void *block_laid_out(size_t size) {
  char *block = malloc(size);
  if (!block || size < LAID_OUT) return block;
  use_large_pages(block, size);
  for (size_t at = 0; at < size; at += PAGE) {
    if (at % HUGE_PAGE == 0 && interrupt_is_due()) {
      free(block);
      was_interrupt = true;
      return NULL;
    }
    ((volatile char *)block)[at] = 0;
  }
  return block;
}

static void *block_new(size_t size) {
  if (size > SMALL) return block_laid_out(size);
  objects++;
  size_t k = units(size);
  Free *block = spare[k];
  if (block) {
    spare[k] = block->next;
    return block;
  }
  if ((size_t)(chunk_end - chunk_at) < k * UNIT) {
    char *chunk = malloc(CHUNK);
    if (!chunk) return NULL;
    chunk_at = chunk;
    chunk_end = chunk + CHUNK;
  }
  chunk_at += k * UNIT;
  return chunk_at - k * UNIT;
}

static void block_free(void *p, size_t size) {
  if (size > SMALL) {
    free(p);
    return;
  }
  objects--;
  Free *block = p;
  block->next = spare[units(size)];
  spare[units(size)] = block;
}

static void *block_move(void *block, size_t before, size_t size) {
  if (before > SMALL && size > SMALL) {
    void *moved = realloc(block, size);
    if (moved && size >= LAID_OUT) use_large_pages(moved, size);
    return moved;
  }
  if (before <= SMALL && size <= SMALL && units(before) == units(size)) return block;
  void *moved = block_new(size);
  if (!moved)
    return size < before ? block : NULL; /* Lua counts on shrinking; a larger one will do */
  memcpy(moved, block, before < size ? before : size);
  block_free(block, before);
  return moved;
}

/* ---- the state ------------------------------------------------------------------------------------ */

#define LARGE  ((size_t)1 << 18) /* bytes that take time to fill */
#define A_LOOK 64                /* bytes that are filled while a collection looks at an object */

/* May a block grow to that size? After Ctrl-C none becomes large: so Lua's own functions on long
   strings are stopped too, between their steps. Lua collects before it gives up, which takes longer
   than to fill the block where there are many objects. */
static bool may_grow(size_t before, size_t size) {
  if (size >= LARGE && size / A_LOOK >= objects && interrupt_is_due()) {
    was_interrupt = true;
    return false;
  }
  if (mem_host_grow(size - before)) return true;
  was_interrupt = false;
  return false;
}

/* As lua_Alloc asks. */
static void *allocate(void *unused, void *block, size_t before, size_t size) {
  (void)unused;
  if (block == NULL) before = 0; /* a kind of object then */
  if (size == 0) {
    if (block) block_free(block, before);
    mem_host_shrink(before);
    return NULL;
  }
  if (size > before && !may_grow(before, size)) return NULL;
  void *moved = block ? block_move(block, before, size) : block_new(size);
  if (moved == NULL && size > before)
    mem_host_shrink(size - before);
  else if (size < before)
    mem_host_shrink(before - size);
  return moved;
}

static int panic(lua_State *L) {
  const char *message = lua_tostring(L, -1);
  fprintf(stderr, "lunette: error outside of any call: %s\n", message ? message : "(no message)");
  return 0; /* ends the process */
}

/* Warnings come in pieces; warn("@on") and warn("@off") switch them. */
static void warning(void *unused, const char *text, int more) {
  static bool on, within;
  (void)unused;
  if (!within && !more && text[0] == '@') {
    if (strcmp(text, "@on") == 0) on = true;
    if (strcmp(text, "@off") == 0) on = false;
    return;
  }
  if (on) fprintf(stderr, "%s%s%s", within ? "" : "Lua warning: ", text, more ? "" : "\n");
  within = more;
}

lua_State *memory_state(void) {
  lua_State *L = lua_newstate(allocate, NULL);
  if (L == NULL) return NULL;
  lua_atpanic(L, panic);
  lua_setwarnf(L, warning, NULL);
  return L;
}

void memory_explain(lua_State *L) {
  if (was_interrupt) {
    lua_pushliteral(L, "interrupted!");
    lua_replace(L, -2);
    return;
  }
  lua_pushfstring(L,
                  "not enough memory: Lua's objects reached the limit of %d MB, or what the system "
                  "has free; drop what is not needed (tensor.memory_limit tells and sets it)",
                  (int)(mem_limit() >> 20));
  lua_replace(L, -2);
}
