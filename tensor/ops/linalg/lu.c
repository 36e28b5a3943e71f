/* LU factors with row exchanges, and what is read off them. */
#include <string.h>

#include "../../loop/copy.h"
#include "../../blas/lapack.h"
#include "linalg.h"

#define ZERO_PIVOT "the factor U has a zero at %d on its diagonal: the matrix is singular"

/* ---- factors -------------------------------------------------------------------------------------- */

static size_t factor_room(const Tensor *a, DType d) {
  return la_pad((size_t)(la_rows(a) * la_cols(a)) * dtype_size(d));
}

/* a: [...,m,n]  ->  LU [...,m,n], pivots [...,min(m,n)], info [...] */
static void factor_infer(Call *c) {
  la_matrix(c, 0);
  if (!attr_int(c, 0, 1)) t_fail("%s: pivot = false: rows are always exchanged here", call_name(c));
  DType d = la_float(c, 0, 1);
  const Tensor *a = c->x[0];
  int64_t shape[T_MAXDIM], m = la_rows(a), n = la_cols(a);
  call_out(c, 0, d, a->ndim, a->shape);
  call_out(c, 1, T_I32, la_shape(a, shape, 1, m < n ? m : n, 0), shape);
  if (op_sig(c->op)->nresults == 3) call_out(c, 2, T_I32, a->ndim - 2, a->shape);
  la_scratch(c, la_count(a), factor_room(a, d), 0);
}

static int factor_one(const Call *c, int64_t i, char *room) {
  const Tensor *a = c->x[0];
  DType d = (DType)a->dtype;
  int m = (int)la_rows(a), n = (int)la_cols(a);
  int *pivots = (int *)t_data(c->y[1]) + i * (m < n ? m : n);
  la_transpose(d, m, n, la_at(a, i), room);
  int info = lapack_getrf(d, m, n, room, pivots);
  la_transpose(d, n, m, room, la_at(c->y[0], i));
  return info;
}

static const char *factor(Call *c) {
  double m = (double)la_rows(c->x[0]), n = (double)la_cols(c->x[0]);
  return la_each(c, m * n * (m < n ? m : n), factor_one);
}

static const char *lu_factor_run(Call *c) {
  const char *bad = factor(c);
  return bad ? bad : la_complain(c, ZERO_PIVOT);
}

static const char *lu_factor_ex_run(Call *c) {
  const char *bad = factor(c);
  if (bad) return bad;
  la_store_info(c, c->y[2]);
  return attr_int(c, 1, 0) ? la_complain(c, ZERO_PIVOT) : NULL;
}

static Tensor *permutation(Tensor *pivots, int64_t m, DType d) {
  Call c;
  la_begin(&c, "lu_permutation", pivots, NULL);
  c.attr[0] = attr_of_int(m);
  c.attr[1] = (Attr){.tag = A_DTYPE, .i = d};
  return la_apply(&c);
}

/* With B = P'A = L U: of a wide B the columns beyond the square part are L times U's, of a tall one
   the rows below it L's times U; what is left is the square case, L^-1 dB U^-1 = L^-1 dL + dU U^-1,
   whose two terms are a strictly lower and an upper triangle. */
