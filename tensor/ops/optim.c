/* Optimizer steps: one hidden row each, over all parameters of a group in one pass. The list holds
   the parameters, then their gradients, then each kind of state, all in the same order; parameters
   and state are written in place. */
#include "../kernels/optim.h"

#include "../calc.h"
#include "../team.h"

enum { CHUNK = 1 << 14 }; /* elements of a part */

typedef struct Job {
  Call *c;
  int n; /* parameters */
  const void *step;
  const OptimKernels *k;
  const int64_t *first; /* [n+1]: the number of the first part of each parameter */
} Job;

/* Checks the list: `kinds` tensors a parameter, alike in shape and type; counts the parts. */
static void prepare(Call *c, int kinds) {
  if (c->nx == 0 || c->nx % kinds != 0) {
    t_fail("%s: a list of %d tensors; %d for each parameter are wanted", call_name(c), c->nx,
           kinds);
  }
  int n = c->nx / kinds;
  for (int i = 0; i < c->nx; i++) {
    const Tensor *x = c->x[i], *p = c->x[i % n];
    if ((x->dtype != T_F32 && x->dtype != T_F64) || x->dtype != p->dtype) {
      t_fail("%s: parameter %d is %s and its gradient or state %s; both must be float32 or float64",
             call_name(c), i % n + 1, dtype_name((DType)p->dtype), dtype_name((DType)x->dtype));
    }
    if (!t_same_shape(x, p)) {
      t_fail("%s: parameter %d is %s and its gradient or state %s", call_name(c), i % n + 1,
             t_shape_str(p), t_shape_str(x));
    }
    if (t_is_contiguous(x)) continue;
    if (i / n != 1) {
      t_fail("%s: parameter %d is not contiguous; make it from x:contiguous()", call_name(c),
             i % n + 1);
    }
    call_contiguous(c, i);
  }
  call_scratch(c, (size_t)(n + 1) * sizeof(int64_t));
  int64_t *first = c->scratch;
  first[0] = 0;
  for (int i = 0; i < n; i++) first[i + 1] = first[i] + (c->x[i]->numel + CHUNK - 1) / CHUNK;
  c->y[0] = c->x[0];
}

static void run_parts(Call *c, int kinds, const void *step, TeamFn fn) {
  Job j = {.c = c, .n = c->nx / kinds, .step = step, .k = SIMD_PICK(optim_kernels)};
  j.first = c->scratch;
  team_allow_cut(false); /* a step is whole or not at all */
  team_run(j.first[j.n], fn, &j);
  for (int i = 0; i < c->nx; i++) {
    if (i / j.n == 1) continue;
    c->x[i]->st->version++;
    c->x[i]->st->writer = call_name(c);
  }
}

/* Which parameter a part belongs to, and its elements from *at on; returns how many. */
static int64_t range(const Job *j, int64_t part, int *which, int64_t *at) {
  int lo = 0, hi = j->n;
  while (hi - lo > 1) {
    int mid = (lo + hi) / 2;
    if (j->first[mid] <= part)
      lo = mid;
    else
      hi = mid;
  }
  *which = lo;
  *at = (part - j->first[lo]) * CHUNK;
  int64_t n = j->c->x[lo]->numel - *at;
  return n < CHUNK ? n : CHUNK;
}

/* Kind k of a parameter from element `at` on, or NULL when there is no such kind. */
static void *kind(const Job *j, int k, int which, int64_t at) {
  if (k * j->n >= j->c->nx) return NULL;
  const Tensor *x = j->c->x[k * j->n + which];
  return (char *)t_data(x) + at * (int64_t)dtype_size((DType)x->dtype);
}

static void adam_part(void *job, int64_t part) {
  const Job *j = job;
  int w;
  int64_t at, n = range(j, part, &w, &at);
  j->k->of[j->c->x[w]->dtype].adam(n, j->step, kind(j, 0, w, at), kind(j, 1, w, at),
                                   kind(j, 2, w, at), kind(j, 3, w, at), kind(j, 4, w, at));
}

static int adam_kinds(const Call *c) { return c->attr[7].i ? 5 : 4; }

static void adam_infer(Call *c) { prepare(c, adam_kinds(c)); }

static const char *adam_run(Call *c) {
  AdamStep s = {.lr = attr_float(c, 0, 0),
                .beta1 = attr_float(c, 1, 0),
                .beta2 = attr_float(c, 2, 0),
                .eps = attr_float(c, 3, 0),
                .weight_decay = attr_float(c, 4, 0),
                .step = c->attr[5].i,
                .decoupled = c->attr[6].i};
  run_parts(c, adam_kinds(c), &s, adam_part);
  return NULL;
}

static void sgd_part(void *job, int64_t part) {
  const Job *j = job;
  int w;
  int64_t at, n = range(j, part, &w, &at);
  j->k->of[j->c->x[w]->dtype].sgd(n, j->step, kind(j, 0, w, at), kind(j, 1, w, at),
                                  kind(j, 2, w, at));
}

static int sgd_kinds(const Call *c) { return attr_float(c, 1, 0) != 0 ? 3 : 2; }

static void sgd_infer(Call *c) { prepare(c, sgd_kinds(c)); }

static const char *sgd_run(Call *c) {
  SgdStep s = {.lr = attr_float(c, 0, 0),
               .momentum = attr_float(c, 1, 0),
               .dampening = attr_float(c, 2, 0),
               .weight_decay = attr_float(c, 3, 0),
               .nesterov = c->attr[4].i,
               .first = c->attr[5].i};
  run_parts(c, sgd_kinds(c), &s, sgd_part);
  return NULL;
}

static Op rows[] = {
    {.sig = "adam_step(xs: tensors, lr: float, beta1: float, beta2: float, eps: float, "
            "weight_decay: float, step: int, decoupled: bool, amsgrad: bool) -> first: tensor",
     .doc = "One step of Adam or AdamW (decoupled) over parameters, gradients, first and second "
            "moments, and with amsgrad the largest second moments. step counts from 1.",
     .test = "{{{randn(3), randn(3), rand(3), rand(3)}, 0.1, 0.9, 0.99, 1e-8, 0.01, 2, false, "
             "false}}",
     .flags = OP_HIDDEN | OP_CONST,
     .infer = adam_infer,
     .run = adam_run},
    {.sig = "sgd_step(xs: tensors, lr: float, momentum: float, dampening: float, "
            "weight_decay: float, nesterov: bool, first: bool) -> first: tensor",
     .doc = "One step of SGD over parameters, gradients and, with momentum, their buffers.",
     .test = "{{{randn(3), randn(3)}, 0.1, 0, 0, 0.01, false, true}}",
     .flags = OP_HIDDEN | OP_CONST,
     .infer = sgd_infer,
     .run = sgd_run},
};

FAMILY(optim, rows);
