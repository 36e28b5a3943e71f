/* The formats: arrays and images to and from files. Every reader checks all that the file claims
   before it allocates, and fails with the name of the file and what is wrong with it. */
#ifndef LUNETTE_FILES_H
#define LUNETTE_FILES_H

#include "../tensor.h"

/* IDX, plain or gzipped. Unsigned bytes stay uint8; bytes and shorts with a sign become int32. */
Tensor *idx_read(const char *path);

/* NumPy's .npy, versions 1 to 3, little endian; the result is row-major whatever the order. */
Tensor *npy_read(const char *path);
void npy_write(const char *path, Tensor *x);

/* PNG, JPEG or BMP as uint8 [C,H,W]. channels: 1 grey, 3 colour, 4 with opacity, 0 as in the
   file. */
Tensor *image_read(const char *path, int channels);
/* A PNG of x: uint8, or floats where 0..1 is black to white; [C,H,W] with C 1..4, or [H,W]. */
void image_write(const char *path, Tensor *x);

typedef struct NamedTensor {
  const char *name;
  Tensor *t;
} NamedTensor;

typedef struct Note {
  const char *key, *value;
} Note;

/* What a safetensors file holds, in the order of its header. All memory is born in the open scope. */
typedef struct Archive {
  int64_t count, nnotes;
  NamedTensor *entry;
  Note *note; /* its __metadata__ */
} Archive;

/* For filling an archive: room for count entries and nnotes notes, copies of texts. */
void archive_room(Archive *a);
const char *archive_text(const char *s);
void safetensors_read(const char *path, Archive *out);
void safetensors_write(const char *path, const Archive *in);

#endif
