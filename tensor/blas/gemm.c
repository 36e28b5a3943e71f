/* Owns matrix products: the calls into OpenBLAS, the cut into panels and the batches. */
#include "gemm.h"

#include <cblas.h>
#include <limits.h>
#include <string.h>

#include "../kernels/products.h"
#include "../machine/team.h"

static bool blas_ready(int64_t m, int64_t n, int64_t k, int64_t lda, int64_t ldb, int64_t ldc) {
  return gemm_ready() && m <= INT_MAX && n <= INT_MAX && k <= INT_MAX && lda <= INT_MAX &&
         ldb <= INT_MAX && ldc <= INT_MAX;
}

/* ---- one product ---- */

/* Zeros in rows that are ldc elements of `size` bytes apart. */
static void zero(int64_t m, int64_t n, void *c, int64_t ldc, size_t size) {
  if (ldc == n) n *= m, m = 1; /* as one row */
  for (int64_t i = 0; i < m; i++) memset((char *)c + (size_t)(i * ldc) * size, 0, (size_t)n * size);
}

static void clear_f32(int64_t m, int64_t n, float beta, float *c, int64_t ldc) {
  if (beta == 0) zero(m, n, c, ldc, sizeof *c);
  for (int64_t i = 0; beta != 0 && i < m; i++)
    for (int64_t j = 0; j < n; j++) c[i * ldc + j] *= beta;
}

static void clear_f64(int64_t m, int64_t n, double beta, double *c, int64_t ldc) {
  if (beta == 0) zero(m, n, c, ldc, sizeof *c);
  for (int64_t i = 0; beta != 0 && i < m; i++)
    for (int64_t j = 0; j < n; j++) c[i * ldc + j] *= beta;
}

static void loops_f32(bool ta, bool tb, int64_t m, int64_t n, int64_t k, const float *a,
                      int64_t lda, const float *b, int64_t ldb, float beta, float *c, int64_t ldc) {
  clear_f32(m, n, beta, c, ldc);
  for (int64_t i = 0; i < m; i++)
    for (int64_t l = 0; l < k; l++) {
      float x = ta ? a[l * lda + i] : a[i * lda + l];
      const float *row = tb ? b + l : b + l * ldb;
      int64_t step = tb ? ldb : 1;
      for (int64_t j = 0; j < n; j++) c[i * ldc + j] += x * row[j * step];
    }
}

static void loops_f64(bool ta, bool tb, int64_t m, int64_t n, int64_t k, const double *a,
                      int64_t lda, const double *b, int64_t ldb, double beta, double *c,
                      int64_t ldc) {
  clear_f64(m, n, beta, c, ldc);
  for (int64_t i = 0; i < m; i++)
    for (int64_t l = 0; l < k; l++) {
      double x = ta ? a[l * lda + i] : a[i * lda + l];
      const double *row = tb ? b + l : b + l * ldb;
      int64_t step = tb ? ldb : 1;
      for (int64_t j = 0; j < n; j++) c[i * ldc + j] += x * row[j * step];
    }
}

static CBLAS_TRANSPOSE op(bool transposed) { return transposed ? CblasTrans : CblasNoTrans; }

/* A matrix of one row or column has no row stride to speak of; BLAS still wants it sane. */
static int stride(int64_t ld, int64_t columns) {
  return (int)(ld < columns ? columns : ld < 1 ? 1 : ld);
}

