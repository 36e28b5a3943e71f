/* Random input for the prompt: keys, escapes cut short, broken UTF-8, pastes, other sizes of the screen,
   signals. Each round types at a program of its own; after it the prompt must still answer, and the
   program must end well, which under sanitizers means that nothing was found.
   LUNETTE_FUZZ=N sets how many rounds, LUNETTE_FUZZ_SEED=N draws others.
   Usage: fuzz [ROUND]   repeats one. */
#define _GNU_SOURCE
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include "pty.h"

enum { EVENTS = 250 };

static uint64_t state;

static unsigned draw(unsigned n) { /* xorshift64*: 0..n-1 */
  state ^= state >> 12;
  state ^= state << 25;
  state ^= state >> 27;
  return (unsigned)((state * 0x2545f4914f6cdd1du) >> 33) % n;
}

/* ---- input ------------------------------------------------------------------------------------------- */

static const char *const keys[] = {
    "\033[A",
    "\033[B",
    "\033[C",
    "\033[D",
    "\033OA",
    "\033OH",
    "\033[H",
    "\033[F",
    "\033[3~",
    "\033[5~",
    "\033[6~",
    "\033[1;5C",
    "\033[1;5D",
    "\033[1;3C",
    "\033[Z",
    "\033[3;5~",
    "\033b",
    "\033f",
    "\033d",
    "\033y",
    "\033_",
    "\033<",
    "\033>",
    "\033\177",
    "\033\r",
    "\033\033[A",
    "\033",
    "\177",
    "\b",
    "\t",
    "\t\t",
    "\r",
    "\x01",
    "\x02",
    "\x05",
    "\x06",
    "\x07",
    "\x0b",
    "\x0c",
    "\x0e",
    "\x10",
    "\x12",
    "\x14",
    "\x15",
    "\x17",
    "\x19",
    "\x1a",
    "\x1f",
    "\x18\x15",
    "\x03",
    "\033[24;80R",
    "\033[?62;4c",
    "\033]11;rgb:0/0/0\007",
    "\033P1$r0m\033\\",
};

static const char *const words[] = {
    "x",
    "tensor.",
    "nn.Conv2d(1, 8, {",
    "local y = ",
    "for i = 1, 3 do",
    "end",
    "function",
    "'text",
    "\"",
    "[[",
    "]]",
    "--[[",
    "(",
    ")",
    "{",
    "}",
    "= 5",
    "%time ",
    "%who",
    "%tb",
    "?x",
    "x?",
    "??",
    "?conv*",
    "print(x)",
    "error 'e'",
    "x:",
    ".T",
    "require '",
    "io.open('/usr/",
    "日本",
    "e\xcc\x81",
    "\xf0\x9f\x91\x8d\xf0\x9f\x8f\xbd",
    "\xf0\x9f\x87\xa9\xf0\x9f\x87\xaa",
    "\xe2\x80\x8b",
    "_",
    "0x1p",
    "1e+",
    "'\\z",
    "goto a",
    "tensor.randn(30, 30)",
    "Out[1]",
    "In[1]",
    "%precision",
    "while true do end",
    "plot",
};

static const char *pick(const char *const *list, size_t n) { return list[draw((unsigned)n)]; }
#define PICK(list) pick(list, sizeof(list) / sizeof *(list))

/* Any byte, but none that asks for a shell (!), ends the session (Ctrl-D) or kills the program while an
   entry runs (Ctrl-\). */
static char any_byte(void) {
  unsigned char c = (unsigned char)draw(256);
  return c == '!' || c == 4 || c == 28 || c == 0x13 ? 'x' : (char)c;
}

static void send_bytes(Pty *p) {
  char bytes[24];
  size_t n = 1 + draw(sizeof bytes);
  for (size_t i = 0; i < n; i++) bytes[i] = any_byte();
  pty_send(p, bytes, n);
}

/* An escape sequence of any parameters, perhaps cut short. */
static void send_sequence(Pty *p) {
  static const char starts[] = "[O]P_^N";
  char bytes[40] = {27, starts[draw(sizeof starts - 1)]};
  size_t n = 2, more = draw(20);
  while (more-- > 0) bytes[n++] = "0123456789;?<=>:$ "[draw(18)];
  if (draw(3) > 0) bytes[n++] = (char)(64 + draw(63));
  if (draw(6) == 0) n = 1 + draw((unsigned)n);
  pty_send(p, bytes, n);
}

