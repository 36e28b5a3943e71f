/* The terminal of the prompt: its modes, its size, what may be written to it. */
#ifndef LUNETTE_TERMINAL_H
#define LUNETTE_TERMINAL_H

#include <stdbool.h>
#include <stddef.h>

typedef enum {
  TERMINAL_COOKED, /* as found: for children and for code that reads lines */
  TERMINAL_EDIT,   /* every key comes as bytes, Ctrl-C too */
  TERMINAL_RUN     /* code runs: Ctrl-C is a signal, keys wait unseen, however many */
} TerminalMode;

bool terminal_is(void);     /* are both ends of the conversation a terminal? */
bool terminal_able(void);   /* and does it understand escapes (TERM is set and not "dumb")? */
bool terminal_colors(void); /* able, and NO_COLOR is not set */

/* Takes over the signals of size and of stop and go, once. */
void terminal_open(void);
/* Drains the output first and loses no key that waits. False where there is no terminal. */
bool terminal_mode(TerminalMode mode);

bool terminal_quiet(void); /* is what is typed kept from the screen for now? */

int terminal_columns(void);
int terminal_rows(void);
/* Pixels of one cell; false where the terminal does not say. */
bool terminal_cell(int *width, int *height);

void terminal_put(const char *bytes, size_t n); /* all of it, past buffers */
void terminal_stop(void);    /* as Ctrl-Z does to other programs; returns on resume */
bool terminal_changed(void); /* since last asked: another size, or resumed? */

#endif
