/* Keys, from the bytes that a terminal sends. */
#ifndef LUNETTE_KEYS_H
#define LUNETTE_KEYS_H

#include <stdbool.h>
#include <stddef.h>

typedef enum {
  KEY_NONE,    /* bytes that are no key: an unknown sequence, an answer of the terminal */
  KEY_TEXT,    /* a code point: bytes, size */
  KEY_PASTE,   /* bracketed paste: bytes, size */
  KEY_CONTROL, /* Ctrl with letter: '@' 'A' .. '_' */
  KEY_ALT,     /* Alt with letter, a byte; Enter is '\r' */
  KEY_ENTER,
  KEY_TAB,
  KEY_BACKTAB,
  KEY_BACKSPACE,
  KEY_DELETE,
  KEY_ESCAPE,
  KEY_UP,
  KEY_DOWN,
  KEY_RIGHT,
  KEY_LEFT,
  KEY_HOME,
  KEY_END,
  KEY_PAGE_UP,
  KEY_PAGE_DOWN,
  KEY_CHANGED,   /* no key: another size of the screen, or resumed */
  KEY_INTERRUPT, /* no key: SIGINT came from elsewhere */
  KEY_CLOSED     /* no more input */
} KeyKind;

typedef struct {
  KeyKind kind;
  char letter;
  bool word;         /* with Ctrl or Alt: arrows go by words, Backspace and Delete cut one */
  bool late;         /* KEY_ALT: in place of Alt, ESC was typed before */
  const char *bytes; /* until the next call */
  size_t size;
} Key;

/* Waits for the next key. Takes no byte more than the key has: the others stay with the terminal. */
Key keys_read(void);

/* ESC has been typed, and nothing else is to be done for it: soon it stands for Alt with the next key. */
void keys_escaped(void);
#endif