static void factor_grad(Call *c, Tensor *const *gy, Tensor **gx) {
  if (!gy[0]) return;
  Tensor *lu = c->y[0], *g = gy[0];
  int64_t m = la_rows(lu), n = la_cols(lu), k = m < n ? m : n;
  Tensor *square = la_cut(la_cut(lu, -2, 0, k), -1, 0, k);
  Tensor *gs = la_cut(la_cut(g, -2, 0, k), -1, 0, k);
  Tensor *l = t_add(la_lower(square, -1), la_eye((DType)lu->dtype, k)), *u = la_upper(square, 0);
  Tensor *gl = la_lower(gs, -1), *gu = la_upper(gs, 0), *rest = NULL;
  if (n > k) {
    rest = la_solve_triangular(la_flip(l), la_cut(g, -1, k, n), true, true, true);
    gl = t_sub(gl, t_matmul(rest, la_flip(la_cut(lu, -1, k, n))));
  }
  if (m > k) {
    rest = la_solve_triangular(la_flip(u), la_cut(g, -2, k, m), false, false, false);
    gu = t_sub(gu, t_matmul(la_flip(la_cut(lu, -2, k, m)), rest));
  }
  Tensor *inner =
      t_add(la_lower(t_matmul(la_flip(l), gl), -1), la_upper(t_matmul(gu, la_flip(u)), 0));
  Tensor *gb = la_solve_triangular(la_flip(l), inner, true, true, true);
  gb = la_solve_triangular(la_flip(u), gb, false, false, false);
  if (rest) gb = t_cat(2, (Tensor *[]){gb, rest}, gb->ndim - (n > k ? 1 : 2));
  gx[0] = t_matmul(permutation(c->y[1], m, (DType)lu->dtype), gb);
}

/* ---- the permutation ------------------------------------------------------------------------------ */

/* pivots: [...,k]  ->  P [...,m,m], the product of the exchanges of rows i and pivots[i] */
static void permutation_infer(Call *c) {
  const Tensor *p = c->x[0];
  int64_t shape[T_MAXDIM], m = c->attr[0].i;
  if (p->ndim < 1 || !dtype_is_int((DType)p->dtype)) {
    t_fail("lu_unpack: the pivots are %s of %s; integers [...,n] are wanted", t_shape_str(p),
           dtype_name((DType)p->dtype));
  }
  if (p->ndim + 1 > T_MAXDIM || p->shape[p->ndim - 1] > m) {
    t_fail("lu_unpack: %s pivots for %lld rows", t_shape_str(p), (long long)m);
  }
  call_want(c, 0, T_I64);
  p = c->x[0];
  for (int64_t i = 0; i < p->numel; i++) {
    int64_t v = t_i64(p)[i];
    if (v >= 1 && v <= m) continue;
    t_fail("lu_unpack: pivot %lld is not a row 1..%lld", (long long)v, (long long)m);
  }
  memcpy(shape, p->shape, sizeof shape);
  shape[p->ndim - 1] = shape[p->ndim] = m;
  call_out(c, 0, (DType)c->attr[1].i, p->ndim + 1, shape);
  call_scratch(c, (size_t)m * sizeof(int64_t));
}

static const char *permutation_run(Call *c) {
  const Tensor *p = c->x[0];
  Tensor *y = c->y[0];
  int64_t m = c->attr[0].i, k = p->shape[p->ndim - 1], *row = c->scratch;
  if (y->numel == 0) return NULL;
  copy_zeros(t_data(y), (size_t)y->numel * dtype_size((DType)y->dtype));
  for (int64_t b = 0; b < y->numel / (m * m); b++) {
    for (int64_t i = 0; i < m; i++) row[i] = i;
    for (int64_t i = 0; i < k; i++) {
      int64_t other = t_i64(p)[b * k + i] - 1, keep = row[i];
      row[i] = row[other];
      row[other] = keep;
    }
    for (int64_t i = 0; i < m; i++) t_set(y, (b * m + row[i]) * m + i, 1);
  }
  return NULL;
}

/* ---- put apart ------------------------------------------------------------------------------------ */

static Tensor *unit_lower(Tensor *lu) {
  int64_t m = la_rows(lu), k = m < la_cols(lu) ? m : la_cols(lu);
  Tensor *eye = la_cut(la_eye((DType)lu->dtype, m), -1, 0, k);
  return t_add(la_lower(la_cut(lu, -1, 0, k), -1), eye);
}

static Tensor *upper_part(Tensor *lu) {
  int64_t n = la_cols(lu), k = n < la_rows(lu) ? n : la_rows(lu);
  return la_upper(la_cut(lu, -2, 0, k), 0);
}

