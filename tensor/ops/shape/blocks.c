/* Results put together from blocks that are moved as they are: joining, reversing, rolling,
   repeating, padding, triangles. Each block is copied from a window of x to a window of y. */
#include <string.h>

#include "../../calc.h"
#include "../../cast.h"
#include "../../team.h"
#include "shape.h"
#include "../../store.h"
#include "window.h"

static void move(const Tensor *y, const Window *to, const Tensor *x, const Window *from) {
  Tensor a = window_tensor(y, to), b = window_tensor(x, from);
  cast_into(&a, &b);
}

/* ---- cat and stack: one block per input -------------------------------------------------------- */

/* Empty lists made without a shape, tensor.zeros(0), join with anything. */
static bool is_nothing(const Tensor *x) { return x->ndim == 1 && x->shape[0] == 0; }

static DType common_type(Call *c) {
  DType d = (DType)c->x[0]->dtype;
  for (int i = 1; i < c->nx; i++) {
    if (c->x[i]->dtype != d) return call_promote(c, 0, c->nx);
  }
  return d;
}

static void check_list(const Call *c) {
  if (c->nx == 0) t_fail("%s: the list of tensors is empty", call_name(c));
}

void cat_infer(Call *c) {
  check_list(c);
  int64_t shape[T_MAXDIM], dim = c->attr[0].i;
  int like = 0;
  while (like < c->nx - 1 && is_nothing(c->x[like])) like++;
  const Tensor *first = c->x[like];
  if (first->ndim == 0) {
    t_fail("cat: element %d has no dimensions; stack joins single values", like + 1);
  }
  if (dim >= first->ndim) {
    t_fail("cat: dimension %lld of tensors with %d", (long long)dim + 1, first->ndim);
  }
  memcpy(shape, first->shape, sizeof shape);
  shape[dim] = 0;
  for (int i = 0; i < c->nx; i++) {
    const Tensor *x = c->x[i];
    if (is_nothing(x)) continue;
    bool fits = x->ndim == first->ndim;
    for (int d = 0; fits && d < x->ndim; d++) fits = d == dim || x->shape[d] == first->shape[d];
    if (!fits) {
      t_fail("cat: element %d is %s and element %d is %s; all sizes but that of dimension %lld "
             "must be equal",
             like + 1, t_shape_str(first), i + 1, t_shape_str(x), (long long)dim + 1);
    }
    shape[dim] += x->shape[dim];
  }
  call_out(c, 0, common_type(c), first->ndim, shape);
}

const char *cat_run(Call *c) {
  int64_t at = 0;
  int dim = (int)c->attr[0].i;
  for (int i = 0; i < c->nx; i++) {
    const Tensor *x = c->x[i];
    if (is_nothing(x)) continue;
    Window to = window_of(c->y[0]), from = window_of(x);
    window_cut(&to, dim, at, x->shape[dim], 1);
    move(c->y[0], &to, x, &from);
    at += x->shape[dim];
  }
  return NULL;
}

void cat_grad(Call *c, Tensor *const *gy, Tensor **gx) {
  int64_t at = 0;
  int dim = (int)c->attr[0].i;
  for (int i = 0; i < c->nx; i++) {
    Tensor *x = c->x[i];
    bool nothing = is_nothing(x);
    if (c->want[i]) { gx[i] = nothing ? t_zeros_like(x) : t_narrow(gy[0], dim, at, x->shape[dim]); }
    at += nothing ? 0 : x->shape[dim];
  }
}

void stack_infer(Call *c) {
  check_list(c);
  const Tensor *first = c->x[0];
  Window w = window_of(first);
  for (int i = 1; i < c->nx; i++) {
    if (!t_same_shape(first, c->x[i])) {
      t_fail("stack: element 1 is %s and element %d is %s; all must have one shape, cat joins "
             "along a dimension they have",
             t_shape_str(first), i + 1, t_shape_str(c->x[i]));
    }
  }
  window_insert_dim(&w, (int)c->attr[0].i, c->nx, 0);
  call_out(c, 0, common_type(c), w.ndim, w.shape);
}

