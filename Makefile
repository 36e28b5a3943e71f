# Lunette: see README.md. `make demo` and `make test` do everything on a fresh Debian 12.

PREFIX ?= /usr/local
B := build
CC := gcc
STD := -std=gnu11
WARN := -Wall -Wextra -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Wundef
OPT ?= -O2 -g
SAN ?=
CPPFLAGS += -MMD -MP
CFLAGS += $(STD) $(WARN) $(OPT) $(SAN) -fPIC -fno-math-errno -ffp-contract=off
KERNEL := -O3 -fno-trapping-math
LDFLAGS += $(SAN)

LUA_CFLAGS = $(shell pkg-config --cflags lua5.4)
LUA_STATIC = $(shell pkg-config --variable=libdir lua5.4)/liblua5.4.a
BLAS_LIBS = $(shell pkg-config --libs openblas)
PLOT_CFLAGS = $(shell pkg-config --cflags pangocairo cairo 2>/dev/null)
PLOT_LIBS = $(shell pkg-config --libs pangocairo cairo 2>/dev/null)

# ---- what is built from what ------------------------------------------------------------------

# Files of kernels, compiled once per SIMD level; the pointwise families are compiled for their
# rows as well.
LEVELED := $(wildcard tensor/kernels/*.c) tensor/ops/unary.c tensor/ops/binary.c
CORE := $(wildcard tensor/*.c tensor/ops/*.c tensor/files/*.c)
PLOT := $(wildcard vm/plot*.c vm/plot/*.c)
BINDING := $(wildcard vm/bind/*.c)
PROGRAM := $(filter-out $(PLOT),$(wildcard vm/*.c vm/host/*.c))

ifeq ($(shell uname -m),x86_64)
LEVELS := base v2 v3 v4
else
LEVELS := base
endif
MARCH_base :=
ifeq ($(shell uname -m),x86_64)
MARCH_base := -march=x86-64
endif
MARCH_v2 := -march=x86-64-v2
MARCH_v3 := -march=x86-64-v3
MARCH_v4 := -march=x86-64-v4 -mprefer-vector-width=512

CORE_O := $(CORE:%.c=$B/%.o)
LEVELED_O := $(foreach l,$(LEVELS),$(LEVELED:%.c=$B/%.$l.o))
PROGRAM_O := $(PROGRAM:%.c=$B/%.o)
BINDING_O := $(BINDING:%.c=$B/%.o)
PLOT_O := $(PLOT:%.c=$B/%.o)

all: $B/lunette $B/lunette.so $B/plot.so

$B/liblunette.a: $(CORE_O) $(LEVELED_O)
	@rm -f $@
	ar rcs $@ $^

# Usable by C modules that lua loads: liblua is inside, its symbols exported.
$B/lunette: $(PROGRAM_O) $(BINDING_O) $B/liblunette.a
	$(CC) $(LDFLAGS) -Wl,-E -o $@ $(PROGRAM_O) $(BINDING_O) $B/liblunette.a $(LUA_STATIC) $(BLAS_LIBS) -lutf8proc -lcjson -lz -lpthread -ldl -lm

# For stock lua5.4: the same core, without liblua.
$B/lunette.so: $(BINDING_O) $B/liblunette.a
	$(CC) $(LDFLAGS) -shared -o $@ $(BINDING_O) $B/liblunette.a $(BLAS_LIBS) -lcjson -lz -lpthread -lm

$B/plot.so: $(PLOT_O)
	$(CC) $(LDFLAGS) -shared -o $@ $(PLOT_O) $(PLOT_LIBS) -lm

$B/%.o: %.c
	@mkdir -p $(@D)
	$(CC) $(CPPFLAGS) $(CFLAGS) $(EXTRA) -c -o $@ $<

$(PROGRAM_O) $(BINDING_O): EXTRA = $(LUA_CFLAGS) -Itensor
$(PLOT_O): EXTRA = $(LUA_CFLAGS) $(PLOT_CFLAGS)

define LEVEL_RULE
$B/%.$1.o: %.c
	@mkdir -p $$(@D)
	$$(CC) $$(CPPFLAGS) $$(CFLAGS) $$(KERNEL) $$(MARCH_$1) -DLEVEL=$1 -c -o $$@ $$<
endef
$(foreach l,$(LEVELS),$(eval $(call LEVEL_RULE,$l)))

clean:
	rm -rf $B

.PHONY: all clean
-include $(shell find $B -name '*.d' 2>/dev/null)
