/* Softmax, cross-entropy and normalisation at every level: float64 forward against the formulas
   written out here, float64 backward against central differences, float32 against float64. */
#include "check.h"

#include "../../tensor/dtype.h"
#include "../../tensor/kernels/norm/norm.h"
#include "../../tensor/kernels/softmax/softmax.h"

enum { MOST = 6000 };

typedef double Buffer[MOST];

static void fill(double *x, int64_t n, double scale) {
  for (int64_t i = 0; i < n; i++) x[i] = noise() * scale;
}

static void narrow(const double *x, int64_t n, float *y) {
  for (int64_t i = 0; i < n; i++) y[i] = (float)x[i];
}

/* Rounds to float32, so that both types see the same values. */
static void round_all(double *x, int64_t n) {
  for (int64_t i = 0; i < n; i++) x[i] = (double)(float)x[i];
}

static double farthest(const float *a, const double *b, int64_t n) {
  double far = 0;
  for (int64_t i = 0; i < n; i++) far = fmax(far, fabs((double)a[i] - b[i]));
  return far;
}

/* A function of x[0..n-1] to y[0..m-1]; the gradient under test claims gx for the sum of g y. */
typedef void (*Function)(const void *how, const double *x, double *y);

/* Largest error of gx against central differences, relative to the largest entry. */
static double slope_error(Function f, const void *how, double *x, int64_t n, const double *g,
                          int64_t m, const double *gx) {
  static Buffer up, down;
  double worst = 0, top = 1e-3;
  for (int64_t i = 0; i < n; i++) {
    double keep = x[i], h = 1e-5, d = 0;
    x[i] = keep + h;
    f(how, x, up);
    x[i] = keep - h;
    f(how, x, down);
    x[i] = keep;
    for (int64_t j = 0; j < m; j++) d += g[j] * (up[j] - down[j]) / (2 * h);
    worst = fmax(worst, fabs(d - gx[i]));
    top = fmax(top, fabs(d));
  }
  return worst / top;
}

/* ---- softmax ---------------------------------------------------------------------------------- */

typedef struct {
  const SoftmaxOps *ops;
  int64_t rows, n;
  CrossEntropy loss;
} Rows;

static void run_softmax(const void *how, const double *x, double *y) {
  const Rows *r = how;
  r->ops->softmax(r->rows, r->n, x, y);
}
static void run_log_softmax(const void *how, const double *x, double *y) {
  const Rows *r = how;
  r->ops->log_softmax(r->rows, r->n, x, y);
}
static void run_logsumexp(const void *how, const double *x, double *y) {
  const Rows *r = how;
  r->ops->logsumexp(r->rows, r->n, x, y);
}
/* lse, then the losses. */
static void losses(const SoftmaxOps *ops, const CrossEntropy *c, void *loss, double *lse) {
  ops->logsumexp(c->rows, c->n, c->x, lse);
  ops->cross_entropy(c, lse, loss);
}
static void run_loss(const void *how, const double *x, double *y) {
  const Rows *r = how;
  CrossEntropy c = r->loss;
  double lse[64];
  c.x = x;
  losses(r->ops, &c, y, lse);
}

/* Against the definition in long double. */
static void test_softmax_values(const SoftmaxOps *ops, int64_t rows, int64_t n) {
  static Buffer x, y, z, lse;
  fill(x, rows * n, 20);
  ops->softmax(rows, n, x, y);
  ops->log_softmax(rows, n, x, z);
  ops->logsumexp(rows, n, x, lse);
  double worst = 0;
  for (int64_t r = 0; r < rows; r++) {
    long double sum = 0;
    for (int64_t i = 0; i < n; i++) sum += expl(x[r * n + i]);
    worst = fmax(worst, fabs((double)(logl(sum) - lse[r])));
    for (int64_t i = r * n; i < (r + 1) * n; i++) {
      worst = fmax(worst, fabs((double)(expl(x[i]) / sum - y[i])));
      worst = fmax(worst, fabs((double)(x[i] - logl(sum) - z[i])));
    }
  }
  check(worst < 1e-13, "softmax of %d: off by %g", (int)n, worst);
}

