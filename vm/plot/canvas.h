/* What the files of the canvas module (plot.so) share: the canvas handle, its style reader
   and its checks. The module is loaded apart; it links cairo and pango, not liblua, not the core. */
#ifndef LUNETTE_CANVAS_H
#define LUNETTE_CANVAS_H

#include <stdbool.h>
#include <stddef.h>
#include <cairo.h>
#include <pango/pangocairo.h>
#include <lua.h>
#include <lauxlib.h>

#define CANVAS_TYPE "lunette.canvas"

typedef enum { CANVAS_PNG, CANVAS_SVG, CANVAS_PDF } CanvasFormat;

/* Bytes that cairo writes: the whole of an SVG or PDF, or an encoded PNG. */
typedef struct Bytes {
  unsigned char *data;
  size_t size, room;
} Bytes;

/* A canvas is a userdata that exists before anything it owns. Lengths are in logical units; a PNG
   has `scale` pixels for each. */
typedef struct Canvas {
  cairo_surface_t *surface; /* NULL once closed */
  cairo_t *cr;
  PangoLayout *layout;
  PangoFontDescription *font;
  Bytes bytes;
  double width, height, scale;
  CanvasFormat format;
  int clips;           /* clips pushed and not popped */
  bool finished;       /* an SVG or PDF that has been encoded takes no more drawing */
  lua_Integer unknown; /* characters drawn so far for which no font has a glyph */
} Canvas;

typedef struct Colour {
  double r, g, b;
} Colour;

/* plot.c: arguments. Each raises a Lua error that names `what`. */
Canvas *canvas_check(lua_State *L);   /* argument 1, open */
Canvas *canvas_drawing(lua_State *L); /* argument 1, open and not finished */
double canvas_coord(lua_State *L, int arg, const char *what);
double canvas_style_number(lua_State *L, int style, const char *name, double fallback, double least,
                           double most);
bool canvas_style_bool(lua_State *L, int style, const char *name);
int canvas_style_choice(lua_State *L, int style, const char *name, const char *const *choices,
                        int fallback);
void canvas_set_colour(lua_State *L, Canvas *canvas, int style);
void canvas_status(lua_State *L, Canvas *canvas, const char *what);

/* plot_text.c */
int canvas_text(lua_State *L);
int canvas_extents(lua_State *L);

/* plot_image.c */
int canvas_image(lua_State *L);
int canvas_pixel(lua_State *L);

/* plot_file.c */
cairo_status_t canvas_take_bytes(void *bytes, const unsigned char *data, unsigned size);
int canvas_encode(lua_State *L);
int canvas_save(lua_State *L);

#endif
