/* The walk: gradients from outputs to leaves, by falling sequence number, without recursion. */
#include <stdlib.h>
#include <string.h>

#include "../watch/anomaly.h"
#include "../birth.h"
#include "../calc.h"
#include "../machine/mem.h"
#include "tape.h"
#include "../machine/team.h"

void (*tape_host_grad)(Node *n, Tensor **gx);
Tensor *(*tape_host_hook)(void *hooks, int slot, Tensor *g);

typedef struct Walk {
  int ny, nx;
  Tensor *const *y, *const *gy, *const *x;
  Tensor **gx;
  WalkOptions options;
  int number; /* of this walk, for the nodes it has met */
  void (*leaf_seen)(Tensor *, Tensor *, void *);
  void *arg;
  Node **heap; /* by seq, the highest first */
  int heap_n, heap_room;
  Node **met; /* every node queued; each holds a share */
  int met_n, met_room;
  Node **leaves; /* in the order they were reached */
  int leaves_n, leaves_room;
} Walk;

/* ---- growing arrays, the heap ----------------------------------------------------------------- */

static void *grown(void *list, int n, int *room, size_t item) {
  if (n < *room) return list;
  int more = *room ? *room * 2 : 64;
  void *p = mem_should_fail() ? NULL : realloc(list, (size_t)more * item);
  if (!p) t_fail("out of memory: backward cannot list its %d nodes", n);
  *room = more;
  return p;
}

static void push(Walk *w, Node *n) {
  w->met = grown(w->met, w->met_n, &w->met_room, sizeof *w->met);
  w->heap = grown(w->heap, w->heap_n, &w->heap_room, sizeof *w->heap);
  n->queued = w->number;
  n->refs++;
  w->met[w->met_n++] = n;
  int i = w->heap_n++;
  while (i > 0 && w->heap[(i - 1) / 2]->seq < n->seq) {
    w->heap[i] = w->heap[(i - 1) / 2];
    i = (i - 1) / 2;
  }
  w->heap[i] = n;
}

static Node *pop(Walk *w) {
  Node *top = w->heap[0], *last = w->heap[--w->heap_n];
  int i = 0;
  for (int child; (child = 2 * i + 1) < w->heap_n; i = child) {
    if (child + 1 < w->heap_n && w->heap[child + 1]->seq > w->heap[child]->seq) child++;
    if (w->heap[child]->seq <= last->seq) break;
    w->heap[i] = w->heap[child];
  }
  w->heap[i] = last;
  return top;
}

/* ---- delivering ------------------------------------------------------------------------------- */

/* g summed and cast to the shape and type of an input that may have been broadcast. */
static Tensor *fitted(Tensor *g, const Tensor *like, DType dtype) {
  if (!t_same_shape(g, like)) g = t_sum_to(g, like->ndim, like->shape);
  return g->dtype == dtype ? g : t_cast(g, dtype);
}

/* May the walk write to a gradient that it gathers? Not where somebody else holds it. */
static bool is_own(const Tensor *g) { return g->refs == 1 && g->st->refs == 1 && !g->base; }

/* old + g, in place where that may be; takes over the share in old, gives one. */
static Tensor *added(Tensor *old, Tensor *g) {
  if (!old) return t_retain(g);
  if (!tape_on && is_own(old) && t_same_shape(old, g) && old->dtype == g->dtype) {
    t_add_into(old, g);
    return old;
  }
  Tensor *sum = t_retain(t_add(old, g));
  t_free(old);
  return sum;
}

/* With targets given, leaves are not queued: their gradients gather in gx, so that a walk within
   another may reach the same leaves. */
static bool is_queued_here(const Walk *w, const Node *n) { return w->nx < 0 || !tape_is_leaf(n); }

/* Where the gradient of an output gathers; NULL: nobody asks for it. */
static Tensor **place_of(const Walk *w, Node *n, int slot) {
  if (is_queued_here(w, n)) return &n->g[slot];
  for (int i = 0; i < w->nx; i++) {
    if (w->x[i]->node == n) return &w->gx[i];
  }
  return NULL;
}

