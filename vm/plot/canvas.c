/* The canvas handle (create, close), paths, clipping, and the module table of
   `lunette.canvas`. A canvas draws one picture as PNG, SVG or PDF; charts are Lua's business. */
#include "canvas.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <cairo-pdf.h>
#include <cairo-svg.h>

/* Cairo counts in 24.8 fixed point; coordinates are held well inside that. */
#define MAX_COORD  1e6
#define MAX_SIDE   20000.0
#define MAX_PIXELS 64e6
#define MAX_CLIPS  64
#define MAX_DASHES 8

static const char *const format_names[] = {"png", "svg", "pdf", NULL};
static const char *const cap_names[] = {"butt", "round", "square", NULL};

Canvas *canvas_check(lua_State *L) {
  Canvas *canvas = luaL_checkudata(L, 1, CANVAS_TYPE);
  if (!canvas->surface) luaL_error(L, "canvas: this canvas is closed; create another one");
  return canvas;
}

Canvas *canvas_drawing(lua_State *L) {
  Canvas *canvas = canvas_check(L);
  if (canvas->finished)
    luaL_error(L, "canvas: this %s has been written and takes no more drawing",
               format_names[canvas->format]);
  return canvas;
}

static double finite_number(lua_State *L, int arg, const char *what) {
  double value = luaL_checknumber(L, arg);
  if (!isfinite(value)) luaL_error(L, "canvas: %s must be a finite number, got %f", what, value);
  return value;
}

double canvas_coord(lua_State *L, int arg, const char *what) {
  return fmin(fmax(finite_number(L, arg, what), -MAX_COORD), MAX_COORD);
}

static void check_style(lua_State *L, int style) {
  if (!lua_isnoneornil(L, style)) luaL_checktype(L, style, LUA_TTABLE);
}

/* The number style[name], held between least and most. */
double canvas_style_number(lua_State *L, int style, const char *name, double fallback, double least,
                           double most) {
  double value = fallback;
  if (lua_isnoneornil(L, style)) return value;
  if (lua_getfield(L, style, name) != LUA_TNIL) {
    if (lua_type(L, -1) != LUA_TNUMBER || !isfinite(lua_tonumber(L, -1)))
      luaL_error(L, "canvas: style '%s' must be a finite number, got %s", name,
                 luaL_tolstring(L, -1, NULL));
    value = fmin(fmax(lua_tonumber(L, -1), least), most);
  }
  lua_pop(L, 1);
  return value;
}

bool canvas_style_bool(lua_State *L, int style, const char *name) {
  if (lua_isnoneornil(L, style)) return false;
  lua_getfield(L, style, name);
  bool value = lua_toboolean(L, -1);
  lua_pop(L, 1);
  return value;
}

int canvas_style_choice(lua_State *L, int style, const char *name, const char *const *choices,
                        int fallback) {
  int choice = fallback;
  if (lua_isnoneornil(L, style)) return choice;
  if (lua_getfield(L, style, name) != LUA_TNIL) {
    const char *given = luaL_tolstring(L, -1, NULL);
    for (choice = 0; choices[choice] && strcmp(choices[choice], given) != 0;) choice++;
    if (!choices[choice]) luaL_error(L, "canvas: style '%s' cannot be '%s'", name, given);
    lua_pop(L, 1);
  }
  lua_pop(L, 1);
  return choice;
}

static bool parse_colour(const char *text, Colour *colour) {
  if (!text || text[0] != '#' || strlen(text) != 7 ||
      strspn(text + 1, "0123456789abcdefABCDEF") != 6)
    return false;
  unsigned long rgb = strtoul(text + 1, NULL, 16);
  colour->r = (double)(rgb >> 16) / 255;
  colour->g = (double)(rgb >> 8 & 255) / 255;
  colour->b = (double)(rgb & 255) / 255;
  return true;
}

/* Sets the source to style.color ("#RRGGBB", black if absent) with style.alpha. */
void canvas_set_colour(lua_State *L, Canvas *canvas, int style) {
  Colour colour = {0, 0, 0};
  if (!lua_isnoneornil(L, style)) {
    if (lua_getfield(L, style, "color") != LUA_TNIL) {
      const char *text = lua_type(L, -1) == LUA_TSTRING ? lua_tostring(L, -1) : NULL;
      if (!parse_colour(text, &colour))
        luaL_error(L, "canvas: color must look like '#0072B2', got %s",
                   luaL_tolstring(L, -1, NULL));
    }
    lua_pop(L, 1);
  }
  double alpha = canvas_style_number(L, style, "alpha", 1, 0, 1);
  cairo_set_source_rgba(canvas->cr, colour.r, colour.g, colour.b, alpha);
}

