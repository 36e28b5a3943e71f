/* The header of a safetensors file: one JSON object, name -> {dtype, shape, data_offsets}, and
   __metadata__ -> {string: string}. The text is held against what such a header may contain before
   the JSON reader sees it; that bounds depth and memory and leaves no two readings of a file. */
#include "safetensors.h"

#include <cjson/cJSON.h>
#include <stdlib.h>
#include <string.h>

enum {
  DEPTH_MOST = 3,        /* { entry { shape [ */
  VALUES_MOST = 2 << 20, /* JSON values; a tensor has about ten */
};

static const char *const dtype_names[T_DTYPES] = {
    [T_F32] = "F32", [T_F64] = "F64",   [T_I64] = "I64", [T_I32] = "I32",
    [T_U8] = "U8",   [T_BOOL] = "BOOL", [T_F16] = "F16", [T_BF16] = "BF16"};

const char *safetensors_dtype_name(DType d) { return dtype_names[d]; }

bool safetensors_dtype_parse(const char *name, DType *out) {
  for (int d = 0; d < T_DTYPES; d++) {
    if (strcmp(name, dtype_names[d]) == 0) {
      *out = (DType)d;
      return true;
    }
  }
  return false;
}

void *scratch_array(int64_t n, size_t size) {
  int64_t bytes;
  if (__builtin_mul_overflow(n, (int64_t)size, &bytes)) t_fail("a list of %lld", (long long)n);
  void *p = t_data(t_new(T_U8, 1, &bytes));
  memset(p, 0, (size_t)bytes);
  return p;
}

/* ---- the text ---------------------------------------------------------------------------------- */

int safetensors_utf8(const uint8_t *s) {
  if (s[0] < 0x80) return 1;
  if ((s[1] & 0xc0) != 0x80) return 0;
  if (s[0] >= 0xc2 && s[0] <= 0xdf) return 2;
  if ((s[2] & 0xc0) != 0x80) return 0;
  if ((s[0] & 0xf0) == 0xe0) {
    bool overlong = s[0] == 0xe0 && s[1] < 0xa0, surrogate = s[0] == 0xed && s[1] > 0x9f;
    return overlong || surrogate ? 0 : 3;
  }
  if ((s[3] & 0xc0) != 0x80) return 0;
  bool low = s[0] == 0xf0 && s[1] < 0x90, high = s[0] == 0xf4 && s[1] > 0x8f;
  return s[0] >= 0xf0 && s[0] <= 0xf4 && !low && !high ? 4 : 0;
}

/* Behind the string that begins at the quote *p. */
static const char *pass_string(const FileIn *in, const char *p) {
  for (p++; *p != '"';) {
    if ((uint8_t)*p < 0x20) file_fail(in, "a control character in a string of its header");
    if (*p == '\\') {
      if (!p[1]) file_fail(in, "its header ends within a string");
      if (strncmp(p, "\\u0000", 6) == 0) file_fail(in, "a zero character in a name");
      p += 2;
      continue;
    }
    int n = safetensors_utf8((const uint8_t *)p);
    if (!n) file_fail(in, "a string of its header is not UTF-8");
    p += n;
  }
  return p + 1;
}

static void scan(const FileIn *in, const char *text, int64_t length) {
  int depth = 0;
  int64_t values = 0;
  if (text[0] != '{') file_fail(in, "not a safetensors file: its header does not begin with {");
  for (const char *p = text; p < text + length;) {
    char c = *p;
    if (c == '"') {
      p = pass_string(in, p);
      continue;
    }
    if (c == '{' || c == '[') {
      if (++depth > DEPTH_MOST) file_fail(in, "its header is nested deeper than %d", DEPTH_MOST);
    } else if (c == '}' || c == ']') {
      depth--;
    } else if (c >= '0' && c <= '9') {
      if (c == '0' && p[1] >= '0' && p[1] <= '9') file_fail(in, "a number with a leading zero");
      while (p[1] >= '0' && p[1] <= '9') p++;
    } else if (c == 0 || !strchr(",: \t\r\n", c)) {
      file_fail(in,
                "byte 0x%02x in its header, outside of strings; only whole numbers, strings, "
                "lists and objects may stand there",
                (uint8_t)c);
    }
    values += c == '{' || c == '[' || c == ',';
    if (values > VALUES_MOST) file_fail(in, "its header has more than %d values", VALUES_MOST);
    p++;
  }
}

