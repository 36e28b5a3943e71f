#include "profile.h"

#include <time.h>

typedef struct ProfileFrame {
  struct ProfileFrame *outer;
  double start, inner; /* inner: seconds of the ops called within */
} Frame;

bool profile_on;
static Frame *innermost;

double profile_now(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

void profile_set(bool on) {
  profile_on = on;
  innermost = NULL;
  for (int i = 0; on && i < op_count(); i++) ((Op *)op_at(i))->time = (OpTime){0, 0};
}

void profile_apply(Call *c, void (*apply)(Call *)) {
  Frame f = {innermost, profile_now(), 0};
  Op *op = (Op *)c->op;
  innermost = &f;
  apply(c);
  double took = profile_now() - f.start;
  innermost = f.outer;
  if (f.outer) f.outer->inner += took;
  op->time.calls++;
  op->time.seconds += took - f.inner;
}

struct ProfileFrame *profile_mark(void) {
  return innermost;
}
void profile_back(struct ProfileFrame *mark) { innermost = mark; }
