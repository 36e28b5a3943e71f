/* The leaves that a graph starts from, and what they keep. */
#include <stdlib.h>

#include "../calc.h"
#include "../loop/cast.h"
#include "../machine/mem.h"
#include "tape.h"

typedef struct Search {
  int ny;
  Tensor *const *y;
  void (*seen)(Tensor *leaf, void *arg);
  void *arg;
  Node **met; /* every node met; the graph holds them */
  int n, room;
} Search;

static void meet(Search *s, Node *n) {
  if (!n || n->seen) return;
  if (s->n == s->room) {
    int room = s->room * 2 + 64;
    Node **list = mem_should_fail() ? NULL : realloc(s->met, (size_t)room * sizeof *list);
    if (!list) t_fail("out of memory: the %d nodes of a graph cannot be listed", s->n);
    s->met = list;
    s->room = room;
  }
  n->seen = true;
  s->met[s->n++] = n;
  if (tape_is_leaf(n) && n->leaf) s->seen(n->leaf, s->arg);
}

static void search(void *arg) {
  Search *s = arg;
  for (int i = 0; i < s->ny; i++) meet(s, tape_node(s->y[i]));
  for (int i = 0; i < s->n; i++) {
    const Node *n = s->met[i];
    for (int k = 0; k < n->nx; k++) meet(s, n->in[k].node);
  }
}

void tape_leaves(int ny, Tensor *const *y, void (*seen)(Tensor *leaf, void *arg), void *arg) {
  Search s = {.ny = ny, .y = y, .seen = seen, .arg = arg};
  bool done = t_try(search, &s);
  for (int i = 0; i < s.n; i++) s.met[i]->seen = false;
  free(s.met);
  if (!done) t_fail_again();
}

/* Is nobody else to see a write to g? */
static bool unshared(const Tensor *g) {
  const Tensor *base = g->base;
  if (!t_is_contiguous(g) || g->refs != 1) return false;
  return base ? base->refs == 1 && g->st->refs == 2 && g->numel == base->numel : g->st->refs == 1;
}

Tensor *tape_leaf_gradient(const Tensor *leaf, Tensor *g, bool recorded) {
  if (g->dtype != leaf->dtype) g = t_cast(g, (DType)leaf->dtype);
  if (recorded) return g;
  if (!unshared(g)) return cast_copy(g, (DType)g->dtype);
  return g->base ? t_alias(g) : g;
}
