/* The module lunette.sixel (sixel.so): pictures as the sixels of DEC terminals, by libchafa, which
   chooses the colours and dithers. Links libchafa, neither liblua nor the core; made where
   libchafa-dev is installed. */
#include <chafa.h>
#include <lauxlib.h>
#include <lua.h>

enum { MOST = 16384 }; /* pixels a side */

static lua_Integer check_side(lua_State *L, int arg) {
  lua_Integer n = luaL_checkinteger(L, arg);
  luaL_argcheck(L, n >= 1 && n <= MOST, arg, "wants 1 to 16384 pixels");
  return n;
}

/* A canvas of one cell as large as the picture: a pixel stays a pixel. NULL when memory is short. */
static ChafaCanvas *new_canvas(int width, int height) {
  ChafaCanvasConfig *config = chafa_canvas_config_new();
  chafa_canvas_config_set_geometry(config, 1, 1);
  chafa_canvas_config_set_cell_geometry(config, width, height);
  chafa_canvas_config_set_pixel_mode(config, CHAFA_PIXEL_MODE_SIXELS);
  chafa_canvas_config_set_canvas_mode(config, CHAFA_CANVAS_MODE_TRUECOLOR);
  ChafaCanvas *canvas = chafa_canvas_new(config);
  chafa_canvas_config_unref(config);
  return canvas;
}

/* encode(bytes, width, height) -> the escape sequence that shows width x height pixels, three bytes
   (red, green, blue) each, row by row; height is a multiple of 6, the pixels of one sixel. */
static int encode(lua_State *L) {
  size_t size;
  const char *bytes = luaL_checklstring(L, 1, &size);
  lua_Integer width = check_side(L, 2), height = check_side(L, 3);
  luaL_argcheck(L, height % 6 == 0, 3, "wants a multiple of 6");
  luaL_argcheck(L, size == (size_t)(3 * width * height), 1, "wants three bytes for each pixel");
  ChafaCanvas *canvas = new_canvas((int)width, (int)height);
  if (canvas == NULL) return luaL_error(L, "sixel: memory is short");
  chafa_canvas_draw_all_pixels(canvas, CHAFA_PIXEL_RGB8, (const guint8 *)bytes, (gint)width,
                               (gint)height, (gint)(3 * width));
  GString *text = chafa_canvas_print(canvas, NULL);
  luaL_Buffer b; /* the text is lost should Lua be out of memory here */
  luaL_buffinitsize(L, &b, text->len);
  luaL_addlstring(&b, text->str, text->len);
  luaL_pushresult(&b);
  g_string_free(text, TRUE);
  chafa_canvas_unref(canvas);
  return 1;
}

__attribute__((visibility("default"))) int luaopen_lunette_sixel(lua_State *L);

int luaopen_lunette_sixel(lua_State *L) {
  static const luaL_Reg functions[] = {{"encode", encode}, {NULL, NULL}};
  luaL_newlib(L, functions);
  return 1;
}