/* A product with a vector, on the right (n = 1) or on the left (m = 1). */
static void vector_f32(bool ta, bool tb, int64_t m, int64_t n, int64_t k, const float *a,
                       int64_t lda, const float *b, int64_t ldb, float beta, float *c,
                       int64_t ldc) {
  int step_a = ta ? (int)lda : 1, step_b = tb ? 1 : (int)ldb;
  if (beta == 0) clear_f32(m, n, 0, c, ldc);
  if (m == 1 && n == 1) {
    c[0] = cblas_sdot((int)k, a, step_a, b, step_b) + (beta == 0 ? 0 : beta * c[0]);
  } else if (n == 1) {
    cblas_sgemv(CblasRowMajor, op(ta), (int)(ta ? k : m), (int)(ta ? m : k), 1, a,
                stride(lda, ta ? m : k), b, step_b, beta == 0 ? 1 : beta, c, (int)ldc);
  } else {
    cblas_sgemv(CblasRowMajor, op(!tb), (int)(tb ? n : k), (int)(tb ? k : n), 1, b,
                stride(ldb, tb ? k : n), a, step_a, beta == 0 ? 1 : beta, c, 1);
  }
}

static void vector_f64(bool ta, bool tb, int64_t m, int64_t n, int64_t k, const double *a,
                       int64_t lda, const double *b, int64_t ldb, double beta, double *c,
                       int64_t ldc) {
  int step_a = ta ? (int)lda : 1, step_b = tb ? 1 : (int)ldb;
  if (beta == 0) clear_f64(m, n, 0, c, ldc);
  if (m == 1 && n == 1) {
    c[0] = cblas_ddot((int)k, a, step_a, b, step_b) + (beta == 0 ? 0 : beta * c[0]);
  } else if (n == 1) {
    cblas_dgemv(CblasRowMajor, op(ta), (int)(ta ? k : m), (int)(ta ? m : k), 1, a,
                stride(lda, ta ? m : k), b, step_b, beta == 0 ? 1 : beta, c, (int)ldc);
  } else {
    cblas_dgemv(CblasRowMajor, op(!tb), (int)(tb ? n : k), (int)(tb ? k : n), 1, b,
                stride(ldb, tb ? k : n), a, step_a, beta == 0 ? 1 : beta, c, 1);
  }
}

enum { SMALL_ROWS = 32 }; /* beyond, BLAS packs better */

/* A product small enough to do without BLAS. A column is made as the transpose of a row: then the two
   matrices change places. */
typedef struct {
  bool turned;
  int64_t m, n, ra, ca, rb, cb, ldc;
} Small;

/* most: of the columns. Says whether it is one. */
static bool small(Small *s, bool ta, bool tb, int64_t m, int64_t n, int64_t k, int64_t lda,
                  int64_t ldb, int64_t ldc, int64_t most) {
  int64_t ra = ta ? 1 : lda, ca = ta ? lda : 1, rb = tb ? 1 : ldb, cb = tb ? ldb : 1;
  bool turned = n == 1 && ldc == 1 && m <= most;
  *s = turned ? (Small){true, 1, m, cb, rb, ca, ra, m} : (Small){false, m, n, ra, ca, rb, cb, ldc};
  return k <= PRODUCT_DEPTH && (turned || (m <= SMALL_ROWS && n <= most));
}

static bool small_f32(bool ta, bool tb, int64_t m, int64_t n, int64_t k, const float *a,
                      int64_t lda, const float *b, int64_t ldb, float *c, int64_t ldc) {
  const ProductLoops *loops = SIMD_PICK(product_loops);
  Small s;
  if (!small(&s, ta, tb, m, n, k, lda, ldb, ldc, loops->most_f32)) return false;
  loops->f32(s.m, s.n, k, s.turned ? b : a, s.ra, s.ca, s.turned ? a : b, s.rb, s.cb, c, s.ldc);
  return true;
}

static bool small_f64(bool ta, bool tb, int64_t m, int64_t n, int64_t k, const double *a,
                      int64_t lda, const double *b, int64_t ldb, double *c, int64_t ldc) {
  const ProductLoops *loops = SIMD_PICK(product_loops);
  Small s;
  if (!small(&s, ta, tb, m, n, k, lda, ldb, ldc, loops->most_f64)) return false;
  loops->f64(s.m, s.n, k, s.turned ? b : a, s.ra, s.ca, s.turned ? a : b, s.rb, s.cb, c, s.ldc);
  return true;
}

