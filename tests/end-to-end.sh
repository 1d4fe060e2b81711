#!/usr/bin/env bash
# Runs the JavaScript tests under the folders named, one file at a time: they measure time, and share the cores with the browsers. The
# files of the matrix whose rows mostly wait, and open few pages or none, follow three at a time.
# Whatever their end, the matrix's table follows where rows of it were among them.
set -uo pipefail
cd "$(dirname "$0")/.."

WAITING='/matrix/(idle|large|late|limits|moved|requests|slow)\.test\.js$'

# Node 20 knows no globs here, hence find.
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
