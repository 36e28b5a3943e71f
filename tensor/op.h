/* An op is one row: signature, documentation, test, shape rule, kernel, gradient.

   A row stands in the static array of a file of its family (tensor/ops/); op.c lists them. The
   binding, help, doc/ops.md, the gradient checks and the conformance adapter read it from there. */
#ifndef LUNETTE_OP_H
#define LUNETTE_OP_H

#include "tensor.h"

typedef struct Call Call;
typedef struct Op Op;

enum {
  OP_INPLACE = 1,       /* name_ exists: writes its result into x[0] */
  OP_VIEW = 2,          /* y[0] shares x[0]'s storage */
  OP_CONST = 4,         /* has no gradient on purpose (integers, masks, random draws) */
  OP_TENSOR = 8,        /* a result without dimensions stays a tensor whatever its type */
  OP_FUNCTION = 16,     /* a function of the library only, no method (zeros, randn) */
  OP_HIDDEN = 32,       /* the inside of another op: no function of the library, not documented */
  OP_ONLY_INPLACE = 64, /* the row itself writes x[0]: its name ends in _ (zero_, copy_) */
  OP_CROSS = 256,       /* the gradient of one input reads only the others: x[i] is saved only when
                       another input wants a gradient */
  OP_APART = 1024,      /* with OP_INPLACE: run cannot write over its input, so the result is made
                      apart and copied, as for rows with nothing but compose */
  OP_WHOLE =
      2048, /* of integers alone it is computed in float64 and gives int64: sums of products */
  OP_RANDOM = 128, /* draws from a stream: the gradient checks seed it again before each run */
};

/* Which values the gradient reads: inputs and outputs by position. */
#define SAVE_X(i) (1u << (i))
#define SAVE_Y(i) (1u << (16 + (i)))
#define SAVE_XS   0xffffu /* every input, of a list too */

typedef struct OpTime {
  int64_t calls;
  double seconds; /* without those of the ops that it calls */
} OpTime;

struct Op {
  /* name(param: kind=default, ...) -> result: kind, ...   parsed once by sig.c, which lists the
     kinds. Alternative spellings of the name stand in aliases, separated by spaces. A name with a
     dot stands in a namespace: linalg.solve is the function tensor.linalg.solve, and no method. */
  const char *sig, *aliases;
  const char *doc;     /* first sentence is the summary; shapes, units, errors, source */
  const char *example; /* Lua, runnable, with `--> what it prints` */
  const char *test;    /* Lua: a list of argument lists, for values and gradients */
  const char *ref;     /* Lua: the value in terms of plain Lua (tests/reference/) */
  unsigned flags, save;
  /* Hidden rows only. Without it a row trusts its callers, rules and composed forms, and is called by
     them and the suite alone. With it the library's own Lua may call the row: expects holds the inputs
     against what infer takes for granted (expect.h; expect_no_more where that is nothing). */
  void (*expects)(const Call *c);
  /* Shapes, types, view strides, hidden outputs, scratch: makes every c->y; may read data, may
     replace c->x[i] by a cast or contiguous copy; may fail. */
  void (*infer)(Call *c);
  /* Computes c->y. Returns NULL, or a message (singular matrix, no convergence); allocates nothing
     and never fails otherwise. NULL for views. */
  const char *(*run)(Call *c);
  /* gy[i] NULL stands for zero. Fills gx[i] where c->want[i]; calls ops only. A gradient may have
     the broadcast shape and the computed type: the walk sums and casts it to its input's. */
  void (*grad)(Call *c, Tensor *const *gy, Tensor **gx);
  /* The same value in plain ops: for higher derivatives, and as a reference. Sets c->y. A row may
     have nothing else. */
  void (*compose)(Call *c);
  const struct Sig *parsed; /* sig, parsed: op.c fills it in */
  OpTime time;              /* counted while profile_on (profile.h) */
};

/* A file of rows ends with FAMILY(unary, rows), or, where a family takes several files, with
   FAMILY_PART(shape, views, rows); op.c lists unary and views. */
typedef struct Family {
  const char *name;
  Op *rows;
  int count;
} Family;
#define FAMILY_PART(family, part, rows)                                                            \
  const Family part##_family = {#family, rows, (int)(sizeof(rows) / sizeof *(rows))}
#define FAMILY(name, rows) FAMILY_PART(name, name, rows)

/* ---- the call ------------------------------------------------------------------------------ */

typedef enum AttrTag {
  A_NONE,
  A_INT,
  A_FLOAT,
  A_BOOL,
  A_INTS,
  A_CHOICE,
  A_DTYPE,
  A_FLOATS,
  A_TEXT
} AttrTag;

typedef struct Attr {
  uint8_t tag, n; /* n: length of ints or floats */
  union {
    int64_t i; /* A_INT, A_BOOL, A_DTYPE; A_CHOICE: position in the signature's list, from 0 */
    double f;
    const char *s; /* A_TEXT: gone after the call, so only composed rows take it */
    int64_t v[T_MAXDIM];
    double fv[T_MAXDIM];
  };
} Attr;

enum { CALL_X = 8, CALL_Y = 8, CALL_ATTR = 10 };

struct Call {
  const Op *op;
  int nx, ny;   /* inputs (a list is flattened), outputs visible and hidden */
  bool inplace; /* y[0] is x[0] */
  bool list;    /* the results are one list (call_results) */
  bool lone;    /* a single tensor was given where a list may stand */
  DType dtype;  /* infer's note for run: the type to compute in */
  Tensor **x;   /* NULL = absent */
  Tensor **y;
  Attr attr[CALL_ATTR];
  bool *want; /* in a gradient rule: which inputs want one */
  Tensor
      *gathered; /* in a gradient rule: what the gradient of the only input has gathered from other
                       ops, which the rule may add to in place of filling gx[0]; or NULL */
  void *scratch; /* from call_scratch */
  Tensor *x_few[CALL_X], *y_few[CALL_Y];
  bool want_few[CALL_X];
};

