/* NumPy's .npy files: magic, version, a header that is a Python dictionary of three entries, then
   the elements. Format: numpy.lib.format. Types with no counterpart, objects among them, are
   refused; nothing in a file is ever evaluated. */
#include "files.h"

#include <stdio.h>
#include <string.h>

#include "../loop/cast.h"
#include "file.h"

enum { HEADER_MOST = 10000 }; /* as NumPy's own limit */

_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "elements are stored as in memory");

static const struct {
  const char *descr;
  DType dtype;
} types[] = {{"<f4", T_F32}, {"<f8", T_F64},  {"<i8", T_I64}, {"<i4", T_I32},
             {"|u1", T_U8},  {"|b1", T_BOOL}, {"<f2", T_F16}};

typedef struct Header {
  const FileIn *in;
  const char *at; /* the rest of the header; ends with a zero byte */
  DType dtype;
  bool fortran, has_descr, has_order, has_shape;
  int ndim;
  int64_t shape[T_MAXDIM];
} Header;

/* ---- the dictionary ---------------------------------------------------------------------------- */

static _Noreturn void malformed(const Header *h) {
  file_fail(h->in, "not a .npy file: its header is not {'descr': ..., 'fortran_order': ..., "
                   "'shape': ...}");
}

static bool skip(Header *h, char c) {
  while (*h->at == ' ' || *h->at == '\n') h->at++;
  if (*h->at != c) return false;
  h->at++;
  return true;
}

static void expect(Header *h, char c) {
  if (!skip(h, c)) malformed(h);
}

static bool skip_word(Header *h, const char *word) {
  while (*h->at == ' ') h->at++;
  size_t n = strlen(word);
  if (strncmp(h->at, word, n) != 0) return false;
  h->at += n;
  return true;
}

static void read_string(Header *h, char *out, size_t room) {
  char quote = '\'';
  if (!skip(h, quote)) {
    quote = '"';
    expect(h, quote);
  }
  size_t n = 0;
  while (*h->at && *h->at != quote) {
    if (n + 1 == room || *h->at == '\\') malformed(h);
    out[n++] = *h->at++;
  }
  out[n] = 0;
  expect(h, quote);
}

static void read_descr(Header *h) {
  if (skip(h, '[')) file_fail(h->in, "it holds records of several fields; save each field alone");
  char descr[64];
  read_string(h, descr, sizeof descr);
  for (size_t i = 0; i < sizeof types / sizeof *types; i++) {
    if (strcmp(descr, types[i].descr) == 0) {
      h->dtype = types[i].dtype;
      return;
    }
  }
  if (strchr(descr, 'O')) file_fail(h->in, "it holds Python objects, which are never loaded");
  file_fail(h->in,
            "elements of type '%s'; '<f4', '<f8', '<f2', '<i8', '<i4', '|u1' and '|b1' are read "
            "(in NumPy: x.astype('<f4'))",
            descr);
}

static void read_shape(Header *h) {
  expect(h, '(');
  while (!skip(h, ')')) {
    if (h->ndim == T_MAXDIM) file_fail(h->in, "more than %d dimensions", T_MAXDIM);
    while (*h->at == ' ') h->at++;
    if (*h->at < '0' || *h->at > '9') malformed(h);
    int64_t n = 0;
    for (; *h->at >= '0' && *h->at <= '9'; h->at++) {
      if (__builtin_mul_overflow(n, 10, &n) || __builtin_add_overflow(n, *h->at - '0', &n)) {
        file_fail(h->in, "a size in its shape is too large");
      }
    }
    h->shape[h->ndim++] = n;
    if (!skip(h, ',')) {
      expect(h, ')');
      break;
    }
  }
}

static void read_order(Header *h) {
  if (skip_word(h, "True"))
    h->fortran = true;
  else if (!skip_word(h, "False"))
    malformed(h);
}

static void read_dictionary(Header *h) {
  char key[32];
  expect(h, '{');
  while (!skip(h, '}')) {
    read_string(h, key, sizeof key);
    expect(h, ':');
    bool *seen = strcmp(key, "descr") == 0           ? &h->has_descr
                 : strcmp(key, "fortran_order") == 0 ? &h->has_order
                 : strcmp(key, "shape") == 0         ? &h->has_shape
                                                     : NULL;
    if (!seen || *seen) malformed(h);
    *seen = true;
    if (seen == &h->has_descr)
      read_descr(h);
    else if (seen == &h->has_order)
      read_order(h);
    else
      read_shape(h);
    if (!skip(h, ',')) {
      expect(h, '}');
      break;
    }
  }
  skip(h, ' ');
  if (*h->at || !h->has_descr || !h->has_order || !h->has_shape) malformed(h);
}

