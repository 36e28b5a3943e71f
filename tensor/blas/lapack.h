/* LAPACK from OpenBLAS, single-threaded, for one matrix on the calling thread.

   Matrices are column-major here, as LAPACK reads them, with their number of rows as leading
   dimension: a row-major matrix is its transpose in that view. d is T_F32 or T_F64 and says what the
   pointers point to. Results named info are LAPACK's: 0, or what went wrong. Sizes must have passed
   lapack_fits; work is room for lapack_work(...) elements where a function takes it. */
#ifndef LUNETTE_LAPACK_H
#define LUNETTE_LAPACK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "../dtype.h"

/* Do the sizes of an m by n matrix and of its workspace pass LAPACK's 32-bit integers? */
bool lapack_fits(int64_t m, int64_t n);
/* Has OpenBLAS memory to work with? */
bool lapack_ready(void);

/* The routines that need workspace, for lapack_work. */
typedef enum LapackRoutine {
  LAPACK_GETRI, /* n */
  LAPACK_GEQRF, /* m, n */
  LAPACK_ORGQR, /* m, n, k */
  LAPACK_GESDD, /* m, n, job in k */
  LAPACK_SYEVD, /* n, job in k */
  LAPACK_GELS,  /* m, n, k right-hand sides */
  LAPACK_GELSY,
  LAPACK_GELSS,
  LAPACK_GELSD,
} LapackRoutine;
/* How many elements of type d the routine wants to work in. */
int lapack_work(LapackRoutine routine, DType d, int m, int n, int k);

/* a [m,n] = P L U; pivots [min(m,n)] count from 1. */
int lapack_getrf(DType d, int m, int n, void *a, int *pivots);
/* The inverse from getrf's result, in place. */
int lapack_getri(DType d, int n, void *a, const int *pivots, void *work, int lwork);
/* Reciprocal condition number in the 1-norm from getrf's result; norm: the 1-norm of the matrix.
   work: 4 n elements, iwork: n. */
double lapack_gecon(DType d, int n, const void *a, double norm, void *work, int *iwork);
/* The triangle that upper names becomes the factor: U'U or LL'. The other is not touched. */
int lapack_potrf(DType d, bool upper, int n, void *a);
/* a [m,n] = Q R; tau [min(m,n)]. orgqr makes n columns of Q [m,n] of the first k. */
int lapack_geqrf(DType d, int m, int n, void *a, void *tau, void *work, int lwork);
int lapack_orgqr(DType d, int m, int n, int k, void *a, const void *tau, void *work, int lwork);
/* a [m,n] = U diag(s) Vt. job 'N': s only; 'S': u [m,min], vt [min,n]; 'A': u [m,m], vt [n,n].
   iwork: 8 min(m,n). Destroys a. info > 0: no convergence. */
int lapack_gesdd(DType d, char job, int m, int n, void *a, void *s, void *u, void *vt, void *work,
                 int lwork, int *iwork);
/* Eigenvalues w, rising, of the symmetric matrix in one triangle of a; job 'V': a's columns become
   the eigenvectors, 'N': a is destroyed. iwork: 3 + 5 n. */
int lapack_syevd(DType d, char job, bool upper, int n, void *a, void *w, void *work, int lwork,
                 int *iwork);
/* Least squares: b [max(m,n), k] holds the right-hand sides, then the solutions in its first n rows.
   gels wants full rank; the others find the rank, counting singular values (gelsy: estimates) above
   rcond times the largest. jpvt: n; s: min(m,n); iwork: lapack_gelsd_iwork. */
int lapack_gels(DType d, int m, int n, int k, void *a, void *b, void *work, int lwork);
int lapack_gelsy(DType d, int m, int n, int k, void *a, void *b, int *jpvt, double rcond, int *rank,
                 void *work, int lwork);
int lapack_gelss(DType d, int m, int n, int k, void *a, void *b, void *s, double rcond, int *rank,
                 void *work, int lwork);
int lapack_gelsd(DType d, int m, int n, int k, void *a, void *b, void *s, double rcond, int *rank,
                 void *work, int lwork, int *iwork);
int lapack_gelsd_iwork(int m, int n);

/* b [n,k] row-major = op(t)^-1 b, t [n,n] row-major and triangular; ldb: b's row stride. */
void lapack_trsm(DType d, bool upper, bool transposed, bool unit, int n, int k, const void *t,
                 void *b, int ldb);

#endif
