/* The history of the prompt, in $XDG_STATE_HOME/lunette/history.jsonl (~/.local/state by default),
   readable for its owner only.

   The file has an entry a line, oldest first, as a JSON object: {"time": seconds, "entry": "text"}.
   Lines are only added, by one write under a lock, so sessions that run side by side keep each
   other's. A file that has grown to twice MOST entries is cut to the newest when a session opens. */
#define _GNU_SOURCE
#include "history.h"

#include <cjson/cJSON.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define MOST          20000 /* entries kept in the file */
#define LONGEST_ENTRY 65536 /* bytes; longer ones stay in memory only */

struct History {
  char **entries; /* oldest first; in `file`, or from malloc */
  size_t n, room;
  char *file; /* its bytes: entries are decoded where they stand */
  size_t file_size;
  char *path; /* NULL: no place to keep it */
};

/* ---- the list -------------------------------------------------------------------------------------- */

static void drop(const History *h, char *entry) {
  uintptr_t at = (uintptr_t)entry, file = (uintptr_t)h->file;
  if (h->file == NULL || at < file || at >= file + h->file_size) free(entry);
}

/* Takes over `entry`, which came from malloc or stands in h->file. */
static void list_add(History *h, char *entry) {
  if (entry == NULL) return;
  if (h->n == h->room) {
    size_t room = 2 * h->room + 256;
    char **more = realloc(h->entries, room * sizeof *more);
    if (more == NULL) {
      drop(h, entry);
      return;
    }
    h->entries = more;
    h->room = room;
  }
  h->entries[h->n++] = entry;
}

size_t history_count(const History *h) { return h == NULL ? 0 : h->n; }

const char *history_get(const History *h, size_t i) { return h->entries[i]; }

static bool is_new(const History *h, const char *entry) {
  if (entry[strspn(entry, " \t\n")] == '\0') return false;
  return h->n == 0 || strcmp(h->entries[h->n - 1], entry) != 0;
}

/* ---- the file -------------------------------------------------------------------------------------- */

/* A line as encode() writes it, decoded where it stands: a start reads thousands. NULL, and nothing
   has changed, where another program wrote it in another way. */
static char *decode_own(char *line, size_t size) {
  static const char head[] = "{\"time\":", middle[] = ",\"entry\":\"";
  static const char from[] = "\"\\/nrtbf", to[] = "\"\\/\n\r\t\b\f";
  size_t at = sizeof head - 1, n = 0;
  if (size < sizeof head + sizeof middle || memcmp(line, head, at) != 0) return NULL;
  while (at < size && line[at] >= '0' && line[at] <= '9') at++;
  if (size - at < sizeof middle + 1 || memcmp(line + at, middle, sizeof middle - 1) != 0)
    return NULL;
  at += sizeof middle - 1;
  if (size - at < 3 || memcmp(line + size - 2, "\"}", 2) != 0) return NULL;
  char *entry = line + at;
  for (size_t i = at; i < size - 2; i++) { /* nothing else? */
    bool escaped = line[i] == '\\';
    if (line[i] == '"' || line[i] == '\0' || (escaped && i + 1 == size - 2)) return NULL;
    if (escaped && memchr(from, line[++i], sizeof from - 1) == NULL) return NULL;
  }
  for (; at < size - 2; at++) {
    bool escaped = line[at] == '\\';
    entry[n++] = escaped ? to[strchr(from, line[++at]) - from] : line[at];
  }
  entry[n] = '\0';
  return entry;
}

/* The entry of a line, in it or from malloc; NULL where the line is none. */
static char *decode(char *line, size_t size) {
  char *own = decode_own(line, size);
  if (own != NULL) return own;
  cJSON *object = cJSON_ParseWithLength(line, size);
  const char *text = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(object, "entry"));
  char *entry = text == NULL || text[0] == '\0' ? NULL : strdup(text);
  cJSON_Delete(object);
  return entry;
}

/* The line of an entry, with its newline, from malloc. */
static char *encode(const char *entry) {
  cJSON *object = cJSON_CreateObject();
  char *text = NULL, *line = NULL;
  if (cJSON_AddNumberToObject(object, "time", (double)time(NULL)) != NULL &&
      cJSON_AddStringToObject(object, "entry", entry) != NULL) {
    text = cJSON_PrintUnformatted(object);
  }
  cJSON_Delete(object);
  if (text != NULL && asprintf(&line, "%s\n", text) < 0) line = NULL;
  cJSON_free(text);
  return line;
}

