/* Images as tensors: PNG, JPEG and BMP to uint8 [C,H,W], and back to PNG. */
#include "files.h"

#include <math.h>

#include "../loop/cast.h"
#include "../machine/mem.h"
#include "file.h"
#include "image_scan.h"
#include "stb.h"

enum { FILE_MOST = 256 << 20 };

/* Bytes that coding a picture may use: pixels of up to 8 bytes a few times over, in whole blocks. */
static size_t room_for(int64_t width, int64_t height, int64_t file) {
  size_t room = (size_t)((width + 64) * (height + 64) * 32 + 4 * file) + ((size_t)1 << 20);
  size_t limit = mem_limit(), left = limit > mem_stats.live ? limit - mem_stats.live : 0;
  return room < left ? room : left;
}

/* ---- reading ------------------------------------------------------------------------------------- */

typedef struct Reading {
  int channels;
  Tensor *result;
} Reading;

/* pixels [H,W,C] to planes [C,H,W] */
static void to_planes(Tensor *y, const uint8_t *pixels) {
  uint8_t *out = t_data(y);
  int64_t c = y->shape[0], area = y->shape[1] * y->shape[2];
  for (int64_t k = 0; k < c; k++) {
    for (int64_t i = 0; i < area; i++) out[k * area + i] = pixels[i * c + k];
  }
}

static void read_image(FileIn *in, void *arg) {
  Reading *r = arg;
  Tensor *file = file_bytes(in, FILE_MOST);
  const uint8_t *bytes = t_data(file);
  const char *problem = image_scan(bytes, file->numel);
  if (problem) file_fail(in, "%s", problem);
  int n = (int)file->numel, width, height, channels;
  bool known = stb_info(bytes, n, &width, &height, &channels);
  stb_done();
  if (!known) file_fail(in, "the image cannot be decoded: %s", stb_problem());
  if (r->channels) channels = r->channels;
  if (height < 0 && height >= -STB_SIDE_MOST) height = -height; /* a BMP from the top down */
  if (width < 1 || height < 1 || width > STB_SIDE_MOST || height > STB_SIDE_MOST ||
      (int64_t)width * height > STB_PIXELS_MOST) {
    file_fail(in, "the image has %d x %d pixels; at most %d on a side and %d in all are read",
              width, height, STB_SIDE_MOST, STB_PIXELS_MOST);
  }
  const int64_t shape[3] = {channels, height, width};
  Tensor *y = t_new(T_U8, 3, shape);
  uint8_t *pixels = stb_decode(bytes, n, channels, room_for(width, height, n), &width, &height);
  bool fits = pixels && width == shape[2] && height == shape[1];
  if (fits) to_planes(y, pixels);
  stb_done();
  if (!fits) {
    file_fail(in, "the image cannot be decoded: %s",
              pixels ? "its size changes within the file" : stb_problem());
  }
  r->result = y;
}

Tensor *image_read(const char *path, int channels) {
  if (channels < 0 || channels == 2 || channels > 4) {
    t_fail("read_image: channels is %d; 1 (grey), 3 (colour) or 4 (with opacity) are possible",
           channels);
  }
  Reading r = {.channels = channels};
  file_read("read_image", path, read_image, &r);
  return r.result;
}

/* ---- writing ------------------------------------------------------------------------------------- */

typedef struct Picture {
  int64_t channels, height, width;
  uint8_t *pixels; /* [H,W,C] */
} Picture;

static void measure(const Tensor *x, Picture *p) {
  int first = x->ndim - 2;
  if (x->ndim != 2 && x->ndim != 3) {
    t_fail("write_image: the tensor is %s; an image is [C,H,W] or [H,W]%s", t_shape_str(x),
           x->ndim == 4 ? ", one of a batch is x[1]" : "");
  }
  *p = (Picture){x->ndim == 3 ? x->shape[0] : 1, x->shape[first], x->shape[first + 1], NULL};
  if (p->channels < 1 || p->channels > 4) {
    t_fail("write_image: %lld channels in %s; 1 to 4 come first, [C,H,W]%s", (long long)p->channels,
           t_shape_str(x),
           x->shape[2] <= 4 ? "; x:permute(3, 1, 2) brings the last dimension to the front" : "");
  }
  if (p->height < 1 || p->width < 1 || p->height > STB_SIDE_MOST || p->width > STB_SIDE_MOST ||
      p->height * p->width > STB_PIXELS_MOST) {
    t_fail("write_image: %lld x %lld pixels; 1 to %d on a side and %d in all are possible",
           (long long)p->width, (long long)p->height, STB_SIDE_MOST, STB_PIXELS_MOST);
  }
}

/* x contiguous, uint8 or float32 */
static void to_pixels(const Tensor *x, Picture *p) {
  int64_t c = p->channels, area = p->height * p->width;
  p->pixels = t_data(t_new(T_U8, 1, &x->numel));
  for (int64_t k = 0; k < c; k++) {
    for (int64_t i = 0; i < area; i++) {
      uint8_t *out = &p->pixels[i * c + k];
      if (x->dtype == T_U8) {
        *out = ((const uint8_t *)t_data(x))[k * area + i];
        continue;
      }
      float v = t_f32(x)[k * area + i];
      if (!(v > -0.01f && v < 1.01f)) {
        t_fail("write_image: the tensor holds %g; floats from 0 (black) to 1 (white) are pictures; "
               "x:clamp(0, 1), or (x + 1) / 2 for values from -1 to 1",
               (double)v);
      }
      *out = (uint8_t)lrintf(fminf(fmaxf(v, 0), 1) * 255);
    }
  }
}

typedef struct Encoded {
  const uint8_t *bytes;
  int n;
} Encoded;

static void write_bytes(FileOut *out, void *arg) {
  const Encoded *e = arg;
  file_put(out, e->bytes, e->n);
}

typedef struct Writing {
  const char *path;
  Picture picture;
} Writing;

static void encode(void *arg) {
  Writing *w = arg;
  Picture *p = &w->picture;
  Encoded e;
  e.bytes = stb_encode(p->pixels, (int)p->width, (int)p->height, (int)p->channels,
                       room_for(p->width, p->height, 0), &e.n);
  if (!e.bytes) t_fail("write_image: out of memory for the PNG of %.400s", w->path);
  file_replace("write_image", w->path, write_bytes, &e);
}

void image_write(const char *path, Tensor *x) {
  Writing w = {.path = path};
  measure(x, &w.picture);
  DType d = (DType)x->dtype;
  if (d != T_U8 && !dtype_is_float(d)) {
    t_fail("write_image: a tensor of %s; uint8 (0 to 255) or floats (0 to 1) are pictures",
           dtype_name(d));
  }
  if (d != T_U8 || !t_is_contiguous(x)) x = cast_copy(x, d == T_U8 ? T_U8 : T_F32);
  to_pixels(x, &w.picture);
  bool done = t_try(encode, &w);
  stb_done();
  if (!done) t_fail_again();
}
