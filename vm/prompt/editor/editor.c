/* The editor: from the prompt to the Enter key that runs an entry. */
#include "editor.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "../../host/interrupt.h"
#include "../syntax/highlight.h"
#include "state.h"
#include "../terminal/terminal.h"

void candidates_free(Candidates *c) {
  for (size_t i = 0; i < c->n; i++) {
    free(c->list[i].text);
    free(c->list[i].kind);
    free(c->list[i].doc);
  }
  free(c->list);
  *c = (Candidates){NULL, 0, 0};
}

/* ---- drawing --------------------------------------------------------------------------------------- */

static const unsigned char *colors_of(Editor *e) {
  if (!e->view.colorful || e->text.size == 0) return NULL;
  if (e->text.size > e->colors_room) {
    size_t room = 2 * e->text.size;
    unsigned char *more = realloc(e->colors, room);
    if (more == NULL) return NULL;
    e->colors = more;
    e->colors_room = room;
  }
  highlight(&e->text, e->colors, !e->ended);
  return e->colors;
}

void editor_draw(Editor *e) {
  e->view.text = &e->text;
  e->view.colors = colors_of(e);
  e->view.suggestion = e->view.colorful && e->view.nbelow == 0 ? browse_suggestion(e) : NULL;
  screen_draw(e->screen, &e->view);
}

void editor_leave(Editor *e, const char *mark) {
  e->view.nbelow = 0;
  e->view.text = &e->text;
  e->view.colors = colors_of(e); /* keys may have come since it was drawn */
  screen_finish(e->screen, &e->view, mark);
}

/* ---- on a terminal --------------------------------------------------------------------------------- */

static bool editor_open(Editor *e, const char *given) {
  if (!text_init(&e->text)) return false;
  if (given != NULL) text_insert(&e->text, given, strlen(given));
  e->screen = screen_open();
  if (e->screen != NULL) return true;
  text_free(&e->text);
  return false;
}

static void edit(Editor *e) {
  screen_start(e->screen);
  terminal_put("\033[?2004h", 8); /* paste comes in brackets */
  editor_draw(e);
  while (!e->ended) {
    keymap_do(e, keys_read());
    if (!e->ended && !input_waiting()) editor_draw(e);
  }
  editor_leave(e, e->status == READ_CANCELLED ? "^C" : "");
  terminal_put("\033[?2004l", 8);
}

static ReadStatus read_edited(Editor *e, char **text, size_t *size) {
  edit(e);
  if (e->status == READ_ENTRY) {
    *text = e->text.bytes;
    *size = e->text.size;
    e->text.bytes = NULL;
  }
  text_free(&e->text);
  screen_close(e->screen);
  free(e->colors);
  free(e->own);
  return e->status;
}

/* ---- elsewhere ------------------------------------------------------------------------------------- */

static ReadStatus read_plain(const char *prompt, char **text, size_t *size) {
  size_t room = 0;
  fputs(prompt, stdout);
  fflush(stdout);
  errno = 0;
  ssize_t n = getline(text, &room, stdin);
  if (n < 0) {
    bool interrupted = errno == EINTR && interrupt_taken();
    free(*text);
    *text = NULL;
    if (interrupted) clearerr(stdin);
    putchar('\n');
    return interrupted ? READ_CANCELLED : READ_END;
  }
  if (n > 0 && (*text)[n - 1] == '\n') (*text)[--n] = '\0';
  if (!isatty(STDIN_FILENO)) { /* what no terminal echoes: a session in a file can be read */
    fwrite(*text, 1, (size_t)n, stdout);
    putchar('\n');
  }
  *size = (size_t)n;
  return READ_ENTRY;
}

ReadStatus editor_read(const char *first, const char *other, const char *given,
                       const History *history, const EditorAsks *asks, char **text, size_t *size) {
  *text = NULL;
  *size = 0;
  fflush(stdout);
  if (terminal_able()) {
    Editor e = {.history = history, .asks = asks, .shown = history_count(history)};
    e.view = (View){.first = first, .other = other, .colorful = terminal_colors()};
    terminal_open();
    if (terminal_mode(TERMINAL_EDIT)) {
      ReadStatus status = editor_open(&e, given) ? read_edited(&e, text, size) : READ_END;
      terminal_mode(TERMINAL_RUN);
      return status;
    }
  }
  return read_plain(first, text, size);
}
