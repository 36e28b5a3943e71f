/* Bytes of the terminal. Those that were typed while an answer was awaited come first. */
#define _GNU_SOURCE
#include "input.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include "../../host/interrupt.h"
#include "terminal.h"

static unsigned char kept[4096]; /* typed, not read yet */
static size_t nkept, next_kept;

double input_now(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (double)t.tv_sec * 1e3 + (double)t.tv_nsec * 1e-6;
}

static bool take_kept(int *byte) {
  if (next_kept == nkept) return false;
  *byte = kept[next_kept++];
  if (next_kept == nkept) next_kept = nkept = 0;
  return true;
}

/* Does a byte come within that time? Interruptions count as time. */
static bool comes(int milliseconds) {
  struct pollfd input = {.fd = STDIN_FILENO, .events = POLLIN};
  return poll(&input, 1, milliseconds) > 0;
}

bool input_waiting(void) { return next_kept < nkept || comes(0); }

int input_byte(void) {
  int old;
  for (;;) {
    if (terminal_changed()) return INPUT_CHANGED;
    if (take_kept(&old)) return old;
    unsigned char byte;
    ssize_t n = read(STDIN_FILENO, &byte, 1);
    if (n == 1) return byte;
    if (n == 0 || errno != EINTR) return INPUT_CLOSED;
    if (interrupt_taken()) return INPUT_INTERRUPT;
  }
}

void input_back(int byte) {
  if (next_kept == 0) {
    if (nkept == sizeof kept) return;
    memmove(kept + 1, kept, nkept++);
    next_kept = 1;
  }
  kept[--next_kept] = (unsigned char)byte;
}

int input_more(int milliseconds) {
  struct pollfd input = {.fd = STDIN_FILENO, .events = POLLIN};
  int n, old;
  if (take_kept(&old)) return old;
  do n = poll(&input, 1, milliseconds);
  while (n < 0 && errno == EINTR);
  if (n <= 0) return INPUT_LATE;
  unsigned char byte;
  return read(STDIN_FILENO, &byte, 1) == 1 ? byte : INPUT_LATE;
}

/* ---- answers --------------------------------------------------------------------------------------- */

/* A sequence that may become an answer, byte by byte. */
typedef struct {
  char bytes[256];
  size_t n;
} Part;

typedef enum { TYPED, GROWING, GRAPHICS, ATTRIBUTES } Fate;

/* What the bytes of the part are: an answer, its beginning, or something typed. */
static Fate fate_of(const Part *p) {
  char last = p->bytes[p->n - 1];
  if (p->bytes[0] != 27 || p->n == sizeof p->bytes) return TYPED;
  if (p->n == 1) return GROWING;
  if (p->bytes[1] == '[') {
    if (p->n == 2) return GROWING;
    if (p->n == 3) return last == '?' ? GROWING : TYPED;
    if (last == 'c') return ATTRIBUTES;
    return (last >= '0' && last <= '9') || last == ';' ? GROWING : TYPED;
  }
  if (p->bytes[1] != '_') return TYPED;
  if (p->n == 3) return last == 'G' ? GROWING : TYPED;
  return last == '\\' && p->bytes[p->n - 2] == 27 ? GRAPHICS : GROWING;
}

/* Keeps the part for later; but an ESC at its end may begin an answer. */
static void keep(Part *p, bool last) {
  bool again = !last && p->n > 1 && p->bytes[p->n - 1] == 27;
  size_t n = p->n - again;
  if (n > sizeof kept - nkept) n = sizeof kept - nkept;
  memcpy(kept + nkept, p->bytes, n);
  nkept += n;
  p->n = again;
  p->bytes[0] = 27;
}

size_t input_ask(const char *question, int milliseconds, char *answer, size_t room) {
  Part part = {.n = 0};
  size_t size = 0;
  bool answered = false;
  long end = (long)input_now() + milliseconds;
  terminal_put(question, strlen(question));
  while (!answered && nkept + sizeof part.bytes < sizeof kept) {
    long left = end - (long)input_now();
    if (left <= 0 || !comes((int)left)) break;
    if (read(STDIN_FILENO, part.bytes + part.n, 1) != 1) break;
    part.n++;
    Fate fate = fate_of(&part);
    if (fate == TYPED) keep(&part, false);
    if (fate == TYPED || fate == GROWING) continue;
    if (size + part.n <= room) {
      memcpy(answer + size, part.bytes, part.n);
      size += part.n;
    }
    part.n = 0;
    answered = fate == ATTRIBUTES;
  }
  keep(&part, true);
  return answered ? size : 0;
}