static void lu_unpack_compose(Call *c) {
  la_matrix(c, 0);
  Tensor *lu = c->x[0];
  bool data = attr_int(c, 0, 1), pivots = attr_int(c, 1, 1);
  int64_t none = 0;
  DType d = (DType)lu->dtype;
  c->y[0] = pivots ? permutation(c->x[1], la_rows(lu), d) : t_zeros(d, 1, &none);
  c->y[1] = data ? unit_lower(lu) : t_zeros(d, 1, &none);
  c->y[2] = data ? upper_part(lu) : t_zeros(d, 1, &none);
}

static void lu_compose(Call *c) {
  Call f;
  la_begin(&f, "linalg.lu_factor_ex", c->x[0], NULL);
  f.attr[0] = c->attr[0];
  Tensor *lu = la_apply(&f);
  c->y[0] = permutation(f.y[1], la_rows(lu), (DType)lu->dtype);
  c->y[1] = unit_lower(lu);
  c->y[2] = upper_part(lu);
}

/* Attributes: pivot, get_infos. */
static void old_lu_compose(Call *c) {
  bool infos = attr_int(c, 1, 0);
  Call f;
  la_begin(&f, "linalg.lu_factor_ex", c->x[0], NULL);
  f.attr[0] = c->attr[0];
  f.attr[1] = attr_of_bool(!infos);
  c->y[0] = la_apply(&f);
  c->y[1] = f.y[1];
  c->y[2] = infos ? f.y[2] : NULL;
}

/* ---- systems of which the matrix may be singular -------------------------------------------------- */

/* Attributes: left, check_errors. */
static void solve_ex_compose(Call *c) {
  la_square(c, 0);
  Tensor *a = c->x[0], *b = c->x[1];
  bool left = attr_int(c, 0, 1), vectors = la_is_vectors(a, b);
  if (!vectors) la_matrix(c, 1);
  if (vectors) b = left ? la_column(b) : la_row(b);
  Call f;
  la_begin(&f, "linalg.lu_factor_ex", a, NULL);
  f.attr[1] = attr_of_bool(attr_int(c, 1, 0));
  Tensor *lu = la_apply(&f);
  Tensor *x = t_call("linalg.lu_solve", "xxxb", lu, f.y[1], b, left);
  c->y[0] = vectors ? t_squeeze(x, left ? x->ndim - 1 : x->ndim - 2) : x;
  c->y[1] = f.y[2];
}

