/* Matrix products: OpenBLAS, single-threaded, on panels whose cut depends on m, n and k alone.
   All matrices are row-major. op(a) is [m,k], op(b) is [k,n], c is [m,n]; lda, ldb, ldc are the
   row strides of the matrices as stored. c = op(a) op(b), plus beta c (with beta 0, c is not read), or
   plus bias, [n], in every row where that is not NULL.
   Where OpenBLAS has no memory to start with, or a size passes its integers, plain loops do it. */
#ifndef LUNETTE_GEMM_H
#define LUNETTE_GEMM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* One product in one call on the calling thread: for use inside a part of a team's job. */
void gemm_f32(bool ta, bool tb, int64_t m, int64_t n, int64_t k, const float *a, int64_t lda,
              const float *b, int64_t ldb, float beta, float *c, int64_t ldc);
void gemm_f64(bool ta, bool tb, int64_t m, int64_t n, int64_t k, const double *a, int64_t lda,
              const double *b, int64_t ldb, double beta, double *c, int64_t ldc);

/* The same, shared out to the team in fixed panels. scratch: gemm_scratch(...) bytes, or NULL when
   that is 0 (needed where panels run over k and their sums are added in order). */
size_t gemm_scratch(int64_t m, int64_t n, int64_t k, size_t itemsize);
void gemm_team_f32(bool ta, bool tb, int64_t m, int64_t n, int64_t k, const float *a, int64_t lda,
                   const float *b, int64_t ldb, const float *bias, float *c, int64_t ldc,
                   void *scratch);
void gemm_team_f64(bool ta, bool tb, int64_t m, int64_t n, int64_t k, const double *a, int64_t lda,
                   const double *b, int64_t ldb, const double *bias, double *c, int64_t ldc,
                   void *scratch);

/* Many products of one shape. The batch has nd dimensions; each step along dimension i moves a, b
   and c by sa[i], sb[i] and sc[i] elements (0 repeats a matrix; c must not repeat). */
enum { GEMM_DIMS = 16 };
typedef struct {
  int nd;
  int64_t size[GEMM_DIMS], sa[GEMM_DIMS], sb[GEMM_DIMS], sc[GEMM_DIMS];
} GemmBatch;

void gemm_batch_f32(const GemmBatch *batch, bool ta, bool tb, int64_t m, int64_t n, int64_t k,
                    const float *a, int64_t lda, const float *b, int64_t ldb, float *c,
                    int64_t ldc);
void gemm_batch_f64(const GemmBatch *batch, bool ta, bool tb, int64_t m, int64_t n, int64_t k,
                    const double *a, int64_t lda, const double *b, int64_t ldb, double *c,
                    int64_t ldc);

/* Has OpenBLAS set aside its buffers for so many products at a time. Its first product under an
   address limit would spin for ever, so this asks the system first; the team calls it at start. */
void gemm_reserve(int threads);
/* Are there any? Sets one aside if nobody has yet. */
bool gemm_ready(void);

/* "Cooperlake", "Haswell", ...: the kernels OpenBLAS chose. */
const char *gemm_core(void);

#endif
