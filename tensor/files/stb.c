/* The one unit that compiles stb (packages libstb-dev, zlib1g-dev). Only PNG, JPEG and BMP are in
   it: the other decoders of this snapshot have known holes. Their arithmetic relies on wrapping:
   this unit is compiled with -fwrapv. */
#include "stb.h"

#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#include "../machine/mem.h"

/* ---- memory: a list of blocks under a bound ------------------------------------------------------- */

typedef struct Block {
  struct Block *next, *prev;
  size_t size, filler; /* keeps what follows aligned to 16 */
} Block;

static Block *blocks;
static size_t used, room;
static const char *starved; /* why memory was refused since the last call began */

static void *fenced_malloc(size_t size) {
  Block *b = NULL;
  if (size > room || used > room - size)
    starved = "out of memory: it wants more than there is for a picture of its size";
  else if (mem_should_fail() || !(b = calloc(1, sizeof *b + size)))
    starved = "out of memory";
  if (!b) return NULL;
  *b = (Block){.next = blocks, .size = size};
  if (blocks) blocks->prev = b;
  blocks = b;
  used += size;
  return b + 1;
}

static void fenced_free(void *p) {
  if (!p) return;
  Block *b = (Block *)p - 1;
  if (b->prev)
    b->prev->next = b->next;
  else
    blocks = b->next;
  if (b->next) b->next->prev = b->prev;
  used -= b->size;
  free(b);
}

static void *fenced_realloc(void *p, size_t size) {
  void *q = fenced_malloc(size);
  if (!q || !p) return q;
  size_t old = ((Block *)p - 1)->size;
  memcpy(q, p, old < size ? old : size);
  fenced_free(p);
  return q;
}

void stb_done(void) {
  while (blocks) fenced_free(blocks + 1);
}

/* For stb_image_write: level 6 is a third of the time of 8 at almost the same size. */
static unsigned char *compress_png(const unsigned char *data, int n, int *out_n) {
  uLongf length = compressBound((uLong)n);
  unsigned char *out = fenced_malloc(length);
  if (!out) return NULL;
  if (compress2(out, &length, data, (uLong)n, 6) != Z_OK || length > INT32_MAX) {
    fenced_free(out);
    return NULL;
  }
  *out_n = (int)length;
  return out;
}

#pragma GCC diagnostic ignored "-Wunused-function"
#define STBI_ONLY_PNG
#define STBI_ONLY_JPEG
#define STBI_ONLY_BMP
#define STBI_NO_STDIO
#define STBI_NO_LINEAR
#define STBI_NO_HDR
#define STBI_ASSERT(condition) ((void)0)
#define STBI_MAX_DIMENSIONS    STB_SIDE_MOST
#define STBI_MALLOC(size)      fenced_malloc(size)
#define STBI_REALLOC(p, size)  fenced_realloc(p, size)
#define STBI_FREE(p)           fenced_free(p)
#define STB_IMAGE_STATIC
#define STB_IMAGE_IMPLEMENTATION
#include <stb/stb_image.h>

#define STBI_WRITE_NO_STDIO
#define STBIW_ASSERT(condition)                         ((void)0)
#define STBIW_MALLOC(size)                              fenced_malloc(size)
#define STBIW_REALLOC(p, size)                          fenced_realloc(p, size)
#define STBIW_FREE(p)                                   fenced_free(p)
#define STBIW_ZLIB_COMPRESS(data, length, out, quality) compress_png(data, length, out)
#define STB_IMAGE_WRITE_STATIC
#define STB_IMAGE_WRITE_IMPLEMENTATION
#include <stb/stb_image_write.h>

enum { INFO_ROOM = 1 << 20 };

static void begin(size_t bound) {
  room = bound;
  starved = NULL;
}

bool stb_info(const uint8_t *bytes, int n, int *width, int *height, int *channels) {
  begin(INFO_ROOM);
  return stbi_info_from_memory(bytes, n, width, height, channels) != 0;
}

uint8_t *stb_decode(const uint8_t *bytes, int n, int channels, size_t bound, int *width,
                    int *height) {
  int found;
  begin(bound);
  return stbi_load_from_memory(bytes, n, width, height, &found, channels);
}

uint8_t *stb_encode(const uint8_t *pixels, int width, int height, int channels, size_t bound,
                    int *n) {
  begin(bound);
  return stbi_write_png_to_mem(pixels, width * channels, width, height, channels, n);
}

const char *stb_problem(void) {
  const char *reason = starved ? starved : stbi_failure_reason();
  return reason ? reason : "unknown";
}
