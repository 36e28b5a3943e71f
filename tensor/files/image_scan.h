/* What is checked in an image file before its decoder sees it. Internal to image.c. */
#ifndef LUNETTE_IMAGE_SCAN_H
#define LUNETTE_IMAGE_SCAN_H

#include <stdint.h>

/* NULL, or what is wrong with the file of n bytes: a PNG whose chunks do not fit or whose check sums
   are wrong, a JPEG with a truncated or impossible segment (a Huffman table of more than 256 codes)
   or without end, a BMP whose rows are not all there, anything else. */
const char *image_scan(const uint8_t *bytes, int64_t n);

#endif
