/* Reading files: open with checks, bounded reads, messages that name the file. */
#define _GNU_SOURCE
#include "file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

void file_fail(const FileIn *in, const char *format, ...) {
  char text[512];
  va_list args;
  va_start(args, format);
  vsnprintf(text, sizeof text, format, args);
  va_end(args);
  t_fail("%s: %.400s: %s", in->where, in->path, text);
}

static void open_file(FileIn *in) {
  in->fd = open(in->path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
  if (in->fd < 0) { t_fail("%s: cannot open %.400s: %s", in->where, in->path, strerror(errno)); }
  struct stat st;
  const char *problem = NULL;
  if (fstat(in->fd, &st) != 0)
    problem = strerror(errno);
  else if (S_ISDIR(st.st_mode))
    problem = "this is a folder, a file is wanted";
  else if (!S_ISREG(st.st_mode))
    problem = "this is no regular file but a device or pipe; copy its data to a file first";
  if (problem) {
    close(in->fd);
    file_fail(in, "%s", problem);
  }
  in->size = (int64_t)st.st_size;
}

typedef struct Reading {
  FileIn in;
  void (*body)(FileIn *in, void *arg);
  void *arg;
} Reading;

static void run_body(void *arg) {
  Reading *r = arg;
  r->body(&r->in, r->arg);
}

void file_read(const char *where, const char *path, void (*body)(FileIn *in, void *arg),
               void *arg) {
  Reading r = {.in = {.where = where, .path = path}, .body = body, .arg = arg};
  open_file(&r.in);
  bool done = t_try(run_body, &r);
  close(r.in.fd);
  if (!done) t_fail_again();
}

void file_get(const FileIn *in, void *to, int64_t n, int64_t at) {
  char *p = to;
  while (n > 0) {
    ssize_t got = pread(in->fd, p, n > (1 << 30) ? 1 << 30 : (size_t)n, (off_t)at);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) file_fail(in, "%s", strerror(errno));
    if (got == 0) file_fail(in, "the file became shorter while it was read");
    p += got;
    at += got;
    n -= got;
  }
}

Tensor *file_bytes(const FileIn *in, int64_t most) {
  if (in->size > most) {
    file_fail(in, "the file has %lld bytes; at most %lld are read", (long long)in->size,
              (long long)most);
  }
  int64_t room = in->size + 1;
  Tensor *x = t_new(T_U8, 1, &room);
  uint8_t *bytes = t_data(x);
  file_get(in, bytes, in->size, 0);
  bytes[in->size] = 0;
  x->shape[0] = x->numel = in->size;
  return x;
}

void file_check_bools(const FileIn *in, const Tensor *x, const char *name) {
  const uint8_t *p = t_data(x);
  for (int64_t i = 0; i < x->numel; i++) {
    if (p[i] > 1) {
      file_fail(in, "element %lld of %.100s is %d; a bool is 0 or 1", (long long)i + 1, name, p[i]);
    }
  }
}
