/* What the ops on matrices share. */
#include "linalg.h"

#include <limits.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "../../blas/gemm.h"
#include "../../blas/lapack.h"
#include "../../machine/team.h"

/* ---- checks ------------------------------------------------------------------------------------- */

static const char *parameter(const Call *c, int i) {
  const Sig *s = op_sig(c->op);
  for (int k = 0; k < s->nparams; k++) {
    if (s->param[k].is_x && s->param[k].slot == i) return s->param[k].name;
  }
  return "input";
}

void la_matrix(const Call *c, int i) {
  const Tensor *x = c->x[i];
  if (x->ndim < 2) {
    t_fail("%s: %s is %s; a matrix [m,n] or a batch of them [...,m,n] is wanted", call_name(c),
           parameter(c, i), t_shape_str(x));
  }
  if (!lapack_fits(la_rows(x), la_cols(x))) {
    t_fail("%s: matrices of %lld by %lld are more than LAPACK's 32-bit sizes can count",
           call_name(c), (long long)la_rows(x), (long long)la_cols(x));
  }
}

void la_square(const Call *c, int i) {
  la_matrix(c, i);
  const Tensor *x = c->x[i];
  if (la_rows(x) == la_cols(x)) return;
  t_fail("%s: %s is %s; the last two sizes must be equal, a square matrix is wanted", call_name(c),
         parameter(c, i), t_shape_str(x));
}

DType la_float(Call *c, int from, int to) {
  DType d = call_promote(c, from, to);
  if (!dtype_is_float(d)) d = T_F32;
  for (int i = from; i < to; i++) {
    if (c->x[i]) call_want(c, i, d);
  }
  return d;
}

int64_t la_count(const Tensor *x) {
  int64_t n = 1;
  for (int d = 0; d < x->ndim - 2; d++) n *= x->shape[d];
  return n;
}

int la_shape(const Tensor *x, int64_t *shape, int n, int64_t a, int64_t b) {
  int nb = x->ndim - 2;
  memcpy(shape, x->shape, (size_t)nb * sizeof *shape);
  if (n > 0) shape[nb] = a;
  if (n > 1) shape[nb + 1] = b;
  return nb + n;
}

static bool same_batch(const Tensor *a, const Tensor *b) {
  bool same = a->ndim == b->ndim;
  for (int d = 0; same && d < a->ndim - 2; d++) same = a->shape[d] == b->shape[d];
  return same;
}

void la_same_batch(const Call *c, int i, int j) {
  if (same_batch(c->x[i], c->x[j])) return;
  t_fail("%s: %s and %s: the batches differ", call_name(c), t_shape_str(c->x[i]),
         t_shape_str(c->x[j]));
}

static Tensor *expanded(Tensor *x, int nb, int64_t *shape) {
  shape[nb] = la_rows(x);
  shape[nb + 1] = la_cols(x);
  return t_expand(x, nb + 2, shape);
}

void la_broadcast(const Call *c, Tensor **a, Tensor **b) {
  if (same_batch(*a, *b)) return;
  int na = (*a)->ndim - 2, nb = (*b)->ndim - 2, n = na > nb ? na : nb;
  int64_t shape[T_MAXDIM];
  for (int d = 0; d < n; d++) {
    int64_t sa = d < n - na ? 1 : (*a)->shape[d - (n - na)];
    int64_t sb = d < n - nb ? 1 : (*b)->shape[d - (n - nb)];
    if (sa != sb && sa != 1 && sb != 1) {
      t_fail("%s: %s and %s: the batch sizes %lld and %lld do not go together", call_name(c),
             t_shape_str(*a), t_shape_str(*b), (long long)sa, (long long)sb);
    }
    shape[d] = sa == 1 ? sb : sa;
  }
  *a = expanded(*a, n, shape);
  *b = expanded(*b, n, shape);
}

/* ---- one matrix after another ------------------------------------------------------------------- */

