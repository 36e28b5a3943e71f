/* Convolution and pooling against plain loops in double, at every level the machine has: many
   shapes, borders, ties, NaN; with the same bits for any number of threads. */
#include "check.h"

#include "../../tensor/kernels/conv/conv.h"
#include "../../tensor/kernels/pool/pool.h"
#include "../../tensor/machine/team.h"

enum { THREADS = 3 };

/* A buffer of n items: filled with noise, or with NaN where a kernel must write. */
static void *noisy(int64_t n, size_t z) {
  void *p = malloc((size_t)n * z + 64);
  for (int64_t i = 0; i < n; i++)
    if (z == 4)
      ((float *)p)[i] = (float)noise();
    else
      ((double *)p)[i] = noise();
  return p;
}

static void *unset(int64_t n, size_t z) {
  void *p = aligned_alloc(64, ((size_t)n * z + 127) / 64 * 64);
  memset(p, 0xff, (size_t)n * z);
  return p;
}

static double value(const void *p, size_t z, int64_t i) {
  return z == 4 ? (double)((const float *)p)[i] : ((const double *)p)[i];
}

/* ---- convolution ---- */

/* A plain result and, by its side, the sum of the absolute terms: the measure of errors. */
typedef struct {
  double *sum, *size;
  int64_t n;
} Plain;

static Plain plain(int64_t n) {
  Plain p = {calloc((size_t)n, sizeof(double)), calloc((size_t)n, sizeof(double)), n};
  return p;
}

static void add(Plain *p, int64_t i, double x) {
  p->sum[i] += x;
  p->size[i] += fabs(x);
}

typedef struct {
  ConvShape s;
  size_t z;
  int64_t nx, nw, ny;
  void *x, *w, *gy, *bias, *xbias;
  Plain y, gx, gw, gbias;
} Case;

static void plain_conv(Case *t) {
  ConvShape s = t->s;
  int64_t from = s.c / s.groups, to = s.o / s.groups;
  for (int64_t i = 0; i < t->nx; i++) add(&t->gx, i, value(t->xbias, t->z, i / (s.h * s.w) % s.c));
  for (int64_t i = 0; i < t->ny; i++) {
    int64_t j = i % s.ow, k = i / s.ow % s.oh, o = i / (s.ow * s.oh) % s.o;
    int64_t image = i / (s.ow * s.oh * s.o);
    double gy = value(t->gy, t->z, i);
    add(&t->y, i, value(t->bias, t->z, o));
    add(&t->gbias, o, gy);
    for (int64_t r = 0; r < from * s.kh * s.kw; r++) {
      int64_t b = r % s.kw, a = r / s.kw % s.kh, c = r / (s.kw * s.kh);
      int64_t row = k * s.sh - s.ph + a * s.dh, col = j * s.sw - s.pw + b * s.dw;
      if (row < 0 || row >= s.h || col < 0 || col >= s.w) continue;
      int64_t at = ((image * s.c + o / to * from + c) * s.h + row) * s.w + col;
      int64_t weight = o * from * s.kh * s.kw + r;
      double x = value(t->x, t->z, at), w = value(t->w, t->z, weight);
      add(&t->y, i, x * w);
      add(&t->gx, at, gy * w);
      add(&t->gw, weight, gy * x);
    }
  }
}

static double worst(const Plain *p, const void *got, size_t z, bool relu) {
  double most = 0;
  for (int64_t i = 0; i < p->n; i++) {
    double want = relu && p->sum[i] < 0 ? 0 : p->sum[i];
    double error = fabs(value(got, z, i) - want) / (p->size[i] + 1e-30);
    if (!(error <= most)) most = error;
  }
  return most;
}

