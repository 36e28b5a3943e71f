/* Owns the forward pass and input gradient of convolutions with few channels a group (depthwise
   ones, a first layer's image, a last layer's). Lanes run along the places of a plane, read from
   shifted planes (see ConvShift). dx with a stride goes phase by phase, each a convolution of
   stride 1 with some of the taps; the phases' sums are laced into the result at the end. */
#include "impl.h"

#include "../../machine/team.h"

#define PLANE_PLACES 2048 /* places of a phase in one part, at most, about */
#define LEAST_PLACES 192  /* and where there are few parts */
#define LEAST_PARTS  8
#define UNIT_WORK    (128 << 10) /* multiplications that are worth a part */

typedef struct {
  ConvShift shift;
  int64_t taps, pitch; /* taps of one channel of src; places from row to row of the sums */
  int64_t packed;      /* where its packed weights begin in a group's */
  int64_t result;      /* where its sums begin in a thread's: [to][rows][pitch] */
} Phase;

typedef struct {
  ConvJob job;
  bool direct;      /* sums are formed in dst */
  bool stream;      /* and streamed */
  int64_t from, to; /* channels of a group in src and in dst */
  int64_t src_h, src_w, dst_h, dst_w;
  int64_t phases_y, phases_x, phases;
  int64_t rows, row_parts; /* places along y of a phase in one part */
  int64_t chunk;           /* channels of src at a time */
  int64_t units, bundle;   /* (image, group, row part); so many to a part of the team's job */
  Phase phase[CONV_PHASES];
  float *packed;          /* [group][phase][chunk][tile][channel of src, tap][channel of tile] */
  float *planes, *result; /* by thread */
  int64_t group_weights, planes_size, result_size;
} Planes;

static void widen(ConvReach *met, ConvReach more) {
  int64_t end = met->low + met->height, other = more.low + more.height;
  if (more.low < met->low) met->low = more.low;
  met->height = (other > end ? other : end) - met->low;
}

/* Fills in g->phase, but for where their weights and sums stand. Wide phases share their planes. */
static void find_phases(Planes *g) {
  const ConvShape *s = g->job.s;
  for (int64_t i = 0; i < g->phases; i++) {
    ConvShift *k = &g->phase[i].shift;
    *k = (ConvShift){.src_h = g->src_h, .src_w = g->src_w, .rows = g->rows, .channels = 1};
    k->y = conv_phase(g->job.forward, i / g->phases_x, g->dst_h, s->kh, s->sh, s->ph, s->dh);
    k->x = conv_phase(g->job.forward, i % g->phases_x, g->dst_w, s->kw, s->sw, s->pw, s->dw);
    k->layout = CONV_COLUMNS;
    if (g->phases == 1 && conv_shift_fits(&k->y, &k->x, g->src_w))
      k->layout = CONV_IN_PLACE;
    else if (k->y.step == 1 && k->x.step == 1 &&
             (g->phases > 1 || s->kw == 1 || g->to < g->from * s->kw))
      k->layout = CONV_WIDE;
    conv_shift_reach(k);
    widen(&g->phase[0].shift.rows_met, k->rows_met);
    widen(&g->phase[0].shift.cols_met, k->cols_met);
  }
  for (int64_t i = 0; i < g->phases; i++) {
    ConvShift *k = &g->phase[i].shift;
    k->rows_met = g->phase[0].shift.rows_met;
    k->cols_met = g->phase[0].shift.cols_met;
    g->phase[i].taps = k->y.taps * k->x.taps;
    g->phase[i].pitch = conv_shift_pitch(k);
  }
}

static void set_chunk(Planes *g, int64_t channels) {
  g->chunk = channels < g->from ? channels : g->from;
  for (int64_t i = 0; i < g->phases; i++) g->phase[i].shift.channels = g->chunk;
  g->planes_size = conv_shift_size(&g->phase[0].shift);
}