/* ---- one entry --------------------------------------------------------------------------------- */

static int64_t whole(const FileIn *in, const cJSON *v, const char *name) {
  if (!cJSON_IsNumber(v) || !(v->valuedouble <= 9007199254740992.0)) {
    file_fail(in, "tensor \"%.100s\": sizes and offsets are whole numbers below 2^53", name);
  }
  return (int64_t)v->valuedouble;
}

static void read_shape(const FileIn *in, const cJSON *list, Entry *e) {
  if (!cJSON_IsArray(list)) file_fail(in, "tensor \"%.100s\": its shape is no list", e->name);
  for (const cJSON *v = list->child; v; v = v->next) {
    if (e->ndim == T_MAXDIM) {
      file_fail(in, "tensor \"%.100s\" has more than %d dimensions", e->name, T_MAXDIM);
    }
    e->shape[e->ndim++] = whole(in, v, e->name);
  }
}

static void read_offsets(const FileIn *in, const cJSON *list, Entry *e) {
  if (!cJSON_IsArray(list) || cJSON_GetArraySize(list) != 2) {
    file_fail(in, "tensor \"%.100s\": data_offsets are two numbers", e->name);
  }
  e->start = whole(in, list->child, e->name);
  e->end = whole(in, list->child->next, e->name);
}

static void check_bytes(const FileIn *in, const Entry *e) {
  int64_t bytes = (int64_t)dtype_size(e->dtype);
  bool empty = false, huge = false;
  for (int d = 0; d < e->ndim; d++) {
    empty = empty || e->shape[d] == 0;
    huge = huge || __builtin_mul_overflow(bytes, e->shape[d], &bytes);
  }
  if (huge)
    file_fail(in, "tensor \"%.100s\": shape %s is too large", e->name,
              t_dims_str(e->ndim, e->shape));
  if (empty) bytes = 0;
  if (e->start > e->end || e->end - e->start != bytes) {
    file_fail(in, "tensor \"%.100s\": %s of %s takes %lld bytes, its offsets %lld..%lld do not",
              e->name, t_dims_str(e->ndim, e->shape), safetensors_dtype_name(e->dtype),
              (long long)bytes, (long long)e->start, (long long)e->end);
  }
}

static void read_entry(const FileIn *in, const cJSON *object, Entry *e) {
  const cJSON *dtype = NULL, *shape = NULL, *offsets = NULL;
  if (!cJSON_IsObject(object)) file_fail(in, "\"%.100s\" is no description of a tensor", e->name);
  for (const cJSON *v = object->child; v; v = v->next) {
    const cJSON **place = strcmp(v->string, "dtype") == 0          ? &dtype
                          : strcmp(v->string, "shape") == 0        ? &shape
                          : strcmp(v->string, "data_offsets") == 0 ? &offsets
                                                                   : NULL;
    if (!place) file_fail(in, "tensor \"%.100s\" has a field \"%.100s\"", e->name, v->string);
    if (*place) file_fail(in, "tensor \"%.100s\" has \"%s\" twice", e->name, v->string);
    *place = v;
  }
  if (!dtype || !shape || !offsets) {
    file_fail(in, "tensor \"%.100s\" lacks dtype, shape or data_offsets", e->name);
  }
  if (!cJSON_IsString(dtype) || !safetensors_dtype_parse(dtype->valuestring, &e->dtype)) {
    file_fail(in,
              "tensor \"%.100s\": elements of type %.100s; F32, F64, I64, I32, U8, BOOL, F16 "
              "and BF16 are read",
              e->name, cJSON_IsString(dtype) ? dtype->valuestring : "?");
  }
  read_shape(in, shape, e);
  read_offsets(in, offsets, e);
  check_bytes(in, e);
}

/* ---- the whole --------------------------------------------------------------------------------- */

