/* What the files of attention share. */
#ifndef LUNETTE_OPS_ATTENTION_H
#define LUNETTE_OPS_ATTENTION_H

#include "../../op.h"

/* Inputs of the hidden row `attention`: q [B,L,E], k [B,S,E], v [B,S,F]; mask [B or 1, L or 1, S],
   added to the scores; keep [B,L,S] bytes, for dropout. */
enum { Q, K, V, MASK, KEEP };
enum { CAUSAL, SCALE, SHARE }; /* attributes; share: what is kept is multiplied by it */

void attention_infer(Call *c);
const char *attention_run(Call *c);
void attention_grad(Call *c, Tensor *const *gy, Tensor **gx);
void attention_compose(Call *c);

/* Inputs g, q, k, v, y, lse, mask, keep -> gq, gk, gv */
void attention_dx_infer(Call *c);
const char *attention_dx_run(Call *c);

#endif
