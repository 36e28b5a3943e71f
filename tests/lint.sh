#!/usr/bin/env bash
# Style and mistakes: the formatter's style, warnings as errors, luacheck, accidental globals.
set -u
cd "$(dirname "$0")/.."
bad=0

sources=$(find tensor vm tests -name '*.c' -o -name '*.h' | sort)
clang-format --dry-run --Werror $sources || bad=1

# The build with warnings as errors, in a folder of its own.
make --no-print-directory -j"$(nproc)" B=build/lint SAN=-Werror OPT=-O2 all core-tests >build/lint.log 2>&1 ||
  { grep -E 'error|warning' build/lint.log; bad=1; }

# The generated pages say what the sources say.
mkdir -p build/lint/doc
build/lint/lunette scripts/doc.lua build/lint/doc || bad=1
for page in build/lint/doc/*.md; do
  cmp -s "$page" "doc/${page##*/}" || { echo "doc/${page##*/} is old: make doc writes it"; bad=1; }
done

luacheck -q --no-color nn scripts examples tests || bad=1

# A global that is written is an accident; the compiler's listing shows each.
for f in $(find nn scripts examples tests -name '*.lua'); do
  luac5.4 -l -l -p "$f" | grep 'SETTABUP.*_ENV' | sed "s|^|$f: global written: |" | grep . && bad=1
done

[ $bad = 0 ] && echo "lint: clean"
exit $bad