void canvas_status(lua_State *L, Canvas *canvas, const char *what) {
  cairo_status_t status = cairo_status(canvas->cr);
  if (status != CAIRO_STATUS_SUCCESS)
    luaL_error(L, "canvas: %s failed: %s", what, cairo_status_to_string(status));
}

/* create */

static cairo_surface_t *open_surface(Canvas *canvas) {
  double w = canvas->width, h = canvas->height;
  switch (canvas->format) {
  case CANVAS_SVG:
    return cairo_svg_surface_create_for_stream(canvas_take_bytes, &canvas->bytes, w, h);
  case CANVAS_PDF:
    return cairo_pdf_surface_create_for_stream(canvas_take_bytes, &canvas->bytes, w, h);
  default: break;
  }
  return cairo_image_surface_create(CAIRO_FORMAT_RGB24, (int)ceil(w * canvas->scale),
                                    (int)ceil(h * canvas->scale));
}

/* Metrics do not depend on the resolution, so that one layout serves PNG, SVG and PDF. */
static void open_text(Canvas *canvas) {
  cairo_font_options_t *options = cairo_font_options_create();
  cairo_font_options_set_hint_metrics(options, CAIRO_HINT_METRICS_OFF);
  cairo_font_options_set_hint_style(options, CAIRO_HINT_STYLE_NONE);
  cairo_font_options_set_antialias(options, CAIRO_ANTIALIAS_GRAY);
  canvas->layout = pango_cairo_create_layout(canvas->cr);
  pango_cairo_context_set_font_options(pango_layout_get_context(canvas->layout), options);
  pango_cairo_context_set_resolution(pango_layout_get_context(canvas->layout), 96);
  cairo_font_options_destroy(options);
  canvas->font = pango_font_description_from_string("DejaVu Sans, Sans");
}

static double side(lua_State *L, int arg, const char *what) {
  double value = finite_number(L, arg, what);
  if (value < 1 || value > MAX_SIDE)
    luaL_error(L, "canvas.create: %s must lie between 1 and %d, got %f", what, (int)MAX_SIDE,
               value);
  return value;
}

/* create(width, height, scale = 2, format = "png") -> canvas with a white page; nil and a message when
   the picture is too large */
static int canvas_create(lua_State *L) {
  double width = side(L, 1, "width"), height = side(L, 2, "height");
  double scale = luaL_optnumber(L, 3, 2);
  CanvasFormat format = (CanvasFormat)luaL_checkoption(L, 4, "png", format_names);
  if (!(scale >= 0.1 && scale <= 16))
    return luaL_error(L, "canvas.create: scale must lie between 0.1 and 16, got %f", scale);
  if (format == CANVAS_PNG &&
      (width * height * scale * scale > MAX_PIXELS || fmax(width, height) * scale > 32000)) {
    lua_pushnil(L);
    lua_pushfstring(L,
                    "a picture of %d x %d pixels is too large (at most 64 million, 32000 a side); "
                    "choose a smaller size, or save as .pdf",
                    (int)(width * scale), (int)(height * scale));
    return 2;
  }

  Canvas *canvas = lua_newuserdatauv(L, sizeof *canvas, 0);
  memset(canvas, 0, sizeof *canvas);
  luaL_setmetatable(L, CANVAS_TYPE);
  canvas->width = width, canvas->height = height, canvas->scale = scale, canvas->format = format;
  canvas->surface = open_surface(canvas);
  cairo_status_t status = cairo_surface_status(canvas->surface);
  if (status != CAIRO_STATUS_SUCCESS)
    return luaL_error(L, "canvas.create: a picture of %d x %d cannot be had: %s", (int)width,
                      (int)height, cairo_status_to_string(status));
  if (format == CANVAS_PDF) /* no date, so that equal drawings are equal files */
    cairo_pdf_surface_set_metadata(canvas->surface, CAIRO_PDF_METADATA_CREATE_DATE, "");
  canvas->cr = cairo_create(canvas->surface);
  if (format == CANVAS_PNG) cairo_scale(canvas->cr, scale, scale);
  open_text(canvas);
  cairo_set_line_join(canvas->cr, CAIRO_LINE_JOIN_ROUND);
  cairo_set_source_rgb(canvas->cr, 1, 1, 1);
  cairo_paint(canvas->cr);
  canvas_status(L, canvas, "create");
  return 1;
}

