/* The line editor: a terminal in raw mode, from the prompt to the Enter key.

   Keys: arrows, Home, End, Delete, Backspace, Ctrl-A E B F P N H; Ctrl-K and Ctrl-U cut to the end
   and to the start, Ctrl-W the word before; Ctrl with an arrow goes by words; Ctrl-L clears the
   screen; Ctrl-C drops the line, Ctrl-D on an empty one ends the session; Ctrl-Z stops the program.

   The line may be longer than the screen is wide. It is drawn anew after each burst of keys. */
#include "editor.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <unistd.h>
#include "interrupt.h"
#include "line.h"

#define CONTROL(letter) ((letter)&31)
#define ESCAPE_WAIT     50 /* ms: the bytes of one key come together */
#define USUAL_COLUMNS   80

/* Keys beyond the bytes. */
enum {
  KEY_END_OF_INPUT = -1,
  KEY_INTERRUPT = -2,
  KEY_NONE = -3,
  KEY_UP = 256,
  KEY_DOWN,
  KEY_RIGHT,
  KEY_LEFT,
  KEY_HOME,
  KEY_END,
  KEY_DELETE,
  KEY_WORD_RIGHT,
  KEY_WORD_LEFT
};

typedef struct {
  const char *prompt; /* its last line */
  Line line;
  const History *history;
  size_t shown; /* which entry is in the line; history_count(history) is the user's own */
  char *own;    /* the user's own line while an entry is shown; from malloc */
  int row;      /* the row of the cursor, from the first row of the prompt */
} Editor;

static struct termios cooked;

static bool set_raw(bool on) {
  struct termios mode = cooked;
  if (on) {
    if (tcgetattr(STDIN_FILENO, &cooked) != 0) return false;
    mode = cooked;
    mode.c_iflag &= ~(tcflag_t)(IXON | ICRNL | INLCR | IGNCR | ISTRIP);
    mode.c_lflag &= ~(tcflag_t)(ICANON | ECHO | ISIG | IEXTEN);
    mode.c_cc[VMIN] = 1;
    mode.c_cc[VTIME] = 0;
  }
  return tcsetattr(STDIN_FILENO, TCSADRAIN, &mode) == 0;
}

static void put(const char *bytes, size_t n) {
  while (n > 0) {
    ssize_t done = write(STDOUT_FILENO, bytes, n);
    if (done < 0 && errno != EINTR) return;
    if (done > 0) {
      bytes += done;
      n -= (size_t)done;
    }
  }
}

/* Input */

static bool more_waits(int milliseconds) {
  struct pollfd input = {.fd = STDIN_FILENO, .events = POLLIN};
  return poll(&input, 1, milliseconds) > 0;
}

static int read_byte(void) {
  for (;;) {
    unsigned char byte;
    ssize_t n = read(STDIN_FILENO, &byte, 1);
    if (n == 1) return byte;
    if (n == 0 || errno != EINTR) return KEY_END_OF_INPUT;
    if (interrupt_taken()) return KEY_INTERRUPT;
  }
}

/* The rest of a key that began with ESC: it is ESC [ digits ; digits letter, or ESC O letter. */
static int read_escape(void) {
  char digits[16];
  size_t n = 0;
  if (!more_waits(ESCAPE_WAIT)) return KEY_NONE;
  int byte = read_byte();
  if (byte == 'b') return KEY_WORD_LEFT;
  if (byte == 'f') return KEY_WORD_RIGHT;
  if (byte != '[' && byte != 'O') return KEY_NONE;
  for (;;) {
    if (!more_waits(ESCAPE_WAIT)) return KEY_NONE;
    byte = read_byte();
    if (byte < 0 || byte >= 64) break; /* the final letter */
    if (n < sizeof digits - 1) digits[n++] = (char)byte;
  }
  digits[n] = '\0';
  bool word = strstr(digits, ";5") != NULL || strstr(digits, ";3") != NULL;
  switch (byte) {
  case 'A': return KEY_UP;
  case 'B': return KEY_DOWN;
  case 'C': return word ? KEY_WORD_RIGHT : KEY_RIGHT;
  case 'D': return word ? KEY_WORD_LEFT : KEY_LEFT;
  case 'H': return KEY_HOME;
  case 'F': return KEY_END;
  case '~': break;
  default: return KEY_NONE;
  }
  switch (atoi(digits)) {
  case 1:
  case 7: return KEY_HOME;
  case 4:
  case 8: return KEY_END;
  case 3: return KEY_DELETE;
  default: return KEY_NONE;
  }
}