static void test_softmax_slopes(const SoftmaxOps *ops, int64_t rows, int64_t n) {
  static Buffer x, y, g, gx, lse;
  Rows how = {.ops = ops, .rows = rows, .n = n};
  fill(x, rows * n, 3);
  fill(g, rows * n, 1);
  ops->softmax(rows, n, x, y);
  ops->softmax_back(rows, n, y, g, gx);
  double e = slope_error(run_softmax, &how, x, rows * n, g, rows * n, gx);
  check(e < 1e-8, "slope of softmax: %g", e);
  ops->log_softmax(rows, n, x, y);
  ops->log_softmax_back(rows, n, y, g, gx);
  e = slope_error(run_log_softmax, &how, x, rows * n, g, rows * n, gx);
  check(e < 1e-8, "slope of log_softmax: %g", e);
  ops->logsumexp(rows, n, x, lse);
  ops->logsumexp_back(rows, n, x, lse, g, gx);
  e = slope_error(run_logsumexp, &how, x, rows * n, g, rows, gx);
  check(e < 1e-8, "slope of logsumexp: %g", e);
}

/* loss = (1-s) w_t (-log p_t) + s/n sum w_c (-log p_c) */
static void test_loss(const SoftmaxOps *ops, bool weighted, double smoothing) {
  enum { R = 6, N = 7 };
  static Buffer x, y, g, gx, lse, w;
  int64_t ids[R] = {0, 3, -1, 6, 2, 2};
  fill(x, R * N, 3);
  fill(g, R, 1);
  for (int i = 0; i < N; i++) w[i] = 0.5 + i;
  Rows how = {ops, R, N, {R, N, x, ids, weighted ? w : NULL, smoothing}};
  losses(ops, &how.loss, y, lse);
  double worst = 0;
  for (int r = 0; r < R; r++) {
    long double sum = 0, want = 0;
    for (int i = 0; i < N; i++) sum += expl(x[r * N + i]);
    for (int i = 0; i < N && ids[r] >= 0; i++) {
      long double share = (i == ids[r] ? 1 - smoothing : 0) + smoothing / N;
      want -= share * (weighted ? w[i] : 1) * (x[r * N + i] - logl(sum));
    }
    worst = fmax(worst, fabs((double)(want - y[r])));
  }
  check(worst < 1e-13, "cross entropy, smoothing %g: off by %g", smoothing, worst);
  ops->cross_entropy_back(&how.loss, lse, g, gx);
  double e = slope_error(run_loss, &how, x, R * N, g, R, gx);
  check(e < 1e-8, "slope of cross entropy, smoothing %g: %g", smoothing, e);
}

/* float32 against float64 on the same values. */
static void test_softmax_f32(const SoftmaxOps *f, const SoftmaxOps *d, int64_t rows, int64_t n,
                             const char *at) {
  static Buffer x, g, y, gx, z, gz, lse, w;
  static float xf[MOST], gf[MOST], yf[MOST], gxf[MOST], wf[MOST];
  static double lsef[MOST];
  int64_t ids[64], all = rows * n;
  fill(x, all, 10);
  fill(g, all, 1);
  for (int64_t i = 0; i < n; i++) w[i] = 0.5 + noise() / 4;
  for (int64_t r = 0; r < rows; r++) ids[r] = r % 5 == 4 ? -1 : (r * 7) % n;
  round_all(x, all), round_all(g, all), round_all(w, n);
  narrow(x, all, xf), narrow(g, all, gf), narrow(w, n, wf);
  d->softmax(rows, n, x, y);
  d->softmax_back(rows, n, y, g, gx);
  f->softmax(rows, n, xf, yf);
  f->softmax_back(rows, n, yf, gf, gxf);
  double e = fmax(farthest(yf, y, all), farthest(gxf, gx, all));
  check(e < 5e-7, "softmax of %d at %s: %g from float64", (int)n, at, e);
  d->log_softmax(rows, n, x, z);
  d->log_softmax_back(rows, n, z, g, gz);
  f->log_softmax(rows, n, xf, yf);
  f->log_softmax_back(rows, n, yf, gf, gxf);
  e = fmax(farthest(yf, z, all) / 4, farthest(gxf, gz, all) / (1 + (double)n / 16));
  check(e < 1e-6, "log_softmax of %d at %s: %g from float64", (int)n, at, e);
  for (int way = 0; way < 3; way++) {
    CrossEntropy c = {rows, n, x, ids, way ? w : NULL, way > 1 ? 0.1 : 0}, cf = c;
    cf.x = xf;
    cf.weight = way ? wf : NULL;
    losses(d, &c, y, lse);
    d->cross_entropy_back(&c, lse, g, gx);
    losses(f, &cf, yf, lsef);
    f->cross_entropy_back(&cf, lsef, gf, gxf);
    e = fmax(farthest(yf, y, rows) / 20, farthest(gxf, gx, all));
    check(e < 5e-7, "cross entropy of %d at %s: %g from float64", (int)n, at, e);
  }
}

