/* Keys: control characters, UTF-8, ESC sequences as ECMA-48 has them (CSI parameters intermediates
   final; SS3; strings that end in ST), bracketed paste; keys as numbers, as kitty's protocol and xterm's
   modifyOtherKeys have them. A sequence that comes in pieces, over a slow line, is one key still. */
#include "keys.h"

#include <stdlib.h>
#include <string.h>
#include <utf8proc.h>
#include "input.h"

#define AT_ONCE 50   /* ms: in which the bytes of one key come */
#define IN_TIME 1000 /* ms: for the rest of a sequence that has begun, and for a key after ESC */

#define MOST_OF_PASTE ((size_t)16 << 20)

/* ---- paste ----------------------------------------------------------------------------------------- */

static char *pasted; /* of the last paste */
static size_t pasted_room;

static bool keep_pasted(size_t at, char c) {
  if (at + 1 >= pasted_room) {
    size_t room = 2 * pasted_room + 4096;
    char *more = room > MOST_OF_PASTE ? NULL : realloc(pasted, room);
    if (more == NULL) return false;
    pasted = more;
    pasted_room = room;
  }
  pasted[at] = c;
  return true;
}

/* Everything up to ESC [ 201 ~; carriage returns become newlines, zero
   bytes, which end texts in C, are dropped. What is too long is cut. */
static Key read_paste(void) {
  static const char end[] = "\033[201~";
  size_t n = 0, matched = 0;
  bool after_return = false, fits = true;
  while (end[matched] != '\0') {
    int byte = input_byte();
    if (byte == INPUT_CLOSED) break;
    if (byte < 0) continue;
    if (byte == end[matched]) {
      matched++;
      continue;
    }
    for (size_t i = 0; i < matched && fits; i++) fits = keep_pasted(n, end[i]) && ++n;
    matched = byte == end[0];
    bool skip = matched > 0 || byte == 0 || (byte == '\n' && after_return);
    after_return = byte == '\r';
    if (!skip && fits) fits = keep_pasted(n, byte == '\r' ? '\n' : (char)byte) && ++n;
  }
  return (Key){.kind = KEY_PASTE, .bytes = n > 0 ? pasted : "", .size = n};
}

/* ---- sequences ------------------------------------------------------------------------------------- */

static Key plain(KeyKind kind) { return (Key){.kind = kind}; }

static KeyKind by_number(int number) {
  switch (number) {
  case 1:
  case 7: return KEY_HOME;
  case 4:
  case 8: return KEY_END;
  case 3: return KEY_DELETE;
  case 5: return KEY_PAGE_UP;
  case 6: return KEY_PAGE_DOWN;
  default: return KEY_NONE;
  }
}

static KeyKind by_final(int final) {
  switch (final) {
  case 'A': return KEY_UP;
  case 'B': return KEY_DOWN;
  case 'C': return KEY_RIGHT;
  case 'D': return KEY_LEFT;
  case 'H': return KEY_HOME;
  case 'F': return KEY_END;
  case 'Z': return KEY_BACKTAB;
  case 'M': return KEY_ENTER;
  default: return KEY_NONE;
  }
}

enum { SHIFT = 1, ALT = 2, CTRL = 4 };
enum { RELEASED = 3 }; /* what happened to the key */

/* The key of that code point, with modifiers. */
static Key by_code(int code, int modifiers) {
  static char bytes[4];
  modifiers &= SHIFT | ALT | CTRL;
  switch (code) {
  case 13: return modifiers != 0 ? (Key){.kind = KEY_ALT, .letter = '\r'} : plain(KEY_ENTER);
  case 9: return plain(modifiers & SHIFT ? KEY_BACKTAB : KEY_TAB);
  case 27: return plain(KEY_ESCAPE);
  case 8:
  case 127: return (Key){.kind = KEY_BACKSPACE, .word = (modifiers & (ALT | CTRL)) != 0};
  default: break;
  }
  if (code < 32 || (code >= 0xE000 && code < 0xF900))
    return plain(KEY_NONE); /* keys without text */
  if (modifiers & CTRL) {
    char letter = (char)(code >= 'a' && code <= 'z' ? code - 'a' + 'A' : code);
    return code < 128 ? (Key){.kind = KEY_CONTROL, .letter = letter} : plain(KEY_NONE);
  }
  if (modifiers & ALT)
    return code < 128 ? (Key){.kind = KEY_ALT, .letter = (char)code} : plain(KEY_NONE);
  utf8proc_ssize_t size = utf8proc_encode_char(code, (utf8proc_uint8_t *)bytes);
  return size > 0 ? (Key){.kind = KEY_TEXT, .bytes = bytes, .size = (size_t)size} : plain(KEY_NONE);
}

/* The parameters of a control sequence: numbers between semicolons, with parts after colons. */
typedef struct {
  int number[3], part[3]; /* 0 where not given; the last part of each */
  int n;                  /* semicolons */
  bool any, other;        /* a digit; something else than numbers */
} Parameters;

static void add_parameter(Parameters *p, int byte, bool *in_part) {
  if (byte >= '0' && byte <= '9') {
    int *at = *in_part ? p->part + p->n : p->number + p->n;
    if (p->n < 3 && *at < 200000) *at = 10 * *at + byte - '0';
    p->any = true;
  } else if (byte == ';') {
    p->n++;
    *in_part = false;
  } else if (byte == ':') {
    if (p->n < 3) p->part[p->n] = 0;
    *in_part = true;
  } else {
    p->other = true;
  }
}

/* Reads as many bytes more, which say nothing. */
static Key skip(int n) {
  while (n > 0 && input_more(IN_TIME) >= 0) n--;
  return plain(KEY_NONE);
}