/* ---- reading ----------------------------------------------------------------------------------- */

/* Where the elements begin. */
static int64_t read_header(Header *h, char text[HEADER_MOST + 1]) {
  const FileIn *in = h->in;
  uint8_t head[12];
  if (in->size < 12) file_fail(in, "not a .npy file: it has only %lld bytes", (long long)in->size);
  file_get(in, head, sizeof head, 0);
  if (memcmp(head, "\x93NUMPY", 6) != 0) {
    file_fail(in, "not a .npy file: it does not begin with \\x93NUMPY");
  }
  if (head[6] < 1 || head[6] > 3) file_fail(in, ".npy version %d is not known", head[6]);
  int64_t length = head[8] | head[9] << 8, start = 10;
  if (head[6] > 1) {
    length |= (int64_t)head[10] << 16 | (int64_t)head[11] << 24;
    start = 12;
  }
  if (length > HEADER_MOST) {
    file_fail(in, "its header has %lld bytes; at most %d are read", (long long)length, HEADER_MOST);
  }
  if (start + length > in->size) file_fail(in, "truncated within its header");
  file_get(in, text, length, start);
  text[length] = 0;
  if (strlen(text) != (size_t)length) malformed(h);
  h->at = text;
  read_dictionary(h);
  return start + length;
}

static void check_size(const Header *h, int64_t start) {
  int64_t want = (int64_t)dtype_size(h->dtype), have = h->in->size - start;
  bool empty = false, huge = false;
  for (int d = 0; d < h->ndim; d++) {
    empty = empty || h->shape[d] == 0;
    huge = huge || __builtin_mul_overflow(want, h->shape[d], &want);
  }
  if (empty) want = 0;
  if ((huge && !empty) || want > have) {
    file_fail(h->in, "truncated: shape %s of %s wants more than the %lld bytes that follow",
              t_dims_str(h->ndim, h->shape), dtype_name(h->dtype), (long long)have);
  }
  if (want < have) {
    file_fail(h->in, "shape %s of %s takes %lld bytes, but %lld follow",
              t_dims_str(h->ndim, h->shape), dtype_name(h->dtype), (long long)want,
              (long long)have);
  }
}

static void read_npy(FileIn *in, void *arg) {
  Header h = {.in = in};
  char text[HEADER_MOST + 1];
  int64_t start = read_header(&h, text);
  check_size(&h, start);
  Tensor *y = t_new(h.dtype, h.ndim, h.shape);
  file_get(in, t_data(y), y->numel * (int64_t)dtype_size(h.dtype), start);
  if (h.dtype == T_BOOL) file_check_bools(in, y, "the array");
  if (h.fortran && h.ndim > 1) {
    int64_t stride[T_MAXDIM], n = 1;
    for (int d = 0; d < h.ndim; d++) {
      stride[d] = n;
      if (__builtin_mul_overflow(n, h.shape[d], &n)) n = 0; /* empty */
    }
    y = cast_copy(t_view(y, h.ndim, h.shape, stride, 0), h.dtype);
  }
  *(Tensor **)arg = y;
}

Tensor *npy_read(const char *path) {
  Tensor *result = NULL;
  file_read("read_npy", path, read_npy, &result);
  return result;
}

/* ---- writing ----------------------------------------------------------------------------------- */

static void write_npy(FileOut *out, void *arg) {
  Tensor *x = arg;
  const char *descr = NULL;
  for (size_t i = 0; i < sizeof types / sizeof *types; i++) {
    if (types[i].dtype == (DType)x->dtype) descr = types[i].descr;
  }
  char head[512];
  size_t at = 10;
  at += (size_t)snprintf(head + at, sizeof head - at,
                         "{'descr': '%s', 'fortran_order': False, 'shape': (", descr);
  for (int d = 0; d < x->ndim; d++) {
    at += (size_t)snprintf(head + at, sizeof head - at,
                           x->ndim == 1 ? "%lld,"
                           : d          ? ", %lld"
                                        : "%lld",
                           (long long)x->shape[d]);
  }
  at += (size_t)snprintf(head + at, sizeof head - at, "), }");
  size_t end = (at + 1 + 63) / 64 * 64;
  memset(head + at, ' ', end - at);
  head[end - 1] = '\n';
  memcpy(head, "\x93NUMPY\x01\x00", 8);
  head[8] = (char)((end - 10) & 0xff);
  head[9] = (char)((end - 10) >> 8);
  file_put(out, head, (int64_t)end);
  file_put_tensor(out, x);
}

void npy_write(const char *path, Tensor *x) {
  if (x->dtype == T_BF16) {
    t_fail("write_npy: NumPy's files have no bfloat16; convert first: x:float()");
  }
  file_replace("write_npy", path, write_npy, x);
}
