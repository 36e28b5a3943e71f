#define _GNU_SOURCE
#include "pty.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <limits.h>
#include <poll.h>
#include <pty.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

double pty_now(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

/* ---- the program ------------------------------------------------------------------------------------ */

static char folder[64];

const char *pty_folder(void) {
  if (folder[0] == '\0') {
    strcpy(folder, "/tmp/lunette-pty-XXXXXX");
    if (mkdtemp(folder) == NULL) {
      perror("mkdtemp");
      exit(1);
    }
  }
  return folder;
}

void pty_clean(void) {
  char command[128];
  if (folder[0] == '\0') return;
  snprintf(command, sizeof command, "rm -rf '%s'", folder);
  if (system(command) != 0) perror(command);
}

/* In the child: becomes the program. */
static void become(const char *program) {
  static const char *const unset[] = {
      "TMUX",         "STY",         "NO_COLOR",       "COLORTERM", "KITTY_WINDOW_ID",
      "TERM_PROGRAM", "LC_TERMINAL", "LUNETTE_IMAGES", "LUA_INIT"};
  for (size_t i = 0; i < sizeof unset / sizeof *unset; i++) unsetenv(unset[i]);
  setenv("TERM", "xterm-256color", 1);
  setenv("HOME", folder, 1);
  setenv("XDG_STATE_HOME", folder, 1);
  setenv("XDG_CONFIG_HOME", folder, 1);
  if (chdir(folder) != 0) _exit(126);
  execl(program, program, (char *)NULL);
  _exit(127);
}

Pty pty_start(const char *argv0, int columns, int rows) {
  char own[PATH_MAX], program[PATH_MAX + 16];
  struct winsize size = {.ws_col = (unsigned short)columns, .ws_row = (unsigned short)rows};
  Pty p = {.seen = calloc(1, 4096), .room = 4096};
  pty_folder();
  if (realpath(argv0, own) == NULL) exit(1);
  for (int i = 0; i < 3; i++) dirname(own);
  snprintf(program, sizeof program, "%s/lunette", own);
  p.start = p.last = pty_now();
  p.pid = forkpty(&p.fd, NULL, NULL, &size);
  if (p.pid == 0) become(program);
  if (p.pid < 0 || p.seen == NULL) {
    perror("forkpty");
    exit(1);
  }
  fcntl(p.fd, F_SETFL, O_NONBLOCK);
  return p;
}

void pty_resize(Pty *p, int columns, int rows) {
  struct winsize size = {.ws_col = (unsigned short)columns, .ws_row = (unsigned short)rows};
  ioctl(p->fd, TIOCSWINSZ, &size);
}

int pty_end(Pty *p, double seconds) {
  int status = -1;
  double until = pty_now() + seconds;
  pid_t ended;
  while ((ended = waitpid(p->pid, &status, WNOHANG)) == 0 && pty_now() < until)
    pty_settle(p, 0.005);
  if (ended == 0) {
    kill(p->pid, SIGKILL);
    waitpid(p->pid, NULL, 0);
    status = -1;
  }
  pty_settle(p, 0);
  close(p->fd);
  return status;
}

void pty_free(Pty *p) {
  free(p->seen);
  p->seen = NULL;
}

/* ---- bytes ------------------------------------------------------------------------------------------ */

/* Takes what is there; false when nothing is. */
static bool take(Pty *p) {
  if (p->room - p->n < 4097) {
    p->room = 2 * p->room + 4096;
    p->seen = realloc(p->seen, p->room);
    if (p->seen == NULL) exit(1);
  }
  ssize_t n = read(p->fd, p->seen + p->n, 4096);
  if (n <= 0) return false;
  for (ssize_t i = 0; i < n; i++) /* a text is looked for in it */
    if (p->seen[p->n + (size_t)i] == '\0') p->seen[p->n + (size_t)i] = '?';
  p->n += (size_t)n;
  p->seen[p->n] = '\0';
  p->last = pty_now();
  return true;
}

/* Waits until the terminal can be read (or written); false when the time is over or it is closed. */
static bool ready(Pty *p, short events, double seconds) {
  struct pollfd fd = {.fd = p->fd, .events = events};
  int n = poll(&fd, 1, seconds <= 0 ? 0 : (int)(seconds * 1000) + 1);
  return n > 0 && (fd.revents & events) != 0;
}

void pty_send(Pty *p, const char *bytes, size_t n) {
  for (double until = pty_now() + 20; n > 0 && pty_now() < until;) {
    ssize_t done = write(p->fd, bytes, n);
    if (done > 0) {
      bytes += done;
      n -= (size_t)done;
    } else if (errno != EAGAIN && errno != EINTR) {
      return;
    } else if (ready(p, POLLIN | POLLOUT, 0.1)) {
      while (take(p)) {}
    }
  }
}

void pty_type(Pty *p, const char *text) { pty_send(p, text, strlen(text)); }

void pty_forget(Pty *p) {
  p->n = 0;
  p->seen[0] = '\0';
}

bool pty_wait(Pty *p, const char *text, double seconds) {
  double until = pty_now() + seconds, left;
  while (strstr(p->seen, text) == NULL) {
    if ((left = until - pty_now()) <= 0) return false;
    if (ready(p, POLLIN, left) && !take(p)) return false;
  }
  return true;
}

void pty_settle(Pty *p, double seconds) {
  while (ready(p, POLLIN, seconds)) {
    if (!take(p)) return;
  }
}
