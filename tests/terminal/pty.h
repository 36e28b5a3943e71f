/* The program on a pseudo-terminal, for tests that type and look at the clock. */
#ifndef LUNETTE_TEST_PTY_H
#define LUNETTE_TEST_PTY_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

typedef struct {
  int fd;
  pid_t pid;
  char *seen; /* what the program has written since pty_forget; ends in a zero byte */
  size_t n, room;
  double last;  /* when the newest of it came */
  double start; /* when the program was started */
} Pty;

/* Seconds, of a clock that only goes on. */
double pty_now(void);

/* A folder of the test's own, made on first use, in which the program is started and keeps its
   history. pty_clean removes it. */
const char *pty_folder(void);
void pty_clean(void);

/* Starts the lunette of the build that argv[0] belongs to: <build>/tests/terminal/NAME. */
Pty pty_start(const char *argv0, int columns, int rows);
void pty_resize(Pty *p, int columns, int rows);

/* Sends bytes; reads meanwhile what comes, so that neither side waits for the other. */
void pty_send(Pty *p, const char *bytes, size_t n);
void pty_type(Pty *p, const char *text);
void pty_forget(Pty *p);

/* Reads until what was seen holds the text, or the time is over; false then. */
bool pty_wait(Pty *p, const char *text, double seconds);
/* Reads until nothing has come for so long. */
void pty_settle(Pty *p, double seconds);

/* Waits for the program's end; its wait status, or -1 if it had to be killed. */
int pty_end(Pty *p, double seconds);
void pty_free(Pty *p);

#endif
