/* What the rows of shape.c are made of: reshape.c for new shapes over the same elements, views.c
   for windows, blocks.c for results put together from moved blocks. */
#ifndef LUNETTE_SHAPE_H
#define LUNETTE_SHAPE_H

#include "../../op.h"

#define INFER(name) void name##_infer(Call *c)
#define RUN(name)   const char *name##_run(Call *c)
#define GRAD(name)  void name##_grad(Call *c, Tensor *const *gy, Tensor **gx)

/* reshape.c */
INFER(reshape);
INFER(view);
INFER(flatten);
INFER(unflatten);
INFER(contiguous);
INFER(clone);
RUN(copy_when_new); /* y becomes x's elements in order, unless it is a view of them */
GRAD(reshape);      /* g in x's shape */
GRAD(pass);         /* g as it is */
INFER(squeeze);
INFER(unsqueeze);

/* views.c */
INFER(permute);
INFER(transpose);
INFER(t);
INFER(movedim);
GRAD(permute);
GRAD(transpose);
GRAD(t);
GRAD(movedim);
INFER(expand);
INFER(narrow);
INFER(select);
INFER(slice);
INFER(diagonal);
INFER(index_basic);
GRAD(narrow);
GRAD(select);
GRAD(slice);
GRAD(diagonal);
GRAD(index_basic);

/* blocks.c */
INFER(cat);
INFER(stack);
INFER(flip);
INFER(roll);
INFER(rep);
INFER(pad);
INFER(tril);
RUN(cat);
RUN(stack);
RUN(flip);
RUN(roll);
RUN(rep);
RUN(pad);
RUN(tril);
RUN(triu);
GRAD(cat);
GRAD(stack);
GRAD(flip);
GRAD(roll);
GRAD(rep);
GRAD(pad);
GRAD(tril);

#undef INFER
#undef RUN
#undef GRAD

#endif
