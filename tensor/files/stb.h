/* stb_image and stb_image_write, fenced in: three formats, their memory counted, bounded, zeroed and
   given back whatever happens. Callers check a file with image_scan first. */
#ifndef LUNETTE_STB_H
#define LUNETTE_STB_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
  STB_SIDE_MOST = 16384,           /* pixels */
  STB_PIXELS_MOST = 100 * 1000000, /* width times height */
};

/* Size and channels (1..4) of an encoded image. */
bool stb_info(const uint8_t *bytes, int n, int *width, int *height, int *channels);
/* Pixels [height, width, channels], valid until stb_done; NULL on failure. room: bytes that decoding
   may use. */
uint8_t *stb_decode(const uint8_t *bytes, int n, int channels, size_t room, int *width,
                    int *height);
/* The PNG of pixels [height, width, channels], valid until stb_done; NULL on failure. */
uint8_t *stb_encode(const uint8_t *pixels, int width, int height, int channels, size_t room,
                    int *n);
const char *stb_problem(void); /* why the last call failed */
void stb_done(void);           /* gives all memory back */

#endif