static void send_paste(Pty *p) {
  pty_type(p, "\033[200~");
  if (draw(4) == 0) pty_type(p, "> ");
  for (unsigned i = draw(30); i > 0; i--) {
    pty_type(p, PICK(words));
    if (draw(3) == 0) pty_type(p, draw(2) ? "\n" : "\r\n");
    if (draw(20) == 0) send_bytes(p);
    if (draw(20) == 0) pty_type(p, "\033[20");
  }
  if (draw(10) > 0) pty_type(p, "\033[201~");
}

static void send_event(Pty *p) {
  unsigned kind = draw(100);
  if (kind < 40) {
    pty_type(p, PICK(keys));
  } else if (kind < 70) {
    pty_type(p, PICK(words));
  } else if (kind < 78) {
    send_bytes(p);
  } else if (kind < 84) {
    send_sequence(p);
  } else if (kind < 89) {
    send_paste(p);
  } else if (kind < 94) {
    pty_resize(p, (int)(draw(4) ? 1 + draw(150) : 1 + draw(4)), (int)(1 + draw(60)));
  } else if (kind < 96) {
    kill(p->pid, draw(2) ? SIGINT : SIGCONT);
  } else {
    pty_settle(p, 0.001 * draw(8));
  }
}

/* ---- rounds ------------------------------------------------------------------------------------------ */

/* Calls that a random entry might make, and that no test should. */
static const char harmless[] = "os.exit, os.execute, os.remove, os.rename = nil; "
                               "do local open = io.open io.open = function(f, m) return open(f, m "
                               "and m:gsub('[wa+]', '')) end end\r";

/* Ends a paste, a menu, an entry that runs; the prompt must answer then. */
static bool answers(Pty *p) {
  kill(p->pid, SIGCONT);
  pty_resize(p, 80, 24);
  for (int i = 0; i < 40; i++) {
    pty_type(p, "\033[201~");
    pty_settle(p, 0.1);
    pty_type(p, "\003");
    pty_settle(p, 0.1);
    pty_type(p, "\003");
    pty_settle(p, 0.05);
    char entry[40], value[24];
    snprintf(entry, sizeof entry, "'still ' .. 'there ' .. %d\r", i);
    snprintf(value, sizeof value, "still there %d", i);
    pty_type(p, entry);
    if (pty_wait(p, value, 2)) return true;
  }
  return false;
}

/* The end of what the program wrote. */
static void show_end(const Pty *p) {
  size_t n = p->n < 3000 ? p->n : 3000;
  fwrite(p->seen + p->n - n, 1, n, stdout);
  putchar('\n');
}

static bool run_round(const char *argv0, unsigned round, uint64_t seed) {
  state = (seed * 1000003 + round + 1) * 0x9e3779b97f4a7c15u;
  Pty p = pty_start(argv0, 80, 24);
  bool good = pty_wait(&p, "> ", 30);
  pty_type(&p, harmless);
  pty_type(&p, "x = tensor.ones(3)\r");
  pty_settle(&p, 0.05);
  for (int i = 0; i < EVENTS; i++) send_event(&p);
  good = good && answers(&p);
  if (!good) printf("FAIL round %u: no answer\n", round);
  pty_type(&p, "\003\004");
  int status = pty_end(&p, 30);
  if (status != 0) printf("FAIL round %u: the program ended with status %d\n", round, status);
  good = good && status == 0;
  if (!good) show_end(&p);
  pty_free(&p);
  return good;
}

static unsigned long setting(const char *name, unsigned long otherwise) {
  const char *text = getenv(name);
  return text == NULL ? otherwise : strtoul(text, NULL, 10);
}

int main(int argc, char **argv) {
  unsigned long rounds = setting("LUNETTE_FUZZ", 8), seed = setting("LUNETTE_FUZZ_SEED", 1);
  unsigned long first = argc > 1 ? strtoul(argv[1], NULL, 10) : 0, passed = 0, failed = 0;
  if (argc > 1) rounds = first + 1;
  for (unsigned long i = first; i < rounds; i++) {
    if (run_round(argv[0], (unsigned)i, seed))
      passed++;
    else
      failed++;
    fflush(stdout);
  }
  pty_clean();
  printf("%lu passed, %lu failed\n", passed, failed);
  return failed != 0;
}
