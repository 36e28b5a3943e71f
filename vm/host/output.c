/* The standard output. A script that prints into a closed pipe or onto a full disk gets an error it
   can catch, instead of dying by a signal or going on for nobody. */
#include "output.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include "lauxlib.h"

static int lost; /* errno of the first write that failed; 0: none did */

static void ignore(int sig) { (void)sig; }

/* A handler that does nothing, and not SIG_IGN, which programs started from here would inherit. */
void output_ignore_signals(void) {
  struct sigaction action;
  memset(&action, 0, sizeof action);
  action.sa_handler = ignore;
  action.sa_flags = SA_RESTART;
  sigemptyset(&action.sa_mask);
  sigaction(SIGPIPE, &action, NULL);
  sigaction(SIGXFSZ, &action, NULL);
}

/* print(...): as Lua's, but a write that fails is an error. */
static int print(lua_State *L) {
  int n = lua_gettop(L);
  bool good = true;
  for (int i = 1; i <= n; i++) {
    size_t size;
    const char *text = luaL_tolstring(L, i, &size);
    if (i > 1) good &= putchar('\t') != EOF;
    good &= fwrite(text, 1, size, stdout) == size;
    lua_pop(L, 1);
  }
  good &= putchar('\n') != EOF;
  good &= fflush(stdout) == 0;
  if (good) return 0;
  /* EINTR: Ctrl-C while a slow reader was waited for, which is reported already. EBADF: started
     without a standard output, so nobody wants it. */
  if (errno == EINTR || errno == EBADF) {
    clearerr(stdout);
    return 0;
  }
  lost = errno;
  return luaL_error(L, "print: cannot write to the standard output: %s", strerror(lost));
}

void output_install(lua_State *L) {
  lua_pushcfunction(L, print);
  lua_setglobal(L, "print");
}

bool output_finish(void) {
  if (fflush(stdout) != 0 && lost == 0 && errno != EBADF) lost = errno;
  errno = lost;
  return lost == 0;
}
