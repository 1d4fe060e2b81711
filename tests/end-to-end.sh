#!/usr/bin/env bash
# Runs the JavaScript tests under the folders named, one file at a time: they measure time, and share the cores with the browsers.
# Whatever their end, the matrix's table follows where rows of it were among them.
set -uo pipefail
cd "$(dirname "$0")/.."

# Node 20 knows no globs here, hence find.
mapfile -t files < <(find "$@" -name '*.test.js' | LC_ALL=C sort)
[[ ${#files[@]} -gt 0 ]] || { echo "end-to-end: no test is under $*" >&2; exit 1; }
rm -rf tests/.out/matrix
node --test --test-concurrency=1 --test-reporter=spec "${files[@]}"
status=$?
[[ ! -d tests/.out/matrix ]] || node tests/matrix/summary.js
exit $status