void gemm_f32(bool ta, bool tb, int64_t m, int64_t n, int64_t k, const float *a, int64_t lda,
              const float *b, int64_t ldb, float beta, float *c, int64_t ldc) {
  if (m <= 0 || n <= 0) return;
  if (k <= 0)
    clear_f32(m, n, beta, c, ldc);
  else if (beta == 0 && small_f32(ta, tb, m, n, k, a, lda, b, ldb, c, ldc))
    return;
  else if (!blas_ready(m, n, k, lda, ldb, ldc))
    loops_f32(ta, tb, m, n, k, a, lda, b, ldb, beta, c, ldc);
  else if (m == 1 || n == 1)
    vector_f32(ta, tb, m, n, k, a, lda, b, ldb, beta, c, ldc);
  else
    cblas_sgemm(CblasRowMajor, op(ta), op(tb), (int)m, (int)n, (int)k, 1, a,
                stride(lda, ta ? m : k), b, stride(ldb, tb ? k : n), beta, c, stride(ldc, n));
}

void gemm_f64(bool ta, bool tb, int64_t m, int64_t n, int64_t k, const double *a, int64_t lda,
              const double *b, int64_t ldb, double beta, double *c, int64_t ldc) {
  if (m <= 0 || n <= 0) return;
  if (k <= 0)
    clear_f64(m, n, beta, c, ldc);
  else if (beta == 0 && small_f64(ta, tb, m, n, k, a, lda, b, ldb, c, ldc))
    return;
  else if (!blas_ready(m, n, k, lda, ldb, ldc))
    loops_f64(ta, tb, m, n, k, a, lda, b, ldb, beta, c, ldc);
  else if (m == 1 || n == 1)
    vector_f64(ta, tb, m, n, k, a, lda, b, ldb, beta, c, ldc);
  else
    cblas_dgemm(CblasRowMajor, op(ta), op(tb), (int)m, (int)n, (int)k, 1, a,
                stride(lda, ta ? m : k), b, stride(ldb, tb ? k : n), beta, c, stride(ldc, n));
}

/* ---- panels ---- */

typedef struct {
  char along; /* 'm', 'n' or 'k' */
  int64_t parts, size;
} Cut;

#define SMALL_WORK  ((int64_t)1 << 21) /* multiplications below which one call is best */
#define VECTOR_WORK ((int64_t)1 << 18) /* the same with a vector, which wait for memory */
#define LARGE_WORK  ((int64_t)1 << 24) /* and those above which one of a batch is cut */
#define LONG_WORK   ((int64_t)1 << 30) /* and those done in one go: some 20 ms */
#define MOST_PARTS  64

static Cut cut_in(char along, int64_t extent, int64_t parts) {
  if (parts > 1) parts += parts % 2; /* even: two threads share it well */
  if (parts > MOST_PARTS) parts = MOST_PARTS;
  if (parts < 1) parts = 1;
  int64_t size = ((extent + parts - 1) / parts + 15) / 16 * 16;
  return (Cut){along, (extent + size - 1) / size, size};
}

/* The longer side is cut, because every panel packs the other matrix again; that counts for little in
   a panel of 768. Four panels at the least, so that a thread that comes late finds one to take. Short
   and narrow products over a long k are cut there. */
static Cut choose_cut(int64_t m, int64_t n, int64_t k) {
  const int64_t least = m == 1 || n == 1 ? VECTOR_WORK : SMALL_WORK;
  if (m <= 0 || n <= 0 || k <= 0 || (double)m * (double)n * (double)k < (double)least)
    return (Cut){'m', 1, m};
  char along = n >= m ? 'n' : 'm';
  int64_t longer = n >= m ? n : m;
  if (longer <= 256 && k >= 12 * longer) return cut_in('k', k, k < 8 * 512 ? k / 512 : 8);
  if (longer >= 512) return cut_in(along, longer, longer < 4 * 768 ? 4 : longer / 768);
  return cut_in(along, longer, longer / (longer >= 256 ? 128 : 64));
}