static void run_pass(const Case *t, const ConvKernels *k, int pass, bool relu, void *out, void *sum,
                     void *scratch) {
  const ConvShape *s = &t->s;
  if (t->z == 4) {
    if (pass == CONV_FORWARD)
      k->forward_f32(s, t->x, t->w, t->bias, relu, out, scratch);
    else if (pass == CONV_DX)
      k->dx_f32(s, t->gy, t->w, t->xbias, out, scratch);
    else
      k->dw_f32(s, t->x, t->gy, out, sum, scratch);
  } else {
    if (pass == CONV_FORWARD)
      k->forward_f64(s, t->x, t->w, t->bias, relu, out, scratch);
    else if (pass == CONV_DX)
      k->dx_f64(s, t->gy, t->w, t->xbias, out, scratch);
    else
      k->dw_f64(s, t->x, t->gy, out, sum, scratch);
  }
}

/* One pass at one level, for 1..THREADS threads. */
static void test_pass(const Case *t, int level, int pass, bool relu) {
  static const char *const names[] = {"forward", "dx", "dw"};
  const ConvKernels *k = TABLE_AT(conv_kernels, level);
  const Plain *want = pass == CONV_FORWARD ? &t->y : pass == CONV_DX ? &t->gx : &t->gw;
  void *first = NULL;
  ConvShape s = t->s;
  for (int threads = 1; threads <= THREADS; threads++) {
    team_set_threads(threads);
    size_t need = k->scratch(&s, pass, t->z);
    char *scratch = unset((int64_t)need + 64, 1);
    void *out = unset(want->n, t->z), *sum = unset(s.o, t->z);
    run_pass(t, k, pass, relu, out, sum, scratch);
    double error = worst(want, out, t->z, relu), bound = t->z == 4 ? 4e-6 : 1e-14;
    if (pass == CONV_DW) error = fmax(error, worst(&t->gbias, sum, t->z, false));
    bool inside = true;
    for (int i = 0; i < 64; i++) inside &= scratch[need + (size_t)i] == (char)0xff;
    check(error <= bound && inside,
          "%s %s f%d: error %g%s; n%ld c%ld %ldx%ld o%ld k%ldx%ld s%ld,%ld p%ld,%ld d%ld,%ld g%ld",
          names[pass], simd_name(level), (int)t->z * 8, error, inside ? "" : ", past its scratch",
          (long)s.n, (long)s.c, (long)s.h, (long)s.w, (long)s.o, (long)s.kh, (long)s.kw, (long)s.sh,
          (long)s.sw, (long)s.ph, (long)s.pw, (long)s.dh, (long)s.dw, (long)s.groups);
    if (first) {
      check(memcmp(first, out, (size_t)want->n * t->z) == 0, "%s %s: bits at %d threads",
            names[pass], simd_name(level), threads);
      free(out);
    } else {
      first = out;
    }
    free(scratch), free(sum);
  }
  free(first);
}

/* Sizes as in ConvShape, without oh and ow; extra is output padding of the transposed form. */
static void test_conv(ConvShape s, int extra, size_t z) {
  s.oh = (s.h - extra + 2 * s.ph - s.dh * (s.kh - 1) - 1) / s.sh + 1;
  s.ow = (s.w - extra + 2 * s.pw - s.dw * (s.kw - 1) - 1) / s.sw + 1;
  Case t = {.s = s, .z = z};
  t.nx = s.n * s.c * s.h * s.w;
  t.nw = s.o * s.c / s.groups * s.kh * s.kw;
  t.ny = s.n * s.o * s.oh * s.ow;
  t.x = noisy(t.nx, z), t.w = noisy(t.nw, z), t.gy = noisy(t.ny, z);
  t.bias = noisy(s.o, z), t.xbias = noisy(s.c, z);
  t.y = plain(t.ny), t.gx = plain(t.nx), t.gw = plain(t.nw), t.gbias = plain(s.o);
  plain_conv(&t);
  for (int level = 0; level <= simd_level(); level++)
    for (int pass = CONV_FORWARD; pass <= CONV_DW; pass++) {
      test_pass(&t, level, pass, false);
      if (pass == CONV_FORWARD) test_pass(&t, level, pass, true);
    }
  free(t.x), free(t.w), free(t.gy), free(t.bias), free(t.xbias);
  Plain *all[] = {&t.y, &t.gx, &t.gw, &t.gbias};
  for (int i = 0; i < 4; i++) free(all[i]->sum), free(all[i]->size);
}