/* Large logits lose nothing; infinite ones give what PyTorch gives. */
static void test_softmax_limits(const SoftmaxOps *f, const char *at) {
  float x[4] = {10000, 10001, 9000, 10000.5f}, y[4], low[3], one[3] = {-INFINITY, 0, 1};
  float loss[1];
  double lse[1];
  int64_t id = 1;
  f->softmax(1, 4, x, y);
  check(fabs((double)y[1] - 0.506480391) < 1e-7 && y[2] == 0, "softmax of large at %s", at);
  CrossEntropy c = {1, 4, x, &id, NULL, 0};
  losses(f, &c, loss, lse);
  check(fabs((double)loss[0] - 0.680269746) < 1e-7, "loss of large at %s: %.9g", at,
        (double)loss[0]);
  f->softmax(1, 3, one, y);
  check(y[0] == 0 && fabs((double)y[1] - 0.268941421) < 1e-7, "softmax of -inf at %s", at);
  for (int i = 0; i < 3; i++) low[i] = -INFINITY;
  f->softmax(1, 3, low, y);
  check(isnan(y[0]), "softmax of nothing but -inf at %s", at);
  f->logsumexp(1, 3, low, lse);
  check(lse[0] == -INFINITY, "logsumexp of nothing but -inf at %s", at);
  low[2] = NAN;
  f->softmax(1, 3, low, y);
  f->logsumexp(1, 3, low, lse);
  check(isnan(y[0]) && isnan(lse[0]), "softmax of NaN at %s", at);
}

/* ---- normalisation ---------------------------------------------------------------------------- */

typedef struct {
  const NormOps *ops;
  LayerNorm layer;
  BatchNorm batch;
  int argument; /* which of x, gamma, beta is varied */
  bool trained;
} Norm;

static void run_layer(const void *how, const double *v, double *y) {
  const Norm *k = how;
  LayerNorm s = k->layer;
  double mean[64], rstd[64];
  s.mean = mean, s.rstd = rstd;
  *(k->argument == 0 ? &s.x : k->argument == 1 ? &s.gamma : &s.beta) = v;
  k->ops->layer(&s, y);
}

static void run_batch(const void *how, const double *v, double *y) {
  const Norm *k = how;
  BatchNorm s = k->batch;
  double mean[64], rstd[64];
  s.mean = mean, s.rstd = rstd;
  if (k->trained) s.running_mean = s.running_var = NULL;
  *(k->argument == 0 ? &s.x : k->argument == 1 ? &s.gamma : &s.beta) = v;
  (k->trained ? k->ops->batch_train : k->ops->batch_eval)(&s, y);
}

static void test_layer(const NormOps *ops) {
  enum { R = 5, N = 9 };
  static Buffer x, y, g, gamma, beta, gx, dg, db, mean, rstd;
  fill(x, R * N, 2), fill(g, R * N, 1), fill(gamma, N, 1), fill(beta, N, 1);
  Norm how = {.ops = ops, .layer = {R, N, x, gamma, beta, 1e-5, mean, rstd}};
  ops->layer(&how.layer, y);
  double worst = 0;
  for (int r = 0; r < R; r++) {
    double m = 0, v = 0;
    for (int i = 0; i < N; i++) m += x[r * N + i] / N;
    for (int i = 0; i < N; i++) v += pow(x[r * N + i] - m, 2) / N;
    for (int i = 0; i < N; i++) {
      double want = (x[r * N + i] - m) / sqrt(v + 1e-5) * gamma[i] + beta[i];
      worst = fmax(worst, fabs(want - y[r * N + i]));
    }
  }
  check(worst < 1e-13, "layer norm is off by %g", worst);
  ops->layer_back(&how.layer, g, gx, dg, db);
  double *vary[] = {x, gamma, beta}, *claim[] = {gx, dg, db};
  for (how.argument = 0; how.argument < 3; how.argument++) {
    int a = how.argument;
    double e = slope_error(run_layer, &how, vary[a], a ? N : R * N, g, R * N, claim[a]);
    check(e < 1e-8, "slope of layer norm, argument %d: %g", a, e);
  }
}