/* ---- signatures ---------------------------------------------------------------------------- */

typedef enum Kind {
  K_TENSOR,  /* a tensor, or a number of the host's */
  K_INDEX,   /* a tensor of positions, from T_BASE */
  K_CLASS,   /* a tensor of classes, from T_BASE */
  K_LIST,    /* a tensor, a number, or a list of numbers of any length: arrives as a tensor */
  K_TENSORS, /* a list of tensors; in c->x it comes after all other tensors; as the last parameter
                also all remaining positional tensors, and several where the results are a list */
  K_SCALAR,  /* a number, kept as integer or float */
  K_INT,
  K_INTS,   /* a list, or one number; "ints{2}" repeats one number to two; "ints{2|same}" takes the
               word too, as A_CHOICE */
  K_SIZES,  /* a shape: a list, or all remaining positional numbers */
  K_DIM,    /* a dimension of the first tensor; arrives counted from 0 */
  K_NEWDIM, /* a place between dimensions: one more than there are */
  K_DIMS,   /* a list of dimensions or one */
  K_PAIRS,  /* a count, A_INT; or two lists of dimensions, of the first and second tensor, one after
               the other in A_INTS */
  K_POS,    /* a position: an integer from T_BASE or from the end; arrives from 0, or negative */
  K_BOOL,
  K_FLOAT,  /* "float{a|b}": a number, or one of these names, which arrives as A_CHOICE */
  K_CHOICE, /* string{a|b|c} */
  K_DTYPE,
  K_FLOATS, /* a list of numbers, or one */
  K_TEXT,   /* any string */
} Kind;

enum { SIG_PARAMS = 16, SIG_RESULTS = 6, SIG_CHOICES = 8, SIG_WORD = 40 };

typedef struct Param {
  char name[24];
  Kind kind;
  bool optional;   /* may be absent: NULL or A_NONE, or its default */
  bool is_x;       /* tensors go to c->x, all else to c->attr */
  int slot;        /* where */
  int fixed;       /* K_INTS: this many */
  Attr value;      /* the default */
  bool weak_value; /* K_TENSOR: the default is a number, in value */
  const char (*choices)[SIG_WORD];
  int nchoices;
} Param;

typedef struct Sig {
  char name[SIG_WORD], written[SIG_WORD + 4]; /* written: of the form in place, name_ */
  Param *param;
  int nparams, nx, nattr;
  bool list;   /* x ends in a list of tensors, of which nx counts one */
  bool simple; /* a call that gives tensors only needs nothing but the defaults as they stand */
  char result[SIG_RESULTS][24];
  Kind result_kind[SIG_RESULTS];
  int nresults;
  bool result_list; /* "-> parts: tensors" */
} Sig;

/* ---- the catalogue ------------------------------------------------------------------------- */

int op_count(void);
const Op *op_at(int i);              /* in the order of the families */
const Op *op_find(const char *name); /* by name or alias; NULL */
const Op *op_need(const char *name); /* the same, but fails */
const char *op_family(const Op *op);
static inline const Sig *op_sig(const Op *op) { return op->parsed; }

/* ---- calling ------------------------------------------------------------------------------- */

/* A call with defaults filled in, no inputs yet. */
void call_begin(Call *c, const Op *op);
/* Room for n inputs, all absent. */
void call_inputs(Call *c, int n);
/* Room for a list of n results: for compose. */
void call_results(Call *c, int n);
/* infer, run, record. Results are born in the open scope. */
void op_apply(Call *c);

/* For infer: */
Tensor *call_out(Call *c, int i, DType dtype, int ndim, const int64_t *shape);
Tensor *call_hidden(Call *c, DType dtype, int ndim, const int64_t *shape); /* appends an output */
void call_view(Call *c, int ndim, const int64_t *shape, const int64_t *stride, int64_t offset);
void call_scratch(Call *c, size_t bytes);
/* Makes x[i] of that type and contiguous, by an unrecorded copy where it is not. */
void call_want(Call *c, int i, DType dtype);
void call_contiguous(Call *c, int i);
/* Common type of the inputs from..to-1, numbers weak, 0-d weaker; fails on stored-only types. */
DType call_promote(Call *c, int from, int to);
static inline const char *call_name(const Call *c) { return op_sig(c->op)->name; }

static inline int64_t attr_int(const Call *c, int i, int64_t otherwise) {
  return c->attr[i].tag == A_NONE ? otherwise : c->attr[i].i;
}
static inline double attr_float(const Call *c, int i, double otherwise) {
  return c->attr[i].tag == A_NONE    ? otherwise
         : c->attr[i].tag == A_FLOAT ? c->attr[i].f
                                     : (double)c->attr[i].i;
}
static inline bool attr_given(const Call *c, int i) { return c->attr[i].tag != A_NONE; }

static inline Attr attr_of_int(int64_t i) { return (Attr){.tag = A_INT, .i = i}; }
static inline Attr attr_of_float(double f) { return (Attr){.tag = A_FLOAT, .f = f}; }
static inline Attr attr_of_bool(bool b) { return (Attr){.tag = A_BOOL, .i = b}; }
Attr attr_of_ints(int n, const int64_t *v);

#endif