static void test_convs(void) {
  static const ConvShape shapes[] = {
      /* n c h w | o kh kw oh ow | sh sw ph pw dh dw | groups */
      {1, 1, 1, 1, 1, 1, 1, 0, 0, 1, 1, 0, 0, 1, 1, 1},
      {2, 1, 28, 28, 32, 3, 3, 0, 0, 1, 1, 0, 0, 1, 1, 1},
      {3, 32, 13, 13, 64, 3, 3, 0, 0, 1, 1, 0, 0, 1, 1, 1},
      {20, 64, 5, 5, 64, 3, 3, 0, 0, 1, 1, 0, 0, 1, 1, 1},
      {2, 20, 9, 12, 24, 3, 3, 0, 0, 1, 1, 1, 1, 1, 1, 1},
      {2, 70, 6, 7, 100, 3, 3, 0, 0, 2, 2, 1, 1, 1, 1, 1},
      {1, 12, 14, 14, 20, 5, 5, 0, 0, 2, 2, 2, 2, 1, 1, 1},
      {2, 10, 11, 8, 33, 2, 3, 0, 0, 1, 2, 0, 2, 1, 1, 1},
      {2, 10, 15, 16, 20, 3, 2, 0, 0, 2, 1, 2, 0, 2, 3, 1},
      {1, 10, 21, 23, 18, 3, 3, 0, 0, 3, 2, 4, 3, 2, 4, 1},
      {2, 40, 8, 8, 48, 1, 1, 0, 0, 1, 1, 0, 0, 1, 1, 1},
      {2, 40, 9, 8, 48, 1, 1, 0, 0, 2, 2, 0, 0, 1, 1, 1},
      {2, 4, 9, 8, 48, 1, 1, 0, 0, 1, 1, 1, 1, 1, 1, 1},
      {9, 320, 3, 3, 130, 1, 1, 0, 0, 1, 1, 0, 0, 1, 1, 1},
      {2, 24, 9, 9, 24, 3, 3, 0, 0, 1, 1, 1, 1, 1, 1, 24},
      {2, 24, 10, 9, 24, 3, 3, 0, 0, 2, 2, 1, 1, 1, 1, 24},
      {2, 6, 9, 9, 18, 3, 3, 0, 0, 1, 1, 1, 1, 1, 1, 6},
      {2, 24, 9, 9, 36, 3, 3, 0, 0, 1, 1, 1, 1, 1, 1, 2},
      {2, 3, 20, 17, 32, 3, 3, 0, 0, 2, 2, 1, 1, 1, 1, 1},
      {1, 16, 20, 17, 1, 5, 5, 0, 0, 1, 1, 2, 2, 1, 1, 1},
      {1, 2, 40, 70, 3, 7, 7, 0, 0, 2, 2, 3, 3, 1, 1, 1},
      {1, 16, 60, 50, 32, 3, 3, 0, 0, 1, 1, 1, 1, 1, 1, 1},
      {2, 8, 1, 300, 16, 1, 9, 0, 0, 1, 1, 0, 4, 1, 1, 1},
      {1, 10, 4, 4, 20, 3, 3, 0, 0, 1, 1, 5, 5, 1, 1, 1}, /* padding past the kernel's reach */
      {1, 2, 4, 4, 3, 3, 3, 0, 0, 1, 1, 5, 5, 1, 1, 1},
      {1, 12, 5, 5, 18, 1, 1, 0, 0, 3, 3, 0, 0, 1, 1, 1}, /* inputs that no output sees */
      {1, 2, 5, 5, 3, 1, 1, 0, 0, 3, 3, 0, 0, 1, 1, 1},
      {1, 600, 4, 4, 70, 3, 3, 0, 0, 1, 1, 1, 1, 1, 1, 1}, /* weights in several pieces */
      {2, 9, 15, 33, 9, 3, 3, 0, 0, 2, 2, 1, 1, 1, 1, 9},  /* depthwise, by rows */
      {1, 17, 20, 19, 17, 5, 5, 0, 0, 1, 1, 2, 2, 1, 1, 17},
      {3, 8, 17, 20, 8, 7, 5, 0, 0, 2, 2, 3, 2, 1, 1, 8},
      {1, 9, 12, 40, 9, 3, 3, 0, 0, 1, 1, 0, 0, 1, 2, 9},
      {2, 8, 6, 7, 8, 4, 2, 0, 0, 1, 1, 1, 1, 1, 1, 8},
      {2, 8, 11, 30, 8, 3, 3, 0, 0, 2, 2, 0, 1, 1, 3, 8},
      {2, 8, 9, 30, 8, 3, 3, 0, 0, 2, 2, 4, 4, 1, 1, 8},
      {4, 4, 13, 13, 4, 3, 3, 0, 0, 1, 1, 1, 1, 1, 1, 4},
      {1, 200, 20, 20, 18, 1, 1, 0, 0, 1, 1, 0, 0, 1, 1, 1}, /* in place, in several pieces */
      {2, 6, 40, 41, 7, 3, 3, 0, 0, 1, 1, 1, 1, 1, 1, 1},
      {1, 5, 32, 32, 6, 5, 5, 0, 0, 1, 1, 2, 2, 1, 1, 1},
      {16, 4, 9, 7, 4, 3, 1, 0, 0, 1, 1, 1, 0, 1, 1, 1},
      {4, 24, 16, 16, 15, 3, 3, 0, 0, 1, 1, 2, 2, 2, 2, 3},
      {1, 3, 1, 800, 8, 1, 3, 0, 0, 1, 1, 0, 1, 1, 1, 1},
      {2, 4, 10, 48, 5, 1, 1, 0, 0, 1, 1, 1, 0, 1, 1, 1},
      {3, 3, 32, 24, 20, 8, 8, 0, 0, 8, 8, 0, 0, 1, 1, 1}, /* wide strides */
      {2, 6, 31, 29, 8, 5, 7, 0, 0, 3, 4, 3, 2, 2, 1, 2},
      {9, 2, 300, 1, 100, 60, 1, 0, 0, 12, 1, 0, 0, 1, 1, 1},
      {1, 4, 500, 60, 10, 6, 6, 0, 0, 3, 3, 2, 2, 1, 1, 1},
      {1, 335, 111, 113, 335, 3, 3, 0, 0, 2, 2, 1, 1, 1, 1,
       335}, /* large results: past the caches */
      {1, 3, 112, 112, 336, 1, 1, 0, 0, 1, 1, 0, 0, 1, 1, 1},
      {1, 33, 16, 16, 16400, 1, 1, 0, 0, 1, 1, 0, 0, 1, 1, 1},
  };
  size_t count = sizeof shapes / sizeof *shapes;
  for (size_t i = 0; i < count; i++) {
    test_conv(shapes[i], 0, 4);
    if (i < 27 || i == count - 2) test_conv(shapes[i], 0, 8);
  }
  ConvShape wide = {2, 20, 14, 14, 24, 5, 5, 0, 0, 2, 2, 2, 2, 1, 1, 1}; /* output padding 1 */
  test_conv(wide, 1, 4);
  test_conv(wide, 1, 8);
}

