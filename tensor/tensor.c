/* Tensors: making, sharing, looking at shapes and single elements. */
#include "tensor.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "birth.h"
#include "machine/mem.h"
#include "tape/tape.h"

/* ---- making ----------------------------------------------------------------------------------- */

/* Everything zero but for the dimensions, which are left as they come. */
static Tensor *blank(DType dtype, int ndim) {
  birth_reserve(1);
  Tensor *x = mem_alloc(sizeof *x);
  memset(x, 0, offsetof(Tensor, shape));
  x->refs = 1;
  x->dtype = (uint8_t)dtype;
  x->ndim = (uint8_t)ndim;
  mem_stats.tensors++;
  birth_add(x);
  return x;
}

static void copy_dims(Tensor *x, const int64_t *shape, const int64_t *stride) {
  int64_t n = 1;
  for (int d = 0; d < x->ndim; d++) {
    x->shape[d] = shape[d];
    x->stride[d] = stride[d];
    n *= shape[d];
  }
  x->numel = n;
}

int64_t t_strides(int ndim, const int64_t *shape, int64_t *stride) {
  int64_t n = 1;
  for (int d = ndim - 1; d >= 0; d--) {
    stride[d] = n;
    /* a shape may be checked after this */
    if (__builtin_mul_overflow(n, shape[d] > 0 ? shape[d] : 1, &n)) n = 1;
  }
  for (int d = 0; d < ndim; d++) {
    if (shape[d] == 0) return 0;
  }
  return n;
}

/* The sizes that are not 0 multiply to less than 2^56, for views and empty tensors too: what is computed
   of them does not overflow. */
static void check_shape(int ndim, const int64_t *shape) {
  if (ndim > T_MAXDIM) t_fail("a tensor has at most %d dimensions, not %d", T_MAXDIM, ndim);
  int64_t n = 1;
  for (int d = 0; d < ndim; d++) {
    if (shape[d] < 0) {
      t_fail("size %lld in dimension %d: sizes are not negative", (long long)shape[d], d + 1);
    }
    if (shape[d] == 0) continue;
    if (__builtin_mul_overflow(n, shape[d], &n) || n > (int64_t)1 << 56) {
      t_fail("shape %s has more elements than can be counted; check the sizes",
             t_dims_str(ndim, shape));
    }
  }
}

Tensor *t_new(DType dtype, int ndim, const int64_t *shape) {
  check_shape(ndim, shape);
  Tensor *x = blank(dtype, ndim);
  for (int d = 0; d < ndim; d++) x->shape[d] = shape[d];
  x->numel = t_strides(ndim, shape, x->stride);
  x->st = storage_new((size_t)x->numel * dtype_size(dtype));
  return x;
}

static Tensor *root_of(Tensor *x) { return x->base ? x->base : x; }

Tensor *t_view(Tensor *x, int ndim, const int64_t *shape, const int64_t *stride, int64_t offset) {
  check_shape(ndim, shape);
  Tensor *v = blank((DType)x->dtype, ndim);
  copy_dims(v, shape, stride);
  v->offset = offset;
  v->st = x->st;
  v->st->refs++;
  v->base = t_retain(root_of(x));
  v->serial = v->base->serial;
  return v;
}

Tensor *t_alias(const Tensor *x) {
  Tensor *v = blank((DType)x->dtype, x->ndim);
  copy_dims(v, x->shape, x->stride);
  v->offset = x->offset;
  v->weak = x->weak;
  v->st = x->st;
  v->st->refs++;
  return v;
}

Tensor *t_shape_only(const Tensor *x) {
  Tensor *v = blank((DType)x->dtype, x->ndim);
  copy_dims(v, x->shape, x->stride);
  v->offset = x->offset;
  return v;
}

Tensor *t_scalar(double v, DType dtype) {
  Tensor *x = t_new(dtype, 0, NULL);
  t_set(x, 0, v);
  return x;
}

Tensor *t_scalar_int(int64_t v, DType dtype) {
  Tensor *x = t_new(dtype, 0, NULL);
  t_set_int(x, 0, v);
  return x;
}

Tensor *t_retain(Tensor *x) {
  if (x) x->refs++;
  return x;
}

void t_free(Tensor *x) {
  while (x && --x->refs == 0) {
    if (x->node) {
      if (x->node->leaf == x) x->node->leaf = NULL;
      node_free(x->node);
    }
    if (x->st) storage_free(x->st);
    Tensor *base = x->base;
    mem_stats.tensors--;
    mem_free(x, sizeof *x);
    x = base;
  }
}

/* ---- shapes ----------------------------------------------------------------------------------- */

bool t_is_contiguous(const Tensor *x) {
  if (x->numel == 0) return true; /* its other sizes may be huge */
  int64_t n = 1;
  for (int d = x->ndim - 1; d >= 0; d--) {
    if (x->shape[d] != 1 && x->stride[d] != n) return false;
    n *= x->shape[d];
  }
  return true;
}

bool t_same_shape(const Tensor *a, const Tensor *b) {
  if (a->ndim != b->ndim) return false;
  for (int d = 0; d < a->ndim; d++) {
    if (a->shape[d] != b->shape[d]) return false;
  }
  return true;
}

