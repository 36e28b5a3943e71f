/* Keys: control characters, UTF-8, ESC sequences as ECMA-48 has them (CSI parameters intermediates
   final; SS3; strings that end in ST), bracketed paste. */
#include "keys.h"

#include <stdlib.h>
#include <string.h>
#include <utf8proc.h>
#include "input.h"

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

/* After ESC [: parameters 0x30..0x3F, intermediates 0x20..0x2F, a final byte 0x40..0x7E. */
static Key read_csi(void) {
  int number[3] = {0}, n = 0, byte;
  bool private = false, other = false;
  while ((byte = input_more()) >= 0x20 && byte < 0x40) {
    if (byte >= '0' && byte <= '9') {
      if (n < 3 && number[n] < 10000) number[n] = 10 * number[n] + byte - '0';
    } else if (byte == ';') {
      n++;
    } else {
      private = private || byte >= 0x3C;
      other = true;
    }
  }
  if (byte < 0 || other || private) return plain(KEY_NONE);
  if (byte == '~' && number[0] == 200) return read_paste();
  Key key = plain(byte == '~' ? by_number(number[0]) : by_final(byte));
  int modifier = n > 0 ? number[1] : number[0] < 10 && byte != '~' ? number[0] : 0;
  if (modifier > 1) key.word = ((modifier - 1) & 6) != 0;
  if (byte == 'R' || (byte == 'M' && n == 0)) return plain(KEY_NONE); /* an answer; a mouse */
  return key;
}

/* After ESC ] and the like: up to BEL or ESC \. */
static Key skip_string(void) {
  for (int byte, before = 0; (byte = input_more()) >= 0 && byte != 7; before = byte) {
    if (before == 27 && byte == '\\') break;
  }
  return plain(KEY_NONE);
}

static Key read_escape(void) {
  int byte = input_more();
  Key key;
  switch (byte) {
  case INPUT_LATE: return plain(KEY_ESCAPE);
  case '[': return read_csi();
  case 'O': key = plain(by_final(input_more())); return key;
  case ']':
  case 'P':
  case '_':
  case '^': return skip_string();
  case 27: /* Alt with an arrow, as some send it */
    key = read_escape();
    key.word = true;
    return key;
  case 127:
  case 8: return (Key){.kind = KEY_BACKSPACE, .word = true};
  default: return (Key){.kind = KEY_ALT, .letter = (char)byte};
  }
}

/* The code point that starts with `byte`; broken UTF-8 is no key. */
static Key read_text(int byte) {
  static char bytes[4];
  size_t want = byte < 0x80 ? 1 : byte < 0xE0 ? 2 : byte < 0xF0 ? 3 : 4;
  utf8proc_int32_t code;
  bytes[0] = (char)byte;
  for (size_t n = 1; n < want; n++) {
    int next = input_more();
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
  switch (byte) {
  case INPUT_CLOSED: return plain(KEY_CLOSED);
  case INPUT_INTERRUPT: return plain(KEY_INTERRUPT);
  case INPUT_CHANGED: return plain(KEY_CHANGED);
  case '\r':
  case '\n': return plain(KEY_ENTER);
  case '\t': return plain(KEY_TAB);
  case 27: return read_escape();
  case 8:
  case 127: return plain(KEY_BACKSPACE);
  default: break;
  }
  if (byte < 32) return (Key){.kind = KEY_CONTROL, .letter = (char)(byte + '@')};
  return read_text(byte);
}
