/* How much memory there is: of the machine, of the control groups that this process is in, and under
   the limit of its own. The system grants large requests that it cannot keep and kills the process
   that uses them; so what is asked of it is checked here first. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "mem.h"

enum { LOOK_EVERY = 64 << 20 }; /* bytes granted between two looks at what is free */

/* ---- what the system tells ------------------------------------------------------------------------ */

/* The number behind `key`, at the start of a line of a file; `without` when there is none. */
static size_t number_in(const char *path, const char *key, size_t without) {
  FILE *f = fopen(path, "r");
  if (!f) return without;
  char line[256], *end;
  size_t found = without, n = strlen(key);
  while (fgets(line, sizeof line, f)) {
    if (strncmp(line, key, n) != 0) continue;
    unsigned long long v = strtoull(line + n, &end, 10);
    if (end != line + n) found = (size_t)v;
    break;
  }
  fclose(f);
  return found;
}

/* What a control group and those above it leave, at most `room`. `path` is the group's folder under
   `top` and is cut back to that. Files are called as the group's version has it. */
static size_t room_in_group(char *path, size_t top, const char *const *files, size_t room) {
  char file[600];
  for (;;) {
    snprintf(file, sizeof file, "%s/%s", path, files[0]);
    size_t most = number_in(file, "", SIZE_MAX);
    snprintf(file, sizeof file, "%s/%s", path, files[1]);
    size_t used = number_in(file, "", 0);
    snprintf(file, sizeof file, "%s/memory.stat", path);
    size_t files_cached = number_in(file, files[2], 0); /* given back when it is wanted */
    used -= files_cached < used ? files_cached : used;
    size_t left = most > used ? most - used : 0;
    if (left < room) room = left;
    char *slash = strrchr(path, '/');
    if (!slash || (size_t)(slash - path) < top) return room;
    *slash = 0;
  }
}

static size_t room_in_groups(size_t room) {
  static const char v1[] = "/sys/fs/cgroup/memory", v2[] = "/sys/fs/cgroup";
  static const char *const v1_files[] = {"memory.limit_in_bytes", "memory.usage_in_bytes",
                                         "total_inactive_file "};
  static const char *const v2_files[] = {"memory.max", "memory.current", "inactive_file "};
  FILE *f = fopen("/proc/self/cgroup", "r");
  char line[400], path[500];
  while (f && fgets(line, sizeof line, f)) {
    line[strcspn(line, "\n")] = 0;
    char *group = strstr(line, ":memory:");
    bool old = group != NULL;
    if (!old && strncmp(line, "0::", 3) != 0) continue;
    group = old ? group + strlen(":memory:") : line + 3;
    if (strcmp(group, "/") == 0) group = "";
    snprintf(path, sizeof path, "%s%s", old ? v1 : v2, group);
    room = room_in_group(path, strlen(old ? v1 : v2), old ? v1_files : v2_files, room);
  }
  if (f) fclose(f);
  return room;
}

/* What `ulimit -v` leaves, at most `room`. */
static size_t room_in_addresses(size_t room) {
  struct rlimit limit;
  if (getrlimit(RLIMIT_AS, &limit) != 0 || limit.rlim_cur == RLIM_INFINITY) return room;
  size_t used = number_in("/proc/self/statm", "", 0) * (size_t)sysconf(_SC_PAGESIZE);
  size_t left = limit.rlim_cur > used ? limit.rlim_cur - used : 0;
  return left < room ? left : room;
}

static size_t free_now(void) {
  size_t kb = number_in("/proc/meminfo", "MemAvailable:", (size_t)4 << 20);
  return room_in_addresses(room_in_groups(kb * 1024));
}

/* ---- the limit -------------------------------------------------------------------------------------- */

size_t mem_limit(void) {
  if (mem_stats.limit == 0) mem_stats.limit = free_now() / 10 * 8;
  return mem_stats.limit;
}

void mem_set_limit(size_t bytes) { mem_stats.limit = bytes; }

/* A look at the system now and then, before what has been granted since could fill it. A part stays
   free: for the system, and for what was granted and has not been used yet. */
static bool is_free(size_t size) {
  static size_t granted; /* since the last look */
  size_t wanted = size < SIZE_MAX - granted ? granted + size : SIZE_MAX;
  if (wanted >= LOOK_EVERY) {
    size_t room = free_now();
    if (wanted > room - room / 20) return false;
    wanted = 0;
  }
  granted = wanted;
  return true;
}

bool mem_fits(size_t size) {
  size_t limit = mem_limit();
  return size <= limit && mem_stats.live + mem_stats.cached <= limit - size && is_free(size);
}

static const char *in_words(size_t bytes) {
  static char text[3][32];
  static int turn;
  char *s = text[turn = (turn + 1) % 3];
  if (bytes >= (size_t)1 << 40)
    snprintf(s, 32, "%.1f TB", (double)bytes / 1099511627776.0);
  else if (bytes >= (size_t)1 << 30)
    snprintf(s, 32, "%.1f GB", (double)bytes / 1073741824.0);
  else if (bytes >= (size_t)1 << 20)
    snprintf(s, 32, "%.1f MB", (double)bytes / 1048576.0);
  else
    snprintf(s, 32, "%.1f kB", (double)bytes / 1024.0);
  return s;
}

_Noreturn void mem_too_much(size_t size) {
  size_t limit = mem_limit(), used = mem_stats.live + mem_stats.cached;
  if (size <= limit && used <= limit - size) {
    t_fail("out of memory: %s more do not fit in the %s that the system has free; free tensors or "
           "end other programs",
           in_words(size), in_words(free_now()));
  }
  t_fail("out of memory: %s more do not fit beside %s in use under the limit of %s; "
         "free tensors or raise tensor.memory_limit",
         in_words(size), in_words(used), in_words(limit));
}

/* ---- memory of the host's own ------------------------------------------------------------------------ */

enum { HOST_STEP = 8 << 20, HOST_LEAST = 256 << 20 };
static size_t host_bytes, host_sure = HOST_STEP; /* in use; up to here without a look */

bool mem_host_grow(size_t bytes) {
  size_t wanted = host_bytes + bytes;
  if (wanted < bytes) return false;
  if (wanted > host_sure) {
    size_t limit = mem_limit() > HOST_LEAST ? mem_limit() : HOST_LEAST;
    size_t sure = wanted - host_sure < HOST_STEP ? host_sure + HOST_STEP : wanted;
    if (wanted > limit || !is_free(sure - host_sure)) return false;
    host_sure = sure < limit ? sure : limit;
  }
  host_bytes = wanted;
  return true;
}

void mem_host_shrink(size_t bytes) { host_bytes -= bytes < host_bytes ? bytes : host_bytes; }
