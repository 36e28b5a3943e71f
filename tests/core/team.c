/* The thread team and matrix products: every part once, cuts, forks; panels and batches against
   plain sums in double, with the same bits for any number of threads. */
#define _GNU_SOURCE
#include "check.h"

#include "../../tensor/blas/gemm.h"
#include "../../tensor/machine/team.h"

#include <sys/wait.h>
#include <unistd.h>

enum { THREADS = 3 }; /* bits are compared for 1..THREADS */

/* ---- the team ---- */

typedef struct {
  int *count;
  int64_t inner; /* parts of a job inside each part */
  atomic_int *raise, *inner_runs, *self_errors;
} Counting;

static void inner_part(void *job, int64_t part) {
  (void)part;
  atomic_fetch_add(((Counting *)job)->inner_runs, 1);
}

static void count_part(void *job, int64_t part) {
  Counting *c = job;
  c->count[part]++;
  if (team_self() < 0 || team_self() >= team_threads()) atomic_fetch_add(c->self_errors, 1);
  if (c->inner > 0) team_run(c->inner, inner_part, c);
  if (c->raise && part == 10) team_interrupt = 1;
}

static bool all_once(const int *count, int n) {
  for (int i = 0; i < n; i++)
    if (count[i] != 1) return false;
  return true;
}

static void test_parts(void) {
  enum { MOST = 3000 };
  static int count[MOST];
  atomic_int inner_runs = 0, self_errors = 0;
  for (int threads = 1; threads <= THREADS; threads++) {
    team_set_threads(threads);
    check(team_threads() == threads, "%d threads in use", threads);
    for (int n = 0; n < MOST; n = n < 40 ? n + 1 : 2 * n) {
      memset(count, 0, sizeof count);
      Counting c = {count, 0, NULL, &inner_runs, &self_errors};
      team_run(n, count_part, &c);
      check(all_once(count, n), "%d parts, once each, on %d threads", n, threads);
    }
    inner_runs = 0;
    memset(count, 0, sizeof count);
    Counting c = {count, 7, NULL, &inner_runs, &self_errors};
    team_run(20, count_part, &c);
    check(all_once(count, 20) && inner_runs == 140, "a job inside a part, %d threads", threads);
  }
  check(self_errors == 0, "team_self is in range");
}

static void test_cut(void) {
  enum { PARTS = 5000 };
  static int count[PARTS];
  atomic_int inner_runs = 0, self_errors = 0, raise = 1;
  for (int threads = 1; threads <= THREADS; threads++)
    for (int allow = 0; allow <= 1; allow++) {
      team_set_threads(threads);
      memset(count, 0, sizeof count);
      team_set_cut(allow ? TEAM_CUT : TEAM_WHOLE);
      Counting c = {count, 1, &raise, &inner_runs, &self_errors};
      team_run(PARTS, count_part, &c);
      int runs = 0;
      for (int i = 0; i < PARTS; i++) runs += count[i];
      check(team_was_cut() == (allow == 1), "was_cut answers %d", allow);
      if (allow)
        check(runs > 0 && runs < PARTS, "%d of %d parts before a cut", runs, PARTS);
      else
        check(runs == PARTS, "a job that may not be cut runs through");
      team_interrupt = 0;
      team_set_cut(TEAM_CUT);
      check(!team_was_cut(), "set_cut clears was_cut");
      team_run(3, count_part, &c);
      check(!team_was_cut(), "no cut without the flag");
      team_set_cut(TEAM_WHOLE);
    }
}

/* A short job in TEAM_CUT_LATE is whole, a long one ends; serial loops come in pieces. */
static void test_late(void) {
  int64_t at = 0, end, parts = 0;
  team_interrupt = 1;
  team_set_cut(TEAM_CUT_LATE);
  check(!team_cut() && !team_cut(), "no cut at once");
  usleep(60000);
  check(team_cut() && team_was_cut(), "a cut later");
  check(team_piece(0, 10) == 0, "no piece after a cut");
  check(team_set_cut(TEAM_WHOLE) == TEAM_CUT_LATE && team_was_cut(),
        "was_cut stays while the flag is up");
  for (; (end = team_piece(at, 1000000)) > at; at = end) parts++;
  check(at == 1000000 && parts > 1, "a loop of %d pieces", (int)parts);
  team_interrupt = 0;
  team_set_cut(TEAM_WHOLE);
  check(!team_was_cut(), "the flag is down");
}

