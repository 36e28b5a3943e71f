/* The terminal, over termios. */
#define _GNU_SOURCE
#include "terminal.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <unistd.h>

#define USUAL_COLUMNS 80
#define USUAL_ROWS    24

static struct termios found; /* as the program was started in */
static bool opened;
static TerminalMode now = TERMINAL_COOKED;
static volatile sig_atomic_t changed;

bool terminal_is(void) { return isatty(STDIN_FILENO) && isatty(STDOUT_FILENO); }

bool terminal_able(void) {
  const char *name = getenv("TERM");
  return name != NULL && name[0] != '\0' && strcmp(name, "dumb") != 0 && terminal_is();
}

bool terminal_colors(void) {
  const char *no = getenv("NO_COLOR");
  return (no == NULL || no[0] == '\0') && terminal_able();
}

static void note_change(int sig) {
  (void)sig;
  changed = 1;
}

static void leave_cooked(void) {
  if (opened && now != TERMINAL_COOKED) tcsetattr(STDIN_FILENO, TCSADRAIN, &found);
}

/* The process is told to end: the shell gets its terminal back as it was. */
static void on_end(int sig) {
  static const char no_paste[] = "\33[?2004l\r\n";
  if (now != TERMINAL_COOKED) {
    if (write(STDOUT_FILENO, no_paste, sizeof no_paste - 1) < 0) changed = 1; /* nobody to tell */
    tcsetattr(STDIN_FILENO, TCSANOW, &found);
  }
  raise(sig); /* its own way is back in force */
}

void terminal_open(void) {
  if (opened || !terminal_is() || tcgetattr(STDIN_FILENO, &found) != 0) return;
  opened = true;
  struct sigaction action;
  memset(&action, 0, sizeof action);
  action.sa_handler = note_change; /* without SA_RESTART: a read ends, and the screen is drawn */
  sigemptyset(&action.sa_mask);
  sigaction(SIGWINCH, &action, NULL);
  sigaction(SIGCONT, &action, NULL);
  action.sa_handler = on_end;
  action.sa_flags = (int)SA_RESETHAND;
  sigaction(SIGTERM, &action, NULL);
  atexit(leave_cooked);
}

bool terminal_mode(TerminalMode mode) {
  if (!opened) return false;
  struct termios t = found;
  if (mode != TERMINAL_COOKED) {
    t.c_lflag &= ~(tcflag_t)(ICANON | ECHO);
    t.c_iflag &= ~(tcflag_t)(ICRNL | INLCR | IGNCR | ISTRIP | IXON);
    t.c_cc[VMIN] = 1;
    t.c_cc[VTIME] = 0;
  }
  if (mode == TERMINAL_EDIT) t.c_lflag &= ~(tcflag_t)(ISIG | IEXTEN);
  fflush(stdout);
  int done;
  do done = tcsetattr(STDIN_FILENO, TCSADRAIN, &t);
  while (done != 0 && errno == EINTR);
  if (done == 0) now = mode;
  return done == 0;
}

bool terminal_quiet(void) { return opened && now != TERMINAL_COOKED; }

static struct winsize size_of_screen(void) {
  struct winsize size = {0};
  if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) != 0) size.ws_col = size.ws_row = 0;
  if (size.ws_col == 0) size.ws_col = USUAL_COLUMNS;
  if (size.ws_row == 0) size.ws_row = USUAL_ROWS;
  return size;
}

int terminal_columns(void) { return size_of_screen().ws_col; }
int terminal_rows(void) { return size_of_screen().ws_row; }

bool terminal_cell(int *width, int *height) {
  struct winsize size = size_of_screen();
  *width = size.ws_xpixel / size.ws_col;
  *height = size.ws_ypixel / size.ws_row;
  return *width > 0 && *height > 0;
}

void terminal_put(const char *bytes, size_t n) {
  while (n > 0) {
    ssize_t done = write(STDOUT_FILENO, bytes, n);
    if (done < 0 && errno != EINTR && errno != EAGAIN) return;
    if (done > 0) {
      bytes += done;
      n -= (size_t)done;
    }
  }
}

void terminal_stop(void) {
  TerminalMode before = now;
  terminal_mode(TERMINAL_COOKED);
  raise(SIGTSTP);
  terminal_mode(before);
}

bool terminal_changed(void) {
  if (!changed) return false;
  changed = 0;
  terminal_mode(now); /* a shell may have set its own meanwhile */
  return true;
}
