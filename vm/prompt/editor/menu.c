/* Tab: what could stand at the cursor, one line each with its kind and a line of documentation. */
#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include "state.h"
#include "../terminal/terminal.h"

enum { ROWS = 10, PIECES = 5 * ROWS, NOTHING = -1 };

typedef struct {
  Candidates c;
  long chosen; /* NOTHING, or a candidate whose text is in the entry */
  size_t top;  /* the first candidate shown */
  char *typed; /* what stood at from..cursor */
  int widest;
} Menu;

/* ---- candidates ------------------------------------------------------------------------------------ */

static size_t common_prefix(const Candidates *c) {
  size_t n = strlen(c->list[0].text);
  for (size_t i = 1; i < c->n; i++) {
    size_t k = 0;
    while (k < n && c->list[i].text[k] == c->list[0].text[k]) k++;
    n = k;
  }
  while (n > 0 && (c->list[0].text[n] & 0xC0) == 0x80) n--; /* whole characters */
  return n;
}

static void put(Editor *e, const Menu *m, const char *bytes, size_t n) {
  text_replace(&e->text, m->c.from, e->text.cursor, bytes, n);
}

static void close_menu(Menu *m) {
  candidates_free(&m->c);
  free(m->typed);
  m->typed = NULL;
}

/* Asks anew for the text as it stands. False when there is nothing to show. */
static bool ask(Editor *e, Menu *m) {
  const Text *t = &e->text;
  close_menu(m);
  m->chosen = NOTHING;
  m->top = 0;
  m->widest = 0;
  m->c = e->asks->complete(e->asks->owner, t->bytes, t->size, t->cursor);
  if (m->c.n == 0 || m->c.from > t->cursor) return false;
  m->typed = strndup(t->bytes + m->c.from, t->cursor - m->c.from);
  for (size_t i = 0; i < m->c.n; i++) {
    int width = screen_width(m->c.list[i].text, strlen(m->c.list[i].text));
    if (width > m->widest) m->widest = width;
  }
  return m->typed != NULL;
}

/* ---- showing --------------------------------------------------------------------------------------- */

static const char spaces[] = "                                        ";

static Piece blank(int n) {
  int most = (int)sizeof spaces - 1;
  return (Piece){spaces, (size_t)(n < 0 ? 0 : n > most ? most : n), COLOR_NONE};
}

static Piece piece(const char *text, Color color) { return (Piece){text, strlen(text), color}; }

static void draw(Editor *e, Menu *m) {
  Piece pieces[PIECES];
  static char kinds[ROWS][32];
  int n = 0, rows = terminal_rows() / 2;
  size_t most = rows < 1 ? 1 : rows > ROWS ? ROWS : (size_t)rows;
  if (m->chosen >= 0 && (size_t)m->chosen < m->top) m->top = (size_t)m->chosen;
  if (m->chosen >= 0 && (size_t)m->chosen >= m->top + most) m->top = (size_t)m->chosen - most + 1;
  for (size_t i = m->top; i < m->c.n && i < m->top + most; i++) {
    const Candidate *c = &m->c.list[i];
    bool last = i + 1 == m->top + most && i + 1 < m->c.n;
    int width = screen_width(c->text, strlen(c->text));
    char *kind = kinds[i - m->top];
    strncpy(kind, c->kind, sizeof kinds[0] - 3);
    kind[sizeof kinds[0] - 3] = '\0';
    size_t size = strlen(kind);
    while (size < 9) kind[size++] = ' ';
    memcpy(kind + size, " ", 2);
    if (i > m->top) pieces[n++] = piece("\n", COLOR_NONE);
    pieces[n++] = piece(c->text, (long)i == m->chosen ? COLOR_MARKED : COLOR_NONE);
    pieces[n++] = blank((m->widest < 36 ? m->widest : 36) + 2 - width);
    pieces[n++] = piece(kind, COLOR_KEYWORD);
    pieces[n++] = piece(last ? "\u2193 more" : c->doc, COLOR_FAINT);
  }
  e->view.below = pieces;
  e->view.nbelow = n;
  if (!input_waiting()) editor_draw(e);
  e->view.nbelow = 0;
}

/* ---- keys ------------------------------------------------------------------------------------------ */

static void choose(Editor *e, Menu *m, int step) {
  long n = (long)m->c.n;
  m->chosen = m->chosen == NOTHING ? (step > 0 ? 0 : n - 1) : (m->chosen + step + n) % n;
  const char *text = m->c.list[m->chosen].text;
  put(e, m, text, strlen(text));
}

static bool goes_on(Key key) {
  unsigned char c = (unsigned char)key.bytes[0];
  return c == '_' || c >= 0x80 || isalnum(c);
}

typedef enum { STAYS, TAKEN, PASSED } Fate; /* of the menu; TAKEN and PASSED: of the key, too */

static Fate ask_again(Editor *e, Menu *m) { return ask(e, m) ? STAYS : TAKEN; }

static Fate handle(Editor *e, Menu *m, Key key) {
  switch (key.kind) {
  case KEY_TAB:
  case KEY_DOWN: choose(e, m, 1); return STAYS;
  case KEY_BACKTAB:
  case KEY_UP: choose(e, m, -1); return STAYS;
  case KEY_TEXT:
    if (!goes_on(key)) return PASSED;
    text_type(&e->text, key.bytes, key.size);
    return ask_again(e, m);
  case KEY_BACKSPACE:
    if (e->text.cursor <= m->c.from) return PASSED;
    text_replace(&e->text, text_previous(&e->text, e->text.cursor), e->text.cursor, "", 0);
    return ask_again(e, m);
  case KEY_ENTER: return m->chosen != NOTHING ? TAKEN : PASSED;
  case KEY_ESCAPE: put(e, m, m->typed, strlen(m->typed)); return TAKEN;
  case KEY_CHANGED: screen_resized(e->screen); return STAYS;
  case KEY_NONE: return STAYS;
  default: return PASSED;
  }
}

Key menu_run(Editor *e) {
  Menu m = {.chosen = NOTHING};
  Key key = {.kind = KEY_NONE};
  if (ask(e, &m)) {
    size_t common = common_prefix(&m.c);
    if (common > strlen(m.typed) || m.c.n == 1) put(e, &m, m.c.list[0].text, common);
    for (Fate fate = m.c.n > 1 ? STAYS : TAKEN; fate == STAYS;) {
      draw(e, &m);
      key = keys_read();
      fate = handle(e, &m, key);
      if (fate == TAKEN) key.kind = KEY_NONE;
    }
  }
  close_menu(&m);
  return key;
}