/* ThreadSanitizer ends a child that starts threads. */
static void test_fork(void) {
#ifndef __SANITIZE_THREAD__
  static int count[100];
  atomic_int inner_runs = 0, self_errors = 0;
  Counting c = {count, 0, NULL, &inner_runs, &self_errors};
  team_set_threads(THREADS);
  team_run(100, count_part, &c);
  fflush(stdout);
  pid_t child = fork();
  if (child == 0) {
    static float a[64 * 600], b[600 * 64], product[64 * 64];
    alarm(20);
    memset(count, 0, sizeof count);
    team_run(100, count_part, &c);
    gemm_team_f32(false, false, 64, 64, 600, a, 600, b, 64, NULL, product, 64, NULL);
    _exit(all_once(count, 100) ? 0 : 1);
  }
  int status = -1;
  waitpid(child, &status, 0);
  check(WIFEXITED(status) && WEXITSTATUS(status) == 0, "the team works in a child");
  memset(count, 0, sizeof count);
  team_run(100, count_part, &c);
  check(all_once(count, 100), "the team works on in the parent");
#endif
}

/* ---- products ---- */

typedef struct {
  bool ta, tb;
  int64_t m, n, k, lda, ldb, ldc;
  const void *bias; /* [n] or NULL */
} Shape;

static void *noisy(int64_t n, size_t itemsize) {
  char *p = malloc((size_t)n * itemsize + 1);
  for (int64_t i = 0; i < n; i++)
    if (itemsize == 4)
      ((float *)p)[i] = (float)noise();
    else
      ((double *)p)[i] = noise();
  return p;
}

static double value(const void *p, size_t itemsize, int64_t i) {
  return itemsize == 4 ? (double)((const float *)p)[i] : ((const double *)p)[i];
}

/* The largest error of c against plain sums, in units of sum |a||b| + |bias|. */
static double product_error(const Shape *s, size_t z, const void *a, const void *b, const void *c) {
  double worst = 0;
  for (int64_t i = 0; i < s->m; i++)
    for (int64_t j = 0; j < s->n; j++) {
      double old = s->bias ? value(s->bias, z, j) : 0;
      double sum = old, size = fabs(old) + 1e-30;
      for (int64_t l = 0; l < s->k; l++) {
        double x = value(a, z, s->ta ? l * s->lda + i : i * s->lda + l) *
                   value(b, z, s->tb ? j * s->ldb + l : l * s->ldb + j);
        sum += x;
        size += fabs(x);
      }
      double error = fabs(value(c, z, i * s->ldc + j) - sum) / size;
      if (!(error <= worst)) worst = error;
    }
  return worst;
}

static void multiply(const Shape *s, size_t z, const void *a, const void *b, void *c,
                     void *scratch) {
  if (z == 4)
    gemm_team_f32(s->ta, s->tb, s->m, s->n, s->k, a, s->lda, b, s->ldb, s->bias, c, s->ldc,
                  scratch);
  else
    gemm_team_f64(s->ta, s->tb, s->m, s->n, s->k, a, s->lda, b, s->ldb, s->bias, c, s->ldc,
                  scratch);
}

