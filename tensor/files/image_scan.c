/* Walks over the structure of PNG, JPEG and BMP files. The decoder checks less: it takes rows that
   are missing for black, and overruns a table when Huffman codes are too many. */
#include "image_scan.h"

#include <stdbool.h>
#include <string.h>
#include <zlib.h>

enum { SCANS_MOST = 100 }; /* of a progressive JPEG; each costs a pass over the picture */

static int64_t be16(const uint8_t *p) { return p[0] << 8 | p[1]; }
static int64_t be32(const uint8_t *p) { return (int64_t)be16(p) << 16 | be16(p + 2); }
static int64_t le16(const uint8_t *p) { return p[0] | p[1] << 8; }
static int64_t le32(const uint8_t *p) { return le16(p) | (int64_t)le16(p + 2) << 16; }

/* ---- PNG: signature, then chunks of length, type, data, CRC ------------------------------------ */

static const char *scan_png(const uint8_t *p, int64_t n) {
  int64_t at = 8;
  for (bool first = true;; first = false) {
    if (n - at < 12) return "truncated: the PNG has no IEND chunk";
    int64_t length = be32(p + at);
    if (length > n - at - 12) return "truncated within a PNG chunk";
    const uint8_t *type = p + at + 4;
    if (first != (memcmp(type, "IHDR", 4) == 0)) return "the PNG's IHDR chunk is not at its place";
    if ((int64_t)crc32(0, type, (uInt)length + 4) != be32(type + 4 + length)) {
      return "damaged: the check sum of a PNG chunk is wrong";
    }
    if (memcmp(type, "IEND", 4) == 0) return NULL;
    at += 12 + length;
  }
}

/* ---- JPEG: segments FF xx length data, and after each SOS coded data up to the next marker ------ */

/* Huffman tables: class and id, 16 counts, as many values as they add up to. */
static const char *scan_huffman(const uint8_t *p, int64_t n) {
  while (n > 0) {
    if (n < 17) return "a Huffman table of the JPEG is truncated";
    int codes = 0;
    for (int i = 1; i <= 16; i++) codes += p[i];
    if (codes > 256) return "a Huffman table of the JPEG has more than 256 codes";
    if (n < 17 + codes) return "a Huffman table of the JPEG is truncated";
    p += 17 + codes;
    n -= 17 + codes;
  }
  return NULL;
}

/* Position of the next marker's FF from at on: stuffed zeros and restart marks belong to the data. */
static int64_t pass_coded(const uint8_t *p, int64_t n, int64_t at) {
  for (; at + 1 < n; at++) {
    if (p[at] == 0xff && p[at + 1] != 0 && p[at + 1] != 0xff && (p[at + 1] & 0xf8) != 0xd0) {
      return at;
    }
  }
  return n;
}

static const char *scan_jpeg(const uint8_t *p, int64_t n) {
  int64_t at = 2;
  for (int scans = 0;;) {
    if (n - at < 2) return "truncated: the JPEG has no end mark";
    if (p[at] != 0xff) return "damaged: no JPEG marker where one is due";
    int marker = p[at + 1];
    if (marker == 0xff) { /* a fill byte */
      at++;
      continue;
    }
    if (marker == 0xd9) return scans > 0 ? NULL : "the JPEG holds no picture";
    if (marker == 0 || marker == 1 || (marker & 0xf8) == 0xd0 || marker == 0xd8) {
      return "damaged: a JPEG marker that cannot stand where it does";
    }
    if (n - at < 4) return "truncated within a JPEG segment";
    int64_t length = be16(p + at + 2);
    if (length < 2 || length > n - at - 2) return "truncated within a JPEG segment";
    const char *problem = marker == 0xc4 ? scan_huffman(p + at + 4, length - 2) : NULL;
    if (problem) return problem;
    at += 2 + length;
    if (marker == 0xda) {
      if (++scans > SCANS_MOST) return "the JPEG has more than 100 scans";
      at = pass_coded(p, n, at);
    }
  }
}

/* ---- BMP: header with the place of the rows, size, bits of a pixel ------------------------------- */

static const char *scan_bmp(const uint8_t *p, int64_t n) {
  if (n < 30) return "truncated within the BMP's header";
  int64_t rows_at = le32(p + 10), head = le32(p + 14), width, height, bits;
  if (head == 12) {
    width = le16(p + 18);
    height = le16(p + 20);
    bits = le16(p + 24);
  } else {
    width = le32(p + 18);
    height = (int32_t)le32(p + 22);
    bits = le16(p + 28);
  }
  if (height < 0) height = -height;
  if (bits != 1 && bits != 4 && bits != 8 && bits != 16 && bits != 24 && bits != 32) {
    return "damaged: a BMP has 1, 4, 8, 16, 24 or 32 bits a pixel";
  }
  if (14 + head > rows_at || rows_at > n) return "damaged: the BMP's pixels are not at their place";
  int64_t row = (width * bits + 31) / 32 * 4;
  if (height > 0 && row > (n - rows_at) / height) return "truncated: rows of the BMP are missing";
  return NULL;
}

const char *image_scan(const uint8_t *bytes, int64_t n) {
  if (n >= 8 && memcmp(bytes, "\x89PNG\r\n\x1a\n", 8) == 0) return scan_png(bytes, n);
  if (n >= 2 && bytes[0] == 0xff && bytes[1] == 0xd8) return scan_jpeg(bytes, n);
  if (n >= 2 && bytes[0] == 'B' && bytes[1] == 'M') return scan_bmp(bytes, n);
  return "not an image that can be read; PNG, JPEG and BMP can";
}
