/* The tape: nodes, gradient mode, the walk. */
#ifndef LUNETTE_TAPE_H
#define LUNETTE_TAPE_H

#include "op.h"

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
  void *host;   /* a function of the host's (custom gradient) and its hooks */
  size_t bytes; /* of this block */
};

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
} WalkOptions;

/* Gradients of sum_i sum(y[i] * gy[i]) with respect to x[0..nx-1], into gx (born in the open
   scope; NULL where y does not depend on x). gy[i] NULL stands for ones (y of one element only).
   With nx < 0 the targets are all leaves reached: leaf_seen(leaf, gradient, arg) is called for
   each after the whole walk has succeeded. */
void tape_grad(int ny, Tensor *const *y, Tensor *const *gy, int nx, Tensor *const *x, Tensor **gx,
               WalkOptions options, void (*leaf_seen)(Tensor *leaf, Tensor *g, void *arg),
               void *arg);

/* The host's own differentiable functions: makes y[0..ny-1] depend on in[0..nx-1] through host.
   tape_host_grad is called with gradients gy (NULL for zero), fills gx; may fail. */
void tape_record_host(int nx, Tensor *const *in, int ny, Tensor *const *y, void *host);
extern void (*tape_host_grad)(void *host, int ny, Tensor *const *gy, int nx, Tensor **gx);
extern void (*tape_host_free)(void *host);

void node_free(Node *node);  /* gives a share back; iterative */
void node_spend(Node *node); /* releases what it saved */

#endif