/* ---- pooling ---- */

/* Windows over height and width. */
typedef struct {
  int64_t planes, h, w, oh, ow, kh, kw, sh, sw, ph, pw, dh, dw;
} Flat;

static PoolShape shape_of(Flat s, bool padded) {
  return (PoolShape){s.planes,
                     {{1, 1, 1, 1, 0, 1},
                      {s.h, s.oh, s.kh, s.sh, s.ph, s.dh},
                      {s.w, s.ow, s.kw, s.sw, s.pw, s.dw}},
                     padded,
                     0};
}

typedef struct {
  Flat s;
  size_t z;
  bool padded;
  int64_t inside, outside;
  void *x, *gy;
} Pool;

/* The plain answers for one output: its maximum's place, its sum and divisor. */
typedef struct {
  int64_t place;
  double sum, count;
} Answer;

static Answer plain_window(const Pool *t, int64_t plane, int64_t i, int64_t j) {
  Flat s = t->s;
  Answer a = {-1, 0, 0};
  for (int64_t p = 0; p < s.kh; p++)
    for (int64_t q = 0; q < s.kw; q++) {
      int64_t row = i * s.sh - s.ph + p * s.dh, col = j * s.sw - s.pw + q * s.dw;
      bool in = row >= 0 && row < s.h && col >= 0 && col < s.w;
      if (in || (t->padded && row < s.h + s.ph && col < s.w + s.pw)) a.count++;
      if (!in) continue;
      double v = value(t->x, t->z, (plane * s.h + row) * s.w + col);
      double best = a.place < 0 ? 0 : value(t->x, t->z, plane * s.h * s.w + a.place);
      a.sum += v;
      if (a.place < 0 || v > best || isnan(v)) a.place = row * s.w + col;
    }
  return a;
}

