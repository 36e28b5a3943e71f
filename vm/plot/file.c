/* A canvas as bytes and as a file. A file is written beside its final name and moved
   there when it is complete, so a full disk leaves an older picture as it was. */
#include "canvas.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

cairo_status_t canvas_take_bytes(void *closure, const unsigned char *data, unsigned size) {
  Bytes *bytes = closure;
  if (bytes->size + size > bytes->room) {
    size_t room = (bytes->size + size) * 2;
    unsigned char *more = realloc(bytes->data, room);
    if (!more) return CAIRO_STATUS_NO_MEMORY;
    bytes->data = more, bytes->room = room;
  }
  memcpy(bytes->data + bytes->size, data, size);
  bytes->size += size;
  return CAIRO_STATUS_SUCCESS;
}

/* Brings the whole picture into canvas->bytes. An SVG or PDF is finished by it. */
static void encode(lua_State *L, Canvas *canvas) {
  cairo_status_t status;
  if (canvas->format == CANVAS_PNG) {
    canvas->bytes.size = 0;
    status = cairo_surface_write_to_png_stream(canvas->surface, canvas_take_bytes, &canvas->bytes);
  } else {
    cairo_surface_finish(canvas->surface);
    canvas->finished = true;
    status = cairo_surface_status(canvas->surface);
  }
  if (status != CAIRO_STATUS_SUCCESS)
    luaL_error(L, "canvas: the picture cannot be encoded: %s", cairo_status_to_string(status));
}

/* encode() -> the file's bytes as a string */
int canvas_encode(lua_State *L) {
  Canvas *canvas = canvas_check(L);
  encode(L, canvas);
  lua_pushlstring(L, (const char *)canvas->bytes.data, canvas->bytes.size);
  return 1;
}

/* 0 or an errno. */
static int write_all(int file, const Bytes *bytes) {
  for (size_t done = 0; done < bytes->size;) {
    ssize_t n = write(file, bytes->data + done, bytes->size - done);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return errno;
    done += (size_t)n;
  }
  return 0;
}

/* Writes into what stands at the path: a pipe or a device cannot be replaced by a file. */
static int write_into(const char *path, const Bytes *bytes) {
  int file = open(path, O_WRONLY | O_CLOEXEC);
  if (file < 0) return errno;
  int error = write_all(file, bytes);
  if (close(file) != 0 && !error) error = errno;
  return error;
}

static int write_beside(const char *path, const char *unfinished, const Bytes *bytes) {
  int file = open(unfinished, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0666);
  if (file < 0) return errno;
  int error = write_all(file, bytes);
  if (!error && fsync(file) != 0 && errno != EINVAL) error = errno;
  if (close(file) != 0 && !error) error = errno;
  if (!error && rename(unfinished, path) != 0) error = errno;
  if (error) unlink(unfinished);
  return error;
}

static int write_file(const char *path, const Bytes *bytes) {
  char real[PATH_MAX], unfinished[PATH_MAX + 32];
  struct stat info;
  if (stat(path, &info) == 0) { /* a link keeps pointing to its file */
    if (S_ISDIR(info.st_mode)) return EISDIR;
    if (!S_ISREG(info.st_mode)) return write_into(path, bytes);
    if (!realpath(path, real)) return errno;
    path = real;
  } else if (errno != ENOENT) {
    return errno;
  }
  if (strlen(path) >= PATH_MAX) return ENAMETOOLONG;
  snprintf(unfinished, sizeof unfinished, "%s.%ld.tmp", path, (long)getpid());
  return write_beside(path, unfinished, bytes);
}

/* save(path) -> true: replaces the file as a whole; or nil and why not */
int canvas_save(lua_State *L) {
  Canvas *canvas = canvas_check(L);
  const char *path = luaL_checkstring(L, 2);
  encode(L, canvas);
  int error = write_file(path, &canvas->bytes);
  if (!error) {
    lua_pushboolean(L, 1);
    return 1;
  }
  const char *hint = error == ENOENT ? " (the folder does not exist; make it first)" : "";
  lua_pushnil(L);
  lua_pushfstring(L, "cannot write '%s': %s%s", path, strerror(error), hint);
  return 2;
}
