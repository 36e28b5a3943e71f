/* What the files of the convolution share: the register tile, the axes, blocks of channels and the
   division of scratch memory. Compiled once per level; every name carries the level. */
#ifndef LUNETTE_CONV_IMPL_H
#define LUNETTE_CONV_IMPL_H

#include "conv.h"
#include "../mask.h"
#include "real.h"

/* ---- the register tile (tile.c) ----
   out[j][0..vn RL) (+)= sum over i < outer, t < nsteps of
                         x[j][i xouter + steps[t].x] * a[i aouter + steps[t].a + 0..vn RL)
   One vector lane is one channel; a is packed so that a step's channels are contiguous, and x is
   read in place, one number at a time. The sum runs in the order of i, then t. */
typedef struct {
  int64_t x, a;
} ConvStep;

typedef struct {
  const real *a;
  const ConvStep *steps;
  int64_t nsteps, outer, xouter, aouter;
  bool add;
} ConvSum;

typedef void ConvTileFn(const ConvSum *sum, const real *const *x, real *const *out);

typedef struct {
  int width; /* how many j */
  ConvTileFn *run;
} ConvTile;

#if VL == 16
#define VN_MAX 4 /* vectors of channels in a block */
#else
#define VN_MAX 2
#endif
#define TILE_MAX  14 /* the widest tile */
#define BLOCK_MAX (VN_MAX * RL)

/* The tile of vn vectors to begin `places` places with: the narrowest that does them evenly in as
   few tiles as the widest would. */
#define conv_tile OF_REAL(conv_tile)
ConvTile conv_tile(int vn, int64_t places);

/* ---- blocks of channels ---- */

/* A block of channels, one of several that share all evenly by whole vectors. */
typedef struct {
  int64_t first, count; /* channels; the last vector of a block may be short */
  int vn;
} ConvBlock;

/* As few as can be. */
static inline int64_t conv_blocks(int64_t channels) {
  return (channels + BLOCK_MAX - 1) / BLOCK_MAX;
}

/* Of two vectors or three, where a kernel is small: more places share a fetch of weights. */
static inline int64_t conv_narrow_blocks(int64_t channels, int64_t taps) {
  int64_t vectors = (channels + RL - 1) / RL;
  if (VN_MAX < 3 || taps == 1 || taps > 16) return conv_blocks(channels);
  return vectors < 4 ? 1 : vectors / 2;
}

static inline ConvBlock conv_block(int64_t channels, int64_t blocks, int64_t b) {
  int64_t vectors = (channels + RL - 1) / RL;
  int64_t from = vectors * b / blocks, to = vectors * (b + 1) / blocks;
  int64_t end = to * RL < channels ? to * RL : channels;
  return (ConvBlock){from * RL, end - from * RL, (int)(to - from)};
}

/* Channels rounded up to whole vectors: what all blocks take together. */
static inline int64_t conv_padded(int64_t channels) { return (channels + RL - 1) / RL * RL; }

/* ---- parts ---- */

/* Images to a part: a quarter or an eighth of n where that makes `least` places, but at most `most`
   places; at least one. */
static inline int64_t conv_images(int64_t n, int64_t places, int64_t least, int64_t most) {
  int64_t images = (n + 7) / 8;
  if (images * places < least) images = (n + 3) / 4;
  if (images * places < least) images = (least + places - 1) / places;
  if (images * places > most) images = most / places;
  if (images > n) images = n;
  return images < 1 ? 1 : images;
}

/* ---- large results ----
   What no cache holds until it is read goes to memory past the caches, in whole vectors that begin a
   cache line: lines that are written in pieces are fetched first, and waited for. */
#define CONV_LARGE (4 << 20) /* numbers of such a result */

/* p begins a line. Other threads see what was written after conv_streamed. */
VEC void conv_stream(real *p, vr v) {
#if VL == 16
  _mm512_stream_si512((__m512i *)p, (__m512i)v);
#elif VL == 8
  _mm256_stream_si256((__m256i *)p, (__m256i)v);
#else
  vr_store(p, v);
#endif
}

