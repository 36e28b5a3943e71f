/* The signature parser; op.h explains what a signature holds. */
#ifndef LUNETTE_SIG_H
#define LUNETTE_SIG_H

#include "op.h"

void sig_parse(const char *text, Sig *out);

#endif
