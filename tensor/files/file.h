/* Files as the formats need them: opened with checks and read at places, or replaced as a whole.
   Only regular files are read or replaced: no folder, pipe or device can hang or flood a reader. */
#ifndef LUNETTE_FILE_H
#define LUNETTE_FILE_H

#include "../tensor.h"

typedef struct FileIn {
  const char *where, *path; /* the function that reads and the file, for messages */
  int fd;
  int64_t size;
} FileIn;

/* Opens the file, runs body, closes it; passes a failure of body on. */
void file_read(const char *where, const char *path, void (*body)(FileIn *in, void *arg), void *arg);
/* n bytes from position at; fails when the file is shorter. */
void file_get(const FileIn *in, void *to, int64_t n, int64_t at);
/* The whole file as a uint8 tensor [size] (one zero byte follows it); fails above most bytes. */
Tensor *file_bytes(const FileIn *in, int64_t most);
/* Fails with "where: path: ..." */
_Noreturn void file_fail(const FileIn *in, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
/* Fails unless every byte of a bool tensor that was just read is 0 or 1. */
void file_check_bools(const FileIn *in, const Tensor *x, const char *name);

typedef struct FileOut {
  const char *where, *path;
  int fd;
  bool replaces; /* there is a file under that name */
} FileOut;

/* Runs body, which writes with file_put, into a new file in the same folder; when all is on the
   disk, renames it over path. Whatever fails, the old file stays as it was and the new one goes. */
void file_replace(const char *where, const char *path, void (*body)(FileOut *out, void *arg),
                  void *arg);
void file_put(const FileOut *out, const void *from, int64_t n);
/* The elements of x in row-major order. */
void file_put_tensor(const FileOut *out, Tensor *x);

#endif