VEC void conv_streamed(void) {
#if VL >= 8
  _mm_sfence();
#endif
}

/* Can planes of so many numbers, which begin at dst, be streamed in blocks of 16 lanes? */
static inline bool conv_streams(int64_t numbers, int64_t plane, const real *dst) {
  return VL == 16 && numbers >= CONV_LARGE && plane % RL == 0 && (uintptr_t)dst % (4 * VL) == 0;
}

/* ---- axes (axis.c) ----
   The places of the result along one axis, in classes that see the same kernel indices. Place p of
   class k meets source index base[p] + i shift[k] with kernel index tap[k] + i tapstep,
   0 <= i < taps[k]. So padding costs nothing, and neither does a stride in dx. */
typedef struct {
  int64_t taps, tap, shift;
  int64_t first, count; /* the class's places: place[first..first+count), ascending */
} ConvClass;

typedef struct {
  int64_t extent, classes, tapstep;
  ConvClass *class;
  int64_t *place, *base, *of; /* extent each; base and class (`of`) by place */
} ConvAxis;

/* The places of the result along one axis in step: first + q every, 0 <= q < count. Place q meets
   source index q step + offset + i shift with kernel index tap + i tapstep, 0 <= i < taps, which
   may lie outside. Forward there is one phase; dx has one for each of its `every` = stride. */
typedef struct {
  int64_t first, every, count, step;
  int64_t taps, tap, tapstep, offset, shift;
} ConvPhase;

#define conv_phase AT_LEVEL(conv_phase)
ConvPhase conv_phase(bool forward, int64_t first, int64_t extent, int64_t kernel, int64_t stride,
                     int64_t pad, int64_t dilation);

/* ---- scratch memory ----
   A pass lays out its memory in one function, run on a NULL base to learn the size. */
typedef struct {
  char *base;
  size_t used;
} ConvArena;

static inline void *conv_take(ConvArena *arena, int64_t count, size_t itemsize) {
  void *p = arena->base ? arena->base + arena->used : NULL;
  arena->used += ((size_t)count * itemsize + 63) / 64 * 64;
  return p;
}

#define conv_axis_take AT_LEVEL(conv_axis_take)
#define conv_axis_fill AT_LEVEL(conv_axis_fill)
void conv_axis_take(ConvAxis *axis, int64_t extent, ConvArena *arena);
/* forward: places are outputs, sources inputs; else places are inputs, sources outputs. `inputs`
   and `outputs` are the extents of x and y along the axis. */
void conv_axis_fill(ConvAxis *axis, bool forward, int64_t inputs, int64_t outputs, int64_t kernel,
                    int64_t stride, int64_t pad, int64_t dilation);

/* ---- shifted planes (shift.c) ----
   Source planes laid out so that the places of the result along lanes meet contiguous numbers:
   planes[at[t] + q_y pitch + q_x] is what tap t of the list (channel, kernel row, kernel column)
   sees from place (row + q_y, q_x); 0 outside the source. There are three layouts:
     IN_PLACE  the source itself, where its rows are as long as the result's: what lies outside is
               masked. mask[(t vectors) + v] has a bit for each lane of vector v of the places.
     WIDE      a copy of each plane with a border of zeros, whose pitch exceeds x.count: sums have
               places to skip between rows.
     COLUMNS   a copy for each kernel column, without gaps; for any step. */
typedef enum { CONV_IN_PLACE, CONV_WIDE, CONV_COLUMNS } ConvLayout;

typedef struct {
  int64_t low, height; /* source indices low step .. (low + height) step - 1, from row 0 on */
} ConvReach;

typedef struct {
  ConvPhase y, x;
  int64_t src_h, src_w;
  int64_t rows; /* places along y at a time */
  int64_t channels;
  ConvLayout layout; /* but for COLUMNS, y.step and x.step are 1 */
  ConvReach rows_met, cols_met;
  int64_t *at;    /* channels * y.taps * x.taps */
  uint16_t *mask; /* in place: [part of so many rows][y.taps x.taps][vectors] */
} ConvShift;