static void lay_out(Planes *g, ConvArena *arena) {
  const ConvShape *s = g->job.s;
  g->from = (g->job.forward ? s->c : s->o) / s->groups;
  g->to = (g->job.forward ? s->o : s->c) / s->groups;
  g->src_h = g->job.forward ? s->h : s->oh;
  g->src_w = g->job.forward ? s->w : s->ow;
  g->dst_h = g->job.forward ? s->oh : s->h;
  g->dst_w = g->job.forward ? s->ow : s->w;
  g->phases_y = g->job.forward ? 1 : s->sh;
  g->phases_x = g->job.forward ? 1 : s->sw;
  g->phases = g->phases_y * g->phases_x;
  int64_t height = (g->dst_h - 1) / g->phases_y + 1, width = (g->dst_w - 1) / g->phases_x + 1;
  int64_t share = s->n * s->groups * height / LEAST_PARTS, least = (LEAST_PLACES - 1) / width + 1;
  if (share < least) share = least;
  g->rows = PLANE_PLACES / width < share ? PLANE_PLACES / width : share;
  if (g->rows < 1) g->rows = 1;
  g->row_parts = (height + g->rows - 1) / g->rows;
  g->rows = (height + g->row_parts - 1) / g->row_parts;
  g->row_parts = (height + g->rows - 1) / g->rows;
  find_phases(g);
  g->direct = g->phases == 1 && g->phase[0].pitch == g->dst_w;
  int64_t size = s->n * s->groups * g->to * g->dst_h * g->dst_w;
  g->stream = g->direct && conv_streams(size, g->rows * g->dst_w, g->job.dst) &&
              conv_streams(size, g->dst_h * g->dst_w, g->job.dst);
  set_chunk(g, conv_shift_chunk(&g->phase[0].shift));

  g->group_weights = g->from * g->to * s->kh * s->kw;
  g->result_size = 0;
  for (int64_t i = 0, packed = 0; i < g->phases; i++) {
    g->phase[i].packed = packed;
    g->phase[i].result = g->result_size;
    packed += g->from * g->to * g->phase[i].taps;
    if (!g->direct) g->result_size += g->to * g->rows * g->phase[i].pitch + VL;
  }
  g->units = s->n * s->groups * g->row_parts;
  double work = (double)(g->rows * width) * (double)g->group_weights;
  g->bundle = work < UNIT_WORK ? (int64_t)(UNIT_WORK / work) + 1 : 1;

  int64_t threads = team_threads(), most_taps = s->kh * s->kw * g->chunk;
  int64_t *at = conv_take(arena, g->phases * most_taps, sizeof *at);
  for (int64_t i = 0; at && i < g->phases; i++) g->phase[i].shift.at = at + i * most_taps;
  g->phase[0].shift.mask = conv_take(arena, conv_shift_masks(&g->phase[0].shift), sizeof(uint16_t));
  g->packed = conv_take(arena, s->groups * g->group_weights, sizeof(float));
  g->planes = conv_take(arena, threads * g->planes_size, sizeof(float));
  g->result = conv_take(arena, threads * g->result_size, sizeof(float));
}

/* out[i 4 + k] = weight[k step + i] for i < n. */
static void pack_rows(const float *weight, int64_t step, int64_t n, float *out) {
  for (int64_t i = 0; i < n; i += VL, out += 4 * VL) {
    int64_t left = 4 * (n - i), part = n - i < VL ? n - i : VL;
    vf w[4], pair[4];
    for (int k = 0; k < 4; k++) w[k] = vf_load_part(weight + k * step + i, part);
    for (int k = 0; k < 2; k++) {
      pair[2 * k] = vf_zip_low(w[k], w[k + 2]);
      pair[2 * k + 1] = vf_zip_high(w[k], w[k + 2]);
    }
    for (int k = 0; k < 2; k++) {
      vf low = vf_zip_low(pair[k], pair[k + 2]), high = vf_zip_high(pair[k], pair[k + 2]);
      int64_t at = 2 * k * VL, room = left - at < 0 ? 0 : left - at;
      vf_store_part(out + at, low, room < VL ? room : VL);
      vf_store_part(out + at + VL, high, room < VL ? 0 : room < 2 * VL ? room - VL : VL);
    }
  }
}

/* Packs the weights of channels [from, from + count) of src for one phase, tile by tile. */
static float *pack(const Planes *g, const ConvShift *k, int64_t group, int64_t from, int64_t count,
                   float *out) {
  int64_t kw = g->job.s->kw, taps = g->job.s->kh * kw;
  int64_t o_step =
      g->job.forward ? g->from * taps : taps; /* from channel to channel of dst, of src */
  int64_t c_step = g->job.forward ? taps : g->to * taps;
  const float *weight = g->job.weight + group * g->from * g->to * taps;
  for (int64_t first = 0, nc; first < g->to; first += nc) {
    nc = conv_plane_channels(g->to - first);
    if (g->job.forward && nc == PLANE_CHANNELS) {
      pack_rows(weight + first * o_step + from * taps, o_step, count * taps, out);
      out += nc * count * taps;
      continue;
    }
    for (int64_t c = from; c < from + count; c++)
      for (int64_t i = 0; i < k->y.taps; i++)
        for (int64_t j = 0; j < k->x.taps; j++) {
          int64_t tap = (k->y.tap + i * k->y.tapstep) * kw + k->x.tap + j * k->x.tapstep;
          const float *w = weight + first * o_step + c * c_step + tap;
          for (int64_t t = 0; t < nc; t++) *out++ = w[t * o_step];
        }
  }
  return out;
}

static void pack_part(void *job, int64_t group) {
  const Planes *g = job;
  float *out = g->packed + group * g->group_weights;
  for (int64_t i = 0; i < g->phases; i++)
    for (int64_t c = 0; c < g->from; c += g->chunk) {
      int64_t count = g->from - c < g->chunk ? g->from - c : g->chunk;
      out = pack(g, &g->phase[i].shift, group, c, count, out);
    }
}

/* Adds up what channels [c, c + count) of src give to one phase's rows from `row` on, in out:
   [to][plane]. */
