/* What the ops on matrices share: checks, the walk over a batch of matrices, and short names for the
   calculus of matrices. A matrix is the last two dimensions of a tensor, the others are batches. */
#ifndef LUNETTE_LINALG_H
#define LUNETTE_LINALG_H

#include "../../calc.h"

/* ---- for infer ---- */

/* At least two dimensions, of sizes that LAPACK can count; la_square: equal ones. */
void la_matrix(const Call *c, int i);
void la_square(const Call *c, int i);
/* The type to compute in: float32 for integers. Inputs from..to-1 become contiguous and of it. */
DType la_float(Call *c, int from, int to);
/* x[i] and x[j] must have the same batch dimensions. */
void la_same_batch(const Call *c, int i, int j);
/* How many matrices x holds. */
int64_t la_count(const Tensor *x);
/* The batch dimensions of x, then n more sizes, into shape; returns how many in all. */
int la_shape(const Tensor *x, int64_t *shape, int n, int64_t a, int64_t b);
static inline int64_t la_rows(const Tensor *x) { return x->shape[x->ndim - 2]; }
static inline int64_t la_cols(const Tensor *x) { return x->shape[x->ndim - 1]; }

/* ---- for run ---- */

/* Works on matrix i of the batch, in `room` bytes of its own; returns LAPACK's info. */
typedef int (*LaFn)(const Call *c, int64_t i, char *room);
/* For infer: scratch for la_each over count matrices. lwork: a size to remember, what LAPACK wants to
   work in, or 0. */
void la_scratch(Call *c, int64_t count, size_t room, int lwork);
int la_lwork(const Call *c);
/* fn for every matrix, shared out to the team in groups of a fixed amount of work (multiplications
   per matrix). Returns NULL or a message about memory. */
const char *la_each(Call *c, double work, LaFn fn);
/* LAPACK's info of each matrix, after la_each. */
const int *la_info(const Call *c);
void la_store_info(const Call *c, Tensor *y); /* into y, int32 */
/* The message for the first matrix with info > 0, or NULL: "matrix 2 of the batch " (nothing when
   there is one matrix), then the format with info. */
const char *la_complain(const Call *c, const char *format) __attribute__((format_arg(2)));

/* Pieces of a room. */
static inline size_t la_pad(size_t bytes) { return (bytes + 63) & ~(size_t)63; }
static inline void *la_take(char **room, size_t bytes) {
  void *p = *room;
  *room += la_pad(bytes);
  return p;
}
/* Matrix i of x, of rows times cols elements each. */
void *la_at(const Tensor *x, int64_t i);
/* to [cols,rows] = from [rows,cols] transposed; both row-major. */
void la_transpose(DType d, int64_t rows, int64_t cols, const void *from, void *to);
double la_get(DType d, const void *p, int64_t i);
void la_put(DType d, void *p, int64_t i, double v);
void la_scale(DType d, int64_t n, double by, void *x);               /* x *= by */
void la_axpy(DType d, int64_t n, double by, const void *x, void *y); /* y += by x */
bool la_finite(const Tensor *x);
/* x [n,k] = a^-1 x; a [n,n] becomes its factors. Row-major; pivots: n. info of the factorisation. */
int la_solve(DType d, int n, int k, void *a, int *pivots, void *x);
/* c [m,n] = op(a) op(b) + beta c, op a transposition, all row-major without gaps. */
void la_gemm(DType d, bool ta, bool tb, int64_t m, int64_t n, int64_t k, const void *a,
             const void *b, double beta, void *c);

/* ---- calculus ---- */

Tensor *la_flip(Tensor *x);                                   /* transposed matrices */
Tensor *la_lower(Tensor *x, int64_t diagonal);                /* tril */
Tensor *la_upper(Tensor *x, int64_t diagonal);                /* triu */
Tensor *la_diagonal(Tensor *x);                               /* [..., n] */
Tensor *la_eye(DType d, int64_t n);                           /* [n,n] */
Tensor *la_column(Tensor *x);                                 /* [..., n, 1] */
Tensor *la_row(Tensor *x);                                    /* [..., 1, n] */
Tensor *la_cut(Tensor *x, int dim, int64_t from, int64_t to); /* dim -2 or -1 */
/* Gives two tensors of matrices the common shape of their batches. */
void la_broadcast(const Call *c, Tensor **a, Tensor **b);
/* X of A X = B, or of X A = B, for triangular A. */
Tensor *la_solve_triangular(Tensor *A, Tensor *B, bool upper, bool left, bool unit);
/* Is b one vector for each matrix of a? */
bool la_is_vectors(const Tensor *a, const Tensor *b);
/* The gradient of pinv(a) = p for the cotangent g. */
Tensor *la_pinv_grad(Tensor *g, Tensor *p, Tensor *a);
/* The gradient of svdvals(a) for the cotangent g. */
Tensor *la_svdvals_grad(Tensor *g, Tensor *a);
/* Calls a row of one or two tensors and sets its attributes. */
void la_begin(Call *c, const char *name, Tensor *x, Tensor *y);
Tensor *la_apply(Call *c);

#endif