static void deliver(Walk *w, Node *n, int slot, Tensor *g) {
  bool here = is_queued_here(w, n);
  if (here && n->queued && n->queued != w->number) {
    t_fail("backward: called from within a backward over the same graph; call it when that has "
           "ended");
  }
  if (here && !n->queued) push(w, n); /* first, since it can fail: clean sees to what is met */
  Tensor **at = place_of(w, n, slot);
  if (at) *at = added(*at, g);
}

/* What the gradient of an input has gathered so far, where a rule may add to it. */
static Tensor *gathered(const Walk *w, const Edge *in) {
  if (!in->node || tape_on || anomaly_on) return NULL;
  bool met = !is_queued_here(w, in->node) || in->node->queued == w->number;
  Tensor **at = place_of(w, in->node, in->slot);
  return met && at && *at && is_own(*at) ? *at : NULL;
}

/* ---- one node --------------------------------------------------------------------------------- */

static void check_saved(const Node *n, const Saved *s, const char *what, int i) {
  if (!s->t || !s->t->st || s->t->st->version == s->version) return;
  t_fail("backward of %s: its %s %d of shape %s was changed in place by %s after %s had used it; "
         "change a copy instead (clone(), or the form without the underscore)",
         op_sig(n->op)->name, what, i + 1, t_shape_str(s->t),
         s->t->st->writer ? s->t->st->writer : "a write", op_sig(n->op)->name);
}

/* A saved value for the rule; with create_graph it gets its history back. */
static Tensor *revived(const Saved *s, Node *producer, int slot, bool history) {
  if (!s->t || !history || !producer || !s->t->st) return s->t;
  Tensor *t = t_alias(s->t);
  producer->refs++;
  t->node = producer;
  t->slot = slot;
  return t;
}

static void run_walk(Walk *w);

/* The gradient by way of the composed form, with a history of its own. The walk over that form ends
   at the inputs: what they depend on is for the walk that we are in. */
static void composed_rule(const Walk *outer, Node *n, Call *c, Tensor **gx) {
  Tensor *y[CALL_Y], *gy[CALL_Y], *x[CALL_X], *found[CALL_X];
  int at[CALL_X], nx = 0, ny = 0;
  if (n->nx > CALL_X) t_fail("%s has no second derivative", op_sig(n->op)->name);
  for (int i = 0; i < n->nx; i++) {
    if (!c->want[i] || !n->x[i].t) continue; /* what is not kept takes no gradient */
    c->x[i] = t_alias(n->x[i].t);
    tape_continue(c->x[i], n->in[i].node, n->in[i].slot);
    at[nx] = i;
    x[nx++] = c->x[i];
  }
  n->op->compose(c);
  for (int i = 0; i < n->ny; i++) {
    if (!n->g[i] || !c->y[i] || !tape_tracks(c->y[i])) continue;
    y[ny] = c->y[i];
    gy[ny++] = n->g[i];
  }
  Walk w = {.ny = ny, .y = y, .gy = gy, .nx = nx, .x = x, .gx = found};
  w.options = outer->options;
  w.options.stop_at_inputs = true;
  run_walk(&w);
  for (int i = 0; i < nx; i++) gx[at[i]] = found[i];
}

static void rule(Walk *w, Node *n, Tensor **gx) {
  bool create = w->options.create_graph;
  if (n->host) {
    tape_host_grad(n, gx);
    return;
  }
  if (n->op->flags & OP_CONST) return; /* a write of something else: no gradient passes */
  for (int i = 0; i < n->nx; i++) check_saved(n, &n->x[i], "input", i);
  for (int i = 0; i < n->ny; i++) check_saved(n, &n->y[i], "output", i);
  Call c;
  call_begin(&c, n->op);
  call_inputs(&c, n->nx);
  memcpy(c.attr, n->attr, n->nattr * sizeof(Attr));
  bool composed = create && n->op->compose;
  for (int i = 0; i < n->nx; i++) {
    c.want[i] = n->in[i].node != NULL;
    c.x[i] = composed ? n->x[i].t : revived(&n->x[i], n->in[i].node, n->in[i].slot, create);
  }
  if (composed) {
    composed_rule(w, n, &c, gx);
    return;
  }
  if (!n->op->grad) {
    t_fail("%s has no gradient; use x:detach() where none is wanted", op_sig(n->op)->name);
  }
  c.ny = n->ny;
  for (int i = 0; i < n->ny; i++) c.y[i] = revived(&n->y[i], n, i, create);
  if (n->nx == 1) c.gathered = gathered(w, &n->in[0]);
  n->op->grad(&c, n->g, gx);
}

