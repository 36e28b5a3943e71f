/* The tape: nodes, gradient mode, the walk. */
#ifndef LUNETTE_TAPE_H
#define LUNETTE_TAPE_H

#include "../op.h"

/* A node is one recorded call. It keeps shadows of inputs and outputs: type, shape, and, where
   the gradient reads them, storage and version; never a tensor with history, so that counting
   references is enough. A leaf has a node without op, which knows its tensor weakly. */
typedef struct Edge {
  Node *node; /* NULL: no gradient wanted */
  int slot;
  uint8_t dtype; /* of the input as given */
} Edge;

typedef struct Saved {
  Tensor *t;
  uint32_t version;
} Saved;

struct Node {
  int refs;
  bool spent; /* released: its saved values are gone */
  bool seen;  /* by the search for leaves that is on */
  uint8_t nattr;
  int nx, ny;
  const Op *op; /* NULL: a leaf, or the host's own function */
  int64_t seq;  /* rises with every record */
  Tensor *leaf; /* of a leaf, while it lives */
  Edge *in;     /* [nx] */
  Saved *x, *y; /* [nx], [ny] */
  Attr *attr;
  Tensor **g;   /* [ny] gradients gathered by the walk that is on */
  int queued;   /* the number of the walk that has met it, or 0 */
  Node *next;   /* in the list of the doomed, or of the unfinished */
  void *host;   /* a function of the host's: its gradient */
  void *hooks;  /* functions of the host's, called with the gradients of the outputs */
  char *place;  /* where it was recorded, when anomalies are looked for; from malloc */
  size_t bytes; /* of this block */
};

static inline bool tape_is_leaf(const Node *n) { return !n->op && n->nx == 0; }

extern bool tape_on; /* is recording on? */

/* Does x take part in gradients now? */
bool tape_tracks(Tensor *x);
/* Recording a call has two halves. tape_prepare, between infer and run, does all that can fail: the
   node is unfinished then, and t_try drops it when something else fails. tape_commit, after run,
   gives it to the outputs. in: the call's inputs as given. */
Node *tape_prepare(Call *c, Tensor *const *in);
void tape_commit(Call *c, Node *n);
extern Node *tape_unfinished;
void tape_drop_unfinished(Node *until);
void tape_set_leaf(Tensor *x, bool on); /* requires_grad_; fails where that makes no sense */
void tape_forget(Tensor *x);            /* drops x's history: detach_ */

/* The producer of x, current even when x's base was written to since; NULL without history. */
Node *tape_node(Tensor *x);
/* x, an alias without history, becomes a step of its own after the output `slot` of `from`. */
void tape_continue(Tensor *x, Node *from, int slot);

typedef struct WalkOptions {
  bool retain_graph, create_graph;
  bool stop_at_inputs; /* what the targets depend on is left to another walk */
} WalkOptions;

/* Gradients of sum_i sum(y[i] * gy[i]) with respect to x[0..nx-1], into gx (born in the open
   scope; NULL where y does not depend on x). gy[i] NULL stands for ones (y of one element only).
   With nx < 0 the targets are all leaves reached: leaf_seen(leaf, gradient, arg) is called for
   each after the whole walk has succeeded. */
void tape_grad(int ny, Tensor *const *y, Tensor *const *gy, int nx, Tensor *const *x, Tensor **gx,
               WalkOptions options, void (*leaf_seen)(Tensor *leaf, Tensor *g, void *arg),
               void *arg);

/* Calls seen for each leaf that y[0..ny-1] depend on, in the order in which they are met. */
void tape_leaves(int ny, Tensor *const *y, void (*seen)(Tensor *leaf, void *arg), void *arg);
/* What a leaf keeps of its gradient g: of its type and, unless the walk is recorded, contiguous, no view,
   shared with nobody. */
Tensor *tape_leaf_gradient(const Tensor *leaf, Tensor *g, bool recorded);

/* The host's own differentiable functions: makes y[0..ny-1] depend on in[0..nx-1] through host.
   tape_host_grad gets the node, with the gradients of its outputs in n->g (NULL for zero), fills
   gx; may fail. */
void tape_record_host(int nx, Tensor *const *in, int ny, Tensor *const *y, void *host);
extern void (*tape_host_grad)(Node *n, Tensor **gx);
/* The host's hooks on an output: gets its whole gradient, returns what goes on in its place. */
extern Tensor *(*tape_host_hook)(void *hooks, int slot, Tensor *g);
/* For host and hooks; calls nothing that can fail. */
extern void (*tape_host_free)(void *host);

void node_free(Node *node);  /* gives a share back; iterative */
void node_spend(Node *node); /* releases what it saved */

#endif
