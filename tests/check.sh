#!/usr/bin/env bash
# The suite under sanitizers and under stress. Each build has a folder of its own in build/.
set -u
cd "$(dirname "$0")/.."
unset OPENBLAS_CORETYPE OPENBLAS_L2_SIZE
bad=0
jobs=-j$(nproc)

# run NAME COMMAND...: prints the last line of what it says, or its end when it fails.
run() {
  local name=$1 log=build/check-$1.log
  shift
  if "$@" >"$log" 2>&1; then
    printf '%-10s %s\n' "$name" "$(tail -1 "$log")"
  else
    tail -40 "$log"
    printf '%-10s FAILED, see %s\n' "$name" "$log"
    bad=1
  fi
}

build() { make --no-print-directory $jobs "$@" >build/check-build.log 2>&1 || { tail -20 build/check-build.log; exit 1; }; }

mkdir -p build
cat >build/lsan.supp <<'LSAN'
leak:libfontconfig
leak:libpango
leak:libglib
LSAN

# Addresses, undefined behaviour, leaks. The memory cache is off in this build.
build B=build/asan OPT="-O1 -g" SAN="-fsanitize=address,undefined -fno-sanitize-recover=undefined" all core-tests
export ASAN_OPTIONS=detect_leaks=1:allocator_may_return_null=1 LSAN_OPTIONS=suppressions=build/lsan.supp:print_suppressions=0
export UBSAN_OPTIONS=print_stacktrace=1
for t in build/asan/tests/core/*; do
  case $t in *.*) ;; *) run "asan-${t##*/}" "$t" ;; esac
done
run asan build/asan/lunette tests/run.lua --no-core

# A full collection before each op and after each userdata.
build B=build/stress CPPFLAGS="-MMD -MP -DLUNETTE_STRESS" all
run stress build/stress/lunette tests/run.lua --no-core ops tensor autograd nn

# Allocations failed one by one through a training step, Lua's own too.
run faults env LUNETTE_FULL=1 build/lunette tests/run.lua faults

# Races in the core: the C tests with their team.
build B=build/tsan OPT="-O1 -g" SAN=-fsanitize=thread core-tests
run tsan-team env TSAN_OPTIONS=halt_on_error=1 build/tsan/tests/core/team

[ $bad = 0 ] && echo "check: clean"
exit $bad
