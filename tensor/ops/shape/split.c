/* Cutting a dimension into pieces, which are views and come as one list. */
#include "../../calc.h"
#include "../../loop/cast.h"

static int64_t length(const Call *c, int dim) {
  const Tensor *x = c->x[0];
  if (x->ndim == 0) t_fail("%s: a single value cannot be cut", call_name(c));
  return x->shape[dim];
}

/* The pieces that end after ends[0], ends[1], ... positions and, if `rest`, what is left. An end before
   the last one gives an empty piece. */
static void cut(Call *c, int dim, int64_t n, const int64_t *ends, bool rest) {
  int64_t size = length(c, dim), from = 0;
  call_results(c, (int)n + rest);
  for (int64_t i = 0; i < n + rest; i++) {
    int64_t to = i < n ? ends[i] : size;
    c->y[i] = t_narrow(c->x[0], dim, from, to > from ? to - from : 0);
    from = to;
  }
}

static int64_t *numbers(int64_t n) { return t_i64(t_new(T_I64, 1, &n)); }

/* n pieces: the first `longer` of them of size + 1, the others of size. */
static void cut_evenly(Call *c, int dim, int64_t n, int64_t size, int64_t longer) {
  int64_t *ends = numbers(n);
  for (int64_t i = 0; i < n; i++) ends[i] = (i ? ends[i - 1] : 0) + size + (i < longer);
  cut(c, dim, n, ends, false);
}

static void check_pieces(const Call *c, int64_t n) {
  if (n < 1 || n > 1 << 24) {
    t_fail("%s: %lld pieces; it is 1 or more", call_name(c), (long long)n);
  }
}

/* The second input as whole numbers. */
static int64_t *whole(const Call *c) {
  const Tensor *list = c->x[1];
  if (list->ndim > 1 || !dtype_is_int((DType)list->dtype)) {
    t_fail("%s: %s of %s; a whole number or a list of them is wanted", call_name(c),
           dtype_name((DType)list->dtype), t_shape_str(list));
  }
  return t_i64(cast_copy(list, T_I64));
}

/* ---- split, chunk, unbind: attribute dim ------------------------------------------------------------ */

static void split(Call *c) {
  int dim = (int)c->attr[0].i;
  int64_t size = length(c, dim), *at = whole(c), n = c->x[1]->numel, sum = 0;
  if (c->x[1]->ndim == 0) {
    int64_t each = at[0];
    if (each < 0 || (each == 0 && size > 0)) {
      t_fail("split: pieces of %lld; it is 1 or more", (long long)each);
    }
    n = size == 0 ? 1 : (size - 1) / each + 1;
    check_pieces(c, n);
    at = numbers(n);
    for (int64_t i = 0; i < n; i++) at[i] = i == n - 1 ? size - i * each : each;
  }
  for (int64_t i = 0; i < n; i++) {
    if (at[i] < 0) t_fail("split: a piece of %lld; sizes are 0 or more", (long long)at[i]);
    if (__builtin_add_overflow(sum, at[i], &sum)) break;
    at[i] = sum;
  }
  if (sum != size) {
    t_fail("split: the sizes add up to %lld where dimension %d has %lld", (long long)sum, dim + 1,
           (long long)size);
  }
  cut(c, dim, n, at, false);
}

static void chunk(Call *c) {
  int dim = (int)c->attr[1].i;
  int64_t n = c->attr[0].i, size = length(c, dim);
  check_pieces(c, n);
  int64_t each = size > 0 ? (size + n - 1) / n : 0, pieces = size > 0 ? (size - 1) / each + 1 : n;
  int64_t *ends = numbers(pieces);
  for (int64_t i = 0; i < pieces; i++) ends[i] = (i + 1) * each < size ? (i + 1) * each : size;
  cut(c, dim, pieces, ends, false);
}

static void unbind(Call *c) {
  int dim = (int)c->attr[0].i;
  int64_t n = length(c, dim);
  if (n > 1 << 24) t_fail("unbind: %lld pieces are too many", (long long)n);
  call_results(c, (int)n);
  for (int64_t i = 0; i < n; i++) c->y[i] = t_select(c->x[0], dim, i);
}

/* ---- tensor_split and its like ----------------------------------------------------------------------- */

/* even: the pieces must be of one size. */
static void cut_at(Call *c, int dim, bool even) {
  int64_t size = length(c, dim), *at = whole(c), n = c->x[1]->numel;
  if (c->x[1]->ndim == 0) {
    check_pieces(c, at[0]);
    if (even && size % at[0]) {
      t_fail("%s: dimension %d of %s cannot be cut into %lld equal pieces; tensor_split allows "
             "unequal ones",
             call_name(c), dim + 1, t_shape_str(c->x[0]), (long long)at[0]);
    }
    cut_evenly(c, dim, at[0], size / at[0], size % at[0]);
    return;
  }
  for (int64_t i = 0; i < n; i++) {
    if (at[i] < 0) at[i] += size;
    at[i] = at[i] < 0 ? 0 : at[i] > size ? size : at[i];
  }
  check_pieces(c, n + 1);
  cut(c, dim, n, at, true);
}