/* __gc and __close */
static int canvas_release(lua_State *L) {
  Canvas *canvas = luaL_checkudata(L, 1, CANVAS_TYPE);
  if (canvas->layout) g_object_unref(canvas->layout);
  if (canvas->font) pango_font_description_free(canvas->font);
  if (canvas->cr) cairo_destroy(canvas->cr);
  if (canvas->surface) {
    cairo_surface_finish(canvas->surface); /* may still write to bytes */
    cairo_surface_destroy(canvas->surface);
  }
  free(canvas->bytes.data);
  memset(canvas, 0, sizeof *canvas);
  return 0;
}

static int canvas_size(lua_State *L) {
  Canvas *canvas = canvas_check(L);
  lua_pushnumber(L, canvas->width);
  lua_pushnumber(L, canvas->height);
  lua_pushnumber(L, canvas->scale);
  return 3;
}

static int canvas_unknown(lua_State *L) {
  lua_pushinteger(L, canvas_check(L)->unknown);
  return 1;
}

static int canvas_tostring(lua_State *L) {
  Canvas *canvas = luaL_checkudata(L, 1, CANVAS_TYPE);
  if (!canvas->surface)
    lua_pushliteral(L, "canvas (closed)");
  else
    lua_pushfstring(L, "canvas %f x %f (%s)", canvas->width, canvas->height,
                    format_names[canvas->format]);
  return 1;
}

/* Paths: built by move, line, rect, arc and close_path; stroke and fill use them up. */

static int canvas_move(lua_State *L) {
  Canvas *canvas = canvas_drawing(L);
  cairo_move_to(canvas->cr, canvas_coord(L, 2, "x"), canvas_coord(L, 3, "y"));
  return 0;
}

static int canvas_line(lua_State *L) {
  Canvas *canvas = canvas_drawing(L);
  cairo_line_to(canvas->cr, canvas_coord(L, 2, "x"), canvas_coord(L, 3, "y"));
  return 0;
}

static int canvas_rect(lua_State *L) {
  Canvas *canvas = canvas_drawing(L);
  double x = canvas_coord(L, 2, "x"), y = canvas_coord(L, 3, "y");
  double w = canvas_coord(L, 4, "width"), h = canvas_coord(L, 5, "height");
  cairo_rectangle(canvas->cr, x, y, w, h);
  return 0;
}

/* arc(x, y, radius, from = 0, to = 2 pi): joins the current point; angles run clockwise */
static int canvas_arc(lua_State *L) {
  Canvas *canvas = canvas_drawing(L);
  double x = canvas_coord(L, 2, "x"), y = canvas_coord(L, 3, "y"), r = canvas_coord(L, 4, "radius");
  double from = lua_isnoneornil(L, 5) ? 0 : finite_number(L, 5, "angle");
  double to = lua_isnoneornil(L, 6) ? 6.283185307179586 : finite_number(L, 6, "angle");
  if (r < 0) return luaL_error(L, "canvas: arc wants a radius of 0 or more, got %f", r);
  if (lua_isnoneornil(L, 5)) cairo_new_sub_path(canvas->cr);
  /* a turn or two is all that shows, and cairo walks every turn */
  cairo_arc(canvas->cr, x, y, r, from, fmin(fmax(to, from - 12.6), from + 12.6));
  return 0;
}

static int canvas_close_path(lua_State *L) {
  cairo_close_path(canvas_drawing(L)->cr);
  return 0;
}

