/* Replacing files: a new file in the same folder, synced, renamed over the old one. */
#define _GNU_SOURCE
#include "file.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "../loop/cast.h"

enum {
  LEFT_BEHIND = 600, /* seconds after which a dead writer's file is removed */
  PIECE = 1 << 22,   /* bytes that are written between two looks at Ctrl-C's flag */
  BEHIND = 4 * PIECE
};

typedef struct Replace {
  FileOut out;
  void (*body)(FileOut *out, void *arg);
  void *arg;
  const char *name;          /* the last part of target */
  char folder[PATH_MAX];     /* of target */
  char target[PATH_MAX];     /* path with symbolic links followed */
  char part[PATH_MAX + 256]; /* folder/.name.PID.part */
  mode_t mode;               /* of the new file */
} Replace;

static _Noreturn void out_fail(const FileOut *out, const char *doing, int error) {
  t_fail("%s: %.400s: %s: %s%s", out->where, out->path, doing, strerror(error),
         out->replaces ? "; what the file held before is still there" : "");
}

/* ---- where to -------------------------------------------------------------------------------- */

static void find_target(Replace *r) {
  const char *where = r->out.where, *path = r->out.path;
  struct stat st;
  bool exists = stat(path, &st) == 0;
  if (exists && !S_ISREG(st.st_mode)) {
    t_fail("%s: %.400s is %s; a regular file is wanted", where, path,
           S_ISDIR(st.st_mode) ? "a folder" : "a device or pipe");
  }
  if (!exists && errno != ENOENT) t_fail("%s: %.400s: %s", where, path, strerror(errno));
  r->out.replaces = exists;
  mode_t mask = umask(0);
  umask(mask);
  r->mode = exists ? st.st_mode & 0777 : 0666 & ~mask;
  if (exists) {
    if (!realpath(path, r->target)) t_fail("%s: %.400s: %s", where, path, strerror(errno));
  } else if (strlen(path) >= sizeof r->target) {
    t_fail("%s: %.400s...: the name is too long", where, path);
  } else {
    strcpy(r->target, path);
  }
  char *slash = strrchr(r->target, '/');
  size_t length = slash ? (size_t)(slash - r->target) : 0;
  memcpy(r->folder, r->target, length);
  strcpy(r->folder + length, slash ? (length ? "" : "/") : ".");
  r->name = slash ? slash + 1 : r->target;
  if (!*r->name) t_fail("%s: \"%.400s\" names no file", where, path);
  if (stat(r->folder, &st) != 0 && errno == ENOENT) {
    t_fail("%s: %.400s: there is no folder %.400s", where, path, r->folder);
  }
}

/* Removes what writers of the same file left that were killed: their process is gone and the file
   has not changed for a while. */
static void sweep(const Replace *r) {
  DIR *dir = opendir(r->folder);
  if (!dir) return;
  size_t length = strlen(r->name);
  for (struct dirent *e = readdir(dir); e; e = readdir(dir)) {
    if (e->d_name[0] != '.' || strncmp(e->d_name + 1, r->name, length) != 0) continue;
    char *end;
    if (e->d_name[1 + length] != '.') continue;
    long pid = strtol(e->d_name + 2 + length, &end, 10);
    struct stat st;
    if (pid <= 0 || strcmp(end, ".part") != 0 || kill((pid_t)pid, 0) == 0 || errno != ESRCH)
      continue;
    if (fstatat(dirfd(dir), e->d_name, &st, AT_SYMLINK_NOFOLLOW) == 0 && S_ISREG(st.st_mode) &&
        time(NULL) - st.st_mtime > LEFT_BEHIND)
      unlinkat(dirfd(dir), e->d_name, 0);
  }
  closedir(dir);
}

/* ---- writing --------------------------------------------------------------------------------- */

/* Has the disk take what was written, and waits for what was a while ago: so that the sync at the end,
   which cannot be interrupted, is short. */
static void settle(const FileOut *out, off_t n) {
#ifdef SYNC_FILE_RANGE_WRITE
  off_t at = lseek(out->fd, 0, SEEK_CUR) - n;
  sync_file_range(out->fd, at, n, SYNC_FILE_RANGE_WRITE);
  if (at >= BEHIND)
    sync_file_range(out->fd, at - BEHIND, n,
                    SYNC_FILE_RANGE_WAIT_BEFORE | SYNC_FILE_RANGE_WRITE |
                        SYNC_FILE_RANGE_WAIT_AFTER);
#else
  (void)out, (void)n;
#endif
}

void file_put(const FileOut *out, const void *from, int64_t n) {
  const char *p = from;
  while (n > 0) {
    ssize_t put = write(out->fd, p, n > PIECE ? PIECE : (size_t)n);
    t_poll();
    if (put < 0 && errno == EINTR) continue;
    if (put < 0) out_fail(out, "cannot write", errno);
    if (put == PIECE) settle(out, put);
    p += put;
    n -= put;
  }
}

void file_put_tensor(const FileOut *out, Tensor *x) {
  int mark = t_mark();
  if (!t_is_contiguous(x)) x = cast_copy(x, (DType)x->dtype);
  file_put(out, t_data(x), x->numel * (int64_t)dtype_size((DType)x->dtype));
  t_leave(mark);
}

static void run_body(void *arg) {
  Replace *r = arg;
  r->body(&r->out, r->arg);
  if (fchmod(r->out.fd, r->mode) != 0 && errno != EPERM) {
    out_fail(&r->out, "cannot set its mode", errno);
  }
  if (fsync(r->out.fd) != 0) out_fail(&r->out, "cannot write", errno);
}

static void sync_folder(const Replace *r) {
  int fd = open(r->folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (fd < 0) return; /* a folder that may be written but not read */
  int error = fsync(fd) == 0 || errno == EINVAL || errno == EROFS ? 0 : errno;
  close(fd);
  if (error) {
    t_fail("%s: %.400s is written, but its folder could not be synced: %s", r->out.where,
           r->out.path, strerror(error));
  }
}

void file_replace(const char *where, const char *path, void (*body)(FileOut *out, void *arg),
                  void *arg) {
  Replace r = {.out = {.where = where, .path = path}, .body = body, .arg = arg};
  find_target(&r);
  sweep(&r);
  snprintf(r.part, sizeof r.part, "%s/.%.200s.%ld.part", r.folder, r.name, (long)getpid());
  unlink(r.part);
  r.out.fd = open(r.part, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
  if (r.out.fd < 0) t_fail("%s: cannot write %.400s: %s", where, path, strerror(errno));
  bool done = t_try(run_body, &r);
  int error = close(r.out.fd) == 0 ? 0 : errno;
  if (done && !error && rename(r.part, r.target) != 0) error = errno;
  if (!done || error) unlink(r.part);
  if (!done) t_fail_again();
  if (error) out_fail(&r.out, "cannot write", error);
  sync_folder(&r);
}
