/* What the two files of arguments share: args.c reads a whole call, args_value.c one value. */
#ifndef LUNETTE_ARGS_H
#define LUNETTE_ARGS_H

#include "bind.h"

typedef struct Reader {
  lua_State *L;
  Call *c;
  const Sig *s;
  const char *name; /* for messages */
} Reader;

/* Reads the value at a stack place into the parameter's input or attribute. */
void args_value(Reader *r, int i, const Param *p);
/* The tensors from stack place i on become the list of inputs; returns the place after them. */
int args_tensors(Reader *r, int i, int top, const Param *p);
Tensor *args_number(lua_State *L, int i); /* a number or boolean as a weak tensor */
/* May numbers stand for the op's tensors? Not for the one of x.sum(2), where x:sum(2) was meant. */
bool args_number_does(const Op *op);
int64_t args_int(Reader *r, int i, const Param *p);
/* A dimension or position as the user counts to one from 0 (or, of positions, from the end). */
int64_t args_dim_from(Reader *r, Kind kind, int64_t given);
int64_t args_pos_from(Reader *r, const Param *p, int64_t given);
/* A list of whole numbers grows by one; at its end the length is held against the parameter's. */
void args_add_int(Reader *r, const Param *p, Attr *a, int64_t v);
void args_fix_length(Reader *r, const Param *p, Attr *a);

#endif
