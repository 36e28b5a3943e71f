/* Recording: nodes, leaves, views and writes in place. */
#include "tape.h"

#include <stdlib.h>
#include <string.h>

#include "../watch/anomaly.h"
#include "../machine/mem.h"

bool tape_on = true;
void (*tape_host_free)(void *host);
Node *tape_unfinished;

static int64_t next_seq = 1;

/* ---- nodes ------------------------------------------------------------------------------------ */

/* One block: the node, then its arrays. It is unfinished until node_done. */
static Node *node_new(const Op *op, int nx, int ny, int nattr) {
  size_t bytes = sizeof(Node) + (size_t)nattr * sizeof(Attr) +
                 (size_t)nx * (sizeof(Edge) + sizeof(Saved)) +
                 (size_t)ny * (sizeof(Saved) + sizeof(Tensor *));
  Node *n = mem_alloc(bytes);
  memset(n, 0, bytes);
  n->refs = 1;
  n->op = op;
  n->nx = nx;
  n->ny = ny;
  n->nattr = (uint8_t)nattr;
  n->seq = next_seq++;
  n->bytes = bytes;
  n->attr = (Attr *)(n + 1);
  n->in = (Edge *)(n->attr + nattr);
  n->x = (Saved *)(n->in + nx);
  n->y = n->x + nx;
  n->g = (Tensor **)(n->y + ny);
  n->next = tape_unfinished;
  tape_unfinished = n;
  return n;
}

/* The node made last has found who holds it. */
static void node_done(Node *n) {
  tape_unfinished = n->next;
  n->next = NULL;
  node_free(n);
}

void tape_drop_unfinished(Node *until) {
  while (tape_unfinished != until) node_done(tape_unfinished);
}

static void drop_saved(Node *n) {
  for (int i = 0; i < n->nx + n->ny; i++) {
    t_free(n->x[i].t);
    n->x[i].t = NULL;
  }
  if (n->host) tape_host_free(n->host);
  if (n->hooks) tape_host_free(n->hooks);
  n->host = n->hooks = NULL;
}

void node_spend(Node *n) {
  drop_saved(n);
  n->spent = true;
}

/* Long chains must not recurse: the dead are queued, and one caller empties the queue. */
void node_free(Node *node) {
  static Node *doomed;
  static bool draining;
  if (!node || --node->refs > 0) return;
  node->next = doomed;
  doomed = node;
  if (draining) return;
  draining = true;
  while (doomed) {
    Node *n = doomed;
    doomed = n->next;
    drop_saved(n);
    for (int i = 0; i < n->ny; i++) t_free(n->g[i]);
    for (int i = 0; i < n->nx; i++) {
      Node *up = n->in[i].node;
      if (up && --up->refs == 0) {
        up->next = doomed;
        doomed = up;
      }
    }
    free(n->place);
    mem_free(n, n->bytes);
  }
  draining = false;
}

/* ---- history of a tensor ---------------------------------------------------------------------- */

static void set_history(Tensor *x, Node *n, int slot) {
  Node *old = x->node;
  n->refs++;
  x->node = n;
  x->slot = slot;
  if (old) {
    if (old->leaf == x) old->leaf = NULL;
    node_free(old);
  }
}

static void set_edge(Edge *e, Tensor *x) {
  e->dtype = x->dtype;
  if (!tape_tracks(x)) return;
  e->node = tape_node(x);
  e->node->refs++;
  e->slot = x->slot;
}

static bool is_stale(const Tensor *x) {
  return x->base && !x->requires_grad && x->serial != x->base->serial;
}

bool tape_tracks(Tensor *x) {
  if (is_stale(x)) return tape_tracks(x->base);
  return x->requires_grad || x->node;
}

static void shape_saved(Node *n, int i, const Tensor *x) { n->x[i].t = t_retain(t_shape_only(x)); }

/* x as a window of its base, whose history is the current one. */
static void follow_base(Tensor *x) {
  static const Op *window;
  if (!window) window = op_need("window_get");
  int mark = t_mark();
  Node *n = node_new(window, 1, 1, 3);
  n->attr[0] = attr_of_ints(x->ndim, x->shape);
  n->attr[1] = attr_of_ints(x->ndim, x->stride);
  n->attr[2] = attr_of_int(x->offset);
  shape_saved(n, 0, x->base);
  set_edge(&n->in[0], x->base);
  set_history(x, n, 0);
  node_done(n);
  x->serial = x->base->serial;
  t_leave(mark);
}

void tape_continue(Tensor *x, Node *from, int slot) {
  static const Op *same;
  if (!same) same = op_need("clone");
  int mark = t_mark();
  Node *n = node_new(same, 1, 1, 0);
  shape_saved(n, 0, x);
  from->refs++;
  n->in[0] = (Edge){.node = from, .slot = slot, .dtype = x->dtype};
  set_history(x, n, 0);
  node_done(n);
  t_leave(mark);
}

Node *tape_node(Tensor *x) {
  if (is_stale(x)) follow_base(x);
  if (!x->node && x->requires_grad) {
    Node *n = node_new(NULL, 0, 1, 0);
    n->seq = 0;
    n->leaf = x;
    set_history(x, n, 0);
    node_done(n);
  }
  return x->node;
}