static Op rows[] = {
    {.sig = "lu(A: tensor, pivot: bool=true, get_infos: bool=false) -> LU: tensor, pivots: tensor, "
            "infos: tensor",
     .doc = "linalg.lu_factor in its older form; with get_infos a third result tells for each "
            "matrix 0 or the place of the zero on U's diagonal, which is an error without it.",
     .example = "LU, pivots, infos = tensor{{1.0, 1.0}, {1.0, 1.0}}:lu{get_infos = true}\n"
                "infos --> 2",
     .test = "{{well(3)}, {randn(4,3), {get_infos = true}}}",
     .ref = "reference.lu_old",
     .compose = old_lu_compose},
    {.sig = "linalg.solve_ex(A: tensor, B: tensor, left: bool=true, check_errors: bool=false) -> "
            "X: tensor, info: tensor",
     .doc =
         "linalg.solve, and for each matrix 0 or the number of the pivot that is zero: then X is "
         "not finite. check_errors makes that an error.",
     .example = "X, info = tensor.linalg.solve_ex(tensor{{1.0, 1.0}, {1.0, 1.0}}, tensor{1.0, "
                "2.0})\n"
                "info --> 2",
     .test = "{{well(3), randn(3,2)}, {well(2,3), randn(3)}, {well(3), randn(2,3), {left = "
             "false}}}",
     .ref = "reference.solve_ex",
     .flags = OP_FUNCTION,
     .compose = solve_ex_compose},
    {.sig = "linalg.lu_factor(A: tensor, pivot: bool=true) -> LU: tensor, pivots: tensor",
     .doc = "A [...,m,n] = P L U with row exchanges: both triangles in one matrix, L's ones left "
            "out, and for every row the one it was exchanged with, from 1. A zero on U's diagonal "
            "is an error. For lu_solve and lu_unpack.",
     .example = "LU, pivots = tensor.linalg.lu_factor(tensor{{1.0, 2.0}, {4.0, 4.0}})\n"
                "pivots --> int32 [2]  2  2\n"
                "LU --> float32 [2,2]\n"
                "  4.00  4.00\n"
                "  0.25  1.00",
     .test = "{{well(3)}, {randn(2,4,3)}, {randn(3,4)}}",
     .ref = "reference.lu_factor",
     .save = SAVE_Y(0) | SAVE_Y(1),
     .infer = factor_infer,
     .run = lu_factor_run,
     .grad = factor_grad},
    {.sig = "linalg.lu_factor_ex(A: tensor, pivot: bool=true, check_errors: bool=false) -> LU: "
            "tensor, pivots: tensor, info: tensor",
     .doc = "lu_factor, and for each matrix 0 or the place of the zero on U's diagonal, which is "
            "an error only with check_errors.",
     .example = "LU, pivots, info = tensor.linalg.lu_factor_ex(tensor{{1.0, 1.0}, {1.0, 1.0}})\n"
                "info --> 2",
     .test = "{{well(3)}, {randn(4,3)}, {randn(2,2,3)}}",
     .ref = "reference.lu_factor",
     .flags = OP_FUNCTION,
     .save = SAVE_Y(0) | SAVE_Y(1),
     .infer = factor_infer,
     .run = lu_factor_ex_run,
     .grad = factor_grad},
    {.sig = "lu_permutation(pivots: tensor, rows: int, dtype: dtype) -> P: tensor",
     .doc = "The permutation matrix of pivots, which count from 1.",
     .test = "{{tensor{2,3,3}, 3, \"float64\"}, {tensor{{3,2},{2,2}}, 4, \"float64\"}}",
     .ref = "reference.lu_permutation",
     .flags = OP_HIDDEN | OP_CONST,
     .infer = permutation_infer,
     .run = permutation_run},
    {.sig = "lu_unpack(LU_data: tensor, LU_pivots: tensor, unpack_data: bool=true, "
            "unpack_pivots: bool=true) -> P: tensor, L: tensor, U: tensor",
     .doc = "P, L and U from lu_factor's results; what is not asked for is empty.",
     .example =
         "P, L, U = tensor.lu_unpack(tensor.linalg.lu_factor(tensor{{1.0, 2.0}, {4.0, 4.0}}))\n"
         "L --> float32 [2,2]  1.00  0.00  0.25  1.00\n"
         "U --> float32 [2,2]\n"
         "  4.0  4.0\n"
         "  0.0  1.0",
     .test = "{{randn(3,3), tensor{2,3,3}}, {randn(2,4,2), tensor{{3,2},{1,4}}}, {randn(2,3), "
             "tensor{2,2}, {unpack_pivots = false}}}",
     .ref = "reference.lu_unpack",
     .compose = lu_unpack_compose},
    {.sig = "linalg.lu(A: tensor, pivot: bool=true) -> P: tensor, L: tensor, U: tensor",
     .doc = "A [...,m,n] = P L U: a permutation [m,m], a lower triangle with ones on its diagonal "
            "[m,min(m,n)], and an upper triangle [min(m,n),n].",
     .example = "P, L, U = tensor.linalg.lu(tensor{{1.0, 2.0}, {4.0, 4.0}})\n"
                "P --> float32 [2,2]  0.0  1.0  1.0  0.0\n"
                "L --> float32 [2,2]  1.00  0.00  0.25  1.00\n"
                "U --> float32 [2,2]\n"
                "  4.0  4.0\n"
                "  0.0  1.0",
     .test = "{{well(3)}, {randn(2,4,3)}, {randn(3,4)}}",
     .ref = "reference.lu",
     .flags = OP_FUNCTION,
     .compose = lu_compose},
};

FAMILY_PART(linalg, lu, rows);
