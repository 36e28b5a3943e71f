/* Windows of the poolings: reading and checking them; shapes. */
#include <string.h>

#include "../../calc.h"
#include "pool.h"

#define LL(x) ((long long)(x))

static void check_window(Call *c, const Pool *p, int i, int64_t in) {
  int64_t k = p->kernel[i], s = p->stride[i], d = p->dilation[i], pad = p->padding[i];
  if (k < 1 || s < 1 || d < 1) {
    t_fail("%s: kernel_size %lld, stride %lld, dilation %lld; they are at least 1", call_name(c),
           LL(k), LL(s), LL(d));
  }
  if ((k | s | d) >> 31) {
    t_fail("%s: kernel_size, stride or dilation is larger than any input", call_name(c));
  }
  if (pad < 0 || 2 * pad > k) {
    t_fail("%s: padding %lld; it is at most half the kernel_size %lld", call_name(c), LL(pad),
           LL(k));
  }
  int64_t reach = d * (k - 1) + 1;
  if (in + 2 * pad < reach || in < 1) {
    t_fail(
        "%s: a window that spans %lld does not fit an input of %lld with padding %lld (input %s)",
        call_name(c), LL(reach), LL(in), LL(pad), t_shape_str(c->x[0]));
  }
}

void pool_check_rank(Call *c, const Tensor *x, int nd) {
  static const char *const wanted[3] = {"[N,C,L] or [C,L]", "[N,C,H,W] or [C,H,W]",
                                        "[N,C,D,H,W] or [C,D,H,W]"};
  bool right = x->ndim == nd + 1 || x->ndim == nd + 2;
  for (int d = x->ndim == nd + 2; right && d < x->ndim; d++) right = x->shape[d] > 0;
  if (right) return;
  t_fail("%s: input is %s; %s is wanted%s", call_name(c), t_shape_str(x), wanted[nd - 1],
         x->ndim == nd + 1 || x->ndim == nd + 2 ? ", only N may be 0" : "");
}

Pool pool_windows(Call *c, int nd, int from, int dilation, bool ceil) {
  const Tensor *x = c->x[0];
  pool_check_rank(c, x, nd);
  Pool p = {.nd = nd, .ceil = ceil};
  const Attr *kernel = &c->attr[from], *stride = &c->attr[from + 1];
  for (int i = 0; i < nd; i++) {
    p.kernel[i] = kernel->v[i];
    p.stride[i] = stride->tag == A_NONE ? kernel->v[i] : stride->v[i];
    p.padding[i] = dilation == POOL_BARE ? 0 : c->attr[from + 2].v[i];
    p.dilation[i] = dilation < 0 ? 1 : c->attr[dilation].v[i];
    int64_t in = x->shape[x->ndim - nd + i];
    check_window(c, &p, i, in);
    int64_t room = in + 2 * p.padding[i] - p.dilation[i] * (p.kernel[i] - 1) - 1;
    int64_t n = room / p.stride[i] + 1; /* a window more must start inside */
    p.out[i] = n + (ceil && room % p.stride[i] != 0 && n * p.stride[i] < in + p.padding[i]);
  }
  return p;
}

Tensor *pool_floats(Tensor *x) { return dtype_is_float((DType)x->dtype) ? x : t_cast(x, T_F32); }

Tensor *pool_average(Tensor *x, const Pool *p, bool padded, int64_t divisor) {
  return t_call("avg_windows", "xllllbbi", x, p->nd, p->kernel, p->nd, p->stride, p->nd, p->padding,
                p->nd, p->dilation, p->ceil, padded, divisor);
}

Tensor *pool_shaped(Tensor *y, const Tensor *like, int nd, const int64_t *sizes) {
  int64_t shape[T_MAXDIM];
  memcpy(shape, like->shape, (size_t)like->ndim * sizeof *shape);
  memcpy(shape + like->ndim - nd, sizes, (size_t)nd * sizeof *shape);
  return t_reshape(y, like->ndim, shape);
}

Pool pool_adaptive(Call *c, int nd, int attr) {
  const Tensor *x = c->x[0];
  pool_check_rank(c, x, nd);
  Pool p = {.nd = nd, .dilation = {1, 1, 1}};
  for (int i = 0; i < nd; i++) {
    int64_t size = c->attr[attr].v[i];
    p.kernel[i] = p.out[i] = size == -1 ? x->shape[x->ndim - nd + i] : size;
    if (p.out[i] < 0) {
      t_fail("%s: output_size %lld; it is at least 0, or -1 for the input's", call_name(c),
             LL(size));
    }
  }
  return p;
}
