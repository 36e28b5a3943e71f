/* The history of the prompt, in $XDG_STATE_HOME/lunette/history (~/.local/state by default).

   The file holds one entry a line, oldest first; in an entry a newline is written \n and a
   backslash \\. It is readable for its owner only. An entry is saved before it runs, by writing a
   new file and renaming it, together with what other sessions have saved meanwhile. */
#include "history.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define LONGEST_ENTRY 65536 /* longer ones stay in memory only */

typedef struct {
  char *entries[HISTORY_MAX]; /* oldest first */
  size_t n;
} List;

struct History {
  List list;
  char *path; /* NULL: no place to keep it */
};

/* Takes over `entry`, which came from malloc. */
static void list_add(List *list, char *entry) {
  if (entry == NULL) return;
  if (list->n == HISTORY_MAX) {
    free(list->entries[0]);
    memmove(list->entries, list->entries + 1, (HISTORY_MAX - 1) * sizeof *list->entries);
    list->n--;
  }
  list->entries[list->n++] = entry;
}

static void list_free(List *list) {
  for (size_t i = 0; i < list->n; i++) free(list->entries[i]);
  list->n = 0;
}

/* In place: a line of the file becomes an entry. */
static void decode(char *line) {
  char *to = line;
  for (char *from = line; *from != '\0'; from++) {
    if (from[0] == '\\' && (from[1] == 'n' || from[1] == '\\')) {
      *to++ = from[1] == 'n' ? '\n' : '\\';
      from++;
    } else {
      *to++ = *from;
    }
  }
  *to = '\0';
}

static void encode(FILE *f, const char *entry) {
  for (; *entry != '\0'; entry++) {
    if (*entry == '\n' || *entry == '\\') putc('\\', f);
    putc(*entry == '\n' ? 'n' : *entry, f);
  }
  putc('\n', f);
}

static void list_load(List *list, const char *path) {
  int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  struct stat info;
  if (fd < 0) return;
  FILE *f = fstat(fd, &info) == 0 && S_ISREG(info.st_mode) ? fdopen(fd, "r") : NULL;
  if (f == NULL) {
    close(fd);
    return;
  }
  char *line = NULL;
  size_t room = 0;
  ssize_t size;
  while ((size = getline(&line, &room, f)) >= 0) {
    if (size > 0 && line[size - 1] == '\n') line[size - 1] = '\0';
    decode(line);
    if (line[0] != '\0') list_add(list, strdup(line));
  }
  free(line);
  fclose(f);
}

/* Writes the list to a file of its own and puts that into the place of `path`. */
static void list_save(const List *list, const char *path) {
  char temporary[PATH_MAX];
  int size = snprintf(temporary, sizeof temporary, "%s.%ld", path, (long)getpid());
  if (size < 0 || (size_t)size >= sizeof temporary) return;
  int fd = open(temporary, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
  FILE *f = fd < 0 ? NULL : fdopen(fd, "w");
  if (f == NULL) {
    if (fd >= 0) close(fd);
    return;
  }
  for (size_t i = 0; i < list->n; i++) encode(f, list->entries[i]);
  bool good = fflush(f) == 0 && !ferror(f);
  good &= fclose(f) == 0;
  if (!good || rename(temporary, path) != 0) unlink(temporary);
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
  const char *base = state, *tail = "lunette/history";
  if (state == NULL || state[0] != '/') {
    base = home;
    tail = ".local/state/lunette/history";
  }
  if (base == NULL || base[0] != '/') return NULL;
  size_t size = strlen(base) + strlen(tail) + 2;
  char *path = malloc(size);
  if (path == NULL) return NULL;
  snprintf(path, size, "%s/%s", base, tail);
  if (make_folders(path)) return path;
  free(path);
  return NULL;
}

History *history_open(void) {
  History *h = calloc(1, sizeof *h);
  if (h == NULL) return NULL;
  h->path = find_path();
  if (h->path != NULL) list_load(&h->list, h->path);
  return h;
}

void history_close(History *h) {
  if (h == NULL) return;
  list_free(&h->list);
  free(h->path);
  free(h);
}

static void save(const History *h, const char *entry) {
  List all = {.n = 0};
  list_load(&all, h->path);
  list_add(&all, strdup(entry));
  list_save(&all, h->path);
  list_free(&all);
}

void history_add(History *h, const char *entry) {
  if (h == NULL || entry[strspn(entry, " \t\n")] == '\0') return;
  if (h->list.n > 0 && strcmp(h->list.entries[h->list.n - 1], entry) == 0) return;
  list_add(&h->list, strdup(entry));
  if (h->path != NULL && strlen(entry) <= LONGEST_ENTRY) save(h, entry);
}

size_t history_count(const History *h) { return h == NULL ? 0 : h->list.n; }

const char *history_get(const History *h, size_t i) { return h->list.entries[i]; }
