/* Index expressions: what stands between the brackets, as items, one per dimension. */
#ifndef LUNETTE_INDEX_H
#define LUNETTE_INDEX_H

#include "bind.h"

typedef enum ItemKind { I_ALL, I_AT, I_RANGE, I_PICK, I_REST } ItemKind;

typedef struct Item {
  ItemKind kind;
  int64_t start, stop, step; /* as the user counts: from 1, both ends, negative from the end */
  bool has_stop;
  Tensor *pick;
} Item;

typedef struct Index {
  Item item[T_MAXDIM + 1];
  int n;
} Index;

/* Reads the key at stack place i (an integer, a table, a string or a tensor); inside t_try. */
void index_read(lua_State *L, int i, Index *out);
void index_read_string(const char *s, Index *out);

#endif
