#!/usr/bin/env bash
# Sanitizers, a collection before every op, allocations failed one by one, races. Each build has a
# folder of its own in build/, of one SIMD level, the machine's. LUNETTE_FUZZ sets how long the fuzz runs.
set -u
cd "$(dirname "$0")/.."
unset OPENBLAS_CORETYPE OPENBLAS_L2_SIZE
bad=0
export LUNETTE_FUZZ=${LUNETTE_FUZZ:-40}

# run NAME COMMAND...: prints the last line of what it says, or its end when it fails.
run() {
  local name=$1 log=build/check-$1.log
  shift
  if "$@" >"$log" 2>&1; then
    printf '%-14s %s\n' "$name" "$(grep -E '[0-9]+ failed' "$log" | tail -1)"
  else
    tail -60 "$log"
    printf '%-14s FAILED, see %s\n' "$name" "$log"
    bad=1
  fi
}

# build FOLDER SANITIZERS
build() {
  make --no-print-directory -j"$(nproc)" B="build/$1" NATIVE=1 OPT="-O1 -g" SAN="$2" \
    KERNEL="-O1 -fno-trapping-math -fwrapv" all core-tests >"build/check-$1-build.log" 2>&1 ||
    { tail -20 "build/check-$1-build.log"; exit 1; }
}

core_tests() { find "build/$1/tests/core" -type f -executable | sort; }

mkdir -p build
# Libraries that keep what they cached.
cat >build/lsan.supp <<'LSAN'
leak:libfontconfig
leak:libpango
leak:libglib
LSAN
# Not detect_stack_use_after_return: gcc 12 aligns its frames too little for wide vectors.
export ASAN_OPTIONS=detect_leaks=1:allocator_may_return_null=1
export LSAN_OPTIONS=suppressions=$PWD/build/lsan.supp:print_suppressions=0
export UBSAN_OPTIONS=print_stacktrace=1
export TSAN_OPTIONS=halt_on_error=1

# Addresses, undefined behaviour, leaks. There is no memory cache in this build: a block that is given
# back is gone, so that every late use is seen.
build asan "-fsanitize=address,undefined -fno-sanitize-recover=undefined -DLUNETTE_STRESS"
for t in $(core_tests asan); do run "asan-${t##*/}" "$t"; done
run asan build/asan/lunette tests/run.lua --no-core

run asan-extremes build/asan/lunette tests/fuzz/extremes.lua build/extremes.call
run asan-fuzz build/asan/tests/terminal/fuzz
run asan-answers build/asan/tests/terminal/answers

# The same with a full collection before each op and after each userdata.
run stress env LUNETTE_STRESS=1 build/asan/lunette tests/run.lua --no-core \
  autograd blocks derivatives files hostile images linalg moves nn nn_layers nn_utils optim \
  optim_rules random row_options safetensors schedules scopes shapes tensor threads train views

# Allocations failed one by one through training steps, Lua's own too.
make --no-print-directory -j"$(nproc)" all >build/check-build.log 2>&1 || { tail -20 build/check-build.log; exit 1; }
run faults env LUNETTE_FULL=1 build/lunette tests/run.lua faults

# Races: the core's tests with their team, then ops on large inputs from Lua.
build tsan -fsanitize=thread
for t in $(core_tests tsan); do run "tsan-${t##*/}" "$t"; done
run tsan build/tsan/lunette tests/run.lua --no-core threads train

[ $bad = 0 ] && echo "check: clean"
exit $bad
