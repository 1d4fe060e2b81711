#!/usr/bin/env bash
# Builds the fuzz targets on stable Rust, and runs each in turn for so many seconds, 60 if none are given:
#   fuzz/run.sh [SECONDS [TARGET…]]
# Needs a C++ compiler, since libFuzzer is C++. The crate has no `unsafe`, so no sanitizer is built in.
set -euo pipefail
cd "$(dirname "$0")"

seconds=${1:-60}
targets=("${@:2}")
[[ ${#targets[@]} -gt 0 ]] || targets=(frames bodies websocket_frames session hub)

# What `cargo fuzz` passes, without what only a nightly compiler takes. With `--target` no build script is compiled so.
host=$(rustc -vV | sed -n 's/^host: //p')
coverage='-Cpasses=sancov-module'
for option in level=4 inline-8bit-counters pc-table trace-compares; do
	coverage+=" -Cllvm-args=-sanitizer-coverage-$option"
done
RUSTFLAGS="--cfg fuzzing $coverage" cargo build --release --target "$host" --target-dir target
programs=target/$host/release

for target in "${targets[@]}"; do
	corpus=corpus/$target
	artifacts=artifacts/$target
	mkdir -p "$corpus" "$artifacts"
	log=artifacts/$target.log
	folders=("$corpus")
	[[ -d findings/$target ]] && folders+=("findings/$target")
	status=0
	THROUGHLINE_SEEDS_INTO=$corpus "$programs/$target" -max_total_time="$seconds" -timeout=60 -print_final_stats=1 \
		-artifact_prefix="$artifacts/" "${folders[@]}" >"$log" 2>&1 || status=$?
	executions=$(sed -n 's/^stat::number_of_executed_units: *//p' "$log")
	printf '%-17s %12s executions in %s s\n' "$target" "${executions:-?}" "$seconds"
	if [[ $status -ne 0 ]]; then
		tail -n 30 "$log" >&2
		found=$(sed -n 's/.*Test unit written to //p' "$log" | tail -n 1)
		printf '\n%s broke a promise. All it said: fuzz/%s. Once more: fuzz/%s/%s fuzz/%s\n' \
			"$target" "$log" "$programs" "$target" "${found:-$artifacts}" >&2
		printf 'It stays as a test once it is in fuzz/findings/%s.\n' "$target" >&2
		exit 1
	fi
done