size_t gemm_scratch(int64_t m, int64_t n, int64_t k, size_t itemsize) {
  Cut cut = choose_cut(m, n, k);
  return cut.along == 'k' ? (size_t)(cut.parts - 1) * (size_t)m * (size_t)n * itemsize : 0;
}

typedef struct {
  Cut cut;
  bool ta, tb, wide; /* wide: float64 */
  int64_t m, n, k, lda, ldb, ldc;
  const void *a, *b, *bias; /* bias: [n], of every row, or NULL */
  void *c, *sums;
} Product;

static const void *at(const Product *p, const void *base, int64_t element) {
  return (const char *)base + element * (p->wide ? 8 : 4);
}

/* A long panel goes to BLAS some rows at a time, so that Ctrl-C is heard in between. */
static void multiply(const Product *p, int64_t m, int64_t n, int64_t k, const void *a,
                     const void *b, const void *bias, void *c, int64_t ldc) {
  int64_t rows = n > 0 && k > 0 ? LONG_WORK / n / k / 256 * 256 : m;
  if (rows < 256) rows = 256;
  for (int64_t from = 0; from < m && (from == 0 || !team_cut()); from += rows) {
    int64_t size = m - from < rows + rows / 2 ? m - from : rows;
    const void *here = at(p, a, p->ta ? from : from * p->lda);
    void *to = (void *)at(p, c, from * ldc);
    for (int64_t i = 0; bias && i < size; i++)
      memcpy((void *)at(p, to, i * ldc), bias, (size_t)n * (p->wide ? 8 : 4));
    if (p->wide)
      gemm_f64(p->ta, p->tb, size, n, k, here, p->lda, b, p->ldb, bias ? 1 : 0, to, ldc);
    else
      gemm_f32(p->ta, p->tb, size, n, k, here, p->lda, b, p->ldb, bias ? 1 : 0, to, ldc);
    if (size > rows) return;
  }
}

static void product_part(void *job, int64_t part) {
  const Product *p = job;
  int64_t m = p->m, n = p->n, k = p->k, ldc = p->ldc;
  int64_t extent = p->cut.along == 'm' ? m : p->cut.along == 'n' ? n : k;
  int64_t from = part * p->cut.size;
  int64_t size = extent - from < p->cut.size ? extent - from : p->cut.size;
  const void *a = p->a, *b = p->b, *bias = p->bias;
  void *c = p->c;
  if (p->cut.along == 'm') {
    m = size;
    a = at(p, a, p->ta ? from : from * p->lda);
    c = (void *)at(p, c, from * ldc);
  } else if (p->cut.along == 'n') {
    n = size;
    b = at(p, b, p->tb ? from * p->ldb : from);
    c = (void *)at(p, c, from);
    if (bias) bias = at(p, bias, from);
  } else {
    k = size;
    a = at(p, a, p->ta ? from * p->lda : from);
    b = at(p, b, p->tb ? from : from * p->ldb);
    if (part > 0) {
      c = (void *)at(p, p->sums, (part - 1) * m * n);
      ldc = n;
      bias = NULL;
    }
  }
  multiply(p, m, n, k, a, b, bias, c, ldc);
}

void gemm_team_f32(bool ta, bool tb, int64_t m, int64_t n, int64_t k, const float *a, int64_t lda,
                   const float *b, int64_t ldb, const float *bias, float *c, int64_t ldc,
                   void *scratch) {
  Product p = {choose_cut(m, n, k), ta, tb, false, m, n, k, lda, ldb, ldc, a, b, bias, c, scratch};
  team_run(p.cut.parts, product_part, &p);
  if (p.cut.along != 'k') return;
  const float *sum = scratch;
  for (int64_t part = 1; part < p.cut.parts; part++)
    for (int64_t i = 0; i < m; i++)
      for (int64_t j = 0; j < n; j++) c[i * ldc + j] += *sum++;
}

