/* Einstein's notation: the equation, and the contraction of its operands pair by pair. */
#include <ctype.h>
#include <string.h>

#include "products.h"

enum {
  LETTERS = 52,
  LABELS = LETTERS + T_MAXDIM /* from LETTERS on: the dimensions of ..., the last one last */
};

/* A tensor whose dimensions have labels, each once. */
typedef struct Term {
  Tensor *x;
  int label[T_MAXDIM];
} Term;

static int label_of(char ch) { return ch >= 'a' ? ch - 'a' + 26 : ch - 'A'; }
static int find(const Term *t, int label) {
  for (int d = 0; d < t->x->ndim; d++) {
    if (t->label[d] == label) return d;
  }
  return -1;
}

/* ---- the equation --------------------------------------------------------------------------------- */

/* One operand's part: letters, and where ... stands among them (-1: nowhere). */
typedef struct Part {
  int n, ellipsis, label[LETTERS];
} Part;

/* Reads up to a comma, an arrow or the end; returns the place after it. */
static const char *read_part(const char *s, Part *p) {
  *p = (Part){.ellipsis = -1};
  for (; *s && *s != ',' && *s != '-'; s++) {
    if (*s == ' ') continue;
    if (strncmp(s, "...", 3) == 0) {
      if (p->ellipsis >= 0) t_fail("einsum: ... stands twice in one operand");
      p->ellipsis = p->n;
      s += 2;
    } else if (isalpha((unsigned char)*s) && (unsigned char)*s < 128) {
      if (p->n == LETTERS) t_fail("einsum: an operand has more than %d letters", LETTERS);
      p->label[p->n++] = label_of(*s);
    } else {
      t_fail("einsum: '%c' in the equation; letters, ..., commas and one -> are wanted", *s);
    }
  }
  return s;
}

/* Labels of all dimensions of x, the ellipsis filled in. */
static int spell(const Part *p, int ndim, int operand, int *label) {
  int more = ndim - p->n;
  if (more < 0 || (p->ellipsis < 0 && more > 0)) {
    t_fail("einsum: operand %d has %d dimensions and the equation %d letters for it%s", operand + 1,
           ndim, p->n, more > 0 ? "; ... stands for further ones" : "");
  }
  int at = 0;
  for (int i = 0; i <= p->n; i++) {
    for (int k = 0; i == p->ellipsis && k < more; k++) label[at++] = LABELS - more + k;
    if (i < p->n) label[at++] = p->label[i];
  }
  return more;
}

/* x with each label once: the diagonal of those that stand twice. */
static Term term_of(Tensor *x, const int *label, int operand) {
  Term t = {.x = x};
  memcpy(t.label, label, (size_t)x->ndim * sizeof *label);
  for (int a = 0; a < t.x->ndim; a++) {
    for (int b = a + 1; b < t.x->ndim; b++) {
      if (t.label[a] != t.label[b]) continue;
      if (t.x->shape[a] != t.x->shape[b]) {
        t_fail("einsum: a letter stands for dimensions of sizes %lld and %lld of operand %d",
               (long long)t.x->shape[a], (long long)t.x->shape[b], operand + 1);
      }
      int twice = t.label[a];
      Call f;
      la_begin(&f, "diagonal", t.x, NULL);
      f.attr[1] = attr_of_int(a);
      f.attr[2] = attr_of_int(b);
      t.x = la_apply(&f);
      memmove(t.label + b, t.label + b + 1, (size_t)(t.x->ndim - b) * sizeof *t.label);
      memmove(t.label + a, t.label + a + 1, (size_t)(t.x->ndim - 1 - a) * sizeof *t.label);
      t.label[t.x->ndim - 1] = twice;
      a = -1; /* places have moved */
      break;
    }
  }
  return t;
}

/* ---- contraction ---------------------------------------------------------------------------------- */

static Term drop(Term t, int d, bool sum) {
  t.x = sum ? t_sum1(t.x, d, false) : t_squeeze(t.x, d);
  memmove(t.label + d, t.label + d + 1, (size_t)(t.x->ndim - d) * sizeof *t.label);
  return t;
}

/* The dimensions in the order of n labels. */
static Tensor *arranged(const Term *t, int n, const int *label) {
  int64_t order[T_MAXDIM];
  bool as_is = true;
  for (int i = 0; i < n; i++) {
    order[i] = find(t, label[i]);
    as_is = as_is && order[i] == i;
  }
  return as_is ? t->x : t_permute(t->x, order);
}