/* Puts the character whose first byte is `byte` into the line; broken UTF-8 is dropped. */
static void insert_character(Editor *e, int byte) {
  char bytes[4] = {(char)byte};
  size_t want = byte < 0x80 ? 1 : byte < 0xE0 ? 2 : byte < 0xF0 ? 3 : 4, length;
  for (size_t n = 1; n < want; n++) {
    int next = more_waits(ESCAPE_WAIT) ? read_byte() : 0;
    if ((next & 0xC0) != 0x80 || next < 0) return;
    bytes[n] = (char)next;
  }
  if (want > 1 && (line_code(bytes, want, 0, &length) == 0xFFFD || length != want)) return;
  line_insert(&e->line, bytes, want);
}

/* Output */

typedef struct {
  int row, column; /* column may equal the width: the next character wraps */
} Place;

static int screen_columns(void) {
  struct winsize size;
  if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) != 0 || size.ws_col == 0) return USUAL_COLUMNS;
  return size.ws_col;
}

static void advance(Place *place, int width, int columns) {
  if (place->column + width > columns) {
    place->row++;
    place->column = 0;
  }
  place->column += width;
}

/* Writes the prompt, which may hold colours (ESC [ ... letter), and moves `place` past it. */
static void draw_prompt(FILE *out, const char *prompt, Place *place, int columns) {
  size_t size = strlen(prompt), length;
  fwrite(prompt, 1, size, out);
  for (size_t i = 0; i < size; i += length) {
    char shown[8];
    int code = line_code(prompt, size, i, &length);
    if (code == 27 && prompt[i + 1] == '[') {
      for (length = 2; i + length < size && (unsigned char)prompt[i + length] < 64;) length++;
      length++;
    } else {
      advance(place, line_shown(code, shown), columns);
    }
  }
}

/* Draws the prompt and the line; returns where the text ends. */
static Place draw(Editor *e) {
  int columns = screen_columns();
  Place end = {0, 0}, cursor = {0, 0};
  char *bytes = NULL;
  size_t size = 0, length;
  FILE *out = open_memstream(&bytes, &size);
  if (out == NULL) return end;
  if (e->row > 0) fprintf(out, "\033[%dA", e->row);
  fputs("\r\033[J", out);
  draw_prompt(out, e->prompt, &end, columns);
  for (size_t i = 0;; i += length) {
    char shown[8];
    if (i == e->line.cursor) cursor = end;
    if (i >= e->line.size) break;
    int width = line_shown(line_code(e->line.text, e->line.size, i, &length), shown);
    fputs(shown, out);
    advance(&end, width, columns);
  }
  if (cursor.column == columns) cursor = (Place){cursor.row + 1, 0};
  if (end.column == columns) {
    fputs("\n\r", out);
    end = (Place){end.row + 1, 0};
  }
  if (end.row > cursor.row) fprintf(out, "\033[%dA", end.row - cursor.row);
  fputs("\r", out);
  if (cursor.column > 0) fprintf(out, "\033[%dC", cursor.column);
  e->row = cursor.row;
  if (fclose(out) == 0) put(bytes, size);
  free(bytes);
  return end;
}

/* Starts on a row of its own: a row of blanks wraps to the next unless the cursor stands in column
   0. Lines of the prompt before its last are written once. */
static void open_row(Editor *e, const char *prompt) {
  const char *last = strrchr(prompt, '\n');
  printf("%*s\r", screen_columns(), "");
  e->prompt = last == NULL ? prompt : last + 1;
  fwrite(prompt, 1, (size_t)(e->prompt - prompt), stdout);
  fflush(stdout);
}

static void close_row(Editor *e, const char *mark) {
  e->line.cursor = e->line.size;
  Place end = draw(e);
  put(mark, strlen(mark));
  if (end.row == 0 || end.column > 0 || mark[0] != '\0') put("\n", 1);
}

/* Keys */

static void show_entry(Editor *e, size_t i) {
  size_t own = history_count(e->history);
  if (e->shown == own) {
    free(e->own);
    e->own = strdup(e->line.text);
  }
  e->shown = i;
  const char *text = i < own ? history_get(e->history, i) : e->own;
  line_set(&e->line, text == NULL ? "" : text);
}