static void test_batch(const NormOps *ops, int64_t n, int64_t c, int64_t l, bool trained) {
  static Buffer x, y, g, gamma, beta, gx, dg, db, mean, rstd, rm, rv;
  int64_t all = n * c * l;
  fill(x, all, 2), fill(g, all, 1), fill(gamma, c, 1), fill(beta, c, 1), fill(rm, c, 1);
  for (int i = 0; i < c; i++) rv[i] = 1 + i;
  double before_mean = rm[0], before_var = rv[0];
  Norm how = {.ops = ops, .trained = trained};
  how.batch = (BatchNorm){n, c, l, 0, c, x, gamma, beta, 1e-5, mean, rstd, rm, rv, 0.1};
  (trained ? ops->batch_train : ops->batch_eval)(&how.batch, y);
  double m = 0, v = 0, count = (double)(n * l);
  for (int64_t i = 0; i < n * l; i++) m += x[i / l * c * l + i % l] / count;
  for (int64_t i = 0; i < n * l; i++) v += pow(x[i / l * c * l + i % l] - m, 2) / count;
  double moved = fabs(rm[0] - (0.9 * before_mean + 0.1 * m)) +
                 fabs(rv[0] - (0.9 * before_var + 0.1 * v * count / (count - 1)));
  if (!trained) moved = fabs(rm[0] - before_mean) + fabs(rv[0] - before_var);
  check(moved < 1e-13, "running statistics: %g", moved);
  if (!trained) m = before_mean, v = before_var;
  double off = fabs(y[0] - ((x[0] - m) / sqrt(v + 1e-5) * gamma[0] + beta[0]));
  check(off < 1e-13, "batch norm is off by %g", off);
  ops->batch_back(&how.batch, trained, g, gx, dg, db);
  double *vary[] = {x, gamma, beta}, *claim[] = {gx, dg, db};
  for (how.argument = 0; how.argument < 3; how.argument++) {
    int a = how.argument;
    double e = slope_error(run_batch, &how, vary[a], a ? c : all, g, all, claim[a]);
    check(e < 1e-8, "slope of batch norm, argument %d: %g", a, e);
  }
}

static void test_layer_f32(const NormOps *f, const NormOps *d, int64_t rows, int64_t n, bool plain,
                           const char *at) {
  static Buffer x, y, g, gamma, beta, gx, dg, db, mean, rstd;
  static float xf[MOST], yf[MOST], gf[MOST], gammaf[MOST], betaf[MOST], gxf[MOST], dgf[MOST],
      dbf[MOST], meanf[64], rstdf[64];
  int64_t all = rows * n;
  fill(x, all, 2), fill(g, all, 1), fill(gamma, n, 1), fill(beta, n, 1);
  for (int64_t i = 0; i < all; i++) x[i] += 5;
  round_all(x, all), round_all(g, all), round_all(gamma, n), round_all(beta, n);
  narrow(x, all, xf), narrow(g, all, gf), narrow(gamma, n, gammaf), narrow(beta, n, betaf);
  LayerNorm s = {rows, n, x, plain ? NULL : gamma, plain ? NULL : beta, 1e-5, mean, rstd, false};
  LayerNorm sf = {rows,  n,     xf,   plain ? NULL : gammaf, plain ? NULL : betaf, 1e-5,
                  meanf, rstdf, false};
  d->layer(&s, y);
  d->layer_back(&s, g, gx, dg, db);
  f->layer(&sf, yf);
  f->layer_back(&sf, gf, gxf, dgf, dbf);
  double e = fmax(farthest(yf, y, all), farthest(gxf, gx, all));
  e = fmax(e, fmax(farthest(dgf, dg, n), farthest(dbf, db, n)) / 4);
  check(e < 4e-6, "layer norm of %d at %s: %g from float64", (int)n, at, e);
}