static Tensor *shaped(Tensor *x, int n, const int64_t *shape) {
  bool same = x->ndim == n;
  for (int d = 0; same && d < n; d++) same = x->shape[d] == shape[d];
  return same ? x : t_reshape(x, n, shape);
}

/* Labels of two terms by what becomes of them, and the product of their sizes. */
typedef struct Group {
  int n, label[2 * T_MAXDIM];
  int64_t size;
} Group;

static void put(Group *g, int label, int64_t size) {
  g->label[g->n++] = label;
  g->size *= size;
}

static void join(const Group *a, const Group *b, const Group *c, int *label) {
  memcpy(label, a->label, (size_t)a->n * sizeof *label);
  memcpy(label + a->n, b->label, (size_t)b->n * sizeof *label);
  memcpy(label + a->n + b->n, c->label, (size_t)c->n * sizeof *label);
}

/* A dimension of one element that meets a longer one is left out. */
static void drop_ones(Term *a, Term *b) {
  for (int d = a->x->ndim; d-- > 0;) {
    int other = find(b, a->label[d]);
    if (other >= 0 && a->x->shape[d] == 1 && b->x->shape[other] != 1) *a = drop(*a, d, false);
  }
}

static Term pair(Term a, Term b, const bool *needed) {
  drop_ones(&a, &b);
  drop_ones(&b, &a);
  Group batch = {.size = 1}, inner = batch, left = batch, right = batch;
  for (int d = a.x->ndim; d-- > 0;) {
    if (find(&b, a.label[d]) < 0 && !needed[a.label[d]]) a = drop(a, d, true);
  }
  for (int d = b.x->ndim; d-- > 0;) {
    if (find(&a, b.label[d]) < 0 && !needed[b.label[d]]) b = drop(b, d, true);
  }
  for (int d = 0; d < a.x->ndim; d++) {
    bool shared = find(&b, a.label[d]) >= 0;
    put(!shared ? &left : needed[a.label[d]] ? &batch : &inner, a.label[d], a.x->shape[d]);
  }
  for (int d = 0; d < b.x->ndim; d++) {
    if (find(&a, b.label[d]) < 0) put(&right, b.label[d], b.x->shape[d]);
  }
  int label[3 * T_MAXDIM], n = batch.n + left.n + right.n;
  if (n > T_MAXDIM) t_fail("einsum: a result of %d dimensions; %d are the most", n, T_MAXDIM);
  join(&batch, &left, &inner, label);
  Tensor *x = arranged(&a, a.x->ndim, label);
  join(&batch, &inner, &right, label);
  Tensor *y = arranged(&b, b.x->ndim, label);
  int64_t shape[T_MAXDIM];
  memcpy(shape, x->shape, (size_t)(batch.n + left.n) * sizeof *shape);
  memcpy(shape + batch.n + left.n, y->shape + batch.n + inner.n, (size_t)right.n * sizeof *shape);
  bool many = batch.n > 0;
  int64_t sx[3] = {batch.size, left.size, inner.size}, sy[3] = {batch.size, inner.size, right.size};
  x = shaped(x, many ? 3 : 2, many ? sx : sx + 1);
  y = shaped(y, many ? 3 : 2, many ? sy : sy + 1);
  Tensor *z = inner.n == 0 ? t_mul(x, y) : t_op2(many ? "bmm" : "mm", x, y);
  Term t = {.x = shaped(z, n, shape)};
  join(&batch, &left, &right, label);
  memcpy(t.label, label, (size_t)n * sizeof *label);
  return t;
}

/* ---- the whole ------------------------------------------------------------------------------------ */

/* Labels of the result; returns how many. ellipsis: dimensions that ... stands for. */
static int result_labels(const char *s, const int *count, int ellipsis, int *out) {
  int n = 0;
  if (*s) { /* an arrow */
    Part p;
    if (s[1] != '>') t_fail("einsum: '-' in the equation without '>'");
    if (*read_part(s + 2, &p)) t_fail("einsum: the result is one list of letters");
    if (p.n + ellipsis > T_MAXDIM) t_fail("einsum: the result has too many letters");
    n = p.n + (p.ellipsis < 0 ? 0 : ellipsis);
    spell(&p, n, -1, out);
    for (int i = 0; i < p.n; i++) {
      for (int j = 0; j < i; j++) {
        if (p.label[i] == p.label[j]) t_fail("einsum: a letter stands twice in the result");
      }
      if (!count[p.label[i]]) t_fail("einsum: a letter of the result is in no operand");
    }
    return n;
  }
  for (int k = 0; k < ellipsis; k++) out[n++] = LABELS - ellipsis + k;
  for (int l = 0; l < LETTERS; l++) {
    if (count[l] != 1) continue;
    if (n == T_MAXDIM) t_fail("einsum: the result has more than %d dimensions", T_MAXDIM);
    out[n++] = l;
  }
  return n;
}

