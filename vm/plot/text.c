/* Text on the canvas, laid out by pango: shaping, fallback fonts, several lines,
   wrapping and rotation. */
#include "canvas.h"

#include <math.h>
#include <string.h>

#define MAX_TEXT 65536

static const char *const align_names[] = {"left", "center", "right", NULL};
static const char *const valign_names[] = {"top", "middle", "baseline", "bottom", NULL};

enum { LEFT, CENTER, RIGHT };
enum { TOP, MIDDLE, BASELINE, BOTTOM };

/* Where a laid-out text lies: size in logical units, baseline of its first line below its top. */
typedef struct TextBox {
  double width, height, baseline;
} TextBox;

/* Argument 2 as valid UTF-8 without control characters, left on the stack at index 2. A byte that
   is not UTF-8 becomes U+FFFD. */
static const char *clean_text(lua_State *L, size_t *size) {
  const char *text = luaL_checklstring(L, 2, size), *end = text + *size;
  if (*size > MAX_TEXT)
    luaL_error(L, "canvas: a text of %d bytes is too long to draw (at most %d)", (int)*size,
               MAX_TEXT);
  luaL_Buffer buffer;
  luaL_buffinit(L, &buffer);
  while (text < end) {
    const char *stop;
    g_utf8_validate(text, end - text, &stop);
    for (; text < stop; text++)
      luaL_addchar(&buffer, (unsigned char)*text < 32 && *text != '\n' ? ' ' : *text);
    if (text < end) {
      luaL_addstring(&buffer, *text == '\0' ? " " : "\xEF\xBF\xBD");
      text++;
    }
  }
  luaL_pushresult(&buffer);
  lua_replace(L, 2);
  return lua_tolstring(L, 2, size);
}

/* Lays out the text at index 2 by the style at index `style`. */
static TextBox lay_out(lua_State *L, Canvas *canvas, int style) {
  size_t size;
  const char *text = clean_text(L, &size);
  if (!lua_isnoneornil(L, style)) luaL_checktype(L, style, LUA_TTABLE);
  double points = canvas_style_number(L, style, "size", 12, 1, 500);
  double wrap = canvas_style_number(L, style, "width", -1, 1, 20000);
  int lines = (int)canvas_style_number(L, style, "lines", 0, 0, 1000);
  int align = canvas_style_choice(L, style, "align", align_names, LEFT);
  bool bold = canvas_style_bool(L, style, "bold"), mono = canvas_style_bool(L, style, "mono");

  pango_font_description_set_family_static(canvas->font, mono ? "DejaVu Sans Mono, Monospace"
                                                              : "DejaVu Sans, Sans");
  pango_font_description_set_absolute_size(canvas->font, round(points * PANGO_SCALE));
  pango_font_description_set_weight(canvas->font, bold ? PANGO_WEIGHT_BOLD : PANGO_WEIGHT_NORMAL);
  pango_layout_set_font_description(canvas->layout, canvas->font);
  pango_layout_set_width(canvas->layout, wrap < 0 ? -1 : (int)round(wrap * PANGO_SCALE));
  pango_layout_set_wrap(canvas->layout, PANGO_WRAP_WORD_CHAR);
  pango_layout_set_height(canvas->layout, lines > 0 ? -lines : -1);
  pango_layout_set_ellipsize(canvas->layout,
                             lines > 0 ? PANGO_ELLIPSIZE_END : PANGO_ELLIPSIZE_NONE);
  pango_layout_set_alignment(canvas->layout, align == LEFT     ? PANGO_ALIGN_LEFT
                                             : align == CENTER ? PANGO_ALIGN_CENTER
                                                               : PANGO_ALIGN_RIGHT);
  pango_layout_set_text(canvas->layout, text, (int)size);

  PangoRectangle box;
  pango_layout_get_extents(canvas->layout, NULL, &box);
  return (TextBox){(double)box.width / PANGO_SCALE, (double)box.height / PANGO_SCALE,
                   (double)pango_layout_get_baseline(canvas->layout) / PANGO_SCALE};
}

/* extents(text, style) -> width, height, baseline below the top */
int canvas_extents(lua_State *L) {
  Canvas *canvas = canvas_check(L);
  TextBox box = lay_out(L, canvas, 3);
  lua_pushnumber(L, box.width);
  lua_pushnumber(L, box.height);
  lua_pushnumber(L, box.baseline);
  return 3;
}

/* text(text, x, y, {size=, bold=, mono=, color=, alpha=, align=, valign=, angle=, width=, lines=})
   (x, y) is the point of the text's box that align and valign name; `angle` turns the box round
   that point, in degrees, anticlockwise. `width` wraps; `lines` cuts with an ellipsis. */
int canvas_text(lua_State *L) {
  Canvas *canvas = canvas_drawing(L);
  double x = canvas_coord(L, 3, "x"), y = canvas_coord(L, 4, "y");
  TextBox box = lay_out(L, canvas, 5);
  int align = canvas_style_choice(L, 5, "align", align_names, LEFT);
  int valign = canvas_style_choice(L, 5, "valign", valign_names, TOP);
  double angle = canvas_style_number(L, 5, "angle", 0, -360, 360);
  double wrap = canvas_style_number(L, 5, "width", -1, 1, 20000);
  canvas_set_colour(L, canvas, 5);

  /* a wrapped layout aligns its lines inside `width`, not inside what they take up */
  double room = wrap < 0 ? box.width : wrap;
  double dx = align == CENTER ? -room / 2 : align == RIGHT ? -room : 0;
  double dy = valign == MIDDLE     ? -box.height / 2
              : valign == BASELINE ? -box.baseline
              : valign == BOTTOM   ? -box.height
                                   : 0;
  cairo_save(canvas->cr);
  cairo_new_path(canvas->cr);
  cairo_translate(canvas->cr, x, y);
  if (angle != 0) cairo_rotate(canvas->cr, -angle * 3.141592653589793 / 180);
  cairo_move_to(canvas->cr, dx, dy);
  pango_cairo_show_layout(canvas->cr, canvas->layout);
  cairo_restore(canvas->cr);
  cairo_new_path(canvas->cr);
  canvas->unknown += pango_layout_get_unknown_glyphs_count(canvas->layout);
  canvas_status(L, canvas, "text");
  return 0;
}
