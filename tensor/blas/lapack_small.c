/* LU, inverse, Cholesky and triangular solution of small matrices, by the textbook (Golub & Van Loan,
   Matrix Computations, chapters 3 and 4), in the type in hand. */
#include "lapack_small.h"

#include <math.h>
#include <stddef.h>

/* Column-major like LAPACK's: element (i, j) of a matrix of m rows is a[i + j m]. */
#define FACTORS(type, T, abs)                                                                      \
  static int getrf_##type(int m, int n, T *a, int *pivots) {                                       \
    int info = 0;                                                                                  \
    for (int j = 0; j < m && j < n; j++) {                                                         \
      int p = j;                                                                                   \
      for (int i = j + 1; i < m; i++) p = abs(a[i + j * m]) > abs(a[p + j * m]) ? i : p;           \
      pivots[j] = p + 1;                                                                           \
      if (a[p + j * m] == 0) {                                                                     \
        info = info ? info : j + 1;                                                                \
        continue;                                                                                  \
      }                                                                                            \
      for (int k = 0; p != j && k < n; k++) {                                                      \
        T v = a[j + k * m];                                                                        \
        a[j + k * m] = a[p + k * m];                                                               \
        a[p + k * m] = v;                                                                          \
      }                                                                                            \
      for (int i = j + 1; i < m; i++) a[i + j * m] /= a[j + j * m];                                \
      for (int k = j + 1; k < n; k++) {                                                            \
        for (int i = j + 1; i < m; i++) a[i + k * m] -= a[i + j * m] * a[j + k * m];               \
      }                                                                                            \
    }                                                                                              \
    return info;                                                                                   \
  }                                                                                                \
  /* The upper triangle becomes its inverse. */                                                    \
  static int invert_upper_##type(int n, T *a) {                                                    \
    for (int j = 0; j < n; j++) {                                                                  \
      if (a[j + j * n] == 0) return j + 1;                                                         \
    }                                                                                              \
    for (int j = 0; j < n; j++) {                                                                  \
      T *column = a + j * n, own = 1 / column[j];                                                  \
      for (int i = 0; i < j; i++) {                                                                \
        T sum = 0;                                                                                 \
        for (int k = i; k < j; k++) sum += a[i + k * n] * column[k];                               \
        column[i] = -own * sum;                                                                    \
      }                                                                                            \
      column[j] = own;                                                                             \
    }                                                                                              \
    return 0;                                                                                      \
  }                                                                                                \
  /* The inverse of L U, in which the columns of L's interchanges are still to be swapped. */      \
  static int invert_##type(int n, T *a) {                                                          \
    T lower[LAPACK_SMALL];                                                                         \
    int info = invert_upper_##type(n, a);                                                          \
    for (int j = n - 1; info == 0 && j >= 0; j--) {                                                \
      for (int i = j + 1; i < n; i++) {                                                            \
        lower[i] = a[i + j * n];                                                                   \
        a[i + j * n] = 0;                                                                          \
      }                                                                                            \
      for (int k = j + 1; k < n; k++) {                                                            \
        for (int i = 0; i < n; i++) a[i + j * n] -= a[i + k * n] * lower[k];                       \
      }                                                                                            \
    }                                                                                              \
    return info;                                                                                   \
  }                                                                                                \
  static int getri_##type(int n, T *a, const int *pivots) {                                        \
    int info = invert_##type(n, a);                                                                \
    for (int j = n - 1; info == 0 && j >= 0; j--) {                                                \
      int p = pivots[j] - 1;                                                                       \
      for (int i = 0; p != j && i < n; i++) {                                                      \
        T v = a[i + j * n];                                                                        \
        a[i + j * n] = a[i + p * n];                                                               \
        a[i + p * n] = v;                                                                          \
      }                                                                                            \
    }                                                                                              \
    return info;                                                                                   \
  }                                                                                                \
  static double gecon_##type(int n, const T *a, double norm) {                                     \
    T copy[LAPACK_SMALL * LAPACK_SMALL];                                                           \
    double most = 0;                                                                               \
    for (int i = 0; i < n * n; i++) copy[i] = a[i];                                                \
    if (invert_##type(n, copy) != 0) return 0;                                                     \
    for (int j = 0; j < n; j++) {                                                                  \
      double sum = 0;                                                                              \
      for (int i = 0; i < n; i++) sum += fabs((double)copy[i + j * n]);                            \
      most = sum > most || isnan(sum) ? sum : most;                                                \
    }                                                                                              \
    return n == 0 ? 1 : norm == 0 ? 0 : 1 / most / norm;                                           \
  }                                                                                                \
  /* down, right: to the next row and column of the factor, the triangle or its transpose. */      \
  static int potrf_##type(int n, T *a, int down, int right) {                                      \
    for (int j = 0; j < n; j++) {                                                                  \
      T own = a[j * (down + right)];                                                               \
      for (int k = 0; k < j; k++) own -= a[j * down + k * right] * a[j * down + k * right];        \
      if (!(own > 0)) return j + 1;                                                                \
      own = a[j * (down + right)] = (T)sqrt((double)own);                                          \
      for (int i = j + 1; i < n; i++) {                                                            \
        T v = a[i * down + j * right];                                                             \
        for (int k = 0; k < j; k++) v -= a[i * down + k * right] * a[j * down + k * right];        \
        a[i * down + j * right] = v / own;                                                         \
      }                                                                                            \
    }                                                                                              \
    return 0;                                                                                      \
  }                                                                                                \
  /* Element (i, p) of the triangle in use is t[i down + p right]; b is row-major. */              \
  static void trsm_##type(bool upper, bool unit, int n, int k, const T *t, int down, int right,    \
                          T *b, int ldb) {                                                         \
    for (int s = 0; s < n; s++) {                                                                  \
      int i = upper ? n - 1 - s : s, from = upper ? i + 1 : 0, end = upper ? n : i;                \
      T *row = b + (ptrdiff_t)i * ldb, own = t[i * (down + right)];                                \
      for (int p = from; p < end; p++) {                                                           \
        const T *other = b + (ptrdiff_t)p * ldb, by = t[i * down + p * right];                     \
        for (int c = 0; c < k; c++) row[c] -= by * other[c];                                       \
      }                                                                                            \
      for (int c = 0; !unit && c < k; c++) row[c] /= own;                                          \
    }                                                                                              \
  }
FACTORS(f32, float, fabsf)
FACTORS(f64, double, fabs)

int small_getrf(DType d, int m, int n, void *a, int *pivots) {
  return d == T_F64 ? getrf_f64(m, n, a, pivots) : getrf_f32(m, n, a, pivots);
}

int small_getri(DType d, int n, void *a, const int *pivots) {
  return d == T_F64 ? getri_f64(n, a, pivots) : getri_f32(n, a, pivots);
}

double small_gecon(DType d, int n, const void *a, double norm) {
  return d == T_F64 ? gecon_f64(n, a, norm) : gecon_f32(n, a, norm);
}

int small_potrf(DType d, bool upper, int n, void *a) {
  int down = upper ? n : 1, right = upper ? 1 : n;
  return d == T_F64 ? potrf_f64(n, a, down, right) : potrf_f32(n, a, down, right);
}

void small_trsm(DType d, bool upper, bool transposed, bool unit, int n, int k, const void *t,
                void *b, int ldb) {
  int down = transposed ? 1 : n, right = transposed ? n : 1;
  if (d == T_F64)
    trsm_f64(upper != transposed, unit, n, k, t, down, right, b, ldb);
  else
    trsm_f32(upper != transposed, unit, n, k, t, down, right, b, ldb);
}
