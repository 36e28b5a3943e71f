/* The editor's state, shared by the files that carry out its keys. */
#ifndef LUNETTE_PROMPT_STATE_H
#define LUNETTE_PROMPT_STATE_H

#include "editor.h"
#include "../terminal/input.h"
#include "../terminal/keys.h"
#include "../terminal/screen.h"
#include "text.h"

enum { KILLS = 16 }; /* kept of what was cut */

typedef struct {
  char *kills[KILLS]; /* the newest first; outlives entries */
  int nkills;
} KillRing;

/* What the last key did, where the next one depends on it. */
typedef enum { DID_OTHER, DID_KILL, DID_YANK, DID_ROWS, DID_HISTORY } Did;

typedef struct {
  Text text;
  Screen *screen;
  View view;
  unsigned char *colors;
  size_t colors_room;
  const History *history;
  const EditorAsks *asks;

  Did did, before;  /* before: what the key before this one did */
  int column;       /* DID_ROWS: the column that moves up and down aim at */
  size_t yank_from; /* DID_YANK: where what was put back starts */
  int yank;         /* and which of the ring it is */
  size_t shown;     /* which entry of the history is shown; its count is the user's own */
  char *own;        /* the user's own text meanwhile, from malloc */
  size_t prefix;    /* bytes of it that the entries shown begin with */

  bool ended;
  ReadStatus status;
} Editor;

void editor_draw(Editor *e);
void editor_leave(Editor *e, const char *mark); /* draws the text as it stays; see screen_finish */

/* keymap.c: carries out a key. */
void keymap_do(Editor *e, Key key);
/* browse.c: the history by prefix, the suggestion, and Ctrl-R. */
void browse_older(Editor *e);
void browse_newer(Editor *e);
void browse_leave(Editor *e); /* the text has been changed: it is the user's own */
const char *browse_suggestion(const Editor *e);
Key browse_search(
    Editor *e); /* returns the key that ended it, still to be done; KEY_NONE if none */
/* menu.c: Tab. Returns the key that ended it, still to be done; KEY_NONE if none. */
Key menu_run(Editor *e);

extern KillRing kill_ring;

#endif
