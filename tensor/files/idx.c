/* IDX files (the format of MNIST): two zero bytes, element type, number of dimensions, sizes as
   32-bit numbers, then the elements in row-major order, all big endian. Gzipped or plain. */
#include "files.h"

#include <stdio.h>
#include <unistd.h>
#include <zlib.h>

#include "file.h"

typedef struct Element {
  uint8_t code, bytes;
  DType dtype;
} Element;

static const Element elements[] = {{0x08, 1, T_U8},  {0x09, 1, T_I32}, {0x0b, 2, T_I32},
                                   {0x0c, 4, T_I32}, {0x0d, 4, T_F32}, {0x0e, 8, T_F64}};

typedef struct Source {
  const FileIn *in;
  gzFile gz;
  Tensor *result;
} Source;

/* Up to n bytes; how many there were. */
static int64_t take(const Source *s, void *to, int64_t n) {
  char *p = to;
  int64_t have = 0;
  while (have < n) {
    int64_t part = n - have < 1 << 30 ? n - have : 1 << 30;
    int got = gzread(s->gz, p + have, (unsigned)part);
    if (got <= 0) break;
    have += got;
  }
  int status;
  const char *problem = gzerror(s->gz, &status);
  if (status != Z_OK && status != Z_BUF_ERROR && status != Z_STREAM_END) {
    file_fail(s->in, "the compressed data is damaged (%s)", problem);
  }
  return have;
}

/* Did the last read meet the end of the file before the end of its compressed data? */
static bool breaks_off(const Source *s) {
  int status;
  gzerror(s->gz, &status);
  return status == Z_BUF_ERROR;
}

static const Element *read_header(const Source *s, int *ndim, int64_t *shape) {
  uint8_t head[4], size[4];
  int64_t have = take(s, head, 4);
  if (have < 4) {
    if (breaks_off(s)) file_fail(s->in, "truncated: the compressed data breaks off");
    file_fail(s->in, "not an IDX file: it has only %lld bytes", (long long)have);
  }
  if (head[0] != 0 || head[1] != 0) {
    file_fail(s->in, "not an IDX file: it does not begin with two zero bytes");
  }
  const Element *e = NULL;
  for (size_t i = 0; i < sizeof elements / sizeof *elements; i++) {
    if (elements[i].code == head[2]) e = &elements[i];
  }
  if (!e) file_fail(s->in, "not an IDX file: there is no element type 0x%02x", head[2]);
  *ndim = head[3];
  if (*ndim < 1 || *ndim > T_MAXDIM) {
    file_fail(s->in, "%d dimensions; 1 to %d are possible", *ndim, T_MAXDIM);
  }
  for (int d = 0; d < *ndim; d++) {
    if (take(s, size, 4) != 4) file_fail(s->in, "truncated: it ends within the list of sizes");
    shape[d] = (int64_t)size[0] << 24 | size[1] << 16 | size[2] << 8 | size[3];
  }
  return e;
}

/* "60000x28x28" */
static const char *product_str(int ndim, const int64_t *shape) {
  static char text[T_MAXDIM * 12];
  size_t at = 0;
  for (int d = 0; d < ndim; d++) {
    at += (size_t)snprintf(text + at, sizeof text - at, d ? "x%lld" : "%lld", (long long)shape[d]);
  }
  return text;
}

static _Noreturn void truncated(const Source *s, int ndim, const int64_t *shape, int64_t want,
                                int64_t have) {
  file_fail(s->in, "truncated: the header promises %s = %lld bytes, the file has %lld",
            product_str(ndim, shape), (long long)want, (long long)have);
}

/* Bytes that the header promises, held against the size of the file before anything is allocated.
   Deflate packs at most 1032 bytes into one. */
static int64_t promised(const Source *s, const Element *e, int ndim, const int64_t *shape) {
  int64_t want = e->bytes, head = 4 + 4 * ndim, size = s->in->size;
  bool plain = gzdirect(s->gz), empty = false, huge = false;
  for (int d = 0; d < ndim; d++) {
    empty = empty || shape[d] == 0;
    huge = huge || __builtin_mul_overflow(want, shape[d], &want);
  }
  if (empty) want = 0;
  if (huge && !empty) {
    file_fail(s->in, "the header promises %s elements, more than can be counted",
              product_str(ndim, shape));
  }
  if (plain && want > size - head) truncated(s, ndim, shape, want, size - head);
  if (!plain && want / 1032 > size) {
    file_fail(s->in, "the header promises %s = %lld bytes; %lld compressed bytes cannot hold them",
              product_str(ndim, shape), (long long)want, (long long)size);
  }
  return want;
}

/* ---- big endian to ours ------------------------------------------------------------------------ */

static void swap4(uint32_t *p, int64_t n) {
  for (int64_t i = 0; i < n; i++) p[i] = __builtin_bswap32(p[i]);
}

static void swap8(uint64_t *p, int64_t n) {
  for (int64_t i = 0; i < n; i++) p[i] = __builtin_bswap64(p[i]);
}

/* raw: [n] elements of one or two bytes with a sign, at the end of y's own data */
static void widen(int32_t *y, const uint8_t *raw, int64_t n, int bytes) {
  for (int64_t i = 0; i < n; i++) {
    y[i] = bytes == 1 ? (int8_t)raw[i] : (int16_t)(raw[2 * i] << 8 | raw[2 * i + 1]);
  }
}

static void read_idx(void *arg) {
  Source *s = arg;
  int ndim;
  int64_t shape[T_MAXDIM];
  const Element *e = read_header(s, &ndim, shape);
  int64_t want = promised(s, e, ndim, shape);
  Tensor *y = t_new(e->dtype, ndim, shape);
  size_t size = dtype_size(e->dtype);
  uint8_t *raw = (uint8_t *)t_data(y) + (size_t)y->numel * size - (size_t)want, extra;
  int64_t have = take(s, raw, want);
  if (have < want) truncated(s, ndim, shape, want, have);
  if (take(s, &extra, 1) != 0) {
    file_fail(s->in, "the header promises %s = %lld bytes, but more follow",
              product_str(ndim, shape), (long long)want);
  }
  if (breaks_off(s)) file_fail(s->in, "truncated: the compressed data has no end");
  if (e->bytes < size)
    widen(t_data(y), raw, y->numel, e->bytes);
  else if (size == 4)
    swap4(t_data(y), y->numel);
  else if (size == 8)
    swap8(t_data(y), y->numel);
  s->result = y;
}

static void read_file(FileIn *in, void *arg) {
  Source s = {.in = in};
  int fd = dup(in->fd);
  s.gz = fd < 0 ? NULL : gzdopen(fd, "rb");
  if (!s.gz) {
    if (fd >= 0) close(fd);
    file_fail(in, "cannot be read: out of memory or of files that may be open");
  }
  gzbuffer(s.gz, 1 << 16);
  bool done = t_try(read_idx, &s);
  gzclose(s.gz);
  if (!done) t_fail_again();
  *(Tensor **)arg = s.result;
}

Tensor *idx_read(const char *path) {
  Tensor *result = NULL;
  file_read("read_idx", path, read_file, &result);
  return result;
}