static void sum_phase(const Planes *g, const Phase *phase, int64_t group, int64_t c, int64_t count,
                      int64_t row, const float *planes, float *out, int64_t plane) {
  int64_t left = phase->shift.y.count - row, rows = left < g->rows ? left : g->rows;
  if (rows <= 0 || phase->shift.x.count <= 0) return;
  bool last = c + count == g->from;
  ConvPlaneSum sum = {.planes = planes, .at = phase->shift.at, .taps = count * phase->taps};
  sum.weight = g->packed + group * g->group_weights + phase->packed + c * phase->taps * g->to;
  sum.mask = conv_shift_mask(&phase->shift, row);
  sum.mask_taps = phase->taps;
  sum.vectors = conv_shift_vectors(&phase->shift);
  sum.plane = plane;
  sum.add = c > 0;
  sum.relu = g->job.relu && last;
  sum.stream = g->stream && last;
  sum.bias = g->job.bias && last ? g->job.bias + group * g->to : NULL;
  sum.out = out;
  conv_plane_sum(&sum, g->to, (rows - 1) * phase->pitch + phase->shift.x.count);
}

/* Writes one row of dst from those of the phases along x: phase i holds every phases_x-th place. */
static void lace(const Planes *g, const Phase *phase, const float *const *from, float *to) {
  if (g->phases_x == 1) {
    for (int64_t x = 0; x < g->dst_w; x += VL)
      vf_store_part(to + x, vf_load(from[0] + x), g->dst_w - x < VL ? g->dst_w - x : VL);
  } else if (g->phases_x == 2) {
    for (int64_t x = 0, left; (left = g->dst_w - x) > 0; x += 2 * VL) {
      vf even = vf_load(from[0] + x / 2), odd = vf_load(from[1] + x / 2);
      vf_store_part(to + x, vf_zip_low(even, odd), left < VL ? left : VL);
      if (left > VL)
        vf_store_part(to + x + VL, vf_zip_high(even, odd), left < 2 * VL ? left - VL : VL);
    }
  } else {
    for (int64_t i = 0; i < g->phases_x; i++)
      for (int64_t q = 0; q < phase[i].shift.x.count; q++) to[i + q * g->phases_x] = from[i][q];
  }
}

/* Writes the rows of one part from the phases' sums. */
static void spread(const Planes *g, int64_t row, const float *result, float *dst) {
  for (int64_t y = 0; y < g->phases_y; y++) {
    const Phase *phase = &g->phase[y * g->phases_x];
    int64_t rows = phase->shift.y.count - row < g->rows ? phase->shift.y.count - row : g->rows;
    for (int64_t c = 0; c < g->to; c++)
      for (int64_t i = 0; i < rows; i++) {
        const float *from[CONV_PHASES];
        for (int64_t x = 0; x < g->phases_x; x++)
          from[x] = result + phase[x].result + (c * g->rows + i) * phase[x].pitch;
        lace(g, phase, from, dst + (c * g->dst_h + y + (row + i) * g->phases_y) * g->dst_w);
      }
  }
}

static void do_unit(const Planes *g, int64_t unit) {
  int64_t row = unit % g->row_parts * g->rows, image_group = unit / g->row_parts;
  int64_t plane = g->dst_h * g->dst_w, group = image_group % g->job.s->groups;
  const float *src = g->job.src + image_group * g->from * g->src_h * g->src_w;
  float *dst = g->job.dst + image_group * g->to * plane;
  float *memory = g->planes + team_self() * g->planes_size;
  float *result = g->result + team_self() * g->result_size;
  for (int64_t c = 0; c < g->from; c += g->chunk) {
    int64_t count = g->from - c < g->chunk ? g->from - c : g->chunk;
    ConvShift fill = g->phase[0].shift;
    fill.channels = count;
    const float *planes = conv_shift_fill(&fill, row, src + c * g->src_h * g->src_w, memory);
    for (int64_t i = 0; i < g->phases; i++) {
      const Phase *phase = &g->phase[i];
      if (g->direct)
        sum_phase(g, phase, group, c, count, row, planes, dst + row * g->dst_w, plane);
      else
        sum_phase(g, phase, group, c, count, row, planes, result + phase->result,
                  g->rows * phase->pitch);
    }
  }
  if (!g->direct) spread(g, row, result, dst);
}

static void planes_part(void *job, int64_t part) {
  const Planes *g = job;
  int64_t from = part * g->bundle, to = from + g->bundle < g->units ? from + g->bundle : g->units;
  for (int64_t unit = from; unit < to; unit++) do_unit(g, unit);
  if (g->stream) conv_streamed();
}

size_t conv_planes_size(const ConvJob *job) {
  Planes g = {.job = *job};
  ConvArena arena = {NULL, 0};
  lay_out(&g, &arena);
  return arena.used;
}

void conv_planes(const ConvJob *job, void *scratch) {
  Planes g = {.job = *job};
  ConvArena arena = {scratch, 0};
  lay_out(&g, &arena);
  for (int64_t i = 0; i < g.phases; i++) conv_shift_list(&g.phase[i].shift);
  team_run(job->s->groups, pack_part, &g);
  team_run((g.units + g.bundle - 1) / g.bundle, planes_part, &g);
}