/* Can the source be read in place? It pays where the machine has masks. */
static inline bool conv_shift_fits(const ConvPhase *y, const ConvPhase *x, int64_t src_w) {
  return VL == 16 && y->step == 1 && x->step == 1 && x->count == src_w;
}

#define conv_shift_reach   AT_LEVEL(conv_shift_reach)
#define conv_shift_pitch   AT_LEVEL(conv_shift_pitch)
#define conv_shift_chunk   AT_LEVEL(conv_shift_chunk)
#define conv_shift_size    AT_LEVEL(conv_shift_size)
#define conv_shift_vectors AT_LEVEL(conv_shift_vectors)
#define conv_shift_masks   AT_LEVEL(conv_shift_masks)
#define conv_shift_list    AT_LEVEL(conv_shift_list)
#define conv_shift_fill    AT_LEVEL(conv_shift_fill)
/* Sets rows_met and cols_met, which the functions below need; they may be set wider. */
void conv_shift_reach(ConvShift *shift);
int64_t conv_shift_pitch(const ConvShift *shift);
/* Channels to take at a time, so that they stay in cache. */
int64_t conv_shift_chunk(const ConvShift *shift);
/* Floats that planes need, working space and the reach of vectors past the end included. */
int64_t conv_shift_size(const ConvShift *shift);
/* In place: vectors of places at a time; and the size of `mask`, 0 for the other layouts. */
int64_t conv_shift_vectors(const ConvShift *shift);
int64_t conv_shift_masks(const ConvShift *shift);
/* Writes `at` and `mask`. */
void conv_shift_list(const ConvShift *shift);
/* Answers planes for places from `row` on, of src: [channels, src_h, src_w]; memory has room for
   them. */
const float *conv_shift_fill(const ConvShift *shift, int64_t row, const float *src, float *memory);
/* In place: the masks of the places from `row` on; NULL where every place sees every tap. */
static inline const uint16_t *conv_shift_mask(const ConvShift *k, int64_t row) {
  bool all = k->y.taps * k->x.taps == 1 && k->y.offset == 0 && k->y.count == k->src_h;
  if (k->layout != CONV_IN_PLACE || all) return NULL;
  return k->mask + row / k->rows * k->y.taps * k->x.taps * conv_shift_vectors(k);
}

/* ---- the tile along places (plane_tile.c) ----
   out[c plane + p] = bias[c] + sum over t of weight[t][c] planes[at[t] + p], for p < places and
   c < channels; with `add` the old value is added too, relu clamps at 0, `stream` streams. Weights stand tile by tile:
   PLANE_CHANNELS channels, or those that are left. */
typedef struct {
  const float *planes, *weight;
  const int64_t *at;
  int64_t taps;
  const uint16_t *mask; /* or NULL; has mask_taps rows of `vectors`, used over and over */
  int64_t mask_taps, vectors;
  const float *bias; /* or NULL */
  bool add, relu, stream;
  float *out;
  int64_t plane;
} ConvPlaneSum;

#define PLANE_CHANNELS 4
static inline int64_t conv_plane_channels(int64_t left) {
  return left < PLANE_CHANNELS ? left : PLANE_CHANNELS;
}
#define conv_plane_sum AT_LEVEL(conv_plane_sum)
void conv_plane_sum(const ConvPlaneSum *sum, int64_t channels, int64_t places);

/* ---- rows of depthwise convolutions (row_axis.c) ----
   One axis of a phase with its taps in the order of the source: place q meets source index
   q step + low + i every with kernel index tap + i tapstep, 0 <= i < taps, which may lie outside. */
typedef struct {
  int64_t first, between, count, step; /* place q is first + q between of the result */
  int64_t low, every, taps, tap, tapstep;
} ConvRowAxis;

#define conv_row_axis AT_LEVEL(conv_row_axis)
ConvRowAxis conv_row_axis(const ConvPhase *phase);