static void check_sizes(const Term *t, int n) {
  int64_t size[LABELS] = {0};
  for (int i = 0; i < n; i++) {
    for (int d = 0; d < t[i].x->ndim; d++) {
      int64_t s = t[i].x->shape[d], *have = &size[t[i].label[d]];
      if (*have > 1 && s != 1 && s != *have) {
        t_fail("einsum: operand %d is %s: dimension %d meets one of size %lld", i + 1,
               t_shape_str(t[i].x), d + 1, (long long)*have);
      }
      if (s != 1 || *have == 0) *have = s;
    }
  }
}

/* Elements of the product of a and b. */
static double size_of(const Term *a, const Term *b, const bool *needed) {
  double size = 1;
  for (int d = 0; d < a->x->ndim; d++) size *= needed[a->label[d]] ? (double)a->x->shape[d] : 1;
  for (int d = 0; d < b->x->ndim; d++) {
    bool own = find(a, b->label[d]) < 0;
    size *= own && needed[b->label[d]] ? (double)b->x->shape[d] : 1;
  }
  return size;
}

/* Which labels the result or the terms besides i and j have. */
static void mark_needed(const Term *t, int n, int i, int j, int nout, const int *out,
                        bool *needed) {
  memset(needed, 0, LABELS * sizeof *needed);
  for (int k = 0; k < nout; k++) needed[out[k]] = true;
  for (int k = 0; k < n; k++) {
    for (int d = 0; k != i && k != j && d < t[k].x->ndim; d++) needed[t[k].label[d]] = true;
  }
}

/* All terms into t[0]: always the pair whose product is smallest, the first of equals. */
static void contract(Term *t, int n, int nout, const int *out) {
  bool needed[LABELS];
  while (n > 1) {
    int a = 0, b = 1;
    double least = -1;
    for (int i = 0; n > 2 && i < n; i++) {
      for (int j = i + 1; j < n; j++) {
        mark_needed(t, n, i, j, nout, out, needed);
        double size = size_of(&t[i], &t[j], needed);
        if (least >= 0 && size >= least) continue;
        least = size;
        a = i;
        b = j;
      }
    }
    mark_needed(t, n, a, b, nout, out, needed);
    t[a] = pair(t[a], t[b], needed);
    memmove(t + b, t + b + 1, (size_t)(n - b - 1) * sizeof *t);
    n--;
  }
  mark_needed(t, 1, 0, 0, nout, out, needed);
  for (int d = t->x->ndim; d-- > 0;) {
    if (!needed[t->label[d]]) *t = drop(*t, d, true);
  }
}

enum { OPERANDS = 64 };

void einsum_compose(Call *c) {
  const char *s = c->attr[0].s;
  Term t[OPERANDS];
  int count[LABELS] = {0}, out[LABELS], label[LETTERS + T_MAXDIM], ellipsis = 0;
  if (c->nx < 1 || c->nx > OPERANDS) t_fail("einsum: 1 to %d operands are wanted", OPERANDS);
  for (int i = 0; i < c->nx; i++) {
    Part p;
    s = read_part(s, &p);
    bool last = i == c->nx - 1;
    if (last ? *s == ',' : *s != ',') {
      t_fail("einsum: the equation \"%s\" has %s operands than the %d given", c->attr[0].s,
             last ? "more" : "fewer", c->nx);
    }
    if (!last) s++;
    int more = spell(&p, c->x[i]->ndim, i, label);
    if (more > ellipsis) ellipsis = more;
    for (int k = 0; k < p.n; k++) count[p.label[k]]++;
    t[i] = term_of(c->x[i], label, i);
  }
  check_sizes(t, c->nx);
  int nout = result_labels(s, count, ellipsis, out);
  contract(t, c->nx, nout, out);
  Tensor *y = arranged(t, nout, out);
  c->y[0] = y == c->x[0] ? t_op1("clone", y) : y;
}