static void stop_program(Editor *e) {
  close_row(e, "");
  set_raw(false);
  raise(SIGTSTP);
  set_raw(true);
  e->row = 0;
}

static void do_key(Editor *e, int key) {
  Line *line = &e->line;
  switch (key) {
  case KEY_LEFT:
  case CONTROL('B'): line->cursor = line_previous(line, line->cursor); break;
  case KEY_RIGHT:
  case CONTROL('F'): line->cursor = line_next(line, line->cursor); break;
  case KEY_HOME:
  case CONTROL('A'): line->cursor = 0; break;
  case KEY_END:
  case CONTROL('E'): line->cursor = line->size; break;
  case KEY_WORD_LEFT: line->cursor = line_previous_word(line, line->cursor); break;
  case KEY_WORD_RIGHT: line->cursor = line_next_word(line, line->cursor); break;
  case KEY_UP:
  case CONTROL('P'):
    if (e->shown > 0) show_entry(e, e->shown - 1);
    break;
  case KEY_DOWN:
  case CONTROL('N'):
    if (e->shown < history_count(e->history)) show_entry(e, e->shown + 1);
    break;
  case 127:
  case CONTROL('H'): line_delete(line, line_previous(line, line->cursor), line->cursor); break;
  case KEY_DELETE:
  case CONTROL('D'): line_delete(line, line->cursor, line_next(line, line->cursor)); break;
  case CONTROL('K'): line_delete(line, line->cursor, line->size); break;
  case CONTROL('U'): line_delete(line, 0, line->cursor); break;
  case CONTROL('W'): line_delete(line, line_previous_word(line, line->cursor), line->cursor); break;
  case CONTROL('L'):
    put("\033[H\033[2J", 7);
    e->row = 0;
    break;
  case CONTROL('Z'): stop_program(e); break;
  case '\t': line_insert(line, "  ", 2); break;
  default:
    if (key >= ' ' && key < 256) insert_character(e, key);
  }
}

static ReadStatus edit(Editor *e) {
  draw(e);
  for (;;) {
    int key = read_byte();
    if (key == 27) key = read_escape();
    switch (key) {
    case '\r':
    case '\n': close_row(e, ""); return READ_LINE;
    case CONTROL('C'):
    case KEY_INTERRUPT: close_row(e, "^C"); return READ_CANCELLED;
    case CONTROL('D'):
      if (e->line.size > 0) break;
      close_row(e, "");
      return READ_END;
    case KEY_END_OF_INPUT: close_row(e, ""); return READ_END;
    default: break;
    }
    do_key(e, key);
    if (!more_waits(0)) draw(e);
  }
}

static ReadStatus read_edited(const char *prompt, const History *history, char **text,
                              size_t *size) {
  Editor e = {.history = history, .shown = history_count(history)};
  if (!line_init(&e.line)) {
    set_raw(false);
    return READ_END;
  }
  open_row(&e, prompt);
  ReadStatus status = edit(&e);
  set_raw(false);
  free(e.own);
  if (status != READ_LINE) {
    line_free(&e.line);
    return status;
  }
  *text = e.line.text;
  *size = e.line.size;
  return READ_LINE;
}

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
    if (interrupted) { clearerr(stdin); }
    putchar('\n');
    return interrupted ? READ_CANCELLED : READ_END;
  }
  if (n > 0 && (*text)[n - 1] == '\n') (*text)[--n] = '\0';
  if (!isatty(STDIN_FILENO)) {
    fwrite(*text, 1, (size_t)n, stdout);
    putchar('\n');
  }
  *size = (size_t)n;
  return READ_LINE;
}

bool editor_on_terminal(void) { return isatty(STDIN_FILENO) && isatty(STDOUT_FILENO); }

ReadStatus editor_read(const char *prompt, const History *history, char **line, size_t *size) {
  const char *terminal = getenv("TERM");
  bool able = terminal != NULL && strcmp(terminal, "dumb") != 0 && editor_on_terminal();
  *line = NULL;
  *size = 0;
  fflush(stdout);
  if (able && set_raw(true)) return read_edited(prompt, history, line, size);
  return read_plain(prompt, line, size);
}