const char *stack_run(Call *c) {
  int dim = (int)c->attr[0].i;
  for (int i = 0; i < c->nx; i++) {
    Window to = window_of(c->y[0]), from = window_of(c->x[i]);
    window_cut(&to, dim, i, 1, 1);
    window_drop_dim(&to, dim);
    move(c->y[0], &to, c->x[i], &from);
  }
  return NULL;
}

void stack_grad(Call *c, Tensor *const *gy, Tensor **gx) {
  for (int i = 0; i < c->nx; i++) {
    if (c->want[i]) gx[i] = t_select(gy[0], (int)c->attr[0].i, i);
  }
}

/* ---- flip -------------------------------------------------------------------------------------- */

/* The same op on another tensor; back turns the numbers of the first attribute around. */
static Tensor *again(const Call *c, Tensor *g, bool back) {
  Call f;
  call_begin(&f, c->op);
  f.x[0] = g;
  for (int i = 0; i < op_sig(c->op)->nattr; i++) f.attr[i] = c->attr[i];
  for (int i = 0; back && i < f.attr[0].n; i++) f.attr[0].v[i] = -f.attr[0].v[i];
  op_apply(&f);
  return f.y[0];
}

static void like_x(Call *c) {
  call_out(c, 0, (DType)c->x[0]->dtype, c->x[0]->ndim, c->x[0]->shape);
}

void flip_infer(Call *c) { like_x(c); }

const char *flip_run(Call *c) {
  const Tensor *x = c->x[0];
  Window to = window_of(c->y[0]), from = window_of(x);
  for (int i = 0; i < c->attr[0].n && x->ndim > 0 && x->numel > 0; i++) {
    int64_t d = c->attr[0].v[i];
    from.offset += (from.shape[d] - 1) * from.stride[d];
    from.stride[d] = -from.stride[d];
  }
  move(c->y[0], &to, x, &from);
  return NULL;
}

void flip_grad(Call *c, Tensor *const *gy, Tensor **gx) { gx[0] = again(c, gy[0], false); }

/* ---- roll: each rolled dimension is two pieces that change places ------------------------------ */

/* Attributes: shifts, dims (absent: all elements as one row). */
void roll_infer(Call *c) {
  Attr *shifts = &c->attr[0];
  const Attr *dims = &c->attr[1];
  const Tensor *x = c->x[0];
  if (dims->tag == A_NONE) {
    if (shifts->n != 1) t_fail("roll: %d shifts without dims; one is wanted", shifts->n);
    call_contiguous(c, 0);
  } else if (shifts->n != dims->n) {
    t_fail("roll: %d shifts for %d dims; one for each is wanted", shifts->n, dims->n);
  }
  for (int i = 0; i < shifts->n && x->numel > 0 && x->ndim > 0; i++) {
    shifts->v[i] %= dims->tag == A_NONE ? x->numel : x->shape[dims->v[i]];
  }
  like_x(c);
}

const char *roll_run(Call *c) {
  const Tensor *x = c->x[0];
  const Attr *shifts = &c->attr[0], *dims = &c->attr[1];
  Window y = window_of(c->y[0]), from = window_of(x);
  int64_t shift[T_MAXDIM] = {0};
  if (x->numel == 0) return NULL;
  if (dims->tag == A_NONE) {
    y = window_whole(1, &x->numel);
    from.ndim = 1;
    from.shape[0] = x->numel;
    from.stride[0] = 1;
  }
  for (int i = 0; i < shifts->n && from.ndim > 0; i++) {
    int64_t d = dims->tag == A_NONE ? 0 : dims->v[i], n = from.shape[d];
    shift[d] = ((shift[d] + shifts->v[i]) % n + n) % n;
  }
  for (unsigned pieces = 0; pieces < 1u << from.ndim; pieces++) {
    Window to = y, part = from;
    bool empty = false;
    for (int d = 0; d < from.ndim; d++) {
      int64_t n = from.shape[d], head = n - shift[d];
      bool tail = pieces >> d & 1;
      empty = empty || (tail && shift[d] == 0);
      window_cut(&part, d, tail ? head : 0, tail ? shift[d] : head, 1);
      window_cut(&to, d, tail ? 0 : shift[d], tail ? shift[d] : head, 1);
    }
    if (!empty) move(c->y[0], &to, x, &part);
  }
  return NULL;
}