/* After ESC [: parameters 0x30..0x3F, intermediates 0x20..0x2F, a final byte 0x40..0x7E. */
static Key read_csi(void) {
  Parameters p = {.n = 0};
  bool in_part = false;
  int byte;
  while ((byte = input_more(IN_TIME)) >= 0x20 && byte < 0x40) add_parameter(&p, byte, &in_part);
  if (byte == 'M' && !p.any && !p.other) return skip(3); /* a mouse: button, column, row */
  if (byte == '[' && !p.any && !p.other) return skip(1); /* the console's F1..F5 */
  if (byte < 0 || p.other || byte == 'R' || byte == 'M') return plain(KEY_NONE);
  int modifiers = (p.n > 0 && p.number[1] > 0 ? p.number[1] : 1) - 1;
  if (p.n > 0 && p.part[1] == RELEASED) return plain(KEY_NONE);
  if (byte == 'u') return by_code(p.number[0], modifiers);
  if (byte == '~' && p.number[0] == 27 && p.n == 2) return by_code(p.number[2], modifiers);
  if (byte == '~' && p.number[0] == 200) return read_paste();
  Key key = plain(byte == '~' ? by_number(p.number[0]) : by_final(byte));
  if (p.n == 0 && byte != '~' && p.number[0] > 1 && p.number[0] < 10) modifiers = p.number[0] - 1;
  key.word = (modifiers & (ALT | CTRL)) != 0;
  return key;
}

/* After ESC ] and the like: up to BEL or ESC \. Alone it is Alt with that key. */
static Key skip_string(int start) {
  int byte = input_more(AT_ONCE), before = 0;
  if (byte < 0) return (Key){.kind = KEY_ALT, .letter = (char)start};
  for (; byte >= 0 && byte != 7; before = byte, byte = input_more(IN_TIME)) {
    if (before == 27 && byte == '\\') break;
  }
  return plain(KEY_NONE);
}

/* After ESC O: one byte, of an arrow, Home, End, F1..F4 or the keypad. */
static Key read_ss3(void) {
  int byte = input_more(IN_TIME);
  bool is_one = strchr("ABCDEFHIMPQRSXjklmnopqrstuvwxy", byte) != NULL;
  if (byte > 0 && is_one) return plain(by_final(byte));
  if (byte >= 0) input_back(byte);
  return (Key){.kind = KEY_ALT, .letter = 'O'};
}

/* After ESC. */
static Key read_escaped(int byte) {
  Key key;
  switch (byte) {
  case INPUT_LATE: return plain(KEY_ESCAPE);
  case '[': return read_csi();
  case 'O': return read_ss3();
  case ']':
  case 'P':
  case '_':
  case '^': return skip_string(byte);
  case 27: /* Alt with an arrow, as some send it */
    key = read_escaped(input_more(AT_ONCE));
    key.word = true;
    return key;
  case 127:
  case 8: return (Key){.kind = KEY_BACKSPACE, .word = true};
  default: return (Key){.kind = KEY_ALT, .letter = (char)byte};
  }
}

static double escaped_at = -IN_TIME; /* ms; when ESC was typed alone */
static bool is_prefix;               /* and it stands for Alt */

void keys_escaped(void) { is_prefix = true; }

/* What a byte means soon after an ESC that was alone: the rest of a sequence comes at once, a hand is
   slower. False: nothing else than without. */
static bool read_after_escape(int byte, Key *key) {
  bool soon = input_now() - escaped_at < IN_TIME, prefix = is_prefix;
  escaped_at = -IN_TIME;
  is_prefix = false;
  if (!soon || byte < 0 || byte == 27) return false;
  if (byte == '[' || byte == 'O') {
    int next = input_more(AT_ONCE);
    if (next < 0) return false;
    input_back(next);
  } else if (!prefix || (byte < 32 && byte != '\r')) {
    return false;
  }
  *key = read_escaped(byte);
  key->late = true;
  return true;
}

/* The code point that starts with `byte`; broken UTF-8 is no key. */
static Key read_text(int byte) {
  static char bytes[4];
  size_t want = byte < 0x80 ? 1 : byte < 0xE0 ? 2 : byte < 0xF0 ? 3 : 4;
  utf8proc_int32_t code;
  bytes[0] = (char)byte;
  for (size_t n = 1; n < want; n++) {
    int next = input_more(IN_TIME);
    if (next < 0 || (next & 0xC0) != 0x80) return plain(KEY_NONE);
    bytes[n] = (char)next;
  }
  if (utf8proc_iterate((utf8proc_uint8_t *)bytes, (utf8proc_ssize_t)want, &code) !=
      (utf8proc_ssize_t)want) {
    return plain(KEY_NONE);
  }
  return (Key){.kind = KEY_TEXT, .bytes = bytes, .size = want};
}

Key keys_read(void) {
  int byte = input_byte();
  Key key;
  if (read_after_escape(byte, &key)) return key;
  switch (byte) {
  case INPUT_CLOSED: return plain(KEY_CLOSED);
  case INPUT_INTERRUPT: return plain(KEY_INTERRUPT);
  case INPUT_CHANGED: return plain(KEY_CHANGED);
  case '\r':
  case '\n': return plain(KEY_ENTER);
  case '\t': return plain(KEY_TAB);
  case 27:
    key = read_escaped(input_more(AT_ONCE));
    if (key.kind == KEY_ESCAPE) escaped_at = input_now();
    return key;
  case 8:
  case 127: return plain(KEY_BACKSPACE);
  default: break;
  }
  if (byte < 32) return (Key){.kind = KEY_CONTROL, .letter = (char)(byte + '@')};
  return read_text(byte);
}
