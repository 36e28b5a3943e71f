/* Optimizer steps: a rule is one line of the table below, and one fused pass over all parameters of
   a group. Compiled once per SIMD level for the loops, once for the rows.

   A line says how many tensors of state a parameter has, which numbers come with a step, and what
   becomes of the state (STATE) and of the parameter (NEXT). p is the parameter's element; d its
   direction, turn g + decay p: turn is 1, or -1 to go up. STATE(i, v, f): v is the element of state
   i, which becomes f, written in terms of the old v; from there on v is the new one. An element's
   result depends on that element alone. What the numbers are is said in nn/optim, a file for each
   optimizer, with the source of its formula. */
#include "unary.h"

/*   name, states, how many numbers and which, what happens, numbers of a test, documentation */
/* clang-format off */
#define RULES(RULE)                                                                                \
  RULE(sgd, 0, 1, (lr),                                                                            \
       NEXT(p - lr * d),                                                                           \
       "0.1", "p - lr d.")                                                                         \
  RULE(momentum, 1, 5, (lr, stay, fresh, along, ahead),                                            \
       STATE(0, b, stay * b + fresh * d)                                                           \
       NEXT(p - lr * (along * b + ahead * d)),                                                     \
       "0.1, 0.9, 1, 0.9, 1", "SGD with a buffer b; along and ahead weigh it and d.")              \
  RULE(adam, 2, 9, (keep, b1, r1, b2, r2, along, ahead, root, eps),                                \
       STATE(0, m, b1 * m + r1 * d)                                                                \
       STATE(1, v, b2 * v + r2 * (d * d))                                                          \
       NEXT(keep * p - (along * m + ahead * d) / (root * m_sqrt(v) + eps)),                        \
       "1, 0.9, 0.1, 0.9, 0.1, 0.1, 0, 2, 0.01", "The family of Adam: both moments.")              \
  RULE(amsgrad, 3, 9, (keep, b1, r1, b2, r2, along, ahead, root, eps),                             \
       STATE(0, m, b1 * m + r1 * d)                                                                \
       STATE(1, v, b2 * v + r2 * (d * d))                                                          \
       STATE(2, top, v > top ? v : top)                                                            \
       NEXT(keep * p - (along * m + ahead * d) / (root * m_sqrt(top) + eps)),                      \
       "1, 0.9, 0.1, 0.9, 0.1, 0.1, 0, 2, 0.01", "Adam with the largest second moment so far.")    \
  RULE(adamax, 2, 5, (lr, b1, r1, b2, eps),                                                        \
       STATE(0, m, b1 * m + r1 * d)                                                                \
       LET(size, (d < 0 ? -d : d) + eps)                                                           \
       STATE(1, u, b2 * u > size ? b2 * u : size)                                                  \
       NEXT(p - lr * m / u),                                                                       \
       "0.1, 0.9, 0.1, 0.9, 0.01", "Adam with the largest magnitude u for the second moment.")     \
  RULE(rmsprop, 1, 4, (lr, stay, fresh, eps),                                                      \
       STATE(0, v, stay * v + fresh * (d * d))                                                     \
       NEXT(p - lr * d / (m_sqrt(v) + eps)),                                                       \
       "0.1, 0.9, 0.1, 0.01", "A running mean v of squares.")                                      \
  RULE(rmsprop_centered, 2, 4, (lr, stay, fresh, eps),                                             \
       STATE(0, v, stay * v + fresh * (d * d))                                                     \
       STATE(1, m, stay * m + fresh * d)                                                           \
       NEXT(p - lr * d / (m_sqrt(v - m * m) + eps)),                                               \
       "0.1, 0.9, 0.1, 0.01", "RMSprop by the variance.")                                          \
  RULE(rmsprop_momentum, 2, 5, (lr, stay, fresh, eps, momentum),                                   \
       STATE(0, v, stay * v + fresh * (d * d))                                                     \
       STATE(1, b, momentum * b + d / (m_sqrt(v) + eps))                                           \
       NEXT(p - lr * b),                                                                           \
       "0.1, 0.9, 0.1, 0.01, 0.5", "RMSprop with a buffer b.")                                     \
  RULE(rmsprop_centered_momentum, 3, 5, (lr, stay, fresh, eps, momentum),                          \
       STATE(0, v, stay * v + fresh * (d * d))                                                     \
       STATE(1, m, stay * m + fresh * d)                                                           \
       STATE(2, b, momentum * b + d / (m_sqrt(v - m * m) + eps))                                   \
       NEXT(p - lr * b),                                                                           \
       "0.1, 0.9, 0.1, 0.01, 0.5", "RMSprop by the variance, with a buffer b.")                    \
  RULE(adagrad, 1, 2, (lr, eps),                                                                   \
       STATE(0, sum, sum + d * d)                                                                  \
       NEXT(p - lr * d / (m_sqrt(sum) + eps)),                                                     \
       "0.1, 0.01", "The sum of squares.")                                                         \
  RULE(adadelta, 2, 4, (lr, stay, fresh, eps),                                                     \
       STATE(0, v, stay * v + fresh * (d * d))                                                     \
       LET(move, m_sqrt(s1[i] + eps) / m_sqrt(v + eps) * d)                                        \
       STATE(1, u, stay * u + fresh * (move * move))                                               \
       NEXT(p - lr * move),                                                                        \
       "1, 0.9, 0.1, 0.01", "Running means of squares: v of directions, u of moves.")              \
  RULE(rprop, 2, 4, (minus, plus, least, most),                                                    \
       LET(agreed, d * s0[i])                                                                      \
       LET(by, agreed > 0 ? plus : agreed < 0 ? minus : (T)1)                                      \
       STATE(0, last, agreed < 0 ? (T)0 : d)                                                       \
       STATE(1, size, CLAMPED(size * by, least, most))                                             \
       NEXT(last > 0 ? p - size : last < 0 ? p + size : p),                                        \
       "0.5, 1.2, 0.001, 10", "Steps of their own size, by whether the sign stayed.")              \
  RULE(asgd, 1, 4, (keep, eta, old, new),                                                          \
       LET(next, keep * p - eta * d)                                                               \
       STATE(0, mean, old * mean + new * next)                                                     \
       NEXT(next),                                                                                 \
       "0.99, 0.1, 0.5, 0.5", "SGD, and the mean of the parameters.")
