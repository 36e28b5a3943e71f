/* The types of the core: Storage, Tensor, and what holds for them.

   Storage   bytes, counted references, and a version that every write in place raises.
   Tensor    shape and strides over a Storage (all in elements). A tensor made by an op is contiguous
             and fills its storage from offset 0, unless it is a view; a view keeps its base, which is
             never itself a view.
   Births    a new tensor belongs to the birth scope that is open; t_retain takes a share. Leaving the
             scope drops its share, so neither rules nor failures need clean-up code.
   One thread runs the core (the interpreter's); the team's threads see raw pointers only. */
#ifndef LUNETTE_TENSOR_H
#define LUNETTE_TENSOR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "dtype.h"

enum {
  T_MAXDIM = 12, /* most dimensions */
  T_BASE = 1     /* positions, classes and ids stored in tensors count from here */
};

typedef struct Node Node; /* tape.h */

typedef struct Storage {
  char *data; /* 64-byte aligned */
  size_t bytes;
  int refs;
  uint32_t version;
  uint16_t origin;    /* where the host made it (origin.h); 0: not noted */
  const char *writer; /* the last op that wrote in place, for messages */
} Storage;

typedef struct Tensor {
  int refs;
  uint8_t dtype, ndim;
  bool weak;          /* a number of the host's: never decides a type within its class */
  bool requires_grad; /* a leaf that wants gradients */
  Storage *st;        /* NULL: a shadow that knows its shape only */
  int64_t offset, numel;
  Node *node;      /* what produced it, or the node of a leaf, or NULL */
  int slot;        /* which output of node */
  uint32_t serial; /* base: how often its history was replaced; view: base's serial it follows */
  struct Tensor *base; /* what this is a view of, or NULL */
  void *handle;        /* the host's own mark, or NULL */
  int64_t shape[T_MAXDIM], stride[T_MAXDIM];
} Tensor;

/* ---- making and counting ------------------------------------------------------------------- */

/* Contiguous, uninitialised, born in the open scope. Fails when memory or the shape's product does
   not allow it. */
Tensor *t_new(DType dtype, int ndim, const int64_t *shape);
/* A view of x's storage: x's root is its base. */
Tensor *t_view(Tensor *x, int ndim, const int64_t *shape, const int64_t *stride, int64_t offset);
/* The same values without history: shares storage and version, has no base. */
Tensor *t_alias(const Tensor *x);
/* Shape and type of x without data or history. */
Tensor *t_shape_only(const Tensor *x);
/* 0-d tensors. A weak one stands for a number of the host's language. */
Tensor *t_scalar(double v, DType dtype);
Tensor *t_scalar_int(int64_t v, DType dtype);

Tensor *t_retain(Tensor *x);
void t_free(Tensor *x);              /* gives a share back; NULL is fine */
extern void (*t_on_free)(Tensor *x); /* called before a tensor with a handle mark dies */

/* Birth scopes. */
int t_mark(void);
void t_leave(int mark); /* drops every share born since mark */

/* ---- looking ------------------------------------------------------------------------------- */

static inline void *t_data(const Tensor *x) {
  return x->st->data + x->offset * (int64_t)dtype_size((DType)x->dtype);
}
static inline float *t_f32(const Tensor *x) { return (float *)t_data(x); }
static inline double *t_f64(const Tensor *x) { return (double *)t_data(x); }
static inline int64_t *t_i64(const Tensor *x) { return (int64_t *)t_data(x); }

bool t_is_contiguous(const Tensor *x);
bool t_same_shape(const Tensor *a, const Tensor *b);
/* Do two elements of x share a place (an expanded tensor)? */
bool t_overlaps_itself(const Tensor *x);
/* Could a write to a change b, other than element by element at the same places? */
bool t_overlaps(const Tensor *a, const Tensor *b);
/* Row-major strides of a shape; returns the number of elements. */
int64_t t_strides(int ndim, const int64_t *shape, int64_t *stride);
/* "[2,3]" into one of a few static buffers: for messages. */
const char *t_shape_str(const Tensor *x);
const char *t_dims_str(int ndim, const int64_t *shape);
/* Element at an offset in elements from the tensor's first, as a number. */
double t_get(const Tensor *x, int64_t at);
int64_t t_get_int(const Tensor *x, int64_t at); /* of integer and bool tensors */
void t_set(Tensor *x, int64_t at, double v);
void t_set_int(Tensor *x, int64_t at, int64_t v);

/* ---- failing ------------------------------------------------------------------------------- */

/* Ends the running op with a message; lands in the innermost t_try. Never from a team's thread. */
_Noreturn void t_fail(const char *format, ...) __attribute__((format(printf, 1, 2)));
/* For long work outside of ops: fails when Ctrl-C asks for it. */
void t_poll(void);
/* Lands the same way with whatever the host has put aside (an error of its own). */
_Noreturn void t_fail_pending(void);
/* Runs fn(arg); false when it failed: then t_message() tells why. On failure tensors born inside
   are dropped, and recording is as it was. */
bool t_try(void (*fn)(void *), void *arg);
_Noreturn void t_fail_again(void); /* passes the failure that t_try just reported on */
const char *t_message(void);       /* NULL: the host's own pending error */
/* Set by the host: tells the user what is probably not meant. NULL: nobody listens. */
extern void (*t_note)(const char *text);

#endif