static void test_product(Shape s, size_t z, bool bias) {
  int64_t rows_a = s.ta ? s.k : s.m, rows_b = s.tb ? s.n : s.k, size = s.m * s.ldc;
  void *a = noisy(rows_a * s.lda, z), *b = noisy(rows_b * s.ldb, z);
  void *row = noisy(s.n, z), *c0 = noisy(size, z), *c = malloc((size_t)size * z + 1),
       *first = malloc((size_t)size * z + 1);
  s.bias = bias ? row : NULL;
  size_t need = gemm_scratch(s.m, s.n, s.k, z);
  void *scratch = need ? malloc(need) : NULL;
  for (int threads = 1; threads <= THREADS; threads++) {
    team_set_threads(threads);
    memcpy(c, c0, (size_t)size * z);
    multiply(&s, z, a, b, c, scratch);
    if (threads == 1) memcpy(first, c, (size_t)size * z);
    check(memcmp(c, first, (size_t)size * z) == 0, "product %ldx%ldx%ld: bits at %d threads",
          (long)s.m, (long)s.n, (long)s.k, threads);
  }
  double error = product_error(&s, z, a, b, c), bound = z == 4 ? 4e-6 : 1e-14;
  check(error <= bound, "product %ldx%ldx%ld %d%d: error %g", (long)s.m, (long)s.n, (long)s.k, s.ta,
        s.tb, error);
  bool kept = true; /* what lies between the rows of c */
  for (int64_t i = 0; i < s.m; i++)
    for (int64_t j = s.n; j < s.ldc; j++)
      kept &= value(c, z, i * s.ldc + j) == value(c0, z, i * s.ldc + j);
  check(kept, "product %ldx%ldx%ld writes c alone", (long)s.m, (long)s.n, (long)s.k);
  free(a), free(b), free(row), free(c0), free(c), free(first), free(scratch);
}

static void test_products(void) {
  static const int64_t sizes[][3] = {{1, 1, 1},      {3, 5, 7},      {1, 600, 300},  {600, 1, 300},
                                     {1, 1, 5000},   {32, 128, 784}, {128, 784, 32}, {530, 40, 120},
                                     {40, 530, 120}, {300, 310, 90}, {20, 30, 9000}, {7, 3, 70000},
                                     {64, 64, 600},  {5, 4, 0}};
  for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++)
    for (int kind = 0; kind < 8; kind++) {
      Shape s = {kind & 1, kind & 2, sizes[i][0], sizes[i][1], sizes[i][2], 0, 0, 0, NULL};
      bool loose = kind >= 4;
      s.lda = (s.ta ? s.m : s.k) + (loose ? 3 : 0);
      s.ldb = (s.tb ? s.k : s.n) + (loose ? 5 : 0);
      s.ldc = s.n + (loose ? 2 : 0);
      test_product(s, 4, loose);
      test_product(s, 8, loose);
    }
  float nan[2] = {NAN, NAN}, one[2] = {1, 1};
  gemm_team_f32(false, false, 2, 1, 1, one, 1, one, 1, NULL, nan, 1, NULL);
  check(nan[0] == 1 && nan[1] == 1, "without a bias c is not read");
}

/* [2,1,m,k] times [1,3,k,n]. */
static void test_batch(int64_t m, int64_t n, int64_t k, size_t z) {
  GemmBatch batch = {2, {2, 3}, {m * k, 0}, {0, k * n}, {3 * m * n, m * n}};
  void *a = noisy(2 * m * k, z), *b = noisy(3 * k * n, z), *first = NULL;
  size_t size = (size_t)(6 * m * n) * z;
  for (int threads = 1; threads <= THREADS; threads++) {
    char *c = malloc(size);
    team_set_threads(threads);
    if (z == 4)
      gemm_batch_f32(&batch, false, false, m, n, k, a, k, b, n, (float *)c, n);
    else
      gemm_batch_f64(&batch, false, false, m, n, k, a, k, b, n, (double *)c, n);
    if (first) check(memcmp(c, first, size) == 0, "batch: bits at %d threads", threads);
    for (int64_t i = 0; i < 6; i++) {
      Shape s = {false, false, m, n, k, k, n, n, NULL};
      double error =
          product_error(&s, z, (char *)a + (size_t)(i / 3 * m * k) * z,
                        (char *)b + (size_t)(i % 3 * k * n) * z, c + (size_t)(i * m * n) * z);
      check(error <= (z == 4 ? 4e-6 : 1e-14), "batch %ldx%ldx%ld: error %g", (long)m, (long)n,
            (long)k, error);
    }
    if (first)
      free(c);
    else
      first = c;
  }
  free(a), free(b), free(first);
}

int main(void) {
  test_parts();
  test_cut();
  test_late();
  test_fork();
  test_products();
  for (size_t z = 4; z <= 8; z += 4) {
    test_batch(3, 4, 5, z);
    test_batch(24, 24, 64, z);
    test_batch(256, 200, 64, z);
  }
  return checks_report("core/team");
}