/* clang-format on */

enum { STATES_MAX = 3, COMMON = 2 /* numbers of every rule: turn and decay */ };

#define RULE_PLACE(name, ...) RULE_##name,
enum { RULES(RULE_PLACE) RULE_COUNT };

/* n elements; x: parameters, gradients, then the tensors of state; k: the numbers. */
typedef void (*StepLoop)(int64_t n, void *const *x, const double *k);
typedef struct OptimLoops {
  StepLoop at[RULE_COUNT][2]; /* T_F32, T_F64 */
} OptimLoops;
SIMD_FAMILY(OptimLoops, optim_loops);

#ifdef LEVEL

#define NUMBERS1(a)      const T a = (T)*k++;
#define NUMBERS2(a, b)   NUMBERS1(a) NUMBERS1(b)
#define NUMBERS3(a, ...) NUMBERS1(a) NUMBERS2(__VA_ARGS__)
#define NUMBERS4(a, ...) NUMBERS1(a) NUMBERS3(__VA_ARGS__)
#define NUMBERS5(a, ...) NUMBERS1(a) NUMBERS4(__VA_ARGS__)
#define NUMBERS6(a, ...) NUMBERS1(a) NUMBERS5(__VA_ARGS__)
#define NUMBERS7(a, ...) NUMBERS1(a) NUMBERS6(__VA_ARGS__)
#define NUMBERS8(a, ...) NUMBERS1(a) NUMBERS7(__VA_ARGS__)
#define NUMBERS9(a, ...) NUMBERS1(a) NUMBERS8(__VA_ARGS__)

#define STATE(at, v, f)                                                                            \
  T v = s##at[i];                                                                                  \
  v = (f);                                                                                         \
  s##at[i] = v;
#define LET(v, f)           const T v = (f);
#define NEXT(f)             ps[i] = (f);
#define CLAMPED(x, low, up) ((x) < (low) ? (low) : (x) > (up) ? (up) : (x))

#define STEP_LOOP(name, type, real, many, names, body)                                             \
  static void step_##name##_##type(int64_t n, void *const *x, const double *k) {                   \
    typedef real T;                                                                                \
    T *ps = x[0], *s0 = x[2], *s1 = x[3], *s2 = x[4];                                              \
    const T *gs = x[1];                                                                            \
    (void)s0, (void)s1, (void)s2;                                                                  \
    NUMBERS2(turn, decay)                                                                          \
    NUMBERS##many names;                                                                           \
    _Pragma("GCC ivdep") for (int64_t i = 0; i < n; i++) {                                         \
      const T p = ps[i], d = turn * gs[i] + decay * p;                                             \
      body                                                                                         \
    }                                                                                              \
  }
#define RULE_LOOPS(name, states, n, names, body, ...)                                              \
  STEP_LOOP(name, f32, float, n, names, body)                                                      \
  STEP_LOOP(name, f64, double, n, names, body)
#define RULE_ENTRY(name, ...) [RULE_##name] = {step_##name##_f32, step_##name##_f64},

RULES(RULE_LOOPS)
const OptimLoops AT_LEVEL(optim_loops) = {{RULES(RULE_ENTRY)}};

#else

#include "../../expect.h"
#include "../../machine/team.h"

enum { CHUNK = 1 << 14 }; /* elements of a part */