void tape_set_leaf(Tensor *x, bool on) {
  if (tape_tracks(x) && !x->requires_grad) {
    if (on) return;
    t_fail("requires_grad_: this tensor was computed from others that record gradients; "
           "x:detach() makes one that does not");
  }
  if (on && !dtype_is_float((DType)x->dtype)) {
    t_fail("requires_grad_: gradients need float32 or float64, this tensor is %s; x:float() first",
           dtype_name((DType)x->dtype));
  }
  x->requires_grad = on;
  if (!on) tape_forget(x);
}

void tape_forget(Tensor *x) {
  x->requires_grad = false;
  if (x->base) x->serial = x->base->serial;
  if (!x->node) return;
  if (x->node->leaf == x) x->node->leaf = NULL;
  node_free(x->node);
  x->node = NULL;
}

/* ---- recording -------------------------------------------------------------------------------- */

static bool cross_needed(const Node *n, int i) {
  for (int j = 0; j < n->nx; j++) {
    if (j != i && n->in[j].node) return true;
  }
  return false;
}

/* A share of a shadow of x without data: of its first input's where that is the same. */
static Tensor *shadow(const Node *n, const Tensor *x) {
  Tensor *s = n->x[0].t;
  bool same = s && !s->st && s->dtype == x->dtype && s->offset == x->offset && t_same_shape(s, x);
  for (int d = 0; same && d < x->ndim; d++) same = s->stride[d] == x->stride[d];
  return t_retain(same ? s : t_shape_only(x));
}

static void save(Call *c, Node *n) {
  const Op *op = c->op;
  for (int i = 0; i < c->nx; i++) {
    Tensor *x = c->x[i];
    if (!x) continue;
    bool data = op->save & SAVE_X(i < 15 ? i : 15);
    if ((op->flags & OP_CROSS) && !cross_needed(n, i)) data = false;
    n->x[i].t = data ? t_retain(t_alias(x)) : shadow(n, x);
    if (data) n->x[i].version = x->st->version;
  }
  for (int i = 0; i < c->ny; i++) {
    Tensor *y = c->y[i];
    if (!y) continue;
    bool data = op->save & SAVE_Y(i);
    n->y[i].t = data ? t_retain(t_alias(y)) : shadow(n, y);
    if (data) n->y[i].version = y->st->version + (c->inplace && i == 0);
  }
}

/* A write through a view: the base's new history is its old one with the view's values, output 0
   of `values`, put in. */
static void prepare_base(Tensor *view, Node *values) {
  static const Op *put;
  if (!put) put = op_need("window_put");
  Node *n = node_new(put, 2, 1, 3);
  set_edge(&n->in[0], view->base);
  values->refs++;
  n->in[1] = (Edge){.node = values, .dtype = view->dtype};
  n->attr[0] = attr_of_ints(view->ndim, view->shape);
  n->attr[1] = attr_of_ints(view->ndim, view->stride);
  n->attr[2] = attr_of_int(view->offset);
  shape_saved(n, 0, view->base);
  shape_saved(n, 1, view);
}

static bool has_history(const Tensor *y) { return y && dtype_is_float((DType)y->dtype); }

/* Does the call write to its base through a view? */
static bool writes_base(const Call *c) {
  return c->inplace && has_history(c->y[0]) && c->y[0]->base;
}

Node *tape_prepare(Call *c, Tensor *const *in) {
  int mark = t_mark();
  Node *n = node_new(c->op, c->nx, c->ny, op_sig(c->op)->nattr);
  for (int i = 0; i < c->nx; i++) {
    if (in[i]) set_edge(&n->in[i], in[i]);
  }
  memcpy(n->attr, c->attr, n->nattr * sizeof(Attr));
  if (anomaly_on) n->place = anomaly_place();
  save(c, n);
  n->seq = next_seq++; /* after the nodes that stale views among the inputs got just now */
  if (writes_base(c)) {
    prepare_base(c->y[0], n);
    tape_unfinished->seq = next_seq++;
  }
  t_leave(mark);
  return n;
}

static void commit_base(Tensor *view) {
  Node *put = tape_unfinished;
  Tensor *base = view->base;
  base->requires_grad = false;
  set_history(base, put, 0);
  node_done(put);
  base->serial++; /* view and its sisters follow at their next use */
}

void tape_commit(Call *c, Node *n) {
  int visible = op_sig(c->op)->result_list ? c->ny : op_sig(c->op)->nresults;
  for (int i = 0; i < visible; i++) {
    Tensor *y = c->y[i];
    if (!has_history(y)) continue;
    set_history(y, n, i);
    if (y->base) y->serial = y->base->serial;
  }
  if (writes_base(c))
    commit_base(c->y[0]);
  else if (c->inplace)
    c->y[0]->serial++;
  node_done(n); /* its outputs hold it now */
}

void tape_record_host(int nx, Tensor *const *in, int ny, Tensor *const *y, void *host) {
  int mark = t_mark();
  Node *n = node_new(NULL, nx, ny, 0);
  for (int i = 0; i < ny; i++) {
    if (!has_history(y[i])) continue;
    n->y[i].t = t_retain(t_shape_only(y[i]));
  }
  for (int i = 0; i < nx; i++) {
    set_edge(&n->in[i], in[i]);
    shape_saved(n, i, in[i]);
  }
  n->seq = next_seq++; /* as in tape_prepare */
  for (int i = 0; i < ny; i++) {
    if (n->y[i].t) set_history(y[i], n, i);
  }
  n->host = host;
  if (anomaly_on) n->place = anomaly_place();
  node_done(n);
  t_leave(mark);
}
