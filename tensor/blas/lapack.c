/* Owns the calls into LAPACK: prototypes, type dispatch, workspace queries. */
#include "lapack.h"

#include <cblas.h>
#include <limits.h>
#include <math.h>

#include "gemm.h"
#include "lapack_small.h"

/* Fortran's calling sequence: everything by address, and after the last argument the lengths of
   strings. Arrays are void here, so that one call serves both types. */
typedef const int *In;
typedef const char *Text;
typedef size_t Len;

#define PROTOTYPES(p)                                                                              \
  extern void p##getrf_(In m, In n, void *a, In lda, int *ipiv, int *info);                        \
  extern void p##getri_(In n, void *a, In lda, In ipiv, void *work, In lwork, int *info);          \
  extern void p##gecon_(Text norm, In n, const void *a, In lda, const void *anorm, void *rcond,    \
                        void *work, int *iwork, int *info, Len);                                   \
  extern void p##potrf_(Text uplo, In n, void *a, In lda, int *info, Len);                         \
  extern void p##geqrf_(In m, In n, void *a, In lda, void *tau, void *work, In lwork, int *info);  \
  extern void p##orgqr_(In m, In n, In k, void *a, In lda, const void *tau, void *work, In lwork,  \
                        int *info);                                                                \
  extern void p##gesdd_(Text job, In m, In n, void *a, In lda, void *s, void *u, In ldu, void *vt, \
                        In ldvt, void *work, In lwork, int *iwork, int *info, Len);                \
  extern void p##syevd_(Text job, Text uplo, In n, void *a, In lda, void *w, void *work, In lwork, \
                        int *iwork, In liwork, int *info, Len, Len);                               \
  extern void p##gels_(Text trans, In m, In n, In nrhs, void *a, In lda, void *b, In ldb,          \
                       void *work, In lwork, int *info, Len);                                      \
  extern void p##gelsy_(In m, In n, In nrhs, void *a, In lda, void *b, In ldb, int *jpvt,          \
                        const void *rcond, int *rank, void *work, In lwork, int *info);            \
  extern void p##gelss_(In m, In n, In nrhs, void *a, In lda, void *b, In ldb, void *s,            \
                        const void *rcond, int *rank, void *work, In lwork, int *info);            \
  extern void p##gelsd_(In m, In n, In nrhs, void *a, In lda, void *b, In ldb, void *s,            \
                        const void *rcond, int *rank, void *work, In lwork, int *iwork, int *info)
PROTOTYPES(s);
PROTOTYPES(d);

/* The routine of the type in hand. */
#define LAPACK(name, ...)                                                                          \
  do {                                                                                             \
    if (d == T_F64)                                                                                \
      d##name##_(__VA_ARGS__);                                                                     \
    else                                                                                           \
      s##name##_(__VA_ARGS__);                                                                     \
  } while (0)

/* A real argument in the type in hand. */
typedef union Real {
  float f;
  double d;
} Real;
static Real real(DType d, double v) { return d == T_F64 ? (Real){.d = v} : (Real){.f = (float)v}; }
static double value(DType d, Real r) { return d == T_F64 ? r.d : (double)r.f; }

static int least(int a, int b) { return a < b ? a : b; }
static int most(int a, int b) { return a > b ? a : b; }
static int ld(int rows) { return rows > 1 ? rows : 1; }

bool lapack_fits(int64_t m, int64_t n) {
  int64_t longest = m > n ? m : n;
  return longest <= INT_MAX / 64 && (m < 1 || n <= INT_MAX / 16 / m) &&
         (m > n ? n : m) * longest <= INT_MAX / 8;
}

bool lapack_ready(void) { return gemm_ready(); }

/* ---- LU and Cholesky ---- */

int lapack_getrf(DType d, int m, int n, void *a, int *pivots) {
  int info = 0, lda = ld(m);
  if (m <= LAPACK_SMALL && n <= LAPACK_SMALL) return small_getrf(d, m, n, a, pivots);
  LAPACK(getrf, &m, &n, a, &lda, pivots, &info);
  return info;
}

int lapack_getri(DType d, int n, void *a, const int *pivots, void *work, int lwork) {
  int info = 0, lda = ld(n);
  if (n <= LAPACK_SMALL && lwork >= 0) return small_getri(d, n, a, pivots);
  LAPACK(getri, &n, a, &lda, pivots, work, &lwork, &info);
  return info;
}

double lapack_gecon(DType d, int n, const void *a, double norm, void *work, int *iwork) {
  int info = 0, lda = ld(n);
  Real given = real(d, norm), rcond = real(d, 0);
  if (n <= LAPACK_SMALL) return small_gecon(d, n, a, norm);
  LAPACK(gecon, "1", &n, a, &lda, &given, &rcond, work, iwork, &info, 1);
  return value(d, rcond);
}

int lapack_potrf(DType d, bool upper, int n, void *a) {
  int info = 0, lda = ld(n);
  if (n <= LAPACK_SMALL) return small_potrf(d, upper, n, a);
  LAPACK(potrf, upper ? "U" : "L", &n, a, &lda, &info, 1);
  return info;
}

/* ---- QR ---- */

int lapack_geqrf(DType d, int m, int n, void *a, void *tau, void *work, int lwork) {
  int info = 0, lda = ld(m);
  LAPACK(geqrf, &m, &n, a, &lda, tau, work, &lwork, &info);
  return info;
}