static void need_dims(const Call *c, int n) {
  if (c->x[0]->ndim >= n) return;
  t_fail("%s: x is %s; %d dimension%s or more are wanted", call_name(c), t_shape_str(c->x[0]), n,
         n == 1 ? "" : "s");
}

static void tensor_split(Call *c) { cut_at(c, (int)c->attr[0].i, false); }

static void hsplit(Call *c) {
  need_dims(c, 1);
  cut_at(c, c->x[0]->ndim > 1, true);
}

static void vsplit(Call *c) {
  need_dims(c, 2);
  cut_at(c, 0, true);
}

static void dsplit(Call *c) {
  need_dims(c, 3);
  cut_at(c, 2, true);
}

/* ---- the rows ---------------------------------------------------------------------------------- */

static Op rows[] = {
    {.sig = "split(x: tensor, split_size_or_sections: list, dim: dim=1) -> parts: tensors",
     .aliases = "split_with_sizes",
     .doc = "A list of views: pieces of a dimension of that size, the last perhaps smaller, or of "
            "the sizes in a list, which add up to all.",
     .example = "a, b, c = table.unpack(tensor.arange(5):split(2))\n"
                "a --> int64 [2]  1  2\n"
                "c --> int64 [1]  5",
     .test = "{{randn(5,2), 2}, {randn(2,5), {1,4}, -1}, {randn(4), {3,0,1}}}",
     .ref = "reference.split",
     .compose = split},
    {.sig = "chunk(x: tensor, chunks: int, dim: dim=1) -> parts: tensors",
     .doc = "A list of views: a dimension in so many pieces of one size, the last perhaps smaller; "
            "fewer where they do not fill.",
     .example = "a, b = table.unpack(tensor.arange(5):chunk(2))\n"
                "a --> int64 [3]  1  2  3\n"
                "b --> int64 [2]  4  5",
     .test = "{{randn(5,2), 2}, {randn(2,5), 4, 2}}",
     .ref = "reference.chunk",
     .compose = chunk},
    {.sig = "unbind(x: tensor, dim: dim=1) -> parts: tensors",
     .doc = "A list of views: the positions of a dimension, which is dropped.",
     .example = "a, b = table.unpack(tensor{{1, 2}, {3, 4}}:unbind())\n"
                "b --> int64 [2]  3  4",
     .test = "{{randn(3,2)}, {randn(2,3), -1}, {randn(3)}}",
     .ref = "reference.unbind",
     .compose = unbind},
    {.sig = "tensor_split(x: tensor, indices_or_sections: list, dim: dim=1) -> parts: tensors",
     .doc =
         "A list of views: a dimension in so many pieces whose sizes differ by at most one, or in "
         "pieces that end after the positions in a list (negative: so many before the end).",
     .example = "a, b, c = table.unpack(tensor.arange(5):tensor_split{2, 4})\n"
                "b --> int64 [2]  3  4",
     .test = "{{randn(5,2), 3}, {randn(2,5), {1,3}, 2}, {randn(5), {2,-1}}, {randn(4), {3,1,9}}}",
     .ref = "reference.tensor_split",
     .compose = tensor_split},
    {.sig = "hsplit(x: tensor, indices_or_sections: list) -> parts: tensors",
     .doc =
         "tensor_split of columns (of a list: of its elements) into equal pieces or at positions.",
     .example = "left, right = table.unpack(tensor{{1, 2}, {3, 4}}:hsplit(2))\n"
                "right --> int64 [2,1]\n"
                "  2\n"
                "  4",
     .test = "{{randn(2,4), 2}, {randn(5), {2}}}",
     .ref = "reference.hsplit",
     .compose = hsplit},
    {.sig = "vsplit(x: tensor, indices_or_sections: list) -> parts: tensors",
     .doc = "tensor_split of rows into equal pieces or at positions.",
     .example = "top, bottom = table.unpack(tensor{{1, 2}, {3, 4}}:vsplit(2))\n"
                "bottom --> int64 [1,2]  3  4",
     .test = "{{randn(4,2), 2}, {randn(3,2), {1}}}",
     .ref = "reference.vsplit",
     .compose = vsplit},
    {.sig = "dsplit(x: tensor, indices_or_sections: list) -> parts: tensors",
     .doc = "tensor_split of the third dimension into equal pieces or at positions.",
     .example = "front, back = table.unpack(tensor.arange(4):view(1, 2, 2):dsplit(2))\n"
                "back --> int64 [1,2,1]\n"
                "  2\n"
                "  4",
     .test = "{{randn(1,2,4), 2}, {randn(2,1,3), {1}}}",
     .ref = "reference.dsplit",
     .compose = dsplit},
};

FAMILY_PART(shape, split, rows);
