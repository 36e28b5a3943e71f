/* Products with packed panels; see packed.h. A tile is up to ROWS rows of two vectors. */
#include "packed.h"

#include "vec.h"

#if VL == 16
enum { ROWS = 8 };
#else
enum { ROWS = 4 };
#endif
enum { WIDTH = 2 * VL };

static void pack(int64_t from, int64_t to, int64_t n, int64_t k, const float *b, int64_t rb,
                 int64_t cb, float *packed) {
  for (int64_t panel = from; panel < to; panel++) {
    int64_t first = panel * WIDTH, width = n - first < WIDTH ? n - first : WIDTH;
    float *p = packed + first * k;
    for (int64_t l = 0; l < k; l++, p += WIDTH) {
      const float *row = b + l * rb + first * cb;
      for (int64_t j = 0; j < width; j++) p[j] = row[j * cb];
      for (int64_t j = width; j < WIDTH; j++) p[j] = 0;
    }
  }
}

VEC vf old(bool add, const float *c, int64_t n) { return add ? vf_load_part(c, n) : vf_all(0); }

/* rows is a constant; width columns of a panel. */
VEC void tile(int rows, int64_t width, int64_t k, const float *a, int64_t lda, const float *panel,
              bool add, float *c, int64_t ldc) {
  vf low[ROWS], high[ROWS];
  int64_t left = width < VL ? width : VL, right = width - left;
  for (int i = 0; i < rows; i++) {
    low[i] = old(add, c + i * ldc, left);
    high[i] = right > 0 ? old(add, c + i * ldc + VL, right) : vf_all(0);
  }
  for (int64_t l = 0; l < k; l++, panel += WIDTH) {
    vf b = vf_keep(vf_load(panel)), d = vf_keep(vf_load(panel + VL));
#pragma GCC unroll 8
    for (int i = 0; i < rows; i++) {
      vf x = vf_all(a[i * lda + l]);
      low[i] = vf_fma(x, b, low[i]);
      high[i] = vf_fma(x, d, high[i]);
    }
  }
  for (int i = 0; i < rows; i++) {
    vf_store_part(c + i * ldc, low[i], left);
    if (right > 0) vf_store_part(c + i * ldc + VL, high[i], right);
  }
}

static void product(int64_t m, int64_t n, int64_t k, const float *a, int64_t lda,
                    const float *packed, bool add, float *c, int64_t ldc) {
  for (int64_t j = 0; j < n; j += WIDTH, packed += WIDTH * k) {
    int64_t i = 0, width = n - j < WIDTH ? n - j : WIDTH;
    for (; i + ROWS <= m; i += ROWS)
      tile(ROWS, width, k, a + i * lda, lda, packed, add, c + i * ldc + j, ldc);
    for (; i + 2 <= m; i += 2)
      tile(2, width, k, a + i * lda, lda, packed, add, c + i * ldc + j, ldc);
    if (i < m) tile(1, width, k, a + i * lda, lda, packed, add, c + i * ldc + j, ldc);
  }
}

const PackedProduct AT_LEVEL(packed_product) = {WIDTH, pack, product};