int lapack_orgqr(DType d, int m, int n, int k, void *a, const void *tau, void *work, int lwork) {
  int info = 0, lda = ld(m);
  LAPACK(orgqr, &m, &n, &k, a, &lda, tau, work, &lwork, &info);
  return info;
}

/* ---- spectra ---- */

int lapack_gesdd(DType d, char job, int m, int n, void *a, void *s, void *u, void *vt, void *work,
                 int lwork, int *iwork) {
  int info = 0, lda = ld(m), ldu = lda, ldvt = ld(job == 'S' ? least(m, n) : n);
  LAPACK(gesdd, &job, &m, &n, a, &lda, s, u, &ldu, vt, &ldvt, work, &lwork, iwork, &info, 1);
  return info;
}

int lapack_syevd(DType d, char job, bool upper, int n, void *a, void *w, void *work, int lwork,
                 int *iwork) {
  int info = 0, lda = ld(n), liwork = 3 + 5 * n;
  LAPACK(syevd, &job, upper ? "U" : "L", &n, a, &lda, w, work, &lwork, iwork, &liwork, &info, 1, 1);
  return info;
}

/* ---- least squares ---- */

int lapack_gels(DType d, int m, int n, int k, void *a, void *b, void *work, int lwork) {
  int info = 0, lda = ld(m), ldb = ld(most(m, n));
  LAPACK(gels, "N", &m, &n, &k, a, &lda, b, &ldb, work, &lwork, &info, 1);
  return info;
}

int lapack_gelsy(DType d, int m, int n, int k, void *a, void *b, int *jpvt, double rcond, int *rank,
                 void *work, int lwork) {
  int info = 0, lda = ld(m), ldb = ld(most(m, n));
  Real r = real(d, rcond);
  LAPACK(gelsy, &m, &n, &k, a, &lda, b, &ldb, jpvt, &r, rank, work, &lwork, &info);
  return info;
}

int lapack_gelss(DType d, int m, int n, int k, void *a, void *b, void *s, double rcond, int *rank,
                 void *work, int lwork) {
  int info = 0, lda = ld(m), ldb = ld(most(m, n));
  Real r = real(d, rcond);
  LAPACK(gelss, &m, &n, &k, a, &lda, b, &ldb, s, &r, rank, work, &lwork, &info);
  return info;
}

int lapack_gelsd(DType d, int m, int n, int k, void *a, void *b, void *s, double rcond, int *rank,
                 void *work, int lwork, int *iwork) {
  int info = 0, lda = ld(m), ldb = ld(most(m, n));
  Real r = real(d, rcond);
  LAPACK(gelsd, &m, &n, &k, a, &lda, b, &ldb, s, &r, rank, work, &lwork, iwork, &info);
  return info;
}

/* From the LAPACK manual: smallest leaves of the divide-and-conquer tree hold 25 rows. */
int lapack_gelsd_iwork(int m, int n) {
  int least_size = most(1, least(m, n));
  int levels = most(0, (int)log2(least_size / 26.0) + 1);
  return least_size * (3 * levels + 11);
}

/* ---- workspace ---- */

int lapack_work(LapackRoutine routine, DType d, int m, int n, int k) {
  Real room = real(d, 1), none = {.d = 0};
  int query = -1, whole[2] = {0, 0};
  switch (routine) {
  case LAPACK_GETRI: lapack_getri(d, m, &none, whole, &room, query); break;
  case LAPACK_GEQRF: lapack_geqrf(d, m, n, &none, &none, &room, query); break;
  case LAPACK_ORGQR: lapack_orgqr(d, m, n, k, &none, &none, &room, query); break;
  case LAPACK_GESDD:
    lapack_gesdd(d, (char)k, m, n, &none, &none, &none, &none, &room, query, whole);
    break;
  case LAPACK_SYEVD: lapack_syevd(d, (char)k, true, m, &none, &none, &room, query, whole); break;
  case LAPACK_GELS: lapack_gels(d, m, n, k, &none, &none, &room, query); break;
  case LAPACK_GELSY:
    lapack_gelsy(d, m, n, k, &none, &none, whole, 0, whole + 1, &room, query);
    break;
  case LAPACK_GELSS: lapack_gelss(d, m, n, k, &none, &none, &none, 0, whole, &room, query); break;
  case LAPACK_GELSD:
    lapack_gelsd(d, m, n, k, &none, &none, &none, 0, whole, &room, query, whole + 1);
    break;
  }
  /* a float32 answer may have been rounded down */
  double size = value(d, room) * (1 + 1e-6) + 1;
  return size < 1 ? 1 : size > INT_MAX ? INT_MAX : (int)size;
}

/* ---- triangles ---- */

void lapack_trsm(DType d, bool upper, bool transposed, bool unit, int n, int k, const void *t,
                 void *b, int ldb) {
  CBLAS_UPLO uplo = upper ? CblasUpper : CblasLower;
  CBLAS_TRANSPOSE trans = transposed ? CblasTrans : CblasNoTrans;
  CBLAS_DIAG diag = unit ? CblasUnit : CblasNonUnit;
  if (n == 0 || k == 0) return;
  if (n <= LAPACK_SMALL && k <= LAPACK_SMALL) {
    small_trsm(d, upper, transposed, unit, n, k, t, b, ldb);
    return;
  }
  if (d == T_F64)
    cblas_dtrsm(CblasRowMajor, CblasLeft, uplo, trans, diag, n, k, 1, t, n, b, ldb);
  else
    cblas_strsm(CblasRowMajor, CblasLeft, uplo, trans, diag, n, k, 1, t, n, b, ldb);
}