static void test_batch_f32(const NormOps *f, const NormOps *d, int64_t n, int64_t c, int64_t l,
                           int way, const char *at) {
  static Buffer x, y, g, gamma, beta, gx, dg, db, mean, rstd, rm, rv;
  static float xf[MOST], yf[MOST], gf[MOST], gammaf[MOST], betaf[MOST], gxf[MOST], dgf[MOST],
      dbf[MOST], meanf[MOST], rstdf[MOST], rmf[MOST], rvf[MOST];
  int64_t all = n * c * l;
  bool trained = way != 1, affine = way != 2;
  fill(x, all, 2), fill(g, all, 1), fill(gamma, c, 1), fill(beta, c, 1), fill(rm, c, 1);
  for (int64_t i = 0; i < all; i++) x[i] += 5;
  for (int64_t i = 0; i < c; i++) rv[i] = 1 + (double)i / 4;
  round_all(x, all), round_all(g, all), round_all(gamma, c), round_all(beta, c), round_all(rm, c);
  narrow(x, all, xf), narrow(g, all, gf), narrow(gamma, c, gammaf), narrow(beta, c, betaf);
  narrow(rm, c, rmf), narrow(rv, c, rvf);
  BatchNorm s = {n, c, l, 0, c, x, gamma, beta, 1e-5, mean, rstd, rm, rv, 0.1};
  BatchNorm sf = {n, c, l, 0, c, xf, gammaf, betaf, 1e-5, meanf, rstdf, rmf, rvf, 0.1};
  if (!affine) s.gamma = s.beta = sf.gamma = sf.beta = NULL;
  (trained ? d->batch_train : d->batch_eval)(&s, y);
  d->batch_back(&s, trained, g, gx, dg, db);
  for (sf.from = 0; sf.from < c; sf.from = sf.to) { /* in pieces */
    sf.to = sf.from + 3 < c ? sf.from + 3 : c;
    (trained ? f->batch_train : f->batch_eval)(&sf, yf);
    f->batch_back(&sf, trained, gf, gxf, dgf, dbf);
  }
  double e = fmax(farthest(yf, y, all), farthest(gxf, gx, all));
  e = fmax(e, fmax(farthest(rmf, rm, c), farthest(rvf, rv, c)));
  e = fmax(e, fmax(farthest(dgf, dg, c), farthest(dbf, db, c)) / 8);
  check(e < 1e-5, "batch norm of %dx%dx%d at %s: %g from float64", (int)n, (int)c, (int)l, at, e);
}

int main(void) {
  static const int64_t lengths[] = {1, 2, 9, 10, 16, 17, 63, 64, 65, 300, 1000};
  static const int64_t shapes[][3] = {{2, 3, 1},   {40, 5, 1},   {4, 3, 2},  {2, 7, 9},
                                      {5, 4, 250}, {10, 200, 1}, {1, 2, 700}};
  for (int level = 0; level <= simd_level(); level++) {
    const char *at = simd_name(level);
    const SoftmaxKernels *s = TABLE_AT(softmax_kernels, level);
    const NormKernels *n = TABLE_AT(norm_kernels, level);
    test_softmax_values(s->of[T_F64], 5, 33);
    test_softmax_slopes(s->of[T_F64], 3, 7);
    for (int way = 0; way < 4; way++) test_loss(s->of[T_F64], way & 1, way & 2 ? 0.2 : 0);
    test_softmax_limits(s->of[T_F32], at);
    test_layer(n->of[T_F64]);
    for (int way = 0; way < 2; way++) {
      test_batch(n->of[T_F64], 4, 3, 5, way);
      test_batch(n->of[T_F64], 6, 4, 1, way);
    }
    for (size_t i = 0; i < sizeof lengths / sizeof *lengths; i++) {
      test_softmax_f32(s->of[T_F32], s->of[T_F64], 6, lengths[i], at);
      if (lengths[i] < 100) test_softmax_f32(s->of[T_F32], s->of[T_F64], 40, lengths[i], at);
      for (int p = 0; p < 2 && lengths[i] > 2; p++)
        test_layer_f32(n->of[T_F32], n->of[T_F64], 6, lengths[i], p, at);
    }
    for (size_t i = 0; i < sizeof shapes / sizeof *shapes; i++) {
      const int64_t *k = shapes[i];
      for (int way = 0; way < 3 && k[0] * k[2] > 2; way++)
        test_batch_f32(n->of[T_F32], n->of[T_F64], k[0], k[1], k[2], way, at);
    }
  }
  return checks_report("core/rows");
}