static bool near(double got, double want) {
  return got == want || (isnan(want) && isnan(got)) || fabs(got - want) <= 1e-5 * (1 + fabs(want));
}

static void compare(const Pool *t, const PoolKernels *k, void *out[5], int32_t *index) {
  Flat s = t->s;
  PoolShape shape = shape_of(s, t->padded);
  if (t->z == 4) {
    k->max_forward_f32(&shape, t->x, out[0], index);
    k->max_backward_f32(&shape, t->gy, index, out[1]);
    k->max_gather_f32(&shape, t->x, index, out[2]);
    if (s.dh == 1) k->avg_forward_f32(&shape, t->x, out[3]);
    if (s.dh == 1) k->avg_backward_f32(&shape, t->gy, out[4]);
  } else {
    k->max_forward_f64(&shape, t->x, out[0], index);
    k->max_backward_f64(&shape, t->gy, index, out[1]);
    k->max_gather_f64(&shape, t->x, index, out[2]);
    if (s.dh == 1) k->avg_forward_f64(&shape, t->x, out[3]);
    if (s.dh == 1) k->avg_backward_f64(&shape, t->gy, out[4]);
  }
  double *gmax = calloc((size_t)t->inside, sizeof(double));
  double *gavg = calloc((size_t)t->inside, sizeof(double));
  bool max = true, gather = true, avg = true, back = true;
  for (int64_t n = 0; n < t->outside; n++) {
    int64_t j = n % s.ow, i = n / s.ow % s.oh, plane = n / (s.ow * s.oh), first = plane * s.h * s.w;
    Answer a = plain_window(t, plane, i, j);
    double gy = value(t->gy, t->z, n), most = value(t->x, t->z, first + a.place);
    max &= index[n] == a.place && near(value(out[0], t->z, n), most);
    gather &= near(value(out[2], t->z, n), most);
    gmax[first + a.place] += gy;
    if (s.dh > 1) continue;
    avg &= near(value(out[3], t->z, n), a.sum / a.count);
    for (int64_t p = 0; p < s.kh * s.kw; p++) {
      int64_t row = i * s.sh - s.ph + p / s.kw, col = j * s.sw - s.pw + p % s.kw;
      if (row < 0 || row >= s.h || col < 0 || col >= s.w) continue;
      gavg[first + row * s.w + col] += gy / a.count;
    }
  }
  for (int64_t i = 0; i < t->inside; i++) {
    back &= near(value(out[1], t->z, i), gmax[i]);
    if (s.dh == 1) back &= near(value(out[4], t->z, i), gavg[i]);
  }
  check(max && gather && avg && back, "pool f%d %ldx%ld k%ldx%ld: max %d gather %d avg %d back %d",
        (int)t->z * 8, (long)s.h, (long)s.w, (long)s.kh, (long)s.kw, max, gather, avg, back);
  free(gmax), free(gavg);
}

