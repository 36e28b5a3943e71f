/* The header of a safetensors file, read and checked. Internal to the format. */
#ifndef LUNETTE_SAFETENSORS_H
#define LUNETTE_SAFETENSORS_H

#include "file.h"
#include "files.h"

typedef struct Entry {
  const char *name;
  DType dtype;
  int ndim;
  int64_t shape[T_MAXDIM];
  int64_t start, end; /* bytes, counted from the end of the header */
} Entry;

typedef struct HeaderTable {
  int64_t count, nnotes;
  Entry *entry; /* in the order of the header */
  Note *note;
} HeaderTable;

/* text: [length] the JSON of the header, a zero byte behind it; data_bytes follow it in the file.
   Checks everything that the format demands. Memory is born in the open scope. */
void safetensors_header(const FileIn *in, const char *text, int64_t length, int64_t data_bytes,
                        HeaderTable *out);

const char *safetensors_dtype_name(DType d); /* "F32" */
bool safetensors_dtype_parse(const char *name, DType *out);

/* Bytes of the UTF-8 character at s (RFC 3629), 0 when it is none. A zero byte must end the text. */
int safetensors_utf8(const uint8_t *s);

/* Memory for n items of a size, born in the open scope, all zero. */
void *scratch_array(int64_t n, size_t size);

#endif