void gemm_team_f64(bool ta, bool tb, int64_t m, int64_t n, int64_t k, const double *a, int64_t lda,
                   const double *b, int64_t ldb, const double *bias, double *c, int64_t ldc,
                   void *scratch) {
  Product p = {choose_cut(m, n, k), ta, tb, true, m, n, k, lda, ldb, ldc, a, b, bias, c, scratch};
  team_run(p.cut.parts, product_part, &p);
  if (p.cut.along != 'k') return;
  const double *sum = scratch;
  for (int64_t part = 1; part < p.cut.parts; part++)
    for (int64_t i = 0; i < m; i++)
      for (int64_t j = 0; j < n; j++) c[i * ldc + j] += *sum++;
}

/* ---- batches ---- */

typedef struct {
  const GemmBatch *batch;
  Product p;           /* one product of the batch; its cut is never along k */
  int64_t count, each; /* products in all and in one part; each > 1 only when they are not cut */
} Batch;

/* A product that is not cut and done in one go. */
static void whole(const Product *p) {
  if (p->wide)
    gemm_f64(p->ta, p->tb, p->m, p->n, p->k, p->a, p->lda, p->b, p->ldb, 0, p->c, p->ldc);
  else
    gemm_f32(p->ta, p->tb, p->m, p->n, p->k, p->a, p->lda, p->b, p->ldb, 0, p->c, p->ldc);
}

static void batch_part(void *job, int64_t part) {
  const Batch *b = job;
  int64_t first = part / b->p.cut.parts * b->each;
  int64_t last = first + b->each < b->count ? first + b->each : b->count;
  for (int64_t item = first; item < last; item++) {
    Product p = b->p;
    int64_t rest = item, oa = 0, ob = 0, oc = 0;
    for (int d = b->batch->nd; d-- > 0;) {
      int64_t i = d > 0 ? rest % b->batch->size[d] : rest; /* a division costs a small product */
      if (d > 0) rest /= b->batch->size[d];
      oa += i * b->batch->sa[d];
      ob += i * b->batch->sb[d];
      oc += i * b->batch->sc[d];
    }
    p.a = at(&p, p.a, oa);
    p.b = at(&p, p.b, ob);
    p.c = (void *)at(&p, p.c, oc);
    if (b->each > 1)
      whole(&p);
    else
      product_part(&p, part % p.cut.parts);
  }
}

static void run_batch(const GemmBatch *batch, Product p) {
  int64_t count = 1;
  for (int d = 0; d < batch->nd; d++) count *= batch->size[d];
  if (count == 0) return;
  double work = (double)p.m * (double)p.n * (double)p.k;
  Batch b = {batch, p, count, 1};
  if (count >= 8 || work <= (double)LARGE_WORK || p.cut.along == 'k') b.p.cut = (Cut){'m', 1, p.m};
  if (b.p.cut.parts == 1 && work < (double)SMALL_WORK)
    b.each = work < 1 ? count : (int64_t)((double)SMALL_WORK / work) + 1;
  team_run((count + b.each - 1) / b.each * b.p.cut.parts, batch_part, &b);
}

void gemm_batch_f32(const GemmBatch *batch, bool ta, bool tb, int64_t m, int64_t n, int64_t k,
                    const float *a, int64_t lda, const float *b, int64_t ldb, float *c,
                    int64_t ldc) {
  run_batch(batch, (Product){choose_cut(m, n, k), ta, tb, false, m, n, k, lda, ldb, ldc, a, b, NULL,
                             c, NULL});
}

void gemm_batch_f64(const GemmBatch *batch, bool ta, bool tb, int64_t m, int64_t n, int64_t k,
                    const double *a, int64_t lda, const double *b, int64_t ldb, double *c,
                    int64_t ldc) {
  run_batch(batch, (Product){choose_cut(m, n, k), ta, tb, true, m, n, k, lda, ldb, ldc, a, b, NULL,
                             c, NULL});
}