static void test_pool(Flat s, bool ceiling, bool padded, size_t z) {
  int64_t up_h = ceiling ? s.sh - 1 : 0, up_w = ceiling ? s.sw - 1 : 0;
  s.oh = (s.h + 2 * s.ph - s.dh * (s.kh - 1) - 1 + up_h) / s.sh + 1;
  s.ow = (s.w + 2 * s.pw - s.dw * (s.kw - 1) - 1 + up_w) / s.sw + 1;
  if ((s.oh - 1) * s.sh >= s.h + s.ph) s.oh--;
  if ((s.ow - 1) * s.sw >= s.w + s.pw) s.ow--;
  Pool t = {s, z, padded, s.planes * s.h * s.w, s.planes * s.oh * s.ow, NULL, NULL};
  t.x = noisy(t.inside, z), t.gy = noisy(t.outside, z);
  for (int64_t i = 0; i < t.inside; i++) { /* ties, infinities and NaN */
    double v = i % 11 == 0 ? 0.25 : i % 97 == 3 ? NAN : i % 89 == 5 ? -INFINITY : 2;
    if (v != 2 && z == 4) ((float *)t.x)[i] = (float)v;
    if (v != 2 && z == 8) ((double *)t.x)[i] = v;
  }
  for (int level = 0; level <= simd_level(); level++) {
    void *first[5] = {NULL};
    for (int threads = 1; threads <= THREADS; threads++) {
      team_set_threads(threads);
      int64_t sizes[5] = {t.outside, t.inside, t.outside, t.outside, t.inside};
      void *out[5];
      int32_t *index = unset(t.outside, sizeof *index);
      for (int i = 0; i < 5; i++) out[i] = unset(sizes[i], z);
      compare(&t, TABLE_AT(pool_kernels, level), out, index);
      for (int i = 0; i < 5; i++) {
        if (first[i]) check(!memcmp(first[i], out[i], (size_t)sizes[i] * z), "pool: bits");
        free(first[i]);
        first[i] = out[i];
      }
      free(index);
    }
    for (int i = 0; i < 5; i++) free(first[i]);
  }
  free(t.x), free(t.gy);
}

static void test_pools(void) {
  static const Flat shapes[] = {
      {300, 26, 26, 0, 0, 2, 2, 2, 2, 0, 0, 1, 1},  {300, 11, 11, 0, 0, 2, 2, 2, 2, 0, 0, 1, 1},
      {3, 5, 71, 0, 0, 2, 2, 2, 2, 0, 0, 1, 1},     {3, 2, 2, 0, 0, 2, 2, 2, 2, 0, 0, 1, 1},
      {5, 13, 17, 0, 0, 3, 3, 2, 2, 1, 1, 1, 1},    {5, 13, 17, 0, 0, 3, 2, 1, 1, 1, 0, 1, 1},
      {5, 13, 40, 0, 0, 2, 4, 3, 5, 1, 2, 1, 1},    {5, 13, 40, 0, 0, 3, 3, 2, 1, 1, 0, 2, 3},
      {5, 7, 7, 0, 0, 7, 7, 1, 1, 0, 0, 1, 1},      {2, 300, 300, 0, 0, 3, 3, 2, 2, 1, 1, 1, 1},
      {37, 90, 80, 0, 0, 3, 3, 1, 1, 1, 1, 1, 1},   {19, 1, 900, 0, 0, 1, 5, 1, 2, 0, 2, 1, 1},
      {20, 9, 700, 0, 0, 9, 700, 1, 1, 0, 0, 1, 1}, {17, 30, 21, 0, 0, 3, 3, 1, 2, 1, 1, 3, 2},
      {24, 12, 40, 0, 0, 5, 1, 1, 1, 0, 0, 1, 1},
  };
  for (size_t i = 0; i < sizeof shapes / sizeof *shapes; i++)
    for (int kind = 0; kind < 4; kind++) {
      if (shapes[i].h * shapes[i].w > 5000 && kind > 0) continue;
      test_pool(shapes[i], kind & 1, kind & 2, 4);
      test_pool(shapes[i], kind & 1, kind & 2, 8);
    }
}

int main(void) {
  test_convs();
  test_pools();
  return checks_report("core/conv");
}