static int by_text(const void *a, const void *b) {
  return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static int by_place(const void *a, const void *b) {
  const Entry *p = *(const Entry *const *)a, *q = *(const Entry *const *)b;
  if (p->start != q->start) return p->start < q->start ? -1 : 1;
  return p->end < q->end ? -1 : p->end > q->end;
}

static void check_unique(const FileIn *in, const cJSON *object) {
  int n = cJSON_GetArraySize(object), i = 0;
  const char **name = scratch_array(n, sizeof *name);
  for (const cJSON *v = object->child; v; v = v->next) name[i++] = v->string;
  qsort(name, (size_t)n, sizeof *name, by_text);
  for (i = 1; i < n; i++) {
    if (strcmp(name[i - 1], name[i]) == 0)
      file_fail(in, "the name \"%.100s\" comes twice", name[i]);
  }
}

/* The tensors' bytes must follow each other without holes and fill the rest of the file. */
static void check_cover(const FileIn *in, const HeaderTable *t, int64_t data_bytes) {
  Entry **order = scratch_array(t->count, sizeof *order);
  for (int64_t i = 0; i < t->count; i++) order[i] = &t->entry[i];
  qsort(order, (size_t)t->count, sizeof *order, by_place);
  int64_t at = 0;
  for (int64_t i = 0; i < t->count; i++) {
    if (order[i]->start != at) {
      file_fail(in, "tensor \"%.100s\" begins at byte %lld where %lld is wanted: %s",
                order[i]->name, (long long)order[i]->start, (long long)at,
                order[i]->start > at ? "there is a hole" : "tensors overlap");
    }
    at = order[i]->end;
  }
  if (at > data_bytes) {
    file_fail(in, "truncated: the header promises %lld bytes of data, the file has %lld",
              (long long)at, (long long)data_bytes);
  }
  if (at < data_bytes) {
    file_fail(in, "%lld bytes follow the last tensor", (long long)(data_bytes - at));
  }
}

static void read_notes(const FileIn *in, const cJSON *object, HeaderTable *t) {
  if (!cJSON_IsObject(object)) file_fail(in, "its __metadata__ is no object");
  check_unique(in, object);
  t->note = scratch_array(cJSON_GetArraySize(object), sizeof *t->note);
  for (const cJSON *v = object->child; v; v = v->next) {
    if (!cJSON_IsString(v)) { file_fail(in, "__metadata__ \"%.100s\" is no string", v->string); }
    t->note[t->nnotes++] = (Note){v->string, v->valuestring};
  }
}

/* A copy in *store, which moves on. A string is never longer than its JSON with quotes. */
static const char *keep(char **store, const char *s) {
  size_t n = strlen(s) + 1;
  char *copy = memcpy(*store, s, n);
  *store += n;
  return copy;
}

typedef struct Job {
  const FileIn *in;
  const cJSON *root;
  int64_t length, data_bytes;
  HeaderTable *out;
} Job;

static void read_tree(void *arg) {
  const Job *j = arg;
  HeaderTable *t = j->out;
  check_unique(j->in, j->root);
  *t = (HeaderTable){.entry = scratch_array(cJSON_GetArraySize(j->root), sizeof *t->entry)};
  for (const cJSON *v = j->root->child; v; v = v->next) {
    if (strcmp(v->string, "__metadata__") == 0) {
      read_notes(j->in, v, t);
      continue;
    }
    Entry *e = &t->entry[t->count++];
    e->name = v->string;
    read_entry(j->in, v, e);
  }
  check_cover(j->in, t, j->data_bytes);
  char *store = scratch_array(j->length, 1);
  for (int64_t i = 0; i < t->count; i++) t->entry[i].name = keep(&store, t->entry[i].name);
  for (int64_t i = 0; i < t->nnotes; i++) {
    t->note[i].key = keep(&store, t->note[i].key);
    t->note[i].value = keep(&store, t->note[i].value);
  }
}

void safetensors_header(const FileIn *in, const char *text, int64_t length, int64_t data_bytes,
                        HeaderTable *out) {
  scan(in, text, length);
  const char *end = NULL;
  cJSON *root = cJSON_ParseWithLengthOpts(text, (size_t)length + 1, &end, false);
  if (!root) {
    long long at = end ? (long long)(end - text) : 0;
    file_fail(in, "its header is no JSON (near byte %lld)", at);
  }
  while (end < text + length && strchr(" \t\r\n", *end)) end++;
  Job j = {in, root, length, data_bytes, out};
  bool whole_text = end == text + length, is_object = cJSON_IsObject(root);
  bool done = whole_text && is_object && t_try(read_tree, &j);
  cJSON_Delete(root);
  if (!whole_text) file_fail(in, "more follows the JSON of its header");
  if (!is_object) file_fail(in, "its header is no JSON object");
  if (!done) t_fail_again();
}