static void write_all(int fd, const char *bytes, size_t n) {
  while (n > 0) {
    ssize_t done = write(fd, bytes, n);
    if (done < 0 && errno == EINTR) continue;
    if (done <= 0) return;
    bytes += done;
    n -= (size_t)done;
  }
}

/* Opened and locked; -1 if there is no such file and none can be made. Closing unlocks. */
static int open_locked(const char *path, int flags) {
  struct stat info;
  int fd = open(path, flags | O_CLOEXEC | O_NONBLOCK | O_NOFOLLOW, 0600);
  if (fd < 0) return -1;
  if (fstat(fd, &info) == 0 && S_ISREG(info.st_mode) && flock(fd, LOCK_EX) == 0) return fd;
  close(fd);
  return -1;
}

/* The bytes of the file, from malloc. */
static char *read_file(int fd, size_t *size) {
  struct stat info;
  *size = 0;
  if (fstat(fd, &info) != 0 || info.st_size <= 0) return NULL;
  char *bytes = malloc((size_t)info.st_size);
  ssize_t n, at = 0;
  while (bytes != NULL && (n = read(fd, bytes + at, (size_t)(info.st_size - at))) > 0) at += n;
  *size = (size_t)at;
  return bytes;
}

/* Where the line after the one at `at` starts; there is a newline. */
static size_t next_line(const char *bytes, size_t size, size_t at) {
  const char *end = memchr(bytes + at, '\n', size - at);
  return (size_t)(end - bytes) + 1;
}

static void cut(int fd, const char *bytes, size_t size, size_t lines) {
  size_t at = 0;
  for (; lines > MOST; lines--) at = next_line(bytes, size, at);
  if (ftruncate(fd, 0) == 0 && lseek(fd, 0, SEEK_SET) == 0) write_all(fd, bytes + at, size - at);
}

static void load(History *h) {
  int fd = open_locked(h->path, O_RDWR);
  if (fd < 0) return;
  char *bytes = h->file = read_file(fd, &h->file_size);
  size_t size = h->file_size, lines = 0;
  for (size_t at = 0; at < size && memchr(bytes + at, '\n', size - at) != NULL; lines++)
    at = next_line(bytes, size, at);
  if (lines > 2 * MOST) cut(fd, bytes, size, lines);
  for (size_t at = 0, next; lines > 0; lines--, at = next) {
    next = next_line(bytes, size, at);
    list_add(h, decode(bytes + at, next - 1 - at));
  }
  close(fd);
}

static void append(const char *path, const char *entry) {
  char *line = encode(entry);
  int fd = line == NULL ? -1 : open_locked(path, O_WRONLY | O_CREAT | O_APPEND);
  if (fd >= 0) {
    write_all(fd, line, strlen(line));
    close(fd);
  }
  free(line);
}

/* Makes the folders on the way to the file; those that are missing become the user's own. */
static bool make_folders(char *path) {
  for (char *slash = strchr(path + 1, '/'); slash != NULL; slash = strchr(slash + 1, '/')) {
    *slash = '\0';
    bool made = mkdir(path, 0700) == 0 || errno == EEXIST;
    *slash = '/';
    if (!made) return false;
  }
  return true;
}

/* The path of the file, from malloc; NULL when there is no home, or it cannot be written. */
static char *find_path(void) {
  const char *state = getenv("XDG_STATE_HOME"), *home = getenv("HOME");
  bool own = state != NULL && state[0] == '/';
  const char *base = own ? state : home;
  char *path = NULL;
  if (base == NULL || base[0] != '/') return NULL;
  if (asprintf(&path, "%s/%slunette/history.jsonl", base, own ? "" : ".local/state/") < 0)
    return NULL;
  if (make_folders(path)) return path;
  free(path);
  return NULL;
}

/* ---- both ------------------------------------------------------------------------------------------ */

History *history_open(void) {
  History *h = calloc(1, sizeof *h);
  if (h == NULL) return NULL;
  h->path = find_path();
  if (h->path != NULL) load(h);
  return h;
}

void history_close(History *h) {
  if (h == NULL) return;
  for (size_t i = 0; i < h->n; i++) drop(h, h->entries[i]);
  free(h->file);
  free(h->entries);
  free(h->path);
  free(h);
}

void history_add(History *h, const char *entry) {
  if (h == NULL || !is_new(h, entry)) return;
  list_add(h, strdup(entry));
  if (h->path != NULL && strlen(entry) <= LONGEST_ENTRY) append(h->path, entry);
}