/* The tiles that are compiled, by rows of places and rows of the kernel: f(rows, taps); those of 3x3
   kernels: f(rows). */
#define ROW_TAPS(f, rows) f(rows, 1) f(rows, 2) f(rows, 3) f(rows, 4) f(rows, 5) f(rows, 7)
#if VL == 16
#define ROWS_MOST      7 /* rows of places in a tile */
#define ROW_TILES(f)   ROW_TAPS(f, 1) ROW_TAPS(f, 2) ROW_TAPS(f, 4) ROW_TAPS(f, 7)
#define ROW_SQUARES(f) f(1) f(2) f(4) f(7)
#else
#define ROWS_MOST      4
#define ROW_TILES(f)   ROW_TAPS(f, 1) ROW_TAPS(f, 2) ROW_TAPS(f, 4)
#define ROW_SQUARES(f) f(1) f(2) f(4)
#endif

/* The rows of places that a tile takes, and the rows of a source plane that they meet. */
typedef struct {
  int64_t row, from; /* the first place along the axis; the first row met, which may lie outside */
  int rows;
  uint32_t inside; /* a bit for each row met that lies in the plane */
} ConvBand;

/* Cuts an axis into bands for a source of so many rows; answers their number, at most y->count. */
#define conv_bands AT_LEVEL(conv_bands)
int64_t conv_bands(const ConvRowAxis *y, int64_t height, ConvBand *bands);

/* Which source columns VL places in steps of 1 or 2 meet: of the VL numbers from one on, and of the
   next VL. */
typedef struct {
  vm low, high;
} ConvRowMask;

/* Writes masks[j / VL][tap] for the places [j, j + VL) of an axis over a source of so many columns;
   with `strict` no lane past the last place meets anything. */
#define conv_row_masks AT_LEVEL(conv_row_masks)
void conv_row_masks(const ConvRowAxis *x, int64_t columns, bool strict, ConvRowMask *masks);

VEC vf conv_row_load(const int step, const float *p, ConvRowMask mask) {
  if (step == 1) return vf_load_lanes(p, mask.low);
  return vf_even(vf_load_lanes(p, mask.low), vf_load_lanes(p + VL, mask.high));
}

/* The same for three columns side by side, the first at p. */
VEC void conv_row_load3(const int step, const float *p, const ConvRowMask mask[3], vf out[3]) {
  if (step == 1) {
    for (int b = 0; b < 3; b++) out[b] = vf_load_lanes(p + b, mask[b].low);
    return;
  }
  vf low = vf_load_lanes(p, mask[0].low), high = vf_load_lanes(p + VL, mask[0].high);
  out[0] = vf_even(low, high);
  out[1] = vf_odd(low, high);
  out[2] = conv_row_load(step, p + 2, mask[2]);
}

/* ---- transposition (tile.c) ----
   dst[j dst_ld + i] = src[i src_ld + j] for i < rows, j < cols. */
#define conv_flip OF_REAL(conv_flip)
void conv_flip(const real *src, int64_t src_ld, int64_t rows, int64_t cols, real *dst,
               int64_t dst_ld);
/* The same with bias[j] (or NULL) added and, with relu, negative results set to 0; streamed, or not. */
#define conv_flip_out OF_REAL(conv_flip_out)
void conv_flip_out(const real *src, int64_t src_ld, int64_t rows, int64_t cols, const real *bias,
                   bool relu, bool stream, real *dst, int64_t dst_ld);

/* ---- the ways (gather.c, lanes.c, planes.c, rows.c, fold.c; weights.c, lanes_dw.c, planes_dw.c, rows_dw.c; f64.c) ---- */

/* Sums of products with weights: forward from x to y, or dx from gy to gx. */
typedef struct {
  const ConvShape *s;
  bool forward, relu;
  const real *src, *weight, *bias; /* bias: or NULL */
  real *dst;
} ConvJob;

/* The pass to weights and bias. */
typedef struct {
  const ConvShape *s;
  const real *x, *gy;
  real *gw, *gbias; /* gbias: or NULL */
} ConvWeights;

