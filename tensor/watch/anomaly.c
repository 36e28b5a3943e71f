/* Anomalies: results that are not finite where all that went in was. */
#include "anomaly.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "../calc.h"
#include "../loop/cast.h"

bool anomaly_on, anomaly_in_rule;
char *(*anomaly_host_place)(void);

char *anomaly_place(void) { return anomaly_host_place ? anomaly_host_place() : NULL; }

/* The first element that is NaN or infinite, from 0, and its value; -1 when there is none. */
static int64_t first_bad(Tensor *x, double *value) {
  if (!x || !x->st || (x->dtype != T_F32 && x->dtype != T_F64)) return -1;
  Tensor *flat = t_is_contiguous(x) ? x : cast_copy(x, (DType)x->dtype);
  for (int64_t i = 0; i < flat->numel; i++) {
    *value = x->dtype == T_F32 ? (double)t_f32(flat)[i] : t_f64(flat)[i];
    if (!isfinite(*value)) return i;
  }
  return -1;
}

static bool all_finite(int n, Tensor *const *x) {
  double value;
  for (int i = 0; i < n; i++) {
    if (first_bad(x[i], &value) >= 0) return false;
  }
  return true;
}

static const char *spelt(double value) { return isnan(value) ? "NaN" : value > 0 ? "inf" : "-inf"; }

/* Fails with "<what>: NaN at element 3 of its ... [2,2]", and the place, which is freed. */
static void report(const char *what, const char *part, int i, const Tensor *x, int64_t at,
                   double value, const char *place) {
  t_fail("%s: %s arose at element %lld of %s %d, %s%s%s; all that went in is finite", what,
         spelt(value), (long long)at + T_BASE, part, i + 1, t_shape_str(x),
         place ? ", called at " : "", place ? place : "");
}

void anomaly_forward(const Call *c) {
  if (anomaly_in_rule) return;
  double value;
  int mark = t_mark();
  int visible = op_sig(c->op)->result_list ? c->ny : op_sig(c->op)->nresults;
  for (int i = 0; i < visible && c->nx > 0; i++) {
    int64_t at = first_bad(c->y[i], &value);
    /* what was written in place is gone: then its new value speaks for itself */
    int from = c->inplace ? 1 : 0;
    if (at < 0 || !all_finite(c->nx - from, c->x + from)) continue;
    char *place = anomaly_place(), kept[256];
    snprintf(kept, sizeof kept, "%s", place ? place : "");
    free(place);
    report(call_name(c), "result", i, c->y[i], at, value, kept[0] ? kept : NULL);
  }
  t_leave(mark);
}

void anomaly_backward(const Node *n, Tensor *const *gx) {
  double value;
  char what[64];
  int mark = t_mark();
  snprintf(what, sizeof what, "backward of %s", n->op ? op_sig(n->op)->name : "a custom function");
  for (int i = 0; i < n->nx; i++) {
    int64_t at = first_bad(gx[i], &value);
    if (at >= 0 && all_finite(n->ny, n->g))
      report(what, "the gradient of input", i, gx[i], at, value, n->place);
  }
  t_leave(mark);
}
