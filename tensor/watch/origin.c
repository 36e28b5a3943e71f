#include "origin.h"

#include <stdio.h>
#include <string.h>

enum { ORIGINS = 1024, NEAR = 64 }; /* NEAR: places where a text may stand, from its own on */

bool origin_on;
static Origin origins[ORIGINS];

static unsigned hash(const char *text) {
  unsigned h = 2166136261u; /* FNV-1a */
  for (; *text; text++) h = (h ^ (unsigned char)*text) * 16777619u;
  return h;
}

/* The origin of this text, in use or free; NULL when there is no room. */
static Origin *find(const char *text) {
  unsigned first = hash(text);
  Origin *room = NULL;
  for (unsigned i = 0; i < NEAR; i++) {
    Origin *o = &origins[(first + i) % ORIGINS];
    if (o->count > 0 && strcmp(o->text, text) == 0) return o;
    if (o->count == 0 && !room) room = o;
  }
  return room;
}

void origin_set(Storage *st, const char *text) {
  char own[sizeof origins[0].text];
  snprintf(own, sizeof own, "%s", text);
  Origin *o = st->origin ? NULL : find(own);
  if (!o) return;
  if (o->count == 0) *o = (Origin){.count = 0};
  memcpy(o->text, own, sizeof own);
  o->count++;
  o->bytes += (int64_t)st->bytes;
  st->origin = (uint16_t)(o - origins + 1);
}

void origin_release(const Storage *st) {
  Origin *o = &origins[st->origin - 1];
  o->count--;
  o->bytes -= (int64_t)st->bytes;
}

int origin_count(void) { return ORIGINS; }
const Origin *origin_at(int i) { return &origins[i]; }