/* Is n the producer of a target? Then its gradient is complete now. */
static bool capture(Walk *w, Node *n) {
  bool target = false;
  for (int i = 0; i < w->nx; i++) {
    Tensor *x = w->x[i];
    if (x->node != n) continue;
    target = true;
    if (n->g[x->slot] && !w->gx[i]) w->gx[i] = t_retain(n->g[x->slot]);
  }
  return target;
}

static void visit_leaf(Walk *w, Node *n) {
  if (w->nx >= 0 || !n->leaf) return;
  w->leaves = grown(w->leaves, w->leaves_n, &w->leaves_room, sizeof *w->leaves);
  Tensor *g = tape_leaf_gradient(n->leaf, n->g[0], w->options.create_graph);
  if (g != n->g[0]) {
    t_retain(g);
    t_free(n->g[0]);
    n->g[0] = g;
  }
  w->leaves[w->leaves_n++] = n;
}

/* The gradient of an output after the hooks on it. */
static Tensor *hooked(const Node *n, int slot, Tensor *g) {
  Tensor *to = tape_host_hook(n->hooks, slot, g);
  if (!t_same_shape(to, g)) {
    t_fail("register_hook: the function returned a gradient of shape %s for a tensor of shape %s",
           t_shape_str(to), t_shape_str(g));
  }
  return to->dtype == g->dtype ? to : t_cast(to, (DType)g->dtype);
}

static void run_hooks(Node *n) {
  for (int i = 0; i < n->ny; i++) {
    if (!n->g[i]) continue;
    Tensor *g = t_retain(hooked(n, i, n->g[i]));
    t_free(n->g[i]);
    n->g[i] = g;
  }
}

static void visit(Walk *w, Node *n) {
  if (n->hooks) run_hooks(n);
  if (w->nx > 0 && capture(w, n) && w->options.stop_at_inputs) return;
  if (tape_is_leaf(n)) {
    visit_leaf(w, n);
    return;
  }
  if (n->spent) {
    t_fail("backward: this graph was used before and its values are released; call the first "
           "backward with {retain_graph = true}");
  }
  Tensor *few[CALL_X] = {NULL}, **gx = few;
  if (n->nx > CALL_X) {
    int64_t bytes = n->nx * (int64_t)sizeof *gx;
    gx = t_data(t_new(T_U8, 1, &bytes));
    memset(gx, 0, (size_t)bytes);
  }
  anomaly_in_rule = true;
  rule(w, n, gx);
  anomaly_in_rule = false;
  if (anomaly_on) anomaly_backward(n, gx);
  for (int i = 0; i < n->nx; i++) {
    if (!gx[i] || !n->in[i].node) continue;
    deliver(w, n->in[i].node, n->in[i].slot, fitted(gx[i], n->x[i].t, n->in[i].dtype));
  }
  for (int i = 0; i < n->ny; i++) {
    t_free(n->g[i]);
    n->g[i] = NULL;
  }
  if (!w->options.retain_graph && !w->options.create_graph) node_spend(n);
}

/* ---- the whole walk --------------------------------------------------------------------------- */

