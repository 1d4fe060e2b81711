#!/usr/bin/env bash
# Runs the JavaScript tests in the given folders, one file at a time, because they measure time and share the
# cores with the browsers. The matrix's files whose rows mostly wait, and open few or no pages, follow three
# at a time.
# Prints the matrix's table afterwards if any of its rows ran, even after a failure.
set -uo pipefail
cd "$(dirname "$0")/.."

WAITING='/matrix/(idle|large|late|limits|moved|requests|slow)\.test\.js$'

# Node 20 does not expand globs here, so this uses find.
mapfile -t files < <(find "$@" -name '*.test.js' | LC_ALL=C sort)
[[ ${#files[@]} -gt 0 ]] || { echo "end-to-end: no test is under $*" >&2; exit 1; }
mapfile -t measuring < <(printf '%s\n' "${files[@]}" | grep -Ev "$WAITING")
mapfile -t waiting < <(printf '%s\n' "${files[@]}" | grep -E "$WAITING")
rm -rf tests/.out/matrix

status=0
# run AT_ONCE FILE...
run() {
  local at_once=$1
  shift
  [[ $# -eq 0 ]] || node --test --test-concurrency="$at_once" --test-reporter=spec "$@" || status=1
}
run 1 "${measuring[@]}"
run 3 "${waiting[@]}"
[[ ! -d tests/.out/matrix ]] || node tests/matrix/summary.js
exit $status