#define RULE_SIZES(name, states, n, ...) [RULE_##name] = {2 + states, COMMON + n},
static const struct {
  int kinds, numbers; /* tensors of a parameter, numbers of a step */
} sizes[RULE_COUNT] = {RULES(RULE_SIZES)};

static Op rows[RULE_COUNT];

typedef struct Job {
  Call *c;
  int n; /* parameters */
  StepLoop loops[2];
  const int64_t *first; /* [n+1]: the number of the first part of each parameter */
} Job;

static void check_tensor(Call *c, int i, int n) {
  const Tensor *x = c->x[i], *p = c->x[i % n];
  if ((x->dtype != T_F32 && x->dtype != T_F64) || x->dtype != p->dtype) {
    t_fail("%s: parameter %d is %s and its gradient or state %s; both must be float32 or float64",
           call_name(c), i % n + 1, dtype_name((DType)p->dtype), dtype_name((DType)x->dtype));
  }
  if (!t_same_shape(x, p)) {
    t_fail("%s: parameter %d is %s and its gradient or state %s", call_name(c), i % n + 1,
           t_shape_str(p), t_shape_str(x));
  }
  if (t_is_contiguous(x)) return;
  if (i / n != 1) {
    t_fail("%s: parameter %d is not contiguous; make it from x:contiguous()", call_name(c),
           i % n + 1);
  }
  call_contiguous(c, i);
}

/* Checks the list, alike in shape and type for each parameter; counts the parts. */
static void infer(Call *c) {
  int kinds = sizes[c->op - rows].kinds, numbers = sizes[c->op - rows].numbers;
  if (c->nx == 0 || c->nx % kinds != 0) {
    t_fail("%s: a list of %d tensors; %d for each parameter are wanted", call_name(c), c->nx,
           kinds);
  }
  if (c->attr[0].n != numbers) {
    t_fail("%s: %d numbers; %d are wanted", call_name(c), c->attr[0].n, numbers);
  }
  int n = c->nx / kinds;
  for (int i = 0; i < c->nx; i++) check_tensor(c, i, n);
  call_scratch(c, (size_t)(n + 1) * sizeof(int64_t));
  int64_t *first = c->scratch;
  first[0] = 0;
  for (int i = 0; i < n; i++) first[i + 1] = first[i] + (c->x[i]->numel + CHUNK - 1) / CHUNK;
  c->y[0] = c->x[0];
}

/* The parameter that a part belongs to. */
static int parameter_of(const Job *j, int64_t part) {
  int lo = 0, hi = j->n;
  while (hi - lo > 1) {
    int mid = (lo + hi) / 2;
    if (j->first[mid] <= part)
      lo = mid;
    else
      hi = mid;
  }
  return lo;
}

static void run_part(void *job, int64_t part) {
  const Job *j = job;
  int at = parameter_of(j, part);
  const Tensor *p = j->c->x[at];
  int64_t from = (part - j->first[at]) * CHUNK, left = p->numel - from;
  void *x[2 + STATES_MAX] = {NULL};
  for (int k = 0; k * j->n < j->c->nx; k++) {
    x[k] = (char *)t_data(j->c->x[k * j->n + at]) + from * (int64_t)dtype_size((DType)p->dtype);
  }
  j->loops[p->dtype](left < CHUNK ? left : CHUNK, x, j->c->attr[0].fv);
}

static const char *run(Call *c) {
  const StepLoop *loops = SIMD_PICK(optim_loops)->at[c->op - rows];
  Job j = {.c = c, .n = c->nx / sizes[c->op - rows].kinds, .loops = {loops[0], loops[1]}};
  j.first = c->scratch;
  team_set_cut(TEAM_WHOLE); /* a step is whole or not at all */
  team_run(j.first[j.n], run_part, &j);
  for (int i = 0; i < c->nx; i++) {
    if (i / j.n == 1) continue; /* gradients */
    c->x[i]->st->version++;
    c->x[i]->st->writer = call_name(c);
  }
  return NULL;
}

#define TENSORS0 "randn(3), randn(3)"
#define TENSORS1 TENSORS0 ", rand(3)"
#define TENSORS2 TENSORS1 ", rand(3)"
#define TENSORS3 TENSORS2 ", rand(3)"

#define RULE_ROW(name, states, n, names, body, example, text)                                      \
  [RULE_##name] = {.sig = #name "_step(xs: tensors, numbers: floats) -> first: tensor",            \
                   .doc = text " xs: the parameters, then their gradients, then each kind of "     \
                               "state; parameters and state are written in place. numbers: turn, " \
                               "decay and " #names ".",                                            \
                   .test = "{{{" TENSORS##states "}, {1, 0.01, " example "}}}",                    \
                   .flags = OP_HIDDEN | OP_CONST,                                                  \
                   .expects = expect_no_more,                                                      \
                   .infer = infer,                                                                 \
                   .run = run},

static Op rows[RULE_COUNT] = {RULES(RULE_ROW)};

FAMILY(optim, rows);

#endif