void roll_grad(Call *c, Tensor *const *gy, Tensor **gx) { gx[0] = again(c, gy[0], true); }

/* ---- rep: each repeated dimension is two, times and size ---------------------------------------- */

typedef struct Repeated {
  Window to, from;
  int times[T_MAXDIM], ntimes; /* which of to's dimensions count the copies */
} Repeated;

static void add_dim(Repeated *r, int64_t size, int64_t to, int64_t from) {
  if (r->to.ndim == T_MAXDIM) {
    t_fail("rep: this many dimensions cannot be repeated at once; repeat some first");
  }
  window_insert_dim(&r->to, r->to.ndim, size, to);
  window_insert_dim(&r->from, r->from.ndim, size, from);
}

/* x: its shape; the result's shape goes to shape. */
static Repeated repeated(const Call *c, const Tensor *x, int64_t *shape) {
  const Attr *sizes = &c->attr[0];
  Repeated r = {.from.offset = x->offset};
  int lead = sizes->n - x->ndim;
  if (lead < 0) {
    t_fail("rep: %s for a tensor of shape %s; a number for each dimension is wanted",
           t_dims_str(sizes->n, sizes->v), t_shape_str(x));
  }
  int64_t stride[T_MAXDIM];
  for (int d = 0; d < sizes->n; d++) {
    if (sizes->v[d] < 0) t_fail("rep: %lld times; it is 0 or more", (long long)sizes->v[d]);
    if (__builtin_mul_overflow(sizes->v[d], d < lead ? 1 : x->shape[d - lead], &shape[d])) {
      t_fail("rep: %lld times is more than can be counted", (long long)sizes->v[d]);
    }
  }
  t_strides(sizes->n, shape, stride);
  for (int d = 0; d < sizes->n; d++) {
    int64_t size = d < lead ? 1 : x->shape[d - lead];
    if (sizes->v[d] != 1) {
      r.times[r.ntimes++] = r.to.ndim;
      add_dim(&r, sizes->v[d], size * stride[d], 0);
    }
    if (size != 1) add_dim(&r, size, stride[d], x->stride[d - lead]);
  }
  return r;
}

void rep_infer(Call *c) {
  int64_t shape[T_MAXDIM];
  repeated(c, c->x[0], shape);
  call_out(c, 0, (DType)c->x[0]->dtype, c->attr[0].n, shape);
}

const char *rep_run(Call *c) {
  int64_t shape[T_MAXDIM];
  Repeated r = repeated(c, c->x[0], shape);
  move(c->y[0], &r.to, c->x[0], &r.from);
  return NULL;
}

void rep_grad(Call *c, Tensor *const *gy, Tensor **gx) {
  int64_t shape[T_MAXDIM], dims[T_MAXDIM];
  Repeated r = repeated(c, c->x[0], shape);
  for (int i = 0; i < r.ntimes; i++) dims[i] = r.times[i];
  Tensor *g = t_reshape(gy[0], r.to.ndim, r.to.shape);
  if (r.ntimes > 0) g = t_sum(g, r.ntimes, dims, false);
  gx[0] = t_reshape(g, c->x[0]->ndim, c->x[0]->shape);
}

/* ---- pad ---------------------------------------------------------------------------------------- */

/* How much is added before and after dimension d; the list goes from the last dimension. */
static int64_t before(const Call *c, int ndim, int d) {
  int i = 2 * (ndim - 1 - d);
  return i < c->attr[0].n ? c->attr[0].v[i] : 0;
}
static int64_t after(const Call *c, int ndim, int d) {
  int i = 2 * (ndim - 1 - d) + 1;
  return i < c->attr[0].n ? c->attr[0].v[i] : 0;
}

