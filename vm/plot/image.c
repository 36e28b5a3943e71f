/* Blocks of pixels on the canvas, and single pixels read back from a PNG. */
#include "canvas.h"

#include <limits.h>
#include <math.h>
#include <stdint.h>

#define MAX_IMAGE_SIDE 16384
#define SVG_IMAGE_SIDE 2048

/* One row: `channels` bytes a pixel (grey, RGB, RGBA) to premultiplied 0xAARRGGBB, each pixel
   `times` times. */
static void convert_row(uint32_t *out, const unsigned char *in, int width, int channels,
                        int times) {
  for (int i = 0; i < width; i++, in += channels) {
    uint32_t r = in[0], g = channels > 1 ? in[1] : r, b = channels > 1 ? in[2] : r;
    uint32_t a = channels == 4 ? in[3] : 255;
    r = (r * a + 127) / 255, g = (g * a + 127) / 255, b = (b * a + 127) / 255;
    for (int k = 0; k < times; k++) *out++ = a << 24 | r << 16 | g << 8 | b;
  }
}

/* `w` x `h` pixels as a surface with each of them times x times large. */
static cairo_surface_t *make_image(const unsigned char *bytes, int w, int h, int channels,
                                   int times) {
  cairo_surface_t *image = cairo_image_surface_create(CAIRO_FORMAT_ARGB32, w * times, h * times);
  if (cairo_surface_status(image) != CAIRO_STATUS_SUCCESS) return image;
  unsigned char *rows = cairo_image_surface_get_data(image);
  int stride = cairo_image_surface_get_stride(image);
  for (int row = 0; row < h * times; row++)
    convert_row((uint32_t *)(void *)(rows + (ptrdiff_t)row * stride),
                bytes + (ptrdiff_t)(row / times) * w * channels, w, channels, times);
  cairo_surface_mark_dirty(image);
  return image;
}

/* Cairo's SVG cannot say that pixels stay squares, so they are made large in the image. */
static int svg_times(const Canvas *canvas, double sx, double sy, int w, int h) {
  int times = (int)fmin(ceil(fmax(sx, sy) * canvas->scale), SVG_IMAGE_SIDE / (w > h ? w : h));
  return canvas->format == CANVAS_SVG && times > 1 ? times : 1;
}

static void paint_image(Canvas *canvas, cairo_surface_t *image, double x, double y, double sx,
                        double sy) {
  bool enlarged = sx * canvas->scale >= 1 && sy * canvas->scale >= 1;
  cairo_save(canvas->cr);
  cairo_new_path(canvas->cr);
  cairo_translate(canvas->cr, x, y);
  cairo_scale(canvas->cr, sx, sy);
  cairo_set_source_surface(canvas->cr, image, 0, 0);
  cairo_pattern_set_filter(cairo_get_source(canvas->cr),
                           enlarged ? CAIRO_FILTER_NEAREST : CAIRO_FILTER_GOOD);
  cairo_pattern_set_extend(cairo_get_source(canvas->cr), CAIRO_EXTEND_PAD);
  cairo_rectangle(canvas->cr, 0, 0, cairo_image_surface_get_width(image),
                  cairo_image_surface_get_height(image));
  cairo_fill(canvas->cr);
  cairo_restore(canvas->cr);
}

/* image(bytes, w, h, channels, x, y, width, height): w x h pixels, row by row, stretched over a
   rectangle; pixels stay squares when enlarged and are averaged when made smaller. */
int canvas_image(lua_State *L) {
  Canvas *canvas = canvas_drawing(L);
  size_t size;
  const unsigned char *bytes = (const unsigned char *)luaL_checklstring(L, 2, &size);
  lua_Integer w = luaL_checkinteger(L, 3), h = luaL_checkinteger(L, 4), c = luaL_checkinteger(L, 5);
  double x = canvas_coord(L, 6, "x"), y = canvas_coord(L, 7, "y");
  double width = canvas_coord(L, 8, "width"), height = canvas_coord(L, 9, "height");
  if (w < 1 || h < 1 || w > MAX_IMAGE_SIDE || h > MAX_IMAGE_SIDE)
    return luaL_error(L, "canvas: an image is 1 to %d pixels a side, got %I x %I", MAX_IMAGE_SIDE,
                      w, h);
  if (c != 1 && c != 3 && c != 4)
    return luaL_error(L, "canvas: an image has 1, 3 or 4 channels, got %I", c);
  if (size != (size_t)(w * h * c))
    return luaL_error(L, "canvas: an image of %I x %I x %I wants %I bytes, got %I", w, h, c,
                      w * h * c, (lua_Integer)size);
  if (width <= 0 || height <= 0) return luaL_error(L, "canvas: an image wants a positive size");

  double sx = width / (double)w, sy = height / (double)h;
  int times = svg_times(canvas, sx, sy, (int)w, (int)h);
  cairo_surface_t *image = make_image(bytes, (int)w, (int)h, (int)c, times);
  cairo_status_t status = cairo_surface_status(image);
  if (status == CAIRO_STATUS_SUCCESS) paint_image(canvas, image, x, y, sx / times, sy / times);
  cairo_surface_destroy(image);
  if (status != CAIRO_STATUS_SUCCESS)
    return luaL_error(L, "canvas: image failed: %s", cairo_status_to_string(status));
  canvas_status(L, canvas, "image");
  return 0;
}

/* pixel(x, y) -> red, green, blue in 0..255 of the PNG's pixel, counted from 1 */
int canvas_pixel(lua_State *L) {
  Canvas *canvas = canvas_check(L);
  lua_Integer x = luaL_checkinteger(L, 2), y = luaL_checkinteger(L, 3);
  if (canvas->format != CANVAS_PNG) return luaL_error(L, "canvas: only a png has pixels to read");
  int w = cairo_image_surface_get_width(canvas->surface);
  int h = cairo_image_surface_get_height(canvas->surface);
  if (x < 1 || y < 1 || x > w || y > h)
    return luaL_error(L, "canvas: pixel (%I, %I) lies outside 1..%d x 1..%d", x, y, w, h);
  cairo_surface_flush(canvas->surface);
  const unsigned char *data = cairo_image_surface_get_data(canvas->surface);
  const unsigned char *row = data + (y - 1) * cairo_image_surface_get_stride(canvas->surface);
  uint32_t value = ((const uint32_t *)(const void *)row)[x - 1];
  lua_pushinteger(L, value >> 16 & 255);
  lua_pushinteger(L, value >> 8 & 255);
  lua_pushinteger(L, value & 255);
  return 3;
}