#define CONV_PHASES 8 /* most phases that conv_planes takes: sh sw in dx */

/* Each way comes with the bytes of scratch it needs, which depend on the shape (and the pass). */
#define conv_gather_size    OF_REAL(conv_gather_size)
#define conv_gather         OF_REAL(conv_gather)
#define conv_lanes_size     AT_LEVEL(conv_lanes_size)
#define conv_lanes          AT_LEVEL(conv_lanes)
#define conv_fold_size      AT_LEVEL(conv_fold_size)
#define conv_fold           AT_LEVEL(conv_fold)
#define conv_rows_fit       AT_LEVEL(conv_rows_fit)
#define conv_rows_size      AT_LEVEL(conv_rows_size)
#define conv_rows           AT_LEVEL(conv_rows)
#define conv_rows_dw_fit    AT_LEVEL(conv_rows_dw_fit)
#define conv_rows_dw_size   AT_LEVEL(conv_rows_dw_size)
#define conv_rows_dw        AT_LEVEL(conv_rows_dw)
#define conv_planes_size    AT_LEVEL(conv_planes_size)
#define conv_planes         AT_LEVEL(conv_planes)
#define conv_weights_size   OF_REAL(conv_weights_size)
#define conv_weights        OF_REAL(conv_weights)
#define conv_lanes_dw_size  AT_LEVEL(conv_lanes_dw_size)
#define conv_lanes_dw       AT_LEVEL(conv_lanes_dw)
#define conv_planes_dw_size AT_LEVEL(conv_planes_dw_size)
#define conv_planes_dw      AT_LEVEL(conv_planes_dw)
size_t conv_gather_size(const ConvJob *job);
void conv_gather(const ConvJob *job, void *scratch);
size_t conv_lanes_size(const ConvJob *job); /* depthwise */
void conv_lanes(const ConvJob *job, void *scratch);
size_t conv_fold_size(const ConvJob *job); /* dx */
void conv_fold(const ConvJob *job, void *scratch);
bool conv_rows_fit(const ConvShape *s, bool forward); /* of a depthwise one: can rows do it? */
size_t conv_rows_size(const ConvJob *job);
void conv_rows(const ConvJob *job, void *scratch);
size_t conv_planes_size(const ConvJob *job);
void conv_planes(const ConvJob *job, void *scratch);
size_t conv_weights_size(const ConvWeights *dw);
void conv_weights(const ConvWeights *dw, void *scratch);
size_t conv_lanes_dw_size(const ConvWeights *dw); /* depthwise */
void conv_lanes_dw(const ConvWeights *dw, void *scratch);
bool conv_rows_dw_fit(const ConvShape *s);
size_t conv_rows_dw_size(const ConvWeights *dw);
void conv_rows_dw(const ConvWeights *dw, void *scratch);
size_t conv_planes_dw_size(const ConvWeights *dw);
void conv_planes_dw(const ConvWeights *dw, void *scratch);

/* The way that suits the shape best (conv.c). */
#define conv_sum_size AT_LEVEL(conv_sum_size)
#define conv_sum      AT_LEVEL(conv_sum)
size_t conv_sum_size(const ConvJob *job);
void conv_sum(const ConvJob *job, void *scratch);

#define conv_scratch_f64 AT_LEVEL(conv_scratch_f64)
#define conv_forward_f64 AT_LEVEL(conv_forward_f64)
#define conv_dx_f64      AT_LEVEL(conv_dx_f64)
#define conv_dw_f64      AT_LEVEL(conv_dw_f64)
size_t conv_scratch_f64(const ConvShape *s, enum ConvPass pass);
void conv_forward_f64(const ConvShape *s, const double *x, const double *weight, const double *bias,
                      bool relu, double *y, void *scratch);
void conv_dx_f64(const ConvShape *s, const double *gy, const double *weight, const double *bias,
                 double *gx, void *scratch);
void conv_dw_f64(const ConvShape *s, const double *x, const double *gy, double *gw, double *gbias,
                 void *scratch);

#endif
