/* Anomalies: finding where the first NaN or infinity of a computation arose. */
#ifndef LUNETTE_ANOMALY_H
#define LUNETTE_ANOMALY_H

#include "../tape/tape.h"

/* When on, an op whose floating inputs are all finite and whose result is not fails, and so does a
   gradient rule. NaN and infinities that a program puts in itself pass. */
extern bool anomaly_on;
extern bool anomaly_in_rule; /* a gradient rule runs: its whole result is looked at, not its ops */

/* Where the host's program is now, "file:line", as text from malloc; NULL when it cannot say. */
extern char *(*anomaly_host_place)(void);
char *anomaly_place(void);

void anomaly_forward(const Call *c);
/* After the rule of n: its gradients in n->g, what the rule gave in gx. */
void anomaly_backward(const Node *n, Tensor *const *gx);

#endif