/* Fails when the walk cannot start from y with gradient gy (NULL: ones). */
static void check_start(Tensor *y, const Tensor *gy) {
  if (!tape_tracks(y)) {
    t_fail("backward: this tensor does not depend on any tensor with requires_grad; was it made "
           "inside no_grad, or detached?");
  }
  if (!gy && y->numel != 1) {
    t_fail("backward: the tensor has shape %s, gradients start from a single value; use "
           "y:sum():backward(), or give the gradient",
           t_shape_str(y));
  }
  if (gy && !t_same_shape(gy, y)) {
    t_fail("backward: the gradient given has shape %s but the tensor has %s", t_shape_str(gy),
           t_shape_str(y));
  }
}

static Tensor *first_gradient(const Tensor *y, Tensor *gy) {
  if (!gy) return t_fill(t_new((DType)y->dtype, y->ndim, y->shape), 1);
  return gy->dtype == y->dtype ? gy : t_cast(gy, (DType)y->dtype);
}

/* Leaves among the targets: hooks see the whole gradient; a leaf named twice gets it twice. */
static void finish_leaves(Walk *w) {
  for (int i = 0; i < w->nx; i++) {
    const Node *n = w->x[i]->node;
    if (!n || !tape_is_leaf(n)) continue;
    int first = 0;
    while (w->x[first]->node != n) first++;
    if (first < i) {
      if (w->gx[first]) w->gx[i] = t_retain(w->gx[first]);
    } else if (n->hooks && w->gx[i]) {
      Tensor *g = t_retain(hooked(n, 0, w->gx[i]));
      t_free(w->gx[i]);
      w->gx[i] = g;
    }
  }
}

static void walk(void *arg) {
  Walk *w = arg;
  tape_on = w->options.create_graph;
  for (int i = 0; i < w->ny; i++) check_start(w->y[i], w->gy ? w->gy[i] : NULL);
  for (int i = 0; i < w->ny; i++) {
    Tensor *y = w->y[i];
    Node *n = tape_node(y);
    deliver(w, n, y->slot, first_gradient(y, w->gy ? w->gy[i] : NULL));
  }
  for (int i = 0; i < w->nx; i++) tape_node(w->x[i]); /* stale views follow their bases now */
  while (w->heap_n > 0) {
    t_poll();
    if (mem_pressure() && mem_collect) {
      mem_collect(false);
      if (mem_aged()) mem_collect(true);
    }
    int mark = t_mark();
    visit(w, pop(w));
    t_leave(mark);
  }
  finish_leaves(w);
  if (w->nx > 0) birth_reserve(w->nx);
  for (int i = 0; i < w->leaves_n; i++) {
    Node *n = w->leaves[i];
    if (n->leaf) w->leaf_seen(n->leaf, n->g[0], w->arg);
  }
}

static void clean(Walk *w, bool failed) {
  for (int i = 0; i < w->met_n; i++) {
    Node *n = w->met[i];
    n->queued = 0;
    for (int k = 0; k < n->ny; k++) {
      t_free(n->g[k]);
      n->g[k] = NULL;
    }
    if (failed && !tape_is_leaf(n)) node_spend(n);
    node_free(n);
  }
  free(w->met);
  free(w->heap);
  free(w->leaves);
}

static void run_walk(Walk *w) {
  static int walks; /* under way, one within the other */
  bool was_on = tape_on, was_in_rule = anomaly_in_rule;
  for (int i = 0; i < w->nx; i++) w->gx[i] = NULL;
  w->number = ++walks;
  bool done = t_try(walk, w);
  walks--;
  tape_on = was_on;
  anomaly_in_rule = was_in_rule;
  for (int i = 0; i < w->nx; i++) {
    if (w->gx[i] && done)
      birth_add(w->gx[i]);
    else
      t_free(w->gx[i]);
  }
  clean(w, !done);
  if (!done) t_fail_again();
}

void tape_grad(int ny, Tensor *const *y, Tensor *const *gy, int nx, Tensor *const *x, Tensor **gx,
               WalkOptions options, void (*leaf_seen)(Tensor *, Tensor *, void *), void *arg) {
  Walk w = {.ny = ny, .y = y, .gy = gy, .nx = nx, .x = x, .gx = gx};
  w.options = options;
  w.leaf_seen = leaf_seen;
  w.arg = arg;
  run_walk(&w);
}
