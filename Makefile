# Lunette. On a fresh Debian 12: `make demo` trains a network on real images, `make test` runs the
# suite. Targets: all deps demo repl test check bench lint doc tour install uninstall clean.

PREFIX ?= /usr/local
B := build
CC := gcc
AR := gcc-ar

WARN := -Wall -Wextra -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Wundef -Wvla
OPT ?= -O2 -g
SAN ?=
CPPFLAGS += -MMD -MP -DLUNETTE_SHARE='"$(PREFIX)/share/lunette"'
CFLAGS += -std=gnu11 $(WARN) $(OPT) $(SAN) -fPIC -fno-math-errno -ffp-contract=off
KERNEL := -O3 -fno-trapping-math -fwrapv

# ---- what is made of what -----------------------------------------------------------------------

CORE := $(wildcard tensor/*.c $(foreach d,machine loop tape watch blas files ops ops/*,tensor/$d/*.c))
# Kernels are compiled once per SIMD level; the pointwise families are, besides their rows.
LEVELED := $(wildcard tensor/kernels/*.c tensor/kernels/*/*.c tensor/ops/pointwise/*.c)
BINDING := $(wildcard vm/bind/*.c)
PROGRAM := $(wildcard vm/host/*.c vm/prompt/*.c vm/prompt/*/*.c)
PLOT := $(wildcard vm/plot/*.c)
SIXEL := $(wildcard vm/sixel/*.c)
CORE_TESTS := $(patsubst %.c,$B/%,$(wildcard tests/core/*.c))
TERMINAL_TESTS := $(patsubst %.c,$B/%,$(filter-out %/pty.c,$(wildcard tests/terminal/*.c)))

LEVELS := base
MARCH_base :=
ifeq ($(shell uname -m),x86_64)
LEVELS := base v2 v3 v4
MARCH_base := -march=x86-64
endif
# The checks compile one level only, the machine's own.
ifdef NATIVE
LEVELS := base
MARCH_base := -march=native
CPPFLAGS += -DSIMD_ONE
endif
MARCH_v2 := -march=x86-64-v2
MARCH_v3 := -march=x86-64-v3
MARCH_v4 := -march=x86-64-v4 -mprefer-vector-width=512

objects = $(patsubst %.c,$B/%.o,$1)
CORE_O := $(call objects,$(CORE))
LEVELED_O := $(foreach l,$(LEVELS),$(patsubst %.c,$B/%.$l.o,$(LEVELED)))
BINDING_O := $(call objects,$(BINDING))
PROGRAM_O := $(call objects,$(PROGRAM))
PLOT_O := $(call objects,$(PLOT))
SIXEL_O := $(call objects,$(SIXEL))

LUA_CFLAGS = $(shell pkg-config --cflags lua5.4)
LUA_STATIC = $(shell pkg-config --variable=libdir lua5.4)/liblua5.4.a
CORE_LIBS = $(shell pkg-config --libs openblas libcjson zlib) -lpthread -lm
# Modules beside the program, where their libraries are.
MODULES := $(if $(shell pkg-config --exists pangocairo cairo 2>/dev/null && echo yes),$B/plot.so) \
  $(if $(shell pkg-config --exists chafa 2>/dev/null && echo yes),$B/sixel.so)

# deps comes first, so that what it installs is there when the rest is read.
all: $B/lunette $B/lunette.so $(MODULES)

$B/liblunette.a: $(CORE_O) $(LEVELED_O)
	@rm -f $@
	@$(AR) rcs $@ $^

# liblua is inside with its symbols exported: C modules of Debian's Lua load.
$B/lunette: $(PROGRAM_O) $(BINDING_O) $B/liblunette.a
	$(CC) $(LDFLAGS) $(SAN) -Wl,-E -o $@ $(PROGRAM_O) $(BINDING_O) $B/liblunette.a $(LUA_STATIC) $(CORE_LIBS) -lutf8proc -ldl

# For stock lua5.4: the same without liblua.
$B/lunette.so: $(BINDING_O) $B/liblunette.a
	$(CC) $(LDFLAGS) $(SAN) -shared -o $@ $(BINDING_O) $B/liblunette.a $(CORE_LIBS)

# These stay loaded: their libraries keep threads and caches beyond lua_close.
$B/sixel.so: $(SIXEL_O)
	$(CC) $(LDFLAGS) $(SAN) -shared -Wl,-z,nodelete -o $@ $^ $(shell pkg-config --libs chafa)

$B/plot.so: $(PLOT_O)
	$(CC) $(LDFLAGS) $(SAN) -shared -Wl,-z,nodelete -o $@ $^ $(shell pkg-config --libs pangocairo cairo) -lm

# These start the program and type.
$B/tests/terminal/%: $B/tests/terminal/%.o $B/tests/terminal/pty.o
	$(CC) $(LDFLAGS) $(SAN) -o $@ $^ -lutil

$B/tests/%: $B/tests/%.o $B/liblunette.a
	$(CC) $(LDFLAGS) $(SAN) -o $@ $^ $(CORE_LIBS)

$B/%.o: %.c
	@mkdir -p $(@D)
	@echo "  cc $<"
	@$(CC) $(CPPFLAGS) $(CFLAGS) $(EXTRA) -c -o $@ $<

$(PROGRAM_O) $(BINDING_O): EXTRA = $(LUA_CFLAGS)
$(PLOT_O): EXTRA = $(LUA_CFLAGS) -fvisibility=hidden $(shell pkg-config --cflags pangocairo cairo)
$(SIXEL_O): EXTRA = $(LUA_CFLAGS) -fvisibility=hidden $(shell pkg-config --cflags chafa)
$B/tensor/files/stb.o: EXTRA = -fwrapv

define LEVEL_RULE
$B/%.$1.o: %.c
	@mkdir -p $$(@D)
	@echo "  cc $$< ($1)"
	@$$(CC) $$(CPPFLAGS) $$(CFLAGS) $$(KERNEL) $$(MARCH_$1) -DLEVEL=$1 -c -o $$@ $$<
endef
$(foreach l,$(LEVELS),$(eval $(call LEVEL_RULE,$l)))

# ---- set-up ---------------------------------------------------------------------------------------

NEEDED := gcc make pkg-config liblua5.4-dev lua5.4 libopenblas-dev libstb-dev libcairo2-dev \
  libpango1.0-dev zlib1g-dev libcjson-dev libutf8proc-dev fonts-dejavu-core dataset-fashion-mnist
# For make lint, make check and the tests of other people's Lua modules.
NEEDED_DEV := $(NEEDED) clang-format lua-check lua-cjson lua-lpeg lua-socket tmux libchafa-dev

missing = $(shell for p in $1; do dpkg-query -W -f '$${db:Status-Status}' $$p 2>/dev/null | grep -qx installed || echo $$p; done)
define install_missing
	@need="$(call missing,$1)"; if [ -n "$$need" ]; then \
	  echo "installing: $$need"; \
	  sudo=; [ "$$(id -u)" = 0 ] || sudo=sudo; \
	  $$sudo apt-get update -qq && \
	  $$sudo env DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends $$need >/dev/null || exit 1; \
	fi
endef

deps:
	$(call install_missing,$(NEEDED))

deps-dev:
	$(call install_missing,$(NEEDED_DEV))

JOBS := -j$(shell nproc)

demo: deps
	@$(MAKE) --no-print-directory $(JOBS) all
	$B/lunette examples/fashion_cnn.lua --out out $(LUNETTE_DEMO)

repl: deps
	@$(MAKE) --no-print-directory $(JOBS) all
	@$B/lunette

# ---- tests ----------------------------------------------------------------------------------------

core-tests: $(CORE_TESTS) $(TERMINAL_TESTS)

# The suite under the program, then under stock lua5.4; the program's line comes last.
test: deps
	@$(MAKE) --no-print-directory $(JOBS) all core-tests
	@LUA_CPATH="$(CURDIR)/$B/?.so;;" lua5.4 tests/run.lua --no-core > $B/stock.log 2>&1 || { tail -40 $B/stock.log; echo "the suite failed under stock lua5.4"; exit 1; }
	@echo "under stock lua5.4: $$(tail -1 $B/stock.log)"
	@$B/lunette tests/run.lua

# Sanitizers, a collection before every op, allocations failed one by one, races.
check: deps-dev
	@tests/check.sh

bench: all
	@env -u OPENBLAS_CORETYPE -u OPENBLAS_L2_SIZE $B/lunette scripts/bench.lua

lint: deps-dev
	@tests/lint.sh

doc: all
	@$B/lunette scripts/doc.lua doc

# doc/prompt.md and its screenshots, typed at the prompt; wants tmux.
tour: all
	@$B/lunette scripts/tour.lua doc

# ---- installing -----------------------------------------------------------------------------------

LUA_LIB = $(DESTDIR)$(PREFIX)/lib/lua/5.4
SHARE = $(DESTDIR)$(PREFIX)/share/lunette

install: all
	install -d $(DESTDIR)$(PREFIX)/bin $(DESTDIR)$(PREFIX)/lib/lunette $(LUA_LIB) $(SHARE)
	install $B/lunette $(DESTDIR)$(PREFIX)/bin/
	install $B/lunette.so $(LUA_LIB)/
	$(if $(MODULES),install $(MODULES) $(DESTDIR)$(PREFIX)/lib/lunette/)
	cp -R nn scripts $(SHARE)/

uninstall:
	rm -f $(DESTDIR)$(PREFIX)/bin/lunette $(LUA_LIB)/lunette.so
	rm -rf $(SHARE) $(DESTDIR)$(PREFIX)/lib/lunette

clean:
	rm -rf $B out

.PHONY: all deps deps-dev demo repl core-tests test check bench lint doc tour install uninstall clean
.SECONDARY: $(CORE_TESTS:=.o) $(TERMINAL_TESTS:=.o) $B/tests/terminal/pty.o
-include $(shell find $B -name '*.d' 2>/dev/null)
