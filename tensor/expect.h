/* What hidden rows expect of their inputs (Op.expects): what gradient rules keep to by construction and
   are not asked for, and a call from the host's language is. All fail by the name of the input. */
#ifndef LUNETTE_EXPECT_H
#define LUNETTE_EXPECT_H

#include "op.h"

void expect_no_more(const Call *c);          /* than infer asks for */
void expect_count(const Call *c, int least); /* of a list */
void expect_ndim(const Call *c, int i, int least, int most);
/* Absent inputs pass the following. */
void expect_type(const Call *c, int i, DType dtype);
void expect_floats(const Call *c); /* every input, all of one float type */
void expect_shape(const Call *c, int i, int ndim, const int64_t *shape);
void expect_like(const Call *c, int i, int j); /* x[i] has the shape of x[j] */
/* Integers of x[i], int32 or int64, are in from..to. */
void expect_range(const Call *c, int i, int64_t from, int64_t to);

#endif
