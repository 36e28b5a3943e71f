/* The terminal is asked what it can show, and answers: by kitty's protocol, by its attributes, not at
   all, late, or in pieces. What is typed meanwhile is for the next entry, every key of it. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "pty.h"

static const char *argv0;
static int passed, failed;

static void check(const char *name, const char *what, bool condition, const Pty *p) {
  if (condition) {
    passed++;
    return;
  }
  failed++;
  printf("FAIL %s: %s\n%s\n", name, what, p->seen);
}

static const char show[] = "picture = tensor.write_image('a.png', tensor.rand(3, 20, 20))\r"
                           "require('lunette.prompt.pictures').show('a.png') print 'shown'\r";

#define LATE "" /* a part: nothing, for longer than the program waits */

/* The parts of the answer come after the question, with keys between them that type "typed". */
static void test(const char *name, const char *const *parts, const char *picture) {
  Pty p = pty_start(argv0, 80, 24);
  check(name, "the prompt comes", pty_wait(&p, "> ", 20), &p);
  pty_type(&p, show);
  check(name, "the terminal is asked", pty_wait(&p, "\033[c", 20), &p);
  pty_forget(&p);
  for (; *parts != NULL; parts++) {
    pty_type(&p, *parts);
    pty_settle(&p, strcmp(*parts, LATE) == 0 ? 0.6 : 0.01);
  }
  check(name, "the picture comes", pty_wait(&p, picture, 20), &p);
  check(name, "and what follows", pty_wait(&p, "shown", 20), &p);
  pty_forget(&p);
  pty_type(&p, "\r");
  check(name, "no key is lost, and nothing else is a key", pty_wait(&p, "t-y-p-e-d", 20), &p);
  pty_forget(&p);
  pty_type(&p, "require('lunette.prompt.pictures').show('a.png')\r");
  check(name, "the second picture comes too", pty_wait(&p, picture, 20), &p);
  check(name, "it is asked once", strstr(p.seen, "\033[c") == NULL, &p);
  pty_type(&p, "\003\004");
  check(name, "it ends", pty_end(&p, 20) == 0, &p);
  pty_free(&p);
}

int main(int argc, char **argv) {
  static const char typed[] = "('typed'):gsub('%w', '%0-')";
  (void)argc;
  argv0 = argv[0];
  test("kitty", (const char *const[]){"\033_Gi=31;OK\033\\\033[?62;c", typed, NULL}, "\033_Ga=T");
  test("keys before", (const char *const[]){typed, "\033_Gi=31;OK\033\\\033[?62;c", NULL},
       "\033_Ga=T");
  test("keys between, in pieces",
       (const char *const[]){"('typed'):g", "\033_Gi=3", "1;OK\033\\", "sub('%w',", "\033[?6",
                             "2;c", " '%0-')", NULL},
       "\033_Ga=T");
  test("arrows are keys",
       (const char *const[]){"('typed'):gsub('%w', '%0-'", "\033[D\033[C", "\033[?62;c", ")", NULL},
       "\033[38;5;");
  test("no pictures", (const char *const[]){"\033[?62;22c", typed, NULL}, "\033[38;5;");
  test("an error", (const char *const[]){"\033_Gi=31;ENOENT:no\033\\\033[?1;2c", typed, NULL},
       "\033[38;5;");
  test("silence", (const char *const[]){typed, NULL}, "\033[38;5;");
  test("too late", (const char *const[]){LATE, "\033[?62;4c", typed, NULL}, "\033[38;5;");
  pty_clean();
  printf("%d passed, %d failed\n", passed, failed);
  return failed != 0;
}
