/* The bytes that come from the terminal: typed keys, and the terminal's answers to questions. */
#ifndef LUNETTE_INPUT_H
#define LUNETTE_INPUT_H

#include <stdbool.h>
#include <stddef.h>

/* In the place of a byte. */
enum { INPUT_CLOSED = -1, INPUT_INTERRUPT = -2, INPUT_CHANGED = -3, INPUT_LATE = -4 };

/* Waits for the next byte, or INPUT_CLOSED, INPUT_INTERRUPT (SIGINT came from elsewhere) or
   INPUT_CHANGED (another size of the screen, or resumed). */
int input_byte(void);
/* A byte that belongs to what came before it; INPUT_LATE when none comes in that time. */
int input_more(int milliseconds);
/* Gives the byte that was read last back. */
void input_back(int byte);
/* Milliseconds, of a clock that goes evenly. */
double input_now(void);
/* Is there input already? */
bool input_waiting(void);

/* Writes a question that ends in one for the terminal's attributes (ESC [ c), which every terminal
   answers, and waits for that answer. The answers, ESC [ ? ... c and ESC _ G ... ESC \, are
   gathered in answer[room]; whatever else comes meanwhile was typed, and is read later. Returns the
   size, 0 when no answer came in time. The terminal must not echo. */
size_t input_ask(const char *question, int milliseconds, char *answer, size_t room);

#endif