bool t_overlaps_itself(const Tensor *x) {
  /* Sound for the strides that view ops make: sorted by stride, each dimension must step over
     all that the smaller ones span. */
  int64_t seen[T_MAXDIM], span = 1;
  int n = 0;
  for (int d = 0; d < x->ndim; d++) {
    if (x->shape[d] > 1) seen[n++] = d;
  }
  for (int i = 1; i < n; i++) {
    for (int j = i; j > 0; j--) {
      int64_t a = x->stride[seen[j - 1]], b = x->stride[seen[j]];
      if ((a < 0 ? -a : a) <= (b < 0 ? -b : b)) break;
      int64_t t = seen[j];
      seen[j] = seen[j - 1];
      seen[j - 1] = t;
    }
  }
  for (int i = 0; i < n; i++) {
    int64_t s = x->stride[seen[i]];
    if (s < 0) s = -s;
    if (s < span) return x->numel > 0;
    span = s * (x->shape[seen[i]] - 1) + span;
  }
  return false;
}

static void extent(const Tensor *x, int64_t *lo, int64_t *hi) {
  *lo = *hi = x->offset;
  for (int d = 0; d < x->ndim; d++) {
    int64_t reach = x->stride[d] * (x->shape[d] - 1);
    if (reach < 0)
      *lo += reach;
    else
      *hi += reach;
  }
}

bool t_overlaps(const Tensor *a, const Tensor *b) {
  if (!a->st || a->st != b->st || a->numel == 0 || b->numel == 0) return false;
  if (a->dtype == b->dtype && a->offset == b->offset && t_same_shape(a, b)) {
    bool same = true;
    for (int d = 0; d < a->ndim; d++) {
      if (a->shape[d] > 1 && a->stride[d] != b->stride[d]) same = false;
    }
    if (same) return false;
  }
  int64_t alo, ahi, blo, bhi;
  extent(a, &alo, &ahi);
  extent(b, &blo, &bhi);
  return alo <= bhi && blo <= ahi;
}

const char *t_dims_str(int ndim, const int64_t *shape) {
  static char text[6][T_MAXDIM * 21 + 3];
  static int turn;
  char *s = text[turn = (turn + 1) % 6];
  size_t room = sizeof text[0], at = 0;
  at += (size_t)snprintf(s + at, room - at, "[");
  for (int d = 0; d < ndim && d < T_MAXDIM; d++) {
    at += (size_t)snprintf(s + at, room - at, d ? ",%lld" : "%lld", (long long)shape[d]);
  }
  snprintf(s + at, room - at, "]");
  return s;
}

const char *t_shape_str(const Tensor *x) { return t_dims_str(x->ndim, x->shape); }

/* ---- single elements -------------------------------------------------------------------------- */

static float half_to_float(uint16_t h) {
  int exp = (h >> 10) & 31, frac = h & 1023;
  float sign = h & 0x8000 ? -1.0f : 1.0f;
  if (exp == 31) return frac ? NAN : sign * INFINITY;
  if (exp == 0) return sign * ldexpf((float)frac, -24);
  return sign * ldexpf((float)(frac + 1024), exp - 25);
}

static float bfloat_to_float(uint16_t h) {
  uint32_t bits = (uint32_t)h << 16;
  float f;
  memcpy(&f, &bits, sizeof f);
  return f;
}

double t_get(const Tensor *x, int64_t at) {
  const char *p = (const char *)t_data(x);
  switch ((DType)x->dtype) {
  case T_F32: return ((const float *)p)[at];
  case T_F64: return ((const double *)p)[at];
  case T_F16: return half_to_float(((const uint16_t *)p)[at]);
  case T_BF16: return bfloat_to_float(((const uint16_t *)p)[at]);
  default: return (double)t_get_int(x, at);
  }
}

int64_t t_get_int(const Tensor *x, int64_t at) {
  const char *p = (const char *)t_data(x);
  switch ((DType)x->dtype) {
  case T_I64: return ((const int64_t *)p)[at];
  case T_I32: return ((const int32_t *)p)[at];
  case T_U8:
  case T_BOOL: return ((const uint8_t *)p)[at];
  default: return (int64_t)t_get(x, at);
  }
}

void t_set(Tensor *x, int64_t at, double v) {
  char *p = (char *)t_data(x);
  switch ((DType)x->dtype) {
  case T_F32: ((float *)p)[at] = (float)v; break;
  case T_F64: ((double *)p)[at] = v; break;
  case T_BOOL: ((uint8_t *)p)[at] = v != 0; break;
  case T_F16:
  case T_BF16: t_fail("single elements of %s are not written", dtype_name((DType)x->dtype));
  default: t_set_int(x, at, (int64_t)v);
  }
}

void t_set_int(Tensor *x, int64_t at, int64_t v) {
  char *p = (char *)t_data(x);
  switch ((DType)x->dtype) {
  case T_I64: ((int64_t *)p)[at] = v; break;
  case T_I32: ((int32_t *)p)[at] = (int32_t)v; break;
  case T_U8: ((uint8_t *)p)[at] = (uint8_t)v; break;
  case T_BOOL: ((uint8_t *)p)[at] = v != 0; break;
  default: t_set(x, at, (double)v);
  }
}
