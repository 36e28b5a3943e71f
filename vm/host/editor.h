/* Reading one line from the user, with editing where the terminal can do it. */
#ifndef LUNETTE_EDITOR_H
#define LUNETTE_EDITOR_H

#include <stdbool.h>
#include <stddef.h>
#include "history.h"

typedef enum { READ_LINE, READ_CANCELLED, READ_END } ReadStatus;

/* Are both ends of the conversation a terminal? */
bool editor_on_terminal(void);

/* Shows `prompt` and reads a line: edited on a terminal, plainly without one or on a dumb one.
   Input that no terminal echoes is written to the output, so that a session in a file can be read.
   READ_LINE: *line, from malloc, holds *size bytes and a zero, without the newline.
   READ_CANCELLED: Ctrl-C; READ_END: Ctrl-D or the end of the file. In both *line is NULL. */
ReadStatus editor_read(const char *prompt, const History *history, char **line, size_t *size);

#endif