typedef struct Walk {
  const Call *c;
  LaFn fn;
  int64_t count, each;
  size_t room;
  int *info;
  char *rooms;
} Walk;

/* Scratch: this, the infos, the rooms of the threads; each from a multiple of 64 bytes. */
typedef struct Header {
  int64_t count;
  size_t room;
  int lwork;
} Header;

static size_t infos(int64_t count) { return la_pad((size_t)count * sizeof(int)); }
static const Header *header(const Call *c) { return c->scratch; }
static int *info_of(const Call *c) { return (int *)((char *)c->scratch + la_pad(sizeof(Header))); }

void la_scratch(Call *c, int64_t count, size_t room, int lwork) {
  call_scratch(c, la_pad(sizeof(Header)) + infos(count) + (size_t)team_threads() * la_pad(room));
  *(Header *)c->scratch = (Header){count, room, lwork};
}

const int *la_info(const Call *c) { return info_of(c); }
int la_lwork(const Call *c) { return header(c)->lwork; }

static void walk_part(void *job, int64_t part) {
  const Walk *w = job;
  char *room = w->rooms + (size_t)team_self() * la_pad(w->room);
  int64_t to = (part + 1) * w->each < w->count ? (part + 1) * w->each : w->count;
  for (int64_t i = part * w->each; i < to; i++) w->info[i] = w->fn(w->c, i, room);
}

#define GROUP_WORK 40000.0 /* multiplications that are worth a part */

const char *la_each(Call *c, double work, LaFn fn) {
  int64_t count = header(c)->count;
  if (count == 0) return NULL;
  if (!lapack_ready()) return "there is no memory for OpenBLAS to work in; free some";
  int64_t each = work < 1 ? count : (int64_t)(GROUP_WORK / work) + 1;
  if (each > count) each = count;
  int *info = info_of(c);
  Walk w = {c, fn, count, each, header(c)->room, info, (char *)info + infos(count)};
  memset(info, 0, (size_t)count * sizeof *info);
  team_run((count + each - 1) / each, walk_part, &w);
  return NULL;
}

void la_store_info(const Call *c, Tensor *y) {
  if (y->numel > 0) memcpy(t_data(y), la_info(c), (size_t)y->numel * sizeof(int));
}

const char *la_complain(const Call *c, const char *format) {
  static char message[256];
  const int *info = la_info(c);
  int64_t i = 0, count = header(c)->count;
  while (i < count && info[i] == 0) i++;
  if (i == count) return NULL;
  int at = 0;
  if (count > 1) {
    at = snprintf(message, sizeof message, "matrix %lld of the batch: ", (long long)i + 1);
  }
  snprintf(message + at, sizeof message - (size_t)at, format, info[i]);
  return message;
}

/* ---- elements ----------------------------------------------------------------------------------- */

void *la_at(const Tensor *x, int64_t i) {
  return (char *)t_data(x) + (size_t)(i * la_rows(x) * la_cols(x)) * dtype_size((DType)x->dtype);
}

enum { TILE = 16 };

void la_transpose(DType d, int64_t rows, int64_t cols, const void *from, void *to) {
  for (int64_t r0 = 0; r0 < rows; r0 += TILE) {
    int64_t r1 = r0 + TILE < rows ? r0 + TILE : rows;
    for (int64_t c0 = 0; c0 < cols; c0 += TILE) {
      int64_t c1 = c0 + TILE < cols ? c0 + TILE : cols;
      for (int64_t r = r0; r < r1; r++) {
        for (int64_t k = c0; k < c1; k++) {
          if (d == T_F64)
            ((double *)to)[k * rows + r] = ((const double *)from)[r * cols + k];
          else
            ((float *)to)[k * rows + r] = ((const float *)from)[r * cols + k];
        }
      }
    }
  }
}