static void set_dash(lua_State *L, Canvas *canvas, int style) {
  double dash[MAX_DASHES], sum = 0;
  int count = 0;
  if (!lua_isnoneornil(L, style)) {
    if (lua_getfield(L, style, "dash") != LUA_TNIL) {
      luaL_checktype(L, -1, LUA_TTABLE);
      for (; count < MAX_DASHES && lua_rawgeti(L, -1, count + 1) == LUA_TNUMBER; count++) {
        dash[count] = lua_tonumber(L, -1);
        if (!(dash[count] >= 0 && dash[count] <= 1000))
          luaL_error(L, "canvas: dash %d must lie between 0 and 1000", count + 1);
        sum += dash[count];
        lua_pop(L, 1);
      }
      if (count < MAX_DASHES) lua_pop(L, 1);
      if (count && sum < 0.1) luaL_error(L, "canvas: the dashes add up to nothing");
    }
    lua_pop(L, 1);
  }
  cairo_set_dash(canvas->cr, dash, count, 0);
}

/* stroke{color=, alpha=, width=, dash={on, off, …}, cap="butt"|"round"|"square"} */
static int canvas_stroke(lua_State *L) {
  Canvas *canvas = canvas_drawing(L);
  check_style(L, 2);
  canvas_set_colour(L, canvas, 2);
  set_dash(L, canvas, 2);
  cairo_set_line_width(canvas->cr, canvas_style_number(L, 2, "width", 1, 0, 1000));
  cairo_set_line_cap(canvas->cr, (cairo_line_cap_t)canvas_style_choice(L, 2, "cap", cap_names, 0));
  cairo_stroke(canvas->cr);
  canvas_status(L, canvas, "stroke");
  return 0;
}

/* fill{color=, alpha=, keep=}: keep leaves the path for a stroke */
static int canvas_fill(lua_State *L) {
  Canvas *canvas = canvas_drawing(L);
  check_style(L, 2);
  canvas_set_colour(L, canvas, 2);
  if (canvas_style_bool(L, 2, "keep"))
    cairo_fill_preserve(canvas->cr);
  else
    cairo_fill(canvas->cr);
  canvas_status(L, canvas, "fill");
  return 0;
}

/* clip(x, y, w, h): until the matching unclip, drawing shows only inside */
static int canvas_clip(lua_State *L) {
  Canvas *canvas = canvas_drawing(L);
  double x = canvas_coord(L, 2, "x"), y = canvas_coord(L, 3, "y");
  double w = canvas_coord(L, 4, "width"), h = canvas_coord(L, 5, "height");
  if (canvas->clips >= MAX_CLIPS) return luaL_error(L, "canvas: more than %d clips", MAX_CLIPS);
  cairo_save(canvas->cr);
  cairo_new_path(canvas->cr);
  cairo_rectangle(canvas->cr, x, y, w, h);
  cairo_clip(canvas->cr);
  canvas->clips++;
  return 0;
}

static int canvas_unclip(lua_State *L) {
  Canvas *canvas = canvas_drawing(L);
  if (canvas->clips == 0) return luaL_error(L, "canvas: unclip without a clip");
  cairo_restore(canvas->cr);
  canvas->clips--;
  return 0;
}

static const luaL_Reg canvas_methods[] = {
    {"size", canvas_size},     {"move", canvas_move},   {"line", canvas_line},
    {"rect", canvas_rect},     {"arc", canvas_arc},     {"close_path", canvas_close_path},
    {"stroke", canvas_stroke}, {"fill", canvas_fill},   {"clip", canvas_clip},
    {"unclip", canvas_unclip}, {"text", canvas_text},   {"extents", canvas_extents},
    {"image", canvas_image},   {"pixel", canvas_pixel}, {"unknown", canvas_unknown},
    {"encode", canvas_encode}, {"save", canvas_save},   {NULL, NULL}};

static const luaL_Reg canvas_meta[] = {{"__gc", canvas_release},
                                       {"__close", canvas_release},
                                       {"__tostring", canvas_tostring},
                                       {NULL, NULL}};

__attribute__((visibility("default"))) int luaopen_lunette_canvas(lua_State *L);

int luaopen_lunette_canvas(lua_State *L) {
  luaL_newmetatable(L, CANVAS_TYPE);
  luaL_setfuncs(L, canvas_meta, 0);
  luaL_newlib(L, canvas_methods);
  lua_setfield(L, -2, "__index");
  lua_createtable(L, 0, 1);
  lua_pushcfunction(L, canvas_create);
  lua_setfield(L, -2, "create");
  return 1;
}