void pad_infer(Call *c) {
  const Tensor *x = c->x[0];
  const Attr *amounts = &c->attr[0];
  int64_t shape[T_MAXDIM];
  if (amounts->n % 2 || amounts->n > 2 * x->ndim) {
    t_fail("pad: %s for a tensor of shape %s; two numbers for each padded dimension, the last "
           "dimension first",
           t_dims_str(amounts->n, amounts->v), t_shape_str(x));
  }
  for (int i = 0; i < amounts->n; i++) {
    int64_t a = amounts->v[i], most = (int64_t)1 << 56;
    if (a > most || a < -most) t_fail("pad: %lld is more than can be counted", (long long)a);
  }
  for (int d = 0; d < x->ndim; d++) {
    shape[d] = x->shape[d] + before(c, x->ndim, d) + after(c, x->ndim, d);
    if (shape[d] < 0) {
      t_fail("pad: %lld and %lld leave nothing of dimension %d, whose size is %lld",
             (long long)before(c, x->ndim, d), (long long)after(c, x->ndim, d), d + 1,
             (long long)x->shape[d]);
    }
  }
  store_check_number("pad", (DType)x->dtype, &c->attr[2], false);
  call_out(c, 0, (DType)x->dtype, x->ndim, shape);
}

const char *pad_run(Call *c) {
  const Tensor *x = c->x[0];
  Window to = window_of(c->y[0]), from = window_of(x);
  store_number(c->y[0], &c->attr[2]);
  for (int d = 0; d < x->ndim; d++) {
    int64_t l = before(c, x->ndim, d), r = after(c, x->ndim, d);
    int64_t n = x->shape[d] + (l < 0 ? l : 0) + (r < 0 ? r : 0);
    window_cut(&from, d, l < 0 ? -l : 0, n > 0 ? n : 0, 1);
    window_cut(&to, d, l > 0 ? l : 0, n > 0 ? n : 0, 1);
  }
  move(c->y[0], &to, x, &from);
  return NULL;
}

void pad_grad(Call *c, Tensor *const *gy, Tensor **gx) {
  c->attr[2] = attr_of_int(0);
  gx[0] = again(c, gy[0], true);
}

/* ---- triangles ---------------------------------------------------------------------------------- */

typedef struct Triangle {
  char *data;
  int64_t rows, columns, size, diagonal;
  bool upper;
} Triangle;

void tril_infer(Call *c) {
  if (c->x[0]->ndim < 2) {
    t_fail("%s: x is %s; it needs at least two dimensions", call_name(c), t_shape_str(c->x[0]));
  }
  like_x(c);
}

/* Clears one matrix beside its triangle. */
static void clear_matrix(void *job, int64_t matrix) {
  const Triangle *t = job;
  for (int64_t i = 0; i < t->rows; i++) {
    char *row = t->data + (matrix * t->rows + i) * t->columns * t->size;
    int64_t edge = i + t->diagonal + !t->upper;
    edge = edge < 0 ? 0 : edge > t->columns ? t->columns : edge;
    if (t->upper)
      memset(row, 0, (size_t)(edge * t->size));
    else
      memset(row + edge * t->size, 0, (size_t)((t->columns - edge) * t->size));
  }
}

static const char *triangle(Call *c, bool upper) {
  Tensor *y = c->y[0];
  Triangle t = {.data = t_data(y), .size = (int64_t)dtype_size((DType)y->dtype), .upper = upper};
  t.rows = y->shape[y->ndim - 2];
  t.columns = y->shape[y->ndim - 1];
  int64_t k = attr_int(c, 0, 0);
  t.diagonal = k < -t.rows ? -t.rows : k > t.columns ? t.columns : k;
  cast_into(y, c->x[0]);
  if (y->numel > 0) team_run(y->numel / (t.rows * t.columns), clear_matrix, &t);
  return NULL;
}

const char *tril_run(Call *c) { return triangle(c, false); }
const char *triu_run(Call *c) { return triangle(c, true); }

void tril_grad(Call *c, Tensor *const *gy, Tensor **gx) { gx[0] = again(c, gy[0], false); }