double la_get(DType d, const void *p, int64_t i) {
  return d == T_F64 ? ((const double *)p)[i] : (double)((const float *)p)[i];
}

void la_put(DType d, void *p, int64_t i, double v) {
  if (d == T_F64)
    ((double *)p)[i] = v;
  else
    ((float *)p)[i] = (float)v;
}

void la_gemm(DType d, bool ta, bool tb, int64_t m, int64_t n, int64_t k, const void *a,
             const void *b, double beta, void *c) {
  if (d == T_F64)
    gemm_f64(ta, tb, m, n, k, a, ta ? m : k, b, tb ? k : n, beta, c, n);
  else
    gemm_f32(ta, tb, m, n, k, a, ta ? m : k, b, tb ? k : n, (float)beta, c, n);
}

void la_scale(DType d, int64_t n, double by, void *x) {
  for (int64_t i = 0; i < n; i++) {
    if (d == T_F64)
      ((double *)x)[i] *= by;
    else
      ((float *)x)[i] *= (float)by;
  }
}

void la_axpy(DType d, int64_t n, double by, const void *x, void *y) {
  for (int64_t i = 0; i < n; i++) {
    if (d == T_F64)
      ((double *)y)[i] += by * ((const double *)x)[i];
    else
      ((float *)y)[i] += (float)by * ((const float *)x)[i];
  }
}

/* x - x is 0 for every finite number and nan for the others. */
bool la_finite(const Tensor *x) {
  double sum = 0;
  for (int64_t i = 0; i < x->numel; i++) {
    double v = la_get((DType)x->dtype, t_data(x), i);
    sum += v - v;
  }
  return sum == 0;
}

/* ---- calculus ----------------------------------------------------------------------------------- */

void la_begin(Call *c, const char *name, Tensor *x, Tensor *y) {
  call_begin(c, op_need(name));
  c->x[0] = x;
  if (y) c->x[1] = y;
}

Tensor *la_apply(Call *c) {
  op_apply(c);
  return c->y[0];
}

Tensor *la_flip(Tensor *x) { return t_transpose(x, x->ndim - 2, x->ndim - 1); }

static Tensor *triangle(const char *name, Tensor *x, int64_t diagonal) {
  Call c;
  la_begin(&c, name, x, NULL);
  c.attr[0] = attr_of_int(diagonal);
  return la_apply(&c);
}

Tensor *la_lower(Tensor *x, int64_t diagonal) { return triangle("tril", x, diagonal); }
Tensor *la_upper(Tensor *x, int64_t diagonal) { return triangle("triu", x, diagonal); }

Tensor *la_diagonal(Tensor *x) {
  Call c;
  la_begin(&c, "diagonal", x, NULL);
  c.attr[1] = attr_of_int(x->ndim - 2);
  c.attr[2] = attr_of_int(x->ndim - 1);
  return la_apply(&c);
}

Tensor *la_eye(DType d, int64_t n) {
  Call c;
  call_begin(&c, op_need("eye"));
  c.attr[0] = attr_of_int(n);
  c.attr[2] = (Attr){.tag = A_DTYPE, .i = d};
  return la_apply(&c);
}

Tensor *la_column(Tensor *x) { return t_unsqueeze(x, x->ndim); }
Tensor *la_row(Tensor *x) { return t_unsqueeze(x, x->ndim - 1); }

Tensor *la_cut(Tensor *x, int dim, int64_t from, int64_t to) {
  int d = x->ndim + dim;
  return from == 0 && to == x->shape[d] ? x : t_narrow(x, d, from, to - from);
}

Tensor *la_solve_triangular(Tensor *A, Tensor *B, bool upper, bool left, bool unit) {
  Call c;
  la_begin(&c, "linalg.solve_triangular", A, B);
  c.attr[0] = attr_of_bool(upper);
  c.attr[1] = attr_of_bool(left);
  c.attr[2] = attr_of_bool(unit);
  return la_apply(&c);
}
