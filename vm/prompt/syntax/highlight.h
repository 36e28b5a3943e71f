/* What the lexer knows of an entry under edit: colours, the bracket's partner, indentation. */
#ifndef LUNETTE_HIGHLIGHT_H
#define LUNETTE_HIGHLIGHT_H

#include <stdbool.h>
#include <stddef.h>
#include "../editor/text.h"

/* A Color (screen.h) for each byte of the text, into colors[text->size]. `pair`: marks the bracket at
   the cursor and its partner. */
void highlight(const Text *text, unsigned char *colors, bool pair);

/* Where the partner of the bracket at the cursor, or before it, stands; the cursor's place if nowhere. */
size_t highlight_partner(const Text *text);

/* Blanks that the line which holds `at` should start with, by the blocks that are open before it;
   -1 inside of a long string or comment. */
int highlight_indent(const Text *text, size_t at);
/* Does the line up to the cursor hold blanks and one word that closes a block, just completed? */
int highlight_closes(const Text *text);

#endif
